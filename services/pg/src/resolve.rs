//! The addresses of a host. A name may have several, of which some may be of servers that are
//! lost, or that are not what is wanted: each is tried as if it were a host of its own, with
//! all the time that a host has (libpq does the same, PostgreSQL 18, 34.1.1.3).

use std::io;
use std::net::IpAddr;

use tokio_postgres::config::Host as Named;

use crate::address::Host;

/// The addresses that the name service has of a name.
pub(crate) async fn look_up(name: String) -> io::Result<Vec<IpAddr>> {
    // The port is the host's own, whatever is asked.
    Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
}

/// The name that has to be looked up before a host is reached.
pub(crate) fn name(host: &Host) -> Option<String> {
    match host.config.get_hosts() {
        // One with a zone is an address, which the driver reads.
        [Named::Tcp(name)]
            if host.config.get_hostaddrs().is_empty()
                && name.parse::<IpAddr>().is_err()
                && !name.contains('%') =>
        {
            Some(name.clone())
        }
        _ => None,
    }
}

/// The host at each of its addresses. It keeps its name, which a certificate is to have.
pub(crate) fn at_each(host: &Host, addresses: &[IpAddr]) -> Vec<Host> {
    let mut each: Vec<Host> = Vec::with_capacity(addresses.len());
    for address in addresses {
        let name = match addresses {
            [_] => host.name.clone(),
            _ => format!("{} at {address}", host.name),
        };
        if each.iter().any(|one| one.name == name) {
            continue;
        }
        let mut config = host.config.clone();
        config.hostaddr(*address);
        each.push(Host { name, config, security: host.security });
    }
    each
}
