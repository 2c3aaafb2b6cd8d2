//! Signing keys: the first one made, each step of a rotation, and the end of the trust in
//! one.

use jiff::Timestamp;

use super::master_key::compare_in;
use crate::actor::Actor;
use crate::credential::signing_key::{KeySealer, SigningKeyError};
use crate::domain::audit::AuditAction;
use crate::domain::signing_key::{KeyState, PUBLISH_BEFORE, Revoked, Rotated, SigningKey};
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
        Box::pin(compare_in(&change, sealer)).await?;
        change.insert_signing_key(&key).await?;
        change.finish(Actor::operator().did(AuditAction::SigningKeyCreated)).await?;
        Ok(())
    })
    .await
}

/// Ends the trust in a key everywhere. If it signs, another one does so from then on: the
/// standby key, or a new one.
pub async fn revoke(store: &Store, sealer: &KeySealer, kid: &str, actor: &Actor) -> Result<Revoked, Error> {
    Change::run(store, async |change| {
        Box::pin(compare_in(&change, sealer)).await?;
        let keys = change.lock_signing_keys().await?;
        if !change.revoke_signing_key(kid).await? {
            return Err(SigningKeyError::Unknown.into());
        }
        let active = keys.iter().find(|key| key.state == KeyState::Active && key.kid == kid);
        let signs = match active {
            Some(active) => Some(replace(&change, sealer, active, &keys).await?),
            None => None,
        };
        change.finish(actor.did(AuditAction::SigningKeyRevoked).about(kid)).await?;
        Ok(Revoked { kid: kid.to_owned(), signs })
    })
    .await
}

async fn replace(
    change: &Change,
    sealer: &KeySealer,
    active: &SigningKey,
    keys: &[SigningKey],
) -> Result<String, Error> {
    // Under another master key nothing may be stored that the servers cannot open.
    sealer.open(active)?;
    let kid = match keys.iter().find(|key| key.state == KeyState::Standby) {
        Some(standby) => {
            sealer.open(standby)?;
            standby.kid.clone()
        }
        None => {
            let key = sealer.generate(KeyState::Standby, change.at())?;
            change.insert_signing_key(&key).await?;
            key.kid
        }
    };
    change.activate_signing_key(&kid).await?;
    Ok(kid)
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
        Box::pin(compare_in(&change, sealer)).await?;
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
        // It may be of a master key that has left the list meanwhile: nobody could sign with it.
        sealer.open(&standby)?;
        change.retire_active_signing_key().await?;
        change.activate_signing_key(&standby.kid).await?;
        change.finish(actor.did(AuditAction::SigningKeyActivated).about(&standby.kid)).await?;
        Ok(Rotated::Activated { kid: standby.kid })
    })
    .await
}
