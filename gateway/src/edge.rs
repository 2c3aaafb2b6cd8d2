//! What every request goes through: request id, origin, whether there is room for it,
//! the right protocol or page, one log line.

use std::sync::Arc;

use boot::{Call, Metrics};
use frontdesk_proto::{ErrorReason, Refusal};
use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, VARY};
use http::{HeaderValue, Method, Request, Response};
use http_body::Body as _;
use tonic::body::Body;
use transcode::Transcoder;

use crate::answer::access_log::{By, OpenRequest, Room};
use crate::answer::failure::{Failure, options, over_grpc};
use crate::answer::figures::HttpFigures;
use crate::answer::held;
use crate::answer::problem::Problem;
use crate::call::headers::{self, Client};
use crate::call::limits::Limits;
use crate::call::tarpit::Tarpit;
use crate::call::throttle::{End, PassedOn, Throttle};
use crate::call::upstreams::Upstreams;
use crate::config::Policy;
use crate::console::{self, Console};
use crate::origin::{self, Cors, Verdict};
use crate::pages::{self, Document, Pages};
use crate::protocol::connect::{Connect, NoCall};
use crate::protocol::kind::Kind;
use crate::protocol::{grpc, grpc_web, rest, strict};
use crate::surface::{events, oauth, session, supabase};

/// Answers requests.
#[derive(Debug, Clone)]
pub struct Edge {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    transcoder: Transcoder,
    pages: Pages,
    console: Console,
    upstreams: Upstreams,
    connect: Connect,
    cors: Cors,
    policy: Policy,
    limits: Limits,
    throttle: Arc<Throttle>,
    tarpit: Tarpit,
    figures: Arc<HttpFigures>,
}

/// What is known of a request from the beginning.
#[derive(Debug, Clone, Copy)]
struct Asked<'r> {
    kind: Kind,
    is_probe: bool,
    id: &'r str,
    client: &'r Client,
}

/// The page of another origin that may read an answer.
enum Reader {
    /// Any: the answer is the same for everybody.
    Anybody,
    Page(HeaderValue),
    /// One whose browser sends a cookie and gets one.
    WithCookie(HeaderValue),
}

/// The room of a call, and what counts it, if its caller is told apart.
type Admitted = (Room, Option<PassedOn>);

impl Edge {
    pub fn new(transcoder: Transcoder, pages: Pages, upstreams: Upstreams, policy: Policy) -> Self {
        let cors = Cors::new(policy.origins.clone(), policy.hosts.clone());
        let figures = Arc::new(HttpFigures::new());
        let limits = Limits::new(&policy);
        let inner = Inner {
            transcoder,
            pages,
            console: Console::new(),
            connect: Connect::new(upstreams.descriptors()),
            upstreams,
            cors,
            policy,
            limits,
            throttle: Arc::default(),
            tarpit: Tarpit::default(),
            figures,
        };
        Self { inner: Arc::new(inner) }
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

    /// Counts from now on what ends by being cut off.
    pub fn count_cut(&self) {
        self.inner.figures.count_cut();
    }

    /// How many requests that were, and what they asked for.
    pub async fn was_cut(&self) -> (usize, String) {
        self.inner.figures.was_cut().await
    }

    /// Answers one request of whoever is connected; `kept` lasts until the answer has ended.
    ///
    /// What is still to be done is on the heap, in one piece: a connection moves the future
    /// of a request several times, and copying kilobytes costs more than the rest of this.
    pub fn answer<K: Send + Unpin + 'static>(
        &self,
        mut request: Request<Body>,
        connected: &Client,
        kept: K,
    ) -> impl Future<Output = Response<Body>> + Send + use<K> {
        let id = boot::request_id::ensure(request.headers_mut());
        let call = Call::new(id, request.headers());
        let is_method = || self.inner.upstreams.shape(request.uri().path()).is_some();
        let kind = Kind::of(request.headers(), is_method);
        let mut open = OpenRequest::new(&call, &self.inner.figures, kind.protocol(), &request, kept);
        let head = request.method() == Method::HEAD;
        let client = connected.behind(&self.inner.policy.trusted_proxies, request.headers());
        let (inner, of) = (Arc::clone(&self.inner), Arc::clone(&call));
        let judged = Box::pin(held::of_client(client.address(), async move {
            let is_probe = kind == Kind::Rest && pages::is_probe(request.uri().path());
            let asked =
                Asked { kind, is_probe, id: boot::request_id::text(of.request_id()), client: &client };
            inner.judged(asked, request).await
        }));
        let inner = Arc::clone(&self.inner);
        async move {
            let (mut response, admitted) = call.run(judged).await;
            open.answered(&mut response);
            let end = match open.by() {
                By::Gateway => End::Neither,
                By::Service if open.is_refused_for(ErrorReason::Overloaded) => End::Refused,
                By::Service => End::Taken,
            };
            let mut room = None;
            if let Some((given, passed_on)) = admitted {
                let told_apart = passed_on.as_ref().map(|call| call.until);
                inner.throttle.answered(passed_on, end);
                if let Some(until) = told_apart.filter(|_| end == End::Refused) {
                    drop(given);
                    Box::pin(inner.tarpit.pause(until)).await;
                } else {
                    room = Some(given);
                }
            }
            if head {
                response = without_body(response);
            }
            response.headers_mut().insert(boot::request_id::HEADER, call.request_id().clone());
            response.headers_mut().append(VARY, HeaderValue::from_static("origin"));
            open.finish(response, room)
        }
    }
}

