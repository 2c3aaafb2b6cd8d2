//! Properties that hold in every combination of facts.

use super::*;

/// Every combination of facts about an open or closed request.
fn worlds() -> Vec<(BookingRequest, Surroundings)> {
    let links = [
        None,
        Some((BookingStatus::Confirmed, same_dates())),
        Some((BookingStatus::CheckedOut, other_dates())),
        Some((BookingStatus::Cancelled, same_dates())),
        Some((BookingStatus::Confirmed, stay("2027-01-01", "2027-01-03"))),
    ];
    let rival_sets: [Vec<Rival>; 5] = [
        vec![],
        vec![rival(9, Some(GUEST), BookingStatus::Confirmed, other_dates())],
        vec![rival(9, Some(STRANGER), BookingStatus::Confirmed, other_dates())],
        vec![
            rival(9, Some(GUEST), BookingStatus::Confirmed, other_dates()),
            rival(10, None, BookingStatus::Pending, stay("2026-07-05", "2026-07-06")),
        ],
        vec![rival(9, Some(GUEST), BookingStatus::Requested, other_dates())],
    ];
    let mut worlds = Vec::new();
    for status in Status::ALL {
        for link in links {
            for rivals in &rival_sets {
                for bits in 0..32_u8 {
                    let bit = |n: u8| bits & (1 << n) != 0;
                    let mut request = request(status);
                    request.confirmed_at = bit(0).then_some(Timestamp::UNIX_EPOCH);
                    request.held_booking = bit(4).then_some(BookingId(Uuid::from_u128(66)));
                    let linked = link.map(|(status, stay)| rival(8, Some(GUEST), status, stay));
                    request.approved_booking = linked.as_ref().map(|linked| linked.booking);
                    let mut rivals = rivals.clone();
                    let related = bit(2).then(|| {
                        rivals = vec![rival(12, Some(GUEST), BookingStatus::Confirmed, same_dates())];
                        rivals[0].booking
                    });
                    let stray =
                        StrayRange { id: RangeId(Uuid::from_u128(5)), block: true, stay: other_dates() };
                    let around = Surroundings {
                        linked,
                        hold_stands: bit(4),
                        own_range: bit(1),
                        related,
                        rivals,
                        strays: if bit(3) { vec![stray] } else { vec![] },
                        healed_as: None,
                    };
                    worlds.push((request, around));
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
        Verdict::Refuse(_) | Verdict::Overlap(_) | Verdict::LookCloser => None,
        Verdict::Already { booking, .. } => booking,
        Verdict::Book { .. } => {
            let booking = match layout {
                Layout::Standard => NEW_BOOKING,
                Layout::SingleTable => BookingId(request.id.0),
            };
            request.status = Status::Confirmed;
            request.approved_booking = Some(booking);
            request.confirmed_at = Some(Timestamp::UNIX_EPOCH);
            Some(booking)
        }
        Verdict::Link { booking, evidence, soft, .. } => {
            let existing: Vec<&Rival> = around.rivals.iter().chain(&around.linked).collect();
            let fulfilling = existing.into_iter().find(|rival| rival.booking == booking).cloned();
            let fulfilling = fulfilling.expect("linked to a booking that exists");
            assert!(fulfilling.status.is_sold(), "linked to a booking that is not sold");
            assert_eq!(fulfilling.guest, Some(GUEST));
            request.approved_booking = Some(booking);
            request.confirmed_at = Some(Timestamp::UNIX_EPOCH);
            if !soft {
                request.status = Status::Confirmed;
            }
            around.linked = Some(fulfilling);
            around.healed_as = Some(evidence);
            Some(booking)
        }
    }
}

#[test]
fn in_every_world_the_promises_hold() {
    for (request, around) in worlds() {
        for layout in [Layout::Standard, Layout::SingleTable] {
            let verdict = approve(&request, layout, Some(&around));
            let world = format!("{layout:?} {request:?} {around:?} -> {verdict:?}");
            // No terminal state is ever left.
            if !request.status.is_open() {
                assert!(matches!(verdict, Verdict::Refuse(_) | Verdict::Already { .. }), "{world}");
            }
            assert_ne!(verdict, Verdict::LookCloser, "{world}");
            // A conflict with another guest never heals, unless the request's own
            // booking stands elsewhere.
            let strangers = around.rivals.iter().any(|rival| rival.guest != Some(GUEST));
            let stands = around.linked.as_ref().is_some_and(|linked| linked.status.is_sold());
            if request.status.is_open() && strangers && !stands {
                assert!(matches!(verdict, Verdict::Overlap(_)), "{world}");
            }
            // Deciding twice gives the same, and the second time writes nothing.
            let (mut after, mut around_after) = (request.clone(), around.clone());
            let booking = apply(verdict, layout, &mut after, &mut around_after);
            let again = approve(&after, layout, Some(&around_after));
            match verdict {
                Verdict::Refuse(_) | Verdict::Overlap(_) | Verdict::LookCloser | Verdict::Already { .. } => {
                    assert_eq!(again, verdict, "{world}");
                }
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
        Verdict::LookCloser => false,
        Verdict::Book { hold, .. } => {
            let free = around.rivals.is_empty() && around.strays.is_empty() && !around.own_range;
            free && (!hold || around.hold_stands)
        }
        Verdict::Refuse(_) | Verdict::Already { .. } | Verdict::Link { .. } | Verdict::Overlap(_) => true,
    };
    let verdict = if stored { by_the_row } else { approve(request, layout, Some(around)) };
    verdict.answer(request, layout)
}

#[test]
fn an_approve_answers_what_its_explanation_says() {
    let mut granted = 0;
    for (mut request, mut around) in worlds() {
        for hold_stands in [false, true] {
            around.hold_stands = hold_stands && request.held_booking.is_some();
            for guest in [Some(GUEST), None] {
                request.guest = guest;
                for layout in [Layout::Standard, Layout::SingleTable] {
                    let explained = approve(&request, layout, Some(&around)).answer(&request, layout);
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
