//! Statements about booking requests.

use access::TenantId;
use jiff::Timestamp;
use jiff::civil::Date;
use pg::{Columns, Fault, Query};
use uuid::Uuid;

use super::change::Finished;
use super::inventory::stay;
use super::{Change, Store};
use crate::domain::approval::Evidence;
use crate::domain::booking::BookingStatus;
use crate::domain::event::EventKind;
use crate::domain::ids::{BookingId, BookingRequestId, EventId, GuestId, PropertyId, RangeId, RowId, UserId};
use crate::domain::listing::{Cursor, Filter, Order, Page};
use crate::domain::request::{BookingRequest, NewBookingRequest, Status};

/// Counting stops here: exact counts cost as much as there are rows.
pub const MOST_COUNTED: i64 = 10_000;

pg::statements! {
    /// A booking request.
    GetBookingRequest = "get_booking_request" (tenant: Uuid, id: BookingRequestId);
    /// Locks a booking request.
    LockBookingRequest = "lock_booking_request" (tenant: Uuid, id: BookingRequestId);
    /// Stores a request, and under the hold policy the booking that holds its dates.
    InsertBookingRequest<'a> = "standard/insert_booking_request" | "single_table/insert_booking_request" (
        tenant: Uuid, id: BookingRequestId, property: PropertyId, guest: GuestId, check_in: Date, check_out: Date,
        guest_count: i32, message: &'a str, at: Timestamp, actor: Option<UserId>, event: EventId,
        hold: BookingId, range: RangeId,
    );
    /// Makes the booking of a request out of nothing, or of the request's row.
    Book<'a> = "standard/book" | "single_table/book" (
        tenant: Uuid, id: BookingRequestId, booking: BookingId, range: RangeId, at: Timestamp,
        actor: Option<UserId>, note: &'a str, event: EventId, kind: &'static str, evidence: &'static str,
    );
    /// Makes the hold of a request its booking. There are no holds in the single
    /// table, where the request's row is made the booking.
    BookHold<'a> = "standard/book_hold" | "single_table/book" (
        tenant: Uuid, id: BookingRequestId, range: RangeId, at: Timestamp, actor: Option<UserId>, note: &'a str,
        event: EventId, kind: &'static str, evidence: &'static str,
    );
    /// Lets a booking that exists fulfil a request.
    LinkBooking<'a> = "standard/link" | "single_table/link" (
        tenant: Uuid, id: BookingRequestId, booking: BookingId, range: RangeId, at: Timestamp,
        actor: Option<UserId>, note: &'a str, event: EventId, evidence: &'static str, soft: bool,
    );
    /// Declines the open requests of other guests for the same nights.
    DeclineCompetitors = "decline_competitors" (
        tenant: Uuid, id: BookingRequestId, property: PropertyId, guest: Option<GuestId>, check_in: Date,
        check_out: Date, at: Timestamp, actor: Option<UserId>,
    );
    /// Declines, cancels or expires a request for which no booking was made.
    CloseRequest<'a> = "standard/close" | "single_table/close" (
        tenant: Uuid, id: BookingRequestId, status: &'static str, hold_status: &'static str,
        reason: Option<&'a str>, at: Timestamp, actor: Option<UserId>, note: &'a str, event: EventId,
        kind: &'static str,
    );
    /// Marks a request as under review.
    StartReview<'a> = "start_review" (
        tenant: Uuid, id: BookingRequestId, at: Timestamp, actor: Option<UserId>, note: &'a str, event: EventId,
    );
    /// Requests per effective status.
    CountBookingRequests<'a> = "count_booking_requests" (
        tenant: Uuid, statuses: Vec<&'a str>, most: i64, property: Option<PropertyId>, guest: Option<GuestId>,
        stay_from: Option<Date>, stay_to: Option<Date>, created_from: Option<Timestamp>,
        created_to: Option<Timestamp>,
    );
    /// Requests of the tenant.
    ListBookingRequests<'a> = "list_booking_requests" (
        tenant: Uuid, statuses: &'a [&'a str], created_before: Option<Timestamp>, created_after: Option<Timestamp>,
        check_in_after: Option<Date>, after_id: RowId, most: i64, stay_from: Option<Date>,
        stay_to: Option<Date>, created_from: Option<Timestamp>, created_to: Option<Timestamp>,
    );
    /// Requests of one property or guest.
    ListBookingRequestsOf<'a> = "list_booking_requests_of" (
        tenant: Uuid, statuses: &'a [&'a str], created_before: Option<Timestamp>, created_after: Option<Timestamp>,
        check_in_after: Option<Date>, after_id: RowId, most: i64, property: Option<PropertyId>,
        guest: Option<GuestId>, stay_from: Option<Date>, stay_to: Option<Date>,
        created_from: Option<Timestamp>, created_to: Option<Timestamp>,
    );
}

/// A locked request.
#[derive(Debug)]
pub struct LockedRequest {
    pub request: BookingRequest,
    /// Whether the tenant wants competitors declined.
    pub auto_decline: bool,
}

