//! What is decided of each status and by each evidence, row by row.

use jiff::Timestamp;
use uuid::Uuid;

use super::super::actor::Acting;
use super::super::booking::BookingStatus;
use super::super::ids::{GuestId, PropertyId, RangeId};
use super::super::stay::tests::stay;
use super::*;

const GUEST: GuestId = GuestId(Uuid::from_u128(3));
const HOUSE: PropertyId = PropertyId(Uuid::from_u128(2));
const STRANGER: GuestId = GuestId(Uuid::from_u128(4));
const NEW_BOOKING: BookingId = BookingId(Uuid::from_u128(77));

pub fn request(status: Status) -> BookingRequest {
    BookingRequest {
        id: BookingRequestId(Uuid::from_u128(1)),
        property: HOUSE,
        guest: Some(GUEST),
        stay: stay("2026-07-05", "2026-07-10"),
        status,
        unknown_status: None,
        guest_count: 1,
        message: String::new(),
        internal_note: String::new(),
        decline_reason: None,
        decline_code: None,
        decline_message: None,
        approved_booking: None,
        linked: None,
        held_booking: None,
        hold_expires_at: None,
        confirmed_at: None,
        decided: Acting::default(),
        row_version: 1,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
    }
}

fn rival(id: u128, guest: Option<GuestId>, status: BookingStatus, stay: Stay) -> Rival {
    Rival { booking: BookingId(Uuid::from_u128(id)), guest, status, deleted: false, stay }
}

fn linked(guest: GuestId, status: BookingStatus, stay: Stay) -> LinkedBooking {
    LinkedBooking {
        booking: BookingId(Uuid::from_u128(8)),
        guest: Some(guest),
        property: Some(HOUSE),
        status: Some(status),
        stay: Some(stay),
    }
}

fn block() -> ActiveRange {
    ActiveRange { id: RangeId(Uuid::from_u128(5)), block: true, source: None, stay: other_dates() }
}

fn same_dates() -> Stay {
    request(Status::Requested).stay
}

fn other_dates() -> Stay {
    stay("2026-07-08", "2026-07-14")
}

#[test]
fn every_closed_status_decides_as_the_table_says() {
    for layout in Layout::ALL {
        for (status, expected) in [
            (Status::Declined, Verdict::Refuse(Closed::AlreadyDeclined)),
            (Status::Cancelled, Verdict::Refuse(Closed::Cancelled)),
            (Status::Expired, Verdict::Refuse(Closed::Expired)),
        ] {
            // A link and a date left from an earlier life do not resurrect it.
            let mut left = request(status);
            left.confirmed_at = Some(Timestamp::UNIX_EPOCH);
            left.approved_booking = Some(BookingId(Uuid::from_u128(8)));
            let around = Surroundings {
                linked: Some(linked(GUEST, BookingStatus::Confirmed, same_dates())),
                own_range: true,
                ..Surroundings::default()
            };
            for around in [None, Some(&around)] {
                assert_eq!(approve(&request(status), layout, around), expected);
                assert_eq!(approve(&left, layout, around), expected);
            }
            assert_eq!(left.effective_status(), status);
        }
    }
}

/// One row of the table of evidence: what is found, and what comes of it in the
/// standard and in the single-table layout.
struct Row {
    name: &'static str,
    confirmed_at: bool,
    around: Surroundings,
    standard: Verdict,
    single_table: Verdict,
}

impl Row {
    /// The same in both layouts.
    fn new(name: &'static str, confirmed_at: bool, around: Surroundings, verdict: Verdict) -> Self {
        Self { name, confirmed_at, around, standard: verdict, single_table: verdict }
    }

    /// Linked with the stored status, and without it in the single table.
    fn linked(name: &'static str, around: Surroundings, id: u128, evidence: Evidence) -> Self {
        let link = |soft| link(id, evidence, same_dates(), soft);
        Self { name, confirmed_at: false, around, standard: link(false), single_table: link(true) }
    }
}

fn link(id: u128, evidence: Evidence, nights: Stay, soft: bool) -> Verdict {
    Verdict::Link { booking: BookingId(Uuid::from_u128(id)), evidence, nights, soft }
}

fn rivals(rivals: &[Rival]) -> Surroundings {
    Surroundings { rivals: rivals.to_vec(), ..Surroundings::default() }
}

