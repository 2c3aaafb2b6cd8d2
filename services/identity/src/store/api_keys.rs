//! API keys of tenants.

use jiff::Timestamp;
use pg::{Columns, Fault};

use super::change::Change;
use super::constraints::API_KEYS_TENANT;
use super::database::Store;
use crate::actor::Actor;
use crate::domain::api_key::{ApiKey, MOST_LIVE, NewApiKey, StoredApiKey};
use crate::domain::ids::{ApiKeyId, TenantId, UserId};
use crate::domain::roles::BuiltIn;
use crate::error::{Error, Quota};

/// What [`api_key`] reads.
pub(super) const COLUMNS: &str = "k.id, k.name, k.scopes, k.created_at, k.expires_at, k.revoked_at, k.last_used_at, \
    case when k.previous_expires_at > now() then k.previous_expires_at end as previous_expires_at, k.created_by, k.created_by_key, \
    k.allowed_addresses, k.client_key_ids";

pg::statements! {
    /// What checking a key needs.
    FindApiKey = "find_api_key" (id: ApiKeyId, now: Timestamp);
    /// Notes that a key was used.
    MarkApiKeyUsed = "mark_api_key_used" (tenant: TenantId, id: ApiKeyId, at: Timestamp);
    /// A tenant's keys, newest first.
    ListApiKeys = "list_api_keys" (tenant: TenantId);
    /// The live keys that a user made, or made with keys of their own, locked.
    LockApiKeysOf = "lock_api_keys_of" (tenant: TenantId, user: UserId, now: Timestamp);
    /// The live keys that a user made in tenants of which the user is no owner, 101 at most.
    ListApiKeysBeyond<'a> = "list_api_keys_beyond" (user: UserId, owner: &'a str, now: Timestamp);
    /// A live key, locked.
    LockApiKey = "lock_api_key" (tenant: TenantId, id: ApiKeyId, now: Timestamp);
    /// Stores a key.
    InsertApiKey<'a> = "insert_api_key" (
        tenant: TenantId, id: ApiKeyId, name: &'a str, secret_hash: &'a [u8], scopes: &'a [String], at: Timestamp,
        expires_at: Option<Timestamp>, created_by: Option<UserId>, created_by_key: Option<ApiKeyId>,
        allowed_addresses: &'a [String], most: i64
    );
    /// Gives a key a new secret.
    RotateApiKey<'a> = "rotate_api_key" (
        tenant: TenantId, id: ApiKeyId, secret_hash: &'a [u8], previous_until: Option<Timestamp>
    );
    /// Ends a key.
    RevokeApiKey = "revoke_api_key" (tenant: TenantId, id: ApiKeyId, at: Timestamp);
}

impl Store {
    pub async fn find_api_key(&self, id: ApiKeyId, now: Timestamp) -> Result<Option<StoredApiKey>, Fault> {
        Columns::first(&self.run(&FindApiKey { id, now }).await?, |row| {
            Ok(StoredApiKey {
                tenant: row.next("tenant_id")?,
                suspended: row.next("suspended")?,
                deleted_until: row.next("deleted_until")?,
                secret_hash: row.next("secret_hash")?,
                previous_secret_hash: row.next("previous_secret_hash")?,
                scopes: row.next("scopes")?,
                allowed_addresses: row.next("allowed_addresses")?,
                until: row.next("until")?,
                use_is_old: row.next("use_is_old")?,
            })
        })
    }

    pub async fn mark_api_key_used(
        &self,
        tenant: TenantId,
        id: ApiKeyId,
        at: Timestamp,
    ) -> Result<(), Fault> {
        self.run(&MarkApiKeyUsed { tenant, id, at }).await.map(drop)
    }

    pub async fn list_api_keys(&self, tenant: TenantId) -> Result<Vec<ApiKey>, Fault> {
        Columns::all(&self.run(&ListApiKeys { tenant }).await?, api_key)
    }
}

impl Change {
    pub async fn insert_api_key(
        &self,
        tenant: TenantId,
        id: ApiKeyId,
        secret_hash: &[u8],
        new: &NewApiKey,
        by: &Actor,
    ) -> Result<ApiKey, Error> {
        let NewApiKey { name, scopes, expires_at, allowed_addresses } = new;
        let created_by = by.user.map(|signed_in| signed_in.user);
        let insert = InsertApiKey {
            tenant,
            id,
            name,
            secret_hash,
            scopes,
            at: self.at(),
            expires_at: *expires_at,
            created_by,
            // Beside a user's token a key says for which tenant the call is, and no more.
            created_by_key: by.api_key.filter(|_| created_by.is_none() || by.for_user),
            allowed_addresses,
            most: MOST_LIVE,
        };
        let rows = self.query(&insert).await.map_err(|fault| {
            if fault.on_constraint(API_KEYS_TENANT) { Error::TenantNotFound } else { fault.into() }
        })?;
        Columns::first(&rows, api_key)?.ok_or(Error::QuotaReached(Quota::ApiKeys))
    }

    /// The live keys that a user made in a tenant.
    pub async fn lock_api_keys_of(&self, tenant: TenantId, user: UserId) -> Result<Vec<ApiKey>, Fault> {
        // With one that was waited for another may have been made: that is seen by whoever looks
        // again.
        self.query(&LockApiKeysOf { tenant, user, now: self.at() }).await?;
        Columns::all(&self.query(&LockApiKeysOf { tenant, user, now: self.at() }).await?, api_key)
    }

    /// The live keys that a user made in tenants of which the user is no owner, 101 at most.
    pub async fn list_api_keys_beyond(&self, user: UserId) -> Result<Vec<ApiKeyId>, Fault> {
        let list = ListApiKeysBeyond { user, owner: BuiltIn::Owner.name(), now: self.at() };
        Columns::all(&self.query(&list).await?, |row| row.next("id"))
    }

    /// A live key.
    pub async fn lock_api_key(&self, tenant: TenantId, id: ApiKeyId) -> Result<Option<ApiKey>, Fault> {
        Columns::first(&self.query(&LockApiKey { tenant, id, now: self.at() }).await?, api_key)
    }

    /// `previous_until` is how long the secret in force goes on working.
    pub async fn rotate_api_key(
        &self,
        tenant: TenantId,
        id: ApiKeyId,
        secret_hash: &[u8],
        previous_until: Option<Timestamp>,
    ) -> Result<Option<ApiKey>, Fault> {
        let rotate = RotateApiKey { tenant, id, secret_hash, previous_until };
        Columns::first(&self.query(&rotate).await?, api_key)
    }

    /// Whether there was such a key to end.
    pub async fn revoke_api_key(&self, tenant: TenantId, id: ApiKeyId) -> Result<bool, Fault> {
        Ok(!self.query(&RevokeApiKey { tenant, id, at: self.at() }).await?.is_empty())
    }
}

pub(super) fn api_key(row: &mut Columns<'_>) -> Result<ApiKey, Fault> {
    Ok(ApiKey {
        id: row.next("id")?,
        name: row.next("name")?,
        scopes: row.next("scopes")?,
        created_at: row.next("created_at")?,
        expires_at: row.next("expires_at")?,
        revoked_at: row.next("revoked_at")?,
        last_used_at: row.next("last_used_at")?,
        previous_expires_at: row.next("previous_expires_at")?,
        created_by: row.next("created_by")?,
        created_by_key: row.next("created_by_key")?,
        allowed_addresses: row.next("allowed_addresses")?,
        client_key_ids: row.next("client_key_ids")?,
    })
}
