//! The example of the README, called: REST through axum to a service of tonic.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[path = "../protos/mod.rs"]
mod protos;
mod rest;

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::to_bytes;
use http::{Method, Request, Response, StatusCode};
use tonic::body::Body;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::{Channel, Server};
use tonic::{Code, Status};
use tonic_prost::ProstCodec;
use tower::{Service, ServiceExt};
use transcode::{Style, Transcoder};

#[derive(Clone, PartialEq, prost::Message)]
struct GetRequest {
    #[prost(string, tag = "1")]
    booking_request_id: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct GetResponse {
    #[prost(message, tag = "1")]
    booking_request: Option<BookingRequest>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct BookingRequest {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(int32, tag = "6")]
    status: i32,
}

/// A service as tonic's generator writes it.
#[derive(Clone)]
struct BookingRequests;

impl NamedService for BookingRequests {
    const NAME: &'static str = "rental.BookingRequests";
}

impl Service<Request<Body>> for BookingRequests {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        assert_eq!(request.uri().path(), "/rental.BookingRequests/Get");
        Box::pin(async move { Ok(Grpc::new(ProstCodec::default()).unary(Get, request).await) })
    }
}

struct Get;

impl UnaryService<GetRequest> for Get {
    type Response = GetResponse;
    type Future = std::future::Ready<Result<tonic::Response<GetResponse>, Status>>;

    fn call(&mut self, request: tonic::Request<GetRequest>) -> Self::Future {
        let id = request.into_inner().booking_request_id;
        let found = BookingRequest { id, status: 3 };
        std::future::ready(if found.id == "none" {
            Err(Status::new(Code::NotFound, "no such request"))
        } else {
            Ok(tonic::Response::new(GetResponse { booking_request: Some(found) }))
        })
    }
}

async fn service() -> Channel {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let incoming = tonic::transport::server::TcpIncoming::from(listener);
    tokio::spawn(Server::builder().add_service(BookingRequests).serve_with_incoming(incoming));
    Channel::from_shared(format!("http://{address}")).unwrap().connect_lazy()
}

#[tokio::test]
async fn rest_reaches_a_service_of_tonic_through_axum() {
    let pool = protos::compile(&["rental.proto"], None);
    let transcoder = Transcoder::new(&pool, &["rental.BookingRequests"], Style::FRONTDESK).unwrap();
    let router = rest::rest(transcoder.with_read_mask("fields").unwrap(), service().await);
    for (method, path, status, answer) in [
        (Method::GET, "/v1/booking-requests/7?fields=id,status", 200, r#"{"id":"7","status":"confirmed"}"#),
        (Method::GET, "/v1/booking-requests/a%2Fb?fields=id", 200, r#"{"id":"a/b"}"#),
        (Method::GET, "/v1/booking-requests/none", 502, "no such request"),
        (Method::GET, "/v1/nothing", 404, "no route has this path"),
        (Method::GET, "/v1/booking-requests/7?page=2", 400, "is not a query parameter of this method"),
    ] {
        let request = Request::builder().method(method).uri(path).body(axum::body::Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::from_u16(status).unwrap(), "{path}");
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let body = std::str::from_utf8(&body).unwrap();
        assert!(body.starts_with(answer), "{path}: {body}");
    }
}

#[test]
fn the_readme_has_this_code() {
    let readme = include_str!("../../README.md");
    assert!(
        readme.contains(&format!("```rust\n{}```\n", include_str!("rest.rs"))),
        "copy rest.rs into README.md"
    );
}
