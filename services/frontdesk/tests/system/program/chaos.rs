//! Everything breaks once while logins, lists and approvals run: each process, Postgres,
//! connections, locks, logs. What was acknowledged is there, no night is covered twice,
//! every refusal has its reason, who watches hears everything once, at either of two
//! processes, and soon after each fault every kind of call is answered again: while one of
//! two is gone, by the other.
//!
//! The short run is a test. The long one takes three minutes and is run by hand:
//!
//! ```sh
//! cargo test -p frontdesk --test system chaos -- --ignored --nocapture
//! ```
//!
//! How long it takes is printed by both. A standby that takes over is in `failover.rs`.

pub mod callers;
pub mod stage;

use std::time::{Duration, Instant};

use frontdesk::demo;
use serde_json::Value as Json;
use tokio::time::sleep;
use tokio_postgres::Client;
use uuid::Uuid;

use self::callers::{Call, Callers, Kept};
use self::stage::{Log, Role, Stage};
use crate::booking::feed_order::assert_causal;
use crate::booking::help::covered::no_night_is_covered_for_two_guests;
use crate::booking::help::watcher::Watcher;
use crate::fixture::Layout;
use crate::whole::crashes::{Victim, assert_kept, guests, requests, seeded};

/// How soon every kind of call has to be answered again.
const PATIENCE: Duration = Duration::from_secs(10);

/// Something that breaks, and is as before at the end.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// A process is killed and started again, with this log; one of two not before the other
    /// has answered every kind of call.
    Killed(Role, Log),
    BothKilled(Role, Role),
    Halted(Role),
    PostgresKilled,
    PostgresHalted,
    /// Several times, whatever they are doing.
    ConnectionsCut,
    /// Every call that needs it waits, with a connection of the pool.
    TableLocked,
    /// Nobody gets a new connection.
    NoConnectionLeft,
    /// As a primary that became a standby.
    ReadOnly,
    LogReaderGone,
}

impl Fault {
    /// Each once, in an order in which a log has a reader before that one goes.
    const SHORT: [Self; 10] = [
        Self::Killed(Role::Gateway, Log::Reader),
        Self::Killed(Role::Booking, Log::Full),
        Self::LogReaderGone,
        Self::Killed(Role::SecondIdentity, Log::File),
        Self::BothKilled(Role::Booking, Role::SecondBooking),
        Self::PostgresKilled,
        Self::Halted(Role::Booking),
        Self::ConnectionsCut,
        Self::TableLocked,
        Self::ReadOnly,
    ];

    /// What takes longer, or is like another.
    const LONG: [Self; 8] = [
        Self::PostgresHalted,
        Self::NoConnectionLeft,
        Self::Halted(Role::Identity),
        Self::BothKilled(Role::Identity, Role::SecondIdentity),
        Self::Halted(Role::Gateway),
        Self::Killed(Role::Identity, Log::Reader),
        Self::Killed(Role::Gateway, Log::Full),
        Self::Killed(Role::SecondBooking, Log::File),
    ];

    /// Breaks it for so long.
    async fn happens(self, stage: &mut Stage, callers: &Callers, time: Duration) {
        match self {
            Self::Killed(role, log) => {
                stage.kill(role);
                if role.is_one_of_two() {
                    callers.recovered(Instant::now(), PATIENCE).await;
                } else {
                    sleep(time / 4).await;
                }
                stage.start(role, log);
            }
            Self::BothKilled(one, other) => {
                for role in [one, other] {
                    stage.kill(role);
                }
                sleep(time / 4).await;
                for role in [one, other] {
                    stage.start(role, Log::File);
                }
            }
            Self::Halted(role) => {
                stage.signal(role, "-STOP");
                sleep(time).await;
                stage.signal(role, "-CONT");
            }
            Self::PostgresKilled => {
                stage.postgres.kill().await;
                sleep(time / 4).await;
                stage.postgres.start_again().await;
            }
            Self::PostgresHalted => {
                stage.signal_postgres("-STOP");
                sleep(time).await;
                stage.signal_postgres("-CONT");
            }
            Self::ConnectionsCut => {
                let sql = pg::connect(&stage.url).await.unwrap();
                let began = Instant::now();
                while began.elapsed() < time / 2 {
                    sql.execute(CUT, &[]).await.unwrap();
                    sleep(Duration::from_millis(20)).await;
                }
            }
            Self::TableLocked => {
                let sql = pg::connect(&stage.url).await.unwrap();
                sql.batch_execute("begin; lock table booking_requests in access exclusive mode")
                    .await
                    .unwrap();
                sleep(time).await;
                sql.batch_execute("rollback").await.unwrap();
            }
            Self::NoConnectionLeft => no_connection_is_left(&stage.url, time).await,
            Self::ReadOnly => read_only(&stage.url, time / 2).await,
            Self::LogReaderGone => stage.readers_go(),
        }
    }
}

