//! What an operator of the platform has offered, when the operator is one no more.

use frontdesk::demo;
use identity::Policy;
use reqwest::Method;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::fixture::{Answer, Fixture, tenant_path};
use crate::mailbox::Mailbox;

const ALL: [&str; 3] = ["platform:operate", "platform:tenants", "platform:users"];
const PASSWORD: &str = "a second operator";
const OPEN: &str = "select count(*) from identity.invitations where invited_by = $1 and state = 'open'";

struct Second {
    fixture: Fixture,
    _mailbox: Mailbox,
    operator: String,
}

impl Second {
    async fn start() -> Self {
        let mailbox = Mailbox::open().await;
        let policy = Policy { mail: Some(mailbox.policy()), ..Policy::default() };
        let fixture = Fixture::start_with(policy).await;
        let operator = fixture.token(demo::OPERATOR).await;
        Self { fixture, _mailbox: mailbox, operator }
    }

    /// Somebody with these scopes outside tenants, and a token.
    async fn make(&self, name: &str, scopes: &[&str]) -> (Uuid, String) {
        let email = format!("{name}@x.example");
        let new = json!({"email": email, "kind": "service", "password": PASSWORD, "platform_scopes": scopes});
        let made = self.fixture.post("/v1/users", &self.operator, &new).await.ok().clone();
        let token = self.fixture.try_login(&email, PASSWORD).await.ok()["access"].clone();
        (made["id"].as_str().unwrap().parse().unwrap(), token.as_str().unwrap().to_owned())
    }

    /// Posts in the demo's tenant, which an operator names.
    async fn post(&self, token: &str, path: &str, body: &Json) -> Json {
        let tenant = demo::TENANT.to_string();
        let answer = self.fixture.post_with(&tenant_path(path), token, ("x-tenant-id", &tenant), body).await;
        answer.ok().clone()
    }

    /// Invites somebody as an owner, and returns the token and the id.
    async fn invite(&self, by: &str, name: &str) -> (String, String) {
        let body = json!({"email": format!("{name}@x.example"), "role": "owner", "return_token": true});
        let invited = self.post(by, "/invitations", &body).await;
        let text = |value: &Json| value.as_str().unwrap().to_owned();
        (text(&invited["token"]), text(&invited["invitation"]["id"]))
    }

    async fn join(&self, token: &str) -> Answer {
        let body = json!({"token": token, "display_name": "New", "password": "a password of hers"});
        Answer::of(self.fixture.request(Method::POST, "/v1/invitations/join").json(&body)).await
    }

    async fn set(&self, user: Uuid, scopes: &[&str]) {
        let path = format!("/v1/users/{user}/platform-scopes");
        let request = self.fixture.request(Method::PUT, &path).bearer_auth(&self.operator);
        Answer::of(request.json(&json!({"platform_scopes": scopes}))).await.ok();
    }

    async fn open_of(&self, user: Uuid) -> i64 {
        self.fixture.count(OPEN, &[&user]).await
    }
}

#[tokio::test]
async fn what_an_operator_offered_ends_for_good_with_the_operator() {
    let second = Second::start().await;
    let fixture = &second.fixture;
    let nothing = json!({});
    for ended in ["scopes", "disabled", "deleted"] {
        let (user, token) = second.make(ended, &ALL).await;
        let (link, id) = second.invite(&token, &format!("new-{ended}")).await;
        let path = format!("/v1/users/{user}");
        match ended {
            "scopes" => {
                second.set(user, &["platform:tenants", "platform:users"]).await;
                second.join(&link).await.refused(404, "LINK_INVALID");
                second.set(user, &ALL).await;
            }
            "disabled" => {
                fixture.post(&format!("{path}/disable"), &second.operator, &nothing).await.ok();
                fixture.post(&format!("{path}/enable"), &second.operator, &nothing).await.ok();
            }
            _ => drop(fixture.delete(&path, &second.operator).await.ok()),
        }
        second.join(&link).await.refused(404, "LINK_INVALID");
        assert_eq!(second.open_of(user).await, 0, "{ended}");
        let told = "select count(*) from identity.audit_events \
            where action = 'invitation_revoked' and tenant_id = $1 and subject = $2";
        assert_eq!(fixture.count(told, &[&demo::TENANT, &id]).await, 1, "{ended}");
    }
}

