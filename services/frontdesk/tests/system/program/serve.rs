//! All roles in one process: `frontdesk serve`.

use std::process::{Command, Stdio};
use std::time::Duration;

use frontdesk::demo;
use frontdesk_proto::ErrorReason;
use frontdesk_proto::booking::v1::ListBookingRequestsRequest;
use frontdesk_proto::booking::v1::booking_request_service_client::BookingRequestServiceClient;
use frontdesk_proto::identity::v1::LoginRequest;
use frontdesk_proto::identity::v1::auth_service_client::AuthServiceClient;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Request;

use super::run::{Dev, assert_one_sentence, free, frontdesk};
use crate::fixture::{Answer, Fixture, MASTER_KEY, case, channel, path_of, signed};
use crate::waits::until_so;

/// One that is ready, over the database of a fixture.
struct Serve {
    process: Dev,
    http: reqwest::Client,
    gateway: String,
    identity: String,
    booking: String,
    admin: String,
}

impl Serve {
    async fn start(fixture: &Fixture, more: &[(&str, &str)]) -> Self {
        let [gateway, identity, booking, admin] = [(); 4].map(|()| free());
        let master_key = MASTER_KEY.repeat(32);
        let env = [
            ("DATABASE_URL", fixture.database.url.as_str()),
            ("FRONTDESK_MASTER_KEY", &master_key),
            ("GATEWAY_LISTEN", &gateway),
            ("IDENTITY_LISTEN", &identity),
            ("BOOKING_LISTEN", &booking),
            ("ADMIN_LISTEN", &admin),
        ];
        let mut command = frontdesk(&["serve"], &[&env, more].concat());
        let process = Dev(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let serve = Self { process, http, gateway, identity, booking, admin };
        serve.says(200).await;
        serve
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.gateway))
    }

    /// What the operator port answers.
    async fn told(&self, path: &str) -> Option<(u16, String)> {
        let answer = self.http.get(format!("http://{}{path}", self.admin)).send().await.ok()?;
        Some((answer.status().as_u16(), answer.text().await.ok()?))
    }

    /// Waits until it says so of its readiness.
    async fn says(&self, status: u16) {
        until_so(format_args!("it says {status}"), async || {
            self.told("/readyz").await.is_some_and(|(says, _)| says == status)
        })
        .await;
    }

    async fn token(&self, email: &str) -> String {
        let login = json!({"email": email, "password": demo::PASSWORD});
        let login = Answer::of(self.request(Method::POST, "/v1/auth/login").json(&login)).await;
        login.ok()["access"].as_str().unwrap().to_owned()
    }

    fn signal(&self) {
        let pid = self.process.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    async fn ends(mut self) -> Option<i32> {
        tokio::task::spawn_blocking(move || self.process.0.wait().unwrap()).await.unwrap().code()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_role_answers_and_is_counted_and_calls_among_them_have_no_address() {
    let fixture = Fixture::start().await;
    let serve = Serve::start(&fixture, &[]).await;
    let token = serve.token(demo::MANAGER).await;
    Answer::of(serve.request(Method::GET, "/v1/me").bearer_auth(&token)).await.ok();
    let approve = serve.request(Method::POST, &path_of(case("REQUESTED"), "/approve")).bearer_auth(&token);
    assert_eq!(Answer::of(approve.json(&json!({}))).await.ok()["outcome"], "approved");
    let viewer = serve.token(demo::VIEWER).await;
    let refused =
        serve.request(Method::POST, &path_of(case("UNDER_REVIEW"), "/approve")).bearer_auth(&viewer);
    Answer::of(refused.json(&json!({}))).await.refused(403, "SCOPE_MISSING");
    // Their own ports are there as well.
    let booking = channel(serve.booking.parse().unwrap());
    let list = signed(ListBookingRequestsRequest::default(), &token);
    BookingRequestServiceClient::new(booking).list_booking_requests(list).await.unwrap();

    let (_, ready) = serve.told("/readyz").await.unwrap();
    let ready: Json = serde_json::from_str(&ready).unwrap();
    for check in ["identity", "booking", "database", "schema", "background"] {
        assert_eq!(ready["checks"][check], "ok", "{ready}");
    }
    let (_, figures) = serve.told("/metrics").await.unwrap();
    let approve =
        "part=\"booking\",method=\"frontdesk.booking.v1.BookingRequestService/ApproveBookingRequest\"";
    for line in [
        format!("frontdesk_rpc_calls_total{{{approve},code=\"OK\",reason=\"\"}} 1"),
        format!(
            "frontdesk_rpc_calls_total{{{approve},code=\"PERMISSION_DENIED\",reason=\"SCOPE_MISSING\"}} 1"
        ),
        "frontdesk_upstream_healthy{part=\"gateway\",service=\"booking\",address=\"in-process\"} 1"
            .to_owned(),
        "frontdesk_upstream_calls_total{part=\"gateway\",service=\"booking\",address=\"in-process\"} 2"
            .to_owned(),
    ] {
        assert!(figures.contains(&line), "{line} is not in {figures}");
    }
    let (_, settings) = serve.told("/settings").await.unwrap();
    assert!(settings.contains("IDENTITY_LISTEN") && !settings.contains("IDENTITY_ADDR"), "{settings}");
}

/// The gateway of the process is believed, and nobody who connects to identity from this
/// machine.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_connects_to_identity_itself_is_not_believed_about_an_address() {
    let fixture = Fixture::start().await;
    let serve = Serve::start(&fixture, &[]).await;
    let password = "wrong password";
    let mut request =
        Request::new(LoginRequest { email: demo::MANAGER.to_owned(), password: password.to_owned() });
    request.metadata_mut().insert("x-forwarded-for", "6.6.6.6".parse().unwrap());
    let mut identity = AuthServiceClient::new(channel(serve.identity.parse().unwrap()));
    let refused = identity.login(request).await.unwrap_err();
    assert_eq!(frontdesk_proto::reason_of(&refused), Some(ErrorReason::LoginFailed));
    let login = serve.request(Method::POST, "/v1/auth/login").header("x-forwarded-for", "6.6.6.6");
    let login = login.json(&json!({"email": demo::MANAGER, "password": password}));
    Answer::of(login).await.refused(401, "LOGIN_FAILED");
    let count = "select count(*) from identity.audit_events where action = 'login' and outcome <> 'success' and address = $1";
    assert_eq!(fixture.count(count, &[&"6.6.6.6"]).await, 0);
    assert_eq!(fixture.count(count, &[&"127.0.0.1"]).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_under_way_comes_to_its_end_when_all_stop() {
    let fixture = Fixture::start().await;
    let serve = Serve::start(&fixture, &[]).await;
    let token = serve.token(demo::MANAGER).await;
    let id = case("REQUESTED");
    let locked = format!("begin; select from booking_requests where id = '{id}' for update");
    fixture.sql.batch_execute(&locked).await.unwrap();
    let approve = serve.request(Method::POST, &path_of(id, "/approve")).bearer_auth(&token);
    let approve = tokio::spawn(Answer::of(approve.json(&json!({}))));
    let waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
    fixture.until(waiting, &[], 1).await;
    serve.signal();
    serve.says(503).await;
    fixture.sql.batch_execute("commit").await.unwrap();
    assert_eq!(approve.await.unwrap().ok()["outcome"], "approved");
    assert_eq!(serve.ends().await, Some(0));
}

/// Only the gateway has it when the stop begins; booking and identity are asked later.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_body_is_still_to_come_when_all_stop_is_answered() {
    let fixture = Fixture::start().await;
    let serve = Serve::start(&fixture, &[("STOP_LIMIT", "10")]).await;
    let token = serve.token(demo::MANAGER).await;
    let mut connection = TcpStream::connect(&serve.gateway).await.unwrap();
    let (path, host) = (path_of(case("REQUESTED"), "/approve"), &serve.gateway);
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n"
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    let mut goes_on = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
    connection.read_exact(&mut goes_on).await.unwrap();
    assert!(goes_on.starts_with(b"HTTP/1.1 100"), "the body is waited for");
    serve.signal();
    serve.says(503).await;
    // By then servers that have nothing to do would have ended.
    tokio::time::sleep(Duration::from_secs(2)).await;
    connection.write_all(b"{}").await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("approved"), "{answer}");
    assert_eq!(serve.ends().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_leaves_says_so_on_every_port_and_goes_on() {
    let fixture = Fixture::start().await;
    let serve = Serve::start(&fixture, &[("STOP_DELAY", "60")]).await;
    let token = serve.token(demo::MANAGER).await;
    serve.signal();
    serve.says(503).await;
    for addr in [&serve.identity, &serve.booking] {
        let service: upstream::Upstream = addr.parse().unwrap();
        until_so("it says that it leaves", async || service.health().await == upstream::Health::NotServing)
            .await;
    }
    Answer::of(serve.request(Method::GET, "/v1/me").bearer_auth(&token)).await.ok();
    serve.signal();
    assert_eq!(serve.ends().await, Some(130), "a second signal ends it at once");
}

#[test]
fn every_setting_of_every_role_that_is_wrong_is_named_at_once_and_no_address_is_asked_for() {
    let env = [("BOOKING_LISTEN", "nonsense"), ("ALLOWED_ORIGINS", "*"), ("WATCH_LIMIT_SERVER", "0")];
    let output = frontdesk(&["serve"], &env).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for name in
        ["BOOKING_LISTEN", "ALLOWED_ORIGINS", "WATCH_LIMIT_SERVER", "DATABASE_URL", "FRONTDESK_MASTER_KEY"]
    {
        assert_eq!(text.lines().filter(|line| line.contains(name)).count(), 1, "{name}: {text}");
    }
    assert!(!text.contains("IDENTITY_ADDR") && !text.contains("BOOKING_ADDR"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_behind_refuses_the_start() {
    let database = devdb::TestDatabase::create(&[&identity::MIGRATIONS]).await;
    let master_key = MASTER_KEY.repeat(32);
    let env = [("DATABASE_URL", database.url.as_str()), ("FRONTDESK_MASTER_KEY", &master_key)];
    let mut command = frontdesk(&["serve"], &env);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert_one_sentence(&output, 1, &["booking needs migration", "frontdesk migrate up"]);
}
