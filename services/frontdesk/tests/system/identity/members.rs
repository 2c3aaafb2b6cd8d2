//! Members of a tenant: who may add, change and remove them.

use frontdesk::demo;
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::fixture::{Answer, Fixture, tenant_path};

/// What a platform operator does without asking the person.
pub async fn add(fixture: &Fixture, email: &str, role: &str) -> Answer {
    let operator = fixture.token(demo::OPERATOR).await;
    let tenant = demo::TENANT.to_string();
    fixture
        .post_with(&tenant_path("/members"), &operator, ("x-tenant-id", &tenant), &member(email, role))
        .await
}

fn member(email: &str, role: &str) -> Json {
    json!({"email": email, "role": role})
}

/// Gives the viewer a role that may manage members and hardly anything else, and
/// returns the viewer's token and path.
async fn viewer_who_manages_members(fixture: &Fixture, owner: &str) -> (String, String) {
    let role = json!({"name": "front-desk", "scopes": ["bookings:view", "members:manage", "members:view"]});
    fixture.post(&tenant_path("/roles"), owner, &role).await.ok();
    let path = tenant_path(&format!("/members/{}", fixture.user_id(demo::VIEWER).await));
    let changed = fixture.patch(&path, owner, &json!({"role": "front-desk"})).await;
    assert_eq!(changed.ok()["role"], "front-desk");
    let token = fixture.token(demo::VIEWER).await;
    let me = fixture.get("/v1/me", &token).await;
    let scopes = json!(["bookings:view", "members:manage", "members:view"]);
    assert_eq!(me.ok()["memberships"][0]["scopes"], scopes);
    (token, path)
}

