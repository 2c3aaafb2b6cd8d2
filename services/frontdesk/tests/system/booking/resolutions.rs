//! What a choice does beside the row that it is made for, and rows that offer several
//! things: what is listed, explained, refused and done is the same.

use frontdesk::demo;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::help::foreign;
use super::help::inconsistent_rows::{Foreign, GUEST, STRANGER, Write};
use super::inconsistencies::{listed, resolve};
use crate::fixture::{Answer, Fixture, LAKE_HOUSE, Layout, path_of};

/// What is offered for a row, by kind.
fn offered(found: &[Json]) -> Vec<(&str, Vec<&str>)> {
    let choices = |one: &Json| one["choices"].as_array().unwrap().len();
    let choice = |of: usize, at: usize| found[of]["choices"][at].as_str().unwrap();
    (0..found.len())
        .map(|of| {
            let names = (0..choices(&found[of])).map(|at| choice(of, at)).collect();
            (found[of]["kind"].as_str().unwrap(), names)
        })
        .collect()
}

async fn choose(fixture: &Fixture, token: &str, row: Uuid, choice: &str) -> Answer {
    resolve(fixture, token, row, &json!({"choice": choice})).await
}

async fn status_of(fixture: &Fixture, table: &str, row: Uuid) -> String {
    let status = format!("select status::text from {table} where id = $1");
    fixture.sql.query_one(&status, &[&row]).await.unwrap().get(0)
}

/// What the single table's rows of other programs usually lack.
#[tokio::test]
async fn a_row_that_lacks_a_text_is_judged_by_the_rest() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let foreign = Foreign::in_open_tables(&fixture).await;
        let row = foreign.write(Write::MarkedAndTaken, 300).await;
        foreign.set(layout.requests(), row, "message = null").await;
        let found = listed(&fixture, &token, row).await;
        assert_eq!(
            offered(&found),
            [("confirmed_at_taken", vec!["clear_mark", "cancel"]), ("unreadable", vec!["write_defaults"])]
        );
        let explained = fixture.get(&path_of(row, "/explain"), &token).await;
        assert_eq!(explained.ok()["inconsistencies"], json!(found), "{layout:?}");
        let refused = fixture.approve(&token, row).await;
        refused.refused(409, "BOOKING_OVERLAP");
        assert_eq!(refused.body["metadata"]["choices"], "clear_mark,cancel", "{layout:?}");
        assert_eq!(choose(&fixture, &token, row, "clear_mark").await.ok()["resolved"], true);
        let left = listed(&fixture, &token, row).await;
        assert_eq!(offered(&left), [("unreadable", vec!["write_defaults"])], "{layout:?}");
        choose(&fixture, &token, row, "write_defaults").await.ok();
        assert!(listed(&fixture, &token, row).await.is_empty());

        if layout == Layout::Standard {
            continue;
        }
        let row = foreign.write(Write::WithoutRange, 400).await;
        foreign.set("bookings", row, "message = null").await;
        let found = listed(&fixture, &token, row).await;
        assert_eq!(
            offered(&found),
            [
                ("booking_without_range", vec!["restore_range", "cancel"]),
                ("unreadable", vec!["write_defaults"])
            ]
        );
        assert_eq!(choose(&fixture, &token, row, "restore_range").await.ok()["resolved"], true);
    }
}

/// `bigint` counts further than four bytes do.
#[tokio::test]
async fn a_version_that_has_counted_far_is_readable() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let foreign = Foreign { fixture: &fixture };
    let row = fixture.open_request(demo::TENANT, GUEST, 300, 303).await;
    foreign.set("booking_requests", row, "row_version = 3000000000").await;
    assert!(listed(&fixture, &token, row).await.is_empty());
    fixture.approve(&token, row).await.ok();
    let version = "select row_version from booking_requests where id = $1";
    assert_eq!(fixture.count(version, &[&row]).await, 3_000_000_001);
}

/// A word that only requests have, on a booking: it takes nothing down but itself.
#[tokio::test]
async fn a_booking_that_has_run_out_takes_no_list_down() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let foreign = Foreign::in_open_tables(&fixture).await;
        let row = foreign.sold(GUEST, 300, 303).await;
        foreign.set("bookings", row, "status = 'expired'").await;
        let marked = foreign.write(Write::Marked, 400).await;
        assert_eq!(listed(&fixture, &token, marked).await.len(), 1, "{layout:?}");
        // Of a single table that lets it go the row is a request that has run out.
        let found = listed(&fixture, &token, row).await;
        assert_eq!(found.is_empty(), layout == Layout::ConfirmedOnly, "{layout:?} {found:?}");
        if !found.is_empty() {
            choose(&fixture, &token, row, "cancel").await.ok();
            assert_eq!(status_of(&fixture, "bookings", row).await, "cancelled");
            let next = fixture.open_request(demo::TENANT, STRANGER, 300, 303).await;
            fixture.approve(&token, next).await.ok();
        }
    }
}

