//! What identity costs, beside what it cannot be cheaper than, in one run.

// A measurement that cannot go on says where.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use upstream::Upstream;

use access::{AccessLayer, Authority, Issuer, KeyCache, RemoteIdentity, Rules};
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use boot::StopPolicy;
use bytes::Bytes;
use devdb::TestDatabase;
use frontdesk::demo;
use frontdesk::system::{Calls, Parts, Policies, System};
use frontdesk_proto::identity::v1::auth_service_client::AuthServiceClient;
use frontdesk_proto::identity::v1::scope_service_client::ScopeServiceClient;
use frontdesk_proto::identity::v1::{LoginRequest, ResolveScopesRequest};
use futures::future::join_all;
use http::{Request, Response};
use http_body_util::Full;
use identity::{Limits, MasterKey, Policy};
use jiff::Timestamp;
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tower::{Layer, Service};

const SPAN: Duration = Duration::from_secs(4);
/// A message of gRPC without a field.
const EMPTY_MESSAGE: &[u8] = &[0; 5];

fn main() {
    access::install_crypto();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let cores = std::thread::available_parallelism().unwrap().get();
    let (system, _database) = start().await;
    let channel = system.identity.to_string().parse().unwrap();
    let login = login(&channel, demo::MANAGER, demo::PASSWORD).await.unwrap();
    println!("{cores} cores, each figure over {} s", SPAN.as_secs());

    // First: what other measurements leave with the allocator would be counted too.
    flood(&channel, system.identity).await;
    let bare = bare_argon2(cores);
    let logins = logins(&channel, cores * 2).await;
    println!("bare argon2id (19 MiB, t=2)    {bare:>9.1} /s on all cores");
    println!("Login over gRPC                {logins:>9.1} /s   {:.0} % of bare", 100.0 * logins / bare);

    let remote = RemoteIdentity::new(channel.clone());
    let keys = remote.keys(Timestamp::now()).await.unwrap();
    let issuer = Issuer::default();
    let cold = rate(|| access::check_token(&login, &keys, &issuer).unwrap());
    let cache = KeyCache::new(issuer.clone());
    let verify = async || cache.verify(&login, &remote, Timestamp::now()).await.unwrap();
    verify().await;
    let cached = rate_async(verify).await;
    println!("token verified for the first time{cold:>7.0} /s on one core");
    println!("token verified before          {cached:>9.0} /s on one core");

    let resolved = rate_async(async || resolve(&channel, &login).await).await;
    let through = rate_layer(
        AccessLayer::new(
            Rules::of_services(&booking::SERVICES).unwrap(),
            issuer,
            remote,
            boot::ProxyHeader::default(),
        ),
        &login,
    )
    .await;
    println!("ResolveScopes over gRPC        {resolved:>9.0} /s, one at a time");
    println!("access layer, scopes cached    {through:>9.0} /s, one at a time, the same token");

    timing(&channel).await;
    system.stop().await.unwrap();
}

async fn start() -> (System, TestDatabase) {
    let database = TestDatabase::create(&[&identity::MIGRATIONS, &booking::MIGRATIONS]).await;
    demo::seed(&database.url).await.unwrap();
    let free = || TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)));
    let limits = Limits { pair: 0, account: 0, address: 0, ..Policy::default().limits };
    let system = System::start(Parts {
        database: pg::Config { url: database.url.clone(), pool_size: pg::Config::DEFAULT_POOL_SIZE },
        master_key: MasterKey::from_text(&"ab".repeat(32)).unwrap(),
        identity: free().await.unwrap().into(),
        booking: free().await.unwrap().into(),
        gateway: free().await.unwrap().into(),
        calls: Calls::InProcess,
        stop: StopPolicy::AT_ONCE,
        policies: Policies { identity: Policy { limits, ..Policy::default() }, ..Policies::default() },
    });
    (system.await.unwrap(), database)
}

