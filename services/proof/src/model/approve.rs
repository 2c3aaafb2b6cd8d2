//! An approve: what surrounds the request decides, by the domain, and here stands what is stored.

use booking::deciding::{self, Approved, BookingStatus, Denied, Evidence, Layout, Outcome, Status, Verdict};
use uuid::Uuid;

use super::around::{row, surroundings};
use super::rows::{self, share};
use crate::world::{Booking, World};

pub fn approve(world: &mut World, id: Uuid) -> String {
    let Some(one) = world.request(id).cloned() else { return "BOOKING_REQUEST_NOT_FOUND".to_owned() };
    let (request, around) = (row(&one), surroundings(world, &one));
    let verdict = deciding::approve(&request, Layout::Standard, Some(&around));
    let approved = match verdict.answer(&request, Layout::Standard, &[]) {
        Ok(approved) => approved,
        Err(denied) => return refused(&denied),
    };
    if around.own_range && matches!(verdict, Verdict::Book { .. } | Verdict::Link { .. }) {
        let own =
            |range: &&mut crate::world::Range| range.source == Some(id) && share(range.nights, one.nights);
        world.ranges.iter_mut().filter(own).for_each(|range| range.active = false);
    }
    match verdict {
        Verdict::Book { evidence, hold } => {
            if around.hold_moved {
                give_up_hold(world, id);
            }
            book(world, id, evidence, hold);
        }
        Verdict::Link { booking, evidence, soft, .. } => link(world, id, booking.0, (evidence, soft)),
        _ => {}
    }
    granted(&approved)
}

/// The hold, or a new row, becomes the booking of the request, with its range.
fn book(world: &mut World, id: Uuid, evidence: Option<Evidence>, hold: bool) {
    let Some(one) = world.request(id).cloned() else { return };
    let booking = match one.held.filter(|_| hold) {
        Some(booking) => {
            world.change_booking(booking, |booking| booking.status = BookingStatus::Confirmed);
            booking
        }
        None => {
            let (booking, status) = (world.new_id(0), BookingStatus::Confirmed);
            let (request, guest) = (Some(id), Some(one.guest));
            world.bookings.push(Booking { id: booking, request, guest, nights: one.nights, status });
            booking
        }
    };
    if !world.is_covered(booking, one.nights) {
        world.cover(booking, one.nights);
    }
    world.change_request(id, |one| {
        (one.status, one.approved, one.confirmed, one.held) = (Status::Confirmed, Some(booking), true, None);
    });
    let kind = if evidence.is_some() { "healed" } else { "approved" };
    world.tell(kind, Some(id), Some(booking), evidence.map_or("", Evidence::name));
    world.decline_competitors(id, Some(one.guest), one.nights);
}

/// A booking that is there fulfils the request; it gets the range that it lacks, and a hold ends.
fn link(world: &mut World, id: Uuid, booking: Uuid, (evidence, soft): (Evidence, bool)) {
    let hold = world.end_hold(id, BookingStatus::Cancelled);
    world.uncover(&[hold]);
    world.change_request(id, |one| {
        if !soft {
            one.status = Status::Confirmed;
        }
        (one.approved, one.confirmed, one.held) = (Some(booking), true, None);
    });
    let nights = world.booking(booking).map(|booking| booking.nights);
    if let Some(nights) = nights.filter(|nights| !world.is_covered(booking, *nights)) {
        world.cover(booking, nights);
    }
    world.tell("healed", Some(id), Some(booking), evidence.name());
}

fn give_up_hold(world: &mut World, id: Uuid) {
    let hold = world.end_hold(id, BookingStatus::Cancelled);
    world.uncover(&[hold]);
    world.change_request(id, |one| one.held = None);
    if hold.is_some() {
        world.tell("booking_cancelled", Some(id), hold, "");
    }
}

fn granted(approved: &Approved) -> String {
    let outcome = match approved.outcome {
        Outcome::Approved => "approved",
        Outcome::AlreadyApproved => "already_approved",
        Outcome::Healed => "healed",
    };
    match approved.evidence {
        Some(evidence) => format!("{outcome} by {}", evidence.name()),
        None => outcome.to_owned(),
    }
}

fn refused(denied: &Denied) -> String {
    match denied {
        Denied::State(closed) => rows::refused(*closed),
        Denied::Overlap(kind, None) => format!("BOOKING_OVERLAP {}", kind.name()),
        Denied::Overlap(kind, Some(why)) => format!("BOOKING_OVERLAP {} {}", kind.name(), why.name()),
        Denied::Inconsistent(unfit) => format!("REQUEST_INCONSISTENT {}", unfit.name()),
        Denied::Rules(_) | Denied::Undecided => "not described".to_owned(),
    }
}
