//! What every request goes through: request id, origin, whether there is room for it,
//! the right protocol or page, one log line.

use std::sync::Arc;

use boot::{Call, Metrics};
use frontdesk_proto::{ErrorReason, Refusal};
use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body as _;
use tonic::Status;
use tonic::body::Body;
use transcode::Transcoder;

use crate::answer::access_log::{self, OpenRequest, Room};
use crate::answer::failure::Failure;
use crate::answer::figures::{HttpFigures, Protocol};
use crate::answer::problem::Problem;
use crate::call::headers::{self, Client};
use crate::call::limits::Limits;
use crate::call::throttle::{Caller, Throttle};
use crate::call::upstreams::Upstreams;
use crate::config::Policy;
use crate::origin::{self, Cors, Verdict};
use crate::pages::{self, Pages};
use crate::protocol::kind::Kind;
use crate::protocol::{grpc, grpc_web, rest};
use crate::surface::{session, supabase};

/// Answers requests.
#[derive(Debug, Clone)]
pub struct Edge {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    transcoder: Transcoder,
    pages: Pages,
    upstreams: Upstreams,
    cors: Cors,
    policy: Policy,
    limits: Limits,
    throttle: Throttle,
    figures: Arc<HttpFigures>,
}

impl Edge {
    pub fn new(transcoder: Transcoder, pages: Pages, upstreams: Upstreams, policy: Policy) -> Self {
        let cors = Cors::new(policy.origins.clone());
        let figures = Arc::new(HttpFigures::new());
        let limits = Limits::new(policy.most_calls, policy.most_calls_of_client);
        let throttle = Throttle::default();
        Self {
            inner: Arc::new(Inner { transcoder, pages, upstreams, cors, policy, limits, throttle, figures }),
        }
    }

    /// What is counted: requests, and calls of services.
    pub fn metrics(&self) -> Metrics {
        let inner = Arc::clone(&self.inner);
        Metrics::default().with("gateway", move |scrape| {
            inner.figures.read(scrape);
            inner.limits.figures(scrape);
            inner.throttle.figures(scrape);
            inner.upstreams.figures(scrape);
        })
    }

    /// The client of a request: whoever connected, or whom a trusted proxy names.
    pub fn client(&self, connected: &Client, headers: &HeaderMap) -> Client {
        connected.behind(&self.inner.policy.trusted_proxies, headers)
    }

    /// Counts from now on what ends by being cut off.
    pub fn count_cut(&self) {
        self.inner.figures.count_cut();
    }

    /// How many requests that were, and what they asked for.
    pub async fn was_cut(&self) -> (usize, String) {
        self.inner.figures.was_cut().await
    }

    /// Answers one request; `kept` lasts until the answer has ended.
    pub async fn answer<K: Send + Unpin + 'static>(
        &self,
        mut request: Request<Body>,
        client: &Client,
        kept: K,
    ) -> Response<Body> {
        let id = boot::request_id::ensure(request.headers_mut());
        let call = Call::new(id.clone(), request.headers());
        let protocol = match Kind::of(request.headers()) {
            Kind::Rest => Protocol::Rest,
            Kind::Grpc | Kind::OtherGrpc => Protocol::Grpc,
            Kind::GrpcWeb(_) => Protocol::GrpcWeb,
        };
        let open = OpenRequest::new(&call, &self.inner.figures, protocol, &request, kept);
        let head = request.method() == Method::HEAD;
        let answering = self.inner.checked(request, boot::request_id::text(&id), client);
        let mut response = call.run(answering).await;
        if head {
            response = without_body(response);
        }
        response.headers_mut().insert(boot::request_id::HEADER, id.clone());
        response.headers_mut().append(VARY, HeaderValue::from_static("origin"));
        open.finish(response)
    }
}

impl Inner {
    /// Answers after the origin was judged.
    async fn checked(&self, request: Request<Body>, id: &str, client: &Client) -> Response<Body> {
        let credentials = session::is_path(request.uri().path());
        match self.cors.judge(&request) {
            Verdict::Refused(origin) => self.failed(self.cors.refuse(&origin).into(), id),
            Verdict::Same => self.dispatch(request, id, client).await,
            Verdict::Allowed(origin) => {
                let mut response = if origin::is_preflight(&request) {
                    let mut response = Response::new(Body::empty());
                    *response.status_mut() = StatusCode::NO_CONTENT;
                    origin::allow_preflight(request.headers(), response.headers_mut());
                    response
                } else {
                    self.dispatch(request, id, client).await
                };
                origin::allow(origin, response.headers_mut());
                if credentials {
                    origin::allow_credentials(response.headers_mut());
                }
                response
            }
        }
    }

