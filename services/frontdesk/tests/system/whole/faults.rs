//! Connections, clients and tables fail in the middle: no approval is half written, and
//! who watches hears everything once. A Postgres that is killed is in `crashes.rs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use frontdesk::demo;
use frontdesk::system::{Calls, Policies};
use frontdesk_proto::booking::v1::ApproveBookingRequestRequest;
use futures::future::join_all;
use serde_json::json;
use uuid::Uuid;

use super::crashes::halves;
use crate::booking::feed_order::assert_causal;
use crate::booking::help::covered::no_night_is_covered_for_two_guests;
use crate::booking::help::watcher::Watcher;
use crate::fixture::{Fixture, LAKE_HOUSE, Layout, case, master_key, path_of, signed, system_calling};

/// Open requests for one night each, on nights of their own.
async fn nights(fixture: &Fixture, count: i32) -> Vec<Uuid> {
    let insert = "insert into {requests} (tenant_id, id, property_id, guest_id, check_in, check_out, status, \
        guest_count, created_at, updated_at) \
        select $1, gen_random_uuid(), $2, '0d000000-0000-7000-8000-000000000301', date '2040-01-01' + n, \
        date '2040-01-01' + n + 1, 'requested', 1, now(), now() from generate_series(1, $3::integer) n returning id";
    let insert = insert.replace("{requests}", fixture.layout.requests());
    let rows = fixture.sql.query(&insert, &[&demo::TENANT, &LAKE_HOUSE, &count]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// Every approval is whole, no night is covered for two guests, and the feed tells causes
/// first.
async fn all_is_whole(fixture: &Fixture, token: &str) {
    assert_eq!(fixture.count(halves(fixture.layout), &[&LAKE_HOUSE]).await, 0, "half an approval");
    let read = async |path: &str| fixture.get(path, token).await.ok().clone();
    assert!(no_night_is_covered_for_two_guests(read).await > 0);
    // Numbers are given to whoever watches.
    let _watcher = Watcher::start(fixture.system.booking, token);
    assert_causal(&fixture.sql).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_cut_in_the_middle_leave_whole_approvals() {
    cut_connections(Fixture::start().await, 160).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_cut_behind_sockets_leave_whole_approvals() {
    let mut fixture = Fixture::start().await;
    let over = system_calling(&fixture.database.url, Policies::default(), master_key(), Calls::OverSockets);
    fixture.system = Box::pin(over).await.unwrap();
    cut_connections(fixture, 80).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_cut_leave_whole_rows_of_the_single_table() {
    cut_connections(Fixture::start_in(Layout::Literal).await, 80).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_cut_leave_whole_rows_where_only_what_is_sold_keeps_its_nights() {
    cut_connections(Fixture::start_in(Layout::ConfirmedOnly).await, 80).await;
}

async fn cut_connections(fixture: Fixture, count: i32) {
    let token = fixture.manager().await;
    let requests = nights(&fixture, count).await;
    // What it hears is read over connections that are cut as well.
    let watcher = Watcher::start(fixture.system.booking, &token);
    let over = AtomicBool::new(false);
    let cut = async {
        let kill = "select count(pg_terminate_backend(pid)) from ( \
            select pid from pg_stat_activity where application_name = 'frontdesk-booking' \
            and datname = current_database() and state <> 'idle' order by random() limit 2) busy";
        let mut cuts = 0;
        // Without an end a slow machine would get no call through.
        while !over.load(Ordering::Relaxed) && cuts < 150 {
            cuts += fixture.count(kill, &[]).await;
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        assert!(cuts > 0, "nothing was cut");
    };
    let approve = async {
        join_all((0..8).map(async |client| {
            for id in requests.iter().skip(client).step_by(8) {
                let mut tries = 0;
                loop {
                    let answer = fixture.post(&path_of(*id, "/approve"), &token, &json!({})).await;
                    if answer.status == 200 {
                        break;
                    }
                    assert_eq!(answer.status, 503, "{}", answer.body);
                    tries += 1;
                    assert!(tries < 200, "never answered: {}", answer.body);
                }
            }
        }))
        .await;
        over.store(true, Ordering::Relaxed);
    };
    tokio::join!(approve, cut);
    all_is_whole(&fixture, &token).await;
    let approved = format!(
        "select count(*) from {} where property_id = $1 and status = 'confirmed'",
        fixture.layout.requests()
    );
    assert_eq!(fixture.count(&approved, &[&LAKE_HOUSE]).await, i64::from(count));
    watcher.has_heard_everything(&fixture.sql).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_leave_at_any_moment_leave_whole_approvals() {
    leave(Layout::Standard).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_leave_leave_whole_rows_of_the_single_table() {
    leave(Layout::ConfirmedOnly).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_leave_leave_whole_rows_where_requests_keep_their_nights() {
    leave(Layout::Literal).await;
}

async fn leave(layout: Layout) {
    let fixture = Arc::new(Fixture::start_in(layout).await);
    let token = fixture.manager().await;
    let requests = nights(&fixture, 150).await;
    let left = AtomicUsize::new(0);
    join_all(requests.iter().enumerate().map(async |(at, id)| {
        let message =
            ApproveBookingRequestRequest { booking_request_id: id.to_string(), ..Default::default() };
        let mut client = fixture.booking();
        let call = client.approve_booking_request(signed(message, &token));
        // From before the first statement to after the answer.
        let patience = Duration::from_micros(400 * at as u64);
        if tokio::time::timeout(patience, call).await.is_err() {
            left.fetch_add(1, Ordering::Relaxed);
        }
    }))
    .await;
    assert!(left.load(Ordering::Relaxed) > 20, "too few left: {left:?}");
    let busy = "select count(*) from pg_stat_activity where application_name = 'frontdesk-booking' \
        and datname = current_database() and state <> 'idle'";
    for _ in 0..200 {
        if fixture.count(busy, &[]).await == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    all_is_whole(&fixture, &token).await;
    // And each can still be approved, or was.
    for id in requests {
        fixture.post(&path_of(id, "/approve"), &token, &json!({})).await.ok();
    }
    all_is_whole(&fixture, &token).await;
}

/// Eight clients approve and read while something else goes on, until `over`.
async fn calls_that_all_work(fixture: &Fixture, token: &str, requests: &[Uuid], over: &AtomicBool) {
    join_all((0..8).map(async |client| {
        for id in requests.iter().skip(client).step_by(8) {
            fixture.post(&path_of(*id, "/approve"), token, &json!({})).await.ok();
            fixture.get(&path_of(*id, ""), token).await.ok();
            fixture.get("/api/v1/booking-requests?limit=5", token).await.ok();
        }
    }))
    .await;
    over.store(true, Ordering::Relaxed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_altered_under_load_is_noticed_by_nobody() {
    alter_tables(Layout::Standard, 160).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_table_that_is_altered_under_load_is_noticed_by_nobody() {
    alter_tables(Layout::Literal, 80).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_table_of_sold_nights_that_is_altered_under_load_is_noticed_by_nobody() {
    alter_tables(Layout::ConfirmedOnly, 80).await;
}

async fn alter_tables(layout: Layout, count: i32) {
    let fixture = Fixture::start_in(layout).await;
    let token = fixture.manager().await;
    let requests = nights(&fixture, count).await;
    let over = AtomicBool::new(false);
    let alter = async {
        let mut altered = 0;
        while !over.load(Ordering::Relaxed) {
            for table in [layout.requests(), "bookings", "inventory_ranges"] {
                let statement =
                    format!("alter table {table} add column if not exists extra_{altered} integer");
                fixture.sql.batch_execute(&statement).await.unwrap();
            }
            altered += 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(altered > 1);
    };
    tokio::join!(calls_that_all_work(&fixture, &token, &requests, &over), alter);
    all_is_whole(&fixture, &token).await;
}

/// A column that gets another type changes what prepared statements give back, in
/// every connection at once.
#[tokio::test(flavor = "multi_thread")]
async fn columns_that_get_another_type_under_load_fail_no_call() {
    alter_types(Layout::Standard, 160).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_of_the_single_table_that_get_another_type_fail_no_call() {
    alter_types(Layout::ConfirmedOnly, 80).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_of_the_literal_single_table_that_get_another_type_fail_no_call() {
    alter_types(Layout::Literal, 80).await;
}

async fn alter_types(layout: Layout, count: i32) {
    let fixture = Fixture::start_in(layout).await;
    let token = fixture.manager().await;
    let requests = nights(&fixture, count).await;
    let over = AtomicBool::new(false);
    let of_guest = if layout == Layout::Standard { "message" } else { "decline_reason" };
    let alter = async {
        let mut altered = 0;
        while !over.load(Ordering::Relaxed) {
            let [number, text] =
                if altered % 2 == 0 { ["bigint", "varchar(4000)"] } else { ["integer", "text"] };
            for statement in [
                format!("alter table {} alter column guest_count type {number}", layout.requests()),
                format!("alter table {} alter column {of_guest} type {text}", layout.requests()),
                format!("alter table customers alter column phone type {text}"),
            ] {
                fixture.sql.batch_execute(&statement).await.unwrap();
            }
            altered += 1;
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
        assert!(altered > 1);
    };
    tokio::join!(calls_that_all_work(&fixture, &token, &requests, &over), alter);
    all_is_whole(&fixture, &token).await;
}

#[tokio::test]
async fn a_standby_is_503_and_given_up_as_soon_as_there_is_a_primary() {
    find_a_standby(Layout::Standard).await;
}

#[tokio::test]
async fn a_standby_of_the_single_table_is_given_up_alike() {
    find_a_standby(Layout::ConfirmedOnly).await;
}

#[tokio::test]
async fn a_standby_of_the_literal_single_table_is_given_up_alike() {
    find_a_standby(Layout::Literal).await;
}

async fn find_a_standby(layout: Layout) {
    let fixture = Fixture::start_in(layout).await;
    let token = fixture.manager().await;
    let [id, other] = nights(&fixture, 2).await[..] else { panic!() };
    let set = async |mode: &str| {
        let sql = format!(
            "do $$ begin execute format('alter database %I set default_transaction_read_only = {mode}', \
             current_database()); end $$"
        );
        fixture.sql.batch_execute(&sql).await.unwrap();
    };
    set("on").await;
    let cut = "select count(pg_terminate_backend(pid)) from pg_stat_activity \
        where application_name = 'frontdesk-booking' and datname = current_database()";
    fixture.count(cut, &[]).await;
    let mut answer = fixture.post(&path_of(id, "/approve"), &token, &json!({})).await;
    for _ in 0..50 {
        if answer.body["code"] != "DB_UNAVAILABLE" {
            break;
        }
        answer = fixture.post(&path_of(id, "/approve"), &token, &json!({})).await;
    }
    answer.refused(503, "DB_READ_ONLY");
    // Each leaves a connection that leads there: more than a change tries.
    let path = path_of(id, "");
    for answer in join_all((0..12).map(|_| fixture.get(&path, &token))).await {
        answer.ok();
    }
    // The test's own session writes on.
    fixture.sql.batch_execute("set default_transaction_read_only = off").await.unwrap();
    set("off").await;
    for id in [id, other] {
        fixture.post(&path_of(id, "/approve"), &token, &json!({})).await.ok();
    }
}

#[tokio::test]
async fn a_locked_row_is_503_after_the_lock_timeout() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let id = case("REQUESTED");
    fixture.sql.batch_execute("begin").await.unwrap();
    fixture.sql.execute("select from booking_requests where id = $1 for update", &[&id]).await.unwrap();
    fixture.post(&path_of(id, "/approve"), &token, &json!({})).await.refused(503, "LOCK_TIMEOUT");
    fixture.sql.batch_execute("rollback").await.unwrap();
    fixture.post(&path_of(id, "/approve"), &token, &json!({})).await.ok();
}

#[tokio::test]
async fn lost_connections_are_replaced() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let path = path_of(case("REQUESTED"), "");
    fixture.get(&path, &token).await.ok();
    let kill = "select count(pg_terminate_backend(pid)) from pg_stat_activity \
        where application_name like 'frontdesk-%' and datname = current_database()";
    assert!(fixture.count(kill, &[]).await > 0);
    let mut answers = Vec::new();
    for _ in 0..20 {
        let answer = fixture.get(&path, &token).await;
        assert!(answer.status == 200 || answer.body["code"] == "DB_UNAVAILABLE", "{}", answer.body);
        answers.push(answer.status);
    }
    assert_eq!(answers[10..], [200; 10], "{answers:?}");
}
