//! A gRPC service over HTTP/2 with answers made beforehand.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use frontdesk_proto::booking::v1 as wire;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::net::TcpListener;

pub const ID: &str = "0190163d-8694-739b-aea5-966c26f8ad91";

/// Starts it; returns where it listens.
pub async fn start() -> SocketAddr {
    let request = wire::BookingRequest {
        id: ID.to_owned(),
        property_id: ID.to_owned(),
        guest_id: ID.to_owned(),
        check_in: "2026-07-01".to_owned(),
        check_out: "2026-07-08".to_owned(),
        status: wire::BookingRequestStatus::Requested.into(),
        stored_status: wire::BookingRequestStatus::Requested.into(),
        guest_count: 2,
        message: "We arrive late, about 23:00. Is there a late check-in?".to_owned(),
        created_at: Some(prost_types::Timestamp { seconds: 1_782_860_000, nanos: 123_456_000 }),
        updated_at: Some(prost_types::Timestamp { seconds: 1_782_864_000, nanos: 123_456_000 }),
        etag: "7".to_owned(),
        ..Default::default()
    };
    let list = wire::ListBookingRequestsResponse {
        booking_requests: vec![request.clone(); 50],
        next_page_token: "b3BhcXVl".to_owned(),
        counts: Vec::new(),
        left_out: 0,
    };
    let approved = wire::ApproveBookingRequestResponse {
        booking_request_id: ID.to_owned(),
        booking_id: ID.to_owned(),
        status: wire::BookingRequestStatus::Confirmed.into(),
        message: "Booking request approved".to_owned(),
        outcome: wire::ApproveOutcome::Approved.into(),
        ..Default::default()
    };
    let one = framed(&wire::GetBookingRequestResponse { booking_request: Some(request) });
    let (list, approved) = (framed(&list), framed(&approved));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let (one, list, approved) = (one.clone(), list.clone(), approved.clone());
            let service = service_fn(move |request: Request<Incoming>| {
                let answer = match request.uri().path().rsplit('/').next() {
                    Some("GetBookingRequest") => one.clone(),
                    Some("ListBookingRequests") => list.clone(),
                    _ => approved.clone(),
                };
                async move {
                    // The last calls of a round are given up.
                    let _cancelled = request.into_body().collect().await;
                    Ok::<_, Infallible>(answered(answer))
                }
            });
            tokio::spawn(async move {
                let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                let _closed = builder.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    addr
}

fn answered(frame: Bytes) -> Response<impl http_body::Body<Data = Bytes, Error = Infallible>> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let frames = [Ok(Frame::data(frame)), Ok(Frame::trailers(trailers))];
    let mut response = Response::new(StreamBody::new(futures::stream::iter(frames)));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    response
}

/// A message in its frame.
pub fn framed(message: &impl Message) -> Bytes {
    let encoded = message.encode_to_vec();
    let length = u32::try_from(encoded.len()).unwrap().to_be_bytes();
    [&[0][..], &length, &encoded].concat().into()
}
