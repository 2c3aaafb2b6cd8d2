//! Where a call comes from. A forwarding header counts only when it was
//! written by a proxy that the settings name as trusted: `X-Forwarded-For` as proxies write
//! it, or `Forwarded` (RFC 7239).
//!
//! What a trusted proxy writes and nobody can read, an obfuscated name, say, is a client of
//! its own, [`UNREADABLE`], and never the proxy: limits on that would be limits on everybody
//! behind it. Where both headers are there, one of them is what a stranger sent and the proxy
//! passed on; which one is not known, so they have to agree.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use http::header::FORWARDED;
use http::{HeaderMap, HeaderName};

use crate::networks::Network;
use crate::settings::{Form, Setting, Unset};

/// The header that proxies write.
pub const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Whoever a trusted proxy names in a way that cannot be read. All of them are one client, and
/// nobody calls from this address.
pub const UNREADABLE: IpAddr = IpAddr::V6(Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0));

/// The setting of [`TrustedProxies`].
pub static TRUSTED_PROXIES: Setting = Setting {
    name: "TRUSTED_PROXIES",
    form: Form::Described("IP addresses and networks, several with commas"),
    unset: Unset::Means("none"),
    example: "10.0.0.5,10.0.1.0/24",
    meaning: "Proxies whose `X-Forwarded-For` or `Forwarded` is believed; for identity gateway and booking must be among them, or all their callers share one address in the limits. Who is among them says where others call from: a network only if nobody else in it can call identity or booking.",
    secret: false,
};

/// Proxies whose forwarding headers are believed: addresses and networks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Network>);

/// An entry that is neither an address nor a network.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is neither an address nor a network such as 10.0.0.0/8; write several with commas")]
pub struct TrustedProxiesError(String);

/// The client that an address belongs to, for limits: over IPv6 one has a whole network of
/// them, of 64 bits.
pub fn client_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

impl TrustedProxies {
    /// This machine only.
    pub fn loopback() -> Self {
        let one = IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]);
        Self(vec![Network::new(IpAddr::from([127, 0, 0, 0]), 8), Network::new(one, 128)])
    }

    /// These and those.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// Whether an address is one of them.
    pub fn contains(&self, addr: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(addr))
    }

    /// The client behind a peer: walking from the peer outwards, the first
    /// address that is not a trusted proxy, or [`UNREADABLE`].
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.contains(peer) {
            return peer;
        }
        let forwarded_for = headers.contains_key(FORWARDED_FOR).then(|| {
            let hops = lines(headers, &FORWARDED_FOR).flat_map(|line| line.split(',').map(node));
            self.outermost(peer, hops.collect())
        });
        let forwarded = headers.contains_key(FORWARDED).then(|| {
            let hops = lines(headers, &FORWARDED).flat_map(|line| parts(line, ',')).map(forwarded_node);
            self.outermost(peer, hops.collect())
        });
        match (forwarded_for, forwarded) {
            (None, None) => peer,
            (Some(client), None) | (None, Some(client)) => client,
            (Some(one), Some(other)) if one == other => one,
            (Some(_), Some(_)) => UNREADABLE,
        }
    }

    fn outermost(&self, peer: IpAddr, hops: Vec<Option<IpAddr>>) -> IpAddr {
        let mut client = peer;
        for hop in hops.into_iter().rev() {
            if !self.contains(client) {
                break;
            }
            // What is behind one that cannot be read is a stranger's word.
            let Some(hop) = hop else { return UNREADABLE };
            client = hop;
        }
        client
    }
}

/// The lines of a header; one that is no text is a hop that cannot be read.
fn lines<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> + use<'h> {
    headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default())
}

/// What is between separators that no quotes are around.
fn parts(text: &str, separator: char) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(|letter: char| {
        let separates = letter == separator && !quoted;
        let was_escaped = escaped;
        escaped = quoted && !was_escaped && letter == '\\';
        quoted ^= letter == '"' && !was_escaped;
        separates
    })
    .collect()
}

/// Whom an element of `Forwarded` is for.
fn forwarded_node(element: &str) -> Option<IpAddr> {
    let mut found = None;
    for pair in parts(element, ';').into_iter().filter(|pair| !pair.trim().is_empty()) {
        let (name, value) = pair.split_once('=')?;
        if !is_token_or_quoted(value.trim()) {
            return None;
        }
        if name.trim().eq_ignore_ascii_case("for") {
            // Twice is nobody.
            if found.is_some() {
                return None;
            }
            found = Some(node(value)?);
        }
    }
    found
}

