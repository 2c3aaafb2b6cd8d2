//! No state without a way out, over all combinations of facts.

use jiff::Timestamp;
use uuid::Uuid;

use super::super::approval::ActiveRange;
use super::super::approval::tests::request as plain;
use super::super::fulfilment::LinkedBooking;
use super::super::ids::{GuestId, RangeId};
use super::super::stay::tests::stay;
use super::super::steps::{self, Step};
use super::*;

const STRANGER: GuestId = GuestId(Uuid::from_u128(4));
const NEW_BOOKING: BookingId = BookingId(Uuid::from_u128(77));

type World = (BookingRequest, Surroundings);

fn rival(id: u128, guest: Option<GuestId>, status: BookingStatus, stay: Stay) -> Rival {
    Rival { booking: BookingId(Uuid::from_u128(id)), guest, status, deleted: false, stay }
}

fn linked(booking: &Rival, request: &BookingRequest) -> LinkedBooking {
    let Rival { booking, guest, status, stay, deleted: _ } = *booking;
    LinkedBooking { booking, guest, property: Some(request.property), status: Some(status), stay: Some(stay) }
}

/// A link to a booking, which is there or not, with whose it is and which nights it has.
type WrittenLink = Option<Option<(Option<GuestId>, BookingStatus, Stay)>>;

/// The links that anybody can write.
fn links(guest: Option<GuestId>, asked: Stay) -> [WrittenLink; 10] {
    let part = stay("2026-07-05", "2026-07-07");
    let elsewhere = stay("2027-01-01", "2027-01-03");
    [
        None,
        Some(None),
        Some(Some((guest, BookingStatus::Confirmed, asked))),
        Some(Some((guest, BookingStatus::CheckedOut, part))),
        Some(Some((guest, BookingStatus::Cancelled, asked))),
        Some(Some((guest, BookingStatus::NoShow, asked))),
        Some(Some((guest, BookingStatus::Pending, asked))),
        Some(Some((guest, BookingStatus::Confirmed, elsewhere))),
        Some(Some((Some(STRANGER), BookingStatus::Confirmed, asked))),
        Some(Some((None, BookingStatus::Confirmed, asked))),
    ]
}

/// What each bit says beside status, link and rivals: mark, range, a booking of the
/// guest for the same nights, a stray range, and whether the guest is in the house by
/// the booking that was made for the request.
fn world(status: Status, link: WrittenLink, mut rivals: Vec<Rival>, bits: u8) -> World {
    let bit = |n: u8| bits & (1 << n) != 0;
    let mut request = plain(status);
    let (guest, asked) = (request.guest, request.stay);
    request.confirmed_at = bit(0).then_some(Timestamp::UNIX_EPOCH);
    request.approved_booking = link.map(|_| BookingId(Uuid::from_u128(8)));
    request.linked =
        link.flatten().map(|(guest, status, stay)| linked(&rival(8, guest, status, stay), &request));
    let related = bit(2).then(|| {
        rivals = vec![rival(12, guest, BookingStatus::Confirmed, asked)];
        rivals[0].booking
    });
    let id = RangeId(Uuid::from_u128(5));
    let stray = ActiveRange { id, block: true, source: None, stay: stay("2026-07-07", "2026-07-12") };
    let around = Surroundings {
        linked: request.linked,
        own_range: bit(1),
        related,
        rivals,
        ranges: if bit(3) { vec![stray] } else { vec![] },
        own: bit(4).then(|| rival(12, guest, BookingStatus::CheckedIn, asked)),
        ..Surroundings::default()
    };
    (request, around)
}

/// Every combination of status, mark, link, rivals, ranges and a booking beside.
fn worlds() -> Vec<World> {
    let BookingRequest { guest, stay: asked, .. } = plain(Status::Requested);
    let part = stay("2026-07-05", "2026-07-07");
    let rest = stay("2026-07-07", "2026-07-12");
    let rival_sets = [
        vec![],
        vec![rival(9, guest, BookingStatus::Confirmed, part)],
        vec![rival(9, Some(STRANGER), BookingStatus::Confirmed, rest)],
        vec![rival(9, Some(STRANGER), BookingStatus::Requested, rest)],
    ];
    let mut worlds = Vec::new();
    for status in Status::ALL {
        for link in links(guest, asked) {
            for rivals in &rival_sets {
                worlds.extend((0..32).map(|bits| world(status, link, rivals.clone(), bits)));
            }
        }
    }
    worlds
}

