//! Statements about rows that may contradict others: what is known of them, as it is
//! now, and what is judged of it. The list, the check in the background and the change
//! that puts a row right read the same facts; where the rows to be judged come from is
//! not known here.

use access::TenantId;
use pg::{Columns, Fault, Tx};
use tokio_postgres::Row;
use uuid::Uuid;

use super::change::{Change, Finished};
use super::database::Store;
use super::foreign::{booking_status, time};
use super::requests::booking_request;
use super::surroundings;
use super::unreadable::{self, Record};
use crate::domain::approval::Surroundings;
use crate::domain::booking::Booking;
use crate::domain::form::LONG_AGO;
use crate::domain::ids::{BookingId, BookingRequestId, GuestId, RowId};
use crate::domain::inconsistency::{Inconsistency, Subject};
use crate::domain::judgement::{self, BookingFacts, Deleted, Place, RangeFacts, RowFacts, UnreadableFacts};
use crate::domain::layout::Layout;
use crate::domain::request::BookingRequest;
use crate::domain::rules::Terms;

pg::statements! {
    /// The rows that may contradict others because one of these was written.
    ListConcernedRows<'a> = "list_concerned_rows" (tenant: Uuid, rows: &'a [RowId]);
    /// Requests with what surrounds them.
    ListRequestFacts<'a> = "list_request_facts" (tenant: Uuid, rows: &'a [RowId]);
    /// Bookings as far as their nights are concerned, deleted ones too.
    ListBookingFacts<'a> = "list_booking_facts" (tenant: Uuid, rows: &'a [RowId]);
    /// Ranges and whether what they belong to stands.
    ListRangeFacts<'a> = "list_range_facts" (tenant: Uuid, rows: &'a [RowId]);
    /// Locks a range.
    LockRange = "lock_range" (tenant: Uuid, row: RowId);
    /// Requests, bookings and ranges that cannot be shown.
    ListUnreadable<'a> = "standard/list_unreadable" | "single_table/list_unreadable" (tenant: Uuid, rows: &'a [RowId]);
    /// Locks a request, whatever it holds, and reads whose it is.
    LockRequestRow = "lock_request_row" (tenant: Uuid, row: RowId);
    /// Locks a booking, whatever it holds and even if it was deleted.
    LockBookingRow = "lock_booking_row" (tenant: Uuid, row: RowId);
}

/// Rows that are to be judged.
#[derive(Debug, Default)]
pub struct Suspects {
    pub requests: Vec<RowId>,
    pub bookings: Vec<RowId>,
    pub ranges: Vec<RowId>,
    pub properties: Vec<RowId>,
    pub customers: Vec<RowId>,
}

/// A locked row with what is known of it, and what is wrong with it.
#[derive(Debug)]
pub struct Judged {
    pub facts: RowFacts,
    /// Whose request it is, if it is one.
    pub guest: Option<GuestId>,
    /// The booking, when the row is one that can be shown.
    pub booking: Option<Booking>,
    /// Whether the tenant wants competitors of an approved request declined.
    pub auto_decline: bool,
    /// What the property asks of a stay, when the row is a request; a fault where that cannot
    /// be read.
    pub terms: Result<Option<Terms>, Fault>,
    pub wrong: Vec<Inconsistency>,
}

impl Suspects {
    /// Every row.
    pub fn all(&self) -> Vec<RowId> {
        let Self { requests, bookings, ranges, properties, customers } = self;
        [&requests[..], bookings, ranges, properties, customers].concat()
    }

    /// A row of whatever table.
    pub(super) fn push(&mut self, row: RowId) {
        let Self { requests, bookings, ranges, properties, customers } = self;
        for rows in [requests, bookings, ranges, properties, customers] {
            rows.push(row);
        }
    }

    /// What may contradict others because these rows were written.
    pub(super) async fn concerned(tx: &Tx, tenant: Uuid, rows: &[RowId]) -> Result<Self, Fault> {
        let mut found = Self::default();
        if rows.is_empty() {
            return Ok(found);
        }
        for row in tx.run(&ListConcernedRows { tenant, rows }).await? {
            let mut row = Columns::of(&row);
            let rows = subject(&mut row)?;
            let id = row.next("id")?;
            match rows {
                Subject::Request => found.requests.push(id),
                Subject::Booking => found.bookings.push(id),
                Subject::Range => found.ranges.push(id),
                Subject::Property => found.properties.push(id),
                Subject::Customer => found.customers.push(id),
            }
        }
        Ok(found)
    }
}

