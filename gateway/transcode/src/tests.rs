//! The transcoder over our own descriptor set.

use frontdesk_proto::booking::v1 as wire;
use http::Method;
use prost::Message;
use serde_json::{Value as Json, json};

use super::*;

const REQUESTS: &str = "/api/v1/booking-requests";
const ID: &str = "0190163d-8694-739b-aea5-966c26f8ad91";

fn transcoder() -> Transcoder {
    let services: Vec<String> = frontdesk_proto::descriptors()
        .services()
        .map(|service| service.full_name().to_owned())
        .filter(|name| name.starts_with("frontdesk."))
        .collect();
    let names: Vec<&str> = services.iter().map(String::as_str).collect();
    Transcoder::new(frontdesk_proto::descriptors(), &names, Style::FRONTDESK).unwrap()
}

fn request<M: Message + Default>(
    method: &Method,
    path: &str,
    query: Option<&str>,
    body: &str,
) -> Result<M, InputError> {
    let transcoder = transcoder();
    let mut wire = Vec::new();
    transcoder.route(method, path).unwrap().request(query, body.as_bytes(), None, &mut wire)?;
    Ok(M::decode(wire.as_slice()).unwrap())
}

fn create(body: &str) -> Result<wire::CreateBookingRequestRequest, InputError> {
    request(&Method::POST, REQUESTS, None, body)
}

fn list(query: &str) -> Result<wire::ListBookingRequestsRequest, InputError> {
    request(&Method::GET, REQUESTS, Some(query), "")
}

#[test]
fn a_body_reads_with_proto_and_json_names() {
    let read = create(
        r#"{"property_id":"p","guestId":"g","check_in":"2026-07-01","guest_count":"2","message":null}"#,
    )
    .unwrap();
    assert_eq!((read.property_id.as_str(), read.guest_id.as_str(), read.guest_count), ("p", "g", 2));
    assert_eq!(create("").unwrap(), wire::CreateBookingRequestRequest::default());
}

