//! A booking from check-in to check-out.

use frontdesk::demo;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::fixture::{Fixture, Layout, path_of};

#[tokio::test]
async fn a_stay_goes_from_check_in_to_check_out() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let begun = fixture.open_request(demo::TENANT, 1, -1, 3).await;
        let later = fixture.open_request(demo::TENANT, 2, 20, 23).await;
        let book = async |id: Uuid| {
            let answer = fixture.post(&path_of(id, "/approve"), &token, &json!({})).await;
            format!("/v1/bookings/{}", answer.ok()["booking_id"].as_str().unwrap())
        };
        let (begun_booking, later_booking) = (book(begun).await, book(later).await);
        let step = async |booking: &str, step: &str| {
            fixture.post(&format!("{booking}/{step}"), &token, &json!({})).await
        };
        for early in ["check-in", "no-show"] {
            let refused = step(&later_booking, early).await;
            refused.refused(409, "INVALID_TRANSITION");
            assert_eq!(refused.body["metadata"]["state"], "too_early");
        }
        step(&begun_booking, "check-out").await.refused(409, "INVALID_TRANSITION");
        assert_eq!(step(&begun_booking, "check-in").await.ok()["status"], "checked_in");
        assert_eq!(step(&begun_booking, "check-in").await.ok()["status"], "checked_in");
        step(&begun_booking, "cancel").await.refused(409, "INVALID_TRANSITION");
        fixture.post(&path_of(begun, "/cancel"), &token, &json!({})).await.refused(409, "INVALID_TRANSITION");
        assert_eq!(fixture.get(&path_of(begun, ""), &token).await.ok()["status"], "confirmed", "{layout:?}");
        assert_eq!(step(&begun_booking, "check-out").await.ok()["status"], "checked_out");
        step(&begun_booking, "no-show").await.refused(409, "INVALID_TRANSITION");

        let absent = fixture.open_request(demo::TENANT, 3, -6, -2).await;
        let absent_booking = book(absent).await;
        assert_eq!(step(&absent_booking, "no-show").await.ok()["status"], "no_show");
        // The dates are free again.
        let free = fixture.open_request(demo::TENANT, 4, -6, -2).await;
        book(free).await;
        let history = fixture.get(&path_of(begun, "/history"), &token).await;
        let kinds: Vec<&Json> =
            history.ok()["events"].as_array().unwrap().iter().map(|one| &one["kind"]).collect();
        assert_eq!(kinds, ["approved", "checked_in", "checked_out"], "{layout:?}");
    }
}
