//! Storing a booking that staff or a channel made. Whether its dates are free is for
//! the constraint `no_double_bookings` to say; a second look tells what is in the way.
//!
//! What is stored already is answered before anything is asked of it: a channel that
//! repeats its booking is not held against rules that came later.

use super::create::check_guest;
use super::rules::{self, RequestedStay};
use crate::domain::approval::ConflictKind;
use crate::domain::booking::{Booking, NewBooking};
use crate::domain::ids::GuestId;
use crate::domain::property::{Occupancy, Occupant};
use crate::error::overlaps::OverlapOf;
use crate::error::rules::RulesOf;
use crate::error::{Error, Reason, Refusal};
use crate::store::constraints::{dates_are_taken, guest_is_unknown};
use crate::store::decisions::Winner;
use crate::store::{Attempt, Change, Work};

/// Stores a confirmed booking; one of the same source and external id once.
#[derive(Debug)]
pub struct CreateBooking {
    pub new: NewBooking,
    /// Whether rules of the stay are set aside.
    pub override_rules: bool,
}

/// How far merged customers are followed.
const MERGES: usize = 8;

impl Work for CreateBooking {
    type Outcome = Booking;

    async fn attempt(&self, mut change: Change) -> Result<Attempt<Booking>, Error> {
        let new = &self.new;
        let over = match known(&change, new).await? {
            Known::Same(known) => return Ok(Attempt::Done(change.settle(known))),
            Known::Over(other) => Some(other),
            Known::Nothing => None,
        };
        let terms = change.get_terms(new.property).await?.ok_or(Error::PropertyNotFound)?;
        let NewBooking { property, guest, stay, .. } = *new;
        // How many guests come is not known.
        let requested = RequestedStay { property, guest, stay, guests: 1 };
        let broken = rules::broken_by_new(&change, &terms, requested).await?;
        if !broken.is_empty() && !self.override_rules {
            return Err(Error::RulesBroken { broken, of: RulesOf::Booking });
        }
        if change.with_locks() {
            if let Some(guest) = new.guest {
                check_guest(&change, guest).await?;
            }
            check_dates(&change, new).await?;
        }
        if change.get_settings().await?.auto_decline {
            change.decline_competitors(&Winner::of_booking(new));
        }
        match change.insert_booking(new, &broken).await {
            Ok(Some(stored)) => Ok(Attempt::Done(stored)),
            // The guest is not there, the dates are taken, or it was stored in the meantime. In a
            // table of another program the id may be taken by what is over, too.
            Ok(None) => {
                Ok(over.map_or(Attempt::NeedsLocks, |other| Attempt::NeedsLocksOr(taken(&other).into())))
            }
            Err(fault) if dates_are_taken(&fault) => Ok(Attempt::NeedsLocksOr(fault.into())),
            Err(fault) if guest_is_unknown(&fault) => Err(Error::CustomerNotFound),
            Err(fault) => Err(fault.into()),
        }
    }
}

/// What is known of the same source and external id: of the booking that stands, or else
/// of the last one that is over.
enum Known {
    Nothing,
    /// What is to be stored.
    Same(Booking),
    /// Another stay, which is over: its id may be given to a new one.
    Over(Booking),
}

/// Looks for the booking of the same source and external id. Those before the last one
/// say nothing: a channel that has moved a stay may move it back, which is a new sale.
async fn known(change: &Change, new: &NewBooking) -> Result<Known, Error> {
    let Some(external_id) = &new.external_id else { return Ok(Known::Nothing) };
    let known = change.get_booking_of_origin(&new.source, external_id).await?;
    let Some(known) = known else { return Ok(Known::Nothing) };
    let merged = NewBooking { guest: now_known_as(change, new.guest).await?, ..new.clone() };
    if new.is_stored_as(&known) || merged.is_stored_as(&known) {
        Ok(Known::Same(known))
    } else if known.status.frees_dates() {
        Ok(Known::Over(known))
    } else {
        Err(taken(&known).into())
    }
}

/// The customer that a guest has been merged into, who has the guest's bookings now.
async fn now_known_as(change: &Change, guest: Option<GuestId>) -> Result<Option<GuestId>, Error> {
    let mut now = guest;
    for _ in 0..MERGES {
        let Some(id) = now else { return Ok(None) };
        let customer = change.get_customer(id).await?;
        match customer.and_then(|customer| customer.merged_into) {
            Some(into) => now = Some(into),
            None => break,
        }
    }
    Ok(now)
}

/// Refuses a stay that has a night which somebody else has.
async fn check_dates(change: &Change, new: &NewBooking) -> Result<(), Error> {
    let taken = change.list_occupancies(new.property, new.stay).await?;
    let Some(Occupancy { by, .. }) = taken.iter().find(|one| one.by.is_blocking()) else { return Ok(()) };
    let kind = match by {
        Occupant::Block(_) => ConflictKind::Block,
        Occupant::Hold(_) => ConflictKind::Hold,
        Occupant::Deleted(_) => ConflictKind::Deleted,
        Occupant::Freed(_) => ConflictKind::Freed,
        Occupant::Booking(_) => ConflictKind::Booking,
        Occupant::Inventory(_) | Occupant::Request(_) => ConflictKind::Inventory,
    };
    Err(Error::Overlap { stay: new.stay, of: OverlapOf::Booking(kind) })
}

fn taken(other: &Booking) -> Refusal {
    let Booking { id, property, stay, .. } = other;
    Refusal::new(
        Reason::ExternalIdTaken,
        format!(
            "The external_id of this source is that of booking {id}, of property {property} from {} to {}. Nothing was stored; cancel that booking first, if it does not stand any more, or send another id.",
            stay.check_in, stay.check_out
        ),
    )
    .with("booking_id", id.to_string())
}