impl Inner {
    /// Answers after the origin was judged. An answer keeps the room that its call had.
    async fn judged(&self, asked: Asked<'_>, request: Request<Body>) -> (Response<Body>, Option<Admitted>) {
        let unfit = strict::check(&request, asked.kind).err();
        let allowed = match self.cors.judge(&request) {
            Verdict::Refused(_) if unfit.is_some() => None,
            Verdict::Refused(origin) => match Document::of(&request) {
                None => return (self.failed(self.cors.refuse(&origin).into(), asked.id), None),
                Some(Document::ForPages) => Some(Reader::Anybody),
                Some(Document::ForReaders) => None,
            },
            Verdict::Same => None,
            Verdict::Allowed(origin) => {
                let with_cookie = session::is_path(request.uri().path())
                    || events::asks(&self.transcoder, &self.upstreams, &request);
                Some(if with_cookie { Reader::WithCookie(origin) } else { Reader::Page(origin) })
            }
        };
        // A page that may call reads why its request is none.
        let (mut response, admitted) = if let Some(failure) = unfit {
            (self.failed(failure, asked.id), None)
        } else if allowed.is_some() && origin::is_preflight(&request) {
            (origin::preflight(request.headers()), None)
        } else if let Some(response) = self.misdirected(asked, &request) {
            (response, None)
        } else {
            self.with_room(asked, request).await
        };
        let headers = response.headers_mut();
        match allowed {
            None => {}
            Some(Reader::Anybody) => origin::allow_any(headers),
            Some(Reader::Page(origin)) => origin::allow(origin, headers),
            Some(Reader::WithCookie(origin)) => {
                origin::allow(origin, headers);
                origin::allow_credentials(headers);
            }
        }
        (response, admitted)
    }

    /// The refusal of a call that means another host, if it does. Probes name what they know.
    fn misdirected(&self, asked: Asked<'_>, request: &Request<Body>) -> Option<Response<Body>> {
        let refusal = if asked.is_probe { None } else { self.cors.misdirected(request) }?;
        Some(match asked.kind {
            // That of a page, whatever surface it is after.
            Kind::Rest => self.failed(refusal.into(), asked.id),
            _ => self.refused(asked, request, refusal),
        })
    }

    /// Answers if there is room for one more call.
    async fn with_room(
        &self,
        asked: Asked<'_>,
        request: Request<Body>,
    ) -> (Response<Body>, Option<Admitted>) {
        // Probes are answered whatever there is to do.
        if asked.is_probe {
            return (self.called(asked, request).await, None);
        }
        let room = match self.limits.call(asked.client.address()) {
            Ok(room) => room,
            Err(refusal) => return (self.refused(asked, &request, refusal), None),
        };
        match self.throttle.pass_on(&request, asked.kind != Kind::Rest, asked.client) {
            Ok(passed_on) => (self.called(asked, request).await, Some((room, passed_on))),
            Err((refusal, until)) => {
                let response = self.refused(asked, &request, refusal);
                // It is over but for the pause, in which others may have its room.
                drop((room, request));
                Box::pin(self.tarpit.pause(until)).await;
                (response, None)
            }
        }
    }

