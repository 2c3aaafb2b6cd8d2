//! How many requests the gateway works on at once, of all clients and of one. What comes
//! beyond is refused before anything else is done with it, so that it costs little however
//! much there is of it. Connections are not counted here.
//!
//! A client is an address, or a network of 64 bits, which is what one has of IPv6. A request
//! counts until its answer has been read, a stream until it has begun: how many of those
//! there may be is for the services to say.

use std::net::IpAddr;
use std::time::Duration;

use boot::{AtOnce, Full, Place, Scrape, client_of};
use frontdesk_proto::{ErrorReason, Refusal};

use crate::config::Policy;

/// When a client asks again.
const AGAIN: Duration = Duration::from_secs(1);

/// The requests that are worked on.
#[derive(Debug)]
pub struct Limits {
    calls: AtOnce<IpAddr>,
}

impl Limits {
    /// As many as a policy says; none is worked on yet.
    pub fn new(policy: &Policy) -> Self {
        Self { calls: AtOnce::new(policy.most_calls, policy.most_calls_of_client) }
    }

    /// Room for a request, or why there is none.
    pub fn call(&self, client: IpAddr) -> Result<Place<IpAddr>, Refusal> {
        self.calls.take(Some(client_of(client))).map_err(|full| match full {
            Full::All(most) => Refusal::new(
                ErrorReason::Overloaded,
                format!("The gateway works on {most} calls already, the most that it takes at once. This one was not begun; try again."),
            )
            .with("waits_for", "the gateway")
            .retry_after(AGAIN),
            Full::One(most) => Refusal::new(
                ErrorReason::TooManyCalls,
                format!("{most} calls from your address are under way, the most that one may have at once (CALL_LIMIT_CLIENT). This one was not begun: wait for the answers of some, then try again."),
            )
            .with("limit", most.to_string())
            .with("setting", "CALL_LIMIT_CLIENT")
            .retry_after(AGAIN),
        })
    }

    pub fn figures(&self, scrape: &mut Scrape) {
        let (all, client) = self.calls.refused();
        scrape.shed("gateway", all);
        scrape.shed("client", client);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> IpAddr {
        address.parse().unwrap()
    }

    #[test]
    fn a_client_is_refused_alone_and_a_network_is_one_client() {
        let limits = Limits::new(&Policy { most_calls: 3, most_calls_of_client: 2, ..Policy::default() });
        let _held = ["2001:db8::1", "2001:db8::2"].map(|address| limits.call(at(address)).unwrap());
        let refused = limits.call(at("2001:db8::ffff:0:0:3")).unwrap_err();
        assert_eq!(refused.reason(), ErrorReason::TooManyCalls);
        assert_eq!(refused.retry_delay(), Some(AGAIN));
        let _other = limits.call(at("2001:db8:0:1::1")).unwrap();
        let full = limits.call(at("10.0.0.1")).unwrap_err();
        assert_eq!(full.reason(), ErrorReason::Overloaded);
    }
}