#[tokio::test]
async fn nobody_gives_or_takes_more_than_they_hold() {
    let fixture = Fixture::start().await;
    let owner = fixture.token(demo::OWNER).await;
    let (token, own_path) = viewer_who_manages_members(&fixture, &owner).await;
    let members = tenant_path("/members");
    let invitations = tenant_path("/invitations");
    let as_owner = json!({"email": demo::OTHER_OWNER, "role": "owner", "return_token": true});
    fixture.post(&invitations, &token, &as_owner).await.refused(403, "SCOPE_NOT_HELD");
    let owner_path = tenant_path(&format!("/members/{}", fixture.user_id(demo::OWNER).await));
    fixture.delete(&owner_path, &token).await.refused(403, "SCOPE_NOT_HELD");
    fixture.patch(&own_path, &token, &json!({"role": "owner"})).await.refused(403, "SCOPE_NOT_HELD");
    let as_equal = json!({"email": demo::OTHER_OWNER, "role": "front-desk", "return_token": true});
    fixture.post(&invitations, &token, &as_equal).await.ok();
    assert_eq!(fixture.get(&members, &token).await.ok()["members"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_member_is_added_once_and_must_be_a_user_with_a_role_that_exists() {
    let fixture = Fixture::start().await;
    let owner = fixture.token(demo::OWNER).await;
    let members = tenant_path("/members");
    add(&fixture, demo::OTHER_OWNER, "viewer").await.ok();
    add(&fixture, demo::OTHER_OWNER, "viewer").await.refused(409, "ALREADY_EXISTS");
    add(&fixture, "nobody@x.example", "viewer").await.refused(404, "USER_NOT_FOUND");
    add(&fixture, demo::MANAGER, "nothing").await.refused(404, "ROLE_NOT_FOUND");
    // Nobody else adds people who were not asked, or learns who has an account.
    for email in ["nobody@x.example", demo::OPERATOR] {
        let answer = fixture.post(&members, &owner, &member(email, "viewer")).await;
        answer.refused(403, "SCOPE_MISSING");
    }
    let viewer = tenant_path(&format!("/members/{}", fixture.user_id(demo::VIEWER).await));
    fixture.patch(&viewer, &owner, &json!({"role": "nothing"})).await.refused(404, "ROLE_NOT_FOUND");
}

#[tokio::test]
async fn a_member_of_two_tenants_names_one_and_path_and_header_agree() {
    let fixture = Fixture::start().await;
    add(&fixture, demo::OTHER_OWNER, "viewer").await.ok();
    let both = fixture.token(demo::OTHER_OWNER).await;
    fixture.get("/v1/properties", &both).await.refused(400, "TENANT_REQUIRED");
    let mixed = fixture.request(Method::GET, &tenant_path("/members")).bearer_auth(&both);
    let mixed = mixed.header("x-tenant-id", demo::OTHER_TENANT.to_string());
    Answer::of(mixed).await.refused(403, "TENANT_ACCESS_DENIED");
}

#[tokio::test]
async fn a_role_that_loses_a_scope_takes_it_from_its_members() {
    let fixture = Fixture::start().await;
    let owner = fixture.token(demo::OWNER).await;
    let (token, _) = viewer_who_manages_members(&fixture, &owner).await;
    let less = json!({"scopes": ["members:view"]});
    fixture.patch(&tenant_path("/roles/front-desk"), &owner, &less).await.ok();
    let invite = json!({"email": "x@x.example", "role": "viewer", "return_token": true});
    fixture.post(&tenant_path("/invitations"), &token, &invite).await.refused(403, "SCOPE_MISSING");
}

/// Before, an owner who could not sign in kept the others from being the last one.
#[tokio::test]
async fn an_owner_who_is_disabled_is_no_owner_that_is_left() {
    let fixture = Fixture::start().await;
    let (owner, operator) = (fixture.token(demo::OWNER).await, fixture.token(demo::OPERATOR).await);
    let (first, second) = (fixture.user_id(demo::OWNER).await, fixture.user_id(demo::MANAGER).await);
    let path = |id: &str| tenant_path(&format!("/members/{id}"));
    let (down, up) = (json!({"role": "viewer"}), json!({"role": "owner"}));
    fixture.patch(&path(&second), &owner, &up).await.ok();
    fixture.post(&format!("/v1/users/{second}/disable"), &operator, &json!({})).await.ok();
    fixture.patch(&path(&first), &owner, &down).await.refused(409, "LAST_OWNER");
    fixture.delete(&path(&first), &owner).await.refused(409, "LAST_OWNER");
    let owners = "select count(*) from identity.memberships where tenant_id = $1 and role = 'owner'";
    assert_eq!(fixture.count(owners, &[&demo::TENANT]).await, 2);
    fixture.post(&format!("/v1/users/{second}/enable"), &operator, &json!({})).await.ok();
    fixture.patch(&path(&first), &owner, &down).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_owner_is_disabled_only_where_that_is_said() {
    let fixture = Fixture::start().await;
    let (owner, operator) = (fixture.token(demo::OWNER).await, fixture.token(demo::OPERATOR).await);
    let (first, second) = (fixture.user_id(demo::OWNER).await, fixture.user_id(demo::MANAGER).await);
    let step = |id: &str, step: &str| format!("/v1/users/{id}/{step}");
    let refused = fixture.post(&step(&first, "disable"), &operator, &json!({})).await;
    refused.refused(409, "LAST_OWNER");
    assert!(refused.body["detail"].as_str().unwrap().contains("Alpine Stays"), "{}", refused.body);
    fixture.get("/v1/me", &owner).await.ok();

    // Of two who go at once, each in another way, one stays.
    let owners = "select count(*) from identity.memberships m join identity.users u on u.id = m.user_id \
        where m.tenant_id = $1 and m.role = 'owner' and u.disabled_at is null";
    for way in ["disable", "leave", "remove"] {
        let member = tenant_path(&format!("/members/{second}"));
        let restore =
            "update identity.users set disabled_at = null where id in ($1::text::uuid, $2::text::uuid)";
        fixture.execute(restore, &[&first, &second]).await;
        add(&fixture, demo::OWNER, "owner").await;
        add(&fixture, demo::MANAGER, "owner").await;
        let promoted = "update identity.memberships set role = 'owner' where tenant_id = $1 \
            and user_id in ($2::text::uuid, $3::text::uuid)";
        fixture.execute(promoted, &[&demo::TENANT, &first, &second]).await;
        let (owner, other) = (fixture.token(demo::OWNER).await, fixture.token(demo::MANAGER).await);
        let (path, nothing, leave) = (step(&first, "disable"), json!({}), tenant_path("/leave"));
        let one = fixture.post(&path, &operator, &nothing);
        let (one, other) = match way {
            "disable" => {
                let path = step(&second, "disable");
                tokio::join!(one, fixture.post(&path, &operator, &nothing))
            }
            "leave" => tokio::join!(one, fixture.post(&leave, &other, &nothing)),
            _ => tokio::join!(one, fixture.delete(&member, &owner)),
        };
        assert_eq!(fixture.count(owners, &[&demo::TENANT]).await, 1, "{way}: {one:?} {other:?}");
    }
    let even_so = json!({"even_if_last_owner": true});
    for id in [&first, &second] {
        fixture.post(&step(id, "disable"), &operator, &even_so).await.ok();
    }
    assert_eq!(fixture.count(owners, &[&demo::TENANT]).await, 0);
    // Of one who is disabled nothing is taken: before, that was refused.
    let events = "select count(*) from identity.audit_events where action = 'user_disabled'";
    let before = fixture.count(events, &[]).await;
    let again = fixture.post(&step(&first, "disable"), &operator, &json!({})).await;
    assert_ne!(again.ok()["disabled_at"], json!(null));
    assert_eq!(fixture.count(events, &[]).await, before);

    // Of several who do the same at once, one has done it; the user's tenants are told beside that.
    let events = "select count(*) from identity.audit_events where action = $1 and tenant_id is null";
    for (way, action, body) in [("enable", "user_enabled", json!({})), ("disable", "user_disabled", even_so)]
    {
        let (before, path) = (fixture.count(events, &[&action]).await, step(&first, way));
        let all = (0..8).map(|_| fixture.post(&path, &operator, &body));
        for done in join_all(all).await {
            done.ok();
        }
        assert_eq!(fixture.count(events, &[&action]).await, before + 1, "{way}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_never_loses_its_last_owner() {
    let fixture = Fixture::start().await;
    let owner = fixture.token(demo::OWNER).await;
    let (first, second) = (fixture.user_id(demo::OWNER).await, fixture.user_id(demo::MANAGER).await);
    let path = |id: &str| tenant_path(&format!("/members/{id}"));
    fixture.delete(&path(&first), &owner).await.refused(409, "LAST_OWNER");
    fixture.patch(&path(&first), &owner, &json!({"role": "viewer"})).await.refused(409, "LAST_OWNER");
    fixture.patch(&path(&first), &owner, &json!({"role": "owner"})).await.ok();
    let owners = "select count(*) from identity.memberships where tenant_id = $1 and role = 'owner'";
    for _ in 0..5 {
        fixture.patch(&path(&second), &owner, &json!({"role": "owner"})).await.ok();
        let operator = fixture.token(demo::OPERATOR).await;
        let answers = join_all([&first, &second].map(|id| {
            let request = fixture.request(Method::PATCH, &path(id)).bearer_auth(&operator);
            Answer::of(
                request.header("x-tenant-id", demo::TENANT.to_string()).json(&json!({"role": "manager"})),
            )
        }))
        .await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
        assert_eq!(fixture.count(owners, &[&demo::TENANT]).await, 1);
        let restore = "update identity.memberships set role = 'owner' where tenant_id = $1 and user_id = $2::text::uuid";
        fixture.execute(restore, &[&demo::TENANT, &first]).await;
        fixture.execute("update identity.memberships set role = 'manager' where tenant_id = $1 and user_id = $2::text::uuid", &[&demo::TENANT, &second]).await;
    }
}
