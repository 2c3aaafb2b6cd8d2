//! Ending a booking request whose hold has run out.

use crate::domain::ids::BookingRequestId;
use crate::error::Error;
use crate::store::requests::Closing;
use crate::store::{Attempt, Change, Work};

/// Ends a request whose hold has run out, unless it was decided meanwhile. The
/// outcome tells whether it did.
#[derive(Debug)]
pub struct Expire {
    pub id: BookingRequestId,
}

impl Work for Expire {
    type Outcome = bool;

    async fn attempt(&self, mut change: Change) -> Result<Attempt<bool>, Error> {
        let locked = change.lock_booking_request(self.id).await?;
        let request = locked.ok_or(Error::RequestNotFound(self.id))?.request;
        let due = request.hold_expires_at.is_some_and(|until| until <= change.at());
        if !due || !request.status.is_open() {
            return Ok(Attempt::Done(change.settle(false)));
        }
        let closed = change.close(self.id, Closing::Expired, "", true).await?;
        closed.map(Attempt::Done).ok_or(Error::RequestNotFound(self.id))
    }
}
