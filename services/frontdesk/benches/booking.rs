//! What booking costs, beside what Postgres alone takes for the same, in one run.
//!
//! Approvals: 32 gRPC clients in this process against identity and booking in this
//! process, and after that pgbench with 32 clients and the leanest SQL that stores
//! the same rows: one statement, prepared, without row-level security, on the same
//! server, tables and number of rows. Several rounds of both in turn.
//!
//! Lists: the first and a later page of 50, by gRPC, at 10,000 and at 1,000,000
//! requests of a tenant.

// A measurement that cannot go on says where.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};
use upstream::Upstream;

use devdb::{PrivateServer, ServerOptions};
use frontdesk::demo;
use frontdesk::system::{Parts, Policies, System};
use frontdesk_proto::booking::v1::booking_request_service_client::BookingRequestServiceClient;
use frontdesk_proto::booking::v1::{
    ApproveBookingRequestRequest, ApproveOutcome, BookingRequestStatus, ListBookingRequestsRequest,
};
use frontdesk_proto::identity::v1::LoginRequest;
use frontdesk_proto::identity::v1::auth_service_client::AuthServiceClient;
use futures::future::join_all;
use identity::MasterKey;
use tokio::net::TcpListener;
use tonic::Request;
use uuid::Uuid;

const CLIENTS: usize = 32;
const ROUNDS: usize = 3;
/// Approvals of one client in a round.
const EACH: usize = 400;
const GUEST: &str = "0d000000-0000-7000-8000-000000000301";

fn main() {
    access::install_crypto();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    for durable in [true, false] {
        runtime.block_on(approvals(durable));
    }
    runtime.block_on(lists());
}

struct Bench {
    server: PrivateServer,
    dir: PathBuf,
    url: String,
    sql: tokio_postgres::Client,
    system: System,
    token: String,
}

impl Bench {
    async fn start(durable: bool) -> Self {
        let dir = std::env::temp_dir().join(format!("frontdesk-bench-{}-{durable}", std::process::id()));
        let options = ServerOptions { dir: dir.clone(), ephemeral: true, durable, tcp: None };
        let server = PrivateServer::start(options).await.unwrap();
        let postgres = pg::connect(&server.url("postgres")).await.unwrap();
        postgres.batch_execute("create database bench").await.unwrap();
        let url = server.url("bench");
        pg::migrate::up(&url, &[&identity::MIGRATIONS, &booking::MIGRATIONS]).await.unwrap();
        demo::seed(&url).await.unwrap();
        let sql = pg::connect(&url).await.unwrap();
        sql.batch_execute(
            "insert into properties (tenant_id, id, name, time_zone, max_guests, created_at) \
             select '0d000000-0000-7000-8000-00000000000a', md5('house' || n)::uuid, 'House ' || n, 'Europe/Berlin', 2, now() \
             from generate_series(0, 999) n",
        )
        .await
        .unwrap();
        let free = || TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)));
        let system = System::start(Parts {
            database_url: url.clone(),
            master_key: MasterKey::from_text(&"ab".repeat(32)).unwrap(),
            identity: free().await.unwrap(),
            booking: free().await.unwrap(),
            gateway: free().await.unwrap(),
            policies: Policies::default(),
        })
        .await
        .unwrap();
        let login = LoginRequest { email: demo::MANAGER.to_owned(), password: demo::PASSWORD.to_owned() };
        let channel: Upstream = system.identity.to_string().parse().unwrap();
        let token = AuthServiceClient::new(channel).login(login).await.unwrap().into_inner().access;
        Self { server, dir, url, sql, system, token }
    }

    /// Open requests from one number to another, each for a night of its own.
    async fn fill(&self, from: usize, to: usize) {
        let insert = format!(
            "insert into booking_requests (tenant_id, id, property_id, guest_id, check_in, check_out, status, \
             guest_count, decline_reason, created_at, updated_at) \
             select '0d000000-0000-7000-8000-00000000000a', lpad(to_hex(n), 32, '0')::uuid, md5('house' || n % 1000)::uuid, \
             '{GUEST}', date '2030-01-01' + n / 1000, date '2030-01-02' + n / 1000, 'requested', 2, null, \
             timestamptz '2026-01-01' + n * interval '1 second', now() from generate_series({from}, {to} - 1) n"
        );
        self.sql.batch_execute(&insert).await.unwrap();
        // One by one: they refuse to run inside a transaction.
        self.sql.batch_execute("vacuum analyze booking_requests").await.unwrap();
        self.sql.batch_execute("checkpoint").await.unwrap();
    }

    async fn stop(self) {
        self.system.stop().await.unwrap();
        drop(self.sql);
        self.server.stop();
        let _gone = std::fs::remove_dir_all(&self.dir);
    }
}

