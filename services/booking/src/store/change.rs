//! One change that a call makes: a transaction whose last statement writes what
//! happened. How it is tried again is known in `attempts.rs`.
//!
//! - BEGIN travels with the first statement and COMMIT with the last, so a plain
//!   approve is two round trips. With an idempotency key, the answer is stored in the
//!   same transaction.
//! - A last statement without a row must not commit what came before it: ranges that
//!   were released, say.
//! - What follows of a change, an auto-decline, comes after its last statement: its
//!   events come in the feed after what the change itself had to wait for.
//! - Times of events are taken after the lock and are later than the row's last
//!   change, so that a history is in the order in which things happened whatever the
//!   clocks of the servers say.
//! - A change that is refused does not keep its idempotency key: the same call may be
//!   made again when its cause is gone.
//!
//! What a change decides is not known here.

use std::ops::ControlFlow;
use std::sync::Arc;

use access::TenantId;
use jiff::{SignedDuration, Timestamp};
use pg::{Fault, Kind, Query, Tx};
use tokio_postgres::Row;
use uuid::Uuid;

use super::attempts::{Before, Ended};
use super::database::{Schema, Store};
use super::keys::{AnswerKey, ClaimKey, GetKey, KEYS_KEPT, answered, key_in_use};
use crate::call::{Call, Key};
use crate::domain::actor::Actor;
use crate::domain::form;
use crate::domain::ids::{BookingId, EventId, RangeId, RowId, UserId};
use crate::domain::layout::Layout;
use crate::domain::version::{Expected, Version};
use crate::error::Error;

pg::parameters! {
    /// What every change writes beside what it changes; a statement takes of it what it
    /// needs.
    Stamp (
        at: Timestamp, actor_kind: &'static str, actor_id: Option<Uuid>, actor_user: Option<UserId>, event: EventId
    );
}

impl Stamp {
    /// By whom, when, and which event.
    pub(super) fn of(actor: Actor, at: Timestamp, event: EventId) -> Self {
        Self { at, actor_kind: actor.kind(), actor_id: actor.id(), actor_user: actor.user(), event }
    }
}

/// What a call does to the database.
pub trait Work: Sync {
    /// What came of it.
    type Outcome: Send;

    /// Makes the change, once. It may be made again with another [`Change`].
    fn attempt(&self, change: Change) -> impl Future<Output = Result<Attempt<Self::Outcome>, Error>> + Send;
}

/// How an attempt at a change ended.
#[derive(Debug)]
pub enum Attempt<O> {
    /// It is made, or was made before.
    Done(Finished<O>),
    /// Nothing was stored, and what was read does not tell why: it is made again
    /// [with locks](Change::with_locks).
    NeedsLocks,
    /// The same, and this is what is answered when the locks do not tell either.
    NeedsLocksOr(Error),
}

/// A change that has had its last statement.
#[derive(Debug)]
pub struct Finished<O> {
    outcome: O,
    /// Present until it is committed.
    open: Option<Box<Change>>,
    /// Whether an event was written, for which watchers wait.
    event_written: bool,
}

/// A change under way. Dropping it undoes it.
#[derive(Debug)]
pub struct Change {
    pub(super) tx: Tx,
    pub(super) call: Call,
    /// What time it is, for rules and local days.
    now: Timestamp,
    /// When it happens, for its records.
    pub(super) at: Timestamp,
    /// The event that it writes.
    pub(super) event: EventId,
    /// Whether something was written that the last statement must not commit when it
    /// gives no row.
    pub(super) wrote: bool,
    /// What follows of the change, after the statement that makes it.
    pub(super) follows: Option<Box<dyn Query + Send>>,
    /// Requests, bookings and ranges that it writes.
    pub(super) writes: Vec<RowId>,
    with_locks: bool,
    pub(super) schema: Arc<Schema>,
    store: Store,
}

impl Store {
    /// Makes a change of a call that has no idempotency key.
    pub async fn change<W: Work>(&self, call: &Call, work: &W) -> Result<W::Outcome, Error> {
        self.change_after(Before::default(), call, work).await
    }

    /// The same for a call whose change was tried before.
    pub async fn change_after<W: Work>(
        &self,
        before: Before,
        call: &Call,
        work: &W,
    ) -> Result<W::Outcome, Error> {
        let _turn = self.turn(call.tenant).await?;
        self.attempts_after(before, async |schema, with_locks| {
            let change = self.begin(schema, call, with_locks).await?;
            match work.attempt(change).await? {
                Attempt::Done(finished) => Ok(Ended::Done(finished.commit().await?)),
                undecided => Ok(undecided.ended()),
            }
        })
        .await
    }

