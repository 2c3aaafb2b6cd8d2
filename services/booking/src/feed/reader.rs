//! The one reader of this process. It gives numbers, reads, and hands what is new to the
//! hubs of the tenants that somebody watches: all of them in one transaction, since each
//! has few events at a time. Between two looks it waits a little: so many looks a second
//! cost so much, however many calls are made. Who is woken is known in `wakes.rs`.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use pg::Fault;
use tokio::time::Instant;
use uuid::Uuid;

use super::hub::Hub;
use super::hubs::Hubs;
use crate::store::{NUMBERED_AT_ONCE, Numbered};

/// Events of a tenant that are read at once.
const PAGE: i64 = 500;
/// Tenants that are looked for at once.
const TENANTS: usize = 100;
/// Least time between two looks.
const PACE: Duration = Duration::from_millis(20);
/// How often it looks for what nobody told, with and without hearing other processes.
const POLL: Duration = Duration::from_secs(5);
const POLL_DEAF: Duration = Duration::from_secs(1);
/// How long it waits after a look that failed.
const AGAIN: Duration = Duration::from_secs(1);

/// Reads as long as somebody watches, for ever.
pub async fn read(hubs: &Hubs) {
    let mut looked_for_all = Instant::now();
    loop {
        hubs.watched().await;
        let poll = if hubs.is_heard() { POLL } else { POLL_DEAF };
        let told = tokio::time::timeout_at(looked_for_all + poll, hubs.awake()).await;
        let began = Instant::now();
        let mut well = look_for(hubs, told.unwrap_or_default()).await;
        if began >= looked_for_all + poll {
            looked_for_all = began;
            well &= look_for_untold(hubs).await;
        }
        tokio::time::sleep_until(began + if well { PACE } else { AGAIN }).await;
    }
}

/// Looks for what nobody told.
async fn look_for_untold(hubs: &Hubs) -> bool {
    let all = hubs.all();
    let mut well = true;
    for some in all.chunks(TENANTS) {
        let tenants: Vec<Uuid> = some.iter().map(|hub| hub.tenant.uuid()).collect();
        match hubs.store.feed_states(&tenants).await {
            Ok(states) => {
                let place = |tenant: &Uuid| {
                    some.iter().find(|hub| hub.tenant.uuid() == *tenant).map(|hub| hub.place().number)
                };
                let behind = states
                    .into_iter()
                    .filter(|(tenant, state)| state.waiting || place(tenant) < Some(state.head))
                    .map(|(tenant, _)| tenant);
                hubs.wake(&behind.collect());
                for hub in some {
                    hub.is_well();
                }
            }
            Err(fault) => {
                let fault = Arc::new(fault);
                for hub in some {
                    hub.is_in_trouble(&fault);
                }
                well = false;
            }
        }
    }
    well
}

/// Numbers what has no number and hands out what is new; whether that went well. What did
/// not, and what there is more of, is woken again.
async fn look_for(hubs: &Hubs, tenants: Vec<Uuid>) -> bool {
    let mut well = true;
    for tenants in tenants.chunks(TENANTS) {
        let mut again: HashSet<Uuid> = tenants.iter().copied().collect();
        match hubs.store.number_events(tenants).await {
            Ok(numbered) => {
                for numbered in numbered {
                    let tenant = numbered.tenant;
                    let more = numbered.events.as_ref().is_ok_and(|events| events.len() >= NUMBERED_AT_ONCE);
                    let Some(hub) = hubs.find(&tenant) else {
                        again.remove(&tenant);
                        continue;
                    };
                    match hand_out(hubs, &hub, numbered).await {
                        Ok(()) => hub.is_well(),
                        Err(fault) => {
                            hub.is_in_trouble(&Arc::new(fault));
                            well = false;
                            continue;
                        }
                    }
                    if !more {
                        again.remove(&tenant);
                    }
                }
            }
            Err(fault) => {
                let fault = Arc::new(fault);
                let found = tenants.iter().filter_map(|tenant| hubs.find(tenant));
                found.for_each(|hub| hub.is_in_trouble(&fault));
                well = false;
            }
        }
        hubs.wake(&again);
    }
    well
}

/// Hands out what others have numbered, and behind it what was numbered now.
async fn hand_out(hubs: &Hubs, hub: &Hub, numbered: Numbered) -> Result<(), Fault> {
    while hub.place().number < numbered.head {
        let page = hubs.store.read_feed(hub.tenant, hub.place().number, PAGE).await?;
        if page.is_empty() {
            break;
        }
        hub.hand_out(page);
    }
    hub.hand_out(numbered.events?);
    Ok(())
}
