//! How long after the acknowledgement of a revocation a call is still let in, by three bookings
//! and by two gateways, with three replicas of everything on one database, by hand:
//! `cargo bench -p frontdesk --bench revocations -- 1000000` revokes until so many calls were
//! made. Callers go on for half a second after each acknowledgement, over gRPC and over REST; a
//! call counts by when it was sent. It fails when one was let in later than design allows.

// A measurement that cannot go on says where.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use boot::StopPolicy;
use devdb::TestDatabase;
use frontdesk::demo;
use frontdesk::system::{self, Parts, Policies, System};
use frontdesk_proto::booking::v1::ListPropertiesRequest;
use frontdesk_proto::booking::v1::property_service_client::PropertyServiceClient;
use futures::future::join_all;
use identity::operator::Operator;
use identity::{Limits, MasterKey, PasswordCost, Policy};
use reqwest::Method;
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;
use tonic::{Code, Request};
use upstream::Upstream;

const REPLICAS: usize = 3;
/// How many of them are called by their gateways as well.
const GATEWAYS: usize = 2;
/// Callers of each booking and each gateway.
const CALLERS: usize = 2;
/// How long callers know their rights before these are taken away.
const BEFORE: Duration = Duration::from_millis(100);
/// How long they go on afterwards.
const AFTER: Duration = Duration::from_millis(500);
/// When no call may be let in any more.
const TOO_LATE: Duration = Duration::from_millis(100);
const LIMITS: [u64; 9] = [0, 1, 2, 5, 10, 20, 50, 100, 1_000];
const KINDS: [&str; 8] =
    ["session", "user", "membership", "role of a member", "role", "API key", "signing key", "tenant"];

struct Bench {
    database: TestDatabase,
    systems: Vec<System>,
    http: reqwest::Client,
    owner: String,
    operator: String,
    manager: String,
}

/// What a caller sends.
#[derive(Clone)]
struct Sent {
    token: String,
    key: Option<String>,
}

/// What became of calls.
#[derive(Default)]
struct Counted {
    made: usize,
    /// Those that were sent after the acknowledgement, and when the last of them was sent that
    /// was let in.
    after: usize,
    last: Duration,
}

fn main() {
    access::install_crypto();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let wanted: usize = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(100_000);
    let mut bench = Bench::start().await;
    let (mut calls, mut after, mut late) = (0, 0, Vec::new());
    while calls < wanted {
        let kind = late.len() % KINDS.len();
        let of_it = bench.revoke(kind).await;
        calls += of_it.made;
        after += of_it.after;
        late.push((kind, of_it.last));
    }
    let times = late.len();
    println!(
        "{times} revocations, {calls} calls, {after} of them after an acknowledgement; {REPLICAS} bookings, \
         {GATEWAYS} gateways, {CALLERS} callers of each, and one over REST of each gateway"
    );
    println!("a call was let in last, after the acknowledgement, within ms (0: none was)");
    for (number, kind) in KINDS.iter().enumerate() {
        let mut of: Vec<Duration> =
            late.iter().filter(|(of, _)| *of == number).map(|(_, last)| *last).collect();
        of.sort();
        let counts = LIMITS.iter().scan(0, |before, limit| {
            let within = of.partition_point(|last| *last <= Duration::from_millis(*limit));
            let count = within - *before;
            *before = within;
            Some(format!("{limit}: {count}"))
        });
        let counts: Vec<String> = counts.collect();
        let most = of.last().copied().unwrap_or_default();
        println!("{kind:>18}  {}  most {most:.1?}", counts.join("  "));
    }
    let too_late = late.iter().filter(|(_, last)| *last > TOO_LATE).count();
    assert_eq!(too_late, 0, "let in more than {TOO_LATE:?} after the acknowledgement");
}

impl Bench {
    async fn start() -> Self {
        let database = TestDatabase::create(&[&identity::MIGRATIONS, &booking::MIGRATIONS]).await;
        demo::seed(&database.url).await.unwrap();
        let systems = join_all((0..REPLICAS).map(|_| system(&database.url))).await;
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut bench = Self {
            database,
            systems,
            http,
            owner: String::new(),
            operator: String::new(),
            manager: String::new(),
        };
        bench.sign_in().await;
        let me = bench.call(Method::GET, "/v1/me", &bench.login(demo::MANAGER).await, &Json::Null).await;
        bench.manager = me["user"]["id"].as_str().unwrap().to_owned();
        let role = json!({"name": "clerk", "scopes": ["properties:view"]});
        let roles = format!("/v1/tenants/{}/roles", demo::TENANT);
        bench.call(Method::POST, &roles, &bench.owner, &role).await;
        let role = json!({"name": "nobody", "scopes": ["bookings:view"]});
        bench.call(Method::POST, &roles, &bench.owner, &role).await;
        bench
    }

