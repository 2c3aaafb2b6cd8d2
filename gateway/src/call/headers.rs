//! Which headers cross the gateway, in both directions.
//!
//! `X-Forwarded-For` is set to the client that the gateway believes in, and the
//! other forwarding headers are dropped: the services trust the gateway's word, so
//! it must not repeat what a stranger wrote.

use std::net::IpAddr;

use boot::deadline::GRPC_TIMEOUT;
use boot::{FORWARDED_FOR, TrustedProxies, UNREADABLE};
use http::header::{CONNECTION, HOST, HeaderName, TE, USER_AGENT};
use http::{HeaderMap, HeaderValue};

/// `user-agent` as it goes up, where that header names the gRPC client, which is the gateway;
/// gRPC-Web uses this one as well.
const USER_AGENT_IN: HeaderName = HeaderName::from_static("x-user-agent");
/// Largest head of a request in bytes.
pub const MAX_HEAD: usize = 16 * 1024;
/// As many headers as most calls have on their way up, with those that each has.
const MOSTLY: usize = 12;

/// The client of a request, as `X-Forwarded-For` names it. Mostly it is whoever
/// connected, whose address is written once for a connection.
#[derive(Debug, Clone)]
pub struct Client {
    address: IpAddr,
    text: HeaderValue,
}

impl Client {
    pub fn at(address: IpAddr) -> Self {
        let address = address.to_canonical();
        // The services trust this gateway, and must not take whoever it could not tell for it.
        let text = (address != UNREADABLE).then(|| HeaderValue::from_str(&address.to_string()));
        Self { address, text: text.and_then(Result::ok).unwrap_or(HeaderValue::from_static("unknown")) }
    }

    /// Where it is.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Whoever sent these headers through this connection: its other end, or whom a
    /// trusted proxy there names.
    pub fn behind(&self, proxies: &TrustedProxies, headers: &HeaderMap) -> Self {
        let address = proxies.client(self.address, headers);
        if address == self.address { self.clone() } else { Self::at(address) }
    }
}

/// The metadata of a REST request.
pub fn rest_in(headers: &HeaderMap, client: &Client) -> HeaderMap {
    let mut metadata = HeaderMap::with_capacity(MOSTLY);
    for (name, value) in headers {
        if goes_up(name) {
            let mut value = value.clone();
            value.set_sensitive(is_not_kept(name));
            metadata.append(name, value);
        } else if name == USER_AGENT && !metadata.contains_key(USER_AGENT_IN) {
            metadata.insert(USER_AGENT_IN, value.clone());
        }
    }
    metadata.insert(FORWARDED_FOR, client.text.clone());
    metadata
}

/// Headers of a REST request that become metadata; every value is taken, so
/// that the service still sees twice a header that was sent twice.
fn goes_up(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "authorization"
            | "accept-language"
            | "x-tenant-id"
            | "x-tenant-api-key"
            | "x-request-id"
            | "idempotency-key"
            | "if-match"
            | "traceparent"
            | "tracestate"
            | "baggage"
    )
}

/// Secrets, and what each call has another one of: HPACK is not to keep it in the table that
/// all callers share on the connection to a service. (It keeps no `authorization` anyway.)
fn is_not_kept(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "authorization"
            | "x-tenant-api-key"
            | "x-request-id"
            | "idempotency-key"
            | "if-match"
            | "traceparent"
            | "baggage"
    )
}

/// Takes out what must not be passed on from a gRPC request.
pub fn clean_grpc(headers: &mut HeaderMap, client: &Client) {
    // Every request of HTTP/1.1 has it, and most have nothing else that stays here.
    headers.remove(HOST);
    if headers.keys().any(stays_here) {
        let named = headers.get_all(CONNECTION).iter();
        let named = named.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
        let named = named.filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok());
        let others = headers.keys().filter(|name| stays_here(name)).cloned();
        let gone: Vec<HeaderName> = named.chain(others).collect();
        for name in gone {
            headers.remove(name);
        }
    }
    for (name, value) in headers.iter_mut() {
        value.set_sensitive(is_not_kept(name));
    }
    headers.insert(FORWARDED_FOR, client.text.clone());
    headers.insert(TE, HeaderValue::from_static("trailers"));
}