/// What the statements of the store do with a choice.
fn chosen(choice: Choice, layout: Layout, (request, around): &World) -> World {
    let (mut request, mut around) = (request.clone(), around.clone());
    match choice {
        Choice::ClearMark | Choice::ClearLink | Choice::Reopen => {
            request = waiting(&request);
            around.linked = None;
        }
        Choice::Confirm | Choice::LinkBooking => {
            let new = rival(77, request.guest, BookingStatus::Confirmed, request.stay);
            let (booking, soft) = match booking_for(&request, layout, &around) {
                Verdict::Book { .. } => (linked(&new, &request), false),
                Verdict::Link { booking, soft, .. } => {
                    let rivals = around.rivals.iter().map(|rival| linked(rival, &request));
                    let found = rivals.chain(around.linked).find(|one| one.booking == booking);
                    (found.expect("linked to a booking that exists"), soft)
                }
                other => panic!("{choice:?} is offered and is {other:?}"),
            };
            request.approved_booking = Some(booking.booking);
            request.confirmed_at = Some(Timestamp::UNIX_EPOCH);
            if !soft {
                request.status = Status::Confirmed;
            }
            around.linked = Some(booking);
            around.own_range = false;
        }
        Choice::ReleaseRange => around.own_range = false,
        Choice::Cancel => request.status = Status::Cancelled,
        Choice::RestoreRange | Choice::FitRange | Choice::WriteDefaults => {
            panic!("no request offers {choice:?}")
        }
    }
    request.linked = around.linked;
    (request, around)
}

fn waiting(request: &BookingRequest) -> BookingRequest {
    let status = if request.status.is_open() { request.status } else { Status::UnderReview };
    BookingRequest { status, confirmed_at: None, approved_booking: None, ..request.clone() }
}

fn in_every_world(check: impl Fn(&World, Layout, Option<&Inconsistency>, &str)) {
    for world in worlds() {
        for layout in Layout::ALL {
            let found = of_request(&world.0, layout, &world.1);
            check(&world, layout, found.as_ref(), &format!("{layout:?} {world:?} -> {found:?}"));
        }
    }
}

#[test]
fn every_choice_leads_to_a_state_with_a_way_out() {
    in_every_world(|world, layout, found, said| {
        let Some(found) = found else { return };
        assert!(!found.choices.is_empty(), "{said}");
        let sent_away = steps::cancel_request(&world.0, world.1.own_status(&world.0));
        assert_eq!(found.choices.contains(&Choice::Cancel), sent_away == Step::Go, "{said}");
        for choice in &found.choices {
            let mut now = chosen(*choice, layout, world);
            // What is left needs fewer steps than there are kinds.
            let mut steps = 0;
            while let Some(next) = of_request(&now.0, layout, &now.1) {
                assert_ne!((next.kind, steps), (found.kind, 0), "{choice:?} changed nothing: {said}");
                let away = next.choices[next.choices.len() - 1];
                now = chosen(away, layout, &now);
                steps += 1;
                assert!(steps < 4, "{choice:?} goes round in circles: {said}");
            }
        }
    });
}

#[test]
fn a_booking_is_offered_when_an_approval_would_give_it() {
    let mut offered = 0;
    in_every_world(|world, layout, found, said| {
        let Some(found) = found.filter(|found| found.kind != InconsistencyKind::PartlyCovered) else {
            return;
        };
        let undecided = booking_for(&world.0, layout, &world.1);
        let expected = match undecided {
            Verdict::Book { .. } => Some(Choice::Confirm),
            Verdict::Link { .. } => Some(Choice::LinkBooking),
            _ => None,
        };
        let gives: Vec<Choice> = found
            .choices
            .iter()
            .copied()
            .filter(|choice| matches!(choice, Choice::Confirm | Choice::LinkBooking))
            .collect();
        assert_eq!(gives, expected.into_iter().collect::<Vec<_>>(), "{said}");
        if let Verdict::Link { booking, .. } = undecided {
            assert_eq!(found.booking, Some(booking), "{said}");
        }
    });
    for world in worlds() {
        let found = of_request(&world.0, Layout::Standard, &world.1);
        offered += usize::from(found.is_some_and(|found| found.choices.contains(&Choice::Confirm)));
    }
    assert!(offered > 50, "{offered}");
}

/// Whatever is neither decided for good nor fulfilled can be approved, declined, or is
/// in the list with what leads out of it.
#[test]
fn what_reads_as_confirmed_without_a_booking_is_listed() {
    in_every_world(|(request, around), layout, found, said| {
        let own_row = request.status == Status::Confirmed && layout == Layout::SingleTable;
        if !own_row && request.unfulfilled(around.linked.as_ref()).is_some() {
            assert!(found.is_some(), "{said}");
        }
        if !request.status.is_open() && request.status != Status::Confirmed {
            assert_eq!(found, None, "{said}");
        }
        // Nobody has decided and nothing says otherwise: a decision is the way out.
        if request.effective_status().is_open() && found.is_none() {
            assert_eq!(steps::decline(request, around.linked.as_ref()), Ok(Step::Go), "{said}");
        }
    });
}

