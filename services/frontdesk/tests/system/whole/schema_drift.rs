//! A schema that is changed under a running service.

use std::time::Duration;

use frontdesk::demo;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::alterations::alter;
use crate::fixture::{Answer, Fixture, Layout, case, path_of};

/// What is broken, how it is repaired, and what calls and readiness say while it is.
struct Drift {
    layout: Layout,
    break_it: &'static str,
    repair: &'static str,
    status: u16,
    code: &'static str,
    object: &'static str,
}

const DRIFTS: [Drift; 6] = [
    Drift {
        layout: Layout::Standard,
        break_it: "alter table booking_requests drop column approved_booking_id",
        repair: "alter table booking_requests add column approved_booking_id uuid",
        status: 503,
        code: "SCHEMA_DRIFT",
        object: "column booking_requests.approved_booking_id",
    },
    Drift {
        layout: Layout::ConfirmedOnly,
        break_it: "alter table bookings drop column approved_booking_id",
        repair: "alter table bookings add column approved_booking_id uuid",
        status: 503,
        code: "SCHEMA_DRIFT",
        object: "column bookings.approved_booking_id",
    },
    Drift {
        layout: Layout::Standard,
        break_it: "alter table inventory_ranges rename to inventory_ranges_gone",
        repair: "alter table inventory_ranges_gone rename to inventory_ranges",
        status: 503,
        code: "SCHEMA_DRIFT",
        object: "table inventory_ranges",
    },
    Drift {
        layout: Layout::Standard,
        break_it: "alter table booking_requests rename to booking_requests_gone",
        repair: "alter table booking_requests_gone rename to booking_requests",
        status: 503,
        code: "SCHEMA_DRIFT",
        object: "table booking_requests",
    },
    Drift {
        layout: Layout::Standard,
        break_it: "alter table bookings rename constraint no_double_bookings to renamed",
        repair: "alter table bookings rename constraint renamed to no_double_bookings",
        status: 503,
        code: "SCHEMA_DRIFT",
        object: "constraint bookings.no_double_bookings",
    },
    Drift {
        layout: Layout::Standard,
        break_it: "alter table bookings drop constraint bookings_status_check; \
            alter table bookings add constraint bookings_status_check check (status in ('requested', 'cancelled')) not valid",
        repair: "alter table bookings drop constraint bookings_status_check",
        status: 422,
        code: "CHECK_VIOLATION",
        object: "bookings_status_check",
    },
];

#[tokio::test]
async fn a_schema_that_drifts_is_named_by_calls_and_readiness_until_it_is_repaired() {
    for Drift { layout, break_it, repair, status, code, object } in DRIFTS {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let id = case("REQUESTED");
        fixture.get(&path_of(id, ""), &token).await.ok();
        alter(&fixture, break_it).await;
        let answer = fixture.post(&path_of(id, "/approve"), &token, &json!({})).await;
        answer.refused(status, code);
        let named = if code == "SCHEMA_DRIFT" { "object" } else { "constraint" };
        assert_eq!(answer.body["metadata"][named], object, "{}", answer.body);
        is_explained(&fixture, id, &token, &answer).await;
        let words = format!("{code}: {}", answer.body["detail"].as_str().unwrap());
        assert!(words.contains("`frontdesk doctor --repair --apply`"), "{words}");

        let unready = readiness(&fixture, false).await;
        assert_eq!(unready["booking"], "not_serving");
        until_told(&fixture, &words).await;

        alter(&fixture, repair).await;
        readiness(&fixture, true).await;
        fixture.post(&path_of(id, "/approve"), &token, &json!({})).await.ok();
    }
}

/// An explanation says what the approve was refused with, or is refused alike where it cannot
/// be made itself.
///
/// What the schema is like, an explanation knows within a second.
pub async fn is_explained(fixture: &Fixture, id: Uuid, token: &str, refused: &Answer) {
    let mut explained = fixture.get(&path_of(id, "/explain"), token).await;
    for _ in 0..20 {
        if explained.body["would_succeed"] != true {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        explained = fixture.get(&path_of(id, "/explain"), token).await;
    }
    if explained.status == 200 {
        let body = &explained.body;
        assert_eq!((&body["would_succeed"], &body["refusal_reason"]), (&json!(false), &refused.body["code"]));
        assert_eq!(body["message"], refused.body["detail"], "{body}");
    } else {
        explained.refused(refused.status, refused.body["code"].as_str().unwrap());
        assert_eq!(explained.body["metadata"]["object"], refused.body["metadata"]["object"]);
    }
}

/// Calls go on, and what is written would not be found again. What only notes is missed by
/// nobody: rows are judged when it is their turn.
#[tokio::test]
async fn a_trigger_that_does_not_fire_is_seen_by_readiness() {
    const NOTED: [&str; 3] = ["bookings", "inventory_ranges", "booking_requests"];
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        for table in NOTED.iter().take(if layout == Layout::Standard { 3 } else { 2 }) {
            let off = format!("alter table {table} disable trigger note_inconsistency_suspect");
            alter(&fixture, &off).await;
        }
        for (table, trigger) in [("customers", "customer_keys"), ("properties", "properties_key_name")] {
            let off = format!("alter table {table} disable trigger {trigger}");
            alter(&fixture, &off).await;
            readiness(&fixture, false).await;
            let problems =
                told(&fixture, |problem| problem.contains(&format!("trigger {table}.{trigger}"))).await;
            assert!(!problems.contains("note_inconsistency_suspect"), "{problems}");
            let on = format!("alter table {table} enable trigger {trigger}");
            alter(&fixture, &on).await;
            readiness(&fixture, true).await;
        }
    }
}

