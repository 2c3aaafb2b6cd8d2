//! Rows that contradict each other, as another program writes them: one case for each
//! way in which they can. The tests are in `inconsistencies.rs`.

use frontdesk::demo;
use uuid::Uuid;

use super::foreign::CHALET;
use crate::fixture::{Fixture, LAKE_HOUSE, Layout};

pub const GUEST: u32 = 7;
pub const STRANGER: u32 = 8;

/// A kind, as it is written, with what it offers.
pub struct Case {
    pub name: &'static str,
    pub kind: &'static str,
    pub choices: &'static [&'static str],
    pub write: Write,
    /// Where the constraint lets it exist.
    pub held_by: &'static [Layout],
}

#[derive(Debug, Clone, Copy)]
pub enum Write {
    Marked,
    MarkedBesideOwnBooking,
    MarkedAndTaken,
    Linked,
    Ranged,
    BesideOwnBooking,
    BookingLost,
    WithoutRange,
    RangeLeft,
    LinkedToStranger,
    LinkedElsewhere,
    PartlyCovered,
    UnknownWord,
    NoMessage,
    UnknownWordOfBooking,
    ExpiredBooking,
    ExpiredRow,
    Shortened,
    MovedAway,
    MovedBesideABlock,
    Longer,
    RangeOfAnotherAge,
    Deleted,
    RangeOfDeleted,
    RangeElsewhere,
    RangeOfAnotherYear,
}

/// Where a booking is moved that goes away.
const AWAY: &str = "check_in = check_in + 3000, check_out = check_out + 3000";

/// Two open or sold rows may share a night.
const SHARING: &[Layout] = &[Layout::Standard, Layout::ConfirmedOnly];

pub const CASES: [Case; 26] = [
    case("marked", "confirmed_at_set", &["confirm", "clear_mark", "cancel"], Write::Marked),
    sharing(
        "marked beside a booking",
        "confirmed_at_set",
        &["link_booking", "clear_mark", "cancel"],
        Write::MarkedBesideOwnBooking,
    ),
    // B12
    sharing("marked and taken", "confirmed_at_taken", &["clear_mark", "cancel"], Write::MarkedAndTaken),
    sharing("linked", "approved_booking_confirmed", &["link_booking", "clear_link", "cancel"], Write::Linked),
    case("ranged", "inventory_active", &["confirm", "release_range", "cancel"], Write::Ranged),
    sharing(
        "beside a booking",
        "related_booking_confirmed",
        &["link_booking", "cancel"],
        Write::BesideOwnBooking,
    ),
    // B13
    case(
        "booking lost",
        "confirmed_without_booking",
        &["confirm", "clear_link", "cancel"],
        Write::BookingLost,
    ),
    case("without range", "booking_without_range", &["restore_range", "cancel"], Write::WithoutRange),
    // B11
    case("range left", "range_without_booking", &["release_range"], Write::RangeLeft),
    // B1
    sharing(
        "linked to a stranger's booking",
        "link_not_followed",
        &["clear_link", "cancel"],
        Write::LinkedToStranger,
    ),
    case(
        "linked to other nights",
        "link_not_followed",
        &["confirm", "clear_link", "cancel"],
        Write::LinkedElsewhere,
    ),
    sharing("partly covered", "partly_covered", &["clear_link", "cancel"], Write::PartlyCovered),
    case("unknown word", "unreadable", &["reopen", "cancel"], Write::UnknownWord),
    case("no message", "unreadable", &["write_defaults"], Write::NoMessage),
    Case {
        held_by: &[Layout::Standard],
        ..case("unknown word of a booking", "unreadable", &["cancel"], Write::UnknownWordOfBooking)
    },
    // A word of requests is none of a booking.
    Case {
        held_by: &[Layout::Standard],
        ..case("expired booking", "unreadable", &["cancel"], Write::ExpiredBooking)
    },
    // Where the constraint lets what has run out keep its nights.
    Case {
        held_by: &[Layout::Literal],
        ..case("expired row", "unreadable", &["reopen", "cancel"], Write::ExpiredRow)
    },
    case("booking shortened", "range_misplaced", &["fit_range", "release_range"], Write::Shortened),
    case("booking moved away", "range_misplaced", &["fit_range", "release_range"], Write::MovedAway),
    case("booking moved to a block", "range_misplaced", &["release_range"], Write::MovedBesideABlock),
    case("booking made longer", "booking_without_range", &["restore_range", "cancel"], Write::Longer),
    case("range of a request in another house", "range_misplaced", &["release_range"], Write::RangeElsewhere),
    case(
        "range of a request in another year",
        "range_misplaced",
        &["release_range"],
        Write::RangeOfAnotherYear,
    ),
    case("nights after the year 9999", "unreadable", &["release_range"], Write::RangeOfAnotherAge),
    // A8
    case("deleted and in the constraint", "deleted_in_the_way", &["cancel"], Write::Deleted),
    Case {
        held_by: &[Layout::ConfirmedOnly],
        ..case(
            "range of a deleted request",
            "range_without_booking",
            &["release_range"],
            Write::RangeOfDeleted,
        )
    },
];