/// Ends every session of a service.
const CUT: &str = "select count(pg_terminate_backend(pid)) from pg_stat_activity \
    where application_name like 'frontdesk-%' and datname = current_database()";

async fn no_connection_is_left(url: &str, time: Duration) {
    let first = pg::connect(url).await.unwrap();
    let mut taken = Vec::new();
    while let Ok(one) = pg::connect(url).await {
        taken.push(one);
    }
    first.execute(CUT, &[]).await.unwrap();
    let began = Instant::now();
    while began.elapsed() < time {
        taken.extend(pg::connect(url).await.ok());
        sleep(Duration::from_millis(5)).await;
    }
}

async fn read_only(url: &str, time: Duration) {
    let sql = pg::connect(url).await.unwrap();
    let set = async |mode: &str| {
        let text = format!(
            "set default_transaction_read_only = off; do $$ begin execute format('alter database %I \
             set default_transaction_read_only = {mode}', current_database()); end $$"
        );
        sql.batch_execute(&text).await.unwrap();
    };
    set("on").await;
    sql.execute(CUT, &[]).await.unwrap();
    sleep(time).await;
    set("off").await;
}

/// Says how soon calls of each kind were answered again.
async fn told(fault: Fault, stage: &mut Stage, callers: &Callers, time: Duration) {
    let began = Instant::now();
    fault.happens(stage, callers, time).await;
    let over = Instant::now();
    let again = callers.recovered(over, PATIENCE).await;
    let again: Vec<String> =
        again.iter().map(|(call, after)| format!("{call:?} after {} ms", after.as_millis())).collect();
    let gap = callers.longest_gap(began).as_millis();
    let fault = format!("{fault:?}");
    eprintln!(
        "{fault:<28} {:>5} ms; {}; {gap} ms without an approval",
        (over - began).as_millis(),
        again.join(", ")
    );
}

/// Callers and watchers while something breaks.
pub struct Run {
    pub stage: Stage,
    pub callers: Callers,
    /// At each of two processes.
    watchers: [Watcher; 2],
    token: String,
}

impl Run {
    /// On so many nights, of a database with the demo's rows; the roles connect as `url` says.
    pub async fn begin(postgres: Victim, url: String, nights: i32) -> Self {
        access::install_crypto();
        let sql = pg::connect(&postgres.url("system")).await.unwrap();
        guests(&sql).await;
        let requests = requests(&sql, Layout::Standard, "2040-01-01", 2 * nights, nights).await;
        let stage = Stage::new(postgres, url);
        let token = signed_in(stage.address(Role::Gateway)).await;
        let watchers = [Role::Booking, Role::SecondBooking]
            .map(|role| Watcher::start(stage.address(role).parse().unwrap(), &token));
        let callers = Callers::new(stage.address(Role::Gateway), token.clone(), requests);
        Self { stage, callers, watchers, token }
    }

    /// Calls while this happens, from the time on when every kind of call is answered.
    pub async fn during(&mut self, breaking: impl AsyncFnOnce(&mut Stage, &Callers)) {
        let Self { stage, callers, .. } = self;
        let broken = async {
            callers.recovered(Instant::now(), PATIENCE).await;
            breaking(stage, callers).await;
            callers.end();
        };
        tokio::join!(callers.call(), broken);
    }

