//! The tables of the design row by row.

use jiff::Timestamp;
use uuid::Uuid;

use super::super::actor::Acting;
use super::super::ids::PropertyId;
use super::super::stay::tests::stay;
use super::*;

const GUEST: GuestId = GuestId(Uuid::from_u128(3));
const STRANGER: GuestId = GuestId(Uuid::from_u128(4));
const NEW_BOOKING: BookingId = BookingId(Uuid::from_u128(77));

pub fn request(status: Status) -> BookingRequest {
    BookingRequest {
        id: BookingRequestId(Uuid::from_u128(1)),
        property: PropertyId(Uuid::from_u128(2)),
        guest: Some(GUEST),
        stay: stay("2026-07-05", "2026-07-10"),
        status,
        guest_count: 1,
        message: String::new(),
        internal_note: String::new(),
        decline_reason: None,
        approved_booking: None,
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
    Rival { booking: BookingId(Uuid::from_u128(id)), guest, status, stay }
}

fn same_dates() -> Stay {
    request(Status::Requested).stay
}

fn other_dates() -> Stay {
    stay("2026-07-08", "2026-07-14")
}

#[test]
fn every_closed_status_decides_as_the_table_says() {
    for layout in [Layout::Standard, Layout::SingleTable] {
        for (status, expected) in [
            (Status::Declined, Verdict::Refuse(Closed::AlreadyDeclined)),
            (Status::Cancelled, Verdict::Refuse(Closed::Cancelled)),
            (Status::Expired, Verdict::Refuse(Closed::Expired)),
        ] {
            // A link and a date left from an earlier life do not resurrect it.
            let mut left = request(status);
            left.confirmed_at = Some(Timestamp::UNIX_EPOCH);
            left.approved_booking = Some(NEW_BOOKING);
            let around = Surroundings {
                linked: Some(rival(77, Some(GUEST), BookingStatus::Confirmed, same_dates())),
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
    linked: Option<Rival>,
    around: Surroundings,
    standard: Verdict,
    single_table: Verdict,
}

// A table is read as a whole.
#[allow(clippy::too_many_lines)]
#[test]
fn every_evidence_decides_as_the_table_says() {
    let sold = |id, guest, stay| rival(id, Some(guest), BookingStatus::Confirmed, stay);
    let link = |id: u128, evidence, coverage, soft| Verdict::Link {
        booking: BookingId(Uuid::from_u128(id)),
        evidence,
        coverage,
        soft,
    };
    let book = |evidence| Verdict::Book { evidence, hold: false };
    let overlap = link(9, Evidence::FulfilledByOverlapSameGuest, Coverage::Partial, true);
    let rows = [
        Row {
            name: "nothing found",
            confirmed_at: false,
            linked: None,
            around: Surroundings::default(),
            standard: book(None),
            single_table: book(None),
        },
        Row {
            name: "confirmed_at_set",
            confirmed_at: true,
            linked: None,
            around: Surroundings::default(),
            standard: book(Some(Evidence::ConfirmedAtSet)),
            single_table: book(Some(Evidence::ConfirmedAtSet)),
        },
        Row {
            name: "approved_booking_confirmed",
            confirmed_at: false,
            linked: Some(sold(8, GUEST, same_dates())),
            around: Surroundings::default(),
            standard: link(8, Evidence::ApprovedBookingConfirmed, Coverage::Exact, false),
            single_table: link(8, Evidence::ApprovedBookingConfirmed, Coverage::Exact, true),
        },
        Row {
            name: "linked to a booking that was cancelled",
            confirmed_at: true,
            linked: Some(rival(8, Some(GUEST), BookingStatus::Cancelled, same_dates())),
            around: Surroundings::default(),
            standard: book(None),
            single_table: book(None),
        },
        Row {
            name: "inventory_active",
            confirmed_at: false,
            linked: None,
            around: Surroundings { own_range: true, ..Surroundings::default() },
            standard: book(Some(Evidence::InventoryActive)),
            single_table: book(Some(Evidence::InventoryActive)),
        },
        Row {
            name: "related_booking_confirmed",
            confirmed_at: false,
            linked: None,
            around: Surroundings {
                related: Some(BookingId(Uuid::from_u128(9))),
                rivals: vec![sold(9, GUEST, same_dates())],
                ..Surroundings::default()
            },
            standard: link(9, Evidence::RelatedBookingConfirmed, Coverage::Exact, false),
            single_table: link(9, Evidence::RelatedBookingConfirmed, Coverage::Exact, true),
        },
        Row {
            name: "fulfilled_by_overlap_same_guest",
            confirmed_at: false,
            linked: None,
            around: Surroundings { rivals: vec![sold(9, GUEST, other_dates())], ..Surroundings::default() },
            standard: overlap,
            single_table: overlap,
        },
        Row {
            name: "one of two rivals is a stranger's",
            confirmed_at: false,
            linked: None,
            around: Surroundings {
                rivals: vec![
                    sold(9, GUEST, other_dates()),
                    sold(10, STRANGER, stay("2026-07-05", "2026-07-06")),
                ],
                ..Surroundings::default()
            },
            standard: Verdict::Overlap(ConflictKind::Booking),
            single_table: Verdict::Overlap(ConflictKind::Booking),
        },
        Row {
            name: "a rival of nobody known",
            confirmed_at: true,
            linked: None,
            around: Surroundings {
                rivals: vec![rival(9, None, BookingStatus::Confirmed, other_dates())],
                ..Surroundings::default()
            },
            standard: Verdict::Overlap(ConflictKind::Booking),
            single_table: Verdict::Overlap(ConflictKind::Booking),
        },
        Row {
            name: "the same guest's hold, and nothing sold",
            confirmed_at: false,
            linked: None,
            around: Surroundings {
                rivals: vec![rival(9, Some(GUEST), BookingStatus::Requested, other_dates())],
                ..Surroundings::default()
            },
            standard: Verdict::Overlap(ConflictKind::Hold),
            single_table: Verdict::Overlap(ConflictKind::Hold),
        },
        Row {
            name: "a block beside the guest's own booking",
            confirmed_at: false,
            linked: None,
            around: Surroundings {
                rivals: vec![sold(9, GUEST, other_dates())],
                strays: vec![StrayRange {
                    id: RangeId(Uuid::from_u128(5)),
                    block: true,
                    stay: other_dates(),
                }],
                ..Surroundings::default()
            },
            standard: Verdict::Overlap(ConflictKind::Block),
            single_table: Verdict::Overlap(ConflictKind::Block),
        },
    ];
    for Row { name, confirmed_at, linked, around, standard, single_table } in rows {
        for status in [Status::Requested, Status::UnderReview] {
            let mut request = request(status);
            request.confirmed_at = confirmed_at.then_some(Timestamp::UNIX_EPOCH);
            request.approved_booking = linked.as_ref().map(|linked| linked.booking);
            let around = Surroundings { linked: linked.clone(), ..around.clone() };
            assert_eq!(approve(&request, Layout::Standard, Some(&around)), standard, "{name}");
            assert_eq!(approve(&request, Layout::SingleTable, Some(&around)), single_table, "{name}");
        }
    }
}

#[test]
fn the_row_alone_decides_plain_requests_of_the_standard_layout_only() {
    let mut plain = request(Status::Requested);
    let book = |hold| Verdict::Book { evidence: None, hold };
    assert_eq!(approve(&plain, Layout::Standard, None), book(false));
    assert_eq!(approve(&plain, Layout::SingleTable, None), Verdict::LookCloser);
    plain.held_booking = Some(NEW_BOOKING);
    assert_eq!(approve(&plain, Layout::Standard, None), book(true));
    plain.confirmed_at = Some(Timestamp::UNIX_EPOCH);
    assert_eq!(approve(&plain, Layout::Standard, None), Verdict::LookCloser);
    let mut linked = request(Status::UnderReview);
    linked.approved_booking = Some(NEW_BOOKING);
    assert_eq!(approve(&linked, Layout::Standard, None), Verdict::LookCloser);
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
    let Verdict::Link { booking, coverage: Coverage::Partial, soft: true, .. } = verdict else {
        panic!("{verdict:?}")
    };
    assert_eq!(booking, BookingId(Uuid::from_u128(12)));
}

mod worlds;