/// A booking that another program has shortened: its range is named and fitted, and
/// the nights can be sold.
#[tokio::test]
async fn a_range_that_its_booking_has_left_is_fitted_to_it() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let foreign = Foreign::in_open_tables(&fixture).await;
        let booking = foreign.sold(GUEST, 300, 304).await;
        foreign.set("bookings", booking, "check_out = check_out - 2").await;
        let request = fixture.open_request(demo::TENANT, STRANGER, 302, 304).await;
        let refused = fixture.approve(&token, request).await;
        refused.refused(409, "BOOKING_OVERLAP");
        let explained = fixture.get(&path_of(request, "/explain"), &token).await;
        let range: Uuid = explained.ok()["conflicts"][0]["id"].as_str().unwrap().parse().unwrap();
        let found = listed(&fixture, &token, range).await;
        assert_eq!(offered(&found), [("range_misplaced", vec!["fit_range", "release_range"])], "{layout:?}");
        assert_eq!(found[0]["booking_id"], booking.to_string());
        choose(&fixture, &token, range, "fit_range").await.ok();
        assert!(listed(&fixture, &token, range).await.is_empty());
        assert!(listed(&fixture, &token, booking).await.is_empty());
        fixture.approve(&token, request).await.ok();
    }
}

/// A range for each night is as good as one for all; the one that is missing is restored.
#[tokio::test]
async fn a_booking_may_have_a_range_for_each_night() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let foreign = Foreign::in_open_tables(&fixture).await;
    let booking = foreign.booking("confirmed", GUEST, 300, 303).await;
    for night in 300..302 {
        foreign.range(booking, night, night + 1).await;
    }
    let found = listed(&fixture, &token, booking).await;
    assert_eq!(offered(&found), [("booking_without_range", vec!["restore_range", "cancel"])]);
    foreign.range(booking, 302, 303).await;
    assert!(listed(&fixture, &token, booking).await.is_empty());
}

/// Product calls only: nothing contradicts anything.
#[tokio::test]
async fn who_left_early_leaves_nothing_to_put_right() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let request = fixture.open_request(demo::TENANT, GUEST, 0, 5).await;
    let approved = fixture.approve(&token, request).await;
    let booking = format!("/v1/bookings/{}", approved.ok()["booking_id"].as_str().unwrap());
    for step in ["check-in", "check-out"] {
        fixture.post(&format!("{booking}/{step}"), &token, &json!({})).await.ok();
    }
    let next = fixture.open_request(demo::TENANT, STRANGER, 1, 5).await;
    fixture.approve(&token, next).await.ok();
    let explained = fixture.get(&path_of(request, "/explain"), &token).await;
    assert_eq!(explained.ok()["inconsistencies"], json!([]));
}

/// A confirmed request whose link another program has changed, with each status of the
/// booking that was made for it: what is offered is done.
#[tokio::test]
async fn what_is_offered_is_done_whatever_became_of_the_requests_own_booking() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let foreign = Foreign::in_open_tables(&fixture).await;
    let mut day = 300;
    let mut done = 0;
    for own in ["confirmed", "checked_in", "checked_out", "no_show", "cancelled"] {
        for of_stranger in [true, false] {
            let mut choices = vec![String::new()];
            let mut at = 0;
            while at < choices.len() {
                day += 10;
                let said = format!("own {own}, linked to a stranger {of_stranger}: {}", choices[at]);
                let other = foreign.sold(STRANGER, day + 5, day + 8).await;
                let linked = if of_stranger { other } else { Uuid::now_v7() };
                let request = fixture.open_request(demo::TENANT, GUEST, day, day + 3).await;
                let booking = foreign.booking(own, GUEST, day, day + 3).await;
                foreign.set("bookings", booking, &format!("booking_request_id = '{request}'")).await;
                if own != "cancelled" && own != "no_show" {
                    foreign.range(booking, day, day + 3).await;
                }
                fixture.sql.batch_execute("set session_replication_role = replica").await.unwrap();
                let confirmed =
                    format!("status = 'confirmed', confirmed_at = now(), approved_booking_id = '{linked}'");
                foreign.set("booking_requests", request, &confirmed).await;
                fixture.sql.batch_execute("set session_replication_role = origin").await.unwrap();
                foreign.set("booking_requests", request, "row_version = row_version + 1").await;
                let found = listed(&fixture, &token, request).await;
                assert_eq!(found.len(), 1, "{said}");
                let (_, offered) = offered(&found).remove(0);
                let sent_away = matches!(own, "confirmed" | "cancelled");
                assert_eq!(offered.contains(&"cancel"), sent_away, "{said}: {offered:?}");
                if choices[at].is_empty() {
                    choices = offered.into_iter().map(str::to_owned).collect();
                    continue;
                }
                let resolved = choose(&fixture, &token, request, &choices[at]).await;
                assert_eq!(resolved.status, 200, "{said}: {}", resolved.body);
                (at, done) = (at + 1, done + 1);
            }
        }
    }
    assert!(done >= 20, "{done}");
}

