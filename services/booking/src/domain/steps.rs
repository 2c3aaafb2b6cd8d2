//! The other steps in the life of requests and bookings, and where they lead.

use jiff::ToSpan;
use jiff::civil::Date;

pub use self::closed::Closed;
use super::booking::{Booking, BookingStatus};
use super::fulfilment::{LinkedBooking, Unfulfilled};
use super::request::{BookingRequest, Status};
use super::rules::LocalDay;

mod closed;

/// What somebody tries with a booking request or a booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    Approve,
    Decline,
    Review,
    CancelRequest,
    CancelBooking,
    /// A step of the stay.
    Stay(StayStep),
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Store it.
    Go,
    /// Nothing: it was done before.
    Done,
    /// Nothing: the state does not allow it.
    Refused(Closed),
}

/// Decides a decline. `linked` is the booking that the request is linked to.
pub fn decline(request: &BookingRequest, linked: Option<&LinkedBooking>) -> Result<Step, Unfulfilled> {
    Ok(match request.effective_status() {
        Status::Requested | Status::UnderReview => Step::Go,
        Status::Declined => Step::Refused(Closed::AlreadyDeclined),
        Status::Confirmed => approved(request, linked)?,
        Status::Cancelled => Step::Refused(Closed::Cancelled),
        Status::Expired => Step::Refused(Closed::Expired),
        Status::Unknown => Step::Refused(Closed::Unknown),
    })
}

/// Decides the start of a review. `linked` is the booking that the request is linked
/// to.
pub fn start_review(request: &BookingRequest, linked: Option<&LinkedBooking>) -> Result<Step, Unfulfilled> {
    Ok(match request.effective_status() {
        Status::Requested => Step::Go,
        Status::UnderReview => Step::Done,
        Status::Declined => Step::Refused(Closed::AlreadyDeclined),
        Status::Confirmed => approved(request, linked)?,
        Status::Cancelled => Step::Refused(Closed::Cancelled),
        Status::Expired => Step::Refused(Closed::Expired),
        Status::Unknown => Step::Refused(Closed::Unknown),
    })
}

/// A request that reads as confirmed: an open one may only read so, although nothing
/// covers its nights.
fn approved(request: &BookingRequest, linked: Option<&LinkedBooking>) -> Result<Step, Unfulfilled> {
    match request.unfulfilled(linked).filter(|_| request.status.is_open()) {
        Some(why) => Err(why),
        None => Ok(Step::Refused(Closed::AlreadyApproved)),
    }
}

/// Decides the cancelling of a request. `own` is the booking that was made for
/// it, when there is one that holds its dates.
pub fn cancel_request(request: &BookingRequest, own: Option<BookingStatus>) -> Step {
    match request.status {
        Status::Requested | Status::UnderReview => Step::Go,
        Status::Confirmed => match own.map(cancel_sold) {
            Some(Step::Refused(closed)) => Step::Refused(closed),
            Some(Step::Go | Step::Done) | None => Step::Go,
        },
        Status::Cancelled => Step::Done,
        Status::Declined => Step::Refused(Closed::AlreadyDeclined),
        Status::Expired => Step::Refused(Closed::Expired),
        Status::Unknown => Step::Refused(Closed::Unknown),
    }
}

/// Decides the cancelling of a booking. `holds` tells that it only holds the
/// dates for an open request.
pub fn cancel_booking(status: BookingStatus, holds: bool) -> Step {
    if holds { Step::Refused(Closed::Hold) } else { cancel_sold(status) }
}

fn cancel_sold(status: BookingStatus) -> Step {
    match status {
        BookingStatus::Inquiry
        | BookingStatus::Pending
        | BookingStatus::Requested
        | BookingStatus::UnderReview
        | BookingStatus::Confirmed => Step::Go,
        BookingStatus::Cancelled => Step::Done,
        BookingStatus::Declined => Step::Refused(Closed::AlreadyDeclined),
        BookingStatus::CheckedIn => Step::Refused(Closed::CheckedIn),
        BookingStatus::CheckedOut => Step::Refused(Closed::CheckedOut),
        BookingStatus::NoShow => Step::Refused(Closed::NoShow),
        BookingStatus::Unknown => Step::Refused(Closed::Unknown),
    }
}

/// A step of a booking during the stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StayStep {
    CheckIn,
    CheckOut,
    NoShow,
}

