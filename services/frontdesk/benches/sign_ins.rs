//! What becomes of good callers while others sign in too much, by hand:
//! `cargo bench -p frontdesk --bench sign_ins`.
//!
//! How long a login, a refresh and a read take while nothing else happens, and how long
//! while 500 people sign in at once, 50 refresh at once, strangers send addresses that grow
//! when they are composed (NFKC), and 100 connections of an address that is over its limit
//! go on trying. Callers, services and Postgres share the machine.

// A measurement that cannot go on says where.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use boot::TrustedProxies;
use devdb::TestDatabase;
use flate2::Compression;
use flate2::write::GzEncoder;
use frontdesk::demo;
use frontdesk::system::{Parts, Policies, System};
use futures::future::join_all;
use identity::{MasterKey, Policy};
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// How many good callers there are, each of an address of its own.
const GOOD: usize = 10;
/// How many times each of them calls.
const TIMES: usize = 5;
/// People who sign in at once, and those who refresh at once.
const LOGINS: usize = 500;
const REFRESHES: usize = 50;
/// Connections of bombs and of the address that is over its limit.
const BOMBS: usize = 20;
const BLOCKED: usize = 100;

#[derive(Clone)]
struct Bench {
    http: reqwest::Client,
    gateway: SocketAddr,
}

/// What good callers do.
#[derive(Clone, Copy)]
enum Does {
    Login,
    Refresh,
    Read,
}

/// Others, until they are told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    answers: Arc<[AtomicU64; 6]>,
    tasks: JoinSet<()>,
}

fn main() {
    access::install_crypto();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let database = TestDatabase::create(&[&identity::MIGRATIONS, &booking::MIGRATIONS]).await;
    demo::seed(&database.url).await.unwrap();
    let people = format!(
        "insert into identity.users (id, email, display_name, kind, password_hash, created_at) \
         select gen_random_uuid(), 'p' || n || '@load.example', '', 'person', u.password_hash, now() \
         from identity.users u, generate_series(0, {}) n where u.email = '{}'",
        LOGINS + GOOD,
        demo::MANAGER
    );
    pg::connect(&database.url).await.unwrap().batch_execute(&people).await.unwrap();
    let system = Box::pin(system(&database.url)).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let bench = Bench { http, gateway: system.gateway };

    let mut unloaded = Vec::new();
    for does in [Does::Login, Does::Refresh, Does::Read] {
        bench.good(does).await;
        unloaded.push(shown(does, "nothing else", bench.good(does).await, None));
    }
    let [login, refresh, read] = unloaded[..] else { unreachable!() };
    bench.beside_logins(refresh, read).await;
    bench.beside_refreshes(refresh).await;
    bench.beside_bombs(login, read).await;
    bench.beside_blocked(login, read).await;
    system.stop().await.unwrap();
}

impl Bench {
    async fn beside_logins(&self, refresh: Duration, read: Duration) {
        const NAME: &str = "500 logins at once";
        let logins = self.load(LOGINS, false, |bench, n| async move { bench.login(n).await.0 });
        shown(Does::Refresh, NAME, self.good(Does::Refresh).await, Some(refresh));
        shown(Does::Read, NAME, self.good(Does::Read).await, Some(read));
        logins.end(NAME).await;
    }

    async fn beside_refreshes(&self, refresh: Duration) {
        const NAME: &str = "50 refreshes at once";
        let signed_in = join_all((0..REFRESHES).map(|n| self.login(n))).await;
        let tokens: Arc<Vec<String>> =
            Arc::new(signed_in.iter().map(|(_, answer)| refresh_of(answer)).collect());
        let refreshes = self.load(REFRESHES, false, move |bench, n| {
            let token = tokens[n].clone();
            async move { bench.refresh(&token).await.0 }
        });
        shown(Does::Refresh, NAME, self.good(Does::Refresh).await, Some(refresh));
        refreshes.end(NAME).await;
    }

    async fn beside_bombs(&self, login: Duration, read: Duration) {
        const NAME: &str = "20 bombs at a time";
        let long = "\u{fdfa}".repeat(340_000);
        let bomb = gzip(format!("{{\"email\":\"{long}\",\"password\":\"x\"}}").as_bytes());
        let bombs = self.load(BOMBS, true, move |bench, n| {
            let body = bomb.clone();
            async move {
                let request = bench.from("/v1/auth/login", &format!("203.0.113.{n}"));
                let request =
                    request.header("content-type", "application/json").header("content-encoding", "gzip");
                request.body(body).send().await.unwrap().status().as_u16()
            }
        });
        shown(Does::Login, NAME, self.good(Does::Login).await, Some(login));
        shown(Does::Read, NAME, self.good(Does::Read).await, Some(read));
        bombs.end(NAME).await;
    }

    async fn beside_blocked(&self, login: Duration, read: Duration) {
        const NAME: &str = "100 blocked connections";
        let blocked = self.load(BLOCKED, true, |bench, n| async move {
            let body = json!({"email": format!("p{n}@load.example"), "password": "wrong-password"});
            bench.from("/v1/auth/login", "198.51.100.1").json(&body).send().await.unwrap().status().as_u16()
        });
        // Until the limit of the address is reached.
        while blocked.answers[4].load(Ordering::Relaxed) < 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        shown(Does::Login, NAME, self.good(Does::Login).await, Some(login));
        shown(Does::Read, NAME, self.good(Does::Read).await, Some(read));
        blocked.end(NAME).await;
    }

