//! Which headers cross the gateway, in both directions.
//!
//! `X-Forwarded-For` is set to the client that the gateway believes in, and the
//! other forwarding headers are dropped: the services trust the gateway's word, so
//! it must not repeat what a stranger wrote.

use std::net::IpAddr;

use boot::{FORWARDED_FOR, TrustedProxies};
use http::header::{
    ACCEPT_LANGUAGE, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, DATE, HOST, HeaderName,
    SET_COOKIE, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, USER_AGENT,
};
use http::{HeaderMap, HeaderValue};

/// Headers of a REST request that become metadata; every value is taken, so
/// that the service still sees twice a header that was sent twice.
const REST_IN: [HeaderName; 9] = [
    AUTHORIZATION,
    ACCEPT_LANGUAGE,
    HeaderName::from_static("x-tenant-id"),
    HeaderName::from_static("x-tenant-api-key"),
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("if-match"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
];

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
        let text = HeaderValue::from_str(&address.to_string());
        Self { address, text: text.unwrap_or_else(|_| HeaderValue::from_static("unknown")) }
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
    let mut metadata = HeaderMap::with_capacity(16);
    for name in REST_IN {
        for value in headers.get_all(&name) {
            metadata.append(name.clone(), value.clone());
        }
    }
    // `user-agent` names the gRPC client, which is the gateway; gRPC-Web uses this header as well.
    if let Some(agent) = headers.get(USER_AGENT) {
        metadata.insert(HeaderName::from_static("x-user-agent"), agent.clone());
    }
    metadata.insert(FORWARDED_FOR, client.text.clone());
    metadata
}

/// Takes out what must not be passed on from a gRPC request.
pub fn clean_grpc(headers: &mut HeaderMap, client: &Client) {
    remove_hop_by_hop(headers);
    headers.remove(HOST);
    headers.remove(COOKIE);
    let forged: Vec<HeaderName> =
        headers.keys().filter(|name| name.as_str().starts_with("x-forwarded-")).cloned().collect();
    for name in forged {
        headers.remove(name);
    }
    headers.remove("forwarded");
    headers.insert(FORWARDED_FOR, client.text.clone());
    headers.insert(TE, HeaderValue::from_static("trailers"));
}

/// Metadata of an answer as headers of a REST response.
pub fn rest_out(metadata: &HeaderMap, headers: &mut HeaderMap) {
    for (name, value) in metadata {
        let text = name.as_str();
        let inner = text.starts_with("grpc-")
            || text.ends_with("-bin")
            || text.starts_with("access-control-")
            || text == "x-http-code";
        let ours = [CONTENT_TYPE, CONTENT_LENGTH, DATE, SET_COOKIE].contains(name) || is_hop_by_hop(name);
        if !inner && !ours {
            headers.append(name.clone(), value.clone());
        }
    }
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok())
        .collect();
    let fixed: Vec<HeaderName> = headers.keys().filter(|name| is_hop_by_hop(name)).cloned().collect();
    for name in named.into_iter().chain(fixed) {
        headers.remove(name);
    }
}

fn is_hop_by_hop(name: &HeaderName) -> bool {
    [CONNECTION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE].contains(name)
        || matches!(
            name.as_str(),
            "keep-alive" | "proxy-connection" | "proxy-authenticate" | "proxy-authorization"
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
    fn rest_takes_listed_headers_only_and_both_of_a_pair() {
        let mut headers = HeaderMap::new();
        headers.append("x-tenant-id", HeaderValue::from_static("a"));
        headers.append("x-tenant-id", HeaderValue::from_static("b"));
        headers.insert("x-user-id", HeaderValue::from_static("root"));
        headers.insert("grpc-timeout", HeaderValue::from_static("1H"));
        let metadata = rest_in(&headers, &Client::at(Ipv4Addr::LOCALHOST.into()));
        assert_eq!(metadata.get_all("x-tenant-id").iter().count(), 2);
        assert!(!metadata.contains_key("x-user-id") && !metadata.contains_key("grpc-timeout"));
    }
}
