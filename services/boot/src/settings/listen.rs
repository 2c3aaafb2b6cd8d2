//! Addresses to listen on.

use std::net::{Ipv4Addr, SocketAddr};

/// Reads `host:port`. A host is an IP address or `localhost`: a name could mean
/// several addresses. Without a host it is this machine alone, so that nothing
/// is reachable from outside unless somebody wrote so.
pub fn parse(text: &str) -> Option<SocketAddr> {
    let on_loopback = |port: &str| Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().ok()?)));
    if let Ok(addr) = text.parse() {
        return Some(addr);
    }
    match text.rsplit_once(':') {
        Some(("" | "localhost", port)) => on_loopback(port),
        Some(_) => None,
        None => on_loopback(text),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_host_that_is_left_out_is_this_machine() {
        for (text, addr) in [
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("0.0.0.0:8080", "0.0.0.0:8080"),
            ("[::]:8080", "[::]:8080"),
            ("localhost:8080", "127.0.0.1:8080"),
            (":8080", "127.0.0.1:8080"),
            ("8080", "127.0.0.1:8080"),
            ("127.0.0.1:0", "127.0.0.1:0"),
        ] {
            assert_eq!(parse(text), Some(addr.parse().unwrap()), "{text}");
        }
        for bad in
            ["", ":", "localhost", "127.0.0.1", "example.com:80", ":70000", "::1", "http://127.0.0.1:1"]
        {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