#[allow(clippy::cast_precision_loss)]
async fn approvals(durable: bool) {
    let bench = Bench::start(durable).await;
    let round = CLIENTS * EACH;
    bench.fill(1, 1 + round * (2 * ROUNDS + 2)).await;
    let mut next = 1;
    let mut take = || {
        let from = next;
        next += round;
        from
    };
    // One round of each to warm up.
    ours(&bench, take()).await;
    pgbench(&bench, take()).await;
    let (mut mine, mut lean) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        mine.push(ours(&bench, take()).await);
        lean.push(pgbench(&bench, take()).await);
    }
    let mean = |rates: &[f64]| rates.iter().sum::<f64>() / rates.len() as f64;
    let (mine, lean) = (mean(&mine), mean(&lean));
    let commit = if durable { "waiting for the disk" } else { "not waiting for the disk" };
    println!(
        "approve, {CLIENTS} clients, {commit:<24} {mine:>7.0} /s over gRPC, {lean:>7.0} /s by pgbench: {:.0} %",
        100.0 * mine / lean
    );
    bench.stop().await;
}

/// Approvals per second over gRPC.
#[allow(clippy::cast_precision_loss)]
async fn ours(bench: &Bench, from: usize) -> f64 {
    let channels: Vec<Upstream> = (0..4).map(|_| bench.system.booking.to_string().parse().unwrap()).collect();
    let started = Instant::now();
    join_all((0..CLIENTS).map(async |client| {
        let mut api = BookingRequestServiceClient::new(channels[client % 4].clone());
        for n in 0..EACH {
            let id = Uuid::from_u128((from + client * EACH + n) as u128);
            let message =
                ApproveBookingRequestRequest { booking_request_id: id.to_string(), ..Default::default() };
            let answer = api.approve_booking_request(signed(message, &bench.token)).await.unwrap();
            assert_eq!(answer.get_ref().outcome(), ApproveOutcome::Approved);
        }
    }))
    .await;
    (CLIENTS * EACH) as f64 / started.elapsed().as_secs_f64()
}

