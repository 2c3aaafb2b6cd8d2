//! Signing keys: the first one made, and each step of a rotation.

use jiff::Timestamp;

use crate::actor::Actor;
use crate::credential::signing_key::KeySealer;
use crate::domain::audit::AuditAction;
use crate::domain::signing_key::{KeyState, PUBLISH_BEFORE, Rotated};
use crate::error::Error;
use crate::store::{Change, Store};
use crate::trust::keyring::published;

/// Makes the first key, in a database that has no active one.
pub async fn ensure(store: &Store, sealer: &KeySealer, now: Timestamp) -> Result<(), Error> {
    if published(store, now).await?.iter().any(|key| key.state == KeyState::Active) {
        return Ok(());
    }
    let key = sealer.generate(KeyState::Active, now)?;
    Change::run(store, async |change| {
        change.insert_signing_key(&key).await?;
        change.finish(Actor::operator().did(AuditAction::SigningKeyCreated)).await?;
        Ok(())
    })
    .await
}

/// Takes the next step of a rotation: publishes a standby key, or activates the
/// one that has been published long enough. With `at_once` its age does not
/// matter; verifiers that have the old list then fetch the new one.
pub async fn rotate(
    store: &Store,
    sealer: &KeySealer,
    at_once: bool,
    actor: &Actor,
) -> Result<Rotated, Error> {
    Change::run(store, async |change| {
        let keys = change.lock_signing_keys().await?;
        let standby = keys.into_iter().find(|key| key.state == KeyState::Standby);
        let standby = match standby {
            Some(key) => key,
            None => {
                let key = sealer.generate(KeyState::Standby, change.at())?;
                change.insert_signing_key(&key).await?;
                if !at_once {
                    let usable_at = change.at() + PUBLISH_BEFORE;
                    change.finish(actor.did(AuditAction::SigningKeyPublished).about(&key.kid)).await?;
                    return Ok(Rotated::Published { kid: key.kid, usable_at });
                }
                key
            }
        };
        let usable_at = standby.created_at + PUBLISH_BEFORE;
        if usable_at > change.at() && !at_once {
            return Ok(Rotated::TooEarly { kid: standby.kid, usable_at });
        }
        change.retire_active_signing_key().await?;
        change.activate_signing_key(&standby.kid).await?;
        change.finish(actor.did(AuditAction::SigningKeyActivated).about(&standby.kid)).await?;
        Ok(Rotated::Activated { kid: standby.kid })
    })
    .await
}
