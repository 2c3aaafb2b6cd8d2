//! API keys of tenants: created, given new secrets, ended.

use boot::Network;
use jiff::{SignedDuration, Timestamp};

use super::held::still_held;
use crate::actor::Actor;
use crate::credential::api_key::KeyText;
use crate::domain::api_key::{ApiKey, MAX_OVERLAP, MOST_ADDRESSES, NewApiKey};
use crate::domain::audit::AuditAction;
use crate::domain::field::{self, InvalidField};
use crate::domain::ids::{ApiKeyId, TenantId};
use crate::domain::scopes::{self, MANAGE_API_KEYS};
use crate::error::Error;
use crate::store::{Change, Store};

/// A key with the text of its secret, which is stored nowhere.
#[derive(Debug)]
pub struct WithSecret {
    /// The key.
    pub key: ApiKey,
    /// Its text.
    pub secret: String,
}

/// Creates a key.
pub async fn create(
    store: &Store,
    tenant: TenantId,
    id: ApiKeyId,
    new: NewApiKey,
    actor: &Actor,
    now: Timestamp,
) -> Result<WithSecret, Error> {
    let NewApiKey { name, scopes, expires_at, allowed_addresses } = new;
    let name = field::name("name", &name, false)?;
    let scopes = scopes::of_tenant(scopes, true)?;
    actor.holds.check(&scopes)?;
    if expires_at.is_some_and(|at| at <= now) {
        return Err(InvalidField::new("expires_at", "must be in the future").into());
    }
    let allowed_addresses = networks(&allowed_addresses)?;
    let new = NewApiKey { name, scopes, expires_at, allowed_addresses };
    let (text, secret) = KeyText::generate(id)?;
    let key = Change::run(store, async |change| {
        // Not beside the removal of whoever makes it, which lists the keys that stay or ends them.
        still_held(&change, tenant, actor, MANAGE_API_KEYS).await?.check(&new.scopes)?;
        let key = change.insert_api_key(tenant, id, &text.secret_hash, &new, actor).await?;
        change.finish(actor.did(AuditAction::ApiKeyCreated).in_tenant(tenant).about(id)).await?;
        Ok(key)
    });
    Ok(WithSecret { key: key.await?, secret })
}

/// Gives a key a new secret; the old one works for `overlap_seconds` more.
pub async fn rotate(
    store: &Store,
    tenant: TenantId,
    id: ApiKeyId,
    overlap_seconds: i32,
    actor: &Actor,
) -> Result<WithSecret, Error> {
    if !(0..=MAX_OVERLAP).contains(&overlap_seconds) {
        return Err(InvalidField::new("overlap_seconds", format!("takes 0 to {MAX_OVERLAP}")).into());
    }
    let overlap = SignedDuration::from_secs(overlap_seconds.into());
    let (text, secret) = KeyText::generate(id)?;
    let key = Change::run(store, async |change| {
        let held = still_held(&change, tenant, actor, MANAGE_API_KEYS).await?;
        let old = change.lock_api_key(tenant, id).await?.ok_or(Error::ApiKeyNotFound)?;
        actor.holds.check(&old.scopes)?;
        held.check(&old.scopes)?;
        let previous_until = (!overlap.is_zero()).then(|| change.at() + overlap);
        let key = change.rotate_api_key(tenant, id, &text.secret_hash, previous_until).await?;
        let key = key.ok_or(Error::ApiKeyNotFound)?;
        change.finish(actor.did(AuditAction::ApiKeyRotated).in_tenant(tenant).about(id)).await?;
        Ok(key)
    });
    Ok(WithSecret { key: key.await?, secret })
}

/// Ends a key with all its secrets.
pub async fn revoke(store: &Store, tenant: TenantId, id: ApiKeyId, actor: &Actor) -> Result<(), Error> {
    Change::run(store, async |change| {
        still_held(&change, tenant, actor, MANAGE_API_KEYS).await?;
        if !change.revoke_api_key(tenant, id).await? {
            return Err(Error::ApiKeyNotFound);
        }
        change.finish(actor.did(AuditAction::ApiKeyRevoked).in_tenant(tenant).about(id)).await?;
        Ok(())
    })
    .await
}

/// Networks in their one form, each once.
fn networks(texts: &[String]) -> Result<Vec<String>, InvalidField> {
    let invalid = |problem: String| InvalidField::new("allowed_addresses", problem);
    if texts.len() > MOST_ADDRESSES {
        return Err(invalid(format!("takes {MOST_ADDRESSES} networks at most")));
    }
    let mut networks = Vec::new();
    for text in texts {
        let network: Network = text.trim().parse().map_err(|error| invalid(format!("`{text}` {error}")))?;
        if !network.is_exact() {
            return Err(invalid(format!("`{text}` has bits beyond the network; write its first address")));
        }
        let network = network.to_string();
        if !networks.contains(&network) {
            networks.push(network);
        }
    }
    Ok(networks)
}
