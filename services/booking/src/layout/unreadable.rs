//! What a row may hold that cannot be shown, as other programs and other versions
//! write it: a word that is not known, nothing where there must be something, a date or
//! time beyond those that we can name. A list of requests shows such a field as unknown
//! or empty; here the columns are named, for the list of inconsistencies. How a field
//! is shown then is not known here.

use super::columns;
use crate::domain::approval::Layout;
use crate::domain::booking::BookingStatus;
use crate::domain::request::Status;

/// An expression: the names of the columns of a request that cannot be shown.
pub fn of_requests(layout: Layout) -> String {
    let checks = columns::BOOKING_REQUEST.iter().filter_map(|name| {
        let stored = match layout {
            Layout::Standard => name,
            Layout::SingleTable => columns::single_table(name)?,
        };
        check("r", stored)
    });
    names(checks)
}

/// An expression: the names of the columns of a booking that cannot be shown.
pub fn of_bookings() -> String {
    names(columns::BOOKING.iter().filter_map(|name| check("b", name)))
}

fn names(checks: impl Iterator<Item = String>) -> String {
    format!("array_remove(array[{}], null)", checks.collect::<Vec<_>>().join(", "))
}

/// The name of a column when it cannot be shown; `None` for columns that always can.
fn check(row: &str, name: &str) -> Option<String> {
    let column = format!("{row}.{name}");
    let bad = match name {
        "status" => {
            let known: Vec<String> = words().map(|word| format!("'{word}'")).collect();
            // As text, whatever the column is.
            format!("({column}::text in ({})) is not true", known.join(", "))
        }
        "property_id" | "message" | "internal_note" | "internal_notes" => format!("{column} is null"),
        "guest_count" | "row_version" => format!("({column} between 1 and 2147483647) is not true"),
        "check_in" => format!("{} is not true", day(&column)),
        "check_out" => format!("({} and {column} > {row}.check_in) is not true", day(&column)),
        "created_at" | "updated_at" => format!("{} is not true", nameable(&column)),
        "confirmed_at" | "hold_expires_at" => format!("{} is false", nameable(&column)),
        _ => return None,
    };
    Some(format!("case when {bad} then '{name}' end"))
}

/// A condition: a time that we can name.
pub fn nameable(column: &str) -> String {
    format!(
        "({column} between timestamptz '0001-01-01 00:00:00+00' and timestamptz '9999-12-31 00:00:00+00')"
    )
}

/// A condition: a day that we can name.
fn day(column: &str) -> String {
    format!("({column} between date '0001-01-01' and date '9999-12-31')")
}

/// The words of statuses that are read, of requests and bookings alike: rows of the
/// single table are both.
fn words() -> impl Iterator<Item = &'static str> {
    let of_bookings = BookingStatus::ALL.into_iter().map(BookingStatus::name);
    let of_requests = Status::ALL.into_iter().map(Status::name);
    let more = of_requests.filter(|word| BookingStatus::from_name(word).is_none());
    of_bookings.chain(more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_that_is_read_is_known() {
        let words: Vec<&str> = words().collect();
        assert!(words.contains(&"expired") && words.contains(&"inquiry"), "{words:?}");
        assert!(words.iter().all(|word| Status::from_name(word).is_some()));
    }

    #[test]
    fn columns_have_the_names_of_their_layout() {
        assert!(of_requests(Layout::Standard).contains("r.internal_note is null"));
        let single = of_requests(Layout::SingleTable);
        assert!(single.contains("r.internal_notes is null") && !single.contains("hold_expires_at"));
    }
}