fn decide_as_they_say(rows: Vec<Row>) {
    for Row { name, confirmed_at, around, standard, single_table } in rows {
        for status in [Status::Requested, Status::UnderReview] {
            let mut request = request(status);
            request.confirmed_at = confirmed_at.then_some(Timestamp::UNIX_EPOCH);
            request.approved_booking = around.linked.map(|linked| linked.booking);
            assert_eq!(approve(&request, Layout::Standard, Some(&around)), standard, "{name}");
            assert_eq!(approve(&request, Layout::SingleTable, Some(&around)), single_table, "{name}");
        }
    }
}

#[test]
fn every_evidence_decides_as_the_table_says() {
    let sold = |id, guest, stay| rival(id, Some(guest), BookingStatus::Confirmed, stay);
    let book = |evidence| Verdict::Book { evidence, hold: false };
    let related = Surroundings {
        related: Some(BookingId(Uuid::from_u128(9))),
        ..rivals(&[sold(9, GUEST, same_dates())])
    };
    let own_linked = |status| Surroundings {
        linked: Some(linked(GUEST, status, same_dates())),
        ..Surroundings::default()
    };
    let own_range = Surroundings { own_range: true, ..Surroundings::default() };
    decide_as_they_say(vec![
        Row::new("nothing found", false, Surroundings::default(), book(None)),
        Row::new("confirmed_at_set", true, Surroundings::default(), book(Some(Evidence::ConfirmedAtSet))),
        Row::linked(
            "approved_booking_confirmed",
            own_linked(BookingStatus::Confirmed),
            8,
            Evidence::ApprovedBookingConfirmed,
        ),
        Row::new("linked, cancelled", true, own_linked(BookingStatus::Cancelled), book(None)),
        Row::new("inventory_active", false, own_range, book(Some(Evidence::InventoryActive))),
        Row::linked("related_booking_confirmed", related, 9, Evidence::RelatedBookingConfirmed),
        Row::new(
            "fulfilled_by_overlap_same_guest",
            false,
            rivals(&[sold(9, GUEST, other_dates())]),
            link(9, Evidence::FulfilledByOverlapSameGuest, other_dates(), true),
        ),
    ]);
}

#[test]
fn every_conflict_decides_as_the_table_says() {
    let sold = |id, guest, stay| rival(id, Some(guest), BookingStatus::Confirmed, stay);
    let overlap = |kind| Verdict::Overlap(kind, None);
    let beside_a_block = Surroundings { ranges: vec![block()], ..rivals(&[sold(9, GUEST, other_dates())]) };
    let obstacle = Obstacle { booking: BookingId(Uuid::from_u128(9)), range: block() };
    let obstructed = Surroundings { obstacles: vec![obstacle], ..rivals(&[sold(9, GUEST, other_dates())]) };
    let left_behind = ActiveRange { block: false, source: Some(BookingId(Uuid::from_u128(8))), ..block() };
    let linked_left = Surroundings {
        linked: Some(linked(GUEST, BookingStatus::Cancelled, same_dates())),
        ranges: vec![left_behind],
        ..Surroundings::default()
    };
    decide_as_they_say(vec![
        Row::new(
            "one of two rivals is a stranger's",
            false,
            rivals(&[sold(9, GUEST, other_dates()), sold(10, STRANGER, stay("2026-07-05", "2026-07-06"))]),
            overlap(ConflictKind::Booking),
        ),
        Row::new(
            "a rival of nobody known, beside a mark",
            true,
            rivals(&[rival(9, None, BookingStatus::Confirmed, other_dates())]),
            Verdict::Overlap(ConflictKind::Booking, Some(Unfulfilled::Mark)),
        ),
        Row::new(
            "the same guest's hold, and nothing sold",
            false,
            rivals(&[rival(9, Some(GUEST), BookingStatus::Requested, other_dates())]),
            overlap(ConflictKind::Hold),
        ),
        Row::new(
            "a block beside the guest's own booking",
            false,
            beside_a_block,
            overlap(ConflictKind::Block),
        ),
        Row::new(
            "the guest's booking cannot have its range",
            false,
            obstructed,
            overlap(ConflictKind::Inventory),
        ),
        Row::new(
            "the linked booking is cancelled and has left its range",
            true,
            linked_left,
            Verdict::Overlap(ConflictKind::Inventory, Some(Unfulfilled::Link(Unfit::Cancelled))),
        ),
    ]);
}

