//! Declining.

use serde_json::json;

use crate::fixture::{Fixture, case, path_of};

#[tokio::test]
async fn declining_needs_a_reason_that_is_not_blank() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let id = case("UNDER_REVIEW");
    let before = fixture.snapshot().await;
    for body in [json!({}), json!({"decline_reason": ""}), json!({"decline_reason": " \n\t"})] {
        let answer = fixture.post(&path_of(id, "/decline"), &token, &body).await;
        answer.refused(422, "DECLINE_REASON_REQUIRED");
        assert_eq!(answer.body["violations"][0]["field"], "decline_reason");
    }
    assert_eq!(fixture.snapshot().await, before);

    let body = json!({"decline_reason": "Property unavailable", "internal_note": "Declined via ops"});
    let answer = fixture.post(&path_of(id, "/decline"), &token, &body).await;
    assert_eq!(answer.ok()["status"], "declined");
    let read = fixture.get(&path_of(id, ""), &token).await;
    assert_eq!(read.ok()["decline_reason"], "Property unavailable");
    assert_eq!(read.body["internal_note"], "Declined via ops");
    let events = "select count(*) from booking_events where booking_request_id = $1 and action = 'declined'";
    assert_eq!(fixture.count(events, &[&id]).await, 1);
}
