//! The one reader of this process. It gives numbers, reads, and hands what is new to the
//! hubs of the tenants that somebody watches: all of them in one transaction, since each
//! has few events at a time. Between two looks it waits a little: so many looks a second
//! cost so much, however many calls are made. Who is woken is known in `notices.rs`.
//!
//! A feed that cannot be read is nobody else's trouble: what fails of many is tried of
//! each, and what fails by itself is left alone for a while. Its streams end when that
//! lasts (`hub.rs`), for a feed is well only when its numbers were given and its events
//! handed out: a look at where it is succeeds at a standby, too.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use pg::{Fault, Kind};
use tokio::time::Instant;
use uuid::Uuid;

use super::hub::Hub;
use super::hubs::Hubs;
use crate::store::{NUMBERED_AT_ONCE, Numbered, numbered_by_others};

/// Events of a tenant that are read at once.
const PAGE: i64 = 500;
/// Tenants that are looked for at once.
const TENANTS: usize = 100;
/// Least time between two looks.
const PACE: Duration = Duration::from_millis(20);
/// How often it looks for what nobody told, with and without hearing other processes.
const POLL: Duration = Duration::from_secs(5);
const POLL_DEAF: Duration = Duration::from_secs(1);
/// How long a feed that could not be read is left alone.
const AGAIN: Duration = Duration::from_secs(1);

/// Tenants whose feeds could not be read, and when that is tried again.
#[derive(Debug, Default)]
struct Failed(HashMap<Uuid, Instant>);

/// Reads as long as somebody watches, for ever.
pub async fn read(hubs: Arc<Hubs>) {
    let (mut looked_for_all, mut failed) = (Instant::now(), Failed::default());
    loop {
        hubs.watched().await;
        let poll = looked_for_all + if hubs.is_heard() { POLL } else { POLL_DEAF };
        let until = failed.next().map_or(poll, |next| next.min(poll));
        let mut told = tokio::time::timeout_at(until, hubs.awake()).await.unwrap_or_default();
        let began = Instant::now();
        let again = failed.due(began);
        told.retain(|tenant| !failed.0.contains_key(tenant) && !again.contains(tenant));
        for tenants in [told, again] {
            failed.add(look_for(&hubs, &tenants).await);
        }
        if began >= poll {
            looked_for_all = began;
            look_for_untold(&hubs).await;
        }
        tokio::time::sleep_until(began + PACE).await;
    }
}

impl Failed {
    fn add(&mut self, tenants: Vec<Uuid>) {
        let again = Instant::now() + AGAIN;
        self.0.extend(tenants.into_iter().map(|tenant| (tenant, again)));
    }

    /// When something is to be tried again.
    fn next(&self) -> Option<Instant> {
        self.0.values().min().copied()
    }

    /// What is to be tried again now.
    fn due(&mut self, now: Instant) -> Vec<Uuid> {
        self.0.extract_if(|_, again| *again <= now).map(|(tenant, _)| tenant).collect()
    }
}

/// Looks for what nobody told.
async fn look_for_untold(hubs: &Hubs) {
    for some in hubs.all().chunks(TENANTS) {
        let tenants: Vec<Uuid> = some.iter().map(|hub| hub.tenant.uuid()).collect();
        match hubs.store.feed_states(&tenants).await {
            Ok(states) => {
                let mut untold = HashSet::new();
                for (tenant, state) in states {
                    let Some(hub) = some.iter().find(|hub| hub.tenant.uuid() == tenant) else { continue };
                    if state.waiting || state.head != hub.place().number {
                        untold.insert(tenant);
                    } else {
                        hub.is_well();
                    }
                }
                hubs.wake(&untold);
            }
            Err(fault) => all_in_trouble(some, fault),
        }
    }
}

/// Looks for what is new of these tenants; of which it could not.
async fn look_for(hubs: &Hubs, tenants: &[Uuid]) -> Vec<Uuid> {
    let mut failed = Vec::new();
    let watched: Vec<Arc<Hub>> = tenants.iter().filter_map(|tenant| hubs.find(tenant)).collect();
    for some in watched.chunks(TENANTS) {
        let one_by_one = match look(hubs, some, &mut failed).await {
            Err(fault) if some.len() > 1 && may_be_of_one(&fault) => some,
            looked => {
                fail(some, looked, &mut failed);
                continue;
            }
        };
        for one in one_by_one.chunks(1) {
            let looked = look(hubs, one, &mut failed).await;
            fail(one, looked, &mut failed);
        }
    }
    failed
}

fn fail(some: &[Arc<Hub>], looked: Result<(), Fault>, failed: &mut Vec<Uuid>) {
    if let Err(fault) = looked {
        all_in_trouble(some, fault);
        failed.extend(some.iter().map(|hub| hub.tenant.uuid()));
    }
}

fn all_in_trouble(some: &[Arc<Hub>], fault: Fault) {
    let fault = Arc::new(fault);
    for hub in some {
        hub.is_in_trouble(&fault);
    }
}

/// Whether what many had together can be the trouble of one of them.
fn may_be_of_one(fault: &Fault) -> bool {
    !matches!(
        fault.kind(),
        Kind::Unavailable | Kind::Overloaded | Kind::ReadOnly | Kind::StatementTimeout | Kind::Contention
    )
}

/// Numbers what has no number and hands out what is new. What there is more of, and what
/// somebody else numbers, is woken again.
async fn look(hubs: &Hubs, some: &[Arc<Hub>], failed: &mut Vec<Uuid>) -> Result<(), Fault> {
    let read_to: Vec<(Uuid, i64)> = some.iter().map(|hub| (hub.tenant.uuid(), hub.place().number)).collect();
    let mut numbered: HashMap<Uuid, Numbered> =
        hubs.store.number_events(&read_to).await?.into_iter().map(|one| (one.tenant, one)).collect();
    let mut again = HashSet::new();
    for hub in some {
        let tenant = hub.tenant.uuid();
        let Some(numbered) = numbered.remove(&tenant) else {
            hub.is_in_trouble(&Arc::new(numbered_by_others()));
            again.insert(tenant);
            continue;
        };
        let more = numbered.events.len() >= NUMBERED_AT_ONCE;
        match hand_out(hubs, hub, numbered).await {
            Ok(()) => hub.is_well(),
            Err(fault) => {
                fail(std::slice::from_ref(hub), Err(fault), failed);
                continue;
            }
        }
        if more {
            again.insert(tenant);
        }
    }
    hubs.wake(&again);
    Ok(())
}

/// Hands out what others have numbered, and behind it what was numbered now.
async fn hand_out(hubs: &Hubs, hub: &Hub, numbered: Numbered) -> Result<(), Fault> {
    let Numbered { head, at_place, events, .. } = numbered;
    let place = hub.place();
    if place.number > head || place.event.is_some_and(|event| at_place != Some(event)) {
        tracing::warn!(
            tenant_id = %hub.tenant.uuid(),
            "numbers of events were lost, as by a failover; streams go on behind the events that they told"
        );
        let last = events.last().map(|event| event.place);
        hub.begin_again(match last {
            Some(last) => last,
            None => hubs.store.feed_place(hub.tenant, head).await?,
        });
        return Ok(());
    }
    while hub.place().number < head {
        let page = hubs.store.read_feed(hub.tenant, hub.place().number, PAGE).await?;
        if page.is_empty() {
            break;
        }
        hub.hand_out(page);
    }
    for event in &events {
        hubs.lag.add_since(event.event.at);
    }
    hub.hand_out(events);
    Ok(())
}
