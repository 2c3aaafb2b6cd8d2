//! Identity's errors, by what the caller can do next, and what the caller reads.
//!
//! The sentence of an error is what the caller gets, over the API and by
//! operator commands; only where the cause is ours it is for the log, and the
//! caller reads another. Nothing is logged here: a failure travels with the
//! status, and whoever answers the call logs it once.
//!
//! A refusal that is made in one place and that nobody tells from others is said
//! there, as a [`Refusal`] with its [`Reason`]. One that is made in several places, or
//! that somebody asks about, is a variant of [`Error`], and its words are here.

use std::sync::Arc;
use std::time::Duration;

use access::TokenFault;
use pg::{Fault, HasFault};
use tonic::Status;

use crate::credential::api_key::NoRandom;
use crate::credential::factor_secret::FactorSecretError;
use crate::credential::password::PasswordError;
use crate::credential::signing_key::SigningKeyError;
use crate::domain::api_key::MOST_LIVE;
use crate::domain::factor::MOST_FACTORS;
use crate::domain::field::InvalidField;
use crate::domain::invitation::MOST_OPEN;
use crate::domain::master_key::DoesNotFit;
use crate::domain::roles::MOST_OWN_ROLES;
use crate::domain::scopes::ScopesNotHeld;

/// The reasons of refusals, and a refusal: what the other rooms see of the wire.
pub use frontdesk_proto::{ErrorReason as Reason, Refusal};

