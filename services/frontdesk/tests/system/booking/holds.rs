//! Holds: requests that keep their dates until they are decided or expire.

use frontdesk::demo;
use serde_json::{Value as Json, json};

use super::feed_order::assert_causal;
use super::help::new_request::{GUEST, OTHER_GUEST, new_request};
use super::help::watcher::Watcher;
use crate::figures::Figures;
use crate::fixture::Fixture;

/// More than the holds of these tests take to expire.
const IN_TIME: std::time::Duration = std::time::Duration::from_secs(30);

#[tokio::test]
async fn a_hold_keeps_the_dates_until_its_request_is_decided() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    fixture.hold_dates(&token).await;
    let first = fixture.create_request(&token, &new_request(GUEST, "2031-03-01", "2031-03-08")).await;
    let read = fixture.get(&format!("/v1/booking-requests/{first}"), &token).await;
    assert_eq!(read.ok()["status"], "requested");
    assert!(read.body["hold_expires_at"].is_string());
    let before = fixture.snapshot().await;
    let second = fixture
        .post("/v1/booking-requests", &token, &new_request(OTHER_GUEST, "2031-03-07", "2031-03-09"))
        .await;
    second.refused(409, "BOOKING_OVERLAP");
    assert_eq!(fixture.snapshot().await, before, "nothing of the refused request was stored");

    // A request without a hold, stored before the policy, meets the hold.
    let rival = fixture.open_request(demo::TENANT, 5, 0, 1).await;
    fixture
        .execute(
            "update booking_requests set check_in = '2031-03-02', check_out = '2031-03-04' where id = $1",
            &[&rival],
        )
        .await;
    let refused = fixture.approve(&token, rival).await;
    refused.refused(409, "BOOKING_OVERLAP");
    assert_eq!(refused.body["metadata"]["conflict_kind"], "hold");

    let holds = fixture.get("/v1/bookings?status=requested", &token).await;
    let hold = holds.ok()["bookings"][0]["id"].as_str().unwrap().to_owned();
    let cancel = fixture.post(&format!("/v1/bookings/{hold}/cancel"), &token, &json!({})).await;
    cancel.refused(409, "INVALID_TRANSITION");
    assert_eq!(cancel.body["metadata"]["state"], "hold");

    let approved = fixture.post(&format!("/v1/booking-requests/{first}/approve"), &token, &json!({})).await;
    assert_eq!((&approved.ok()["booking_id"], &approved.body["outcome"]), (&json!(hold), &json!("approved")));
    let read = fixture.get(&format!("/v1/booking-requests/{first}"), &token).await;
    assert_eq!((&read.ok()["status"], &read.body["hold_expires_at"]), (&json!("confirmed"), &Json::Null));
}

#[tokio::test]
async fn declined_and_cancelled_holds_free_the_dates() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    fixture.hold_dates(&token).await;
    for (step, body, status) in
        [("decline", json!({"decline_reason": "No"}), "declined"), ("cancel", json!({}), "cancelled")]
    {
        let id = fixture.create_request(&token, &new_request(GUEST, "2031-04-01", "2031-04-08")).await;
        fixture.post(&format!("/v1/booking-requests/{id}/{step}"), &token, &body).await.ok();
        let holds = "select count(*) from bookings b join inventory_ranges i on i.source_id = b.id \
            where b.booking_request_id = $1::text::uuid and b.status = $2 and i.state = 'cancelled'";
        assert_eq!(fixture.count(holds, &[&id, &status]).await, 1, "{step}");
    }
    fixture.create_request(&token, &new_request(OTHER_GUEST, "2031-04-01", "2031-04-08")).await;
}

