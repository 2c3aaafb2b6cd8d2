//! Bookings that staff or a channel make, without a request.

use frontdesk::demo;
use serde_json::{Value as Json, json};

use super::help::new_request::{GUEST, OTHER_GUEST, new_request};
use super::inconsistencies::listed;
use crate::fixture::{Answer, Fixture, LAKE_HOUSE, Layout};

/// A channel's booking of the lake house.
fn of_channel(external_id: &str, check_in: &str, check_out: &str) -> Json {
    json!({
        "property_id": LAKE_HOUSE, "check_in": check_in, "check_out": check_out,
        "source": "channel", "external_id": external_id,
    })
}

async fn book(fixture: &Fixture, token: &str, body: &Json) -> Answer {
    fixture.post("/v1/bookings", token, body).await
}

#[tokio::test]
async fn a_booking_is_stored_with_its_range_and_told() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let mut body = of_channel("C-1", "2031-05-01", "2031-05-04");
        body["guest_id"] = GUEST.into();
        let made = book(&fixture, &token, &body).await;
        let booking = made.ok();
        assert_eq!((&booking["status"], &booking["source"]), (&json!("confirmed"), &json!("channel")));
        assert_eq!((&booking["guest_id"], &booking["external_id"]), (&json!(GUEST), &json!("C-1")));
        let id = booking["id"].as_str().unwrap();
        let ranges =
            "select count(*) from inventory_ranges where source_id = $1::text::uuid and state = 'active'";
        assert_eq!(fixture.count(ranges, &[&id]).await, 1, "{layout:?}");
        let told = "select count(*) from booking_events where booking_id = $1::text::uuid and action = 'booking_created'";
        assert_eq!(fixture.count(told, &[&id]).await, 1, "{layout:?}");
        let read = fixture.get(&format!("/v1/bookings/{id}"), &token).await;
        assert_eq!(read.ok(), booking);
        // One without a source would look as if it had come from a request.
        let by_staff = book(&fixture, &token, &new_request(GUEST, "2032-05-01", "2032-05-04")).await;
        assert_eq!(by_staff.ok()["source"], "staff");
        // It keeps its dates from a request.
        let asked = new_request(OTHER_GUEST, "2031-05-03", "2031-05-06");
        let request = fixture.post("/v1/booking-requests", &token, &asked).await;
        if layout == Layout::Literal {
            request.refused(409, "BOOKING_OVERLAP");
        } else {
            let approve = format!("/v1/booking-requests/{}/approve", request.ok()["id"].as_str().unwrap());
            let refused = fixture.post(&approve, &token, &json!({})).await;
            refused.refused(409, "BOOKING_OVERLAP");
            assert_eq!(refused.body["metadata"]["conflict_kind"], "booking", "{layout:?}");
        }
        let cancelled = fixture.post(&format!("/v1/bookings/{id}/cancel"), &token, &json!({})).await;
        assert_eq!(cancelled.ok()["status"], "cancelled");
    }
}

#[tokio::test]
async fn a_channel_may_say_the_same_again_and_nothing_else_by_the_same_id() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let body = of_channel("C-1", "2031-05-01", "2031-05-04");
        let first = book(&fixture, &token, &body).await.ok().clone();
        let before = fixture.snapshot().await;
        assert_eq!(book(&fixture, &token, &body).await.ok(), &first, "{layout:?}");
        let mut others = vec![of_channel("C-1", "2031-05-01", "2031-05-05")];
        others.push(body.clone());
        others[1]["guest_id"] = GUEST.into();
        for other in others {
            let refused = book(&fixture, &token, &other).await;
            refused.refused(409, "EXTERNAL_ID_TAKEN");
            assert_eq!(refused.body["metadata"]["booking_id"], first["id"], "{layout:?}");
        }
        assert_eq!(fixture.snapshot().await, before, "{layout:?}");
        let path = format!("/v1/bookings/{}/cancel", first["id"].as_str().unwrap());
        fixture.post(&path, &token, &json!({})).await.ok();
        assert_eq!(book(&fixture, &token, &body).await.ok()["status"], "cancelled", "as it is now");
        let foreign = fixture.token(demo::OTHER_OWNER).await;
        book(&fixture, &foreign, &body).await.refused(404, "PROPERTY_NOT_FOUND");
    }
}

