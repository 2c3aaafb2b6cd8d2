//! Creating a request, and the fields that are refused.

use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::fixture::{Fixture, path_of};

const REQUESTS: &str = "/api/v1/booking-requests";

fn july() -> Json {
    json!({
        "property_id": "0d000000-0000-7000-8000-000000000203",
        "guest_id": "0d000000-0000-7000-8000-000000000303",
        "check_in": "2030-07-01", "check_out": "2030-07-08",
    })
}

#[tokio::test]
async fn creating_stores_a_request_that_can_be_approved() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let mut body = july();
    body["guest_count"] = json!(2);
    body["message"] = json!("Grüße 🏔");
    let created = fixture.post(REQUESTS, &token, &body).await;
    assert_eq!(created.ok()["status"], "requested");
    assert_eq!(created.body["message"], "Grüße 🏔");
    let path = format!("/v1/booking-requests/{}", created.body["id"].as_str().unwrap());
    assert_eq!(fixture.get(&path, &token).await.ok(), &created.body);
    fixture.post(&format!("{path}/approve"), &token, &json!({})).await.ok();
}

#[tokio::test]
async fn another_tenants_property_or_guest_is_not_found() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let before = fixture.snapshot().await;
    for (field, value, status, code) in [
        ("property_id", "0d000000-0000-7000-8000-000000000211", 404, "PROPERTY_NOT_FOUND"),
        ("guest_id", "0d000000-0000-7000-8000-000000000311", 404, "CUSTOMER_NOT_FOUND"),
    ] {
        let mut foreign = july();
        foreign[field] = json!(value);
        fixture.post(REQUESTS, &token, &foreign).await.refused(status, code);
    }
    assert_eq!(fixture.snapshot().await, before);
}

#[tokio::test]
async fn bad_fields_are_named_and_nothing_is_stored() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let before = fixture.snapshot().await;
    for (field, value, code) in [
        ("property_id", json!("x"), "INVALID_FIELD"),
        ("property_id", json!(""), "INVALID_FIELD"),
        ("property_id", json!("'; drop table bookings; --"), "INVALID_FIELD"),
        ("guest_id", json!(7), "MALFORMED_REQUEST"),
        ("check_in", json!("01.07.2030"), "INVALID_FIELD"),
        ("check_in", json!("infinity"), "INVALID_FIELD"),
        ("check_out", json!("2030-06-30"), "INVALID_FIELD"),
        ("check_out", json!("2030-07-01"), "INVALID_FIELD"),
        ("check_out", json!("2199-07-01"), "INVALID_FIELD"),
        ("guest_count", json!(-1), "INVALID_FIELD"),
        ("guest_count", json!(1e9), "INVALID_FIELD"),
        ("guest_count", json!("many"), "MALFORMED_REQUEST"),
        ("message", json!("\u{0}"), "INVALID_FIELD"),
        ("message", json!("x".repeat(4001)), "INVALID_FIELD"),
        ("status", json!("confirmed"), "MALFORMED_REQUEST"),
    ] {
        let mut body = july();
        body[field] = value;
        let answer = fixture.post(REQUESTS, &token, &body).await;
        answer.refused(400, code);
        assert_eq!(answer.body["violations"][0]["field"], field, "{}", answer.body);
    }
    assert_eq!(fixture.snapshot().await, before);
}

#[tokio::test]
async fn an_id_in_the_path_is_a_uuid_of_something_that_exists() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    for id in ["x", "0d000000-0000-7000-8000", "%00", "..%2f..", "null"] {
        fixture.get(&format!("{REQUESTS}/{id}"), &token).await.refused(400, "INVALID_FIELD");
    }
    fixture.get(&path_of(Uuid::now_v7(), ""), &token).await.refused(404, "BOOKING_REQUEST_NOT_FOUND");
}
