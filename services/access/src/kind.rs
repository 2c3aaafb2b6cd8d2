//! What a token stands for: a session of a user, or less than that, which is an API key as a
//! client, a user for whom a client acts, or what a user sees.

use frontdesk_proto::{ErrorReason, Refusal};
use uuid::Uuid;

use crate::rules::Rules;
use crate::token::{Claims, TOKEN_KIND};

/// Value of the claim `typ` in a token of a client, which is an API key and no user. Another
/// one, so that a service of before takes it for nobody.
pub const CLIENT_KIND: &str = "client";
/// Value of the claim `typ` in a token of a client that acts for a user (RFC 8693).
pub const DELEGATED_KIND: &str = "delegated";
/// Value of the claim `typ` in a token by which a platform operator sees what a user sees.
pub const VIEW_KIND: &str = "view";

/// How long a token of a client lives, in seconds.
pub const CLIENT_LIFETIME: u32 = 600;

/// What a token stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// A session of a user.
    User,
    /// An API key as a client.
    Client(Client),
    /// A user, for whom a client acts.
    Delegated(Client),
    /// What a user sees, for a platform operator.
    View(View),
}

/// Who acts, where that is not the user that a token is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acting {
    /// A client, which is an API key, with what both may do.
    Client(Uuid),
    /// A platform operator, who sees what the user sees, and changes nothing.
    Viewer(Uuid),
}

/// A platform operator who sees what a user sees, in one tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// The operator.
    pub operator: Uuid,
    /// The tenant.
    pub tenant: Uuid,
}

impl TokenKind {
    /// Who acts, where that is not the user.
    pub fn acting(self) -> Option<Acting> {
        match self {
            Self::User | Self::Client(_) => None,
            Self::Delegated(client) => Some(Acting::Client(client.id)),
            Self::View(view) => Some(Acting::Viewer(view.operator)),
        }
    }
}

/// An API key as a client, in its tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// The API key.
    pub id: Uuid,
    /// Its tenant.
    pub tenant: Uuid,
}

impl Claims {
    /// What the token stands for; nothing if it says so otherwise than we do.
    pub fn kind(&self) -> Option<TokenKind> {
        let act = self.act.as_ref().map(|act| act.sub);
        match (self.typ.as_str(), self.client_id, self.tenant_id, act) {
            (TOKEN_KIND, None, _, None) => Some(TokenKind::User),
            (CLIENT_KIND, Some(id), Some(tenant), None) => Some(TokenKind::Client(Client { id, tenant })),
            (DELEGATED_KIND, Some(id), Some(tenant), Some(act)) if act == id => {
                Some(TokenKind::Delegated(Client { id, tenant }))
            }
            (VIEW_KIND, None, Some(tenant), Some(operator)) => {
                Some(TokenKind::View(View { operator, tenant }))
            }
            _ => None,
        }
    }
}

/// Refuses a change by whoever only looks, and what is a user's alone by anybody else.
pub(crate) fn check_acting(acting: Acting, rules: &Rules, path: &str) -> Result<(), Refusal> {
    match acting {
        Acting::Viewer(_) if rules.changes(path) || rules.is_of_users_alone(path) => Err(Refusal::new(
            ErrorReason::ViewOnly,
            "The token lets a platform operator see what a user sees in a tenant, and the method changes something, or is about the user's own account; nothing was done. Call methods that only read, or ask the user to do it.",
        )),
        Acting::Client(_) if rules.is_of_users_alone(path) => Err(Refusal::new(
            ErrorReason::NotByDelegation,
            "A client acts for the user, and the method is the user's alone, being about the user's own account or asking for two factors; nothing was done. The user has to do it with a token of their own.",
        )),
        Acting::Client(_) | Acting::Viewer(_) => Ok(()),
    }
}
