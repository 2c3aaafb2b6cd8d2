//! What a field takes is checked before a handler sees the call, all fields at
//! once, in the same words over REST and gRPC.

use frontdesk::demo;
use frontdesk_proto::booking::v1::{CreateBookingRequestRequest, ListBookingRequestsRequest};
use frontdesk_proto::{ErrorReason, Refusal};
use serde_json::{Value as Json, json};

use crate::fixture::{Answer, Fixture, case, path_of, signed};

const REQUESTS: &str = "/v1/booking-requests";

fn bad() -> Json {
    json!({
        "property_id": "x", "guest_id": "0d000000-0000-7000-8000-000000000303",
        "check_in": "2030-02-30", "check_out": "", "guest_count": 101, "message": "\u{7}",
    })
}

fn fields(answer: &Answer) -> Vec<&str> {
    let violations = answer.body["violations"].as_array().unwrap();
    violations.iter().map(|one| one["field"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn every_bad_field_is_named_in_one_answer() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let before = fixture.snapshot().await;
    let named = ["property_id", "check_in", "check_out", "guest_count", "message"];
    let answer = fixture.post(REQUESTS, &token, &bad()).await;
    assert_eq!(fields(answer.refused(400, "INVALID_FIELD")), named);

    let request = CreateBookingRequestRequest {
        property_id: "x".to_owned(),
        guest_id: "0d000000-0000-7000-8000-000000000303".to_owned(),
        check_in: "2030-02-30".to_owned(),
        guest_count: 101,
        message: "\u{7}".to_owned(),
        ..Default::default()
    };
    let status = fixture.booking().create_booking_request(signed(request, &token)).await.unwrap_err();
    let refusal = Refusal::from_status(&status).unwrap();
    assert_eq!(refusal.reason(), ErrorReason::InvalidField);
    assert_eq!(refusal.message(), answer.body["message"].as_str().unwrap());
    let over_grpc: Vec<_> = refusal.violations().iter().map(|one| one.field.as_str()).collect();
    assert_eq!(over_grpc, named);
    assert_eq!(fixture.snapshot().await, before);
}

#[tokio::test]
async fn entries_of_a_list_are_named_with_their_place() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let request = ListBookingRequestsRequest { status: vec![1, 0, 99], ..Default::default() };
    let status = fixture.booking().list_booking_requests(signed(request, &token)).await.unwrap_err();
    let refusal = Refusal::from_status(&status).unwrap();
    let named: Vec<_> = refusal.violations().iter().map(|one| one.field.as_str()).collect();
    assert_eq!((refusal.reason(), named), (ErrorReason::InvalidField, vec!["status[1]", "status[2]"]));
}

#[tokio::test]
async fn who_may_not_call_is_told_nothing_of_fields() {
    let fixture = Fixture::start().await;
    let viewer = fixture.token(demo::VIEWER).await;
    fixture.post(REQUESTS, &viewer, &bad()).await.refused(403, "SCOPE_MISSING");
    fixture.post(REQUESTS, "e30.e30.e30", &bad()).await.refused(401, "TOKEN_INVALID");
}

#[tokio::test]
async fn a_missing_decline_reason_keeps_its_own_reason_while_it_is_alone() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let blank = json!({"decline_reason": " \n"});
    let alone = fixture.post(&path_of(case("REQUESTED"), "/decline"), &token, &blank).await;
    assert_eq!(fields(alone.refused(422, "DECLINE_REASON_REQUIRED")), ["decline_reason"]);
    let with_more = fixture.post("/v1/booking-requests/x/decline", &token, &blank).await;
    assert_eq!(fields(with_more.refused(400, "INVALID_FIELD")), ["booking_request_id", "decline_reason"]);
}
