//! Statements by which a booking request is decided: booked, linked to a booking that
//! exists, closed, taken under review. What is decided is not known here; requests are
//! stored and read in `requests.rs`.

use jiff::civil::Date;
use pg::{Fault, Query};
use uuid::Uuid;

use super::change::{Change, Finished, Stamp};
use crate::domain::approval::Evidence;
use crate::domain::booking::{BookingStatus, NewBooking};
use crate::domain::decline::{DeclineReason, Declining};
use crate::domain::event::EventKind;
use crate::domain::ids::{BookingId, BookingRequestId, GuestId, PropertyId, RangeId, RowId};
use crate::domain::request::{BookingRequest, Status};
use crate::domain::rules::Broken;
use crate::domain::stay::Stay;

pg::statements! {
    /// Makes the booking of a request out of nothing, or of the request's row.
    Book<'a> = "standard/book" | "single_table/book" (
        tenant: Uuid, id: BookingRequestId, booking: BookingId, range: RangeId, note: &'a str,
        kind: &'static str, evidence: &'static str, overridden: Option<Vec<&'static str>>,
    ) with Stamp;
    /// Makes the booking of a request of which a range says that it was approved before, in place
    /// of that range. In the single table, the row that is made the booking keeps the one that
    /// fits it.
    BookOfRange<'a> = "standard/book_of_range" | "single_table/book_of_range" (
        tenant: Uuid, id: BookingRequestId, booking: BookingId, range: RangeId, note: &'a str,
        kind: &'static str, evidence: &'static str, overridden: Option<Vec<&'static str>>,
    ) with Stamp;
    /// Makes the hold of a request its booking. There are no holds in the single
    /// table, where the request's row is made the booking.
    BookHold<'a> = "standard/book_hold" | "single_table/book" (
        tenant: Uuid, id: BookingRequestId, range: RangeId, note: &'a str, kind: &'static str,
        evidence: &'static str, overridden: Option<Vec<&'static str>>,
    ) with Stamp;
    /// Lets a booking that exists fulfil a request.
    LinkBooking<'a> = "standard/link" | "single_table/link" (
        tenant: Uuid, id: BookingRequestId, booking: BookingId, range: RangeId, note: &'a str,
        evidence: &'static str, soft: bool,
    ) with Stamp;
    /// Declines the open requests of other guests for the same nights.
    DeclineCompetitors = "decline_competitors" (
        tenant: Uuid, id: RowId, property: PropertyId, guest: Option<GuestId>, check_in: Date,
        check_out: Date,
    ) with Stamp;
    /// Whether there is one that it would decline.
    HasCompetitors = "has_competitors" (
        tenant: Uuid, id: RowId, property: PropertyId, guest: Option<GuestId>, check_in: Date,
        check_out: Date,
    );
    /// Declines, cancels or expires a request for which no booking was made.
    CloseRequest<'a> = "standard/close" | "single_table/close" (
        tenant: Uuid, id: BookingRequestId, status: &'static str, hold_status: &'static str,
        reason: Option<&'a str>, code: Option<&'static str>, guest_message: Option<&'a str>, note: &'a str,
        kind: &'static str,
    ) with Stamp;
    /// Ends the hold of a closed request, in the standard layout.
    ReleaseHold = "release_hold" (tenant: Uuid, id: BookingRequestId) with Stamp;
    /// Marks a request as under review.
    StartReview<'a> = "start_review" (tenant: Uuid, id: BookingRequestId, note: &'a str) with Stamp;
}

/// A booking that is to be made of a request.
#[derive(Debug)]
pub struct Requested<'a> {
    pub request: &'a BookingRequest,
    pub booking: BookingId,
    /// Whether the booking is the one that holds the dates.
    pub of_hold: bool,
    /// Whether ranges name the request itself, which end.
    pub own_range: bool,
    pub evidence: Option<Evidence>,
    pub note: &'a str,
    /// Rules of the stay that are set aside.
    pub overridden: &'a [Broken],
}

/// A booking that is to fulfil a request.
#[derive(Debug)]
pub struct NewLink<'a> {
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
    Declined(&'a Declining),
    Cancelled,
    Expired,
}

/// Who has the dates that others competed for.
#[derive(Debug, Clone, Copy)]
pub struct Winner {
    /// The request or booking.
    pub(super) row: RowId,
    pub(super) property: PropertyId,
    pub(super) guest: Option<GuestId>,
    pub(super) stay: Stay,
}

impl Winner {
    /// With a request.
    pub fn of_request(request: &BookingRequest) -> Self {
        let BookingRequest { id, property, guest, stay, .. } = *request;
        Self { row: RowId(id.0), property, guest, stay }
    }

    /// A booking that is stored now.
    pub fn of_booking(new: &NewBooking) -> Self {
        let NewBooking { id, property, guest, stay, .. } = *new;
        Self { row: RowId(id.0), property, guest, stay }
    }
}

