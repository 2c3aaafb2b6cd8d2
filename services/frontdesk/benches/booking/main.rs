//! What an approve costs, beside what Postgres alone takes for the same, in one run.
//!
//! 32 gRPC clients in this process against identity and booking in this process, and
//! after that pgbench with 32 clients and the leanest SQL that stores the same rows:
//! one statement, prepared, without row-level security and without the triggers that
//! note what other programs write, on the same server, tables
//! and number of rows, in one tenant and over 32, with and without waiting for the disk.
//!
//! Beside silent watchers: a thousand streams of a tenant in which nothing happens.
//! Heard: a stream for each of the tenants besides, which gets every event; how long
//! an event takes into it is measured from the answer of the call that made it, under
//! that load and, with the same watchers, one call after the other.
//!
//! A machine gets slower and faster, and tables grow, so the four are measured in rounds,
//! each of which begins with another: every one is as often first, second, third and last.
//! They are compared within a round, and the middle one of the differences counts.
//!
//! Whoever reads streams shares the machine with the services and with Postgres, and does so
//! on a thread of its own: what reading took is said beside it.
//!
//! Nobody reads the events of three of the four, and elsewhere events that nobody reads are
//! numbered every two minutes (`services/booking/src/background/number_events.rs`). So after
//! every part, outside the clock, all that waits is numbered and the table of events is
//! vacuumed: each part begins without events of another one that wait, and without what
//! numbering them leaves dead.
//!
//! `cargo bench -p frontdesk --bench booking -- on 32` measures one of the four
//! combinations: waiting for the disk (`on`, `off`) and tenants (1, 32).
//!
//! What a million requests cost is in `benches/million.rs`.

// A measurement that cannot go on says where.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod harness;
mod streams;
mod times;

use std::process::Command;
use std::time::{Duration, Instant};

use frontdesk::demo;
use frontdesk_proto::booking::v1::booking_request_service_client::BookingRequestServiceClient;
use frontdesk_proto::booking::v1::{ApproveBookingRequestRequest, ApproveOutcome};
use futures::future::join_all;
use upstream::Upstream;
use uuid::Uuid;

use self::harness::{Bench, signed};
use self::streams::{Readers, clear};
use self::times::{Rates, Times, difference};

const CLIENTS: usize = 32;
/// Approvals of one client in one part of a round.
const EACH: usize = 250;
const GUEST: &str = "0d000000-0000-7000-8000-000000000301";
/// Streams that hear nothing.
const SILENT: [Uuid; 1000] = [demo::TENANT; 1000];
/// Approvals one after the other, for the time that an event takes.
const SINGLE: usize = 400;
/// Every part has each place twice.
const ROUNDS: usize = 2 * PARTS.len();

fn main() {
    access::install_crypto();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let readers = Readers::new();
    let asked: Vec<String> = std::env::args().skip(1).filter(|one| !one.starts_with("--")).collect();
    for (durable, name) in [(true, "on"), (false, "off")] {
        for tenants in [1, 32] {
            let is_meant = |one: &String| *one == name || *one == tenants.to_string();
            if asked.iter().all(is_meant) {
                runtime.block_on(approvals(&readers, durable, tenants));
            }
        }
    }
    readers.stop();
}

/// What is measured in turn.
#[derive(Clone, Copy)]
enum Part {
    Alone,
    BesideSilent,
    Heard,
    Pgbench,
}

const PARTS: [Part; 4] = [Part::Alone, Part::BesideSilent, Part::Heard, Part::Pgbench];

/// Tenants of which the manager is a member, with a thousand houses in all.
struct Tenants {
    count: usize,
}

impl Tenants {
    async fn make(bench: &Bench, count: usize) -> Self {
        let fill = format!(
            "insert into identity.tenants (id, slug, name, created_at) \
             select md5('tenant' || t)::uuid, 'bench-' || t, 'Bench', now() from generate_series(0, {count} - 1) t; \
             insert into identity.memberships (tenant_id, user_id, role, created_at) \
             select md5('tenant' || t)::uuid, u.id, 'manager', now() \
             from generate_series(0, {count} - 1) t, identity.users u where u.email = '{manager}'; \
             insert into customers (tenant_id, id, name, email, phone, created_at) \
             select md5('tenant' || t)::uuid, '{GUEST}', 'Guest', '', '', now() from generate_series(0, {count} - 1) t; \
             insert into properties (tenant_id, id, name, time_zone, max_guests, created_at) \
             select md5('tenant' || n % {count})::uuid, md5('house' || n)::uuid, 'House ' || n, 'Europe/Berlin', 2, now() \
             from generate_series(0, 999) n",
            manager = demo::MANAGER,
        );
        bench.run(&fill).await;
        Self { count }
    }

