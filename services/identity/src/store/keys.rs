//! API keys and signing keys.

use jiff::Timestamp;
use pg::{Fault, Kind, Tx, column};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{Store, all, first, named_statements};
named_statements! {
    FIND_API_KEY = "find_api_key";
    MARK_API_KEY_USED = "mark_api_key_used";
    INSERT_API_KEY = "insert_api_key";
    LIST_API_KEYS = "list_api_keys";
    LOCK_API_KEY = "lock_api_key";
    ROTATE_API_KEY = "rotate_api_key";
    REVOKE_API_KEY = "revoke_api_key";
    LIST_SIGNING_KEYS = "list_signing_keys";
    INSERT_SIGNING_KEY = "insert_signing_key";
    LOCK_SIGNING_KEYS = "lock_signing_keys";
    RETIRE_ACTIVE_SIGNING_KEY = "retire_active_signing_key";
    ACTIVATE_SIGNING_KEY = "activate_signing_key";
}

/// What checking an API key needs.
#[derive(Debug)]
pub struct StoredApiKey {
    pub tenant: Uuid,
    pub secret_hash: Vec<u8>,
    /// The secret before the last rotation, while it works.
    pub previous_secret_hash: Option<Vec<u8>>,
    pub scopes: Vec<String>,
    pub use_is_old: bool,
}

/// An API key to store.
#[derive(Debug)]
pub struct StoreApiKey<'call> {
    pub id: Uuid,
    pub secret_hash: &'call [u8],
    pub name: &'call str,
    pub scopes: &'call [String],
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
}

/// An API key without its secret.
#[derive(Debug)]
pub struct ApiKeyRow {
    pub id: Uuid,
    pub name: String,
    pub scopes: Vec<String>,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
    pub previous_expires_at: Option<Timestamp>,
}

/// A signing key, its private part sealed.
#[derive(Debug, Clone)]
pub struct SigningKeyRow {
    pub kid: String,
    pub state: KeyState,
    pub x: String,
    pub y: String,
    pub sealed: Vec<u8>,
    pub created_at: Timestamp,
    pub activated_at: Option<Timestamp>,
    pub retired_at: Option<Timestamp>,
}

/// Where a signing key is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Published, so that verifiers know it before it signs.
    Standby,
    /// Signs.
    Active,
    /// Verifies what it signed, until that has expired.
    Retired,
}

impl Store {
    pub async fn find_api_key(&self, id: Uuid, now: Timestamp) -> Result<Option<StoredApiKey>, Fault> {
        first(&self.db.query_global(FIND_API_KEY, &[&id, &now]).await?, |row| {
            Ok(StoredApiKey {
                tenant: column(row, "tenant_id")?,
                secret_hash: column(row, "secret_hash")?,
                previous_secret_hash: column(row, "previous_secret_hash")?,
                scopes: column(row, "scopes")?,
                use_is_old: column(row, "use_is_old")?,
            })
        })
    }

    pub async fn mark_api_key_used(&self, tenant: Uuid, id: Uuid, at: Timestamp) -> Result<(), Fault> {
        self.db.query_global(MARK_API_KEY_USED, &[&tenant, &id, &at]).await.map(drop)
    }

    pub async fn insert_api_key(
        &self,
        tx: &Tx,
        tenant: Uuid,
        new: StoreApiKey<'_>,
    ) -> Result<ApiKeyRow, Fault> {
        let StoreApiKey { id, secret_hash, name, scopes, created_at, expires_at } = new;
        let rows = tx
            .query(INSERT_API_KEY, &[&tenant, &id, &name, &secret_hash, &scopes, &created_at, &expires_at])
            .await?;
        first(&rows, api_key)?.ok_or_else(|| Fault::new(Kind::Other, "the inserted key came back empty"))
    }

    pub async fn list_api_keys(&self, tenant: Uuid) -> Result<Vec<ApiKeyRow>, Fault> {
        all(&self.db.query_global(LIST_API_KEYS, &[&tenant]).await?, api_key)
    }

