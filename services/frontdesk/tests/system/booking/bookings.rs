//! Reading bookings.

use frontdesk::demo;
use serde_json::{Value as Json, json};

use crate::fixture::Fixture;
use crate::pages::rows;

#[tokio::test]
async fn bookings_are_listed_by_check_in_page_by_page() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let whole = fixture.get("/v1/bookings?page_size=200", &token).await;
    let whole: Vec<Json> = whole.ok()["bookings"].as_array().unwrap().clone();
    assert_eq!(whole.len(), 5);
    assert!(whole.is_sorted_by_key(|one| one["check_in"].as_str().unwrap().to_owned()));
    let pages = fixture.pages(&token, "/v1/bookings?limit=2").await;
    assert_eq!(rows(&pages, "bookings"), whole);
}

#[tokio::test]
async fn bookings_are_filtered_by_status_guest_and_property() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    for (query, found) in [
        ("status=confirmed", 5),
        ("status=cancelled", 0),
        ("guest_id=0d000000-0000-7000-8000-000000000303", 1),
        ("property_id=0d000000-0000-7000-8000-000000000202", 0),
    ] {
        let list = fixture.get(&format!("/v1/bookings?{query}"), &token).await;
        assert_eq!(list.ok()["bookings"].as_array().unwrap().len(), found, "{query}");
    }
}

#[tokio::test]
async fn another_tenants_bookings_are_not_found() {
    let fixture = Fixture::start().await;
    let (token, foreign) = (fixture.manager().await, fixture.token(demo::OTHER_OWNER).await);
    let mine = fixture.get("/v1/bookings?page_size=200", &token).await;
    assert_eq!(fixture.get("/v1/bookings", &foreign).await.ok()["bookings"], json!([]));
    let before = fixture.snapshot().await;
    for booking in mine.ok()["bookings"].as_array().unwrap() {
        let path = format!("/v1/bookings/{}", booking["id"].as_str().unwrap());
        fixture.get(&path, &foreign).await.refused(404, "BOOKING_NOT_FOUND");
        let cancel = fixture.post(&format!("{path}/cancel"), &foreign, &json!({})).await;
        cancel.refused(404, "BOOKING_NOT_FOUND");
    }
    assert_eq!(fixture.snapshot().await, before);
}