/// Another program has changed the dates or the house of the request, or of its hold.
#[tokio::test]
async fn a_hold_of_other_dates_than_its_request_asks_for_is_given_up_when_it_is_approved() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    fixture.hold_dates(&token).await;
    let watcher = Watcher::start(fixture.system.booking, &token);
    for (month, table, set) in [
        (1, "booking_requests", "check_out = check_out + 1"),
        (3, "booking_requests", "check_in = check_in + 2"),
        (5, "booking_requests", "check_in = check_in + 20, check_out = check_out + 20"),
        (7, "booking_requests", "property_id = '0d000000-0000-7000-8000-000000000201'"),
        (9, "bookings", "check_in = check_in + 3, check_out = check_out + 3"),
    ] {
        let [from, to] = [1, 8].map(|day| format!("2033-{month:02}-{day:02}"));
        let id = fixture.create_request(&token, &new_request(GUEST, &from, &to)).await;
        let held: String = {
            let query = "select held_booking_id::text from booking_requests where id = $1::text::uuid";
            fixture.sql.query_one(query, &[&id]).await.unwrap().get(0)
        };
        let row = if table == "bookings" { &held } else { &id };
        let set = format!("update {table} set {set} where id = $1::text::uuid");
        assert_eq!(fixture.execute(&set, &[row]).await, 1);
        let explained = fixture.get(&format!("/v1/booking-requests/{id}/explain"), &token).await;
        assert_eq!(explained.ok()["would_succeed"], true, "{set}: {}", explained.body);
        assert_eq!(explained.body["conflicts"], json!([]), "{set}");
        let approved = fixture.post(&format!("/v1/booking-requests/{id}/approve"), &token, &json!({})).await;
        assert_eq!(approved.ok()["outcome"], "approved", "{set}");
        assert_eq!(approved.body["message"], explained.body["message"], "{set}");
        assert_eq!(approved.body["fulfilment"]["coverage"], "exact", "{set}: {}", approved.body);
        assert_ne!(approved.body["booking_id"], held, "{set}");
        let given_up = "select count(*) from bookings b join inventory_ranges i on i.source_id = b.id \
            where b.id = $1::text::uuid and b.status = 'cancelled' and i.state = 'cancelled'";
        assert_eq!(fixture.count(given_up, &[&held]).await, 1, "{set}");
        let again = fixture.post(&format!("/v1/booking-requests/{id}/approve"), &token, &json!({})).await;
        assert_eq!(again.ok()["outcome"], "already_approved", "{set}");
    }
    // Somebody else has a night of the dates that are asked for now: nothing is given up.
    let competitor =
        fixture.create_request(&token, &new_request(OTHER_GUEST, "2034-01-08", "2034-01-10")).await;
    fixture.post(&format!("/v1/booking-requests/{competitor}/approve"), &token, &json!({})).await.ok();
    let id = fixture.create_request(&token, &new_request(GUEST, "2034-01-01", "2034-01-08")).await;
    let set = "update booking_requests set check_out = check_out + 1 where id = $1::text::uuid";
    assert_eq!(fixture.execute(set, &[&id]).await, 1);
    // An event gets its number a moment later.
    watcher.has_heard_everything(&fixture.sql).await;
    let before = fixture.snapshot().await;
    let refused = fixture.post(&format!("/v1/booking-requests/{id}/approve"), &token, &json!({})).await;
    refused.refused(409, "BOOKING_OVERLAP");
    assert_eq!(refused.body["metadata"]["conflict_kind"], "booking");
    assert_eq!(fixture.snapshot().await, before);
    // The feed tells what is given up before what is made.
    watcher.has_heard_everything(&fixture.sql).await;
    assert_causal(&fixture.sql).await;
}

#[tokio::test]
async fn a_hold_that_runs_out_expires_its_request() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    fixture.hold_dates(&token).await;
    let id = fixture.create_request(&token, &new_request(GUEST, "2031-05-01", "2031-05-08")).await;
    let kept = fixture.create_request(&token, &new_request(GUEST, "2031-06-01", "2031-06-08")).await;
    fixture
        .execute("update booking_requests set hold_expires_at = now() - interval '1 second' where id = $1::text::uuid", &[&id])
        .await;
    let path = format!("/v1/booking-requests/{id}");
    let mut status = Json::Null;
    for _ in 0..100 {
        status = fixture.get(&path, &token).await.ok()["status"].clone();
        if status == "expired" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(status, "expired");
    assert_eq!(
        fixture.get(&format!("/v1/booking-requests/{kept}"), &token).await.ok()["status"],
        "requested"
    );
    let refused = fixture.post(&format!("{path}/approve"), &token, &json!({})).await;
    refused.refused(409, "INVALID_TRANSITION");
    assert_eq!(refused.body["metadata"]["state"], "expired");
    fixture.post(&format!("{path}/cancel"), &token, &json!({})).await.refused(409, "INVALID_TRANSITION");
    let history = fixture.get(&format!("{path}/history"), &token).await;
    assert_eq!(history.ok()["events"][1]["kind"], "expired");
    fixture.create_request(&token, &new_request(OTHER_GUEST, "2031-05-01", "2031-05-08")).await;
}

/// Other programs close requests and leave their holds.
#[tokio::test]
async fn closed_requests_with_a_hold_neither_stop_the_others_nor_keep_their_dates() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    fixture.hold_dates(&token).await;
    let open = fixture.create_request(&token, &new_request(GUEST, "2032-05-01", "2032-05-08")).await;
    let mut closed = Vec::new();
    for day in 1..=27 {
        for month in 1..=4 {
            let (from, to) = (format!("2033-{month:02}-{day:02}"), format!("2033-{month:02}-{:02}", day + 1));
            closed.push(fixture.create_request(&token, &new_request(GUEST, &from, &to)).await);
        }
    }
    assert!(closed.len() > 100);
    fixture
        .execute(
            "update booking_requests set hold_expires_at = now() - interval '1 hour', \
             status = case when check_in >= '2033-01-01' then 'cancelled' else status end \
             where held_booking_id is not null",
            &[],
        )
        .await;
    let path = format!("/v1/booking-requests/{open}");
    let mut status = Json::Null;
    for _ in 0..150 {
        status = fixture.get(&path, &token).await.ok()["status"].clone();
        let held = "select count(*) from booking_requests where held_booking_id is not null";
        if status == "expired" && fixture.count(held, &[]).await == 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(status, "expired");
    let free =
        "/v1/properties/0d000000-0000-7000-8000-000000000202/availability?from=2033-01-01&to=2033-04-30";
    assert_eq!(fixture.get(free, &token).await.ok()["free_nights"].as_array().unwrap().len(), 119);
    let read = fixture.get(&format!("/v1/booking-requests/{}", closed[0]), &token).await;
    assert_eq!((&read.ok()["status"], &read.body["hold_expires_at"]), (&json!("cancelled"), &Json::Null));
}

