//! Who changes something, from where, and what they hold: what every change and
//! the audit log need to know of a caller. How a request says it is the business
//! of `rpc`.

use std::net::IpAddr;

use jiff::Timestamp;

use crate::domain::audit::{AuditAction, Outcome};
use crate::domain::ids::{ApiKeyId, SessionId, TenantId, UserId};
use crate::domain::scopes::Holds;

pub use crate::domain::session::SignedIn;

/// Where a call comes from, for limits and the audit log.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// The client's address; unknown for operator commands.
    pub address: Option<IpAddr>,
    /// What the client calls itself.
    pub user_agent: String,
    /// Id of the request, as in the log.
    pub request_id: String,
    /// The method that is called, without the leading slash; none for operator commands.
    pub method: String,
}

/// Who changes something: a user or an API key over the API, or nobody for operator
/// commands and for those who have not signed in.
#[derive(Debug, Clone)]
pub struct Actor {
    /// The user with the session.
    pub user: Option<SignedIn>,
    /// The API key that was sent, or is the client.
    pub api_key: Option<ApiKeyId>,
    /// Whether that is a client which acts for the user.
    pub for_user: bool,
    /// Who issued the user's token, where it was not this service.
    pub issuer: String,
    /// Whether two factors were proved; operator commands need none.
    pub two_factors: bool,
    /// When the second one was proved last, in the session of the token.
    pub second_at: Option<Timestamp>,
    /// When anything was, as the token says.
    pub proved_at: Option<Timestamp>,
    /// What may be given and taken.
    pub holds: Holds,
    /// Where the call comes from.
    pub context: Context,
}

/// Something that happened, for the audit log. Never holds a secret.
#[derive(Debug, Clone)]
pub struct AuditEvent<'call> {
    /// What.
    pub action: AuditAction,
    /// How it ended.
    pub outcome: Outcome,
    /// In whose log it is.
    pub place: Place,
    /// Who did it.
    pub user: Option<UserId>,
    /// In which session.
    pub session: Option<SessionId>,
    /// With which API key.
    pub api_key: Option<ApiKeyId>,
    /// Who issued the user's token, where it was not this service.
    pub issuer: String,
    /// What it was about.
    pub subject: String,
    /// What the platform's log says after that, and no tenant's.
    pub beside: String,
    /// How often it happened.
    pub times: i32,
    /// Why, if somebody had to say so.
    pub reason: String,
    /// The client that acted for the user, if one did.
    pub acting_client: Option<ApiKeyId>,
    /// From where.
    pub context: &'call Context,
}

/// In whose log an event is. A tenant reads what happened in it or through it, and never
/// what its members do elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The platform's.
    Platform,
    /// A tenant's.
    Tenant(TenantId),
    /// The one that calls of the user are for without naming one, the only tenant of which
    /// the user is a member; else the platform's.
    Own,
    /// The platform's, and that of each tenant of which this user is a member.
    PlatformAndTenantsOf(UserId),
}

impl Context {
    /// The client's address as text; empty when it is unknown. For limits, those of whom it
    /// cannot be read are one client.
    pub fn address_text(&self) -> String {
        let known = self.address.filter(|address| *address != boot::UNREADABLE);
        known.map(|address| address.to_string()).unwrap_or_default()
    }
}

impl Actor {
    /// Somebody at the database's own machine.
    pub fn operator() -> Self {
        Self {
            user: None,
            api_key: None,
            for_user: false,
            issuer: String::new(),
            two_factors: true,
            second_at: None,
            proved_at: None,
            holds: Holds::Everything,
            context: Context::default(),
        }
    }

    /// The client that acts for the user, if one does.
    pub fn acting_client(&self) -> Option<ApiKeyId> {
        self.api_key.filter(|_| self.for_user)
    }

    /// Something that this actor did, outside tenants or with an account of its own.
    pub fn did(&self, action: AuditAction) -> AuditEvent<'_> {
        AuditEvent {
            action,
            outcome: Outcome::Success,
            place: if action.is_of_the_account() { Place::Own } else { Place::Platform },
            user: self.user.map(|signed_in| signed_in.user),
            session: self.user.map(|signed_in| signed_in.session).filter(|id| *id != SessionId::default()),
            api_key: self.api_key,
            issuer: self.issuer.clone(),
            subject: String::new(),
            beside: String::new(),
            times: 1,
            reason: String::new(),
            acting_client: self.acting_client(),
            context: &self.context,
        }
    }
}

impl AuditEvent<'_> {
    /// It was refused.
    #[must_use]
    pub fn refused(self) -> Self {
        Self { outcome: Outcome::Failure, ..self }
    }

    /// It happened in a tenant.
    #[must_use]
    pub fn in_tenant(self, tenant: TenantId) -> Self {
        Self { place: Place::Tenant(tenant), ..self }
    }

    /// It was done to a user, whose tenants are to know.
    #[must_use]
    pub fn done_to(self, user: UserId) -> Self {
        Self { place: Place::PlatformAndTenantsOf(user), ..self.about(user) }
    }

    /// The platform alone is told this, too.
    #[must_use]
    pub fn beside(self, beside: String) -> Self {
        Self { beside, ..self }
    }

    /// It was done for this reason.
    #[must_use]
    pub fn because(self, reason: &str) -> Self {
        Self { reason: reason.to_owned(), ..self }
    }

    /// It happened so often.
    #[must_use]
    pub fn times(self, times: i32) -> Self {
        Self { times, ..self }
    }

    /// A user did it who is not the one that has signed in.
    #[must_use]
    pub fn by(self, user: Option<UserId>) -> Self {
        Self { user, ..self }
    }

    /// It happened in a session.
    #[must_use]
    pub fn in_session(self, session: SessionId) -> Self {
        Self { session: Some(session), ..self }
    }

    /// It did not happen in the session of the one who has signed in.
    #[must_use]
    pub fn outside_sessions(self) -> Self {
        Self { session: None, ..self }
    }

    /// It was about this.
    #[must_use]
    pub fn about(self, subject: impl ToString) -> Self {
        Self { subject: subject.to_string(), ..self }
    }
}
