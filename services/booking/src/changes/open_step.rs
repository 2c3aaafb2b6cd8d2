//! How a step begins that leads an open request on: a decline, or a review.

use crate::domain::fulfilment::{LinkedBooking, Unfulfilled};
use crate::domain::ids::BookingRequestId;
use crate::domain::judgement;
use crate::domain::request::BookingRequest;
use crate::domain::steps::{self, Closed, Move, Step};
use crate::domain::version::Version;
use crate::error::Error;
use crate::store::Change;

/// A step of an open request.
#[derive(Debug, Clone, Copy)]
pub enum OpenStep {
    Decline,
    Review,
}

impl OpenStep {
    /// Locks a request of the version that the call expects, and decides. Whether there
    /// is something to store: if not, it was done before.
    pub async fn begins(self, change: &mut Change, id: BookingRequestId) -> Result<bool, Error> {
        let locked = change.lock_booking_request(id).await?;
        let mut request = locked.ok_or(Error::RequestNotFound(id))?.request;
        change.check_version(Version::of(&request))?;
        let mut step = self.decide(&request, request.linked.as_ref());
        let mut choices = Vec::new();
        let by_the_link = matches!(step, Err(_) | Ok(Step::Refused(Closed::AlreadyApproved)));
        if by_the_link && request.status.is_open() {
            // After a lock that had to wait, the linked booking is older than the request.
            let around = change.lock_surroundings(&request).await?;
            request.linked = around.linked;
            change.check_version(Version::of(&request))?;
            step = self.decide(&request, request.linked.as_ref());
            choices = judgement::choices(&request, change.layout(), &around);
        }
        let step_is = self.named();
        let refused = match step {
            Ok(Step::Go) => return Ok(true),
            Ok(Step::Done) => return Ok(false),
            Ok(Step::Refused(state)) => Error::InvalidTransition { step: step_is, state },
            Err(why) => Error::Unfulfilled { request: id, step: step_is, why },
        };
        Err(refused.offering(choices))
    }

    fn decide(self, request: &BookingRequest, linked: Option<&LinkedBooking>) -> Result<Step, Unfulfilled> {
        match self {
            Self::Decline => steps::decline(request, linked),
            Self::Review => steps::start_review(request, linked),
        }
    }

    fn named(self) -> Move {
        match self {
            Self::Decline => Move::Decline,
            Self::Review => Move::Review,
        }
    }
}
