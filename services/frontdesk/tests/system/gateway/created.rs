//! What is said of something that was created: 201, and where it can be read.

use frontdesk::demo;
use serde_json::json;

use crate::fixture::{Answer, Fixture, tenant_path};

const LOCATION: &str = "location";

#[tokio::test]
async fn what_was_created_is_read_at_its_location() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let body = json!({"name": "Ada"});
    for path in ["/v1/customers", "/api/v1/customers"] {
        let key = ("idempotency-key", path);
        let made = fixture.post_with(path, &token, key, &body).await;
        let location = told(&made, 201).unwrap();
        assert_eq!(location, format!("{path}/{}", made.body["id"].as_str().unwrap()));
        assert_eq!(fixture.get_with_key(&token, &location).await.ok(), &made.body);
        // The answer that is given again says the same.
        let again = fixture.post_with(path, &token, key, &body).await;
        assert_eq!((told(&again, 201), &again.body), (Some(location), &made.body));
    }
    let refused = fixture.post("/v1/customers", &token, &json!({})).await;
    assert!(refused.status >= 400 && !refused.headers.contains_key(LOCATION), "{}", refused.body);
}

#[tokio::test]
async fn what_has_no_path_of_its_own_is_created_without_a_location() {
    let fixture = Fixture::start().await;
    let owner = fixture.token(demo::OWNER).await;
    let role = json!({"name": "night-desk", "scopes": ["bookings:view"]});
    assert_eq!(told(&fixture.post(&tenant_path("/roles"), &owner, &role).await, 201), None);
}

#[tokio::test]
async fn what_creates_nothing_answers_as_before() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    assert_eq!(told(&fixture.get("/v1/properties", &token).await, 200), None);
    let made = fixture.post("/v1/customers", &token, &json!({"name": "Ada"})).await;
    let path = told(&made, 201).unwrap();
    let twin = fixture.post("/v1/customers", &token, &json!({"name": "Twin"})).await;
    let merge = json!({"duplicate_id": twin.ok()["id"]});
    assert_eq!(told(&fixture.post(&format!("{path}/merge"), &token, &merge).await, 200), None);
}

/// The location that an answer of this status tells.
#[track_caller]
fn told(answer: &Answer, status: u16) -> Option<String> {
    assert_eq!(answer.status, status, "{}", answer.body);
    answer.headers.get(LOCATION).map(|location| location.to_str().unwrap().to_owned())
}
