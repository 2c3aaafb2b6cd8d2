//! Rows that contradict each other. Which rows those are is for the statement
//! `list_inconsistencies` to find; how each is put right is told where it is shown.

use super::ids::{BookingId, BookingRequestId, RowId};

/// Rows that contradict each other.
#[derive(Debug)]
pub struct Inconsistency {
    pub kind: InconsistencyKind,
    pub request: Option<BookingRequestId>,
    pub booking: Option<BookingId>,
    /// The row that the list is ordered by.
    pub row: RowId,
}

/// How rows contradict each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InconsistencyKind {
    /// An open request has a confirmation date and no booking.
    ConfirmedAtSet,
    /// An open request is linked to a confirmed booking for the same dates.
    ApprovedBookingConfirmed,
    /// An open request has an active inventory range.
    InventoryActive,
    /// An open request's guest has a confirmed booking for the same dates.
    RelatedBookingConfirmed,
    /// A request reads as confirmed and its booking is missing or cancelled.
    ConfirmedWithoutBooking,
    /// A booking has no active inventory range.
    BookingWithoutRange,
    /// An active inventory range belongs to no live booking.
    RangeWithoutBooking,
}

impl InconsistencyKind {
    /// Every kind, in the order of the list.
    pub const ALL: [Self; 7] = [
        Self::ConfirmedAtSet,
        Self::ApprovedBookingConfirmed,
        Self::InventoryActive,
        Self::RelatedBookingConfirmed,
        Self::ConfirmedWithoutBooking,
        Self::BookingWithoutRange,
        Self::RangeWithoutBooking,
    ];

    /// As the statement names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ConfirmedAtSet => "confirmed_at_set",
            Self::ApprovedBookingConfirmed => "approved_booking_confirmed",
            Self::InventoryActive => "inventory_active",
            Self::RelatedBookingConfirmed => "related_booking_confirmed",
            Self::ConfirmedWithoutBooking => "confirmed_without_booking",
            Self::BookingWithoutRange => "booking_without_range",
            Self::RangeWithoutBooking => "range_without_booking",
        }
    }

    /// Its place in the list, from 1; page tokens hold it.
    pub fn number(self) -> i32 {
        match self {
            Self::ConfirmedAtSet => 1,
            Self::ApprovedBookingConfirmed => 2,
            Self::InventoryActive => 3,
            Self::RelatedBookingConfirmed => 4,
            Self::ConfirmedWithoutBooking => 5,
            Self::BookingWithoutRange => 6,
            Self::RangeWithoutBooking => 7,
        }
    }

    /// Reads the place in the list.
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }
}
