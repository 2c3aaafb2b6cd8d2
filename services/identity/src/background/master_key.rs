//! Says in the database which master keys this process has, and which of them it makes codes
//! with: what is made with that can be known to nobody else, and the key may not go as long;
//! and what this process could not open may not be sealed.

use std::time::Duration;

use boot::Background;
use jiff::Timestamp;
use pg::Fault;
use seal::MasterKey;
use uuid::Uuid;

use crate::changes::master_key;
use crate::error::Error;
use crate::store::{Change, Store};
use crate::trust::master_key::ids;

/// How often.
const EVERY: Duration = Duration::from_mins(1);

/// Compares the master keys with the database's, before anything is written under them. Returns
/// the one of the list that it has known for longest, and the id under which this process has
/// said its list.
pub async fn settle(store: &Store, master_key: &MasterKey) -> Result<(MasterKey, Uuid), Error> {
    let process = Change::new_id();
    Ok((master_key::settle(store, master_key, process, Timestamp::now()).await?, process))
}

/// Starts the task.
pub fn start(room: &Background, store: &Store, master_key: &MasterKey, process: Uuid) {
    let (says, stop) = (store.clone(), room.stop().clone());
    let (id, listed) = (master_key.id(), ids(master_key));
    room.every(EVERY, "say which master key is in use", move || {
        let (store, id, listed, stop) = (says.clone(), id.clone(), listed.clone(), stop.clone());
        async move {
            let now = Timestamp::now();
            store.use_master_key(&id, now).await?;
            // At the stop it is taken back, and stays so.
            if !store.repeat_master_key_list(process, now).await? && !stop.is_cancelled() {
                store.put_master_key_list(process, &listed, now).await?;
            }
            Ok::<(), Fault>(())
        }
    });
    let store = store.clone();
    room.at_stop(
        "say that no master key is in use",
        async move { store.delete_master_key_list(process).await },
    );
}
