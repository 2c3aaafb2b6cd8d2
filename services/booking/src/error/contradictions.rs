//! What the caller reads of a request that contradicts other rows, and of the way out.

use frontdesk_proto::{ErrorReason as Reason, Refusal};

use crate::domain::fulfilment::{Unfit, Unfulfilled};
use crate::domain::ids::{BookingId, BookingRequestId};
use crate::domain::steps::{Closed, Move};

/// A step that would be allowed if the request did not read as confirmed.
pub fn unfulfilled(request: BookingRequestId, step: Move, why: Unfulfilled) -> Refusal {
    let refusal = Refusal::new(
        Reason::InvalidTransition,
        format!(
            "The {} cannot be {}: it reads as confirmed, though no booking covers its nights. It is unchanged: {}, or cancel it.",
            step.subject(),
            step.done(),
            clearing(why, request)
        ),
    )
    .with("state", Closed::AlreadyApproved.name());
    named(refusal, request, why)
}

/// What leads an open request on that reads as confirmed.
pub fn clearing(why: Unfulfilled, request: BookingRequestId) -> String {
    let (what, choice) = match why {
        Unfulfilled::Mark => ("its confirmed_at is a mark that no booking backs".to_owned(), "clear_mark"),
        Unfulfilled::Link(unfit) => {
            (format!("the booking that it is linked to {}", unfit.explained()), "clear_link")
        }
    };
    format!("{what}; clear it ({} with choice {choice}), then decide again,", resolving(request))
}

/// A refusal with what contradicts the request, and where that is put right.
pub fn named(refusal: Refusal, request: BookingRequestId, why: Unfulfilled) -> Refusal {
    refusal.with("inconsistency", why.name()).with("resolve", resolving(request))
}

/// A confirmed request whose booking does not stand.
pub fn inconsistent(request: BookingRequestId, booking: Option<BookingId>, unfit: Unfit) -> Refusal {
    let resolve = resolving(request);
    let refusal = Refusal::new(
        Reason::RequestInconsistent,
        format!(
            "The booking request is confirmed, and its booking {}. Nothing was changed: GET /api/v1/diagnostics/inconsistencies names the ways out, {resolve} takes one.",
            unfit.explained()
        ),
    );
    let refusal = refusal.with("inconsistency", unfit.name()).with("resolve", resolve);
    match booking {
        Some(booking) => refusal.with("booking_id", booking.to_string()),
        None => refusal,
    }
}

/// Where an inconsistency of a request is resolved.
fn resolving(request: BookingRequestId) -> String {
    format!("POST /api/v1/diagnostics/inconsistencies/{request}/resolve")
}
