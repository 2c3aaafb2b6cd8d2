//! How statements ask which rows share a night, so that an index answers.
//!
//! Under row-level security an index is searched by leakproof operators only, so neither
//! `&&` nor a function of the dates leads into one (nor does `coalesce` of two
//! parameters): dates are compared one by one, on a btree. Where to begin is bounded by
//! the length of a stay. The rule of 366 nights would do, if it held for every row; but a
//! single table does not have it, and what is longer must be found too, or an approve would run
//! into the constraint and never see why. So the bound is that of most stays, and what is
//! longer is in indexes of its own, whose predicate is said here word for word.

/// Nights of most stays. What is longer is in indexes of its own, of which there is
/// little: another number needs other indexes.
pub const SHORT_STAY: i32 = 31;

/// So many days before a day begins the earliest short stay with a night from it on.
const LAST_SHORT: i32 = SHORT_STAY - 1;

/// The first day of a row from which [`SHORT_STAY`] can be counted back: a column of dates
/// begins with the 24th of November of 4714 BC.
const FIRST_DAY: &str = "date '4713-01-01 BC'";

/// Gaps of statements and what goes into them.
///
/// `{…_overlap}`: rows of `:property` that have a night from `:check_in` on and before
/// `:check_out`. `{long_…}`: rows whose stay is long, began long before `:stay_from` and
/// has not ended by then. A statement that asks for these does not order or limit them: a page in
/// order would be looked for in the index of all stays.
pub fn words() -> Vec<(String, String)> {
    let mut words = Vec::new();
    let mut add = |gap: &str, text: String| words.push((gap.to_owned(), text));
    for (gap, table, row, from, to) in [
        ("bookings_overlap", "bookings", "b", "check_in", "check_out"),
        ("requests_overlap", "{requests}", "r", "check_in", "check_out"),
        ("ranges_overlap", "inventory_ranges", "i", "start_date", "end_date"),
    ] {
        let earliest = earliest(table, from, to, ":check_in");
        add(
            gap,
            format!("{row}.{from} < :check_out and {row}.{to} > :check_in and {row}.{from} >= {earliest}"),
        );
    }
    // Where to begin for those that end some days before it.
    let earliest_before = earliest("bookings", "check_in", "check_out", "(:check_in - :days)");
    add("earliest_neighbour", earliest_before);
    // For a stay in a row `b`, which another program may have begun on the first of all
    // days: Postgres counts no month back from there.
    let check_in = format!("greatest(b.check_in, {FIRST_DAY})");
    let earliest = earliest("inventory_ranges", "start_date", "end_date", &check_in);
    add("earliest_range_of_b", format!("select {earliest} as first_day"));
    add("short_stay", SHORT_STAY.to_string());
    add("first_day", FIRST_DAY.to_owned());
    for (gap, row) in [("long_booking", "b"), ("long_request", "r")] {
        // On one line, since lines have conditions.
        let long = format!(
            "{row}.check_out > :stay_from and {row}.check_in <= :stay_from - {SHORT_STAY} \
             and {row}.check_out > {row}.check_in + {SHORT_STAY}"
        );
        add(gap, long);
    }
    words
}

/// The day from which on rows of `:property` begin that have a night from a day on. It is
/// compared with `>=`: the first of all days, on which another program may have begun one,
/// has no day before it.
fn earliest(table: &str, from: &str, to: &str, day: &str) -> String {
    format!(
        "(
        select least({day} - {LAST_SHORT}, min(long.{from}))
        from {table} long
        where long.tenant_id = :tenant
          and long.property_id = :property
          and long.{from} <= {day} - {SHORT_STAY}
          and long.{to} > {day}
          and long.{to} > long.{from} + {SHORT_STAY}
    )"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Under row-level security none of these leads into an index.
    #[test]
    fn shared_nights_are_asked_for_by_plain_comparisons() {
        let words = words();
        assert_eq!(words.iter().filter(|(gap, _)| gap.ends_with("_overlap")).count(), 3);
        for (gap, text) in words {
            assert!(!text.contains("&&") && !text.contains("range(") && !text.contains("coalesce"), "{gap}");
        }
    }
}
