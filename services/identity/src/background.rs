//! What identity does beside its calls, until it is told to stop.

mod prune;
mod rotate_keys;

use access::Issuer;
use boot::Background;
use jiff::SignedDuration;

use crate::credential::signing_key::KeySealer;
use crate::error::Error;
use crate::store::Store;
use crate::trust::keyring::Keyring;

/// Reads the signing keys and starts the tasks.
pub async fn start(
    room: &Background,
    store: &Store,
    sealer: KeySealer,
    issuer: Issuer,
    key_max_age: SignedDuration,
) -> Result<Keyring, Error> {
    let keyring = rotate_keys::open(store, &sealer, issuer).await?;
    rotate_keys::start(room, store, &keyring, sealer, key_max_age);
    prune::start(room, store);
    Ok(keyring)
}
