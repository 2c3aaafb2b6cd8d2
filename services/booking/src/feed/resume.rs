//! Where a stream begins: after what its cursor names, or a refusal that says where to
//! go on instead.

use access::TenantId;
use jiff::{SignedDuration, Timestamp};

use super::cursor::{self, Cursor};
use crate::domain::event::{FeedPlace, OldPlace};
use crate::error::{Error, Reason, Refusal};
use crate::store::{FeedState, NUMBERED_AT_ONCE, Store};

/// From how long before a lost event a stream has to go on: what was sent then was
/// sent before the loss, and what was sent after is sent again. Times are those of the
/// servers that wrote the events, whose clocks may differ by as much.
const AGAIN: SignedDuration = SignedDuration::from_mins(5);
/// How often a thousand events are looked at for that; before them is the beginning.
const LOOKS: usize = 100;

/// The place that a cursor leads to.
pub async fn place(store: &Store, tenant: TenantId, cursor: Cursor) -> Result<FeedPlace, Error> {
    match cursor {
        Cursor::Now => Ok(head(store, tenant).await?),
        Cursor::Start => {
            let state = store.feed_state(tenant).await?;
            Ok(store.feed_place(tenant, state.forgotten).await?)
        }
        Cursor::After(place) => after(store, tenant, place).await,
        Cursor::Old(old) => {
            let go_on = of_old(store, tenant, old).await?;
            let sentence = "The cursor is of an earlier version. Go on with the cursor in `go_on`.";
            Err(refused(Reason::CursorUnknown, sentence, go_on))
        }
    }
}

/// The place after everything that there is; what had no number has one afterwards.
pub async fn head(store: &Store, tenant: TenantId) -> Result<FeedPlace, Error> {
    let state = store.feed_state(tenant).await?;
    let mut head = state.head;
    // Mostly there is nothing to number, and nobody has to wait for the lock.
    let mut more = state.waiting;
    let mut last = None;
    while more {
        let (before, events) = store.number_events_of(tenant).await?;
        more = events.len() >= NUMBERED_AT_ONCE;
        head = before;
        last = events.last().map(|event| event.place).or(last);
    }
    if let Some(place) = last {
        return Ok(place);
    }
    Ok(store.feed_place(tenant, head).await?)
}

async fn after(store: &Store, tenant: TenantId, place: FeedPlace) -> Result<FeedPlace, Error> {
    let mut found = match place.event {
        Some(event) => store.find_feed_place(tenant, event).await?,
        None => None,
    };
    if found == Some(None) {
        // A failover lost its number, or nobody has read it since a restore.
        head(store, tenant).await?;
        if let Some(event) = place.event {
            found = store.find_feed_place(tenant, event).await?;
        }
    }
    let state = store.feed_state(tenant).await?;
    let now = found.flatten();
    let number = now.map_or(place.number, |now| now.number);
    if number < state.forgotten {
        let sentence = format!(
            "The feed goes {} days back, and the cursor is older. Read again what you keep, then go on with the cursor in `go_on`, the oldest that there is.",
            store.policy().feed_retention_days
        );
        let oldest = store.feed_place(tenant, state.forgotten).await?;
        return Err(refused(Reason::CursorExpired, sentence, oldest));
    }
    match now {
        Some(now) => Ok(now),
        // The beginning.
        None if place.event.is_none() && number <= state.head => Ok(place),
        None => {
            let go_on = a_little_before(store, tenant, place, state).await?;
            let sentence = "The event of the cursor is not there any more, as after a restore or a failover that lost it. Go on with the cursor in `go_on`: events from the minutes before come again, none is left out.";
            Err(refused(Reason::CursorUnknown, sentence, go_on))
        }
    }
}

/// After what was sent long enough before an event that is gone.
async fn a_little_before(
    store: &Store,
    tenant: TenantId,
    gone: FeedPlace,
    state: FeedState,
) -> Result<FeedPlace, Error> {
    let before = gone.at.checked_sub(AGAIN).unwrap_or(gone.at).max(Timestamp::UNIX_EPOCH);
    let mut number = gone.number.min(state.head);
    for _ in 0..LOOKS {
        let found = store.find_feed_place_before(tenant, number, before).await?;
        match found.filter(|(found, _)| found.number > state.forgotten) {
            Some((found, true)) => return Ok(found),
            // The first of a thousand.
            Some((found, false)) => number = found.number - 1,
            None => break,
        }
    }
    Ok(store.feed_place(tenant, state.forgotten).await?)
}

fn refused(reason: Reason, sentence: impl Into<String>, go_on: FeedPlace) -> Error {
    Error::Refused(Refusal::new(reason, sentence).with("go_on", cursor::write(go_on)))
}

/// Where a cursor of the version before leads, without loss. That version told events in
/// the order of their positions, which is not the order of their numbers where it wrote
/// beside this one: what it had still to tell may have a number before the cursor's event.
/// Then the few that it had told after that come again.
async fn of_old(store: &Store, tenant: TenantId, old: OldPlace) -> Result<FeedPlace, Error> {
    let head = head(store, tenant).await?;
    let state = store.feed_state(tenant).await?;
    let oldest = store.feed_place(tenant, state.forgotten).await?;
    let begins = if old.event.0.is_nil() {
        head
    } else {
        match store.find_feed_place(tenant, old.event).await?.flatten() {
            Some(named) => named,
            None => return Ok(oldest),
        }
    };
    let (mut leads_to, mut up_to) = (begins.number, begins.number);
    for _ in 0..LOOKS {
        let leads = store.find_feed_place_of_old(tenant, old, up_to).await?;
        match (leads.number, leads.before_all) {
            // It had told all of them, and what is before them.
            (None, _) if leads.of_another_cluster && old.event.0.is_nil() => return Ok(oldest),
            (None, _) => return Ok(store.feed_place(tenant, leads_to.max(state.forgotten)).await?),
            (Some(first), before_all) => {
                leads_to = first;
                up_to = before_all.unwrap_or(0);
            }
        }
    }
    Ok(oldest)
}
