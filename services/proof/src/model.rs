//! What the calls do: from a world and a call to the world after it and the answer. It can be read
//! as the specification of booking in the standard layout. What decides is the domain of booking
//! itself; here stands what its statements do to rows, in the order in which the feed tells it.
//!
//! One property, whose stays have no rules, and no merged customers. Where `None` comes back, the
//! call is not described here: what it does is known by running it alone.

mod approve;
mod around;
mod rows;
pub mod told;

use booking::deciding::steps::{self, Closed, StayStep, Step};
use booking::deciding::{BookingStatus, Status};
use uuid::Uuid;

use self::around::{linked, row};
use self::rows::refused;
use crate::call::Call;
use crate::calls::{BLOCKED_NIGHTS, BOOKED_NIGHTS, NEW_GUEST, NEW_NIGHTS};
use crate::run::Outcome;
use crate::world::{Booking, Headers, Layout, Range, Request, World, block, booking, guest, request};

/// What comes of calls one after the other, where all of them are described.
pub fn one_by_one(world: &World, calls: &[Call], order: &[usize]) -> Option<Outcome> {
    let mut answers = vec![String::new(); calls.len()];
    let mut after = world.clone();
    for at in order {
        let (next, answer) = apply(&after, calls[*at])?;
        (after, answers[*at]) = (next, answer);
    }
    Some(Outcome { answers, lines: after.lines() })
}

/// What comes of a call.
pub fn apply(world: &World, call: Call) -> Option<(World, String)> {
    // Versions of rows are not described.
    if world.layout != Layout::Standard || world.headers == Headers::Etag {
        return None;
    }
    if !call.is_described() {
        return None;
    }
    let mut after = world.clone();
    if let Some((_, answer)) = world.answers.iter().find(|(answered, _)| *answered == call) {
        return Some((after, answer.clone()));
    }
    let answer = match call {
        Call::Approve(n) => approve::approve(&mut after, request(n.into())),
        Call::Decline(n) => decline(&mut after, request(n.into())),
        Call::Review(n) => review(&mut after, request(n.into())),
        Call::Cancel(n) => cancel(&mut after, request(n.into())),
        Call::CancelBooking(n) => cancel_booking(&mut after, booking(n.into())),
        Call::Create => create(&mut after),
        Call::Book => book(&mut after),
        Call::Block => add_block(&mut after),
        Call::Unblock(n) => unblock(&mut after, block(n.into())),
        Call::CheckIn(n) => check_in(&mut after, booking(n.into())),
        // The nights that an early departure frees, and who loses them.
        Call::CheckOut(n) => check_out(world, booking(n.into()))?,
        Call::AutoDecline => {
            after.auto_decline = true;
            after.tell("settings_updated", None, None, "");
            done()
        }
        Call::Expire(n) => format!("expired: {}", expire(&mut after, request(n.into()))),
        Call::Hold(holds) => {
            after.holds = holds;
            after.tell("property_updated", None, None, "");
            done()
        }
        _ => return None,
    };
    // What is refused keeps no key.
    let is_kept = world.headers == Headers::Key
        && !matches!(call, Call::Expire(_))
        && !answer.starts_with(char::is_uppercase);
    if is_kept {
        after.answers.push((call, answer.clone()));
    }
    Some((after, answer))
}

fn done() -> String {
    "done".to_owned()
}

/// Open requests are declined, unless they read as confirmed.
fn decline(world: &mut World, id: Uuid) -> String {
    let Some(one) = world.request(id) else { return "BOOKING_REQUEST_NOT_FOUND".to_owned() };
    match steps::decline(&row(one), linked(world, one).as_ref()) {
        Ok(Step::Go) => {
            world.close(id, Status::Declined, BookingStatus::Declined, "declined");
            done()
        }
        Ok(Step::Done) => done(),
        Ok(Step::Refused(closed)) => refused(closed),
        Err(why) => format!("INVALID_TRANSITION {} {}", why.name(), Closed::AlreadyApproved.name()),
    }
}

fn review(world: &mut World, id: Uuid) -> String {
    let Some(one) = world.request(id) else { return "BOOKING_REQUEST_NOT_FOUND".to_owned() };
    match steps::start_review(&row(one), linked(world, one).as_ref()) {
        Ok(Step::Go) => {
            world.change_request(id, |one| one.status = Status::UnderReview);
            world.tell("review_started", Some(id), None, "");
            done()
        }
        Ok(Step::Done) => done(),
        Ok(Step::Refused(closed)) => refused(closed),
        Err(why) => format!("INVALID_TRANSITION {} {}", why.name(), Closed::AlreadyApproved.name()),
    }
}

