//! Stays and ranges of more nights than the API takes, as other programs and old
//! rows have them: decisions and lists see them like any other.

use devdb::TestDatabase;
use frontdesk::demo;
use pg::migrate::MigrationSet;
use serde_json::json;
use uuid::Uuid;

use super::help::new_request::{GUEST, OTHER_GUEST};
use crate::fixture::{Fixture, LAKE_HOUSE, Layout, path_of};
use crate::pages::{ids, rows};

/// Days of a stay that is longer than the rule.
const TOO_LONG: i32 = 900;

impl Fixture {
    /// Stores a booking of the lake house that begins on 2030-01-01, as another
    /// program would, with or without its range.
    async fn let_for(&self, guest: &str, nights: i32, with_range: bool) -> Uuid {
        self.sql
            .batch_execute("alter table bookings drop constraint if exists bookings_nights_check")
            .await
            .unwrap();
        let id = Uuid::now_v7();
        let guest: Uuid = guest.parse().unwrap();
        let insert = "insert into bookings (tenant_id, id, property_id, guest_id, check_in, check_out, status, \
            created_at, updated_at) \
            values ($1, $2, $3, $4, date '2030-01-01', date '2030-01-01' + $5::integer, 'confirmed', now(), now())";
        self.execute(insert, &[&demo::TENANT, &id, &LAKE_HOUSE, &guest, &nights]).await;
        if with_range {
            let insert = "insert into inventory_ranges (tenant_id, id, property_id, kind, source_id, start_date, \
                end_date, state, created_at) \
                values ($1, gen_random_uuid(), $2, 'booking', $3, date '2030-01-01', date '2030-01-01' + $4::integer, 'active', now())";
            self.execute(insert, &[&demo::TENANT, &LAKE_HOUSE, &id, &nights]).await;
        }
        id
    }
}

/// Stored, where the constraint does not forbid it already.
async fn request(fixture: &Fixture, guest: &str) -> Uuid {
    let id = Uuid::now_v7();
    let guest: Uuid = guest.parse().unwrap();
    let insert = format!(
        "insert into {} (tenant_id, id, property_id, guest_id, check_in, check_out, status, guest_count, \
         created_at, updated_at) \
         values ($1, $2, $3, $4, '2032-05-01', '2032-05-04', 'requested', 1, now(), now())",
        fixture.layout.requests()
    );
    fixture.execute(&insert, &[&demo::TENANT, &id, &LAKE_HOUSE, &guest]).await;
    id
}

#[tokio::test]
async fn a_booking_of_years_is_found_by_approve_explain_and_calendar() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        for with_range in [true, false] {
            let fixture = Fixture::start_in(layout).await;
            let token = fixture.manager().await;
            fixture.let_for(OTHER_GUEST, TOO_LONG, with_range).await;
            let id = request(&fixture, GUEST).await;
            let before = fixture.snapshot().await;
            let refused = fixture.approve(&token, id).await;
            refused.refused(409, "BOOKING_OVERLAP");
            assert_eq!(refused.body["metadata"]["conflict_kind"], "booking", "{layout:?}");
            assert_eq!(fixture.snapshot().await, before);
            let explained = fixture.get(&path_of(id, "/explain"), &token).await;
            assert_eq!(explained.ok()["would_succeed"], false, "{}", explained.body);
            let block = json!({"start_date": "2032-05-02", "end_date": "2032-05-03"});
            let refused = fixture.post(&format!("/v1/properties/{LAKE_HOUSE}/blocks"), &token, &block).await;
            refused.refused(409, "BOOKING_OVERLAP");
            let calendar = format!("/v1/properties/{LAKE_HOUSE}/availability?from=2032-05-01&to=2032-05-03");
            assert_eq!(fixture.get(&calendar, &token).await.ok()["free_nights"], json!([]), "{layout:?}");
        }
    }
}

#[tokio::test]
async fn a_booking_of_years_of_the_same_guest_fulfils_the_request() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let booking = fixture.let_for(GUEST, TOO_LONG, true).await;
        let id = request(&fixture, GUEST).await;
        let healed = fixture.approve(&token, id).await;
        assert_eq!(healed.ok()["evidence"], "fulfilled_by_overlap_same_guest", "{layout:?}");
        assert_eq!(healed.body["booking_id"], booking.to_string());
        assert_eq!(healed.body["coverage"], "contained");
    }
}

