//! Lists over rows that another program wrote: pages go on whatever holds a row back,
//! whatever it holds, and what has no place in a list is counted.

use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::foreign_rows::OPENED;
use super::help::new_request::GUEST;
use crate::alterations::alter;
use crate::fixture::{Fixture, LAKE_HOUSE, Layout, path_of};
use crate::pages::{ids, pages, rows};
use frontdesk::demo;

/// The ids of a list in pages of one, and how many rows were left out.
async fn one_by_one(fixture: &Fixture, token: &str, path: &str, name: &str) -> (Vec<String>, i64) {
    let pages = fixture.pages(token, &format!("{path}page_size=1")).await;
    let left_out = pages.iter().map(|page| page["left_out"].as_i64().unwrap()).sum();
    (ids(&rows(&pages, name)), left_out)
}

/// Stores cancelled requests, or bookings, that begin on these days; a NULL is one.
async fn stored(fixture: &Fixture, table: &str, days: &[&str]) -> Vec<String> {
    let (more, values) = if table == "booking_requests" { (", guest_count", ", 1") } else { ("", "") };
    let mut ids = Vec::new();
    for (number, day) in days.iter().enumerate() {
        let id = Uuid::now_v7();
        let insert = format!(
            "insert into {table} (tenant_id, id, property_id, guest_id, check_in, check_out, status, created_at, updated_at{more}) \
             values ($1, $2, $3, '{GUEST}', {day}, {day} + 2, 'cancelled', now() + {number} * interval '1 second', now(){values})"
        );
        fixture.execute(&insert, &[&demo::TENANT, &id, &LAKE_HOUSE]).await;
        ids.push(id.to_string());
    }
    ids
}

async fn opened(layout: Layout) -> Fixture {
    let fixture = Fixture::start_in(layout).await;
    alter(&fixture, OPENED).await;
    // The service looks at the schema again when it asks whether it is ready.
    tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
    fixture
}

#[tokio::test]
async fn a_list_goes_on_behind_many_rows_that_cannot_be_shown() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = opened(layout).await;
        let token = fixture.manager().await;
        for (table, path, name) in [
            (layout.requests(), "/v1/booking-requests?", "booking_requests"),
            (layout.requests(), "/v1/booking-requests?order=check_in&", "booking_requests"),
            ("bookings", "/v1/bookings?", "bookings"),
        ] {
            let (before, already) = one_by_one(&fixture, &token, path, name).await;
            let ids = stored(&fixture, table, &["date '2040-01-01'"; 5]).await;
            // Neighbours in both orders; the first of them can be shown.
            for id in &ids[1..] {
                let id: Uuid = id.parse().unwrap();
                fixture.execute(&format!("update {table} set check_out = null where id = $1"), &[&id]).await;
            }
            let (after, left_out) = one_by_one(&fixture, &token, path, name).await;
            assert_eq!((after.len(), left_out), (before.len() + 1, already + 4), "{layout:?} {path}");
        }
    }
}

/// Within what the constraints take.
#[tokio::test]
async fn a_list_goes_on_behind_times_that_have_no_form() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let far = ["date '20260-07-01'"; 3];
        let ids = stored(&fixture, layout.requests(), &far).await;
        let more =
            if layout == Layout::Standard { stored(&fixture, "bookings", &far).await } else { ids.clone() };
        let late = format!(
            "update {} set created_at = timestamptz '20260-07-01' where check_in = '20260-07-01'",
            layout.requests()
        );
        fixture.execute(&late, &[]).await;
        for (path, name, expected) in [
            ("/v1/booking-requests?", "booking_requests", &ids),
            ("/v1/booking-requests?order=oldest_first&", "booking_requests", &ids),
            ("/v1/booking-requests?order=check_in&", "booking_requests", &ids),
            ("/v1/booking-requests?order=check_in&stay_from=2030-01-01&", "booking_requests", &ids),
            ("/v1/booking-requests?stay_from=2030-01-01&", "booking_requests", &ids),
            (
                "/v1/booking-requests?order=check_in&created_from=2030-01-01T00:00:00Z&",
                "booking_requests",
                &ids,
            ),
            ("/v1/bookings?", "bookings", &more),
        ] {
            let (found, _) = one_by_one(&fixture, &token, path, name).await;
            let times = |id: &String| found.iter().filter(|one| *one == id).count();
            assert!(expected.iter().all(|id| times(id) == 1), "{layout:?} {path} {found:?}");
        }
    }
}

