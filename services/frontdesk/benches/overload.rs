//! What becomes of ten times as many calls as can be answered, by hand:
//! `cargo bench -p frontdesk --bench overload`.
//!
//! Callers of one tenant ask the gateway for a request over gRPC, each again when it has its
//! answer. First with more and more callers, until no more calls are answered in a second:
//! that is the peak. Then ten times as many callers as the peak needs, of ten addresses:
//! those who wait as long as a refusal says, and those who do not. And last as many calls as
//! ten times the peak, begun by the clock, whatever becomes of them, each with two seconds.
//!
//! Beside them another tenant asks fifty times a second, and a probe twenty times whether
//! the gateway is ready. Callers, services and Postgres share the machine, so that what
//! refusals cost the callers is taken from the services.

// A measurement that cannot go on says where.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[expect(dead_code, reason = "the bench of booking needs more of it")]
#[path = "booking/harness.rs"]
mod harness;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use frontdesk::demo;
use frontdesk_proto::Refusal;
use frontdesk_proto::booking::v1::GetBookingRequestRequest;
use frontdesk_proto::booking::v1::booking_request_service_client::BookingRequestServiceClient;
use futures::future::join_all;
use tokio::task::JoinSet;
use tonic::{Code, Request, Status};
use upstream::Upstream;
use uuid::Uuid;

use self::harness::{Bench, signed};

/// How long each load lasts.
const LASTS: Duration = Duration::from_secs(5);
/// Callers with whom the peak is looked for.
const CALLERS: [usize; 6] = [4, 8, 16, 32, 64, 128];
/// How much more than the peak.
const TIMES: usize = 10;
const TIMES_MORE: f64 = 10.0;
const ADDRESSES: usize = 10;
/// The time of a call that the clock begins.
const GIVEN: Duration = Duration::from_secs(2);

fn main() {
    access::install_crypto();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(overload());
}

/// What came of the calls of a load.
#[derive(Debug, Default)]
struct Outcome {
    answered: AtomicU64,
    shed: AtomicU64,
    late: AtomicU64,
    other: AtomicU64,
}

/// What waiting for an answer took.
type Times = Vec<Duration>;

/// Whoever calls the gateway.
struct Callers {
    /// A client for each address, with connections of its own.
    clients: Vec<BookingRequestServiceClient<Upstream>>,
    token: String,
    outcome: Outcome,
}

impl Callers {
    fn new(bench: &Bench) -> Arc<Self> {
        let gateway = bench.system.gateway.to_string();
        let client = |_| BookingRequestServiceClient::new(gateway.parse::<Upstream>().unwrap());
        let (clients, token) = ((0..ADDRESSES).map(client).collect(), bench.token.clone());
        Arc::new(Self { clients, token, outcome: Outcome::default() })
    }

    /// Makes a call of one of the addresses; the refusal says how long to wait.
    async fn call(&self, from: usize) -> Option<Duration> {
        let from = from % ADDRESSES;
        let mut request = ask(demo::TENANT, demo::CASES[0].1, &self.token);
        request.metadata_mut().insert("x-forwarded-for", format!("192.0.2.{from}").parse().unwrap());
        request.set_timeout(GIVEN);
        let answered = self.clients[from].clone().get_booking_request(request).await;
        let (count, wait) = match &answered {
            Ok(_) => (&self.outcome.answered, None),
            Err(status) if status.code() == Code::DeadlineExceeded => (&self.outcome.late, None),
            Err(status) if is_shed(status) => {
                (&self.outcome.shed, Refusal::from_status(status).and_then(|refusal| refusal.retry_delay()))
            }
            Err(status) => {
                if self.outcome.other.load(Ordering::Relaxed) == 0 {
                    println!("    the first of other ends: {status:?}");
                }
                (&self.outcome.other, None)
            }
        };
        count.fetch_add(1, Ordering::Relaxed);
        wait
    }

