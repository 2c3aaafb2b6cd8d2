//! What approving or declining a request comes to.

use super::ids::{BookingId, GuestId};
use super::request::{BookingRequest, Status};
use super::stay::Stay;

/// A booking that has nights of the requested stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    pub booking: BookingId,
    /// Unknown for some bookings made elsewhere.
    pub guest: Option<GuestId>,
    /// As stored.
    pub status: String,
    pub stay: Stay,
}

/// What an approve does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Approval {
    /// Make the booking.
    Book,
    /// Nothing: it was approved before. `stored` tells whether the request's own
    /// status says so.
    AlreadyApproved { booking: Option<BookingId>, stored: bool },
    /// The state does not allow it.
    Refused(Closed),
    /// Somebody has nights of the stay.
    Overlap,
}

/// What a decline does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decline {
    /// Store it.
    Decline,
    /// The state does not allow it.
    Refused(Closed),
}

/// A state from which no decision leads on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    AlreadyApproved,
    AlreadyDeclined,
    Cancelled,
    Expired,
}

/// Decides an approve. `conflicts` are the bookings in the way, as far as they
/// are known: the database has the last word when the booking is stored.
pub fn approve(request: &BookingRequest, conflicts: &[Conflict]) -> Approval {
    match request.status {
        Status::Declined => Approval::Refused(Closed::AlreadyDeclined),
        Status::Cancelled => Approval::Refused(Closed::Cancelled),
        Status::Expired => Approval::Refused(Closed::Expired),
        Status::Confirmed => Approval::AlreadyApproved { booking: request.approved_booking, stored: true },
        Status::Requested | Status::UnderReview if request.approved_booking.is_some() => {
            Approval::AlreadyApproved { booking: request.approved_booking, stored: false }
        }
        // Also with `confirmed_at` alone: without a booking nothing holds the dates.
        Status::Requested | Status::UnderReview if conflicts.is_empty() => Approval::Book,
        Status::Requested | Status::UnderReview => Approval::Overlap,
    }
}

/// Decides a decline.
pub fn decline(request: &BookingRequest) -> Decline {
    match request.effective_status() {
        Status::Requested | Status::UnderReview => Decline::Decline,
        Status::Confirmed => Decline::Refused(Closed::AlreadyApproved),
        Status::Declined => Decline::Refused(Closed::AlreadyDeclined),
        Status::Cancelled => Decline::Refused(Closed::Cancelled),
        Status::Expired => Decline::Refused(Closed::Expired),
    }
}

impl Closed {
    /// As `metadata.state` names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::AlreadyApproved => "already_approved",
            Self::AlreadyDeclined => "already_declined",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::super::ids::{BookingRequestId, PropertyId};
    use super::*;

    fn request(status: Status) -> BookingRequest {
        BookingRequest {
            id: BookingRequestId(Uuid::from_u128(1)),
            property: PropertyId(Uuid::from_u128(2)),
            guest: GuestId(Uuid::from_u128(3)),
            stay: Stay::parse("2026-07-01", "2026-07-08").unwrap(),
            status,
            guest_count: 1,
            message: String::new(),
            internal_note: String::new(),
            decline_reason: None,
            approved_booking: None,
            confirmed_at: None,
            decided_by: None,
            row_version: 1,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn conflict() -> Conflict {
        Conflict {
            booking: BookingId(Uuid::from_u128(9)),
            guest: None,
            status: "confirmed".to_owned(),
            stay: Stay::parse("2026-07-05", "2026-07-10").unwrap(),
        }
    }

    #[test]
    fn every_status_decides_as_the_table_says() {
        use Closed::{AlreadyApproved, AlreadyDeclined, Cancelled, Expired};
        for (status, on_approve, on_decline) in [
            (Status::Requested, Approval::Book, Decline::Decline),
            (Status::UnderReview, Approval::Book, Decline::Decline),
            (
                Status::Confirmed,
                Approval::AlreadyApproved { booking: None, stored: true },
                Decline::Refused(AlreadyApproved),
            ),
            (Status::Declined, Approval::Refused(AlreadyDeclined), Decline::Refused(AlreadyDeclined)),
            (Status::Cancelled, Approval::Refused(Cancelled), Decline::Refused(Cancelled)),
            (Status::Expired, Approval::Refused(Expired), Decline::Refused(Expired)),
        ] {
            assert_eq!(approve(&request(status), &[]), on_approve, "{status:?}");
            assert_eq!(decline(&request(status)), on_decline, "{status:?}");
            // A conflict matters to open requests only.
            let with_conflict = if status.is_open() { Approval::Overlap } else { on_approve };
            assert_eq!(approve(&request(status), &[conflict()]), with_conflict, "{status:?}");
        }
    }

    #[test]
    fn a_link_or_date_left_on_a_closed_request_does_not_reopen_it() {
        for status in Status::ALL.into_iter().filter(|status| !status.is_open()) {
            let mut left = request(status);
            left.confirmed_at = Some(Timestamp::UNIX_EPOCH);
            left.approved_booking = Some(BookingId(Uuid::from_u128(9)));
            assert_eq!(left.effective_status(), status);
            assert!(!matches!(approve(&left, &[]), Approval::Book | Approval::Overlap), "{status:?}");
        }
    }

    #[test]
    fn a_fulfilled_open_request_cannot_be_declined() {
        let mut fulfilled = request(Status::Requested);
        fulfilled.confirmed_at = Some(Timestamp::UNIX_EPOCH);
        assert_eq!(decline(&fulfilled), Decline::Refused(Closed::AlreadyApproved));
    }
}
