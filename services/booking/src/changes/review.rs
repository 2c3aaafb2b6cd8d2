//! Marking a booking request as under review.

use super::open_step::OpenStep;
use crate::domain::ids::BookingRequestId;
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
        if !OpenStep::Review.begins(&mut change, self.id).await? {
            return Ok(Attempt::Done(change.settle(self.id)));
        }
        let started = change.start_review(self.id, &self.note, self.id).await?;
        started.map(Attempt::Done).ok_or(Error::RequestNotFound(self.id))
    }
}
