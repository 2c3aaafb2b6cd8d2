//! How inconsistencies are found that nobody notes in the database row by row: those that
//! come of our own changes are in the next list, several servers share the check, and
//! neither tenants with many rows nor programs that write very much keep it from its end.

use frontdesk::demo;
use identity::Policy;
use serde_json::json;
use uuid::Uuid;

use super::help::foreign::{Foreign, GUEST, STRANGER, link};
use super::inconsistencies::listed;
use crate::fixture::{Fixture, HARBOUR_LOFT, LAKE_HOUSE, Layout, system};
use crate::pages::rows;

/// Rows of other programs, written past the triggers that note them.
async fn unnoticed(fixture: &Fixture) {
    fixture.sql.batch_execute("set session_replication_role = replica").await.unwrap();
}

async fn day(fixture: &Fixture, offset: i32) -> String {
    let row = fixture.sql.query_one("select (current_date + $1::integer)::text", &[&offset]).await.unwrap();
    row.get(0)
}

async fn kinds(fixture: &Fixture, token: &str, row: Uuid) -> Vec<String> {
    let found = listed(fixture, token, row).await;
    found.iter().map(|one| one["kind"].as_str().unwrap().to_owned()).collect()
}

/// A request whose guest has a booking for a part of its nights: the first three of six.
/// What another program has linked to it is confirmed by its approve, where it is no booking.
async fn partly_covered(fixture: &Fixture, token: &str, from: i32, linked: bool) -> Uuid {
    let booking = Foreign::sold(GUEST, from, from + 3).store(fixture).await.unwrap();
    let id = fixture.open_request(demo::TENANT, GUEST, from, from + 6).await;
    if linked {
        link(fixture, id, booking).await;
    }
    let healed = fixture.approve(token, id).await.ok().clone();
    assert_eq!(healed["coverage"], "partial");
    assert_eq!(kinds(fixture, token, id).await, [""; 0], "the rest is free");
    id
}

#[tokio::test]
async fn what_our_own_changes_contradict_is_in_the_next_list() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        unnoticed(&fixture).await;

        // The guest asked twice for the same nights, and gets them once.
        let once = fixture.open_request(demo::TENANT, GUEST, 300, 303).await;
        let twice = fixture.open_request(demo::TENANT, GUEST, 300, 303).await;
        fixture.approve(&token, once).await.ok();
        assert_eq!(kinds(&fixture, &token, twice).await, ["related_booking_confirmed"], "{layout:?}");
        assert_eq!(kinds(&fixture, &token, once).await, [""; 0], "{layout:?}");

        // Somebody else gets the nights that the guest's booking leaves open, by an
        // approve, as staff's booking, or they are blocked.
        let by_approve = partly_covered(&fixture, &token, 320, false).await;
        let stranger = fixture.open_request(demo::TENANT, STRANGER, 323, 326).await;
        fixture.approve(&token, stranger).await.ok();
        assert_eq!(kinds(&fixture, &token, by_approve).await, ["partly_covered"], "{layout:?}");
        let linked = partly_covered(&fixture, &token, 380, true).await;
        let stranger = fixture.open_request(demo::TENANT, STRANGER, 383, 386).await;
        fixture.approve(&token, stranger).await.ok();
        assert_eq!(kinds(&fixture, &token, linked).await, ["partly_covered"], "{layout:?}");
        let by_staff = partly_covered(&fixture, &token, 340, false).await;
        let (from, to) = (day(&fixture, 344).await, day(&fixture, 346).await);
        let sold = json!({"property_id": LAKE_HOUSE, "check_in": from, "check_out": to, "source": "staff"});
        fixture.post("/v1/bookings", &token, &sold).await.ok();
        assert_eq!(kinds(&fixture, &token, by_staff).await, ["partly_covered"], "{layout:?}");
        let by_block = partly_covered(&fixture, &token, 360, false).await;
        let blocks = format!("/v1/properties/{LAKE_HOUSE}/blocks");
        let nights = json!({"start_date": day(&fixture, 364).await, "end_date": day(&fixture, 366).await});
        fixture.post(&blocks, &token, &nights).await.ok();
        assert_eq!(kinds(&fixture, &token, by_block).await, ["partly_covered"], "{layout:?}");

        // The booking that fulfils a request of other nights is no stay any more: the
        // request waits again, and nothing contradicts it.
        let booking = Foreign::sold(GUEST, -1, 2).store(&fixture).await.unwrap();
        let id = fixture.open_request(demo::TENANT, GUEST, 1, 4).await;
        fixture.approve(&token, id).await.ok();
        fixture.post(&format!("/v1/bookings/{booking}/no-show"), &token, &json!({})).await.ok();
        assert_eq!(kinds(&fixture, &token, id).await, [""; 0], "{layout:?}");

        // What was seen here is kept for the other servers, too.
        let kept = "select count(distinct row_id) from inconsistencies where row_id = any ($1)";
        let rows = vec![twice, by_approve, linked, by_staff, by_block];
        for _ in 0..150 {
            if fixture.count(kept, &[&rows]).await == 5 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        assert_eq!(fixture.count(kept, &[&rows]).await, 5, "{layout:?}");
    }
}

