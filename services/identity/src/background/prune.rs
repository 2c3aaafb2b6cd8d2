//! Forgets failed logins that no limit looks at any more.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::store::Store;

/// How often.
const EVERY: Duration = Duration::from_mins(1);
/// How long failed logins are kept after their window.
const KEEP_WINDOWS: SignedDuration = SignedDuration::from_hours(24);
/// How long known pairs of account and address are kept after the last login.
const KEEP_PAIRS: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Forgets old failed logins until told to stop.
pub async fn run(store: Store, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
        let now = Timestamp::now();
        if let Err(error) = store.forget_old_attempts(now - KEEP_WINDOWS, now - KEEP_PAIRS).await {
            tracing::warn!(%error, "old failed logins cannot be forgotten");
        }
    }
}