#[tokio::test]
async fn rows_without_a_place_in_the_order_are_counted_and_named() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = opened(layout).await;
        let token = fixture.manager().await;
        let table = layout.requests();
        let ids = stored(&fixture, table, &["date '2041-01-01'"; 3]).await;
        for (id, column) in ids.iter().zip(["created_at", "check_in", "created_at"]) {
            let id: Uuid = id.parse().unwrap();
            fixture.execute(&format!("update {table} set {column} = null where id = $1"), &[&id]).await;
        }
        for (path, left_out) in [
            ("/v1/booking-requests?", 3),
            ("/v1/booking-requests?order=oldest_first&", 3),
            ("/v1/booking-requests?order=check_in&", 3),
            ("/v1/booking-requests?status=cancelled&", 3),
            ("/v1/booking-requests?status=declined&", 0),
            // A row without a day is in no window of stays.
            ("/v1/booking-requests?stay_from=2040-01-01&", 2),
            ("/v1/booking-requests?created_from=2020-01-01T00:00:00Z&", 1),
        ] {
            let (shown, counted) = one_by_one(&fixture, &token, path, "booking_requests").await;
            assert_eq!(counted, left_out, "{layout:?} {path}");
            assert!(ids.iter().all(|id| !shown.contains(id)));
        }
        // GET says what is wrong with the one; the other is shown without its time.
        let time = fixture.get(&path_of(ids[0].parse().unwrap(), ""), &token).await;
        assert_eq!(time.ok()["created_at"], Json::Null);
        let day = fixture.get(&path_of(ids[1].parse().unwrap(), ""), &token).await;
        day.refused(422, "UNREADABLE_ROW");
        let listed = fixture.get("/v1/diagnostics/inconsistencies?page_size=200", &token).await;
        let rows = listed.ok()["inconsistencies"].as_array().unwrap();
        for id in &ids {
            let found = rows.iter().find(|row| row["row_id"] == *id && row["kind"] == "unreadable");
            assert!(found.is_some(), "{layout:?} {}", listed.body);
        }

        let booking = stored(&fixture, "bookings", &["null::date"]).await;
        let (shown, counted) = one_by_one(&fixture, &token, "/v1/bookings?", "bookings").await;
        assert_eq!(counted, if layout == Layout::Standard { 1 } else { 2 });
        assert!(!shown.contains(&booking[0]));
    }
}

#[tokio::test]
async fn customers_and_properties_without_a_name_are_counted() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let customers =
        async |query: &str| fixture.customers(&token, &format!("?page_size=200{query}")).await.ok().clone();
    let properties = async || fixture.get("/v1/properties?page_size=200", &token).await.ok().clone();
    let before = (customers("").await, properties().await);
    assert_eq!((&before.0["left_out"], &before.1["left_out"]), (&json!(0), &json!(0)));
    for table in ["customers", "properties"] {
        let change = format!("alter table {table} alter column name drop not null");
        fixture.sql.batch_execute(&change).await.unwrap();
    }
    fixture
        .execute("update customers set name = null where id = (select id from customers where tenant_id = $1 and not archived limit 1)", &[&demo::TENANT])
        .await;
    fixture.execute("update properties set name = null where id = $1", &[&LAKE_HOUSE]).await;
    tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
    let after = (customers("").await, properties().await);
    let shown = |list: &Json, name: &str| list[name].as_array().unwrap().len();
    assert_eq!(after.0["left_out"], 1, "{}", after.0);
    assert_eq!(after.1["left_out"], 1, "{}", after.1);
    assert_eq!(shown(&after.0, "customers") + 1, shown(&before.0, "customers"));
    assert_eq!(shown(&after.1, "properties") + 1, shown(&before.1, "properties"));
    assert_eq!(customers("&archived=true").await["left_out"], 0);
    let property = fixture.get(&format!("/v1/properties/{LAKE_HOUSE}"), &token).await;
    assert_eq!(property.ok()["name"], "");
}