fn bare_argon2(cores: usize) -> f64 {
    let hash = Argon2::default().hash_password(demo::PASSWORD.as_bytes()).unwrap();
    let (count, started) = (AtomicU64::new(0), Instant::now());
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while started.elapsed() < SPAN {
                    Argon2::default().verify_password(demo::PASSWORD.as_bytes(), &hash).unwrap();
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    per_second(count.into_inner(), started)
}

async fn logins(channel: &Upstream, clients: usize) -> f64 {
    let (count, started) = (AtomicU64::new(0), Instant::now());
    join_all((0..clients).map(async |_| {
        while started.elapsed() < SPAN {
            login(channel, demo::MANAGER, demo::PASSWORD).await.unwrap();
            count.fetch_add(1, Ordering::Relaxed);
        }
    }))
    .await;
    per_second(count.into_inner(), started)
}

fn rate<T>(mut work: impl FnMut() -> T) -> f64 {
    let (mut count, started) = (0, Instant::now());
    while started.elapsed() < SPAN {
        std::hint::black_box(work());
        count += 1;
    }
    per_second(count, started)
}

async fn rate_async<T>(work: impl AsyncFn() -> T) -> f64 {
    let (mut count, started) = (0, Instant::now());
    while started.elapsed() < SPAN {
        std::hint::black_box(work().await);
        count += 1;
    }
    per_second(count, started)
}

async fn rate_layer(layer: AccessLayer<RemoteIdentity>, token: &str) -> f64 {
    let inner =
        tower::service_fn(|_: Request<Body>| async { Ok::<_, Infallible>(Response::new(Body::empty())) });
    let mut service = layer.layer(inner);
    let (mut count, started) = (0, Instant::now());
    while started.elapsed() < SPAN {
        let request = Request::post("/frontdesk.booking.v1.PropertyService/ListProperties")
            .header("authorization", format!("Bearer {token}"))
            .body(Body::new(Full::<Bytes>::from(EMPTY_MESSAGE)))
            .unwrap();
        let response = service.call(request).await.unwrap();
        assert!(response.headers().get("grpc-status").is_none(), "{:?}", response.headers());
        count += 1;
    }
    per_second(count, started)
}

/// Medians of refused logins: they must not tell whether a user exists.
async fn timing(channel: &Upstream) {
    let (mut unknown, mut wrong) = (Vec::new(), Vec::new());
    for n in 0..200 {
        for (email, times) in
            [(format!("nobody{n}@x.example"), &mut unknown), (demo::MANAGER.to_owned(), &mut wrong)]
        {
            let started = Instant::now();
            assert!(login(channel, &email, "wrong-password").await.is_err());
            times.push(started.elapsed());
        }
    }
    unknown.sort();
    wrong.sort();
    let (unknown, wrong) = (unknown[100].as_secs_f64() * 1e3, wrong[100].as_secs_f64() * 1e3);
    println!(
        "median of 200 refused logins   unknown user {unknown:.2} ms, wrong password {wrong:.2} ms, apart by {:.1} %",
        100.0 * (unknown - wrong).abs() / wrong
    );
}

/// 500 logins at once: memory, shed calls, and what health takes beside them.
async fn flood(channel: &Upstream, identity: SocketAddr) {
    let before = memory_mib("VmRSS");
    let health: Upstream = identity.to_string().parse().unwrap();
    let logins = join_all((0..500).map(|_| login(channel, demo::MANAGER, demo::PASSWORD)));
    let probes = async {
        let mut slowest = Duration::ZERO;
        for _ in 0..50 {
            let started = Instant::now();
            HealthClient::new(health.clone()).check(HealthCheckRequest::default()).await.unwrap();
            slowest = slowest.max(started.elapsed());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        slowest
    };
    let (logins, slowest) = tokio::join!(logins, probes);
    let good = logins.iter().filter(|login| login.is_ok()).count();
    println!(
        "500 logins at once             {good} signed in, {} shed; health at most {:.1} ms; memory {before} MiB before, {} MiB at most",
        500 - good,
        slowest.as_secs_f64() * 1e3,
        memory_mib("VmHWM"),
    );
}

async fn login(channel: &Upstream, email: &str, password: &str) -> Result<String, tonic::Status> {
    let request = LoginRequest { email: email.to_owned(), password: password.to_owned() };
    let answer = AuthServiceClient::new(channel.clone()).login(request).await?;
    Ok(answer.into_inner().access)
}

async fn resolve(channel: &Upstream, token: &str) -> String {
    let mut request = tonic::Request::new(ResolveScopesRequest::default());
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    ScopeServiceClient::new(channel.clone()).resolve_scopes(request).await.unwrap().into_inner().role
}

#[allow(clippy::cast_precision_loss)]
fn per_second(count: u64, started: Instant) -> f64 {
    count as f64 / started.elapsed().as_secs_f64()
}

/// A line of `/proc/self/status` in MiB; 0 where there is none.
fn memory_mib(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default() / 1024
}
