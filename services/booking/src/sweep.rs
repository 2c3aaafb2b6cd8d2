//! What runs out by itself: holds, and stored answers of idempotency keys. Every
//! server sweeps; the lock on the row decides who does it.

use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::call::Call;
use crate::close;
use crate::domain::approval::Layout;
use crate::error::Error;
use crate::store::Store;

/// How often holds are looked for.
const EVERY: Duration = Duration::from_secs(2);
/// How many rounds of that pass between two looks for old keys.
const KEYS_EVERY: u64 = 300;

/// Sweeps until the server stops.
pub async fn sweep(store: Store, stop: CancellationToken) {
    let mut failing = false;
    for round in 0_u64.. {
        match sweep_once(&store, round % KEYS_EVERY == 0).await {
            Ok(0) => failing = false,
            Ok(expired) => {
                failing = false;
                tracing::info!(expired, "holds ran out");
            }
            // Once per outage: readiness says the rest.
            Err(error) if !failing => {
                failing = true;
                tracing::warn!(%error, "sweeping failed");
            }
            Err(_) => {}
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn sweep_once(store: &Store, keys_too: bool) -> Result<usize, Error> {
    let now = Timestamp::now();
    if keys_too {
        store.delete_old_keys(now).await?;
    }
    if store.schema().await?.layout == Layout::SingleTable {
        return Ok(0);
    }
    let mut expired = 0;
    let mut failed = Ok(());
    for (tenant, id) in store.list_due_holds(now).await? {
        let call = Call { tenant, actor: None, key: None, version: None };
        match close::expire(store, &call, id).await {
            Ok(done) => expired += usize::from(done),
            // One that cannot be expired does not keep the others.
            Err(error) => failed = Err(error),
        }
    }
    failed.map(|()| expired)
}
