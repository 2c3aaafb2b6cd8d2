//! How a step begins that leads an open request on: a decline, or a review.

use crate::domain::fulfilment::LinkedBooking;
use crate::domain::ids::BookingRequestId;
use crate::domain::inconsistency::Choice;
use crate::domain::judgement;
use crate::domain::request::BookingRequest;
use crate::domain::steps::{Closed, Step};
use crate::domain::version::Version;
use crate::error::Error;
use crate::store::Change;

/// A locked request and what becomes of the step.
pub struct LockedStep {
    pub request: BookingRequest,
    pub step: Step,
    /// What puts the request right, if it contradicts other rows.
    pub choices: Vec<Choice>,
}

/// Locks a request of the version that the call expects, and decides a step of it.
pub async fn lock_and_decide(
    change: &mut Change,
    id: BookingRequestId,
    decide: fn(&BookingRequest, Option<&LinkedBooking>) -> Step,
) -> Result<LockedStep, Error> {
    let locked = change.lock_booking_request(id).await?;
    let mut request = locked.ok_or(Error::RequestNotFound(id))?.request;
    change.check_version(Version::of(&request))?;
    let mut step = decide(&request, request.linked.as_ref());
    let mut choices = Vec::new();
    let by_the_link = matches!(step, Step::Refused(Closed::Unfulfilled(_) | Closed::AlreadyApproved));
    if by_the_link && request.status.is_open() {
        // Behind a lock that had to wait, the linked booking is older than the request.
        let around = change.lock_surroundings(&request).await?;
        request.linked = around.linked;
        change.check_version(Version::of(&request))?;
        step = decide(&request, request.linked.as_ref());
        choices = judgement::choices(&request, change.layout(), &around);
    }
    Ok(LockedStep { request, step, choices })
}
