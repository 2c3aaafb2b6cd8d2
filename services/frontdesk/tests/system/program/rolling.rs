//! A new version is rolled out: two replicas of each role are stopped and started again, one
//! after another, while calls, changes and streams go on behind something that, like a load
//! balancer, asks the gateways whether they are ready. No call fails that may be made
//! twice, and streams go on without loss.

mod events;

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use frontdesk::demo;
use frontdesk_proto::booking::v1::booking_request_service_client::BookingRequestServiceClient;
use frontdesk_proto::booking::v1::{ListBookingRequestsRequest, WatchBookingRequestsRequest};
use serde_json::json;
use tokio::task::JoinSet;
use tonic::transport::{Channel, Endpoint};
use uuid::Uuid;

use super::run::{Dev, free, frontdesk};
use crate::fixture::{Fixture, MASTER_KEY, path_of, signed};
use crate::waits::until_so;

/// A replica that is stopped and started again at the same address.
struct Replica {
    role: &'static str,
    env: Vec<(&'static str, String)>,
    admin: String,
    running: Option<Dev>,
}

/// What asks the gateways whether they are ready.
struct Balancer {
    gateways: Vec<(SocketAddr, AtomicBool)>,
    next: AtomicUsize,
}

/// Whatever goes on meanwhile.
struct Load {
    balancer: Balancer,
    token: String,
    /// Whether nothing more is approved.
    written: AtomicBool,
    over: AtomicBool,
    done: AtomicUsize,
    failed: Mutex<Vec<String>>,
    /// What each stream has heard, over gRPC and as server-sent events.
    heard: [Mutex<Vec<String>>; 2],
    streams: [AtomicUsize; 2],
}

impl Replica {
    fn start(&mut self) {
        let mut env: Vec<(&str, &str)> =
            self.env.iter().map(|(name, value)| (*name, value.as_str())).collect();
        env.extend([("ADMIN_LISTEN", self.admin.as_str()), ("STOP_DELAY", "1"), ("LOG", "warn")]);
        let child = frontdesk(&[self.role], &env).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.running = Some(Dev(child.unwrap()));
    }

    async fn is_ready(&self) {
        let (url, began) = (format!("http://{}/readyz", self.admin), Instant::now());
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        while !http.get(&url).send().await.is_ok_and(|answer| answer.status() == 200) {
            assert!(began.elapsed() < Duration::from_secs(20), "{} does not start", self.role);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Stops it, and starts it again.
    async fn roll(&mut self) {
        let mut running = self.running.take().unwrap();
        let ended = tokio::task::spawn_blocking(move || running.signal("-TERM")).await.unwrap();
        assert!(ended.success(), "{} {ended}", self.role);
        self.start();
        self.is_ready().await;
    }
}

impl Balancer {
    fn new(gateways: &[String]) -> Self {
        let gateways = gateways.iter().map(|addr| (addr.parse().unwrap(), AtomicBool::new(true)));
        Self { gateways: gateways.collect(), next: AtomicUsize::new(0) }
    }

    /// One that is ready.
    fn ready(&self) -> usize {
        let count = self.gateways.len();
        let start = self.next.fetch_add(1, Ordering::Relaxed);
        let mut turn = (0..count).map(|at| (start + at) % count);
        turn.find(|at| self.gateways[*at].1.load(Ordering::Relaxed)).expect("a gateway is ready")
    }

    async fn look(&self) {
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).no_proxy().build().unwrap();
        for (addr, ready) in &self.gateways {
            let answer = http.get(format!("http://{addr}/readyz")).send().await;
            ready.store(answer.is_ok_and(|answer| answer.status() == 200), Ordering::Relaxed);
        }
    }
}

impl Load {
    fn new(gateways: &[String], token: String) -> Self {
        Self {
            balancer: Balancer::new(gateways),
            token,
            written: AtomicBool::new(false),
            over: AtomicBool::new(false),
            done: AtomicUsize::new(0),
            failed: Mutex::default(),
            heard: Default::default(),
            streams: Default::default(),
        }
    }

