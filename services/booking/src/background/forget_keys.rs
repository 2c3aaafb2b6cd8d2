//! Forgets idempotency keys whose answers are no longer kept.

use jiff::Timestamp;
use pg::Fault;

use crate::store::Store;

pub async fn run(store: Store) -> Result<(), Fault> {
    let now = Timestamp::now();
    while store.delete_old_keys(now).await? {}
    Ok(())
}
