//! Two sessions, one interleaving each: the hazards of approving. Who waits for
//! whom is read from the locks, not guessed by sleeping.

use std::time::Duration;

use frontdesk::demo;
use frontdesk_proto::booking::v1::ApproveBookingRequestRequest;
use serde_json::json;
use uuid::Uuid;

use super::help::rival::Rival;
use crate::fixture::{Fixture, Layout, case, path_of, signed};

const OPEN: [Layout; 2] = [Layout::Standard, Layout::ConfirmedOnly];

#[tokio::test]
async fn h1_two_approvals_of_one_request_become_one_booking() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let id = case("REQUESTED");
        let rival = Rival::begin(&fixture).await;
        rival.lock(layout.requests(), id).await;
        let release = rival.roll_back_when_it_blocks(&fixture, 2);
        let (first, second, ()) =
            tokio::join!(fixture.approve(&token, id), fixture.approve(&token, id), release);
        let mut outcomes =
            [&first, &second].map(|answer| answer.ok()["outcome"].as_str().unwrap().to_owned());
        outcomes.sort();
        assert_eq!(outcomes, ["already_approved", "approved"], "{layout:?}");
        assert_eq!(first.body["booking_id"], second.body["booking_id"]);
    }
}

#[tokio::test]
async fn h2_an_approval_behind_a_cancel_sees_the_cancel() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let id = case("REQUESTED");
        let rival = Rival::begin(&fixture).await;
        rival.lock(layout.requests(), id).await;
        let (cancelled, approved, ()) = tokio::join!(
            async { fixture.post(&path_of(id, "/cancel"), &token, &json!({})).await },
            async {
                rival.blocks(&fixture, 1).await;
                fixture.approve(&token, id).await
            },
            rival.roll_back_when_it_blocks(&fixture, 2)
        );
        assert_eq!(cancelled.ok()["status"], "cancelled", "{layout:?}");
        approved.refused(409, "INVALID_TRANSITION");
        assert_eq!(fixture.get(&path_of(id, ""), &token).await.ok()["status"], "cancelled", "{layout:?}");
    }
}

#[tokio::test]
async fn h3_an_approval_waits_for_a_booking_under_way_and_believes_its_end() {
    for layout in OPEN {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let id = fixture.open_request(demo::TENANT, 1, 300, 305).await;
        let before = fixture.snapshot().await;
        let rival = Rival::begin(&fixture).await;
        rival.insert_booking(2, 304, 308).await;
        let give_way = rival.roll_back_when_it_blocks(&fixture, 1);
        let (approved, ()) = tokio::join!(fixture.approve(&token, id), give_way);
        assert_eq!(approved.ok()["outcome"], "approved", "{layout:?}");
        fixture.post(&path_of(id, "/cancel"), &token, &json!({})).await.ok();
        assert_ne!(fixture.snapshot().await, before);

        let id = fixture.open_request(demo::TENANT, 1, 310, 315).await;
        let rival = Rival::begin(&fixture).await;
        rival.insert_booking(2, 314, 318).await;
        let win = rival.commit_when_it_blocks(&fixture, 1);
        let (refused, ()) = tokio::join!(fixture.approve(&token, id), win);
        refused.refused(409, "BOOKING_OVERLAP");
        assert_eq!(fixture.get(&path_of(id, ""), &token).await.ok()["status"], "requested", "{layout:?}");
    }
}

#[tokio::test]
async fn h3_a_wait_without_end_is_503_and_changes_nothing() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let id = fixture.open_request(demo::TENANT, 1, 300, 305).await;
    let before = fixture.snapshot().await;
    let rival = Rival::begin(&fixture).await;
    rival.insert_booking(2, 304, 308).await;
    let refused = fixture.approve(&token, id).await;
    refused.refused(503, "LOCK_TIMEOUT");
    assert_eq!(refused.headers["retry-after"], "1");
    rival.roll_back().await;
    assert_eq!(fixture.snapshot().await, before);
    fixture.approve(&token, id).await.ok();
}

