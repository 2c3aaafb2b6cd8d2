//! Properties that hold in every combination of facts.

use super::super::super::inconsistency::Choice;
use super::super::super::judgement;
use super::super::super::steps::{self, Step};
use super::*;

/// Which of the links that anybody can write.
fn links() -> Vec<Option<(BookingId, Option<LinkedBooking>)>> {
    let own = |status, stay| linked(GUEST, status, stay);
    let sold = own(BookingStatus::Confirmed, same_dates());
    let bookings = [
        Some(sold),
        Some(own(BookingStatus::CheckedOut, other_dates())),
        Some(own(BookingStatus::Cancelled, same_dates())),
        Some(own(BookingStatus::NoShow, same_dates())),
        Some(own(BookingStatus::Pending, same_dates())),
        Some(own(BookingStatus::Confirmed, stay("2027-01-01", "2027-01-03"))),
        Some(linked(STRANGER, BookingStatus::Confirmed, same_dates())),
        Some(LinkedBooking { property: None, ..sold }),
        None,
    ];
    let links = bookings.map(|linked| Some((BookingId(Uuid::from_u128(8)), linked)));
    [None].into_iter().chain(links).collect()
}

fn rival_sets() -> [Vec<Rival>; 5] {
    let sold = |guest| rival(9, guest, BookingStatus::Confirmed, other_dates());
    [
        vec![],
        vec![sold(Some(GUEST))],
        vec![sold(Some(STRANGER))],
        vec![sold(Some(GUEST)), rival(10, None, BookingStatus::Pending, stay("2026-07-05", "2026-07-06"))],
        vec![rival(9, Some(GUEST), BookingStatus::Requested, other_dates())],
    ]
}

/// Active ranges with nights of the stay, and what keeps a booking from its own.
fn range_sets() -> [(Vec<ActiveRange>, Vec<Obstacle>); 5] {
    let of = |id: u128| ActiveRange { block: false, source: Some(BookingId(Uuid::from_u128(id))), ..block() };
    let obstacle = |id: u128| Obstacle { booking: BookingId(Uuid::from_u128(id)), range: block() };
    [
        (vec![], vec![]),
        (vec![block()], vec![]),
        // What the linked booking has, or has left behind.
        (vec![of(8)], vec![]),
        (vec![of(9), of(12)], vec![]),
        (vec![], vec![obstacle(8), obstacle(9), obstacle(12)]),
    ]
}

/// Every combination of facts about an open or closed request.
fn worlds() -> Vec<(BookingRequest, Surroundings)> {
    let mut worlds = Vec::new();
    for status in Status::ALL {
        for link in links() {
            for rivals in &rival_sets() {
                for (ranges, obstacles) in &range_sets() {
                    for bits in 0..32_u8 {
                        let bit = |n: u8| bits & (1 << n) != 0;
                        let mut request = request(status);
                        request.confirmed_at = bit(0).then_some(Timestamp::UNIX_EPOCH);
                        request.held_booking = bit(3).then_some(BookingId(Uuid::from_u128(66)));
                        request.approved_booking = link.map(|(booking, _)| booking);
                        request.linked = link.and_then(|(_, linked)| linked);
                        let mut rivals = rivals.clone();
                        let related = bit(2).then(|| {
                            rivals = vec![rival(12, Some(GUEST), BookingStatus::Confirmed, same_dates())];
                            rivals[0].booking
                        });
                        let around = Surroundings {
                            linked: request.linked,
                            hold_stands: bit(3),
                            own_range: bit(1),
                            related,
                            rivals,
                            ranges: ranges.clone(),
                            obstacles: obstacles.clone(),
                            healed_as: bit(4).then_some(Evidence::FulfilledByOverlapSameGuest),
                            ..Surroundings::default()
                        };
                        worlds.push((request, around));
                    }
                }
            }
        }
    }
    worlds
}

