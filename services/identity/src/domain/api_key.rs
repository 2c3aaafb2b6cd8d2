//! API keys of tenants, without their secrets. A key gives tenant context, and the
//! scopes that it was given; with a user token sent too, scopes are the user's,
//! and the key only has to belong to the same tenant.

use jiff::Timestamp;

use super::ids::{ApiKeyId, TenantId, UserId};

/// Most seconds for which an old secret goes on working.
pub const MAX_OVERLAP: i32 = 30 * 24 * 3600;

/// Most live keys of a tenant.
pub const MOST_LIVE: i64 = 200;

/// An API key.
#[derive(Debug)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// What people call it.
    pub name: String,
    /// The scopes that it grants by itself, sorted.
    pub scopes: Vec<String>,
    /// The networks from which it is taken; none means anywhere.
    pub allowed_addresses: Vec<String>,
    /// Ids of the keys with which its client may sign assertions.
    pub client_key_ids: Vec<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was ended.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// Until when the secret before the last rotation works.
    pub previous_expires_at: Option<Timestamp>,
    /// Who made it, or made the key with which it was made; an operator command if nobody.
    pub created_by: Option<UserId>,
    /// The key with which it was made, or whose client made it for the user.
    pub created_by_key: Option<ApiKeyId>,
}

/// A key to create.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// What people call it.
    pub name: String,
    /// The scopes that it grants by itself.
    pub scopes: Vec<String>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// The networks from which it is taken; none means anywhere.
    pub allowed_addresses: Vec<String>,
}

/// Most networks of a key.
pub const MOST_ADDRESSES: usize = 64;

/// What checking a key needs.
#[derive(Debug)]
pub struct StoredApiKey {
    /// Whose key it is.
    pub tenant: TenantId,
    /// SHA-256 of the secret.
    pub secret_hash: Vec<u8>,
    /// SHA-256 of the secret before the last rotation, while that works.
    pub previous_secret_hash: Option<Vec<u8>>,
    /// The scopes that it grants by itself.
    pub scopes: Vec<String>,
    /// The networks from which it is taken; none means anywhere.
    pub allowed_addresses: Vec<String>,
    /// When it ends, or the secret before the last rotation does.
    pub until: Option<Timestamp>,
    /// Whether the tenant is suspended.
    pub suspended: bool,
    /// Until when its tenant can be restored, if it is to be deleted.
    pub deleted_until: Option<Timestamp>,
    /// Whether its last use was noted some time ago.
    pub use_is_old: bool,
}

/// What checking a client needs, which is a key that asks for a token.
#[derive(Debug)]
pub struct ClientOfKey {
    /// Whose key it is.
    pub tenant: TenantId,
    /// The key.
    pub id: ApiKeyId,
    /// Whether the tenant is suspended.
    pub suspended: bool,
    /// Until when its tenant can be restored, if it is to be deleted.
    pub deleted_until: Option<Timestamp>,
    /// SHA-256 of the secret.
    pub secret_hash: Vec<u8>,
    /// SHA-256 of the secret before the last rotation, while that works.
    pub previous_secret_hash: Option<Vec<u8>>,
    /// The scopes that it grants by itself, sorted.
    pub scopes: Vec<String>,
    /// The networks from which it is taken; none means anywhere.
    pub allowed_addresses: Vec<String>,
    /// The keys that verify its assertions, a JWK set.
    pub client_keys: Option<String>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When the secret before the last rotation does.
    pub previous_expires_at: Option<Timestamp>,
    /// Whether its last use was noted some time ago.
    pub use_is_old: bool,
}

impl ApiKey {
    /// Whether it works at a time.
    pub fn is_live_at(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| at > now)
    }
}
