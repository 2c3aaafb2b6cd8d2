//! Tenants: created, renamed, suspended and resumed.

use frontdesk::demo;
use identity::Policy;
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::fixture::{Answer, Fixture, tenant_path};
use crate::mailbox::Mailbox;
use crate::waits::until_so;

#[tokio::test]
async fn a_suspended_tenant_is_closed_to_members_and_keys_until_it_is_resumed() {
    let fixture = Fixture::start().await;
    let (owner, operator) = (fixture.token(demo::OWNER).await, fixture.token(demo::OPERATOR).await);
    let tenant = demo::TENANT.to_string();
    let named = async |token: &str| {
        let request = fixture.request(Method::GET, "/v1/properties").bearer_auth(token);
        Answer::of(request.header("x-tenant-id", &tenant)).await
    };
    let invite = json!({"email": "new@x.example", "role": "viewer", "return_token": true});
    let invited = fixture.post(&tenant_path("/invitations"), &owner, &invite).await.ok()["token"].clone();
    // As if the link had come by a letter.
    fixture.execute("update identity.invitations set proves_address = true", &[]).await;
    let join = async || {
        let body = json!({"token": invited, "password": "a password of hers"});
        Answer::of(fixture.request(Method::POST, "/v1/invitations/join").json(&body)).await
    };
    fixture.post(&tenant_path("/suspend"), &owner, &json!({})).await.refused(403, "SCOPE_MISSING");
    let suspended = fixture.post(&tenant_path("/suspend"), &operator, &json!({})).await.ok().clone();
    assert!(suspended["suspended_at"].is_string(), "{suspended}");
    let closed = async || fixture.get("/v1/properties", &owner).await.status == 403;
    until_so("the mark has come", closed).await;
    fixture.get("/v1/properties", &owner).await.refused(403, "TENANT_SUSPENDED");
    named(&owner).await.refused(403, "TENANT_SUSPENDED");
    fixture.get_with_key(&owner, "/v1/properties").await.refused(403, "TENANT_SUSPENDED");
    let key = fixture.request(Method::GET, "/v1/properties").header("x-tenant-api-key", &fixture.api_key);
    Answer::of(key).await.refused(403, "TENANT_SUSPENDED");
    join().await.refused(404, "LINK_INVALID");
    // Nobody else is concerned, and operators go on.
    fixture.get("/v1/properties", &fixture.token(demo::OTHER_OWNER).await).await.ok();
    named(&operator).await.ok();
    // Who has no other tenant is not locked in.
    assert_eq!(fixture.get("/v1/me", &owner).await.ok()["current_tenant_id"], "");
    fixture.post("/v1/auth/logout", &fixture.token(demo::VIEWER).await, &json!({})).await.ok();

    let again = fixture.post(&tenant_path("/suspend"), &operator, &json!({})).await.ok().clone();
    assert_eq!(again["suspended_at"], suspended["suspended_at"]);
    for _ in 0..2 {
        let resumed = fixture.post(&tenant_path("/resume"), &operator, &json!({})).await;
        assert!(resumed.ok()["suspended_at"].is_null());
    }
    let told =
        "select count(*) from identity.audit_events where action in ('tenant_suspended', 'tenant_resumed')";
    assert_eq!(fixture.count(told, &[]).await, 2, "what was so already is no event");
    until_so("the owner is let in", async || fixture.get("/v1/properties", &owner).await.status == 200).await;
    join().await.ok();
    let log = fixture.get(&tenant_path("/audit-events"), &owner).await.ok().to_string();
    assert!(log.contains("tenant_suspended") && log.contains("tenant_resumed"), "{log}");
}

#[tokio::test]
async fn a_tenant_gets_another_name_and_keeps_its_short_one() {
    let fixture = Fixture::start().await;
    let operator = fixture.token(demo::OPERATOR).await;
    let path = tenant_path("");
    let renamed = fixture.patch(&path, &operator, &json!({"name": " Alpine Homes "})).await.ok().clone();
    assert_eq!((renamed["name"].as_str(), renamed["slug"].as_str()), (Some("Alpine Homes"), Some("alpine")));
    fixture.patch(&path, &operator, &json!({"name": " "})).await.refused(400, "INVALID_FIELD");
    let nowhere = format!("/v1/tenants/{}", uuid::Uuid::now_v7());
    fixture.patch(&nowhere, &operator, &json!({"name": "X"})).await.refused(404, "TENANT_NOT_FOUND");
    fixture.post(&format!("{nowhere}/suspend"), &operator, &json!({})).await.refused(404, "TENANT_NOT_FOUND");
    fixture.post(&format!("{nowhere}/resume"), &operator, &json!({})).await.refused(404, "TENANT_NOT_FOUND");
    assert_eq!(fixture.get(&path, &operator).await.ok()["name"], "Alpine Homes");
}