    fn from(&self, path: &str, address: &str) -> reqwest::RequestBuilder {
        let url = format!("http://{}{path}", self.gateway);
        self.http.post(url).header("x-forwarded-for", address)
    }

    /// Signs one of the people in, from an address of its own.
    async fn login(&self, n: usize) -> (u16, Json) {
        let body = json!({"email": format!("p{n}@load.example"), "password": demo::PASSWORD});
        let address = format!("10.1.{}.{}", n / 250, n % 250);
        answer(self.from("/v1/auth/login", &address).json(&body)).await
    }

    async fn refresh(&self, token: &str) -> (u16, Json) {
        answer(self.from("/v1/auth/refresh", "10.2.0.1").json(&json!({"refresh": token}))).await
    }

    /// What the good ones wait for, each call after the one before.
    async fn good(&self, does: Does) -> Vec<Duration> {
        let callers = (0..GOOD).map(|n| async move {
            let person = LOGINS + n;
            let (mut times, mut signed_in) = (Vec::new(), Json::Null);
            if !matches!(does, Does::Login) {
                // Whoever is told to come back does.
                while signed_in["access"].is_null() {
                    signed_in = self.login(person).await.1;
                }
            }
            for _ in 0..TIMES {
                let began = Instant::now();
                let status = match does {
                    Does::Login => self.login(person).await.0,
                    Does::Refresh => {
                        let (status, answer) = self.refresh(&refresh_of(&signed_in)).await;
                        signed_in = answer;
                        status
                    }
                    Does::Read => {
                        let token = signed_in["access"].as_str().unwrap();
                        let url = format!("http://{}/v1/me", self.gateway);
                        answer(self.http.get(url).bearer_auth(token)).await.0
                    }
                };
                times.push(began.elapsed());
                assert_eq!(status, 200, "a good caller is refused");
            }
            times
        });
        join_all(callers).await.concat()
    }

    /// So many who call at once, each once or again and again.
    fn load<F>(
        &self,
        many: usize,
        again: bool,
        call: impl Fn(Self, usize) -> F + Clone + Send + 'static,
    ) -> Load
    where
        F: Future<Output = u16> + Send,
    {
        let (stop, answers) = (Arc::new(AtomicBool::new(false)), Arc::<[AtomicU64; 6]>::default());
        let mut tasks = JoinSet::new();
        for n in 0..many {
            let (bench, call, stop, answers) =
                (self.clone(), call.clone(), Arc::clone(&stop), Arc::clone(&answers));
            tasks.spawn(async move {
                loop {
                    let status = call(bench.clone(), n).await;
                    answers[usize::from(status / 100)].fetch_add(1, Ordering::Relaxed);
                    if !again || stop.load(Ordering::Relaxed) {
                        return;
                    }
                }
            });
        }
        Load { stop, answers, tasks }
    }
}

impl Load {
    async fn end(self, name: &str) {
        let Self { stop, answers, mut tasks } = self;
        stop.store(true, Ordering::Relaxed);
        while let Some(ended) = tasks.join_next().await {
            ended.unwrap();
        }
        let of = |class: usize| answers[class].load(Ordering::Relaxed);
        println!("    of {name}: {} answered, {} refused, {} without room", of(2), of(4), of(5));
    }
}

/// Prints what good callers waited for, and returns the middle of it.
fn shown(does: Does, beside: &str, mut times: Vec<Duration>, unloaded: Option<Duration>) -> Duration {
    times.sort();
    let (middle, most) = (times[times.len() / 2], times[times.len() * 95 / 100]);
    let does = match does {
        Does::Login => "login",
        Does::Refresh => "refresh",
        Does::Read => "read",
    };
    let ratio = unloaded.map_or(String::new(), |unloaded| {
        format!("  {:.1} times the unloaded middle", middle.as_secs_f64() / unloaded.as_secs_f64())
    });
    println!("{does:>8} beside {beside:<26} middle {middle:>8.1?}  95 of 100 within {most:>8.1?}{ratio}");
    middle
}

async fn answer(request: reqwest::RequestBuilder) -> (u16, Json) {
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn refresh_of(signed_in: &Json) -> String {
    signed_in["refresh"].as_str().unwrap_or_default().to_owned()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

async fn system(url: &str) -> System {
    let free = || TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)));
    // Whoever calls says from where, as a load balancer would.
    let gateway =
        gateway::Policy { trusted_proxies: TrustedProxies::loopback(), ..gateway::Policy::default() };
    System::start(Parts {
        database_url: url.to_owned(),
        master_key: MasterKey::from_text(&"ab".repeat(32)).unwrap(),
        identity: free().await.unwrap(),
        booking: free().await.unwrap(),
        gateway: free().await.unwrap(),
        policies: Policies { identity: Policy::default(), gateway, ..Policies::default() },
    })
    .await
    .unwrap()
}
