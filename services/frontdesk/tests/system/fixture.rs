//! A running system with the demo's data, and clients for it.

mod layout;
mod systems;

use std::net::SocketAddr;

use devdb::{Pooler, TestDatabase};
use frontdesk::demo;
use frontdesk::system::{Policies, System};
use frontdesk_proto::booking::v1::booking_request_service_client::BookingRequestServiceClient;
use identity::{MasterKey, Policy};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value as Json, json};
use tokio_postgres::types::ToSql;
use tonic::Request;
use uuid::{Uuid, uuid};

pub use self::layout::Layout;
use self::systems::{CHEAP, cheaply};
pub use self::systems::{system, system_calling, system_keyed, system_under};
use crate::declared::{self, Declared};

/// The master key of the fixture, a 32nd of it.
pub const MASTER_KEY: &str = "ab";
/// The publishable key of the fixture.
pub const ANON_KEY: &str = "sb_publishable_test";

/// A property of the demo's tenant without bookings.
pub const LAKE_HOUSE: Uuid = uuid!("0d000000-0000-7000-8000-000000000202");
/// The property of the other tenant.
pub const HARBOUR_LOFT: Uuid = uuid!("0d000000-0000-7000-8000-000000000211");

/// A system that stops when dropped.
pub struct Fixture {
    pub system: System,
    pub database: TestDatabase,
    /// Sees every row.
    pub sql: tokio_postgres::Client,
    pub api_key: String,
    pub layout: Layout,
    pub http: reqwest::Client,
}

/// Days count from that of the demo's houses: for an hour or two of each day, that of UTC is
/// another one.
pub const DAYS: &str = "set time zone 'Europe/Berlin'";

/// An answer over REST.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Json,
}

impl Fixture {
    pub async fn start() -> Self {
        Self::start_with(Policy::default()).await
    }

    /// With the demo's bookings in a layout.
    pub async fn start_in(layout: Layout) -> Self {
        Self::start_as(Policies::default(), layout).await
    }

    /// With a policy of identity, but for what a password costs.
    pub async fn start_with(policy: Policy) -> Self {
        Self::start_under(Policies { identity: policy, ..Policies::default() }).await
    }

    /// With a policy for each part, but for what a password costs.
    pub async fn start_under(policies: Policies) -> Self {
        Self::start_as(policies, Layout::Standard).await
    }

    /// With passwords that cost what they cost outside of tests, for what happens while one
    /// is hashed.
    pub async fn start_with_costly_passwords(policy: Policy) -> Self {
        let policies = Policies { identity: policy, ..Policies::default() };
        Box::pin(Self::start_just_as(policies, Layout::Standard)).await
    }

    /// With the demo's bookings, the system behind a pooler that shares sessions.
    pub async fn start_behind_pooler() -> (Self, Pooler) {
        let mut fixture = Self::start().await;
        let pooler = Pooler::start(&fixture.database.url, "default_pool_size = 8").await.unwrap();
        fixture.system = system_under(&pooler.url(), Policies::default()).await;
        (fixture, pooler)
    }

    pub async fn start_as(policies: Policies, layout: Layout) -> Self {
        // On the heap: every test has room for its future.
        Box::pin(Self::start_just_as(cheaply(policies), layout)).await
    }

    async fn start_just_as(policies: Policies, layout: Layout) -> Self {
        access::install_crypto();
        let (database, api_key) = layout.with_demo().await;
        Self::over(database, api_key, policies, layout).await
    }

    /// Over a migrated database to which the demo is added; without an API key.
    pub async fn add_demo_to(database: TestDatabase) -> Self {
        access::install_crypto();
        demo::seed_hashing_at(&database.url, CHEAP).await.unwrap();
        let policies = cheaply(Policies::default());
        Box::pin(Self::over(database, String::new(), policies, Layout::Standard)).await
    }

