//! Requests that are too long in any way.

use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::fixture::{Answer, Fixture};

const REQUESTS: &str = "/v1/booking-requests";

#[tokio::test]
async fn requests_beyond_every_size_are_refused() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let long = fixture.get(&"/a".repeat(7_000), &token).await;
    long.refused(404, "ROUTE_NOT_FOUND");
    assert!(long.body["message"].as_str().unwrap().len() < 1_000);
    for (name, value) in [("x-big", "x".repeat(40_000)), ("cookie", "a=b;".repeat(10_000))] {
        let request = fixture.request(Method::GET, REQUESTS).bearer_auth(&token).header(name, value);
        assert_eq!(request.send().await.unwrap().status(), 431, "{name}");
    }
    let mut raw = TcpStream::connect(fixture.system.gateway).await.unwrap();
    let path = "/".repeat(64_000);
    // The gateway may close before all is written.
    let _cut = raw.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await;
    let mut answer = Vec::new();
    let _reset = raw.read_to_end(&mut answer).await;
    assert!(answer.starts_with(b"HTTP/1.1 4"), "{}", answer.escape_ascii());
    let many = format!("{{\"property_id\":[{}1]}}", "1,".repeat(500_000));
    let request = fixture.request(Method::POST, REQUESTS).bearer_auth(&token);
    let request = request.header("content-type", "application/json");
    Answer::of(request.try_clone().unwrap().body(many.clone())).await.refused(400, "MALFORMED_REQUEST");
    Answer::of(request.body(many.repeat(2))).await.refused(413, "PAYLOAD_TOO_LARGE");
    let parameters = format!("{REQUESTS}?{}", "status=requested&".repeat(800));
    fixture.get(&parameters, &token).await.ok();
}
