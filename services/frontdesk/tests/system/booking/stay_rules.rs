//! Rules of a stay: what a property asks of a request when it is made, approved,
//! explained, and in the calendar.

use frontdesk::demo;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::help::foreign::{Foreign, GUEST as GUEST_NUMBER, STRANGER, range};
use super::help::new_request::{GUEST, OTHER_GUEST, new_request};
use crate::alterations::alter;
use crate::fixture::{Answer, Fixture, LAKE_HOUSE, Layout, path_of, tenant_path};

pub fn lake_house(rest: &str) -> String {
    format!("/v1/properties/{LAKE_HOUSE}{rest}")
}

/// From here on the lake house has these rules, and no others.
async fn rule(fixture: &Fixture, token: &str, rules: Json) {
    fixture.patch(&lake_house(""), token, &json!({"stay_rules": rules})).await.ok();
}

async fn create(fixture: &Fixture, token: &str, from: &str, to: &str) -> Answer {
    fixture.post("/v1/booking-requests", token, &new_request(GUEST, from, to)).await
}

#[track_caller]
fn broken(answer: &Answer, code: &str, rule: &str, value: &str, field: &str) {
    answer.refused(422, code);
    assert_eq!(answer.body["metadata"][rule], value, "{}", answer.body);
    assert_eq!(answer.body["violations"][0]["field"], field, "{}", answer.body);
}

/// Rules, a stay that breaks one, the reason, and the rule with its value and the field
/// that breaks it. 2031-01-04 is a Saturday.
pub fn each_rule_broken() -> Vec<(Json, [&'static str; 2], &'static str, [&'static str; 3])> {
    let on_saturdays = |rules: Json| {
        let mut day = json!({"day": "saturday"});
        day.as_object_mut().unwrap().extend(rules.as_object().unwrap().clone());
        json!({"min_nights": 2, "days": [day]})
    };
    vec![
        (
            json!({"min_nights": 3}),
            ["2031-01-01", "2031-01-03"],
            "STAY_TOO_SHORT",
            ["min_nights", "3", "check_out"],
        ),
        (
            json!({"max_nights": 3}),
            ["2031-01-01", "2031-01-05"],
            "STAY_TOO_LONG",
            ["max_nights", "3", "check_out"],
        ),
        (
            on_saturdays(json!({"min_nights": 7})),
            ["2031-01-04", "2031-01-10"],
            "STAY_TOO_SHORT",
            ["min_nights", "7", "check_out"],
        ),
        (
            on_saturdays(json!({"closed_to_arrival": true})),
            ["2031-01-04", "2031-01-10"],
            "CLOSED_TO_ARRIVAL",
            ["closed_to_arrival", "saturday", "check_in"],
        ),
        (
            on_saturdays(json!({"closed_to_departure": true})),
            ["2031-01-01", "2031-01-04"],
            "CLOSED_TO_DEPARTURE",
            ["closed_to_departure", "saturday", "check_out"],
        ),
        (
            json!({"horizon_days": 30}),
            ["2031-01-01", "2031-01-03"],
            "ARRIVAL_TOO_FAR",
            ["horizon_days", "30", "check_in"],
        ),
    ]
}

#[tokio::test]
async fn a_request_that_breaks_a_rule_is_refused_by_it() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let before = fixture.snapshot().await;
        let past = create(&fixture, &token, "2001-01-01", "2001-01-05").await;
        past.refused(422, "STAY_IN_THE_PAST");
        assert_eq!(past.body["violations"][0]["field"], "check_in");
        let mut crowd = new_request(GUEST, "2031-01-01", "2031-01-05");
        crowd["guest_count"] = json!(100);
        let crowd = fixture.post("/v1/booking-requests", &token, &crowd).await;
        broken(&crowd, "TOO_MANY_GUESTS", "max_guests", "4", "guest_count");
        for (rules, [from, to], code, [name, value, field]) in each_rule_broken() {
            rule(&fixture, &token, rules).await;
            broken(&create(&fixture, &token, from, to).await, code, name, value, field);
        }
        rule(&fixture, &token, json!({"min_nights": 3, "max_nights": 3, "horizon_days": 30})).await;
        let all = create(&fixture, &token, "2031-01-01", "2031-01-02").await;
        broken(&all, "STAY_TOO_SHORT", "min_nights", "3", "check_out");
        assert_eq!(all.body["metadata"]["horizon_days"], "30", "every broken rule is named: {}", all.body);
        assert_eq!(all.body["violations"].as_array().unwrap().len(), 2);
        let requests = |rows: &[String]| rows.iter().filter(|row| row.contains("2031-01")).count();
        assert_eq!(requests(&fixture.snapshot().await), requests(&before), "{layout:?}");
        rule(&fixture, &token, json!({})).await;
        create(&fixture, &token, "2031-01-01", "2031-01-02").await.ok();
    }
}