    /// Open requests from one number to another, each for a night of its own. A number's
    /// house is its rest by 1000, and a house's tenant its rest by their count.
    async fn fill(&self, bench: &Bench, from: usize, to: usize) {
        let count = self.count;
        let insert = format!(
            "insert into booking_requests (tenant_id, id, property_id, guest_id, check_in, check_out, status, \
             guest_count, decline_reason, created_at, updated_at) \
             select md5('tenant' || n % 1000 % {count})::uuid, lpad(to_hex(n), 32, '0')::uuid, \
             md5('house' || n % 1000)::uuid, '{GUEST}', current_date + 30 + n / 1000, current_date + 31 + n / 1000, \
             'requested', 2, null, now() - n * interval '1 millisecond', now() from generate_series({from}, {to} - 1) n"
        );
        unnoted(bench, async || bench.run(&insert).await).await;
        bench.settle().await;
    }

    async fn ids(&self, bench: &Bench) -> Vec<Uuid> {
        let ids = "select md5('tenant' || t)::uuid from generate_series(0, $1::integer - 1) t order by t";
        let count = i32::try_from(self.count).unwrap();
        bench.sql.query(ids, &[&count]).await.unwrap().iter().map(|row| row.get(0)).collect()
    }
}

async fn approvals(readers: &Readers, durable: bool, tenants: usize) {
    let bench = Bench::start(durable).await;
    let tenants = Tenants::make(&bench, tenants).await;
    let part = CLIENTS * EACH;
    tenants.fill(&bench, 1, 1 + part * (ROUNDS * PARTS.len() + 3)).await;
    let ids = tenants.ids(&bench).await;
    let mut next = 1;
    let mut take = || {
        let from = next;
        next += part;
        from
    };
    // Both once to warm up, and statistics of tables that have rows: those of empty ones
    // give plans that an autovacuum would change in the midst of a round.
    ours(&bench, &ids, take(), &Times::default()).await;
    measured(&bench, &ids, Part::Pgbench, take(), &Times::default()).await;
    clear(&bench, &ids).await;
    bench.settle().await;
    let mut rates: [Vec<f64>; PARTS.len()] = Default::default();
    let (busy, quiet) = (Times::default(), Times::default());
    let (mut reading, mut lasted) = (Duration::ZERO, Duration::ZERO);
    for round in 0..ROUNDS {
        for place in 0..PARTS.len() {
            // From round to round the other way, so that none always follows the same one.
            let step = if round % 2 == 0 { place } else { PARTS.len() - place };
            let which = (round + step) % PARTS.len();
            tokio::time::sleep(Duration::from_millis(500)).await;
            let part = PARTS[which];
            let _streams = match part {
                Part::Alone | Part::Pgbench => Vec::new(),
                Part::BesideSilent => vec![readers.watch(&bench, &SILENT, &Times::default()).await],
                Part::Heard => vec![
                    readers.watch(&bench, &SILENT, &Times::default()).await,
                    readers.watch(&bench, &ids, &busy).await,
                ],
            };
            let (began, read) = (Instant::now(), Readers::took());
            rates[which].push(measured(&bench, &ids, part, take(), &busy).await);
            if matches!(part, Part::Heard) {
                (reading, lasted) =
                    (reading + (Readers::took().saturating_sub(read)), lasted + began.elapsed());
            }
            clear(&bench, &ids).await;
        }
    }
    let silent = readers.watch(&bench, &SILENT, &Times::default()).await;
    let watchers = readers.watch(&bench, &ids, &quiet).await;
    one_by_one(&bench, &ids, take(), &quiet).await;
    drop((silent, watchers));
    report(durable, ids.len(), &rates.map(Rates));
    let cores = std::thread::available_parallelism().unwrap().get();
    let share = 100.0 * reading.as_secs_f64() / lasted.as_secs_f64() / fraction(cores);
    println!("    reading all of it took {share:.1} % of {cores} cores");
    println!("    from the answer to the event in the stream: under that load {busy}, one by one {quiet}");
    bench.stop().await;
}

