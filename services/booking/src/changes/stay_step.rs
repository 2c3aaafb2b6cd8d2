//! Check-in, check-out and no-show.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::domain::booking::Booking;
use crate::domain::ids::{BookingId, RowId};
use crate::domain::steps::{self, Move, StayStep, Step};
use crate::domain::version::Version;
use crate::error::Error;
use crate::store::bookings::LockedBooking;
use crate::store::{Attempt, Change, Work};

/// Takes a step of a stay.
#[derive(Debug)]
pub struct StepStay {
    pub id: BookingId,
    pub step: StayStep,
}

impl Work for StepStay {
    type Outcome = Booking;

    async fn attempt(&self, mut change: Change) -> Result<Attempt<Booking>, Error> {
        change.lock_property_of(RowId(self.id.0)).await?;
        let locked = change.lock_booking(self.id).await?;
        let LockedBooking { booking, time_zone } = locked.ok_or(Error::BookingNotFound(self.id))?;
        change.check_version(Version::of(&booking))?;
        match steps::stay_step(self.step, &booking, today(&time_zone, change.at())) {
            Step::Go => Ok(Attempt::Done(change.step_booking(self.id, self.step).await?)),
            Step::Done => Ok(Attempt::Done(change.settle(booking))),
            Step::Refused(state) => Err(Error::InvalidTransition { step: Move::Stay(self.step), state }),
        }
    }
}

/// The date at a property. A zone that nobody knows, as an import may bring, is
/// taken as the one that is furthest ahead: the day has come there first.
fn today(time_zone: &str, now: Timestamp) -> Date {
    let zone = TimeZone::get(time_zone).unwrap_or_else(|_| {
        tracing::warn!(time_zone, "a property's time zone is unknown");
        TimeZone::fixed(jiff::tz::offset(14))
    });
    now.to_zoned(zone).date()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_is_the_propertys_own() {
        let now: Timestamp = "2026-06-30T23:30:00Z".parse().unwrap();
        let day = |zone| today(zone, now).to_string();
        assert_eq!(day("Europe/Berlin"), "2026-07-01");
        assert_eq!(day("America/New_York"), "2026-06-30");
        assert_eq!(day("Nowhere/Town"), "2026-07-01");
    }
}