#[tokio::test]
async fn approve_and_explain_go_by_the_rules_unless_they_are_set_aside() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let id = fixture.open_request(demo::TENANT, 1, -9, -6).await;
        let crowd = format!("update {} set guest_count = 100 where id = $1", layout.requests());
        fixture.execute(&crowd, &[&id]).await;
        let explained = fixture.get(&path_of(id, "/explain"), &token).await;
        assert_eq!(
            (&explained.ok()["would_succeed"], &explained.body["refusal_reason"]),
            (&json!(false), &json!("TOO_MANY_GUESTS")),
            "{layout:?}"
        );
        let rules: Vec<&Json> =
            explained.body["rule_violations"].as_array().unwrap().iter().map(|one| &one["rule"]).collect();
        assert_eq!(rules, ["max_guests", "not_in_the_past"]);
        let before = fixture.snapshot().await;
        let refused = fixture.approve(&token, id).await;
        broken(&refused, "TOO_MANY_GUESTS", "max_guests", "4", "guest_count");
        assert_eq!(refused.body["message"], explained.body["message"]);

        // The right to approve is not the right to set rules aside.
        let owner = fixture.token(demo::OWNER).await;
        let role = json!({"name": "decider", "scopes": ["bookings:view", "bookings:approve"]});
        fixture.post(&tenant_path("/roles"), &owner, &role).await.ok();
        let member = tenant_path(&format!("/members/{}", fixture.user_id(demo::VIEWER).await));
        fixture.patch(&member, &owner, &json!({"role": "decider"})).await.ok();
        let decider = fixture.token(demo::VIEWER).await;
        let aside = json!({"override_rules": true});
        let scope = fixture.post(&path_of(id, "/approve"), &decider, &aside).await;
        scope.refused(403, "SCOPE_MISSING");
        assert_eq!(scope.body["metadata"]["missing"], "bookings:manage");
        assert_eq!(fixture.snapshot().await, before, "{layout:?}");

        fixture.post(&path_of(id, "/approve"), &token, &aside).await.ok();
        let history = fixture.get(&path_of(id, "/history"), &token).await;
        let event = &history.ok()["events"][0];
        assert_eq!(
            (&event["kind"], &event["overridden_rules"]),
            (&json!("approved"), &json!(["max_guests", "not_in_the_past"])),
            "{layout:?}"
        );
        let kept = fixture.open_request(demo::TENANT, 2, 30, 32).await;
        fixture.post(&path_of(kept, "/approve"), &token, &aside).await.ok();
        let history = fixture.get(&path_of(kept, "/history"), &token).await;
        assert_eq!(history.ok()["events"][0]["overridden_rules"], json!([]), "nothing was set aside");
    }
}

/// What is so already is not refused, and a taken night does not break a rule.
#[tokio::test]
async fn rules_neither_keep_a_heal_nor_hide_an_overlap() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let first = fixture.open_request(demo::TENANT, 1, 40, 44).await;
        fixture.approve(&token, first).await.ok();
        let twin = fixture.open_request(demo::TENANT, 1, 40, 44).await;
        let rival = fixture.open_request(demo::TENANT, 2, 41, 44).await;
        rule(&fixture, &token, json!({"min_nights": 30})).await;
        for (id, code) in [(twin, ""), (rival, "BOOKING_OVERLAP")] {
            let explained = fixture.get(&path_of(id, "/explain"), &token).await;
            assert_eq!(explained.ok()["refusal_reason"], code, "{layout:?}");
            assert_eq!(explained.body["rule_violations"][0]["reason"], "STAY_TOO_SHORT");
        }
        let healed = fixture.approve(&token, twin).await;
        assert_eq!(healed.ok()["outcome"], "healed", "{layout:?}");
        fixture.approve(&token, rival).await.refused(409, "BOOKING_OVERLAP");
        fixture.approve(&token, first).await.ok();
    }
}