async fn until_kept(fixture: &Fixture, rows: i64) {
    let kept = "select count(*) from inconsistencies i join booking_requests r on r.id = i.row_id \
        where r.message = 'twin' and i.kind_number = 1";
    let mut last = -1;
    for _ in 0..300 {
        last = fixture.count(kept, &[]).await;
        if last == rows {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("{last} of {rows} are kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_check_a_database_together_and_one_goes_on_alone() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let second = system(&fixture.database.url, Policy::default()).await;
    unnoticed(&fixture).await;
    // More than a step of the check walks over.
    let write = "insert into booking_requests (tenant_id, id, property_id, guest_id, check_in, check_out, status, \
        guest_count, message, confirmed_at, created_at, updated_at) \
        select tenant_id, gen_random_uuid(), $1, guest_id, current_date + 400 + n, current_date + 401 + n, \
        'requested', 1, 'twin', now(), now(), now() \
        from booking_requests, generate_series(1, 1300) as n where id = $2";
    fixture.execute(write, &[&LAKE_HOUSE, &crate::fixture::case("REQUESTED")]).await;
    until_kept(&fixture, 1300).await;
    // While one of them stops, every second row is put right past everybody.
    let right = "update booking_requests set confirmed_at = null where message = 'twin' \
        and (check_in - current_date) % 2 = 0";
    assert_eq!(fixture.execute(right, &[]).await, 650);
    second.stop().await.unwrap();
    until_kept(&fixture, 650).await;
    let pages = fixture.pages(&token, "/api/v1/diagnostics/inconsistencies?page_size=200").await;
    let shown = rows(&pages, "inconsistencies").into_iter().filter(|one| one["kind"] == "confirmed_at_set");
    assert_eq!(shown.count(), 651, "with that of the demo");
}

/// Stores a range that belongs to nothing, and returns its row.
async fn stray(fixture: &Fixture, tenant: Uuid, property: Uuid) -> Uuid {
    let id = Uuid::now_v7();
    let insert = "insert into inventory_ranges (tenant_id, id, property_id, kind, source_id, start_date, end_date, \
        state, created_at) values ($1, $2, $3, 'booking', gen_random_uuid(), current_date + 900, \
        current_date + 901, 'active', now())";
    fixture.execute(insert, &[&tenant, &id, &property]).await;
    id
}

/// A server whose clock was a day ahead has ended a check; nobody waits for that day.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_ahead_does_not_stop_the_check() {
    let fixture = Fixture::start().await;
    unnoticed(&fixture).await;
    let checked =
        "select count(*) from inconsistency_checks where tenant_id = $1 and finished_at is not null";
    for _ in 0..300 {
        if fixture.count(checked, &[&demo::TENANT]).await == 1 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let ahead = "update inconsistency_checks set finished_at = now() + interval '1 day', phase = 0 \
        where tenant_id = $1 and finished_at is not null";
    assert_eq!(fixture.execute(ahead, &[&demo::TENANT]).await, 1);
    let ours = stray(&fixture, demo::TENANT, LAKE_HOUSE).await;
    until_found(&fixture, ours, None).await;
}

/// Of one tenant very much is noted, and the next one's row is judged before that ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_is_written_without_a_pause_keeps_no_other_waiting() {
    let fixture = Fixture::start().await;
    assert!(demo::TENANT < demo::OTHER_TENANT);
    let noted = "insert into inconsistency_suspects (tenant_id, written_row) \
        select $1, gen_random_uuid()::text from generate_series(1, 400000)";
    fixture.execute(noted, &[&demo::TENANT]).await;
    let theirs = stray(&fixture, demo::OTHER_TENANT, HARBOUR_LOFT).await;
    let note = "insert into inconsistency_suspects (tenant_id, written_row) values ($1, $2::uuid::text)";
    fixture.execute(note, &[&demo::OTHER_TENANT, &theirs]).await;
    let left = "select count(*) from inconsistency_suspects where tenant_id = $1";
    let mut waiting = 1;
    for _ in 0..300 {
        waiting = fixture.count(left, &[&demo::OTHER_TENANT]).await;
        if waiting == 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(waiting, 0, "the other tenant's rows are judged");
    assert!(fixture.count(left, &[&demo::TENANT]).await > 0, "before those of the busy one");
    until_found(&fixture, theirs, None).await;
}

/// Waits until a row is kept as inconsistent; `meanwhile` is done over and over.
async fn until_found(fixture: &Fixture, row: Uuid, meanwhile: Option<&str>) {
    for _ in 0..600 {
        if fixture.count("select count(*) from inconsistencies where row_id = $1", &[&row]).await == 1 {
            return;
        }
        if let Some(statement) = meanwhile {
            fixture.sql.batch_execute(statement).await.unwrap();
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the check has not come to the row");
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_many_rows_nor_programs_that_write_very_many_keep_the_check_from_its_end() {
    let fixture = Fixture::start().await;
    unnoticed(&fixture).await;
    // More than a few turns walk through.
    let write = "insert into booking_requests (tenant_id, id, property_id, guest_id, check_in, check_out, status, \
        guest_count, created_at, updated_at) \
        select tenant_id, gen_random_uuid(), $1, guest_id, current_date + 400 + n % 300, current_date + 401 + n % 300, \
        'requested', 1, now(), now() \
        from booking_requests, generate_series(1, 20000) as n where id = $2";
    fixture.execute(write, &[&LAKE_HOUSE, &crate::fixture::case("REQUESTED")]).await;
    let bulk = format!(
        "insert into inconsistency_suspects (tenant_id, written_row) values ('{}', null)",
        demo::TENANT
    );
    fixture.sql.batch_execute(&bulk).await.unwrap();
    let theirs = stray(&fixture, demo::OTHER_TENANT, HARBOUR_LOFT).await;
    let ours = stray(&fixture, demo::TENANT, LAKE_HOUSE).await;
    until_found(&fixture, theirs, Some(&bulk)).await;
    until_found(&fixture, ours, Some(&bulk)).await;
}

/// Another program may be let past row-level security and say that none may be applied. The
/// owner of the tables is not.
#[tokio::test]
async fn what_is_written_past_row_level_security_is_stored_and_noted() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let booking = Foreign::sold(GUEST, 300, 303).store(&fixture).await.unwrap();
    let [owner, writer] = ["owns_notes", "writes_past"].map(|role| format!("{role}_{}", std::process::id()));
    let roles = format!(
        "create role {owner}; create role {writer} bypassrls; \
         alter table inconsistency_suspects owner to {owner}; \
         alter function note_inconsistency_suspect() owner to {owner}; \
         grant usage on schema public to {owner}, {writer}; \
         grant select, update on inventory_ranges to {writer}; set role {writer}; set row_security = off"
    );
    fixture.sql.batch_execute(&roles).await.unwrap();
    let release = "update inventory_ranges set state = 'cancelled' where source_id = $1";
    assert_eq!(fixture.execute(release, &[&booking]).await, 1);
    let gone = format!(
        "reset role; reset row_security; reassign owned by {owner} to frontdesk; drop owned by {owner}, {writer}; \
         drop role {owner}, {writer}"
    );
    fixture.sql.batch_execute(&gone).await.unwrap();
    assert_eq!(kinds(&fixture, &token, booking).await, ["booking_without_range"]);
}
