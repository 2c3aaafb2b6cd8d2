//! What approving a request comes to: facts in, verdict out, and what a verdict
//! answers. An approve and its explanation share both, so that one cannot say
//! what the other would not.
//!
//! The request's own row decides most calls. When it leaves a doubt, or the
//! database found the dates taken, the verdict is [`Verdict::NeedsSurroundings`], and
//! the caller asks again with the [`Surroundings`].
//!
//! Decisions that surprise, or that are easy to undo:
//! - `approved_booking_confirmed` leaves the stored status alone in the single-table
//!   layout, as `related_booking_confirmed` does: two confirmed rows for the same
//!   dates are what its constraint forbids.
//! - A link is followed only to a booking that [fits](super::fulfilment). A request
//!   with any other link is approved as if it had none. Its confirmation date is then
//!   evidence only if the booking never was the request's: one that came with a
//!   booking, as that of a soft heal did, is over with it.
//! - A confirmed request whose booking does not stand is not "already approved", and
//!   it is not booked again either: somebody took the booking away, and whether the
//!   guest still comes is for people to say.

pub use self::facts::{ActiveRange, Conflict, Evidence, Obstacle, Rival, Surroundings};
use super::fulfilment::{Fulfilment, LinkedBooking, Unfit, Unfulfilled};
use super::ids::{BookingId, BookingRequestId};
use super::layout::Layout;
use super::request::{BookingRequest, Status};
use super::rules::Broken;
use super::stay::{Coverage, Stay};
use super::steps::Closed;

mod facts;

/// What an approve does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: the state does not allow it.
    Refuse(Closed),
    /// Nothing: it was approved before. `nights` are those of the booking.
    Already { booking: Option<BookingId>, evidence: Evidence, nights: Option<Stay> },
    /// Make the booking: a new row, the hold's row, or the request's own row.
    Book { evidence: Option<Evidence>, hold: bool },
    /// Let a booking that exists fulfil the request. `soft` leaves the stored
    /// status alone, since the constraint would refuse a second confirmed row or
    /// the nights are not the same.
    Link { booking: BookingId, evidence: Evidence, nights: Stay, soft: bool },
    /// Nothing: somebody else has nights of the stay.
    Overlap(ConflictKind, Option<Unfulfilled>),
    /// Nothing: it was approved before, and its booking does not stand.
    Inconsistent(Unfit),
    /// The request's row alone does not tell.
    NeedsSurroundings,
}

/// What an approve answers when it is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Approved {
    pub request: BookingRequestId,
    /// `None` before the booking is made.
    pub booking: Option<BookingId>,
    pub outcome: Outcome,
    pub evidence: Option<Evidence>,
    pub fulfilment: Fulfilment,
    pub layout: Layout,
}

/// What an approve writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The booking.
    Approved,
    /// Nothing.
    AlreadyApproved,
    /// What an earlier approval had left out.
    Healed,
}

/// Why an approve is not granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denied {
    /// The state does not allow it.
    State(Closed),
    /// Somebody else has nights of the stay, of a request that may read as confirmed
    /// all the same.
    Overlap(ConflictKind, Option<Unfulfilled>),
    /// It was approved before, and its booking does not stand.
    Inconsistent(Unfit),
    /// The stay breaks these rules of the property.
    Rules(Vec<Broken>),
    /// The request's row alone does not tell.
    Undecided,
}

/// Who has the nights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConflictKind {
    /// A booking.
    Booking,
    /// The hold of another request.
    Hold,
    /// A block.
    Block,
    /// A booking that was deleted.
    Deleted,
    /// A booking whose status frees its nights, which the constraint covers all the same.
    Freed,
    /// An inventory range without a booking.
    Inventory,
}

