//! Reads what was revoked, for those who watch in this process, and forgets it when
//! nobody can need it: answers about callers are void after a minute without a word, so a
//! watcher who comes back later begins anew anyway.

use std::time::Duration;

use boot::Background;
use jiff::Timestamp;

use crate::store::Store;
use crate::trust::keyring::Keyring;
use crate::trust::revocations::Revocations;

/// How often marks are forgotten.
const FORGET_EVERY: Duration = Duration::from_mins(1);

/// Starts the tasks.
pub fn start(room: &Background, store: &Store, revocations: &Revocations, keyring: &Keyring) {
    let reader = revocations.clone();
    room.lasting("read revocations", move || {
        let revocations = reader.clone();
        async move { revocations.read_on().await }
    });
    let (revocations, keyring) = (revocations.clone(), keyring.clone());
    room.lasting("replace revoked signing keys", move || replace(revocations.clone(), keyring.clone()));
    let store = store.clone();
    room.every(FORGET_EVERY, "forget revocations", move || {
        let store = store.clone();
        async move { store.forget_revocations().await }
    });
}

/// Reads the signing keys again when one is revoked, for it may be the one that signs.
async fn replace(revocations: Revocations, keyring: Keyring) {
    let mut news = revocations.news();
    let mut known = revocations.revoked_keys();
    while news.changed().await.is_ok() {
        let revoked = revocations.revoked_keys();
        if revoked != known {
            match keyring.reload(Timestamp::now()).await {
                Ok(()) => known = revoked,
                // It is read again every few seconds anyway.
                Err(error) => tracing::warn!(%error, "signing keys cannot be read after one was revoked"),
            }
        }
    }
}
