//! A platform operator sees what a member of a tenant sees, and changes nothing.

use frontdesk::demo;
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::fixture::{Answer, Fixture, tenant_path};
use crate::waits;

/// Asks for a token to see what a user sees.
async fn ask(fixture: &Fixture, token: &str, user: &str, body: &Json) -> Answer {
    fixture.post(&format!("/v1/users/{user}/view-as"), token, body).await
}

fn why() -> Json {
    json!({"tenant_id": demo::TENANT, "reason": "ticket 7: cannot see the lake house"})
}

/// The operator's token, the user, and the token to see what that user sees.
pub async fn view(fixture: &Fixture, email: &str) -> (String, String, String) {
    let operator = fixture.token(demo::OPERATOR).await;
    let user = fixture.user_id(email).await;
    let seen = ask(fixture, &operator, &user, &why()).await.ok()["access"].as_str().unwrap().to_owned();
    (operator, user, seen)
}

#[tokio::test]
async fn an_operator_sees_what_the_user_sees_and_the_tenant_reads_why() {
    let fixture = Fixture::start().await;
    let (operator, user, seen) = view(&fixture, demo::VIEWER).await;
    let viewer = fixture.token(demo::VIEWER).await;
    for path in ["/v1/properties", "/v1/bookings"] {
        assert_eq!(fixture.get(path, &seen).await.ok(), fixture.get(path, &viewer).await.ok(), "{path}");
    }
    // What the user may not see is not seen, whatever the operator may do.
    for (path, token) in [(tenant_path("/api-keys"), &seen), ("/v1/users".to_owned(), &seen)] {
        let refused = fixture.get(&path, token).await;
        refused.refused(403, "SCOPE_MISSING");
        assert_eq!(refused.body["metadata"]["credential"], "view_token", "{}", refused.body);
    }
    let operator_id = fixture.user_id(demo::OPERATOR).await;
    let me = fixture.get("/v1/me", &seen).await.ok().clone();
    assert_eq!((&me["user"]["id"], &me["viewed_by"]), (&json!(user), &json!(operator_id)));
    assert_eq!(me["memberships"].as_array().unwrap().len(), 1);
    assert_eq!(me["platform_scopes"], json!([]));
    let own = fixture.get("/v1/me", &operator).await.ok().clone();
    assert_eq!((&own["viewed_by"], own["platform_scopes"] == json!([])), (&json!(""), false));

    let owner = fixture.token(demo::OWNER).await;
    let found = |events: &Json| {
        let events = events["audit_events"].as_array().unwrap().clone();
        events.into_iter().find(|event| event["action"] == "viewed_as").unwrap()
    };
    let of_tenant = found(fixture.get(&tenant_path("/audit-events"), &owner).await.ok());
    let of_platform = found(fixture.get("/v1/audit-events", &operator).await.ok());
    for event in [&of_tenant, &of_platform] {
        assert_eq!((&event["user_id"], &event["subject"]), (&json!(operator_id), &json!(user)));
        assert_eq!(event["reason"], why()["reason"]);
    }
    assert_eq!((&of_tenant["tenant_id"], &of_platform["tenant_id"]), (&json!(demo::TENANT), &json!("")));
}

#[tokio::test]
async fn whoever_looks_stays_in_the_tenant_has_no_refresh_and_hands_nothing_on() {
    let fixture = Fixture::start().await;
    let (_, user, seen) = view(&fixture, demo::OWNER).await;
    let elsewhere = fixture.request(Method::GET, "/v1/properties").bearer_auth(&seen);
    let elsewhere = elsewhere.header("x-tenant-id", demo::OTHER_TENANT.to_string());
    Answer::of(elsewhere).await.refused(403, "TENANT_ACCESS_DENIED");
    fixture.refresh(&json!(seen)).await.refused(401, "REFRESH_TOKEN_INVALID");
    fixture.get("/v1/auth/sessions", &seen).await.refused(403, "VIEW_ONLY");
    ask(&fixture, &seen, &user, &why()).await.refused(403, "VIEW_ONLY");
    let key = fixture.request(Method::GET, "/v1/customers").bearer_auth(&seen);
    Answer::of(key.header("x-tenant-api-key", &fixture.api_key)).await.ok();
}

#[tokio::test]
async fn a_tenant_that_asks_owners_for_two_factors_asks_whoever_looks_for_them() {
    let fixture = Fixture::start().await;
    let (_, user, seen) = view(&fixture, demo::VIEWER).await;
    let path = "/v1/properties";
    fixture.get(path, &seen).await.ok();
    let ask_owners = "update identity.tenants set second_factor = 'owners' where id = $1";
    assert_eq!(fixture.execute(ask_owners, &[&demo::TENANT]).await, 1);
    waits::until_so("two are asked", async || fixture.get(path, &seen).await.status == 401).await;
    fixture.get(path, &seen).await.refused(401, "STEP_UP_REQUIRED");
    let operator = fixture.protect(demo::OPERATOR).await;
    let again = ask(&fixture, operator.token(), &user, &why()).await;
    fixture.get(path, again.ok()["access"].as_str().unwrap()).await.ok();
}