/// Decides an approve. Without surroundings, the constraint still has the last
/// word on whether the dates are free.
pub fn approve(request: &BookingRequest, layout: Layout, around: Option<&Surroundings>) -> Verdict {
    match request.status {
        Status::Declined => Verdict::Refuse(Closed::AlreadyDeclined),
        Status::Cancelled => Verdict::Refuse(Closed::Cancelled),
        Status::Expired => Verdict::Refuse(Closed::Expired),
        Status::Unknown => Verdict::Refuse(Closed::Unknown),
        Status::Confirmed => match around {
            Some(around) => confirmed_request(request, around.linked.as_ref()),
            // What the row was read with may be older than the row.
            None => Verdict::NeedsSurroundings,
        },
        // A booking of nights that nobody can name would fulfil nothing.
        Status::Requested | Status::UnderReview if !request.stay.is_known() => {
            Verdict::Refuse(Closed::NoNights)
        }
        Status::Requested | Status::UnderReview => match around {
            Some(around) => open_request(request, layout, around),
            // Whatever else could be evidence shows as a conflict when the booking is stored.
            None if !layout.request_is_its_booking()
                && request.confirmed_at.is_none()
                && request.approved_booking.is_none() =>
            {
                Verdict::Book { evidence: None, hold: request.held_booking.is_some() }
            }
            None => Verdict::NeedsSurroundings,
        },
    }
}

fn confirmed_request(request: &BookingRequest, linked: Option<&LinkedBooking>) -> Verdict {
    let already = |nights| Verdict::Already {
        booking: request.approved_booking,
        evidence: Evidence::AlreadyConfirmed,
        nights,
    };
    match request.follow(linked) {
        Ok(nights) => already(Some(nights)),
        Err(Unfit::NoShow) => already(None),
        Err(unfit) => Verdict::Inconsistent(unfit),
    }
}

fn open_request(request: &BookingRequest, layout: Layout, around: &Surroundings) -> Verdict {
    let link = request.approved_booking.map(|booking| (booking, request.follow(around.linked.as_ref())));
    if let Some((booking, Ok(nights))) = link {
        return linked_to(request, layout, around, booking, nights);
    }
    let marked = match link {
        // The mark of a heal of ours came with the booking, wherever that was moved since.
        Some((_, Err(unfit))) => unfit.is_strangers() && around.healed_as.is_none(),
        Some((_, Ok(_))) | None => true,
    };
    let mark = if marked && request.confirmed_at.is_some() {
        Some(Evidence::ConfirmedAtSet)
    } else if around.own_range {
        Some(Evidence::InventoryActive)
    } else {
        None
    };
    if let Some(booking) = around.related {
        let evidence = mark.unwrap_or(Evidence::RelatedBookingConfirmed);
        let soft = layout.request_is_its_booking();
        return link_or_conflict(
            request,
            around,
            Verdict::Link { booking, evidence, nights: request.stay, soft },
        );
    }
    if around.rivals.is_empty() && around.strays(request).next().is_none() {
        return Verdict::Book { evidence: mark, hold: around.hold_stands };
    }
    match around.fulfilling(request) {
        Some(Rival { booking, stay: nights, .. }) => {
            let evidence = Evidence::FulfilledByOverlapSameGuest;
            link_or_conflict(request, around, Verdict::Link { booking, evidence, nights, soft: true })
        }
        None => overlap(request, around, conflict_kind(request, around)),
    }
}

/// The request is linked to a booking that stands. With `confirmed_at` set too
/// it was healed softly before, unless the row could have been confirmed.
fn linked_to(
    request: &BookingRequest,
    layout: Layout,
    around: &Surroundings,
    booking: BookingId,
    nights: Stay,
) -> Verdict {
    let coverage = request.stay.covered_by(nights);
    let soft = layout.request_is_its_booking() || coverage != Some(Coverage::Exact);
    if soft && request.confirmed_at.is_some() {
        let told_by_dates = match coverage {
            Some(Coverage::Exact) => Evidence::RelatedBookingConfirmed,
            Some(Coverage::Contained | Coverage::Partial) | None => Evidence::FulfilledByOverlapSameGuest,
        };
        let evidence = around.healed_as.unwrap_or(told_by_dates);
        return Verdict::Already { booking: Some(booking), evidence, nights: Some(nights) };
    }
    let evidence = Evidence::ApprovedBookingConfirmed;
    let soft = layout.request_is_its_booking();
    link_or_conflict(request, around, Verdict::Link { booking, evidence, nights, soft })
}

