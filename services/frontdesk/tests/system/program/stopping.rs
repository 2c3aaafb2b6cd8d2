//! Roles that are told to stop: what they say of what they cut off, and that nobody waits
//! who does not want to.

use std::fs::File;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use frontdesk_proto::booking::v1::ApproveBookingRequestRequest;
use frontdesk_proto::booking::v1::booking_request_service_client::BookingRequestServiceClient;
use serde_json::{Value as Json, json};

use super::run::{Dev, Folder, free, frontdesk};
use crate::fixture::{Fixture, case, channel, path_of, signed};

/// A role whose log a test reads.
struct Role {
    process: Dev,
    admin: String,
}

impl Role {
    async fn start(role: &str, log: &File, env: &[(&str, &str)]) -> Self {
        let admin = free();
        let mut command = frontdesk(&[role], env);
        command.env("ADMIN_LISTEN", &admin).stdout(Stdio::null()).stderr(log.try_clone().unwrap());
        let role = Self { process: Dev(command.spawn().unwrap()), admin };
        role.says(200).await;
        role
    }

    /// Waits until it says so of its readiness.
    async fn says(&self, status: u16) {
        let began = Instant::now();
        let url = format!("http://{}/readyz", self.admin);
        while reqwest::get(&url).await.ok().map(|answer| answer.status().as_u16()) != Some(status) {
            assert!(began.elapsed() < Duration::from_secs(20), "{url} does not say {status}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn signal(&self) {
        let pid = self.process.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    /// The code with which it ends, and how long that takes.
    async fn ends(mut self) -> (Option<i32>, Duration) {
        let began = Instant::now();
        let ended = tokio::task::spawn_blocking(move || self.process.0.wait().unwrap()).await.unwrap();
        (ended.code(), began.elapsed())
    }
}

/// The line of a log that says what was cut off.
fn cut_off(log: &str) -> Json {
    let lines = log.lines().map(|line| serde_json::from_str::<Json>(line).unwrap());
    let mut lines =
        lines.filter(|line| line["message"].as_str().is_some_and(|text| text.contains("cut off")));
    let (line, more) = (lines.next().unwrap_or_else(|| panic!("{log}")), lines.next());
    assert!(more.is_none(), "it is one line: {log}");
    line
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_cut_off_is_said_by_method_in_one_line() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let id = case("REQUESTED");
    let (identity, booking) = (fixture.system.identity.to_string(), fixture.system.booking.to_string());
    let folder = Folder::new("cut-off");
    let log = |role: &str| folder.path().join(role);
    let listens = [free(), free()];
    let gateway = [
        ("GATEWAY_LISTEN", listens[0].as_str()),
        ("IDENTITY_ADDR", &identity),
        ("BOOKING_ADDR", &booking),
        ("STOP_LIMIT", "1"),
    ];
    let gateway = Role::start("gateway", &File::create(log("gateway")).unwrap(), &gateway).await;
    let env = [
        ("BOOKING_LISTEN", listens[1].as_str()),
        ("DATABASE_URL", &fixture.database.url),
        ("IDENTITY_ADDR", &identity),
        ("STOP_LIMIT", "1"),
    ];
    let role = Role::start("booking", &File::create(log("booking")).unwrap(), &env).await;

    let locked = format!("begin; select from booking_requests where id = '{id}' for update");
    fixture.sql.batch_execute(&locked).await.unwrap();
    let url = format!("http://{}{}", listens[0], path_of(id, "/approve"));
    let asked = reqwest::Client::new().post(url).bearer_auth(&token).json(&json!({}));
    let over_rest = tokio::spawn(asked.send());
    let message = ApproveBookingRequestRequest { booking_request_id: id.to_string(), ..Default::default() };
    let (addr, request) = (listens[1].parse().unwrap(), signed(message, &token));
    let direct = tokio::spawn(async move {
        BookingRequestServiceClient::new(channel(addr)).approve_booking_request(request).await
    });
    let waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
    fixture.until(waiting, &[], 2).await;
    gateway.signal();
    role.signal();
    for role in [gateway, role] {
        let (code, took) = role.ends().await;
        assert_eq!(code, Some(0));
        assert!(took < Duration::from_secs(3), "{took:?}");
    }
    assert!(over_rest.await.unwrap().is_err() && direct.await.unwrap().is_err());
    let line = cut_off(&std::fs::read_to_string(log("gateway")).unwrap());
    assert_eq!(
        (&line["requests"], &line["by_route"]),
        (&json!(1), &json!("POST /api/v1/booking-requests/{id}/approve: 1"))
    );
    let line = cut_off(&std::fs::read_to_string(log("booking")).unwrap());
    assert_eq!((&line["calls"], &line["streams"]), (&json!(1), &json!(0)));
    let method = "frontdesk.booking.v1.BookingRequestService/ApproveBookingRequest: 1";
    assert_eq!(line["by_method"], method);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_a_role_that_leaves_at_once() {
    let fixture = Fixture::start().await;
    let (identity, booking) = (fixture.system.identity.to_string(), fixture.system.booking.to_string());
    let folder = Folder::new("second-signal");
    let (path, listen) = (folder.path().join("log"), free());
    let env = [
        ("GATEWAY_LISTEN", listen.as_str()),
        ("IDENTITY_ADDR", &identity),
        ("BOOKING_ADDR", &booking),
        ("STOP_DELAY", "60"),
    ];
    let gateway = Role::start("gateway", &File::create(&path).unwrap(), &env).await;
    gateway.signal();
    gateway.says(503).await;
    let asked = reqwest::get(format!("http://{listen}/livez")).await.unwrap();
    assert_eq!(asked.status(), 200, "it goes on");
    gateway.signal();
    let (code, took) = gateway.ends().await;
    assert_eq!(code, Some(130));
    assert!(took < Duration::from_secs(3), "{took:?}");
    let log = std::fs::read_to_string(path).unwrap();
    assert!(log.contains("a second signal ends the stop"), "{log}");
}
