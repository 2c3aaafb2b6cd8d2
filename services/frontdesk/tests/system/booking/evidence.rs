//! Every evidence of an earlier approval, on stored rows of every layout, through
//! the public API. Where layouts differ, the expectation says so.

use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::fixture::{Fixture, Layout, case, path_of};
use crate::pages::rows;

/// What approving a demo case answers in a layout.
#[derive(Debug, Clone, Copy)]
enum Expected {
    /// The booking is made now.
    Booked,
    /// Nothing is written.
    Already(&'static str),
    /// The stored status becomes `confirmed`.
    Healed(&'static str),
    /// The stored status stays.
    SoftlyHealed(&'static str),
    Refused(&'static str),
    /// The constraint does not let such rows exist.
    CannotBeStored,
}

use Expected::{Already, Booked, CannotBeStored, Healed, Refused, SoftlyHealed};

/// Case, then what comes of it in the standard, the literal and the
/// confirmed-only layout.
const TABLE: [(&str, [Expected; 3]); 11] = [
    ("REQUESTED", [Booked, Booked, Booked]),
    ("UNDER_REVIEW", [Booked, Booked, Booked]),
    ("DECLINED", [Refused("INVALID_TRANSITION"); 3]),
    ("CANCELLED", [Refused("INVALID_TRANSITION"); 3]),
    ("CONFIRMED", [Already("already_confirmed"); 3]),
    ("CONFIRMED_AT_SET", [Healed("confirmed_at_set"); 3]),
    (
        "APPROVED_BOOKING",
        [Healed("approved_booking_confirmed"), CannotBeStored, SoftlyHealed("approved_booking_confirmed")],
    ),
    ("INVENTORY_ACTIVE", [Healed("inventory_active"); 3]),
    (
        "RELATED_BOOKING",
        [Healed("related_booking_confirmed"), CannotBeStored, SoftlyHealed("related_booking_confirmed")],
    ),
    (
        "OVERLAP_SAME_GUEST",
        [
            SoftlyHealed("fulfilled_by_overlap_same_guest"),
            CannotBeStored,
            SoftlyHealed("fulfilled_by_overlap_same_guest"),
        ],
    ),
    ("OVERLAP_OTHER_GUEST", [Refused("BOOKING_OVERLAP"), CannotBeStored, Refused("BOOKING_OVERLAP")]),
];

#[tokio::test]
async fn every_case_decides_as_the_table_says_in_the_standard_layout() {
    Box::pin(walk(Layout::Standard, 0)).await;
}

#[tokio::test]
async fn every_case_decides_as_the_table_says_in_the_literal_layout() {
    Box::pin(walk(Layout::Literal, 1)).await;
}

#[tokio::test]
async fn every_case_decides_as_the_table_says_in_the_confirmed_only_layout() {
    Box::pin(walk(Layout::ConfirmedOnly, 2)).await;
}

async fn walk(layout: Layout, column: usize) {
    let fixture = Fixture::start_in(layout).await;
    let token = fixture.manager().await;
    for (name, expected) in TABLE {
        let id = case(name);
        let expected = expected[column];
        let explained = fixture.get(&path_of(id, "/explain"), &token).await;
        let before = fixture.snapshot().await;
        let answer = fixture.approve(&token, id).await;
        match expected {
            CannotBeStored => {
                answer.refused(404, "BOOKING_REQUEST_NOT_FOUND");
                continue;
            }
            Refused(code) => {
                answer.refused(409, code);
                assert_eq!(explained.ok()["refusal_reason"], code, "{name}");
                assert_eq!(explained.body["message"], answer.body["message"], "{name}");
                let text = answer.body.to_string();
                assert!(!text.contains("healed") && !text.contains("idempotent"), "{text}");
                assert_eq!(fixture.snapshot().await, before, "{name}");
                continue;
            }
            Booked | Already(_) | Healed(_) | SoftlyHealed(_) => {}
        }
        let (outcome, evidence, stored) = match expected {
            Booked => ("approved", "", "confirmed"),
            Already(evidence) => ("already_approved", evidence, "confirmed"),
            Healed(evidence) => ("healed", evidence, "confirmed"),
            SoftlyHealed(evidence) => ("healed", evidence, "requested"),
            Refused(_) | CannotBeStored => unreachable!(),
        };
        assert_answer(answer.ok(), name, layout, outcome, evidence);
        // The explanation had said so.
        for field in ["outcome", "evidence", "message"] {
            assert_eq!(explained.ok()[field], answer.body[field], "{name} {field}");
        }
        assert_readers_agree(&fixture, &token, id, stored, name).await;
        assert_backed(&fixture, &answer.body, name).await;

        let before = fixture.snapshot().await;
        let again = fixture.post(&path_of(id, "/approve"), &token, &json!({"internal_note": "again"})).await;
        assert_eq!(again.ok()["outcome"], "already_approved", "{name}");
        assert_eq!(again.body["booking_id"], answer.body["booking_id"], "{name}");
        let same = if let SoftlyHealed(evidence) = expected { evidence } else { "already_confirmed" };
        assert_eq!(again.body["evidence"], same, "{name}");
        assert_eq!(fixture.snapshot().await, before, "{name} wrote something again");
    }
}

#[track_caller]
fn assert_answer(answer: &Json, name: &str, layout: Layout, outcome: &str, evidence: &str) {
    assert_eq!(
        (answer["outcome"].as_str(), answer["status"].as_str()),
        (Some(outcome), Some("confirmed")),
        "{name}"
    );
    let found = answer["evidence"].as_str().unwrap();
    assert_eq!(found, if evidence.is_empty() { "unspecified" } else { evidence }, "{name}");
    let message = answer["message"].as_str().unwrap();
    let contains: &[&str] = match evidence {
        "" if layout == Layout::Standard => &["Booking request approved"],
        "" => &["Booking request approved (in-place update)"],
        "already_confirmed" => &["already approved (idempotent)"],
        "confirmed_at_set" => &["state healed", "healed: confirmed_at_set"],
        "inventory_active" => &["state healed from inventory", "healed: inventory_active"],
        "approved_booking_confirmed" => &["healed: approved_booking_confirmed"],
        "related_booking_confirmed" => &["healed: related_booking_confirmed"],
        _ => &["healed: fulfilled_by_overlap_same_guest"],
    };
    for part in contains {
        assert!(message.contains(part), "{name}: {message}");
    }
    if evidence.is_empty() && layout != Layout::Standard {
        assert_eq!(answer["booking_id"], answer["booking_request_id"], "{name}");
    }
    if evidence == "fulfilled_by_overlap_same_guest" {
        assert_eq!(answer["coverage"], "partial", "{name}");
    }
}

/// GET and lists say `confirmed`, whatever is stored.
async fn assert_readers_agree(fixture: &Fixture, token: &str, id: Uuid, stored: &str, name: &str) {
    let read = fixture.get(&path_of(id, ""), token).await;
    assert_eq!(
        (&read.ok()["status"], &read.body["stored_status"]),
        (&json!("confirmed"), &json!(stored)),
        "{name}"
    );
    for (status, listed) in [("requested", false), ("under_review", false), ("confirmed", true)] {
        let path = format!("/api/v1/booking-requests?status={status}&page_size=200");
        let list = fixture.get(&path, token).await;
        let found =
            list.ok()["booking_requests"].as_array().unwrap().iter().any(|one| one["id"] == id.to_string());
        assert_eq!(found, listed, "{name} in {status}");
    }
    let inconsistent = fixture.get("/api/v1/diagnostics/inconsistencies", token).await;
    let found = inconsistent.ok()["inconsistencies"]
        .as_array()
        .unwrap()
        .iter()
        .any(|one| one["booking_request_id"] == id.to_string());
    assert!(!found, "{name} is still inconsistent: {}", inconsistent.body);
}

/// "Healed" never lies: a sold booking of that guest and its active range exist.
async fn assert_backed(fixture: &Fixture, answer: &Json, name: &str) {
    let id = |field: &str| -> Uuid { answer[field].as_str().unwrap().parse().unwrap() };
    let (booking, request) = (id("booking_id"), id("booking_request_id"));
    let backed = format!(
        "select count(*) from {} r join bookings b on b.tenant_id = r.tenant_id and b.id = $1 \
         and b.guest_id = r.guest_id and b.property_id = r.property_id \
         and b.status in ('confirmed', 'checked_in', 'checked_out') \
         join inventory_ranges i on i.tenant_id = r.tenant_id and i.source_id = b.id and i.state = 'active' \
         and (i.start_date, i.end_date) = (b.check_in, b.check_out) \
         where r.id = $2",
        fixture.layout.requests()
    );
    assert_eq!(fixture.count(&backed, &[&booking, &request]).await, 1, "{name} has nothing behind it");
}

#[tokio::test]
async fn inconsistencies_name_what_puts_them_right() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let list = fixture.get("/api/v1/diagnostics/inconsistencies", &token).await;
    let found: Vec<(String, String)> = list.ok()["inconsistencies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            assert!(one["remedy"].as_str().unwrap().contains("/approve"), "{one}");
            let text = |field: &str| one[field].as_str().unwrap().to_owned();
            (text("kind"), text("booking_request_id"))
        })
        .collect();
    let expected = [
        ("confirmed_at_set", "CONFIRMED_AT_SET"),
        ("approved_booking_confirmed", "APPROVED_BOOKING"),
        ("inventory_active", "INVENTORY_ACTIVE"),
        ("related_booking_confirmed", "RELATED_BOOKING"),
    ];
    assert_eq!(found, expected.map(|(kind, name)| (kind.to_owned(), case(name).to_string())));
    // One page after the other gives the same.
    let pages = fixture.pages(&token, "/api/v1/diagnostics/inconsistencies?page_size=1").await;
    assert_eq!(rows(&pages, "inconsistencies"), *list.body["inconsistencies"].as_array().unwrap());
}

#[tokio::test]
async fn a_once_confirmed_now_cancelled_booking_stays_cancelled_whatever_is_called() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let id = case("REQUESTED");
        let booking = fixture.approved(&token, id).await;
        let cancelled = fixture.post(&format!("/api/v1/bookings/{booking}/cancel"), &token, &json!({})).await;
        assert_eq!(cancelled.ok()["status"], "cancelled", "{layout:?}");
        let marks =
            format!("select count(*) from {} where id = $1 and confirmed_at is not null", layout.requests());
        assert_eq!(fixture.count(&marks, &[&id]).await, 1, "the mark of the first life is there");

        let decline = json!({"decline_reason": "x"});
        fixture.approve(&token, id).await.refused(409, "INVALID_TRANSITION");
        fixture.post(&path_of(id, "/decline"), &token, &decline).await.refused(409, "INVALID_TRANSITION");
        fixture.post(&path_of(id, "/review"), &token, &json!({})).await.refused(409, "INVALID_TRANSITION");
        fixture.post(&path_of(id, "/cancel"), &token, &json!({})).await.ok();
        for step in ["check-in", "check-out", "no-show"] {
            let path = format!("/api/v1/bookings/{booking}/{step}");
            fixture.post(&path, &token, &json!({})).await.refused(409, "INVALID_TRANSITION");
        }
        assert_eq!(fixture.get(&path_of(id, ""), &token).await.ok()["status"], "cancelled", "{layout:?}");
        let path = "/api/v1/booking-requests?status=confirmed";
        let list = fixture.get(path, &token).await;
        assert!(!list.body.to_string().contains(&id.to_string()), "{layout:?}");
        let ranges = "select count(*) from inventory_ranges where state = 'active' and source_id = $1";
        assert_eq!(fixture.count(ranges, &[&booking]).await, 0, "{layout:?}");
    }
}