/// A booking that cannot have its inventory range fulfils nothing: other programs
/// let its nights.
fn link_or_conflict(request: &BookingRequest, around: &Surroundings, link: Verdict) -> Verdict {
    match link {
        Verdict::Link { booking, .. } if around.obstructed(booking) => {
            overlap(request, around, ConflictKind::Inventory)
        }
        link => link,
    }
}

fn overlap(request: &BookingRequest, around: &Surroundings, kind: ConflictKind) -> Verdict {
    Verdict::Overlap(kind, request.unfulfilled(around.linked.as_ref()))
}

fn conflict_kind(request: &BookingRequest, around: &Surroundings) -> ConflictKind {
    let others =
        || around.rivals.iter().filter(|rival| rival.guest.is_none() || rival.guest != request.guest);
    let live = || others().filter(|rival| !rival.deleted);
    // The guest's own are in the way as well.
    let is_freed = |rival: &Rival| !rival.deleted && rival.status.frees_dates();
    if live().any(|rival| rival.status.is_sold()) {
        ConflictKind::Booking
    } else if around.strays(request).any(|stray| stray.block) {
        ConflictKind::Block
    } else if live().any(|rival| !is_freed(rival)) {
        ConflictKind::Hold
    } else if others().any(|rival| rival.deleted) {
        ConflictKind::Deleted
    } else if around.rivals.iter().any(is_freed) {
        ConflictKind::Freed
    } else if !around.rivals.is_empty() {
        ConflictKind::Hold
    } else {
        ConflictKind::Inventory
    }
}

impl Verdict {
    /// Whether it sells nights that nothing says were sold before, which the rules of
    /// the property are about (`super::rules`).
    pub fn sells(self) -> bool {
        matches!(self, Self::Book { evidence: None, .. })
    }

    /// What the approve of a request answers whose stay breaks these rules; those that
    /// are set aside are none. They keep nights from being sold, not from being
    /// recognised as sold before; what no booking can be, they keep from being booked.
    pub fn answer(
        self,
        request: &BookingRequest,
        layout: Layout,
        broken: &[Broken],
    ) -> Result<Approved, Denied> {
        let books = matches!(self, Self::Book { .. });
        let kept = broken.iter().copied().filter(|one| self.sells() || books && one.is_limit());
        let kept: Vec<Broken> = kept.collect();
        if !kept.is_empty() {
            return Err(Denied::Rules(kept));
        }
        let granted = |outcome, booking: Option<BookingId>, evidence, nights: Option<Stay>| {
            let fulfilment =
                Fulfilment { asked: request.stay, booking: booking.filter(|_| nights.is_some()), nights };
            Ok(Approved { request: request.id, booking, outcome, evidence, fulfilment, layout })
        };
        match self {
            Self::Refuse(state) => Err(Denied::State(state)),
            Self::Overlap(kind, unfulfilled) => Err(Denied::Overlap(kind, unfulfilled)),
            Self::Inconsistent(unfit) => Err(Denied::Inconsistent(unfit)),
            Self::NeedsSurroundings => Err(Denied::Undecided),
            Self::Already { booking, evidence, nights } => {
                granted(Outcome::AlreadyApproved, booking, Some(evidence), nights)
            }
            Self::Book { evidence, hold } => {
                let outcome = if evidence.is_some() { Outcome::Healed } else { Outcome::Approved };
                granted(outcome, layout.booking_of(request, hold), evidence, Some(request.stay))
            }
            Self::Link { booking, evidence, nights, soft: _ } => {
                granted(Outcome::Healed, Some(booking), Some(evidence), Some(nights))
            }
        }
    }
}

impl Approved {
    /// The same with the booking that was made.
    #[must_use]
    pub fn by(self, booking: BookingId) -> Self {
        let fulfilment = Fulfilment { booking: Some(booking), ..self.fulfilment };
        Self { booking: Some(booking), fulfilment, ..self }
    }
}

impl ConflictKind {
    /// As `metadata.conflict_kind` names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Booking => "booking",
            Self::Hold => "hold",
            Self::Block => "block",
            Self::Deleted => "deleted",
            Self::Freed => "freed",
            Self::Inventory => "inventory",
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
