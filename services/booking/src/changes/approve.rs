//! Approving a booking request.
//!
//! The request's row is locked, the decision is made on what the lock shows,
//! and the booking is stored in the statement that commits. Whether the dates
//! are free is for the constraint `no_double_bookings` to say; when it says no,
//! the transaction is over, and the next one locks everything around the
//! request before it decides. A conflict that vanishes before that is worth one more
//! attempt.
//!
//! Two lines of the log begin with a capital, because operators search for them in these
//! words: "Soft-healing booking request" and "Real booking conflict on approve".

use pg::Fault;

use super::rules::{self, RequestedStay};
use crate::domain::approval::{self, Approved, ConflictKind, Evidence, Verdict};
use crate::domain::fulfilment::Unfulfilled;
use crate::domain::ids::BookingRequestId;
use crate::domain::judgement;
use crate::domain::request::BookingRequest;
use crate::domain::rules::{Broken, Terms};
use crate::domain::version::Version;
use crate::error::Error;
use crate::store::constraints::dates_are_taken;
use crate::store::decisions::{NewLink, Requested, Winner};
use crate::store::requests::LockedRequest;
use crate::store::{Attempt, Change, Work};

/// Approves a request.
#[derive(Debug)]
pub struct Approve {
    pub id: BookingRequestId,
    pub note: String,
    /// Whether rules of the stay are set aside.
    pub override_rules: bool,
}

impl Work for Approve {
    type Outcome = Approved;

    async fn attempt(&self, mut change: Change) -> Result<Attempt<Approved>, Error> {
        let locked = change.lock_booking_request(self.id).await?;
        let LockedRequest { mut request, auto_decline, terms } =
            locked.ok_or(Error::RequestNotFound(self.id))?;
        change.check_version(Version::of(&request))?;
        let layout = change.layout();
        let broken = broken(&change, &request, terms).await?;
        let mut verdict = approval::approve(&request, layout, None);
        let mut around = None;
        // Rules refuse no request that was approved before, and whether it was shows
        // around it.
        let doubtful = verdict == Verdict::NeedsSurroundings || verdict.sells() && !broken.is_empty();
        if change.with_locks() || doubtful {
            let found = around.insert(change.lock_surroundings(&request).await?);
            request.linked = found.linked;
            change.check_version(Version::of(&request))?;
            verdict = approval::approve(&request, layout, Some(found));
        }
        let kept_by: Vec<Broken> =
            broken.iter().copied().filter(|one| !self.override_rules || one.is_limit()).collect();
        let approved = match verdict.answer(&request, layout, &kept_by) {
            Ok(approved) => approved,
            Err(denied) => {
                // Without a look around, the state alone decided, which offers nothing.
                let choices =
                    around.map_or_else(Vec::new, |around| judgement::choices(&request, layout, &around));
                return Err(refused(&request, Error::denied(&request, denied)).offering(choices));
            }
        };
        let own_range = around.as_ref().is_some_and(|around| around.own_range);
        match verdict {
            Verdict::Book { evidence, hold } => {
                if around.is_some_and(|around| around.hold_moved) {
                    change.give_up_hold(request.id).await?;
                }
                if auto_decline {
                    change.decline_competitors(&Winner::of_request(&request));
                }
                let overridden = if verdict.sells() { broken } else { Vec::new() };
                let of = Booked { evidence, hold, own_range, overridden };
                self.book(change, &request, approved, of).await
            }
            Verdict::Link { booking, evidence, nights: _, soft } => {
                if soft {
                    tracing::info!(booking_request_id = %request.id, evidence = evidence.name(), "Soft-healing booking request");
                }
                if own_range {
                    change.release_ranges(&request).await?;
                }
                let link = NewLink { request: request.id, booking, evidence, soft, note: &self.note };
                let unfulfilled = request.unfulfilled(request.linked.as_ref());
                link_to(change, &request, link, approved, unfulfilled).await
            }
            Verdict::Already { .. }
            | Verdict::Refuse(_)
            | Verdict::Overlap(..)
            | Verdict::Inconsistent(_)
            | Verdict::NeedsSurroundings => Ok(Attempt::Done(change.settle(approved))),
        }
    }
}

/// How a booking is made.
struct Booked {
    evidence: Option<Evidence>,
    hold: bool,
    own_range: bool,
    overridden: Vec<Broken>,
}

impl Approve {
    async fn book(
        &self,
        change: Change,
        request: &BookingRequest,
        approved: Approved,
        of: Booked,
    ) -> Result<Attempt<Approved>, Error> {
        let Booked { evidence, hold, own_range, overridden } = of;
        let booking = approved.booking.unwrap_or_else(Change::new_booking);
        let approved = approved.by(booking);
        let (note, overridden) = (&*self.note, &*overridden);
        let of_hold = hold && request.held_booking.is_some();
        let of = Requested { request, booking, of_hold, own_range, evidence, note, overridden };
        match change.book(of, approved).await {
            Ok(Some(finished)) => Ok(Attempt::Done(finished)),
            Ok(None) => Ok(Attempt::NeedsLocks),
            // What has them shows around the request; otherwise this constraint is named.
            Err(fault) if dates_are_taken(&fault) => Ok(Attempt::NeedsLocksOr(fault.into())),
            Err(fault) => Err(fault.into()),
        }
    }
}

/// Every rule that the stay of an open request breaks. Of a property that is not
/// there nothing is known; the database refuses its booking.
async fn broken(
    change: &Change,
    request: &BookingRequest,
    terms: Result<Option<Terms>, Fault>,
) -> Result<Vec<Broken>, Error> {
    if !request.status.is_open() {
        return Ok(Vec::new());
    }
    match terms? {
        Some(terms) => rules::broken(change, &terms, RequestedStay::of(request)).await,
        None => Ok(Vec::new()),
    }
}

async fn link_to(
    change: Change,
    request: &BookingRequest,
    link: NewLink<'_>,
    approved: Approved,
    unfulfilled: Option<Unfulfilled>,
) -> Result<Attempt<Approved>, Error> {
    match change.link(link, approved).await {
        Ok(Some(finished)) => Ok(Attempt::Done(finished)),
        Ok(None) => Ok(Attempt::NeedsLocks),
        // Somebody took a night of the range that the fulfilling booking lacks, after
        // what surrounds the request was read: nothing was healed.
        Err(fault) if dates_are_taken(&fault) => {
            let denied = approval::Denied::Overlap(ConflictKind::Inventory, unfulfilled);
            Err(refused(request, Error::denied(request, denied)))
        }
        Err(fault) => Err(fault.into()),
    }
}

fn refused(request: &BookingRequest, error: Error) -> Error {
    if matches!(error, Error::Overlap { .. }) {
        tracing::info!(booking_request_id = %request.id, "Real booking conflict on approve");
    }
    error
}
