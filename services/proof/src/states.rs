//! The states that calls start from: what is known of the first request, times what is beside it.

use booking::deciding::{BookingStatus, Status};
use uuid::Uuid;

use crate::call::{Call, Choice};
use crate::world::{Booking, Headers, Layout, Nights, Range, Request, World, booking, guest, request, today};

/// A state with its name.
#[derive(Debug, Clone)]
pub struct Start {
    pub name: String,
    pub world: World,
}

/// What the first request asks for.
pub const ASKED: Nights = (10, 13);
const PAST: Nights = (-6000, -5997);

/// What is the same in all states of a kind, and how their names begin.
#[derive(Debug, Clone, Copy)]
struct Kind {
    name: &'static str,
    layout: Layout,
    /// Whether competitors are declined.
    auto: bool,
    headers: Headers,
}

const PLAIN: Kind = Kind { name: "", layout: Layout::Standard, auto: false, headers: Headers::None };
const KINDS: [Kind; 6] = [
    PLAIN,
    Kind { name: "auto:", auto: true, ..PLAIN },
    Kind { name: "keys:", headers: Headers::Key, ..PLAIN },
    Kind { name: "etags:", headers: Headers::Etag, ..PLAIN },
    Kind { name: "single:", layout: Layout::Single, ..PLAIN },
    Kind { name: "literal:", layout: Layout::Literal, ..PLAIN },
];

/// What is known of the first request.
const FIRST: [&str; 21] = [
    "open", "review", "mark", "link", "range", "moved", "related", "overlap", "stranger", "soft", "approved",
    "declined", "lost", "gone", "past", "hold", "due", "staying", "bare", "stray", "misfit",
];

/// What is beside it.
const BESIDE: [&str; 11] =
    ["", "other", "same", "part", "next", "block", "blocked", "sold", "crowd", "links", "after"];

impl Start {
    /// Every state, without those that no database could have.
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        all.extend((0..=2).map(Self::of_people));
        for kind in KINDS {
            for first in FIRST {
                all.extend(BESIDE.into_iter().filter_map(|beside| Self::of(kind, first, beside)));
            }
        }
        all
    }

    /// The state of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|start| start.name == name)
    }

    /// A person whose token has been exchanged so many times.
    fn of_people(times: u8) -> Self {
        let world = World { layout: Layout::Identity, exchanged: times, ..World::default() };
        Self { name: format!("people:{times}"), world }
    }

    fn of(kind: Kind, first: &str, beside: &str) -> Option<Self> {
        let Kind { layout, auto, headers, .. } = kind;
        let competes = ["other", "part", "crowd"].contains(&beside)
            && ["open", "mark", "hold", "range", "stranger"].contains(&first);
        // Nobody but an unblock names the version of a block.
        let is_of_headers = ["", "other"].contains(&beside) || headers == Headers::Etag && beside == "block";
        // A request for nights that are over is refused by a rule, and no rule is described.
        let is_ruled = first == "past" && beside == "links";
        // Who leaves early frees nights for whoever comes after, and for nobody else.
        let is_apart =
            (first == "staying") != (beside == "after") && !(first == "staying" && beside.is_empty());
        let is_wrong = ["bare", "stray", "misfit"].contains(&first) && !kind.name.is_empty()
            || first == "bare" && beside == "blocked";
        if auto && !competes || headers != Headers::None && !is_of_headers || is_ruled || is_apart || is_wrong
        {
            return None;
        }
        let is_wide = kind.name.is_empty() && ["", "other", "after"].contains(&beside);
        let mut world = World { layout, auto_decline: auto, headers, is_wide, ..World::default() };
        add_first(&mut world, first);
        if !add_beside(&mut world, beside) {
            return None;
        }
        if auto {
            // Whom they pass over has to be described, which they are not.
            world.choices.clear();
        }
        let plus = if beside.is_empty() { "" } else { "+" };
        let name = format!("{}{first}{plus}{beside}", kind.name);
        if layout != Layout::Standard {
            // There are no holds, and a row cannot be sold and lost.
            if world.holds || first == "gone" {
                return None;
            }
            merge(&mut world);
        }
        is_possible(&world).then_some(Self { name, world })
    }
}

