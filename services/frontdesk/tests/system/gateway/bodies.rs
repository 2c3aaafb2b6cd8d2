//! Bodies that are not JSON.

use reqwest::Method;
use serde_json::json;

use crate::fixture::{Answer, Fixture};

const REQUESTS: &str = "/api/v1/booking-requests";

fn july() -> serde_json::Value {
    json!({
        "property_id": "0d000000-0000-7000-8000-000000000203",
        "guest_id": "0d000000-0000-7000-8000-000000000303",
        "check_in": "2030-07-01", "check_out": "2030-07-08",
    })
}

#[tokio::test]
async fn bodies_that_are_not_json_are_refused() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let before = fixture.snapshot().await;
    let post = |content_type: &'static str, body: Vec<u8>| {
        let request = fixture.request(Method::POST, REQUESTS).bearer_auth(&token).body(body);
        Answer::of(if content_type.is_empty() {
            request
        } else {
            request.header("content-type", content_type)
        })
    };
    let json = july().to_string().into_bytes();
    for content_type in [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/xml",
        "application/json; charset=latin1",
    ] {
        post(content_type, json.clone()).await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    }
    for body in [
        b"{".to_vec(),
        b"[]".to_vec(),
        b"\xff\xfe".to_vec(),
        vec![b'['; 500_000],
        b"{\"a\":1,\"a\":1}".to_vec(),
    ] {
        post("application/json", body).await.refused(400, "MALFORMED_REQUEST");
    }
    post("application/json", vec![b' '; 10_000_000]).await.refused(413, "PAYLOAD_TOO_LARGE");
    for (encoding, status, code) in
        [("br", 415, "UNSUPPORTED_MEDIA_TYPE"), ("gzip", 400, "MALFORMED_REQUEST")]
    {
        let encoded = fixture.request(Method::POST, REQUESTS).bearer_auth(&token);
        let encoded = encoded.header("content-encoding", encoding).header("content-type", "application/json");
        Answer::of(encoded.body(json.clone())).await.refused(status, code);
    }
    assert_eq!(fixture.snapshot().await, before);
}
