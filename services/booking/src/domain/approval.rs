//! What approving a request comes to: facts in, verdict out, and what a verdict
//! answers. An approve and its explanation share both, so that one cannot say
//! what the other would not.
//!
//! The request's own row decides most calls. When it leaves a doubt, or the
//! database found the dates taken, the verdict is [`Verdict::LookCloser`], and
//! the caller asks again with the [`Surroundings`].
//!
//! Two decisions that the first design had otherwise:
//! - `approved_booking_confirmed` leaves the stored status alone in the single-table
//!   layout, as `related_booking_confirmed` does: two confirmed rows for the same
//!   dates are what its constraint forbids.
//! - A request linked to a booking that has been cancelled is approved as if it had
//!   no link: what fulfilled it is gone.

use super::booking::BookingStatus;
use super::ids::{BookingId, BookingRequestId, GuestId, RangeId};
use super::request::{BookingRequest, Status};
use super::stay::{Coverage, Stay};
use super::steps::Closed;

/// How requests are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// In a table of their own: approving makes a booking.
    Standard,
    /// As rows of the table of bookings: approving changes the row.
    SingleTable,
}

/// A booking that has nights of the stay, or that the request is linked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rival {
    pub booking: BookingId,
    /// Unknown for some bookings made elsewhere.
    pub guest: Option<GuestId>,
    pub status: BookingStatus,
    pub stay: Stay,
}

/// An active inventory range that no booking in the way accounts for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StrayRange {
    pub id: RangeId,
    /// A block, or a range left behind by a booking.
    pub block: bool,
    pub stay: Stay,
}

/// What the database holds around a request, locked against change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// The booking in `approved_booking_id`, whatever its state.
    pub linked: Option<Rival>,
    /// Whether the booking that holds the dates still does.
    pub hold_stands: bool,
    /// Whether an active range of kind booking has the request as its source.
    pub own_range: bool,
    /// A sold booking of the same guest, property and dates.
    pub related: Option<BookingId>,
    /// Bookings with nights of the stay that the constraint counts, other than
    /// the request's own row or hold.
    pub rivals: Vec<Rival>,
    /// Other active ranges with nights of the stay.
    pub strays: Vec<StrayRange>,
    /// How the request was healed before, from its history.
    pub healed_as: Option<Evidence>,
}

/// From what an earlier approval is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    AlreadyConfirmed,
    ConfirmedAtSet,
    ApprovedBookingConfirmed,
    InventoryActive,
    RelatedBookingConfirmed,
    FulfilledByOverlapSameGuest,
}

/// What an approve does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: the state does not allow it.
    Refuse(Closed),
    /// Nothing: it was approved before.
    Already { booking: Option<BookingId>, evidence: Evidence, coverage: Option<Coverage> },
    /// Make the booking: a new row, the hold's row, or the request's own row.
    Book { evidence: Option<Evidence>, hold: bool },
    /// Let a booking that exists fulfil the request. `soft` leaves the stored
    /// status alone, since the constraint would refuse a second confirmed row or
    /// the nights are not the same.
    Link { booking: BookingId, evidence: Evidence, coverage: Coverage, soft: bool },
    /// Nothing: somebody else has nights of the stay.
    Overlap(ConflictKind),
    /// The request's row alone does not tell.
    LookCloser,
}

/// What an approve answers when it is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Approved {
    pub request: BookingRequestId,
    /// `None` before the booking is made, and for a confirmed request whose booking
    /// was lost.
    pub booking: Option<BookingId>,
    pub outcome: Outcome,
    pub evidence: Option<Evidence>,
    pub coverage: Option<Coverage>,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// The state does not allow it.
    State(Closed),
    /// Somebody else has nights of the stay.
    Overlap(ConflictKind),
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
    /// An inventory range without a booking.
    Inventory,
}

