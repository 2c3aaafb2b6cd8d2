//! What a row may hold that cannot be shown, as other programs and other versions
//! write it: a word that is not known, nothing where there must be something, a date or
//! time beyond those that we can name. A list of requests shows such a field as unknown
//! or empty; here the columns are named, for the list of inconsistencies. How a field
//! is shown then is not known here, and neither is which names are those of time zones:
//! no table of the database has them (`domain/rules.rs`).

use super::blocking::quoted;
use super::columns;
use super::statuses::known_words;
use crate::domain::booking::BookingStatus;
use crate::domain::inconsistency::has_default;
use crate::domain::layout::Layout;
use crate::domain::property::{HoldPolicy, MOST_HOLD_HOURS};
use crate::domain::request::Status;

/// Which columns of those that cannot be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    All,
    /// Those without which the row is not judged by what else it holds.
    Unjudged,
}

/// An expression: the names of the columns of a request that cannot be shown.
pub fn of_requests(layout: Layout, which: Which) -> String {
    let checks = columns::BOOKING_REQUEST.iter().filter_map(|name| {
        let stored = match layout {
            Layout::Standard => name,
            Layout::SingleTable => columns::single_table(name)?,
        };
        check("r", stored, which, || match layout {
            Layout::Standard => known("r", &words_of_requests()),
            // A row that keeps its nights is a booking, which cannot have run out.
            Layout::SingleTable => {
                let as_request = known("r", &words_of_requests());
                format!("({} or {as_request} and {{not_holding}})", known("r", &words_of_bookings()))
            }
        })
    });
    names(checks)
}

/// An expression: the names of the columns of a booking that cannot be shown.
pub fn of_bookings(which: Which) -> String {
    names(
        columns::BOOKING
            .iter()
            .filter_map(|name| check("b", name, which, || known("b", &words_of_bookings()))),
    )
}

/// An expression: the names of the columns of an inventory range that cannot be shown.
pub fn of_ranges() -> String {
    unfit(&[
        ("property_id", "i.property_id is not null".to_owned()),
        ("start_date", day("i.start_date")),
        ("end_date", format!("{} and i.end_date > i.start_date", day("i.end_date"))),
    ])
}

/// An expression: the names of the columns of a property that cannot be shown, but for its
/// time zone.
pub fn of_properties() -> String {
    let mut checks = vec![
        ("name", "p.name is not null".to_owned()),
        ("max_guests", within("max_guests", 1, i32::MAX)),
        ("hold_policy", format!("p.hold_policy::text in ({})", hold_policies())),
        ("hold_hours", within("hold_hours", 1, MOST_HOLD_HOURS)),
        ("row_version", is_version("p.row_version")),
        ("created_at", nameable("p.created_at")),
        ("updated_at", nameable("p.updated_at")),
    ];
    // Where there is none, there is no rule.
    let rule = |name, fine: String| (name, format!("({fine}) is not false"));
    for (name, least) in
        [("min_nights", 1), ("max_nights", 1), ("lead_days", 0), ("horizon_days", 1), ("turnover_days", 0)]
    {
        checks.push(rule(name, within(name, least, i32::MAX)));
    }
    for name in ["min_nights_by_arrival", "max_nights_by_arrival"] {
        let most = i32::MAX;
        checks
            .push(rule(name, numbers(name, |days| format!("0 <= all ({days}) and {most} >= all ({days})"))));
    }
    for name in ["closed_to_arrival", "closed_to_departure"] {
        checks.push(rule(
            name,
            numbers(name, |days| format!("{days} <@ array[1, 2, 3, 4, 5, 6, 7]::bigint[]")),
        ));
    }
    unfit(&checks)
}

/// The policies of holds, as a list.
pub fn hold_policies() -> String {
    HoldPolicy::ALL.map(|policy| quoted(policy.name())).join(", ")
}

/// A condition: a number of a property that is between two. Of a column of another type its
/// text is looked at: one that compares with no number would end the whole check.
fn within(name: &str, least: i32, most: i32) -> String {
    let text = format!("p.{name}::text");
    format!(
        "case when {text} ~ '^-?[0-9]+([.]0*)?$' then {text}::numeric between {least} and {most} \
         when {text} is not null then false end"
    )
}

/// A condition about a row of numbers of a property, of one dimension.
fn numbers(name: &str, fine: impl Fn(&str) -> String) -> String {
    let text = format!("p.{name}::text");
    let fine = fine(&format!("{text}::bigint[]"));
    format!(
        "case when {text} ~ '^{{}}$|^{{[0-9]{{1,18}}(,[0-9]{{1,18}})*}}$' then {fine} \
         when {text} is not null then false end"
    )
}

/// An expression: the names of the columns of a customer that cannot be shown. One of which
/// it is not known whether it is archived is in no list.
pub fn of_customers() -> String {
    let mut checks: Vec<(&str, String)> = ["name", "email", "phone", "source", "notes", "archived"]
        .map(|name| (name, format!("c.{name} is not null")))
        .to_vec();
    checks.extend(["created_at", "updated_at"].map(|name| (name, nameable(&format!("c.{name}")))));
    checks.push(("archived_at", format!("{} is not false", nameable("c.archived_at"))));
    unfit(&checks)
}

