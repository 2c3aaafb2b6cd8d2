//! Versions and times at the end of what there is, as other programs leave them.

use frontdesk::demo;
use serde_json::json;
use uuid::Uuid;

use super::foreign_rows::OPENED;
use super::help::foreign::{Foreign, GUEST};
use super::help::new_request;
use super::inconsistencies::{listed, resolve};
use crate::alterations::alter;
use crate::fixture::{Fixture, LAKE_HOUSE, Layout, path_of};

fn house(rest: &str) -> String {
    format!("/v1/properties/{LAKE_HOUSE}{rest}")
}

/// Before, what would have counted on was refused as out of range: also an approval whose
/// competitor such a row was.
#[tokio::test]
async fn a_version_and_a_time_at_their_ends_begin_anew_with_the_next_change() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let table = layout.requests();
        let is_at_its_end = async |table: &str, id: &str| {
            let set = "row_version = $2, updated_at = '294276-12-31 23:59:59.999999+00'";
            let set = format!("update {table} set {set} where id = $1::text::uuid");
            assert_eq!(fixture.execute(&set, &[&id, &i64::MAX]).await, 1, "{table}");
        };
        let has_begun_anew = async |table: &str, id: &str| {
            let anew = format!(
                "select count(*) from {table} where id = $1::text::uuid and row_version = 1 \
                 and updated_at < now() + interval '1 hour'"
            );
            assert_eq!(fixture.count(&anew, &[&id]).await, 1, "{layout:?} {table}");
        };
        let settings = json!({"auto_decline": true});
        fixture.patch("/v1/booking-settings", &token, &settings).await.ok();
        let id = fixture.open_request(demo::TENANT, 1, 700, 703).await;
        let competitor = fixture.open_request(demo::TENANT, 2, 701, 702).await;
        for id in [id, competitor] {
            is_at_its_end(table, &id.to_string()).await;
        }
        let before = fixture.get(&path_of(id, ""), &token).await.ok()["etag"].clone();
        let approved = fixture.post(&path_of(id, "/approve"), &token, &json!({"etag": before})).await;
        let booking = approved.ok()["booking_id"].as_str().unwrap().to_owned();
        for id in [id, competitor] {
            has_begun_anew(table, &id.to_string()).await;
        }
        assert_eq!(fixture.get(&path_of(competitor, ""), &token).await.ok()["status"], "declined");
        assert_ne!(fixture.get(&path_of(id, ""), &token).await.ok()["etag"], before);

        is_at_its_end("bookings", &booking).await;
        fixture.post(&format!("/v1/bookings/{booking}/cancel"), &token, &json!({})).await.ok();
        has_begun_anew("bookings", &booking).await;

        let house = LAKE_HOUSE.to_string();
        is_at_its_end("properties", &house).await;
        let more = json!({"max_guests": 5});
        fixture.patch(&format!("/v1/properties/{house}"), &token, &more).await.ok();
        has_begun_anew("properties", &house).await;
    }
}

/// Integers that are narrower than ours end earlier, and no write of ours makes a version or a
/// time that we cannot show.
#[tokio::test]
async fn versions_of_narrower_columns_and_the_last_times_that_are_shown_are_followed() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let unreadable = "select count(*) from booking_requests r where id = $1 \
        and not (row_version >= 1 and updated_at < '9999-12-30 21:59:59+00')";
    let mut day = 900;
    for (column, last, next) in [
        ("smallint", "32767", "1"),
        ("smallint", "32766", "32767"),
        ("integer", "2147483647", "1"),
        ("bigint", "9223372036854775806", "9223372036854775807"),
        ("bigint", "9223372036854775807", "1"),
        ("numeric", "9223372036854775807", "1"),
        ("numeric", "12345678901234567890", "1"),
    ] {
        let alter = format!("alter table booking_requests alter row_version type {column}");
        for at in ["9999-12-31 00:00:00+00", "9999-12-30 21:59:58.999999+00", "infinity"] {
            // What is there fits every type.
            fixture.sql.batch_execute("update booking_requests set row_version = 1").await.unwrap();
            fixture.sql.batch_execute(&alter).await.unwrap();
            day += 2;
            let id = fixture.open_request(demo::TENANT, 1, day, day + 1).await;
            let set = format!(
                "update booking_requests set row_version = {last}, updated_at = '{at}' where id = $1"
            );
            assert_eq!(fixture.execute(&set, &[&id]).await, 1);
            fixture.post(&path_of(id, "/cancel"), &token, &json!({})).await.ok();
            let is = format!("select count(*) from booking_requests where id = $1 and row_version = {next}");
            assert_eq!(fixture.count(&is, &[&id]).await, 1, "{column} after {last}");
            assert_eq!(fixture.count(unreadable, &[&id]).await, 0, "{column} after {last}, {at}");
        }
    }
}

