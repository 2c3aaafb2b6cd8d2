//! gRPC and gRPC-Web, passed on without reading messages.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use frontdesk_proto::{ErrorReason, Refusal};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::{Body as HttpBody, Frame};
use tonic::Status;
use tonic::body::Body;
use tonic_web::GrpcWebLayer;
use tower::{Layer, Service, ServiceExt};

use crate::upstream::Upstreams;

const WEB_TYPES: [&str; 4] = [
    "application/grpc-web",
    "application/grpc-web+proto",
    "application/grpc-web-text",
    "application/grpc-web-text+proto",
];

/// What kind of call a request is, by its content type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Grpc,
    /// With its content type in the only spelling that tonic-web knows.
    GrpcWeb(&'static str),
    Rest,
}

/// Sends gRPC calls to the service that has the method.
#[derive(Debug, Clone)]
pub struct Forward {
    upstreams: Upstreams,
}

/// A body whose length is not announced: tonic-web reports the length of the
/// encoded body for the decoded one, and the peer resets the stream.
struct Unsized(Body);

impl Kind {
    pub fn of(headers: &HeaderMap) -> Self {
        let Some(content_type) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
            return Self::Rest;
        };
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if let Some(web) = WEB_TYPES.into_iter().find(|web| *web == essence) {
            return Self::GrpcWeb(web);
        }
        match essence.as_str() {
            "application/grpc" | "application/grpc+proto" => Self::Grpc,
            _ => Self::Rest,
        }
    }
}

impl Forward {
    pub fn new(upstreams: Upstreams) -> Self {
        Self { upstreams }
    }

    /// Forwards a gRPC call.
    pub async fn grpc(self, request: Request<Body>) -> Response<Body> {
        match self.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    /// Forwards a gRPC-Web call. The answer has the form of the question.
    pub async fn grpc_web(self, mut request: Request<Body>, content_type: &'static str) -> Response<Body> {
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(ACCEPT, HeaderValue::from_static(content_type));
        match GrpcWebLayer::new().layer(self).oneshot(request).await {
            Ok(response) => response.map(Body::new),
            Err(never) => match never {},
        }
    }
}

impl Service<Request<Body>> for Forward {
    type Response = Response<Body>;
    type Error = std::convert::Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let channel = self.upstreams.of_path(request.uri().path());
        Box::pin(async move {
            let Some(channel) = channel else {
                let refusal = Refusal::new(
                    ErrorReason::RouteNotFound,
                    "No service behind this gateway has the method. Its services are listed by reflection on their own ports.",
                );
                return Ok(Status::from(refusal).into_http());
            };
            let request = request.map(|body| Body::new(Unsized(body)));
            match channel.oneshot(request).await {
                Ok(response) => Ok(response),
                Err(error) => Ok(Status::from(unreachable(&error)).into_http()),
            }
        })
    }
}

impl HttpBody for Unsized {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut self.0).poll_frame(context)
    }
}

/// The refusal for a service that cannot be reached; the log has the cause.
pub fn unreachable(error: &tonic::transport::Error) -> Refusal {
    use std::error::Error;
    let mut cause = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        cause = format!("{cause}: {error}");
        source = error.source();
    }
    tracing::warn!(cause, "a service cannot be reached");
    Refusal::new(
        ErrorReason::UpstreamUnavailable,
        "The service that answers this call cannot be reached. Try again; GET /readyz says which one is missing.",
    )
    .retry_after(Duration::from_secs(1))
}
