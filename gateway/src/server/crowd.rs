//! Who is connected: so many at once, and not all of them of one client, so that the others
//! stay served.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use boot::{Count, Scrape, client_of};

/// Most connections at once; further ones are closed without an answer.
const MAX_CONNECTIONS: usize = 16_384;

/// Whoever is connected.
#[derive(Debug, Default)]
pub struct Crowd {
    here: Mutex<Here>,
    too_many: Count,
    too_many_of_client: Count,
}

#[derive(Debug, Default)]
struct Here {
    count: usize,
    by_client: HashMap<IpAddr, usize>,
}

/// The place of a connection, until it is dropped.
#[derive(Debug)]
pub struct Place {
    crowd: Arc<Crowd>,
    client: Option<IpAddr>,
}

impl Crowd {
    /// A place for a connection; `None` if there are too many. A client has `most`, unless
    /// it is one that others stand behind.
    pub fn take(self: &Arc<Self>, peer: IpAddr, most: Option<usize>) -> Option<Place> {
        let mut here = self.here();
        if here.count >= MAX_CONNECTIONS {
            self.too_many.add_one();
            return None;
        }
        let client = most.map(|most| (client_of(peer), most));
        if let Some((client, most)) = client {
            let of_client = here.by_client.entry(client).or_default();
            if *of_client >= most {
                self.too_many_of_client.add_one();
                return None;
            }
            *of_client += 1;
        }
        here.count += 1;
        drop(here);
        Some(Place { crowd: Arc::clone(self), client: client.map(|(client, _)| client) })
    }

    /// How many there are, and were too many.
    pub fn figures(&self, scrape: &mut Scrape) {
        let help = "Connections that are open.";
        scrape.how_many("frontdesk_http_connections", help, &[], self.here().count);
        for (cause, count) in [("all", &self.too_many), ("client", &self.too_many_of_client)] {
            let help =
                "Connections that were closed at once, because there were too many of all or of a client.";
            scrape.count("frontdesk_http_connections_refused_total", help, &[("limit", cause)], count.get());
        }
    }

    fn here(&self) -> MutexGuard<'_, Here> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut here = self.crowd.here();
        here.count -= 1;
        if let Some(client) = self.client
            && let Some(of_client) = here.by_client.get_mut(&client)
        {
            *of_client -= 1;
            if *of_client == 0 {
                here.by_client.remove(&client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_takes_no_more_than_its_share_and_gives_it_back() {
        let crowd = Arc::<Crowd>::default();
        let take = |peer: &str, most| crowd.take(peer.parse().unwrap(), most);
        let first = take("192.0.2.1", Some(2)).unwrap();
        let _second = take("::ffff:192.0.2.1", Some(2)).unwrap();
        assert!(take("192.0.2.1", Some(2)).is_none());
        let _other = take("192.0.2.2", Some(2)).unwrap();
        let _behind: Vec<Place> = (0..5).map(|_| take("192.0.2.1", None).unwrap()).collect();
        drop(first);
        let _again = take("192.0.2.1", Some(2)).unwrap();
        let _network = [take("2001:db8::1", Some(2)).unwrap(), take("2001:db8::2", Some(2)).unwrap()];
        assert!(take("2001:db8::3", Some(2)).is_none(), "it is one network");
        assert!(take("2001:db8:0:1::3", Some(2)).is_some());
        assert_eq!((crowd.too_many.get(), crowd.too_many_of_client.get()), (0, 2));
    }
}
