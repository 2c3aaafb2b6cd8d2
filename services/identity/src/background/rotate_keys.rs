//! Keeps the signing keys current, and rotates them when the active one is old.
//! While they cannot be read the last known ones stay in use.

use std::time::Duration;

use access::Issuer;
use boot::Background;
use jiff::Timestamp;

use crate::actor::Actor;
use crate::changes::signing_key::{ensure, rotate};
use crate::credential::signing_key::KeySealer;
use crate::domain::signing_key::is_due;
use crate::error::Error;
use crate::store::Store;
use crate::trust::keyring::{Keyring, published};

/// How often the keys are read again, so that replicas agree within seconds.
const RELOAD_EVERY: Duration = Duration::from_secs(5);
/// How often the age of the active key is looked at.
const ROTATE_EVERY: Duration = Duration::from_mins(1);

/// Reads the keys, making the first one in an empty database.
pub async fn open(store: &Store, sealer: &KeySealer, issuer: Issuer) -> Result<Keyring, Error> {
    let now = Timestamp::now();
    ensure(store, sealer, now).await?;
    // Of replicas that start together one has stored its key; the stored one counts.
    Keyring::open(store.clone(), sealer.clone(), issuer, now).await
}

/// Starts the tasks.
pub fn start(room: &Background, store: &Store, keyring: &Keyring, sealer: KeySealer) {
    let keyring = keyring.clone();
    room.every(RELOAD_EVERY, "reload signing keys", move || {
        let keyring = keyring.clone();
        async move { keyring.reload(Timestamp::now()).await }
    });
    let store = store.clone();
    room.every(ROTATE_EVERY, "rotate signing keys", move || {
        let (store, sealer) = (store.clone(), sealer.clone());
        async move { rotate_if_due(&store, &sealer, Timestamp::now()).await }
    });
}

async fn rotate_if_due(store: &Store, sealer: &KeySealer, now: Timestamp) -> Result<(), Error> {
    if is_due(&published(store, now).await?, store.policy().key_max_age, now) {
        let rotated = rotate(store, sealer, false, &Actor::operator()).await?;
        tracing::info!(?rotated, "signing keys rotated by schedule");
    }
    Ok(())
}