/// Approvals per second in one part of a round, and all of them heard.
async fn measured(bench: &Bench, ids: &[Uuid], part: Part, from: usize, busy: &Times) -> f64 {
    match part {
        Part::Alone | Part::BesideSilent => ours(bench, ids, from, &Times::default()).await,
        Part::Heard => {
            let rate = ours(bench, ids, from, busy).await;
            busy.all_heard().await;
            rate
        }
        Part::Pgbench => unnoted(bench, async || pgbench(bench, ids.len(), from).await).await,
    }
}

#[allow(clippy::cast_precision_loss)]
fn fraction(count: usize) -> f64 {
    count as f64
}

fn report(durable: bool, tenants: usize, [alone, silent, heard, lean]: &[Rates; PARTS.len()]) {
    let commit = if durable { "waiting for the disk" } else { "not waiting for the disk" };
    let of = if tenants == 1 { "one tenant".to_owned() } else { format!("{tenants} tenants") };
    println!("approve, {CLIENTS} clients, {of}, {commit}");
    println!("    over gRPC {alone}, by pgbench {lean}: {:.0} %", 100.0 + difference(alone, lean));
    for (name, rates) in [("silent watchers", silent), ("silent ones and one a tenant that hears it", heard)]
    {
        let more = difference(rates, alone);
        println!("    beside {} {name} {rates}: {more:+.1} %", SILENT.len());
    }
}

/// An approval over gRPC; a number's house is its rest by 1000.
async fn approve(
    api: &mut BookingRequestServiceClient<Upstream>,
    bench: &Bench,
    tenants: &[Uuid],
    n: usize,
    times: &Times,
) {
    let id = Uuid::from_u128(n as u128);
    let message = ApproveBookingRequestRequest { booking_request_id: id.to_string(), ..Default::default() };
    let call = signed(message, &bench.token, tenants[n % 1000 % tenants.len()]);
    let answer = api.approve_booking_request(call).await.unwrap();
    assert_eq!(answer.get_ref().outcome(), ApproveOutcome::Approved);
    times.answered(id);
}

/// One approval after the other.
async fn one_by_one(bench: &Bench, tenants: &[Uuid], from: usize, times: &Times) {
    let mut api = BookingRequestServiceClient::new(bench.booking());
    for n in from..from + SINGLE {
        approve(&mut api, bench, tenants, n, times).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    times.all_heard().await;
}

/// Approvals per second over gRPC.
async fn ours(bench: &Bench, tenants: &[Uuid], from: usize, times: &Times) -> f64 {
    let channels: Vec<Upstream> = (0..4).map(|_| bench.booking()).collect();
    let started = Instant::now();
    join_all((0..CLIENTS).map(async |client| {
        let mut api = BookingRequestServiceClient::new(channels[client % 4].clone());
        for turn in 0..EACH {
            approve(&mut api, bench, tenants, from + client * EACH + turn, times).await;
        }
    }))
    .await;
    fraction(CLIENTS * EACH) / started.elapsed().as_secs_f64()
}

/// Does what another program does without its being noted for the check of
/// inconsistencies: what is noted costs the writer, which our own changes do not pay, and
/// later the service, while something else is measured.
async fn unnoted<T>(bench: &Bench, does: impl AsyncFnOnce() -> T) -> T {
    let all = async |how: &str| {
        for table in ["booking_requests", "bookings", "inventory_ranges"] {
            bench.run(&format!("alter table {table} {how} trigger note_inconsistency_suspect")).await;
        }
    };
    all("disable").await;
    let done = does().await;
    all("enable").await;
    done
}

/// The same rows by one statement of pgbench.
async fn pgbench(bench: &Bench, tenants: usize, from: usize) -> f64 {
    let script = bench.dir.join("approve.sql");
    let text = format!(
        "\\set i :i + 1
\\set n {from} + :client_id * {EACH} + :i
\\set t :n % 1000 % {tenants}
with r as (
    select tenant_id, id, property_id, guest_id, check_in, check_out from booking_requests
    where tenant_id = md5('tenant' || :t::int)::uuid and id = lpad(to_hex(:n::int), 32, '0')::uuid
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
