//! Why booking did not do what it was asked, and what the caller reads of it. The
//! cause is for the log, which is written where the call is answered.
//!
//! A refusal that is made in one place and that nobody tells from others is said
//! there, as a [`Refusal`] with its [`Reason`]. One that is made in several places, or
//! that somebody asks about, is a variant of [`Error`], and its words are here.

mod contradictions;
pub mod overlaps;
pub mod rules;

use std::sync::Arc;
use std::time::Duration;

use self::overlaps::OverlapOf;
use self::rules::RulesOf;
use pg::{Fault, HasFault};
use tonic::Status;

use crate::domain::approval::Denied;
use crate::domain::fulfilment::{Unfit, Unfulfilled};
use crate::domain::ids::{BookingId, BookingRequestId, GuestId};
use crate::domain::inconsistency::Choice;
use crate::domain::request::BookingRequest;
use crate::domain::rules::Broken;
use crate::domain::stay::Stay;
use crate::domain::steps::{Closed, Move};
use crate::domain::version::Version;

/// The reasons of refusals, and a refusal: what the other rooms see of the wire.
pub use frontdesk_proto::{ErrorReason as Reason, Refusal};

/// Why a use case did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It was refused where that was found, in these words.
    #[error("{}", .0.message())]
    Refused(Refusal),
    /// The tenant has no such request.
    #[error("booking request {0} not found")]
    RequestNotFound(BookingRequestId),
    /// The tenant has no such booking.
    #[error("booking {0} not found")]
    BookingNotFound(BookingId),
    /// The tenant has no such property.
    #[error("property not found")]
    PropertyNotFound,
    /// The customer takes no new request and no booking.
    #[error("customer archived")]
    CustomerArchived {
        /// The customer that it was merged into.
        merged_into: Option<GuestId>,
    },
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
    /// An open request reads as confirmed although nothing covers its nights, so that
    /// the step does not lead on.
    #[error("reads as confirmed: {}", .why.name())]
    Unfulfilled {
        /// The request.
        request: BookingRequestId,
        /// What was tried.
        step: Move,
        /// Why it reads so.
        why: Unfulfilled,
    },
    /// A confirmed request whose booking does not stand.
    #[error("confirmed: {}", .unfit.name())]
    Inconsistent {
        /// The request.
        request: BookingRequestId,
        /// The booking that it is linked to.
        booking: Option<BookingId>,
        /// What is wrong with it.
        unfit: Unfit,
    },
    /// A step of a request was refused that contradicts other rows, and may be put right.
    #[error("{error}")]
    Offering {
        /// Why it was refused.
        error: Box<Self>,
        /// What puts the request right.
        choices: Vec<Choice>,
    },
    /// The stay breaks rules of the property.
    #[error("the stay breaks {} rules", .broken.len())]
    RulesBroken {
        /// Which, in their order; at least one.
        broken: Vec<Broken>,
        /// By what.
        of: RulesOf,
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
        current: Version,
        /// Whether a weak tag was sent.
        weak: bool,
    },
    /// The database failed.
    #[error("database: {0}")]
    Database(#[source] Fault),
}

/// The refusal of a call, an import or a stream that a stop ends.
pub fn shutting_down() -> Refusal {
    Refusal::new(Reason::ShuttingDown, "The server is shutting down.").retry_after(Duration::from_secs(1))
}

impl HasFault for Error {
    fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Database(fault) => Some(fault),
            Self::Offering { error, choices: _ } => error.fault(),
            Self::Refused(_)
            | Self::RequestNotFound(_)
            | Self::BookingNotFound(_)
            | Self::PropertyNotFound
            | Self::CustomerNotFound
            | Self::CustomerArchived { .. }
            | Self::InvalidTransition { .. }
            | Self::Overlap { .. }
            | Self::RulesBroken { .. }
            | Self::Unfulfilled { .. }
            | Self::Inconsistent { .. }
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
            Denied::Overlap(kind, unfulfilled) => {
                Self::Overlap { stay: request.stay, of: OverlapOf::Request(request.id, kind, unfulfilled) }
            }
            Denied::Inconsistent(unfit) => {
                Self::Inconsistent { request: request.id, booking: request.approved_booking, unfit }
            }
            Denied::Rules(broken) => Self::RulesBroken { broken, of: RulesOf::Request },
            Denied::Undecided => Fault::new(pg::Kind::Contention, "no verdict with everything known").into(),
        }
    }

    /// The same with the choices that put the request right, if there are any.
    #[must_use]
    pub fn offering(self, choices: Vec<Choice>) -> Self {
        if choices.is_empty() { self } else { Self::Offering { error: Box::new(self), choices } }
    }

    /// What the caller reads.
    pub fn refusal(&self) -> Refusal {
        match self {
            Self::Refused(refusal) => refusal.clone(),
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
            Self::CustomerArchived { merged_into } => archived(*merged_into),
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
            Self::Overlap { stay, of } => overlaps::refusal(*stay, *of),
            Self::RulesBroken { broken, of } => rules::refusal(broken, *of),
            Self::Unfulfilled { request, step, why } => contradictions::unfulfilled(*request, *step, *why),
            Self::Inconsistent { request, booking, unfit } => contradictions::inconsistent(*request, *booking, *unfit),
            Self::Offering { error, choices } => {
                let names: Vec<&str> = choices.iter().map(|choice| choice.name()).collect();
                error.refusal().with("choices", names.join(","))
            }
            Self::EtagMismatch { current, weak } => Refusal::new(
                Reason::EtagMismatch,
                if *weak {
                    "It has changed since you read it, or a weak tag was sent: If-Match never matches one that begins with W/. Nothing was stored: read it again, then decide again, with the record's `etag` in quotes."
                } else {
                    "It has changed since you read it. Nothing was stored: read it again, then decide again."
                },
            )
            .with("current_etag", current.to_string()),
            Self::DatesTaken { constraint } => Refusal::new(
                Reason::BookingOverlap,
                format!("The dates are taken: the database's constraint {constraint} covers a row that has them. Nothing was stored; choose other dates, or find the row that the constraint counts and free its dates."),
            )
            .with("constraint", constraint)
            .with("conflict_type", "booking_overlap"),
            Self::Database(fault) => fault.refusal(),
        }
    }
}

fn archived(merged_into: Option<GuestId>) -> Refusal {
    let reason = Reason::CustomerArchived;
    match merged_into {
        Some(into) => Refusal::new(
            reason,
            format!("The customer was merged into customer {into} and is archived. Nothing was stored; use that one."),
        )
        .with("merged_into", into.to_string()),
        None => Refusal::new(
            reason,
            "The customer is archived. Nothing was stored; take it out of the archive first, with POST /v1/customers/{customer_id}/unarchive.",
        ),
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// The caller gets one half; the other goes along with the status as its source,
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