/// Decides a step during the stay. `today` is the day at the property; `overridden`
/// sets aside that a guest is checked in on a day of the stay.
pub fn stay_step(step: StayStep, booking: &Booking, today: LocalDay, overridden: bool) -> Step {
    let checks_in = step == StayStep::CheckIn;
    let too_early = today.latest < booking.stay.check_in && !(checks_in && overridden);
    let too_late = checks_in && today.earliest >= booking.stay.check_out && !overridden;
    match (step, booking.status) {
        (StayStep::CheckIn, BookingStatus::CheckedIn)
        | (StayStep::CheckOut, BookingStatus::CheckedOut)
        | (StayStep::NoShow, BookingStatus::NoShow) => Step::Done,
        (StayStep::CheckIn | StayStep::NoShow, BookingStatus::Confirmed) if too_early => {
            Step::Refused(Closed::TooEarly)
        }
        (StayStep::CheckIn, BookingStatus::Confirmed) if too_late => Step::Refused(Closed::TooLate),
        (StayStep::CheckIn | StayStep::NoShow, BookingStatus::Confirmed)
        | (StayStep::CheckOut, BookingStatus::CheckedIn) => Step::Go,
        (StayStep::CheckOut, BookingStatus::Confirmed) => Step::Refused(Closed::NotCheckedIn),
        (_, BookingStatus::CheckedIn) => Step::Refused(Closed::CheckedIn),
        (_, BookingStatus::CheckedOut) => Step::Refused(Closed::CheckedOut),
        (_, BookingStatus::NoShow) => Step::Refused(Closed::NoShow),
        (_, BookingStatus::Cancelled) => Step::Refused(Closed::Cancelled),
        (_, BookingStatus::Declined) => Step::Refused(Closed::AlreadyDeclined),
        (_, BookingStatus::Unknown) => Step::Refused(Closed::Unknown),
        (
            _,
            BookingStatus::Inquiry
            | BookingStatus::Pending
            | BookingStatus::Requested
            | BookingStatus::UnderReview,
        ) => Step::Refused(Closed::NotConfirmed),
    }
}

/// The day on which a guest who leaves today has left, when that is before the day
/// that was booked: the nights from then on are free. The night of the arrival stays
/// the guest's, since a stay has one at least.
pub fn early_departure(booking: &Booking, today: LocalDay) -> Option<Date> {
    let left = today.latest.max(booking.stay.check_in.saturating_add(1.day()));
    (left < booking.stay.check_out).then_some(left)
}

impl Move {
    /// What it is done to, as a sentence names it.
    pub fn subject(self) -> &'static str {
        match self {
            Self::Approve | Self::Decline | Self::Review | Self::CancelRequest => "booking request",
            Self::CancelBooking | Self::Stay(_) => "booking",
        }
    }

    /// What it then would be, as the end of "it cannot be".
    pub fn done(self) -> &'static str {
        match self {
            Self::Approve => "approved",
            Self::Decline => "declined",
            Self::Review => "reviewed",
            Self::CancelRequest | Self::CancelBooking => "cancelled",
            Self::Stay(StayStep::CheckIn) => "checked in",
            Self::Stay(StayStep::CheckOut) => "checked out",
            Self::Stay(StayStep::NoShow) => "marked as a no-show",
        }
    }
}

