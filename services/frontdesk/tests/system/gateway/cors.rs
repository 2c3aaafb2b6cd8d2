//! Origins of pages.

use reqwest::Method;

use crate::fixture::{Answer, Fixture};

#[tokio::test]
async fn a_preflight_answers_as_the_runbook_says() {
    let fixture = Fixture::start().await;
    let preflight = |origin: &str| {
        let request = fixture.request(Method::OPTIONS, "/api/v1/properties").header("Origin", origin);
        Answer::of(
            request
                .header("Access-Control-Request-Method", "GET")
                .header("Access-Control-Request-Headers", "Authorization"),
        )
    };
    let allowed = preflight("http://localhost:3000").await;
    assert_eq!(allowed.status, 204);
    assert_eq!(allowed.headers["access-control-allow-origin"], "http://localhost:3000");
    assert_eq!(allowed.headers["access-control-allow-methods"], "GET, POST, PUT, PATCH, DELETE");
    assert_eq!(allowed.headers["access-control-allow-headers"], "Authorization");

    let refused = preflight("https://evil.example").await;
    refused.refused(403, "ORIGIN_NOT_ALLOWED");
    assert_eq!(refused.body["metadata"]["setting"], "ALLOWED_ORIGINS");
    assert!(refused.body["detail"].as_str().unwrap().contains("https://evil.example"));
    assert!(!refused.headers.contains_key("access-control-allow-origin"));
}
