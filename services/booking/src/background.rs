//! What happens by itself, in the background of every server: the lock on a row
//! decides which of them does it. When a task runs, and what becomes of its failures,
//! is known in `boot`.

mod delete_tenants;
mod expire_holds;
mod find_inconsistencies;
mod forget_events;
mod forget_keys;
mod number_events;
mod round;

use std::sync::Arc;
use std::time::Duration;

use access::Authority;
use boot::Background;

use crate::store::Store;

/// Starts the tasks. `identity` knows which tenants are deleted, and `issuer` is whose tokens
/// are taken here.
pub fn start<A: Authority>(background: &Background, store: &Store, identity: A, issuer: Arc<str>) {
    let (of, every) = (store.clone(), store.policy().delete_tenants_every);
    let last_answer = delete_tenants::LastAnswer::default();
    background.every(every, "delete rows of deleted tenants", move || {
        delete_tenants::run(of.clone(), identity.clone(), Arc::clone(&issuer), last_answer.clone())
    });
    let (of, place) = (store.clone(), expire_holds::Place::default());
    background
        .every(expire_holds::PAUSE, "expire holds", move || expire_holds::run(of.clone(), place.clone()));
    let of = store.clone();
    background.every(Duration::from_mins(10), "forget events", move || forget_events::run(of.clone()));
    let of = store.clone();
    background
        .every(Duration::from_mins(10), "forget idempotency keys", move || forget_keys::run(of.clone()));
    let (of, after) = (store.clone(), number_events::Place::default());
    background
        .every(number_events::PAUSE, "number events", move || number_events::run(of.clone(), after.clone()));
    let (of, place) = (store.clone(), find_inconsistencies::Place::default());
    background.every(find_inconsistencies::PAUSE, "find inconsistencies", move || {
        find_inconsistencies::run(of.clone(), place.clone())
    });
}
