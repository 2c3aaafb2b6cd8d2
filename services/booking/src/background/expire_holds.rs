//! Expires requests whose holds have run out.

use jiff::Timestamp;

use crate::call::Call;
use crate::changes::Expire;
use crate::error::Error;
use crate::store::{DueHold, Store};

/// In the single table a hold has no end.
pub async fn run(store: Store) -> Result<(), Error> {
    if store.schema().await?.found.layout.request_is_its_booking() {
        return Ok(());
    }
    let mut expired = 0_usize;
    let mut failed = Ok(());
    let (now, mut after) = (Timestamp::now(), DueHold::first());
    loop {
        // One that cannot be expired does not keep the others, so each page goes on
        // after the last one.
        let page = store.list_due_holds(now, &after).await?;
        let Some(last) = page.last() else { break };
        after = *last;
        for due in page {
            let call = Call::of_the_system(due.tenant);
            match store.change(&call, &Expire { id: due.request }).await {
                Ok(done) => expired += usize::from(done),
                Err(error) => failed = Err(error),
            }
        }
    }
    if expired > 0 {
        tracing::info!(expired, "holds ran out");
    }
    failed
}
