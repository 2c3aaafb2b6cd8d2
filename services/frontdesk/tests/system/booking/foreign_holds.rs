//! Holds and properties that hold, as other programs write them.

use frontdesk::demo;
use serde_json::json;
use uuid::Uuid;

use super::help::new_request::{GUEST, new_request};
use crate::figures::Figures;
use crate::fixture::Fixture;

/// The booking that holds the nights of a request.
async fn hold_of(fixture: &Fixture, request: &str) -> Uuid {
    let find = "select held_booking_id from booking_requests where id = $1::text::uuid";
    fixture.sql.query_one(find, &[&request]).await.unwrap().get(0)
}

/// Another program has sold a hold without its range: what is offered for it is done.
#[tokio::test]
async fn a_hold_that_another_program_has_sold_is_cancelled_like_any_booking() {
    let fixture = Fixture::start().await;
    let token = fixture.token(demo::OWNER).await;
    fixture.hold_dates(&token).await;
    for (month, resolves) in [(5, false), (6, true)] {
        let (from, to) = (format!("2031-0{month}-01"), format!("2031-0{month}-08"));
        let id = fixture.create_request(&token, &new_request(GUEST, &from, &to)).await;
        let hold = hold_of(&fixture, &id).await;
        fixture.post(&path_of_booking(hold), &token, &json!({})).await.refused(409, "INVALID_TRANSITION");
        fixture.execute("update bookings set status = 'confirmed' where id = $1", &[&hold]).await;
        fixture
            .execute("update inventory_ranges set state = 'cancelled' where source_id = $1", &[&hold])
            .await;
        if resolves {
            let path = format!("/v1/diagnostics/inconsistencies/{hold}/resolve");
            let resolved = fixture.post(&path, &token, &json!({"choice": "cancel"})).await;
            assert_eq!(resolved.ok()["resolved"], true, "{}", resolved.body);
        } else {
            fixture.post(&path_of_booking(hold), &token, &json!({})).await.ok();
        }
        let read = fixture.get(&format!("/v1/bookings/{hold}"), &token).await;
        assert_eq!(read.ok()["status"], "cancelled");
    }
}

fn path_of_booking(id: Uuid) -> String {
    format!("/v1/bookings/{id}/cancel")
}

/// What a property says of holds that is nothing of ours keeps nobody from asking for it.
#[tokio::test]
async fn a_policy_that_is_none_holds_nothing_and_hours_that_are_none_are_a_day() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    fixture.hold_dates(&token).await;
    let free = "alter table properties alter column hold_policy drop not null, alter column hold_hours drop not null, \
        drop constraint properties_hold_policy_check, drop constraint properties_hold_hours_check";
    fixture.sql.batch_execute(free).await.unwrap();
    for (day, said, hours) in [
        (1, "hold_policy = null", None),
        (3, "hold_policy = 'HOLD'", None),
        (5, "hold_policy = 'hold', hold_hours = null", Some(24)),
        (7, "hold_policy = 'hold', hold_hours = -1", Some(24)),
        (9, "hold_policy = 'hold', hold_hours = 0", Some(24)),
        (11, "hold_policy = 'hold', hold_hours = 2147483647", Some(87_600)),
        (13, "hold_policy = 'hold', hold_hours = 3", Some(3)),
    ] {
        fixture.sql.batch_execute(&format!("update properties set {said}")).await.unwrap();
        let (from, to) = (format!("2031-05-{day:02}"), format!("2031-05-{:02}", day + 1));
        let id = fixture.create_request(&token, &new_request(GUEST, &from, &to)).await;
        let held = "select extract(epoch from hold_expires_at - created_at)::bigint / 3600 from booking_requests \
            where id = $1::text::uuid";
        let held: Option<i64> = fixture.sql.query_one(held, &[&id]).await.unwrap().get(0);
        assert_eq!(held, hours, "{said}");
    }
    fixture.get("/v1/properties", &token).await.ok();
}

/// Open requests that read as confirmed keep their dates, and their holds no turn waits for.
#[tokio::test]
async fn very_many_holds_that_keep_their_dates_keep_none_from_running_out() {
    const MANY: i32 = 3_000;
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    fixture.hold_dates(&token).await;
    let id = fixture.create_request(&token, &new_request(GUEST, "2031-05-01", "2031-05-08")).await;
    let marked = "with held as ( \
            insert into bookings (tenant_id, id, property_id, guest_id, check_in, check_out, status, created_at, updated_at) \
            select $1, gen_random_uuid(), property_id, guest_id, date '1900-01-01' + n::integer, date '1900-01-02' + n::integer, \
                'cancelled', now(), now() \
            from booking_requests cross join generate_series(1, $3) n where id = $2::text::uuid \
            returning * \
        ) insert into booking_requests (tenant_id, id, property_id, guest_id, check_in, check_out, status, guest_count, \
            held_booking_id, hold_expires_at, confirmed_at, created_at, updated_at) \
        select tenant_id, gen_random_uuid(), property_id, guest_id, check_in, check_out, 'requested', 1, \
            id, now() - interval '2 hours', now(), now(), now() from held";
    assert_eq!(fixture.execute(marked, &[&demo::TENANT, &id, &MANY]).await, 3_000);
    let figures = Figures::of(&fixture.system).await;
    let turns =
        || figures.read("frontdesk_background_runs_total{task=\"expire holds\",outcome=\"succeeded\"}");
    let before = turns().await;
    let run_out =
        "update booking_requests set hold_expires_at = now() - interval '1 hour' where id = $1::text::uuid";
    fixture.execute(run_out, &[&id]).await;
    let path = format!("/v1/booking-requests/{id}");
    while fixture.get(&path, &token).await.ok()["status"] != "expired" {
        assert!(turns().await < before + 4, "one that is due is not among the first that are tried");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let kept = "select count(*) from booking_requests where held_booking_id is not null and confirmed_at is not null";
    assert_eq!(fixture.count(kept, &[]).await, i64::from(MANY));
}
