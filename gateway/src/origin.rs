//! Which pages of other origins may call: one policy for REST and gRPC-Web (Fetch
//! standard). It does not say who may call; pages need credentials like anybody.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use frontdesk_proto::{ErrorReason, Refusal};
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HOST, ORIGIN, VARY,
};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use tonic::body::Body;

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE");
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "grpc-status, grpc-message, grpc-status-details-bin, x-request-id, retry-after, etag, allow, www-authenticate, x-supabase-api-version",
);
/// How many refused origins are remembered, so that each is logged once.
const REMEMBERED: usize = 1000;

/// Letters of a host that are told, as many as a name has.
const LONGEST_NAME: usize = 255;

/// What `ALLOWED_ORIGINS` is when it is not set: the development servers of the usual
/// front-end tools.
pub const DEFAULT_ORIGINS: &str = "http://localhost:3000,http://localhost:5173";

/// The origins whose pages may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origins(BTreeSet<String>);

/// An entry of `ALLOWED_ORIGINS` that is not an origin.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{0}` is not an origin; write scheme://host or scheme://host:port, without a path, several with commas"
)]
pub struct OriginsError(String);

/// The names that this gateway answers to, besides addresses and `localhost`. A page of any
/// other name can be a stranger's whose name leads here for once (DNS rebinding): that its
/// origin is what it calls says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hosts {
    names: BTreeSet<String>,
    /// Whether calls to other names are refused, whoever makes them.
    alone: bool,
}

/// An entry of `GATEWAY_HOSTS` that is not a name.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a host name; write it without scheme, port and path, several with commas")]
pub struct HostsError(String);

/// What a request's origin means.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No page of another origin is involved.
    Same,
    /// An allowed page calls.
    Allowed(HeaderValue),
    /// A page calls that may not.
    Refused(String),
}

/// The policy.
#[derive(Debug)]
pub struct Cors {
    origins: Origins,
    hosts: Hosts,
    refused: Mutex<BTreeSet<String>>,
}

impl FromStr for Hosts {
    type Err = HostsError;

    fn from_str(list: &str) -> Result<Self, HostsError> {
        let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let name = |entry: &str| {
            let entry = without_root(entry);
            let is_name =
                entry.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
            if is_name && !entry.is_empty() {
                Ok(entry.to_ascii_lowercase())
            } else {
                Err(HostsError(entry.to_owned()))
            }
        };
        let names: BTreeSet<String> = entries.map(name).collect::<Result<_, _>>()?;
        Ok(Self { alone: !names.is_empty(), names })
    }
}

impl Hosts {
    /// These, and no call to another name is answered, even if none is named here.
    #[must_use]
    pub fn alone(self) -> Self {
        Self { alone: true, ..self }
    }

    /// Whether a host, perhaps with a port, is this gateway.
    fn contains_called(&self, host: &str) -> bool {
        host.parse::<Authority>().is_ok_and(|named| self.contains(named.host()))
    }

    /// Whether a host, without its port, is this gateway. An address cannot lead elsewhere.
    fn contains(&self, host: &str) -> bool {
        let host = without_root(host).to_ascii_lowercase();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        bare.parse::<IpAddr>().is_ok()
            || host == "localhost"
            || host.ends_with(".localhost")
            || self.names.contains(&host)
    }
}

/// A name without the dot of the root, with which it may be written.
fn without_root(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
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

impl Default for Origins {
    fn default() -> Self {
        Self(DEFAULT_ORIGINS.split(',').map(str::to_owned).collect())
    }
}

impl fmt::Display for Origins {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list: Vec<&str> = self.0.iter().map(String::as_str).collect();
        out.write_str(&list.join(", "))
    }
}