#[tokio::test]
async fn nights_between_two_guests_stay_empty_even_when_both_are_approved_at_once() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        rule(&fixture, &token, json!({"turnover_days": 2})).await;
        let mut requests: Vec<Uuid> = Vec::new();
        for guest in 1..=6 {
            let from = 60 + i32::try_from(guest).unwrap() * 3;
            requests.push(fixture.open_request(demo::TENANT, guest, from, from + 2).await);
        }
        let (fixture, token) = (&fixture, &token);
        let answers = futures::future::join_all(
            requests.iter().map(|id| async move { fixture.approve(token, *id).await }),
        )
        .await;
        for answer in answers.iter().filter(|answer| answer.status != 200) {
            broken(answer, "TURNOVER_TOO_SHORT", "turnover_days", "2", "check_in");
        }
        let close = "select count(*) from bookings a join bookings b on a.property_id = b.property_id \
            and a.status = 'confirmed' and b.status = 'confirmed' and b.check_in >= a.check_out \
            and b.check_in < a.check_out + 2 where a.property_id = $1";
        assert_eq!(fixture.count(close, &[&LAKE_HOUSE]).await, 0, "{layout:?}");
        let sold = answers.iter().filter(|answer| answer.status == 200).count();
        assert!((2..=3).contains(&sold), "{sold}");
        // The same guest may stay on.
        let stays_on = fixture.open_request(demo::TENANT, 7, 90, 92).await;
        fixture.approve(token, stays_on).await.ok();
        let more = fixture.open_request(demo::TENANT, 7, 92, 94).await;
        fixture.approve(token, more).await.ok();
    }
}

#[tokio::test]
async fn the_calendar_says_what_the_rules_say() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let calendar =
        async |query: &str| fixture.get(&lake_house(&format!("/availability?{query}")), &token).await;
    let plain = calendar("from=2031-01-03&to=2031-01-06").await;
    assert_eq!(plain.ok()["bookable"], true);
    assert_eq!(plain.body["arrival_dates"], json!(["2031-01-03", "2031-01-04", "2031-01-05"]));
    assert_eq!(calendar("from=2031-01-03&to=2031-01-06&guest_count=5").await.ok()["bookable"], false);
    let rules = json!({"min_nights": 4, "turnover_days": 1, "days": [{"day": "saturday", "closed_to_arrival": true}]});
    rule(&fixture, &token, rules.clone()).await;
    let read = fixture.get(&lake_house(""), &token).await;
    assert_eq!(read.ok()["stay_rules"]["days"][0]["day"], "saturday");
    assert_eq!(read.body["stay_rules"]["min_nights"], 4);
    let strict = calendar("from=2031-01-03&to=2031-01-06").await;
    assert_eq!(strict.ok()["bookable"], false);
    assert_eq!(strict.body["arrival_dates"], json!(["2031-01-03", "2031-01-05"]));
    assert_eq!(strict.body["rule_violations"][0]["reason"], "STAY_TOO_SHORT");
    let id = fixture.create_request(&token, &new_request(OTHER_GUEST, "2031-01-07", "2031-01-12")).await;
    fixture.post(&format!("/v1/booking-requests/{id}/approve"), &token, &json!({})).await.ok();
    let close = calendar("from=2031-01-03&to=2031-01-07").await;
    assert_eq!(close.ok()["rule_violations"][0]["reason"], "TURNOVER_TOO_SHORT", "{}", close.body);
    assert_eq!(close.body["occupancies"], json!([]), "what is beside the dates is not shown");
    assert_eq!(calendar("from=2031-01-02&to=2031-01-06").await.ok()["bookable"], true);
    // Rules that are not sent stay, rules that are sent are all there are.
    fixture.patch(&lake_house(""), &token, &json!({"max_guests": 3})).await.ok();
    assert_eq!(fixture.get(&lake_house(""), &token).await.ok()["stay_rules"]["min_nights"], 4);
    rule(&fixture, &token, json!({"lead_days": 2})).await;
    let read = fixture.get(&lake_house(""), &token).await;
    assert_eq!(
        (&read.ok()["stay_rules"]["min_nights"], &read.body["stay_rules"]["lead_days"]),
        (&json!(0), &json!(2))
    );
    let wrong = json!({"stay_rules": {"min_nights": 3, "max_nights": 2}});
    fixture.patch(&lake_house(""), &token, &wrong).await.refused(400, "INVALID_FIELD");
    let wrong = json!({"stay_rules": {"min_nights": 367}});
    fixture.patch(&lake_house(""), &token, &wrong).await.refused(400, "INVALID_FIELD");
}

