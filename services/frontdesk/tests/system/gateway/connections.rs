//! How long the gateway keeps a connection, and how many a client has.

use std::time::Duration;

use boot::StopPolicy;
use gateway::Connections;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::stop::{Stopping, ask};
use crate::fixture::Fixture;

/// Longer than a new connection may take to ask: one that was looked at before it had asked is
/// looked at again after that.
const PATIENCE: Duration = Duration::from_secs(30);
/// The type of a frame of HTTP/2 that tells its receiver to go elsewhere.
const GOAWAY: u8 = 7;

/// A gateway whose connections are like this.
async fn start(fixture: &Fixture, change: impl FnOnce(&mut Connections)) -> Stopping {
    let mut policy = gateway::Policy::default();
    change(&mut policy.connections);
    Stopping::start_under(fixture, StopPolicy::AT_ONCE, policy).await
}

/// A connection over HTTP/2 that has asked for `/livez`.
async fn over_http2(gateway: &Stopping) -> TcpStream {
    let mut connection = TcpStream::connect(gateway.addr).await.unwrap();
    // GET, http, a path and an authority that are written out (RFC 7541, 6.2.2).
    let fields = &b"\x82\x86\x04\x06/livez\x01\x01x"[..];
    let length = u8::try_from(fields.len()).unwrap();
    let begin = &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..];
    let settings = &[0, 0, 0, 4, 0, 0, 0, 0, 0][..];
    // The end of the stream and of its fields.
    let headers = &[0, 0, length, 1, 5, 0, 0, 0, 1][..];
    connection.write_all(&[begin, settings, headers, fields].concat()).await.unwrap();
    connection
}

/// The types of the frames that came, up to one of this type.
async fn frames(connection: &mut TcpStream, last: u8) -> Vec<u8> {
    let mut types = Vec::new();
    while types.last() != Some(&last) {
        let mut head = [0; 9];
        connection.read_exact(&mut head).await.unwrap_or_else(|error| panic!("{error}: {types:?}"));
        let mut rest = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        connection.read_exact(&mut rest).await.unwrap();
        types.push(head[3]);
    }
    types
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_connection_is_told_to_go_elsewhere_in_both_versions_of_http() {
    let fixture = Fixture::start().await;
    let gateway = start(&fixture, |connections| connections.age = Duration::from_secs(1)).await;
    let mut old = TcpStream::connect(gateway.addr).await.unwrap();
    let mut of_http2 = over_http2(&gateway).await;
    let answer = ask(&mut old, "/livez").await;
    assert!(answer.starts_with("http/1.1 200") && !answer.contains("connection: close"), "{answer}");
    // It is told so whether or not it asks again.
    let told = timeout(PATIENCE, frames(&mut of_http2, GOAWAY)).await.expect("it is kept");
    assert!(told.contains(&1), "it had its answer before: {told:?}");
    sleep(Duration::from_secs(1)).await;
    let answer = ask(&mut old, "/livez").await;
    assert!(answer.starts_with("http/1.1 200") && answer.contains("connection: close"), "{answer}");
    let ended = timeout(PATIENCE, old.read(&mut [0])).await.expect("it is kept");
    assert_eq!(ended.unwrap(), 0, "it was the last answer");
    let mut new = TcpStream::connect(gateway.addr).await.unwrap();
    let answer = ask(&mut new, "/livez").await;
    assert!(!answer.contains("connection: close"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_has_no_more_connections_than_it_may() {
    let fixture = Fixture::start().await;
    let gateway = start(&fixture, |connections| connections.of_client = 2).await;
    let connect = async || TcpStream::connect(gateway.addr).await.unwrap();
    let (mut one, mut other) = (connect().await, connect().await);
    for connection in [&mut one, &mut other] {
        let answer = ask(connection, "/livez").await;
        assert!(answer.starts_with("http/1.1 200"), "{answer}");
    }
    let mut third = connect().await;
    let refused = timeout(PATIENCE, third.read(&mut [0])).await.expect("it is kept");
    assert_eq!(refused.unwrap(), 0, "it is closed without an answer");
    let answer = ask(&mut one, "/livez").await;
    assert!(answer.starts_with("http/1.1 200"), "{answer}");
    // Its place is another one's once it has gone.
    drop(other);
    let came_in = async {
        loop {
            let mut next = connect().await;
            next.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap_or_default();
            if matches!(next.read(&mut [0]).await, Ok(1)) {
                break;
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, came_in).await.expect("the place is kept");
}