impl Origins {
    /// Whether pages of an origin may call, and why, for people.
    pub fn explain(&self, origin: &str) -> (bool, String) {
        let list = if self.0.is_empty() { "nothing".to_owned() } else { self.to_string() };
        let Some(normal) = normalised(origin) else {
            let hint = if origin == "null" {
                "Files and sandboxed frames have the origin `null`, which is never allowed."
            } else {
                "An origin is scheme://host or scheme://host:port, without a path or a slash at the end."
            };
            return (
                false,
                format!("Refused: `{origin}` is not an origin. {hint}\nALLOWED_ORIGINS has {list}."),
            );
        };
        if self.0.contains(&normal) {
            return (
                true,
                format!(
                    "Allowed: {normal} is in ALLOWED_ORIGINS.\n\
                     A preflight answers 204 with the methods {} and whatever headers it asks for.\n\
                     A page can read these headers of an answer: {}.\n\
                     Cookies count at /console/session only, where the page asks for it (credentials: \"include\").",
                    METHODS.to_str().unwrap_or_default(),
                    EXPOSED.to_str().unwrap_or_default(),
                ),
            );
        }
        let host = |one: &str| {
            one.split_once("://").map(|(_, rest)| rest.split(':').next().unwrap_or_default().to_owned())
        };
        let near: Vec<&str> =
            self.0.iter().map(String::as_str).filter(|one| host(one) == host(&normal)).collect();
        let hint = match near.as_slice() {
            [] => String::new(),
            near => format!(
                " {} has the same host with another scheme or port, which is another origin.",
                near.join(", ")
            ),
        };
        let text = format!(
            "Refused: {normal} is not in ALLOWED_ORIGINS, which has {list}.{hint}\n\
             Its pages get 403 ORIGIN_NOT_ALLOWED, unless they come from the gateway's own host.\n\
             To allow it, add it to ALLOWED_ORIGINS of the gateway, with a comma, and restart it.",
        );
        (false, text)
    }
}

impl Cors {
    pub fn new(origins: Origins, hosts: Hosts) -> Self {
        Self { origins, hosts, refused: Mutex::default() }
    }

    /// Judges a request by its `Origin`.
    pub fn judge<B>(&self, request: &Request<B>) -> Verdict {
        let Some(value) = request.headers().get(ORIGIN) else { return Verdict::Same };
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        match normalised(&text) {
            Some(origin) if self.origins.0.contains(&origin) => Verdict::Allowed(value.clone()),
            Some(origin) if self.is_own(&origin, request) => Verdict::Same,
            _ => Verdict::Refused(text),
        }
    }

    /// The refusal of a call to a name that is none of this gateway, where calls to its own
    /// alone are answered; the log says it once. What a page reads from where it is itself has
    /// no `Origin`, and from a plain `http://` name no other header that tells it from a
    /// script (`Sec-Fetch-Site` neither), so every call is asked for its host.
    pub fn misdirected<B>(&self, request: &Request<B>) -> Option<Refusal> {
        if !self.hosts.alone {
            return None;
        }
        // Whoever names nothing is no browser.
        let host = host(request).filter(|host| !self.hosts.contains_called(host))?;
        let host = &*host.chars().take(LONGEST_NAME).collect::<String>();
        if self.is_first(host) {
            tracing::warn!(host, "call to a foreign host refused");
        }
        let sentence = format!(
            "The gateway does not answer to {host}. Call it by its own name, or add the name to GATEWAY_HOSTS of the gateway and restart it."
        );
        let refusal = Refusal::new(ErrorReason::OriginNotAllowed, sentence);
        Some(refusal.with("host", host).with("setting", "GATEWAY_HOSTS"))
    }

    /// Whether the log has not said yet that this was refused.
    fn is_first(&self, what: &str) -> bool {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.len() < REMEMBERED && refused.insert(what.to_owned())
    }

    /// The refusal for a page on a refused origin; the log says it once.
    pub fn refuse(&self, origin: &str) -> Refusal {
        if self.is_first(origin) {
            tracing::warn!(origin, allowed = %self.origins, "CORS origin refused");
        }
        Refusal::new(
            ErrorReason::OriginNotAllowed,
            format!("Pages of the origin {origin} may not call this API. Add it to ALLOWED_ORIGINS of the gateway, or its host to GATEWAY_HOSTS if the gateway itself is there, and restart it."),
        )
        .with("origin", origin)
        .with("setting", "ALLOWED_ORIGINS")
    }

    /// Whether the page came from this gateway itself, at a host that is ours.
    fn is_own<B>(&self, origin: &str, request: &Request<B>) -> bool {
        host(request).is_some_and(|host| {
            let is_called = |scheme| normalised(&format!("{scheme}://{host}")).as_deref() == Some(origin);
            ["http", "https"].into_iter().any(is_called) && self.hosts.contains_called(host)
        })
    }
}

/// What a request calls: `Host` in HTTP/1.1, the authority of the URI in HTTP/2.
fn host<B>(request: &Request<B>) -> Option<&str> {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    host.or_else(|| request.uri().authority().map(Authority::as_str))
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

/// Lets a page of an allowed origin send and get a cookie.
pub fn allow_credentials(headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
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

/// Scheme and host in lower case, default port left out.
fn normalised(origin: &str) -> Option<String> {
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

#[cfg(test)]
mod tests;
