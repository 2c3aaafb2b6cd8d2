//! Where a call comes from. A forwarding header counts only when it was
//! written by a proxy that the settings name as trusted: `X-Forwarded-For` as proxies write
//! it, or `Forwarded` (RFC 7239).
//!
//! What a trusted proxy writes and nobody can read, an obfuscated name, say, is a client of
//! its own, [`UNREADABLE`], and never the proxy: limits on that would be limits on everybody
//! behind it. Where both headers are there, one of them is what a stranger sent and the proxy
//! passed on. Which one is not known unless [`TRUSTED_PROXY_HEADER`] says what the proxies
//! write, so they have to agree: to believe either would let the stranger choose an address
//! behind proxies that write the other.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use http::header::FORWARDED;
use http::{HeaderMap, HeaderName};

use crate::networks::Network;
use crate::settings::{Form, Setting, Settings, Unset};

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
    meaning: "Proxies whose `X-Forwarded-For` or `Forwarded` is believed; for identity, where it runs apart, gateway and booking must be among them, or all their callers share one address in the limits. Who is among them says where others call from: a network only if nobody else in it can call identity or booking.",
    secret: false,
};

/// The setting of [`ProxyHeader`].
static TRUSTED_PROXY_HEADER: Setting = Setting {
    name: "TRUSTED_PROXY_HEADER",
    form: Form::Word(&["auto", "x-forwarded-for", "forwarded"]),
    unset: Unset::Means("auto"),
    example: "x-forwarded-for",
    meaning: "The header in which proxies before a service say where a call comes from; the gateway does not read the other one then, and booking and identity, which the gateway calls with x-forwarded-for, do not where both are. With auto both are read, and a call whose two headers disagree comes from nobody known, for which whoever sends the one that the proxies do not write can provide: say which one they write.",
    secret: false,
};

/// Which headers of trusted proxies are believed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ProxyHeader {
    /// Both, as far as they agree.
    #[default]
    Auto,
    /// `X-Forwarded-For` alone.
    XForwardedFor,
    /// `Forwarded` alone.
    Forwarded,
}

impl ProxyHeader {
    /// Reads `TRUSTED_PROXY_HEADER`.
    pub fn read(settings: &mut Settings) -> Self {
        match settings.word_if_set(&TRUSTED_PROXY_HEADER) {
            Some("x-forwarded-for") => Self::XForwardedFor,
            Some("forwarded") => Self::Forwarded,
            _ => Self::Auto,
        }
    }

    /// Those that count of a call to a service that the gateway calls as well, in its own
    /// way: the one that proxies write where that is there, or else both.
    #[must_use]
    pub fn inside(self, headers: &HeaderMap) -> Self {
        match self {
            Self::XForwardedFor if headers.contains_key(&FORWARDED_FOR) => self,
            Self::Forwarded if headers.contains_key(&FORWARDED) => self,
            _ => Self::Auto,
        }
    }

    /// Whether this header counts.
    pub fn has(self, name: &HeaderName) -> bool {
        match self {
            Self::Auto => true,
            Self::XForwardedFor => name == FORWARDED_FOR,
            Self::Forwarded => name == FORWARDED,
        }
    }
}

/// Proxies whose forwarding headers are believed: addresses and networks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    networks: Vec<Network>,
    header: ProxyHeader,
    /// Whether the gateway calls as well.
    is_inside: bool,
}

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
        let networks = vec![Network::new(IpAddr::from([127, 0, 0, 0]), 8), Network::new(one, 128)];
        Self { networks, ..Self::default() }
    }

    /// Reads those before the gateway: `TRUSTED_PROXIES`, and the header that they write.
    pub fn read(settings: &mut Settings) -> Self {
        let proxies: Self = settings.if_set(&TRUSTED_PROXIES).unwrap_or_default();
        proxies.writing(ProxyHeader::read(settings))
    }

    /// The same ones, before a service that the gateway calls as well.
    #[must_use]
    pub fn inside(self) -> Self {
        Self { is_inside: true, ..self }
    }

    /// Which header they write.
    pub fn header(&self) -> ProxyHeader {
        self.header
    }

    /// The same ones, which write this header.
    #[must_use]
    pub fn writing(self, header: ProxyHeader) -> Self {
        Self { header, ..self }
    }

    /// These and those, which write what these do.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.networks.extend(others.networks);
        self
    }

    /// Whether an address is one of them.
    pub fn contains(&self, addr: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(addr))
    }

    /// The client behind a peer: walking from the peer outwards, the first
    /// address that is not a trusted proxy, or [`UNREADABLE`].
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if self.contains(peer) { self.behind(peer, headers) } else { peer }
    }

    /// The client whom somebody names who is believed, or that one: a trusted proxy, or another
    /// part of this process, which is believed whoever is trusted besides.
    pub(crate) fn behind(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let header = if self.is_inside { self.header.inside(headers) } else { self.header };
        let counts = |name: &HeaderName| header.has(name) && headers.contains_key(name);
        let forwarded_for = counts(&FORWARDED_FOR).then(|| {
            let hops = lines(headers, &FORWARDED_FOR).flat_map(|line| line.split(',').map(node));
            self.outermost(peer, hops.collect())
        });
        let forwarded = counts(&FORWARDED).then(|| {
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

    /// The first of these hops, from the last one on, who is not believed. Whoever named the last
    /// one is.
    fn outermost(&self, peer: IpAddr, hops: Vec<Option<IpAddr>>) -> IpAddr {
        let mut client = peer;
        for hop in hops.into_iter().rev() {
            // What is behind one that cannot be read is a stranger's word.
            let Some(hop) = hop else { return UNREADABLE };
            client = hop;
            if !self.contains(client) {
                break;
            }
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
    (text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok())
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
            .map(|networks| Self { networks, ..Self::default() })
    }
}

impl fmt::Display for TrustedProxies {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list: Vec<String> = self.networks.iter().map(ToString::to_string).collect();
        out.write_str(&list.join(", "))
    }
}

#[cfg(test)]
mod tests;
