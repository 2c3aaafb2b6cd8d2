//! gRPC and gRPC-Web with messages in gzip, through the gateway and at the services' own ports.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;

use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use frontdesk_proto::booking::v1::booking_request_service_client::BookingRequestServiceClient;
use frontdesk_proto::booking::v1::{
    ApproveBookingRequestRequest, ListBookingRequestsRequest, WatchBookingRequestsRequest,
};
use frontdesk_proto::identity::v1::LoginRequest;
use frontdesk_proto::{ErrorReason, reason_of};
use http::HeaderMap;
use http_body_util::{BodyExt, Full};
use prost::Message;
use reqwest::Method;
use tonic::body::Body;
use tonic::codec::CompressionEncoding::Gzip;
use tonic::{Code, Status};
use tower::Service;

use crate::fixture::{Fixture, case, channel, path_of, signed};

const LIST: &str = "/frontdesk.booking.v1.BookingRequestService/ListBookingRequests";
const APPROVE: &str = "/frontdesk.booking.v1.BookingRequestService/ApproveBookingRequest";
const LOGIN: &str = "/frontdesk.identity.v1.AuthService/Login";
const KEYS: &str = "/frontdesk.identity.v1.TokenService/GetJwks";
/// What a client says that sends gzip, and one that takes it.
const SENDS: (&str, &str) = ("grpc-encoding", "gzip");
const TAKES: (&str, &str) = ("grpc-accept-encoding", "identity, deflate, gzip");

pub type Headers<'h> = &'h [(&'static str, &'h str)];

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn frame(flag: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[flag][..], &length, message].concat()
}

/// An approve with a note of so many letters.
fn approve(letters: usize) -> Vec<u8> {
    let internal_note = "x".repeat(letters);
    let booking_request_id = case("REQUESTED").to_string();
    ApproveBookingRequestRequest { booking_request_id, internal_note, ..Default::default() }.encode_to_vec()
}

/// An answer over gRPC as it comes.
pub struct Raw {
    headers: HeaderMap,
    data: Vec<u8>,
    pub status: Status,
}

impl Raw {
    pub async fn of(to: SocketAddr, path: &str, headers: Headers<'_>, sent: &[u8]) -> Self {
        let mut request = http::Request::post(path).header("content-type", "application/grpc");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = Body::new(Full::new(Bytes::copy_from_slice(sent)));
        let request = request.header("te", "trailers").body(body).unwrap();
        let (head, body) = channel(to).call(request).await.unwrap().into_parts();
        let whole = body.collect().await.unwrap();
        let says = |headers: &HeaderMap| Status::from_header_map(headers);
        let status = says(&head.headers).or_else(|| says(whole.trailers()?)).unwrap();
        Self { headers: head.headers, data: whole.to_bytes().to_vec(), status }
    }

    fn encoding(&self) -> Option<&str> {
        self.headers.get("grpc-encoding").map(|value| value.to_str().unwrap())
    }
}

#[tokio::test]
async fn messages_in_gzip_go_both_ways_and_nobody_gets_them_who_does_not_ask() {
    let fixture = Fixture::start().await;
    let bearer = format!("Bearer {}", fixture.manager().await);
    let token = ("authorization", bearer.as_str());
    for to in [fixture.system.gateway, fixture.system.booking] {
        let plain = Raw::of(to, LIST, &[token], &frame(0, b"")).await;
        assert_eq!((plain.status.code(), plain.encoding(), plain.data[0]), (Code::Ok, None, 0));
        let sent = frame(1, &gzip(b""));
        let asked = Raw::of(to, LIST, &[token, SENDS, TAKES], &sent).await;
        assert_eq!((asked.status.code(), asked.encoding(), asked.data[0]), (Code::Ok, Some("gzip"), 1));
        assert!(asked.data.len() < plain.data.len() / 2);
        let mut inflated = Vec::new();
        GzDecoder::new(&asked.data[5..]).read_to_end(&mut inflated).unwrap();
        assert_eq!(inflated, plain.data[5..]);
        // Who sends it need not take it.
        let sends = Raw::of(to, LIST, &[token, SENDS], &sent).await;
        assert_eq!((sends.encoding(), &sends.data), (None, &plain.data));
    }
    for to in [fixture.system.gateway, fixture.system.identity] {
        let keys = Raw::of(to, KEYS, &[TAKES], &frame(0, b"")).await;
        assert_eq!((keys.status.code(), keys.data[0]), (Code::Ok, 0), "it would be longer");
    }
}

#[tokio::test]
async fn clients_that_compress_call_and_watch_as_others_do() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let asked = || signed(ListBookingRequestsRequest::default(), &token);
    let plain = fixture.booking().list_booking_requests(asked()).await.unwrap().into_inner();
    for to in [fixture.system.gateway, fixture.system.booking] {
        let client = BookingRequestServiceClient::new(channel(to));
        let mut client = client.send_compressed(Gzip).accept_compressed(Gzip);
        assert_eq!(client.list_booking_requests(asked()).await.unwrap().into_inner(), plain);
        let watch = WatchBookingRequestsRequest { cursor: "start".to_owned(), ..Default::default() };
        let mut stream = client.watch_booking_requests(signed(watch, &token)).await.unwrap().into_inner();
        assert!(!stream.message().await.unwrap().unwrap().cursor.is_empty());
    }
}

