//! How the database stores requests and what its constraint covers: found by looking,
//! reported, and what is decided by it.

use frontdesk::demo;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::help::foreign::{Foreign, GUEST, STRANGER};
use super::inconsistencies::{listed, resolve};
use crate::alterations::alter;
use crate::fixture::{Fixture, LAKE_HOUSE, Layout, case, path_of};

/// Returns once the constraint is seen to hold this.
async fn reported(fixture: &Fixture, hold: &str) {
    for _ in 0..100 {
        if fixture.get("/v1/diagnostics/server", "").await.ok()["request_hold"] == hold {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{hold} is not reported");
}

/// Makes the constraint of another program's: it looks at a column of its own, too.
async fn flag(fixture: &Fixture) {
    alter(
        fixture,
        "alter table bookings drop constraint if exists no_double_bookings; \
             alter table bookings add column holds_inventory boolean not null default false; \
             alter table bookings add constraint no_double_bookings exclude using gist ( \
             tenant_id with =, property_id with =, daterange(check_in, check_out) with &&) \
             where (holds_inventory or status in ('confirmed', 'checked_in'))",
    )
    .await;
    reported(fixture, "flag").await;
}

#[tokio::test]
async fn the_literal_layout_answers_overlaps_when_a_request_is_stored() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let body = json!({
            "property_id": "0d000000-0000-7000-8000-000000000202",
            "guest_id": "0d000000-0000-7000-8000-000000000301",
            "check_in": "2031-07-01", "check_out": "2031-07-08",
        });
        let mut competing = body.clone();
        competing["guest_id"] = json!("0d000000-0000-7000-8000-000000000302");
        let first = fixture.post("/v1/booking-requests", &token, &body).await;
        let before = fixture.snapshot().await;
        let second = fixture.post("/v1/booking-requests", &token, &competing).await;
        if layout == Layout::Literal {
            second.refused(409, "BOOKING_OVERLAP");
            assert_eq!(second.body["conflict_type"], "booking_overlap");
            assert_eq!(fixture.snapshot().await, before);
            continue;
        }
        let (first, second) = (first.ok()["id"].as_str().unwrap(), second.ok()["id"].as_str().unwrap());
        fixture.post(&format!("/v1/booking-requests/{first}/approve"), &token, &json!({})).await.ok();
        let path = format!("/v1/booking-requests/{second}/approve");
        fixture.post(&path, &token, &json!({})).await.refused(409, "BOOKING_OVERLAP");
    }
}

#[tokio::test]
async fn the_layout_and_its_predicate_are_reported() {
    for (layout, name, hold) in [
        (Layout::Standard, "standard", "literal"),
        (Layout::Literal, "single_table", "literal"),
        (Layout::ConfirmedOnly, "single_table", "confirmed_only"),
    ] {
        let fixture = Fixture::start_in(layout).await;
        let info = fixture.get("/v1/diagnostics/server", "").await;
        assert_eq!(info.ok(), &json!({"ready": true, "problems": [], "layout": name, "request_hold": hold}));
    }
    let fixture = Fixture::start_in(Layout::ConfirmedOnly).await;
    alter(&fixture, "alter table bookings drop constraint no_double_bookings").await;
    reported(&fixture, "missing").await;
    flag(&fixture).await;
}

#[tokio::test]
async fn without_the_constraint_a_single_table_still_gets_no_double_booking_from_us() {
    let fixture = Fixture::start_in(Layout::ConfirmedOnly).await;
    let token = fixture.manager().await;
    alter(&fixture, "alter table bookings drop constraint no_double_bookings").await;
    let id = case("OVERLAP_OTHER_GUEST");
    fixture.approve(&token, id).await.refused(409, "BOOKING_OVERLAP");
}

