//! Requests and answers of an API as people write them.

#![allow(clippy::unwrap_used, clippy::panic)]

mod protos;

use http::Method;
use prost::Message;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use serde_json::{Value as Json, json};
use transcode::{InputError, OutputError, Style, Transcoder};

const REQUESTS: &str = "/v1/booking-requests";
const ID: &str = "0190163d-8694-739b-aea5-966c26f8ad91";

fn transcoder() -> Transcoder {
    let pool = protos::compile(&["rental.proto"], None);
    let transcoder = Transcoder::new(&pool, &["rental.BookingRequests"], Style::FRONTDESK).unwrap();
    transcoder.with_alias("/api/v1", "/v1").unwrap()
}

/// The request message as prost-reflect reads it.
fn request(method: &Method, path: &str, query: Option<&str>, body: &str) -> Result<Json, InputError> {
    let transcoder = transcoder();
    let mut wire = Vec::new();
    let found = transcoder.route(method, path).unwrap();
    found.request(query, body.as_bytes(), None, &mut wire)?;
    let message = DynamicMessage::decode(found.binding().method().input(), &*wire).unwrap();
    Ok(serde_json::to_value(message).unwrap())
}

fn create(body: &str) -> Result<Json, InputError> {
    request(&Method::POST, REQUESTS, None, body)
}

fn list(query: &str) -> Result<Json, InputError> {
    request(&Method::GET, REQUESTS, Some(query), "")
}

/// The wire of a message, as prost-reflect writes it.
fn wire(of: &MessageDescriptor, json: Json) -> Vec<u8> {
    DynamicMessage::deserialize(of.clone(), json).unwrap().encode_to_vec()
}

#[test]
fn a_body_reads_with_proto_and_json_names() {
    let read = create(
        r#"{"property_id":"p","guestId":"g","check_in":"2026-07-01","guest_count":"2","message":null}"#,
    )
    .unwrap();
    assert_eq!(read, json!({"propertyId": "p", "guestId": "g", "checkIn": "2026-07-01", "guestCount": 2}));
    assert_eq!(create("").unwrap(), json!({}));
}