/// H4, H5 and H14: a deadlock's victim is tried again as a whole, its decision
/// too, and the client hears nothing of it.
#[tokio::test]
async fn h5_h14_the_victim_of_a_deadlock_decides_anew() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    for decline_meanwhile in [false, true] {
        let from = if decline_meanwhile { 320 } else { 300 };
        let id = fixture.open_request(demo::TENANT, 1, from, from + 5).await;
        let rival = Rival::begin(&fixture).await;
        // The service's session notices first.
        rival.sql.batch_execute("set local deadlock_timeout = '60s'").await.unwrap();
        rival.insert_booking(2, from + 4, from + 8).await;
        let embrace = async {
            rival.blocks(&fixture, 1).await;
            rival.lock("booking_requests", id).await;
            if decline_meanwhile {
                let decline =
                    "update booking_requests set status = 'declined', decline_reason = 'x' where id = $1";
                rival.sql.execute(decline, &[&id]).await.unwrap();
                rival.commit().await;
            } else {
                rival.roll_back().await;
            }
        };
        let (answer, ()) = tokio::join!(fixture.approve(&token, id), embrace);
        if decline_meanwhile {
            answer.refused(409, "INVALID_TRANSITION");
            assert_eq!(answer.body["metadata"]["state"], "already_declined");
        } else {
            assert_eq!(answer.ok()["outcome"], "approved");
        }
    }
    // The statistics come a little later.
    let deadlocks = "select deadlocks from pg_stat_database where datname = current_database()";
    for _ in 0..100 {
        if fixture.count(deadlocks, &[]).await >= 2 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("there was no deadlock");
}

#[tokio::test]
async fn h6_auto_decline_does_not_wait_for_a_competitor_that_is_being_decided() {
    for layout in OPEN {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        fixture.patch("/v1/booking-settings", &token, &json!({"auto_decline": true})).await.ok();
        let id = fixture.open_request(demo::TENANT, 1, 300, 305).await;
        let competitor = fixture.open_request(demo::TENANT, 2, 304, 308).await;
        let rival = Rival::begin(&fixture).await;
        rival.lock(layout.requests(), competitor).await;
        fixture.approve(&token, id).await.ok();
        rival.roll_back().await;
        assert_eq!(fixture.get(&path_of(competitor, ""), &token).await.ok()["status"], "requested");
        fixture.approve(&token, competitor).await.refused(409, "BOOKING_OVERLAP");
    }
}

#[tokio::test]
async fn h7_h8_a_conflict_found_while_storing_still_heals_whatever_the_default_isolation() {
    for layout in OPEN {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let strict = "do $$ begin execute format('alter database %I set default_transaction_isolation = \
            ''repeatable read''', current_database()); end $$; \
            select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'frontdesk-booking' \
            and datname = current_database()";
        fixture.sql.batch_execute(strict).await.unwrap();
        let id = fixture.open_request(demo::TENANT, 1, 300, 305).await;
        for _ in 0..50 {
            // Until the lost connections are replaced.
            if fixture.get(&path_of(id, ""), &token).await.status == 200 {
                break;
            }
        }
        let rival = Rival::begin(&fixture).await;
        let booking = rival.insert_booking(1, 304, 308).await;
        let win = rival.commit_when_it_blocks(&fixture, 1);
        let (healed, ()) = tokio::join!(fixture.approve(&token, id), win);
        assert_eq!(healed.ok()["evidence"], "fulfilled_by_overlap_same_guest", "{layout:?}");
        assert_eq!(healed.body["booking_id"], booking.to_string());
    }
}