#[tokio::test]
async fn what_somebody_may_offer_still_goes_on() {
    let second = Second::start().await;
    let fixture = &second.fixture;
    // An owner needs no operator's right.
    let (owner, token) = second.make("owner", &ALL).await;
    let join = "insert into identity.memberships (tenant_id, user_id, role, created_at) values ($1, $2, 'owner', now())";
    fixture.execute(join, &[&demo::TENANT, &owner]).await;
    let (link, _) = second.invite(&token, "by-owner").await;
    second.set(owner, &[]).await;
    second.join(&link).await.ok();
    // Who makes tenants offers them to their first owners; an operator does so anyway.
    let (maker, token) = second.make("maker", &["platform:tenants"]).await;
    let new = |n: u32| json!({"slug": format!("t-{n}"), "name": "T", "owner_email": format!("first-{n}@x.example")});
    fixture.post("/v1/tenants", &token, &new(1)).await.ok();
    let (both, token) = second.make("both", &ALL).await;
    fixture.post("/v1/tenants", &token, &new(2)).await.ok();
    second.set(both, &["platform:operate"]).await;
    assert_eq!((second.open_of(maker).await, second.open_of(both).await), (1, 1));
    second.set(maker, &[]).await;
    assert_eq!(second.open_of(maker).await, 0);
}

/// Before, those of a tenant where the operator may only look were not among them, nor those of
/// one who is disabled or deleted.
#[tokio::test]
async fn the_keys_that_an_operator_leaves_in_tenants_are_named() {
    let second = Second::start().await;
    let fixture = &second.fixture;
    let nothing = json!({});
    for (ended, action) in
        [("scopes", "platform_scopes_changed"), ("disabled", "user_disabled"), ("deleted", "user_deleted")]
    {
        let (user, token) = second.make(&format!("keys-{ended}"), &ALL).await;
        let join = "insert into identity.memberships (tenant_id, user_id, role, created_at) values ($1, $2, 'viewer', now())";
        fixture.execute(join, &[&demo::TENANT, &user]).await;
        let made = second.post(&token, "/api-keys", &json!({"name": ended})).await;
        let key = format!(" live_key:{}", made["api_key"]["id"].as_str().unwrap());
        let path = format!("/v1/users/{user}");
        let subject = match ended {
            "scopes" => {
                second.set(user, &[]).await;
                format!("{user} -platform:operate -platform:tenants -platform:users{key}")
            }
            "disabled" => {
                fixture.post(&format!("{path}/disable"), &second.operator, &nothing).await.ok();
                format!("{user}{key}")
            }
            _ => {
                fixture.delete(&path, &second.operator).await.ok();
                format!("{user}{key}")
            }
        };
        let event = fixture.get("/v1/audit-events", &second.operator).await.ok()["audit_events"][0].clone();
        assert_eq!((&event["action"], &event["subject"]), (&json!(action), &json!(subject)));
        // A tenant is not told of keys, which may be another one's.
        let told = "select count(*) from identity.audit_events \
            where action = $1 and tenant_id = $2 and subject = $3";
        let in_tenant = fixture.count(told, &[&action, &demo::TENANT, &user.to_string()]).await;
        assert_eq!(in_tenant, i64::from(ended != "scopes"), "{ended}");
    }
}

#[tokio::test]
async fn more_keys_than_an_event_names_are_said_to_be_there() {
    let second = Second::start().await;
    let (user, _) = second.make("many", &ALL).await;
    let make = "insert into identity.tenant_api_keys (tenant_id, id, name, secret_hash, created_at, created_by) \
        select $1, gen_random_uuid(), 'left', sha256(n::text::bytea), now(), $2 from generate_series(1, $3::integer) n";
    second.fixture.execute(make, &[&demo::TENANT, &user, &100]).await;
    let subject = async || {
        let event = second.fixture.get("/v1/audit-events", &second.operator).await;
        event.ok()["audit_events"][0]["subject"].as_str().unwrap().to_owned()
    };
    second.set(user, &[]).await;
    let named = subject().await;
    assert!(named.matches(" live_key:").count() == 100 && !named.contains('…'), "{named}");
    second.set(user, &ALL).await;
    second.fixture.execute(make, &[&demo::TENANT, &user, &1]).await;
    second.set(user, &[]).await;
    let named = subject().await;
    assert!(named.matches(" live_key:").count() == 101 && named.ends_with(" live_key:…"), "{named}");
}
