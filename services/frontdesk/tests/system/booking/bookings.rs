//! Reading bookings.

use frontdesk::demo;
use serde_json::{Value as Json, json};

use crate::fixture::Fixture;

#[tokio::test]
async fn bookings_are_listed_by_check_in_and_filtered() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let whole = fixture.get("/v1/bookings?page_size=200", &token).await;
    let whole: Vec<Json> = whole.ok()["bookings"].as_array().unwrap().clone();
    assert_eq!(whole.len(), 5);
    assert!(whole.is_sorted_by_key(|one| one["check_in"].as_str().unwrap().to_owned()));
    let (mut paged, mut next) = (Vec::new(), String::new());
    loop {
        let page = fixture.get(&format!("/v1/bookings?limit=2&page_token={next}"), &token).await;
        paged.extend(page.ok()["bookings"].as_array().unwrap().clone());
        next = page.body["next_page_token"].as_str().unwrap().to_owned();
        if next.is_empty() {
            break;
        }
    }
    assert_eq!(paged, whole);
    for (query, found) in [
        ("status=confirmed", 5),
        ("status=cancelled", 0),
        ("guest_id=0d000000-0000-7000-8000-000000000303", 1),
        ("property_id=0d000000-0000-7000-8000-000000000202", 0),
    ] {
        let list = fixture.get(&format!("/v1/bookings?{query}"), &token).await;
        assert_eq!(list.ok()["bookings"].as_array().unwrap().len(), found, "{query}");
    }
    let foreign = fixture.token(demo::OTHER_OWNER).await;
    assert_eq!(fixture.get("/v1/bookings", &foreign).await.ok()["bookings"], json!([]));
    let id = whole[0]["id"].as_str().unwrap();
    fixture.get(&format!("/v1/bookings/{id}"), &foreign).await.refused(404, "BOOKING_NOT_FOUND");
    let cancel = fixture.post(&format!("/v1/bookings/{id}/cancel"), &foreign, &json!({})).await;
    cancel.refused(404, "BOOKING_NOT_FOUND");
}