#[tokio::test]
async fn what_is_in_the_way_is_named_as_in_an_approve_and_nothing_is_stored() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        book(&fixture, &token, &of_channel("1", "2031-05-01", "2031-05-04")).await.ok();
        let blocks = format!("/v1/properties/{LAKE_HOUSE}/blocks");
        let nights = json!({"start_date": "2031-06-01", "end_date": "2031-06-04"});
        fixture.post(&blocks, &token, &nights).await.ok();
        let stray = "insert into inventory_ranges (tenant_id, id, property_id, kind, source_id, start_date, end_date, state, created_at) \
            values ($1::text::uuid, gen_random_uuid(), $2::text::uuid, 'booking', gen_random_uuid(), '2031-07-01', '2031-07-04', 'active', now())";
        fixture.execute(stray, &[&demo::TENANT.to_string(), &LAKE_HOUSE.to_string()]).await;
        let calendar = format!("/v1/properties/{LAKE_HOUSE}/availability?from=2031-07-01&to=2031-07-04");
        let has = fixture.get(&calendar, &token).await.ok()["occupancies"][0].clone();
        assert_eq!((&has["kind"], &has["blocking"]), (&json!("inventory"), &json!(true)), "{layout:?}");
        let found = listed(&fixture, &token, has["source_id"].as_str().unwrap().parse().unwrap()).await;
        assert_eq!(found[0]["kind"], "range_without_booking", "{layout:?}");
        let mut ways = vec![("2031-05-03", "booking"), ("2031-06-03", "block"), ("2031-07-03", "inventory")];
        if layout == Layout::Standard {
            fixture.hold_dates(&token).await;
            fixture.create_request(&token, &new_request(GUEST, "2031-08-01", "2031-08-04")).await;
            ways.push(("2031-08-03", "hold"));
        }
        let before = fixture.snapshot().await;
        for (check_in, kind) in ways {
            let refused = book(&fixture, &token, &of_channel("2", check_in, "2031-08-20")).await;
            refused.refused(409, "BOOKING_OVERLAP");
            assert_eq!(refused.body["conflict_type"], "booking_overlap");
            assert_eq!(refused.body["metadata"]["conflict_kind"], kind, "{layout:?}");
        }
        let mut nobody = of_channel("3", "2031-09-01", "2031-09-02");
        nobody["guest_id"] = LAKE_HOUSE.to_string().into();
        book(&fixture, &token, &nobody).await.refused(404, "CUSTOMER_NOT_FOUND");
        let mut no_source = of_channel("4", "2031-09-01", "2031-09-02");
        no_source["source"] = "".into();
        book(&fixture, &token, &no_source).await.refused(400, "INVALID_FIELD");
        assert_eq!(fixture.snapshot().await, before, "{layout:?}");
    }
}

#[tokio::test]
async fn competing_requests_are_declined_as_the_settings_say() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let asked = fixture.create_request(&token, &new_request(GUEST, "2031-05-02", "2031-05-05")).await;
        let request = format!("/v1/booking-requests/{asked}");
        book(&fixture, &token, &of_channel("1", "2031-05-03", "2031-05-04")).await.ok();
        assert_eq!(fixture.get(&request, &token).await.ok()["status"], "requested", "it is off");
        let on = json!({"auto_decline": true});
        fixture.patch("/v1/booking-settings", &token, &on).await.ok();
        book(&fixture, &token, &of_channel("2", "2031-05-04", "2031-05-06")).await.ok();
        let declined = fixture.get(&request, &token).await;
        assert_eq!(declined.ok()["status"], "declined", "{layout:?}");
        assert_eq!(declined.body["decline_reason"], "dates_taken");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_channels_at_once_one_has_the_night() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let ids: Vec<String> = (0..16).map(|n| n.to_string()).collect();
        let bodies = ids.iter().map(|id| of_channel(id, "2031-05-01", "2031-05-04"));
        let answers = bodies.map(async |body| book(&fixture, &token, &body).await);
        let answers = futures::future::join_all(answers).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{layout:?}");
        for answer in answers.iter().filter(|answer| !answer.is_ok()) {
            answer.refused(409, "BOOKING_OVERLAP");
        }
        // One channel that says the same many times at once is heard once.
        let same = of_channel("same", "2031-06-01", "2031-06-04");
        let answers = (0..16).map(async |_| book(&fixture, &token, &same).await);
        let answers = futures::future::join_all(answers).await;
        assert!(answers.iter().all(|answer| answer.ok() == &answers[0].body), "{layout:?}");
    }
}

