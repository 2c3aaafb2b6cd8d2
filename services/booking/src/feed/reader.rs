//! The one reader of this process. It gives numbers, reads, and hands what is new to the
//! hubs of the tenants that somebody watches: all of them in one transaction, since each
//! has few events at a time. Between two looks it waits a little (`pace.rs`): so many looks
//! a second cost so much, however many calls are made. Who is woken is known in `notices.rs`.
//!
//! A feed that cannot be read does not hold up others. Together with others, or before them,
//! it is given little time to be numbered; what fails there is looked for one by one, beside
//! those that are looked for together (`apart.rs`), and what fails by itself stays there until it
//! succeeds. What is everybody's trouble, such as a database that is gone, is waited for
//! together. Streams end when trouble lasts (`hub.rs`), for a feed is well only when its numbers
//! were given and its events handed out: a look at where it is succeeds at a standby, too.

use std::collections::{HashMap, HashSet};
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use pg::{Fault, Kind};
use tokio::time::Instant;
use uuid::Uuid;

use super::apart::Apart;
use super::hub::Hub;
use super::hubs::Hubs;
use crate::store::{Looked, NUMBERED_AT_ONCE, Numbered, numbered_by_others};

/// Events of a tenant that are read at once.
const PAGE: i64 = 500;
/// Tenants that are looked for at once.
const TENANTS: usize = 100;
/// How often it looks without a notice, with and without hearing other processes.
const POLL: Duration = Duration::from_secs(5);
const POLL_DEAF: Duration = Duration::from_secs(1);
/// How long a feed that could not be read is left alone, and everything when it is
/// everybody's trouble.
const AGAIN: Duration = Duration::from_secs(1);

/// Reads as long as somebody watches, for ever.
pub async fn read(hubs: Arc<Hubs>) {
    let apart = Apart::default();
    tokio::join!(look_together(&hubs, &apart), look_apart(&hubs, &apart));
}

/// Looks for those that are not apart.
async fn look_together(hubs: &Hubs, apart: &Apart) {
    let mut looked_for_all = Instant::now();
    loop {
        hubs.watched().await;
        let poll = looked_for_all + if hubs.is_heard() { POLL } else { POLL_DEAF };
        let told = tokio::time::timeout_at(poll, hubs.awake()).await.unwrap_or_default();
        let began = Instant::now();
        let together = told.iter().filter(|tenant| !apart.has(tenant));
        let watched: Vec<Arc<Hub>> = together.filter_map(|tenant| hubs.find(tenant)).collect();
        let mut pause = None;
        for some in watched.chunks(TENANTS) {
            match look(hubs, some, Looked::Together).await {
                Ok(failed) => failed.into_iter().for_each(|(hub, fault)| fail_alone(apart, &hub, fault)),
                Err(fault) if !may_be_of_one(&fault) => {
                    hubs.wake(&some.iter().map(|hub| hub.tenant.uuid()).collect());
                    all_in_trouble(some, fault);
                    pause = Some(AGAIN);
                }
                Err(_) => some.iter().for_each(|hub| apart.add(hub.tenant.uuid(), Instant::now())),
            }
        }
        if began >= poll {
            looked_for_all = began;
            look_for_untold(hubs).await;
        }
        tokio::time::sleep_until(began + pause.unwrap_or_else(|| hubs.wait())).await;
    }
}

/// Looks for each of those that are apart, a few at the same time.
async fn look_apart(hubs: &Hubs, apart: &Apart) {
    let mut looks = FuturesUnordered::new();
    loop {
        while let Some(tenant) = apart.begin(Instant::now(), looks.len()) {
            match hubs.find(&tenant) {
                Some(hub) => looks.push(async move { (look_for_one(hubs, &hub).await, hub) }),
                None => apart.leave(tenant),
            }
        }
        let under_way = looks.len();
        tokio::select! {
            Some((looked, hub)) = looks.next() => match looked {
                Ok(()) => {
                    apart.leave(hub.tenant.uuid());
                    // A notice of it may have come meanwhile.
                    hubs.wake(&HashSet::from([hub.tenant.uuid()]));
                }
                Err(fault) => fail_alone(apart, &hub, fault),
            },
            () = apart.due(under_way) => {}
        }
    }
}

async fn look_for_one(hubs: &Hubs, hub: &Arc<Hub>) -> Result<(), Fault> {
    let failed = look(hubs, slice::from_ref(hub), Looked::Apart).await?;
    failed.into_iter().next().map_or(Ok(()), |(_, fault)| Err(fault))
}

/// What failed by itself is tried again by itself, after a while.
fn fail_alone(apart: &Apart, hub: &Arc<Hub>, fault: Fault) {
    all_in_trouble(slice::from_ref(hub), fault);
    apart.add(hub.tenant.uuid(), Instant::now() + AGAIN);
}

/// Looks for events of which no notice came.
async fn look_for_untold(hubs: &Hubs) {
    for some in hubs.all().chunks(TENANTS) {
        let tenants: Vec<Uuid> = some.iter().map(|hub| hub.tenant.uuid()).collect();
        match hubs.store.feed_states(&tenants, Looked::Together).await {
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
        Kind::Unavailable
            | Kind::Overloaded
            | Kind::ReadOnly
            | Kind::SchemaDrift { .. }
            | Kind::NoRight { .. }
            | Kind::StaleStatement
            | Kind::StaleSession
            | Kind::RolledBack
    )
}

/// Numbers what has no number and hands out what is new; what could not be handed out.
/// What there is more of, and what somebody else numbers, is woken again.
async fn look(hubs: &Hubs, some: &[Arc<Hub>], looked: Looked) -> Result<Vec<(Arc<Hub>, Fault)>, Fault> {
    let read_to: Vec<(Uuid, i64)> = some.iter().map(|hub| (hub.tenant.uuid(), hub.place().number)).collect();
    let mut numbered: HashMap<Uuid, Numbered> =
        hubs.store.number_events(&read_to, looked).await?.into_iter().map(|one| (one.tenant, one)).collect();
    let (mut again, mut failed) = (HashSet::new(), Vec::new());
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
                failed.push((Arc::clone(hub), fault));
                continue;
            }
        }
        if more {
            again.insert(tenant);
        }
    }
    hubs.wake(&again);
    Ok(failed)
}

/// Hands out what others have numbered, and then what was numbered now.
async fn hand_out(hubs: &Hubs, hub: &Hub, numbered: Numbered) -> Result<(), Fault> {
    let Numbered { head, at_place, events, .. } = numbered;
    let place = hub.place();
    if place.number > head || place.event.is_some_and(|event| at_place != Some(event)) {
        tracing::warn!(
            tenant_id = %hub.tenant.uuid(),
            "numbers of events were lost, as by a failover; streams go on after the events that they sent"
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
    hubs.handed_out(&events);
    hub.hand_out(events);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_everybody_has_is_not_tried_of_each() {
        let may = |kind: Kind| may_be_of_one(&Fault::new(kind, "x"));
        assert!(may(Kind::LockTimeout) && may(Kind::StatementTimeout) && may(Kind::Contention));
        assert!(!may(Kind::Unavailable) && !may(Kind::SchemaDrift { object: "column x".to_owned() }));
        assert!(!may(Kind::NoRight { object: "table x".to_owned(), is_given: true }));
    }
}
