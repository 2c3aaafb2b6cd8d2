//! What comes along with a call: who makes it, and under which conditions. How a
//! call says so on the wire is known in `rpc/headers.rs`.

use access::TenantId;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest;

use crate::domain::actor::Actor;
use crate::domain::version::{Expected, Version};
use crate::error::Error;

/// A caller in its tenant.
#[derive(Debug, Clone)]
pub struct Call {
    pub tenant: TenantId,
    pub actor: Actor,
    /// The versions that the resource may have.
    pub expected: Expected,
}

/// A call whose answer is stored with its idempotency key, if it has one.
#[derive(Debug, Clone)]
pub struct KeyedCall {
    pub call: Call,
    pub key: Option<Key>,
}

/// An idempotency key with what it is used for.
#[derive(Debug, Clone)]
pub struct Key {
    /// As the caller sent it.
    pub text: String,
    /// SHA-256 of the method, what is asked of it and who asks.
    pub hash: Vec<u8>,
    /// The same without who asks, as the version before stored it: a call that is repeated
    /// while this version is rolled out finds its answer.
    hash_before: Vec<u8>,
}

impl Call {
    /// A call of Frontdesk itself, for a tenant.
    pub fn of_the_system(tenant: TenantId) -> Self {
        Self { tenant, actor: Actor::System, expected: Expected::Any }
    }

    /// What somebody does at the database by an operator command.
    pub fn of_an_operator(tenant: TenantId) -> Self {
        Self { actor: Actor::Operator(None), ..Self::of_the_system(tenant) }
    }

    /// Whether it says which version the resource must have.
    pub fn expects_version(&self) -> bool {
        self.expected != Expected::Any
    }

    /// Refuses when the resource has another version than the call expects.
    pub fn check_version(&self, current: Version) -> Result<(), Error> {
        if self.expected.allows(current) {
            return Ok(());
        }
        let weak = matches!(self.expected, Expected::OneOf { weak: true, .. });
        Err(Error::EtagMismatch { current, weak })
    }
}

impl Key {
    /// A key for one method, what is asked of it, and who asks: an answer is for whoever
    /// got it first, and not for others of the tenant who may see less.
    pub fn new(text: String, method: &str, asked: &[u8], by: Actor) -> Self {
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(method.as_bytes());
        hash.update(&[0]);
        hash.update(asked);
        let hash_before = hash.clone().finish().as_ref().to_vec();
        hash.update(by.kind().as_bytes());
        if let Some(id) = by.id() {
            hash.update(id.as_bytes());
        }
        if let Actor::Delegate(_, user) = by {
            hash.update(user.0.as_bytes());
        }
        Self { text, hash: hash.finish().as_ref().to_vec(), hash_before }
    }

    /// Whether a stored key was used for the same.
    pub fn is_for(&self, stored_hash: &[u8]) -> bool {
        [&self.hash, &self.hash_before].iter().any(|hash| verify_slices_are_equal(stored_hash, hash).is_ok())
    }
}