/// Rules that a stay from 2031-05-01 to 2031-05-03 breaks, a Thursday and a Saturday.
fn broken_rules() -> [(Json, &'static str, &'static str); 6] {
    let day = |name: &str, what: &str| json!({"days": [{"day": name, what: true}]});
    [
        (json!({"min_nights": 3}), "STAY_TOO_SHORT", "min_nights"),
        (json!({"max_nights": 1}), "STAY_TOO_LONG", "max_nights"),
        (day("thursday", "closed_to_arrival"), "CLOSED_TO_ARRIVAL", "closed_to_arrival"),
        (day("saturday", "closed_to_departure"), "CLOSED_TO_DEPARTURE", "closed_to_departure"),
        (json!({"horizon_days": 30}), "ARRIVAL_TOO_FAR", "horizon_days"),
        (json!({"turnover_days": 2}), "TURNOVER_TOO_SHORT", "turnover_days"),
    ]
}

async fn overridden(fixture: &Fixture, booking: &Json) -> Vec<String> {
    let sql = "select coalesce(overridden_rules, '{}') from booking_events \
        where booking_id = $1::text::uuid and action = 'booking_created'";
    let id = booking["id"].as_str().unwrap();
    fixture.sql.query_one(sql, &[&id]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_booking_is_held_against_the_rules_of_its_property_unless_they_are_set_aside() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let property = format!("/v1/properties/{LAKE_HOUSE}");
        let beside = of_channel("0", "2031-05-04", "2031-05-06");
        book(&fixture, &token, &beside).await.ok();
        for (rules, code, rule) in broken_rules() {
            fixture.patch(&property, &token, &json!({ "stay_rules": rules })).await.ok();
            let mut body = of_channel(rule, "2031-05-01", "2031-05-03");
            let before = fixture.snapshot().await;
            let refused = book(&fixture, &token, &body).await;
            refused.refused(422, code);
            assert!(refused.body["metadata"][rule].is_string(), "{layout:?}: {}", refused.body);
            assert!(refused.body["message"].as_str().unwrap().contains("override_rules"));
            assert_eq!(fixture.snapshot().await, before, "{layout:?} {rule}");
            body["override_rules"] = true.into();
            let made = book(&fixture, &token, &body).await.ok().clone();
            assert_eq!(overridden(&fixture, &made).await, [rule], "{layout:?}");
            // What is stored already is not asked again.
            body["override_rules"] = false.into();
            assert_eq!(book(&fixture, &token, &body).await.ok(), &made, "{layout:?} {rule}");
            let cancel = format!("/v1/bookings/{}/cancel", made["id"].as_str().unwrap());
            fixture.post(&cancel, &token, &json!({})).await.ok();
        }
        fixture.patch(&property, &token, &json!({"stay_rules": {}})).await.ok();
        let mut past = of_channel("past", "2001-05-01", "2001-05-03");
        book(&fixture, &token, &past).await.refused(422, "STAY_IN_THE_PAST");
        past["override_rules"] = true.into();
        let made = book(&fixture, &token, &past).await.ok().clone();
        assert_eq!(overridden(&fixture, &made).await, ["not_in_the_past"], "{layout:?}");
        let mut plain = of_channel("plain", "2031-06-01", "2031-06-03");
        plain["override_rules"] = true.into();
        let made = book(&fixture, &token, &plain).await.ok().clone();
        assert_eq!(overridden(&fixture, &made).await, [""; 0], "nothing was set aside");
    }
}

