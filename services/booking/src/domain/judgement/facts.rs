//! What is known of bookings, inventory ranges and rows that cannot be shown. What is
//! judged by it is not known here.

use super::super::booking::BookingStatus;
use super::super::ids::{BookingId, RangeId, RowId};
use super::super::inconsistency::{Subject, has_default};

/// What is known of a booking.
#[derive(Debug, Clone, Copy, Hash)]
pub struct BookingFacts {
    pub id: BookingId,
    pub status: BookingStatus,
    pub deleted: Deleted,
    /// Whether its status frees its nights, and the constraint against double bookings
    /// covers it all the same.
    pub freed_in_the_way: bool,
    /// Whether active inventory ranges of its own have all its nights.
    pub has_range: bool,
    /// Whether no other active range has one of its nights.
    pub range_free: bool,
    pub row_version: i64,
}

/// Whether a row was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Deleted {
    No,
    /// And its nights are free.
    Yes,
    /// And the constraint against double bookings covers it all the same.
    InTheWay,
}

/// What is known of an inventory range.
#[derive(Debug, Clone, Copy, Hash)]
pub struct RangeFacts {
    pub id: RangeId,
    /// What it belongs to: a booking, or a request.
    pub source: Option<BookingId>,
    pub active: bool,
    pub place: Place,
}

/// How a range lies to what it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// It belongs to no live booking and no open request.
    OfNothing,
    /// It has nights of its booking or of its open request, or is a block.
    Right,
    /// It has none of the nights of its open request, or is of another property.
    BesideRequest,
    /// It covers nights outside its booking, or is of another property.
    Elsewhere {
        /// Whether no range of others has one of the booking's nights.
        can_be_fitted: bool,
    },
}

/// What is known of a row that cannot be shown.
#[derive(Debug, Clone, Hash)]
pub struct UnreadableFacts {
    pub row: RowId,
    pub subject: Subject,
    /// The columns that cannot be shown.
    pub columns: Vec<String>,
    /// The one that is shown for it.
    pub row_version: i64,
}

impl UnreadableFacts {
    /// Whether the row is judged like any other besides.
    pub fn is_judged(&self) -> bool {
        self.columns.iter().all(|column| has_default(column))
    }
}