/// What the statements of the store do with a verdict.
fn apply(
    verdict: Verdict,
    layout: Layout,
    request: &mut BookingRequest,
    around: &mut Surroundings,
) -> Option<BookingId> {
    match verdict {
        Verdict::Refuse(_) | Verdict::Overlap(..) | Verdict::Inconsistent(_) | Verdict::NeedsSurroundings => {
            None
        }
        Verdict::Already { booking, .. } => booking,
        Verdict::Book { hold, .. } => {
            let booking = match layout {
                Layout::Standard => request.held_booking.filter(|_| hold).unwrap_or(NEW_BOOKING),
                Layout::SingleTable => BookingId(request.id.0),
            };
            request.status = Status::Confirmed;
            request.approved_booking = Some(booking);
            request.confirmed_at = Some(Timestamp::UNIX_EPOCH);
            around.linked =
                Some(LinkedBooking { booking, ..linked(GUEST, BookingStatus::Confirmed, request.stay) });
            Some(booking)
        }
        Verdict::Link { booking, evidence, soft, nights } => {
            let rival = around.rivals.iter().find(|rival| rival.booking == booking);
            let fulfilling = rival.map(|rival| LinkedBooking {
                booking,
                guest: rival.guest,
                property: Some(HOUSE),
                status: Some(rival.status),
                stay: Some(rival.stay),
            });
            let fulfilling = fulfilling.or(around.linked.filter(|linked| linked.booking == booking));
            request.approved_booking = Some(booking);
            request.confirmed_at = Some(Timestamp::UNIX_EPOCH);
            assert_eq!(request.follow(fulfilling.as_ref()), Ok(nights), "linked to what does not fit");
            assert!(!around.obstructed(booking), "linked to what cannot have its range");
            if !soft {
                request.status = Status::Confirmed;
            }
            around.linked = fulfilling;
            around.healed_as = Some(evidence);
            Some(booking)
        }
    }
}

#[test]
fn in_every_world_the_promises_hold() {
    for (request, around) in worlds() {
        for layout in Layout::ALL {
            let verdict = approve(&request, layout, Some(&around));
            let world = format!("{layout:?} {request:?} {around:?} -> {verdict:?}");
            is_allowed(verdict, &request, &around, &world);
            // Deciding twice gives the same, and the second time writes nothing.
            let (mut after, mut around_after) = (request.clone(), around.clone());
            let booking = apply(verdict, layout, &mut after, &mut around_after);
            let again = approve(&after, layout, Some(&around_after));
            is_the_same(again, verdict, booking, &after, &world);
            // What the approve says to be covered is what readers say afterwards.
            if let Ok(approved) = verdict.answer(&request, layout, &[]) {
                after.linked = around_after.linked;
                let read = after.fulfilment().unwrap();
                let said = approved.fulfilment;
                assert_eq!((said.asked, said.nights), (read.asked, read.nights), "{world}");
                let covering = said.booking.or(booking).filter(|_| said.nights.is_some());
                assert_eq!(covering, read.booking, "{world}");
            }
        }
    }
}

fn is_allowed(verdict: Verdict, request: &BookingRequest, around: &Surroundings, world: &str) {
    // No terminal state is ever left.
    if !request.status.is_open() {
        let kept = matches!(verdict, Verdict::Refuse(_) | Verdict::Already { .. } | Verdict::Inconsistent(_));
        assert!(kept, "{world}");
    }
    assert_ne!(verdict, Verdict::NeedsSurroundings, "{world}");
    // A conflict with another guest never heals, unless the request's own
    // booking stands elsewhere.
    let strangers = around.rivals.iter().any(|rival| rival.guest != Some(GUEST));
    let stands = request.follow(around.linked.as_ref()).is_ok();
    if request.status.is_open() && strangers && !stands {
        assert!(matches!(verdict, Verdict::Overlap(..)), "{world}");
    }
    // Nothing is booked that the database would refuse.
    if let Verdict::Book { .. } = verdict {
        assert!(around.rivals.is_empty() && around.strays(request).next().is_none(), "{world}");
    }
}

/// `again` is what is decided after `verdict` has given the request its booking.
fn is_the_same(
    again: Verdict,
    verdict: Verdict,
    booking: Option<BookingId>,
    after: &BookingRequest,
    world: &str,
) {
    match verdict {
        Verdict::Refuse(_)
        | Verdict::Overlap(..)
        | Verdict::Inconsistent(_)
        | Verdict::NeedsSurroundings
        | Verdict::Already { .. } => assert_eq!(again, verdict, "{world}"),
        Verdict::Book { .. } | Verdict::Link { .. } => {
            let Verdict::Already { booking: found, evidence, .. } = again else {
                panic!("{world} then {again:?}")
            };
            assert_eq!(after.effective_status(), Status::Confirmed, "{world}");
            if let Verdict::Link { soft: false, .. } | Verdict::Book { .. } = verdict {
                assert_eq!(evidence, Evidence::AlreadyConfirmed, "{world}");
            } else if let Verdict::Link { evidence: first, .. } = verdict {
                assert_eq!((found, evidence), (booking, first), "{world}");
            }
        }
    }
}

