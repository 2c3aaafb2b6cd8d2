//! Booking's errors and what the caller reads.

use frontdesk_proto::{ErrorReason, Refusal};
use pg::{Constraint, Fault, HasFault, Kind};
use tonic::Status;

use crate::domain::approval::ConflictKind;
use crate::domain::ids::{BlockId, BookingId, BookingRequestId};
use crate::domain::stay::Stay;
use crate::domain::steps::Closed;

/// Why a use case did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was sent is wrong.
    #[error("{}", .0.message())]
    Refused(Refusal),
    /// The tenant has no such request.
    #[error("booking request {} not found", .0.0)]
    RequestNotFound(BookingRequestId),
    /// The tenant has no such booking.
    #[error("booking {} not found", .0.0)]
    BookingNotFound(BookingId),
    /// The tenant has no such property.
    #[error("property not found")]
    PropertyNotFound,
    /// The tenant has no such customer.
    #[error("customer not found")]
    CustomerNotFound,
    /// The property has no such block.
    #[error("block {} not found", .0.0)]
    BlockNotFound(BlockId),
    /// The tenant has a property of this name.
    #[error("the name is taken")]
    NameTaken,
    /// The state does not allow the step.
    #[error("{subject} not {step}: {}", .state.name())]
    InvalidTransition {
        /// What it is about, for the sentence.
        subject: &'static str,
        /// What was tried, for the sentence.
        step: &'static str,
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
            Self::Refused(_)
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

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => refusal,
            Error::RequestNotFound(id) => Self::new(
                ErrorReason::BookingRequestNotFound,
                format!("The tenant has no booking request {}. Check the id and X-TENANT-ID.", id.0),
            )
            .with("booking_request_id", id.0.to_string()),
            Error::BookingNotFound(id) => Self::new(
                ErrorReason::BookingNotFound,
                format!("The tenant has no booking {}. Check the id and X-TENANT-ID.", id.0),
            )
            .with("booking_id", id.0.to_string()),
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
                format!("The property has no block {}. GET …/availability lists its blocks.", id.0),
            )
            .with("block_id", id.0.to_string()),
            Error::NameTaken => Self::new(
                ErrorReason::AlreadyExists,
                "The tenant has a property of this name. Nothing was stored; choose another name.",
            )
            .with("field", "name"),
            Error::InvalidTransition { subject, step, state } => Self::new(
                ErrorReason::InvalidTransition,
                format!("The {subject} cannot be {step}: {}. It is unchanged.", state.explained()),
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
            .retry_after(std::time::Duration::from_secs(1)),
            Error::Database(fault) => {
                tracing::warn!(%fault, "database failed");
                match fault.kind() {
                    Kind::Constraint { kind: Constraint::Exclusion, name } => dates_are_taken(name),
                    _ => fault.refusal(),
                }
            }
        }
    }
}

/// Every exclusion constraint of booking keeps dates from being taken twice.
fn dates_are_taken(constraint: &str) -> Refusal {
    Refusal::new(ErrorReason::BookingOverlap, "The dates are taken. Nothing was stored; choose other dates.")
        .with("constraint", constraint)
        .with("conflict_type", "booking_overlap")
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

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        Refusal::from(error).into()
    }
}
