//! What a token stands for: a session of a user, or less than that, which is an API key as a
//! client.

use uuid::Uuid;

use crate::token::{Claims, TOKEN_KIND};

/// Value of the claim `typ` in a token of a client, which is an API key and no user. Another
/// one, so that a service of before takes it for nobody.
pub const CLIENT_KIND: &str = "client";

/// How long a token of a client lives, in seconds.
pub const CLIENT_LIFETIME: u32 = 600;

/// What a token stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// A session of a user.
    User,
    /// An API key as a client.
    Client(Client),
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
        match (self.typ.as_str(), self.client_id, self.tenant_id) {
            (TOKEN_KIND, None, _) => Some(TokenKind::User),
            (CLIENT_KIND, Some(id), Some(tenant)) => Some(TokenKind::Client(Client { id, tenant })),
            _ => None,
        }
    }
}