#[tokio::test]
async fn a_layout_that_changes_under_the_service_is_found_again() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    fixture.get(&path_of(case("REQUESTED"), ""), &token).await.ok();
    Layout::ConfirmedOnly.apply(&fixture.database.url).await;
    let answer = fixture.post(&path_of(case("REQUESTED"), "/approve"), &token, &json!({})).await;
    assert_eq!(answer.ok()["message"], "Booking request approved (in-place update)");
}

/// A constraint may cover what no status tells: who has the nights by a flag is seen by
/// the explanation, the calendar and a new booking as by the approve.
#[tokio::test]
async fn who_has_nights_by_a_flag_alone_is_in_the_way_and_explained() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        flag(&fixture).await;
        let word = if layout == Layout::Standard { "cancelled" } else { "requested" };
        let flagged = Foreign { status: word, ranged: false, ..Foreign::sold(STRANGER, 303, 308) };
        let flagged = flagged.store(&fixture).await.unwrap();
        let id = fixture.open_request(demo::TENANT, GUEST, 300, 305).await;
        let hold = "update bookings set holds_inventory = $2 where id = $1";
        fixture.execute(hold, &[&flagged, &true]).await;
        // A look at the schema that began before may end after the one that was reported.
        seen(&fixture, &token, id, false).await;
        let before = fixture.snapshot().await;
        let explained = fixture.get(&path_of(id, "/explain"), &token).await;
        assert_eq!(explained.ok()["refusal_reason"], "BOOKING_OVERLAP", "{layout:?}");
        assert_eq!(explained.body["conflicts"][0]["id"], flagged.to_string(), "{layout:?}");
        assert!(explained.body["constraint"].as_str().unwrap().contains("holds_inventory"));
        let refused = fixture.approve(&token, id).await;
        refused.refused(409, "BOOKING_OVERLAP");
        assert_eq!(refused.body["message"], explained.body["message"], "{layout:?}");
        assert_eq!(fixture.snapshot().await, before, "{layout:?}");
        fixture.execute(hold, &[&flagged, &false]).await;
        let explained = fixture.get(&path_of(id, "/explain"), &token).await;
        assert_eq!(explained.ok()["would_succeed"], true, "{layout:?}");
        let approved = fixture.approve(&token, id).await;
        assert_eq!(approved.ok()["outcome"], "approved", "{layout:?}");
    }
}

/// What nothing but the constraint knows, here that stays may not touch, is answered by
/// its name and not as contention.
#[tokio::test]
async fn what_only_the_constraint_sees_is_refused_by_its_name() {
    let fixture = Fixture::start_in(Layout::ConfirmedOnly).await;
    let token = fixture.manager().await;
    alter(
        &fixture,
        "alter table bookings drop constraint no_double_bookings; \
             alter table bookings add constraint no_double_bookings exclude using gist ( \
             tenant_id with =, property_id with =, daterange(check_in, check_out, '[]') with &&) \
             where (status in ('confirmed', 'checked_in'))",
    )
    .await;
    Foreign::sold(STRANGER, 305, 308).store(&fixture).await.unwrap();
    let id = fixture.open_request(demo::TENANT, GUEST, 300, 305).await;
    let before = fixture.snapshot().await;
    shown(&fixture, &token, id, "[]").await;
    let refused = fixture.approve(&token, id).await;
    refused.refused(409, "BOOKING_OVERLAP");
    assert_eq!(refused.body["metadata"]["constraint"], "no_double_bookings");
    assert_eq!(refused.body["conflict_type"], "booking_overlap");
    assert!(refused.body["message"].as_str().unwrap().contains("no_double_bookings"));
    assert_eq!(fixture.snapshot().await, before);
}