/// Before, one row took down the whole list, its own explanation and choices, and the check.
#[tokio::test]
async fn a_version_beyond_every_number_takes_no_list_down_and_is_written_anew() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let request = fixture.open_request(demo::TENANT, 1, 700, 703).await;
        let booking = Foreign::sold(GUEST, 710, 713).store(&fixture).await.unwrap();
        for table in [layout.requests(), "bookings"] {
            let alter = format!("alter table {table} alter row_version type numeric");
            fixture.sql.batch_execute(&alter).await.unwrap();
        }
        for version in ["12345678901234567890", "-12345678901234567890", "'NaN'", "1e30"] {
            for (table, row) in [(layout.requests(), request), ("bookings", booking)] {
                let told = format!("{layout:?} {table} {version}");
                let set = format!("update {table} set row_version = {version} where id = $1");
                assert_eq!(fixture.execute(&set, &[&row]).await, 1, "{told}");
                let found = listed(&fixture, &token, row).await;
                assert_eq!(found.len(), 1, "{told}: {found:?}");
                assert!(
                    found[0]["remedy"].as_str().unwrap().contains("in: row_version."),
                    "{told}: {found:?}"
                );
                if row == request {
                    let explained = fixture.get(&path_of(row, "/explain"), &token).await;
                    assert_eq!(explained.ok()["inconsistencies"], json!(found), "{told}");
                }
                let write = json!({"choice": "write_defaults", "etag": found[0]["etag"]});
                resolve(&fixture, &token, row, &write).await.ok();
                let is = format!("select count(*) from {table} where id = $1 and row_version = 1");
                assert_eq!(fixture.count(&is, &[&row]).await, 1, "{told}");
                assert_eq!(listed(&fixture, &token, row).await, Vec::<serde_json::Value>::new(), "{told}");
            }
        }
        for path in [path_of(request, "/cancel"), format!("/v1/bookings/{booking}/cancel")] {
            fixture.post(&path, &token, &json!({})).await.ok();
        }
    }
}

/// A row of another program in the lake house.
async fn written(fixture: &Fixture, status: &str, guest: Uuid, from: &str, to: &str) -> Uuid {
    let id = Uuid::now_v7();
    let table = if status == "requested" { fixture.layout.requests() } else { "bookings" };
    let (of_request, one) = if status == "requested" { ("guest_count,", "1,") } else { ("", "") };
    let insert = format!(
        "insert into {table} (tenant_id, id, property_id, guest_id, check_in, check_out, status, {of_request} created_at, updated_at) \
         values ($1, $2, $3, $4, $5::text::date, $6::text::date, $7, {one} now(), now())"
    );
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 7] =
        [&demo::TENANT, &id, &LAKE_HOUSE, &guest, &from, &to, &status];
    assert_eq!(fixture.execute(&insert, &values).await, 1);
    id
}

/// What was written from the first of all days on, and until the last, is counted neither
/// back nor on from.
#[tokio::test]
async fn stays_from_the_first_and_until_the_last_of_all_days_are_in_the_way_and_no_trouble() {
    let (guest, stranger): (Uuid, Uuid) =
        (new_request::GUEST.parse().unwrap(), new_request::OTHER_GUEST.parse().unwrap());
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        alter(&fixture, OPENED).await;
        let range = "insert into inventory_ranges (tenant_id, id, property_id, kind, source_id, start_date, end_date, \
            state, created_at) values ($1, gen_random_uuid(), $2, 'booking', $3, '4714-11-24 BC', '2050-01-01', 'active', now())";
        let first = written(&fixture, "confirmed", stranger, "4714-11-24 BC", "2050-01-01").await;
        fixture.execute(range, &[&demo::TENANT, &LAKE_HOUSE, &first]).await;
        if layout != Layout::Standard {
            written(&fixture, "cancelled", stranger, "5874897-12-29", "5874897-12-31").await;
        }
        fixture.patch(&house(""), &token, &json!({"stay_rules": {"turnover_days": 1}})).await.ok();
        for (from, to, is_free) in [("2049-05-01", "2049-05-03", false), ("2050-02-01", "2050-02-03", true)] {
            if layout == Layout::Literal && !is_free {
                continue;
            }
            let told = format!("{layout:?} {from}");
            let id = written(&fixture, "requested", guest, from, to).await;
            let explained = fixture.get(&path_of(id, "/explain"), &token).await;
            assert_eq!(explained.ok()["would_succeed"], is_free, "{told}: {}", explained.body);
            let calendar = fixture.get(&house(&format!("/availability?from={from}&to={to}")), &token).await;
            // Where requests keep their nights, it has these itself.
            let bookable = is_free && layout != Layout::Literal;
            assert_eq!(calendar.ok()["bookable"], bookable, "{told}: {}", calendar.body);
            let approved = fixture.approve(&token, id).await;
            if is_free {
                approved.ok();
            } else {
                approved.refused(409, "BOOKING_OVERLAP");
            }
            for list in [
                format!("/api/v1/booking-requests?property_id={LAKE_HOUSE}&stay_from={from}&stay_to={to}"),
                format!("/v1/bookings?property_id={LAKE_HOUSE}&stay_from={from}&stay_to={to}"),
                "/api/v1/booking-requests?order=check_in".to_owned(),
                "/v1/bookings".to_owned(),
                "/api/v1/diagnostics/inconsistencies".to_owned(),
            ] {
                let page = fixture.get(&list, &token).await;
                assert_eq!(page.status, 200, "{told} {list}: {}", page.body);
            }
        }
    }
}