/// A hold that somebody has given to another guest stays theirs.
#[tokio::test]
async fn the_hold_of_a_closed_request_is_released_only_if_it_is_still_the_guests() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    fixture.hold_dates(&token).await;
    let id = fixture.create_request(&token, &new_request(GUEST, "2031-05-01", "2031-05-08")).await;
    let find = "select held_booking_id from booking_requests where id = $1::text::uuid";
    let hold: uuid::Uuid = fixture.sql.query_one(find, &[&id]).await.unwrap().get(0);
    let given = "update bookings set guest_id = $2::text::uuid where id = $1";
    fixture.execute(given, &[&hold, &OTHER_GUEST]).await;
    let closed = "update booking_requests set status = 'declined', decline_reason = 'x', \
        hold_expires_at = now() - interval '1 hour' where id = $1::text::uuid";
    fixture.execute(closed, &[&id]).await;
    let released =
        "select count(*) from booking_requests where id = $1::text::uuid and held_booking_id is null";
    for _ in 0..150 {
        if fixture.count(released, &[&id]).await == 1 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(fixture.count(released, &[&id]).await, 1);
    let theirs = "select count(*) from bookings where id = $1 and status = 'requested'";
    assert_eq!(fixture.count(theirs, &[&hold]).await, 1);
}

/// However many have run out: a turn ends in time, or readiness would tell that it lasts
/// too long, and the next one goes on after the last hold that it has tried.
#[tokio::test]
async fn holds_that_run_out_in_large_numbers_are_expired_in_turns() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let figures = Figures::of(&fixture.system).await;
    // How often the task has run well.
    let turns =
        || figures.read("frontdesk_background_runs_total{task=\"expire holds\",outcome=\"succeeded\"}");
    fixture.hold_dates(&token).await;
    for month in 1..=4 {
        let (from, to) = (format!("2033-0{month}-01"), format!("2033-0{month}-03"));
        fixture.create_request(&token, &new_request(GUEST, &from, &to)).await;
    }
    // Each of them takes its time.
    let slow = "create function public.slowly() returns trigger language plpgsql as \
        $$ begin if new.status = 'expired' then perform pg_sleep(0.8); end if; return new; end $$; \
        create trigger slowly before update on booking_requests for each row execute function public.slowly(); \
        update booking_requests set hold_expires_at = now() - interval '1 hour' where held_booking_id is not null";
    fixture.sql.batch_execute(slow).await.unwrap();
    let left =
        || fixture.count("select count(*) from booking_requests where held_booking_id is not null", &[]);
    let soon = || tokio::time::sleep(std::time::Duration::from_millis(20));
    let in_turns = async {
        while left().await == 4 {
            soon().await;
        }
        let before = turns().await;
        while turns().await == before {
            soon().await;
        }
        assert_ne!(left().await, 0, "one turn has gone on until no hold was left");
        while left().await > 0 {
            soon().await;
        }
    };
    tokio::time::timeout(IN_TIME, in_turns).await.expect("all expire in time");
}

/// Servers try the same holds: what one of them, or a call, has locked keeps no other one
/// waiting.
#[tokio::test]
async fn a_hold_that_somebody_has_locked_is_passed_over() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    fixture.hold_dates(&token).await;
    let first = fixture.create_request(&token, &new_request(GUEST, "2033-01-01", "2033-01-03")).await;
    fixture.create_request(&token, &new_request(GUEST, "2033-02-01", "2033-02-03")).await;
    let locker = pg::connect(&fixture.database.url).await.unwrap();
    // Locked before it runs out, or the service would be faster; such a lock lets it do so.
    let lock = format!("begin; select from booking_requests where id = '{first}' for key share");
    locker.batch_execute(&lock).await.unwrap();
    let run_out = "update booking_requests set hold_expires_at = now() - \
        case when id = $1::text::uuid then 2 else 1 end * interval '1 hour' where held_booking_id is not null";
    assert_eq!(fixture.execute(run_out, &[&first]).await, 2);
    let left =
        || fixture.count("select count(*) from booking_requests where held_booking_id is not null", &[]);
    let waiting = "select count(*) from pg_stat_activity where datname = current_database() \
        and wait_event_type = 'Lock'";
    let soon = || tokio::time::sleep(std::time::Duration::from_millis(20));
    let expire = async {
        while left().await > 1 {
            assert_eq!(fixture.count(waiting, &[]).await, 0, "a turn waits for somebody");
            soon().await;
        }
        locker.batch_execute("rollback").await.unwrap();
        while left().await > 0 {
            soon().await;
        }
    };
    tokio::time::timeout(IN_TIME, expire).await.expect("both expire in time");
}
