//! The document of the API and the page that shows it.

use reqwest::Method;
use serde_json::json;

use crate::fixture::{Answer, Fixture};

#[tokio::test]
async fn the_document_of_the_api_is_current() {
    let fixture = Fixture::start().await;
    let served = Answer::of(fixture.request(Method::GET, "/openapi.json")).await;
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/../../gateway/openapi.json");
    #[expect(clippy::disallowed_methods, reason = "asks for the file to be written: `make generate`")]
    let generate = std::env::var_os("FRONTDESK_GENERATE").is_some();
    if generate {
        std::fs::write(committed, format!("{:#}\n", served.body)).unwrap();
    }
    let read: serde_json::Value = serde_json::from_slice(&std::fs::read(committed).unwrap()).unwrap();
    assert!(*served.ok() == read, "gateway/openapi.json is stale: run `make generate`");
}

#[tokio::test]
async fn the_page_that_shows_it_needs_nothing_from_elsewhere() {
    let fixture = Fixture::start().await;
    let docs = fixture.request(Method::GET, "/docs").send().await.unwrap();
    let policy = docs.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(!docs.text().await.unwrap().contains("https://"));
}

#[tokio::test]
async fn pages_are_read_only() {
    let fixture = Fixture::start().await;
    let other = Answer::of(fixture.request(Method::POST, "/docs").json(&json!({}))).await;
    other.refused(405, "METHOD_NOT_ALLOWED");
    assert_eq!(other.headers["allow"], "GET, HEAD, OPTIONS");
    assert_eq!(fixture.request(Method::OPTIONS, "/livez").send().await.unwrap().status(), 204);
}