/// The next column: what a row is.
fn subject(row: &mut Columns<'_>) -> Result<Subject, Fault> {
    row.word("subject", |word| match word {
        "request" => Some(Subject::Request),
        "booking" => Some(Subject::Booking),
        "range" => Some(Subject::Range),
        "property" => Some(Subject::Property),
        "customer" => Some(Subject::Customer),
        _ => None,
    })
}

/// What is wrong with these rows, in the order of the list.
pub(super) async fn judge(
    tx: &Tx,
    tenant: Uuid,
    layout: Layout,
    suspects: &Suspects,
) -> Result<Vec<Inconsistency>, Fault> {
    let Suspects { requests, bookings, ranges, properties, customers } = suspects;
    let mut found = unreadable::judge(tx, tenant, properties, customers).await?;
    let shown = [&requests[..], bookings].concat();
    // A row of the single table is both.
    let (requests, bookings) =
        if layout.request_is_its_booking() { (&shown, &shown) } else { (requests, bookings) };
    let all = [&shown[..], ranges].concat();
    if !all.is_empty() {
        let rows = tx.run(&ListUnreadable { tenant, rows: &all }).await?;
        for facts in Columns::all(&rows, unreadable_facts)? {
            found.extend(judgement::of_unreadable(&facts));
        }
    }
    if !requests.is_empty() {
        let rows = tx.run(&ListRequestFacts { tenant, rows: requests }).await?;
        for (mut request, around) in requests_with_surroundings(&rows)? {
            request.linked = around.linked;
            found.extend(judgement::of_request(&request, layout, &around));
        }
    }
    if !bookings.is_empty() {
        let rows = tx.run(&ListBookingFacts { tenant, rows: bookings }).await?;
        for facts in Columns::shown(&rows, booking_facts)?.rows {
            found.extend(judgement::of_booking(&facts));
        }
    }
    if !ranges.is_empty() {
        let rows = tx.run(&ListRangeFacts { tenant, rows: ranges }).await?;
        for facts in Columns::shown(&rows, range_facts)?.rows {
            found.extend(judgement::of_range(&facts));
        }
    }
    found.sort_by_key(Inconsistency::place);
    found.dedup_by_key(|one| one.place());
    Ok(found)
}

impl Store {
    /// What is wrong with a request, booking or range.
    pub async fn wrong_with(&self, tenant: TenantId, row: RowId) -> Result<Vec<Inconsistency>, Fault> {
        let tenant = tenant.uuid();
        self.read(async |schema| {
            let tx = schema.db.begin(tenant).await?;
            let rows = || vec![row];
            let suspects =
                Suspects { requests: rows(), bookings: rows(), ranges: rows(), ..Suspects::default() };
            let found = judge(&tx, tenant, schema.found.layout, &suspects).await?;
            tx.commit().await?;
            Ok(found)
        })
        .await
    }
}

impl Change {
    /// Locks a row of whatever table, with what surrounds it, and judges it. `None`
    /// when the tenant has no such row.
    pub async fn lock_judged(&mut self, row: RowId) -> Result<Option<Judged>, Fault> {
        let (tenant, layout) = (self.tenant(), self.layout());
        self.lock_property_of(row).await?;
        let locked = self.tx.run(&LockRequestRow { tenant, row }).await?;
        let locked = Columns::first(&locked, |row| {
            Ok((row.or_empty::<Option<GuestId>>("guest_id")?, time(row, "updated_at")?))
        })?;
        let guest = locked.map(|(guest, updated_at)| {
            self.comes_after(updated_at);
            guest
        });
        let is_booking = self.lock_booking_row(row).await?;
        let range = self.lock_range(row).await?;
        let unshown = self.tx.run(&ListUnreadable { tenant, rows: &[row] }).await?;
        let mut unreadable = Columns::first(&unshown, unreadable_facts)?;
        let mut shown = None;
        if guest.is_none()
            && !is_booking
            && range.is_none()
            && let Some(record) = self.lock_record(row).await?
        {
            let Record { version, unreadable: of_record } = record;
            (shown, unreadable) = (Some(version), of_record);
        }
        let mut judged = Judged {
            facts: RowFacts { request: None, booking: None, range, unreadable, shown },
            guest: guest.flatten(),
            booking: None,
            auto_decline: false,
            terms: Ok(None),
            wrong: Vec::new(),
        };
        let is_judged = judged.facts.unreadable.as_ref().is_none_or(UnreadableFacts::is_judged);
        if guest.is_some() && is_judged {
            let locked = self.lock_booking_request(BookingRequestId(row.0)).await?;
            if let Some(mut locked) = locked {
                let around = self.lock_surroundings(&locked.request).await?;
                locked.request.linked = around.linked;
                (judged.auto_decline, judged.terms) = (locked.auto_decline, locked.terms);
                judged.facts.request = Some((locked.request, around));
            }
        }
        if is_booking && is_judged {
            judged.booking = self.lock_booking(BookingId(row.0)).await?.map(|locked| locked.booking);
            let rows = self.tx.run(&ListBookingFacts { tenant, rows: &[row] }).await?;
            judged.facts.booking = Columns::first(&rows, booking_facts)?;
        }
        judged.wrong = judged.facts.wrong(layout);
        Ok((!judged.facts.is_nothing()).then_some(judged))
    }

