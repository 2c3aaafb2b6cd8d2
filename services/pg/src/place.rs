//! Places in an order of times or dates, as Postgres counts them. Every time and date
//! that a column can hold has one, also infinity and the years that no other type of
//! ours has a form for: a page of a list goes on after exactly the row that it ended with.

use jiff::Timestamp;
use jiff::civil::Date;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use crate::value::{EPOCH, EPOCH_SECOND, Stored, Unread, Value};
use crate::{Element, Param};

/// A time in an order: microseconds from 2000 on. The ends are infinite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Micros(pub i64);

/// A date in an order: days from 2000 on. The ends are infinite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Days(pub i32);

impl Micros {
    /// The place of a time.
    pub fn of(at: Timestamp) -> Self {
        Self(at.as_microsecond() - EPOCH_SECOND * 1_000_000)
    }
}

impl Days {
    /// The place of a date.
    pub fn of(date: Date) -> Self {
        Self((date - EPOCH).get_days())
    }
}

impl Value<'_> for Micros {
    fn read(stored: &Stored<'_>) -> Result<Self, Unread> {
        stored.micros().map(Self)
    }
}

impl Value<'_> for Days {
    fn read(stored: &Stored<'_>) -> Result<Self, Unread> {
        stored.days().map(Self)
    }
}

type Written = Result<IsNull, Box<dyn std::error::Error + Sync + Send>>;

impl ToSql for Micros {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Written {
        out.extend_from_slice(&self.0.to_be_bytes());
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::TIMESTAMPTZ | Type::TIMESTAMP)
    }

    to_sql_checked!();
}

impl ToSql for Days {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Written {
        out.extend_from_slice(&self.0.to_be_bytes());
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::DATE
    }

    to_sql_checked!();
}

impl Param for Micros {
    const TYPE: Type = Type::TIMESTAMPTZ;
    const EXAMPLE: &'static str = "timestamptz '2026-01-01 00:00:00+00'";
}

impl Param for Days {
    const TYPE: Type = Type::DATE;
    const EXAMPLE: &'static str = "date '2026-01-01'";
}

impl Element for Days {
    const ARRAY: Type = Type::DATE_ARRAY;
    const ARRAY_EXAMPLE: &'static str = "array[date '2026-01-01']::date[]";
}

#[cfg(test)]
// A test that cannot go on says where.
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_date_or_time_is_where_postgres_has_it() {
        let at = |text: &str| Micros::of(text.parse().unwrap());
        assert_eq!(
            (at("2000-01-01T00:00:00Z"), at("2000-01-01T00:00:01.5Z")),
            (Micros(0), Micros(1_500_000))
        );
        let day = |text: &str| Days::of(text.parse().unwrap());
        assert_eq!(
            (day("2000-01-01"), day("2026-01-01"), day("1999-12-31")),
            (Days(0), Days(9_497), Days(-1))
        );
        assert_eq!(Days::of(Date::MAX), Days(2_921_939));
    }

    /// In the year 20260, and in a column of times.
    #[test]
    fn what_has_no_form_has_a_place() {
        let read = |ty: Type, raw: &[u8]| Days::read(&Stored::new(ty, raw));
        assert_eq!(read(Type::DATE, &6_669_478_i32.to_be_bytes()), Ok(Days(6_669_478)));
        assert_eq!(read(Type::DATE, &i32::MAX.to_be_bytes()), Ok(Days(i32::MAX)));
        assert_eq!(read(Type::TIMESTAMP, &(86_400_000_000_i64 * 3 + 7).to_be_bytes()), Ok(Days(3)));
        assert_eq!(read(Type::TEXT, b"2026"), Err(Unread::Type));
        let micros = |ty: Type, raw: &[u8]| Micros::read(&Stored::new(ty, raw));
        assert_eq!(micros(Type::TIMESTAMPTZ, &(i64::MAX - 1).to_be_bytes()), Ok(Micros(i64::MAX - 1)));
        assert_eq!(micros(Type::DATE, &2_i32.to_be_bytes()), Ok(Micros(2 * 86_400_000_000)));
        assert_eq!(micros(Type::DATE, &i32::MIN.to_be_bytes()), Ok(Micros(i64::MIN)));
    }
}
