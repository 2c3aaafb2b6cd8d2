//! What introspection says of a token.

use frontdesk::demo;
use reqwest::Method;
use serde_json::json;

use crate::fixture::{Answer, Fixture};

#[tokio::test]
async fn introspection_says_exactly_why_a_token_is_not_good() {
    let fixture = Fixture::start().await;
    let operator = fixture.token(demo::OPERATOR).await;
    let ask = |token: &str| {
        let request = fixture.request(Method::POST, "/v1/auth/introspect").bearer_auth(&operator);
        Answer::of(request.json(&json!({"token": token})))
    };
    let manager = fixture.manager().await;
    assert_eq!(ask(&manager).await.ok()["active"], true);
    fixture.post("/v1/auth/logout", &manager, &json!({})).await.ok();
    let ended = ask(&manager).await;
    assert_eq!(
        (ended.ok()["active"].as_bool(), ended.body["reason"].as_str()),
        (Some(false), Some("SESSION_ENDED"))
    );
    let (front, _) = manager.rsplit_once('.').unwrap();
    for (token, reason, fault) in [
        ("x", "TOKEN_INVALID", "malformed"),
        (&*format!("{front}.{}", "A".repeat(86)), "TOKEN_INVALID", "bad_signature"),
        (&"x".repeat(5000), "TOKEN_INVALID", "too_long"),
    ] {
        let answer = ask(token).await;
        assert_eq!(
            (answer.ok()["reason"].as_str(), answer.body["fault"].as_str()),
            (Some(reason), Some(fault))
        );
    }
    let owner = fixture.token(demo::OWNER).await;
    fixture.post("/v1/auth/introspect", &owner, &json!({"token": "x"})).await.refused(403, "SCOPE_MISSING");
}
