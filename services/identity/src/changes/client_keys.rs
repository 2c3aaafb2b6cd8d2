//! Public keys with which a client signs assertions instead of sending a secret.

use super::held::still_held;
use crate::actor::Actor;
use crate::credential::api_key::KeyText;
use crate::domain::api_key::ApiKey;
use crate::domain::audit::AuditAction;
use crate::domain::field::InvalidField;
use crate::domain::ids::{ApiKeyId, TenantId};
use crate::domain::scopes::MANAGE_API_KEYS;
use crate::error::Error;
use crate::store::{Change, Store};
use crate::trust::assertions;

/// Registers keys, a JWK set, instead of those from before; the secret may end by it.
pub async fn set(
    store: &Store,
    tenant: TenantId,
    id: ApiKeyId,
    keys: &str,
    without_secret: bool,
    actor: &Actor,
) -> Result<ApiKey, Error> {
    let key_ids = assertions::check_keys(keys)?;
    if without_secret && key_ids.is_empty() {
        let problem = "leaves nobody who can use the API key without keys; revoke the key to end it";
        return Err(InvalidField::new("without_secret", problem).into());
    }
    let keys = Some(keys).filter(|_| !key_ids.is_empty());
    // A secret that nobody has seen is none.
    let unseen = if without_secret { Some(KeyText::generate(id)?.0.secret_hash) } else { None };
    Change::run(store, async |change| {
        let held = still_held(&change, tenant, actor, MANAGE_API_KEYS).await?;
        let old = change.lock_api_key(tenant, id).await?.ok_or(Error::ApiKeyNotFound)?;
        actor.holds.check(&old.scopes)?;
        held.check(&old.scopes)?;
        let unseen = unseen.as_ref().map(<[u8; 32]>::as_slice);
        let key = change.set_client_keys(tenant, id, keys, &key_ids, unseen).await?;
        let key = key.ok_or(Error::ApiKeyNotFound)?;
        change.finish(actor.did(AuditAction::ClientKeysSet).in_tenant(tenant).about(id)).await?;
        Ok(key)
    })
    .await
}
