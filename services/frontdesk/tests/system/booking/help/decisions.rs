//! Decisions about booking requests as staff make them, for the tests beside.

use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::fixture::{Answer, Fixture, path_of};

impl Fixture {
    /// Approves a request.
    pub async fn approve(&self, token: &str, id: Uuid) -> Answer {
        self.post(&path_of(id, "/approve"), token, &json!({})).await
    }

    /// Approves a request and returns the booking that fulfils it.
    pub async fn approved(&self, token: &str, id: Uuid) -> Uuid {
        self.approve(token, id).await.ok()["booking_id"].as_str().unwrap().parse().unwrap()
    }

    /// A request as it is read.
    pub async fn read(&self, token: &str, id: Uuid) -> Json {
        self.get(&path_of(id, ""), token).await.ok().clone()
    }
}