/// H9 is tested where transactions live, in services/pg: a transaction in which
/// an error was swallowed cannot be committed.
#[tokio::test]
async fn h10_a_booking_cannot_be_cancelled_while_it_heals_a_request() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let id = case("OVERLAP_SAME_GUEST");
    let booking: Uuid = "0d000000-0000-7000-8000-00000000040a".parse().unwrap();
    // Without its range the heal has to store one, and there it is held up.
    fixture.execute("delete from inventory_ranges where source_id = $1", &[&booking]).await;
    let rival = Rival::begin(&fixture).await;
    rival
        .sql
        .execute(
            "insert into inventory_ranges (tenant_id, id, property_id, kind, start_date, end_date, state, created_at) \
             select tenant_id, gen_random_uuid(), property_id, 'block', check_in, check_out, 'active', now() \
             from bookings where id = $1",
            &[&booking],
        )
        .await
        .unwrap();
    let (healed, cancelled, ()) = tokio::join!(
        fixture.approve(&token, id),
        async {
            rival.blocks(&fixture, 1).await;
            fixture.post(&format!("/v1/bookings/{booking}/cancel"), &token, &json!({})).await
        },
        rival.roll_back_when_it_blocks(&fixture, 2)
    );
    assert_eq!(healed.ok()["outcome"], "healed");
    assert_eq!(cancelled.ok()["status"], "cancelled");
    let read = fixture.get(&path_of(id, ""), &token).await;
    assert_eq!(read.ok()["status"], "requested", "confirmed with nothing behind it");
}

#[tokio::test]
async fn h11_a_conflict_that_vanishes_leaves_the_dates_to_the_approval() {
    for layout in OPEN {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let id = fixture.open_request(demo::TENANT, 1, 300, 305).await;
        let taker = Rival::begin(&fixture).await;
        let booking = taker.insert_booking(2, 304, 308).await;
        let vanish = async {
            taker.blocks(&fixture, 1).await;
            // At once, so that the booking is under way again when the approval, two
            // round trips later, looks at who has the dates.
            let cancel =
                format!("commit; begin; update bookings set status = 'cancelled' where id = '{booking}'");
            taker.sql.batch_execute(&cancel).await.unwrap();
            taker.blocks(&fixture, 1).await;
            taker.commit().await;
        };
        let (approved, ()) = tokio::join!(fixture.approve(&token, id), vanish);
        assert_eq!(approved.ok()["outcome"], "approved", "{layout:?}");
    }
}

#[tokio::test]
async fn h12_a_client_that_leaves_leaves_nothing_half_done() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let id = case("REQUESTED");
        let before = fixture.snapshot().await;
        let rival = Rival::begin(&fixture).await;
        rival.lock(layout.requests(), id).await;
        let message =
            ApproveBookingRequestRequest { booking_request_id: id.to_string(), ..Default::default() };
        let mut request = signed(message, &token);
        request.set_timeout(Duration::from_millis(700));
        let status = fixture.booking().approve_booking_request(request).await.unwrap_err();
        assert!(
            matches!(status.code(), tonic::Code::DeadlineExceeded | tonic::Code::Cancelled),
            "{status:?}"
        );
        rival.roll_back().await;
        // The abandoned transaction ends by itself.
        let open = "select count(*) from pg_stat_activity where application_name = 'frontdesk-booking' \
            and datname = current_database() and state <> 'idle' and xact_start < now() - interval '100 ms'";
        for _ in 0..100 {
            if fixture.count(open, &[]).await == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(fixture.snapshot().await, before, "{layout:?}");
        assert_eq!(fixture.approve(&token, id).await.ok()["outcome"], "approved", "{layout:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h13_more_waiting_calls_than_connections_are_shed_and_recover() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let id = case("REQUESTED");
    let rival = Rival::begin(&fixture).await;
    rival.lock("booking_requests", id).await;
    let calls = futures::future::join_all((0..40).map(|_| fixture.approve(&token, id)));
    let answers = calls.await;
    for answer in &answers {
        let code = answer.body["code"].as_str().unwrap();
        assert!(matches!(code, "LOCK_TIMEOUT" | "OVERLOADED"), "{}", answer.body);
        assert_eq!(answer.status, 503);
    }
    assert!(answers.iter().any(|answer| answer.body["code"] == "OVERLOADED"));
    rival.roll_back().await;
    fixture.approve(&token, id).await.ok();
}
