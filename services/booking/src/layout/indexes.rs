//! Indexes that statements are written for and no migration makes, since a single
//! table belongs to another program. Without them statements are as right, and read
//! more rows. Those of the standard layout are in its migrations.

use super::blocking::Blocking;
use super::words::Words;
use crate::domain::layout::Layout;

/// Names of the indexes of `bookings` as a single table, and what they are on.
const OF_SINGLE_TABLE: [(&str, &str); 19] = [
    // Lists.
    ("bookings_effective_creation_idx", "(tenant_id, ({effective}), created_at, id, check_in, check_out)"),
    ("bookings_effective_day_idx", "(tenant_id, ({effective}), check_in, created_at, id, check_out)"),
    ("bookings_creation_idx", "(tenant_id, created_at, id, check_in, check_out)"),
    ("bookings_day_idx", "(tenant_id, check_in, created_at, id, check_out)"),
    // Rows that lists by status and order do not have.
    ("bookings_unknown_idx", "(tenant_id, created_at, id, check_in) where {is_unknown}"),
    ("bookings_unknown_day_idx", "(tenant_id, check_in, created_at, id) where {is_unknown}"),
    ("bookings_unknown_arrival_idx", "(tenant_id, check_in, id) where {is_unknown_booking}"),
    ("bookings_unplaced_idx", "(tenant_id, id) where created_at is null or check_in is null"),
    ("bookings_property_creation_idx", "(tenant_id, property_id, created_at, id)"),
    ("bookings_guest_creation_idx", "(tenant_id, guest_id, created_at, id)"),
    ("bookings_property_day_idx", "(tenant_id, property_id, check_in, created_at, id)"),
    ("bookings_guest_day_idx", "(tenant_id, guest_id, check_in, created_at, id)"),
    ("bookings_guest_arrival_idx", "(tenant_id, guest_id, check_in, id, property_id)"),
    ("bookings_arrival_idx", "(tenant_id, check_in, id, check_out)"),
    ("bookings_status_arrival_idx", "(tenant_id, status, check_in, id, check_out)"),
    // Who has a night of a property, and what a row fulfils.
    ("bookings_property_arrival_idx", "(tenant_id, property_id, check_in, id, check_out)"),
    (
        "bookings_long_idx",
        "(tenant_id, property_id, check_in, check_out) where check_out > check_in + {short_stay}",
    ),
    (
        "bookings_long_departure_idx",
        "(tenant_id, check_out, check_in) where check_out > check_in + {short_stay}",
    ),
    (
        "bookings_approved_booking_idx",
        "(tenant_id, approved_booking_id) where approved_booking_id is not null",
    ),
];

/// Each with the statement that makes it without keeping anybody from writing.
pub fn of_single_table() -> Vec<(&'static str, String)> {
    let words = Words::new(Layout::SingleTable, &Blocking::Sold);
    let create = |(name, on): (&'static str, &str)| {
        let on = words.fill(on).replace("r.", "").replace("b.", "");
        (name, format!("create index concurrently if not exists {name} on bookings {on}"))
    };
    OF_SINGLE_TABLE.into_iter().map(create).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_can_be_pasted() {
        for (name, create) in of_single_table() {
            assert!(create.contains(name) && !create.contains(['{', ';']), "{create}");
            assert!(!create.contains("r.status") && !create.contains("b.status"), "{create}");
        }
    }
}
