//! What becomes of good callers while others sign in too much, by hand:
//! `cargo bench -p frontdesk --bench sign_ins`.
//!
//! How long a login, a refresh and a read take while nothing else happens, and how long
//! while 500 people sign in at once, 50 refresh at once (each a session of its own, or all the
//! same one), strangers send addresses that grow when they are composed (NFKC), and 100
//! connections of an address that is over its limit go on trying. They do so all at once, and
//! each again a while after its answer, until the good ones are done, who signed in before and
//! make one call after the other. Callers, services and Postgres share the machine. It fails
//! when the middle of what is to be within twice its unloaded time is not.

// A measurement that cannot go on says where.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use boot::{StopPolicy, TrustedProxies};
use devdb::TestDatabase;
use flate2::Compression;
use flate2::write::GzEncoder;
use frontdesk::demo;
use frontdesk::system::{Calls, Parts, Policies, System};
use futures::future::join_all;
use identity::{MasterKey, Policy};
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;

mod load;

/// How many good callers there are, each of an address of its own.
const GOOD: usize = 10;
/// How many times each of them signs in, and makes other calls.
const TIMES: [usize; 2] = [20, 100];
/// How much longer they may wait beside others.
const MOST: f64 = 2.0;
/// People who sign in at once, and those who refresh at once.
const LOGINS: usize = 500;
const REFRESHES: usize = 50;
/// After how long whoever signs in comes again, and whoever refreshes.
const AGAIN: Duration = Duration::from_secs(1);
const SOON: Duration = Duration::from_millis(100);
/// After how long those come again who are sent away: without any rest they would take the
/// machine, which good callers share with them, and not the services.
const STUBBORN: Duration = Duration::from_millis(250);
/// Connections of bombs and of the address that is over its limit.
const BOMBS: usize = 20;
const BLOCKED: usize = 100;

#[derive(Clone)]
struct Bench {
    http: reqwest::Client,
    gateway: SocketAddr,
}

/// Somebody who has signed in: the last answer.
struct Person(tokio::sync::Mutex<Json>);

/// What good callers do.
#[derive(Clone, Copy)]
enum Does {
    Login,
    Refresh,
    Read,
}

/// How long something takes while nothing else happens.
#[derive(Clone, Copy)]
struct Unloaded {
    login: Duration,
    refresh: Duration,
    read: Duration,
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

    let people = bench.sign_in().await;
    let mut unloaded = Vec::new();
    for does in [Does::Login, Does::Refresh, Does::Read] {
        bench.good(does, &people).await;
        unloaded.push(middle(does, "nothing else", bench.good(does, &people).await));
    }
    let [login, refresh, read] = unloaded[..] else { unreachable!() };
    let unloaded = Unloaded { login, refresh, read };
    let kept = [
        bench.beside_logins(&people, unloaded).await,
        bench.beside_refreshes(&people, unloaded).await,
        bench.beside_refreshes_of_one(&people, unloaded).await,
        bench.beside_bombs(&people, unloaded).await,
        bench.beside_blocked(&people, unloaded).await,
    ];
    system.stop().await.unwrap();
    assert!(kept.iter().all(|kept| *kept), "good callers wait for more than {MOST} times as long");
}

impl Person {
    fn new(answer: Json) -> Self {
        assert!(answer["access"].is_string(), "{answer}");
        Self(tokio::sync::Mutex::new(answer))
    }
}

impl Bench {
    /// Logins wait in the same queue as those of the 500, so how long they take is only printed.
    async fn beside_logins(&self, people: &[Person], unloaded: Unloaded) -> bool {
        const NAME: &str = "500 logins at once";
        let logins = self.load(LOGINS, AGAIN, |bench, n| async move {
            let (status, again_in) = bench.login_once(n).await;
            tokio::time::sleep(again_in.saturating_sub(AGAIN)).await;
            status
        });
        logins.has_answered(100).await;
        let kept = [
            self.is_kept(Does::Refresh, NAME, people, unloaded).await,
            self.is_kept(Does::Read, NAME, people, unloaded).await,
        ];
        let (status, took) = self.login_until_done().await;
        println!("   login beside {NAME}: {status} after {took:.1?}, told to come back meanwhile");
        logins.end(NAME).await;
        kept == [true; 2]
    }