/// The conditions of a database are asked in one statement.
#[tokio::test]
async fn a_condition_that_cannot_be_asked_hides_no_other_one() {
    for (layout, hold) in [(Layout::ConfirmedOnly, "confirmed_only"), (Layout::Literal, "literal")] {
        let fixture = Fixture::start_in(layout).await;
        let check = |name: &str, condition: &str| {
            format!("alter table bookings add constraint {name} check ({condition}) not valid;")
        };
        let checks = [
            check("a_asks_what_is_gone", "asks_what_is_gone(status)"),
            check("b_asks_for_guests_too", "status <> 'no_show' or guest_count > 0"),
            check("c_refuses", "status <> 'no_show'"),
        ];
        let asks = "create function asks_what_is_gone(text) returns boolean language plpgsql immutable as \
            'begin perform 1 from gone; return true; end';";
        alter(&fixture, &format!("{asks} {}", checks.join(" "))).await;
        readiness(&fixture, false).await;
        let problems = told(&fixture, |problem| problem.contains("c_refuses")).await;
        for other in ["a_asks", "b_asks", "bookings_status_check"] {
            assert!(!problems.contains(other), "{problems}");
        }
        let info = fixture.get("/v1/diagnostics/server", "").await;
        assert_eq!(info.ok()["request_hold"], hold, "{}", info.body);
        alter(&fixture, "alter table bookings drop constraint c_refuses").await;
        readiness(&fixture, true).await;
        alter(&fixture, "alter table bookings drop constraint a_asks_what_is_gone").await;
        let one_by_one = fixture.get("/v1/diagnostics/server", "").await.ok().clone();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(fixture.get("/v1/diagnostics/server", "").await.ok(), &one_by_one);
    }
}

/// A check that refuses no approve but what follows it, where something does.
#[tokio::test]
async fn an_explanation_knows_whether_competitors_would_be_declined() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let settings = json!({"auto_decline": true});
    fixture.patch("/v1/booking-settings", &token, &settings).await.ok();
    alter(
        &fixture,
        "alter table booking_requests drop constraint booking_requests_status_check; \
         alter table booking_requests add constraint booking_requests_status_check \
            check (status <> 'declined') not valid",
    )
    .await;
    let alone = fixture.open_request(demo::TENANT, 1, 100, 102).await;
    let [first, _second] = [
        fixture.open_request(demo::TENANT, 1, 110, 112).await,
        fixture.open_request(demo::TENANT, 2, 111, 113).await,
    ];
    let explained = fixture.get(&path_of(alone, "/explain"), &token).await;
    assert_eq!(explained.ok()["would_succeed"], true, "{}", explained.body);
    fixture.post(&path_of(alone, "/approve"), &token, &json!({})).await.ok();
    let answer = fixture.post(&path_of(first, "/approve"), &token, &json!({})).await;
    answer.refused(422, "CHECK_VIOLATION");
    is_explained(&fixture, first, &token, &answer).await;
}

/// Waits until `/readyz` names a problem. Booking has a second to tell its problems, which a
/// loaded machine may not give it.
async fn until_told(fixture: &Fixture, problem: &str) {
    told(fixture, |one| one == problem).await;
}

/// The problems, once one of them is the one that is looked for.
pub async fn told(fixture: &Fixture, is_it: impl Fn(&str) -> bool) -> String {
    let mut last = Value::Null;
    for _ in 0..50 {
        last = fixture.get("/readyz", "").await.body;
        let problems = last["problems"].as_array().into_iter().flatten();
        if problems.filter_map(Value::as_str).any(&is_it) {
            return last["problems"].to_string();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it is not in {last}");
}

/// What `/readyz` says once it says so.
pub async fn readiness(fixture: &Fixture, ready: bool) -> Value {
    let mut last = Value::Null;
    for _ in 0..100 {
        let answer = fixture.get("/readyz", "").await;
        last = answer.body.clone();
        if (answer.status == 200) == ready {
            return last;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("readiness stayed {last}");
}
