//! Declining.

use serde_json::json;

use crate::fixture::{Fixture, Layout, case, path_of};

#[tokio::test]
async fn declining_needs_a_reason_that_is_not_blank() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let id = case("UNDER_REVIEW");
    let before = fixture.snapshot().await;
    let unseen = "\u{200b}\u{2800}\u{3164}\u{ad}\u{feff}\u{2060}\u{301}";
    let blank = ["", " \n\t", unseen].map(|reason| json!({"decline_reason": reason}));
    for body in blank.into_iter().chain([json!({})]) {
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

#[tokio::test]
async fn a_decline_has_a_word_for_programs_and_words_for_the_guest() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let id = case("REQUESTED");
        let read = fixture.get(&path_of(id, ""), &token).await;
        assert_eq!(read.ok()["decline_reason_code"], "unspecified");
        let unknown = json!({"decline_reason": "No", "reason_code": "moon_phase"});
        fixture.post(&path_of(id, "/decline"), &token, &unknown).await.refused(400, "MALFORMED_REQUEST");
        let body = json!({
            "decline_reason": "Two dogs", "reason_code": "guest_not_suitable",
            "guest_message": "We cannot take dogs.", "internal_note": "Rude on the phone",
        });
        fixture.post(&path_of(id, "/decline"), &token, &body).await.ok();
        let read = fixture.get(&path_of(id, ""), &token).await;
        for (field, value) in [
            ("decline_reason", "Two dogs"),
            ("decline_reason_code", "guest_not_suitable"),
            ("decline_message", "We cannot take dogs."),
            ("internal_note", "Rude on the phone"),
        ] {
            assert_eq!(read.ok()[field], value, "{layout:?}");
        }
        // A word of another program is not one of ours, and keeps nobody from reading the rest.
        let foreign =
            format!("update {} set decline_reason_code = 'full_moon' where id = $1", layout.requests());
        fixture.execute(&foreign, &[&id]).await;
        let read = fixture.get(&path_of(id, ""), &token).await;
        assert_eq!(read.ok()["decline_reason_code"], "unspecified");
    }
}
