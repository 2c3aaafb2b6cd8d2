//! How long a call may take.

use std::time::Duration;

use frontdesk_proto::booking::v1::GetBookingRequestRequest;
use reqwest::Method;
use serde_json::json;

use crate::fixture::{Answer, Fixture, case, path_of, signed};

#[tokio::test]
async fn a_deadline_is_kept_and_must_be_readable() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let id = case("REQUESTED");
    fixture
        .sql
        .batch_execute(&format!("begin; select from booking_requests where id = '{id}' for update"))
        .await
        .unwrap();
    let approve = |name: &'static str, value: &'static str| {
        let request = fixture.request(Method::POST, &path_of(id, "/approve")).bearer_auth(&token);
        Answer::of(request.header(name, value).json(&json!({})))
    };
    for (name, value) in [("x-request-timeout", "0.2"), ("grpc-timeout", "200m")] {
        approve(name, value).await.refused(504, "DEADLINE_EXCEEDED");
    }
    for (name, value) in
        [("x-request-timeout", "soon"), ("grpc-timeout", "123456789S"), ("grpc-timeout", "1s")]
    {
        let answer = approve(name, value).await;
        answer.refused(400, "INVALID_HEADER");
        assert_eq!(answer.body["metadata"]["header"], name);
    }
    fixture.sql.batch_execute("rollback").await.unwrap();
    assert_eq!(approve("x-request-timeout", "10").await.ok()["outcome"], "approved");
}

/// To whoever only reads it says nothing that "nothing was stored", and nothing has to be
/// read again before they try again.
#[tokio::test]
async fn what_was_stored_is_said_of_changes_alone() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let id = case("REQUESTED");
    fixture.get(&path_of(id, ""), &token).await.ok();
    let is_told = |detail: &str| detail.contains("stored");
    let detail = |answer: &Answer| answer.body["detail"].as_str().unwrap().to_owned();

    fixture.sql.batch_execute("begin; lock table booking_requests").await.unwrap();
    for (method, step, told) in [(Method::GET, "", false), (Method::POST, "/approve", true)] {
        let call = fixture.request(method.clone(), &path_of(id, step)).bearer_auth(&token);
        let call = if told { call.json(&json!({})) } else { call };
        let late = Answer::of(call.header("x-request-timeout", "0.2")).await;
        late.refused(504, "DEADLINE_EXCEEDED");
        assert_eq!(is_told(&detail(&late)), told, "{}", late.body);
    }
    let message = GetBookingRequestRequest { booking_request_id: id.to_string() };
    let mut request = signed(message, &token);
    request.set_timeout(Duration::from_millis(200));
    let status = fixture.booking().get_booking_request(request).await.unwrap_err();
    assert!(!is_told(status.message()), "{status:?}");
    fixture.sql.batch_execute("rollback").await.unwrap();

    for (method, path, told) in [
        (Method::GET, "/v1/booking-requests?page_size=x", false),
        (Method::GET, "/v1/booking-requests?nonsense=1", false),
        (Method::POST, "/v1/auth/introspect", false),
        (Method::POST, "/v1/booking-requests", true),
    ] {
        let call = fixture.request(method, path).bearer_auth(&token);
        let call = if path.contains('?') { call } else { call.json(&json!({"nonsense": 1})) };
        let refused = Answer::of(call).await;
        refused.refused(400, "MALFORMED_REQUEST");
        assert_eq!(is_told(&detail(&refused)), told, "{path}: {}", refused.body);
    }
}