#[test]
fn what_cannot_be_shown_is_put_right_by_what_it_is() {
    use Choice::{Cancel, Reopen, WriteDefaults};
    let of = |subject, columns: &[&str]| {
        let columns = columns.iter().map(|&column| column.to_owned()).collect();
        let row = RowId(Uuid::from_u128(1));
        of_unreadable(&UnreadableFacts { row, subject, columns, row_version: 1 }).map(|found| found.choices)
    };
    assert_eq!(of(Subject::Request, &[]), None);
    assert_eq!(of(Subject::Request, &["message", "guest_count"]), Some(vec![WriteDefaults]));
    assert_eq!(of(Subject::Request, &["status"]), Some(vec![Reopen, Cancel]));
    assert_eq!(of(Subject::Request, &["status", "message"]), Some(vec![WriteDefaults, Reopen, Cancel]));
    assert_eq!(of(Subject::Booking, &["status"]), Some(vec![Cancel]));
    assert_eq!(of(Subject::Request, &["check_in"]), Some(vec![Cancel]));
    assert_eq!(of(Subject::Range, &["end_date"]), Some(vec![Choice::ReleaseRange]));
}

/// A booking with which nothing is wrong.
const BOOKING: BookingFacts = BookingFacts {
    id: NEW_BOOKING,
    status: BookingStatus::Confirmed,
    deleted: Deleted::No,
    freed_in_the_way: false,
    has_range: true,
    range_free: true,
    row_version: 3,
};

#[test]
fn a_booking_without_a_range_gets_one_or_ends() {
    use BookingStatus::{Cancelled, CheckedIn, CheckedOut, Confirmed};
    let of = |status, has_range, range_free| {
        let facts = BookingFacts { status, has_range, range_free, ..BOOKING };
        of_booking(&facts).map(|found| found.choices)
    };
    assert_eq!(of(Confirmed, false, true), Some(vec![Choice::RestoreRange, Choice::Cancel]));
    assert_eq!(of(Confirmed, false, false), Some(vec![Choice::Cancel]));
    assert_eq!(of(CheckedIn, false, true), Some(vec![Choice::RestoreRange]));
    assert_eq!(of(CheckedIn, false, false), Some(vec![]));
    for (status, has_range) in [(Confirmed, true), (Cancelled, false), (CheckedOut, false)] {
        assert_eq!(of(status, has_range, true), None, "{status:?}");
    }
}

/// Whatever it was, since no other call knows it; one that is in nobody's way is nothing.
/// What is covered although it is cancelled, no choice frees.
#[test]
fn a_deleted_booking_that_keeps_its_nights_can_be_cancelled() {
    for status in BookingStatus::ALL {
        for (has_range, range_free) in [(true, true), (false, true), (false, false)] {
            let of = |deleted| {
                let facts = BookingFacts { status, deleted, has_range, range_free, ..BOOKING };
                of_booking(&facts).map(|found| (found.kind, found.choices))
            };
            let way_out = if status == BookingStatus::Cancelled { vec![] } else { vec![Choice::Cancel] };
            let found = Some((InconsistencyKind::DeletedInTheWay, way_out));
            assert_eq!(of(Deleted::InTheWay), found, "{status:?}");
            assert_eq!(of(Deleted::Yes), None, "{status:?}");
        }
    }
}

/// No choice changes what the constraint looks at besides the status; a row that was also
/// deleted is shown as deleted.
#[test]
fn a_cancelled_booking_that_keeps_its_nights_is_told() {
    for status in BookingStatus::ALL.into_iter().filter(|status| status.frees_dates()) {
        let of = |deleted| {
            of_booking(&BookingFacts { status, deleted, freed_in_the_way: true, has_range: false, ..BOOKING })
        };
        let found = of(Deleted::No).map(|found| (found.kind, found.choices));
        assert_eq!(found, Some((InconsistencyKind::FreedInTheWay, vec![])), "{status:?}");
        let kind = of(Deleted::InTheWay).map(|found| found.kind);
        assert_eq!(kind, Some(InconsistencyKind::DeletedInTheWay), "{status:?}");
    }
}

#[test]
fn a_range_of_nobody_is_released_and_one_that_lies_elsewhere_fitted() {
    use Choice::{FitRange, ReleaseRange};
    use InconsistencyKind::{RangeMisplaced, RangeWithoutBooking};
    let of = |active, place| {
        let id = RangeId(Uuid::from_u128(5));
        let found = of_range(&RangeFacts { id, source: None, active, place });
        found.map(|found| (found.kind, found.choices))
    };
    let elsewhere = |can_be_fitted| Place::Elsewhere { can_be_fitted };
    assert_eq!(of(true, Place::OfNothing), Some((RangeWithoutBooking, vec![ReleaseRange])));
    assert_eq!(of(true, elsewhere(true)), Some((RangeMisplaced, vec![FitRange, ReleaseRange])));
    assert_eq!(of(true, elsewhere(false)), Some((RangeMisplaced, vec![ReleaseRange])));
    assert_eq!(of(true, Place::BesideRequest), Some((RangeMisplaced, vec![ReleaseRange])));
    assert_eq!(of(true, Place::Right), None);
    assert_eq!(of(false, Place::OfNothing), None);
}

