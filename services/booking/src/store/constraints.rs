//! What it means when a constraint refuses a row. Postgres, and `pg`, only know that
//! it did.

use pg::{Constraint, Fault, Kind};

use crate::layout::columns::{NO_DOUBLE_BOOKINGS, NO_OVERLAPPING_RANGES};

/// Somebody has one of the nights.
pub fn dates_are_taken(fault: &Fault) -> bool {
    fault.on_constraint(NO_DOUBLE_BOOKINGS) || fault.on_constraint(NO_OVERLAPPING_RANGES)
}

/// The constraint that refused dates, if one did: every exclusion constraint of
/// booking keeps dates from being taken twice.
pub fn refused_dates(fault: &Fault) -> Option<&str> {
    match fault.kind() {
        Kind::Constraint { kind: Constraint::Exclusion, name } => Some(name),
        _ => None,
    }
}

/// The tenant has no such customer.
pub fn guest_is_unknown(fault: &Fault) -> bool {
    fault.on_constraint("booking_requests_guest_fkey") || fault.on_constraint("bookings_guest_fkey")
}

/// The tenant has a property of this name.
pub fn name_is_taken(fault: &Fault) -> bool {
    fault.on_constraint("properties_name_key")
}

#[cfg(test)]
mod tests {
    use frontdesk_proto::{ErrorReason, Refusal};

    use super::*;
    use crate::error::Error;

    fn refusal(kind: Constraint, name: &str) -> Refusal {
        let name = name.to_owned();
        Error::from(Fault::new(Kind::Constraint { kind, name }, "")).into()
    }

    #[test]
    fn an_exclusion_that_nobody_expected_is_an_overlap() {
        for name in [NO_DOUBLE_BOOKINGS, NO_OVERLAPPING_RANGES, "no_double_bookings_102008"] {
            let refusal = refusal(Constraint::Exclusion, name);
            assert_eq!(refusal.reason(), ErrorReason::BookingOverlap);
            let metadata: Vec<_> = refusal.metadata().collect();
            assert_eq!(metadata, [("conflict_type", "booking_overlap"), ("constraint", name)]);
        }
        assert_eq!(refusal(Constraint::Check, "x").reason(), ErrorReason::CheckViolation);
        assert_eq!(refusal(Constraint::Unique, "x").reason(), ErrorReason::UniqueViolation);
    }
}
