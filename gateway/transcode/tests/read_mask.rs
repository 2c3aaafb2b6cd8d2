//! Answers of which a part is asked for.

#![allow(clippy::unwrap_used)]

mod protos;

use http::Method;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde_json::{Value as Json, json};
use transcode::{InputError, Messages, OutputError, Style, Transcoder};

const REQUESTS: &str = "/v1/booking-requests";
const ONE: &str = "/v1/booking-requests/7";
const ALL_TYPES: &str = "protobuf_test_messages.proto3.TestAllTypesProto3";

fn transcoder() -> Transcoder {
    let pool = protos::compile(&["rental.proto", "lab.proto"], None);
    let services = ["rental.BookingRequests", "lab.Lab"];
    Transcoder::new(&pool, &services, Style::FRONTDESK).unwrap().with_read_mask("fields").unwrap()
}

fn encoded(descriptor: &MessageDescriptor, json: Json) -> Vec<u8> {
    DynamicMessage::deserialize(descriptor.clone(), json).unwrap().encode_to_vec()
}

/// What a query shows of an answer.
fn shown(path: &str, query: &str, answer: &Json) -> Result<String, InputError> {
    let transcoder = transcoder();
    let found = transcoder.route(&Method::GET, path).unwrap();
    let wire = encoded(&found.binding().method().output(), answer.clone());
    found.request(Some(query), b"", None, &mut Vec::new())?;
    let json = found.renderer_for(Some(query))?.json(&wire).unwrap();
    Ok(String::from_utf8(json).unwrap())
}

fn request() -> Json {
    json!({"bookingRequest": {
        "id": "7", "status": "BOOKING_REQUEST_STATUS_CONFIRMED", "message": "late",
        "createdAt": "2026-07-01T00:00:00Z", "etag": "3",
    }})
}

fn of_all_types() -> Messages {
    let pool = DescriptorPool::decode(&include_bytes!("conformance/descriptors.bin")[..]).unwrap();
    Messages::new(&pool, Style::FRONTDESK)
}

/// What a mask shows of a message with every kind of field.
fn of_all(mask: &str, json: &Json) -> Result<Json, InputError> {
    let messages = of_all_types();
    let wire = messages.to_wire(ALL_TYPES, json.to_string().as_bytes()).unwrap().unwrap();
    let mask = messages.read_mask(ALL_TYPES, mask).unwrap()?;
    Ok(serde_json::from_slice(&messages.to_json_of(&mask, &wire).unwrap()).unwrap())
}

