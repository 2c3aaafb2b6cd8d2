//! Expires requests whose holds have run out.

use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::call::Call;
use crate::changes::Expire;
use crate::domain::approval::Layout;
use crate::error::Error;
use crate::store::{Answer, Store};

/// How often holds are looked for.
const EVERY: Duration = Duration::from_secs(2);

/// Expires holds until the server stops.
pub async fn run(store: Store, stop: CancellationToken) {
    let mut failing = false;
    loop {
        match expire_due(&store).await {
            Ok(expired) => {
                failing = false;
                if expired > 0 {
                    tracing::info!(expired, "holds ran out");
                }
            }
            // Once per outage: readiness says the rest.
            Err(error) if !failing => {
                failing = true;
                tracing::warn!(%error, "expiring holds failed");
            }
            Err(_) => {}
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn expire_due(store: &Store) -> Result<usize, Error> {
    if store.schema().await?.found.layout == Layout::SingleTable {
        return Ok(0);
    }
    let mut expired = 0;
    let mut failed = Ok(());
    for (tenant, id) in store.list_due_holds(Timestamp::now()).await? {
        let call = Call::of_the_system(tenant);
        match store.change(&call, &Expire { id }, |_| Vec::new()).await {
            Ok(Answer::Outcome(done)) => expired += usize::from(done),
            Ok(Answer::Stored(_)) => {}
            // One that cannot be expired does not keep the others.
            Err(error) => failed = Err(error),
        }
    }
    failed.map(|()| expired)
}