/// Decides an approve. Without surroundings, the constraint still has the last
/// word on whether the dates are free.
pub fn approve(request: &BookingRequest, layout: Layout, around: Option<&Surroundings>) -> Verdict {
    match request.status {
        Status::Declined => return Verdict::Refuse(Closed::AlreadyDeclined),
        Status::Cancelled => return Verdict::Refuse(Closed::Cancelled),
        Status::Expired => return Verdict::Refuse(Closed::Expired),
        Status::Confirmed => {
            return Verdict::Already {
                booking: match layout {
                    Layout::Standard => request.approved_booking,
                    Layout::SingleTable => Some(BookingId(request.id.0)),
                },
                evidence: Evidence::AlreadyConfirmed,
                coverage: None,
            };
        }
        Status::Requested | Status::UnderReview => {}
    }
    match around {
        Some(around) => open_request(request, layout, around),
        // Whatever else could be evidence shows as a conflict when the booking is stored.
        None if layout == Layout::Standard
            && request.confirmed_at.is_none()
            && request.approved_booking.is_none() =>
        {
            Verdict::Book { evidence: None, hold: request.held_booking.is_some() }
        }
        None => Verdict::LookCloser,
    }
}

fn open_request(request: &BookingRequest, layout: Layout, around: &Surroundings) -> Verdict {
    if let Some(linked) = around.linked.as_ref().filter(|linked| linked.status.is_sold()) {
        return linked_to(request, layout, around, linked);
    }
    let mark = if request.confirmed_at.is_some() && request.approved_booking.is_none() {
        Some(Evidence::ConfirmedAtSet)
    } else if around.own_range {
        Some(Evidence::InventoryActive)
    } else {
        None
    };
    if let Some(booking) = around.related {
        return Verdict::Link {
            booking,
            evidence: mark.unwrap_or(Evidence::RelatedBookingConfirmed),
            coverage: Coverage::Exact,
            soft: layout == Layout::SingleTable,
        };
    }
    if around.rivals.is_empty() && around.strays.is_empty() {
        return Verdict::Book { evidence: mark, hold: around.hold_stands };
    }
    match fulfilling(request, around) {
        Some((booking, coverage)) => {
            Verdict::Link { booking, evidence: Evidence::FulfilledByOverlapSameGuest, coverage, soft: true }
        }
        None => Verdict::Overlap(conflict_kind(request, around)),
    }
}

/// The request is linked to a booking that stands. With `confirmed_at` set too
/// it was healed softly before, unless the row could have been confirmed.
fn linked_to(request: &BookingRequest, layout: Layout, around: &Surroundings, linked: &Rival) -> Verdict {
    let coverage = request.stay.covered_by(linked.stay);
    let soft = match layout {
        Layout::Standard => coverage != Some(Coverage::Exact),
        Layout::SingleTable => true,
    };
    if soft && request.confirmed_at.is_some() {
        let told_by_dates = match coverage {
            Some(Coverage::Exact) => Evidence::RelatedBookingConfirmed,
            Some(Coverage::Contained | Coverage::Partial) => Evidence::FulfilledByOverlapSameGuest,
            None => Evidence::ApprovedBookingConfirmed,
        };
        return Verdict::Already {
            booking: Some(linked.booking),
            evidence: around.healed_as.unwrap_or(told_by_dates),
            coverage,
        };
    }
    Verdict::Link {
        booking: linked.booking,
        evidence: Evidence::ApprovedBookingConfirmed,
        // A link to a booking for other nights covers none of these.
        coverage: coverage.unwrap_or(Coverage::Partial),
        soft: layout == Layout::SingleTable,
    }
}

/// The booking that fulfils the request, if every one in the way is this guest's
/// and one is sold: the one that covers most.
fn fulfilling(request: &BookingRequest, around: &Surroundings) -> Option<(BookingId, Coverage)> {
    let guest = request.guest?;
    if !around.strays.is_empty() || around.rivals.iter().any(|rival| rival.guest != Some(guest)) {
        return None;
    }
    around
        .rivals
        .iter()
        .filter(|rival| rival.status.is_sold())
        .filter_map(|rival| Some((rival, request.stay.covered_by(rival.stay)?)))
        .min_by_key(|(rival, coverage)| (*coverage, -request.stay.shared_nights(rival.stay), rival.booking))
        .map(|(rival, coverage)| (rival.booking, coverage))
}