#[test]
fn a_link_to_what_is_not_the_requests_is_not_followed() {
    let sold = linked(GUEST, BookingStatus::Confirmed, same_dates());
    let elsewhere = PropertyId(Uuid::from_u128(99));
    let another_year = stay("2027-07-05", "2027-07-10");
    for (unfit, linked) in [
        (Unfit::OtherGuest, linked(STRANGER, BookingStatus::Confirmed, same_dates())),
        (Unfit::OtherProperty, LinkedBooking { property: Some(elsewhere), ..sold }),
        (Unfit::OtherNights, LinkedBooking { stay: Some(another_year), ..sold }),
    ] {
        let around = Surroundings { linked: Some(linked), ..Surroundings::default() };
        decide_as_they_say(vec![
            Row::new("unmarked", false, around.clone(), Verdict::Book { evidence: None, hold: false }),
            Row::new(
                "marked",
                true,
                around.clone(),
                Verdict::Book { evidence: Some(Evidence::ConfirmedAtSet), hold: false },
            ),
        ]);
        // The mark came with the booking, which somebody has moved since.
        let healed_as = Some(Evidence::FulfilledByOverlapSameGuest);
        let moved = Surroundings { healed_as, ..around.clone() };
        let book = Verdict::Book { evidence: None, hold: false };
        decide_as_they_say(vec![
            Row::new("healed and moved", true, moved.clone(), book),
            Row::new(
                "healed, moved and ranged",
                true,
                Surroundings { own_range: true, ..moved },
                Verdict::Book { evidence: Some(Evidence::InventoryActive), hold: false },
            ),
        ]);
        let mut confirmed = request(Status::Confirmed);
        confirmed.approved_booking = Some(linked.booking);
        let verdict = approve(&confirmed, Layout::Standard, Some(&around));
        assert_eq!(verdict, Verdict::Inconsistent(unfit));
    }
}

#[test]
fn already_confirmed_is_what_has_its_booking() {
    for layout in Layout::ALL {
        let mut confirmed = request(Status::Confirmed);
        confirmed.approved_booking = Some(BookingId(Uuid::from_u128(8)));
        for (status, nights, expected) in [
            (BookingStatus::Confirmed, same_dates(), Ok(Some(same_dates()))),
            (BookingStatus::CheckedIn, other_dates(), Ok(Some(other_dates()))),
            (BookingStatus::CheckedOut, same_dates(), Ok(Some(same_dates()))),
            (BookingStatus::NoShow, same_dates(), Ok(None)),
            (BookingStatus::Cancelled, same_dates(), Err(Unfit::Cancelled)),
            (BookingStatus::Declined, same_dates(), Err(Unfit::Cancelled)),
            (BookingStatus::Requested, same_dates(), Err(Unfit::NotSold)),
        ] {
            confirmed.linked = Some(linked(GUEST, status, nights));
            let around = Surroundings { linked: confirmed.linked, ..Surroundings::default() };
            let sure = approve(&confirmed, layout, Some(&around));
            let by_the_row = approve(&confirmed, layout, None);
            match expected {
                Ok(nights) => {
                    let booking = confirmed.approved_booking;
                    let evidence = Evidence::AlreadyConfirmed;
                    assert_eq!(sure, Verdict::Already { booking, evidence, nights }, "{status:?}");
                }
                Err(unfit) => assert_eq!(sure, Verdict::Inconsistent(unfit), "{status:?}"),
            }
            // What the row was read with may be older than the row, whatever it says.
            assert_eq!(by_the_row, Verdict::NeedsSurroundings);
        }
        let lost = approve(&confirmed, layout, Some(&Surroundings::default()));
        assert_eq!(lost, Verdict::Inconsistent(Unfit::Lost));
        // A booking that was read before the request was linked to another one.
        confirmed.approved_booking = Some(NEW_BOOKING);
        assert_eq!(approve(&confirmed, layout, None), Verdict::NeedsSurroundings);
    }
}

#[test]
fn the_booking_of_an_approved_request_is_not_in_its_way() {
    let mut confirmed = request(Status::Confirmed);
    confirmed.approved_booking = Some(BookingId(Uuid::from_u128(8)));
    let own = rival(8, Some(GUEST), BookingStatus::Confirmed, same_dates());
    let its_range = ActiveRange { block: false, source: Some(own.booking), ..block() };
    let mut around = Surroundings {
        linked: Some(linked(GUEST, BookingStatus::Confirmed, same_dates())),
        ranges: vec![its_range],
        ..rivals(&[own])
    };
    assert_eq!(around.conflicts(&confirmed), []);
    around.ranges.push(block());
    assert_eq!(around.conflicts(&confirmed), [Conflict::Range(block())]);
    // Cancelled, its range is in the way.
    around.linked = Some(linked(GUEST, BookingStatus::Cancelled, same_dates()));
    around.rivals.clear();
    assert_eq!(around.conflicts(&confirmed), [Conflict::Range(its_range), Conflict::Range(block())]);
}

