//! What comes of no order of whole calls, and is let pass: each with the calls that were under
//! way at once, or it could not have come to this.

use std::ops::Range;

use uuid::Uuid;

use super::apply;
use crate::call::Call;
use crate::check::Allowed;
use crate::run::Outcome;
use crate::world::{Event, World, booking, request};

/// A call in its place, with what was before and after it.
struct Made {
    call: Call,
    before: World,
    after: World,
    answer: String,
}

impl Made {
    /// What it tells itself, and what follows of it by statements after that.
    fn events(&self) -> (&[Event], &[Event]) {
        let told = &self.after.events[self.before.events.len()..];
        told.split_at(told.iter().position(|event| event.action == "auto_declined").unwrap_or(told.len()))
    }
}

/// All of it for calls in an order.
pub fn allowed(world: &World, calls: &[Call], order: &[usize]) -> Vec<Allowed> {
    let mut allowed = passing_over(world, calls, order);
    let mut made = Vec::new();
    let mut before = world.clone();
    for at in order {
        let Some((after, answer)) = apply(&before, calls[*at]) else { return allowed };
        made.push(Made { call: calls[*at], before, after: after.clone(), answer });
        before = after;
    }
    let mut answers = vec![String::new(); calls.len()];
    for (at, one) in order.iter().zip(&made) {
        answers[*at].clone_from(&one.answer);
    }
    for told in permutations(0..made.len()) {
        let turned = turned(&told);
        for unseen in [Vec::new(), unseen(&made, &told)] {
            let Some(events) = events(&made, &told, &unseen) else { continue };
            let mut after = before.clone();
            after.events.truncate(world.events.len());
            after.events.extend(events);
            let outcome = Outcome { answers: answers.clone(), lines: after.lines() };
            let beside =
                turned.iter().chain(&unseen).map(|(one, other)| (order[*one], order[*other])).collect();
            allowed.push(Allowed { beside, ..Allowed::one_by_one(order.to_vec(), outcome) });
        }
    }
    allowed
}

/// The places of calls that decline competitors, with those of requests that are made between the
/// two statements of them, and are not there for the second one.
fn unseen(made: &[Made], told: &[usize]) -> Vec<(usize, usize)> {
    let creates = |one: usize, place: usize| {
        let later = told[place + 1..].iter().copied();
        let is_unseen = |other: &usize| *other > one && made[*other].call == Call::Create;
        later.filter(is_unseen).map(move |other| (one, other)).collect::<Vec<_>>()
    };
    let declines = told.iter().enumerate().filter(|(_, one)| !made[**one].events().1.is_empty());
    declines.flat_map(|(place, one)| creates(*one, place)).collect()
}

/// The places of calls of which the later one is told first. A call that ended before another one
/// began is told before it, whatever they are.
fn turned(told: &[usize]) -> Vec<(usize, usize)> {
    let after = |(place, later): (usize, &usize)| {
        let (later, rest) = (*later, &told[place + 1..]);
        rest.iter().copied().filter(move |one| *one < later).map(move |one| (one, later)).collect::<Vec<_>>()
    };
    told.iter().enumerate().flat_map(after).collect()
}

/// The events, where the feed tells of the calls in another order than that in which they were
/// made; `None` where it must not. What follows of calls is told after what they do not see.
fn events(made: &[Made], told: &[usize], unseen: &[(usize, usize)]) -> Option<Vec<Event>> {
    let mut events = Vec::new();
    // Calls whose competitors are not declined yet.
    let mut follows: Vec<usize> = Vec::new();
    for (place, at) in told.iter().enumerate() {
        let after = &told[place + 1..];
        if !after.iter().filter(|earlier| **earlier < *at).all(|earlier| {
            let (first, second) = (&made[*earlier], &made[*at]);
            comes_later(first, second)
                || comes_between(first, second)
                || made.len() > 2 && commute(first, second)
        }) {
            return None;
        }
        events.extend_from_slice(made[*at].events().0);
        follows.push(*at);
        follows.retain(|one| {
            let waits = after.iter().any(|other| {
                let comes_between = *other < *one && comes_between(&made[*other], &made[*one]);
                comes_between || unseen.contains(&(*one, *other))
            });
            if !waits {
                events.extend_from_slice(made[*one].events().1);
            }
            waits
        });
    }
    Some(events)
}

