//! What every request goes through: request id, origin, the right handler by
//! content type, one log line.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use boot::TrustedProxies;
use frontdesk_proto::{ErrorReason, Refusal};
use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, VARY};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body as _;
use tonic::body::Body;
use tracing::Instrument;
use transcode::Transcoder;

use crate::answer::failure::Failure;
use crate::answer::problem;
use crate::cors::{self, Cors, Origins, Verdict};
use crate::forward::{self, Kind};
use crate::pages::docs::Pages;
use crate::pages::health;
use crate::rest;
use crate::services::Upstreams;
use crate::{console, headers, supabase};

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
    trusted_proxies: TrustedProxies,
    anon_key: Option<String>,
}

impl Edge {
    pub fn new(
        transcoder: Transcoder,
        upstreams: Upstreams,
        origins: Origins,
        trusted_proxies: TrustedProxies,
        anon_key: Option<String>,
    ) -> Self {
        let cors = Cors::new(origins);
        let pages = Pages::new(&transcoder);
        Self { inner: Arc::new(Inner { transcoder, pages, upstreams, cors, trusted_proxies, anon_key }) }
    }

    /// Answers one request.
    pub async fn answer(&self, mut request: Request<Body>, peer: IpAddr) -> Response<Body> {
        let started = Instant::now();
        let id = boot::request_id::ensure(request.headers_mut());
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let client = self.inner.trusted_proxies.client(peer, request.headers());
        let span =
            tracing::info_span!("http", %method, path = uri.path(), request_id = boot::request_id::text(&id));
        async {
            let head = method == Method::HEAD;
            let mut response = self.inner.checked(request, boot::request_id::text(&id), client).await;
            if head {
                let length = response.body().size_hint().exact();
                response = response.map(|_| Body::empty());
                if let Some(length) = length.filter(|_| !response.status().is_redirection()) {
                    response.headers_mut().insert(CONTENT_LENGTH, length.into());
                }
            }
            response.headers_mut().insert(boot::request_id::HEADER, id.clone());
            response.headers_mut().append(VARY, HeaderValue::from_static("origin"));
            let elapsed_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
            tracing::info!(status = response.status().as_u16(), elapsed_us, "request answered");
            response
        }
        .instrument(span)
        .await
    }
}

impl Inner {
    /// Answers after the origin was judged.
    async fn checked(&self, request: Request<Body>, id: &str, peer: IpAddr) -> Response<Body> {
        let console = console::is_path(request.uri().path());
        match self.cors.judge(&request) {
            Verdict::Refused(origin) => {
                problem::from_refusal(&self.cors.refuse(&origin), id, &self.transcoder)
            }
            Verdict::Same => self.dispatch(request, id, peer).await,
            Verdict::Allowed(origin) => {
                let mut response = if cors::is_preflight(&request) {
                    let mut response = Response::new(Body::empty());
                    *response.status_mut() = StatusCode::NO_CONTENT;
                    cors::allow_preflight(request.headers(), response.headers_mut());
                    response
                } else {
                    self.dispatch(request, id, peer).await
                };
                cors::allow(origin, response.headers_mut());
                if console {
                    cors::allow_credentials(response.headers_mut());
                }
                response
            }
        }
    }

    async fn dispatch(&self, mut request: Request<Body>, id: &str, peer: IpAddr) -> Response<Body> {
        match Kind::of(request.headers()) {
            Kind::Rest => self.rest(request, id, peer).await,
            Kind::Grpc | Kind::GrpcWeb(_) if request.method() != Method::POST => {
                let refusal = Refusal::new(ErrorReason::MethodNotAllowed, "gRPC calls are POST requests.");
                let mut response = problem::from_refusal(&refusal, id, &self.transcoder);
                response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
                response
            }
            Kind::Grpc => {
                headers::clean_grpc(request.headers_mut(), peer);
                forward::grpc(&self.upstreams, request).await
            }
            Kind::GrpcWeb(form) => {
                headers::clean_grpc(request.headers_mut(), peer);
                forward::grpc_web(&self.upstreams, request, form).await
            }
            Kind::OtherGrpc => {
                let refusal = Refusal::new(
                    ErrorReason::UnsupportedMediaType,
                    "gRPC calls are taken with protobuf messages only: application/grpc, application/grpc-web or application/grpc-web-text.",
                );
                problem::from_refusal(&refusal, id, &self.transcoder)
            }
        }
    }

    /// What OPTIONS and other methods get at a page of the gateway's own.
    fn only_read(&self, method: &Method, path: &str, id: &str) -> Response<Body> {
        let mut response = if *method == Method::OPTIONS {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            response
        } else {
            let refusal = Refusal::new(
                ErrorReason::MethodNotAllowed,
                format!("{method} is not a method of {path}; it has GET, HEAD, OPTIONS."),
            );
            problem::from_refusal(&refusal, id, &self.transcoder)
        };
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD, OPTIONS"));
        response
    }

    async fn rest(&self, request: Request<Body>, id: &str, peer: IpAddr) -> Response<Body> {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        match request.uri().path() {
            path @ ("/livez" | "/readyz" | "/openapi.json" | "/docs") if !reads => {
                return self.only_read(request.method(), path, id);
            }
            "/livez" => return health::live(),
            "/readyz" => return health::ready(&self.upstreams).await,
            "/openapi.json" => return self.pages.openapi(request.headers()),
            "/docs" => return self.pages.docs(request.headers()),
            path if path.starts_with(supabase::PREFIX) => {
                return supabase::call(&self.upstreams, self.anon_key.as_deref(), request, peer).await;
            }
            _ => {}
        }
        let answered = if console::is_path(request.uri().path()) {
            console::call(&self.transcoder, &self.upstreams, request, peer).await
        } else {
            rest::call(&self.transcoder, &self.upstreams, request, peer).await
        };
        match answered {
            Ok(response) => response,
            Err(Failure::Refused(refusal)) => problem::from_refusal(&refusal, id, &self.transcoder),
            Err(Failure::NotAllowed(refusal, allow)) => {
                let mut response = problem::from_refusal(&refusal, id, &self.transcoder);
                response.headers_mut().insert(ALLOW, allow);
                response
            }
            Err(Failure::Status(status, metadata)) => {
                let mut response = problem::from_status(&status, id, &self.transcoder);
                let content_type = response.headers_mut().remove(CONTENT_TYPE);
                headers::rest_out(&metadata, response.headers_mut());
                if let Some(content_type) = content_type {
                    response.headers_mut().insert(CONTENT_TYPE, content_type);
                }
                response
            }
        }
    }
}
