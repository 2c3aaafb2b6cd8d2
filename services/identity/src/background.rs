//! What identity does beside its calls, until it is told to stop.

mod prune;
mod rotate_keys;

use access::Issuer;
use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use crate::credential::signing_key::KeySealer;
use crate::error::Error;
use crate::store::Store;
use crate::trust::keyring::Keyring;

/// Reads the signing keys and starts the tasks.
pub async fn start(
    store: &Store,
    sealer: KeySealer,
    issuer: Issuer,
    key_max_age: SignedDuration,
    stop: &CancellationToken,
) -> Result<Keyring, Error> {
    let keyring = rotate_keys::open(store, &sealer, issuer).await?;
    tokio::spawn(rotate_keys::reload(keyring.clone(), stop.clone()));
    tokio::spawn(rotate_keys::rotate_old(store.clone(), sealer, key_max_age, stop.clone()));
    tokio::spawn(prune::run(store.clone(), stop.clone()));
    Ok(keyring)
}
