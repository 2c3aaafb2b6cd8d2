//! Declining, reviewing, cancelling and expiring booking requests, and
//! cancelling bookings. Whoever cancels locks every request that hangs on the
//! booking first, in the order of their ids, and then the booking.

use std::sync::Arc;

use frontdesk_proto::{ErrorReason, Refusal};
use jiff::Timestamp;
use prost::Message;

use crate::call::Call;
use crate::domain::approval::Layout;
use crate::domain::booking::Booking;
use crate::domain::ids::{BookingId, BookingRequestId};
use crate::domain::request::{BookingRequest, Status};
use crate::domain::steps::{self, Step};
use crate::error::Error;
use crate::store::{Begun, Deed, Schema, Store};

/// How often the requests of a booking may change while it is being locked.
const SHIFTING_GROUPS: u32 = 5;

/// Declines a request. The reason must not be blank.
pub async fn decline<M: Message + Default>(
    store: &Store,
    call: &Call,
    id: BookingRequestId,
    reason: &str,
    note: &str,
    answer: impl Fn() -> M,
) -> Result<M, Error> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Refusal::new(
            ErrorReason::DeclineReasonRequired,
            "A decline needs a decline_reason that is not blank. The booking request is unchanged.",
        )
        .violation("decline_reason", "is needed and must not be blank")
        .into());
    }
    store
        .run(async |schema| {
            let mut deed = match call.begin(store, &schema).await? {
                Begun::Fresh(deed) => deed,
                Begun::Answered(answer) => return Ok(answer),
            };
            let (request, _) = locked(&mut deed, call, id).await?;
            let reply = answer();
            match steps::decline(&request) {
                Step::Go => {
                    let closed =
                        deed.close(id, Status::Declined, Some(reason), note, || reply.encode_to_vec());
                    if closed.await? { Ok(reply) } else { Err(Error::RequestNotFound(id)) }
                }
                Step::Done => {
                    deed.settle(|| reply.encode_to_vec()).await?;
                    Ok(reply)
                }
                Step::Refused(state) => {
                    Err(Error::InvalidTransition { subject: "booking request", step: "declined", state })
                }
            }
        })
        .await
}

/// Marks a request as under review.
pub async fn start_review(store: &Store, call: &Call, id: BookingRequestId, note: &str) -> Result<(), Error> {
    store
        .run(async |schema| {
            let Begun::Fresh(mut deed) = call.begin::<()>(store, &schema).await? else { return Ok(()) };
            let (request, _) = locked(&mut deed, call, id).await?;
            match steps::start_review(&request) {
                Step::Go => {
                    if deed.start_review(id, note).await? {
                        Ok(())
                    } else {
                        Err(Error::RequestNotFound(id))
                    }
                }
                Step::Done => Ok(deed.settle(Vec::new).await?),
                Step::Refused(state) => {
                    Err(Error::InvalidTransition { subject: "booking request", step: "reviewed", state })
                }
            }
        })
        .await
}

/// Cancels a request, with the booking that was made for it.
pub async fn cancel_request<M: Message + Default>(
    store: &Store,
    call: &Call,
    id: BookingRequestId,
    note: &str,
    answer: impl Fn(Option<BookingId>) -> M,
) -> Result<M, Error> {
    for _ in 0..SHIFTING_GROUPS {
        let attempt = store.run(async |schema| cancel_attempt(store, &schema, call, id, note, &answer).await);
        if let Some(answer) = attempt.await? {
            return Ok(answer);
        }
    }
    Err(shifting())
}

