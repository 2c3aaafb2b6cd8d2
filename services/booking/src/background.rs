//! What happens by itself, in the background of every server: the lock on a row
//! decides which of them does it.

mod expire_holds;
mod forget_keys;

use tokio_util::sync::CancellationToken;

use crate::store::Store;

/// Starts the tasks. They go on until `stop`.
pub fn start(store: &Store, stop: &CancellationToken) {
    tokio::spawn(expire_holds::run(store.clone(), stop.clone()));
    tokio::spawn(forget_keys::run(store.clone(), stop.clone()));
}
