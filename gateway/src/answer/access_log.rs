//! One line of the log for each request, and its figures, when its answer has ended: what
//! was asked for, how it was answered, how long it took. What a call did is logged by the
//! service that has it.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use boot::{Call, Ended, Place, watched};
use frontdesk_proto::{ErrorReason, Refusal, code_name};
use http::{HeaderMap, Method, Request, Response, Uri};
use tonic::body::Body;
use tonic::{Code, Status};

use super::figures::{HttpFigures, Protocol};

/// The status of a request whose caller left before its answer; no answer has it.
const LEFT: u16 = 499;
/// Longest part of a path that is shown.
const LONGEST: usize = 64;
/// Probes ask every second; their requests are logged at a finer level.
const PROBES: [&str; 2] = ["/livez", "/readyz"];

/// The reason of a failure, for [`OpenRequest`].
#[derive(Debug, Clone)]
pub struct ReasonName(pub String);

/// Who has made an answer: the service, unless it is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Gateway,
    Service,
}

/// The room that a request has: whoever is slow to read an answer has room for fewer others
/// meanwhile.
pub type Room = Place<IpAddr>;

/// The answer is a stream, which keeps no room: how many there may be is for services to say.
#[derive(Debug, Clone, Copy)]
pub struct Streamed;

/// A request whose answer has not ended. It is logged once: when it has, or when the
/// caller leaves before.
pub struct OpenRequest<K> {
    call: Arc<Call>,
    figures: Arc<HttpFigures>,
    protocol: Protocol,
    method: Method,
    uri: Uri,
    started: Instant,
    status: u16,
    /// How the call ended, as gRPC says it.
    code: Option<Code>,
    reason: Option<String>,
    by: By,
    /// Kept until the answer has ended.
    room: Option<Room>,
    logged: bool,
    /// What lasts until the answer has ended.
    _kept: K,
}

impl<K: Send + Unpin + 'static> OpenRequest<K> {
    pub fn new(
        call: &Arc<Call>,
        figures: &Arc<HttpFigures>,
        protocol: Protocol,
        request: &Request<Body>,
        kept: K,
    ) -> Self {
        figures.begin(protocol);
        let (method, uri) = (request.method(), request.uri());
        Self {
            call: Arc::clone(call),
            figures: Arc::clone(figures),
            protocol,
            method: method.clone(),
            uri: uri.clone(),
            started: Instant::now(),
            status: LEFT,
            code: None,
            reason: None,
            by: By::Service,
            room: None,
            logged: false,
            _kept: kept,
        }
    }

    /// Reads an answer's status, and its reason if it is a refusal.
    pub fn answered(&mut self, response: &mut Response<Body>) {
        self.status = response.status().as_u16();
        let extensions = response.extensions_mut();
        self.by = extensions.remove().unwrap_or(By::Service);
        self.reason = extensions.remove::<ReasonName>().map(|name| name.0);
        // Over REST a status has become an answer of HTTP.
        if self.protocol != Protocol::Rest {
            self.look_at(response.headers());
        }
    }

    /// Who has made the answer.
    pub fn by(&self) -> By {
        self.by
    }

    /// Whether it is a refusal for a reason.
    pub fn is_refused_for(&self, reason: ErrorReason) -> bool {
        self.reason.as_deref().is_some_and(|name| name == reason.name())
    }

    /// The answer, with which the request is logged at its end. It keeps its room until then.
    pub fn finish(mut self, response: Response<Body>, room: Option<Room>) -> Response<Body> {
        self.room = room.filter(|_| response.extensions().get::<Streamed>().is_none());
        let call = Arc::clone(&self.call);
        response.map(|body| watched(body, call, move |ended: Ended<'_>| self.ended(&ended)))
    }

    fn ended(mut self, ended: &Ended<'_>) {
        match ended {
            Ended::Whole(trailers) => {
                if let Some(trailers) = trailers {
                    self.look_at(trailers);
                }
                self.log(None);
            }
            Ended::Broken(_) => self.log(Some("broken")),
        }
    }
}

impl<K> OpenRequest<K> {
    /// Reads the status of a call in headers or trailers.
    fn look_at(&mut self, headers: &HeaderMap) {
        if let Some(status) = Status::from_header_map(headers) {
            self.code = Some(status.code());
            self.reason = Refusal::from_status(&status).map(|refusal| refusal.name().to_owned());
        }
    }

    fn log(&mut self, ended: Option<&str>) {
        self.logged = true;
        let took = self.started.elapsed();
        self.figures.end(self.protocol, self.status, self.reason.as_deref(), took);
        if self.figures.is_cutting() {
            self.figures.cut(route(&self.method, self.uri.path()));
        }
        let elapsed_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let Self { method, uri, status, code, reason, .. } = self;
        let (method, path, reason, status) = (method.as_str(), uri.path(), reason.as_deref(), *status);
        if self.call.is_traced() {
            let attributes = [
                ("url.path", &*shown(path)),
                ("http.response.status_code", &status.to_string()),
                ("reason", reason.unwrap_or_default()),
            ];
            self.call.traced(method, &attributes, status >= 500);
        }
        // Of a line that nobody wants nothing is made.
        macro_rules! answered {
            ($level:ident) => {
                tracing::$level!(
                    target: "http", method, path = &*shown(path), status, code = code.map(code_name), reason,
                    ended, elapsed_us, "request answered"
                )
            };
        }
        if PROBES.contains(&path) { answered!(debug) } else { answered!(info) }
    }
}

impl<K> Drop for OpenRequest<K> {
    fn drop(&mut self) {
        if !self.logged {
            let call = Arc::clone(&self.call);
            call.run_now(|| self.log(Some("left")));
        }
    }
}

/// A path for the log. Whatever is not made of the letters of names and ids may be
/// somebody's address, number or secret, and is left out.
fn shown(path: &str) -> Cow<'_, str> {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    let mut length = 0;
    let is_harmless = path.bytes().all(|byte| {
        length = if byte == b'/' { 0 } else { length + 1 };
        length <= LONGEST && (byte == b'/' || letter(byte))
    });
    if is_harmless {
        return Cow::Borrowed(path);
    }
    let harmless = |part: &str| part.len() <= LONGEST && part.bytes().all(letter);
    let parts: Vec<&str> = path.split('/').map(|part| if harmless(part) { part } else { "…" }).collect();
    Cow::Owned(parts.join("/"))
}

