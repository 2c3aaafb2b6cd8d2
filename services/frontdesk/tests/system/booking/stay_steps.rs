//! A booking from check-in to check-out.

use frontdesk::demo;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::fixture::{Answer, Fixture, Layout, path_of};

/// Stores a request, approves it, and returns its id and the path of its booking.
async fn book(fixture: &Fixture, token: &str, customer: u32, from_day: i32, to_day: i32) -> (Uuid, String) {
    let id = fixture.open_request(demo::TENANT, customer, from_day, to_day).await;
    let answer = fixture.post(&path_of(id, "/approve"), token, &json!({})).await;
    (id, format!("/v1/bookings/{}", answer.ok()["booking_id"].as_str().unwrap()))
}

async fn step(fixture: &Fixture, token: &str, booking: &str, step: &str) -> Answer {
    fixture.post(&format!("{booking}/{step}"), token, &json!({})).await
}

#[tokio::test]
async fn a_stay_goes_from_check_in_to_check_out() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let (request, booking) = book(&fixture, &token, 1, -1, 3).await;
        let step = async |name: &str| step(&fixture, &token, &booking, name).await;
        step("check-out").await.refused(409, "INVALID_TRANSITION");
        assert_eq!(step("check-in").await.ok()["status"], "checked_in");
        assert_eq!(step("check-in").await.ok()["status"], "checked_in");
        step("cancel").await.refused(409, "INVALID_TRANSITION");
        let cancel = fixture.post(&path_of(request, "/cancel"), &token, &json!({})).await;
        cancel.refused(409, "INVALID_TRANSITION");
        let read = fixture.get(&path_of(request, ""), &token).await;
        assert_eq!(read.ok()["status"], "confirmed", "{layout:?}");
        assert_eq!(step("check-out").await.ok()["status"], "checked_out");
        step("no-show").await.refused(409, "INVALID_TRANSITION");
        let history = fixture.get(&path_of(request, "/history"), &token).await;
        let kinds: Vec<&Json> =
            history.ok()["events"].as_array().unwrap().iter().map(|one| &one["kind"]).collect();
        assert_eq!(kinds, ["approved", "checked_in", "checked_out"], "{layout:?}");
    }
}

#[tokio::test]
async fn a_guest_is_neither_checked_in_nor_a_no_show_before_arrival() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let (_, booking) = book(&fixture, &token, 2, 20, 23).await;
        for early in ["check-in", "no-show"] {
            let refused = step(&fixture, &token, &booking, early).await;
            refused.refused(409, "INVALID_TRANSITION");
            assert_eq!(refused.body["metadata"]["state"], "too_early", "{layout:?}");
        }
    }
}

#[tokio::test]
async fn a_no_show_frees_the_dates() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let (_, absent) = book(&fixture, &token, 3, -6, -2).await;
        let marked = step(&fixture, &token, &absent, "no-show").await;
        assert_eq!(marked.ok()["status"], "no_show", "{layout:?}");
        book(&fixture, &token, 4, -6, -2).await;
    }
}
