//! What the gateway answers by itself: the OpenAPI document, the page that shows
//! it, the runbook, whether the gateway and the services behind it are up, and which build it is.

mod comments;
pub mod docs;
pub mod health;
pub mod openapi;
pub mod runbook;

use boot::Version;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use tonic::body::Body;
use transcode::Transcoder;

use self::docs::Docs;
use self::health::Looks;
use self::openapi::Texts;
use self::runbook::Book;
use crate::answer::failure::{Failure, options};
use crate::answer::problem::json_response;
use crate::call::upstreams::Upstreams;

/// The pages.
#[derive(Debug)]
pub struct Pages {
    docs: Docs,
    runbook: Book,
    looks: Looks,
    version: Version,
}

/// Where the pages are that have no other name.
pub const PATHS: [(Method, &str); 7] = [
    (Method::GET, "/livez"),
    (Method::GET, "/readyz"),
    (Method::GET, "/version"),
    (Method::GET, "/openapi.json"),
    (Method::GET, "/docs"),
    (Method::GET, "/docs.json"),
    (Method::GET, "/runbook"),
];

/// Whether a path is one of a page.
pub fn is_path(path: &str) -> bool {
    is_probe(path) || matches!(path, "/openapi.json" | "/docs" | "/docs.json") || runbook::is_path(path)
}

/// Whether a path is one that is asked for to know how the gateway is, and not for what it has.
pub fn is_probe(path: &str) -> bool {
    matches!(path, "/livez" | "/readyz" | "/version")
}

/// What is the same for everybody and holds nothing of anybody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Document {
    /// Written for clients, which read it from pages of any origin (RFC 8615).
    ForPages,
    /// Read by people and probes, whatever else they send.
    ForReaders,
}

impl Document {
    /// The document that a request asks for, wherever it comes from.
    pub fn of<B>(request: &Request<B>) -> Option<Self> {
        let path = request.uri().path();
        let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
        let for_pages = path.starts_with("/.well-known/")
            || matches!(path, "/auth/v1/.well-known/jwks.json" | "/openapi.json");
        match (reads, for_pages) {
            (true, true) => Some(Self::ForPages),
            (true, false) => is_path(path).then_some(Self::ForReaders),
            (false, _) => None,
        }
    }
}

impl Pages {
    pub fn new(version: Version) -> Self {
        Self { docs: Docs::new(), runbook: Book::new(), looks: Looks::default(), version }
    }

    /// Answers a request for a page of a gateway with these routes.
    pub async fn answer(
        &self,
        transcoder: &Transcoder,
        upstreams: &Upstreams,
        request: &Parts,
    ) -> Result<Response<Body>, Failure> {
        let allow = HeaderValue::from_static("GET, HEAD, OPTIONS");
        let (method, path) = (&request.method, request.uri.path());
        match (method, path) {
            (&Method::OPTIONS, _) => Ok(options(allow)),
            (&Method::GET | &Method::HEAD, "/livez") => Ok(health::live()),
            (&Method::GET | &Method::HEAD, "/readyz") => Ok(self.looks.ready(upstreams).await),
            (&Method::GET | &Method::HEAD, "/version") => Ok(self.version()),
            (&Method::GET | &Method::HEAD, "/openapi.json") => {
                Ok(self.docs.openapi(transcoder, Texts::OfRequests, &request.headers))
            }
            (&Method::GET | &Method::HEAD, "/docs.json") => {
                Ok(self.docs.openapi(transcoder, Texts::All, &request.headers))
            }
            (&Method::GET | &Method::HEAD, _) if runbook::is_path(path) => {
                self.runbook.answer(path, &request.headers)
            }
            (&Method::GET | &Method::HEAD, _) => Ok(self.docs.page(&request.headers)),
            _ => Err(Failure::not_allowed(method, path, allow)),
        }
    }

    /// Which build this gateway is.
    fn version(&self) -> Response<Body> {
        json_response(StatusCode::OK, "application/json", self.version.json().into_bytes())
    }
}