const fn case(
    name: &'static str,
    kind: &'static str,
    choices: &'static [&'static str],
    write: Write,
) -> Case {
    Case { name, kind, choices, write, held_by: &Layout::ALL }
}

const fn sharing(
    name: &'static str,
    kind: &'static str,
    choices: &'static [&'static str],
    write: Write,
) -> Case {
    Case { held_by: SHARING, ..case(name, kind, choices, write) }
}

/// Another program, which writes rows.
pub struct Foreign<'a> {
    pub fixture: &'a Fixture,
}

impl<'a> Foreign<'a> {
    /// In tables that take what no version of ours writes.
    pub async fn in_open_tables(fixture: &'a Fixture) -> Self {
        let requests = fixture.layout.requests();
        let check =
            if requests == "bookings" { "bookings_status_check" } else { "booking_requests_status_check" };
        // Each for itself: all tables locked at once can meet a check that reads them in
        // another order.
        for change in [
            format!("alter table {requests} drop constraint {check}"),
            "alter table bookings drop constraint if exists bookings_status_check".to_owned(),
            "alter table bookings drop constraint if exists bookings_deleted_check".to_owned(),
            format!("alter table {requests} alter column message drop not null"),
        ] {
            fixture.sql.batch_execute(&change).await.unwrap();
        }
        for customer in [GUEST, STRANGER] {
            fixture
                .execute(
                    "insert into customers (tenant_id, id, name, email, phone, created_at) \
                     values ($1, $2, 'Test Guest', '', '', now()) on conflict do nothing",
                    &[&demo::TENANT, &Uuid::from_u128(u128::from(customer))],
                )
                .await;
        }
        Self { fixture }
    }

    pub async fn booking(&self, status: &str, customer: u32, from: i32, to: i32) -> Uuid {
        let (id, guest) = (Uuid::now_v7(), Uuid::from_u128(u128::from(customer)));
        self.fixture
            .execute(
                "insert into bookings (tenant_id, id, property_id, guest_id, check_in, check_out, status, \
                 created_at, updated_at) \
                 values ($1, $2, $3, $4, current_date + $5::integer, current_date + $6::integer, $7, now(), now())",
                &[&demo::TENANT, &id, &LAKE_HOUSE, &guest, &from, &to, &status],
            )
            .await;
        id
    }

    pub async fn range(&self, source: Uuid, from: i32, to: i32) -> Uuid {
        let id = Uuid::now_v7();
        self.fixture
            .execute(
                "insert into inventory_ranges (tenant_id, id, property_id, kind, source_id, start_date, end_date, \
                 state, created_at) \
                 values ($1, $2, $3, 'booking', $4, current_date + $5::integer, current_date + $6::integer, 'active', now())",
                &[&demo::TENANT, &id, &LAKE_HOUSE, &source, &from, &to],
            )
            .await;
        id
    }

    pub async fn sold(&self, customer: u32, from: i32, to: i32) -> Uuid {
        let booking = self.booking("confirmed", customer, from, to).await;
        self.range(booking, from, to).await;
        booking
    }

    pub async fn set(&self, table: &str, row: Uuid, what: &str) {
        assert_eq!(
            self.fixture.execute(&format!("update {table} set {what} where id = $1"), &[&row]).await,
            1
        );
    }

    async fn block(&self, from: i32, to: i32) {
        let block = "insert into inventory_ranges (tenant_id, id, property_id, kind, start_date, end_date, state, \
            created_at) values ($1, gen_random_uuid(), $2, 'block', current_date + $3::integer, \
            current_date + $4::integer, 'active', now())";
        self.fixture.execute(block, &[&demo::TENANT, &LAKE_HOUSE, &from, &to]).await;
    }

    /// A block of nights that no date of ours can name.
    async fn range_of_another_age(&self, from: i32, to: i32) -> Uuid {
        let range = self.range(Uuid::now_v7(), from, to).await;
        let nights =
            format!("start_date = date '10000-01-01' + {from}, end_date = date '10000-01-02' + {from}");
        self.set("inventory_ranges", range, &format!("kind = 'block', {nights}")).await;
        range
    }

