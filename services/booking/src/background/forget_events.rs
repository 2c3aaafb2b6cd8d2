//! Lets feeds forget what is older than they keep. Rows of events stay as long as they
//! are history: the events of a request or a booking are never deleted, whatever their
//! age, so that a request tells who decided years later. What belongs to neither, such as
//! changes of settings and blocks that are over, is deleted once its feed has forgotten
//! it: a stream that begins with an older cursor is refused with `CURSOR_EXPIRED`.
//!
//! And looks after the sequence of ticks, which replication may leave behind at any time.

use jiff::{SignedDuration, Timestamp};
use pg::Fault;
use uuid::Uuid;

use crate::store::Store;

pub async fn run(store: Store) -> Result<(), Fault> {
    store.keep_ticks_ahead().await?;
    let now = Timestamp::now();
    let before = now - SignedDuration::from_hours(24 * store.policy().feed_retention_days);
    let mut after = Uuid::nil();
    loop {
        let tenants = store.list_feeds(after).await?;
        let Some(last) = tenants.last() else { break };
        after = last.uuid();
        for tenant in tenants {
            while store.forget_events(tenant, before, now).await? {}
        }
    }
    while store.delete_old_events(before).await? {}
    Ok(())
}
