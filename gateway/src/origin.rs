//! Which pages of other origins may call: one policy for REST and gRPC-Web (Fetch
//! standard). It does not say who may call; pages need credentials like anybody.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use boot::origins::{EXPOSED, METHODS, Origins, normalised};
use frontdesk_proto::{ErrorReason, Refusal};
use http::header::{ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Request};

pub use boot::origins::{allow, is_preflight, preflight};

/// How many refused origins are remembered, so that each is logged once.
const REMEMBERED: usize = 1000;

/// Letters of a host that are told, as many as a name has.
const LONGEST_NAME: usize = 255;

/// What `ALLOWED_ORIGINS` is when it is not set: the development servers of the usual
/// front-end tools.
pub const DEFAULT_ORIGINS: &str = "http://localhost:3000,http://localhost:5173";

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

impl Cors {
    pub fn new(origins: Origins, hosts: Hosts) -> Self {
        Self { origins, hosts, refused: Mutex::default() }
    }

    /// Judges a request by its `Origin`.
    pub fn judge<B>(&self, request: &Request<B>) -> Verdict {
        let Some(value) = request.headers().get(ORIGIN) else { return Verdict::Same };
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        match normalised(&text) {
            Some(origin) if self.origins.contain(&origin) => Verdict::Allowed(value.clone()),
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

/// Whether pages of an origin may call that has these in `ALLOWED_ORIGINS`, and why, for people.
pub fn explain(origins: &Origins, origin: &str) -> (bool, String) {
    let list = if origins.is_empty() { "nothing".to_owned() } else { origins.to_string() };
    let Some(normal) = normalised(origin) else {
        let hint = if origin == "null" {
            "Files and sandboxed frames have the origin `null`, which is never allowed."
        } else {
            "An origin is scheme://host or scheme://host:port, without a path or a slash at the end."
        };
        return (false, format!("Refused: `{origin}` is not an origin. {hint}\nALLOWED_ORIGINS has {list}."));
    };
    if origins.contain(&normal) {
        return (
            true,
            format!(
                "Allowed: {normal} is in ALLOWED_ORIGINS.\n\
                 A preflight answers 204 with the methods {} and whatever headers it asks for.\n\
                 A page can read these headers of an answer: {}.\n\
                 Cookies count at /console/session and for streams of events (EventSource) only, where the page asks for it (credentials: \"include\", withCredentials).",
                METHODS.to_str().unwrap_or_default(),
                EXPOSED.to_str().unwrap_or_default(),
            ),
        );
    }
    let host = |one: &str| {
        one.split_once("://").map(|(_, rest)| rest.split(':').next().unwrap_or_default().to_owned())
    };
    let near: Vec<&str> = origins.iter().filter(|one| host(one) == host(&normal)).collect();
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

/// Lets a page of any origin read what is the same for everybody.
pub fn allow_any(headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
}

/// Lets a page of an allowed origin send and get a cookie.
pub fn allow_credentials(headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
}

/// What a request calls: `Host` in HTTP/1.1, the authority of the URI in HTTP/2 and wherever
/// else there is one (RFC 9112, 3.2.2).
fn host<B>(request: &Request<B>) -> Option<&str> {
    let of_target = request.uri().authority().map(Authority::as_str);
    of_target.or_else(|| request.headers().get(HOST).and_then(|host| host.to_str().ok()))
}

#[cfg(test)]
mod tests;
