//! Postgres is killed in the middle of approvals and cancels: none that was acknowledged
//! is lost, none is half written, and who watches hears everything once, causes first.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use devdb::{PrivateServer, Programs, ServerOptions};
use frontdesk::demo;
use frontdesk::system::System;
use futures::future::join_all;
use identity::Policy;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::booking::feed_order::assert_causal;
use crate::booking::help::covered::no_night_is_covered_for_two_guests;
use crate::booking::help::watcher::Watcher;
use crate::fixture::{Answer, LAKE_HOUSE, Layout, path_of, system};

/// Requests from the year 2040 on that are approved, or are confirmed, or have a
/// booking, without the whole of it: booking, range, event and status.
const HALVES: &str = "select count(*) from booking_requests r \
    left join bookings b on b.tenant_id = r.tenant_id and b.booking_request_id = r.id and b.status = 'confirmed' \
    left join inventory_ranges i on i.tenant_id = r.tenant_id and i.source_id = b.id and i.state = 'active' \
    left join booking_events e on e.tenant_id = r.tenant_id and e.booking_request_id = r.id and e.action = 'approved' \
    where r.property_id = $1 and r.check_in >= '2040-01-01' \
    and num_nonnulls(b.id, i.id, e.id) + (r.status = 'confirmed')::int + (r.approved_booking_id is not null)::int \
    not in (0, 5)";

/// The same in the single table.
const HALVES_OF_ONE: &str = "select count(*) from bookings r \
    left join inventory_ranges i on i.tenant_id = r.tenant_id and i.source_id = r.id and i.state = 'active' \
    left join booking_events e on e.tenant_id = r.tenant_id and e.booking_request_id = r.id and e.action = 'approved' \
    where r.property_id = $1 and r.check_in >= '2040-01-01' \
    and num_nonnulls(i.id, e.id, r.confirmed_at) + (r.status = 'confirmed')::int not in (0, 4)";

/// How such halves of approvals are counted in a layout.
pub(super) fn halves(layout: Layout) -> &'static str {
    if layout == Layout::Standard { HALVES } else { HALVES_OF_ONE }
}

/// A server of its own, which may be killed.
pub struct Victim {
    options: ServerOptions,
    server: Option<PrivateServer>,
}

impl Victim {
    pub async fn start() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("frontdesk-fault-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let dir: PathBuf = std::env::temp_dir().join(name);
        let programs = Programs::of_tests().unwrap();
        let options = ServerOptions { dir, ephemeral: false, durable: true, tcp: None, programs };
        let server = PrivateServer::start(options.clone()).await.unwrap();
        Self { options, server: Some(server) }
    }

    /// Where its data are, and its socket.
    pub fn folder(&self) -> &Path {
        &self.options.dir
    }

    /// Process id of the server.
    pub fn pid(&self) -> u32 {
        self.server.as_ref().unwrap().pid().unwrap()
    }

    pub fn url(&self, database: &str) -> String {
        self.server.as_ref().unwrap().url(database)
    }

