//! Why booking did not do what it was asked, and what the caller reads of it. The
//! cause is for the log, which is written where the call is answered.
//!
//! A refusal that is made in one place and that nobody tells from others is said
//! there, as a [`Refusal`] with its [`Reason`]. One that is made in several places, or
//! that somebody asks about, is a variant of [`Error`], and its words are here.

use std::sync::Arc;
use std::time::Duration;

use pg::{Fault, HasFault};
use tonic::Status;

use crate::domain::approval::{ConflictKind, Denied};
use crate::domain::ids::{BookingId, BookingRequestId};
use crate::domain::request::BookingRequest;
use crate::domain::stay::Stay;
use crate::domain::steps::{Closed, Move};

/// The reasons of refusals, and a refusal: what the other rooms see of the wire.
pub use frontdesk_proto::{ErrorReason as Reason, Refusal};

/// Why a use case did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It was refused where that was found, in these words.
    #[error("{}", .0.message())]
    Refused(Refusal),
    /// The server has no room for another stream.
    #[error("{most} streams are open")]
    NoRoomForStream {
        /// How many it has room for.
        most: usize,
        /// When to try again.
        retry_after: Duration,
    },
    /// The server stops, and the stream with it.
    #[error("the server stops")]
    Stopping,
    /// The tenant has no such request.
    #[error("booking request {0} not found")]
    RequestNotFound(BookingRequestId),
    /// The tenant has no such booking.
    #[error("booking {0} not found")]
    BookingNotFound(BookingId),
    /// The tenant has no such property.
    #[error("property not found")]
    PropertyNotFound,
    /// The tenant has no such customer.
    #[error("customer not found")]
    CustomerNotFound,
    /// The state does not allow the step.
    #[error("{} not {}: {}", .step.subject(), .step.done(), .state.name())]
    InvalidTransition {
        /// What was tried.
        step: Move,
        /// The state.
        state: Closed,
    },
    /// Somebody has nights of the stay.
    #[error("overlap")]
    Overlap {
        /// The stay that was wanted.
        stay: Stay,
        /// By what.
        of: OverlapOf,
    },
    /// A constraint refused dates where nobody expected it.
    #[error("{constraint} refused the dates")]
    DatesTaken {
        /// The constraint's name.
        constraint: String,
    },
    /// The resource has another version than the caller expects.
    #[error("etag mismatch")]
    EtagMismatch {
        /// The version that it has.
        current: i64,
    },
    /// The database failed.
    #[error("database: {0}")]
    Database(#[source] Fault),
}

/// What wanted nights that are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OverlapOf {
    /// A request, in its approval; this has them.
    Request(ConflictKind),
    /// A request that has to hold its dates, or a block.
    New,
}

impl HasFault for Error {
    fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Database(fault) => Some(fault),
            Self::Refused(_)
            | Self::NoRoomForStream { .. }
            | Self::Stopping
            | Self::RequestNotFound(_)
            | Self::BookingNotFound(_)
            | Self::PropertyNotFound
            | Self::CustomerNotFound
            | Self::InvalidTransition { .. }
            | Self::Overlap { .. }
            | Self::DatesTaken { .. }
            | Self::EtagMismatch { .. } => None,
        }
    }
}

impl Error {
    /// What a denied approve of a request answers.
    pub fn denied(request: &BookingRequest, denied: Denied) -> Self {
        match denied {
            Denied::State(state) => Self::InvalidTransition { step: Move::Approve, state },
            Denied::Overlap(kind) => Self::Overlap { stay: request.stay, of: OverlapOf::Request(kind) },
            Denied::Undecided => Fault::new(pg::Kind::Contention, "no verdict with everything known").into(),
        }
    }

    /// What the caller reads.
    pub fn refusal(&self) -> Refusal {
        match self {
            Self::Refused(refusal) => refusal.clone(),
            Self::NoRoomForStream { most, retry_after } => Refusal::new(
                Reason::Overloaded,
                format!("{most} streams are open, the most this server has room for. Try again later."),
            )
            .retry_after(*retry_after),
            Self::Stopping => Refusal::new(
                Reason::UpstreamUnavailable,
                "The server stops. Start the stream again from its last cursor.",
            ),
            Self::RequestNotFound(id) => Refusal::new(
                Reason::BookingRequestNotFound,
                format!("The tenant has no booking request {id}. Check the id and X-TENANT-ID."),
            )
            .with("booking_request_id", id.to_string()),
            Self::BookingNotFound(id) => Refusal::new(
                Reason::BookingNotFound,
                format!("The tenant has no booking {id}. Check the id and X-TENANT-ID."),
            )
            .with("booking_id", id.to_string()),
            Self::PropertyNotFound => Refusal::new(
                Reason::PropertyNotFound,
                "The tenant has no property with this property_id. GET /v1/properties lists them.",
            ),
            Self::CustomerNotFound => Refusal::new(
                Reason::CustomerNotFound,
                "The tenant has no customer with this id. GET /v1/customers lists them.",
            ),
            Self::InvalidTransition { step, state } => Refusal::new(
                Reason::InvalidTransition,
                format!(
                    "The {} cannot be {}: {}. It is unchanged.",
                    step.subject(),
                    step.done(),
                    state.explained()
                ),
            )
            .with("state", state.name()),
            Self::Overlap { stay, of } => overlap(*stay, *of),
            Self::EtagMismatch { current } => Refusal::new(
                Reason::EtagMismatch,
                "It has changed since you read it. Nothing was stored: read it again, then decide again.",
            )
            .with("current_etag", current.to_string()),
            Self::DatesTaken { constraint } => Refusal::new(
                Reason::BookingOverlap,
                "The dates are taken. Nothing was stored; choose other dates.",
            )
            .with("constraint", constraint)
            .with("conflict_type", "booking_overlap"),
            Self::Database(fault) => fault.refusal(),
        }
    }
}

fn overlap(stay: Stay, of: OverlapOf) -> Refusal {
    let Stay { check_in, check_out } = stay;
    let refusal = match of {
        OverlapOf::Request(kind) => {
            let sentence = match kind {
                ConflictKind::Booking => "another booking has",
                ConflictKind::Hold => "another booking request holds",
                ConflictKind::Block => "a block has",
                ConflictKind::Inventory => "an inventory range without a booking has",
            };
            Refusal::new(
                Reason::BookingOverlap,
                format!(
                    "The property is taken: {sentence} nights between {check_in} and {check_out}. The booking request is unchanged: decline it or free the dates. GET …/explain shows what is in the way."
                ),
            )
            .with("conflict_kind", kind.name())
        }
        OverlapOf::New => Refusal::new(
            Reason::BookingOverlap,
            format!(
                "The property is taken for nights between {check_in} and {check_out}. Nothing was stored; GET …/availability shows the free nights."
            ),
        ),
    };
    refusal.with("conflict_type", "booking_overlap")
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// The caller is told one half; the other goes along with the status as its source,
/// and is logged with the call, once.
impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let mut status = Self::from(error.refusal());
        if matches!(error, Error::Database(_) | Error::DatesTaken { .. }) {
            status.set_source(Arc::new(error));
        }
        status
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_that_a_constraint_refuses_are_an_overlap() {
        let refusal = Error::DatesTaken { constraint: "no_double_bookings_102008".to_owned() }.refusal();
        assert_eq!(refusal.reason(), Reason::BookingOverlap);
        let metadata: Vec<_> = refusal.metadata().collect();
        assert_eq!(
            metadata,
            [("conflict_type", "booking_overlap"), ("constraint", "no_double_bookings_102008")]
        );
    }
}
