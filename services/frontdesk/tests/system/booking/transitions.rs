//! Which step follows which: review, cancel, and what is closed.

use serde_json::json;
use uuid::Uuid;

use super::help::new_request::{OTHER_GUEST, new_request};
use crate::fixture::{Fixture, Layout, case, path_of};

#[tokio::test]
async fn a_review_starts_once_and_its_request_can_be_approved() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let id = case("REQUESTED");
        let body = json!({"internal_note": "Calling the guest"});
        assert_eq!(fixture.post(&path_of(id, "/review"), &token, &body).await.ok()["status"], "under_review");
        let before = fixture.snapshot().await;
        fixture.post(&path_of(id, "/review"), &token, &body).await.ok();
        assert_eq!(fixture.snapshot().await, before, "{layout:?}");
        fixture.post(&path_of(id, "/approve"), &token, &json!({"internal_note": "Fine"})).await.ok();
        let read = fixture.get(&path_of(id, ""), &token).await;
        assert_eq!(read.ok()["internal_note"], "Calling the guest\nFine", "{layout:?}");
        for name in ["CONFIRMED", "DECLINED", "CANCELLED"] {
            let answer = fixture.post(&path_of(case(name), "/review"), &token, &body).await;
            answer.refused(409, "INVALID_TRANSITION");
        }
    }
}

#[tokio::test]
async fn cancelling_a_confirmed_request_cancels_its_booking_and_frees_the_dates() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let id = case("REQUESTED");
        let approved = fixture.approve(&token, id).await;
        let booking = approved.ok()["booking_id"].clone();
        let cancelled =
            fixture.post(&path_of(id, "/cancel"), &token, &json!({"internal_note": "Guest is ill"})).await;
        assert_eq!(cancelled.ok()["cancelled_booking_id"], booking, "{layout:?}");
        let read = fixture.get(&format!("/v1/bookings/{}", booking.as_str().unwrap()), &token).await;
        assert_eq!(read.ok()["status"], "cancelled", "{layout:?}");
        let request = fixture.get(&path_of(id, ""), &token).await;
        assert_eq!(
            (&request.ok()["status"], &request.body["internal_note"]),
            (&json!("cancelled"), &json!("Guest is ill"))
        );
        let before = fixture.snapshot().await;
        assert_eq!(
            fixture.post(&path_of(id, "/cancel"), &token, &json!({})).await.ok()["status"],
            "cancelled"
        );
        assert_eq!(fixture.snapshot().await, before, "{layout:?}");
        let date = |name: &str| request.body[name].as_str().unwrap();
        let mut free = new_request(OTHER_GUEST, date("check_in"), date("check_out"));
        free["property_id"] = request.body["property_id"].clone();
        let next = fixture.create_request(&token, &free).await;
        fixture.post(&format!("/v1/booking-requests/{next}/approve"), &token, &json!({})).await.ok();
    }
}

#[tokio::test]
async fn closed_requests_are_not_cancelled() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let refused = fixture.post(&path_of(case("DECLINED"), "/cancel"), &token, &json!({})).await;
        refused.refused(409, "INVALID_TRANSITION");
        assert_eq!(refused.body["metadata"]["state"], "already_declined");
        fixture.post(&path_of(case("UNDER_REVIEW"), "/cancel"), &token, &json!({})).await.ok();
        let twice = fixture.post(&path_of(case("UNDER_REVIEW"), "/approve"), &token, &json!({})).await;
        twice.refused(409, "INVALID_TRANSITION");
        assert_eq!(twice.body["metadata"]["state"], "cancelled");
        let nobody = fixture.post(&path_of(Uuid::now_v7(), "/cancel"), &token, &json!({})).await;
        nobody.refused(404, "BOOKING_REQUEST_NOT_FOUND");
    }
}

#[tokio::test]
async fn deciding_a_request_that_is_decided_says_in_which_state_it_is() {
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
async fn a_cancelled_request_names_no_booking() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let id = fixture.open_request(frontdesk::demo::TENANT, 1, 200, 202).await;
        fixture.approve(&token, id).await.ok();
        assert_ne!(fixture.get(&path_of(id, ""), &token).await.ok()["approved_booking_id"], "");
        fixture.post(&path_of(id, "/cancel"), &token, &json!({})).await.ok();
        let read = fixture.get(&path_of(id, ""), &token).await;
        assert_eq!(
            (&read.ok()["status"], &read.body["approved_booking_id"]),
            (&json!("cancelled"), &json!("")),
            "{layout:?}"
        );
    }
}
