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
    /// Nothing: it was approved before.
    AlreadyApproved { booking: Option<BookingId> },
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
    match request.effective_status() {
        Status::Declined => Approval::Refused(Closed::AlreadyDeclined),
        Status::Cancelled => Approval::Refused(Closed::Cancelled),
        Status::Expired => Approval::Refused(Closed::Expired),
        Status::Confirmed => Approval::AlreadyApproved { booking: request.approved_booking },
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
