//! A booking as stored, and where it is in its life.

use jiff::Timestamp;
use jiff::civil::Date;

use super::ids::{BookingId, BookingRequestId, GuestId, PropertyId, UserId};
use super::stay::Stay;

/// A booking.
#[derive(Debug, Clone, PartialEq, Hash)]
pub struct Booking {
    pub id: BookingId,
    pub request: Option<BookingRequestId>,
    pub property: PropertyId,
    pub guest: Option<GuestId>,
    pub stay: Stay,
    /// The day of departure that was booked, when the guest left before it.
    pub booked_check_out: Option<Date>,
    pub status: BookingStatus,
    /// What the database has instead of a status, for [`BookingStatus::Unknown`].
    pub unknown_status: Option<String>,
    pub confirmed_at: Option<Timestamp>,
    pub approved_by: Option<UserId>,
    pub row_version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Where it was made: `staff` or a channel; empty when it came of a request.
    pub source: String,
    /// Its id there.
    pub external_id: Option<String>,
}

/// A booking that staff or a channel made.
#[derive(Debug, Clone)]
pub struct NewBooking {
    pub id: BookingId,
    pub property: PropertyId,
    /// Unknown for bookings of some channels.
    pub guest: Option<GuestId>,
    pub stay: Stay,
    pub source: String,
    pub external_id: Option<String>,
}

/// Where a booking is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BookingStatus {
    Inquiry,
    Pending,
    Requested,
    UnderReview,
    Confirmed,
    CheckedIn,
    CheckedOut,
    Cancelled,
    Declined,
    NoShow,
    /// Another program stored a word that this version does not know. It keeps its
    /// dates, nothing is decided about it, and it is never written.
    Unknown,
}

impl NewBooking {
    /// Whether a stored booking is what is to be stored: of the same property, guest
    /// and nights. Those that were booked count: who sold them does not know that the
    /// guest has left before the end.
    pub fn is_stored_as(&self, stored: &Booking) -> bool {
        let Stay { check_in, check_out } = stored.stay;
        let booked = Stay { check_in, check_out: stored.booked_check_out.unwrap_or(check_out) };
        (self.property, self.guest, self.stay) == (stored.property, stored.guest, booked)
    }
}

impl BookingStatus {
    /// Every status that has a name.
    pub const ALL: [Self; 10] = [
        Self::Inquiry,
        Self::Pending,
        Self::Requested,
        Self::UnderReview,
        Self::Confirmed,
        Self::CheckedIn,
        Self::CheckedOut,
        Self::Cancelled,
        Self::Declined,
        Self::NoShow,
    ];

    /// Confirmed or later: the guest has or had the nights.
    pub fn is_sold(self) -> bool {
        matches!(self, Self::Confirmed | Self::CheckedIn | Self::CheckedOut)
    }

    /// Over without a stay: others can have the nights.
    pub fn frees_dates(self) -> bool {
        matches!(self, Self::Cancelled | Self::Declined | Self::NoShow)
    }

    /// Whether booking gives it to bookings; the others come from channels, or are
    /// those of requests.
    pub fn is_written(self) -> bool {
        !matches!(self, Self::Inquiry | Self::Pending | Self::UnderReview | Self::Unknown)
    }

    /// As the database writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inquiry => "inquiry",
            Self::Pending => "pending",
            Self::Requested => "requested",
            Self::UnderReview => "under_review",
            Self::Confirmed => "confirmed",
            Self::CheckedIn => "checked_in",
            Self::CheckedOut => "checked_out",
            Self::Cancelled => "cancelled",
            Self::Declined => "declined",
            Self::NoShow => "no_show",
            Self::Unknown => "unknown",
        }
    }

    /// Reads what the database writes.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}
