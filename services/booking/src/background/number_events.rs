//! Numbers the events that nobody reads: whoever begins to watch finds few that wait,
//! and a feed of which nobody has read forgets as others do. Whoever reads numbers for
//! himself, at once. A turn works for half of a few seconds at most, so that a flood of
//! events that nobody reads keeps no change waiting, and no stop. A feed that cannot be
//! numbered keeps no other one waiting either.

use std::time::{Duration, Instant};

use access::TenantId;
use pg::Fault;
use uuid::Uuid;

use crate::store::{NUMBERED_AT_ONCE, Store};

/// Time between two turns.
pub const PAUSE: Duration = Duration::from_mins(2);
/// How long a turn may take; what is left waits for the next one.
const TURN: Duration = Duration::from_secs(5);

pub async fn run(store: Store) -> Result<(), Fault> {
    let (turn, mut after, mut failed) = (Instant::now(), Uuid::nil(), None);
    while let Some(tenant) = store.next_waiting_tenant(after).await? {
        after = tenant.uuid();
        if let Err(fault) = number(&store, tenant, turn).await {
            tracing::warn!(%fault, tenant_id = %after, "events of a tenant cannot be numbered");
            failed = Some(fault);
        }
        if turn.elapsed() > TURN {
            break;
        }
    }
    failed.map_or(Ok(()), Err)
}

async fn number(store: &Store, tenant: TenantId, turn: Instant) -> Result<(), Fault> {
    loop {
        let began = Instant::now();
        let (_, events) = store.number_events_of(tenant).await?;
        if events.len() < NUMBERED_AT_ONCE || turn.elapsed() > TURN {
            return Ok(());
        }
        tokio::time::sleep(began.elapsed()).await;
    }
}
