//! What is sent in place of one message of a method, in each protocol. It is its caller's
//! fault and says so; nothing of it reads as a fault of the server's.

use frontdesk_proto::booking::v1::ApproveBookingRequestRequest;
use frontdesk_proto::{ErrorReason, Refusal};
use prost::Message;
use reqwest::Method;
use tonic::Code;

use super::grpc_gzip::{Raw, frame};
use crate::fixture::{Answer, Fixture, case};

const APPROVE: &str = "/frontdesk.booking.v1.BookingRequestService/ApproveBookingRequest";
const IMPORT: &str = "/frontdesk.booking.v1.CustomerService/ImportCustomers";
const LOGIN: &str = "/frontdesk.identity.v1.AuthService/Login";

/// What is no message in protobuf.
const GARBAGE: &[u8] = b"\xff\xff\xff";

fn approve(letters: usize) -> Vec<u8> {
    let booking_request_id = case("REQUESTED").to_string();
    let internal_note = "x".repeat(letters);
    ApproveBookingRequestRequest { booking_request_id, internal_note, ..Default::default() }.encode_to_vec()
}

/// What is wrong, and the word for it.
fn wrong() -> Vec<(Vec<u8>, ErrorReason, &'static str)> {
    let whole = frame(0, &approve(9));
    let malformed = ErrorReason::MalformedRequest;
    vec![
        (frame(0, GARBAGE), malformed, "cannot be read as protobuf"),
        (Vec::new(), malformed, "it has no message"),
        (whole[..3].to_vec(), malformed, "cut off"),
        (whole[..whole.len() - 1].to_vec(), malformed, "cut off"),
        ([&whole[..], &whole].concat(), malformed, "more follows its message"),
        (frame(9, &approve(9)), malformed, "the flag before its message is 9"),
        (frame(0, &approve(4_200_000)), ErrorReason::PayloadTooLarge, "4194304 bytes"),
    ]
}

#[tokio::test]
async fn what_is_no_message_is_refused_over_grpc_through_the_gateway_and_at_the_service() {
    let fixture = Fixture::start().await;
    let bearer = format!("Bearer {}", fixture.manager().await);
    let token = ("authorization", bearer.as_str());
    let before = fixture.snapshot().await;
    for to in [fixture.system.gateway, fixture.system.booking] {
        for (sent, reason, word) in wrong() {
            let refused = Raw::of(to, APPROVE, &[token], &sent).await.status;
            let refusal = Refusal::from_status(&refused).unwrap_or_else(|| panic!("{word}: {refused:?}"));
            assert_eq!((refusal.reason(), refused.code()), (reason, reason.wire().code), "{word}");
            assert!(refusal.message().contains(word), "{word}: {}", refusal.message());
        }
        // Who it is counts first.
        let nobody = Raw::of(to, APPROVE, &[], b"").await.status;
        assert_eq!(nobody.code(), Code::Unauthenticated);
    }
    for to in [fixture.system.gateway, fixture.system.identity] {
        let refused = Raw::of(to, LOGIN, &[], &frame(0, GARBAGE)).await.status;
        let refusal = Refusal::from_status(&refused).unwrap();
        assert_eq!(refusal.reason(), ErrorReason::MalformedRequest);
    }
    assert_eq!(fixture.snapshot().await, before);
}

#[tokio::test]
async fn what_is_no_message_is_refused_over_grpc_web_and_connect() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let before = fixture.snapshot().await;
    for (sent, reason, _) in wrong() {
        let request = fixture.request(Method::POST, APPROVE).bearer_auth(&token);
        let refused = request.header("content-type", "application/grpc-web").body(sent).send().await.unwrap();
        let status = tonic::Status::from_header_map(refused.headers()).unwrap();
        let refusal = Refusal::from_status(&status).unwrap_or_else(|| panic!("{status:?}"));
        assert_eq!((refusal.reason(), status.code()), (reason, reason.wire().code));
    }
    for (sent, status, word, reason) in [
        (GARBAGE.to_vec(), 400, "invalid_argument", "MALFORMED_REQUEST"),
        (approve(4_200_000), 429, "resource_exhausted", "PAYLOAD_TOO_LARGE"),
    ] {
        let request = fixture.request(Method::POST, APPROVE).bearer_auth(&token);
        let refused = Answer::of(request.header("content-type", "application/proto").body(sent)).await;
        assert_eq!((refused.status, refused.body["code"].as_str()), (status, Some(word)), "{}", refused.body);
        assert_eq!(refused.body["details"][0]["debug"]["reason"], reason);
    }
    assert_eq!(fixture.snapshot().await, before);
}

#[tokio::test]
async fn a_stream_of_what_are_no_messages_is_refused_too() {
    let fixture = Fixture::start().await;
    let bearer = format!("Bearer {}", fixture.manager().await);
    let token = ("authorization", bearer.as_str());
    let before = fixture.snapshot().await;
    for to in [fixture.system.gateway, fixture.system.booking] {
        for (sent, reason) in [
            (frame(0, GARBAGE), ErrorReason::MalformedRequest),
            (frame(7, b""), ErrorReason::MalformedRequest),
            (frame(0, b"")[..3].to_vec(), ErrorReason::MalformedRequest),
            (frame(0, &vec![0; 4_200_000]), ErrorReason::PayloadTooLarge),
        ] {
            let refused = Raw::of(to, IMPORT, &[token], &sent).await.status;
            let refusal = Refusal::from_status(&refused).unwrap_or_else(|| panic!("{reason:?}: {refused:?}"));
            assert_eq!((refusal.reason(), refused.code()), (reason, reason.wire().code));
        }
        let unknown = Raw::of(to, IMPORT, &[token, ("grpc-encoding", "br")], &frame(0, b"")).await.status;
        assert_eq!(unknown.code(), Code::Unimplemented);
    }
    assert_eq!(fixture.snapshot().await, before);
}