/// What the calls of an approve answer, one transaction after the other, when the
/// database refuses what its constraints and the conditions of its statements forbid.
fn approve_as_calls_do(
    request: &BookingRequest,
    layout: Layout,
    around: &Surroundings,
) -> Result<Approved, Denied> {
    let by_the_row = approve(request, layout, None);
    let stored = match by_the_row {
        Verdict::NeedsSurroundings => false,
        Verdict::Book { hold, .. } => {
            let free =
                around.rivals.is_empty() && around.strays(request).next().is_none() && !around.own_range;
            free && (!hold || around.hold_stands)
        }
        Verdict::Refuse(_)
        | Verdict::Already { .. }
        | Verdict::Link { .. }
        | Verdict::Overlap(..)
        | Verdict::Inconsistent(_) => true,
    };
    let verdict = if stored { by_the_row } else { approve(request, layout, Some(around)) };
    verdict.answer(request, layout, &[])
}

#[test]
fn an_approve_answers_what_its_explanation_says() {
    let mut granted = 0;
    for (mut request, mut around) in worlds() {
        for hold_stands in [false, true] {
            around.hold_stands = hold_stands && request.held_booking.is_some();
            for guest in [Some(GUEST), None] {
                request.guest = guest;
                for layout in Layout::ALL {
                    let explained = approve(&request, layout, Some(&around)).answer(&request, layout, &[]);
                    let world = format!("{layout:?} {request:?} {around:?}");
                    assert_eq!(approve_as_calls_do(&request, layout, &around), explained, "{world}");
                    assert_ne!(explained, Err(Denied::Undecided), "{world}");
                    granted += usize::from(explained.is_ok());
                }
            }
        }
    }
    assert!(granted > 1000, "{granted}");
}

/// Of a request that is not over. That the choices which clear what contradicts it
/// lead on is shown by what it is afterwards.
#[test]
fn no_state_is_without_a_way_out() {
    let (mut by_clearing, mut by_choosing) = (0, 0);
    for (request, around) in worlds() {
        if matches!(request.status, Status::Declined | Status::Cancelled | Status::Expired) {
            continue;
        }
        for layout in Layout::ALL {
            let world = format!("{layout:?} {request:?} {around:?}");
            let approve = |request: &BookingRequest, around: &Surroundings| {
                approve(request, layout, Some(around)).answer(request, layout, &[])
            };
            let cancel = steps::cancel_request(&request, None);
            assert_eq!(cancel, Step::Go, "{world}");
            if approve(&request, &around).is_ok() {
                continue;
            }
            if steps::decline(&request, around.linked.as_ref()) == Ok(Step::Go) {
                continue;
            }
            match request.unfulfilled(around.linked.as_ref()) {
                // What is cleared leaves a request that waits for a decision.
                Some(why) if request.status.is_open() => {
                    let choices = judgement::choices(&request, layout, &around);
                    let clear = match why {
                        Unfulfilled::Mark => Choice::ClearMark,
                        Unfulfilled::Link(_) => Choice::ClearLink,
                    };
                    assert!(choices.contains(&clear), "{world}: {choices:?}");
                    let mut cleared = request.clone();
                    (cleared.confirmed_at, cleared.approved_booking, cleared.linked) = (None, None, None);
                    assert_eq!(steps::decline(&cleared, None), Ok(Step::Go), "{world}");
                    by_clearing += 1;
                }
                // Its booking is gone: it is cancelled, or put right by people who know.
                // A row of the single table is its own booking.
                Some(_) => {
                    let choices = judgement::choices(&request, layout, &around);
                    assert!(layout == Layout::SingleTable || !choices.is_empty(), "{world}");
                    by_choosing += 1;
                }
                // It is fulfilled by a booking that cannot have its range: the guest
                // has the nights, and what is in the way is named.
                None => {
                    let Err(Denied::Overlap(ConflictKind::Inventory, None)) = approve(&request, &around)
                    else {
                        panic!("{world}")
                    };
                    assert!(!around.conflicts(&request).is_empty(), "{world}");
                }
            }
        }
    }
    assert!(by_clearing > 100 && by_choosing > 100, "{by_clearing} {by_choosing}");
}
