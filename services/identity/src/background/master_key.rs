//! Says in the database which master key this process makes codes with: what is made with
//! it can be known to nobody else, and the key may not go as long.

use std::time::Duration;

use boot::Background;
use jiff::Timestamp;
use seal::MasterKey;

use crate::store::Store;

/// How often.
const EVERY: Duration = Duration::from_mins(1);

/// Starts the task.
pub fn start(room: &Background, store: &Store, master_key: &MasterKey) {
    let (store, id) = (store.clone(), master_key.id());
    room.every(EVERY, "say which master key is in use", move || {
        let (store, id) = (store.clone(), id.clone());
        async move { store.use_master_key(&id, Timestamp::now()).await }
    });
}
