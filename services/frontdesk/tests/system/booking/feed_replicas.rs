//! Several processes of booking on one database: each event has one number, whoever
//! gives it, and numbering goes on when one of them ends in the middle of it.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use frontdesk::demo;
use frontdesk_proto::booking::v1::WatchBookingRequestsRequest;
use frontdesk_proto::booking::v1::booking_request_service_client::BookingRequestServiceClient;
use frontdesk_proto::{ErrorReason, reason_of};
use futures::future::join_all;
use identity::Policy;
use serde_json::json;
use tokio_postgres::error::SqlState;

use super::feed_order::assert_causal;
use super::help::relay::Relay;
use super::help::watcher::Watcher;
use crate::fixture::{Answer, Fixture, channel, path_of, signed, system};
use crate::program::run::{free, frontdesk};

/// Steps of many requests, each with two events, through this gateway.
async fn write(fixture: &Fixture, gateway: SocketAddr, token: &str, from_day: i32) {
    let mut requests = Vec::new();
    for day in 0..24 {
        requests.push(fixture.open_request(demo::TENANT, 1, from_day + day, from_day + day + 1).await);
    }
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    join_all((0..6).map(async |writer| {
        for id in requests.iter().skip(writer).step_by(6) {
            for step in ["/review", "/approve"] {
                let url = format!("http://{gateway}{}", path_of(*id, step));
                Answer::of(client.post(url).bearer_auth(token).json(&json!({}))).await.ok();
            }
        }
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_tell_one_feed_alike_whoever_writes() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let replica = system(&fixture.database.url, Policy::default()).await;
    let watchers = [fixture.system.booking, replica.booking].map(|at| Watcher::start(at, &token));
    tokio::join!(
        write(&fixture, fixture.system.gateway, &token, 300),
        write(&fixture, replica.gateway, &token, 400)
    );
    for watcher in &watchers {
        watcher.has_heard_everything(&fixture.sql).await;
        assert!(watcher.count() >= 96, "{}", watcher.count());
    }
    assert_causal(&fixture.sql).await;
    replica.stop().await.unwrap();
}

/// The program as booking alone, which can be killed.
struct Killable {
    child: Child,
    addr: SocketAddr,
}

impl Killable {
    async fn start(fixture: &Fixture) -> Self {
        Self::start_on(fixture, &fixture.database.url).await
    }

    /// With a connection string of its own.
    async fn start_on(fixture: &Fixture, database: &str) -> Self {
        let (listen, identity) = (free(), fixture.system.identity.to_string());
        let addr = listen.parse().unwrap();
        let env = [("DATABASE_URL", database), ("BOOKING_LISTEN", &listen), ("IDENTITY_ADDR", &identity)];
        let mut command = frontdesk(&["booking"], &env);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let killable = Self { child, addr };
        for _ in 0..400 {
            if tokio::net::TcpStream::connect(addr).await.is_ok() {
                return killable;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("booking does not start");
    }
}

impl Drop for Killable {
    fn drop(&mut self) {
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait().map(drop)) {
            eprintln!("booking goes on: {error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn numbering_goes_on_when_a_process_is_killed_while_it_numbers() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let other = Killable::start(&fixture).await;
    let theirs = Watcher::start(other.addr, &token);
    write(&fixture, fixture.system.gateway, &token, 300).await;
    theirs.has_heard_everything(&fixture.sql).await;
    // Killed while events are numbered: what it has locked is free with its connections.
    let busy = std::sync::atomic::AtomicBool::new(true);
    let (gateway, addr) = (fixture.system.gateway, other.addr);
    let write = async {
        for round in 0..6 {
            write(&fixture, gateway, &token, 400 + 30 * round).await;
        }
        busy.store(false, std::sync::atomic::Ordering::Relaxed);
    };
    let kill = async {
        let numbers = "select count(*) from pg_stat_activity a where datname = current_database() \
            and application_name = 'frontdesk-booking' and state <> 'idle' and query like '%feed_heads%'";
        let mut other = Some(other);
        while busy.load(std::sync::atomic::Ordering::Relaxed) {
            if fixture.count(numbers, &[]).await > 0 && theirs.count() > 60 {
                drop(other.take());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(other.is_none(), "{addr} was never seen to number");
    };
    // Here as well somebody reads.
    let ours = Watcher::start(fixture.system.booking, &token);
    tokio::join!(write, kill);
    ours.has_heard_everything(&fixture.sql).await;
    assert_causal(&fixture.sql).await;
}

/// Sessions with the setting wait before they take the head of a feed, while the gate is shut.
const GATE: &str = "create table gate (open boolean not null); insert into gate values (true); \
    grant select on gate to public; \
    create function wait_at_gate() returns boolean language plpgsql as $$ begin \
    while current_setting('test.waits', true) = 'yes' and not (select open from gate) loop \
    perform pg_sleep(0.01); end loop; return true; end $$; \
    create policy gate on feed_heads as restrictive using (wait_at_gate())";

/// Sessions of booking that take the head of a feed.
const TAKES_THE_HEAD: &str = "select count(*) from pg_stat_activity where datname = current_database() \
    and application_name = 'frontdesk-booking' and query like '%from feed_heads%skip locked%'";

/// Stops a process while it takes the head of a feed, after something has happened, and lets
/// its session have it.
async fn stop_at_the_gate(fixture: &Fixture, other: &Killable, hangs: &str, happens: impl AsyncFn(i32)) {
    let signal = |signal: &str| {
        let pid = other.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    };
    // So that time is left until its statement is cancelled.
    let waits = format!(
        "{TAKES_THE_HEAD} and wait_event = 'PgSleep' and clock_timestamp() - query_start < interval '2 seconds'"
    );
    for day in 500..505 {
        fixture.execute("update gate set open = false", &[]).await;
        happens(day).await;
        fixture.until(&waits, &[], 1).await;
        signal("-STOP");
        fixture.execute("update gate set open = true", &[]).await;
        for _ in 0..100 {
            if fixture.count(hangs, &[]).await > 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // Its statement had been cancelled by then: the machine was that slow.
        signal("-CONT");
    }
    let what = "select string_agg(concat_ws(' ', state, wait_event, clock_timestamp() - query_start, query), '; ') \
        from pg_stat_activity where datname = current_database()";
    let sessions: Option<String> = fixture.sql.query_one(what, &[]).await.unwrap().get(0);
    panic!("it was never stopped with the head: {sessions:?}");
}

/// A process that hangs with the head of a feed is no reason to wait without an end: the
/// database ends its transaction.
#[tokio::test(flavor = "multi_thread")]
async fn a_feed_whose_numbering_process_hangs_is_numbered_by_another() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    fixture.sql.batch_execute(GATE).await.unwrap();
    let ours = Watcher::start(fixture.system.booking, &token);
    let waits = format!("{}&options=-c%20test.waits%3Dyes", fixture.database.url);
    let other = Killable::start_on(&fixture, &waits).await;
    let theirs = Watcher::start(other.addr, &token);
    write(&fixture, fixture.system.gateway, &token, 300).await;
    theirs.has_heard_everything(&fixture.sql).await;
    let happens = async |day: i32| {
        let id = fixture.open_request(demo::TENANT, 1, day, day + 1).await;
        fixture.post(&path_of(id, "/approve"), &token, &json!({})).await.ok();
        // So that nobody else takes the head after that.
        ours.has_heard_everything(&fixture.sql).await;
    };
    let hangs = format!("{TAKES_THE_HEAD} and state = 'idle in transaction'");
    stop_at_the_gate(&fixture, &other, &hangs, &happens).await;
    let head = "select from feed_heads where tenant_id = $1 for update nowait";
    let locked = fixture.sql.execute(head, &[&demo::TENANT]).await.unwrap_err();
    assert_eq!(locked.code(), Some(&SqlState::LOCK_NOT_AVAILABLE));
    // Writers do not wait for who numbers.
    happens(510).await;
    assert_eq!(fixture.count(&hangs, &[]).await, 0, "it was numbered beside who had the head");
    assert_causal(&fixture.sql).await;
}

/// Whether numbers were stored is no question of whoever wants to watch.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_whose_numbering_is_cut_is_told_to_begin_again() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let relay = Relay::start(&fixture, "numbering").await;
    let behind = system(&relay.url, Policy::default()).await;
    let slow = "create function public.slowly() returns trigger language plpgsql as \
        $$ begin perform pg_sleep(1); return new; end $$; \
        create trigger slowly before update on booking_events for each row execute function public.slowly()";
    fixture.sql.batch_execute(slow).await.unwrap();
    let waits = "insert into booking_events (tenant_id, id, at, action) \
        values ($1, gen_random_uuid(), now(), 'settings_updated')";
    fixture.execute(waits, &[&demo::TENANT]).await;
    let mut client = BookingRequestServiceClient::new(channel(behind.booking));
    let watch = client.watch_booking_requests(signed(WatchBookingRequestsRequest::default(), &token));
    let cut = async {
        let numbers = "select count(*) from pg_stat_activity where datname = current_database() \
            and application_name = 'frontdesk-booking' and wait_event = 'PgSleep'";
        fixture.until(numbers, &[], 1).await;
        relay.cut();
    };
    let (watched, ()) = tokio::join!(watch, cut);
    let refused = watched.unwrap_err();
    assert_eq!(reason_of(&refused), Some(ErrorReason::DbUnavailable), "{refused:?}");
    behind.stop().await.unwrap();
}
