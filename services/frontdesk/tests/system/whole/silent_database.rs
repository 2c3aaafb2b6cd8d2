//! A database that says nothing any more, and rows that somebody holds: what waits is
//! bounded, and does not take the rest with it.

use std::process::Command;
use std::time::Duration;

use frontdesk::demo;
use futures::future::join_all;
use identity::Policy;
use serde_json::json;
use tokio::time::Instant;

use super::crashes::{Victim, login};
use crate::fixture::{Answer, Fixture, LAKE_HOUSE, case, path_of, system};

/// Processes that are stopped until this is dropped.
struct Frozen(Vec<String>);

impl Frozen {
    fn new(pids: Vec<String>) -> Self {
        signal("-STOP", &pids);
        Self(pids)
    }

    /// A server with everything that it has started.
    fn whole(server: u32) -> Self {
        let server = server.to_string();
        let children = Command::new("ps").args(["-o", "pid=", "--ppid", &server]).output().unwrap();
        let children = String::from_utf8(children.stdout).unwrap();
        let mut pids = vec![server];
        pids.extend(children.split_whitespace().map(str::to_owned));
        assert!(pids.len() > 3, "{pids:?}");
        Self::new(pids)
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        signal("-CONT", &self.0);
    }
}

fn signal(which: &str, pids: &[String]) {
    assert!(Command::new("kill").arg(which).args(pids).status().unwrap().success(), "{which} {pids:?}");
}

