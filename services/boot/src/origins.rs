//! Origins of pages, as settings list them, and what a browser asks and is told about
//! them (Fetch standard). Which of them a server lets in, and what it says to the others,
//! is its own business.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use tonic::body::Body;

/// What a page of an allowed origin may send.
pub const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE");
/// What it may read of an answer's headers.
pub const EXPOSED: HeaderValue = HeaderValue::from_static(
    "grpc-status, grpc-message, grpc-status-details-bin, grpc-encoding, grpc-accept-encoding, connect-content-encoding, content-encoding, x-request-id, retry-after, etag, location, allow, www-authenticate, x-supabase-api-version",
);

/// The origins whose pages may call; none is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins(BTreeSet<String>);

/// An entry of a list that is not an origin.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{0}` is not an origin; write scheme://host or scheme://host:port, without a path, several with commas"
)]
pub struct OriginsError(String);

impl Origins {
    /// Whether pages of an origin may call that is [`normalised`].
    pub fn contain(&self, normal: &str) -> bool {
        self.0.contains(normal)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl FromStr for Origins {
    type Err = OriginsError;

    fn from_str(list: &str) -> Result<Self, OriginsError> {
        let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries
            .map(|entry| normalised(entry).ok_or_else(|| OriginsError(entry.to_owned())))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl fmt::Display for Origins {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.iter().collect::<Vec<_>>().join(", "))
    }
}

/// Scheme and host in lower case, default port left out; `None` if it is not an origin.
pub fn normalised(origin: &str) -> Option<String> {
    let (scheme, authority) = origin.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let uri: Uri = format!("{scheme}://{authority}/").parse().ok()?;
    let clean = uri.path() == "/" && uri.query().is_none() && !authority.contains(['@', '/', '?', '#', '*']);
    let host = uri.host().filter(|host| !host.is_empty() && clean)?.to_ascii_lowercase();
    let default = match scheme.as_str() {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    match uri.port_u16() {
        Some(port) if port != default => Some(format!("{scheme}://{host}:{port}")),
        _ => Some(format!("{scheme}://{host}")),
    }
}

/// Whether the request asks what a page may do.
pub fn is_preflight<B>(request: &Request<B>) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(ORIGIN)
        && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// Adds what a page of an allowed origin needs to read an answer.
pub fn allow(origin: HeaderValue, headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
}

/// The answer to a preflight.
pub fn preflight(request: &HeaderMap) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    if let Some(wanted) = request.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    headers.append(
        VARY,
        HeaderValue::from_static("access-control-request-method, access-control-request-headers"),
    );
    response
}
