//! The names under which failed logins are counted. They tell nobody who tries to
//! sign in, or from where.

use std::net::IpAddr;

use seal::{MacKey, MasterKey};

use crate::domain::factor::FactorBuckets;
use crate::domain::ids::{SessionId, TenantId, UserId};
use crate::domain::limits::Buckets;

/// Names buckets.
#[derive(Debug, Clone)]
pub struct LoginBuckets(MacKey);

impl LoginBuckets {
    /// Those of a deployment.
    pub fn of(master_key: &MasterKey) -> Self {
        Self(master_key.mac_key("frontdesk login buckets v1"))
    }

    /// The buckets of an attempt at an account from an address, if one is known.
    pub fn attempt(&self, email: &str, address: Option<IpAddr>) -> Buckets {
        let address = &network(address);
        Buckets {
            pair: self.named(&["pair", email, address]),
            account: self.named(&["account", email]),
            address: self.named(&["address", address]),
        }
    }

    /// The buckets of a proof of a second factor.
    pub fn proof(&self, user: UserId, session: SessionId) -> FactorBuckets {
        FactorBuckets {
            user: self.named(&["factors of a user", &user.to_string()]),
            session: self.named(&["factors in a session", &session.to_string()]),
        }
    }

    /// The bucket of whoever signs in with a passkey alone: the address counts together with
    /// its logins, and no other limit is asked for.
    pub fn passkey(&self, address: Option<IpAddr>) -> Buckets {
        let address = self.named(&["address", &network(address)]);
        Buckets { pair: Vec::new(), account: Vec::new(), address }
    }

    /// The bucket of a user who is written to about second factors.
    pub fn factor_letter(&self, user: UserId) -> Buckets {
        let account = self.named(&["factor letter", &user.to_string()]);
        Buckets { pair: Vec::new(), account, address: Vec::new() }
    }

    /// The buckets of whoever asks for a letter to an address: of their own, so that letters
    /// and logins do not count together.
    pub fn letter(&self, email: &str, address: Option<IpAddr>) -> Buckets {
        let address = &network(address);
        Buckets {
            pair: self.named(&["letter pair", email, address]),
            account: self.named(&["letter account", email]),
            address: self.named(&["letter address", address]),
        }
    }

    /// The buckets of an invitation to an address: in the place of a client's address is the
    /// tenant that invites.
    pub fn invitation(&self, tenant: TenantId, email: &str) -> Buckets {
        let tenant = tenant.to_string();
        Buckets {
            pair: self.named(&["invitation pair", email, &tenant]),
            account: self.named(&["invitation account", email]),
            address: self.named(&["invitation tenant", &tenant]),
        }
    }

    /// The buckets of a tenant that makes links of invitations which its members send
    /// themselves: whom they send them to is not known.
    pub fn invitation_link(&self, tenant: TenantId) -> Buckets {
        let tenant = tenant.to_string();
        let named = |what: &str| self.named(&[what, &tenant]);
        Buckets {
            pair: named("invitation link pair"),
            account: named("invitation link account"),
            address: named("invitation link tenant"),
        }
    }

    /// The buckets of a client that asks for a token. A machine with an old secret keeps
    /// nobody behind its address from signing in.
    pub fn client(&self, id: &str, address: Option<IpAddr>) -> Buckets {
        let address = &network(address);
        Buckets {
            pair: self.named(&["client pair", id, address]),
            account: self.named(&["client", id]),
            address: self.named(&["client address", address]),
        }
    }

    fn named(&self, parts: &[&str]) -> Vec<u8> {
        self.0.mac(parts.join("\0").as_bytes()).to_vec()
    }
}

/// An address as buckets name it. All addresses of a client have one name, or it would have a
/// limit for each of them.
fn network(address: Option<IpAddr>) -> String {
    address.map(|address| boot::client_of(address).to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_addresses_of_a_network_over_ipv6_share_their_buckets() {
        let buckets = LoginBuckets::of(&MasterKey::from_text(&"ab".repeat(32)).unwrap());
        let of = |address: &str| {
            let attempt = buckets.attempt("a@b.example", Some(address.parse().unwrap()));
            (attempt.address, attempt.pair)
        };
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:2"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.1"));
    }

    #[test]
    fn what_has_one_limit_has_one_bucket() {
        let buckets = LoginBuckets::of(&MasterKey::from_text(&"ab".repeat(32)).unwrap());
        let address = Some("192.0.2.1".parse().unwrap());
        let login = buckets.attempt("a@b.example", address);
        assert_eq!(buckets.passkey(address).all(), [&login.address[..]]);
        let [one, other] = [1, 2].map(|user| buckets.factor_letter(UserId(uuid::Uuid::from_u128(user))));
        assert_eq!((one.all().len(), login.all().len()), (1, 3));
        assert_ne!(one.account, other.account);
    }
}
