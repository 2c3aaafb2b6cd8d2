//! Where a call comes from. A forwarding header counts only when it was
//! written by a proxy that the settings name as trusted.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use http::{HeaderMap, HeaderName};

use crate::settings::{Form, Setting, Unset};

/// The header that proxies write.
pub const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The setting of [`TrustedProxies`].
pub static TRUSTED_PROXIES: Setting = Setting {
    name: "TRUSTED_PROXIES",
    form: Form::Described("IP addresses and networks, several with commas"),
    unset: Unset::Means("none"),
    example: "10.0.0.5,10.0.1.0/24",
    meaning: "Proxies whose `X-Forwarded-For` is believed; for identity gateway and booking must be among them, or all their callers share one address in the limits. Who is among them says where others call from: a network only if nobody else in it can call identity or booking.",
    secret: false,
};

/// Proxies whose `X-Forwarded-For` is believed: addresses and networks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<(IpAddr, u32)>);

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
        Self(vec![(IpAddr::from([127, 0, 0, 0]), 8), (IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]), 128)])
    }

    /// These and those.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// Whether an address is one of them.
    pub fn contains(&self, addr: IpAddr) -> bool {
        let addr = addr.to_canonical();
        self.0.iter().any(|(network, prefix)| match (addr, network) {
            (IpAddr::V4(addr), IpAddr::V4(network)) => {
                same_prefix(u32::from(addr).into(), u32::from(*network).into(), 32, *prefix)
            }
            (IpAddr::V6(addr), IpAddr::V6(network)) => {
                same_prefix(addr.into(), (*network).into(), 128, *prefix)
            }
            _ => false,
        })
    }

    /// The client behind a peer: walking from the peer outwards, the first
    /// address that is not a trusted proxy.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.contains(client) {
            return client;
        }
        let hops: Vec<&str> = headers
            .get_all(FORWARDED_FOR)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .collect();
        for hop in hops.into_iter().rev() {
            if !self.contains(client) {
                break;
            }
            // A hop that cannot be read was not written by a proxy of ours.
            let Ok(addr) = hop.trim().parse::<IpAddr>() else { break };
            client = addr.to_canonical();
        }
        client
    }
}

impl FromStr for TrustedProxies {
    type Err = TrustedProxiesError;

    fn from_str(list: &str) -> Result<Self, TrustedProxiesError> {
        let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries
            .map(|entry| network(entry).ok_or_else(|| TrustedProxiesError(entry.to_owned())))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl fmt::Display for TrustedProxies {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list: Vec<String> = self.0.iter().map(|(addr, prefix)| format!("{addr}/{prefix}")).collect();
        out.write_str(&list.join(", "))
    }
}

fn network(text: &str) -> Option<(IpAddr, u32)> {
    let (addr, prefix) = match text.split_once('/') {
        Some((addr, prefix)) => (addr.parse::<IpAddr>().ok()?, Some(prefix.parse::<u32>().ok()?)),
        None => (text.parse::<IpAddr>().ok()?, None),
    };
    let bits = if addr.is_ipv4() { 32 } else { 128 };
    let prefix = prefix.unwrap_or(bits);
    (prefix <= bits).then_some((addr, prefix))
}

fn same_prefix(one: u128, other: u128, bits: u32, prefix: u32) -> bool {
    prefix == 0 || (one ^ other) >> (bits - prefix) == 0
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

    #[test]
    fn only_trusted_proxies_are_believed() {
        let proxies = "10.0.0.0/8, ::1, 192.168.1.7";
        assert_eq!(client("", "10.1.1.1", &["6.6.6.6"]), "10.1.1.1");
        assert_eq!(client(proxies, "9.9.9.9", &["6.6.6.6"]), "9.9.9.9");
        assert_eq!(client(proxies, "10.1.1.1", &["6.6.6.6"]), "6.6.6.6");
        assert_eq!(client(proxies, "10.1.1.1", &["1.2.3.4, 6.6.6.6, 192.168.1.7"]), "6.6.6.6");
        assert_eq!(client(proxies, "10.1.1.1", &["1.2.3.4", "6.6.6.6"]), "6.6.6.6");
        assert_eq!(client(proxies, "::ffff:10.1.1.1", &["6.6.6.6"]), "6.6.6.6");
        assert_eq!(client(proxies, "10.1.1.1", &["6.6.6.6, junk"]), "10.1.1.1");
        assert_eq!(client(proxies, "10.1.1.1", &[]), "10.1.1.1");
        assert_eq!(client(proxies, "11.1.1.1", &[]), "11.1.1.1");
        for bad in ["x", "10.0.0.0/33", "10.0.0.0/x", "::/129"] {
            assert!(bad.parse::<TrustedProxies>().is_err(), "{bad}");
        }
    }
}
