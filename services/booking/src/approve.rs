//! Approving a booking request.
//!
//! The request's row is locked, the decision is made on what the lock shows,
//! and the booking is stored in the statement that commits. Whether the dates
//! are free is for the constraint `no_double_bookings` to say.

use jiff::Timestamp;
use pg::retrying;
use uuid::Uuid;

use crate::domain::decision::{self, Approval};
use crate::domain::ids::{BookingId, BookingRequestId};
use crate::domain::stay::Stay;
use crate::error::Error;
use crate::store::{Act, Store};

/// How often a conflict may vanish before it is given up.
const VANISHING_CONFLICTS: u32 = 3;

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub enum Approved {
    /// The booking was made.
    Now { booking: BookingId },
    /// It had been approved before; nothing was written.
    Before { booking: Option<BookingId>, stored: bool },
}

enum Attempt {
    Done(Approved),
    /// The constraint found the dates taken; nothing was stored.
    Taken(Stay),
}

/// Approves a request.
pub async fn approve(
    store: &Store,
    id: BookingRequestId,
    note: &str,
    tenant: access::TenantId,
    actor: Option<Uuid>,
) -> Result<Approved, Error> {
    let mut look_for_conflicts = false;
    for _ in 0..VANISHING_CONFLICTS {
        let attempt = retrying(|| {
            let act = Act { tenant, actor, at: Timestamp::now(), event: Uuid::now_v7() };
            attempt(store, id, note, act, look_for_conflicts)
        });
        match attempt.await? {
            Attempt::Done(approved) => return Ok(approved),
            Attempt::Taken(stay) if look_for_conflicts => {
                tracing::debug!(?stay, "a conflict came up between looking and storing");
            }
            Attempt::Taken(_) => look_for_conflicts = true,
        }
    }
    Err(pg::Fault::new(pg::Kind::Contention, "conflicting bookings kept coming and going").into())
}

async fn attempt(
    store: &Store,
    id: BookingRequestId,
    note: &str,
    act: Act,
    look_for_conflicts: bool,
) -> Result<Attempt, Error> {
    let tx = store.db.begin(act.tenant.uuid()).await?;
    let request = store.lock_booking_request(&tx, act.tenant, id).await?.ok_or(Error::RequestNotFound(id))?;
    let conflicts = if look_for_conflicts {
        store.list_conflicts(&tx, act.tenant, request.property, request.stay).await?
    } else {
        Vec::new()
    };
    match decision::approve(&request, &conflicts) {
        Approval::Book => {
            let (booking, range) = (BookingId(Uuid::now_v7()), Uuid::now_v7());
            let stored = store.approve_booking_request(tx, id, booking, range, note, act).await;
            match stored {
                Ok(Some(booking)) => Ok(Attempt::Done(Approved::Now { booking })),
                Ok(None) => Ok(Attempt::Taken(request.stay)),
                // A block, or a range without a booking, has the dates.
                Err(fault) if fault.on_constraint("inventory_ranges_no_overlap") => {
                    Err(real_conflict(id, request.stay))
                }
                Err(fault) => Err(fault.into()),
            }
        }
        Approval::AlreadyApproved { booking, stored } => {
            tx.commit().await?;
            Ok(Attempt::Done(Approved::Before { booking, stored }))
        }
        Approval::Refused(state) => Err(Error::InvalidTransition { step: "approved", state }),
        Approval::Overlap => Err(real_conflict(id, request.stay)),
    }
}

fn real_conflict(id: BookingRequestId, stay: Stay) -> Error {
    tracing::info!(booking_request_id = %id.0, "Real booking conflict on approve");
    Error::Overlap { stay }
}