#[tokio::test]
async fn a_range_of_years_is_a_conflict() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let block = "insert into inventory_ranges (tenant_id, id, property_id, kind, start_date, end_date, state, created_at) \
            values ($1, gen_random_uuid(), $2, 'block', '2030-01-01', '2035-01-01', 'active', now())";
        fixture.execute(block, &[&demo::TENANT, &LAKE_HOUSE]).await;
        let id = request(&fixture, GUEST).await;
        let refused = fixture.approve(&token, id).await;
        refused.refused(409, "BOOKING_OVERLAP");
        assert_eq!(refused.body["metadata"]["conflict_kind"], "block", "{layout:?}");
        let block = json!({"start_date": "2032-06-02", "end_date": "2032-06-03"});
        let refused = fixture.post(&format!("/v1/properties/{LAKE_HOUSE}/blocks"), &token, &block).await;
        refused.refused(409, "BOOKING_OVERLAP");
    }
}

/// The standard layout's rule, for whoever writes.
#[tokio::test]
async fn a_stay_has_at_most_366_nights() {
    let fixture = Fixture::start().await;
    let store = |table: &str, nights: i32| {
        let (columns, values) = if table == "bookings" { ("", "") } else { (", guest_count", ", 1") };
        format!(
            "insert into {table} (tenant_id, id, property_id, guest_id, check_in, check_out, status, created_at, \
             updated_at{columns}) values ('{}', gen_random_uuid(), '{LAKE_HOUSE}', '{GUEST}', '2040-01-01', \
             date '2040-01-01' + {nights}, 'cancelled', now(), now(){values})",
            demo::TENANT
        )
    };
    for table in ["bookings", "booking_requests"] {
        fixture.sql.batch_execute(&store(table, 366)).await.unwrap();
        let refused = fixture.sql.batch_execute(&store(table, 367)).await.unwrap_err();
        let refused = refused.as_db_error().unwrap();
        assert_eq!(refused.constraint(), Some(format!("{table}_nights_check").as_str()));
    }
}

/// A booking from before the rule stays as it was, and may be cancelled.
#[tokio::test]
async fn longer_stays_from_before_the_rule_survive_the_migration() {
    let before = Box::leak(Box::new(MigrationSet {
        name: "booking_before",
        migrations: &booking::MIGRATIONS.migrations[..2],
        ..booking::MIGRATIONS
    }));
    let database = TestDatabase::create(&[&identity::MIGRATIONS, before]).await;
    let owner = pg::connect(&database.url).await.unwrap();
    let rows = format!(
        "insert into properties (tenant_id, id, name, time_zone, max_guests, created_at) \
         values ('{0}', '{LAKE_HOUSE}', 'Lake House', 'Europe/Berlin', 2, now()); \
         insert into bookings (tenant_id, id, property_id, check_in, check_out, status, created_at, updated_at) \
         values ('{0}', '{LAKE_HOUSE}', '{LAKE_HOUSE}', '2025-01-01', '2027-01-01', 'confirmed', now(), now())",
        demo::TENANT
    );
    owner.batch_execute(&rows).await.unwrap();
    pg::migrate::up(&database.url, &[&booking::MIGRATIONS]).await.unwrap();
    let cancelled = owner.execute("update bookings set status = 'cancelled'", &[]).await.unwrap();
    assert_eq!(cancelled, 1);
    let rules = "select array_agg(conname::text) from pg_constraint where conname like '%nights_check'";
    let rules: Vec<String> = owner.query_one(rules, &[]).await.unwrap().get(0);
    assert_eq!(rules, ["booking_requests_nights_check"], "the table without such rows has the rule");
}

