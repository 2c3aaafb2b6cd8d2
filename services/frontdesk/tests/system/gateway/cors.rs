//! Origins of pages.

use reqwest::Method;

use crate::fixture::{Answer, Fixture};

/// Asks whether a page of this origin may send a GET with a token.
async fn preflight(fixture: &Fixture, origin: &str) -> Answer {
    let request = fixture.request(Method::OPTIONS, "/api/v1/properties").header("Origin", origin);
    let request = request.header("Access-Control-Request-Method", "GET");
    Answer::of(request.header("Access-Control-Request-Headers", "Authorization")).await
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_may_send_what_it_asks_for() {
    let fixture = Fixture::start().await;
    let allowed = preflight(&fixture, "http://localhost:3000").await;
    assert_eq!(allowed.status, 204);
    assert_eq!(allowed.headers["access-control-allow-origin"], "http://localhost:3000");
    assert_eq!(allowed.headers["access-control-allow-methods"], "GET, POST, PUT, PATCH, DELETE");
    assert_eq!(allowed.headers["access-control-allow-headers"], "Authorization");
}

#[tokio::test]
async fn a_refused_origin_is_named_with_the_setting_that_would_allow_it() {
    let fixture = Fixture::start().await;
    let refused = preflight(&fixture, "https://evil.example").await;
    refused.refused(403, "ORIGIN_NOT_ALLOWED");
    assert_eq!(refused.body["metadata"]["setting"], "ALLOWED_ORIGINS");
    assert!(refused.body["detail"].as_str().unwrap().contains("https://evil.example"));
    assert!(!refused.headers.contains_key("access-control-allow-origin"));
}

/// Without its headers a page sees a network error, and nobody knows why.
#[tokio::test]
async fn a_page_reads_why_its_request_is_none() {
    let fixture = Fixture::start().await;
    let ask = |origin: &'static str| {
        let request = fixture.request(Method::GET, "/api/v1/properties").header("Origin", origin);
        Answer::of(request.header("x-big", "x".repeat(30_000)))
    };
    let allowed = ask("http://localhost:3000").await;
    allowed.refused(431, "INVALID_HEADER");
    assert_eq!(allowed.headers["access-control-allow-origin"], "http://localhost:3000");
    let exposed = allowed.headers["access-control-expose-headers"].to_str().unwrap();
    assert!(exposed.contains("x-request-id"), "{exposed}");
    let other = ask("https://evil.example").await;
    other.refused(431, "INVALID_HEADER");
    assert!(!other.headers.contains_key("access-control-allow-origin"));
}
