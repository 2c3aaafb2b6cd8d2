//! Forgets idempotency keys whose answers are no longer kept.

use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::store::Store;

/// How often old keys are looked for.
const EVERY: Duration = Duration::from_mins(10);

/// Forgets old keys until the server stops.
pub async fn run(store: Store, stop: CancellationToken) {
    loop {
        if let Err(fault) = store.delete_old_keys(Timestamp::now()).await {
            tracing::warn!(%fault, "forgetting idempotency keys failed");
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}