    async fn beside_refreshes(&self, people: &[Person], unloaded: Unloaded) -> bool {
        const NAME: &str = "50 refreshes at once";
        let signed_in = join_all((0..REFRESHES).map(|n| self.login(n))).await;
        let tokens: Arc<Vec<Person>> =
            Arc::new(signed_in.into_iter().map(|(_, answer)| Person::new(answer)).collect());
        let refreshes = self.load(REFRESHES, SOON, move |bench, n| {
            let tokens = Arc::clone(&tokens);
            async move {
                let mut person = tokens[n].0.lock().await;
                let (status, answer) = bench.refresh(n, &refresh_of(&person)).await;
                *person = answer;
                status
            }
        });
        refreshes.has_answered(100).await;
        let kept = [
            self.is_kept(Does::Refresh, NAME, people, unloaded).await,
            self.is_kept(Does::Read, NAME, people, unloaded).await,
        ];
        refreshes.end(NAME).await;
        kept == [true; 2]
    }

    /// As tabs of one browser do: the first one gets a new token, the others the same one.
    async fn beside_refreshes_of_one(&self, people: &[Person], unloaded: Unloaded) -> bool {
        const NAME: &str = "50 refreshes of one";
        let token = Arc::new(refresh_of(&self.login(0).await.1));
        let refreshes = self.load(REFRESHES, SOON, move |bench, _| {
            let token = Arc::clone(&token);
            async move { bench.refresh(0, &token).await.0 }
        });
        refreshes.has_answered(100).await;
        let kept = self.is_kept(Does::Read, NAME, people, unloaded).await;
        refreshes.end(NAME).await;
        kept
    }

    async fn beside_bombs(&self, people: &[Person], unloaded: Unloaded) -> bool {
        const NAME: &str = "20 bombs at a time";
        let long = "\u{fdfa}".repeat(340_000);
        let bomb = gzip(format!("{{\"email\":\"{long}\",\"password\":\"x\"}}").as_bytes());
        let bombs = self.load(BOMBS, STUBBORN, move |bench, n| {
            let body = bomb.clone();
            async move {
                let request = bench.from("/v1/auth/login", &format!("203.0.113.{n}"));
                let request =
                    request.header("content-type", "application/json").header("content-encoding", "gzip");
                request.body(body).send().await.unwrap().status().as_u16()
            }
        });
        bombs.has_answered(BOMBS as u64).await;
        let kept = [
            self.is_kept(Does::Login, NAME, people, unloaded).await,
            self.is_kept(Does::Read, NAME, people, unloaded).await,
        ];
        bombs.end(NAME).await;
        kept == [true; 2]
    }

    async fn beside_blocked(&self, people: &[Person], unloaded: Unloaded) -> bool {
        const NAME: &str = "100 blocked connections";
        let blocked = self.load(BLOCKED, STUBBORN, |bench, n| async move {
            let body = json!({"email": format!("p{n}@load.example"), "password": "wrong-password"});
            bench.from("/v1/auth/login", "198.51.100.1").json(&body).send().await.unwrap().status().as_u16()
        });
        // Until the limit of the address is reached.
        while blocked.answers[4].load(Ordering::Relaxed) < 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let kept = [
            self.is_kept(Does::Login, NAME, people, unloaded).await,
            self.is_kept(Does::Read, NAME, people, unloaded).await,
        ];
        blocked.end(NAME).await;
        kept == [true; 2]
    }

    /// Whether the good ones wait for no more than twice as long as beside nothing.
    async fn is_kept(&self, does: Does, beside: &str, people: &[Person], unloaded: Unloaded) -> bool {
        let loaded = middle(does, beside, self.good(does, people).await);
        let unloaded = match does {
            Does::Login => unloaded.login,
            Does::Refresh => unloaded.refresh,
            Does::Read => unloaded.read,
        };
        let ratio = loaded.as_secs_f64() / unloaded.as_secs_f64();
        println!("         {ratio:.2} times the unloaded middle");
        ratio <= MOST
    }

    fn from(&self, path: &str, address: &str) -> reqwest::RequestBuilder {
        let url = format!("http://{}{path}", self.gateway);
        self.http.post(url).header("x-forwarded-for", address)
    }

