//! Rows that contradict each other or cannot be shown: their kinds, and the choices
//! that put them right. Which rows those are is judged in `judgement.rs`; how they are
//! found, and how a choice is carried out, is not known here.

use super::ids::{BookingId, BookingRequestId, RowId};
use super::version::Version;

/// A row that contradicts another one, or cannot be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inconsistency {
    pub kind: InconsistencyKind,
    /// What the row is.
    pub subject: Subject,
    pub request: Option<BookingRequestId>,
    pub booking: Option<BookingId>,
    /// The row that the list is ordered by, and that a choice is made for: the
    /// request, the booking, the inventory range, the property or the customer.
    pub row: RowId,
    /// What puts it right, the most likely first. Empty where only another program can.
    pub choices: Vec<Choice>,
    /// Of what it was judged by.
    pub version: Version,
    /// The columns that cannot be shown, of [`InconsistencyKind::Unreadable`].
    pub columns: Vec<String>,
}

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    Request,
    Booking,
    Range,
    Property,
    Customer,
}

/// How a row contradicts others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InconsistencyKind {
    /// An open request has a confirmation date and no booking.
    ConfirmedAtSet,
    /// An open request is linked to a booking that fulfils it, and was never healed.
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
    /// A request is linked to a booking of another guest or property, or to one that
    /// covers none of its nights.
    LinkNotFollowed,
    /// An open request has a confirmation date, and others have nights of it.
    ConfirmedAtTaken,
    /// A request reads as confirmed, its booking covers a part of it, and others have
    /// nights of the rest.
    PartlyCovered,
    /// A row holds what cannot be shown.
    Unreadable,
    /// An active inventory range covers nights outside its booking, or none of its open
    /// request.
    RangeMisplaced,
    /// A booking was deleted, and the constraint keeps its nights from others.
    DeletedInTheWay,
    /// A booking has a status that frees its nights, and the constraint keeps them from
    /// others by more than the status.
    FreedInTheWay,
}

/// What an operator can choose for a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Choice {
    /// The request loses the mark that it is confirmed and waits for a decision.
    ClearMark,
    /// The request loses its link and its mark, and waits for a decision.
    ClearLink,
    /// A booking that exists fulfils the request.
    LinkBooking,
    /// The request gets a booking of its own.
    Confirm,
    /// The booking gets its inventory range.
    RestoreRange,
    /// The inventory range ends.
    ReleaseRange,
    /// The inventory range gets the property and the nights of its booking.
    FitRange,
    /// The request, whatever it was, waits for a decision.
    Reopen,
    /// Columns that cannot be shown get the values of a new row.
    WriteDefaults,
    /// The request, or the booking, is cancelled.
    Cancel,
}

/// What comes of a choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It is carried out for this inconsistency.
    Go(Inconsistency),
    /// Nothing: the row is as the choice would leave it.
    Done,
    /// Nothing: the row does not offer it, but these.
    NotOffered(Vec<Choice>),
}

/// Whether a new row has a value for this column by itself. A row that cannot be shown
/// only in such columns is judged like any other: what is missing is read as empty.
pub fn has_default(column: &str) -> bool {
    matches!(
        column,
        "message"
            | "internal_note"
            | "internal_notes"
            | "guest_count"
            | "row_version"
            | "created_at"
            | "updated_at"
            | "confirmed_at"
            | "hold_expires_at"
            | "hold_policy"
            | "hold_hours"
            | "email"
            | "phone"
            | "source"
            | "notes"
            | "archived"
            | "archived_at"
    )
}

/// Decides a choice for a row, by what is wrong with it and whether it is already as
/// the choice would leave it.
pub fn decide(choice: Choice, wrong: &[Inconsistency], as_chosen: bool) -> Decision {
    if let Some(offered) = wrong.iter().find(|one| one.choices.contains(&choice)) {
        return Decision::Go(offered.clone());
    }
    if as_chosen {
        return Decision::Done;
    }
    let mut offered: Vec<Choice> = Vec::new();
    for one in wrong.iter().flat_map(|one| &one.choices) {
        if !offered.contains(one) {
            offered.push(*one);
        }
    }
    Decision::NotOffered(offered)
}

impl Inconsistency {
    /// Its place in the list.
    pub fn place(&self) -> (i32, RowId) {
        (self.kind.number(), self.row)
    }
}

