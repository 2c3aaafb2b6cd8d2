//! Clients that are slow, say nothing, or say half of it.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::fixture::Fixture;

const REQUESTS: &str = "/v1/booking-requests";

#[tokio::test(flavor = "multi_thread")]
async fn slow_and_half_open_clients_hurt_nobody_else() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let mut slow = Vec::new();
    for n in 0..600 {
        let mut client = TcpStream::connect(fixture.system.gateway).await.unwrap();
        let begun = match n % 4 {
            0 => "",
            1 => "PRI * HTTP/2.0\r\n",
            2 => "GET /livez HTTP/1.1\r\nhost: x\r\nx-slow: ",
            _ => {
                "POST /v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{"
            }
        };
        client.write_all(begun.as_bytes()).await.unwrap();
        slow.push(client);
    }
    for _ in 0..20 {
        fixture.get(REQUESTS, &token).await.ok();
    }
    // In the end each is let go, those with half a body with a word about it.
    let mut last = slow.pop().unwrap();
    let mut answer = String::new();
    tokio::time::timeout(Duration::from_secs(30), last.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("REQUEST_TIMEOUT"), "{answer}");
    for mut client in slow {
        let mut rest = Vec::new();
        let closed = tokio::time::timeout(Duration::from_secs(30), client.read_to_end(&mut rest)).await;
        assert!(closed.is_ok(), "a connection was kept: {}", rest.escape_ascii());
    }
}
