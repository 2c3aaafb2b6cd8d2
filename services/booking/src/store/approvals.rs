//! Statements that approve several requests in one transaction, each for a call of its own:
//! what `requests.rs` and `decisions.rs` do for one. A tenant's are one statement, which
//! sees its rows alone, and those of several tenants travel in one message. Which requests
//! may go together, and which calls wait for each other, is decided by the changes.

use std::collections::{BTreeMap, HashMap, HashSet};

use access::TenantId;
use jiff::Timestamp;
use pg::{Columns, Fault, Kind, Query, Turn, Tx};
use uuid::Uuid;

use super::change::{Change, Stamp, times_after};
use super::database::Store;
use super::decisions::Book;
use super::properties::terms;
use super::requests::{LockedRequest, booking_request};
use crate::domain::actor::Actor;
use crate::domain::event::EventKind;
use crate::domain::ids::{BookingId, BookingRequestId, EventId, RangeId, RowId, UserId};
use crate::domain::layout::Layout;

pg::statements! {
    /// Locks those of several booking requests that nobody else has locked.
    LockBookingRequests = "lock_booking_requests" (tenant: Uuid, ids: Vec<BookingRequestId>);
    /// Makes the bookings of several requests out of nothing, in the standard layout.
    BookRequests<'a> = "book_requests" (
        tenant: Uuid, ids: Vec<BookingRequestId>, bookings: Vec<BookingId>, ranges: Vec<RangeId>,
        events: Vec<EventId>, times: Vec<Timestamp>, actor_kinds: Vec<&'static str>,
        actor_ids: Vec<Option<Uuid>>, actor_users: Vec<Option<UserId>>, notes: Vec<&'a str>,
    );
}

/// Approvals of several calls under way. Dropping it undoes them.
#[derive(Debug)]
pub struct Approvals {
    tx: Tx,
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

    /// Begins approvals of some tenants, which wait for their turn like one change.
    pub async fn begin_approvals(&self, tenants: Vec<TenantId>) -> Result<Approvals, Fault> {
        let tenants: Vec<Uuid> = tenants.into_iter().map(TenantId::uuid).collect();
        let turn = self.turn_of(&tenants).await?;
        let schema = self.schema().await?;
        let tx = schema.db.begin_together(&tenants).await?;
        Ok(Approvals { tx, layout: schema.found.layout, store: self.clone(), _turn: turn })
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
        of: BTreeMap<TenantId, Vec<BookingRequestId>>,
    ) -> Result<HashMap<(TenantId, BookingRequestId), LockedTogether>, Fault> {
        let of: Vec<_> =
            of.into_iter().map(|(of, ids)| (of, LockBookingRequests { tenant: of.uuid(), ids })).collect();
        let each: Vec<(Uuid, &dyn Query)> =
            of.iter().map(|(tenant, lock)| (tenant.uuid(), lock as &dyn Query)).collect();
        let mut readable = HashMap::new();
        for ((tenant, _), rows) in of.iter().zip(self.tx.run_each(&each).await?) {
            for row in &rows {
                match locked_together(&mut Columns::of(row)) {
                    Ok(one) => drop(readable.insert((*tenant, one.locked.request.id), one)),
                    // The call that approves that one alone is told.
                    Err(fault) if matches!(fault.kind(), Kind::Unreadable { .. }) => {}
                    Err(fault) => return Err(fault),
                }
            }
        }
        Ok(readable)
    }

    /// Makes bookings of locked requests, each with its range, the request's new status and
    /// the event, and commits. Gives the requests that were booked; the dates of the others
    /// are taken, and nothing of them is stored.
    pub async fn book(
        self,
        of: Vec<(TenantId, Vec<BookedTogether<'_>>)>,
    ) -> Result<HashSet<(TenantId, BookingRequestId)>, Fault> {
        let Self { tx, store, _turn, layout: _ } = self;
        let books: Vec<Box<dyn Query + Send + '_>> =
            of.iter().map(|(tenant, all)| book(*tenant, all)).collect();
        let each: Vec<(Uuid, &dyn Query)> =
            of.iter().zip(&books).map(|((tenant, _), book)| (tenant.uuid(), &**book as &dyn Query)).collect();
        let rows = tx.run_each_last(&each).await?;
        let mut booked = HashSet::new();
        for ((tenant, all), rows) in of.iter().zip(&rows) {
            let stored: HashSet<BookingId> =
                Columns::all(rows, |row| row.next("booking_id"))?.into_iter().collect();
            let written = || all.iter().filter(|one| stored.contains(&one.booking));
            let writes: Vec<RowId> =
                written().flat_map(|one| [RowId(one.request.0), RowId(one.booking.0)]).collect();
            if !writes.is_empty() {
                store.wake(*tenant, &writes);
            }
            booked.extend(written().map(|one| (*tenant, one.request)));
        }
        Ok(booked)
    }
}

/// What books the requests of a tenant: of one, what books it for a call alone.
fn book<'a>(tenant: TenantId, all: &'a [BookedTogether<'_>]) -> Box<dyn Query + Send + 'a> {
    let tenant = tenant.uuid();
    if let [one] = all {
        return Box::new(Book {
            tenant,
            id: one.request,
            booking: one.booking,
            range: Change::new_range(),
            note: one.note,
            kind: EventKind::Approved.name(),
            evidence: "",
            overridden: None,
            with: Stamp::of(one.actor, one.at, Change::new_event()),
        });
    }
    let of_each = || all.iter();
    Box::new(BookRequests {
        tenant,
        ids: of_each().map(|one| one.request).collect(),
        bookings: of_each().map(|one| one.booking).collect(),
        ranges: of_each().map(|_| Change::new_range()).collect(),
        events: of_each().map(|_| Change::new_event()).collect(),
        times: of_each().map(|one| one.at).collect(),
        actor_kinds: of_each().map(|one| one.actor.kind()).collect(),
        actor_ids: of_each().map(|one| one.actor.id()).collect(),
        actor_users: of_each().map(|one| one.actor.user()).collect(),
        notes: of_each().map(|one| one.note).collect(),
    })
}

fn locked_together(row: &mut Columns<'_>) -> Result<LockedTogether, Fault> {
    let request = booking_request(row)?;
    let (now, at) = times_after(request.updated_at);
    let locked = LockedRequest { request, auto_decline: row.next("auto_decline")?, terms: terms(row) };
    Ok(LockedTogether { locked, now, at })
}
