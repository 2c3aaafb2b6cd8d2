//! Cancelling booking requests and bookings. Whoever cancels locks every request
//! that hangs on the booking first, in the order of their ids, then the booking, and
//! looks again whether one was added between the two.

use crate::domain::booking::{Booking, BookingStatus};
use crate::domain::ids::{BookingId, BookingRequestId, RowId};
use crate::domain::request::Status;
use crate::domain::steps::{self, Move, Step};
use crate::domain::version::Version;
use crate::error::Error;
use crate::store::bookings::GroupOf;
use crate::store::decisions::Closing;
use crate::store::{Attempt, Change, Work};

/// Cancels a request, with the booking that was made for it.
#[derive(Debug)]
pub struct CancelRequest {
    pub id: BookingRequestId,
    pub note: String,
}

/// A request that has been cancelled.
#[derive(Debug, Clone, Copy)]
pub struct Cancelled {
    pub request: BookingRequestId,
    /// The booking that was cancelled with it.
    pub booking: Option<BookingId>,
}

/// Cancels a booking, with the request that it was made for.
#[derive(Debug)]
pub struct CancelBooking {
    pub id: BookingId,
}

impl Work for CancelRequest {
    type Outcome = Cancelled;

    async fn attempt(&self, mut change: Change) -> Result<Attempt<Cancelled>, Error> {
        change.lock_property_of(RowId(self.id.0)).await?;
        let group = change.lock_booking_group(GroupOf::Request(self.id)).await?;
        let locked = change.lock_booking_request(self.id).await?;
        let request = locked.ok_or(Error::RequestNotFound(self.id))?.request;
        change.check_version(Version::of(&request))?;
        let own = match request.status {
            Status::Confirmed => change.lock_own_booking(self.id).await?.map(|locked| locked.booking),
            _ => None,
        };
        // A booking that somebody has given to another guest stays theirs.
        let own = own.filter(|own| own.guest.is_none() || own.guest == request.guest);
        match steps::cancel_request(&request, own.as_ref().map(|own| own.status)) {
            Step::Go => {}
            Step::Done => {
                return Ok(Attempt::Done(change.settle(Cancelled { request: self.id, booking: None })));
            }
            Step::Refused(state) => {
                return Err(Error::InvalidTransition { step: Move::CancelRequest, state });
            }
        }
        let cancelled = Cancelled { request: self.id, booking: own.as_ref().map(|own| own.id) };
        let finished = match own {
            Some(own) if !is_whole(&change, own.id, &group).await? => return Ok(Attempt::NeedsLocks),
            Some(own) => {
                let finished = change.cancel_booking(own.id, Some(self.id), &self.note).await?;
                finished.map(|finished| finished.map(|_| cancelled))
            }
            None => change.close(self.id, Closing::Cancelled, &self.note, cancelled).await?,
        };
        finished.map(Attempt::Done).ok_or(Error::RequestNotFound(self.id))
    }
}

impl Work for CancelBooking {
    type Outcome = Booking;

    async fn attempt(&self, mut change: Change) -> Result<Attempt<Booking>, Error> {
        change.lock_property_of(RowId(self.id.0)).await?;
        let group = change.lock_booking_group(GroupOf::Booking(self.id)).await?;
        let locked = change.lock_booking(self.id).await?;
        let booking = locked.ok_or(Error::BookingNotFound(self.id))?.booking;
        change.check_version(Version::of(&booking))?;
        match steps::cancel_booking(booking.status, is_hold(&mut change, &booking).await?) {
            Step::Go if !is_whole(&change, self.id, &group).await? => Ok(Attempt::NeedsLocks),
            Step::Go => {
                let cancelled = change.cancel_booking(self.id, None, "").await?;
                cancelled.map(Attempt::Done).ok_or(Error::BookingNotFound(self.id))
            }
            Step::Done => Ok(Attempt::Done(change.settle(booking))),
            Step::Refused(state) => Err(Error::InvalidTransition { step: Move::CancelBooking, state }),
        }
    }
}

/// Whether a locked booking only holds the dates of an open request.
async fn is_hold(change: &mut Change, booking: &Booking) -> Result<bool, Error> {
    if change.layout().request_is_its_booking() {
        return Ok(false);
    }
    // One that another program has made more of is a booking like any other.
    if booking.status != BookingStatus::Requested {
        return Ok(false);
    }
    let Some(owner) = booking.request else { return Ok(false) };
    let owner = change.lock_booking_request(owner).await?.map(|locked| locked.request);
    Ok(owner.is_some_and(|owner| owner.status.is_open() && owner.held_booking == Some(booking.id)))
}

/// Whether every request that hangs on a locked booking is locked too: one may have been
/// linked to it between the two locks. It is not locked here: whoever holds it may wait for
/// the booking.
pub(super) async fn is_whole(
    change: &Change,
    booking: BookingId,
    group: &[BookingRequestId],
) -> Result<bool, Error> {
    let now = change.read_booking_group(booking).await?;
    Ok(now.iter().all(|id| group.contains(id)))
}