/// A constraint may leave out who has checked in, and a row of another program has no range.
#[tokio::test]
async fn a_guest_who_is_there_is_in_the_way_of_a_constraint_without_them() {
    let fixture = Fixture::start_in(Layout::ConfirmedOnly).await;
    let token = fixture.manager().await;
    alter(
        &fixture,
        "alter table bookings drop constraint no_double_bookings; \
             alter table bookings add constraint no_double_bookings exclude using gist ( \
             tenant_id with =, property_id with =, daterange(check_in, check_out) with &&) \
             where (status = 'confirmed')",
    )
    .await;
    let there = Foreign { status: "checked_in", ranged: false, ..Foreign::sold(STRANGER, 303, 308) };
    let there = there.store(&fixture).await.unwrap();
    let id = fixture.open_request(demo::TENANT, GUEST, 300, 305).await;
    shown(&fixture, &token, id, "(status = 'confirmed'::text)").await;
    let before = fixture.snapshot().await;
    let explained = fixture.get(&path_of(id, "/explain"), &token).await;
    assert_eq!(explained.ok()["refusal_reason"], "BOOKING_OVERLAP");
    assert_eq!(explained.body["conflicts"][0]["id"], there.to_string());
    fixture.approve(&token, id).await.refused(409, "BOOKING_OVERLAP");
    assert_eq!(fixture.snapshot().await, before);
    fixture.execute("update bookings set status = 'checked_out' where id = $1", &[&there]).await;
    let approved = fixture.approve(&token, id).await;
    assert_eq!(approved.ok()["outcome"], "approved");
}

/// A row that was deleted takes its nights where the constraint covers it, and nowhere else.
#[tokio::test]
async fn what_was_deleted_is_in_the_way_if_the_constraint_says_so() {
    for predicate in [
        "status not in ('cancelled', 'declined', 'no_show') and deleted_at is null",
        "status in ('confirmed', 'checked_in') and deleted_at is null",
        "status in ('confirmed', 'checked_in')",
    ] {
        let fixture = Fixture::start_in(Layout::ConfirmedOnly).await;
        let token = fixture.manager().await;
        let constraint = format!(
            "alter table bookings drop constraint no_double_bookings; \
             alter table bookings drop constraint if exists bookings_deleted_check; \
             update bookings set status = 'cancelled' where status in ('requested', 'under_review'); \
             alter table bookings add constraint no_double_bookings exclude using gist ( \
             tenant_id with =, property_id with =, daterange(check_in, check_out) with &&) where ({predicate})"
        );
        alter(&fixture, &constraint).await;
        let hold = if predicate.contains("not in") { "literal" } else { "confirmed_only" };
        reported(&fixture, hold).await;
        let gone = Foreign { ranged: false, ..Foreign::sold(STRANGER, 303, 308) };
        let gone = gone.store(&fixture).await.unwrap();
        fixture.execute("update bookings set deleted_at = now() where id = $1", &[&gone]).await;
        let id = fixture.open_request(demo::TENANT, GUEST, 300, 305).await;
        let covers_it = !predicate.contains("deleted_at");
        seen(&fixture, &token, id, !covers_it).await;
        if covers_it {
            what_was_deleted_leads_out(&fixture, &token, id, gone).await;
        } else {
            assert!(listed(&fixture, &token, gone).await.is_empty(), "{predicate}");
        }
        let answer = fixture.approve(&token, id).await;
        assert_eq!(answer.ok()["outcome"], "approved", "{predicate}");
    }
}

/// No call for bookings knows it; it is named, listed and freed.
async fn what_was_deleted_leads_out(fixture: &Fixture, token: &str, id: Uuid, gone: Uuid) {
    let before = fixture.snapshot().await;
    let refused = fixture.approve(token, id).await;
    refused.refused(409, "BOOKING_OVERLAP");
    assert_eq!(refused.body["metadata"]["conflict_kind"], "deleted");
    assert!(refused.body["detail"].as_str().unwrap().contains("/diagnostics/inconsistencies"));
    let explained = fixture.get(&path_of(id, "/explain"), token).await;
    let conflict = &explained.ok()["conflicts"][0];
    assert_eq!((&conflict["id"], &conflict["deleted"]), (&json!(gone.to_string()), &json!(true)));
    assert_eq!(explained.body["message"], refused.body["detail"]);
    fixture.get(&format!("/v1/bookings/{gone}"), token).await.refused(404, "BOOKING_NOT_FOUND");
    let has = &occupancies(fixture, token).await[1];
    assert_eq!((&has["source_id"], &has["kind"]), (&json!(gone.to_string()), &json!("deleted")));
    assert_eq!(has["blocking"], true);
    assert_eq!(fixture.snapshot().await, before);
    let found = listed(fixture, token, gone).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((&found[0]["kind"], &found[0]["choices"]), (&json!("deleted_in_the_way"), &json!(["cancel"])));
    let body = json!({"choice": "cancel", "etag": found[0]["etag"]});
    assert_eq!(resolve(fixture, token, gone, &body).await.ok()["resolved"], true);
    assert!(listed(fixture, token, gone).await.is_empty());
}

