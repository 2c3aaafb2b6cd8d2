//! Every kind of inconsistency with every choice that it offers, through the API, on
//! rows that another program has written: each is in the next list, what is chosen is
//! done, recorded and leads on.

use frontdesk::demo;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::help::inconsistent_rows::{CASES, Case, Foreign, GUEST, STRANGER, Write};
use crate::fixture::{Answer, Fixture, LAKE_HOUSE, Layout, path_of};

const LIST: &str = "/api/v1/diagnostics/inconsistencies?page_size=200";

pub async fn listed(fixture: &Fixture, token: &str, row: Uuid) -> Vec<Json> {
    let list = fixture.get(LIST, token).await;
    let all = list.ok()["inconsistencies"].as_array().unwrap().clone();
    all.into_iter().filter(|one| one["row_id"] == row.to_string()).collect()
}

pub async fn resolve(fixture: &Fixture, token: &str, row: Uuid, body: &Json) -> Answer {
    let path = format!("/api/v1/diagnostics/inconsistencies/{row}/resolve");
    fixture.post(&path, token, body).await
}

async fn recorded(fixture: &Fixture, choice: &str) -> i64 {
    let events = "select count(*) from booking_events \
        where action = 'inconsistency_resolved' and evidence = $1 and actor is not null and property_id is not null";
    fixture.count(events, &[&choice]).await
}

/// Every choice of every kind, each on rows of its own.
async fn walk(layout: Layout) {
    let fixture = Fixture::start_in(layout).await;
    let token = fixture.manager().await;
    let foreign = Foreign::in_open_tables(&fixture).await;
    let mut day = 200;
    for Case { name, kind, choices, write, held_by } in CASES {
        if !held_by.contains(&layout) {
            continue;
        }
        for choice in choices {
            day += 10;
            let said = format!("{layout:?}: {name}: {choice}");
            let row = foreign.write(write, day).await;
            let found = listed(&fixture, &token, row).await;
            assert_eq!(found.len(), 1, "{said}: {found:?}");
            assert_eq!((&found[0]["kind"], &found[0]["choices"]), (&json!(kind), &json!(choices)), "{said}");
            assert!(found[0]["remedy"].as_str().unwrap().contains(choice), "{said}");

            if fixture.get(&path_of(row, ""), &token).await.status == 200 {
                let explained = fixture.get(&path_of(row, "/explain"), &token).await;
                assert_eq!(explained.ok()["inconsistencies"], json!(found), "{said}");
            }
            let before = fixture.snapshot().await;
            for other in ["clear_mark", "clear_link", "link_booking", "confirm", "restore_range", "reopen"] {
                if choices.contains(&other) || is_so_already(write, other) {
                    continue;
                }
                let refused = resolve(&fixture, &token, row, &json!({"choice": other})).await;
                refused.refused(409, "CHOICE_NOT_OFFERED");
                assert_eq!(refused.body["metadata"]["choices"], choices.join(","), "{said}: {other}");
            }
            let stale = resolve(&fixture, &token, row, &json!({"choice": choice, "etag": "77"})).await;
            stale.refused(409, "ETAG_MISMATCH");
            assert_eq!(fixture.snapshot().await, before, "{said}");

            let events = recorded(&fixture, choice).await;
            let body = json!({"choice": choice, "etag": found[0]["etag"]});
            let resolved = resolve(&fixture, &token, row, &body).await;
            assert_eq!(resolved.ok()["resolved"], true, "{said}");
            assert_eq!(
                (&resolved.body["kind"], &resolved.body["choice"]),
                (&json!(kind), &json!(choice)),
                "{said}"
            );
            assert_eq!(recorded(&fixture, choice).await, events + 1, "{said}");

            let left = listed(&fixture, &token, row).await;
            for one in &left {
                assert_ne!(one["kind"], kind, "{said}: {one}");
                assert_ne!(one["choices"], json!([]), "{said}: {one}");
            }
            let before = fixture.snapshot().await;
            let again = resolve(&fixture, &token, row, &json!({"choice": choice})).await;
            assert_eq!(again.ok()["resolved"], false, "{said}");
            assert_eq!(fixture.snapshot().await, before, "{said}");
        }
    }
}

/// Whether a choice that is not offered would leave the row as it is.
fn is_so_already(write: Write, choice: &str) -> bool {
    let open = matches!(write, Write::Ranged | Write::BesideOwnBooking | Write::NoMessage);
    open && matches!(choice, "clear_mark" | "clear_link" | "reopen")
}

