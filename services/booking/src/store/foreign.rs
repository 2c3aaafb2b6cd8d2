//! What rows may hold that other programs wrote. Whatever it is, a list goes on: a
//! field that cannot be shown is empty, a status is unknown with its word, and only a
//! row of which nothing can be shown is left out, and counted.

use jiff::Timestamp;
use jiff::civil::Date;
use pg::{Columns, Fault};
use tokio_postgres::Row;

use crate::domain::booking::BookingStatus;
use crate::domain::form::LONG_AGO;
use crate::domain::request::Status;
use crate::domain::stay::Stay;

/// The next column, the status of a request; with the word when it is not one of ours.
pub(super) fn request_status(row: &mut Columns<'_>) -> Result<(Status, Option<String>), Fault> {
    let word: &str = row.or_empty("status")?;
    Ok(match Status::from_name(word) {
        Some(status) => (status, None),
        None => (Status::Unknown, Some(word.to_owned())),
    })
}

/// The next column, the status of a booking; with the word when it is not one of ours.
pub(super) fn booking_status(row: &mut Columns<'_>) -> Result<(BookingStatus, Option<String>), Fault> {
    let word: &str = row.or_empty("status")?;
    Ok(match BookingStatus::from_name(word) {
        Some(status) => (status, None),
        None => (BookingStatus::Unknown, Some(word.to_owned())),
    })
}

/// The next column, a word of ours or nothing. One that this version does not know only
/// labels what other columns say: it is named in the log, and reads as nothing.
pub(super) fn word<T>(
    row: &mut Columns<'_>,
    column: &'static str,
    read: fn(&str) -> Option<T>,
) -> Result<Option<T>, Fault> {
    Ok(known(column, row.or_empty(column)?, read))
}

/// The same of a word that has been read.
pub(super) fn known<T>(column: &'static str, word: &str, read: fn(&str) -> Option<T>) -> Option<T> {
    let known = read(word);
    if known.is_none() && !word.is_empty() {
        tracing::warn!(column, word, "a row has a word that this version does not know");
    }
    known
}

/// The next two columns, as nights. A row without either cannot be shown.
pub(super) fn stay(row: &mut Columns<'_>, from: &str, to: &str) -> Result<Stay, Fault> {
    Ok(Stay { check_in: row.next(from)?, check_out: row.next(to)? })
}

/// Nights that are kept from others: without an end they go on forever, as in the
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

/// Most rows without a place in a list that are counted.
pub(super) const MOST_UNPLACED: i64 = 1_000;

/// The number of rows in the only column.
pub(super) fn counted(rows: &[Row]) -> Result<usize, Fault> {
    let counted = Columns::first(rows, |row| row.next::<i64>("counted"))?;
    Ok(counted.and_then(|counted| usize::try_from(counted).ok()).unwrap_or_default())
}