/// Where the constraint covers a deleted row by a flag, no status frees its nights: no
/// choice says that it does, and what is told names who can.
#[tokio::test]
async fn what_was_deleted_and_is_covered_by_a_flag_is_freed_by_its_owner() {
    let fixture = Fixture::start_in(Layout::ConfirmedOnly).await;
    let token = fixture.manager().await;
    flag(&fixture).await;
    let gone = Foreign { ranged: false, ..Foreign::sold(STRANGER, 303, 308) };
    let gone = gone.store(&fixture).await.unwrap();
    let delete = "alter table bookings drop constraint if exists bookings_deleted_check";
    alter(&fixture, delete).await;
    let delete = "update bookings set deleted_at = now(), holds_inventory = true where id = $1";
    fixture.execute(delete, &[&gone]).await;
    let id = fixture.open_request(demo::TENANT, GUEST, 300, 305).await;
    seen(&fixture, &token, id, false).await;
    let found = listed(&fixture, &token, gone).await;
    assert_eq!((&found[0]["kind"], &found[0]["choices"]), (&json!("deleted_in_the_way"), &json!(["cancel"])));
    let before = fixture.snapshot().await;
    let refused = resolve(&fixture, &token, gone, &json!({"choice": "cancel"})).await;
    refused.refused(409, "CHOICE_NOT_OFFERED");
    assert_eq!(refused.body["metadata"]["choices"], "");
    assert!(refused.body["detail"].as_str().unwrap().contains("by more than its status"), "{}", refused.body);
    assert_eq!(fixture.snapshot().await, before);

    // Another program has cancelled it and left the flag.
    fixture.execute("update bookings set status = 'cancelled' where id = $1", &[&gone]).await;
    let found = listed(&fixture, &token, gone).await;
    assert_eq!((&found[0]["kind"], &found[0]["choices"]), (&json!("deleted_in_the_way"), &json!([])));
    assert!(found[0]["remedy"].as_str().unwrap().contains("by more than its status"), "{}", found[0]);
    let before = fixture.snapshot().await;
    assert_eq!(resolve(&fixture, &token, gone, &json!({"choice": "cancel"})).await.ok()["resolved"], false);
    let refused = resolve(&fixture, &token, gone, &json!({"choice": "confirm"})).await;
    refused.refused(409, "CHOICE_NOT_OFFERED");
    assert!(!refused.body["detail"].as_str().unwrap().contains("Nothing contradicts"), "{}", refused.body);
    let refused = fixture.approve(&token, id).await;
    refused.refused(409, "BOOKING_OVERLAP");
    let told = refused.body["detail"].as_str().unwrap();
    assert!(told.contains("as GET /api/v1/diagnostics/inconsistencies says of"), "{told}");
    assert_eq!(fixture.snapshot().await, before);

    fixture.execute("update bookings set holds_inventory = false where id = $1", &[&gone]).await;
    assert!(listed(&fixture, &token, gone).await.is_empty());
    let approved = fixture.approve(&token, id).await;
    assert_eq!(approved.ok()["outcome"], "approved");
}