async fn cancel_attempt<M: Message + Default>(
    store: &Store,
    schema: &Arc<Schema>,
    call: &Call,
    id: BookingRequestId,
    note: &str,
    answer: &impl Fn(Option<BookingId>) -> M,
) -> Result<Option<M>, Error> {
    let mut deed = match call.begin(store, schema).await? {
        Begun::Fresh(deed) => deed,
        Begun::Answered(answer) => return Ok(Some(answer)),
    };
    deed.lock_property(id.0).await?;
    let group = deed.lock_booking_group(None, Some(id)).await?;
    let (request, _) = locked(&mut deed, call, id).await?;
    let own = match request.status {
        Status::Confirmed => deed.lock_own_booking(id).await?.map(|(booking, _)| booking),
        _ => None,
    };
    match steps::cancel_request(&request, own.as_ref().map(|own| own.status)) {
        Step::Go => {}
        Step::Done => {
            let reply = answer(None);
            deed.settle(|| reply.encode_to_vec()).await?;
            return Ok(Some(reply));
        }
        Step::Refused(state) => {
            return Err(Error::InvalidTransition { subject: "booking request", step: "cancelled", state });
        }
    }
    let reply = answer(own.as_ref().map(|own| own.id));
    let cancelled = match own {
        Some(own) => {
            if !is_whole(&deed, own.id, &group).await? {
                return Ok(None);
            }
            deed.cancel_booking(own.id, Some(id), note, || reply.encode_to_vec()).await?
        }
        None => deed.close(id, Status::Cancelled, None, note, || reply.encode_to_vec()).await?,
    };
    if cancelled { Ok(Some(reply)) } else { Err(Error::RequestNotFound(id)) }
}

/// Cancels a booking, with the request that it was made for.
pub async fn cancel_booking(store: &Store, call: &Call, id: BookingId) -> Result<Booking, Error> {
    for _ in 0..SHIFTING_GROUPS {
        let attempt = store.run(async |schema| {
            let Begun::Fresh(mut deed) = call.begin::<()>(store, &schema).await? else { return Ok(None) };
            deed.lock_property(id.0).await?;
            let group = deed.lock_booking_group(Some(id), None).await?;
            let (booking, _) = deed.lock_booking(id).await?.ok_or(Error::BookingNotFound(id))?;
            call.check_version(booking.row_version)?;
            match steps::cancel_booking(booking.status, holds(&mut deed, &booking).await?) {
                Step::Go if !is_whole(&deed, id, &group).await? => Ok(None),
                Step::Go => {
                    deed.cancel_booking(id, None, "", Vec::new).await?;
                    Ok(Some(()))
                }
                Step::Done => {
                    deed.settle(Vec::new).await?;
                    Ok(Some(()))
                }
                Step::Refused(state) => {
                    Err(Error::InvalidTransition { subject: "booking", step: "cancelled", state })
                }
            }
        });
        if attempt.await?.is_some() {
            let found = store.run(async |schema| store.get_booking(&schema, call.tenant, id).await);
            return found.await?.ok_or(Error::BookingNotFound(id));
        }
    }
    Err(shifting())
}

/// Ends a request whose hold has run out, unless it was decided meanwhile.
pub async fn expire(store: &Store, call: &Call, id: BookingRequestId) -> Result<bool, Error> {
    store
        .run(async |schema| {
            let Begun::Fresh(mut deed) = call.begin::<()>(store, &schema).await? else { return Ok(false) };
            let (request, _) = locked(&mut deed, call, id).await?;
            let due = request.hold_expires_at.is_some_and(|at| at <= Timestamp::now());
            if !due || !request.status.is_open() {
                return Ok(false);
            }
            Ok(deed.close(id, Status::Expired, None, "", Vec::new).await?)
        })
        .await
}

async fn locked(deed: &mut Deed, call: &Call, id: BookingRequestId) -> Result<(BookingRequest, bool), Error> {
    let found = deed.lock_booking_request(id).await?.ok_or(Error::RequestNotFound(id))?;
    call.check_version(found.0.row_version)?;
    Ok(found)
}

/// Whether a booking only holds dates for an open request. In the single-table
/// layout an open request is cancelled as what it is.
async fn holds(deed: &mut Deed, booking: &Booking) -> Result<bool, Error> {
    if deed.schema.layout == Layout::SingleTable {
        return Ok(false);
    }
    let Some(owner) = booking.request else { return Ok(false) };
    let owner = deed.lock_booking_request(owner).await?;
    Ok(owner.is_some_and(|(owner, _)| owner.status.is_open() && owner.held_booking == Some(booking.id)))
}

/// Whether every request that hangs on a locked booking is locked too: one may
/// have been linked to it between the two locks.
async fn is_whole(deed: &Deed, booking: BookingId, group: &[uuid::Uuid]) -> Result<bool, Error> {
    let now = deed.lock_booking_group(Some(booking), None).await?;
    Ok(now.iter().all(|id| group.contains(id)))
}

fn shifting() -> Error {
    pg::Fault::new(pg::Kind::Contention, "requests kept being linked to the booking").into()
}