/// What a request asks for, whichever record it is about.
fn route(method: &Method, path: &str) -> String {
    let is_id = |part: &str| {
        part.len() == 36 && part.bytes().all(|byte| b"-".contains(&byte) || byte.is_ascii_hexdigit())
    };
    let shown = shown(path);
    let parts: Vec<&str> = shown.split('/').map(|part| if is_id(part) { "{id}" } else { part }).collect();
    format!("{method} {}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn requests_of_any_record_ask_for_one_thing() {
        let path = "/v1/booking-requests/0198a3b2-0000-7000-8000-000000000000/approve";
        assert_eq!(route(&Method::POST, path), "POST /v1/booking-requests/{id}/approve");
    }

    #[test]
    fn what_may_be_somebodys_is_not_shown() {
        for kept in ["/", "/v1/booking-requests/0198a3b2-0000-7000-8000-000000000000:approve", "/livez"] {
            assert_eq!(shown(kept), kept);
        }
        assert_eq!(shown("/v1/customers/jane@doe.example/x"), "/v1/customers/…/x");
        assert_eq!(shown("/a/%2b49170/b c"), "/a/…/…");
        let token = format!("/verify/{}", "e".repeat(200));
        assert_eq!(shown(&token), "/verify/…");
        for long in ["/aaaa".repeat(50), format!("/{}/x", "e".repeat(LONGEST))] {
            assert_eq!(shown(&long), long);
        }
        assert_eq!(shown(&format!("/{}", "e".repeat(LONGEST + 1))), "/…");
    }

    #[tokio::test]
    async fn an_answer_keeps_its_room_until_it_was_read_and_a_stream_has_none() {
        let calls = boot::AtOnce::new(1, 1);
        let figures = Arc::new(HttpFigures::new());
        let answer = |streams: bool| {
            let request = Request::new(Body::empty());
            let call = Call::new(HeaderValue::from_static("id"), request.headers());
            let mut response = Response::new(Body::new(http_body_util::Full::new("x".into())));
            let room = calls.take(Some(IpAddr::from([127, 0, 0, 1]))).unwrap();
            if streams {
                response.extensions_mut().insert(Streamed);
            }
            OpenRequest::new(&call, &figures, Protocol::Rest, &request, ()).finish(response, Some(room))
        };
        let whole = answer(false);
        assert_eq!(calls.taken(), 1);
        let read = http_body_util::BodyExt::collect(whole.into_body()).await.unwrap();
        assert_eq!((&read.to_bytes()[..], calls.taken()), (&b"x"[..], 0));
        let _stream = answer(true);
        assert_eq!(calls.taken(), 0);
    }
}
