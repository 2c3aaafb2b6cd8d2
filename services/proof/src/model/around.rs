//! What the domain is asked with: the rows of a world as its types.

use booking::deciding::steps::{self, StayStep, Step};
use booking::deciding::{
    Acting, ActiveRange, Booking as StoredBooking, BookingId, BookingRequest, BookingRequestId, Evidence,
    GuestId, LinkedBooking, LocalDay, Obstacle, PropertyId, RangeId, Rival, Surroundings,
};
use jiff::Timestamp;
use uuid::Uuid;

use super::rows::share;
use crate::world::{Booking, PROPERTY, Range, Request, World, day, stay};

const SOME_TIME: Timestamp = Timestamp::UNIX_EPOCH;

/// A request as the domain has it.
pub fn row(one: &Request) -> BookingRequest {
    BookingRequest {
        id: BookingRequestId(one.id),
        property: PropertyId(PROPERTY),
        guest: Some(GuestId(one.guest)),
        stay: stay(one.nights),
        status: one.status,
        unknown_status: None,
        guest_count: 1,
        message: String::new(),
        internal_note: String::new(),
        decline_reason: None,
        decline_code: None,
        decline_message: None,
        approved_booking: one.approved.map(BookingId),
        linked: None,
        held_booking: one.held.map(BookingId),
        hold_expires_at: one.held.map(|_| SOME_TIME),
        confirmed_at: one.confirmed.then_some(SOME_TIME),
        decided: Acting::default(),
        row_version: 1,
        created_at: SOME_TIME,
        updated_at: SOME_TIME,
    }
}

/// The booking that a request is linked to.
pub fn linked(world: &World, one: &Request) -> Option<LinkedBooking> {
    let booking = world.booking(one.approved?)?;
    Some(LinkedBooking {
        booking: BookingId(booking.id),
        guest: booking.guest.map(GuestId),
        property: Some(PropertyId(PROPERTY)),
        status: Some(booking.status),
        stay: Some(stay(booking.nights)),
    })
}

/// A step of a stay, years before it.
pub fn stay_step(step: StayStep, one: &Booking) -> Step {
    let row = StoredBooking {
        id: BookingId(one.id),
        request: one.request.map(BookingRequestId),
        property: PropertyId(PROPERTY),
        guest: one.guest.map(GuestId),
        stay: stay(one.nights),
        booked_check_out: None,
        status: one.status,
        unknown_status: None,
        confirmed_at: None,
        approved_by: None,
        row_version: 1,
        created_at: SOME_TIME,
        updated_at: SOME_TIME,
        source: String::new(),
        external_id: None,
    };
    let overridden = step == StayStep::CheckIn;
    steps::stay_step(step, &row, LocalDay::known(day(-5000)), overridden)
}

/// What surrounds a request, as `parts/surroundings.sql` reads it.
pub fn surroundings(world: &World, one: &Request) -> Surroundings {
    let hold = one.held.and_then(|held| world.booking(held));
    let hold = hold.filter(|hold| !hold.status.is_sold() && !hold.status.frees_dates());
    let hold = hold.filter(|hold| hold.guest == Some(one.guest));
    let is_hold = |id: Uuid| hold.is_some_and(|hold| hold.id == id);
    let of_guest = |booking: &&Booking| booking.guest == Some(one.guest) && booking.status.is_sold();
    let related = world.bookings.iter().filter(of_guest).filter(|booking| booking.nights == one.nights);
    let related = related.map(|booking| booking.id).min();
    let in_the_way = |booking: &&Booking| !booking.status.frees_dates() && share(booking.nights, one.nights);
    let mut rivals: Vec<&Booking> =
        world.bookings.iter().filter(in_the_way).filter(|booking| !is_hold(booking.id)).collect();
    rivals.sort_by_key(|booking| (booking.nights.0, booking.id));
    let active = || world.ranges.iter().filter(|range| range.active);
    let rangeless = world.bookings.iter().filter(of_guest).filter(|booking| {
        let is_near = share(booking.nights, one.nights) || one.approved == Some(booking.id);
        is_near && !world.is_covered(booking.id, booking.nights)
    });
    let obstacles = rangeless.flat_map(|booking| {
        let obstructs = move |range: &&Range| {
            let Some(source) = range.source else { return true };
            if source == one.id { !share(range.nights, one.nights) } else { !is_hold(source) }
        };
        let ranges = active().filter(move |range| share(range.nights, booking.nights)).filter(obstructs);
        ranges.map(move |range| Obstacle { booking: BookingId(booking.id), range: as_range(range) })
    });
    let healed =
        world.events.iter().rev().find(|event| event.request == Some(one.id) && event.action == "healed");
    Surroundings {
        linked: linked(world, one),
        hold_stands: hold.is_some_and(|hold| hold.nights == one.nights),
        hold_moved: hold.is_some_and(|hold| hold.nights != one.nights),
        own_range: world.is_covered(one.id, one.nights),
        related: related.map(BookingId),
        rivals: rivals.into_iter().map(as_rival).collect(),
        ranges: active().filter(|range| share(range.nights, one.nights)).map(as_range).collect(),
        obstacles: obstacles.collect(),
        healed_as: healed.and_then(|event| Evidence::from_name(event.evidence)),
        own: None,
        booked: None,
    }
}

fn as_rival(one: &Booking) -> Rival {
    Rival {
        booking: BookingId(one.id),
        guest: one.guest.map(GuestId),
        status: one.status,
        deleted: false,
        stay: stay(one.nights),
    }
}

fn as_range(range: &Range) -> ActiveRange {
    ActiveRange {
        id: RangeId(range.id),
        block: range.source.is_none(),
        source: range.source.map(BookingId),
        stay: stay(range.nights),
    }
}