    /// Makes a change once for an idempotency key, and gives the answer that is stored
    /// with the key, which `encode` makes of the first outcome.
    pub async fn change_once<W: Work>(
        &self,
        call: &Call,
        key: &Key,
        work: &W,
        encode: impl Fn(&W::Outcome) -> Vec<u8> + Sync,
    ) -> Result<Vec<u8>, Error> {
        let encode = &encode;
        let _turn = self.turn(call.tenant).await?;
        self.attempts(async |schema, with_locks| {
            let change = match self.begin(schema, call, with_locks).await?.claim(key).await? {
                ControlFlow::Continue(change) => change,
                ControlFlow::Break(answer) => return Ok(Ended::Done(answer)),
            };
            match work.attempt(change).await? {
                Attempt::Done(finished) => Ok(Ended::Done(finished.commit_with(key, encode).await?)),
                undecided => Ok(undecided.ended()),
            }
        })
        .await
    }

    /// Wakes whoever waits for an event that is committed, and has the rows looked at
    /// that it wrote.
    pub(super) fn wake(&self, tenant: TenantId, writes: &[RowId]) {
        self.new_events.add(tenant);
        self.own_writes.note(tenant.uuid(), writes);
    }

    async fn begin(&self, schema: Arc<Schema>, call: &Call, with_locks: bool) -> Result<Change, Fault> {
        let at = Timestamp::now();
        Ok(Change {
            tx: schema.db.begin(call.tenant.uuid()).await?,
            call: call.clone(),
            now: at,
            at,
            event: Change::new_event(),
            wrote: false,
            follows: None,
            writes: Vec::new(),
            with_locks,
            schema,
            store: self.clone(),
        })
    }
}

/// What time it is, and when something is recorded that happens to a locked row now.
pub(super) fn times_after(last_change: Timestamp) -> (Timestamp, Timestamp) {
    let step = SignedDuration::from_micros(1);
    let now = Timestamp::now();
    // As the database keeps it.
    let now = Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now);
    // Another program may have written a time that nobody can name, or the last one of all.
    let next = form::shown(last_change).and_then(|last| form::shown(last.checked_add(step).ok()?));
    (now, next.map_or(now, |next| now.max(next)))
}

impl Change {
    /// Claims an idempotency key for what follows, or breaks with the answer that is
    /// stored with it. A change that is undone gives the key back.
    async fn claim(mut self, key: &Key) -> Result<ControlFlow<Vec<u8>, Self>, Error> {
        let (tenant, at) = (self.tenant(), self.at);
        let claim = ClaimKey { tenant, key: &key.text, request_hash: &key.hash, at, old: at - KEYS_KEPT };
        let claimed = match self.tx.run(&claim).await {
            Err(fault) if *fault.kind() == Kind::LockTimeout => return Err(key_in_use()),
            claimed => claimed?,
        };
        if claimed.is_empty() {
            let stored = self.tx.run_last(&GetKey { tenant, key: &key.text }).await?;
            return answered(&stored, key).map(ControlFlow::Break);
        }
        self.wrote = true;
        Ok(ControlFlow::Continue(self))
    }

    /// How requests are stored.
    pub fn layout(&self) -> Layout {
        self.schema.found.layout
    }

    /// Whether an earlier attempt could not be decided: this one reads what surrounds
    /// the record before it decides, with locks where others may change it.
    pub fn with_locks(&self) -> bool {
        self.with_locks
    }

    /// What time it is, after the lock that was last waited for. Whatever is decided by
    /// the time is decided by this, as readers decide it: when the change is recorded may
    /// be later, if another program wrote a time that has not come.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Refuses when the resource has another version than the call expects.
    pub fn check_version(&self, current: Version) -> Result<(), Error> {
        self.call.check_version(current)
    }

    /// Whether the call says which version the resource must have, so that it has to
    /// be locked and looked at.
    pub fn expects_version(&self) -> bool {
        self.call.expects_version()
    }

    /// The version was checked: what is done now may look at other rows.
    pub fn is_expected(&mut self) {
        self.call.expected = Expected::Any;
    }

    /// An id for a booking.
    pub fn new_booking() -> BookingId {
        BookingId(Uuid::now_v7())
    }

    /// An id for an inventory range.
    pub fn new_range() -> RangeId {
        RangeId(Uuid::now_v7())
    }

    /// An id for an event.
    pub(super) fn new_event() -> EventId {
        EventId(Uuid::now_v7())
    }

    /// Nothing is committed by a statement that would be the last: more follows, see
    /// [`Finished::with_last_word`].
    pub fn more_follows(&mut self) {
        self.wrote = true;
    }

    /// Ends a change that turned out to have been made before, or to have nothing
    /// to do.
    pub fn settle<O>(self, outcome: O) -> Finished<O> {
        Finished { outcome, open: Some(Box::new(self)), event_written: false }
    }

