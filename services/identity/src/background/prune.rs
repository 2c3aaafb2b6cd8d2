//! Forgets failed logins that no limit looks at any more.

use std::time::Duration;

use boot::Background;
use jiff::{SignedDuration, Timestamp};

use crate::store::Store;

/// How often.
const EVERY: Duration = Duration::from_mins(1);
/// How long failed logins are kept after their window.
const KEEP_WINDOWS: SignedDuration = SignedDuration::from_hours(24);
/// How long known pairs of account and address are kept after the last login.
const KEEP_PAIRS: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Starts the task.
pub fn start(room: &Background, store: &Store) {
    let store = store.clone();
    room.every(EVERY, "forget old failed logins", move || {
        let store = store.clone();
        async move {
            let now = Timestamp::now();
            store.forget_old_attempts(now - KEEP_WINDOWS, now - KEEP_PAIRS).await
        }
    });
}