#[tokio::test]
async fn who_may_look_is_an_operator_with_a_reason_at_a_member() {
    let fixture = Fixture::start().await;
    let (owner, operator) = (fixture.token(demo::OWNER).await, fixture.token(demo::OPERATOR).await);
    let viewer = fixture.user_id(demo::VIEWER).await;
    ask(&fixture, &owner, &viewer, &why()).await.refused(403, "SCOPE_MISSING");
    for reason in ["", "  "] {
        let body = json!({"tenant_id": demo::TENANT, "reason": reason});
        ask(&fixture, &operator, &viewer, &body).await.refused(400, "INVALID_FIELD");
    }
    ask(&fixture, &operator, &viewer, &json!({"tenant_id": demo::TENANT}))
        .await
        .refused(400, "INVALID_FIELD");
    let elsewhere = json!({"tenant_id": demo::OTHER_TENANT, "reason": "x"});
    ask(&fixture, &operator, &viewer, &elsewhere).await.refused(404, "MEMBER_NOT_FOUND");
    let nobody = uuid::Uuid::now_v7().to_string();
    ask(&fixture, &operator, &nobody, &why()).await.refused(404, "MEMBER_NOT_FOUND");
    let looked = "select count(*) from identity.audit_events where action = 'viewed_as'";
    assert_eq!(fixture.count(looked, &[]).await, 0);
}

#[tokio::test]
async fn looking_ends_when_the_operator_is_one_no_more_or_the_user_is_no_member_or_disabled() {
    let fixture = Fixture::start().await;
    let path = "/v1/properties";
    let (operator, ..) = view(&fixture, demo::VIEWER).await;
    let again = async || {
        let user = fixture.user_id(demo::VIEWER).await;
        let operator = fixture.token(demo::OPERATOR).await;
        let seen = ask(&fixture, &operator, &user, &why()).await.ok()["access"].as_str().unwrap().to_owned();
        fixture.get(path, &seen).await.ok();
        (operator, seen)
    };
    let ended = async |seen: &str, status: u16| {
        waits::until_so(status, async || fixture.get(path, seen).await.status == status).await;
    };
    let told = async |token: &str| {
        let answer = fixture.post("/v1/auth/introspect", &operator, &json!({"token": token})).await;
        (answer.ok()["active"].clone(), answer.body["viewed_by"].clone())
    };
    let operator_id = json!(fixture.user_id(demo::OPERATOR).await);
    let (signed_out, seen) = again().await;
    assert_eq!(told(&seen).await, (json!(true), operator_id.clone()));
    fixture.post("/v1/auth/logout", &signed_out, &json!({})).await.ok();
    ended(&seen, 401).await;
    fixture.get(path, &seen).await.refused(401, "SESSION_ENDED");
    assert_eq!(told(&seen).await, (json!(false), operator_id));

    let (_, seen) = again().await;
    let viewer = fixture.user_id(demo::VIEWER).await;
    let owner = fixture.token(demo::OWNER).await;
    fixture.delete(&tenant_path(&format!("/members/{viewer}")), &owner).await.ok();
    ended(&seen, 403).await;
    fixture.get(path, &seen).await.refused(403, "TENANT_ACCESS_DENIED");
    assert_eq!(told(&seen).await.0, json!(false));

    let manager = fixture.user_id(demo::MANAGER).await;
    let seen = ask(&fixture, &operator, &manager, &why()).await.ok()["access"].as_str().unwrap().to_owned();
    fixture.get(path, &seen).await.ok();
    fixture.post(&format!("/v1/users/{manager}/disable"), &operator, &json!({})).await.ok();
    ended(&seen, 403).await;
    fixture.get(path, &seen).await.refused(403, "TENANT_ACCESS_DENIED");
    assert_eq!(told(&seen).await.0, json!(false));

    fixture.post(&format!("/v1/users/{manager}/enable"), &operator, &json!({})).await.ok();
    let seen = ask(&fixture, &operator, &manager, &why()).await.ok()["access"].as_str().unwrap().to_owned();
    fixture.get(path, &seen).await.ok();
    let take = "update identity.users set platform_scopes = '{platform:users}' where email = $1";
    assert_eq!(fixture.execute(take, &[&demo::OPERATOR]).await, 1);
    ended(&seen, 401).await;
    fixture.get(path, &seen).await.refused(401, "SESSION_ENDED");
}
