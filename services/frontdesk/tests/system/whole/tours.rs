//! The calls of the two documents that the product grew from, as written there.

use frontdesk::demo;
use reqwest::Method;
use serde_json::json;

use crate::fixture::{Answer, Fixture, case, path_of};

#[tokio::test]
async fn customers_need_a_user_and_a_key_and_each_refusal_says_what_is_missing() {
    let fixture = Fixture::start().await;
    let login = fixture.login(demo::MANAGER).await;
    assert!(login["access"].is_string() && login["refresh"].is_string());
    assert_eq!((login["token_type"].as_str(), login["expires_in"].as_i64()), (Some("bearer"), Some(3600)));
    let token = login["access"].as_str().unwrap();
    let customers =
        || fixture.request(Method::GET, "/v1/customers").header("X-TENANT-ID", demo::TENANT.to_string());

    let both = Answer::of(customers().bearer_auth(token).header("X-TENANT-API-KEY", &fixture.api_key)).await;
    assert_eq!(both.ok()["customers"].as_array().unwrap().len(), 3);

    let key_only = Answer::of(customers().header("X-TENANT-API-KEY", &fixture.api_key)).await;
    key_only.refused(403, "SCOPE_MISSING");
    assert_eq!(key_only.body["metadata"]["missing"], "conversations:view");
    assert_eq!(key_only.body["metadata"]["credential"], "api_key");
    assert!(key_only.body["detail"].as_str().unwrap().contains("Authorization: Bearer"));

    let bearer_only = Answer::of(customers().bearer_auth(token)).await;
    bearer_only.refused(401, "API_KEY_REQUIRED");
    assert!(bearer_only.body["detail"].as_str().unwrap().contains("X-TENANT-API-KEY"));
    assert_eq!(bearer_only.headers["www-authenticate"], "Bearer");
}

#[tokio::test]
async fn a_bearer_token_is_enough_for_the_back_end() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let me = fixture.get("/api/v1/me", &token).await;
    assert_eq!(me.ok()["user"]["email"], demo::MANAGER);
    assert_eq!(me.body["memberships"][0]["role"], "manager");
    assert_eq!(me.body["current_tenant_id"], demo::TENANT.to_string());
    let ignored = fixture.request(Method::GET, "/api/v1/me").bearer_auth(&token).header("apikey", "anything");
    Answer::of(ignored).await.ok();

    let first = fixture.get("/api/v1/properties?limit=1", &token).await;
    assert_eq!(first.ok()["properties"].as_array().unwrap().len(), 1);
    let next = first.body["next_page_token"].as_str().unwrap();
    let second = fixture.get(&format!("/api/v1/properties?limit=1&page_token={next}"), &token).await;
    assert_ne!(second.ok()["properties"][0]["id"], first.body["properties"][0]["id"]);
}

#[tokio::test]
async fn approve_and_decline_answer_with_the_statuses_of_the_table() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let approve = async |name: &str| fixture.post(&path_of(case(name), "/approve"), &token, &json!({})).await;
    let decline = async |name: &str| {
        fixture.post(&path_of(case(name), "/decline"), &token, &json!({"decline_reason": "no"})).await
    };

    approve("REQUESTED").await.ok();
    approve("UNDER_REVIEW").await.ok();
    let again = approve("CONFIRMED").await;
    assert_eq!(again.ok()["message"], "Booking request already approved (idempotent)");
    for (name, state) in [("DECLINED", "already_declined"), ("CANCELLED", "cancelled")] {
        for answer in [approve(name).await, decline(name).await] {
            answer.refused(409, "INVALID_TRANSITION");
            assert_eq!(answer.body["metadata"]["state"], state);
        }
    }
    let confirmed = decline("CONFIRMED").await;
    assert_eq!(confirmed.refused(409, "INVALID_TRANSITION").body["metadata"]["state"], "already_approved");
}

#[tokio::test]
async fn a_preflight_answers_as_the_runbook_says() {
    let fixture = Fixture::start().await;
    let preflight = |origin: &str| {
        let request = fixture.request(Method::OPTIONS, "/api/v1/properties").header("Origin", origin);
        Answer::of(
            request
                .header("Access-Control-Request-Method", "GET")
                .header("Access-Control-Request-Headers", "Authorization"),
        )
    };
    let allowed = preflight("http://localhost:3000").await;
    assert_eq!(allowed.status, 204);
    assert_eq!(allowed.headers["access-control-allow-origin"], "http://localhost:3000");
    assert_eq!(allowed.headers["access-control-allow-methods"], "GET, POST, PUT, PATCH, DELETE");
    assert_eq!(allowed.headers["access-control-allow-headers"], "Authorization");

    let refused = preflight("https://evil.example").await;
    refused.refused(403, "ORIGIN_NOT_ALLOWED");
    assert_eq!(refused.body["metadata"]["setting"], "ALLOWED_ORIGINS");
    assert!(refused.body["detail"].as_str().unwrap().contains("https://evil.example"));
    assert!(!refused.headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn health_follows_the_services() {
    let fixture = Fixture::start().await;
    let get = |path: &str| Answer::of(fixture.request(Method::GET, path));
    assert_eq!(get("/livez").await.ok()["status"], "alive");
    assert_eq!(get("/readyz").await.ok()["booking"], "serving");
}

#[tokio::test]
async fn the_jwks_is_cacheable_and_holds_public_keys_only() {
    let fixture = Fixture::start().await;
    let answer = Answer::of(fixture.request(Method::GET, "/.well-known/jwks.json")).await;
    let key = &answer.ok()["keys"][0];
    assert_eq!(
        (key["kty"].as_str(), key["alg"].as_str(), key["use"].as_str()),
        (Some("EC"), Some("ES256"), Some("sig"))
    );
    assert!(key.get("d").is_none());
    assert_eq!(answer.headers["cache-control"], "public, max-age=300");
}