/// A page of requests.
#[derive(Debug)]
pub struct RequestPage {
    pub requests: Vec<BookingRequest>,
    /// Requests per effective status, each up to one more than [`MOST_COUNTED`].
    pub counts: Vec<(Status, i64)>,
}

/// A booking that is to be made of a request.
#[derive(Debug)]
pub struct Requested<'a> {
    pub request: BookingRequestId,
    pub booking: BookingId,
    pub evidence: Option<Evidence>,
    pub note: &'a str,
}

/// A booking that is to fulfil a request.
#[derive(Debug)]
pub struct Link<'a> {
    pub request: BookingRequestId,
    pub booking: BookingId,
    pub evidence: Evidence,
    /// Whether the stored status stays.
    pub soft: bool,
    pub note: &'a str,
}

/// How a request ends without a booking.
#[derive(Debug, Clone, Copy)]
pub enum Closing<'a> {
    Declined { reason: &'a str },
    Cancelled,
    Expired,
}

impl Store {
    pub async fn get_booking_request(
        &self,
        tenant: TenantId,
        id: BookingRequestId,
    ) -> Result<Option<BookingRequest>, Fault> {
        let tenant = tenant.uuid();
        self.read(async |schema| {
            let rows = schema.db.run(tenant, &GetBookingRequest { tenant, id }).await?;
            Columns::first(&rows, booking_request)
        })
        .await
    }

    /// A page of requests with one more than it takes, which tells whether there is
    /// another page; with counts per status when asked for.
    pub async fn list_booking_requests(
        &self,
        tenant: TenantId,
        filter: &Filter,
        page: &Page,
        with_counts: bool,
    ) -> Result<RequestPage, Fault> {
        let tenant = tenant.uuid();
        let statuses = filter.status_names();
        let list = &*list(tenant, filter, &statuses, page);
        self.read(async |schema| {
            if !with_counts {
                let rows = schema.db.run(tenant, list).await?;
                return Ok(RequestPage {
                    requests: Columns::all(&rows, booking_request)?,
                    counts: Vec::new(),
                });
            }
            let tx = schema.db.begin(tenant).await?;
            let requests = Columns::all(&tx.run(list).await?, booking_request)?;
            let counts = tx.run_last(&count(tenant, filter)).await?;
            let counts = Columns::all(&counts, |row| {
                Ok((row.word("status", Status::from_name)?, row.next("counted")?))
            })?;
            Ok(RequestPage { requests, counts })
        })
        .await
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
            Ok(LockedRequest { request: booking_request(row)?, auto_decline: row.next("auto_decline")? })
        })?;
        if let Some(locked) = &locked {
            self.comes_after(locked.request.updated_at);
        }
        Ok(locked)
    }

    /// Stores a request. `None` when the property is not the tenant's, or the
    /// request has to hold its dates and they are taken.
    pub async fn insert_booking_request(
        self,
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
            at: self.at,
            actor: self.call.actor,
            event: self.event,
            hold: Self::new_booking(),
            range: Self::new_range(),
        };
        self.finish(&insert, |rows| Columns::first(rows, booking_request)).await
    }

    /// Makes the booking of a request out of nothing, or of the request's row, with
    /// its range, the new status and the event. `None` when the dates are taken;
    /// then nothing is stored.
    pub async fn book<O>(self, of: Requested<'_>, outcome: O) -> Result<Option<Finished<O>>, Fault> {
        let Requested { request, booking, evidence, note } = of;
        let book = Book {
            tenant: self.tenant(),
            id: request,
            booking,
            range: Self::new_range(),
            at: self.at,
            actor: self.call.actor,
            note,
            event: self.event,
            kind: booked_as(evidence).name(),
            evidence: evidence.map_or("", Evidence::name),
        };
        self.finish(&book, |rows| Ok((!rows.is_empty()).then_some(outcome))).await
    }

    /// Makes the hold of a request its booking. `None` when it no longer stands.
    pub async fn book_hold<O>(self, of: Requested<'_>, outcome: O) -> Result<Option<Finished<O>>, Fault> {
        let Requested { request, booking: _, evidence, note } = of;
        let book = BookHold {
            tenant: self.tenant(),
            id: request,
            range: Self::new_range(),
            at: self.at,
            actor: self.call.actor,
            note,
            event: self.event,
            kind: booked_as(evidence).name(),
            evidence: evidence.map_or("", Evidence::name),
        };
        self.finish(&book, |rows| Ok((!rows.is_empty()).then_some(outcome))).await
    }

    /// Lets a booking that exists fulfil a request. `None` when the request is gone.
    pub async fn link<O>(self, link: Link<'_>, outcome: O) -> Result<Option<Finished<O>>, Fault> {
        let Link { request, booking, evidence, soft, note } = link;
        let link = LinkBooking {
            tenant: self.tenant(),
            id: request,
            booking,
            range: Self::new_range(),
            at: self.at,
            actor: self.call.actor,
            note,
            event: self.event,
            evidence: evidence.name(),
            soft,
        };
        self.finish(&link, |rows| Ok((!rows.is_empty()).then_some(outcome))).await
    }

    /// Declines the open requests of other guests for the same nights.
    pub async fn decline_competitors(&mut self, request: &BookingRequest) -> Result<(), Fault> {
        self.wrote = true;
        let decline = DeclineCompetitors {
            tenant: self.tenant(),
            id: request.id,
            property: request.property,
            guest: request.guest,
            check_in: request.stay.check_in,
            check_out: request.stay.check_out,
            at: self.at,
            actor: self.call.actor,
        };
        self.tx.run(&decline).await.map(drop)
    }

    /// Declines, cancels or expires a request for which no booking was made. `None`
    /// when it is gone.
    pub async fn close<O>(
        self,
        id: BookingRequestId,
        closing: Closing<'_>,
        note: &str,
        outcome: O,
    ) -> Result<Option<Finished<O>>, Fault> {
        let (status, hold_status, kind, reason) = match closing {
            Closing::Declined { reason } => {
                (Status::Declined, BookingStatus::Declined, EventKind::Declined, Some(reason))
            }
            Closing::Cancelled => (Status::Cancelled, BookingStatus::Cancelled, EventKind::Cancelled, None),
            Closing::Expired => (Status::Expired, BookingStatus::Cancelled, EventKind::Expired, None),
        };
        let close = CloseRequest {
            tenant: self.tenant(),
            id,
            status: status.name(),
            hold_status: hold_status.name(),
            reason,
            at: self.at,
            actor: self.call.actor,
            note,
            event: self.event,
            kind: kind.name(),
        };
        self.finish(&close, |rows| Ok((!rows.is_empty()).then_some(outcome))).await
    }

    /// Marks a request as under review. `None` when it is gone.
    pub async fn start_review<O>(
        self,
        id: BookingRequestId,
        note: &str,
        outcome: O,
    ) -> Result<Option<Finished<O>>, Fault> {
        let (tenant, at, actor, event) = (self.tenant(), self.at, self.call.actor, self.event);
        let review = StartReview { tenant, id, at, actor, note, event };
        self.finish(&review, |rows| Ok((!rows.is_empty()).then_some(outcome))).await
    }
}

