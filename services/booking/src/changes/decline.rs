//! Declining a booking request.

use crate::domain::ids::BookingRequestId;
use crate::domain::steps::{self, Closed, Move, Step};
use crate::error::{Error, Reason, Refusal};
use crate::store::requests::Closing;
use crate::store::{Attempt, Change, Work};

/// Declines a request. The reason must not be blank.
#[derive(Debug)]
pub struct Decline {
    id: BookingRequestId,
    reason: String,
    note: String,
}

impl Decline {
    /// Refuses a blank reason.
    pub fn new(id: BookingRequestId, reason: &str, note: String) -> Result<Self, Error> {
        match reason.trim() {
            "" => Err(Refusal::new(
                Reason::DeclineReasonRequired,
                "A decline needs a decline_reason that is not blank. The booking request is unchanged.",
            )
            .violation("decline_reason", "is needed and must not be blank")
            .into()),
            reason => Ok(Self { id, reason: reason.to_owned(), note }),
        }
    }
}

impl Work for Decline {
    type Outcome = BookingRequestId;

    async fn attempt(&self, mut change: Change) -> Result<Attempt<BookingRequestId>, Error> {
        let locked = change.lock_booking_request(self.id).await?;
        let request = locked.ok_or(Error::RequestNotFound(self.id))?.request;
        change.check_version(request.row_version)?;
        let mut step = steps::decline(&request, request.linked.as_ref());
        if matches!(step, Step::Refused(Closed::Unfulfilled(_))) {
            // Behind a lock that had to wait, the linked booking is older than the request.
            let around = change.lock_surroundings(&request).await?;
            step = steps::decline(&request, around.linked.as_ref());
        }
        match step {
            Step::Go => {
                let closing = Closing::Declined { reason: &self.reason };
                let closed = change.close(self.id, closing, &self.note, self.id).await?;
                closed.map(Attempt::Done).ok_or(Error::RequestNotFound(self.id))
            }
            Step::Done => Ok(Attempt::Done(change.settle(self.id))),
            Step::Refused(state) => Err(Error::closed(&request, Move::Decline, state)),
        }
    }
}