    /// Calls again and again with so many callers.
    async fn again(self: &Arc<Self>, callers: usize, waits: bool) {
        let until = Instant::now() + LASTS;
        let calling = (0..callers).map(|from| {
            let this = Arc::clone(self);
            tokio::spawn(async move {
                while Instant::now() < until {
                    let wait = this.call(from).await;
                    if let Some(wait) = wait.filter(|_| waits) {
                        // Not all at the same moment.
                        tokio::time::sleep(
                            wait + Duration::from_millis(4) * u32::try_from(from % 64).unwrap(),
                        )
                        .await;
                    }
                }
            })
        });
        join_all(calling).await;
    }

    /// Begins calls at a rate.
    async fn at_rate(self: &Arc<Self>, per_second: f64) {
        let (start, mut begun, mut calls) = (Instant::now(), 0_usize, JoinSet::new());
        while start.elapsed() < LASTS {
            let due = whole(start.elapsed().as_secs_f64() * per_second);
            for from in begun..due {
                let this = Arc::clone(self);
                calls.spawn(async move { this.call(from).await });
            }
            begun = due;
            while calls.try_join_next().is_some() {}
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        while calls.join_next().await.is_some() {}
    }
}

/// Refused before it was begun.
fn is_shed(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::ResourceExhausted)
        && Refusal::from_status(status).is_some()
}

fn ask(tenant: Uuid, id: Uuid, token: &str) -> Request<GetBookingRequestRequest> {
    signed(GetBookingRequestRequest { booking_request_id: id.to_string() }, token, tenant)
}

/// Runs a load beside whoever wants to be answered all the same, and prints what came of it.
/// Gives the calls that were answered in a second.
async fn measured(bench: &Bench, what: &str, load: impl AsyncFnOnce(Arc<Callers>)) -> f64 {
    let callers = Callers::new(bench);
    let ends = Arc::new(AtomicBool::new(false));
    let others =
        tokio::spawn(others(bench.system.gateway.to_string(), bench.token.clone(), Arc::clone(&ends)));
    let probes = tokio::spawn(probes(bench.system.gateway.to_string(), Arc::clone(&ends)));
    let began = Instant::now();
    load(Arc::clone(&callers)).await;
    let took = began.elapsed().as_secs_f64();
    ends.store(true, Ordering::Relaxed);
    let (others, probes) = (others.await.unwrap(), probes.await.unwrap());
    let per_second = |count: &AtomicU64| fraction(count.load(Ordering::Relaxed)) / took;
    let Outcome { answered, shed, late, other } = &callers.outcome;
    println!(
        "{what:<34} answered {:>6.0}/s  refused {:>6.0}/s  late {:>5.0}/s  other {:>3.0}/s  {} MiB  \
         another tenant {}  ready {}",
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
    measured(&bench, "warm", async |callers| callers.again(8, true).await).await;
    let mut peak = (0.0, 0);
    for count in CALLERS {
        let what = format!("{count} callers");
        let rate = measured(&bench, &what, async |callers| callers.again(count, true).await).await;
        if rate > peak.0 {
            peak = (rate, count);
        }
    }
    let (rate, count) = peak;
    println!("peak: {rate:.0}/s with {count} callers");
    let of_peak = |answered: f64| println!("    {:.0} % of the peak", answered / rate * 100.0);
    for (waits, name) in [(true, "who wait as told"), (false, "who do not wait")] {
        let what = format!("{} callers {name}", count * TIMES);
        of_peak(measured(&bench, &what, async |callers| callers.again(count * TIMES, waits).await).await);
    }
    let offered = rate * TIMES_MORE;
    let what = format!("{offered:.0} calls a second");
    of_peak(measured(&bench, &what, async |callers| callers.at_rate(offered).await).await);
    measured(&bench, "afterwards, 8 callers", async |callers| callers.again(8, true).await).await;
    bench.stop().await;
}