fn booked_as(evidence: Option<Evidence>) -> EventKind {
    if evidence.is_some() { EventKind::Healed } else { EventKind::Approved }
}

/// The statement of a list. One property's or guest's requests are few, and are
/// found by an index of their own.
pub fn list<'a>(
    tenant: Uuid,
    filter: &Filter,
    statuses: &'a [&'a str],
    page: &Page,
) -> Box<dyn Query + Send + 'a> {
    let Filter { statuses: _, property, guest, stay_from, stay_to, created_from, created_to } = *filter;
    let Page { order, ref after, size } = *page;
    let (created, check_in_after, after_id) = match after {
        Cursor::Created(after) => (Some(after.key), None, after.id),
        Cursor::CheckIn(after) => (None, Some(after.key), after.id),
    };
    let (created_before, created_after) =
        if order == Order::NewestFirst { (created, None) } else { (None, created) };
    // The row after the last one tells whether there is another page.
    let most = size + 1;
    if property.is_some() || guest.is_some() {
        Box::new(ListBookingRequestsOf {
            tenant,
            statuses,
            created_before,
            created_after,
            check_in_after,
            after_id,
            most,
            property,
            guest,
            stay_from,
            stay_to,
            created_from,
            created_to,
        })
    } else {
        Box::new(ListBookingRequests {
            tenant,
            statuses,
            created_before,
            created_after,
            check_in_after,
            after_id,
            most,
            stay_from,
            stay_to,
            created_from,
            created_to,
        })
    }
}

fn count(tenant: Uuid, filter: &Filter) -> CountBookingRequests<'static> {
    let Filter { statuses: _, property, guest, stay_from, stay_to, created_from, created_to } = *filter;
    CountBookingRequests {
        tenant,
        statuses: Status::ALL.iter().map(|status| status.name()).collect(),
        most: MOST_COUNTED + 1,
        property,
        guest,
        stay_from,
        stay_to,
        created_from,
        created_to,
    }
}

pub(super) fn booking_request(row: &mut Columns<'_>) -> Result<BookingRequest, Fault> {
    Ok(BookingRequest {
        id: row.next("id")?,
        property: row.next("property_id")?,
        guest: row.next("guest_id")?,
        stay: stay(row, "check_in", "check_out")?,
        status: row.word("status", Status::from_name)?,
        guest_count: row.next("guest_count")?,
        message: row.next("message")?,
        internal_note: row.next("internal_note")?,
        decline_reason: row.next("decline_reason")?,
        approved_booking: row.next("approved_booking_id")?,
        held_booking: row.next("held_booking_id")?,
        hold_expires_at: row.next("hold_expires_at")?,
        confirmed_at: row.next("confirmed_at")?,
        decided_by: row.next("decided_by")?,
        row_version: row.next("row_version")?,
        created_at: row.next("created_at")?,
        updated_at: row.next("updated_at")?,
    })
}