/// In a single table, the booking that was made of a request is the request's row.
fn merge(world: &mut World) {
    let (made, others) =
        std::mem::take(&mut world.bookings).into_iter().partition(|one| one.request.is_some());
    world.bookings = others;
    for Booking { id, request, .. } in Vec::<Booking>::from_iter(made) {
        for one in world.requests.iter_mut().filter(|one| one.approved == Some(id)) {
            one.approved = request.filter(|owner| *owner != one.id);
        }
        for range in world.ranges.iter_mut().filter(|range| range.source == Some(id)) {
            range.source = request;
        }
    }
}

fn add_first(world: &mut World, first: &str) {
    let mut one = open(1, 1, ASKED);
    match first {
        "review" => one.status = Status::UnderReview,
        "mark" => {
            one.confirmed = true;
            world.choices = vec![Choice::Confirm, Choice::ClearMark];
        }
        "link" => {
            one.approved = Some(booking(1));
            sell(world, 1, 1, ASKED, None);
        }
        "range" => {
            world.ranges.push(range(0x301, Some(one.id), ASKED));
            world.choices = vec![Choice::Confirm, Choice::ReleaseRange];
        }
        "moved" => world.ranges.push(range(0x301, Some(one.id), (11, 14))),
        "related" => sell(world, 1, 1, ASKED, None),
        "overlap" => sell(world, 1, 1, (9, 12), None),
        "stranger" => sell(world, 1, 2, (11, 14), None),
        "soft" => {
            (one.approved, one.confirmed) = (Some(booking(1)), true);
            sell(world, 1, 1, (9, 12), None);
        }
        // A stay that was years ago.
        "past" => {
            (one.status, one.approved, one.confirmed) = (Status::Confirmed, Some(booking(1)), true);
            one.nights = PAST;
            sell(world, 1, 1, PAST, Some(one.id));
        }
        "approved" => {
            (one.status, one.approved, one.confirmed) = (Status::Confirmed, Some(booking(1)), true);
            sell(world, 1, 1, ASKED, Some(one.id));
        }
        "declined" => one.status = Status::Declined,
        "lost" | "gone" => {
            (one.approved, one.confirmed) = (Some(booking(1)), true);
            world.choices = vec![Choice::Confirm, Choice::ClearLink];
            if first == "gone" {
                one.status = Status::Confirmed;
                world.choices = vec![Choice::Confirm, Choice::Reopen];
            }
            sell(world, 1, 1, ASKED, None);
            world.bookings[0].status = BookingStatus::Cancelled;
            world.ranges.clear();
        }
        // A stay of these days.
        "staying" => {
            one.nights = (today() - 1, today() + 3);
            (one.status, one.approved, one.confirmed) = (Status::Confirmed, Some(booking(1)), true);
            sell(world, 1, 1, one.nights, Some(one.id));
            world.bookings[0].status = BookingStatus::CheckedIn;
        }
        _ => return add_wrong(world, first, one),
    }
    world.requests.push(one);
}

/// What is wrong with rows that are no request of the guest, or a hold.
fn add_wrong(world: &mut World, first: &str, mut one: Request) {
    match first {
        "bare" => {
            sell(world, 1, 1, ASKED, None);
            world.ranges.clear();
            world.mends = vec![Call::ResolveBooking(1, Choice::RestoreRange)];
        }
        "stray" => {
            world.ranges.push(range(0x301, Some(booking(9)), ASKED));
            world.mends = vec![Call::ResolveRange(1, Choice::ReleaseRange)];
        }
        "misfit" => {
            sell(world, 1, 1, (11, 13), None);
            world.ranges = vec![range(0x301, Some(booking(1)), ASKED)];
            world.mends = vec![Call::ResolveRange(1, Choice::FitRange)];
        }
        "hold" | "due" => {
            (one.held, one.is_due, world.holds) = (Some(booking(1)), first == "due", true);
            sell(world, 1, 1, ASKED, Some(one.id));
            world.bookings[0].status = BookingStatus::Requested;
        }
        _ => {}
    }
    world.requests.push(one);
}