/// A token stays short enough for a header, whatever the name.
#[tokio::test]
async fn names_that_are_long_are_paged_by_their_row() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let long = "insert into customers (tenant_id, id, name, email, phone, created_at) \
        select $1, gen_random_uuid(), repeat('Zoe ', 5000) || n, '', '', now() from generate_series(1, 3) n";
    fixture.execute(long, &[&demo::TENANT]).await;
    let long = "insert into properties (tenant_id, id, name, time_zone, max_guests, created_at) \
        select $1, gen_random_uuid(), repeat('Zoe ', 5000) || n, 'Europe/Berlin', 2, now() from generate_series(1, 3) n";
    fixture.execute(long, &[&demo::TENANT]).await;
    for (path, name, expected) in [
        ("/v1/customers?", "customers", 3),
        ("/v1/customers?search=zoe&", "customers", 3),
        ("/v1/properties?", "properties", 3),
    ] {
        let pages = pages(async |next| {
            assert!(next.len() < 2000);
            fixture.get_with_key(&token, &format!("{path}page_size=1&page_token={next}")).await.ok().clone()
        });
        let found = rows(&pages.await, name);
        let names = found.iter().map(|row| row["name"].as_str().unwrap());
        let mut long: Vec<&str> = names.filter(|name| name.starts_with("Zoe ")).collect();
        long.sort_unstable();
        long.dedup();
        assert_eq!(long.len(), expected, "{path} {}", found.len());
    }
}

#[tokio::test]
async fn rows_with_an_unknown_status_are_found_by_it_and_counted() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = opened(layout).await;
        let token = fixture.manager().await;
        let table = layout.requests();
        let ids = stored(&fixture, table, &["date '2042-01-01'", "date '2042-02-01'"]).await;
        for (id, word) in ids.iter().zip(["'owner_stay'", "null"]) {
            let id: Uuid = id.parse().unwrap();
            fixture.execute(&format!("update {table} set status = {word} where id = $1"), &[&id]).await;
        }
        for query in [
            "status=unknown&",
            "status=unknown&order=check_in&",
            "status=unknown&stay_from=2041-01-01&",
            "status=unknown&stay_from=2041-01-01&stay_to=2042-12-01&",
            "status=unknown&property_id=0d000000-0000-7000-8000-000000000201&stay_from=2041-01-01&",
        ] {
            let query = query.replace("0d000000-0000-7000-8000-000000000201", &LAKE_HOUSE.to_string());
            let path = format!("/v1/booking-requests?{query}");
            let (mut found, _) = one_by_one(&fixture, &token, &path, "booking_requests").await;
            found.sort();
            assert_eq!(found, ids, "{layout:?} {query}");
        }
        let both = "/v1/booking-requests?status=unknown&status=cancelled&";
        let (found, _) = one_by_one(&fixture, &token, both, "booking_requests").await;
        assert!(found.len() > 2 && ids.iter().all(|id| found.contains(id)));
        let known = "/v1/booking-requests?status=cancelled&";
        let (found, _) = one_by_one(&fixture, &token, known, "booking_requests").await;
        assert!(ids.iter().all(|id| !found.contains(id)));
        for query in ["include_counts=true", "include_counts=true&stay_from=2041-01-01"] {
            let list = fixture.get(&format!("/v1/booking-requests?{query}"), &token).await;
            let counts = list.ok()["counts"].as_array().unwrap();
            let unknown = counts.iter().find(|one| one["status"] == "unknown");
            assert_eq!(unknown.unwrap()["count"], 2, "{layout:?} {query}");
        }

        let bookings = if layout == Layout::Standard {
            let ids = stored(&fixture, "bookings", &["date '2042-01-01'"]).await;
            let id: Uuid = ids[0].parse().unwrap();
            fixture.execute("update bookings set status = 'owner_stay' where id = $1", &[&id]).await;
            ids
        } else {
            ids
        };
        for query in ["", "stay_from=2041-01-01&", "guest_id=0d000000-0000-7000-8000-000000000301&"] {
            let path = format!("/v1/bookings?status=unknown&{query}");
            let (mut found, _) = one_by_one(&fixture, &token, &path, "bookings").await;
            found.sort();
            assert_eq!(found, bookings, "{layout:?} {query}");
        }
        let (found, _) = one_by_one(&fixture, &token, "/v1/bookings?status=cancelled&", "bookings").await;
        assert!(bookings.iter().all(|id| !found.contains(id)));
    }
}