/// The rule is kept per table, so that one may have requests which the other takes no
/// booking of. What an approve would run into, its explanation says.
#[tokio::test]
async fn a_request_that_no_booking_can_be_made_of_is_refused_as_its_explanation_says() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let drop = "alter table booking_requests drop constraint booking_requests_nights_check";
    fixture.sql.batch_execute(drop).await.unwrap();
    for (number, marked) in [(0, false), (1, true)] {
        let day = 2000 + 500 * number;
        let id = fixture.open_request(demo::TENANT, 1, day, day + 400).await;
        if marked {
            super::help::foreign::mark(&fixture, id).await;
        }
        let before = fixture.snapshot().await;
        let explained = fixture.get(&path_of(id, "/explain"), &token).await;
        assert_eq!(explained.ok()["would_succeed"], false, "{}", explained.body);
        assert_eq!(explained.body["refusal_reason"], "STAY_TOO_LONG");
        for body in [json!({}), json!({"override_rules": true})] {
            let refused = fixture.post(&path_of(id, "/approve"), &token, &body).await;
            refused.refused(422, "STAY_TOO_LONG");
            assert_eq!(refused.body["metadata"]["most_nights"], "366", "{}", refused.body);
            assert_eq!(refused.body["message"], explained.body["message"]);
        }
        if marked {
            let resolve = format!("/api/v1/diagnostics/inconsistencies/{id}/resolve");
            let confirm = json!({"choice": "confirm", "override_rules": true});
            fixture.post(&resolve, &token, &confirm).await.refused(422, "STAY_TOO_LONG");
        }
        assert_eq!(fixture.snapshot().await, before);
        fixture.post(&path_of(id, "/cancel"), &token, &json!({})).await.ok();
    }
}

/// Windows of stays, asked in every order: what a plain condition finds.
#[tokio::test]
async fn a_window_of_stays_has_every_stay_in_it_whatever_its_length() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        for (number, nights) in [1, 3, 29, 30, 31, 32, 33, 60, 200, 365, 366].into_iter().enumerate() {
            let guest = u32::try_from(number).unwrap();
            fixture.open_request(demo::TENANT, guest, 1000, 1000 + nights).await;
            fixture.open_request(demo::TENANT, guest, 1030 - nights, 1030).await;
            let insert = "insert into bookings (tenant_id, id, property_id, check_in, check_out, status, created_at, \
                updated_at) \
                values ($1, gen_random_uuid(), $2, current_date + 1031 - $3::integer, current_date + 1031, 'cancelled', now(), now())";
            fixture.execute(insert, &[&demo::TENANT, &LAKE_HOUSE, &nights]).await;
        }
        if layout != Layout::Standard {
            fixture.open_request(demo::TENANT, 99, 600, 1100).await;
        }
        for (from, days) in
            [(1000, 1), (1020, 3), (1029, 9), (1031, 40), (1032, 10), (1033, 11), (1200, 7), (1366, 5)]
        {
            agree(&fixture, &token, from, Some(days)).await;
        }
        agree(&fixture, &token, 1031, None).await;
    }
}

async fn agree(fixture: &Fixture, token: &str, from: i32, days: Option<i32>) {
    let dates = "select (current_date + $1::integer)::text, (current_date + $1::integer + $2::integer)::text";
    let row = fixture.sql.query_one(dates, &[&from, &days.unwrap_or(5000)]).await.unwrap();
    let (stay_from, stay_to): (String, String) = (row.get(0), row.get(1));
    let expected = async |table: &str| -> Vec<String> {
        let query = format!(
            "select id::text from {table} where tenant_id = $1 and check_out > ($2::text)::date \
             and check_in < ($3::text)::date order by 1"
        );
        let rows = fixture.sql.query(&query, &[&demo::TENANT, &stay_from, &stay_to]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    };
    let window = match days {
        Some(_) => format!("stay_from={stay_from}&stay_to={stay_to}"),
        None => format!("stay_from={stay_from}"),
    };
    let requests = expected(fixture.layout.requests()).await;
    assert!(from == 1366 || !requests.is_empty());
    for order in ["newest_first", "oldest_first", "check_in"] {
        let path = format!("/v1/booking-requests?{window}&order={order}");
        assert_eq!(paged(fixture, token, &path, "booking_requests").await, requests, "{order}, {window}");
    }
    let bookings = expected("bookings").await;
    let statuses = "status=requested&status=confirmed&status=checked_in&status=checked_out&status=cancelled\
        &status=declined&status=under_review";
    for filter in ["", statuses] {
        let path = format!("/v1/bookings?{window}&{filter}");
        assert_eq!(paged(fixture, token, &path, "bookings").await, bookings, "{filter} {window}");
    }
}

/// The ids of a list, read in pages of four, each once.
async fn paged(fixture: &Fixture, token: &str, path: &str, name: &str) -> Vec<String> {
    let pages = fixture.pages(token, &format!("{path}&page_size=4")).await;
    let mut ids = ids(&rows(&pages, name));
    ids.sort();
    ids
}