fn conflict_kind(request: &BookingRequest, around: &Surroundings) -> ConflictKind {
    let others =
        || around.rivals.iter().filter(|rival| rival.guest.is_none() || rival.guest != request.guest);
    if others().any(|rival| rival.status.is_sold()) {
        ConflictKind::Booking
    } else if around.strays.iter().any(|stray| stray.block) {
        ConflictKind::Block
    } else if others().next().is_some() || !around.rivals.is_empty() {
        ConflictKind::Hold
    } else {
        ConflictKind::Inventory
    }
}

impl Verdict {
    /// What the approve of a request answers.
    pub fn answer(self, request: &BookingRequest, layout: Layout) -> Result<Approved, Denied> {
        let granted = |outcome, booking, evidence, coverage| {
            Ok(Approved { request: request.id, booking, outcome, evidence, coverage, layout })
        };
        match self {
            Self::Refuse(state) => Err(Denied::State(state)),
            Self::Overlap(kind) => Err(Denied::Overlap(kind)),
            Self::LookCloser => Err(Denied::Undecided),
            Self::Already { booking, evidence, coverage } => {
                granted(Outcome::AlreadyApproved, booking, Some(evidence), coverage)
            }
            Self::Book { evidence, hold } => {
                let outcome = if evidence.is_some() { Outcome::Healed } else { Outcome::Approved };
                let booking = match layout {
                    Layout::SingleTable => Some(BookingId(request.id.0)),
                    Layout::Standard => request.held_booking.filter(|_| hold),
                };
                granted(outcome, booking, evidence, None)
            }
            Self::Link { booking, evidence, coverage, soft: _ } => {
                granted(Outcome::Healed, Some(booking), Some(evidence), Some(coverage))
            }
        }
    }
}

impl Surroundings {
    /// Every evidence there is, for the explanation of an approve.
    pub fn evidence(&self, request: &BookingRequest) -> Vec<Evidence> {
        let linked = self.linked.as_ref().is_some_and(|linked| linked.status.is_sold());
        let overlap = fulfilling(request, self).is_some();
        [
            (request.status == Status::Confirmed, Evidence::AlreadyConfirmed),
            (request.confirmed_at.is_some(), Evidence::ConfirmedAtSet),
            (linked, Evidence::ApprovedBookingConfirmed),
            (self.own_range, Evidence::InventoryActive),
            (self.related.is_some(), Evidence::RelatedBookingConfirmed),
            (overlap, Evidence::FulfilledByOverlapSameGuest),
        ]
        .into_iter()
        .filter_map(|(found, evidence)| found.then_some(evidence))
        .collect()
    }
}

impl Evidence {
    /// Every evidence.
    pub const ALL: [Self; 6] = [
        Self::AlreadyConfirmed,
        Self::ConfirmedAtSet,
        Self::ApprovedBookingConfirmed,
        Self::InventoryActive,
        Self::RelatedBookingConfirmed,
        Self::FulfilledByOverlapSameGuest,
    ];

    /// As messages and the history name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::AlreadyConfirmed => "already_confirmed",
            Self::ConfirmedAtSet => "confirmed_at_set",
            Self::ApprovedBookingConfirmed => "approved_booking_confirmed",
            Self::InventoryActive => "inventory_active",
            Self::RelatedBookingConfirmed => "related_booking_confirmed",
            Self::FulfilledByOverlapSameGuest => "fulfilled_by_overlap_same_guest",
        }
    }

    /// Reads what the history holds.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|evidence| evidence.name() == name)
    }
}

impl ConflictKind {
    /// As `metadata.conflict_kind` names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Booking => "booking",
            Self::Hold => "hold",
            Self::Block => "block",
            Self::Inventory => "inventory",
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
