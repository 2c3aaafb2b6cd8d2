//! Storing a booking that staff or a channel made. Whether its dates are free is for
//! the constraint `no_double_bookings` to say; a second look tells what is in the way.

use super::create::check_guest;
use crate::domain::approval::ConflictKind;
use crate::domain::booking::{Booking, NewBooking};
use crate::domain::property::{Occupancy, Occupant};
use crate::error::{Error, OverlapOf, Reason, Refusal};
use crate::store::constraints::{dates_are_taken, guest_is_unknown};
use crate::store::requests::Competed;
use crate::store::{Attempt, Change, Work};

/// Stores a confirmed booking; one of the same source and external id once.
#[derive(Debug)]
pub struct CreateBooking {
    pub new: NewBooking,
}

impl Work for CreateBooking {
    type Outcome = Booking;

    async fn attempt(&self, mut change: Change) -> Result<Attempt<Booking>, Error> {
        let new = &self.new;
        if let Some(known) = stored_before(&change, new).await? {
            return Ok(Attempt::Done(change.settle(known)));
        }
        change.get_property(new.property).await?.ok_or(Error::PropertyNotFound)?;
        if change.looks_again() {
            if let Some(guest) = new.guest {
                check_guest(&change, guest).await?;
            }
            check_dates(&change, new).await?;
        }
        if change.get_settings().await?.auto_decline {
            change.decline_competitors(&Competed::with_booking(new));
        }
        match change.insert_booking(new).await {
            Ok(Some(stored)) => Ok(Attempt::Done(stored)),
            // The guest is not there, the dates are taken, or it was stored meanwhile.
            Ok(None) => Ok(Attempt::LookAgain),
            Err(fault) if dates_are_taken(&fault) => Ok(Attempt::LookAgain),
            Err(fault) if guest_is_unknown(&fault) => Err(Error::CustomerNotFound),
            Err(fault) => Err(fault.into()),
        }
    }
}

/// The booking of the same source and external id.
async fn stored_before(change: &Change, new: &NewBooking) -> Result<Option<Booking>, Error> {
    let Some(external_id) = &new.external_id else { return Ok(None) };
    match change.get_booking_of(&new.source, external_id).await? {
        Some(known) if new.is_stored_as(&known) => Ok(Some(known)),
        Some(other) => Err(taken(&other).into()),
        None => Ok(None),
    }
}

/// Refuses a stay that has a night which somebody else has.
async fn check_dates(change: &Change, new: &NewBooking) -> Result<(), Error> {
    let taken = change.list_occupancies(new.property, new.stay).await?;
    let Some(Occupancy { by, .. }) = taken.iter().find(|one| one.by.is_blocking()) else { return Ok(()) };
    let kind = match by {
        Occupant::Block(_) => ConflictKind::Block,
        Occupant::Hold(_) => ConflictKind::Hold,
        Occupant::Booking(id) if change.has_booking(*id).await? => ConflictKind::Booking,
        Occupant::Booking(_) | Occupant::Request(_) => ConflictKind::Inventory,
    };
    Err(Error::Overlap { stay: new.stay, of: OverlapOf::Booking(kind) })
}

fn taken(other: &Booking) -> Refusal {
    let Booking { id, property, stay, .. } = other;
    Refusal::new(
        Reason::ExternalIdTaken,
        format!(
            "The external_id of this source is that of booking {id}, of property {property} from {} to {}. Nothing was stored; cancel that booking first, or send another id.",
            stay.check_in, stay.check_out
        ),
    )
    .with("booking_id", id.to_string())
}
