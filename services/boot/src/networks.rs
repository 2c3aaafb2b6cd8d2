//! Networks of addresses, as settings and people write them: `192.0.2.7`, `10.0.0.0/8`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

/// One network; a single address is one, too. An IPv4 network that is written as IPv6 is the
/// IPv4 network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u32,
}

/// A text that is no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is neither an address nor a network such as 192.0.2.0/24")]
pub struct NotANetwork;

impl Network {
    /// A network by its first bits.
    pub const fn new(address: IpAddr, prefix: u32) -> Self {
        Self { address, prefix }
    }

    /// Whether an address is in it. An IPv4 address that comes as IPv6 is the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (address.to_canonical(), self.address) {
            (IpAddr::V4(one), IpAddr::V4(other)) => {
                same_prefix(u32::from(one).into(), u32::from(other).into(), 32, self.prefix)
            }
            (IpAddr::V6(one), IpAddr::V6(other)) => same_prefix(one.into(), other.into(), 128, self.prefix),
            _ => false,
        }
    }

    /// Whether the address has no bits beyond the network: `10.0.0.1/8` is more likely a slip.
    pub fn is_exact(&self) -> bool {
        let (value, bits) = match self.address {
            IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
            IpAddr::V6(address) => (address.into(), 128),
        };
        let rest = bits - self.prefix;
        rest == 0 || value.trailing_zeros() >= rest
    }
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(number(prefix).ok_or(NotANetwork)?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NotANetwork)?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(bits);
        if prefix > bits {
            return Err(NotANetwork);
        }
        match address {
            IpAddr::V6(long) if prefix >= 96 => Ok(long
                .to_ipv4_mapped()
                .map_or(Self { address, prefix }, |short: Ipv4Addr| Self::new(short.into(), prefix - 96))),
            _ => Ok(Self { address, prefix }),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.address, self.prefix)
    }
}

/// Digits alone, so that `+8` and `08` are none.
fn number(text: &str) -> Option<u32> {
    let plain = text == "0" || (!text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()));
    text.parse().ok().filter(|_| plain)
}

fn same_prefix(one: u128, other: u128, bits: u32, prefix: u32) -> bool {
    prefix == 0 || (one ^ other) >> (bits - prefix) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_is_in_its_network_in_either_form() {
        let holds = |of: &str, address: &str| network(of).contains(address.parse().unwrap());
        assert!(holds("192.0.2.0/24", "192.0.2.255") && !holds("192.0.2.0/24", "192.0.3.0"));
        assert!(holds("192.0.2.7", "192.0.2.7") && !holds("192.0.2.7", "192.0.2.6"));
        assert!(holds("192.0.2.0/24", "::ffff:192.0.2.9") && holds("::ffff:192.0.2.0/120", "192.0.2.9"));
        assert!(!holds("::ffff:192.0.2.0/120", "192.0.3.9") && !holds("192.0.2.0/24", "::192.0.2.9"));
        assert!(holds("2001:db8::/32", "2001:db8:ffff::1") && !holds("2001:db8::/32", "2001:db9::"));
        assert!(holds("0.0.0.0/0", "203.0.113.1") && !holds("0.0.0.0/0", "2001:db8::1"));
        assert!(holds("::/0", "2001:db8::1") && !holds("::/0", "203.0.113.1"));
    }

    #[test]
    fn a_network_has_one_form_and_says_where_bits_are_too_many() {
        assert_eq!(network("::FFFF:10.0.0.0/104").to_string(), "10.0.0.0/8");
        assert_eq!(network("2001:DB8:0::/48").to_string(), "2001:db8::/48");
        for exact in ["10.0.0.0/8", "0.0.0.0/0", "::/0", "192.0.2.1", "2001:db8::/33"] {
            assert!(network(exact).is_exact(), "{exact}");
        }
        for slip in ["10.0.0.1/8", "2001:db8::1/64", "0.0.0.1/0"] {
            assert!(!network(slip).is_exact(), "{slip}");
        }
        for bad in ["", "x", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "10.0.0.0/08", "::/129", "10.0/8"] {
            assert_eq!(bad.parse::<Network>(), Err(NotANetwork), "{bad}");
        }
    }
}
