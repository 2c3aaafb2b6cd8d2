//! Declining a booking request.

use super::open_step::{LockedStep, lock_and_decide};
use crate::domain::decline::Declining;
use crate::domain::ids::BookingRequestId;
use crate::domain::steps::{self, Move, Step};
use crate::error::Error;
use crate::store::requests::Closing;
use crate::store::{Attempt, Change, Work};

/// Declines a request.
#[derive(Debug)]
pub struct Decline {
    pub id: BookingRequestId,
    pub declining: Declining,
    pub note: String,
}

impl Work for Decline {
    type Outcome = BookingRequestId;

    async fn attempt(&self, mut change: Change) -> Result<Attempt<BookingRequestId>, Error> {
        let LockedStep { request, step, choices } =
            lock_and_decide(&mut change, self.id, steps::decline).await?;
        match step {
            Step::Go => {
                let closing = Closing::Declined(&self.declining);
                let closed = change.close(self.id, closing, &self.note, self.id).await?;
                closed.map(Attempt::Done).ok_or(Error::RequestNotFound(self.id))
            }
            Step::Done => Ok(Attempt::Done(change.settle(self.id))),
            Step::Refused(state) => Err(Error::closed(&request, Move::Decline, state).offering(choices)),
        }
    }
}
