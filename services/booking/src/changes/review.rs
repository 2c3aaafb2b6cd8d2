//! Marking a booking request as under review.

use super::open_step::{LockedStep, lock_and_decide};
use crate::domain::ids::BookingRequestId;
use crate::domain::steps::{self, Move, Step};
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
        let LockedStep { request, step, choices } =
            lock_and_decide(&mut change, self.id, steps::start_review).await?;
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
