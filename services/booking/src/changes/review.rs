//! Marking a booking request as under review.

use crate::domain::ids::BookingRequestId;
use crate::domain::judgement;
use crate::domain::steps::{self, Closed, Move, Step};
use crate::domain::version::Version;
use crate::error::Error;
use crate::store::{Attempt, Change, Work};

/// Marks a request as under review.
#[derive(Debug)]
pub struct StartReview {
    pub id: BookingRequestId,
    pub note: String,
}

impl Work for StartReview {
    type Outcome = BookingRequestId;

    async fn attempt(&self, mut change: Change) -> Result<Attempt<BookingRequestId>, Error> {
        let locked = change.lock_booking_request(self.id).await?;
        let request = locked.ok_or(Error::RequestNotFound(self.id))?.request;
        change.check_version(Version::of(&request))?;
        let mut step = steps::start_review(&request, request.linked.as_ref());
        let mut choices = Vec::new();
        if matches!(step, Step::Refused(Closed::Unfulfilled(_))) {
            // Behind a lock that had to wait, the linked booking is older than the request.
            let around = change.lock_surroundings(&request).await?;
            step = steps::start_review(&request, around.linked.as_ref());
            choices = judgement::choices(&request, change.layout(), &around);
        }
        match step {
            Step::Go => {
                let started = change.start_review(self.id, &self.note, self.id).await?;
                started.map(Attempt::Done).ok_or(Error::RequestNotFound(self.id))
            }
            Step::Done => Ok(Attempt::Done(change.settle(self.id))),
            Step::Refused(state) => Err(Error::closed(&request, Move::Review, state).offering(choices)),
        }
    }
}
