//! What rows may hold that other programs wrote. Whatever it is, a list goes on: a
//! field that cannot be shown is empty, a status is unknown with its word, and only a
//! row of which nothing can be shown is left out, and counted.

use jiff::Timestamp;
use jiff::civil::Date;
use pg::types::{IsNull, ToSql, Type};
use pg::{Columns, Fault, Param};

use crate::domain::booking::BookingStatus;
use crate::domain::form::LONG_AGO;
use crate::domain::request::Status;
use crate::domain::stay::Stay;

/// The next column, the status of a request; the word if it is none.
pub(super) fn request_status(row: &mut Columns<'_>) -> Result<(Status, Option<String>), Fault> {
    let word: &str = row.or_empty("status")?;
    Ok(match Status::from_name(word) {
        Some(status) => (status, None),
        None => (Status::Unknown, Some(word.to_owned())),
    })
}

/// The next column, the status of a booking; the word if it is none.
pub(super) fn booking_status(row: &mut Columns<'_>) -> Result<(BookingStatus, Option<String>), Fault> {
    let word: &str = row.or_empty("status")?;
    Ok(match BookingStatus::from_name(word) {
        Some(status) => (status, None),
        None => (BookingStatus::Unknown, Some(word.to_owned())),
    })
}

/// The next two columns, as nights. A row without either cannot be shown.
pub(super) fn stay(row: &mut Columns<'_>, from: &str, to: &str) -> Result<Stay, Fault> {
    Ok(Stay { check_in: row.next(from)?, check_out: row.next(to)? })
}

/// Nights that are kept from others: without an end they go on for ever, as in the
/// constraint.
pub(super) fn reach(from: Option<Date>, to: Option<Date>) -> Stay {
    Stay { check_in: from.unwrap_or(Date::MIN), check_out: to.unwrap_or(Date::MAX) }
}

/// The next column, a time that every row of ours has.
pub(super) fn time(row: &mut Columns<'_>, name: &str) -> Result<Timestamp, Fault> {
    Ok(row.or_empty::<Option<Timestamp>>(name)?.unwrap_or(LONG_AGO))
}

/// The next column, a count.
pub(super) fn count(row: &mut Columns<'_>, name: &str) -> Result<i32, Fault> {
    Ok(row.or_empty::<i32>(name)?.max(0))
}

/// A time in an order, of which infinity is the last.
#[derive(Debug, Clone, Copy)]
pub struct TimeEdge(pub Timestamp);

/// A date in an order, of which infinity is the last.
#[derive(Debug, Clone, Copy)]
pub struct DayEdge(pub Date);

type Written = Result<IsNull, Box<dyn std::error::Error + Sync + Send>>;

impl ToSql for TimeEdge {
    fn to_sql(&self, ty: &Type, out: &mut pg::types::private::BytesMut) -> Written {
        let infinity = match self.0 {
            at if at == Timestamp::MAX => i64::MAX,
            at if at == Timestamp::MIN => i64::MIN,
            at => return at.to_sql(ty, out),
        };
        out.extend_from_slice(&infinity.to_be_bytes());
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        Timestamp::accepts(ty)
    }

    pg::types::to_sql_checked!();
}

impl ToSql for DayEdge {
    fn to_sql(&self, ty: &Type, out: &mut pg::types::private::BytesMut) -> Written {
        let infinity = match self.0 {
            day if day == Date::MAX => i32::MAX,
            day if day == Date::MIN => i32::MIN,
            day => return day.to_sql(ty, out),
        };
        out.extend_from_slice(&infinity.to_be_bytes());
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        <Date as ToSql>::accepts(ty)
    }

    pg::types::to_sql_checked!();
}

impl Param for TimeEdge {
    const TYPE: Type = <Timestamp as Param>::TYPE;
    const EXAMPLE: &'static str = <Timestamp as Param>::EXAMPLE;
}

impl Param for DayEdge {
    const TYPE: Type = <Date as Param>::TYPE;
    const EXAMPLE: &'static str = <Date as Param>::EXAMPLE;
}