    /// Locks a range, after the booking that it belongs to, as whoever changes a booking
    /// does.
    async fn lock_range(&mut self, row: RowId) -> Result<Option<RangeFacts>, Fault> {
        let tenant = self.tenant();
        let read = ListRangeFacts { tenant, rows: &[row] };
        let Some(range) = Columns::first(&self.tx.run(&read).await?, range_facts)? else { return Ok(None) };
        if let Some(source) = range.source {
            self.lock_booking_row(RowId(source.0)).await?;
        }
        self.tx.run(&LockRange { tenant, row }).await?;
        // It does not tell when it was changed.
        self.comes_after(LONG_AGO);
        Columns::first(&self.tx.run(&read).await?, range_facts)
    }

    /// Locks a booking, whatever it holds; says whether there is one.
    async fn lock_booking_row(&mut self, row: RowId) -> Result<bool, Fault> {
        let rows = self.tx.run(&LockBookingRow { tenant: self.tenant(), row }).await?;
        let updated_at = Columns::first(&rows, |row| time(row, "updated_at"))?;
        if let Some(updated_at) = updated_at {
            self.comes_after(updated_at);
        }
        Ok(updated_at.is_some())
    }
}

impl<O> Finished<O> {
    /// Whether a row that was deleted is in the way of others even so. What the constraint
    /// goes by besides the status, and what triggers make of that, the database knows.
    pub async fn leaves_in_the_way(&self, row: RowId) -> Result<bool, Fault> {
        let change = self.open()?;
        let rows = change.tx.run(&ListBookingFacts { tenant: change.tenant(), rows: &[row] }).await?;
        let facts = Columns::first(&rows, booking_facts)?;
        Ok(facts.is_some_and(|facts| facts.deleted == Deleted::InTheWay))
    }
}

/// Requests come once for each part of their surroundings, one after the other.
fn requests_with_surroundings(rows: &[Row]) -> Result<Vec<(BookingRequest, Surroundings)>, Fault> {
    let mut found: Vec<(BookingRequest, Surroundings)> = Vec::new();
    Columns::shown(rows, |row| {
        let request = booking_request(row)?;
        if found.last().is_none_or(|(last, _)| last.id != request.id) {
            found.push((request, Surroundings::default()));
        }
        let part: Option<&str> = row.next("part")?;
        let part = part.and_then(surroundings::Part::from_name);
        match (part, found.last_mut()) {
            (Some(part), Some((_, around))) => surroundings::add(around, part, row),
            _ => Ok(()),
        }
    })?;
    Ok(found)
}

fn booking_facts(row: &mut Columns<'_>) -> Result<BookingFacts, Fault> {
    Ok(BookingFacts {
        id: row.next("id")?,
        status: booking_status(row)?.0,
        deleted: match (row.next("deleted")?, row.next("in_the_way")?) {
            (false, _) => Deleted::No,
            (true, false) => Deleted::Yes,
            (true, true) => Deleted::InTheWay,
        },
        freed_in_the_way: row.next("freed_in_the_way")?,
        has_range: row.next("has_range")?,
        range_free: row.next("range_free")?,
        row_version: row.or_empty("row_version")?,
    })
}

fn range_facts(row: &mut Columns<'_>) -> Result<RangeFacts, Fault> {
    Ok(RangeFacts {
        id: row.next("id")?,
        source: row.next("source_id")?,
        active: row.next("active")?,
        place: match (row.next("stands")?, row.next("misplaced")?, row.next("of_request")?) {
            (false, _, _) => Place::OfNothing,
            (true, false, _) => Place::Right,
            (true, true, true) => Place::BesideRequest,
            (true, true, false) => Place::Elsewhere { can_be_fitted: row.next("can_be_fitted")? },
        },
    })
}

fn unreadable_facts(row: &mut Columns<'_>) -> Result<UnreadableFacts, Fault> {
    Ok(UnreadableFacts {
        row: row.next("id")?,
        subject: subject(row)?,
        columns: row.next("columns")?,
        row_version: row.next("row_version")?,
    })
}
