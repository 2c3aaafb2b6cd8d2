//! Numbers the events that nobody reads: whoever begins to watch finds few that wait,
//! and a feed of which nobody has read forgets as others do. Readers number what
//! they read, at once. A turn works for half of a few seconds at most, so that a flood of
//! events that nobody reads keeps no change waiting, and no stop. No feed keeps the others
//! waiting: one that cannot be numbered, or that somebody else numbers, is passed over, and
//! a turn goes on after the tenant at which the one before ended.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use access::TenantId;
use pg::Fault;
use uuid::Uuid;

use super::round::Round;
use crate::store::{Looked, NUMBERED_AT_ONCE, Store};

/// Time between two turns.
pub const PAUSE: Duration = Duration::from_mins(2);
/// How long a turn may take; what is left waits for the next one.
const TURN: Duration = Duration::from_secs(5);

/// After which tenant the next turn begins.
#[derive(Debug, Clone, Default)]
pub struct Place(Arc<Mutex<Uuid>>);

pub async fn run(store: Store, place: Place) -> Result<(), Fault> {
    let (turn, mut failed) = (Instant::now(), None);
    let begins = *place.0.lock().unwrap_or_else(PoisonError::into_inner);
    let mut round = Round::after(begins);
    while turn.elapsed() <= TURN
        && let Some(tenant) = round.next(|after| store.next_waiting_tenant(after)).await?
    {
        *place.0.lock().unwrap_or_else(PoisonError::into_inner) = tenant.uuid();
        if let Err(fault) = number(&store, tenant, turn).await {
            tracing::warn!(%fault, tenant_id = %tenant.uuid(), "events of a tenant cannot be numbered");
            failed = Some(fault);
        }
    }
    failed.map_or(Ok(()), Err)
}

async fn number(store: &Store, tenant: TenantId, turn: Instant) -> Result<(), Fault> {
    loop {
        let began = Instant::now();
        let numbered = store.number_events(&[(tenant.uuid(), 0)], Looked::Apart).await?;
        let events = numbered.iter().map(|numbered| numbered.events.len()).sum::<usize>();
        if events < NUMBERED_AT_ONCE || turn.elapsed() > TURN {
            return Ok(());
        }
        tokio::time::sleep(began.elapsed()).await;
    }
}
