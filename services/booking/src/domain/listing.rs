//! Lists: filters, orders, and where a page starts. How a token writes that is not
//! known here.

use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use super::booking::BookingStatus;
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct After<K> {
    pub key: K,
    pub id: RowId,
}

/// A day in an order, as days from 2000 on. Every day that a row can hold has a place,
/// also those that no other type has a form for; the ends are infinite.
pub type Day = i32;

/// A time in an order, as microseconds from 2000 on, in the same way.
pub type Time = i64;

/// The row after which a page of booking requests starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cursor {
    Created(After<Time>),
    CheckIn(After<(Day, Time)>),
}

/// A page of booking requests.
#[derive(Debug)]
pub struct Page {
    pub order: Order,
    pub after: Cursor,
    pub size: i64,
}

impl Filter {
    /// The known statuses that are asked for.
    pub fn known_names(&self) -> impl Iterator<Item = &'static str> {
        let asked = |status: &Status| self.statuses.contains(status);
        Status::ALL.into_iter().filter(asked).map(Status::name)
    }

    /// Whether the filter asks for rows with a status that nobody knows.
    pub fn has_unknown(&self) -> bool {
        self.statuses.contains(&Status::Unknown)
    }
}

impl BookingFilter {
    /// The known statuses that are asked for.
    pub fn known_names(&self) -> impl Iterator<Item = &'static str> {
        let asked = |status: &BookingStatus| self.statuses.contains(status);
        BookingStatus::ALL.into_iter().filter(asked).map(BookingStatus::name)
    }

    /// Whether the filter asks for rows with a status that nobody knows.
    pub fn has_unknown(&self) -> bool {
        self.statuses.contains(&BookingStatus::Unknown)
    }
}

impl Order {
    /// The cursor before the first row.
    pub fn start(self) -> Cursor {
        let (first, last) = (RowId(Uuid::nil()), RowId(Uuid::max()));
        match self {
            Self::NewestFirst => Cursor::Created(After { key: Time::MAX, id: last }),
            Self::OldestFirst => Cursor::Created(After { key: Time::MIN, id: first }),
            Self::CheckIn => Cursor::CheckIn(After { key: (Day::MIN, Time::MIN), id: first }),
        }
    }

    /// The cursor at a position; `None` when the key is not one of this order. One by
    /// check-in of the version before does not say where it was within its day.
    pub fn cursor(self, key: &str, id: RowId) -> Option<Cursor> {
        match self {
            Self::NewestFirst | Self::OldestFirst => Some(Cursor::Created(After { key: time(key)?, id })),
            Self::CheckIn => {
                let (day, time) = key.split_once(' ')?;
                Some(Cursor::CheckIn(After { key: (day.parse().ok()?, time.parse().ok()?), id }))
            }
        }
    }
}

/// A day as a token holds it; in those of the version before it is written as a date.
pub fn day(key: &str) -> Option<Day> {
    const FIRST: Date = Date::constant(2000, 1, 1);
    let date = || key.parse::<Date>().ok().map(|date| (date - FIRST).get_days());
    key.parse().ok().or_else(date)
}

/// A time in the same way.
pub fn time(key: &str) -> Option<Time> {
    const FIRST: i64 = 946_684_800_000_000;
    let written = || key.parse::<Timestamp>().ok().map(|at| at.as_microsecond() - FIRST);
    key.parse().ok().or_else(written)
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
            Self::CheckIn(After { key: (day, time), .. }) => format!("{day} {time}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_the_version_before_are_the_same_places() {
        assert_eq!(day("2000-03-01"), Some(60));
        assert_eq!(day("60"), Some(60));
        assert_eq!(time("2000-01-02T00:00:00.000001Z"), Some(86_400_000_001));
        assert_eq!(time("86400000001"), Some(86_400_000_001));
        assert_eq!((day("x"), time("2000-01-02")), (None, None));
        assert_eq!(Order::CheckIn.cursor("2000-03-01", RowId(Uuid::nil())), None);
    }

    #[test]
    fn a_cursor_comes_back_from_its_key() {
        let id = RowId(Uuid::from_u128(1));
        let cursor = Cursor::Created(After { key: 836_222_400_123_456, id });
        assert_eq!(Order::NewestFirst.cursor(&cursor.key(), cursor.id()), Some(cursor));
        assert_eq!(Order::CheckIn.cursor("nonsense", id), None);
        assert_eq!(Order::CheckIn.cursor("9678", id), None);
        for order in [Order::NewestFirst, Order::OldestFirst, Order::CheckIn] {
            let start = order.start();
            assert_eq!(order.cursor(&start.key(), start.id()), Some(start));
        }
    }
}
