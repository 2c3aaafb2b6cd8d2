//! How soon access that was taken away is gone.

use std::time::Duration;

use frontdesk::demo;
use serde_json::json;

use crate::fixture::Fixture;

#[tokio::test]
async fn a_changed_role_or_a_disabled_user_loses_access_within_five_seconds() {
    let fixture = Fixture::start().await;
    let (owner, manager) = (fixture.token(demo::OWNER).await, fixture.manager().await);
    let id = fixture.get("/v1/me", &manager).await.ok()["user"]["id"].as_str().unwrap().to_owned();
    fixture.get("/v1/properties", &manager).await.ok();
    let approve = "/v1/booking-requests/0d000000-0000-7000-8000-000000000502/approve";

    let member = format!("/v1/tenants/{}/members/{id}", demo::TENANT);
    fixture.patch(&member, &owner, &json!({"role": "viewer"})).await.ok();
    tokio::time::sleep(Duration::from_secs(5)).await;
    fixture.post(approve, &manager, &json!({})).await.refused(403, "SCOPE_MISSING");

    let operator = fixture.token(demo::OPERATOR).await;
    fixture.post(&format!("/v1/users/{id}/disable"), &operator, &json!({})).await.ok();
    fixture.get("/v1/me", &manager).await.refused(401, "SESSION_ENDED");
    tokio::time::sleep(Duration::from_secs(5)).await;
    fixture.get("/v1/properties", &manager).await.refused(401, "SESSION_ENDED");
}