impl Change {
    /// Makes the booking of a request with its range, the new status and the event: of
    /// its hold, out of nothing, or of the request's row. `None` when the hold no longer
    /// stands or the dates are taken; then nothing is stored.
    pub async fn book<O>(mut self, of: Requested<'_>, outcome: O) -> Result<Option<Finished<O>>, Fault> {
        let Requested { request, booking, of_hold, own_range, evidence, note, overridden } = of;
        // A hold is stored already: nobody who takes its nights is waited for.
        if own_range && of_hold {
            self.release_ranges(request).await?;
        }
        let id = request.id;
        let (tenant, range, with) = (self.tenant(), Self::new_range(), self.stamp());
        let (kind, overridden) = (booked_as(evidence).name(), names(overridden));
        let evidence = evidence.map_or("", Evidence::name);
        let book: &(dyn Query + Send) = if of_hold {
            &BookHold { tenant, id, range, note, kind, evidence, overridden, with }
        } else if own_range {
            &BookOfRange { tenant, id, booking, range, note, kind, evidence, overridden, with }
        } else {
            &Book { tenant, id, booking, range, note, kind, evidence, overridden, with }
        };
        self.writes.push(RowId(booking.0));
        self.finish(book, |rows| Ok((!rows.is_empty()).then_some(outcome))).await
    }

    /// Lets a booking that exists fulfil a request. `None` when the request is gone.
    pub async fn link<O>(mut self, link: NewLink<'_>, outcome: O) -> Result<Option<Finished<O>>, Fault> {
        let NewLink { request, booking, evidence, soft, note } = link;
        let link = LinkBooking {
            tenant: self.tenant(),
            id: request,
            booking,
            range: Self::new_range(),
            with: self.stamp(),
            note,
            evidence: evidence.name(),
            soft,
        };
        self.writes.push(RowId(booking.0));
        self.finish(&link, |rows| Ok((!rows.is_empty()).then_some(outcome))).await
    }

    /// Lets it follow that the open requests of other guests for the same nights are
    /// declined.
    pub fn decline_competitors(&mut self, winner: &Winner) {
        let Winner { row, property, guest, stay } = *winner;
        let decline = DeclineCompetitors {
            tenant: self.tenant(),
            id: row,
            property,
            guest,
            check_in: stay.check_in,
            check_out: stay.check_out,
            with: self.stamp(),
        };
        self.follows = Some(Box::new(decline));
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
        let (status, hold_status, kind, declining) = match closing {
            Closing::Declined(declining) => {
                (Status::Declined, BookingStatus::Declined, EventKind::Declined, Some(declining))
            }
            Closing::Cancelled => (Status::Cancelled, BookingStatus::Cancelled, EventKind::Cancelled, None),
            Closing::Expired => (Status::Expired, BookingStatus::Cancelled, EventKind::Expired, None),
        };
        let close = CloseRequest {
            tenant: self.tenant(),
            id,
            status: status.name(),
            hold_status: hold_status.name(),
            reason: declining.map(|of| &*of.reason),
            code: declining.and_then(|of| of.code).map(DeclineReason::name),
            guest_message: declining.map(|of| &*of.guest_message),
            with: self.stamp(),
            note,
            kind: kind.name(),
        };
        self.finish(&close, |rows| Ok((!rows.is_empty()).then_some(outcome))).await
    }

    /// Ends the hold of a closed request. `None` when it is gone.
    pub async fn release_hold<O>(
        self,
        id: BookingRequestId,
        outcome: O,
    ) -> Result<Option<Finished<O>>, Fault> {
        let release = ReleaseHold { tenant: self.tenant(), id, with: self.stamp() };
        self.finish(&release, |rows| Ok((!rows.is_empty()).then_some(outcome))).await
    }

    /// Ends the hold of a request that is approved for other dates than it holds.
    pub async fn give_up_hold(&mut self, id: BookingRequestId) -> Result<(), Fault> {
        let release = ReleaseHold { tenant: self.tenant(), id, with: self.stamp() };
        // That of the approval comes after it.
        self.event = Self::new_event();
        self.wrote = true;
        self.tx.run(&release).await.map(drop)
    }

    /// Marks a request as under review. `None` when it is gone.
    pub async fn start_review<O>(
        self,
        id: BookingRequestId,
        note: &str,
        outcome: O,
    ) -> Result<Option<Finished<O>>, Fault> {
        let review = StartReview { tenant: self.tenant(), id, note, with: self.stamp() };
        self.finish(&review, |rows| Ok((!rows.is_empty()).then_some(outcome))).await
    }
}

/// Rules of the stay that are set aside, as the history names them.
pub(super) fn names(overridden: &[Broken]) -> Option<Vec<&'static str>> {
    (!overridden.is_empty()).then(|| overridden.iter().map(|one| one.name()).collect())
}

fn booked_as(evidence: Option<Evidence>) -> EventKind {
    if evidence.is_some() { EventKind::Healed } else { EventKind::Approved }
}
