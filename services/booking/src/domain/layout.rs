//! How requests are stored, and what follows from it. Whoever decides, reads or
//! writes asks here instead of matching: so this is the only place that says in what
//! two layouts differ, but for the names and words of the database, which
//! `crate::layout` has.

use super::ids::BookingId;
use super::request::BookingRequest;

/// How requests are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// In a table of their own: approving makes a booking.
    Standard,
    /// As rows of the table of bookings: approving changes the row.
    SingleTable,
}

impl Layout {
    /// Both, in the order in which declarations of statements name their files.
    pub const ALL: [Self; 2] = [Self::Standard, Self::SingleTable];

    /// As operators read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::SingleTable => "single_table",
        }
    }

    /// Whether a row is a request first and then its booking. Such a row cannot be
    /// confirmed beside another booking of its nights, so one that another booking
    /// fulfils keeps its status, and it has no hold that runs out.
    pub fn request_is_its_booking(self) -> bool {
        match self {
            Self::Standard => false,
            Self::SingleTable => true,
        }
    }

    /// The booking that is there before an approve makes it one: the row itself, or the
    /// booking that holds the dates, if it is used.
    pub fn booking_of(self, request: &BookingRequest, hold: bool) -> Option<BookingId> {
        if self.request_is_its_booking() {
            Some(BookingId(request.id.0))
        } else {
            request.held_booking.filter(|_| hold)
        }
    }
}
