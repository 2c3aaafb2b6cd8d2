//! The console: the page at which staff decide about booking requests. `gateway/console` is
//! what it is made of; `build.rs` builds in what `make console` has made of that. Without
//! it, as where there was no Node.js, the page says how to get it. It is the same for
//! everybody: it signs in and calls like any other page.

use std::collections::BTreeMap;

use frontdesk_proto::{ErrorReason, Refusal};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use tonic::body::Body;

use crate::answer::encoding::Prepared;
use crate::answer::failure::{Failure, options, shown};
use crate::answer::tags;

const ASSETS: &str = "/console/assets/";
const PAGE: &str = "index.html";
const MISSING: &str = include_str!("console/missing.html");
const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
/// What the page may do: run its own scripts and call this gateway.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
);

/// Where the page is. Links in letters of identity lead to all but the first.
pub const PATHS: [(Method, &str); 4] = [
    (Method::GET, "/"),
    (Method::GET, "/confirm-email"),
    (Method::GET, "/invitation"),
    (Method::GET, "/recover-password"),
];

/// A file that is built in.
struct File {
    name: &'static str,
    version: &'static str,
    plain: &'static [u8],
    brotli: &'static [u8],
    gzip: &'static [u8],
}

/// The files as they are answered.
#[derive(Debug)]
pub struct Console(BTreeMap<&'static str, Built>);

#[derive(Debug)]
struct Built {
    body: Prepared,
    version: &'static str,
    kind: &'static str,
}

/// Whether a path is one of the console.
pub fn is_path(path: &str) -> bool {
    is_page(path) || path.starts_with(ASSETS)
}

fn is_page(path: &str) -> bool {
    PATHS.iter().any(|(_, page)| *page == path)
}

/// What `build.rs` finds in the folder.
fn files() -> &'static [File] {
    include!(concat!(env!("OUT_DIR"), "/console.rs"))
}

impl Console {
    pub fn new() -> Self {
        Self::of(files())
    }

    fn of(files: &[File]) -> Self {
        let built = files.iter().map(|&File { name, version, plain, brotli, gzip }| {
            let body = Prepared::compressed(plain, brotli, gzip);
            (name, Built { body, version, kind: kind(name) })
        });
        Self(built.collect())
    }

    /// Answers a request for the page or for what it loads.
    pub fn answer(&self, request: &Parts) -> Result<Response<Body>, Failure> {
        let (method, path) = (&request.method, request.uri.path());
        let allow = HeaderValue::from_static("GET, HEAD, OPTIONS");
        match *method {
            Method::OPTIONS => return Ok(options(allow)),
            Method::GET | Method::HEAD => {}
            _ => return Err(Failure::not_allowed(method, path, allow)),
        }
        if is_page(path) {
            return Ok(self.page(&request.headers));
        }
        let name = path.strip_prefix(ASSETS).unwrap_or_default();
        let built = self.0.get(name).filter(|_| name != PAGE).ok_or_else(|| no_asset(name))?;
        let mut response = built.answer(&request.headers);
        // Its name has the hash of what is in it.
        let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
        response.headers_mut().insert(CACHE_CONTROL, forever);
        Ok(response)
    }

    fn page(&self, wanted: &HeaderMap) -> Response<Body> {
        let mut response = match self.0.get(PAGE) {
            Some(page) => page.answer(wanted),
            None => missing(),
        };
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(CONTENT_SECURITY_POLICY, POLICY);
        headers.insert(OPENER, HeaderValue::from_static("same-origin"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        response
    }
}

impl Built {
    fn answer(&self, wanted: &HeaderMap) -> Response<Body> {
        let mut response = if tags::known(wanted, self.version).is_some() {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            // As the body would have it (RFC 9110, 15.4.5).
            response.headers_mut().insert(VARY, HeaderValue::from_static("accept-encoding"));
            response
        } else {
            self.body.answer(wanted)
        };
        let headers = response.headers_mut();
        if let Some(etag) = tags::tag(self.version, true) {
            headers.insert(ETAG, etag);
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response
    }
}

/// What a file is, by the end of its name.
fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.').unwrap_or_default().1 {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

/// The page of a gateway that was built without the console.
fn missing() -> Response<Body> {
    let mut response = Prepared::new(MISSING.into()).answer(&HeaderMap::new());
    *response.status_mut() = StatusCode::NOT_FOUND;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn no_asset(name: &str) -> Failure {
    let name = shown(name);
    let sentence = format!(
        "The console of this version has no file {name}. Load the page at / again: it names its files."
    );
    Refusal::new(ErrorReason::RouteNotFound, sentence).into()
}

#[cfg(test)]
mod tests;
