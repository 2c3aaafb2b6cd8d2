//! Identity as the other services see it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use boot::Scrape;
use frontdesk_proto::Refusal;
use jiff::Timestamp;
use uuid::Uuid;

use crate::caller::{Caller, Closed, User};
use crate::credentials::Credentials;
use crate::heard::{Mark, Revoked};
use crate::proof::{Proof, SecondFactor};
use crate::token::{Claims, Key};

/// Who can say what a caller may do: identity itself, or a client of it.
pub trait Authority: Clone + Send + Sync + 'static {
    /// How long an answer of [`Self::resolve`] holds.
    const HOLDS: Duration;

    /// Whether an answer is used for a method although it holds for no time by itself, until a
    /// mark says that it is void: see [`crate::UntilMarked`].
    fn holds_until_marked(_method: &str) -> bool {
        false
    }

    /// The public keys of access tokens.
    fn keys(&self, now: Timestamp) -> impl Future<Output = Result<Vec<Key>, Refusal>> + Send;

    /// A key that this process has itself, so that nobody need be asked for it.
    fn own_key(&self, _id: &str) -> Option<Key> {
        None
    }

    /// What the sender of these credentials may do. `claims` are those of the
    /// bearer token, already verified. A token without them is of another
    /// issuer; it and the API key are not verified yet.
    fn resolve(
        &self,
        credentials: &Credentials,
        claims: Option<&Claims>,
        now: Timestamp,
    ) -> impl Future<Output = Result<Resolution, Refusal>> + Send;

    /// Hears what is revoked, and as of when, for as long as it is polled.
    fn follow(&self, hear: impl Fn(Revoked, Instant) + Send + Sync) -> impl Future<Output = ()> + Send;

    /// Records that an operator calls a method in a tenant where the operator's role alone
    /// would not allow it. Without the record the call is not made.
    fn record_operator(
        &self,
        credentials: &Credentials,
        caller: &Caller,
    ) -> impl Future<Output = Result<(), Refusal>> + Send;

    /// Which of some tenants are deleted for good, so that nothing of them is to be kept.
    fn deleted_tenants(&self, of: &[Uuid]) -> impl Future<Output = Result<DeletedTenants, Refusal>> + Send;

    /// Figures of the way to it; none where identity itself is asked.
    fn figures(&self, _: &mut Scrape) {}
}

/// Which of some tenants are deleted, and who says so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeletedTenants {
    /// The id of the database of that identity.
    pub database: Uuid,
    /// Whose tokens it issues.
    pub issuer: String,
    /// Those that are deleted.
    pub tenants: Vec<Uuid>,
}

/// What a caller may do, as identity says. It is kept, and each call that it is kept for has
/// its lists without copying them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resolution {
    /// The user, unless only an API key was sent.
    pub user: Option<User>,
    /// The tenant of the call, if there is one.
    pub tenant: Option<Uuid>,
    /// Whether there is none because the only one of the user is closed, or that which an
    /// operator names.
    pub closed: Option<Closed>,
    /// Scopes in the tenant and on the platform, sorted.
    pub scopes: Arc<[String]>,
    /// Role in the tenant; empty without a membership.
    pub role: Arc<str>,
    /// Of an operator in a tenant: the scopes that a role in it gives.
    pub role_scopes: Arc<[String]>,
    /// Whether the scopes come from being a platform operator.
    pub operator: bool,
    /// The API key that was sent.
    pub api_key_id: Option<Uuid>,
    /// Who issued the token, if that was another issuer.
    pub issuer: Option<Arc<str>>,
    /// What all this depends on; none where identity is too old to say it.
    pub marks: Arc<[Mark]>,
    /// When all this is over, whatever happens: the session or the key ends then.
    pub until: Option<Timestamp>,
    /// Whether the user has a second factor, and whether one is asked of the user anyway.
    pub second_factor: SecondFactor,
    /// What a token of another issuer says of proofs; those of ours are read where they
    /// are sent.
    pub proof: Proof,
}