    /// Answers if there is room for one more call.
    async fn dispatch(&self, request: Request<Body>, id: &str, client: &Client) -> Response<Body> {
        let kind = Kind::of(request.headers());
        // Probes are answered whatever there is to do.
        if kind == Kind::Rest && matches!(request.uri().path(), "/livez" | "/readyz" | "/version") {
            return self.called(kind, request, id, client).await;
        }
        let caller = Caller::of(&request, kind != Kind::Rest, client);
        let room = self.limits.call(client.address());
        let room = match room.and_then(|room| self.throttle.pass_on(&caller).map(|()| room)) {
            Ok(room) => room,
            Err(refusal) => return self.shed(kind, &request, refusal, id),
        };
        let mut response = self.called(kind, request, id, client).await;
        self.throttle.answered(&caller, access_log::is_of(ErrorReason::Overloaded, &response));
        response.extensions_mut().insert(Room::new(room));
        response
    }

    /// The refusal of a call that there is no room for, as its protocol has it.
    fn shed(&self, kind: Kind, request: &Request<Body>, refusal: Refusal, id: &str) -> Response<Body> {
        match kind {
            Kind::Rest if request.uri().path().starts_with(supabase::PREFIX) => {
                supabase::refused(refusal, request.headers())
            }
            Kind::Rest | Kind::OtherGrpc => self.failed(refusal.into(), id),
            Kind::Grpc => Status::from(self.policy.runbook.link(refusal)).into_http(),
            Kind::GrpcWeb(form) => grpc_web::refused(self.policy.runbook.link(refusal), form),
        }
    }

    /// The kinds of calls that need much room are on the heap: a call's future is moved
    /// several times on its way, and copying kilobytes costs more than one allocation.
    async fn called(
        &self,
        kind: Kind,
        mut request: Request<Body>,
        id: &str,
        client: &Client,
    ) -> Response<Body> {
        match kind {
            Kind::Rest if request.uri().path().starts_with(supabase::PREFIX) => {
                Box::pin(supabase::call(&self.upstreams, self.policy.anon_key.as_deref(), request, client))
                    .await
            }
            Kind::Rest => match Box::pin(self.rest(request, client)).await {
                Ok(response) => response,
                Err(failure) => self.failed(failure, id),
            },
            Kind::Grpc | Kind::GrpcWeb(_) if request.method() != Method::POST => {
                let refusal = Refusal::new(ErrorReason::MethodNotAllowed, "gRPC calls are POST requests.");
                self.failed(Failure::NotAllowed(refusal, HeaderValue::from_static("POST")), id)
            }
            Kind::Grpc => {
                headers::clean_grpc(request.headers_mut(), client);
                grpc::call(&self.upstreams, &self.policy.runbook, request).await
            }
            Kind::GrpcWeb(form) => {
                headers::clean_grpc(request.headers_mut(), client);
                grpc_web::call(&self.upstreams, &self.policy.runbook, request, form).await
            }
            Kind::OtherGrpc => {
                let refusal = Refusal::new(
                    ErrorReason::UnsupportedMediaType,
                    "gRPC calls are taken with protobuf messages only: application/grpc, application/grpc-web or application/grpc-web-text.",
                );
                self.failed(refusal.into(), id)
            }
        }
    }

    async fn rest(&self, request: Request<Body>, client: &Client) -> Result<Response<Body>, Failure> {
        let path = request.uri().path();
        if pages::is_path(path) {
            self.pages.answer(&self.upstreams, &request.into_parts().0).await
        } else if session::is_path(path) {
            Box::pin(session::call(&self.transcoder, &self.upstreams, request, client)).await
        } else {
            rest::call(&self.transcoder, &self.upstreams, request, client).await
        }
    }

    /// The response for a failure, with what came along with it.
    fn failed(&self, failure: Failure, id: &str) -> Response<Body> {
        let mut response = Problem::of(&failure).response(id, &self.transcoder, &self.policy.runbook);
        let headers = response.headers_mut();
        match failure {
            Failure::Refused(_) => {}
            Failure::NotAllowed(_, allow) => {
                headers.insert(ALLOW, allow);
            }
            Failure::Status(_, metadata) => {
                let content_type = headers.remove(CONTENT_TYPE);
                headers::rest_out(&metadata, headers);
                if let Some(content_type) = content_type {
                    headers.insert(CONTENT_TYPE, content_type);
                }
            }
        }
        response
    }
}

/// The answer to HEAD: what GET would say of its body, without the body.
fn without_body(response: Response<Body>) -> Response<Body> {
    let length = response.body().size_hint().exact();
    let mut response = response.map(|_| Body::empty());
    if let Some(length) = length.filter(|_| !response.status().is_redirection()) {
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
    }
    response
}
