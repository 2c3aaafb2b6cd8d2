//! What of a request sets which field, with bindings of every kind.

#![allow(clippy::unwrap_used, clippy::panic)]

mod protos;

use std::path::Path;

use http::Method;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::{Value as Json, json};
use transcode::{Answer, Style, Takes, Transcoder};

struct Lab {
    pool: DescriptorPool,
    transcoder: Transcoder,
}

impl Lab {
    fn new() -> Self {
        let pool = protos::compile(&["lab.proto"], None);
        let transcoder = Transcoder::new(&pool, &["lab.Lab"], Style::FRONTDESK).unwrap();
        Self { pool, transcoder }
    }

    /// The request message as prost-reflect reads it, or the field and what is
    /// wrong with it.
    fn ask(&self, method: &str, uri: &str, body: &str) -> Result<Json, (String, String)> {
        let (path, query) = uri.split_once('?').map_or((uri, None), |(path, query)| (path, Some(query)));
        let found = self.transcoder.route(&method.parse().unwrap(), path).unwrap();
        let mut wire = Vec::new();
        found
            .request(query, body.as_bytes(), Some("text/plain"), &mut wire)
            .map_err(|error| (error.field, error.description))?;
        let input = found.binding().method().input();
        let message = DynamicMessage::decode(input, &*wire).unwrap();
        Ok(serde_json::to_value(message).unwrap())
    }

    #[track_caller]
    fn refused(&self, method: &str, uri: &str, body: &str, field: &str, what: &str) {
        let (found, description) = self.ask(method, uri, body).unwrap_err();
        assert!(found == field && description.contains(what), "{uri}: {found}: {description}");
    }
}

#[test]
fn variables_go_where_their_path_leads() {
    let lab = Lab::new();
    assert_eq!(
        lab.ask("GET", "/v1/shelves/a%20b/books/x%2Fy", "").unwrap(),
        json!({"shelf": {"name": "shelves/a b"}, "id": "x/y"})
    );
    assert_eq!(lab.ask("GET", "/v1/files/a/b%2Fc/raw", "").unwrap(), json!({"id": "a/b%2Fc"}));
    assert_eq!(lab.ask("PURGE", "/v1/cache/7", "").unwrap(), json!({"id": "7"}));
    let body = r#"{"shelf":{"theme":"red"},"numbers":["1",2]}"#;
    assert_eq!(
        lab.ask("POST", "/v1/7:move", body).unwrap(),
        json!({"id": "7", "shelf": {"theme": "red"}, "numbers": ["1", "2"]})
    );
}

#[test]
fn a_query_sets_what_text_can_say() {
    let lab = Lab::new();
    let query = "tags=a,b&tags=c+d&at=2026-07-01T12:00:00%2B02:00&for=1.5s&flag=true&numbers=-1&numbers=2\
                 &shelf.theme=red&shelf.size.width=3&shelf.owners=x&data=_-8&factor=1e3&deep=true";
    assert_eq!(
        lab.ask("GET", &format!("/v1/query?{query}"), "").unwrap(),
        json!({
            "tags": ["a,b", "c d"], "at": "2026-07-01T10:00:00Z", "for": "1.500s", "flag": true,
            "numbers": ["-1", "2"], "data": "/+8=", "factor": 1000.0, "deep": true,
            "shelf": {"theme": "red", "size": {"width": 3}, "owners": ["x"]},
        })
    );
    for (query, field, what) in [
        ("labels=x", "labels", "cannot be a query parameter"),
        ("labels.x=1", "labels.x", "not a query parameter"),
        ("shelf=x", "shelf", "cannot be a query parameter"),
        ("at.seconds=1", "at.seconds", "not a query parameter"),
        ("deep", "deep", "has no value"),
        ("deep=", "deep", "true or false"),
        ("deep=1", "deep", "true or false"),
        ("factor=inf", "factor", "must be a number"),
        ("id=a&id=a", "id", "is there twice"),
        ("for=90m", "for", "duration in seconds"),
        ("numbers=1,2", "numbers", "64-bit integer"),
        ("ID=x", "ID", "not a query parameter"),
        ("=x", "", "not a query parameter"),
    ] {
        lab.refused("GET", &format!("/v1/query?{query}"), "", field, what);
    }
}