/// A request is cancelled with the booking that was made for it.
fn cancel(world: &mut World, id: Uuid) -> String {
    let Some(one) = world.request(id) else { return "BOOKING_REQUEST_NOT_FOUND".to_owned() };
    let is_own = |booking: &&Booking| {
        booking.request == Some(id)
            && (booking.status.is_sold() || booking.status == BookingStatus::NoShow)
            && booking.guest.is_none_or(|guest| guest == one.guest)
    };
    let own = world.bookings.iter().find(is_own).filter(|_| one.status == Status::Confirmed);
    let own = own.map(|own| (own.id, own.status));
    match steps::cancel_request(&row(one), own.map(|(_, status)| status)) {
        Step::Go => match own {
            Some((own, _)) => world.free(own, Some(id)),
            None => world.close(id, Status::Cancelled, BookingStatus::Cancelled, "cancelled"),
        },
        Step::Done => {}
        Step::Refused(closed) => return refused(closed),
    }
    done()
}

fn cancel_booking(world: &mut World, id: Uuid) -> String {
    let Some(one) = world.booking(id) else { return "BOOKING_NOT_FOUND".to_owned() };
    let owner = one.request.and_then(|owner| world.request(owner));
    let holds = one.status == BookingStatus::Requested
        && owner.is_some_and(|owner| owner.status.is_open() && owner.held == Some(id));
    match steps::cancel_booking(one.status, holds) {
        Step::Go => world.free(id, None),
        Step::Done => {}
        Step::Refused(closed) => return refused(closed),
    }
    done()
}

fn check_in(world: &mut World, id: Uuid) -> String {
    let Some(one) = world.booking(id) else { return "BOOKING_NOT_FOUND".to_owned() };
    let request = one.request;
    match around::stay_step(StayStep::CheckIn, one) {
        Step::Go => {
            world.change_booking(id, |one| one.status = BookingStatus::CheckedIn);
            world.tell("checked_in", request, Some(id), "");
            done()
        }
        Step::Done => done(),
        Step::Refused(closed) => refused(closed),
    }
}

fn check_out(world: &World, id: Uuid) -> Option<String> {
    let Some(one) = world.booking(id) else { return Some("BOOKING_NOT_FOUND".to_owned()) };
    match around::stay_step(StayStep::CheckOut, one) {
        Step::Go => None,
        Step::Done => Some(done()),
        Step::Refused(closed) => Some(refused(closed)),
    }
}

/// A new request takes its nights where the property holds them, and none elsewhere.
fn create(world: &mut World) -> String {
    let (id, hold, guest) = (world.new_id(0), world.new_id(1), guest(NEW_GUEST));
    if world.holds {
        if world.is_taken(NEW_NIGHTS) {
            return "BOOKING_OVERLAP".to_owned();
        }
        let status = BookingStatus::Requested;
        world.bookings.push(Booking {
            id: hold,
            request: Some(id),
            guest: Some(guest),
            nights: NEW_NIGHTS,
            status,
        });
        world.cover(hold, NEW_NIGHTS);
    }
    world.requests.push(Request {
        id,
        guest,
        nights: NEW_NIGHTS,
        status: Status::Requested,
        approved: None,
        held: world.holds.then_some(hold),
        is_due: false,
        confirmed: false,
    });
    world.tell("created", Some(id), None, "");
    done()
}

/// Staff's booking of nights that nobody has.
fn book(world: &mut World) -> String {
    if let Some(kind) = world.who_has(BOOKED_NIGHTS) {
        return format!("BOOKING_OVERLAP {kind}");
    }
    let (id, guest) = (world.new_id(0), Some(guest(NEW_GUEST)));
    let status = BookingStatus::Confirmed;
    world.bookings.push(Booking { id, request: None, guest, nights: BOOKED_NIGHTS, status });
    world.cover(id, BOOKED_NIGHTS);
    world.tell("booking_created", None, Some(id), "");
    world.decline_competitors(id, guest, BOOKED_NIGHTS);
    done()
}

fn add_block(world: &mut World) -> String {
    if world.is_taken(BLOCKED_NIGHTS) {
        return "BOOKING_OVERLAP".to_owned();
    }
    let id = world.new_id(0);
    world.ranges.push(Range { id, source: None, nights: BLOCKED_NIGHTS, active: true });
    world.tell_of_block("blocked", id);
    done()
}

/// A block that has ended stays ended, without another event.
fn unblock(world: &mut World, id: Uuid) -> String {
    let Some(range) = world.ranges.iter_mut().find(|range| range.id == id) else {
        return "BLOCK_NOT_FOUND".to_owned();
    };
    if std::mem::replace(&mut range.active, false) {
        world.tell_of_block("unblocked", id);
    }
    done()
}

/// A hold that has run out ends its request, unless that is decided.
fn expire(world: &mut World, id: Uuid) -> bool {
    let is_due = |one: &&Request| one.held.is_some() && one.is_due && world.passed_over != Some(id);
    let Some(one) = world.request(id).filter(is_due) else { return false };
    let is_open = row(one).effective_status().is_open();
    if is_open {
        world.close(id, Status::Expired, BookingStatus::Cancelled, "expired");
    }
    is_open
}