/// The same rows by one statement of pgbench.
async fn pgbench(bench: &Bench, from: usize) -> f64 {
    let script = bench.dir.join("approve.sql");
    let text = format!(
        "\\set i :i + 1
\\set n {from} + :client_id * {EACH} + :i
with r as (
    select tenant_id, id, property_id, guest_id, check_in, check_out from booking_requests
    where tenant_id = '0d000000-0000-7000-8000-00000000000a' and id = lpad(to_hex(:n::int), 32, '0')::uuid
      and status in ('requested', 'under_review')
    for update
), booked as (
    insert into bookings (tenant_id, id, booking_request_id, property_id, guest_id, check_in, check_out, status,
        confirmed_at, created_at, updated_at)
    select tenant_id, gen_random_uuid(), id, property_id, guest_id, check_in, check_out, 'confirmed', now(), now(), now() from r
    on conflict on constraint no_double_bookings do nothing
    returning tenant_id, id, booking_request_id, property_id, check_in, check_out
), ranged as (
    insert into inventory_ranges (tenant_id, id, property_id, kind, source_id, start_date, end_date, state, created_at)
    select tenant_id, gen_random_uuid(), property_id, 'booking', id, check_in, check_out, 'active', now() from booked
), confirmed as (
    update booking_requests q set status = 'confirmed', confirmed_at = now(), approved_booking_id = booked.id,
        row_version = row_version + 1, updated_at = now()
    from booked where q.tenant_id = booked.tenant_id and q.id = booked.booking_request_id
)
insert into booking_events (tenant_id, id, at, booking_request_id, booking_id, property_id, action)
select tenant_id, gen_random_uuid(), now(), booking_request_id, id, property_id, 'approved' from booked;
"
    );
    std::fs::write(&script, text).unwrap();
    let program = devdb::program("pgbench").unwrap();
    let approved = "select count(*) from booking_requests where status = 'confirmed'";
    let before: i64 = bench.sql.query_one(approved, &[]).await.unwrap().get(0);
    let (url, clients, each) = (bench.url.clone(), CLIENTS.to_string(), EACH.to_string());
    let output = tokio::task::spawn_blocking(move || {
        Command::new(program)
            .args(["-n", "-M", "prepared", "-j", "2", "-D", "i=-1", "-c", &clients, "-t", &each, "-f"])
            .arg(script)
            .arg(url)
            .output()
            .unwrap()
    })
    .await
    .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text} {}", String::from_utf8_lossy(&output.stderr));
    let after: i64 = bench.sql.query_one(approved, &[]).await.unwrap().get(0);
    assert_eq!(usize::try_from(after - before).unwrap(), CLIENTS * EACH, "pgbench did not approve them all");
    let line = text.lines().find(|line| line.starts_with("tps")).expect("pgbench prints tps");
    line.split_whitespace().nth(2).unwrap().parse().unwrap()
}

async fn lists() {
    let bench = Bench::start(false).await;
    let mut small = Vec::new();
    for (size, filled) in [(10_000, 1), (1_000_000, 10_000)] {
        bench.fill(filled, size).await;
        let rare = "update booking_requests set status = 'declined', decline_reason = 'x' \
            where status = 'requested' and id::text not like '%0'";
        bench.sql.batch_execute(rare).await.unwrap();
        bench.sql.batch_execute("vacuum analyze booking_requests").await.unwrap();
        bench.sql.batch_execute("checkpoint").await.unwrap();
        let mut api = BookingRequestServiceClient::new(bench.system.booking.to_string().parse().unwrap());
        for (at, (name, request)) in shapes().into_iter().enumerate() {
            let (took, rows) = median(&mut api, &bench.token, &request).await;
            assert_eq!(rows, 50, "{name} is not a full page");
            let us = took.as_secs_f64() * 1e6;
            match small.get(at) {
                None => small.push(us),
                Some(before) => println!(
                    "list of 50, {name:<28} {before:>6.0} us at 10,000, {us:>6.0} us at 1,000,000: {:.2} x",
                    us / before
                ),
            }
        }
    }
    bench.stop().await;
}

fn shapes() -> Vec<(&'static str, ListBookingRequestsRequest)> {
    let status = |status: BookingRequestStatus| vec![status.into()];
    vec![
        ("newest first", ListBookingRequestsRequest::default()),
        ("by check-in", ListBookingRequestsRequest { order: 3, ..Default::default() }),
        (
            "a rare status",
            ListBookingRequestsRequest {
                status: status(BookingRequestStatus::Requested),
                ..Default::default()
            },
        ),
        (
            "a rare status by check-in",
            ListBookingRequestsRequest {
                status: status(BookingRequestStatus::Requested),
                order: 3,
                ..Default::default()
            },
        ),
        ("of one guest", ListBookingRequestsRequest { guest_id: GUEST.to_owned(), ..Default::default() }),
    ]
}

async fn median(
    api: &mut BookingRequestServiceClient<Upstream>,
    token: &str,
    request: &ListBookingRequestsRequest,
) -> (Duration, usize) {
    let (mut times, mut rows) = (Vec::new(), 0);
    for turn in 0..1000 {
        let started = Instant::now();
        let answer = api.list_booking_requests(signed(request.clone(), token)).await.unwrap();
        // The first ones bring pages into memory.
        if turn >= 200 {
            times.push(started.elapsed());
        }
        rows = answer.get_ref().booking_requests.len();
    }
    times.sort();
    (times[times.len() / 2], rows)
}

fn signed<T>(message: T, token: &str) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}
