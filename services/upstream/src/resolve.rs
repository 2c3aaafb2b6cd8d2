//! From what is written in a setting to addresses: host:port texts, and the
//! addresses that their names stand for now.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use boot::{ClientTls, Form, Setting, Unset};
use http::uri::Authority;

use crate::endpoint::Endpoint;

/// Time for a name to be found.
const LOOK_UP_TIME: Duration = Duration::from_secs(2);

/// Text that is not a list of addresses.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not host:port")]
pub struct UpstreamError(String);

/// The addresses of a name, or why there are none.
pub struct LookedUp<'name> {
    authority: &'name Authority,
    addresses: Result<Vec<SocketAddr>, String>,
}

/// A setting that takes the addresses of a service. The example has the port that the
/// service listens on by default.
pub const fn setting(name: &'static str, meaning: &'static str, example: &'static str) -> Setting {
    Setting {
        name,
        form: Form::Described("host:port, several with commas"),
        unset: Unset::Refused,
        example,
        meaning,
        secret: false,
    }
}

/// Reads `host:port`, several with commas.
pub fn parse(list: &str) -> Result<Vec<Authority>, UpstreamError> {
    list.split(',')
        .map(|entry| {
            let authority: Option<Authority> = entry.trim().parse().ok();
            let whole = |one: &Authority| one.port_u16().is_some() && !one.as_str().contains('@');
            authority.filter(whole).ok_or_else(|| UpstreamError(entry.trim().to_owned()))
        })
        .collect()
}

/// Whether nothing has to be looked up.
pub fn is_literal(authority: &Authority) -> bool {
    authority.as_str().parse::<SocketAddr>().is_ok()
}

/// Looks each name up; one that is not found has the cause beside it.
pub async fn look_up(authorities: &[Authority]) -> Vec<LookedUp<'_>> {
    let mut names = Vec::new();
    for authority in authorities {
        let looked_up = tokio::time::timeout(LOOK_UP_TIME, tokio::net::lookup_host(authority.as_str())).await;
        let addresses = match looked_up {
            Ok(Ok(addresses)) => Ok(addresses.collect()),
            Ok(Err(error)) => Err(format!("{authority} is not found: {error}")),
            Err(_) => Err(format!("{authority} is not found in time")),
        };
        if let Err(cause) = &addresses {
            tracing::warn!(cause, "a name cannot be resolved; its last addresses are used");
        }
        names.push(LookedUp { authority, addresses });
    }
    names
}

/// The endpoints after a lookup; addresses that stay keep their connections. A
/// name that is not found keeps its last addresses, which may still be right.
/// The error says why there is no address at all.
///
/// `known` is what is known at this moment, not before the lookup: calls that
/// look up at the same time would each make endpoints of their own.
pub fn endpoints(
    names: Vec<LookedUp<'_>>,
    known: &[Arc<Endpoint>],
    tls: Option<&ClientTls>,
) -> Result<Arc<[Arc<Endpoint>]>, String> {
    let mut found: Vec<(SocketAddr, &Authority)> = Vec::new();
    let mut failed = None;
    for LookedUp { authority, addresses } in names {
        match addresses {
            Ok(addresses) => found.extend(addresses.into_iter().map(|addr| (addr, authority))),
            Err(cause) => {
                let of_name = known.iter().filter(|endpoint| endpoint.authority == *authority);
                found.extend(of_name.map(|endpoint| (endpoint.addr, authority)));
                failed = Some(cause);
            }
        }
    }
    if let (true, Some(cause)) = (found.is_empty(), failed) {
        return Err(cause);
    }
    found.sort_by_key(|(addr, _)| *addr);
    found.dedup_by_key(|(addr, _)| *addr);
    let kept = |addr: SocketAddr| known.iter().find(|endpoint| endpoint.addr == addr).cloned();
    Ok(found
        .into_iter()
        .map(|(addr, authority)| {
            kept(addr).unwrap_or_else(|| Arc::new(Endpoint::new(addr, authority.clone(), tls.cloned())))
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_host_and_port() {
        for good in ["127.0.0.1:1", "identity:50051", "[::1]:50051", "a:1, b:2"] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in
            ["", "identity", "http://identity:1", "identity:1/x", "a:1,,b:2", "u@h:1", "h:x", "h:70000"]
        {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_name_that_is_not_found_keeps_its_last_addresses() {
        let names = parse("127.0.0.1:1").unwrap();
        let first = endpoints(look_up(&names).await, &[], None).unwrap();
        let again = endpoints(look_up(&names).await, &first, None).unwrap();
        assert!(Arc::ptr_eq(&first[0], &again[0]), "an address that stays keeps its connections");
        let lost = parse("no-such-host.invalid:1").unwrap();
        assert!(endpoints(look_up(&lost).await, &[], None).is_err());
        let known = [Arc::new(Endpoint::new("127.0.0.1:1".parse().unwrap(), lost[0].clone(), None))];
        assert!(Arc::ptr_eq(&endpoints(look_up(&lost).await, &known, None).unwrap()[0], &known[0]));
    }
}