impl InconsistencyKind {
    /// Every kind, in the order of the list.
    pub const ALL: [Self; 14] = [
        Self::ConfirmedAtSet,
        Self::ApprovedBookingConfirmed,
        Self::InventoryActive,
        Self::RelatedBookingConfirmed,
        Self::ConfirmedWithoutBooking,
        Self::BookingWithoutRange,
        Self::RangeWithoutBooking,
        Self::LinkNotFollowed,
        Self::ConfirmedAtTaken,
        Self::PartlyCovered,
        Self::Unreadable,
        Self::RangeMisplaced,
        Self::DeletedInTheWay,
        Self::FreedInTheWay,
    ];

    /// As metadata of refusals name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ConfirmedAtSet => "confirmed_at_set",
            Self::ApprovedBookingConfirmed => "approved_booking_confirmed",
            Self::InventoryActive => "inventory_active",
            Self::RelatedBookingConfirmed => "related_booking_confirmed",
            Self::ConfirmedWithoutBooking => "confirmed_without_booking",
            Self::BookingWithoutRange => "booking_without_range",
            Self::RangeWithoutBooking => "range_without_booking",
            Self::LinkNotFollowed => "link_not_followed",
            Self::ConfirmedAtTaken => "confirmed_at_taken",
            Self::PartlyCovered => "partly_covered",
            Self::Unreadable => "unreadable",
            Self::RangeMisplaced => "range_misplaced",
            Self::DeletedInTheWay => "deleted_in_the_way",
            Self::FreedInTheWay => "freed_in_the_way",
        }
    }

    /// Its place in the list, from 1; page tokens and the stored list hold it.
    pub fn number(self) -> i32 {
        match self {
            Self::ConfirmedAtSet => 1,
            Self::ApprovedBookingConfirmed => 2,
            Self::InventoryActive => 3,
            Self::RelatedBookingConfirmed => 4,
            Self::ConfirmedWithoutBooking => 5,
            Self::BookingWithoutRange => 6,
            Self::RangeWithoutBooking => 7,
            Self::LinkNotFollowed => 8,
            Self::ConfirmedAtTaken => 9,
            Self::PartlyCovered => 10,
            Self::Unreadable => 11,
            Self::RangeMisplaced => 12,
            Self::DeletedInTheWay => 13,
            Self::FreedInTheWay => 14,
        }
    }
}

impl Choice {
    /// Every choice.
    pub const ALL: [Self; 10] = [
        Self::ClearMark,
        Self::ClearLink,
        Self::LinkBooking,
        Self::Confirm,
        Self::RestoreRange,
        Self::ReleaseRange,
        Self::FitRange,
        Self::Reopen,
        Self::WriteDefaults,
        Self::Cancel,
    ];

    /// As the history and metadata of refusals name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClearMark => "clear_mark",
            Self::ClearLink => "clear_link",
            Self::LinkBooking => "link_booking",
            Self::Confirm => "confirm",
            Self::RestoreRange => "restore_range",
            Self::ReleaseRange => "release_range",
            Self::FitRange => "fit_range",
            Self::Reopen => "reopen",
            Self::WriteDefaults => "write_defaults",
            Self::Cancel => "cancel",
        }
    }

    /// Reads what the history holds.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_choice_is_made_when_the_row_offers_it_and_else_named() {
        let wrong = |choices: &[Choice]| Inconsistency {
            kind: InconsistencyKind::ConfirmedAtTaken,
            subject: Subject::Request,
            request: None,
            booking: None,
            row: RowId(Uuid::nil()),
            choices: choices.to_vec(),
            version: Version::of(&1),
            columns: Vec::new(),
        };
        let two =
            [wrong(&[Choice::ClearMark, Choice::Cancel]), wrong(&[Choice::RestoreRange, Choice::Cancel])];
        assert_eq!(decide(Choice::RestoreRange, &two, false), Decision::Go(two[1].clone()));
        // What is offered is not done, even if it would change nothing.
        assert_eq!(decide(Choice::Cancel, &two, true), Decision::Go(two[0].clone()));
        assert_eq!(decide(Choice::ClearLink, &two, true), Decision::Done);
        let named = vec![Choice::ClearMark, Choice::Cancel, Choice::RestoreRange];
        assert_eq!(decide(Choice::Confirm, &two, false), Decision::NotOffered(named));
        assert_eq!(decide(Choice::Confirm, &[], false), Decision::NotOffered(vec![]));
    }

    #[test]
    fn names_and_numbers_are_unlike() {
        for choice in Choice::ALL {
            assert_eq!(Choice::from_name(choice.name()), Some(choice));
        }
        let numbers: Vec<i32> = InconsistencyKind::ALL.iter().map(|kind| kind.number()).collect();
        assert_eq!(numbers, (1..=14).collect::<Vec<i32>>());
    }
}