    /// What was acknowledged is in this database, and everything that holds of any.
    pub async fn ends_well_in(self, database: &str) {
        let Self { stage, callers, watchers, token } = self;
        let Kept { acknowledged, sessions, refused, .. } = callers.kept();
        let (approvals, logins) = (acknowledged.len(), sessions.len());
        eprintln!("{approvals} approvals and {logins} logins were acknowledged; refused: {refused:?}");
        assert!(acknowledged.len() > 20, "too few approvals to say anything");
        let is_fault = |(call, why): &(Call, String)| *call == Call::Approve && why != "BOOKING_OVERLAP";
        assert!(refused.keys().any(is_fault), "nothing broke");
        let sql = pg::connect(database).await.unwrap();
        assert_kept(&sql, Layout::Standard, &acknowledged.into_iter().collect::<Vec<_>>()).await;
        assert_begun(&sql, &sessions.into_iter().collect::<Vec<_>>()).await;
        assert_each_night_once(&sql, stage.address(Role::Gateway), &token).await;
        for watcher in &watchers {
            watcher.has_heard_everything(&sql).await;
        }
        assert_causal(&sql).await;
        drop(watchers);
        stage.stop();
    }
}

async fn run(faults: impl Iterator<Item = Fault>, nights: i32, time: Duration) {
    let victim = Victim::start().await;
    let url = seeded(&victim, Layout::Standard).await;
    let mut run = Run::begin(victim, url.clone(), nights).await;
    run.during(async |stage, callers| {
        for fault in faults {
            told(fault, stage, callers, time).await;
        }
    })
    .await;
    run.ends_well_in(&url).await;
}

/// A token, once the gateway is ready.
async fn signed_in(gateway: &str) -> String {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let began = Instant::now();
    let ready = async || {
        http.get(format!("http://{gateway}/readyz")).send().await.is_ok_and(|one| one.status().is_success())
    };
    while !ready().await {
        assert!(began.elapsed() < Duration::from_secs(20), "the system does not start");
        sleep(Duration::from_millis(20)).await;
    }
    let body = serde_json::json!({"email": demo::MANAGER, "password": demo::PASSWORD});
    let answer = http.post(format!("http://{gateway}/v1/auth/login")).json(&body).send().await.unwrap();
    answer.json::<Json>().await.unwrap()["access"].as_str().unwrap().to_owned()
}

/// Whoever was signed in has a session.
async fn assert_begun(sql: &Client, sessions: &[Uuid]) {
    assert!(!sessions.is_empty(), "nobody was signed in");
    let lost = "select s from unnest($1::uuid[]) s where not exists \
        (select from identity.sessions b where b.id = s)";
    let lost = sql.query(lost, &[&sessions]).await.unwrap();
    assert!(lost.is_empty(), "{} of {} sessions were lost", lost.len(), sessions.len());
}

async fn assert_each_night_once(sql: &Client, gateway: &str, token: &str) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let read = async |path: &str| -> Json {
        let answer = http.get(format!("http://{gateway}{path}")).bearer_auth(token).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap()
    };
    assert!(no_night_is_covered_for_two_guests(read).await > 20);
    let twice = "select count(*) from inventory_ranges a join inventory_ranges b \
        on a.tenant_id = b.tenant_id and a.property_id = b.property_id and a.id < b.id and a.state = 'active' \
        and b.state = 'active' and daterange(a.start_date, a.end_date) && daterange(b.start_date, b.end_date) \
        where a.start_date >= '2040-01-01'";
    let twice: i64 = sql.query_one(twice, &[]).await.unwrap().get(0);
    assert_eq!(twice, 0, "nights have two ranges");
}

#[tokio::test(flavor = "multi_thread")]
async fn chaos_loses_nothing_that_was_acknowledged() {
    run(Fault::SHORT.into_iter(), 2000, Duration::from_millis(600)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes three minutes: by hand"]
async fn chaos_of_every_kind_again_and_again_loses_nothing() {
    let all: Vec<Fault> = Fault::SHORT.into_iter().chain(Fault::LONG).collect();
    let three_times = all.iter().cycle().take(3 * all.len()).copied();
    run(three_times, 8000, Duration::from_secs(3)).await;
}
