//! A booking from check-in to check-out.

use frontdesk::demo;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::fixture::{Answer, Fixture, Layout, path_of};

/// Stores a request, approves it, and returns its id and the path of its booking.
async fn book(fixture: &Fixture, token: &str, customer: u32, from_day: i32, to_day: i32) -> (Uuid, String) {
    let id = fixture.open_request(demo::TENANT, customer, from_day, to_day).await;
    let answer = fixture.post(&path_of(id, "/approve"), token, &json!({"override_rules": true})).await;
    (id, format!("/v1/bookings/{}", answer.ok()["booking_id"].as_str().unwrap()))
}

async fn step(fixture: &Fixture, token: &str, booking: &str, step: &str) -> Answer {
    fixture.post(&format!("{booking}/{step}"), token, &json!({})).await
}

#[tokio::test]
async fn a_stay_goes_from_check_in_to_check_out() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let (request, booking) = book(&fixture, &token, 1, -1, 3).await;
        let step = async |name: &str| step(&fixture, &token, &booking, name).await;
        step("check-out").await.refused(409, "INVALID_TRANSITION");
        assert_eq!(step("check-in").await.ok()["status"], "checked_in");
        assert_eq!(step("check-in").await.ok()["status"], "checked_in");
        step("cancel").await.refused(409, "INVALID_TRANSITION");
        let cancel = fixture.post(&path_of(request, "/cancel"), &token, &json!({})).await;
        cancel.refused(409, "INVALID_TRANSITION");
        let read = fixture.get(&path_of(request, ""), &token).await;
        assert_eq!(read.ok()["status"], "confirmed", "{layout:?}");
        assert_eq!(step("check-out").await.ok()["status"], "checked_out");
        step("no-show").await.refused(409, "INVALID_TRANSITION");
        let history = fixture.get(&path_of(request, "/history"), &token).await;
        let kinds: Vec<&Json> =
            history.ok()["events"].as_array().unwrap().iter().map(|one| &one["kind"]).collect();
        assert_eq!(kinds, ["approved", "checked_in", "checked_out"], "{layout:?}");
    }
}

#[tokio::test]
async fn a_guest_is_neither_checked_in_nor_a_no_show_before_arrival() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let (_, booking) = book(&fixture, &token, 2, 20, 23).await;
        for early in ["check-in", "no-show"] {
            let refused = step(&fixture, &token, &booking, early).await;
            refused.refused(409, "INVALID_TRANSITION");
            assert_eq!(refused.body["metadata"]["state"], "too_early", "{layout:?}");
        }
    }
}

#[tokio::test]
async fn a_no_show_frees_the_dates() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let (_, absent) = book(&fixture, &token, 3, -6, -2).await;
        let marked = step(&fixture, &token, &absent, "no-show").await;
        assert_eq!(marked.ok()["status"], "no_show", "{layout:?}");
        book(&fixture, &token, 4, -6, -2).await;
    }
}

#[tokio::test]
async fn who_leaves_early_frees_the_nights_that_are_left() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let (request, booking) = book(&fixture, &token, 5, 0, 5).await;
        let stay = fixture.get(&booking, &token).await;
        let day = |days: i64| {
            let first: jiff::civil::Date = stay.body["check_in"].as_str().unwrap().parse().unwrap();
            first.saturating_add(jiff::Span::new().days(days)).to_string()
        };
        step(&fixture, &token, &booking, "check-in").await.ok();
        let left = step(&fixture, &token, &booking, "check-out").await;
        assert_eq!(
            (&left.ok()["check_out"], &left.body["booked_check_out"]),
            (&json!(day(1)), &json!(day(5))),
            "{layout:?}"
        );
        assert_eq!(fixture.get(&booking, &token).await.ok(), &left.body);
        assert_eq!(step(&fixture, &token, &booking, "check-out").await.ok(), &left.body);
        let nights = format!(
            "/v1/properties/{}/availability?from={}&to={}",
            crate::fixture::LAKE_HOUSE,
            day(0),
            day(5)
        );
        let free = fixture.get(&nights, &token).await;
        assert_eq!(free.ok()["free_nights"], json!([day(1), day(2), day(3), day(4)]), "{layout:?}");
        book(&fixture, &token, 6, 1, 5).await;
        let read = fixture.get(&path_of(request, ""), &token).await;
        assert_eq!(read.ok()["status"], "confirmed");
        // A guest who leaves on the day that was booked, or later, frees nothing.
        let (_, whole) = book(&fixture, &token, 7, -3, 0).await;
        fixture.post(&format!("{whole}/check-in"), &token, &json!({"override_rules": true})).await.ok();
        assert_eq!(step(&fixture, &token, &whole, "check-out").await.ok()["booked_check_out"], "");
    }
}