/// What a channel sold stays what it sold, whatever became of the guest and the stay.
#[tokio::test]
async fn a_channel_that_repeats_its_booking_gets_it_after_an_early_departure_and_a_merge() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let day = "select ((now() at time zone 'Europe/Berlin')::date + $1::integer)::text";
        let day =
            async |offset: i32| -> String { fixture.sql.query_one(day, &[&offset]).await.unwrap().get(0) };
        let mut body = of_channel("C-1", &day(0).await, &day(5).await);
        body["guest_id"] = GUEST.into();
        let made = book(&fixture, &token, &body).await.ok().clone();
        let path = |step: &str| format!("/v1/bookings/{}/{step}", made["id"].as_str().unwrap());
        fixture.post(&path("check-in"), &token, &json!({})).await.ok();
        let left = fixture.post(&path("check-out"), &token, &json!({})).await;
        assert_eq!(left.ok()["booked_check_out"], body["check_out"], "{layout:?}");
        let again = book(&fixture, &token, &body).await;
        assert_eq!((&again.ok()["id"], &again.body["status"]), (&made["id"], &json!("checked_out")));
        // Its stay as it is now was never sold.
        let mut shortened = body.clone();
        shortened["check_out"] = left.body["check_out"].clone();
        book(&fixture, &token, &shortened).await.refused(409, "EXTERNAL_ID_TAKEN");

        let merge = json!({ "duplicate_id": GUEST });
        fixture.post(&format!("/v1/customers/{OTHER_GUEST}/merge"), &token, &merge).await.ok();
        let again = book(&fixture, &token, &body).await;
        assert_eq!((&again.ok()["id"], &again.body["guest_id"]), (&made["id"], &json!(OTHER_GUEST)));
        body["guest_id"] = OTHER_GUEST.into();
        assert_eq!(book(&fixture, &token, &body).await.ok()["id"], made["id"], "{layout:?}");
    }
}

/// A channel that moves a stay cancels it and books it anew by the same id.
#[tokio::test]
async fn the_id_of_a_booking_that_is_over_may_be_given_to_another_stay() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let (first, moved) =
            (of_channel("C-1", "2031-05-01", "2031-05-04"), of_channel("C-1", "2031-05-02", "2031-05-05"));
        let old = book(&fixture, &token, &first).await.ok().clone();
        let refused = book(&fixture, &token, &moved).await;
        refused.refused(409, "EXTERNAL_ID_TAKEN");
        let cancel = format!("/v1/bookings/{}/cancel", old["id"].as_str().unwrap());
        fixture.post(&cancel, &token, &json!({})).await.ok();
        let new = book(&fixture, &token, &moved).await.ok().clone();
        assert_eq!(new["status"], "confirmed", "{layout:?}");
        assert_ne!(new["id"], old["id"]);
        // It is repeated; another stay, the first one too, waits until it is over.
        assert_eq!(book(&fixture, &token, &moved).await.ok(), &new, "{layout:?}");
        let third = of_channel("C-1", "2031-07-01", "2031-07-04");
        for other in [&first, &third] {
            let refused = book(&fixture, &token, other).await;
            refused.refused(409, "EXTERNAL_ID_TAKEN");
            assert_eq!(refused.body["metadata"]["booking_id"], new["id"], "{layout:?}");
        }
        // What is over is answered while nothing came after it; what is moved back is sold.
        let cancel = format!("/v1/bookings/{}/cancel", new["id"].as_str().unwrap());
        fixture.post(&cancel, &token, &json!({})).await.ok();
        let again = book(&fixture, &token, &moved).await;
        assert_eq!((&again.ok()["id"], &again.body["status"]), (&new["id"], &json!("cancelled")));
        let new = book(&fixture, &token, &first).await.ok().clone();
        assert_eq!(new["status"], "confirmed", "{layout:?}");
        assert_ne!(new["id"], old["id"]);
        // One that other programs have deleted is nobody's.
        let gone = "update bookings set deleted_at = now(), status = 'cancelled' where id = $1::text::uuid";
        fixture.execute(gone, &[&new["id"].as_str().unwrap()]).await;
        assert_eq!(book(&fixture, &token, &third).await.ok()["status"], "confirmed", "{layout:?}");
    }
}

/// Another program may have written the same id in another spelling.
#[tokio::test]
async fn a_booking_is_known_by_its_id_however_that_is_spelled() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let made = book(&fixture, &token, &of_channel("Z\u{fc}-1", "2031-05-01", "2031-05-04")).await;
        let id: uuid::Uuid = made.ok()["id"].as_str().unwrap().parse().unwrap();
        fixture.execute("update bookings set external_id = $2 where id = $1", &[&id, &"Zu\u{308}-1"]).await;
        let again = book(&fixture, &token, &of_channel("Z\u{fc}-1", "2031-05-01", "2031-05-04")).await;
        assert_eq!(again.ok()["id"], id.to_string(), "{layout:?}");
        let other = book(&fixture, &token, &of_channel("Z\u{fc}-1", "2032-05-01", "2032-05-04")).await;
        other.refused(409, "EXTERNAL_ID_TAKEN");
    }
}
