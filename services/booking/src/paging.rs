//! Lists of booking requests: filters, orders, and where a page starts.

use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use crate::domain::booking::BookingStatus;
use crate::domain::ids::{GuestId, PropertyId};
use crate::domain::request::Status;

/// Which booking requests a list is about; nothing set means all.
#[derive(Debug, Default)]
pub struct Filter {
    /// Effective statuses.
    pub statuses: Vec<Status>,
    pub property: Option<PropertyId>,
    pub guest: Option<GuestId>,
    /// Stays with a night on or after this date.
    pub stay_from: Option<Date>,
    /// Stays with a night before this date.
    pub stay_to: Option<Date>,
    pub created_from: Option<Timestamp>,
    pub created_to: Option<Timestamp>,
}

/// Which bookings a list is about; nothing set means all.
#[derive(Debug, Default)]
pub struct BookingFilter {
    pub statuses: Vec<BookingStatus>,
    pub property: Option<PropertyId>,
    pub guest: Option<GuestId>,
    /// Stays with a night on or after this date.
    pub stay_from: Option<Date>,
    /// Stays with a night before this date.
    pub stay_to: Option<Date>,
}

/// Order of a list of booking requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    NewestFirst,
    OldestFirst,
    CheckIn,
}

/// The row after which a page starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cursor {
    Created(Timestamp, Uuid),
    CheckIn(Date, Uuid),
}

/// A page of booking requests.
#[derive(Debug)]
pub struct Page {
    pub order: Order,
    pub after: Cursor,
    pub size: i64,
}

impl Filter {
    /// The statuses, each once; all of them when none is asked for.
    pub fn status_names(&self) -> Vec<&'static str> {
        let wanted = |status: &Status| self.statuses.is_empty() || self.statuses.contains(status);
        Status::ALL.into_iter().filter(wanted).map(Status::name).collect()
    }
}

impl Order {
    /// The cursor before the first row.
    pub fn start(self) -> Cursor {
        match self {
            Self::NewestFirst => Cursor::Created(Timestamp::MAX, Uuid::max()),
            Self::OldestFirst => Cursor::Created(Timestamp::UNIX_EPOCH, Uuid::nil()),
            Self::CheckIn => Cursor::CheckIn(Date::constant(1, 1, 1), Uuid::nil()),
        }
    }

    /// The cursor at a position.
    pub fn cursor(self, (key, id): (&str, Uuid)) -> Option<Cursor> {
        match self {
            Self::NewestFirst | Self::OldestFirst => Some(Cursor::Created(key.parse().ok()?, id)),
            Self::CheckIn => Some(Cursor::CheckIn(key.parse().ok()?, id)),
        }
    }
}

impl Cursor {
    pub fn id(&self) -> &Uuid {
        match self {
            Self::Created(_, id) | Self::CheckIn(_, id) => id,
        }
    }

    /// The sort key, as a token holds it.
    pub fn key(&self) -> String {
        match self {
            Self::Created(at, _) => at.to_string(),
            Self::CheckIn(date, _) => date.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_from_its_key() {
        let cursor = Cursor::Created("2026-07-01T10:00:00.123456Z".parse().unwrap(), Uuid::from_u128(1));
        assert_eq!(Order::NewestFirst.cursor((&cursor.key(), *cursor.id())), Some(cursor));
        assert_eq!(Order::CheckIn.cursor(("nonsense", Uuid::nil())), None);
    }
}