    async fn sign_in(&mut self) {
        self.owner = self.login(demo::OWNER).await;
        self.operator = self.login(demo::OPERATOR).await;
    }

    /// Lets callers in, takes their rights away, and says what became of their calls.
    async fn revoke(&mut self, kind: usize) -> Counted {
        let tenant = format!("/v1/tenants/{}", demo::TENANT);
        let member = format!("{tenant}/members/{}", self.manager);
        let (user, role) = (format!("/v1/users/{}", self.manager), format!("{tenant}/roles/clerk"));
        let mut sent = Sent { token: self.login(demo::MANAGER).await, key: None };
        let mut key = String::new();
        match kind {
            4 => {
                self.call(Method::PATCH, &member, &self.owner, &json!({"role": "clerk"})).await;
            }
            5 => {
                let made = self
                    .call(Method::POST, &format!("{tenant}/api-keys"), &self.owner, &json!({"name": "k"}))
                    .await;
                key = format!("{tenant}/api-keys/{}", made["api_key"]["id"].as_str().unwrap());
                sent.key = Some(made["secret"].as_str().unwrap().to_owned());
            }
            _ => {}
        }
        let (sent, acknowledged) = (&sent, OnceLock::new());
        let bookings = self.systems.iter().map(|system| system.booking);
        let gateways = || self.systems.iter().map(|system| system.gateway).take(GATEWAYS);
        let callers = bookings.chain(gateways()).flat_map(|called| (0..CALLERS).map(move |_| called));
        let over_grpc = join_all(callers.map(|called| {
            let client = PropertyServiceClient::new(called.to_string().parse::<Upstream>().unwrap());
            call_on(&acknowledged, move || is_let_in_over_grpc(client.clone(), sent))
        }));
        let http = &self.http;
        let over_rest = join_all(gateways().map(|called| {
            let url = format!("http://{called}/v1/properties?page_size=1");
            call_on(&acknowledged, move || is_let_in_over_rest(http, url.clone(), sent))
        }));
        let owner = &self.owner;
        let revocation = async {
            tokio::time::sleep(BEFORE).await;
            let scopes = json!({"scopes": ["bookings:view"]});
            let (method, path, by, body) = match kind {
                0 => (Method::POST, "/v1/auth/logout".to_owned(), &sent.token, json!({})),
                1 => (Method::POST, format!("{user}/disable"), &self.operator, json!({})),
                2 => (Method::DELETE, member.clone(), owner, Json::Null),
                3 => (Method::PATCH, member.clone(), owner, json!({"role": "nobody"})),
                4 => (Method::PATCH, role.clone(), owner, scopes),
                7 => (Method::POST, format!("{tenant}/suspend"), &self.operator, json!({})),
                _ => (Method::DELETE, key.clone(), owner, Json::Null),
            };
            if kind == 6 {
                self.revoke_signing_key(&sent.token).await;
            } else {
                self.call(method, &path, by, &body).await;
            }
            acknowledged.set(Instant::now()).unwrap();
        };
        let (over_grpc, over_rest, ()) = tokio::join!(over_grpc, over_rest, revocation);
        self.restore(kind, &tenant, &member, &user, &role).await;
        over_grpc.into_iter().chain(over_rest).fold(Counted::default(), |all, one| Counted {
            made: all.made + one.made,
            after: all.after + one.after,
            last: all.last.max(one.last),
        })
    }

    async fn restore(&mut self, kind: usize, tenant: &str, member: &str, user: &str, role: &str) {
        let manager = json!({"role": "manager"});
        match kind {
            1 => {
                self.call(Method::POST, &format!("{user}/enable"), &self.operator, &json!({})).await;
            }
            2 => {
                let new = json!({"email": demo::MANAGER, "role": "manager"});
                self.call(Method::POST, &format!("{tenant}/members"), &self.operator, &new).await;
            }
            3 => {
                self.call(Method::PATCH, member, &self.owner, &manager).await;
            }
            4 => {
                self.call(Method::PATCH, member, &self.owner, &manager).await;
                let scopes = json!({"scopes": ["properties:view"]});
                self.call(Method::PATCH, role, &self.owner, &scopes).await;
            }
            6 => self.sign_in().await,
            7 => {
                self.call(Method::POST, &format!("{tenant}/resume"), &self.operator, &json!({})).await;
            }
            _ => {}
        }
    }