/// Whether there is such a state.
fn add_beside(world: &mut World, beside: &str) -> bool {
    match beside {
        "other" => world.requests.push(open(2, 2, ASKED)),
        "same" => world.requests.push(open(2, 1, ASKED)),
        "part" => world.requests.push(open(2, 2, (12, 15))),
        "next" => world.requests.push(open(2, 2, (13, 15))),
        "block" => world.ranges.push(range(0x401, None, (13, 14))),
        "blocked" => world.ranges.push(range(0x401, None, (11, 12))),
        "sold" => {
            let one = open(2, 2, (13, 15));
            let (status, approved) = (Status::Confirmed, Some(booking(2)));
            sell(world, 2, 2, one.nights, Some(one.id));
            world.requests.push(Request { status, approved, confirmed: true, ..one });
        }
        "after" => world.requests.push(open(2, 2, (today() + 1, today() + 4))),
        "crowd" => world.requests.extend([open(2, 2, ASKED), open(3, 3, (12, 15))]),
        // The guest's other request is fulfilled by the same booking.
        "links" => {
            let sold = world.bookings.iter().find(|one| one.guest == Some(guest(1)) && one.status.is_sold());
            let Some((id, nights)) = sold.map(|one| (one.id, one.nights)) else { return false };
            world.requests.push(Request { approved: Some(id), confirmed: true, ..open(2, 1, nights) });
        }
        _ => {}
    }
    true
}

fn open(n: u128, of: u128, nights: Nights) -> Request {
    Request {
        id: request(n),
        guest: guest(of),
        nights,
        status: Status::Requested,
        approved: None,
        held: None,
        is_due: false,
        confirmed: false,
    }
}

fn sell(world: &mut World, n: u128, of: u128, nights: Nights, made_for: Option<Uuid>) {
    let id = booking(n);
    let status = BookingStatus::Confirmed;
    world.bookings.push(Booking { id, request: made_for, guest: Some(guest(of)), nights, status });
    world.ranges.push(range(0x310 + n, Some(id), nights));
}

fn range(id: u128, source: Option<Uuid>, nights: Nights) -> Range {
    Range { id: Uuid::from_u128(id), source, nights, active: true }
}

/// Whether the constraints of the database allow it.
fn is_possible(world: &World) -> bool {
    let apart = |one: Nights, other: Nights| one.1 <= other.0 || other.1 <= one.0;
    let all_apart = |nights: Vec<Nights>| {
        nights.iter().enumerate().all(|(at, one)| nights[at + 1..].iter().all(|other| apart(*one, *other)))
    };
    let bookings = world.bookings.iter().filter(|one| !one.status.frees_dates()).map(|one| one.nights);
    let in_constraint = |one: &&Request| match world.layout {
        Layout::Standard | Layout::Identity => false,
        Layout::Single => one.status == Status::Confirmed,
        Layout::Literal => one.status == Status::Confirmed || one.status.is_open(),
    };
    let rows = world.requests.iter().filter(in_constraint).map(|one| one.nights);
    all_apart(bookings.chain(rows).collect())
        && all_apart(world.ranges.iter().filter(|one| one.active).map(|one| one.nights).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_state_has_a_name_of_its_own() {
        let all = Start::all();
        let names: BTreeSet<&str> = all.iter().map(|start| &*start.name).collect();
        assert_eq!(names.len(), all.len());
        assert!(all.len() >= 100, "only {} states", all.len());
        assert!(Start::named("open+other").is_some() && Start::named("range+blocked").is_none());
    }
}