/// Makes the metadata of a Connect request: what says how its body is written is not for the
/// service, whose messages are written anew.
pub fn connect_in(headers: &mut HeaderMap, client: &Client) {
    clean_grpc(headers, client);
    let of_body = |name: &HeaderName| {
        let text = name.as_str();
        is_of_body(text) || text.starts_with("connect-") || text.starts_with("grpc-")
    };
    let gone: Vec<HeaderName> = headers.keys().filter(|name| of_body(name)).cloned().collect();
    for name in gone {
        // What the time is was put there before.
        if name != GRPC_TIMEOUT {
            headers.remove(name);
        }
    }
}

/// Metadata of an answer as headers of a Connect response, those of its trailers with a prefix.
pub fn connect_out(metadata: &HeaderMap, prefix: &str, headers: &mut HeaderMap) {
    for (name, value) in metadata.iter().filter(|(name, _)| is_metadata(name)) {
        let name = if prefix.is_empty() {
            Some(name.clone())
        } else {
            HeaderName::from_bytes([prefix, name.as_str()].concat().as_bytes()).ok()
        };
        if let Some(name) = name {
            headers.append(name, value.clone());
        }
    }
}

/// Whether what a service says is metadata, and not how the call went or how it is written.
pub fn is_metadata(name: &HeaderName) -> bool {
    let text = name.as_str();
    let is_inner = ["grpc-", "connect-", "access-control-"].iter().any(|prefix| text.starts_with(prefix));
    let is_ours = matches!(text, "date" | "set-cookie" | "x-http-code" | "x-request-id") || is_of_body(text);
    !is_inner && !is_ours && !is_hop_by_hop(text)
}

fn is_of_body(name: &str) -> bool {
    matches!(name, "content-type" | "content-length" | "content-encoding" | "accept-encoding" | "accept")
}

/// Metadata of an answer as headers of a REST response.
pub fn rest_out(metadata: &HeaderMap, headers: &mut HeaderMap) {
    for (name, value) in metadata {
        let text = name.as_str();
        let inner = text.starts_with("grpc-")
            || text.ends_with("-bin")
            || text.starts_with("access-control-")
            || text == "x-http-code";
        let ours =
            matches!(text, "content-type" | "content-length" | "date" | "set-cookie") || is_hop_by_hop(text);
        if !inner && !ours {
            headers.append(name.clone(), value.clone());
        }
    }
}

/// Headers of a gRPC request that say nothing to a service, or what only the gateway may say.
fn stays_here(name: &HeaderName) -> bool {
    let text = name.as_str();
    is_hop_by_hop(text)
        || is_of_page(text)
        || matches!(text, "cookie" | "forwarded")
        || text.starts_with("x-forwarded-")
}

/// What a page's browser says of the page. Which pages may call is decided here; a service with
/// `DIRECT_ORIGINS` would take the gateway for the page and refuse it.
fn is_of_page(name: &str) -> bool {
    matches!(name, "origin" | "access-control-request-method" | "access-control-request-headers")
}

