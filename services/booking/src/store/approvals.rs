//! Statements that approve several requests of a tenant in one transaction, each for a
//! call of its own: what `requests.rs` and `decisions.rs` do for one. Which requests may
//! go together, and which calls wait for each other, is decided by the changes.

use std::collections::{HashMap, HashSet};

use access::TenantId;
use jiff::Timestamp;
use pg::{Columns, Fault, Kind, Turn, Tx};
use uuid::Uuid;

use super::change::{Change, times_after};
use super::database::Store;
use super::properties::terms;
use super::requests::{LockedRequest, booking_request};
use crate::domain::actor::Actor;
use crate::domain::ids::{BookingId, BookingRequestId, EventId, RangeId, RowId};
use crate::domain::layout::Layout;

pg::statements! {
    /// Locks those of several booking requests that nobody else has locked.
    LockBookingRequests = "lock_booking_requests" (tenant: Uuid, ids: Vec<BookingRequestId>);
    /// Makes the bookings of several requests out of nothing, in the standard layout.
    BookRequests<'a> = "book_requests" (
        tenant: Uuid, ids: Vec<BookingRequestId>, bookings: Vec<BookingId>, ranges: Vec<RangeId>,
        events: Vec<EventId>, times: Vec<Timestamp>, actor_kinds: Vec<&'static str>,
        actor_ids: Vec<Option<Uuid>>, notes: Vec<&'a str>,
    );
}

/// Approvals of several calls under way. Dropping it undoes them.
#[derive(Debug)]
pub struct Approvals {
    tx: Tx,
    tenant: TenantId,
    layout: Layout,
    store: Store,
    _turn: Turn,
}

/// A request that is locked with others.
#[derive(Debug)]
pub struct LockedTogether {
    pub locked: LockedRequest,
    /// What time it is, for rules and local days.
    pub now: Timestamp,
    /// When it is recorded as approved.
    pub at: Timestamp,
}

/// A request that is booked with others.
#[derive(Debug)]
pub struct BookedTogether<'a> {
    pub request: BookingRequestId,
    pub booking: BookingId,
    pub at: Timestamp,
    pub actor: Actor,
    pub note: &'a str,
}

impl Store {
    /// Whether requests can be booked together in this database, as far as it is known:
    /// where bookings are rows of their own, and every column is what the migrations made.
    /// What a column of another type does to a call is found out with that call alone.
    pub fn books_together(&self) -> bool {
        self.known.get().is_some_and(|schema| {
            !schema.found.layout.request_is_its_booking() && schema.found.doubtful.is_empty()
        })
    }

    /// Begins approvals of a tenant, which wait for their turn like one change.
    pub async fn begin_approvals(&self, tenant: TenantId) -> Result<Approvals, Fault> {
        let turn = self.turn(tenant).await?;
        let schema = self.schema().await?;
        let tx = schema.db.begin_briefly(tenant.uuid()).await?;
        Ok(Approvals { tx, tenant, layout: schema.found.layout, store: self.clone(), _turn: turn })
    }
}

impl Approvals {
    /// How requests are stored.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Locks those requests that nobody else has locked, and gives those that can be read.
    pub async fn lock(
        &self,
        ids: Vec<BookingRequestId>,
    ) -> Result<HashMap<BookingRequestId, LockedTogether>, Fault> {
        let rows = self.tx.run(&LockBookingRequests { tenant: self.tenant.uuid(), ids }).await?;
        let mut readable = HashMap::with_capacity(rows.len());
        for row in &rows {
            match locked_together(&mut Columns::of(row)) {
                Ok(one) => drop(readable.insert(one.locked.request.id, one)),
                // Its own call, which approves it alone, gets the fault.
                Err(fault) if matches!(fault.kind(), Kind::Unreadable { .. }) => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(readable)
    }

    /// Makes bookings of locked requests, each with its range, the request's new status and
    /// the event, and commits. Gives the requests that were booked; the dates of the others
    /// are taken, and nothing of them is stored.
    pub async fn book(self, together: &[BookedTogether<'_>]) -> Result<HashSet<BookingRequestId>, Fault> {
        let Self { tx, tenant, store, _turn, layout: _ } = self;
        let of_each = || together.iter();
        let book = BookRequests {
            tenant: tenant.uuid(),
            ids: of_each().map(|one| one.request).collect(),
            bookings: of_each().map(|one| one.booking).collect(),
            ranges: of_each().map(|_| Change::new_range()).collect(),
            events: of_each().map(|_| Change::new_event()).collect(),
            times: of_each().map(|one| one.at).collect(),
            actor_kinds: of_each().map(|one| one.actor.kind()).collect(),
            actor_ids: of_each().map(|one| one.actor.id()).collect(),
            notes: of_each().map(|one| one.note).collect(),
        };
        let rows = tx.run_last(&book).await?;
        let stored: HashSet<BookingRequestId> =
            Columns::all(&rows, |row| row.next("booking_request_id"))?.into_iter().collect();
        let written = of_each().filter(|one| stored.contains(&one.request));
        let writes: Vec<RowId> =
            written.flat_map(|one| [RowId(one.request.0), RowId(one.booking.0)]).collect();
        if !writes.is_empty() {
            store.wake(tenant, &writes);
        }
        Ok(stored)
    }
}

fn locked_together(row: &mut Columns<'_>) -> Result<LockedTogether, Fault> {
    let request = booking_request(row)?;
    let (now, at) = times_after(request.updated_at);
    let locked = LockedRequest { request, auto_decline: row.next("auto_decline")?, terms: terms(row)? };
    Ok(LockedTogether { locked, now, at })
}