/// Why a use case did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It was refused where that was found, in these words.
    #[error("{}", .0.message())]
    Refused(Refusal),
    /// A field has a value that is not allowed.
    #[error(transparent)]
    InvalidField(#[from] InvalidField),
    /// Nobody has this address and password.
    #[error("E-mail and password do not match a user.")]
    LoginFailed,
    /// Too many logins at once.
    #[error("Too many people are signing in at this moment. Try again in a second.")]
    TooManyLogins,
    /// Not one of ours, or its session is over.
    #[error("The refresh token is not valid or its session is over. Sign in again.")]
    RefreshTokenInvalid,
    /// The current password is another one.
    #[error("The current password does not match. The password is unchanged.")]
    PasswordWrong,
    /// Nobody has this id or address.
    #[error("There is no such user. GET /v1/users lists them.")]
    UserNotFound,
    /// No tenant has this id or slug.
    #[error("There is no such tenant. GET /v1/tenants lists them.")]
    TenantNotFound,
    /// The user does not belong to the tenant.
    #[error("The user is not a member of the tenant.")]
    MemberNotFound,
    /// The tenant does not have the role.
    #[error("The tenant has no role {}. GET /v1/tenants/{{tenant_id}}/roles lists them.", shown(.0))]
    RoleNotFound(String),
    /// The tenant does not have the key.
    #[error(
        "The tenant has no live API key with this id. GET /v1/tenants/{{tenant_id}}/api-keys lists them."
    )]
    ApiKeyNotFound,
    /// The user has no such second factor.
    #[error(
        "You have no second factor with this id, or it is a passkey that is to be made in another session. GET /v1/auth/factors lists them."
    )]
    FactorNotFound,
    /// What should prove a factor does not.
    #[error(
        "The code is wrong, has run out or was used before. Check the clock of the device, and send the next code that it shows."
    )]
    FactorProofWrong,
    /// It is there already.
    #[error("{0} Nothing was stored.")]
    AlreadyExists(Existing),
    /// The tenant has as many as it may.
    #[error("{0} Nothing was stored.")]
    QuotaReached(Quota),
    /// Whoever changes something lacks scopes.
    #[error(transparent)]
    ScopesNotHeld(#[from] ScopesNotHeld),
    /// One answer for every way in which a key can be wrong.
    #[error("X-TENANT-API-KEY is not a live key of the tenant. Ask an owner of the tenant for a new one.")]
    ApiKeyInvalid,
    /// A token of another issuer is not to be believed.
    #[error("the token is refused: {0}")]
    Token(#[from] TokenFault),
    /// The keys of another issuer are not known.
    #[error("The keys of the token's issuer cannot be fetched at the moment. Try again.")]
    IssuerUnreachable {
        /// When it is tried again.
        retry_after: Duration,
    },
    /// The database failed.
    #[error("database: {0}")]
    Database(#[from] Fault),
    /// A password was not hashed or checked.
    #[error("password hash: {0}")]
    PasswordHash(String),
    /// A signing key cannot be made or used.
    #[error(transparent)]
    SigningKey(#[from] SigningKeyError),
    /// The master key is not that of the database.
    #[error(transparent)]
    MasterKey(#[from] DoesNotFit),
    /// The secret of a second factor cannot be kept or used.
    #[error(transparent)]
    FactorSecret(#[from] FactorSecretError),
    /// A letter cannot be sealed.
    #[error("a letter: {0}")]
    MailNotSealed(seal::SealError),
    /// A secret cannot be made.
    #[error(transparent)]
    NoRandom(#[from] NoRandom),
}

/// What is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Existing {
    /// A user.
    #[error("A user with this e-mail address exists.")]
    User,
    /// A tenant.
    #[error("A tenant with this slug exists; one that is to be deleted keeps its slug until it is.")]
    Tenant,
    /// The id of a tenant that was deleted.
    #[error("A tenant with this id was deleted, and no other one gets its id.")]
    DeletedTenant,
    /// A member.
    #[error("The user is a member already; change its role instead.")]
    Member,
    /// A factor.
    #[error("You have a second factor with this name; choose another one.")]
    Factor,
    /// A passkey.
    #[error("The passkey is somebody's already.")]
    Passkey,
    /// A role of the tenant.
    #[error("The tenant has a role with this name.")]
    Role,
    /// A link of a subject.
    #[error("The subject of this issuer is linked to a user already; end that link first.")]
    UserLink,
    /// A role of every tenant.
    #[error("A built-in role has this name.")]
    BuiltInRole,
}

/// What a tenant may have so many of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Quota {
    /// Roles of its own.
    #[error("The tenant has {MOST_OWN_ROLES} roles, as many as it may: delete those that nobody has.")]
    Roles,
    /// Open invitations.
    #[error(
        "The tenant has {MOST_OPEN} open invitations, as many as it may: revoke some, or wait until they are accepted or over."
    )]
    Invitations,
    /// Live API keys.
    #[error("The tenant has {MOST_LIVE} live API keys, as many as it may: revoke those that nobody uses.")]
    ApiKeys,
    /// Second factors of a user.
    #[error("You have {MOST_FACTORS} second factors, as many as you may: remove those that you do not use.")]
    Factors,
}

impl Quota {
    fn limit(self) -> i64 {
        match self {
            Self::Roles => MOST_OWN_ROLES,
            Self::Invitations => MOST_OPEN,
            Self::ApiKeys => MOST_LIVE,
            Self::Factors => i64::try_from(MOST_FACTORS).unwrap_or(i64::MAX),
        }
    }
}

impl Error {
    /// The sentence for the caller.
    pub fn refusal(&self) -> Refusal {
        let plain = |reason| Refusal::new(reason, self.to_string());
        match self {
            Self::Refused(refusal) => refusal.clone(),
            Self::InvalidField(InvalidField { field, problem }) => Refusal::field(*field, problem),
            Self::LoginFailed => plain(Reason::LoginFailed),
            Self::TooManyLogins => plain(Reason::Overloaded).retry_after(Duration::from_secs(1)),
            Self::RefreshTokenInvalid => plain(Reason::RefreshTokenInvalid),
            Self::PasswordWrong => {
                plain(Reason::PasswordWrong).violation("current_password", "does not match")
            }
            Self::UserNotFound => plain(Reason::UserNotFound),
            Self::TenantNotFound => plain(Reason::TenantNotFound),
            Self::MemberNotFound => plain(Reason::MemberNotFound),
            Self::RoleNotFound(_) => plain(Reason::RoleNotFound),
            Self::ApiKeyNotFound => plain(Reason::ApiKeyNotFound),
            Self::FactorNotFound => plain(Reason::FactorNotFound),
            Self::FactorProofWrong => plain(Reason::FactorProofWrong),
            Self::AlreadyExists(_) => plain(Reason::AlreadyExists),
            Self::QuotaReached(quota) => plain(Reason::QuotaReached).with("limit", quota.limit().to_string()),
            Self::ScopesNotHeld(ScopesNotHeld(missing)) => {
                plain(Reason::ScopeNotHeld).with("missing", missing.join(" "))
            }
            Self::ApiKeyInvalid => plain(Reason::ApiKeyInvalid),
            Self::Token(fault) => (*fault).into(),
            Self::IssuerUnreachable { retry_after } => {
                plain(Reason::UpstreamUnavailable).retry_after(*retry_after)
            }
            Self::Database(fault) => fault.refusal(),
            Self::PasswordHash(_) => Refusal::new(
                Reason::Internal,
                "The password could not be checked. The request id finds the cause in the log.",
            ),
            Self::SigningKey(_)
            | Self::MasterKey(_)
            | Self::FactorSecret(_)
            | Self::NoRandom(_)
            | Self::MailNotSealed(_) => Refusal::new(
                Reason::Internal,
                "The identity service failed. The request id finds the cause in the log.",
            ),
        }
    }

    /// Whether the cause is ours, so that it belongs into the log.
    pub fn is_failure(&self) -> bool {
        matches!(
            self,
            Self::Database(_)
                | Self::PasswordHash(_)
                | Self::SigningKey(_)
                | Self::MasterKey(_)
                | Self::FactorSecret(_)
                | Self::NoRandom(_)
                | Self::MailNotSealed(_)
        )
    }
}

impl HasFault for Error {
    fn fault(&self) -> Option<&Fault> {
        if let Self::Database(fault) = self { Some(fault) } else { None }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<PasswordError> for Error {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Overloaded => Self::TooManyLogins,
            PasswordError::Hash(cause) => Self::PasswordHash(cause),
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let mut status = Self::from(error.refusal());
        if error.is_failure() {
            status.set_source(Arc::new(error));
        }
        status
    }
}

/// A name that a caller sent, no longer than a name may be.
fn shown(name: &str) -> String {
    name.chars().take(64).collect()
}