#[tokio::test]
async fn every_choice_of_every_kind_does_what_it_says_in_the_standard_layout() {
    Box::pin(walk(Layout::Standard)).await;
}

#[tokio::test]
async fn every_choice_of_every_kind_does_what_it_says_in_the_confirmed_only_layout() {
    Box::pin(walk(Layout::ConfirmedOnly)).await;
}

#[tokio::test]
async fn every_choice_of_every_kind_does_what_it_says_in_the_literal_layout() {
    Box::pin(walk(Layout::Literal)).await;
}

#[tokio::test]
async fn a_choice_is_made_once_however_often_the_call_comes() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let foreign = Foreign { fixture: &fixture };
    let row = foreign.write(Write::Marked, 300).await;
    let path = format!("/api/v1/diagnostics/inconsistencies/{row}/resolve");
    let body = json!({"choice": "confirm", "internal_note": "the guest has paid"});
    let first = fixture.post_with(&path, &token, ("idempotency-key", "k1"), &body).await;
    assert_eq!(first.ok()["resolved"], true);
    let again = fixture.post_with(&path, &token, ("idempotency-key", "k1"), &body).await;
    assert_eq!(again.ok(), first.ok());
    assert_eq!(recorded(&fixture, "confirm").await, 1);
    let request = fixture.get(&format!("/api/v1/booking-requests/{row}"), &token).await;
    assert_eq!(
        (&request.ok()["status"], &request.body["stored_status"]),
        (&json!("confirmed"), &json!("confirmed"))
    );
    assert_eq!(request.body["approved_booking_id"], first.body["booking_id"]);
    assert!(request.body["internal_note"].as_str().unwrap().contains("the guest has paid"));
    let history = fixture.get(&format!("/api/v1/booking-requests/{row}/history"), &token).await;
    let last =
        history.ok()["events"].as_array().unwrap().iter().find(|one| one["kind"] == "inconsistency_resolved");
    assert_eq!(last.unwrap()["choice"], "confirm");
}

#[tokio::test]
async fn rows_of_other_tenants_and_of_nobody_are_not_found() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let theirs = fixture.open_request(demo::OTHER_TENANT, GUEST, 300, 303).await;
    fixture.execute("update booking_requests set confirmed_at = now() where id = $1", &[&theirs]).await;
    let before = fixture.snapshot().await;
    for row in [theirs, Uuid::now_v7()] {
        let answer = resolve(&fixture, &token, row, &json!({"choice": "clear_mark"})).await;
        answer.refused(404, "INCONSISTENCY_NOT_FOUND");
    }
    assert!(listed(&fixture, &token, theirs).await.is_empty());
    assert_eq!(fixture.snapshot().await, before);
}

/// What no trigger has noted, and what was there before the triggers, is found by the
/// check in the background; here it rests for 10 s at most and has little to do.
#[tokio::test]
async fn the_check_finds_what_was_written_past_the_triggers() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let foreign = Foreign::in_open_tables(&fixture).await;
        fixture.sql.batch_execute("set session_replication_role = replica").await.unwrap();
        let mut rows = Vec::new();
        for (number, Case { name, kind, write, held_by, .. }) in CASES.iter().enumerate() {
            if held_by.contains(&layout) {
                let day = 200 + 10 * i32::try_from(number).unwrap();
                rows.push((name, *kind, foreign.write(*write, day).await));
            }
        }
        let noted = "select count(*) from inconsistency_suspects where written_row = any ($1)";
        let ids: Vec<String> = rows.iter().map(|(_, _, row)| row.to_string()).collect();
        assert_eq!(fixture.count(noted, &[&ids]).await, 0);
        let mut missing = rows.clone();
        for _ in 0..150 {
            let list = fixture.get(LIST, &token).await;
            let found = list.ok()["inconsistencies"].as_array().unwrap().clone();
            missing.retain(|(_, kind, row)| {
                !found.iter().any(|one| one["row_id"] == row.to_string() && one["kind"] == *kind)
            });
            if missing.is_empty() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        assert!(missing.is_empty(), "{layout:?}: {missing:?}");
    }
}