#[test]
fn garbage_is_refused_with_its_place() {
    for (body, field, description) in [
        ("{", "", "not valid JSON"),
        ("[]", "", "must be a JSON object"),
        ("\u{0}", "", "not valid JSON"),
        (r#"{"property":"p"}"#, "property", "is no field"),
        (r#"{"property_id":1}"#, "property_id", "must be a string"),
        (r#"{"property_id":"a","propertyId":"b"}"#, "property_id", "twice"),
        (r#"{"guest_count":1.5}"#, "guest_count", "32-bit integer"),
        (r#"{"guest_count":4294967296}"#, "guest_count", "32-bit integer"),
        (r#"{"guest_count":"inf"}"#, "guest_count", "32-bit integer"),
        (r#"{"guest_count":1} x"#, "", "not valid JSON"),
    ] {
        let error = create(body).unwrap_err();
        assert_eq!(error.field, field, "{body}");
        assert!(error.description.contains(description), "{body}: {}", error.description);
    }
    let deep = format!("{{\"message\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(create(&deep).unwrap_err().description, "must be a string");
    let transcoder = transcoder();
    let error = transcoder
        .route(&Method::POST, REQUESTS)
        .unwrap()
        .request(None, b"{\"message\":\"\xff\"}", None, &mut Vec::new())
        .unwrap_err();
    assert_eq!(error.description, "the body is not UTF-8");
}

#[test]
fn a_query_reads_strictly() {
    let read = list("status=requested&status=BOOKING_REQUEST_STATUS_CONFIRMED&status=4&limit=1&created_from=2026-07-01T00%3A00%3A00Z&utm_source=x").unwrap();
    assert_eq!((read.status, read.limit), (vec![1, 3, 4], 1));
    assert_eq!(read.created_from.unwrap().seconds, 1_782_864_000);
    for (query, field) in [
        ("nonsense=1", "nonsense"),
        ("limit=1&limit=0", "limit"),
        ("limit=0&limit=0", "limit"),
        ("limit=x", "limit"),
        ("limit", "limit"),
        ("status=confirmedd", "status"),
        ("created_from=yesterday", "created_from"),
        ("created_from.seconds=x", "created_from.seconds"),
        ("page_token=%FF", ""),
        ("page_token=%4", ""),
    ] {
        assert_eq!(list(query).unwrap_err().field, field, "{query}");
    }
}

#[test]
fn path_query_and_body_cannot_contradict_each_other() {
    let approve = format!("{REQUESTS}/{ID}/approve");
    let read = |query, body: &str| {
        request::<wire::ApproveBookingRequestRequest>(&Method::POST, &approve, query, body)
    };
    assert_eq!(read(None, "").unwrap().booking_request_id, ID);
    assert_eq!(read(None, &format!(r#"{{"booking_request_id":"{ID}"}}"#)).unwrap().booking_request_id, ID);
    assert_eq!(read(None, r#"{"booking_request_id":"other"}"#).unwrap_err().field, "booking_request_id");
    assert_eq!(read(Some("internal_note=x"), "{}").unwrap_err().field, "internal_note");
    let get = request::<wire::GetBookingRequestRequest>(
        &Method::GET,
        &format!("{REQUESTS}/{ID}"),
        Some("booking_request_id=other"),
        "",
    );
    assert_eq!(get.unwrap_err().field, "booking_request_id");
}

#[test]
fn a_method_without_body_takes_none() {
    assert!(request::<wire::ListBookingRequestsRequest>(&Method::GET, REQUESTS, None, "{}").is_err());
}

#[test]
fn answers_show_defaults_and_short_enums() {
    let transcoder = transcoder();
    let request = wire::BookingRequest {
        id: ID.to_owned(),
        status: wire::BookingRequestStatus::UnderReview.into(),
        stored_status: 99,
        created_at: Some(prost_types::Timestamp { seconds: 1_782_864_000, nanos: 0 }),
        ..Default::default()
    };
    let answer = wire::GetBookingRequestResponse { booking_request: Some(request.clone()) }.encode_to_vec();
    let path = format!("{REQUESTS}/{ID}");
    let json = transcoder.route(&Method::GET, &path).unwrap().renderer().json(&answer).unwrap();
    let json: Json = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["id"], ID);
    assert_eq!(json["status"], "under_review");
    assert_eq!(json["stored_status"], 99);
    assert_eq!(json["created_at"], "2026-07-01T00:00:00Z");
    assert_eq!(json["confirmed_at"], Json::Null);
    assert_eq!(json["guest_count"], 0);

    let list = wire::ListBookingRequestsResponse::default().encode_to_vec();
    let json = transcoder.route(&Method::GET, REQUESTS).unwrap().renderer().json(&list).unwrap();
    assert_eq!(
        serde_json::from_slice::<Json>(&json).unwrap(),
        json!({"booking_requests": [], "next_page_token": "", "counts": []})
    );
    assert_eq!(
        transcoder.route(&Method::GET, REQUESTS).unwrap().renderer().json(&[0xff]),
        Err(OutputError::Malformed)
    );
}

#[test]
fn a_stream_is_known_as_one_and_a_literal_goes_before_a_variable() {
    let transcoder = transcoder();
    let watch = transcoder.route(&Method::GET, &format!("{REQUESTS}/watch")).unwrap();
    assert!(watch.streams() && watch.grpc_path().ends_with("/WatchBookingRequests"));
    let one = transcoder.route(&Method::GET, &format!("{REQUESTS}/{ID}")).unwrap();
    assert!(!one.streams() && one.grpc_path().ends_with("/GetBookingRequest"));
    let message = wire::WatchBookingRequestsResponse { cursor: "c".to_owned(), event: None }.encode_to_vec();
    assert_eq!(watch.renderer().json(&message).unwrap(), br#"{"event":null,"cursor":"c"}"#);
}

#[test]
fn a_service_that_is_not_there_is_refused() {
    let errors =
        Transcoder::new(frontdesk_proto::descriptors(), &["no.such.Service"], Style::FRONTDESK).unwrap_err();
    assert_eq!(errors[0].method, "no.such.Service");
}