#[tokio::test]
async fn cancelling_the_fulfilling_booking_takes_the_fulfilment_back() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let id = case("OVERLAP_SAME_GUEST");
        let booking = fixture.approved(&token, id).await;
        fixture.post(&format!("/v1/bookings/{booking}/cancel"), &token, &json!({})).await.ok();
        let read = fixture.get(&path_of(id, ""), &token).await;
        assert_eq!(
            (&read.ok()["status"], &read.body["approved_booking_id"]),
            (&json!("requested"), &json!(""))
        );
        let history = fixture.get(&path_of(id, "/history"), &token).await;
        let kinds: Vec<&str> = history.ok()["events"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| event["kind"].as_str().unwrap())
            .collect();
        assert_eq!(kinds, ["healed", "fulfilment_lost"], "{layout:?}");
        assert_eq!(history.body["events"][0]["evidence"], "fulfilled_by_overlap_same_guest");
        // Now the dates are free, and the request gets a booking of its own.
        let approved = fixture.approve(&token, id).await;
        assert_eq!(approved.ok()["outcome"], "approved", "{layout:?}");
        assert_ne!(approved.body["booking_id"], booking.to_string());
    }
}

#[tokio::test]
async fn a_softly_healed_request_is_cancelled_without_its_booking() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let id = case("OVERLAP_SAME_GUEST");
        let booking = fixture.approved(&token, id).await;
        let decline = json!({"decline_reason": "x"});
        let refused = fixture.post(&path_of(id, "/decline"), &token, &decline).await;
        refused.refused(409, "INVALID_TRANSITION");
        assert_eq!(refused.body["metadata"]["state"], "already_approved");
        let cancelled = fixture.post(&path_of(id, "/cancel"), &token, &json!({})).await;
        assert_eq!(cancelled.ok()["cancelled_booking_id"], "", "{layout:?}");
        assert_eq!(fixture.get(&path_of(id, ""), &token).await.ok()["status"], "cancelled");
        let booking = fixture.get(&format!("/v1/bookings/{booking}"), &token).await;
        assert_eq!(booking.ok()["status"], "confirmed", "{layout:?}");
    }
}

#[tokio::test]
async fn a_range_left_by_a_cancelled_booking_is_in_the_way_for_approve_and_explanation_alike() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let id = case("OVERLAP_SAME_GUEST");
    let booking = fixture.approved(&token, id).await;
    // Another program cancels the booking that fulfils the request, and leaves its range.
    fixture.execute("update bookings set status = 'cancelled' where id = $1", &[&booking]).await;
    let explained = fixture.get(&path_of(id, "/explain"), &token).await;
    assert_eq!(explained.ok()["would_succeed"], false);
    let before = fixture.snapshot().await;
    let answer = fixture.approve(&token, id).await;
    answer.refused(409, "BOOKING_OVERLAP");
    assert_eq!(answer.body["metadata"]["conflict_kind"], "inventory");
    assert_eq!(explained.body["refusal_reason"], "BOOKING_OVERLAP");
    assert_eq!(explained.body["message"], answer.body["message"]);
    assert_eq!(fixture.snapshot().await, before);
}