#[test]
fn what_is_asked_for_is_shown_in_the_order_of_the_proto_with_its_defaults() {
    for (query, json) in [
        ("fields=id", r#"{"id":"7"}"#),
        ("fields=status,id,guest_count", r#"{"id":"7","status":"confirmed","guest_count":0}"#),
        ("fields=guestCount,createdAt", r#"{"guest_count":0,"created_at":"2026-07-01T00:00:00Z"}"#),
        ("fields=confirmed_at", r#"{"confirmed_at":null}"#),
        ("fields=id,id", r#"{"id":"7"}"#),
        ("fi%65lds=%69d%2Cetag&utm_source=x", r#"{"id":"7","etag":"3"}"#),
    ] {
        assert_eq!(shown(ONE, query, &request()).unwrap(), json, "{query}");
    }
    let whole = shown(ONE, "", &request()).unwrap();
    assert_eq!(shown(ONE, "fields=*", &request()).unwrap(), whole);
    assert_eq!(shown(ONE, "fields=id,*,message", &request()).unwrap(), whole);
}

#[test]
fn paths_go_through_lists_as_if_there_was_one_element() {
    let list = json!({"bookingRequests": [{"id": "1", "message": "x"}, {"id": "2"}], "nextPageToken": "t"});
    for (query, json) in [
        (
            "fields=booking_requests.id,next_page_token",
            r#"{"booking_requests":[{"id":"1"},{"id":"2"}],"next_page_token":"t"}"#,
        ),
        ("fields=bookingRequests.*.id", r#"{"booking_requests":[{"id":"1"},{"id":"2"}]}"#),
        ("page_size=2&fields=counts.count", r#"{"counts":[]}"#),
        ("fields=next_page_token", r#"{"next_page_token":"t"}"#),
    ] {
        assert_eq!(shown(REQUESTS, query, &list).unwrap(), json, "{query}");
    }
    // The whole of an element, said in two ways, and beside a part of it.
    let all = shown(REQUESTS, "fields=booking_requests", &list).unwrap();
    for mask in ["booking_requests.*", "booking_requests.*.*", "booking_requests.id,booking_requests"] {
        assert_eq!(shown(REQUESTS, &format!("fields={mask}"), &list).unwrap(), all, "{mask}");
    }
    assert_eq!(shown("/v1/query", "fields=*", &json!({"tags": ["a"]})).unwrap(), r#"["a"]"#);
}

#[test]
fn paths_go_through_maps_by_a_key_or_all_of_them() {
    let message = json!({
        "map_string_nested_message": {"a": {"a": 1}, "b.c": {"a": 2, "corecursive": {"optional_int32": 3}}},
        "map_int32_int32": {"1": 10, "2": 20},
        "map_bool_bool": {"true": true},
    });
    for (mask, json) in [
        ("map_int32_int32.2", json!({"map_int32_int32": {"2": 20}})),
        ("map_int32_int32.9", json!({"map_int32_int32": {}})),
        ("map_int32_int32.*", json!({"map_int32_int32": {"1": 10, "2": 20}})),
        (
            "mapBoolBool.true,map_int32_int32.1",
            json!({"map_int32_int32": {"1": 10}, "map_bool_bool": {"true": true}}),
        ),
        ("map_string_nested_message.a.a", json!({"map_string_nested_message": {"a": {"a": 1}}})),
        (
            "map_string_nested_message.*.a",
            json!({"map_string_nested_message": {"a": {"a": 1}, "b.c": {"a": 2}}}),
        ),
        (
            "map_string_nested_message.`b.c`.corecursive.optional_int32,map_string_nested_message.*.a",
            json!({"map_string_nested_message": {"a": {"a": 1}, "b.c": {"a": 2, "corecursive": {"optional_int32": 3}}}}),
        ),
        (
            "map_string_nested_message.*.a,map_string_nested_message.`b.c`.corecursive.optional_int32",
            json!({"map_string_nested_message": {"a": {"a": 1}, "b.c": {"a": 2, "corecursive": {"optional_int32": 3}}}}),
        ),
    ] {
        assert_eq!(of_all(mask, &message).unwrap(), json, "{mask}");
    }
}

#[test]
fn a_member_of_a_oneof_is_shown_if_it_is_the_one_that_is_set() {
    let (text, nested) = (json!({"oneof_string": "x"}), json!({"oneof_nested_message": {"a": 5}}));
    assert_eq!(of_all("oneof_string", &text).unwrap(), text);
    assert_eq!(of_all("oneof_nested_message.a", &nested).unwrap(), nested);
    assert_eq!(of_all("oneof_nested_message.a", &text).unwrap(), json!({}));
    // Of two on the wire the last one counts, shown or not.
    let messages = of_all_types();
    let wire = |first: &Json, second: &Json| {
        let both = [first, second].map(|json| messages.to_wire(ALL_TYPES, json.to_string().as_bytes()));
        both.map(|wire| wire.unwrap().unwrap()).concat()
    };
    for (mask, wire, json) in [
        ("oneof_string", wire(&text, &nested), "{}"),
        ("oneof_string", wire(&nested, &text), r#"{"oneof_string":"x"}"#),
        ("oneof_nested_message.a", wire(&text, &nested), r#"{"oneof_nested_message":{"a":5}}"#),
    ] {
        let mask = messages.read_mask(ALL_TYPES, mask).unwrap().unwrap();
        assert_eq!(messages.to_json_of(&mask, &wire).unwrap(), json.as_bytes());
    }
}

#[test]
fn what_was_not_asked_for_is_not_read() {
    let transcoder = transcoder();
    let found = transcoder.route(&Method::GET, ONE).unwrap();
    // An id, and a message that is not UTF-8.
    let wire = b"\x0a\x06\x0a\x017\x4a\x01\xff";
    assert_eq!(found.renderer().json(wire), Err(OutputError::Malformed));
    let renderer = found.renderer_for(Some("fields=id")).unwrap();
    assert_eq!(renderer.json(wire).unwrap(), br#"{"id":"7"}"#);
    assert_eq!(renderer.json(&wire[..6]), Err(OutputError::Malformed), "what is cut short is seen");
    // The tag is that of the whole, which nobody asked for.
    assert_eq!(renderer.etag(b"\x0a\x07\x0a\x017\x8a\x01\x013"), Some("3"));
}

#[test]
fn parts_of_a_message_in_any_order_are_one() {
    let transcoder = transcoder();
    let found = transcoder.route(&Method::GET, ONE).unwrap();
    let wire = b"\x0a\x06\x4a\x01a\x0a\x017\x0a\x03\x4a\x01b";
    for (query, json) in [
        ("fields=id", &br#"{"id":"7"}"#[..]),
        ("fields=message", br#"{"message":"b"}"#),
        ("fields=message,id", br#"{"id":"7","message":"b"}"#),
    ] {
        assert_eq!(found.renderer_for(Some(query)).unwrap().json(wire).unwrap(), json, "{query}");
    }
}

#[test]
fn a_mask_that_names_no_field_is_refused_with_what_there_is() {
    let counts = "names `counts.sum`, where `sum` is no field; there are status, count, more";
    for (query, what) in [
        ("fields=counts.sum", counts),
        ("fields=next_page_token,counts.sum", counts),
        ("fields=counts,counts.sum", counts),
        (
            "fields=nothing",
            "names `nothing`, where `nothing` is no field; there are booking_requests, next_page_token, counts",
        ),
        (
            "fields=next_page_token.x",
            "names `next_page_token.x`, where `x` is within what is shown as a whole or not at all",
        ),
        (
            "fields=booking_requests.created_at.seconds",
            "names `booking_requests.created_at.seconds`, where `seconds` is within what is shown as a whole or not at all",
        ),
        (
            "fields=*.id",
            "names `*.id`, where `*` stands for fields; before the end it stands for what is in a list or a map",
        ),
        ("fields=", "is not a list of field names such as `id,guest.name`"),
        ("fields=counts,", "is not a list of field names such as `id,guest.name`"),
        ("fields=counts..count", "is not a list of field names such as `id,guest.name`"),
        ("fields=`counts", "has a backtick without another one"),
        (
            "fields=`counts`",
            "names ``counts``, where `counts` is no field; there are booking_requests, next_page_token, counts",
        ),
        ("fields=`counts`x", "is not a list of field names such as `id,guest.name`"),
        ("fields", "has no value; write name=value"),
        ("fields=counts&fields=counts", "is there twice"),
    ] {
        let error = shown(REQUESTS, query, &json!({})).unwrap_err();
        assert_eq!((&*error.field, &*error.description), ("fields", what), "{query}");
    }
    let long = format!("fields={}", "counts,".repeat(400));
    assert_eq!(shown(REQUESTS, &long, &json!({})).unwrap_err().description, "is longer than 2048 bytes");
    let deep = "recursive_message.".repeat(32) + "optional_int32";
    assert!(of_all(&deep, &json!({})).unwrap_err().description.contains("more than 32 names"));
    assert_eq!(of_all(&deep[18..], &json!({})).unwrap(), json!({"recursive_message": null}));
    for mask in [
        "map_int32_int32.x",
        "map_int32_int32.1.a",
        "optional_struct.a",
        "optional_any.value",
        "repeated_int32.0",
    ] {
        assert!(of_all(mask, &json!({})).is_err(), "{mask}");
    }
}

#[test]
fn only_what_is_read_has_a_mask() {
    let transcoder = transcoder();
    let read_masks = |method: Method| {
        // What is not JSON has no fields.
        let bindings = transcoder.bindings().iter().filter(move |binding| {
            binding.http_method() == method && binding.method().output().full_name() != "google.api.HttpBody"
        });
        bindings.map(|binding| binding.read_mask()).collect::<Vec<_>>()
    };
    assert!(read_masks(Method::GET).iter().all(|name| *name == Some("fields")));
    assert!(read_masks(Method::POST).iter().all(Option::is_none));
    let approve = transcoder.route(&Method::POST, &format!("{ONE}/approve")).unwrap();
    let refused = approve.request(Some("fields=id"), b"{}", None, &mut Vec::new()).unwrap_err();
    assert_eq!(refused.field, "fields");
    assert!(approve.renderer_for(Some("fields=nothing")).is_ok(), "nothing is a mask here");
    // A stream's messages are shown in part as well, and HEAD says how long GET's answer is.
    let watch = transcoder.route(&Method::GET, &format!("{REQUESTS}/watch")).unwrap();
    let renderer = watch.renderer_for(Some("fields=cursor")).unwrap();
    assert_eq!(renderer.json(b"\x12\x01c").unwrap(), br#"{"cursor":"c"}"#);
    let head = transcoder.route(&Method::HEAD, ONE).unwrap();
    assert_eq!(head.renderer_for(Some("fields=id")).unwrap().json(b"").unwrap(), b"null");
}

#[test]
fn a_parameter_that_is_a_field_of_a_request_is_refused_at_the_start() {
    let pool = protos::compile(&["rental.proto"], None);
    let services = ["rental.BookingRequests"];
    let without = || Transcoder::new(&pool, &services, Style::FRONTDESK).unwrap();
    let errors = without().with_read_mask("pageToken").unwrap_err();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].method, "rental.BookingRequests.List");
    // Where nobody asked for masks, the parameter is one that there is not.
    let transcoder = without();
    let found = transcoder.route(&Method::GET, REQUESTS).unwrap();
    let refused = found.request(Some("fields=counts"), b"", None, &mut Vec::new()).unwrap_err();
    assert!(refused.field == "fields" && refused.description.starts_with("is not a query parameter"));
}