    /// Ends the server as a crash of the machine would.
    pub async fn kill(&mut self) {
        let mut server = self.server.take().unwrap();
        let pid = server.pid().unwrap().to_string();
        assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
        while !server.has_ended() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub async fn start_again(&mut self) {
        // Sessions of the killed server may still be leaving.
        for _ in 0..50 {
            match PrivateServer::start(self.options.clone()).await {
                Ok(server) => {
                    self.server = Some(server);
                    return;
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
        panic!("postgres does not start again");
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        self.server = None;
        let _gone = std::fs::remove_dir_all(&self.options.dir);
    }
}

/// The guests of the requests.
pub async fn guests(sql: &Client) {
    let insert = "insert into customers (tenant_id, id, name, email, phone, created_at) \
        select $1, md5('guest' || n)::uuid, 'Test Guest', '', '', now() from generate_series(0, 1) n";
    sql.execute(insert, &[&demo::TENANT]).await.unwrap();
}

/// Open requests for one night each from a day on, on so many nights in turn.
pub async fn requests(sql: &Client, layout: Layout, from: &str, count: i32, nights: i32) -> Vec<Uuid> {
    let insert = format!(
        "insert into {} (tenant_id, id, property_id, guest_id, check_in, check_out, status, guest_count, \
         created_at, updated_at) \
         select $1, gen_random_uuid(), $2, md5('guest' || n / $4::integer % 2)::uuid, date '{from}' + n % $4, \
         date '{from}' + n % $4 + 1, 'requested', 1, now(), now() from generate_series(0, $3::integer - 1) n \
         on conflict do nothing returning id",
        layout.requests()
    );
    let rows = sql.query(&insert, &[&demo::TENANT, &LAKE_HOUSE, &count, &nights]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

async fn post(system: &System, token: &str, path: &str) -> Answer {
    let url = format!("http://{}{path}", system.gateway);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = Answer::of(client.post(url).bearer_auth(token).json(&json!({}))).await;
    assert!(matches!(answer.status, 200 | 409 | 503), "{}", answer.body);
    answer
}

/// Approves what is fought over, and cancels what it got, so that others get it.
async fn contend(system: &System, token: &str, fought_over: &[Uuid], over: &AtomicBool) {
    for id in fought_over {
        if over.load(Ordering::Relaxed) {
            return;
        }
        let approved = post(system, token, &path_of(*id, "/approve")).await;
        while let Some(booking) =
            approved.body["booking_id"].as_str().filter(|_| !over.load(Ordering::Relaxed))
        {
            if post(system, token, &format!("/v1/bookings/{booking}/cancel")).await.status != 503 {
                break;
            }
        }
    }
}

pub(super) async fn login(system: &System) -> String {
    let url = format!("http://{}/v1/auth/login", system.gateway);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let body = json!({"email": demo::MANAGER, "password": demo::PASSWORD});
    let answer = Answer::of(client.post(url).json(&body)).await;
    answer.ok()["access"].as_str().unwrap().to_owned()
}

/// A database with the demo's rows on the server that will be killed; its URL.
pub async fn seeded(victim: &Victim, layout: Layout) -> String {
    let postgres = pg::connect(&victim.url("postgres")).await.unwrap();
    postgres.batch_execute("create database system").await.unwrap();
    let url = victim.url("system");
    pg::migrate::up(&url, &[&identity::MIGRATIONS, &booking::MIGRATIONS]).await.unwrap();
    demo::seed(&url).await.unwrap();
    layout.apply(&url).await;
    url
}

async fn kill_postgres_in(layout: Layout) {
    access::install_crypto();
    let mut victim = Victim::start().await;
    let url = seeded(&victim, layout).await;
    let system = system(&url, Policy::default()).await;
    let token = login(&system).await;
    let sql = pg::connect(&url).await.unwrap();
    guests(&sql).await;
    let nights = requests(&sql, layout, "2040-01-01", 400, 400).await;
    let fought_over = requests(&sql, layout, "2039-01-01", 400, 8).await;
    let watcher = Watcher::start(system.booking, &token);

    let acknowledged = Mutex::new(Vec::new());
    let (next, acked, over) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
    let clients = join_all((0..6).map(async |_| {
        while !over.load(Ordering::Relaxed) {
            let id = nights[next.fetch_add(1, Ordering::Relaxed) % nights.len()];
            let answer = post(&system, &token, &path_of(id, "/approve")).await;
            if answer.status == 200 {
                let booking = answer.body["booking_id"].as_str().unwrap().to_owned();
                acknowledged.lock().await.push((id, booking));
                acked.fetch_add(1, Ordering::Relaxed);
            }
        }
    }));
    let contenders = join_all(
        (0..4).map(|part| contend(&system, &token, &fought_over[part * fought_over.len() / 4..], &over)),
    );
    let crash = async {
        while acked.load(Ordering::Relaxed) < 60 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        victim.kill().await;
        let seen = acked.load(Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(300)).await;
        victim.start_again().await;
        assert_ready_in_time(&system).await;
        while acked.load(Ordering::Relaxed) < seen + 60 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        over.store(true, Ordering::Relaxed);
    };
    tokio::join!(clients, contenders, crash);

    let sql = pg::connect(&url).await.unwrap();
    assert_kept(&sql, layout, &acknowledged.into_inner()).await;
    let read = async |path: &str| {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("http://{}{path}", system.gateway);
        Answer::of(client.get(url).bearer_auth(&token)).await.ok().clone()
    };
    assert!(no_night_is_covered_for_two_guests(read).await > 60);
    watcher.has_heard_everything(&sql).await;
    assert_causal(&sql).await;
    system.stop().await.unwrap();
}

/// What was acknowledged is there, and nothing is there by half.
pub async fn assert_kept(sql: &Client, layout: Layout, acknowledged: &[(Uuid, String)]) {
    let kept = if layout == Layout::Standard {
        "select count(*) from booking_requests r join bookings b on b.id = r.approved_booking_id \
            where r.id = $1 and r.status = 'confirmed' and b.id::text = $2 and b.status = 'confirmed'"
    } else {
        "select count(*) from bookings where id = $1 and status = 'confirmed' and id::text = $2"
    };
    for (request, booking) in acknowledged {
        let kept: i64 = sql.query_one(kept, &[request, booking]).await.unwrap().get(0);
        assert_eq!(kept, 1, "an acknowledged approval was lost: {request}");
    }
    let halves: i64 = sql.query_one(halves(layout), &[&LAKE_HOUSE]).await.unwrap().get(0);
    assert_eq!(halves, 0, "half an approval");
}

async fn assert_ready_in_time(system: &System) {
    let started = Instant::now();
    let ready = format!("http://{}/readyz", system.gateway);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    while !client.get(&ready).send().await.unwrap().status().is_success() {
        assert!(started.elapsed() < Duration::from_secs(3), "not ready 3 s after postgres");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_postgres_loses_no_acknowledged_approval_and_no_event() {
    kill_postgres_in(Layout::Standard).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_postgres_loses_nothing_in_the_literal_layout() {
    kill_postgres_in(Layout::Literal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_postgres_loses_nothing_in_the_confirmed_only_layout() {
    kill_postgres_in(Layout::ConfirmedOnly).await;
}