/// Whether a value is whole: in quotes from its beginning to its end, or without any. In a
/// quote that somebody else has opened is whatever the next proxy has written.
fn is_token_or_quoted(value: &str) -> bool {
    let Some(quoted) = value.strip_prefix('"') else { return !value.contains('"') };
    let mut letters = quoted.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => return letters.as_str().is_empty(),
            '\\' => drop(letters.next()),
            _ => {}
        }
    }
    false
}

/// A node as RFC 7239 section 6 and practice have it: an address, with a port or without,
/// in quotes or without; of IPv6 in brackets or without, with a zone or without.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let unquoted = match text.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"')?.replace('\\', ""),
        None => text.to_owned(),
    };
    let text = unquoted.trim();
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            (host, after.strip_prefix(':').or_else(|| after.is_empty().then_some("0"))?)
        }
        None => match text.split_once(':') {
            Some((host, port)) if !port.contains(':') => (host, port),
            _ => (text, "0"),
        },
    };
    if !is_port(port) {
        return None;
    }
    let address: IpAddr = match host.split_once('%') {
        Some((host, zone)) if !zone.is_empty() => host.parse::<Ipv6Addr>().ok()?.into(),
        _ => host.parse().ok()?,
    };
    let address = address.to_canonical();
    (!address.is_unspecified()).then_some(address)
}

/// A number, or an obfuscated one.
fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok()
        || text.strip_prefix('_').is_some_and(|name| {
            !name.is_empty()
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
        })
}

impl FromStr for TrustedProxies {
    type Err = TrustedProxiesError;