#[test]
fn garbage_is_refused_with_its_place() {
    for (body, field, description) in [
        ("{", "", "not valid JSON"),
        ("[]", "", "must be a JSON object"),
        ("\u{0}", "", "not valid JSON"),
        (r#"{"property":"p"}"#, "property", "is not a field"),
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
    let query = "status=requested&status=BOOKING_REQUEST_STATUS_CONFIRMED&status=4&limit=1\
                 &created_from=2026-07-01T00%3A00%3A00Z&utm_source=x";
    let statuses = ["REQUESTED", "CONFIRMED", "DECLINED"].map(|one| format!("BOOKING_REQUEST_STATUS_{one}"));
    assert_eq!(
        list(query).unwrap(),
        json!({"status": statuses, "limit": 1, "createdFrom": "2026-07-01T00:00:00Z"})
    );
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
    let read = |query, body: &str| request(&Method::POST, &approve, query, body);
    let only_id = json!({"bookingRequestId": ID});
    assert_eq!(read(None, "").unwrap(), only_id);
    assert_eq!(read(None, &format!(r#"{{"booking_request_id":"{ID}"}}"#)).unwrap(), only_id);
    assert_eq!(read(None, r#"{"booking_request_id":"other"}"#).unwrap_err().field, "booking_request_id");
    assert_eq!(read(Some("internal_note=x"), "{}").unwrap_err().field, "internal_note");
    let get = request(&Method::GET, &format!("{REQUESTS}/{ID}"), Some("booking_request_id=other"), "");
    assert_eq!(get.unwrap_err().field, "booking_request_id");
}

#[test]
fn a_method_without_body_takes_none() {
    assert!(request(&Method::GET, REQUESTS, None, "{}").is_err());
}

#[test]
fn answers_show_defaults_and_short_enums() {
    let transcoder = transcoder();
    let path = format!("{REQUESTS}/{ID}");
    let found = transcoder.route(&Method::GET, &path).unwrap();
    let answer = json!({"bookingRequest": {
        "id": ID,
        "status": "BOOKING_REQUEST_STATUS_UNDER_REVIEW",
        "storedStatus": 99,
        "createdAt": "2026-07-01T00:00:00Z",
    }});
    let json = found.renderer().json(&wire(&found.binding().method().output(), answer)).unwrap();
    let json: Json = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["id"], ID);
    assert_eq!(json["status"], "under_review");
    assert_eq!(json["stored_status"], 99);
    assert_eq!(json["created_at"], "2026-07-01T00:00:00Z");
    assert_eq!(json["confirmed_at"], Json::Null);
    assert_eq!(json["guest_count"], 0);

    let list = transcoder.route(&Method::GET, REQUESTS).unwrap().renderer();
    let empty = br#"{"booking_requests":[],"next_page_token":"","counts":[]}"#;
    assert_eq!(list.json(b"").unwrap(), empty);
    assert_eq!(list.json(&[0xff]), Err(OutputError::Malformed));
}

#[test]
fn an_enum_reads_in_its_short_form_as_sources_write_it_too() {
    for status in ["requested", "REQUESTED", "BOOKING_REQUEST_STATUS_REQUESTED"] {
        let read = list(&format!("status={status}")).unwrap();
        assert_eq!(read["status"], json!(["BOOKING_REQUEST_STATUS_REQUESTED"]), "{status}");
    }
    assert!(list("status=Requested").is_err());
}

#[test]
fn a_stream_is_known_as_one_and_a_literal_goes_before_a_variable() {
    let transcoder = transcoder();
    let watch = transcoder.route(&Method::GET, &format!("{REQUESTS}/watch")).unwrap();
    assert!(watch.streams() && watch.grpc_path() == "/rental.BookingRequests/Watch");
    let one = transcoder.route(&Method::GET, &format!("{REQUESTS}/{ID}")).unwrap();
    assert!(!one.streams() && one.grpc_path() == "/rental.BookingRequests/Get");
    let message = wire(&watch.binding().method().output(), json!({"cursor": "c"}));
    assert_eq!(watch.renderer().json(&message).unwrap(), br#"{"booking_request":null,"cursor":"c"}"#);
}

#[test]
fn a_path_under_an_alias_is_the_same_call() {
    let transcoder = transcoder();
    for (method, path) in [
        (Method::POST, format!("{REQUESTS}/a%2Fb/approve")),
        (Method::HEAD, REQUESTS.to_owned()),
        (Method::GET, format!("{REQUESTS}/watch")),
        (Method::DELETE, format!("{REQUESTS}/x")),
        (Method::GET, "/v1/nothing".to_owned()),
        (Method::GET, format!("{REQUESTS}/%zz")),
    ] {
        let answers = [path.clone(), format!("/api{path}")].map(|path| {
            let found = transcoder.route(&method, &path).map(|found| {
                let mut wire = Vec::new();
                found.request(None, b"", None, &mut wire).unwrap();
                (found.grpc_path().to_owned(), wire)
            });
            (found, transcoder.allowed(&path))
        });
        assert_eq!(answers[0], answers[1], "{method} {path}");
    }
    assert!(transcoder.route(&Method::GET, "/api/v1/api/v1/booking-requests").is_err());
}

#[test]
fn what_was_created_is_at_the_path_that_reads_it() {
    let created = |method: &prost_reflect::MethodDescriptor| match method.name() {
        "Create" => Some("booking_request".to_owned()),
        _ => None,
    };
    let transcoder = transcoder().with_created(created).unwrap();
    let answer = |id: &str| json!({"bookingRequest": {"id": id, "propertyId": "p"}});
    for (path, id, location) in [
        (REQUESTS, "7", Some("/v1/booking-requests/7")),
        (
            "/api/v1/booking-requests",
            ID,
            Some("/api/v1/booking-requests/0190163d-8694-739b-aea5-966c26f8ad91"),
        ),
        (REQUESTS, "a/b: %é", Some("/v1/booking-requests/a%2Fb%3A%20%25%C3%A9")),
        (REQUESTS, "", None),
    ] {
        let found = transcoder.route(&Method::POST, path).unwrap();
        assert!(found.binding().creates() && found.binding().has_location());
        let wire = wire(&found.binding().method().output(), answer(id));
        let told = found.location(path, &wire);
        assert_eq!(told.as_deref(), location);
        if let Some(told) = told {
            let read = transcoder.route(&Method::GET, &told).unwrap();
            let mut request = Vec::new();
            read.request(None, b"", None, &mut request).unwrap();
            let request = DynamicMessage::decode(read.binding().method().input(), &*request).unwrap();
            assert_eq!(request.get_field_by_name("booking_request_id").unwrap().as_str(), Some(id));
        }
    }
    let approve = transcoder.route(&Method::POST, &format!("{REQUESTS}/7/approve")).unwrap();
    assert!(!approve.binding().creates() && approve.location(REQUESTS, b"\x0a\x017").is_none());
    let (create, wire) = (transcoder.route(&Method::POST, REQUESTS).unwrap(), [0xff]);
    assert_eq!(create.location(REQUESTS, &wire), None);

    let pool = protos::compile(&["rental.proto"], None);
    let transcoder = Transcoder::new(&pool, &["rental.BookingRequests"], Style::FRONTDESK).unwrap();
    let errors = transcoder.with_created(|_| Some("booking_request".to_owned())).unwrap_err();
    assert_eq!(
        errors[0].to_string(),
        "rental.BookingRequests.List: `booking_request` is not a message of the response"
    );
}

#[test]
fn what_cannot_be_routed_is_refused_at_the_start() {
    let pool = protos::compile(&["rental.proto"], None);
    let errors = Transcoder::new(&pool, &["no.such.Service"], Style::FRONTDESK).unwrap_err();
    assert_eq!(errors[0].method, "no.such.Service");
    for (alias, method, cause) in [
        ("/{any}", "/{any}", "literal segments"),
        ("/api/v1", "/api/v1", "another alias"),
        ("/v1/properties", "rental.BookingRequests.RemoveGuest", "is an alias of /v2"),
    ] {
        let errors = transcoder().with_alias(alias, "/v2").unwrap_err();
        assert!(errors[0].method == method && errors[0].cause.contains(cause), "{}", errors[0]);
    }
}