/// A cancel writes the status, and a constraint that goes by a flag keeps the nights: the
/// booking is cancelled, and whoever wants its nights is told of it and who frees them.
#[tokio::test]
async fn what_is_cancelled_and_covered_by_a_flag_is_listed_with_who_frees_it() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        flag(&fixture).await;
        let sold = fixture.open_request(demo::TENANT, GUEST, 303, 308).await;
        let sold = fixture.post(&path_of(sold, "/approve"), &token, &json!({})).await;
        let sold: Uuid = sold.ok()["booking_id"].as_str().unwrap().parse().unwrap();
        fixture.execute("update bookings set holds_inventory = true where id = $1", &[&sold]).await;
        let id = fixture.open_request(demo::TENANT, GUEST, 300, 305).await;
        let cancelled = fixture.post(&format!("/v1/bookings/{sold}/cancel"), &token, &json!({})).await;
        assert_eq!(cancelled.ok()["status"], "cancelled", "{layout:?}");
        seen(&fixture, &token, id, false).await;

        let before = fixture.snapshot().await;
        let found = listed(&fixture, &token, sold).await;
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((&found[0]["kind"], &found[0]["choices"]), (&json!("freed_in_the_way"), &json!([])));
        assert!(found[0]["remedy"].as_str().unwrap().contains("by more than its status"), "{}", found[0]);
        let refused = fixture.post(&path_of(id, "/approve"), &token, &json!({})).await;
        refused.refused(409, "BOOKING_OVERLAP");
        assert_eq!(refused.body["metadata"]["conflict_kind"], "freed", "{layout:?}");
        let told = refused.body["detail"].as_str().unwrap();
        assert!(told.contains("as GET /api/v1/diagnostics/inconsistencies says of"), "{told}");
        let has = occupancies(&fixture, &token).await;
        let of_sold = has.iter().find(|one| one["source_id"] == sold.to_string()).unwrap();
        assert_eq!((&of_sold["kind"], &of_sold["blocking"]), (&json!("freed"), &json!(true)));
        let refused = resolve(&fixture, &token, sold, &json!({"choice": "confirm"})).await;
        refused.refused(409, "CHOICE_NOT_OFFERED");
        assert_eq!(fixture.snapshot().await, before, "{layout:?}");

        fixture.execute("update bookings set holds_inventory = false where id = $1", &[&sold]).await;
        assert!(listed(&fixture, &token, sold).await.is_empty());
        let approved = fixture.post(&path_of(id, "/approve"), &token, &json!({})).await;
        assert_eq!(approved.ok()["outcome"], "approved", "{layout:?}");
    }
}

/// What has nights from the 303rd day on.
async fn occupancies(fixture: &Fixture, token: &str) -> Vec<Json> {
    let dates = "select (current_date + 303)::text, (current_date + 308)::text";
    let dates = fixture.sql.query_one(dates, &[]).await.unwrap();
    let (from, to): (String, String) = (dates.get(0), dates.get(1));
    let calendar = format!("/v1/properties/{LAKE_HOUSE}/availability?from={from}&to={to}");
    let calendar = fixture.get(&calendar, token).await;
    assert_eq!(calendar.ok()["bookable"], false);
    calendar.body["occupancies"].as_array().unwrap().clone()
}

/// Returns once the explanation of an approve goes by the constraint as it is now.
async fn seen(fixture: &Fixture, token: &str, id: Uuid, would_succeed: bool) {
    let mut explained = json!(null);
    for _ in 0..100 {
        explained = fixture.get(&path_of(id, "/explain"), token).await.ok().clone();
        if explained["would_succeed"] == would_succeed {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{explained}");
}

/// Returns once the explanation of an approve shows a constraint with these words.
async fn shown(fixture: &Fixture, token: &str, id: Uuid, words: &str) {
    let mut constraint = String::new();
    for _ in 0..100 {
        let explained = fixture.get(&path_of(id, "/explain"), token).await;
        explained.ok()["constraint"].as_str().unwrap().clone_into(&mut constraint);
        if constraint.contains(words) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{constraint}");
}
