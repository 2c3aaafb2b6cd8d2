//! Statements that store and read a booking request. How one is decided is in
//! `decisions.rs`, lists are in `request_lists.rs`.

use std::collections::HashMap;

use access::TenantId;
use jiff::civil::Date;
use pg::{Columns, Fault};
use uuid::Uuid;

use super::actors::acting;
use super::change::{Change, Finished, Stamp};
use super::database::Store;
use super::foreign::{count, request_status, stay, time, word};
use super::properties::terms;
use super::reads::Rows;
use crate::domain::booking::BookingStatus;
use crate::domain::decline::DeclineReason;
use crate::domain::fulfilment::LinkedBooking;
use crate::domain::ids::{BookingId, BookingRequestId, GuestId, PropertyId, RangeId, RowId};
use crate::domain::request::{BookingRequest, NewBookingRequest};
use crate::domain::rules::Terms;
use crate::domain::stay::Stay;

pg::statements! {
    /// A booking request.
    GetBookingRequest = "get_booking_request" (tenant: Uuid, id: BookingRequestId);

    /// Some booking requests.
    GetBookingRequests = "get_booking_requests" (tenant: Uuid, ids: Vec<BookingRequestId>);

    /// Locks a booking request.
    LockBookingRequest = "lock_booking_request" (tenant: Uuid, id: BookingRequestId);

    /// Stores a request, and under the hold policy the booking that holds its dates.
    InsertBookingRequest<'a> = "standard/insert_booking_request" | "single_table/insert_booking_request" (
        tenant: Uuid, id: BookingRequestId, property: PropertyId, guest: GuestId, check_in: Date,
        check_out: Date, guest_count: i32, message: &'a str, hold: BookingId, range: RangeId,
    ) with Stamp;
}

/// A locked request.
#[derive(Debug)]
pub struct LockedRequest {
    pub request: BookingRequest,
    /// Whether the tenant wants competitors declined.
    pub auto_decline: bool,
    /// What the property asks of a stay; a fault where that cannot be read, which only those
    /// who sell nights have to know.
    pub terms: Result<Option<Terms>, Fault>,
}

impl Store {
    /// A request, read with others of its tenant that are asked for meanwhile.
    pub async fn get_booking_request(
        &self,
        tenant: TenantId,
        id: BookingRequestId,
    ) -> Result<Option<BookingRequest>, Fault> {
        self.requests.read((tenant.uuid(), id), self).await
    }
}

impl Rows<BookingRequestId, BookingRequest> for Store {
    async fn read_row(&self, tenant: Uuid, id: BookingRequestId) -> Result<Option<BookingRequest>, Fault> {
        self.read(async |schema| {
            let rows = schema.db.run(tenant, &GetBookingRequest { tenant, id }).await?;
            Columns::first(&rows, linked_request)
        })
        .await
    }

    /// Where columns are of other types than the migrations made them, each is read alone.
    async fn read_rows(
        &self,
        tenant: Uuid,
        ids: Vec<BookingRequestId>,
    ) -> Option<HashMap<BookingRequestId, BookingRequest>> {
        let schema = self.known.get().filter(|schema| schema.found.doubtful.is_empty())?;
        let rows = schema.db.run(tenant, &GetBookingRequests { tenant, ids }).await.ok()?;
        let requests = Columns::all(&rows, linked_request).ok()?;
        Some(requests.into_iter().map(|request| (request.id, request)).collect())
    }
}

impl Change {
    /// Locks a request.
    pub async fn lock_booking_request(
        &mut self,
        id: BookingRequestId,
    ) -> Result<Option<LockedRequest>, Fault> {
        self.lock_property_of(RowId(id.0)).await?;
        let rows = self.tx.run(&LockBookingRequest { tenant: self.tenant(), id }).await?;
        let locked = Columns::first(&rows, |row| {
            Ok(LockedRequest {
                request: linked_request(row)?,
                auto_decline: row.next("auto_decline")?,
                terms: terms(row),
            })
        })?;
        if let Some(locked) = &locked {
            self.comes_after(locked.request.updated_at);
            self.writes.push(RowId(id.0));
        }
        Ok(locked)
    }

    /// Stores a request. `None` when the property is not the tenant's, or the
    /// request has to hold its dates and they are taken.
    pub async fn insert_booking_request(
        mut self,
        new: &NewBookingRequest,
    ) -> Result<Option<Finished<BookingRequest>>, Fault> {
        let NewBookingRequest { id, property, guest, stay, guest_count, message } = new;
        let insert = InsertBookingRequest {
            tenant: self.tenant(),
            id: *id,
            property: *property,
            guest: *guest,
            check_in: stay.check_in,
            check_out: stay.check_out,
            guest_count: *guest_count,
            message,
            with: self.stamp(),
            hold: Self::new_booking(),
            range: Self::new_range(),
        };
        self.writes.push(RowId(id.0));
        self.finish(&insert, |rows| Columns::first(rows, booking_request)).await
    }
}

/// A request with the booking that it is linked to.
pub(super) fn linked_request(row: &mut Columns<'_>) -> Result<BookingRequest, Fault> {
    let request = booking_request(row)?;
    let booking: Option<BookingId> = row.next("linked_id")?;
    let linked = LinkedBooking {
        booking: booking.unwrap_or(BookingId(Uuid::nil())),
        guest: row.or_empty("linked_guest_id")?,
        property: row.or_empty("linked_property_id")?,
        status: row.or_empty::<Option<&str>>("linked_status")?.and_then(BookingStatus::from_name),
        stay: known_stay(row.or_empty("linked_check_in")?, row.or_empty("linked_check_out")?),
    };
    Ok(BookingRequest { linked: booking.map(|_| linked), ..request })
}

/// Nights that another program may have left out or turned round.
pub(super) fn known_stay(check_in: Option<Date>, check_out: Option<Date>) -> Option<Stay> {
    let (check_in, check_out) = (check_in?, check_out?);
    (check_in < check_out).then_some(Stay { check_in, check_out })
}

/// A request, without the booking that it is linked to.
pub(super) fn booking_request(row: &mut Columns<'_>) -> Result<BookingRequest, Fault> {
    let (id, property) = (row.next("id")?, row.next("property_id")?);
    let guest = row.or_empty("guest_id")?;
    let stay = stay(row, "check_in", "check_out")?;
    let (status, unknown_status) = request_status(row)?;
    Ok(BookingRequest {
        id,
        property,
        guest,
        stay,
        status,
        unknown_status,
        guest_count: count(row, "guest_count")?,
        message: row.or_empty("message")?,
        internal_note: row.or_empty("internal_note")?,
        decline_reason: row.or_empty("decline_reason")?,
        decline_code: word(row, "decline_reason_code", DeclineReason::from_name)?,
        decline_message: row.or_empty("decline_message")?,
        approved_booking: row.next("approved_booking_id")?,
        linked: None,
        held_booking: row.next("held_booking_id")?,
        hold_expires_at: row.next("hold_expires_at")?,
        confirmed_at: row.next("confirmed_at")?,
        decided: acting(row, ["decided_by", "decider_kind", "decider_id"])?,
        row_version: row.or_empty("row_version")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
    })
}