/// What time it is does not depend on what other programs write into a row.
#[tokio::test]
async fn a_row_that_was_written_in_the_future_is_held_against_today() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let ahead = async |table: &str, id: &str| {
            let set = format!(
                "update {table} set updated_at = now() + interval '3 days' where id = $1::text::uuid"
            );
            assert_eq!(fixture.execute(&set, &[&id]).await, 1);
        };
        let id = fixture.open_request(demo::TENANT, 1, 0, 5).await;
        ahead(layout.requests(), &id.to_string()).await;
        let explained = fixture.get(&path_of(id, "/explain"), &token).await;
        assert_eq!(explained.ok()["would_succeed"], true, "{layout:?}");
        let approved = fixture.approve(&token, id).await;
        let booking = approved.ok()["booking_id"].as_str().unwrap().to_owned();
        ahead("bookings", &booking).await;
        let step = |name: &str| format!("/v1/bookings/{booking}/{name}");
        fixture.post(&step("check-in"), &token, &json!({})).await.ok();
        ahead("bookings", &booking).await;
        let left = fixture.post(&step("check-out"), &token, &json!({})).await;
        assert_ne!(left.ok()["booked_check_out"], "", "{layout:?}: the nights that are left are free");
    }
}

/// A property of other programs' may hold no number of guests; its other rules hold.
#[tokio::test]
async fn a_property_without_a_number_of_guests_keeps_its_other_rules() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        rule(&fixture, &token, json!({"min_nights": 7})).await;
        let none =
            "alter table properties alter max_guests drop not null; update properties set max_guests = null";
        alter(&fixture, none).await;
        let id = fixture.open_request(demo::TENANT, 1, 40, 42).await;
        let explained = fixture.get(&path_of(id, "/explain"), &token).await;
        assert_eq!(explained.ok()["refusal_reason"], "STAY_TOO_SHORT", "{layout:?}");
        let refused = fixture.approve(&token, id).await;
        broken(&refused, "STAY_TOO_SHORT", "min_nights", "7", "check_out");
        assert_eq!(refused.body["message"], explained.body["message"]);
        create(&fixture, &token, "2031-01-01", "2031-01-02").await.refused(422, "STAY_TOO_SHORT");
    }
}

/// The stay before is seen however long it is, and the calendar sees what an approve sees.
#[tokio::test]
async fn the_neighbour_is_the_same_for_calendar_and_approve() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        rule(&fixture, &token, json!({"turnover_days": 2})).await;
        fixture
            .sql
            .batch_execute("alter table bookings drop constraint if exists bookings_nights_check")
            .await
            .unwrap();
        Foreign { ranged: false, ..Foreign::sold(STRANGER, -500, 299) }.store(&fixture).await.unwrap();
        // A range that no booking accounts for is nobody's stay.
        assert!(range(&fixture, LAKE_HOUSE, Some(Uuid::now_v7()), 326, 329).await);
        for (from, to, code) in [(300, 303, "TURNOVER_TOO_SHORT"), (330, 333, "")] {
            let id = fixture.open_request(demo::TENANT, GUEST_NUMBER, from, to).await;
            let read = fixture.get(&path_of(id, ""), &token).await;
            let dates = format!(
                "/availability?from={}&to={}",
                read.ok()["check_in"].as_str().unwrap(),
                read.body["check_out"].as_str().unwrap()
            );
            let calendar = fixture.get(&lake_house(&dates), &token).await;
            assert_eq!(calendar.ok()["bookable"], code.is_empty(), "{layout:?}: {}", calendar.body);
            let answer = fixture.approve(&token, id).await;
            if code.is_empty() {
                answer.ok();
            } else {
                answer.refused(422, code);
                assert_eq!(calendar.body["rule_violations"][0]["reason"], code);
            }
        }
    }
}