/// What is sold again is held against the rules of the property; that is recorded.
#[tokio::test]
async fn a_new_booking_for_a_lost_one_keeps_to_the_rules() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let foreign = Foreign::in_open_tables(&fixture).await;
        let row = foreign.write(Write::BookingLost, 300).await;
        foreign.set(layout.requests(), row, "guest_count = 100").await;
        let found = listed(&fixture, &token, row).await;
        assert_eq!(
            offered(&found),
            [("confirmed_without_booking", vec!["confirm", "clear_link", "cancel"])],
            "{layout:?}"
        );
        let before = fixture.snapshot().await;
        let refused = choose(&fixture, &token, row, "confirm").await;
        refused.refused(422, "TOO_MANY_GUESTS");
        assert_eq!(refused.body["metadata"]["max_guests"], "4");
        assert!(refused.body["detail"].as_str().unwrap().contains("override_rules"), "{}", refused.body);
        assert_eq!(fixture.snapshot().await, before, "{layout:?}");
        let aside = json!({"choice": "confirm", "override_rules": true});
        resolve(&fixture, &token, row, &aside).await.ok();
        let history = fixture.get(&path_of(row, "/history"), &token).await;
        let events = history.ok()["events"].as_array().unwrap().clone();
        let approved = events.iter().find(|one| one["kind"] == "approved").unwrap();
        assert_eq!(approved["overridden_rules"], json!(["max_guests"]), "{layout:?}");
        // A mark says that the nights were sold: what was decided is not decided again.
        let marked = foreign.write(Write::Marked, 400).await;
        foreign.set(layout.requests(), marked, "guest_count = 100").await;
        choose(&fixture, &token, marked, "confirm").await.ok();
    }
}

/// A request that cannot be shown is cancelled with what hangs on it.
#[tokio::test]
async fn a_request_that_cannot_be_shown_is_cancelled_with_its_booking_and_its_hold() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let foreign = Foreign::in_open_tables(&fixture).await;
    let request = fixture.open_request(demo::TENANT, GUEST, 300, 303).await;
    let booking = fixture.approved(&token, request).await;
    let held = fixture.open_request(demo::TENANT, GUEST, 310, 313).await;
    let holding = foreign.booking("requested", GUEST, 310, 313).await;
    foreign.range(holding, 310, 313).await;
    let holds = format!("held_booking_id = '{holding}', hold_expires_at = now() + interval '1 day'");
    foreign.set("booking_requests", held, &holds).await;
    for row in [request, held] {
        foreign.set("booking_requests", row, "status = 'on_hold'").await;
        let note = json!({"choice": "cancel", "internal_note": "nobody knows"});
        assert_eq!(resolve(&fixture, &token, row, &note).await.ok()["resolved"], true);
        let read = fixture.get(&path_of(row, ""), &token).await;
        assert_eq!(read.ok()["status"], "cancelled");
        assert_eq!(
            (&read.body["approved_booking_id"], &read.body["hold_expires_at"]),
            (&json!(""), &Json::Null)
        );
        assert!(read.body["internal_note"].as_str().unwrap().ends_with("nobody knows"), "{}", read.body);
        let history = fixture.get(&path_of(row, "/history"), &token).await;
        let events = history.ok()["events"].as_array().unwrap().clone();
        assert!(events.iter().any(|one| one["kind"] == "cancelled"), "{events:?}");
    }
    for booking in [booking, holding] {
        assert_eq!(status_of(&fixture, "bookings", booking).await, "cancelled");
        let active = "select count(*) from inventory_ranges where source_id = $1 and state = 'active'";
        assert_eq!(fixture.count(active, &[&booking]).await, 0);
    }
    let told = "select count(*) from booking_events where booking_id = $1 and action = 'booking_cancelled'";
    assert_eq!(fixture.count(told, &[&booking]).await, 1);
}

