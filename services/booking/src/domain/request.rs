//! A booking request as stored, and what its status means.

use jiff::Timestamp;

use super::actor::Acting;
use super::decline::DeclineReason;
use super::fulfilment::{Asked, Fulfilment, LinkedBooking, Unfit, Unfulfilled};
use super::ids::{BookingId, BookingRequestId, GuestId, PropertyId};
use super::stay::Stay;

/// A booking request.
#[derive(Debug, Clone, PartialEq, Hash)]
pub struct BookingRequest {
    pub id: BookingRequestId,
    pub property: PropertyId,
    /// Unknown only for rows of the single-table layout.
    pub guest: Option<GuestId>,
    pub stay: Stay,
    /// As stored; readers want [`BookingRequest::effective_status`].
    pub status: Status,
    /// What the database has instead of a status, for [`Status::Unknown`].
    pub unknown_status: Option<String>,
    pub guest_count: i32,
    pub message: String,
    pub internal_note: String,
    pub decline_reason: Option<String>,
    pub decline_code: Option<DeclineReason>,
    /// Message to the guest about a decline.
    pub decline_message: Option<String>,
    pub approved_booking: Option<BookingId>,
    /// That booking, as it was when the request was read. After a lock that had to
    /// wait it may be older than the request.
    pub linked: Option<LinkedBooking>,
    /// The booking that holds the dates while the request is open.
    pub held_booking: Option<BookingId>,
    pub hold_expires_at: Option<Timestamp>,
    pub confirmed_at: Option<Timestamp>,
    /// Who decided.
    pub decided: Acting,
    pub row_version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A request that a guest makes.
#[derive(Debug)]
pub struct NewBookingRequest {
    pub id: BookingRequestId,
    pub property: PropertyId,
    pub guest: GuestId,
    pub stay: Stay,
    pub guest_count: i32,
    pub message: String,
}

/// Where a request is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    Requested,
    UnderReview,
    Confirmed,
    Declined,
    Cancelled,
    Expired,
    /// Another program stored a word that this version does not know. Nothing is
    /// decided about it, and it is never written.
    Unknown,
}

impl BookingRequest {
    /// `confirmed` as soon as an open request is fulfilled. A request that was
    /// fulfilled once and is cancelled now stays cancelled.
    pub fn effective_status(&self) -> Status {
        if self.status.is_open() && (self.confirmed_at.is_some() || self.approved_booking.is_some()) {
            Status::Confirmed
        } else {
            self.status
        }
    }

    /// The nights of a booking that the request is linked to, if it may be followed.
    pub fn follow(&self, linked: Option<&LinkedBooking>) -> Result<Stay, Unfit> {
        let linked = linked.filter(|linked| self.approved_booking == Some(linked.booking));
        let BookingRequest { id, guest, property, stay, .. } = *self;
        linked.ok_or(Unfit::Lost)?.fits(&Asked { request: id, guest, property, stay })
    }

    /// Why the request reads as confirmed although nothing covers its nights; `None`
    /// when it does not, or something does. A guest who did not come was expected.
    pub fn unfulfilled(&self, linked: Option<&LinkedBooking>) -> Option<Unfulfilled> {
        if self.effective_status() != Status::Confirmed {
            return None;
        }
        if self.status.is_open() && self.approved_booking.is_none() {
            return Some(Unfulfilled::Mark);
        }
        match self.follow(linked) {
            Ok(_) => None,
            Err(Unfit::NoShow) if self.status == Status::Confirmed => None,
            Err(unfit) => Some(Unfulfilled::Link(unfit)),
        }
    }

    /// Which nights are covered, of a request that reads as confirmed.
    pub fn fulfilment(&self) -> Option<Fulfilment> {
        if self.effective_status() != Status::Confirmed {
            return None;
        }
        let nights = self.follow(self.linked.as_ref()).ok();
        let booking = self.approved_booking.filter(|_| nights.is_some());
        Some(Fulfilment { asked: self.stay, booking, nights })
    }
}

impl Status {
    /// Every status that is written.
    pub const ALL: [Self; 6] =
        [Self::Requested, Self::UnderReview, Self::Confirmed, Self::Declined, Self::Cancelled, Self::Expired];

    /// Whether a decision is still to be made.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Requested | Self::UnderReview)
    }

    /// As the database writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::UnderReview => "under_review",
            Self::Confirmed => "confirmed",
            Self::Declined => "declined",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Unknown => "unknown",
        }
    }

    /// Reads what the database writes. Rows of the single-table layout go on to
    /// statuses of bookings, and come from channels with words of their own.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "inquiry" | "pending" => Some(Self::Requested),
            "checked_in" | "checked_out" | "no_show" => Some(Self::Confirmed),
            _ => Self::ALL.into_iter().find(|status| status.name() == name),
        }
    }
}