    /// Signs one of the people in, from an address of its own.
    async fn login(&self, n: usize) -> (u16, Json) {
        let body = json!({"email": format!("p{n}@load.example"), "password": demo::PASSWORD});
        answer(self.from("/v1/auth/login", &address_of(n)).json(&body)).await
    }

    /// Gets one of the people new tokens, from that address.
    async fn refresh(&self, n: usize, token: &str) -> (u16, Json) {
        answer(self.from("/v1/auth/refresh", &address_of(n)).json(&json!({"refresh": token}))).await
    }

    /// One login: its answer, and after how long its caller is to come back.
    async fn login_once(&self, n: usize) -> (u16, Duration) {
        let body = json!({"email": format!("p{n}@load.example"), "password": demo::PASSWORD});
        let answer = self.from("/v1/auth/login", &address_of(n)).json(&body).send().await.unwrap();
        let told = answer.headers().get("retry-after").and_then(|told| told.to_str().ok()?.parse().ok());
        let status = answer.status().as_u16();
        let _body = answer.bytes().await.unwrap();
        (status, Duration::from_secs(told.unwrap_or(0)))
    }

    /// How long one more needs to sign in, however often it is told to come back.
    async fn login_until_done(&self) -> (u16, Duration) {
        let began = Instant::now();
        loop {
            let (status, again_in) = self.login_once(LOGINS).await;
            if status == 200 {
                return (status, began.elapsed());
            }
            tokio::time::sleep(again_in).await;
        }
    }

    /// The good ones.
    async fn sign_in(&self) -> Vec<Person> {
        let logins = (0..GOOD).map(|n| async move { Person::new(self.login(LOGINS + n).await.1) });
        join_all(logins).await
    }

    /// What the good ones wait for, each call after the one before.
    async fn good(&self, does: Does, people: &[Person]) -> Vec<Duration> {
        let callers = people.iter().enumerate().map(|(n, person)| async move {
            let mut times = Vec::new();
            let times_each = TIMES[usize::from(!matches!(does, Does::Login))];
            for _ in 0..times_each {
                let mut signed_in = person.0.lock().await;
                let began = Instant::now();
                let (status, body) = match does {
                    Does::Login => self.login(LOGINS + n).await,
                    Does::Refresh => self.refresh(LOGINS + n, &refresh_of(&signed_in)).await,
                    Does::Read => {
                        let token = signed_in["access"].as_str().unwrap();
                        let url = format!("http://{}/v1/me", self.gateway);
                        let request = self.http.get(url).header("x-forwarded-for", address_of(LOGINS + n));
                        answer(request.bearer_auth(token)).await
                    }
                };
                times.push(began.elapsed());
                assert_eq!(status, 200, "a good caller is refused: {body}");
                if matches!(does, Does::Refresh) {
                    *signed_in = body;
                }
            }
            times
        });
        join_all(callers).await.concat()
    }
}

/// Prints what good callers waited for, and returns the middle of it.
fn middle(does: Does, beside: &str, mut times: Vec<Duration>) -> Duration {
    times.sort();
    let (middle, most) = (times[times.len() / 2], times[times.len() * 95 / 100]);
    let does = match does {
        Does::Login => "login",
        Does::Refresh => "refresh",
        Does::Read => "read",
    };
    println!("{does:>8} beside {beside:<26} middle {middle:>8.1?}  95 of 100 within {most:>8.1?}");
    middle
}

async fn answer(request: reqwest::RequestBuilder) -> (u16, Json) {
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn address_of(n: usize) -> String {
    format!("10.1.{}.{}", n / 250, n % 250)
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
        database: pg::Config { url: url.to_owned(), pool_size: pg::Config::DEFAULT_POOL_SIZE },
        master_key: MasterKey::from_text(&"ab".repeat(32)).unwrap(),
        identity: free().await.unwrap().into(),
        booking: free().await.unwrap().into(),
        gateway: free().await.unwrap().into(),
        calls: Calls::InProcess,
        stop: StopPolicy::AT_ONCE,
        policies: Policies { identity: Policy::default(), gateway, ..Policies::default() },
    })
    .await
    .unwrap()
}
