//! Declining a booking request.

use super::open_step::OpenStep;
use crate::domain::decline::Declining;
use crate::domain::ids::BookingRequestId;
use crate::error::Error;
use crate::store::decisions::Closing;
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
        if !OpenStep::Decline.begins(&mut change, self.id).await? {
            return Ok(Attempt::Done(change.settle(self.id)));
        }
        let closing = Closing::Declined(&self.declining);
        let closed = change.close(self.id, closing, &self.note, self.id).await?;
        closed.map(Attempt::Done).ok_or(Error::RequestNotFound(self.id))
    }
}
