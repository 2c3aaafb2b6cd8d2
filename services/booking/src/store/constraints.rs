//! What it means when a constraint refuses a row. Postgres, and `pg`, only know that
//! it did.

use pg::{Constraint, Fault, Kind};

use crate::error::Error;
use crate::layout::columns::{NO_DOUBLE_BOOKINGS, NO_OVERLAPPING_RANGES};

/// Somebody has one of the nights.
pub fn dates_are_taken(fault: &Fault) -> bool {
    fault.on_constraint(NO_DOUBLE_BOOKINGS) || fault.on_constraint(NO_OVERLAPPING_RANGES)
}

/// Every exclusion constraint of booking keeps dates from being taken twice.
impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match fault.kind() {
            Kind::Constraint { kind: Constraint::Exclusion, name } => {
                Self::DatesTaken { constraint: name.clone() }
            }
            _ => Self::Database(fault),
        }
    }
}

/// The tenant has no such customer.
pub fn guest_is_unknown(fault: &Fault) -> bool {
    fault.on_constraint("booking_requests_guest_fkey") || fault.on_constraint("bookings_guest_fkey")
}

/// The tenant has a property of this name, or of one that looks the same.
pub fn name_is_taken(fault: &Fault) -> bool {
    fault.on_constraint("properties_name_key") || fault.on_constraint("properties_shown_name_key")
}

/// Another customer has the external id.
pub fn external_id_is_taken(fault: &Fault) -> bool {
    fault.on_constraint("customers_external_id_key")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exclusion_means_that_dates_are_taken() {
        let error =
            |kind, name: &str| Error::from(Fault::new(Kind::Constraint { kind, name: name.to_owned() }, ""));
        for name in [NO_DOUBLE_BOOKINGS, NO_OVERLAPPING_RANGES, "no_double_bookings_102008"] {
            assert!(
                matches!(error(Constraint::Exclusion, name), Error::DatesTaken { constraint } if constraint == name)
            );
        }
        for kind in [Constraint::Check, Constraint::Unique, Constraint::ForeignKey] {
            assert!(matches!(error(kind, "x"), Error::Database(_)));
        }
    }
}
