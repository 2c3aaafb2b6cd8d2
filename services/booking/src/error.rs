//! Booking's errors and what the caller reads.

use frontdesk_proto::{ErrorReason, Refusal};
use pg::{Fault, HasFault};
use tonic::Status;

use crate::domain::decision::Closed;
use crate::domain::ids::BookingRequestId;
use crate::domain::stay::Stay;

/// Why a use case did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was sent is wrong.
    #[error("{}", .0.message())]
    Refused(Refusal),
    /// The tenant has no such request.
    #[error("booking request {} not found", .0.0)]
    RequestNotFound(BookingRequestId),
    /// The tenant has no such property.
    #[error("property not found")]
    PropertyNotFound,
    /// The tenant has no such customer.
    #[error("customer not found")]
    CustomerNotFound,
    /// The request's state does not allow the step.
    #[error("{step} refused: {}", .state.name())]
    InvalidTransition {
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
    },
    /// The database failed.
    #[error("database: {0}")]
    Database(#[from] Fault),
}

impl HasFault for Error {
    fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Database(fault) => Some(fault),
            Self::Refused(_)
            | Self::RequestNotFound(_)
            | Self::PropertyNotFound
            | Self::CustomerNotFound
            | Self::InvalidTransition { .. }
            | Self::Overlap { .. } => None,
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
            Error::PropertyNotFound => Self::new(
                ErrorReason::PropertyNotFound,
                "The tenant has no property with this property_id. GET /v1/properties lists them.",
            ),
            Error::CustomerNotFound => Self::new(
                ErrorReason::CustomerNotFound,
                "The tenant has no customer with this guest_id. GET /v1/customers lists them.",
            ),
            Error::InvalidTransition { step, state } => {
                let sentence = match state {
                    Closed::AlreadyApproved => "it has been approved; cancel the booking instead",
                    Closed::AlreadyDeclined => "it has been declined",
                    Closed::Cancelled => "it has been cancelled",
                    Closed::Expired => "it has expired",
                };
                Self::new(
                    ErrorReason::InvalidTransition,
                    format!("The booking request cannot be {step}: {sentence}. It is unchanged."),
                )
                .with("state", state.name())
            }
            Error::Overlap { stay } => Self::new(
                ErrorReason::BookingOverlap,
                format!(
                    "The property is taken for nights between {} and {}. The booking request is unchanged: decline it or free the dates.",
                    stay.check_in, stay.check_out
                ),
            )
            .with("conflict_type", "booking_overlap"),
            Error::Database(fault) => {
                tracing::warn!(%fault, "database failed");
                fault.refusal()
            }
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        Refusal::from(error).into()
    }
}
