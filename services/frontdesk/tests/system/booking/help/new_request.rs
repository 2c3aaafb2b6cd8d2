//! Booking requests as guests make them, for the tests beside.

use serde_json::{Value as Json, json};

use crate::fixture::{Fixture, LAKE_HOUSE};

pub const GUEST: &str = "0d000000-0000-7000-8000-000000000301";
pub const OTHER_GUEST: &str = "0d000000-0000-7000-8000-000000000302";

/// A request for the lake house.
pub fn new_request(guest: &str, check_in: &str, check_out: &str) -> Json {
    json!({"property_id": LAKE_HOUSE, "guest_id": guest, "check_in": check_in, "check_out": check_out})
}

impl Fixture {
    /// Makes a request and returns its id.
    pub async fn create_request(&self, token: &str, body: &Json) -> String {
        let answer = self.post("/v1/booking-requests", token, body).await;
        answer.ok()["id"].as_str().unwrap().to_owned()
    }

    /// From here on requests for the lake house hold their dates.
    pub async fn hold_dates(&self, token: &str) {
        let path = format!("/v1/properties/{LAKE_HOUSE}");
        let changed = self.patch(&path, token, &json!({"hold_policy": "hold", "hold_hours": 2})).await;
        assert_eq!((&changed.ok()["hold_policy"], &changed.body["hold_hours"]), (&json!("hold"), &json!(2)));
    }
}
