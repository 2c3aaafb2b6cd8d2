//! Who is connected: so many at once, and not all of them of one client, so that the others
//! stay served.

use std::net::IpAddr;

use boot::{AtOnce, Place, Scrape, client_of};

/// Most connections at once; further ones are closed without an answer.
const MAX_CONNECTIONS: usize = 16_384;

/// Whoever is connected. Clones share what they count.
#[derive(Debug, Clone)]
pub struct Crowd {
    connections: AtOnce<IpAddr>,
}

impl Crowd {
    /// So many of one client.
    pub fn new(of_client: usize) -> Self {
        Self { connections: AtOnce::new(MAX_CONNECTIONS, of_client) }
    }

    /// A place for a connection; `None` if there are too many. A peer that others stand
    /// behind is no client.
    pub fn take(&self, peer: IpAddr, is_proxy: bool) -> Option<Place<IpAddr>> {
        self.connections.take((!is_proxy).then(|| client_of(peer))).ok()
    }

    /// How many there are, and were too many.
    pub fn figures(&self, scrape: &mut Scrape) {
        let help = "Connections that are open.";
        scrape.how_many("frontdesk_http_connections", help, &[], self.connections.taken());
        let (all, client) = self.connections.refused();
        for (cause, count) in [("all", all), ("client", client)] {
            let help =
                "Connections that were closed at once, because there were too many of all or of a client.";
            scrape.count("frontdesk_http_connections_refused_total", help, &[("limit", cause)], count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_takes_no_more_than_its_share_and_a_proxy_is_none() {
        let crowd = Crowd::new(2);
        let take = |peer: &str, is_proxy| crowd.take(peer.parse().unwrap(), is_proxy);
        let first = take("192.0.2.1", false).unwrap();
        let _second = take("::ffff:192.0.2.1", false).unwrap();
        assert!(take("192.0.2.1", false).is_none());
        let _behind: Vec<_> = (0..5).map(|_| take("192.0.2.1", true).unwrap()).collect();
        drop(first);
        let _again = take("192.0.2.1", false).unwrap();
        let _network = [take("2001:db8::1", false).unwrap(), take("2001:db8::2", false).unwrap()];
        assert!(take("2001:db8::3", false).is_none(), "it is one network");
        assert!(take("2001:db8:0:1::3", false).is_some());
        assert_eq!(crowd.connections.refused(), (0, 2));
    }
}
