//! Records what of refused logins has repeated.

use boot::Background;
use jiff::Timestamp;

use crate::changes::repeats::Repeats;
use crate::store::Store;

/// Starts the task.
pub fn start(room: &Background, store: &Store, logins: &Repeats) {
    let (store, logins, every) = (store.clone(), logins.clone(), store.policy().repeats_every);
    room.every(every, "record repeated refusals of logins", move || {
        let (store, logins) = (store.clone(), logins.clone());
        async move { logins.record(&store, Timestamp::now()).await }
    });
}
