//! Expires requests whose holds have run out.

use jiff::Timestamp;

use crate::call::Call;
use crate::changes::Expire;
use crate::domain::approval::Layout;
use crate::error::Error;
use crate::store::{Answer, Store};

/// In the single table a hold has no end.
pub async fn run(store: Store) -> Result<(), Error> {
    if store.schema().await?.found.layout == Layout::SingleTable {
        return Ok(());
    }
    let mut expired = 0_usize;
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
    if expired > 0 {
        tracing::info!(expired, "holds ran out");
    }
    failed
}