/// Whether the feed may tell the first of two calls after the second one, of which it did not
/// know. What it decided by was not locked until it was stored; the rows are those of its order.
/// - The setting that competitors are declined is read first. An approve or a booking that runs
///   while it is switched on is as good as made before: the others stay open, and are declined by
///   hand. A lock would be one for all approvals of a tenant, which would take turns for it.
/// - Whether a property holds the nights of requests is read first, too: a request that is made
///   while that changes is as good as made before.
/// - Competitors are declined that are there. One that is being made meanwhile stays open.
/// - A request that is linked to a booking takes no nights but those that the booking has. Whoever
///   takes others meanwhile finds what was before; a night that is free cannot be locked.
fn comes_later(first: &Made, second: &Made) -> bool {
    match (first.call, second.call) {
        (Call::Approve(_) | Call::Book, Call::AutoDecline) | (Call::Create, Call::Hold(_)) => true,
        (Call::Approve(_) | Call::Book, Call::Create) if first.before.auto_decline => true,
        (Call::Approve(_), Call::Block | Call::Book | Call::Create | Call::Approve(_)) => {
            first.answer.starts_with("healed") && first.after.bookings.len() == first.before.bookings.len()
        }
        _ => false,
    }
}

/// Whether two calls come to the same in either order, so that a third one, which is told later
/// than one of them, may be told before both.
fn commute(first: &Made, second: &Made) -> bool {
    let turned = apply(&first.before, second.call)
        .and_then(|(between, earlier)| Some((earlier, apply(&between, first.call)?.1)));
    turned.is_some_and(|(earlier, later)| earlier == second.answer && later == first.answer)
}

/// Whether a call about another request, or a setting, which takes and frees no nights, may be
/// told between an approve or a booking and the competitors that it declines. Those are declined by
/// a statement after it, as they are then.
fn comes_between(first: &Made, second: &Made) -> bool {
    let changes_others = matches!(
        first.call,
        Call::Review(_) | Call::Decline(_) | Call::Cancel(_) | Call::Create | Call::AutoDecline
    );
    let same_nights =
        first.after.bookings == first.before.bookings && first.after.ranges == first.before.ranges;
    let (own, follows) = second.events();
    changes_others && same_nights && !own.is_empty() && !follows.is_empty()
}

/// What comes of calls one after the other where requests that one of them has locked are passed
/// over by another one: by an approve or a booking that declines competitors, and by the end of
/// holds.
fn passing_over(world: &World, calls: &[Call], order: &[usize]) -> Vec<Allowed> {
    let mut allowed = Vec::new();
    for (has, call) in calls.iter().enumerate() {
        for locked in locked_by(world, *call) {
            let passes = |other: &usize| {
                *other != has && matches!(calls[*other], Call::Approve(_) | Call::Book | Call::Expire(_))
            };
            let passing: Vec<usize> = (0..calls.len()).filter(passes).collect();
            // One of them, or all.
            let each = passing.iter().map(|one| vec![*one]);
            for passing in each.chain((passing.len() > 1).then(|| passing.clone())) {
                let Some(outcome) = all_but(world, calls, order, (locked, &passing)) else { continue };
                let passed_over = passing.iter().map(|one| (has, *one)).collect();
                allowed.push(Allowed { passed_over, ..Allowed::one_by_one(order.to_vec(), outcome) });
            }
        }
    }
    allowed
}

/// The requests whose rows a call has while it is under way.
fn locked_by(world: &World, call: Call) -> Vec<Uuid> {
    match call {
        Call::Approve(n) | Call::Decline(n) | Call::Review(n) | Call::Cancel(n) | Call::Resolve(n, _) => {
            vec![request(n.into())]
        }
        Call::CancelBooking(n) | Call::CheckIn(n) | Call::CheckOut(n) | Call::NoShow(n) => {
            let id = booking(n.into());
            // The request that it was made for, and those that it fulfils.
            let made_for = world.booking(id).and_then(|one| one.request);
            let fulfilled = world.requests.iter().filter(|one| one.approved == Some(id)).map(|one| one.id);
            made_for.into_iter().chain(fulfilled).collect()
        }
        _ => Vec::new(),
    }
}