    /// Waits until what is stored was heard.
    async fn has_heard_the_last(&self, fixture: &Fixture) {
        let stored =
            fixture.count("select count(*) from booking_events where tenant_id = $1", &[&demo::TENANT]).await;
        let heard = || self.heard.iter().map(|heard| heard.lock().unwrap().len()).min().unwrap();
        let stored = usize::try_from(stored).unwrap();
        until_so("everything is heard", async || heard() >= stored).await;
    }

    /// No call has failed, and the streams have heard every event once, in its order.
    async fn has_missed_nothing(&self, fixture: &Fixture) {
        let (failed, done) = (self.failed.lock().unwrap().clone(), self.done.load(Ordering::Relaxed));
        assert!(failed.is_empty(), "{} beside {done}: {failed:#?}", failed.len());
        let streams = [0, 1].map(|of| self.streams[of].load(Ordering::Relaxed));
        assert!(
            done > 100 && streams.iter().all(|streams| *streams > 1),
            "{done} calls, {streams:?} streams"
        );
        let stored = "select id::text from booking_events where tenant_id = $1 order by number";
        let rows = fixture.sql.query(stored, &[&demo::TENANT]).await.unwrap();
        let stored: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        for (of, heard) in self.heard.iter().enumerate() {
            assert_eq!(*heard.lock().unwrap(), stored, "{of}");
        }
        println!("{done} calls, {streams:?} streams, {} events", stored.len());
    }

    fn fails(&self, what: impl std::fmt::Display) {
        self.failed.lock().unwrap().push(what.to_string());
    }

    fn goes_on(&self) -> bool {
        !self.over.load(Ordering::Relaxed)
    }

