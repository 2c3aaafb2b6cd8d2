//! Lists: filters, orders, and where a page starts. How a token writes that is not
//! known here.

use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use super::booking::BookingStatus;
use super::form::{LONG_AGO, NEVER};
use super::ids::{GuestId, PropertyId, RowId};
use super::request::Status;

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

/// The row after which a page starts: its sort key and its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct After<K> {
    pub key: K,
    pub id: RowId,
}

/// The row after which a page of booking requests or bookings starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cursor {
    Created(After<Timestamp>),
    CheckIn(After<Date>),
}

/// A page of booking requests or bookings.
#[derive(Debug)]
pub struct Page {
    pub order: Order,
    pub after: Cursor,
    pub size: i64,
}

impl Filter {
    /// The statuses, each once; all of them when none is asked for.
    pub fn status_names(&self) -> Vec<&'static str> {
        let asked = |status: &Status| self.statuses.is_empty() || self.statuses.contains(status);
        Status::ALL.into_iter().filter(asked).map(Status::name).collect()
    }

    /// Whether rows whose status nobody knows are asked for.
    pub fn has_unknown(&self) -> bool {
        self.statuses.is_empty() || self.statuses.contains(&Status::Unknown)
    }
}

impl Order {
    /// The cursor before the first row.
    pub fn start(self) -> Cursor {
        let (first, last) = (RowId(Uuid::nil()), RowId(Uuid::max()));
        match self {
            Self::NewestFirst => Cursor::Created(After { key: NEVER, id: last }),
            Self::OldestFirst => Cursor::Created(After { key: LONG_AGO, id: first }),
            Self::CheckIn => Cursor::CheckIn(After { key: Date::MIN, id: first }),
        }
    }

    /// The cursor at a position; `None` when the key is not one of this order.
    pub fn cursor(self, key: &str, id: RowId) -> Option<Cursor> {
        match self {
            Self::NewestFirst | Self::OldestFirst => {
                Some(Cursor::Created(After { key: key.parse().ok()?, id }))
            }
            Self::CheckIn => Some(Cursor::CheckIn(After { key: key.parse().ok()?, id })),
        }
    }
}

impl Cursor {
    /// The row's id.
    pub fn id(&self) -> RowId {
        match self {
            Self::Created(after) => after.id,
            Self::CheckIn(after) => after.id,
        }
    }

    /// The sort key, as a token holds it.
    pub fn key(&self) -> String {
        match self {
            Self::Created(after) => after.key.to_string(),
            Self::CheckIn(after) => after.key.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_from_its_key() {
        let id = RowId(Uuid::from_u128(1));
        let cursor = Cursor::Created(After { key: "2026-07-01T10:00:00.123456Z".parse().unwrap(), id });
        assert_eq!(Order::NewestFirst.cursor(&cursor.key(), cursor.id()), Some(cursor));
        assert_eq!(Order::CheckIn.cursor("nonsense", id), None);
        for order in [Order::NewestFirst, Order::OldestFirst, Order::CheckIn] {
            let start = order.start();
            assert_eq!(order.cursor(&start.key(), start.id()), Some(start));
        }
    }
}
