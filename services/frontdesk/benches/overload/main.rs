//! What becomes of ten times as many calls as can be answered, by hand:
//! `cargo bench -p frontdesk --bench overload`.
//!
//! Callers of one tenant ask the gateway for a request over gRPC, each again when it has its
//! answer. First with more and more callers, until no more calls are answered in a second:
//! that is the peak. Then ten times as many callers as the peak needs, of ten addresses:
//! those who wait as long as a refusal says, and those who do not, each beside the peak again,
//! some times. And last as many calls as ten times the peak, begun by the clock, whatever
//! becomes of them, each with two seconds.
//!
//! Answers count that come while a load lasts, and no time afterwards, when those who are told
//! to wait call no more. Beside them another tenant asks fifty times a second, and a probe
//! twenty times whether the gateway is ready. Callers, services and Postgres share the machine,
//! so that what refusals cost the callers is taken from the services.

// A measurement that cannot go on says where.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[expect(dead_code, reason = "the bench of booking needs more of it")]
#[path = "../booking/harness.rs"]
mod harness;

mod callers;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use frontdesk::demo;
use frontdesk_proto::Refusal;
use frontdesk_proto::booking::v1::GetBookingRequestRequest;
use frontdesk_proto::booking::v1::booking_request_service_client::BookingRequestServiceClient;
use tonic::{Code, Request, Status};
use upstream::Upstream;
use uuid::Uuid;

use self::callers::{LASTS, Load, Outcome};
use self::harness::{Bench, signed};

/// Callers with whom the peak is looked for.
const CALLERS: [usize; 6] = [4, 8, 16, 32, 64, 128];
/// How much more than the peak.
const TIMES: usize = 10;
/// How often a peak and what is beyond it are measured beside each other.
const ROUNDS: usize = 5;

fn main() {
    access::install_crypto();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        if !callers::called().await {
            overload().await;
        }
    });
}

/// What waiting for an answer took.
type Times = Vec<Duration>;

/// Refused before it was begun.
fn is_shed(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::ResourceExhausted)
        && Refusal::from_status(status).is_some()
}

fn retry_delay(status: &Status) -> Option<Duration> {
    Refusal::from_status(status).and_then(|refusal| refusal.retry_delay())
}

fn ask(tenant: Uuid, id: Uuid, token: &str) -> Request<GetBookingRequestRequest> {
    signed(GetBookingRequestRequest { booking_request_id: id.to_string() }, token, tenant)
}

/// Runs a load beside whoever wants to be answered all the same, and prints what came of it.
/// Gives the calls that were answered in a second.
async fn measured(bench: &Bench, load: Load) -> f64 {
    let (gateway, token) = (bench.system.gateway.to_string(), bench.token.clone());
    let ends = Arc::new(AtomicBool::new(false));
    let others = tokio::spawn(others(gateway.clone(), token.clone(), Arc::clone(&ends)));
    let probes = tokio::spawn(probes(gateway.clone(), Arc::clone(&ends)));
    let outcome = tokio::task::spawn_blocking(move || callers::run(load, &gateway, &token)).await.unwrap();
    ends.store(true, Ordering::Relaxed);
    let (others, probes) = (others.await.unwrap(), probes.await.unwrap());
    let per_second = |count: u64| fraction(count) / LASTS.as_secs_f64();
    let Outcome { answered, shed, late, other } = outcome;
    println!(
        "{:<34} answered {:>6.0}/s  refused {:>6.0}/s  late {:>5.0}/s  other {:>3.0}/s  {} MiB  \
         another tenant {}  ready {}",
        load.to_string(),
        per_second(answered),
        per_second(shed),
        per_second(late),
        per_second(other),
        resident_mib(),
        summary(others),
        summary(probes)
    );
    per_second(answered)
}

/// Another tenant's calls, one after the other; those that were refused count as endless.
async fn others(gateway: String, token: String, ends: Arc<AtomicBool>) -> Times {
    let mut client = BookingRequestServiceClient::new(gateway.parse::<Upstream>().unwrap());
    let mut times = Vec::new();
    while !ends.load(Ordering::Relaxed) {
        let asked = Instant::now();
        let id = demo::CASES[0].1;
        // It is not theirs: what is looked for in their rows is not there.
        let answer = client.get_booking_request(ask(demo::OTHER_TENANT, id, &token)).await;
        let is_answer = answer.map_or_else(|status| !is_shed(&status), |_| true);
        times.push(if is_answer { asked.elapsed() } else { Duration::MAX });
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    times
}

/// Whether the gateway is ready; `Duration::MAX` if it is not.
async fn probes(gateway: String, ends: Arc<AtomicBool>) -> Times {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut times = Vec::new();
    while !ends.load(Ordering::Relaxed) {
        let asked = Instant::now();
        let answer = client.get(format!("http://{gateway}/readyz")).send().await;
        let ready = answer.is_ok_and(|answer| answer.status().is_success());
        times.push(if ready { asked.elapsed() } else { Duration::MAX });
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    times
}

/// Median, 99 in a hundred, and how many were refused.
fn summary(mut times: Times) -> String {
    let asked = times.len();
    times.retain(|time| *time != Duration::MAX);
    times.sort();
    let at = |part: usize| {
        let place = times.len() * part / 100;
        times.get(place.min(times.len().saturating_sub(1))).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
    };
    format!("{:.1} ms, {:.1} ms, {} of {asked} refused", at(50), at(99), asked - times.len())
}

#[allow(clippy::cast_precision_loss)]
fn fraction(count: u64) -> f64 {
    count as f64
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(count: f64) -> usize {
    count as usize
}

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

async fn overload() {
    let bench = Bench::start(true).await;
    let member = "insert into identity.memberships (tenant_id, user_id, role, created_at) \
        select $1, u.id, 'manager', now() from identity.users u where u.email = $2 on conflict do nothing";
    bench.sql.execute(member, &[&demo::OTHER_TENANT, &demo::MANAGER]).await.unwrap();
    bench.settle().await;
    let waiting = |callers| Load::Again { callers, waits: true };
    // Warm.
    measured(&bench, waiting(8)).await;
    let (mut peak, mut with) = (0.0, 0);
    for callers in CALLERS {
        let rate = measured(&bench, waiting(callers)).await;
        if rate > peak {
            (peak, with) = (rate, callers);
        }
    }
    println!("most calls with {with} callers");
    let more = with * TIMES;
    let loads = [waiting(more), Load::Again { callers: more, waits: false }];
    let mut of_peak = [const { Vec::new() }; 2];
    for _ in 0..ROUNDS {
        // The machine is not the same from one minute to the next: each beside a peak of its own.
        for (load, of_peak) in loads.iter().zip(&mut of_peak) {
            let peak = measured(&bench, waiting(with)).await;
            of_peak.push(measured(&bench, *load).await / peak * 100.0);
        }
    }
    for (load, mut of_peak) in loads.iter().zip(of_peak) {
        of_peak.sort_by(f64::total_cmp);
        let [least, middle, most] = [0, ROUNDS / 2, ROUNDS - 1].map(|at| of_peak[at]);
        println!("{load}: {middle:.0} % of the peak ({least:.0} to {most:.0})");
    }
    measured(&bench, Load::ByClock(whole(peak) * TIMES)).await;
    // Afterwards.
    measured(&bench, waiting(8)).await;
    bench.stop().await;
}