    async fn looks(&self) {
        while self.goes_on() {
            self.balancer.look().await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Reads, over connections that are kept.
    async fn asks_over_rest(&self) {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        while self.goes_on() {
            for path in ["/v1/booking-requests", "/v1/me"] {
                let (addr, _) = self.balancer.gateways[self.balancer.ready()];
                match http.get(format!("http://{addr}{path}")).bearer_auth(&self.token).send().await {
                    Ok(answer) if answer.status() == 200 => self.done.fetch_add(1, Ordering::Relaxed),
                    Ok(answer) => {
                        let (status, text) = (answer.status(), answer.text().await.unwrap_or_default());
                        self.fails(format!("GET {path} at {addr}: {status} {text}"));
                        continue;
                    }
                    Err(error) => {
                        self.fails(format!("GET {path} at {addr}: {error:?}"));
                        continue;
                    }
                };
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    fn channels(&self) -> Vec<Channel> {
        let addresses = self.balancer.gateways.iter().map(|(addr, _)| format!("http://{addr}"));
        addresses.map(|addr| Endpoint::try_from(addr).unwrap().connect_lazy()).collect()
    }

    async fn asks_over_grpc(&self) {
        let channels = self.channels();
        while self.goes_on() {
            let mut client = BookingRequestServiceClient::new(channels[self.balancer.ready()].clone());
            let asked = signed(ListBookingRequestsRequest::default(), &self.token);
            match client.list_booking_requests(asked).await {
                Ok(_) => {
                    self.done.fetch_add(1, Ordering::Relaxed);
                }
                Err(status) => self.fails(format!("gRPC: {status:?}")),
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Approves one request after another.
    async fn approves(&self, requests: Vec<Uuid>) {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        for id in requests {
            if self.written.load(Ordering::Relaxed) {
                return;
            }
            let (addr, _) = self.balancer.gateways[self.balancer.ready()];
            let url = format!("http://{addr}{}", path_of(id, "/approve"));
            match http.post(url).bearer_auth(&self.token).json(&json!({})).send().await {
                Ok(answer) if answer.status() == 200 => {
                    self.done.fetch_add(1, Ordering::Relaxed);
                }
                Ok(answer) => self.fails(format!("approve: {}", answer.text().await.unwrap_or_default())),
                Err(error) => self.fails(format!("approve at {addr}: {error:?}")),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Hears every event, and goes on where a stream that ends says so.
    async fn hears(&self) {
        let channels = self.channels();
        let (mut cursor, mut at) = ("start".to_owned(), 0);
        while self.goes_on() {
            let mut client = BookingRequestServiceClient::new(channels[at].clone());
            let message = WatchBookingRequestsRequest { cursor: cursor.clone(), ..Default::default() };
            let mut stream = match client.watch_booking_requests(signed(message, &self.token)).await {
                Ok(stream) => stream.into_inner(),
                Err(status) => {
                    self.fails(format!("watch: {status:?}"));
                    at = self.balancer.ready();
                    continue;
                }
            };
            self.streams[0].fetch_add(1, Ordering::Relaxed);
            let ended = loop {
                match tokio::time::timeout(Duration::from_millis(200), stream.message()).await {
                    Ok(Ok(Some(message))) => {
                        cursor = message.cursor;
                        self.heard[0].lock().unwrap().extend(message.event.map(|event| event.id));
                    }
                    Ok(Ok(None)) => break Some("without a word".to_owned()),
                    Ok(Err(status)) => {
                        let refusal = frontdesk_proto::Refusal::from_status(&status);
                        let go_on = refusal.as_ref().and_then(|refusal| {
                            refusal.metadata().find_map(|(name, value)| (name == "go_on").then_some(value))
                        });
                        break (go_on != Some(cursor.as_str()))
                            .then(|| format!("{status:?} behind {cursor}"));
                    }
                    Err(_) if self.goes_on() => {}
                    Err(_) => return,
                }
            };
            at = self.balancer.ready();
            if let Some(why) = ended {
                self.fails(format!("a stream ended: {why}"));
            }
        }
    }
}

async fn replicas(fixture: &Fixture) -> (Vec<Replica>, Vec<String>) {
    let [identities, bookings, gateways]: [Vec<String>; 3] = std::array::from_fn(|_| vec![free(), free()]);
    let database = fixture.database.url.clone();
    let mut replicas = Vec::new();
    for at in 0..2 {
        let identity = vec![
            ("DATABASE_URL", database.clone()),
            ("FRONTDESK_MASTER_KEY", MASTER_KEY.repeat(32)),
            ("IDENTITY_LISTEN", identities[at].clone()),
        ];
        let booking = vec![
            ("DATABASE_URL", database.clone()),
            ("BOOKING_LISTEN", bookings[at].clone()),
            ("IDENTITY_ADDR", identities.join(",")),
        ];
        let gateway = vec![
            ("GATEWAY_LISTEN", gateways[at].clone()),
            ("IDENTITY_ADDR", identities.join(",")),
            ("BOOKING_ADDR", bookings.join(",")),
        ];
        for (role, env) in [("identity", identity), ("booking", booking), ("gateway", gateway)] {
            let mut replica = Replica { role, env, admin: free(), running: None };
            replica.start();
            replicas.push(replica);
        }
    }
    for replica in &replicas {
        replica.is_ready().await;
    }
    (replicas, gateways)
}

/// Rolls each replica, so often.
async fn roll_out(times: usize) {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let mut requests = Vec::new();
    for number in 0..i32::try_from(300 + 120 * times).unwrap() {
        let day = 40 + 2 * number;
        requests.push(
            fixture.open_request(demo::TENANT, u32::try_from(number).unwrap() + 1000, day, day + 1).await,
        );
    }
    let (mut replicas, gateways) = replicas(&fixture).await;
    let load = Arc::new(Load::new(&gateways, token));
    let mut running = JoinSet::new();
    for of in 0..5 {
        let load = Arc::clone(&load);
        running.spawn(async move {
            match of {
                0 => load.looks().await,
                1 => load.asks_over_rest().await,
                2 => load.asks_over_grpc().await,
                3 => load.hears_events().await,
                _ => load.hears().await,
            }
        });
    }
    let approving = Arc::clone(&load);
    let approving = tokio::spawn(async move { approving.approves(requests).await });
    for _ in 0..times {
        for replica in &mut replicas {
            replica.roll().await;
        }
    }
    load.written.store(true, Ordering::Relaxed);
    approving.await.unwrap();
    load.has_heard_the_last(&fixture).await;
    load.over.store(true, Ordering::Relaxed);
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
    load.has_missed_nothing(&fixture).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_replicas_of_each_role_are_rolled_and_nobody_notices() {
    Box::pin(roll_out(1)).await;
}

/// `cargo test -p frontdesk --test system -- --ignored --nocapture rolled_again_and_again`
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn all_replicas_are_rolled_again_and_again() {
    Box::pin(roll_out(10)).await;
}