    /// The refusal of a call that is not begun, as its protocol has it.
    fn refused(&self, asked: Asked<'_>, request: &Request<Body>, refusal: Refusal) -> Response<Body> {
        match asked.kind {
            Kind::Rest if request.uri().path().starts_with(supabase::PREFIX) => {
                supabase::refused(refusal, request.headers())
            }
            Kind::Rest if oauth::is_path(request.uri().path()) => {
                oauth::refused(&refusal.into(), &self.policy.runbook)
            }
            Kind::Rest | Kind::OtherGrpc => self.failed(refusal.into(), asked.id),
            Kind::Grpc => over_grpc(self.policy.runbook.link(refusal)),
            Kind::GrpcWeb(form) => grpc_web::refused(self.policy.runbook.link(refusal), form),
            Kind::Connect => self.connect.refused(refusal, &self.policy.runbook, request.headers()),
        }
    }

    /// What hardly any call is, and needs much room, is on the heap for itself: every call's
    /// future would have room for it.
    async fn called(&self, asked: Asked<'_>, mut request: Request<Body>) -> Response<Body> {
        let Asked { kind, id, client, .. } = asked;
        match kind {
            Kind::Rest if request.uri().path().starts_with(supabase::PREFIX) => {
                Box::pin(supabase::call(&self.upstreams, self.policy.anon_key.as_deref(), request, client))
                    .await
            }
            Kind::Rest if oauth::is_path(request.uri().path()) => {
                Box::pin(oauth::call(&self.upstreams, &self.policy.runbook, request, client)).await
            }
            Kind::Rest if events::asks(&self.transcoder, &self.upstreams, &request) => {
                Box::pin(self.events(request, id, client)).await
            }
            Kind::Rest => match self.rest(request, client).await {
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
            Kind::Connect => {
                let call = self.connect.call(&self.upstreams, &self.policy.runbook, request, client);
                match Box::pin(call).await {
                    Ok(response) => response,
                    Err(NoCall { failure, accept_post }) => {
                        let mut response = self.failed(failure, id);
                        response.headers_mut().extend(accept_post);
                        response
                    }
                }
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

    /// Answers a page whose cookie signs in. Whatever becomes of the call, the session goes on
    /// with the next cookie.
    async fn events(&self, request: Request<Body>, id: &str, client: &Client) -> Response<Body> {
        let (request, cookies) = match events::signed_in(&self.upstreams, request, client).await {
            Ok(signed_in) => signed_in,
            Err(failure) => return self.failed(failure, id),
        };
        let answered = self.rest(request, client).await;
        let mut response = answered.unwrap_or_else(|failure| self.failed(failure, id));
        response.headers_mut().extend(cookies);
        response
    }

    async fn rest(&self, request: Request<Body>, client: &Client) -> Result<Response<Body>, Failure> {
        let path = request.uri().path();
        if path == "*" && request.method() == Method::OPTIONS {
            // Of the server, and no resource of it (RFC 9110, 9.3.7).
            let all = HeaderValue::from_static("DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT");
            Ok(options(all))
        } else if pages::is_path(path) {
            let page =
                Box::pin(self.pages.answer(&self.transcoder, &self.upstreams, &request.into_parts().0)).await;
            page.map(by_gateway)
        } else if console::is_path(path) {
            self.console.answer(&request.into_parts().0).map(by_gateway)
        } else if session::is_path(path) {
            Box::pin(session::call(&self.transcoder, &self.upstreams, request, client)).await
        } else {
            let runbook = &self.policy.runbook;
            rest::call(&self.transcoder, &self.upstreams, runbook, request, client).await
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
            Failure::OfHttp(_, told) => headers.extend(told.header),
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

/// An answer that no service has a part in.
fn by_gateway(mut response: Response<Body>) -> Response<Body> {
    response.extensions_mut().insert(By::Gateway);
    response
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

#[cfg(test)]
mod tests;
