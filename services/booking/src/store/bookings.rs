//! Statements about bookings.

use access::TenantId;
use jiff::civil::Date;
use pg::{Columns, Fault, Query};
use uuid::Uuid;

use super::change::{Change, Finished, Stamp};
use super::database::{Store, lost_row};
use super::decisions::names;
use super::foreign::{booking_status, stay, time};
use super::spellings::spellings;
use crate::domain::booking::{Booking, NewBooking};
use crate::domain::event::EventKind;
use crate::domain::ids::{BookingId, BookingRequestId, GuestId, PropertyId, RangeId, RowId};
use crate::domain::rules::Broken;
use crate::domain::steps::StayStep;

/// As the history names that a guest is checked in on a day of the stay.
const WITHIN_THE_STAY: &str = "within_the_stay";

pg::statements! {
    /// A booking.
    GetBooking = "get_booking" (tenant: Uuid, id: BookingId);

    /// The booking that another system knows by this id.
    GetBookingOfOrigin = "get_booking_of_origin" (
        tenant: Uuid, sources: Vec<String>, external_ids: Vec<String>,
    );

    /// Stores a booking that staff or a channel made.
    InsertBooking<'a> = "insert_booking" (
        tenant: Uuid, id: BookingId, property: PropertyId, guest: Option<GuestId>, check_in: Date,
        check_out: Date, source: &'a str, external_id: Option<&'a str>, range: RangeId,
        overridden: Option<Vec<&'static str>>,
    ) with Stamp;
    /// Locks the requests that a booking is about.
    LockBookingGroup = "lock_booking_group" (
        tenant: Uuid, booking: Option<BookingId>, request: Option<BookingRequestId>,
    );

    /// The same requests, without locks.
    ReadBookingGroup = "read_booking_group" (
        tenant: Uuid, booking: Option<BookingId>, request: Option<BookingRequestId>,
    );

    /// Locks a booking.
    LockBooking = "lock_booking" (tenant: Uuid, id: BookingId);

    /// Locks the booking that was made for a request.
    LockOwnBooking = "standard/lock_own_booking" | "lock_booking" (tenant: Uuid, id: BookingRequestId);

    /// Cancels a booking with what hangs on it.
    CancelBooking<'a> = "standard/cancel_booking" | "single_table/cancel_booking" (
        tenant: Uuid, id: BookingId, request: Option<BookingRequestId>, note: &'a str,
    ) with Stamp;
    /// Stores a step of a stay.
    StepBooking = "step_booking" (
        tenant: Uuid, id: BookingId, status: &'static str, departure: Option<Date>, kind: &'static str,
        overridden: Option<Vec<&'static str>>,
    ) with Stamp;
}

/// A locked booking.
#[derive(Debug)]
pub struct LockedBooking {
    pub booking: Booking,
    /// Of its property; a fault where that cannot be read.
    pub time_zone: Result<String, Fault>,
}

/// A step of a stay that is taken.
#[derive(Debug, Clone, Copy)]
pub struct StepTaken {
    pub step: StayStep,
    /// When the guest left, if that is before the day that was booked.
    pub departure: Option<Date>,
    /// Whether the day was none for it.
    pub overridden: bool,
}

/// Whose requests are to be locked.
#[derive(Debug, Clone, Copy)]
pub enum GroupOf {
    /// A booking.
    Booking(BookingId),
    /// The booking that was made for a request.
    Request(BookingRequestId),
}

impl Store {
    pub async fn get_booking(&self, tenant: TenantId, id: BookingId) -> Result<Option<Booking>, Fault> {
        let tenant = tenant.uuid();
        self.read(async |schema| {
            Columns::first(&schema.db.run(tenant, &GetBooking { tenant, id }).await?, booking)
        })
        .await
    }
}

impl Change {
    /// The booking that another system knows by this id: the one that stands or, if none
    /// does, the last one that is over.
    pub async fn get_booking_of_origin(
        &self,
        source: &str,
        external_id: &str,
    ) -> Result<Option<Booking>, Fault> {
        let (tenant, sources, external_ids) = (self.tenant(), spellings(source), spellings(external_id));
        let get = GetBookingOfOrigin { tenant, sources, external_ids };
        Columns::first(&self.tx.run(&get).await?, booking)
    }

    /// Stores a confirmed booking with its range, although it breaks these rules. `None`
    /// when its guest is not there or archived, something has nights of the stay, or its
    /// external id is known.
    pub async fn insert_booking(
        mut self,
        new: &NewBooking,
        overridden: &[Broken],
    ) -> Result<Option<Finished<Booking>>, Fault> {
        let NewBooking { id, property, guest, stay, source, external_id } = new;
        let insert = InsertBooking {
            tenant: self.tenant(),
            id: *id,
            property: *property,
            guest: *guest,
            check_in: stay.check_in,
            check_out: stay.check_out,
            source,
            external_id: external_id.as_deref(),
            range: Self::new_range(),
            with: self.stamp(),
            overridden: names(overridden),
        };
        self.writes.push(RowId(id.0));
        self.finish(&insert, |rows| Columns::first(rows, booking)).await
    }