    /// Of an open request, so many days after it.
    async fn range_of_request(&self, from: i32, to: i32, after: i32) -> Uuid {
        let request = self.fixture.open_request(demo::TENANT, GUEST, from, to).await;
        self.range(request, from + after, to + after).await
    }

    /// A sold booking is moved, and the range stays where it was.
    async fn moved(&self, from: i32, to: i32, what: &str) -> Uuid {
        let booking = self.sold(GUEST, from, to).await;
        self.set("bookings", booking, what).await;
        let range = "select id from inventory_ranges where source_id = $1";
        self.fixture.sql.query_one(range, &[&booking]).await.unwrap().get(0)
    }

    /// Writes a case into days that nothing else has, and returns its row.
    pub async fn write(&self, what: Write, day: i32) -> Uuid {
        let (from, to) = (day, day + 6);
        match what {
            Write::WithoutRange => self.booking("confirmed", GUEST, from, to).await,
            Write::UnknownWordOfBooking => self.booking("optional", GUEST, from, to).await,
            Write::ExpiredBooking | Write::ExpiredRow => self.booking("expired", GUEST, from, to).await,
            Write::RangeLeft => self.moved(from, to, "status = 'cancelled'").await,
            Write::Shortened => self.moved(from, to, "check_out = check_out - 2").await,
            Write::MovedAway => self.moved(from, to, AWAY).await,
            Write::MovedBesideABlock => {
                self.block(from + 3000, from + 3001).await;
                self.moved(from, to, AWAY).await
            }
            Write::RangeOfAnotherAge => self.range_of_another_age(from, to).await,
            Write::Longer => {
                let booking = self.sold(GUEST, from, to - 2).await;
                self.set("bookings", booking, "check_out = check_out + 2").await;
                booking
            }
            Write::Deleted => {
                let booking = self.sold(GUEST, from, to).await;
                self.set("bookings", booking, "deleted_at = now()").await;
                booking
            }
            Write::RangeOfDeleted => {
                let request = self.fixture.open_request(demo::TENANT, GUEST, from, to).await;
                let range = self.range(request, from, to).await;
                self.set("bookings", request, "deleted_at = now()").await;
                range
            }
            Write::RangeElsewhere => {
                let range = self.range_of_request(from, to, 0).await;
                self.set("inventory_ranges", range, &format!("property_id = '{CHALET}'")).await;
                range
            }
            Write::RangeOfAnotherYear => self.range_of_request(from, to, 3650).await,
            of_a_request => self.write_request(of_a_request, from, to).await,
        }
    }

    /// A request with what stands beside it, and what another program sets in it.
    async fn write_request(&self, what: Write, from: i32, to: i32) -> Uuid {
        let beside = match what {
            Write::MarkedBesideOwnBooking | Write::Linked | Write::BesideOwnBooking => {
                Some(self.sold(GUEST, from, to).await)
            }
            Write::MarkedAndTaken => Some(self.sold(STRANGER, from + 2, to + 2).await),
            Write::LinkedToStranger => Some(self.sold(STRANGER, from, to).await),
            Write::LinkedElsewhere => Some(self.sold(GUEST, to + 1, to + 3).await),
            Write::BookingLost => Some(self.booking("cancelled", GUEST, from, to).await),
            Write::PartlyCovered => {
                self.sold(STRANGER, from + 2, to).await;
                Some(self.sold(GUEST, from, from + 2).await)
            }
            _ => None,
        };
        let (marked, linked) = ("confirmed_at = now()", "approved_booking_id = $2");
        let set = match what {
            Write::Marked | Write::MarkedBesideOwnBooking | Write::MarkedAndTaken => marked.to_owned(),
            Write::Linked | Write::LinkedToStranger | Write::LinkedElsewhere => linked.to_owned(),
            Write::PartlyCovered => format!("{marked}, {linked}"),
            Write::BookingLost if self.fixture.layout == Layout::Standard => {
                format!("{marked}, {linked}, status = 'confirmed'")
            }
            Write::BookingLost => format!("{marked}, {linked}"),
            Write::UnknownWord => "status = 'on_hold'".to_owned(),
            Write::NoMessage => "message = null".to_owned(),
            Write::Ranged | Write::BesideOwnBooking => String::new(),
            other => panic!("{other:?} is not written to a request"),
        };
        let request = self.fixture.open_request(demo::TENANT, GUEST, from, to).await;
        if matches!(what, Write::Ranged) {
            self.range(request, from, to).await;
        }
        if !set.is_empty() {
            let beside = beside.map(|id| format!("'{id}'")).unwrap_or_default();
            self.set(self.fixture.layout.requests(), request, &set.replace("$2", &beside)).await;
        }
        request
    }
}
