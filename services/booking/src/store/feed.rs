//! The feed: events of a tenant in the order of their numbers.
//!
//! A change gives its event a tick and nothing else (`layout/words.rs`), and waits for
//! nobody. Whoever reads gives numbers, under the lock of the tenant's row in
//! `feed_heads`: the events that have none follow the head in the order of their ticks.
//! An event that led to another was committed before the other took its tick, so
//! whoever sees the other sees both, and the ticks have their order. What commits late
//! is numbered late; there is no horizon that a long transaction could hold back.
//!
//! Numbers are columns, so a feed goes on wherever its rows are. Only ticks come from
//! outside the table: where replication left the sequence behind, it is moved ahead
//! before this process stores anything.
//!
//! Numbers are flushed to disk before anybody sees them. With a commit that a
//! crash may take back, an event that comes late could be numbered into what a watcher
//! has read.

use std::time::Duration;

use access::TenantId;
use jiff::Timestamp;
use pg::{Columns, Fault, Kind, Tx};
use tokio::time::Instant;
use tokio_postgres::Row;
use uuid::Uuid;

use super::database::{Schema, Store, lost_row};
use super::events::event;
use super::foreign::time;
use crate::domain::event::{FeedPlace, OldPlace, PlacedEvent};
use crate::domain::ids::EventId;
use crate::layout::SWEEPER;

/// The channel of all processes on a database; `notify_watchers` has it, too.
const CHANNEL: &str = "frontdesk_booking_events";
/// The role that sees the feeds of the tenants that a transaction names.
const READER: &str = "frontdesk_booking_feed";
/// How long, and how often, it is tried again to number what somebody else has locked.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(10);
/// Events of a tenant that are numbered at once, as `number_events` has it.
pub const NUMBERED_AT_ONCE: usize = 500;

pg::statements! {
    /// Locks where feeds are.
    LockFeedHeads<'a> = "lock_feed_heads" (tenants: &'a [Uuid]);
    /// Stores that feeds are at their beginning.
    InsertFeedHeads<'a> = "insert_feed_heads" (tenants: &'a [Uuid]);
    /// Numbers events that have no number, after the heads.
    NumberEvents<'a> = "number_events" (tenants: &'a [Uuid], places: &'a [i64]);
    /// Where feeds are, and whether events wait for a number.
    GetFeedStates<'a> = "get_feed_states" (tenants: &'a [Uuid]);
    /// Events of a tenant after a number.
    ReadFeed = "read_feed" (tenant: Uuid, after: i64, most: i64);
    /// Where an event is in the feed.
    FindFeedPlace = "find_feed_place" (tenant: Uuid, event: EventId);
    /// The last event up to a number that happened before a time.
    FindFeedPlaceBefore = "find_feed_place_before" (tenant: Uuid, number: i64, at: Timestamp);
    /// Of the thousand events up to a number, the first that comes after a cursor of the
    /// version before.
    FindFeedPlaceOfOld = "find_feed_place_of_old" (
        tenant: Uuid, position: i64, at: Timestamp, event: EventId, up_to: i64,
    );
    /// Wakes whoever watches in other processes.
    NotifyWatchers<'a> = "notify_watchers" (said: &'a str);
    /// The next tenant with events that wait for a number.
    NextWaitingTenant = "next_waiting_tenant" (after_tenant: Uuid);
    /// Tenants that have a feed.
    ListFeeds = "list_feeds" (after: Uuid);
    /// Lets a tenant's feed forget events from before a time.
    ForgetEvents = "forget_events" (tenant: Uuid, before: Timestamp, now: Timestamp);
    /// Deletes events from before a time that are no history of a request or a booking.
    DeleteOldEvents = "delete_old_events" (before: Timestamp);
}

/// How feeds are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looked {
    /// With others, or before them: they have little time.
    Together,
    /// By itself, and nobody waits for it.
    Apart,
}

impl Looked {
    async fn begin(self, schema: &Schema, tenants: &[Uuid]) -> Result<Tx, Fault> {
        match self {
            Self::Together => schema.db.begin_among(READER, tenants).await,
            Self::Apart => schema.db.begin_for(READER, tenants).await,
        }
    }
}

/// Events of a tenant that have just got their numbers.
#[derive(Debug)]
pub struct Numbered {
    pub tenant: Uuid,
    /// Where the head was before.
    pub head: i64,
    /// The event that has the number up to which the caller has read.
    pub at_place: Option<EventId>,
    pub events: Vec<PlacedEvent>,
}

/// Where a tenant's feed is.
#[derive(Debug, Clone, Copy)]
pub struct FeedState {
    pub head: i64,
    /// Events up to this number are no longer given.
    pub forgotten: i64,
    /// Whether events wait for a number.
    pub waiting: bool,
}

/// Where a cursor of the version before leads, as far as a thousand events say.
#[derive(Debug, Clone, Copy)]
pub struct OldLeads {
    /// After this number; `None` when none of them comes after it.
    pub number: Option<i64>,
    /// The number before them all; `None` when there are none.
    pub before_all: Option<i64>,
    /// It counts transactions that this cluster has not had.
    pub of_another_cluster: bool,
}

