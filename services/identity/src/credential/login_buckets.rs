//! The names under which failed logins are counted. They tell nobody who tries to
//! sign in, or from where.

use seal::{MacKey, MasterKey};

use crate::domain::limits::Buckets;

/// Names buckets.
#[derive(Debug, Clone)]
pub struct LoginBuckets(MacKey);

impl LoginBuckets {
    /// Those of a deployment.
    pub fn of(master_key: &MasterKey) -> Self {
        Self(master_key.mac_key("frontdesk login buckets v1"))
    }

    /// The buckets of an attempt at an account from an address.
    pub fn attempt(&self, email: &str, address: &str) -> Buckets {
        Buckets {
            pair: self.named(&["pair", email, address]),
            account: self.named(&["account", email]),
            address: self.named(&["address", address]),
        }
    }

    fn named(&self, parts: &[&str]) -> Vec<u8> {
        self.0.mac(parts.join("\0").as_bytes()).to_vec()
    }
}