/// Waits until readiness says so, and asserts that it never takes long to answer.
async fn until_ready(gateway: std::net::SocketAddr, ready: bool, within: Duration) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let began = Instant::now();
    loop {
        let asked = Instant::now();
        let answer = client.get(format!("http://{gateway}/readyz")).send().await.unwrap();
        assert!(asked.elapsed() < Duration::from_millis(1500), "readiness took {:?}", asked.elapsed());
        if answer.status().is_success() == ready {
            return;
        }
        assert!(began.elapsed() < within, "readiness has not said {ready} within {within:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_database_is_not_ready_and_calls_end() {
    access::install_crypto();
    let victim = Victim::start().await;
    let postgres = pg::connect(&victim.url("postgres")).await.unwrap();
    postgres.batch_execute("create database system").await.unwrap();
    let url = victim.url("system");
    pg::migrate::up(&url, &[&identity::MIGRATIONS, &booking::MIGRATIONS]).await.unwrap();
    demo::seed(&url).await.unwrap();
    let system = system(&url, Policy::default()).await;
    let token = login(&system).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let call = async || {
        let url = format!("http://{}{}", system.gateway, path_of(case("REQUESTED"), ""));
        Answer::of(client.get(url).bearer_auth(&token)).await
    };
    call().await.ok();

    let frozen = Frozen::whole(victim.pid());
    let began = Instant::now();
    let (answers, ()) = tokio::join!(
        join_all((0..20).map(|_| call())),
        until_ready(system.gateway, false, Duration::from_secs(5))
    );
    // The server's own limits hold no longer; ours do.
    assert!(began.elapsed() < Duration::from_secs(11), "{:?}", began.elapsed());
    for answer in answers {
        assert!(matches!(answer.status, 503 | 504), "{} {}", answer.status, answer.body);
    }
    drop(frozen);
    until_ready(system.gateway, true, Duration::from_secs(5)).await;
    let mut answer = call().await;
    while answer.status != 200 {
        assert!(began.elapsed() < Duration::from_secs(30), "{}", answer.body);
        tokio::time::sleep(Duration::from_millis(50)).await;
        answer = call().await;
    }
    join_all((0..40).map(|_| async { call().await.ok().clone() })).await;
    system.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_connection_is_closed_and_replaced() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let path = path_of(case("REQUESTED"), "");
    fixture.get(&path, &token).await.ok();
    let backends = "select pid::text from pg_stat_activity \
        where application_name = 'frontdesk-booking' and datname = current_database()";
    let rows = fixture.sql.query(backends, &[]).await.unwrap();
    let pids: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let frozen = Frozen::new(pids.clone());
    let mut refused = 0;
    for _ in 0..pids.len() + 8 {
        let asked = Instant::now();
        let answer = fixture.get(&path, &token).await;
        assert!(asked.elapsed() < Duration::from_secs(9), "{:?}", asked.elapsed());
        if answer.status != 200 {
            answer.refused(503, "DB_UNAVAILABLE");
            refused += 1;
        }
    }
    // Each of them is met once at most: by this test or by readiness.
    assert!(refused <= pids.len(), "{refused} calls were refused because of {} sessions", pids.len());
    // What a background task has taken runs out of time, too: 6 s for the answer to a
    // statement and 1 s for the rollback, which are pg's limits.
    tokio::time::sleep(Duration::from_secs(7)).await;
    drop(frozen);
    // A server that wakes up finds nobody at the other end.
    let left = "select count(*) from pg_stat_activity where pid::text = any ($1)";
    for _ in 0..100 {
        if fixture.count(left, &[&pids]).await == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the frozen connections are still used");
}

/// Connections that the changes of a tenant may have: five eighths of the pool.
const CHANGES_AT_ONCE: i64 = 5;

/// Waits until as many changes wait for a row as may have a connection.
async fn until_they_wait(fixture: &Fixture) {
    let waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' \
        and application_name = 'frontdesk-booking' and datname = current_database()";
    let watcher = pg::connect(&fixture.database.url).await.unwrap();
    for _ in 0..500 {
        if watcher.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) >= CHANGES_AT_ONCE {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the changes do not wait for the row");
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_that_wait_for_a_row_leave_others_their_reads_and_changes() {
    let fixture = Fixture::start().await;
    let (token, other) = (fixture.manager().await, fixture.token(demo::OTHER_OWNER).await);
    let id = fixture.open_request(demo::TENANT, 901, 400, 402).await;
    let theirs = fixture.open_request(demo::OTHER_TENANT, 902, 400, 402).await;
    fixture.sql.batch_execute("begin").await.unwrap();
    fixture.sql.execute("select from booking_requests where id = $1 for update", &[&id]).await.unwrap();
    let approves =
        join_all((0..40).map(async |_| fixture.post(&path_of(id, "/approve"), &token, &json!({})).await));
    let others = async {
        until_they_wait(&fixture).await;
        let mut slowest = Duration::ZERO;
        for _ in 0..20 {
            let asked = Instant::now();
            fixture.get("/api/v1/booking-requests", &other).await.ok();
            fixture.get(&path_of(theirs, ""), &other).await.ok();
            slowest = slowest.max(asked.elapsed());
        }
        let asked = Instant::now();
        fixture.post(&path_of(theirs, "/approve"), &other, &json!({})).await.ok();
        // The tenant's own reads go on as well.
        fixture.get(&path_of(id, ""), &token).await.ok();
        assert!(asked.elapsed() < Duration::from_millis(900), "a change took {:?}", asked.elapsed());
        assert!(slowest < Duration::from_millis(900), "a read took {slowest:?}");
    };
    let (answers, ()) = tokio::join!(approves, others);
    let mut crowded = 0;
    for answer in &answers {
        if answer.body["code"] == "OVERLOADED" {
            crowded += 1;
            answer.refused(503, "OVERLOADED");
            assert_eq!(answer.headers["retry-after"], "1");
            assert_eq!(answer.body["metadata"]["waits_for"], "changes of the tenant");
            assert!(answer.body["metadata"]["waiting"].is_string(), "{}", answer.body);
        } else {
            answer.refused(503, "LOCK_TIMEOUT");
        }
    }
    assert!(crowded > 0, "nobody was told that others wait");
    fixture.sql.batch_execute("rollback").await.unwrap();
    assert_eq!(
        fixture.count("select count(*) from bookings where property_id = $1", &[&LAKE_HOUSE]).await,
        0
    );
    fixture.post(&path_of(id, "/approve"), &token, &json!({})).await.ok();
}
