//! Declining a booking request.

use crate::domain::ids::BookingRequestId;
use crate::domain::steps::{self, Move, Step};
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
        match steps::decline(&request) {
            Step::Go => {
                let closing = Closing::Declined { reason: &self.reason };
                let closed = change.close(self.id, closing, &self.note, self.id).await?;
                closed.map(Attempt::Done).ok_or(Error::RequestNotFound(self.id))
            }
            Step::Done => Ok(Attempt::Done(change.settle(self.id))),
            Step::Refused(state) => Err(Error::InvalidTransition { step: Move::Decline, state }),
        }
    }
}