impl Store {
    /// Numbers events that have no number, in the order of their ticks, of those of these
    /// tenants that nobody else is numbering; each with the number up to which the caller
    /// has read.
    pub async fn number_events(&self, read_to: &[(Uuid, i64)], how: Looked) -> Result<Vec<Numbered>, Fault> {
        let tenants: &[Uuid] = &read_to.iter().map(|(tenant, _)| *tenant).collect::<Vec<_>>();
        self.read(async |schema| {
            let tx = how.begin(&schema, tenants).await?;
            let mut locked = tx.run(&LockFeedHeads { tenants }).await?;
            if locked.len() < tenants.len() && !tx.run(&InsertFeedHeads { tenants }).await?.is_empty() {
                locked = tx.run(&LockFeedHeads { tenants }).await?;
            }
            let locked = Columns::all(&locked, |row| row.next::<Uuid>("tenant_id"))?;
            let is_mine = |(tenant, _): &&(Uuid, i64)| locked.contains(tenant);
            let (mine, places): (Vec<Uuid>, Vec<i64>) = read_to.iter().filter(is_mine).copied().unzip();
            let number = NumberEvents { tenants: &mine, places: &places };
            numbered(&tx.run_last(&number).await.map_err(numbered_or_not)?)
        })
        .await
    }

