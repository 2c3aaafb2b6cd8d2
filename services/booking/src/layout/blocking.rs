//! Which bookings the constraint against double bookings keeps the dates of, as a condition
//! of statements. How that is found out is known in `detect.rs`.

use crate::domain::booking::BookingStatus;

/// Which bookings keep their dates from others, so that the index of the live
/// constraint serves the question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Blocking {
    /// All but those that have freed their dates.
    NotFreed,
    /// What is sold.
    Sold,
    /// Those that the constraint names, and guests who come or are there.
    Covered(Vec<BookingStatus>),
    /// These, unless they were deleted: the constraint does not cover what was.
    Live(Box<Self>),
    /// These, and those that the constraint covers by more than their status: the text
    /// of its condition, as the catalog has it.
    Flagged(Box<Self>, String),
}

impl Blocking {
    /// Whether the constraint keeps the nights of a row whose status frees them.
    pub(super) fn keeps_freed(&self, row: &str) -> String {
        match self {
            Self::Flagged(_, covered) => format!(
                "({row}.status in ({}) and {}) is true",
                statuses(BookingStatus::frees_dates),
                is_covered(row, covered)
            ),
            Self::NotFreed | Self::Sold | Self::Covered(_) | Self::Live(_) => "false".to_owned(),
        }
    }

    /// Whether a row keeps its dates.
    pub(super) fn condition(&self, row: &str) -> String {
        match self {
            Self::NotFreed => format!("{row}.{}", not_freed()),
            Self::Sold => format!("{row}.status in ({})", statuses(BookingStatus::is_sold)),
            Self::Covered(covered) => {
                format!("{row}.status in ({})", statuses(|status| covered.contains(&status)))
            }
            Self::Live(kept) => {
                format!("({} and {row}.deleted_at is null)", kept.condition(row))
            }
            Self::Flagged(besides, covered) => {
                format!("({} or {})", besides.condition(row), is_covered(row, covered))
            }
        }
    }
}

/// What the constraint covers as the migration makes it.
pub(super) fn not_freed() -> String {
    format!("status not in ({})", statuses(BookingStatus::frees_dates))
}

/// What it covers in a single table in which open requests may overlap.
pub(super) fn without_open_requests() -> String {
    let covers = |status| {
        matches!(status, BookingStatus::Pending | BookingStatus::Confirmed | BookingStatus::CheckedIn)
    };
    format!("status in ({})", statuses(covers))
}

/// Whether a constraint's condition holds of a row. It names columns alone: in brackets of
/// their own they are the row's, whatever else the statement reads.
fn is_covered(row: &str, condition: &str) -> String {
    format!("exists (select from (select {row}.*) as covered where {condition})")
}

/// Statuses of bookings, as a list of a statement.
pub(super) fn statuses(which: impl Fn(BookingStatus) -> bool) -> String {
    let names = BookingStatus::ALL.into_iter().filter(|status| which(*status));
    names.map(|status| quoted(status.name())).collect::<Vec<_>>().join(", ")
}

/// A word as a statement has it.
pub(super) fn quoted(word: &str) -> String {
    format!("'{word}'")
}
