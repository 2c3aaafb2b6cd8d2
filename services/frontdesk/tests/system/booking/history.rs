//! The events of one request.

use frontdesk::demo;
use serde_json::json;

use super::help::new_request::{GUEST, new_request};
use crate::fixture::Fixture;

#[tokio::test]
async fn history_is_paged_and_the_tenants_own() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let id = fixture.create_request(&token, &new_request(GUEST, "2031-10-01", "2031-10-05")).await;
    let path = format!("/v1/booking-requests/{id}");
    fixture.post(&format!("{path}/review"), &token, &json!({})).await.ok();
    fixture.post(&format!("{path}/approve"), &token, &json!({})).await.ok();
    fixture.post(&format!("{path}/cancel"), &token, &json!({})).await.ok();
    let pages = fixture.pages(&token, &format!("{path}/history?page_size=1")).await;
    let events = pages.iter().map(|page| &page["events"][0]);
    assert!(events.clone().all(|event| event["actor"] == "0d000000-0000-7000-8000-000000000102"));
    let kinds: Vec<&str> = events.map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["created", "review_started", "approved", "cancelled"]);
    let foreign = fixture.token(demo::OTHER_OWNER).await;
    fixture.get(&format!("{path}/history"), &foreign).await.refused(404, "BOOKING_REQUEST_NOT_FOUND");
    fixture.get(&format!("{path}/explain"), &foreign).await.refused(404, "BOOKING_REQUEST_NOT_FOUND");
}
