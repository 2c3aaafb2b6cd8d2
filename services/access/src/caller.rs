//! A caller that has passed its method's rule.

use std::sync::Arc;

use frontdesk_proto::{ErrorReason, Refusal};
use futures::future::BoxFuture;
use jiff::Timestamp;
use tonic::{Request, Status};
use uuid::Uuid;

use crate::heard::Mark;
use crate::kind::Acting;
use crate::proof::{Proof, SecondFactor};
use crate::token::Claims;

/// A tenant that the caller may work in, as the access layer found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(Uuid);

/// Who calls, for which tenant, with which scopes.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The user, unless only an API key was sent.
    pub user: Option<User>,
    /// The tenant of the call.
    pub tenant: Option<TenantId>,
    /// Whether there is none because the only one of the user is closed, or that which an
    /// operator names.
    pub closed: Option<Closed>,
    /// Scopes held, sorted.
    pub scopes: Arc<[String]>,
    /// Role in the tenant; empty without a membership.
    pub role: Arc<str>,
    /// Of an operator in a tenant: the scopes that a role in it gives.
    pub role_scopes: Arc<[String]>,
    /// Whether the scopes come from being a platform operator.
    pub operator: bool,
    /// The API key that was sent.
    pub api_key_id: Option<Uuid>,
    /// Who acts for the user, or sees what the user sees; nobody else mostly.
    pub acting: Option<Acting>,
    /// Who issued the token, if that was another issuer; known to identity.
    pub issuer: Option<Arc<str>>,
    /// What all this depends on; see [`crate::Resolution`].
    pub marks: Arc<[Mark]>,
    /// When all this is over, whatever happens.
    pub until: Option<Timestamp>,
    /// Whether the user has a second factor, and whether one is asked of the user anyway.
    pub second_factor: SecondFactor,
    /// How well the user has proved to be that user.
    pub proof: Proof,
    /// The path of the method that is called, `/package.Service/Method`.
    pub method: Arc<str>,
}

/// A user who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct User {
    /// The user.
    pub id: Uuid,
    /// The session of the token; nil for a token of another issuer.
    pub session: Uuid,
}

impl TenantId {
    pub(crate) fn new(id: Uuid) -> Self {
        Self(id)
    }

    /// The tenant of a row that background work found. Never made of what a
    /// caller sent.
    pub fn of_stored_row(id: Uuid) -> Self {
        Self(id)
    }

    /// The tenant's id.
    pub fn uuid(self) -> Uuid {
        self.0
    }
}

impl Caller {
    /// The tenant; present for every method whose rule names a tenant scope.
    pub fn tenant(&self) -> Result<TenantId, Refusal> {
        self.tenant.ok_or_else(|| {
            if let Some(closed) = self.closed {
                return closed.refusal(Timestamp::now());
            }
            Refusal::new(
                ErrorReason::TenantRequired,
                "The call does not say for which tenant it is: send X-TENANT-ID. GET /v1/me lists your tenants, and for operators GET /v1/tenants those of the platform.",
            )
        })
    }

    /// The user; present for every `signed_in` method.
    pub fn user(&self) -> Result<User, Refusal> {
        self.user.ok_or_else(sign_in_required)
    }
}

/// Why nothing is done in a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// It is suspended.
    Suspended,
    /// It is to be deleted, and can be restored until then.
    Deleted(Timestamp),
}

impl Closed {
    /// Of a tenant that is both, what comes of it.
    pub fn of(suspended: bool, deleted_until: Option<Timestamp>) -> Option<Self> {
        deleted_until.map(Self::Deleted).or(suspended.then_some(Self::Suspended))
    }

    /// What is said in such a tenant, wherever that is found. Nobody is told to restore one
    /// whose time is over, whether or not it is gone yet.
    pub fn refusal(self, now: Timestamp) -> Refusal {
        match self {
            Self::Suspended => Refusal::new(
                ErrorReason::TenantSuspended,
                "The tenant is suspended: nothing is done in it until whoever runs the platform resumes it. Its data stay as they are.",
            ),
            Self::Deleted(until) if now < until => Refusal::new(
                ErrorReason::TenantDeleted,
                format!(
                    "The tenant is to be deleted, and nothing is done in it. Until {until} whoever runs the platform can restore it, with all its data; then they are deleted."
                ),
            )
            .with("restorable_until", until.to_string()),
            Self::Deleted(until) => Refusal::new(
                ErrorReason::TenantDeleted,
                format!(
                    "The tenant is deleted, and nothing is done in it. The time in which it could be restored was over at {until}."
                ),
            ),
        }
    }
}

/// Whether the caller of a stream may still have it: its token may end, its
/// session be revoked, its role be taken away while the stream lasts. So whoever
/// answers with a stream asks again, every five seconds as for calls, and when it is told
/// of a revocation that concerns the caller.
#[derive(Clone)]
pub struct Standing {
    asks: Arc<dyn Asks>,
}

/// How a standing is looked at.
pub(crate) trait Asks: Send + Sync {
    /// Holds the call against its rule again.
    fn check(&self) -> BoxFuture<'_, Result<(), Refusal>>;

    /// Returns when what the caller was let in by is void.
    fn doubted(&self) -> BoxFuture<'_, ()>;

    /// Whether it is.
    fn is_doubted(&self) -> bool;
}

impl Standing {
    pub(crate) fn of(asks: impl Asks + 'static) -> Self {
        Self { asks: Arc::new(asks) }
    }

    /// Holds the call against its rule again, as if it were made now.
    pub async fn check(&self) -> Result<(), Refusal> {
        self.asks.check().await
    }

    /// Returns when something was revoked that the caller was let in by, and the standing
    /// should be checked at once.
    pub async fn doubted(&self) {
        self.asks.doubted().await;
    }

    /// Whether something was: for whoever has no time to wait for it.
    pub fn is_doubted(&self) -> bool {
        self.asks.is_doubted()
    }
}

impl std::fmt::Debug for Standing {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Standing").finish_non_exhaustive()
    }
}

impl From<&Claims> for User {
    fn from(claims: &Claims) -> Self {
        Self { id: claims.sub, session: claims.session_id }
    }
}

/// The caller of a request that came through the access layer.
pub fn caller<T>(request: &Request<T>) -> Result<Caller, Status> {
    request.extensions().get::<Caller>().cloned().ok_or_else(unchecked)
}

/// The standing of a streaming call's caller.
pub fn standing<T>(request: &Request<T>) -> Result<Standing, Status> {
    request.extensions().get::<Standing>().cloned().ok_or_else(unchecked)
}

fn unchecked() -> Status {
    tracing::error!("a handler runs outside the access layer");
    Refusal::new(ErrorReason::Internal, "The call was not checked. The request id finds it in the log.")
        .into()
}

pub(crate) fn sign_in_required() -> Refusal {
    Refusal::new(
        ErrorReason::SignInRequired,
        "The method is for users: send `Authorization: Bearer <access token>` from POST /v1/auth/login. An API key alone is not enough.",
    )
}