/// A guest who left early had the nights that were left, whoever has them now.
#[test]
fn an_early_departure_is_no_partial_coverage() {
    let mut request = plain(Status::Confirmed);
    let part = stay("2026-07-05", "2026-07-07");
    let left = rival(8, request.guest, BookingStatus::CheckedOut, part);
    request.approved_booking = Some(left.booking);
    request.linked = Some(linked(&left, &request));
    let rest = stay("2026-07-07", "2026-07-12");
    let mut around = Surroundings {
        linked: request.linked,
        rivals: vec![left, rival(9, Some(STRANGER), BookingStatus::Confirmed, rest)],
        own: Some(left),
        ..Surroundings::default()
    };
    let found = of_request(&request, Layout::Standard, &around).unwrap();
    assert_eq!((found.kind, found.choices), (InconsistencyKind::PartlyCovered, vec![Choice::ClearLink]));
    around.booked = Some(request.stay);
    assert_eq!(of_request(&request, Layout::Standard, &around), None);
}

#[test]
fn a_row_whose_nights_cannot_be_named_is_judged_as_unreadable_alone() {
    let mut request = plain(Status::Requested);
    request.confirmed_at = Some(Timestamp::UNIX_EPOCH);
    assert!(of_request(&request, Layout::Standard, &Surroundings::default()).is_some());
    request.stay.check_out = jiff::civil::Date::MAX;
    assert_eq!(of_request(&request, Layout::Standard, &Surroundings::default()), None);
}

/// What somebody has to say of a property or a customer, no choice does.
#[test]
fn a_property_or_customer_gets_what_a_new_one_has_by_itself() {
    use Choice::{Cancel, ReleaseRange, Reopen, WriteDefaults};
    let of = |subject, columns: &[&str]| {
        let columns = columns.iter().map(|column| (*column).to_owned()).collect();
        let row = RowId(Uuid::from_u128(5));
        let found = of_unreadable(&UnreadableFacts { row, subject, columns, row_version: 1 });
        found.map(|found| {
            assert_eq!((found.subject, found.row, found.kind), (subject, row, InconsistencyKind::Unreadable));
            assert_eq!(found.request.is_some(), subject == Subject::Request);
            assert_eq!(found.booking.is_some(), subject == Subject::Booking);
            found.choices
        })
    };
    for subject in [Subject::Property, Subject::Customer] {
        assert_eq!(of(subject, &[]), None);
        assert_eq!(of(subject, &["name"]), Some(vec![]));
        assert_eq!(of(subject, &["name", "created_at"]), Some(vec![WriteDefaults]));
    }
    assert_eq!(of(Subject::Property, &["hold_policy"]), Some(vec![WriteDefaults]));
    assert_eq!(of(Subject::Property, &["time_zone", "max_guests", "min_nights"]), Some(vec![]));
    assert_eq!(of(Subject::Customer, &["email", "phone", "source", "notes"]), Some(vec![WriteDefaults]));
    assert_eq!(of(Subject::Request, &["status", "message"]), Some(vec![WriteDefaults, Reopen, Cancel]));
    assert_eq!(of(Subject::Booking, &["status"]), Some(vec![Cancel]));
    assert_eq!(of(Subject::Range, &["end_date"]), Some(vec![ReleaseRange]));
}

#[test]
fn a_property_that_was_put_right_is_as_it_was_to_become() {
    let unreadable = |columns: &[&str]| UnreadableFacts {
        row: RowId(Uuid::from_u128(5)),
        subject: Subject::Property,
        columns: columns.iter().map(|column| (*column).to_owned()).collect(),
        row_version: 1,
    };
    let facts = |unreadable| RowFacts {
        request: None,
        booking: None,
        range: None,
        unreadable,
        shown: Some(Version::of(&7)),
    };
    let right = facts(None);
    assert!(!right.is_nothing() && right.is_as_chosen(Choice::WriteDefaults, Layout::Standard));
    assert_eq!((right.version(), right.wrong(Layout::Standard)), (Version::of(&7), vec![]));
    let wrong = facts(Some(unreadable(&["hold_hours"])));
    assert!(!wrong.is_as_chosen(Choice::WriteDefaults, Layout::Standard));
    assert_eq!(wrong.version(), wrong.wrong(Layout::Standard)[0].version);
}
