//! Why booking did not do what it was asked, and what the caller reads of it. The
//! cause is for the log, which is written once, where `rpc` makes a status of it.

use std::time::Duration;

use frontdesk_proto::{ErrorReason, Refusal};
use pg::{Fault, HasFault};

use crate::domain::approval::{ConflictKind, Denied};
use crate::domain::ids::{BlockId, BookingId, BookingRequestId};
use crate::domain::request::BookingRequest;
use crate::domain::stay::Stay;
use crate::domain::steps::{Closed, Move};
use crate::store::constraints::refused_dates;

/// Why a use case did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller may no longer have the stream, in the words of the access layer.
    #[error("{}", .0.message())]
    Standing(Refusal),
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
    /// A decline needs a reason.
    #[error("a decline without a reason")]
    DeclineReasonRequired,
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
    /// The property has no such block.
    #[error("block {0} not found")]
    BlockNotFound(BlockId),
    /// The tenant has a property of this name.
    #[error("the name is taken")]
    NameTaken,
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
    /// The resource has another version than the caller expects.
    #[error("etag mismatch")]
    EtagMismatch {
        /// The version that it has.
        current: i64,
    },
    /// The idempotency key was used for another call.
    #[error("idempotency key reused")]
    KeyReused,
    /// A call with the idempotency key is under way.
    #[error("idempotency key in use")]
    KeyInUse,
    /// The database failed.
    #[error("database: {0}")]
    Database(#[from] Fault),
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
            Self::Standing(_)
            | Self::NoRoomForStream { .. }
            | Self::Stopping
            | Self::DeclineReasonRequired
            | Self::RequestNotFound(_)
            | Self::BookingNotFound(_)
            | Self::PropertyNotFound
            | Self::CustomerNotFound
            | Self::BlockNotFound(_)
            | Self::NameTaken
            | Self::InvalidTransition { .. }
            | Self::Overlap { .. }
            | Self::EtagMismatch { .. }
            | Self::KeyReused
            | Self::KeyInUse => None,
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
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::Standing(refusal) => refusal,
            Error::NoRoomForStream { most, retry_after } => Self::new(
                ErrorReason::Overloaded,
                format!("{most} streams are open, the most this server has room for. Try again later."),
            )
            .retry_after(retry_after),
            Error::Stopping => Self::new(
                ErrorReason::UpstreamUnavailable,
                "The server stops. Start the stream again from its last cursor.",
            ),
            Error::DeclineReasonRequired => Self::new(
                ErrorReason::DeclineReasonRequired,
                "A decline needs a decline_reason that is not blank. The booking request is unchanged.",
            )
            .violation("decline_reason", "is needed and must not be blank"),
            Error::RequestNotFound(id) => Self::new(
                ErrorReason::BookingRequestNotFound,
                format!("The tenant has no booking request {id}. Check the id and X-TENANT-ID."),
            )
            .with("booking_request_id", id.to_string()),
            Error::BookingNotFound(id) => Self::new(
                ErrorReason::BookingNotFound,
                format!("The tenant has no booking {id}. Check the id and X-TENANT-ID."),
            )
            .with("booking_id", id.to_string()),
            Error::PropertyNotFound => Self::new(
                ErrorReason::PropertyNotFound,
                "The tenant has no property with this property_id. GET /v1/properties lists them.",
            ),
            Error::CustomerNotFound => Self::new(
                ErrorReason::CustomerNotFound,
                "The tenant has no customer with this id. GET /v1/customers lists them.",
            ),
            Error::BlockNotFound(id) => Self::new(
                ErrorReason::BlockNotFound,
                format!("The property has no block {id}. GET …/availability lists its blocks."),
            )
            .with("block_id", id.to_string()),
            Error::NameTaken => Self::new(
                ErrorReason::AlreadyExists,
                "The tenant has a property of this name. Nothing was stored; choose another name.",
            )
            .with("field", "name"),
            Error::InvalidTransition { step, state } => Self::new(
                ErrorReason::InvalidTransition,
                format!(
                    "The {} cannot be {}: {}. It is unchanged.",
                    step.subject(),
                    step.done(),
                    state.explained()
                ),
            )
            .with("state", state.name()),
            Error::Overlap { stay, of } => overlap(stay, of),
            Error::EtagMismatch { current } => Self::new(
                ErrorReason::EtagMismatch,
                "It has changed since you read it. Nothing was stored: read it again, then decide again.",
            )
            .with("current_etag", current.to_string()),
            Error::KeyReused => Self::new(
                ErrorReason::IdempotencyKeyReused,
                "The Idempotency-Key was used for another call in the last 24 hours. Nothing was stored: send a new key with a new call.",
            ),
            Error::KeyInUse => Self::new(
                ErrorReason::IdempotencyKeyInUse,
                "A call with this Idempotency-Key is still under way. Try again to get its answer.",
            )
            .retry_after(Duration::from_secs(1)),
            Error::Database(fault) => match refused_dates(&fault) {
                Some(constraint) => Self::new(
                    ErrorReason::BookingOverlap,
                    "The dates are taken. Nothing was stored; choose other dates.",
                )
                .with("constraint", constraint)
                .with("conflict_type", "booking_overlap"),
                None => fault.refusal(),
            },
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
                ErrorReason::BookingOverlap,
                format!(
                    "The property is taken: {sentence} nights between {check_in} and {check_out}. The booking request is unchanged: decline it or free the dates. GET …/explain shows what is in the way."
                ),
            )
            .with("conflict_kind", kind.name())
        }
        OverlapOf::New => Refusal::new(
            ErrorReason::BookingOverlap,
            format!(
                "The property is taken for nights between {check_in} and {check_out}. Nothing was stored; GET …/availability shows the free nights."
            ),
        ),
    };
    refusal.with("conflict_type", "booking_overlap")
}
