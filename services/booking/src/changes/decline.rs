//! Declining a booking request.

use crate::domain::decline::Declining;
use crate::domain::ids::BookingRequestId;
use crate::domain::judgement;
use crate::domain::steps::{self, Closed, Move, Step};
use crate::domain::version::Version;
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
        let locked = change.lock_booking_request(self.id).await?;
        let request = locked.ok_or(Error::RequestNotFound(self.id))?.request;
        change.check_version(Version::of(&request))?;
        let mut step = steps::decline(&request, request.linked.as_ref());
        let mut choices = Vec::new();
        if matches!(step, Step::Refused(Closed::Unfulfilled(_))) {
            // Behind a lock that had to wait, the linked booking is older than the request.
            let around = change.lock_surroundings(&request).await?;
            step = steps::decline(&request, around.linked.as_ref());
            choices = judgement::choices(&request, change.layout(), &around);
        }
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