#[test]
fn the_row_alone_decides_plain_requests_of_the_standard_layout_only() {
    let mut plain = request(Status::Requested);
    let book = |hold| Verdict::Book { evidence: None, hold };
    assert_eq!(approve(&plain, Layout::Standard, None), book(false));
    assert_eq!(approve(&plain, Layout::SingleTable, None), Verdict::NeedsSurroundings);
    plain.held_booking = Some(NEW_BOOKING);
    assert_eq!(approve(&plain, Layout::Standard, None), book(true));
    plain.confirmed_at = Some(Timestamp::UNIX_EPOCH);
    assert_eq!(approve(&plain, Layout::Standard, None), Verdict::NeedsSurroundings);
    let mut linked = request(Status::UnderReview);
    linked.approved_booking = Some(NEW_BOOKING);
    assert_eq!(approve(&linked, Layout::Standard, None), Verdict::NeedsSurroundings);
}

#[test]
fn of_the_guests_bookings_the_one_that_covers_most_fulfils() {
    let sold = |id, from: &str, to: &str| rival(id, Some(GUEST), BookingStatus::CheckedIn, stay(from, to));
    let around = Surroundings {
        rivals: vec![
            sold(11, "2026-07-01", "2026-07-06"),
            sold(12, "2026-07-06", "2026-07-09"),
            sold(13, "2026-07-09", "2026-07-12"),
        ],
        ..Surroundings::default()
    };
    let verdict = approve(&request(Status::Requested), Layout::Standard, Some(&around));
    let nights = stay("2026-07-06", "2026-07-09");
    assert_eq!(verdict, link(12, Evidence::FulfilledByOverlapSameGuest, nights, true));
}

/// Rules keep nights from being sold, not from being recognised as sold before.
#[test]
fn broken_rules_refuse_what_sells_and_nothing_else() {
    let broken = [Broken::MinNights(7)];
    let mut plain = request(Status::Requested);
    let nothing = Surroundings::default();
    for layout in [Layout::Standard, Layout::SingleTable] {
        let verdict = approve(&plain, layout, Some(&nothing));
        assert_eq!(verdict.answer(&plain, layout, &broken), Err(Denied::Rules(broken.to_vec())));
        assert!(verdict.answer(&plain, layout, &[]).is_ok());
    }
    plain.confirmed_at = Some(Timestamp::UNIX_EPOCH);
    let limit = Broken::MostNights(366);
    for layout in [Layout::Standard, Layout::SingleTable] {
        let verdict = approve(&plain, layout, Some(&nothing));
        let healed = verdict.answer(&plain, layout, &broken);
        assert_eq!(healed.map(|healed| healed.outcome), Ok(Outcome::Healed));
        // What the database does not store is not healed either.
        let refused = verdict.answer(&plain, layout, &[broken[0], limit]);
        assert_eq!(refused, Err(Denied::Rules(vec![limit])));
    }
}

/// A booking that is not sold and keeps its nights is named apart from what is sold.
#[test]
fn a_booking_in_the_way_that_does_not_stand_is_named_after_what_does() {
    let nights = stay("2026-07-06", "2026-07-09");
    let deleted = Rival { deleted: true, ..rival(11, None, BookingStatus::Confirmed, nights) };
    let kind = |rivals: Vec<Rival>| {
        let around = Surroundings { rivals, ..Surroundings::default() };
        match approve(&request(Status::Requested), Layout::SingleTable, Some(&around)) {
            Verdict::Overlap(kind, None) => kind,
            other => panic!("{other:?}"),
        }
    };
    let other = |status| rival(12, Some(STRANGER), status, nights);
    assert_eq!(kind(vec![deleted]), ConflictKind::Deleted);
    assert_eq!(kind(vec![deleted, other(BookingStatus::Confirmed)]), ConflictKind::Booking);
    assert_eq!(kind(vec![deleted, other(BookingStatus::Requested)]), ConflictKind::Hold);
    let own = rival(13, request(Status::Requested).guest, BookingStatus::Cancelled, nights);
    for freed in [other(BookingStatus::Cancelled), own] {
        assert_eq!(kind(vec![freed]), ConflictKind::Freed);
        assert_eq!(kind(vec![freed, deleted]), ConflictKind::Deleted);
        assert_eq!(kind(vec![freed, other(BookingStatus::Requested)]), ConflictKind::Hold);
    }
}

mod worlds;
