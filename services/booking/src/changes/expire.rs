//! Ending a booking request whose hold has run out.

use crate::domain::ids::BookingRequestId;
use crate::domain::request::Status;
use crate::error::Error;
use crate::store::decisions::Closing;
use crate::store::{Attempt, Change, Work};

/// Ends a request whose hold has run out, unless it was decided before that; of one that
/// is closed, the hold alone. Every server tries the same ones, so one that another has
/// locked is passed over: it is being decided. The outcome tells whether the request
/// expired.
#[derive(Debug)]
pub struct Expire {
    pub id: BookingRequestId,
}

impl Work for Expire {
    type Outcome = bool;

    async fn attempt(&self, mut change: Change) -> Result<Attempt<bool>, Error> {
        if !change.lock_due_hold(self.id).await? {
            return Ok(Attempt::Done(change.settle(false)));
        }
        let locked = change.lock_booking_request(self.id).await?;
        let request = locked.ok_or(Error::RequestNotFound(self.id))?.request;
        let due = request.hold_expires_at.is_some_and(|until| until <= change.now());
        let ended = match request.effective_status() {
            _ if !due => return Ok(Attempt::Done(change.settle(false))),
            Status::Requested | Status::UnderReview => {
                change.close(self.id, Closing::Expired, "", true).await?
            }
            // Other programs close requests and leave the dates taken.
            Status::Declined | Status::Cancelled | Status::Expired => {
                change.release_hold(self.id, false).await?
            }
            // The dates are the guest's, or nobody knows whose.
            Status::Confirmed | Status::Unknown => return Ok(Attempt::Done(change.settle(false))),
        };
        ended.map(Attempt::Done).ok_or(Error::RequestNotFound(self.id))
    }
}
