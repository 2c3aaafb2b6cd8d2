//! Storing a new booking request.

use super::rules::{self, RequestedStay};
use crate::domain::ids::GuestId;
use crate::domain::request::{BookingRequest, NewBookingRequest};
use crate::error::Error;
use crate::error::overlaps::OverlapOf;
use crate::error::rules::RulesOf;
use crate::store::constraints::{dates_are_taken, guest_is_unknown};
use crate::store::{Attempt, Change, Work};

/// Stores a request; property and guest must be the tenant's.
#[derive(Debug)]
pub struct Create {
    pub new: NewBookingRequest,
}

impl Work for Create {
    type Outcome = BookingRequest;

    async fn attempt(&self, change: Change) -> Result<Attempt<BookingRequest>, Error> {
        let taken = || Error::Overlap { stay: self.new.stay, of: OverlapOf::New };
        let with_locks = change.with_locks();
        let NewBookingRequest { property, guest, stay, guest_count: guests, .. } = self.new;
        let terms = change.get_terms(property).await?.ok_or(Error::PropertyNotFound)?;
        let requested = RequestedStay { property, guest: Some(guest), stay, guests };
        let broken = rules::broken_by_new(&change, &terms, requested).await?;
        if !broken.is_empty() {
            return Err(Error::RulesBroken { broken, of: RulesOf::New });
        }
        if with_locks {
            check_guest(&change, self.new.guest).await?;
        }
        match change.insert_booking_request(&self.new).await {
            Ok(Some(finished)) => Ok(Attempt::Done(finished)),
            // There is no such property or guest, the guest is archived, or the property
            // holds the dates of requests and they are taken.
            Ok(None) if with_locks => Err(taken()),
            Ok(None) => Ok(Attempt::NeedsLocks),
            Err(fault) if dates_are_taken(&fault) => Err(taken()),
            Err(fault) if guest_is_unknown(&fault) => Err(Error::CustomerNotFound),
            Err(fault) => Err(fault.into()),
        }
    }
}

/// Refuses a guest who is not there, or archived.
pub(super) async fn check_guest(change: &Change, guest: GuestId) -> Result<(), Error> {
    let guest = change.get_customer(guest).await?.ok_or(Error::CustomerNotFound)?;
    if guest.is_archived() {
        return Err(Error::CustomerArchived { merged_into: guest.merged_into });
    }
    Ok(())
}
