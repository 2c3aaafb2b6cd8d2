//! What happens by itself, in the background of every server: the lock on a row
//! decides which of them does it. When a task runs, and what becomes of its failures,
//! is known in `boot`.

mod expire_holds;
mod find_inconsistencies;
mod forget_events;
mod forget_keys;
mod number_events;
mod round;

use std::time::Duration;

use boot::Background;

use crate::store::Store;

/// Starts the tasks.
pub fn start(background: &Background, store: &Store) {
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