    /// Locks the requests that a booking is about, its own and those that it
    /// fulfils, in the order of their ids.
    pub async fn lock_booking_group(&mut self, of: GroupOf) -> Result<Vec<BookingRequestId>, Fault> {
        let (booking, request) = match of {
            GroupOf::Booking(id) => (Some(id), None),
            GroupOf::Request(id) => (None, Some(id)),
        };
        let lock = LockBookingGroup { tenant: self.tenant(), booking, request };
        let locked = self.tx.run(&lock).await?;
        let locked = Columns::all(&locked, |row| Ok((row.next("id")?, time(row, "updated_at")?)))?;
        for (_, updated_at) in &locked {
            self.comes_after(*updated_at);
        }
        Ok(locked.into_iter().map(|(id, _)| id).collect())
    }

    /// The requests that a locked booking is about. Whoever links one locks the booking, so that
    /// there are no more until this is over.
    pub async fn read_booking_group(&self, booking: BookingId) -> Result<Vec<BookingRequestId>, Fault> {
        let read = ReadBookingGroup { tenant: self.tenant(), booking: Some(booking), request: None };
        Columns::all(&self.tx.run(&read).await?, |row| row.next("id"))
    }

    /// Locks a booking.
    pub async fn lock_booking(&mut self, id: BookingId) -> Result<Option<LockedBooking>, Fault> {
        let tenant = self.tenant();
        self.lock_one(&LockBooking { tenant, id }).await
    }

    /// Locks the booking that was made for a request.
    pub async fn lock_own_booking(&mut self, id: BookingRequestId) -> Result<Option<LockedBooking>, Fault> {
        let tenant = self.tenant();
        self.lock_one(&LockOwnBooking { tenant, id }).await
    }

    async fn lock_one(&mut self, statement: &dyn Query) -> Result<Option<LockedBooking>, Fault> {
        let rows = self.tx.run(statement).await?;
        let locked = Columns::first(&rows, |row| {
            let (booking, time_zone) = (booking(row)?, row.or_empty("time_zone")?);
            let time_zone = row.decided_by(&["time_zone"]).map(|()| time_zone);
            Ok(LockedBooking { booking, time_zone })
        })?;
        if let Some(locked) = &locked {
            self.comes_after(locked.booking.updated_at);
            self.writes.push(RowId(locked.booking.id.0));
        }
        Ok(locked)
    }

    /// Cancels a booking with what hangs on it. The note goes to the request.
    pub async fn cancel_booking(
        self,
        id: BookingId,
        request: Option<BookingRequestId>,
        note: &str,
    ) -> Result<Option<Finished<Booking>>, Fault> {
        let cancel = self.cancel_of(id, request, note);
        self.finish(&cancel, |rows| Columns::first(rows, booking)).await
    }

    /// The same, whatever the booking holds. `None` when it is gone.
    pub async fn cancel_unread<O>(
        self,
        id: BookingId,
        request: Option<BookingRequestId>,
        note: &str,
        outcome: O,
    ) -> Result<Option<Finished<O>>, Fault> {
        let cancel = self.cancel_of(id, request, note);
        self.finish(&cancel, |rows| Ok((!rows.is_empty()).then_some(outcome))).await
    }

    fn cancel_of<'a>(
        &self,
        id: BookingId,
        request: Option<BookingRequestId>,
        note: &'a str,
    ) -> CancelBooking<'a> {
        CancelBooking { tenant: self.tenant(), id, request, note, with: self.stamp() }
    }

    /// Stores a step of a stay.
    pub async fn step_booking(self, id: BookingId, taken: StepTaken) -> Result<Finished<Booking>, Fault> {
        let StepTaken { step, departure, overridden } = taken;
        let kind = match step {
            StayStep::CheckIn => EventKind::CheckedIn,
            StayStep::CheckOut => EventKind::CheckedOut,
            StayStep::NoShow => EventKind::NoShow,
        };
        let step = StepBooking {
            tenant: self.tenant(),
            id,
            status: step.status().name(),
            departure,
            kind: kind.name(),
            with: self.stamp(),
            overridden: overridden.then(|| vec![WITHIN_THE_STAY]),
        };
        let stored = self.finish(&step, |rows| Columns::first(rows, booking)).await?;
        stored.ok_or_else(|| lost_row("the booking"))
    }
}

pub(super) fn booking(row: &mut Columns<'_>) -> Result<Booking, Fault> {
    let (id, request) = (row.next("id")?, row.next("booking_request_id")?);
    let property = row.next("property_id")?;
    let guest = row.or_empty("guest_id")?;
    let stay = stay(row, "check_in", "check_out")?;
    let (status, unknown_status) = booking_status(row)?;
    Ok(Booking {
        id,
        request,
        property,
        guest,
        stay,
        status,
        unknown_status,
        confirmed_at: row.or_empty("confirmed_at")?,
        approved_by: row.or_empty("approved_by")?,
        row_version: row.or_empty("row_version")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
        source: row.or_empty("source")?,
        external_id: row.or_empty("external_id")?,
        booked_check_out: row.or_empty("booked_check_out")?,
    })
}