/// Another program may keep a range for each night: none of those that are left stays.
#[tokio::test]
async fn a_stay_in_a_range_for_each_night_is_freed_whole() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let each_night = async |booking: &str| {
            let id: Uuid = booking.rsplit('/').next().unwrap().parse().unwrap();
            let split = "with whole as (delete from inventory_ranges where source_id = $1 returning *) \
                insert into inventory_ranges (tenant_id, id, property_id, kind, source_id, start_date, end_date, \
                state, created_at) select tenant_id, gen_random_uuid(), property_id, kind, source_id, \
                start_date + night, start_date + night + 1, state, now() \
                from whole, generate_series(0, end_date - start_date - 1) as night";
            assert_eq!(fixture.execute(split, &[&id]).await, 5, "{layout:?}");
            id
        };
        let active = "select count(*) from inventory_ranges where source_id = $1 and state = 'active'";
        let (_, early) = book(&fixture, &token, 1, 0, 5).await;
        let id = each_night(&early).await;
        step(&fixture, &token, &early, "check-in").await.ok();
        step(&fixture, &token, &early, "check-out").await.ok();
        assert_eq!(fixture.count(active, &[&id]).await, 1, "{layout:?}");
        let list = fixture.get("/v1/diagnostics/inconsistencies?page_size=200", &token).await;
        assert!(!list.ok().to_string().contains(&id.to_string()), "{layout:?}: {}", list.body);
        book(&fixture, &token, 2, 1, 5).await;
        let (_, absent) = book(&fixture, &token, 3, -6, -1).await;
        let id = each_night(&absent).await;
        step(&fixture, &token, &absent, "no-show").await.ok();
        assert_eq!(fixture.count(active, &[&id]).await, 0, "{layout:?}");
        book(&fixture, &token, 4, -6, -1).await;
    }
}

#[tokio::test]
async fn a_guest_is_checked_in_on_a_day_of_the_stay_unless_that_is_set_aside() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let (request, over) = book(&fixture, &token, 8, -9, -5).await;
        let late = step(&fixture, &token, &over, "check-in").await;
        late.refused(409, "INVALID_TRANSITION");
        assert_eq!(late.body["metadata"]["state"], "too_late", "{layout:?}");
        let aside = json!({"override_rules": true});
        assert_eq!(
            fixture.post(&format!("{over}/check-in"), &token, &aside).await.ok()["status"],
            "checked_in"
        );
        let history = fixture.get(&path_of(request, "/history"), &token).await;
        let event = &history.ok()["events"][1];
        assert_eq!(event["overridden_rules"], json!(["within_the_stay"]), "{layout:?}");
        let (_, early) = book(&fixture, &token, 9, 20, 23).await;
        fixture.post(&format!("{early}/check-in"), &token, &aside).await.ok();
        // A guest who comes and goes before the stay keeps its first night.
        let left = step(&fixture, &token, &early, "check-out").await;
        assert_ne!(left.ok()["booked_check_out"], "");
    }
}

/// Requests that a booking merely fulfilled lose it with the nights, as by a cancel.
#[tokio::test]
async fn what_a_no_show_or_an_early_departure_fulfilled_waits_for_a_decision_again() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let waits = async |id: Uuid| {
            let read = fixture.get(&path_of(id, ""), &token).await;
            let history = fixture.get(&path_of(id, "/history"), &token).await;
            let lost =
                history.ok()["events"].as_array().unwrap().iter().any(|one| one["kind"] == "fulfilment_lost");
            let linked = read.ok()["approved_booking_id"] != "";
            assert_eq!(lost, !linked, "{layout:?}: {}", history.body);
            read.body["status"] == "requested" && lost
        };
        let fulfilled = async |customer: u32, from: i32, to: i32| {
            let id = fixture.open_request(demo::TENANT, customer, from, to).await;
            let healed =
                fixture.post(&path_of(id, "/approve"), &token, &json!({"override_rules": true})).await;
            assert_eq!(healed.ok()["evidence"], "fulfilled_by_overlap_same_guest", "{layout:?}");
            id
        };
        let (_, absent) = book(&fixture, &token, 1, -9, -5).await;
        let beside = fulfilled(1, -7, -4).await;
        step(&fixture, &token, &absent, "no-show").await.ok();
        assert!(waits(beside).await, "{layout:?}");
        // Of the night that was stayed something is left, of those after it nothing.
        let (_, early) = book(&fixture, &token, 2, 0, 5).await;
        let (first, later) = (fulfilled(2, -1, 2).await, fulfilled(2, 3, 7).await);
        step(&fixture, &token, &early, "check-in").await.ok();
        assert!(!waits(first).await && !waits(later).await, "{layout:?}");
        step(&fixture, &token, &early, "check-out").await.ok();
        assert!(!waits(first).await, "{layout:?}");
        assert!(waits(later).await, "{layout:?}");
    }
}

/// Whoever cancels a row of the single table has decided it, as in the standard layout.
#[tokio::test]
async fn who_cancelled_an_approved_request_decided_it() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let owner = fixture.token(demo::OWNER).await;
        let (request, booking) = book(&fixture, &token, 1, 40, 43).await;
        fixture.post(&format!("{booking}/cancel"), &owner, &json!({})).await.ok();
        let read = fixture.get(&path_of(request, ""), &token).await;
        assert_eq!(read.ok()["decided_by"], fixture.user_id(demo::OWNER).await, "{layout:?}");
    }
}

/// A table of other programs may hold bookings of a property that is not there.
#[tokio::test]
async fn a_booking_whose_property_is_gone_can_be_cancelled() {
    let fixture = Fixture::start_in(Layout::ConfirmedOnly).await;
    let token = fixture.manager().await;
    let (_, booking) = book(&fixture, &token, 1, 40, 43).await;
    let gone = "alter table bookings drop constraint if exists bookings_property_fkey";
    fixture.sql.batch_execute(gone).await.unwrap();
    let lost = "update bookings set property_id = gen_random_uuid() where id = $1::text::uuid";
    assert_eq!(fixture.execute(lost, &[&booking.rsplit('/').next().unwrap()]).await, 1);
    assert_eq!(fixture.get(&booking, &token).await.ok()["status"], "confirmed");
    assert_eq!(step(&fixture, &token, &booking, "cancel").await.ok()["status"], "cancelled");
}