fn is_hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
            | "keep-alive"
            | "proxy-connection"
            | "proxy-authenticate"
            | "proxy-authorization"
    )
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn forged_and_hop_by_hop_headers_do_not_cross() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("x-forwarded-for", "6.6.6.6"),
            ("x-forwarded-host", "evil"),
            ("forwarded", "for=6.6.6.6"),
            ("connection", "x-tenant-api-key, close"),
            ("x-tenant-api-key", "smuggled"),
            ("cookie", "a=b"),
            ("authorization", "Bearer x"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        clean_grpc(&mut headers, &Client::at(Ipv4Addr::LOCALHOST.into()));
        assert_eq!(headers["x-forwarded-for"], "127.0.0.1");
        assert_eq!(headers["authorization"], "Bearer x");
        for gone in ["x-forwarded-host", "forwarded", "connection", "x-tenant-api-key", "cookie"] {
            assert!(!headers.contains_key(gone), "{gone}");
        }
    }

    #[test]
    fn what_a_page_says_of_itself_does_not_cross() {
        let said = || {
            let mut headers = HeaderMap::new();
            for (name, value) in [
                ("origin", "https://app.example"),
                ("access-control-request-method", "POST"),
                ("access-control-request-headers", "authorization"),
                ("authorization", "Bearer x"),
            ] {
                headers.insert(name, HeaderValue::from_static(value));
            }
            headers
        };
        let client = Client::at(Ipv4Addr::LOCALHOST.into());
        for clean in [clean_grpc, connect_in] {
            let mut headers = said();
            clean(&mut headers, &client);
            let mut left: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
            left.sort_unstable();
            assert_eq!(left, ["authorization", "te", "x-forwarded-for"]);
        }
        assert!(!rest_in(&said(), &client).contains_key("origin"));
    }

    #[test]
    fn of_connect_everything_crosses_but_what_is_about_the_body() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("content-type", "application/json"),
            ("content-encoding", "gzip"),
            ("content-length", "7"),
            ("accept-encoding", "gzip"),
            ("connect-protocol-version", "1"),
            ("grpc-encoding", "gzip"),
            ("grpc-timeout", "1S"),
            ("cookie", "a=b"),
            ("x-mine", "kept"),
            ("x-mine-bin", "AAE"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        connect_in(&mut headers, &Client::at(Ipv4Addr::LOCALHOST.into()));
        let mut left: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["grpc-timeout", "te", "x-forwarded-for", "x-mine", "x-mine-bin"]);

        let mut said = HeaderMap::new();
        for name in ["grpc-status", "x-cost", "x-cost-bin", "content-type", "set-cookie", "connect-x"] {
            said.append(name, HeaderValue::from_static("1"));
        }
        said.append("x-cost", HeaderValue::from_static("2"));
        let mut headers = HeaderMap::new();
        connect_out(&said, "trailer-", &mut headers);
        assert_eq!(headers.get_all("trailer-x-cost").iter().count(), 2);
        assert!(headers.len() == 3 && headers.contains_key("trailer-x-cost-bin"), "{headers:?}");
    }

    #[test]
    fn a_client_whom_a_proxy_names_unreadably_is_passed_on_as_unknown() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", HeaderValue::from_static("_hidden"));
        let connected = Client::at(Ipv4Addr::LOCALHOST.into());
        let client = connected.behind(&TrustedProxies::loopback(), &headers);
        clean_grpc(&mut headers, &client);
        assert_eq!(headers["x-forwarded-for"], "unknown");
        assert_ne!(client.address(), connected.address(), "limits on it are no limits on the proxy");
        let of_service = TrustedProxies::loopback().client(Ipv4Addr::LOCALHOST.into(), &headers);
        assert_eq!(of_service, UNREADABLE);
    }

    #[test]
    fn rest_takes_listed_headers_only_and_both_of_a_pair() {
        let mut headers = HeaderMap::new();
        headers.append("x-tenant-id", HeaderValue::from_static("a"));
        headers.append("x-tenant-id", HeaderValue::from_static("b"));
        headers.insert("x-user-id", HeaderValue::from_static("root"));
        headers.insert("grpc-timeout", HeaderValue::from_static("1H"));
        headers.insert("grpc-accept-encoding", HeaderValue::from_static("gzip"));
        headers.append("baggage", HeaderValue::from_static("tour=7"));
        headers.append("baggage", HeaderValue::from_static("user=x;private"));
        headers.insert("x-tenant-api-key", HeaderValue::from_static("secret"));
        let metadata = rest_in(&headers, &Client::at(Ipv4Addr::LOCALHOST.into()));
        assert_eq!(metadata.get_all("x-tenant-id").iter().count(), 2);
        assert_eq!(metadata.get_all("baggage").iter().count(), 2, "what a trace carries goes with it");
        assert!(!metadata.contains_key("x-user-id") && !metadata.contains_key("grpc-timeout"));
        assert!(!metadata.contains_key("grpc-accept-encoding"), "the service would compress for the gateway");
        assert!(metadata["x-tenant-api-key"].is_sensitive() && !metadata["x-tenant-id"].is_sensitive());
        clean_grpc(&mut headers, &Client::at(Ipv4Addr::LOCALHOST.into()));
        assert_eq!(headers["grpc-accept-encoding"], "gzip", "of a gRPC caller it goes up");
        assert!(headers["x-tenant-api-key"].is_sensitive() && !headers["x-tenant-id"].is_sensitive());
    }
}
