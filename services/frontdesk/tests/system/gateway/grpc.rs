//! gRPC and gRPC-Web on the port of the gateway.

use frontdesk_proto::booking::v1::booking_request_service_client::BookingRequestServiceClient;
use frontdesk_proto::booking::v1::{ListBookingRequestsRequest, WatchBookingRequestsRequest};
use reqwest::Method;

use crate::fixture::{Answer, Fixture, channel, signed};

#[tokio::test]
async fn grpc_goes_through_the_gateway_in_every_kind() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let mut client = BookingRequestServiceClient::new(channel(fixture.system.gateway));
    let listed = client.list_booking_requests(signed(ListBookingRequestsRequest::default(), &token)).await;
    assert!(!listed.unwrap().into_inner().booking_requests.is_empty());
    let watch = WatchBookingRequestsRequest { cursor: "start".to_owned(), ..Default::default() };
    let mut stream = client.watch_booking_requests(signed(watch, &token)).await.unwrap().into_inner();
    assert!(!stream.message().await.unwrap().unwrap().cursor.is_empty());
    let refused = client.list_booking_requests(signed(ListBookingRequestsRequest::default(), "x")).await;
    assert_eq!(refused.unwrap_err().code(), tonic::Code::Unauthenticated);
}

#[tokio::test]
async fn a_grpc_web_body_that_is_broken_is_a_status() {
    let fixture = Fixture::start().await;
    let path = "/frontdesk.booking.v1.BookingRequestService/ListBookingRequests";
    for (content_type, body) in [
        ("application/grpc-web-text", &b"!!!!"[..]),
        ("application/grpc-web-text; charset=utf-8", b"AAAAAAA"),
        ("Application/GRPC-Web+Proto", b"\0\0\0\0\x09x"),
    ] {
        let request = fixture.request(Method::POST, path).header("content-type", content_type);
        let response = request.body(body.to_vec()).send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["grpc-status"]),
            (200, &"3".parse().unwrap())
        );
    }
    let json = fixture.request(Method::POST, path).header("content-type", "application/grpc-web+json");
    Answer::of(json.body("{}")).await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    // Text in two padded pieces, as some clients send it.
    let token = fixture.manager().await;
    let text = fixture.request(Method::POST, path).bearer_auth(&token);
    let response =
        text.header("content-type", "application/grpc-web-text").body("AAA=AAAA").send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/grpc-web-text+proto");
    assert!(!response.headers().contains_key("grpc-status"));
    assert!(response.text().await.unwrap().is_ascii());
}