    pub async fn lock_api_key(
        &self,
        tx: &Tx,
        tenant: Uuid,
        id: Uuid,
        now: Timestamp,
    ) -> Result<Option<ApiKeyRow>, Fault> {
        first(&tx.query(LOCK_API_KEY, &[&tenant, &id, &now]).await?, api_key)
    }

    /// `previous_until` is how long the secret in force goes on working.
    pub async fn rotate_api_key(
        &self,
        tx: &Tx,
        tenant: Uuid,
        id: Uuid,
        secret_hash: &[u8],
        previous_until: Option<Timestamp>,
    ) -> Result<Option<ApiKeyRow>, Fault> {
        first(&tx.query(ROTATE_API_KEY, &[&tenant, &id, &secret_hash, &previous_until]).await?, api_key)
    }

    pub async fn revoke_api_key(
        &self,
        tx: &Tx,
        tenant: Uuid,
        id: Uuid,
        at: Timestamp,
    ) -> Result<bool, Fault> {
        Ok(!tx.query(REVOKE_API_KEY, &[&tenant, &id, &at]).await?.is_empty())
    }

    /// The keys that are not retired, and those retired after `retired_after`.
    pub async fn list_signing_keys(&self, retired_after: Timestamp) -> Result<Vec<SigningKeyRow>, Fault> {
        all(&self.db.query_global(LIST_SIGNING_KEYS, &[&retired_after]).await?, signing_key)
    }

    /// Stores a key, unless it is an active one and there is one already.
    pub async fn insert_signing_key(&self, tx: &Tx, key: &SigningKeyRow) -> Result<(), Fault> {
        let SigningKeyRow { kid, state, x, y, sealed, created_at, activated_at, retired_at: _ } = key;
        let state = state.name();
        tx.query(INSERT_SIGNING_KEY, &[kid, &state, x, y, sealed, created_at, activated_at]).await.map(drop)
    }

    pub async fn lock_signing_keys(&self, tx: &Tx) -> Result<Vec<SigningKeyRow>, Fault> {
        all(&tx.query(LOCK_SIGNING_KEYS, &[]).await?, signing_key)
    }

    pub async fn retire_active_signing_key(&self, tx: &Tx, at: Timestamp) -> Result<(), Fault> {
        tx.query(RETIRE_ACTIVE_SIGNING_KEY, &[&at]).await.map(drop)
    }

    pub async fn activate_signing_key(&self, tx: &Tx, kid: &str, at: Timestamp) -> Result<(), Fault> {
        tx.query(ACTIVATE_SIGNING_KEY, &[&kid, &at]).await.map(drop)
    }
}

impl KeyState {
    /// As the database writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Standby => "standby",
            Self::Active => "active",
            Self::Retired => "retired",
        }
    }
}

fn api_key(row: &Row) -> Result<ApiKeyRow, Fault> {
    Ok(ApiKeyRow {
        id: column(row, "id")?,
        name: column(row, "name")?,
        scopes: column(row, "scopes")?,
        created_at: column(row, "created_at")?,
        expires_at: column(row, "expires_at")?,
        revoked_at: column(row, "revoked_at")?,
        last_used_at: column(row, "last_used_at")?,
        previous_expires_at: column(row, "previous_expires_at")?,
    })
}

fn signing_key(row: &Row) -> Result<SigningKeyRow, Fault> {
    let state = match column(row, "state")? {
        "standby" => KeyState::Standby,
        "active" => KeyState::Active,
        _ => KeyState::Retired,
    };
    Ok(SigningKeyRow {
        kid: column(row, "kid")?,
        state,
        x: column(row, "public_x")?,
        y: column(row, "public_y")?,
        sealed: column(row, "private_key_sealed")?,
        created_at: column(row, "created_at")?,
        activated_at: column(row, "activated_at")?,
        retired_at: column(row, "retired_at")?,
    })
}