/// What comes of calls one after the other, where some of them do not see a request.
fn all_but(
    world: &World,
    calls: &[Call],
    order: &[usize],
    (locked, passing): (Uuid, &[usize]),
) -> Option<Outcome> {
    let mut answers = vec![String::new(); calls.len()];
    let mut after = world.clone();
    for at in order {
        after.passed_over = passing.contains(at).then_some(locked);
        let (next, answer) = apply(&after, calls[*at])?;
        (after, answers[*at]) = (next, answer);
    }
    Some(Outcome { answers, lines: after.lines() })
}

/// The same as [`comes_later`] of what came of two calls of which there is no model, where the
/// first one tells of so much. What is wrong with a request is judged by what surrounds it, which
/// nobody locks who only clears a mark.
pub fn unknown_later(
    world: &World,
    calls: &[Call],
    order: &[usize],
    of: &Outcome,
    told: usize,
) -> Vec<Allowed> {
    let [first, second] = *order else { return Vec::new() };
    let takes_nights = matches!(calls[second], Call::Block | Call::Book | Call::Create | Call::Approve(_));
    let is_open = |n: u8| of.lines.iter().any(|line| line.starts_with(&format!("request|r{n}|")));
    // From which of the first one's events on the second one may be told before it.
    let from = match (calls[first], calls[second]) {
        (Call::Approve(_) | Call::Book | Call::Resolve(..), Call::AutoDecline) => 0,
        // Whoever is about the same request waits for all of it.
        (Call::Resolve(n, _), other) if locked_by(world, other).contains(&request(n.into())) => {
            return Vec::new();
        }
        (Call::Resolve(..), _) if takes_nights => 0,
        // What was wrong is told by a statement after the one that puts it right.
        (Call::Resolve(..), _) if told > 1 => told - 1,
        // A request may be made for nights that are blocked, where it holds none by a range.
        (Call::Block, Call::Create) => 0,
        // In a single table, one that is linked to a booking stays open.
        (Call::Approve(n), _) if takes_nights && of.answers[first].starts_with("healed") && is_open(n) => 0,
        _ => return Vec::new(),
    };
    let (events, lines): (Vec<String>, Vec<String>) =
        of.lines.iter().cloned().partition(|line| line.starts_with("event|"));
    if told >= events.len() {
        return Vec::new();
    }
    // What the second one tells comes before some of what the first one tells, or all.
    let earlier = (from..told).map(|place| {
        let mut events = events.clone();
        events[place..].rotate_left(told - place);
        let numbered = events.iter().enumerate().map(|(place, line)| {
            let rest = line.splitn(3, '|').nth(2).unwrap_or_default();
            format!("event|{:02}|{rest}", place + 1)
        });
        let mut lines: Vec<String> = lines.iter().cloned().chain(numbered).collect();
        lines.sort_unstable();
        let outcome = Outcome { answers: of.answers.clone(), lines };
        Allowed { beside: vec![(first, second)], ..Allowed::one_by_one(order.to_vec(), outcome) }
    });
    earlier.collect()
}

/// The same as [`passing_over`] of two calls of which there is no model, where the second one is the
/// end of a hold, and `alone` is what comes of the first one.
pub fn unknown_passed_over(
    world: &World,
    calls: &[Call],
    order: &[usize],
    alone: &Outcome,
) -> Option<Allowed> {
    let [first, second] = *order else { return None };
    let Call::Expire(n) = calls[second] else { return None };
    if !locked_by(world, calls[first]).contains(&request(n.into())) {
        return None;
    }
    let mut answers = vec!["expired: false".to_owned(); 2];
    answers[first].clone_from(alone.answers.first()?);
    let outcome = Outcome { answers, lines: alone.lines.clone() };
    let passed_over = vec![(first, second)];
    Some(Allowed { passed_over, ..Allowed::one_by_one(order.to_vec(), outcome) })
}

fn permutations(of: Range<usize>) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for next in of {
        all = all
            .into_iter()
            .flat_map(|one: Vec<usize>| {
                (0..=one.len()).map(move |at| {
                    let mut longer = one.clone();
                    longer.insert(at, next);
                    longer
                })
            })
            .collect();
    }
    all
}