/// An expression: the names of those columns of which this is not so.
fn unfit(checks: &[(&str, String)]) -> String {
    names(checks.iter().map(|(name, fine)| format!("case when ({fine}) is not true then '{name}' end")))
}

fn names(checks: impl Iterator<Item = String>) -> String {
    format!("array_remove(array[{}], null)", checks.collect::<Vec<_>>().join(", "))
}

/// The name of a column when it cannot be shown; `None` for columns that always can.
fn check(row: &str, name: &str, which: Which, known: impl Fn() -> String) -> Option<String> {
    if which == Which::Unjudged && has_default(name) {
        return None;
    }
    let column = format!("{row}.{name}");
    let bad = match name {
        "status" => format!("{} is not true", known()),
        "property_id" | "message" | "internal_note" | "internal_notes" => format!("{column} is null"),
        "guest_count" => format!("({column} between 1 and 2147483647) is not true"),
        "row_version" => format!("({}) is not true", is_version(&column)),
        "check_in" => format!("{} is not true", day(&column)),
        "check_out" => format!("({} and {column} > {row}.check_in) is not true", day(&column)),
        "created_at" | "updated_at" => format!("{} is not true", nameable(&column)),
        "confirmed_at" | "hold_expires_at" => format!("{} is false", nameable(&column)),
        _ => return None,
    };
    Some(format!("case when {bad} then '{name}' end"))
}

/// An expression: the version of a row as it is shown. One that cannot be is the first; a
/// column of wider numbers would end the whole statement with it.
pub fn shown_version(row: &str) -> String {
    let column = format!("{row}.row_version");
    format!("(case when {} then {column} else 1 end)::bigint", is_version(&column))
}

/// A condition: a version that we can show.
fn is_version(column: &str) -> String {
    format!("{column} between 1 and {}", i64::MAX)
}

/// The first time that we can name, and the first one after it that we cannot
/// (`domain/form.rs`).
const FIRST: &str = "timestamptz '0001-01-01 00:00:00+00'";
const END: &str = "timestamptz '9999-12-30 21:59:59+00'";

/// A condition: a time that we can name.
pub fn nameable(column: &str) -> String {
    format!("({column} >= {FIRST} and {column} < {END})")
}

/// A condition: a time that we can name, as we can the microsecond after it.
pub fn is_followed(column: &str) -> String {
    format!("({column} >= {FIRST} and {column} < {END} - interval '1 microsecond')")
}

/// A condition: a day that we can name.
fn day(column: &str) -> String {
    format!("({column} between date '0001-01-01' and date '9999-12-29')")
}

/// A condition: the status is one of these words, whatever type the column has.
fn known(row: &str, words: &[&'static str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    format!("({row}.status::text in ({}))", words.join(", "))
}

/// The words that are read as statuses of a booking.
fn words_of_bookings() -> Vec<&'static str> {
    BookingStatus::ALL.into_iter().map(BookingStatus::name).collect()
}

/// The words that are read as statuses of a request; those of bookings are among them.
fn words_of_requests() -> Vec<&'static str> {
    let words = known_words();
    words.into_iter().filter(|word| Status::from_name(word).is_some()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_table_knows_its_own_words() {
        let requests = of_requests(Layout::Standard, Which::All);
        let bookings = of_bookings(Which::All);
        for word in ["'requested'", "'cancelled'", "'inquiry'"] {
            assert!(requests.contains(word) && bookings.contains(word), "{word}");
        }
        assert!(requests.contains("'expired'") && !bookings.contains("'expired'"), "{bookings}");
    }

    #[test]
    fn columns_have_the_names_of_their_layout() {
        assert!(of_requests(Layout::Standard, Which::All).contains("r.internal_note is null"));
        let single = of_requests(Layout::SingleTable, Which::All);
        assert!(single.contains("r.internal_notes is null") && !single.contains("hold_expires_at"));
    }

    #[test]
    fn each_column_of_properties_and_customers_is_looked_at_or_may_be_empty() {
        let empty = ["id", "time_zone", "external_id", "merged_into"];
        for (columns, looked) in
            [(&columns::PROPERTY[..], of_properties()), (&columns::CUSTOMER[..], of_customers())]
        {
            for name in columns.iter().filter(|name| !empty.contains(name)) {
                assert!(looked.contains(&format!("then '{name}' end")), "{name}: {looked}");
            }
        }
        assert!(of_properties().contains("p.hold_policy::text in ('none', 'hold')"));
    }

    #[test]
    fn what_has_a_default_does_not_keep_a_row_from_being_judged() {
        let unjudged = of_requests(Layout::SingleTable, Which::Unjudged);
        assert!(unjudged.contains("check_out") && !unjudged.contains("message"), "{unjudged}");
    }
}