/// A transaction that writes very many rows notes its tenant once; its rows are found
/// by a check that begins again.
#[tokio::test]
async fn a_program_that_writes_very_many_rows_notes_a_thousand() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    fixture
        .execute(
            "insert into booking_requests (tenant_id, id, property_id, guest_id, check_in, check_out, status, \
             guest_count, confirmed_at, created_at, updated_at) \
             select tenant_id, gen_random_uuid(), $2, guest_id, check_in, check_out, 'requested', 1, \
             case when n = 2500 then now() end, now(), now() \
             from booking_requests, generate_series(1, 2500) as n where id = $1",
            &[&crate::fixture::case("REQUESTED"), &LAKE_HOUSE],
        )
        .await;
    let mut marked = String::new();
    for _ in 0..150 {
        let list = fixture.get(LIST, &token).await;
        let found = list.ok()["inconsistencies"].as_array().unwrap().clone();
        let ours = found
            .iter()
            .filter(|one| one["kind"] == "confirmed_at_set")
            .find(|one| one["booking_request_id"] != crate::fixture::case("CONFIRMED_AT_SET").to_string());
        if let Some(one) = ours {
            one["row_id"].as_str().unwrap().clone_into(&mut marked);
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(!marked.is_empty());
}

/// What is kept is only where to look: a page shows rows as they are.
#[tokio::test]
async fn what_is_gone_is_not_shown_and_pages_show_each_row_once() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let foreign = Foreign { fixture: &fixture };
    let mut rows = Vec::new();
    for number in 0..40 {
        rows.push(foreign.write(Write::Marked, 300 + 10 * number).await);
    }
    let kept = "select count(*) from inconsistencies where row_id = any ($1)";
    fixture.until(kept, &[&rows], 40).await;
    // Past the triggers: every second mark goes, and one more row comes by the trigger.
    fixture.sql.batch_execute("set session_replication_role = replica").await.unwrap();
    let gone: Vec<Uuid> = rows.iter().copied().step_by(2).collect();
    fixture.execute("update booking_requests set confirmed_at = null where id = any ($1)", &[&gone]).await;
    fixture.sql.batch_execute("set session_replication_role = origin").await.unwrap();
    rows.push(foreign.write(Write::Marked, 800).await);
    let pages = fixture.pages(&token, "/api/v1/diagnostics/inconsistencies?page_size=7").await;
    assert!(pages.iter().all(|page| page["inconsistencies"].as_array().unwrap().len() <= 7));
    let shown = crate::pages::rows(&pages, "inconsistencies");
    let mut ours: Vec<&str> = shown.iter().map(|one| one["row_id"].as_str().unwrap()).collect();
    let whole = fixture.get(LIST, &token).await;
    assert_eq!(ours.len(), whole.ok()["inconsistencies"].as_array().unwrap().len());
    ours.retain(|row| rows.iter().any(|id| id.to_string() == *row));
    let expected: Vec<String> =
        rows.iter().filter(|row| !gone.contains(row)).map(ToString::to_string).collect();
    let mut sorted = expected.clone();
    sorted.sort();
    assert_eq!(ours, sorted);
}

/// The calendar has every night for which an approve is refused: those of a range that its
/// booking has given up, too.
#[tokio::test]
async fn the_calendar_has_the_nights_that_a_shortened_booking_left_to_its_range() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let foreign = Foreign::in_open_tables(&fixture).await;
        let range = foreign.write(Write::Shortened, 300).await;
        let id = fixture.open_request(demo::TENANT, STRANGER, 304, 306).await;
        let before = fixture.snapshot().await;
        fixture.approve(&token, id).await.refused(409, "BOOKING_OVERLAP");
        let days =
            "select (current_date + 303)::text, (current_date + 307)::text, (current_date + 306)::text";
        let days = fixture.sql.query_one(days, &[]).await.unwrap();
        let (from, to, free): (String, String, String) = (days.get(0), days.get(1), days.get(2));
        // From its last night on, so that the booking is in the window, too.
        let calendar = format!("/v1/properties/{LAKE_HOUSE}/availability?from={from}&to={to}");
        let shown = fixture.get(&calendar, &token).await;
        assert_eq!(shown.ok()["free_nights"], json!([free]), "{layout:?}");
        assert_eq!(fixture.snapshot().await, before, "{layout:?}");

        let body = json!({"choice": "fit_range"});
        assert_eq!(resolve(&fixture, &token, range, &body).await.ok()["resolved"], true, "{layout:?}");
        let shown = fixture.get(&calendar, &token).await;
        assert_eq!(shown.ok()["free_nights"].as_array().unwrap().len(), 3, "{layout:?}");
        fixture.approve(&token, id).await.ok();
    }
}