#[tokio::test]
async fn a_tenant_comes_with_its_first_owner_or_not_at_all() {
    let mailbox = Mailbox::open().await;
    let fixture = Fixture::start_with(Policy { mail: Some(mailbox.policy()), ..Policy::default() }).await;
    let operator = fixture.token(demo::OPERATOR).await;
    let count = async || fixture.count("select count(*) from identity.tenants", &[]).await;
    let before = count().await;
    let user = fixture.user_id(demo::OTHER_OWNER).await;
    let of = |slug: &str, owner: Json| {
        let mut body = json!({"slug": slug, "name": "Lake Lodge"});
        body.as_object_mut().unwrap().extend(owner.as_object().unwrap().clone());
        body
    };
    let create = async |body: Json| fixture.post("/v1/tenants", &operator, &body).await;
    let both = json!({"owner_email": "lena@lake.example", "owner_user_id": user});
    create(of("lake", both)).await.refused(400, "INVALID_FIELD");
    let nobody = json!({"owner_user_id": "0d000000-0000-7000-8000-00000000dead"});
    create(of("lake", nobody)).await.refused(404, "USER_NOT_FOUND");
    create(of("lake", json!({"owner_email": "no address"}))).await.refused(400, "INVALID_FIELD");
    // Before, one who could not sign in was the owner.
    let disabled = "update identity.users set disabled_at = $1::text::timestamptz where email = $2";
    fixture.execute(disabled, &[&Some("now"), &demo::OTHER_OWNER]).await;
    create(of("lake", json!({"owner_user_id": user}))).await.refused(404, "USER_NOT_FOUND");
    fixture.execute(disabled, &[&None::<&str>, &demo::OTHER_OWNER]).await;
    assert_eq!(count().await, before);

    let made = create(of("lake", json!({"owner_user_id": user}))).await.ok()["id"].clone();
    let owners =
        "select count(*) from identity.memberships where tenant_id = $1::text::uuid and role = 'owner'";
    assert_eq!(fixture.count(owners, &[&made.as_str().unwrap()]).await, 1);
    let invited = json!({"owner_email": " Lena@Lake.example", "language": "de"});
    let made = create(of("lodge", invited)).await.ok()["id"].as_str().unwrap().to_owned();
    assert_eq!(fixture.count(owners, &[&made]).await, 0);
    let letter = mailbox.letter("lena@lake.example", 1).await;
    assert!(letter.head.contains("Subject: Einladung zu Lake Lodge"), "{}", letter.head);
    let join = json!({"token": letter.token("invitation"), "password": "a password of hers"});
    let request = fixture.request(Method::POST, "/v1/invitations/join").json(&join);
    assert_eq!(Answer::of(request).await.ok()["role"], "owner");
    let login = fixture.try_login("lena@lake.example", "a password of hers").await.ok().clone();
    let path = format!("/v1/tenants/{made}/members");
    fixture.get(&path, login["access"].as_str().unwrap()).await.ok();

    // Whoever creates tenants and is no operator invites, and makes nobody a member.
    let helper = json!({
        "email": "helper@x.example", "kind": "service", "password": "a password", "platform_scopes": ["platform:tenants"],
    });
    fixture.post("/v1/users", &operator, &helper).await.ok();
    let helper = fixture.try_login("helper@x.example", "a password").await.ok()["access"].clone();
    let body = of("third", json!({"owner_user_id": user}));
    fixture.post("/v1/tenants", helper.as_str().unwrap(), &body).await.refused(403, "SCOPE_NOT_HELD");
    let body = of("third", json!({"owner_email": "lena@lake.example"}));
    fixture.post("/v1/tenants", helper.as_str().unwrap(), &body).await.ok();
}
