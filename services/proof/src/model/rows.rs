//! What statements do to the rows of a world.

use booking::deciding::steps::Closed;
use booking::deciding::{BookingStatus, Status};
use uuid::Uuid;

use crate::world::{Booking, Event, Nights, Range, Request, World};

/// What a step answers that the state does not allow.
pub fn refused(closed: Closed) -> String {
    format!("INVALID_TRANSITION {}", closed.name())
}

/// Whether two stays have a night in common.
pub fn share(one: Nights, other: Nights) -> bool {
    one.0 < other.1 && other.0 < one.1
}

impl World {
    pub fn request(&self, id: Uuid) -> Option<&Request> {
        self.requests.iter().find(|one| one.id == id)
    }

    pub fn booking(&self, id: Uuid) -> Option<&Booking> {
        self.bookings.iter().find(|one| one.id == id)
    }

    pub fn change_request(&mut self, id: Uuid, change: impl FnMut(&mut Request)) {
        self.requests.iter_mut().filter(|one| one.id == id).for_each(change);
    }

    pub fn change_booking(&mut self, id: Uuid, change: impl FnMut(&mut Booking)) {
        self.bookings.iter_mut().filter(|one| one.id == id).for_each(change);
    }

    pub fn tell(
        &mut self,
        action: &'static str,
        request: Option<Uuid>,
        booking: Option<Uuid>,
        evidence: &'static str,
    ) {
        self.events.push(Event { action, request, booking, block: None, evidence });
    }

    pub fn tell_of_block(&mut self, action: &'static str, block: Uuid) {
        self.events.push(Event { action, request: None, booking: None, block: Some(block), evidence: "" });
    }

    /// An id for the n-th row that a call makes; a call makes four at most.
    pub fn new_id(&self, n: usize) -> Uuid {
        let rows = self.requests.len() + self.bookings.len() + self.ranges.len() + self.events.len();
        Uuid::from_u128(0x1_0000 + u128::try_from(4 * rows + n).unwrap_or_default())
    }

    /// The nights of a booking are let once.
    pub fn cover(&mut self, booking: Uuid, nights: Nights) {
        self.ranges.push(Range { id: Uuid::nil(), source: Some(booking), nights, active: true });
    }

    pub fn is_covered(&self, booking: Uuid, nights: Nights) -> bool {
        self.ranges
            .iter()
            .any(|range| range.active && range.source == Some(booking) && share(range.nights, nights))
    }

    pub fn uncover(&mut self, sources: &[Option<Uuid>]) {
        let of_them = |range: &&mut Range| range.source.is_some() && sources.contains(&range.source);
        self.ranges.iter_mut().filter(of_them).for_each(|range| range.active = false);
    }

    /// Whether a booking, a hold, a block or a range has one of the nights.
    pub fn is_taken(&self, nights: Nights) -> bool {
        self.bookings.iter().any(|one| !one.status.frees_dates() && share(one.nights, nights))
            || self.ranges.iter().any(|range| range.active && share(range.nights, nights))
    }

    /// What has the first of the nights that are taken.
    pub fn who_has(&self, nights: Nights) -> Option<&'static str> {
        let live = self.bookings.iter().filter(|one| !one.status.frees_dates() && share(one.nights, nights));
        let kind = |one: &Booking| if one.status.is_sold() { "booking" } else { "hold" };
        let bookings = live.map(|one| (one.nights.0, one.id, kind(one)));
        let is_said = |range: &&Range| {
            range.source.is_none_or(|source| self.booking(source).is_none_or(|one| one.status.frees_dates()))
        };
        let ranges = self.ranges.iter().filter(|range| range.active && share(range.nights, nights));
        let kind = |range: &Range| match range.source.map(|source| self.booking(source)) {
            None => "block",
            Some(None) => "inventory",
            Some(Some(_)) => "booking",
        };
        let ranges = ranges.filter(is_said).map(|range| (range.nights.0, range.id, kind(range)));
        bookings.chain(ranges).min_by_key(|(from, id, _)| (*from, *id)).map(|(_, _, kind)| kind)
    }

    /// Ends a request for which no booking was made, with its hold.
    pub fn close(&mut self, id: Uuid, status: Status, of_hold: BookingStatus, action: &'static str) {
        let hold = self.end_hold(id, of_hold);
        self.uncover(&[Some(id), hold]);
        self.change_request(id, |one| {
            one.confirmed &= one.status == Status::Confirmed;
            (one.status, one.approved, one.held) = (status, None, None);
        });
        self.tell(action, Some(id), None, "");
    }

    /// Ends the hold of a request, if it stands and is still the guest's.
    pub fn end_hold(&mut self, id: Uuid, status: BookingStatus) -> Option<Uuid> {
        let one = self.request(id)?;
        let (id, guest) = (one.held?, one.guest);
        let hold = self.booking(id)?;
        if hold.status != BookingStatus::Requested || hold.guest != Some(guest) {
            return None;
        }
        self.change_booking(id, |hold| hold.status = status);
        Some(id)
    }

    /// Cancels a booking, and what is confirmed by it. Open requests that it merely fulfilled wait
    /// for a decision again.
    pub fn free(&mut self, id: Uuid, asked: Option<Uuid>) {
        let Some(booking) = self.booking(id).cloned() else { return };
        self.change_booking(id, |one| one.status = BookingStatus::Cancelled);
        self.uncover(&[Some(id), asked]);
        let same_stay = |one: &Request| booking.guest == Some(one.guest) && share(one.nights, booking.nights);
        let (mut closed, mut lost) = (Vec::new(), Vec::new());
        for one in &mut self.requests {
            let is_by_it = one.approved == Some(id);
            let confirmed = is_by_it && one.status == Status::Confirmed;
            if Some(one.id) == asked || confirmed && (booking.request == Some(one.id) || same_stay(one)) {
                (one.status, one.approved) = (Status::Cancelled, None);
                closed.push(one.id);
            } else if is_by_it && one.status.is_open() && same_stay(one) {
                (one.confirmed, one.approved) = (false, None);
                lost.push(one.id);
            }
        }
        for one in closed {
            self.tell("cancelled", Some(one), Some(id), "");
        }
        for one in lost {
            self.tell("fulfilment_lost", Some(one), Some(id), "");
        }
        self.tell("booking_cancelled", None, Some(id), "");
    }

    /// Where that is set, open requests of other guests for nights that are sold are declined.
    pub fn decline_competitors(&mut self, winner: Uuid, guest: Option<Uuid>, nights: Nights) {
        if !self.auto_decline {
            return;
        }
        let passed_over = self.passed_over;
        let competes = |one: &&mut Request| {
            one.id != winner
                && Some(one.id) != passed_over
                && one.status.is_open()
                && !one.confirmed
                && one.approved.is_none()
                && Some(one.guest) != guest
                && share(one.nights, nights)
        };
        let mut declined = Vec::new();
        for one in self.requests.iter_mut().filter(competes) {
            one.status = Status::Declined;
            declined.push(one.id);
        }
        for one in declined {
            self.tell("auto_declined", Some(one), None, "");
        }
    }
}