#[test]
fn path_query_and_body_may_not_disagree() {
    let lab = Lab::new();
    let book = "/v1/shelves/a/books/7";
    lab.refused("GET", &format!("{book}?id=8"), "", "id", "set by the path");
    lab.refused("GET", &format!("{book}?shelf.name=x"), "", "shelf.name", "set by the path");
    lab.refused("POST", "/v1/7:move", r#"{"id":"8"}"#, "id", "another value in the body");
    lab.refused("POST", "/v1/7:move?deep=true", "{}", "deep", "in the body");
    assert_eq!(lab.ask("POST", "/v1/7:move", r#"{"id":"7"}"#).unwrap(), json!({"id": "7"}));
    lab.refused("PATCH", "/v1/shelves/a", r#"{"name":"b"}"#, "shelf.name", "another value in the body");
    lab.refused("PATCH", "/v1/shelves/a?shelf.theme=x", "{}", "shelf.theme", "set by the body");
    lab.refused("PUT", "/v1/tags/7?tags=x", "[]", "tags", "set by the body");
    // Two members of a oneof from two places: the last one would win.
    lab.refused("POST", "/v1/choose/a", r#"{"right":"b"}"#, "left", "excludes right");
    lab.refused("GET", "/v1/choose/a?right=b", "", "right", "excludes another member of side");
    lab.refused("POST", "/v1/choose/a", r#"{"left":"a","right":"b"}"#, "right", "excludes another member");
}

#[test]
fn a_body_is_the_request_or_one_of_its_fields() {
    let lab = Lab::new();
    assert_eq!(lab.ask("PUT", "/v1/tags/7", r#"["a","b"]"#).unwrap(), json!({"id": "7", "tags": ["a", "b"]}));
    lab.refused("PUT", "/v1/tags/7", r#"{"tags":[]}"#, "tags", "must be a JSON array");
    lab.refused("PUT", "/v1/tags/7", "[1]", "tags.0", "must be a string");
    lab.refused("PUT", "/v1/tags/7", "null", "tags", "must not be null");
    lab.refused("GET", "/v1/query", "{}", "", "takes no body");
}

#[test]
fn a_patch_without_a_mask_changes_what_its_body_has() {
    let lab = Lab::new();
    let ask = |query: &str, body: &str| lab.ask("PATCH", &format!("/v1/shelves/a{query}"), body).unwrap();
    let body = r#"{"theme":null,"size":{"width":1},"owners":[]}"#;
    assert_eq!(ask("", body)["updateMask"], "theme,size.width,owners");
    assert_eq!(ask("", r#"{"size":{}}"#)["updateMask"], "size");
    assert_eq!(ask("?update_mask=theme", body)["updateMask"], "theme");
    assert_eq!(ask("", "").get("updateMask"), None);
}

/// A name is one however it is encoded: before, a mask was added beside the one that was sent.
#[test]
fn a_mask_that_is_sent_is_seen_in_any_spelling() {
    let lab = Lab::new();
    for name in ["update_mask", "updateMask", "update%5Fmask", "update%5fmask", "%75pdate_mask"] {
        let uri = format!("/v1/shelves/a?{name}=theme");
        let asked = lab.ask("PATCH", &uri, r#"{"theme":"x","size":{"width":1}}"#).unwrap();
        assert_eq!(asked["updateMask"], "theme", "{name}");
    }
}

#[test]
fn rules_may_have_any_method_and_leave_it_open() {
    let lab = Lab::new();
    let grpc = |method: &str, path: &str| {
        let found = lab.transcoder.route(&method.parse().unwrap(), path).ok()?;
        Some(found.grpc_path().rsplit('/').next().unwrap().to_owned())
    };
    assert_eq!(grpc("HEAD", "/v1/query").as_deref(), Some("Purge"), "its own, not that of GET");
    assert_eq!(grpc("GET", "/v1/query").as_deref(), Some("Query"));
    for method in ["GET", "HEAD", "POST", "PATCH", "PURGE", "M-SEARCH"] {
        assert_eq!(grpc(method, "/v1/pages/7").as_deref(), Some("Purge"), "{method}");
    }
    assert_eq!(grpc("OPTIONS", "/v1/pages/7"), None);
    assert_eq!(
        lab.ask("POST", "/v1/$batch/caf%C3%A9/7:run:all", "{}").unwrap(),
        json!({"id": "7"}),
        "a literal is compared without the case of its escapes"
    );
}

#[test]
fn a_stream_may_be_of_parts_of_any_type() {
    let lab = Lab::new();
    let found = lab.transcoder.route(&Method::GET, "/v1/download/a/b").unwrap();
    assert!(found.streams() && found.renderer().is_raw());
    let answer = found.renderer().answer(b"\x0a\x08text/csv\x12\x03a,b").unwrap();
    assert_eq!(answer, Answer::Raw("text/csv".to_owned(), b"a,b".to_vec()));
}

#[test]
fn a_body_of_any_type_goes_through_as_it_is() {
    let lab = Lab::new();
    let found = lab.transcoder.route(&Method::POST, "/v1/upload/x").unwrap();
    assert_eq!(found.takes(), Takes::Raw);
    assert_eq!(
        lab.ask("POST", "/v1/upload/x", "any \u{0} text").unwrap(),
        json!({"name": "x", "file": {"contentType": "text/plain", "data": "YW55IAAgdGV4dA=="}})
    );
    let body = lab.pool.get_message_by_name("google.api.HttpBody").unwrap();
    let mut reader = serde_json::Deserializer::from_str(r#"{"contentType":"image/png","data":"/+8="}"#);
    let wire = DynamicMessage::deserialize(body, &mut reader).unwrap().encode_to_vec();
    let answer = found.renderer().answer(&wire).unwrap();
    assert_eq!(answer, Answer::Raw("image/png".to_owned(), vec![0xff, 0xef]));
}

#[test]
fn a_response_body_is_one_field() {
    let lab = Lab::new();
    let found = lab.transcoder.route(&Method::GET, "/v1/query").unwrap();
    assert_eq!(found.renderer().json(b"\x0a\x01a\x12\x01e\x0a\x01b").unwrap(), br#"["a","b"]"#);
    assert_eq!(found.renderer().json(b"").unwrap(), b"[]");
    let whole = lab.transcoder.route(&Method::PUT, "/v1/tags/7").unwrap().renderer();
    assert_eq!((whole.etag(b"\x12\x01e"), whole.etag(b"")), (Some("e"), None));
}

#[test]
fn rules_that_cannot_work_are_named_at_the_start() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let method = |rule: &str| {
        format!(
            "syntax = \"proto3\"; package wrong; import \"google/api/annotations.proto\"; \
             message M {{ string a = 1; repeated string r = 2; M m = 3; map<string, string> p = 4; }} \
             service S {{ rpc X(M) returns (M) {{ option (google.api.http) = {{ {rule} }}; }} }}"
        )
    };
    for (rule, cause) in [
        ("get: \"/v1/{b}\"", "{b} is not a field"),
        ("get: \"/v1/{r}\"", "{r} is repeated"),
        ("get: \"/v1/{p}\"", "{p} is repeated"),
        ("get: \"/v1/{m}\"", "{m} is a message"),
        ("get: \"/v1/{a.b}\"", "{a.b} is not a field"),
        ("get: \"/v1/{a}/{a}\"", "twice"),
        ("get: \"/v1/**/*\"", "follows **"),
        ("get: \"v1\"", "starts with /"),
        ("get: \"/v1\" body: \"*\"", "has no body"),
        ("post: \"/v1\" body: \"b\"", "is not a field of the request"),
        ("post: \"/v1\" body: \"m.a\"", "is not a field of the request"),
        ("post: \"/v1/{a}\" body: \"a\"", "in the path as well"),
        ("get: \"/v1\" response_body: \"b\"", "is not a field of the response"),
        ("body: \"*\"", "has none of get"),
        ("custom: {kind: \"head\" path: \"/v1\"}", "`head` is not an HTTP method; write it in capitals"),
        ("custom: {kind: \"\" path: \"/v1\"}", "`` is not an HTTP method"),
        ("custom: {kind: \"A B\" path: \"/v1\"}", "`A B` is not an HTTP method"),
        ("custom: {kind: \"TRACE\" path: \"/v1\"}", "TRACE is not served"),
        ("custom: {kind: \"CONNECT\" path: \"/v1\"}", "CONNECT is not served"),
        ("custom: {kind: \"HEAD\" path: \"/v1\"} body: \"*\"", "a HEAD has no body"),
        ("custom: {kind: \"GET\" path: \"/v1\"} additional_bindings: {get: \"/v1\"}", "same route"),
        ("custom: {kind: \"LINK\"}", "starts with /"),
        ("get: \"/v1/%61\"", "clients write %61 as `a`"),
        ("get: \"/v1/a%\"", "a % without two hex digits"),
        ("get: \"/v1/a:b/c\"", "which ends the template"),
        ("get: \"/v1/{a}:x::y\"", "a part of it is empty"),
        ("get: \"/v1/..\"", "resolved by clients"),
        ("get: \"/v1\" additional_bindings: {get: \"/v1\"}", "same route"),
        (
            "get: \"/v1\" additional_bindings: {get: \"/v2\" additional_bindings: {get: \"/v3\"}}",
            "additional_bindings inside",
        ),
    ] {
        std::fs::write(folder.join("wrong.proto"), method(rule)).unwrap();
        let pool = protos::compile(&["wrong.proto"], Some(folder));
        let errors = Transcoder::new(&pool, &["wrong.S"], Style::FRONTDESK).unwrap_err();
        assert!(errors[0].method == "wrong.S.X" && errors[0].cause.contains(cause), "{rule}: {}", errors[0]);
    }
}
