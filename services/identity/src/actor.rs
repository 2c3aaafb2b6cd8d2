//! Who changes something, and from where: what every change and the audit log
//! need to know of a caller. How a request says it is the business of `rpc`.

use std::net::IpAddr;

use uuid::Uuid;

/// Where a call comes from, for limits and the audit log.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// The client's address; unknown for operator commands.
    pub address: Option<IpAddr>,
    /// What the client calls itself.
    pub user_agent: String,
    /// Id of the request, as in the log.
    pub request_id: String,
}

/// Who changes something: a user over the API, or nobody for operator commands.
#[derive(Debug, Clone)]
pub struct Actor {
    pub user: Option<access::User>,
    pub context: Context,
}

/// Something that happened, for the audit log. Never holds a secret.
#[derive(Debug, Clone)]
pub struct AuditEvent<'call> {
    pub action: &'static str,
    pub success: bool,
    pub tenant: Option<Uuid>,
    pub user: Option<Uuid>,
    pub session: Option<Uuid>,
    pub subject: String,
    pub context: &'call Context,
}

impl Actor {
    /// Somebody at the database's own machine.
    pub fn operator() -> Self {
        Self { user: None, context: Context::default() }
    }

    /// An event of this actor.
    pub fn event(
        &self,
        action: &'static str,
        tenant: Option<Uuid>,
        subject: impl ToString,
    ) -> AuditEvent<'_> {
        AuditEvent {
            tenant,
            session: self.user.map(|user| user.session),
            subject: subject.to_string(),
            ..event(action, true, self.user.map(|user| user.id), &self.context)
        }
    }
}

/// An event about a user, outside tenants.
pub fn event<'call>(
    action: &'static str,
    success: bool,
    user: Option<Uuid>,
    context: &'call Context,
) -> AuditEvent<'call> {
    AuditEvent { action, success, tenant: None, user, session: None, subject: String::new(), context }
}