    async fn revoke_signing_key(&self, token: &str) {
        let kid = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
        let config = pg::Config { url: self.database.url.clone(), pool_size: 1 };
        let database = config.open(identity::ROLE, "frontdesk-bench").unwrap();
        Operator::new(&database).unwrap().revoke_signing_key(&master_key(), &kid).await.unwrap();
    }

    async fn login(&self, email: &str) -> String {
        let body = json!({"email": email, "password": demo::PASSWORD});
        let login = self.call(Method::POST, "/v1/auth/login", "", &body).await;
        login["access"].as_str().unwrap().to_owned()
    }

    async fn call(&self, method: Method, path: &str, token: &str, body: &Json) -> Json {
        let request = self.http.request(method.clone(), format!("http://{}{path}", self.systems[0].gateway));
        let request = if token.is_empty() { request } else { request.bearer_auth(token) };
        let request = if body.is_null() { request } else { request.json(body) };
        let in_tenant = path.starts_with("/v1/tenants/");
        let request =
            if in_tenant { request.header("x-tenant-id", demo::TENANT.to_string()) } else { request };
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{method} {path}: {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }
}

/// Counted until some time after the acknowledgement.
async fn call_on<F>(acknowledged: &OnceLock<Instant>, is_let_in: impl Fn() -> F) -> Counted
where
    F: Future<Output = bool>,
{
    let mut calls = Counted::default();
    loop {
        let at = Instant::now();
        let is_let_in = is_let_in().await;
        calls.made += 1;
        let Some(after) =
            acknowledged.get().and_then(|acknowledged| at.checked_duration_since(*acknowledged))
        else {
            continue;
        };
        calls.after += 1;
        if is_let_in {
            calls.last = calls.last.max(after);
        }
        if after > AFTER {
            return calls;
        }
    }
}

async fn is_let_in_over_grpc(mut client: PropertyServiceClient<Upstream>, sent: &Sent) -> bool {
    let mut request = Request::new(ListPropertiesRequest { page_size: 1, ..Default::default() });
    request.metadata_mut().insert("authorization", format!("Bearer {}", sent.token).parse().unwrap());
    if let Some(key) = &sent.key {
        request.metadata_mut().insert("x-tenant-api-key", key.parse().unwrap());
    }
    let Err(status) = client.list_properties(request).await else { return true };
    let refusals =
        [Code::Unauthenticated, Code::PermissionDenied, Code::InvalidArgument, Code::FailedPrecondition];
    assert!(refusals.contains(&status.code()), "{status:?}");
    false
}

async fn is_let_in_over_rest(http: &reqwest::Client, url: String, sent: &Sent) -> bool {
    let mut request = http.get(url).bearer_auth(&sent.token);
    if let Some(key) = &sent.key {
        request = request.header("x-tenant-api-key", key);
    }
    let answer = request.send().await.unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert!(status == 200 || [400, 401, 403].contains(&status.as_u16()), "{status} {text}");
    status == 200
}

fn master_key() -> MasterKey {
    MasterKey::from_text(&"ab".repeat(32)).unwrap()
}

async fn system(url: &str) -> System {
    let free = || TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)));
    let limits = Limits { pair: 0, account: 0, address: 0, ..Policy::default().limits };
    // Signing in is not what is measured.
    let password_cost = PasswordCost { memory_kib: 8, passes: 1 };
    System::start(Parts {
        database: pg::Config { url: url.to_owned(), pool_size: pg::Config::DEFAULT_POOL_SIZE },
        master_key: master_key(),
        identity: free().await.unwrap().into(),
        booking: free().await.unwrap().into(),
        gateway: free().await.unwrap().into(),
        calls: system::Calls::InProcess,
        stop: StopPolicy::AT_ONCE,
        policies: Policies {
            identity: Policy { limits, password_cost, ..Policy::default() },
            ..Policies::default()
        },
    })
    .await
    .unwrap()
}
