//! The wire of fulfilment: which nights of a request are covered.

use frontdesk_proto::booking::v1 as wire;

use super::fields;
use crate::domain::fulfilment::Fulfilment;
use crate::domain::stay::{Coverage, Stay};

/// As requests, approvals, events and explanations show it.
pub fn message(fulfilment: &Fulfilment) -> wire::Fulfilment {
    wire::Fulfilment {
        booking_id: fields::written(fulfilment.booking),
        coverage: coverage(fulfilment.coverage()).into(),
        uncovered: fulfilment.uncovered().into_iter().map(nights).collect(),
    }
}

/// How much is covered.
pub fn coverage(coverage: Option<Coverage>) -> wire::StayCoverage {
    match coverage {
        None => wire::StayCoverage::None,
        Some(Coverage::Exact) => wire::StayCoverage::Exact,
        Some(Coverage::Contained) => wire::StayCoverage::Contained,
        Some(Coverage::Partial) => wire::StayCoverage::Partial,
    }
}

fn nights(nights: Stay) -> wire::StayNights {
    let Stay { check_in, check_out } = nights;
    wire::StayNights { check_in: check_in.to_string(), check_out: check_out.to_string() }
}
