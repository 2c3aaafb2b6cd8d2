//! What a token stands for: a session of a user, or less than that, which is an API key as a
//! client, or a user for whom a client acts.

use frontdesk_proto::{ErrorReason, Refusal, Rule};
use uuid::Uuid;

use crate::token::{Claims, TOKEN_KIND};

/// Value of the claim `typ` in a token of a client, which is an API key and no user. Another
/// one, so that a service of before takes it for nobody.
pub const CLIENT_KIND: &str = "client";

/// Value of the claim `typ` in a token of a client that acts for a user (RFC 8693).
pub const DELEGATED_KIND: &str = "delegated";

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
}

/// Who acts, where that is not the user that a token is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acting {
    /// A client, which is an API key, with what both may do.
    Client(Uuid),
}

impl TokenKind {
    /// Who acts, where that is not the user.
    pub fn acting(self) -> Option<Acting> {
        match self {
            Self::User | Self::Client(_) => None,
            Self::Delegated(client) => Some(Acting::Client(client.id)),
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
            _ => None,
        }
    }
}

/// Refuses a change of a user's own account by somebody else.
pub(crate) fn check_change(acting: Option<Acting>, rule: &Rule) -> Result<(), Refusal> {
    match acting {
        Some(Acting::Client(_)) if *rule == Rule::SignedIn => Err(Refusal::new(
            ErrorReason::NotByDelegation,
            "A client acts for the user, and the method changes the user's own account; nothing was changed. The user has to do it with a token of their own.",
        )),
        Some(Acting::Client(_)) | None => Ok(()),
    }
}