/// A booking that cannot be shown is cancelled with the requests that are confirmed by it.
#[tokio::test]
async fn a_booking_that_cannot_be_shown_is_cancelled_with_its_request() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let foreign = Foreign::in_open_tables(&fixture).await;
    let request = fixture.open_request(demo::TENANT, GUEST, 300, 303).await;
    let booking = fixture.approved(&token, request).await;
    foreign.set("bookings", booking, "status = 'optional'").await;
    choose(&fixture, &token, booking, "cancel").await.ok();
    assert_eq!(status_of(&fixture, "bookings", booking).await, "cancelled");
    assert_eq!(status_of(&fixture, "booking_requests", request).await, "cancelled");
    for row in [request, booking] {
        assert!(listed(&fixture, &token, row).await.is_empty());
    }
    let told = "select count(*) from booking_events where booking_id = $1 and action = any ($2)";
    let kinds = ["cancelled", "booking_cancelled", "inconsistency_resolved"];
    assert_eq!(fixture.count(told, &[&booking, &&kinds[..]]).await, 3);
}

/// What another program wrote last may be ahead of our clock, and a row that no other call
/// sees is none that they lock.
#[tokio::test]
async fn a_resolution_is_told_later_than_all_that_it_did() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let foreign = Foreign::in_open_tables(&fixture).await;
        let unknown = foreign.write(Write::UnknownWord, 300).await;
        let deleted = foreign.write(Write::Deleted, 320).await;
        let beside = foreign.write(Write::Linked, 340).await;
        let linked = format!("select approved_booking_id from {} where id = $1", layout.requests());
        let unread: Uuid = fixture.sql.query_one(&linked, &[&beside]).await.unwrap().get(0);
        foreign.set(layout.requests(), beside, "updated_at = now() + interval '2 hours'").await;
        foreign.set("bookings", unread, "deleted_at = now()").await;
        for row in [unknown, deleted, unread] {
            let table = if row == unknown { layout.requests() } else { "bookings" };
            foreign.set(table, row, "updated_at = now() + interval '1 hour'").await;
            choose(&fixture, &token, row, "cancel").await.ok();
            let events = "select count(*), min(at) > now() + interval '59 minutes', \
                (array_agg(action order by at, tick))[count(*)] = 'inconsistency_resolved' \
                from booking_events where booking_request_id = $1 or booking_id = $1";
            let events = fixture.sql.query_one(events, &[&row]).await.unwrap();
            let told: (i64, bool, bool) = (events.get(0), events.get(1), events.get(2));
            assert!(told.0 > 1 && told.1 && told.2, "{layout:?} {told:?}");
        }
    }
}

/// No choice frees the nights of a guest who is there: what has them is named, and once it
/// is gone the range can be restored.
#[tokio::test]
async fn a_guest_who_has_arrived_without_a_range_is_listed_while_others_have_the_nights() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let arrived =
            foreign::Foreign { status: "checked_in", ranged: false, ..foreign::Foreign::sold(1, 500, 505) };
        let booking = arrived.store(&fixture).await.unwrap();
        assert!(foreign::range(&fixture, LAKE_HOUSE, None, 502, 503).await);
        let found = listed(&fixture, &token, booking).await;
        assert_eq!(found.len(), 1, "{layout:?}: {found:?}");
        assert_eq!(
            (&found[0]["kind"], &found[0]["choices"]),
            (&json!("booking_without_range"), &json!([])),
            "{layout:?}"
        );
        assert!(found[0]["remedy"].as_str().unwrap().contains("check the guest out"), "{found:?}");
        for choice in ["restore_range", "cancel"] {
            let refused = resolve(&fixture, &token, booking, &json!({"choice": choice})).await;
            refused.refused(409, "CHOICE_NOT_OFFERED");
        }
        let end = "update inventory_ranges set state = 'cancelled' where kind = 'block'";
        assert!(fixture.execute(end, &[]).await >= 1);
        assert_eq!(listed(&fixture, &token, booking).await[0]["choices"], json!(["restore_range"]));
        resolve(&fixture, &token, booking, &json!({"choice": "restore_range"})).await.ok();
        assert_eq!(listed(&fixture, &token, booking).await, Vec::<Json>::new());
    }
}