    /// The same of one tenant, after whoever else is numbering, or has locked an event.
    pub async fn number_events_of(&self, tenant: TenantId) -> Result<(i64, Vec<PlacedEvent>), Fault> {
        let began = Instant::now();
        loop {
            let locked = match self.number_events(&[(tenant.uuid(), 0)], Looked::Apart).await {
                Ok(mut numbered) => match numbered.pop() {
                    Some(Numbered { head, events, .. }) => return Ok((head, events)),
                    None => numbered_by_others(),
                },
                Err(fault) if *fault.kind() == Kind::LockTimeout => fault,
                Err(fault) => return Err(fault),
            };
            if began.elapsed() > PATIENCE {
                return Err(locked);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Where feeds are.
    pub async fn feed_states(&self, tenants: &[Uuid], how: Looked) -> Result<Vec<(Uuid, FeedState)>, Fault> {
        self.read(async |schema| {
            let tx = how.begin(&schema, tenants).await?;
            Columns::all(&tx.run_last(&GetFeedStates { tenants }).await?, |row| {
                let (tenant, head) = (row.next("tenant_id")?, row.next("head")?);
                let state =
                    FeedState { head, forgotten: row.next("forgotten")?, waiting: row.next("waiting")? };
                Ok((tenant, state))
            })
        })
        .await
    }

    /// Where a tenant's feed is.
    pub async fn feed_state(&self, tenant: TenantId) -> Result<FeedState, Fault> {
        let state = self.feed_states(&[tenant.uuid()], Looked::Apart).await?.pop();
        state.map(|(_, state)| state).ok_or_else(|| lost_row("the feed's state"))
    }

    /// Events of a tenant after a number.
    pub async fn read_feed(
        &self,
        tenant: TenantId,
        after: i64,
        most: i64,
    ) -> Result<Vec<PlacedEvent>, Fault> {
        let tenant = tenant.uuid();
        self.read(async |schema| {
            Columns::all(&schema.db.run(tenant, &ReadFeed { tenant, after, most }).await?, |row| {
                placed(row.next("number")?, row)
            })
        })
        .await
    }

    /// The place after a number, with its event unless that is gone.
    pub async fn feed_place(&self, tenant: TenantId, number: i64) -> Result<FeedPlace, Fault> {
        let read = self.read_feed(tenant, number - 1, 1).await?;
        let of_number = read.first().map(|event| event.place).filter(|place| place.number == number);
        Ok(of_number.unwrap_or_else(|| FeedPlace::after(number)))
    }

    /// Where an event is: outside `None` when there is none, inside when it has no
    /// number yet.
    pub async fn find_feed_place(
        &self,
        tenant: TenantId,
        event: EventId,
    ) -> Result<Option<Option<FeedPlace>>, Fault> {
        let tenant = tenant.uuid();
        self.read(async |schema| {
            Columns::first(&schema.db.run(tenant, &FindFeedPlace { tenant, event }).await?, place)
        })
        .await
    }

    /// Of the thousand events up to a number, the last that happened before a time, or the
    /// first of them all when none did; and whether it happened before it.
    pub async fn find_feed_place_before(
        &self,
        tenant: TenantId,
        number: i64,
        at: Timestamp,
    ) -> Result<Option<(FeedPlace, bool)>, Fault> {
        let tenant = tenant.uuid();
        self.read(async |schema| {
            let find = FindFeedPlaceBefore { tenant, number, at };
            let found = Columns::first(&schema.db.run(tenant, &find).await?, |row| {
                let (place, is_before) = (place(row)?, row.or_empty("is_before")?);
                Ok(place.map(|place| (place, is_before)))
            })?;
            Ok(found.flatten())
        })
        .await
    }

    /// Where a cursor of the version before leads by the thousand events up to a number.
    pub async fn find_feed_place_of_old(
        &self,
        tenant: TenantId,
        old: OldPlace,
        up_to: i64,
    ) -> Result<OldLeads, Fault> {
        let tenant = tenant.uuid();
        let OldPlace { position, at, event } = old;
        self.read(async |schema| {
            let find = FindFeedPlaceOfOld { tenant, position, at, event, up_to };
            let leads = Columns::first(&schema.db.run(tenant, &find).await?, |row| {
                Ok(OldLeads {
                    number: row.next("number")?,
                    before_all: row.next("before_all")?,
                    of_another_cluster: row.next("of_another_cluster")?,
                })
            })?;
            leads.ok_or_else(|| lost_row("the place of a cursor"))
        })
        .await
    }

    /// Wakes whoever watches in other processes.
    pub async fn notify_watchers(&self, said: &str) -> Result<(), Fault> {
        self.schema().await?.db.run_global(&NotifyWatchers { said }).await.map(drop)
    }

    /// A connection on which this process hears that.
    pub async fn hear(&self) -> Result<pg::Listener, Fault> {
        self.schema().await?.db.listen(CHANNEL).await
    }

    /// The next tenant after one with events that wait for a number.
    pub async fn next_waiting_tenant(&self, after: Uuid) -> Result<Option<TenantId>, Fault> {
        let next = NextWaitingTenant { after_tenant: after };
        self.read(async |schema| {
            let rows = schema.db.begin_as(SWEEPER).await?.run_last(&next).await?;
            Columns::first(&rows, |row| row.next("tenant_id").map(TenantId::of_stored_row))
        })
        .await
    }

    /// Tenants that have a feed, after one.
    pub async fn list_feeds(&self, after: Uuid) -> Result<Vec<TenantId>, Fault> {
        self.read(async |schema| {
            let rows = schema.db.begin_as(SWEEPER).await?.run_last(&ListFeeds { after }).await?;
            Columns::all(&rows, |row| Ok(TenantId::of_stored_row(row.next("tenant_id")?)))
        })
        .await
    }

    /// Lets a tenant's feed forget events from before a time, as many as are looked at
    /// at once; whether there may be more.
    pub async fn forget_events(
        &self,
        tenant: TenantId,
        before: Timestamp,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let tenant = tenant.uuid();
        self.read(async |schema| {
            Ok(!schema.db.run(tenant, &ForgetEvents { tenant, before, now }).await?.is_empty())
        })
        .await
    }

    /// Deletes events from before a time that are forgotten and no history of a request or a
    /// booking, the oldest first; whether there may be more.
    pub async fn delete_old_events(&self, before: Timestamp) -> Result<bool, Fault> {
        self.read(async |schema| {
            let rows = schema.db.begin_as(SWEEPER).await?.run_last(&DeleteOldEvents { before }).await?;
            Ok(!rows.is_empty())
        })
        .await
    }
}

/// Whoever asks again finds numbers that were given, so that nobody has to know whether
/// they were.
fn numbered_or_not(fault: Fault) -> Fault {
    match fault.kind() {
        Kind::OutcomeUnknown => Fault::new(Kind::Unavailable, fault.to_string()),
        _ => fault,
    }
}

/// Why a feed waits that somebody else numbers.
pub fn numbered_by_others() -> Fault {
    Fault::new(Kind::LockTimeout, "somebody else has the head of the feed")
}

/// Rows by tenant, with one for each that had nothing to number.
fn numbered(rows: &[Row]) -> Result<Vec<Numbered>, Fault> {
    let mut all: Vec<Numbered> = Vec::new();
    for row in rows {
        let row = &mut Columns::of(row);
        let tenant = row.next("tenant_id")?;
        let (head, at_place) = (row.next("head")?, row.next("at_place")?);
        let number: Option<i64> = row.next("number")?;
        let event = number.map(|number| placed(number, row)).transpose()?;
        match all.last_mut() {
            Some(last) if last.tenant == tenant => last.events.extend(event),
            _ => all.push(Numbered { tenant, head, at_place, events: event.into_iter().collect() }),
        }
    }
    Ok(all)
}

fn place(row: &mut Columns<'_>) -> Result<Option<FeedPlace>, Fault> {
    let number: Option<i64> = row.next("number")?;
    let (at, event) = (time(row, "at")?, row.next("id")?);
    Ok(number.map(|number| FeedPlace { number, at, event: Some(event) }))
}

fn placed(number: i64, row: &mut Columns<'_>) -> Result<PlacedEvent, Fault> {
    let event = event(row)?;
    let place = FeedPlace { number, at: event.at, event: Some(event.id) };
    Ok(PlacedEvent { event, place })
}
