//! What a confirmation is worth: links that anybody can write are followed only to
//! what is the request's, every reader says which nights are covered, and an approve
//! does what its explanation says, on stored rows of every layout.

use frontdesk::demo;
use frontdesk_proto::booking::v1::{Fulfilment, StayCoverage, WatchBookingRequestsRequest};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::help::foreign::{CHALET, Foreign, GUEST, STRANGER, link, mark, range};
use crate::fixture::{Fixture, LAKE_HOUSE, Layout, case, path_of, signed};

async fn day(fixture: &Fixture, offset: i32) -> String {
    let row = fixture.sql.query_one("select (current_date + $1::integer)::text", &[&offset]).await.unwrap();
    row.get(0)
}

async fn nights(fixture: &Fixture, from: i32, to: i32) -> Json {
    json!({"check_in": day(fixture, from).await, "check_out": day(fixture, to).await})
}

/// What the feed tells of the nights of a request.
async fn told(fixture: &Fixture, token: &str, id: Uuid) -> Fulfilment {
    let from_start = WatchBookingRequestsRequest { cursor: "start".to_owned(), ..Default::default() };
    let feed = fixture.booking().watch_booking_requests(signed(from_start, token)).await;
    let mut feed = feed.unwrap().into_inner();
    loop {
        let event = feed.message().await.unwrap().unwrap().event;
        if let Some(event) = event.filter(|event| event.booking_request_id == id.to_string()) {
            return event.fulfilment.unwrap();
        }
    }
}

#[tokio::test]
async fn a_link_to_a_strangers_booking_is_not_followed() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly, Layout::Literal] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let strangers = [
            Foreign { property: CHALET, ..Foreign::sold(STRANGER, 665, 670) },
            Foreign::sold(STRANGER, 302, 303),
            Foreign { property: CHALET, ..Foreign::sold(GUEST, 400, 405) },
            Foreign::sold(GUEST, 405, 410),
        ];
        for (at, foreign) in (0..).zip(strangers) {
            let from = 400 + at * 20;
            let foreign =
                Foreign { nights: (foreign.nights.0 + at * 20, foreign.nights.1 + at * 20), ..foreign };
            let booking = foreign.store(&fixture).await.unwrap();
            let id = fixture.open_request(demo::TENANT, GUEST, from, from + 5).await;
            link(&fixture, id, booking).await;
            let whole = nights(&fixture, from, from + 5).await;

            let read = fixture.read(&token, id).await;
            assert_eq!(read["status"], "confirmed", "{layout:?} {foreign:?}");
            let nothing = json!({"booking_id": "", "coverage": "none", "uncovered": [whole]});
            assert_eq!(read["fulfilment"], nothing, "{layout:?} {foreign:?}");
            let explained = fixture.get(&path_of(id, "/explain"), &token).await;
            assert_eq!(explained.ok()["evidence_found"], json!([]), "{foreign:?}");
            let wrong = &explained.body["inconsistencies"][0];
            assert_eq!(wrong["kind"], "link_not_followed", "{layout:?} {foreign:?}");
            assert_eq!(wrong["row_id"], id.to_string());

            let approved = fixture.approve(&token, id).await;
            assert_eq!(approved.ok()["outcome"], "approved", "{layout:?} {foreign:?}");
            let own = approved.body["booking_id"].clone();
            assert_ne!(own, booking.to_string());
            let covered = json!({"booking_id": own, "coverage": "exact", "uncovered": []});
            assert_eq!(approved.body["fulfilment"], covered);
            let read = fixture.read(&token, id).await;
            assert_eq!((&read["fulfilment"], &read["stored_status"]), (&covered, &json!("confirmed")));
        }
    }
}

#[tokio::test]
async fn cancelling_a_strangers_booking_cancels_nobody_elses_request() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly, Layout::Literal] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let mut requests = Vec::new();
        let booking = Foreign::sold(STRANGER, 700, 705).store(&fixture).await.unwrap();
        for (at, status) in (0..).zip(["requested", "confirmed"]) {
            let from = 400 + at * 10;
            let id = fixture.open_request(demo::TENANT, GUEST, from, from + 5).await;
            let set = format!(
                "update {} set status = $2, approved_booking_id = $3 where id = $1",
                layout.requests()
            );
            fixture.execute(&set, &[&id, &status, &booking]).await;
            requests.push((id, fixture.read(&token, id).await));
        }
        fixture.post(&format!("/v1/bookings/{booking}/cancel"), &token, &json!({})).await.ok();
        for (id, before) in requests {
            let now = fixture.read(&token, id).await;
            for field in ["status", "stored_status", "approved_booking_id", "confirmed_at", "fulfilment"] {
                assert_eq!(now[field], before[field], "{layout:?} {field}");
            }
        }
    }
}

