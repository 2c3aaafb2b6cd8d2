//! Check-in, check-out and no-show. What a stay loses, requests of the guest may lose
//! that it merely fulfilled, so these are locked first, as in a cancel.

use super::cancel::is_whole;
use crate::domain::booking::Booking;
use crate::domain::ids::{BookingId, RowId};
use crate::domain::rules::LocalDay;
use crate::domain::steps::{self, Move, StayStep, Step};
use crate::domain::version::Version;
use crate::error::Error;
use crate::store::bookings::{GroupOf, LockedBooking, StepTaken};
use crate::store::{Attempt, Change, Work};

/// Takes a step of a stay.
#[derive(Debug)]
pub struct StepStay {
    pub id: BookingId,
    pub step: StayStep,
    /// Whether a guest is checked in on whichever day.
    pub override_rules: bool,
}

impl Work for StepStay {
    type Outcome = Booking;

    async fn attempt(&self, mut change: Change) -> Result<Attempt<Booking>, Error> {
        change.lock_property_of(RowId(self.id.0)).await?;
        let group = change.lock_booking_group(GroupOf::Booking(self.id)).await?;
        let locked = change.lock_booking(self.id).await?;
        let LockedBooking { booking, time_zone } = locked.ok_or(Error::BookingNotFound(self.id))?;
        change.check_version(Version::of(&booking))?;
        let today = LocalDay::at(&time_zone?, change.now());
        match steps::stay_step(self.step, &booking, today, self.override_rules) {
            Step::Go if !is_whole(&change, self.id, &group).await? => Ok(Attempt::NeedsLocks),
            Step::Go => {
                let plain = steps::stay_step(self.step, &booking, today, false);
                let leaves = self.step == StayStep::CheckOut;
                let taken = StepTaken {
                    step: self.step,
                    departure: leaves.then(|| steps::early_departure(&booking, today)).flatten(),
                    overridden: plain != Step::Go,
                };
                Ok(Attempt::Done(change.step_booking(self.id, taken).await?))
            }
            Step::Done => Ok(Attempt::Done(change.settle(booking))),
            Step::Refused(state) => Err(Error::InvalidTransition { step: Move::Stay(self.step), state }),
        }
    }
}
