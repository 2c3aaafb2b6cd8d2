//! What bears on the approval of a request: what the database holds around it, and
//! what that says by itself. What comes of it is decided in [`super`].

use super::super::booking::BookingStatus;
use super::super::fulfilment::LinkedBooking;
use super::super::ids::{BookingId, GuestId, RangeId};
use super::super::request::{BookingRequest, Status};
use super::super::stay::Stay;

/// A booking that has nights of the stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rival {
    pub booking: BookingId,
    /// Unknown for some bookings made elsewhere, and for those that were deleted.
    pub guest: Option<GuestId>,
    pub status: BookingStatus,
    /// Whether it was deleted, and is in the constraint all the same.
    pub deleted: bool,
    pub stay: Stay,
}

/// An active inventory range with nights of the stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActiveRange {
    pub id: RangeId,
    /// A block, or a range of a booking or of a request.
    pub block: bool,
    /// The booking, or the request, that it is said to belong to.
    pub source: Option<BookingId>,
    pub stay: Stay,
}

/// An active inventory range that keeps a booking without one from getting its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Obstacle {
    pub booking: BookingId,
    pub range: ActiveRange,
}

/// What the database holds around a request, locked against change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// The booking in `approved_booking_id`, whatever its state.
    pub linked: Option<LinkedBooking>,
    /// Whether the booking that holds the dates still does.
    pub hold_stands: bool,
    /// Whether it holds others: the dates of the request or of the hold were changed by
    /// another program. It is given up.
    pub hold_moved: bool,
    /// Whether an active range of kind booking has the request as its source.
    pub own_range: bool,
    /// A sold booking of the same guest, property and dates.
    pub related: Option<BookingId>,
    /// Bookings with nights of the stay that the constraint counts, other than
    /// the request's own row or hold.
    pub rivals: Vec<Rival>,
    /// Active ranges with nights of the stay, whosever they are.
    pub ranges: Vec<ActiveRange>,
    /// What keeps sold bookings of the guest from the inventory range that they lack.
    pub obstacles: Vec<Obstacle>,
    /// How the request was healed before, from its history.
    pub healed_as: Option<Evidence>,
    /// The booking that was made for the request, if it was sold once.
    pub own: Option<Rival>,
    /// The nights of the linked booking as they were booked, when its guest has left
    /// before the last of them.
    pub booked: Option<Stay>,
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

/// What is in the way of an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflict {
    Booking(Rival),
    Range(ActiveRange),
}

impl Surroundings {
    /// The status of the booking that was made for the request; one that somebody has
    /// given to another guest stays theirs.
    pub fn own_status(&self, request: &BookingRequest) -> Option<BookingStatus> {
        let own = self.own.filter(|own| own.guest.is_none() || own.guest == request.guest);
        own.map(|own| own.status)
    }

    /// Ranges that no booking in the way accounts for: blocks, and what bookings
    /// have left behind. A range of the request itself is given up when it is
    /// approved.
    pub fn strays(&self, request: &BookingRequest) -> impl Iterator<Item = ActiveRange> {
        let own = BookingId(request.id.0);
        let hold = request.held_booking.filter(|_| self.hold_stands || self.hold_moved);
        self.ranges.iter().copied().filter(move |range| {
            let accounted = |source| {
                source == own
                    || Some(source) == hold
                    || Some(source) == self.related
                    || self.rivals.iter().any(|rival| rival.booking == source)
            };
            range.block || !range.source.is_some_and(accounted)
        })
    }

    /// The booking that fulfils the request, if every one in the way is this guest's
    /// and one is sold: the one that covers most.
    pub fn fulfilling(&self, request: &BookingRequest) -> Option<Rival> {
        let guest = request.guest?;
        if self.rivals.iter().any(|rival| rival.guest != Some(guest)) || self.strays(request).next().is_some()
        {
            return None;
        }
        let sold = self.rivals.iter().copied().filter(|rival| rival.status.is_sold());
        sold.filter_map(|rival| Some((rival, request.stay.covered_by(rival.stay)?)))
            .min_by_key(|(rival, coverage)| {
                let shared = request.stay.shared_nights(rival.stay);
                // One that can have its inventory range goes before one that cannot.
                (self.obstructed(rival.booking), *coverage, -shared, rival.booking)
            })
            .map(|(rival, _)| rival)
    }

    /// Whether a booking has no inventory range and cannot get one.
    pub fn obstructed(&self, booking: BookingId) -> bool {
        self.obstacles.iter().any(|obstacle| obstacle.booking == booking)
    }

    /// Every evidence there is, for the explanation of an approve.
    pub fn evidence(&self, request: &BookingRequest) -> Vec<Evidence> {
        let linked = request.approved_booking.is_some_and(|booking| booking.0 != request.id.0)
            && request.follow(self.linked.as_ref()).is_ok();
        [
            (request.status == Status::Confirmed, Evidence::AlreadyConfirmed),
            (request.confirmed_at.is_some(), Evidence::ConfirmedAtSet),
            (linked, Evidence::ApprovedBookingConfirmed),
            (self.own_range, Evidence::InventoryActive),
            (self.related.is_some(), Evidence::RelatedBookingConfirmed),
            (self.fulfilling(request).is_some(), Evidence::FulfilledByOverlapSameGuest),
        ]
        .into_iter()
        .filter_map(|(found, evidence)| found.then_some(evidence))
        .collect()
    }

    /// Everything that is in the way, for the explanation of an approve. The booking
    /// that fulfils the request is not, nor is its range.
    pub fn conflicts(&self, request: &BookingRequest) -> Vec<Conflict> {
        let fulfilled_by = request.approved_booking.filter(|_| request.follow(self.linked.as_ref()).is_ok());
        let rivals = self.rivals.iter().filter(|rival| Some(rival.booking) != fulfilled_by);
        let strays = self
            .strays(request)
            .filter(|range| range.block || range.source.is_none() || range.source != fulfilled_by);
        let mut ranges: Vec<ActiveRange> = strays.collect();
        for Obstacle { range, .. } in &self.obstacles {
            if ranges.iter().all(|known| known.id != range.id) {
                ranges.push(*range);
            }
        }
        rivals.copied().map(Conflict::Booking).chain(ranges.into_iter().map(Conflict::Range)).collect()
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

    /// What it means for the rows, in the words that scripts look for.
    pub fn words(self) -> &'static str {
        match self {
            Self::ConfirmedAtSet => "idempotent, state healed",
            Self::InventoryActive => "idempotent, state healed from inventory",
            Self::AlreadyConfirmed
            | Self::ApprovedBookingConfirmed
            | Self::RelatedBookingConfirmed
            | Self::FulfilledByOverlapSameGuest => "idempotent",
        }
    }

    /// Reads what the history holds.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|evidence| evidence.name() == name)
    }
}