#[tokio::test]
async fn every_reader_says_which_nights_are_covered() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let id = case("OVERLAP_SAME_GUEST");
        assert_eq!(fixture.read(&token, id).await["fulfilment"], Json::Null);
        let explained = fixture.get(&path_of(id, "/explain"), &token).await;
        let healed = fixture.approve(&token, id).await;
        let partly = json!({
            "booking_id": healed.ok()["booking_id"], "coverage": "partial",
            "uncovered": [nights(&fixture, 120, 122).await],
        });
        assert_eq!(healed.body["fulfilment"], partly, "{layout:?}");
        assert_eq!(explained.ok()["fulfilment"], partly);
        assert_eq!(fixture.read(&token, id).await["fulfilment"], partly);
        for filter in ["", "&property_id=0d000000-0000-7000-8000-000000000201"] {
            let path = format!("/v1/booking-requests?status=confirmed&page_size=200{filter}");
            let list = fixture.get(&path, &token).await;
            let listed = list.ok()["booking_requests"].as_array().unwrap();
            let listed = listed.iter().find(|one| one["id"] == id.to_string()).unwrap();
            assert_eq!(listed["fulfilment"], partly, "{filter}");
        }
        let history = fixture.get(&path_of(id, "/history"), &token).await;
        assert_eq!(history.ok()["events"][0]["kind"], "healed");
        assert_eq!(history.body["events"][0]["fulfilment"], partly);
        let told = told(&fixture, &token, id).await;
        assert_eq!(told.booking_id, partly["booking_id"].as_str().unwrap());
        assert_eq!((told.coverage(), told.uncovered.len()), (StayCoverage::Partial, 1));
        let again = fixture.approve(&token, id).await;
        assert_eq!(again.ok()["fulfilment"], partly);
        let explained = fixture.get(&path_of(id, "/explain"), &token).await;
        assert_eq!(explained.ok()["fulfilment"], partly);
        // What is not covered is there for others, and both say so.
        let other = fixture.open_request(demo::TENANT, STRANGER, 120, 122).await;
        let set = format!("update {} set property_id = $2 where id = $1", layout.requests());
        fixture.execute(&set, &[&other, &CHALET]).await;
        let approved = fixture.approve(&token, other).await;
        assert_eq!(approved.ok()["fulfilment"]["coverage"], "exact");
        assert_eq!(fixture.read(&token, id).await["fulfilment"], partly);
    }
}

#[tokio::test]
async fn a_mark_beside_anothers_booking_says_that_it_covers_nothing_and_how_to_get_out() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let id = case("OVERLAP_OTHER_GUEST");
        mark(&fixture, id).await;
        let read = fixture.read(&token, id).await;
        let nothing = json!({
            "booking_id": "", "coverage": "none", "uncovered": [nights(&fixture, 130, 134).await],
        });
        assert_eq!((&read["status"], &read["fulfilment"]), (&json!("confirmed"), &nothing), "{layout:?}");
        let before = fixture.snapshot().await;
        let explained = fixture.get(&path_of(id, "/explain"), &token).await;
        assert_eq!(explained.ok()["fulfilment"], nothing);
        let refused = fixture.approve(&token, id).await;
        refused.refused(409, "BOOKING_OVERLAP");
        assert_eq!(refused.body["conflict_type"], "booking_overlap");
        assert_eq!(refused.body["metadata"]["conflict_kind"], "booking");
        assert_eq!(explained.body["message"], refused.body["message"]);
        assert_eq!(explained.body["refusal_reason"], "BOOKING_OVERLAP");
        let declined =
            fixture.post(&path_of(id, "/decline"), &token, &json!({"decline_reason": "taken"})).await;
        declined.refused(409, "INVALID_TRANSITION");
        assert_eq!(declined.body["metadata"]["state"], "already_approved");
        let reviewed = fixture.post(&path_of(id, "/review"), &token, &json!({})).await;
        reviewed.refused(409, "INVALID_TRANSITION");
        for answer in [refused, declined, reviewed] {
            assert_eq!(answer.body["metadata"]["inconsistency"], "confirmed_at_set", "{layout:?}");
            let resolve = format!("POST /api/v1/diagnostics/inconsistencies/{id}/resolve");
            assert_eq!(answer.body["metadata"]["resolve"], resolve);
            let choices = answer.body["metadata"]["choices"].as_str().unwrap();
            assert!(choices.split(',').any(|choice| choice == "clear_mark"), "{choices}");
            let message = answer.body["message"].as_str().unwrap();
            assert!(message.contains("clear_mark") && message.contains(&resolve), "{message}");
        }
        assert_eq!(fixture.snapshot().await, before, "{layout:?}");
        assert_eq!(explained.body["inconsistencies"][0]["kind"], "confirmed_at_taken", "{layout:?}");
        // The way out is one.
        let resolve = format!("/api/v1/diagnostics/inconsistencies/{id}/resolve");
        fixture.post(&resolve, &token, &json!({"choice": "clear_mark"})).await.ok();
        assert_eq!(fixture.read(&token, id).await["status"], "requested", "{layout:?}");
        let declined =
            fixture.post(&path_of(id, "/decline"), &token, &json!({"decline_reason": "taken"})).await;
        assert_eq!(declined.ok()["status"], "declined", "{layout:?}");
    }
}