    pub(super) fn tenant(&self) -> Uuid {
        self.call.tenant.uuid()
    }

    /// When it happens, by whom, and the event that it writes.
    pub(super) fn stamp(&self) -> Stamp {
        Stamp::of(self.call.actor, self.at, self.event)
    }

    /// Now that a row is locked, the change is later than the row's last one,
    /// however long the lock took and whatever other servers' clocks say: so
    /// histories are in the order in which things happened.
    pub(super) fn comes_after(&mut self, last_change: Timestamp) {
        let (now, at) = times_after(last_change);
        self.now = now;
        // And later than another row's, when several are locked.
        self.at = at.max(self.at);
    }

    /// Runs the last statement, which writes the event; the outcome is made of its
    /// rows. Without one, nothing is stored, and nothing follows.
    pub(super) async fn finish<O>(
        self,
        statement: &dyn Query,
        outcome: impl FnOnce(&[Row]) -> Result<Option<O>, Fault>,
    ) -> Result<Option<Finished<O>>, Fault> {
        if !self.wrote && self.follows.is_none() {
            // It is the only one that writes, and without a row it has changed nothing.
            let rows = self.tx.run_last(statement).await?;
            let outcome = outcome(&rows)?;
            if outcome.is_some() {
                self.store.wake(self.call.tenant, &self.writes);
            }
            return Ok(outcome.map(|outcome| Finished { outcome, open: None, event_written: true }));
        }
        let rows = self.tx.run(statement).await?;
        Ok(outcome(&rows)?.map(|outcome| Finished { event_written: true, ..self.settle(outcome) }))
    }
}

impl<O> Attempt<O> {
    /// How an attempt that is not done ends.
    fn ended<T>(self) -> Ended<T, Error> {
        match self {
            Self::NeedsLocksOr(error) => Ended::NeedsLocks(Some(error)),
            Self::Done(_) | Self::NeedsLocks => Ended::NeedsLocks(None),
        }
    }

    /// The same attempt with another outcome.
    pub fn map<P>(self, outcome: impl FnOnce(O) -> P) -> Attempt<P> {
        match self {
            Self::Done(finished) => Attempt::Done(finished.map(outcome)),
            Self::NeedsLocks => Attempt::NeedsLocks,
            Self::NeedsLocksOr(error) => Attempt::NeedsLocksOr(error),
        }
    }
}

impl<O> Finished<O> {
    /// The same change with another outcome.
    pub fn map<P>(self, outcome: impl FnOnce(O) -> P) -> Finished<P> {
        Finished { outcome: outcome(self.outcome), open: self.open, event_written: self.event_written }
    }

    /// What came of it.
    pub fn outcome(&self) -> &O {
        &self.outcome
    }

    /// The same change, which writes this row, too.
    pub(super) fn writing(mut self, row: RowId) -> Self {
        if let Some(change) = &mut self.open {
            change.writes.push(row);
        }
        self
    }

    /// Runs what follows the statement that would have been the last, and writes the
    /// event of it all.
    pub(super) async fn with_last_word(
        self,
        word: impl AsyncFnOnce(&Change) -> Result<(), Fault>,
    ) -> Result<Self, Fault> {
        word(self.open()?).await?;
        Ok(Self { event_written: true, ..self })
    }

    /// The change, which is still open because more follows.
    pub(super) fn open(&self) -> Result<&Change, Fault> {
        let open = self.open.as_deref();
        open.ok_or_else(|| Fault::new(Kind::Other, "the change was committed before its last word"))
    }

    async fn commit(self) -> Result<O, Fault> {
        let Some(change) = self.open else { return Ok(self.outcome) };
        let Change { tx, call, store, follows, writes, .. } = *change;
        match follows {
            Some(follows) => drop(tx.run_last(&*follows).await?),
            None => tx.commit().await?,
        }
        if self.event_written {
            store.wake(call.tenant, &writes);
        }
        Ok(self.outcome)
    }

    /// Commits with the answer that is stored for a key, and gives it.
    async fn commit_with(self, key: &Key, encode: impl Fn(&O) -> Vec<u8>) -> Result<Vec<u8>, Fault> {
        let Some(change) = self.open else {
            return Err(Fault::new(Kind::Other, "the change was committed without its key"));
        };
        let Change { tx, call, store, follows, writes, .. } = *change;
        if let Some(follows) = follows {
            tx.run(&*follows).await?;
        }
        let answer = encode(&self.outcome);
        let keep = AnswerKey { tenant: call.tenant.uuid(), key: &key.text, answer: &answer };
        tx.run_last(&keep).await?;
        if self.event_written {
            store.wake(call.tenant, &writes);
        }
        Ok(answer)
    }
}
