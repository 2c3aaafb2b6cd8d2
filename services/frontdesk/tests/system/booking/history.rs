//! The events of one request.

use frontdesk::demo;
use serde_json::json;
use uuid::Uuid;

use super::help::new_request::{GUEST, new_request};
use crate::fixture::{Fixture, path_of};
use crate::pages::{ids, rows};

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

/// Times of other programs that no answer has a form for, or none at all.
#[tokio::test]
async fn history_has_each_event_once_whatever_its_time() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let id = fixture.open_request(demo::TENANT, 1, 700, 702).await;
    fixture.sql.batch_execute("alter table booking_events alter column at drop not null").await.unwrap();
    let mut expected = Vec::new();
    for at in [
        "null",
        "timestamptz '-infinity'",
        "timestamptz '4000-01-01 BC'",
        "timestamptz '1960-01-01'",
        "now()",
        "timestamptz '20000-01-01'",
        "timestamptz '20000-01-01 00:00:01'",
        "timestamptz 'infinity'",
        "timestamptz 'infinity'",
    ] {
        let event = Uuid::now_v7();
        let insert = format!(
            "insert into booking_events (tenant_id, id, at, booking_request_id, action) \
             values ($1, $2, {at}, $3, 'review_started')"
        );
        fixture.execute(&insert, &[&demo::TENANT, &event, &id]).await;
        expected.push(event.to_string());
    }
    for size in [1, 2, 100] {
        let path = format!("{}?page_size={size}", path_of(id, "/history"));
        let pages = fixture.pages(&token, &path).await;
        assert_eq!(ids(&rows(&pages, "events")), expected, "pages of {size}");
    }
}
