//! A booking request as stored, and what its status means.

use jiff::Timestamp;

use super::actor::Acting;
use super::ids::{BookingId, BookingRequestId, GuestId, PropertyId};
use super::stay::Stay;

/// A booking request.
#[derive(Debug, Clone, PartialEq)]
pub struct BookingRequest {
    pub id: BookingRequestId,
    pub property: PropertyId,
    /// Unknown only for rows of the single-table layout.
    pub guest: Option<GuestId>,
    pub stay: Stay,
    /// As stored; readers want [`BookingRequest::effective_status`].
    pub status: Status,
    pub guest_count: i32,
    pub message: String,
    pub internal_note: String,
    pub decline_reason: Option<String>,
    pub approved_booking: Option<BookingId>,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Requested,
    UnderReview,
    Confirmed,
    Declined,
    Cancelled,
    Expired,
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
}

impl Status {
    /// Every status.
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
