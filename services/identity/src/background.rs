//! What identity does beside its calls, until it stops.

mod mail;
mod master_key;
mod passwords;
mod prune;
mod purge_tenants;
mod repeats;
mod revocations;
mod rotate_keys;

use access::Issuer;
use boot::Background;
use uuid::Uuid;

use crate::changes::repeats::Repeats;
use crate::credential::signing_key::KeySealer;
use crate::error::Error;
use crate::store::Store;
use crate::trust::keyring::Keyring;
use crate::trust::revocations::Revocations;

pub use self::mail::{MailFigures, start as send_mail};
pub use self::master_key::settle as settle_master_key;
pub use self::passwords::start as free_memory_of_passwords;

/// Reads the signing keys and starts the tasks of a process.
pub async fn start(
    room: &Background,
    store: &Store,
    (sealer, process): (KeySealer, Uuid),
    issuer: Issuer,
    revocations: &Revocations,
    logins: &Repeats,
) -> Result<Keyring, Error> {
    let keyring = rotate_keys::open(store, &sealer, issuer).await?;
    master_key::start(room, store, sealer.master_key(), process);
    rotate_keys::start(room, store, &keyring, sealer);
    prune::start(room, store);
    purge_tenants::start(room, store);
    revocations::start(room, store, revocations, &keyring);
    repeats::start(room, store, logins);
    Ok(keyring)
}