    async fn over(database: TestDatabase, api_key: String, policies: Policies, layout: Layout) -> Self {
        let system = Box::pin(system_keyed(&database.url, policies, master_key())).await.unwrap();
        let sql = pg::connect(&database.url).await.unwrap();
        sql.batch_execute(DAYS).await.unwrap();
        let http = reqwest::Client::builder().user_agent("frontdesk-test").no_proxy();
        // What is called over TLS has its own client.
        let http = http.tls_certs_only([]).build().unwrap();
        Self { system, database, sql, api_key, layout, http }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.system.gateway)
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(path))
    }

    pub async fn get(&self, path: &str, token: &str) -> Answer {
        Answer::of(self.request(Method::GET, path).bearer_auth(token)).await
    }

    /// Reads with both credentials.
    pub async fn get_with_key(&self, token: &str, path: &str) -> Answer {
        let request = self.request(Method::GET, path).bearer_auth(token);
        Answer::of(request.header("x-tenant-api-key", &self.api_key)).await
    }

    pub async fn post(&self, path: &str, token: &str, body: &Json) -> Answer {
        Answer::of(self.request(Method::POST, path).bearer_auth(token).json(body)).await
    }

    pub async fn login(&self, email: &str) -> Json {
        let body = json!({"email": email, "password": demo::PASSWORD});
        let answer = Answer::of(self.request(Method::POST, "/v1/auth/login").json(&body)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }

    /// An access token of a demo user.
    pub async fn token(&self, email: &str) -> String {
        self.login(email).await["access"].as_str().unwrap().to_owned()
    }

    pub async fn manager(&self) -> String {
        self.token(demo::MANAGER).await
    }

    pub async fn delete(&self, path: &str, token: &str) -> Answer {
        Answer::of(self.request(Method::DELETE, path).bearer_auth(token)).await
    }

    /// Posts with one header more.
    pub async fn post_with(&self, path: &str, token: &str, header: (&str, &str), body: &Json) -> Answer {
        let request = self.request(Method::POST, path).bearer_auth(token);
        Answer::of(request.header(header.0, header.1).json(body)).await
    }

    pub async fn patch(&self, path: &str, token: &str, body: &Json) -> Answer {
        Answer::of(self.request(Method::PATCH, path).bearer_auth(token).json(body)).await
    }

    /// Tries to sign in with whatever password.
    pub async fn try_login(&self, email: &str, password: &str) -> Answer {
        let body = json!({"email": email, "password": password});
        Answer::of(self.request(Method::POST, "/v1/auth/login").json(&body)).await
    }

    /// Exchanges a refresh token.
    pub async fn refresh(&self, token: &Json) -> Answer {
        let body = json!({"refresh": token});
        Answer::of(self.request(Method::POST, "/v1/auth/refresh").json(&body)).await
    }

    /// The id of a demo user.
    pub async fn user_id(&self, email: &str) -> String {
        let token = self.token(email).await;
        self.get("/v1/me", &token).await.ok()["user"]["id"].as_str().unwrap().to_owned()
    }

    /// A client of booking without the gateway.
    pub fn booking(&self) -> BookingRequestServiceClient<Declared> {
        BookingRequestServiceClient::new(channel(self.system.booking))
    }

    /// Runs a statement that changes rows and returns how many.
    pub async fn execute(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> u64 {
        self.sql.execute(sql, params).await.unwrap()
    }

    /// A number from the database.
    pub async fn count(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> i64 {
        self.sql.query_one(sql, params).await.unwrap().get(0)
    }

    /// The folder of Postgres' socket.
    pub async fn socket_folder(&self) -> std::path::PathBuf {
        let setting = "select current_setting('unix_socket_directories')";
        let folder: String = self.sql.query_one(setting, &[]).await.unwrap().get(0);
        folder.into()
    }

    /// Stores an open request of the tenant's n-th test customer and returns its id.
    pub async fn open_request(&self, tenant: Uuid, customer: u32, from_day: i32, to_day: i32) -> Uuid {
        let (id, guest) = (Uuid::now_v7(), Uuid::from_u128(u128::from(customer)));
        let property: Uuid = if tenant == demo::TENANT { LAKE_HOUSE } else { HARBOUR_LOFT };
        self.execute(
            "insert into customers (tenant_id, id, name, email, phone, created_at) \
             values ($1, $2, 'Test Guest', '', '', now()) on conflict do nothing",
            &[&tenant, &guest],
        )
        .await;
        let stored = self
            .execute(
                &format!(
                    "insert into {} (tenant_id, id, property_id, guest_id, check_in, check_out, status, \
                     guest_count, created_at, updated_at) \
                     values ($1, $2, $3, $4, current_date + $5::integer, current_date + $6::integer, 'requested', \
                     1, now(), now())",
                    self.layout.requests()
                ),
                &[&tenant, &id, &property, &guest, &from_day, &to_day],
            )
            .await;
        assert_eq!(stored, 1);
        id
    }

    /// Everything that a refused call must leave as it was.
    pub async fn snapshot(&self) -> Vec<String> {
        let mut rows = Vec::new();
        for table in self.layout.written() {
            let query = format!("select '{table} ' || t::text from {table} t order by 1");
            rows.extend(self.sql.query(&query, &[]).await.unwrap().iter().map(|row| row.get::<_, String>(0)));
        }
        rows
    }
}

/// The keys of the fixture's master key.
pub fn master_key() -> MasterKey {
    MasterKey::from_text(&MASTER_KEY.repeat(32)).unwrap()
}

impl Answer {
    /// Our own answer: a refusal holds nothing secret and is declared.
    pub async fn of(request: RequestBuilder) -> Self {
        let (_, described) = request.try_clone().expect("a test sends no stream").build_split();
        let described = described.unwrap();
        let answer = Self::of_a_stranger(request).await;
        if let (400.., Some(code)) = (answer.status, answer.body["code"].as_str()) {
            declared::assert_over_rest(described.method(), described.url().path(), code);
        }
        answer
    }

    /// The answer of a service that is not ours, behind our gateway.
    pub async fn of_a_stranger(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        if status >= 400 {
            holds_nothing_secret(&text);
        }
        let body = if text.is_empty() {
            Json::Null
        } else {
            serde_json::from_str(&text).unwrap_or(Json::String(text))
        };
        Self { status, headers, body }
    }

    /// Asserts a problem with this status and reason.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> &Self {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{}", self.body);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(self.body["status"], status);
        assert_eq!(self.body["request_id"], self.headers["x-request-id"].to_str().unwrap());
        self
    }

    /// Asserts success.
    #[track_caller]
    pub fn ok(&self) -> &Json {
        assert!(self.is_ok(), "{}: {}", self.status, self.body);
        &self.body
    }

    /// Whether it is one of success, be it that something was created.
    pub fn is_ok(&self) -> bool {
        matches!(self.status, 200 | 201)
    }
}

/// The id of a demo case.
pub fn case(name: &str) -> Uuid {
    demo::CASES.iter().find(|(case, _)| *case == name).unwrap().1
}

/// A path below the demo's tenant.
pub fn tenant_path(path: &str) -> String {
    format!("/v1/tenants/{}{path}", demo::TENANT)
}

pub fn path_of(id: Uuid, step: &str) -> String {
    format!("/api/v1/booking-requests/{id}{step}")
}

/// A service's port over gRPC.
pub fn channel(addr: SocketAddr) -> Declared {
    Declared(addr.to_string().parse().unwrap())
}

/// A gRPC request with a bearer token.
pub fn signed<T>(message: T, token: &str) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}

/// No refusal of any test may hold Postgres' DETAIL, a statement, or what only
/// another guest's row has.
#[track_caller]
pub fn holds_nothing_secret(text: &str) {
    for secret in [
        "Failing row",
        "DETAIL",
        "Key (",
        "conflicts with existing key",
        "insert into",
        "select ",
        "@guests.example",
        "Anna Adler",
        "Bruno Bauer",
        "Clara Conrad",
        "0d000000-0000-7000-8000-000000000303",
        "panicked",
    ] {
        assert!(!text.contains(secret), "{secret:?} got out: {text}");
    }
}