/// What another program does to the booking of an approved request, and what is wrong
/// with it then.
const LOSSES: [(&str, &str); 4] = [
    ("status = 'cancelled'", "booking_cancelled"),
    ("status = 'pending'", "booking_not_sold"),
    ("guest_id = '0d000000-0000-7000-8000-000000000303'", "booking_of_other_guest"),
    ("check_in = check_in + 900, check_out = check_out + 900", "booking_of_other_nights"),
];

#[tokio::test]
async fn a_confirmed_request_that_has_lost_its_booking_is_not_already_approved() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    for (day, (change, inconsistency)) in (300..).step_by(10).zip(LOSSES) {
        let id = fixture.open_request(demo::TENANT, GUEST, day, day + 3).await;
        let booking = fixture.approved(&token, id).await;
        fixture.execute(&format!("update bookings set {change} where id = $1"), &[&booking]).await;
        let before = fixture.snapshot().await;
        let explained = fixture.get(&path_of(id, "/explain"), &token).await;
        let again = fixture.approve(&token, id).await;
        again.refused(409, "REQUEST_INCONSISTENT");
        assert_eq!(again.body["metadata"]["inconsistency"], inconsistency);
        assert_eq!(again.body["metadata"]["booking_id"], booking.to_string());
        assert!(again.body["metadata"]["resolve"].as_str().unwrap().contains(&id.to_string()));
        assert_ne!(again.body["metadata"]["choices"], Json::Null, "{change}");
        assert_ne!(explained.ok()["inconsistencies"], json!([]), "{change}");
        assert_eq!(explained.ok()["refusal_reason"], "REQUEST_INCONSISTENT", "{change}");
        assert_eq!(explained.body["message"], again.body["message"]);
        assert_eq!(explained.body["would_succeed"], false);
        let fulfilment = &fixture.read(&token, id).await["fulfilment"];
        assert_eq!((&fulfilment["booking_id"], &fulfilment["coverage"]), (&json!(""), &json!("none")));
        assert_eq!(fixture.snapshot().await, before, "{change}");
        // It can be cancelled, and what is another guest's stays theirs.
        let cancelled = fixture.post(&path_of(id, "/cancel"), &token, &json!({})).await;
        assert_eq!(cancelled.ok()["status"], "cancelled", "{change}");
        let theirs = "select count(*) from bookings where id = $1 and status = 'confirmed'";
        let kept = i64::from(inconsistency == "booking_of_other_guest");
        assert_eq!(fixture.count(theirs, &[&booking]).await, kept, "{change}");
    }
    // No link at all.
    let id = case("CONFIRMED");
    fixture.execute("update booking_requests set approved_booking_id = null where id = $1", &[&id]).await;
    let lost = fixture.approve(&token, id).await;
    lost.refused(409, "REQUEST_INCONSISTENT");
    assert_eq!(lost.body["metadata"]["inconsistency"], "booking_lost");
}

