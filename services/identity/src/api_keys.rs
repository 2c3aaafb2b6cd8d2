//! API keys of tenants.

use frontdesk_proto::{ErrorReason, Refusal};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::actor::Actor;
use crate::error::Error;
use crate::secrets::ApiKey;
use crate::store::{ApiKeyRow, Store, StoreApiKey};
use crate::tenants::{Holds, checked_scopes};
use crate::users::checked_name;

/// Longest time in seconds for which an old secret may go on working.
const MAX_OVERLAP: i32 = 30 * 24 * 3600;

/// A key to create.
#[derive(Debug)]
pub struct NewApiKey {
    pub name: String,
    pub scopes: Vec<String>,
    pub expires_at: Option<Timestamp>,
}

/// Creates a key; the text is its secret, which is stored nowhere.
pub async fn create(
    store: &Store,
    tenant: Uuid,
    new: NewApiKey,
    holds: Holds<'_>,
    actor: &Actor,
) -> Result<(ApiKeyRow, String), Error> {
    let name = checked_name("name", &new.name, false)?;
    let scopes = checked_scopes(new.scopes, true)?;
    holds.check(scopes.iter().map(String::as_str))?;
    let now = Timestamp::now();
    if new.expires_at.is_some_and(|at| at <= now) {
        return Err(Refusal::field("expires_at", "must be in the future").into());
    }
    let id = Uuid::now_v7();
    let (key, text) = ApiKey::generate(id)?;
    let tx = store.begin().await?;
    let stored = StoreApiKey {
        id,
        secret_hash: &key.secret_hash,
        name: &name,
        scopes: &scopes,
        created_at: now,
        expires_at: new.expires_at,
    };
    let row = store.insert_api_key(&tx, tenant, stored).await.map_err(|fault| {
        if fault.on_constraint("tenant_api_keys_tenant_fkey") {
            Error::Refused(crate::tenants::tenant_not_found())
        } else {
            fault.into()
        }
    })?;
    store.audit_and_commit(tx, actor.event("api_key_created", Some(tenant), key.id), now).await?;
    Ok((row, text))
}

/// Gives a key a new secret; the old one works for `overlap_seconds` more.
pub async fn rotate(
    store: &Store,
    tenant: Uuid,
    id: Uuid,
    overlap_seconds: i32,
    holds: Holds<'_>,
    actor: &Actor,
) -> Result<(ApiKeyRow, String), Error> {
    if !(0..=MAX_OVERLAP).contains(&overlap_seconds) {
        return Err(Refusal::field("overlap_seconds", format!("takes 0 to {MAX_OVERLAP}")).into());
    }
    let now = Timestamp::now();
    let previous_until =
        (overlap_seconds > 0).then(|| now + SignedDuration::from_secs(overlap_seconds.into()));
    let tx = store.begin().await?;
    let old = store.lock_api_key(&tx, tenant, id, now).await?.ok_or_else(not_found)?;
    holds.check(old.scopes.iter().map(String::as_str))?;
    let (key, text) = ApiKey::generate(id)?;
    let row = store
        .rotate_api_key(&tx, tenant, id, &key.secret_hash, previous_until)
        .await?
        .ok_or_else(not_found)?;
    store.audit_and_commit(tx, actor.event("api_key_rotated", Some(tenant), id), now).await?;
    Ok((row, text))
}

/// Ends a key with all its secrets.
pub async fn revoke(store: &Store, tenant: Uuid, id: Uuid, actor: &Actor) -> Result<(), Error> {
    let now = Timestamp::now();
    let tx = store.begin().await?;
    if !store.revoke_api_key(&tx, tenant, id, now).await? {
        return Err(not_found().into());
    }
    Ok(store.audit_and_commit(tx, actor.event("api_key_revoked", Some(tenant), id), now).await?)
}

fn not_found() -> Refusal {
    Refusal::new(
        ErrorReason::ApiKeyNotFound,
        "The tenant has no live API key with this id. GET /v1/tenants/{tenant_id}/api-keys lists them.",
    )
}