impl StayStep {
    /// The status that it leads to.
    pub fn status(self) -> BookingStatus {
        match self {
            Self::CheckIn => BookingStatus::CheckedIn,
            Self::CheckOut => BookingStatus::CheckedOut,
            Self::NoShow => BookingStatus::NoShow,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::approval::tests::request;
    use super::super::fulfilment::Unfit;
    use super::*;

    #[test]
    fn every_status_leads_where_the_table_says() {
        use Closed::{AlreadyApproved, AlreadyDeclined, Cancelled, Expired};
        use Step::{Done, Go, Refused};
        for (status, on_decline, on_review, on_cancel) in [
            (Status::Requested, Go, Go, Go),
            (Status::UnderReview, Go, Done, Go),
            (Status::Confirmed, Refused(AlreadyApproved), Refused(AlreadyApproved), Go),
            (Status::Declined, Refused(AlreadyDeclined), Refused(AlreadyDeclined), Refused(AlreadyDeclined)),
            (Status::Cancelled, Refused(Cancelled), Refused(Cancelled), Done),
            (Status::Expired, Refused(Expired), Refused(Expired), Refused(Expired)),
            (Status::Unknown, Refused(Closed::Unknown), Refused(Closed::Unknown), Refused(Closed::Unknown)),
        ] {
            let request = request(status);
            assert_eq!(decline(&request, None), Ok(on_decline), "{status:?}");
            assert_eq!(start_review(&request, None), Ok(on_review), "{status:?}");
            assert_eq!(cancel_request(&request, None), on_cancel, "{status:?}");
        }
    }

    #[test]
    fn a_fulfilled_open_request_can_be_cancelled_only() {
        for status in [Status::Requested, Status::UnderReview] {
            let mut fulfilled = request(status);
            fulfilled.confirmed_at = Some(jiff::Timestamp::UNIX_EPOCH);
            let by_mark = Err(Unfulfilled::Mark);
            assert_eq!(decline(&fulfilled, None), by_mark);
            assert_eq!(start_review(&fulfilled, None), by_mark);
            assert_eq!(cancel_request(&fulfilled, None), Step::Go);
            let linked = LinkedBooking {
                booking: super::super::ids::BookingId(uuid::Uuid::from_u128(8)),
                guest: fulfilled.guest,
                property: Some(fulfilled.property),
                status: Some(BookingStatus::Confirmed),
                stay: Some(fulfilled.stay),
            };
            fulfilled.approved_booking = Some(linked.booking);
            assert_eq!(decline(&fulfilled, Some(&linked)), Ok(Step::Refused(Closed::AlreadyApproved)));
            let gone = Err(Unfulfilled::Link(Unfit::Lost));
            assert_eq!(decline(&fulfilled, None), gone);
            assert_eq!(start_review(&fulfilled, None), gone);
        }
    }

    #[test]
    fn a_stay_that_has_begun_cannot_be_cancelled() {
        for (own, expected) in [
            (BookingStatus::Confirmed, Step::Go),
            (BookingStatus::CheckedIn, Step::Refused(Closed::CheckedIn)),
            (BookingStatus::CheckedOut, Step::Refused(Closed::CheckedOut)),
            (BookingStatus::NoShow, Step::Refused(Closed::NoShow)),
        ] {
            assert_eq!(cancel_request(&request(Status::Confirmed), Some(own)), expected, "{own:?}");
            assert_eq!(cancel_booking(own, false), expected, "{own:?}");
        }
        assert_eq!(cancel_booking(BookingStatus::Requested, true), Step::Refused(Closed::Hold));
    }

    /// A booking of the request that the tests of approvals are about.
    fn booking(status: BookingStatus) -> Booking {
        let of = request(Status::Confirmed);
        Booking {
            id: super::super::ids::BookingId(of.id.0),
            request: None,
            property: of.property,
            guest: of.guest,
            stay: of.stay,
            status,
            unknown_status: None,
            confirmed_at: None,
            approved_by: None,
            booked_check_out: None,
            row_version: 1,
            created_at: of.created_at,
            updated_at: of.updated_at,
            source: String::new(),
            external_id: None,
        }
    }

    #[test]
    fn steps_of_a_stay_follow_each_other() {
        use BookingStatus::{Cancelled, CheckedIn, CheckedOut, Confirmed, NoShow, Requested, Unknown};
        use Step::{Done, Go, Refused};
        let not_confirmed = Closed::NotConfirmed;
        for (status, check_in, check_out, no_show) in [
            (Confirmed, Go, Refused(Closed::NotCheckedIn), Go),
            (CheckedIn, Done, Go, Refused(Closed::CheckedIn)),
            (CheckedOut, Refused(Closed::CheckedOut), Done, Refused(Closed::CheckedOut)),
            (NoShow, Refused(Closed::NoShow), Refused(Closed::NoShow), Done),
            (Unknown, Refused(Closed::Unknown), Refused(Closed::Unknown), Refused(Closed::Unknown)),
            (Cancelled, Refused(Closed::Cancelled), Refused(Closed::Cancelled), Refused(Closed::Cancelled)),
            (Requested, Refused(not_confirmed), Refused(not_confirmed), Refused(not_confirmed)),
        ] {
            let row = booking(status);
            let arrival = LocalDay::known(row.stay.check_in);
            assert_eq!(stay_step(StayStep::CheckIn, &row, arrival, false), check_in, "{status:?}");
            assert_eq!(stay_step(StayStep::CheckOut, &row, arrival, false), check_out, "{status:?}");
            assert_eq!(stay_step(StayStep::NoShow, &row, arrival, false), no_show, "{status:?}");
        }
    }

    #[test]
    fn a_stay_begins_on_its_first_day_and_ends_before_its_last_one_or_on_it() {
        let (row, go) = (booking(BookingStatus::Confirmed), Step::Go);
        let (check_in, check_out) = (row.stay.check_in, row.stay.check_out);
        let eve = LocalDay::known(check_in.yesterday().unwrap());
        for step in [StayStep::CheckIn, StayStep::NoShow] {
            assert_eq!(stay_step(step, &row, eve, false), Step::Refused(Closed::TooEarly));
        }
        let (last, over) = (check_out.yesterday().unwrap(), LocalDay::known(check_out));
        assert_eq!(stay_step(StayStep::CheckIn, &row, LocalDay::known(last), false), go);
        assert_eq!(stay_step(StayStep::CheckIn, &row, over, false), Step::Refused(Closed::TooLate));
        assert_eq!(stay_step(StayStep::NoShow, &row, over, false), go);
        for day in [eve, over] {
            assert_eq!(stay_step(StayStep::CheckIn, &row, day, true), go);
        }
        assert_eq!(stay_step(StayStep::NoShow, &row, eve, true), Step::Refused(Closed::TooEarly));
        let (arrival, day_two) = (LocalDay::known(check_in), check_in.tomorrow().unwrap());
        for (today, left) in [(eve, Some(day_two)), (arrival, Some(day_two)), (over, None)] {
            assert_eq!(early_departure(&booking(BookingStatus::CheckedIn), today), left);
        }
    }
}
