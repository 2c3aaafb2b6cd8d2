//! Compressed answers, compressed bodies and bombs.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::Method;

use crate::fixture::{Answer, Fixture, case, path_of};

const REQUESTS: &str = "/v1/booking-requests";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn bodies_are_compressed_and_inflated_within_their_limits() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let plain = fixture.request(Method::GET, REQUESTS).bearer_auth(&token).send().await.unwrap();
    assert_eq!(plain.headers()["vary"], "accept-encoding");
    let plain = plain.bytes().await.unwrap();
    for (accept, encoding) in [("gzip, br", "br"), ("gzip", "gzip")] {
        let request = fixture.request(Method::GET, REQUESTS).bearer_auth(&token);
        let response = request.header("accept-encoding", accept).send().await.unwrap();
        assert_eq!(response.headers()["content-encoding"], encoding);
        assert!(response.bytes().await.unwrap().len() < plain.len() / 2);
    }
    let send = |body: Vec<u8>| {
        let request = fixture.request(Method::POST, &path_of(case("REQUESTED"), "/approve"));
        let request = request.bearer_auth(&token).header("content-encoding", "gzip");
        Answer::of(request.header("content-type", "application/json").body(body))
    };
    let bomb = gzip(&vec![b' '; 200_000_000]);
    assert!(bomb.len() < 1_000_000);
    send(bomb).await.refused(413, "PAYLOAD_TOO_LARGE");
    send(b"not gzip".to_vec()).await.refused(400, "MALFORMED_REQUEST");
    assert_eq!(send(gzip(br#"{"internal_note":"zipped"}"#)).await.ok()["outcome"], "approved");
}