#[tokio::test]
async fn a_guest_who_did_not_come_was_approved_and_covers_nothing() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let id = case("REQUESTED");
        let booking = fixture.approved(&token, id).await;
        fixture.execute("update bookings set status = 'no_show' where id = $1", &[&booking]).await;
        let again = fixture.approve(&token, id).await;
        assert_eq!(again.ok()["outcome"], "already_approved", "{layout:?}");
        assert_eq!(again.body["booking_id"], booking.to_string());
        assert_eq!(again.body["fulfilment"]["coverage"], "none");
        assert_eq!(fixture.read(&token, id).await["fulfilment"]["coverage"], "none");
    }
}

#[tokio::test]
async fn the_booking_of_an_approved_request_is_no_conflict() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let id = case("REQUESTED");
        fixture.approve(&token, id).await.ok();
        let explained = fixture.get(&path_of(id, "/explain"), &token).await;
        assert_eq!(explained.ok()["conflicts"], json!([]), "{layout:?}");
        assert_eq!(explained.body["outcome"], "already_approved");
        assert_eq!(explained.body["fulfilment"]["coverage"], "exact");
    }
}

#[tokio::test]
async fn a_fulfilling_booking_that_cannot_have_its_range_is_a_conflict_and_explained_as_one() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let id = fixture.open_request(demo::TENANT, GUEST, 300, 305).await;
        Foreign { ranged: false, ..Foreign::sold(GUEST, 303, 310) }.store(&fixture).await.unwrap();
        // After the nights that are asked for.
        assert!(range(&fixture, LAKE_HOUSE, None, 307, 309).await);
        let before = fixture.snapshot().await;
        let explained = fixture.get(&path_of(id, "/explain"), &token).await;
        let refused = fixture.approve(&token, id).await;
        refused.refused(409, "BOOKING_OVERLAP");
        assert_eq!(refused.body["metadata"]["conflict_kind"], "inventory", "{layout:?}");
        assert_eq!(explained.ok()["refusal_reason"], "BOOKING_OVERLAP", "{layout:?}");
        assert_eq!(explained.body["message"], refused.body["message"]);
        let conflicts = explained.body["conflicts"].as_array().unwrap();
        assert!(conflicts.iter().any(|one| one["block"] == true), "{}", explained.body);
        assert_eq!(fixture.snapshot().await, before);
        fixture.execute("update inventory_ranges set state = 'cancelled' where kind = 'block'", &[]).await;
        let healed = fixture.approve(&token, id).await;
        assert_eq!(healed.ok()["evidence"], "fulfilled_by_overlap_same_guest", "{layout:?}");
    }
}

/// The mark of a soft heal came with its booking: when another program takes that away, nothing
/// says any more that the nights were sold, and the rules of the house are asked.
#[tokio::test]
async fn a_request_whose_healing_booking_was_moved_is_approved_as_a_new_one() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let booking = Foreign::sold(GUEST, 500, 503).store(&fixture).await.unwrap();
        let id = fixture.open_request(demo::TENANT, GUEST, 501, 505).await;
        let healed = fixture.approve(&token, id).await;
        assert_eq!(healed.ok()["evidence"], "fulfilled_by_overlap_same_guest", "{layout:?}");
        let moved = "update bookings set property_id = $2 where id = $1";
        assert_eq!(fixture.execute(moved, &[&booking, &CHALET]).await, 1);
        let ranges = "update inventory_ranges set property_id = $2 where source_id = $1";
        assert_eq!(fixture.execute(ranges, &[&booking, &CHALET]).await, 1);
        let house = format!("/v1/properties/{LAKE_HOUSE}");
        let rules = async |rules: Json| {
            fixture.patch(&house, &token, &json!({"stay_rules": rules})).await.ok();
        };
        rules(json!({"min_nights": 30})).await;
        let explained = fixture.get(&path_of(id, "/explain"), &token).await;
        assert_eq!(explained.ok()["refusal_reason"], "STAY_TOO_SHORT", "{layout:?}: {}", explained.body);
        fixture.approve(&token, id).await.refused(422, "STAY_TOO_SHORT");
        rules(json!({})).await;
        let approved = fixture.approve(&token, id).await;
        assert_eq!(approved.ok()["outcome"], "approved", "{layout:?}: {}", approved.body);
        assert_ne!(approved.body["booking_id"], booking.to_string());
    }
}