#[tokio::test]
async fn what_is_too_long_once_it_is_inflated_is_refused_and_changes_nothing() {
    let fixture = Fixture::start().await;
    let bearer = format!("Bearer {}", fixture.manager().await);
    let token = ("authorization", bearer.as_str());
    let before = fixture.snapshot().await;
    let bomb = frame(1, &gzip(&approve(5_000_000)));
    assert!(bomb.len() < 20_000, "{} bytes", bomb.len());
    for to in [fixture.system.gateway, fixture.system.booking] {
        let refused = Raw::of(to, APPROVE, &[token, SENDS], &bomb).await;
        assert_eq!(refused.status.code(), Code::ResourceExhausted, "{:?}", refused.status);
        assert_eq!(reason_of(&refused.status), Some(ErrorReason::PayloadTooLarge));
    }
    // Before anybody is known less is taken, whatever it weighs on its way.
    let login = LoginRequest { email: "x".repeat(2_000_000), password: String::new() }.encode_to_vec();
    let login = frame(1, &gzip(&login));
    for to in [fixture.system.gateway, fixture.system.identity] {
        let refused = Raw::of(to, LOGIN, &[SENDS], &login).await;
        assert_eq!(refused.status.code(), Code::ResourceExhausted);
        assert_eq!(reason_of(&refused.status), Some(ErrorReason::PayloadTooLarge));
        assert!(refused.status.message().contains("1048576 bytes"), "{}", refused.status.message());
    }
    assert_eq!(fixture.snapshot().await, before);
    let approved =
        Raw::of(fixture.system.gateway, APPROVE, &[token, SENDS], &frame(1, &gzip(&approve(9)))).await;
    assert_eq!(approved.status.code(), Code::Ok);
    let token = fixture.manager().await;
    let stored = fixture.get(&path_of(case("REQUESTED"), ""), &token).await;
    assert_eq!(stored.ok()["internal_note"], "xxxxxxxxx");
}

#[tokio::test]
async fn what_says_one_thing_of_its_messages_and_is_another_is_refused() {
    let fixture = Fixture::start().await;
    let bearer = format!("Bearer {}", fixture.manager().await);
    let token = ("authorization", bearer.as_str());
    let before = fixture.snapshot().await;
    for to in [fixture.system.gateway, fixture.system.booking] {
        let malformed = (Code::InvalidArgument, ErrorReason::MalformedRequest);
        let unknown = (Code::Unimplemented, ErrorReason::UnsupportedMediaType);
        for (headers, sent, (code, reason)) in [
            // A message that says it is compressed, and nobody says how.
            (&[token][..], frame(1, &gzip(&approve(9))), malformed),
            (&[token, ("grpc-encoding", "identity")], frame(1, &gzip(&approve(9))), malformed),
            (&[token, ("grpc-encoding", "br")], frame(0, &approve(9)), unknown),
            (&[token, SENDS, SENDS], frame(1, &gzip(&approve(9))), unknown),
            (&[token, SENDS], frame(1, b"not gzip"), malformed),
            (&[token, SENDS], frame(2, &approve(9)), malformed),
        ] {
            let refused = Raw::of(to, APPROVE, headers, &sent).await;
            assert_eq!(refused.status.code(), code, "{:?}", refused.status);
            assert_eq!(reason_of(&refused.status), Some(reason));
            if code == Code::Unimplemented {
                assert_eq!(refused.headers["grpc-accept-encoding"], "gzip,identity");
            }
        }
    }
    assert_eq!(fixture.snapshot().await, before);
}

#[tokio::test]
async fn a_page_sends_and_takes_gzip_over_grpc_web() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let call = |headers: Headers<'_>, sent: Vec<u8>| {
        let request = fixture.request(Method::POST, LIST).bearer_auth(&token);
        let request =
            request.header("content-type", "application/grpc-web").header("origin", "http://localhost:3000");
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).body(sent).send()
    };
    let answer = call(&[SENDS, TAKES], frame(1, &gzip(b""))).await.unwrap();
    assert_eq!(answer.headers()["grpc-encoding"], "gzip");
    let exposed = answer.headers()["access-control-expose-headers"].to_str().unwrap();
    assert!(exposed.contains("grpc-encoding"), "or the page cannot inflate it: {exposed}");
    let bytes = answer.bytes().await.unwrap();
    assert_eq!(bytes[0], 1);
    assert!(bytes.ends_with(b"grpc-status:0\r\n"), "{}", bytes.escape_ascii());
    let bomb = call(&[SENDS], frame(1, &gzip(&vec![0; 5_000_000]))).await.unwrap();
    assert_eq!(bomb.headers()["grpc-status"], "8");
    let unknown = call(&[("grpc-encoding", "br")], frame(0, b"")).await.unwrap();
    assert_eq!(unknown.headers()["grpc-status"], "12");
    assert_eq!(unknown.headers()["grpc-accept-encoding"], "gzip,identity");
}
