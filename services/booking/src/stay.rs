//! Check-in, check-out and no-show.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::call::Call;
use crate::domain::booking::Booking;
use crate::domain::ids::BookingId;
use crate::domain::steps::{self, StayStep, Step};
use crate::error::Error;
use crate::store::{Begun, Store};

/// Takes a step of a stay.
pub async fn step(store: &Store, call: &Call, id: BookingId, step: StayStep) -> Result<Booking, Error> {
    store
        .run(async |schema| {
            let Begun::Fresh(mut deed) = call.begin::<()>(store, &schema).await? else {
                return Err(Error::BookingNotFound(id));
            };
            deed.lock_property(id.0).await?;
            let (booking, time_zone) = deed.lock_booking(id).await?.ok_or(Error::BookingNotFound(id))?;
            call.check_version(booking.row_version)?;
            match steps::stay_step(step, &booking, today(&time_zone, deed.act.at)) {
                Step::Go => Ok(deed.step_booking(id, step).await?),
                Step::Done => {
                    deed.settle(Vec::new).await?;
                    Ok(booking)
                }
                Step::Refused(state) => {
                    let step = match step {
                        StayStep::CheckIn => "checked in",
                        StayStep::CheckOut => "checked out",
                        StayStep::NoShow => "marked as a no-show",
                    };
                    Err(Error::InvalidTransition { subject: "booking", step, state })
                }
            }
        })
        .await
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
