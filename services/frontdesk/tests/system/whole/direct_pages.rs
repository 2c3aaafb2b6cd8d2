//! Pages that call identity and booking without the gateway, where a setting names their origin.

use std::net::SocketAddr;

use frontdesk::demo;
use frontdesk::system::Policies;
use frontdesk_proto::booking::v1::{ApproveBookingRequestRequest, ListBookingRequestsResponse};
use frontdesk_proto::identity::v1::{LoginRequest, LoginResponse};
use frontdesk_proto::{ErrorReason, reason_of};
use http::HeaderMap;
use prost::Message;
use reqwest::{Method, RequestBuilder, Response};
use tonic::{Code, Status};

use crate::fixture::{Fixture, case};

const PAGE: &str = "http://localhost:5173";
const LOGIN: &str = "/frontdesk.identity.v1.AuthService/Login";
const LIST: &str = "/frontdesk.booking.v1.BookingRequestService/ListBookingRequests";
const APPROVE: &str = "/frontdesk.booking.v1.BookingRequestService/ApproveBookingRequest";

fn policies() -> Policies {
    let pages: boot::Origins = PAGE.parse().unwrap();
    Policies {
        identity: identity::Policy { pages: pages.clone(), ..identity::Policy::default() },
        booking: booking::Policy { pages, ..booking::Policy::default() },
        ..Policies::default()
    }
}

/// A call of a page, without credentials.
fn call(fixture: &Fixture, to: SocketAddr, path: &str, message: &impl Message) -> RequestBuilder {
    let message = message.encode_to_vec();
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let request = fixture.http.post(format!("http://{to}{path}")).header("origin", PAGE);
    let request = request.header("content-type", "application/grpc-web+proto").header("x-grpc-web", "1");
    request.body([&[0][..], &length, &message].concat())
}

/// The message of an answer, if it has one, and its status, wherever that is.
async fn read(answer: Response) -> (Option<Vec<u8>>, Status) {
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["access-control-allow-origin"], PAGE);
    assert!(answer.headers().contains_key("x-request-id"));
    if let Some(status) = Status::from_header_map(answer.headers()) {
        return (None, status);
    }
    let bytes = answer.bytes().await.unwrap();
    let (mut message, mut rest) = (None, &bytes[..]);
    while rest[0] != 0x80 {
        let end = 5 + u32::from_be_bytes(rest[1..5].try_into().unwrap()) as usize;
        message = Some(rest[5..end].to_vec());
        rest = &rest[end..];
    }
    let lines = std::str::from_utf8(&rest[5..]).unwrap().lines();
    let trailers: HeaderMap = lines
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
        .collect();
    (message, Status::from_header_map(&trailers).unwrap())
}

#[tokio::test]
async fn a_page_of_a_named_origin_signs_in_and_reads_without_the_gateway() {
    let fixture = Fixture::start_under(policies()).await;
    let (email, password) = (demo::MANAGER.to_owned(), demo::PASSWORD.to_owned());
    let login = LoginRequest { email, password };
    let answer = call(&fixture, fixture.system.identity, LOGIN, &login).send().await.unwrap();
    let (message, status) = read(answer).await;
    assert_eq!(status.code(), Code::Ok);
    let token = LoginResponse::decode(&*message.unwrap()).unwrap().access;
    let list = call(&fixture, fixture.system.booking, LIST, &()).bearer_auth(token);
    let (message, status) = read(list.send().await.unwrap()).await;
    assert_eq!(status.code(), Code::Ok);
    assert!(!ListBookingRequestsResponse::decode(&*message.unwrap()).unwrap().booking_requests.is_empty());
}

#[tokio::test]
async fn a_page_gets_past_no_rule_that_others_do_not() {
    let fixture = Fixture::start_under(policies()).await;
    let viewer = fixture.token(demo::VIEWER).await;
    let before = fixture.snapshot().await;
    let approve = ApproveBookingRequestRequest {
        booking_request_id: case("REQUESTED").to_string(),
        ..Default::default()
    };
    let asked = || call(&fixture, fixture.system.booking, APPROVE, &approve);
    for (request, code, reason) in [
        (asked(), Code::Unauthenticated, ErrorReason::CredentialsMissing),
        (asked().bearer_auth("x"), Code::Unauthenticated, ErrorReason::TokenInvalid),
        (asked().bearer_auth(&viewer), Code::PermissionDenied, ErrorReason::ScopeMissing),
        (asked().header("grpc-timeout", "1x"), Code::InvalidArgument, ErrorReason::InvalidHeader),
        (asked().header("grpc-timeout", "1m"), Code::DeadlineExceeded, ErrorReason::DeadlineExceeded),
    ] {
        let (_, status) = read(request.send().await.unwrap()).await;
        assert_eq!((status.code(), reason_of(&status)), (code, Some(reason)), "{status:?}");
    }
    assert_eq!(fixture.snapshot().await, before);
}

#[tokio::test]
async fn pages_of_other_origins_call_no_service_and_none_does_where_no_origin_is_named() {
    let named = Fixture::start_under(policies()).await;
    for origin in ["http://localhost:3000", "https://evil.example", "null"] {
        for to in [named.system.identity, named.system.booking] {
            let asked = named.http.request(Method::OPTIONS, format!("http://{to}{LIST}"));
            let asked = asked.header("origin", origin).header("access-control-request-method", "POST");
            let called = named.http.post(format!("http://{to}{LIST}")).header("origin", origin);
            let called = called.header("content-type", "application/grpc-web").body(&b"\0\0\0\0\0"[..]);
            for request in [asked, called] {
                let refused = request.send().await.unwrap();
                assert_eq!(refused.status(), 403, "{origin}");
                assert!(!refused.headers().contains_key("access-control-allow-origin"));
                assert!(refused.text().await.unwrap().contains("DIRECT_ORIGINS"));
            }
        }
    }
    let unnamed = Fixture::start().await;
    for to in [unnamed.system.identity, unnamed.system.booking] {
        assert!(call(&unnamed, to, LIST, &()).send().await.is_err(), "it speaks HTTP/2 alone");
    }
}