    fn from_str(list: &str) -> Result<Self, TrustedProxiesError> {
        let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries
            .map(|entry| entry.parse().map_err(|_| TrustedProxiesError(entry.to_owned())))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl fmt::Display for TrustedProxies {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        out.write_str(&list.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn client(trusted: &str, peer: &str, forwarded: &[&'static str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_static(value));
        }
        trusted.parse::<TrustedProxies>().unwrap().client(peer.parse().unwrap(), &headers).to_string()
    }

    const PROXIES: &str = "10.0.0.0/8, ::1, 192.168.1.7";

    /// Behind a proxy of ours that writes `Forwarded`.
    fn forwarded(lines: &[&'static str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED, HeaderValue::from_static(line));
        }
        let peer = IpAddr::from([10, 1, 1, 1]);
        PROXIES.parse::<TrustedProxies>().unwrap().client(peer, &headers).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(client("", "10.1.1.1", &["6.6.6.6"]), "10.1.1.1");
        assert_eq!(client(PROXIES, "9.9.9.9", &["6.6.6.6"]), "9.9.9.9");
        assert_eq!(client(PROXIES, "10.1.1.1", &["6.6.6.6"]), "6.6.6.6");
        assert_eq!(client(PROXIES, "10.1.1.1", &["1.2.3.4, 6.6.6.6, 192.168.1.7"]), "6.6.6.6");
        assert_eq!(client(PROXIES, "10.1.1.1", &["1.2.3.4", "6.6.6.6"]), "6.6.6.6");
        assert_eq!(client(PROXIES, "10.1.1.1", &["1.2.3.4, 6.6.6.6", "10.2.2.2:80, 192.168.1.7"]), "6.6.6.6");
        assert_eq!(client(PROXIES, "::ffff:10.1.1.1", &["6.6.6.6"]), "6.6.6.6");
        assert_eq!(client(PROXIES, "10.1.1.1", &[]), "10.1.1.1");
        assert_eq!(client(PROXIES, "11.1.1.1", &[]), "11.1.1.1");
        assert_eq!(client(PROXIES, "10.1.1.1", &["10.2.2.2"]), "10.2.2.2", "a caller among the proxies");
        for bad in ["x", "10.0.0.0/33", "10.0.0.0/x", "::/129"] {
            assert!(bad.parse::<TrustedProxies>().is_err(), "{bad}");
        }
    }

    #[test]
    fn addresses_are_read_as_proxies_write_them() {
        for (written, read) in [
            ("6.6.6.6:4711", "6.6.6.6"),
            ("6.6.6.6:_port", "6.6.6.6"),
            (" 6.6.6.6 ", "6.6.6.6"),
            ("\"6.6.6.6:80\"", "6.6.6.6"),
            ("2001:db8::6", "2001:db8::6"),
            ("[2001:db8::6]", "2001:db8::6"),
            ("[2001:DB8::6]:4711", "2001:db8::6"),
            ("\"[2001:db8::6]:4711\"", "2001:db8::6"),
            ("fe80::6%eth0", "fe80::6"),
            ("[fe80::6%25eth0]:80", "fe80::6"),
            ("::ffff:6.6.6.6", "6.6.6.6"),
            ("[::ffff:6.6.6.6]:80", "6.6.6.6"),
            ("1.2.3.4, 6.6.6.6:1, 10.2.2.2:2, [::1]:3", "6.6.6.6"),
        ] {
            assert_eq!(client(PROXIES, "10.1.1.1", &[written]), read, "{written}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_nobody_that_is_known() {
        for written in [
            "junk",
            "unknown",
            "_hidden",
            "",
            "1.2.3.4,",
            "6.6.6.6, junk",
            "6.6.6.6, unknown, 10.2.2.2",
            "6.6.6.6:",
            "6.6.6.6:x",
            "6.6.6.6:99999",
            "6.6.6.6:_",
            "[6.6.6.6",
            "[2001:db8::6]80",
            "[]",
            "\"6.6.6.6",
            "fe80::6%",
            "6.6.6.6%eth0",
            "::",
            "0.0.0.0",
            "6.6.6.6;",
            "host.example",
        ] {
            assert_eq!(client(PROXIES, "10.1.1.1", &[written]), UNREADABLE.to_string(), "{written:?}");
        }
        let mut headers = HeaderMap::new();
        headers.append(FORWARDED_FOR, HeaderValue::from_static("6.6.6.6"));
        headers.append(FORWARDED_FOR, HeaderValue::from_bytes(b"\xff").unwrap());
        let proxies: TrustedProxies = PROXIES.parse().unwrap();
        assert_eq!(proxies.client([10, 1, 1, 1].into(), &headers), UNREADABLE, "a line that is no text");
    }

    /// Whoever believes everybody reads on to the first one, and not past what says nothing.
    #[test]
    fn nothing_is_believed_that_is_behind_a_hop_that_cannot_be_read() {
        let everybody = "::/0, 0.0.0.0/0";
        assert_eq!(client(everybody, "10.1.1.1", &["1.2.3.4, 6.6.6.6"]), "1.2.3.4");
        assert_eq!(client(everybody, "10.1.1.1", &["1.2.3.4, _hidden, 6.6.6.6"]), UNREADABLE.to_string());
    }

    #[test]
    fn forwarded_is_read_as_rfc_7239_has_it() {
        for (written, read) in [
            ("for=6.6.6.6", "6.6.6.6"),
            ("For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
            ("for=6.6.6.6;proto=http;by=10.1.1.1", "6.6.6.6"),
            ("for=6.6.6.6;", "6.6.6.6"),
            ("proto=https; FOR=6.6.6.6:80; host=\"a,b;c\"", "6.6.6.6"),
            ("for=1.2.3.4, for=6.6.6.6, for=10.2.2.2", "6.6.6.6"),
            ("host=\"x\\\", for=1.2.3.4\";for=6.6.6.6", "6.6.6.6"),
        ] {
            assert_eq!(forwarded(&[written]), read, "{written}");
        }
        assert_eq!(forwarded(&["for=1.2.3.4", "for=6.6.6.6, for=192.168.1.7"]), "6.6.6.6");
        for written in [
            "",
            "for=unknown",
            "for=_hidden",
            "for=\"_SEVKISEK\"",
            "proto=http",
            "for",
            "6.6.6.6",
            "for=2001:db8::x",
            "for=6.6.6.6;for=7.7.7.7",
            "for=6.6.6.6, proto=http",
            "for=\"6.6.6.6",
            "for=9.9.9.9;host=\", for=6.6.6.6",
            "for=9.9.9.9;host=\", for=\"6.6.6.6:80\"",
            "for=9.9.9.9;host=a\"b, for=6.6.6.6\"",
            "for=9.9.9.9;host=\"a\\\", for=6.6.6.6",
        ] {
            assert_eq!(forwarded(&[written]), UNREADABLE.to_string(), "{written:?}");
        }
    }

    #[test]
    fn two_headers_that_disagree_are_nobodys_word() {
        let proxies: TrustedProxies = PROXIES.parse().unwrap();
        let client = |one: &'static str, other: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(FORWARDED_FOR, HeaderValue::from_static(one));
            headers.insert(FORWARDED, HeaderValue::from_static(other));
            proxies.client([10, 1, 1, 1].into(), &headers)
        };
        assert_eq!(client("6.6.6.6:1", "for=6.6.6.6"), IpAddr::from([6, 6, 6, 6]));
        assert_eq!(client("6.6.6.6", "for=7.7.7.7"), UNREADABLE);
        assert_eq!(client("6.6.6.6", "for=unknown"), UNREADABLE);
    }
}