/// Where nights have to stay empty before a stay, none can be counted back from there.
#[tokio::test]
async fn a_request_without_a_first_day_is_refused_as_it_is_explained() {
    let guest: Uuid = new_request::GUEST.parse().unwrap();
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        alter(&fixture, OPENED).await;
        fixture.patch(&house(""), &token, &json!({"stay_rules": {"turnover_days": 1}})).await.ok();
        let id = written(&fixture, "requested", guest, "-infinity", "2049-05-03").await;
        let before = fixture.snapshot().await;
        let explained = fixture.get(&path_of(id, "/explain"), &token).await;
        assert_eq!(explained.ok()["would_succeed"], false, "{layout:?}");
        let refused = fixture.approve(&token, id).await;
        assert!((400..500).contains(&refused.status), "{layout:?}: {}", refused.body);
        assert_eq!(refused.body["code"], explained.body["refusal_reason"], "{layout:?}");
        assert_eq!(fixture.snapshot().await, before, "{layout:?}");
    }
}

/// Rules that count days, as far as a column counts.
#[tokio::test]
async fn rules_of_very_many_days_are_followed() {
    let guest: Uuid = new_request::GUEST.parse().unwrap();
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let drop = "do $$ declare one record; begin \
        for one in select conname from pg_constraint where conrelid = 'properties'::regclass and contype = 'c' loop \
        execute format('alter table properties drop constraint %I', one.conname); end loop; end $$";
    alter(&fixture, drop).await;
    let beside =
        written(&fixture, "confirmed", new_request::OTHER_GUEST.parse().unwrap(), "2040-01-01", "2040-01-02")
            .await;
    for (rule, days, broken) in [
        ("lead_days", "2147483647", true),
        ("lead_days", "-2147483648", false),
        ("horizon_days", "2147483647", false),
        ("horizon_days", "-2147483648", true),
        ("turnover_days", "2147483647", true),
        ("turnover_days", "-2147483648", false),
        ("hold_hours", "2147483647", false),
    ] {
        let clear = "lead_days = null, horizon_days = null, turnover_days = null, hold_policy = 'hold', hold_hours = 24";
        let set = format!("update properties set {clear} where id = $1");
        fixture.execute(&set, &[&LAKE_HOUSE]).await;
        fixture
            .execute(&format!("update properties set {rule} = {days} where id = $1"), &[&LAKE_HOUSE])
            .await;
        let told = format!("{rule} {days}");
        let id = written(&fixture, "requested", guest, "2040-05-01", "2040-05-03").await;
        let explained = fixture.get(&path_of(id, "/explain"), &token).await;
        assert_eq!(explained.ok()["would_succeed"], !broken, "{told}: {}", explained.body);
        let calendar = fixture.get(&house("/availability?from=2040-05-01&to=2040-05-03"), &token).await;
        assert_eq!(calendar.ok()["bookable"], !broken, "{told}: {}", calendar.body);
        let created = new_request::new_request(new_request::GUEST, "2041-05-01", "2041-05-03");
        let created = fixture.post("/v1/booking-requests", &token, &created).await;
        assert_eq!(created.status, if broken { 422 } else { 201 }, "{told}: {}", created.body);
        let approved = fixture.approve(&token, id).await;
        assert_eq!(approved.status, if broken { 422 } else { 200 }, "{told}: {}", approved.body);
        if broken {
            fixture.post(&path_of(id, "/cancel"), &token, &json!({})).await.ok();
        } else {
            assert!(created.body["hold_expires_at"].is_string(), "{told}: {}", created.body);
            let made = created.body["id"].as_str().unwrap().parse().unwrap();
            for id in [id, made] {
                fixture.post(&path_of(id, "/cancel"), &token, &json!({})).await.ok();
            }
            let bookings = "update bookings set status = 'cancelled' where id <> $1";
            fixture.execute(bookings, &[&beside]).await;
            fixture
                .execute("update inventory_ranges set state = 'cancelled' where source_id <> $1", &[&beside])
                .await;
        }
    }
}
