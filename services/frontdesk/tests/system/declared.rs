//! R6: every refusal that the fixture's clients see is one that its method declares, in the
//! options of its proto: of each answer over REST, and of each call over gRPC, be it refused
//! at once or after messages.

use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll};

use bytes::Bytes;
use frontdesk_proto::{ErrorReason, MethodContract, descriptors, reason_of};
use http::HeaderMap;
use http_body::Frame;
use http_body_util::BodyExt;
use prost_reflect::MethodDescriptor;
use reqwest::Method;
use tonic::Status;
use tonic::body::Body;
use tower::Service;
use transcode::{Style, Transcoder};
use upstream::Upstream;

/// A REST call was refused. Paths that are no method's declare nothing.
#[track_caller]
pub fn assert_over_rest(http_method: &Method, path: &str, code: &str) {
    static ROUTES: LazyLock<Transcoder> = LazyLock::new(|| {
        let services: Vec<&str> = identity::SERVICES.into_iter().chain(booking::SERVICES).collect();
        let routes = Transcoder::new(descriptors(), &services, Style::FRONTDESK).unwrap();
        routes.with_alias("/api/v1", "/v1").unwrap()
    });
    // HEAD is GET without a body.
    let asked = if http_method == Method::HEAD { &Method::GET } else { http_method };
    if let Ok(matched) = ROUTES.route(asked, path) {
        let binding = matched.binding();
        assert_declared(binding.method(), code, !binding.body().is_empty());
    }
}

#[track_caller]
fn assert_declared(method: &MethodDescriptor, code: &str, with_body: bool) {
    let declared = MethodContract::of(method).reasons(with_body);
    let reason = ErrorReason::from_name(code).unwrap_or_else(|| panic!("{code} is not a reason"));
    assert!(declared.contains(&reason), "{} answered {code} and does not declare it", method.full_name());
}

/// A service whose refusals must be declared by their methods.
#[derive(Debug, Clone)]
pub struct Declared(pub Upstream);

impl Service<http::Request<Body>> for Declared {
    type Response = http::Response<Body>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Status>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Status>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let path = request.uri().path().to_owned();
        let answer = Service::call(&mut self.0, request);
        Box::pin(async move {
            let answer = answer.await?;
            let Some(method) = method(&path) else { return Ok(answer) };
            assert_over_grpc(&method, answer.headers());
            // What is refused later, a stream above all, says so after its messages.
            let look = move |frame: Frame<Bytes>| {
                if let Some(trailers) = frame.trailers_ref() {
                    assert_over_grpc(&method, trailers);
                }
                frame
            };
            Ok(answer.map(|body| Body::new(body.map_frame(look))))
        })
    }
}

/// A gRPC call has ended, or not yet, as these headers or trailers say.
fn assert_over_grpc(method: &MethodDescriptor, said: &HeaderMap) {
    let refused = Status::from_header_map(said).and_then(|status| reason_of(&status));
    if let Some(reason) = refused {
        // Over gRPC each call has a body.
        assert_declared(method, reason.name(), true);
    }
}

/// The method of a gRPC path.
fn method(path: &str) -> Option<MethodDescriptor> {
    let (service, name) = path.trim_start_matches('/').split_once('/')?;
    descriptors().get_service_by_name(service)?.methods().find(|method| method.name() == name)
}
