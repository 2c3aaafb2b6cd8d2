//! The operator port of a role, and of `frontdesk dev`.

use std::process::{Output, Stdio};

use serde_json::Value as Json;

use super::run::{Dev, FREE, Folder, assert_one_sentence, dev, free, frontdesk, text};
use crate::fixture::Fixture;

/// The answer, once somebody answers.
async fn ask(url: &str) -> (u16, String) {
    for _ in 0..200 {
        if let Ok(answer) = reqwest::get(url).await {
            return (answer.status().as_u16(), answer.text().await.unwrap());
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{url} does not answer");
}

/// What somebody is told who asks the operator port by the program itself.
async fn healthcheck(args: &[&str], admin: &str) -> Output {
    let mut asking = frontdesk(args, &[("ADMIN_LISTEN", admin)]);
    tokio::task::spawn_blocking(move || asking.output().unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_how_a_role_is_until_the_stop() {
    let fixture = Fixture::start().await;
    let (admin, listen, identity) = (free(), free(), fixture.system.identity.to_string());
    let env = [
        ("DATABASE_URL", fixture.database.url.as_str()),
        ("BOOKING_LISTEN", &listen),
        ("IDENTITY_ADDR", &identity),
        ("ADMIN_LISTEN", &admin),
    ];
    let booking = frontdesk(&["booking"], &env).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut booking = Dev(booking);
    assert_eq!(ask(&format!("http://{admin}/livez")).await.0, 200);
    let (status, body) = ask(&format!("http://{admin}/readyz")).await;
    let ready: Json = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &ready["status"], &ready["checks"]["schema"]), (200, &"ready".into(), &"ok".into()));
    let (status, metrics) = ask(&format!("http://{admin}/metrics")).await;
    assert_eq!(status, 200);
    assert!(metrics.contains("frontdesk_ready{check=\"schema\"} 1\n"), "{metrics}");

    let (_, version) = ask(&format!("http://{admin}/version")).await;
    let version: Json = serde_json::from_str(&version).unwrap();
    let printed = text(&healthcheck(&["--version"], &admin).await.stdout);
    let (number, commit) = (version["version"].as_str().unwrap(), version["commit"].as_str().unwrap());
    assert_eq!(printed, format!("frontdesk {number} ({commit})\n"));
    assert!(healthcheck(&["healthcheck"], &admin).await.status.success());

    fixture.sql.batch_execute("alter table booking_requests rename column message to words").await.unwrap();
    let (status, body) = ask(&format!("http://{admin}/readyz")).await;
    assert!(status == 503 && body.contains("booking_requests.message"), "{status} {body}");
    assert_one_sentence(&healthcheck(&["healthcheck"], &admin).await, 1, &["booking_requests.message"]);
    assert!(healthcheck(&["healthcheck", "--live"], &admin).await.status.success());
    fixture.sql.batch_execute("alter table booking_requests rename column words to message").await.unwrap();
    assert_eq!(ask(&format!("http://{admin}/readyz")).await.0, 200);
    assert!(tokio::task::spawn_blocking(move || booking.signal("-TERM")).await.unwrap().success());
    assert_one_sentence(&healthcheck(&["healthcheck"], &admin).await, 1, &["no answer"]);
    assert_one_sentence(&healthcheck(&["healthcheck"], "").await, 1, &["ADMIN_LISTEN is not set"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_without_its_services_is_alive_and_not_ready() {
    let (admin, listen) = (free(), free());
    let env = [
        ("GATEWAY_LISTEN", listen.as_str()),
        ("IDENTITY_ADDR", "127.0.0.1:1"),
        ("BOOKING_ADDR", "127.0.0.1:1"),
        ("ADMIN_LISTEN", &admin),
    ];
    let gateway = frontdesk(&["gateway"], &env).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let _gateway = Dev(gateway);
    assert_eq!(ask(&format!("http://{admin}/livez")).await.0, 200);
    let (status, body) = ask(&format!("http://{admin}/readyz")).await;
    assert!(status == 503 && body.contains("\"identity\":\"unreachable\""), "{status} {body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_development_it_speaks_for_all_parts() {
    let (folder, admin) = (Folder::new("operators"), free());
    let mut child = dev(folder.path(), &["--gateway", FREE, "--ephemeral"], &[("ADMIN_LISTEN", &admin)]);
    let mut child = Dev(child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let (status, body) = ask(&format!("http://{admin}/readyz")).await;
    let ready: Json = serde_json::from_str(&body).unwrap();
    let checks = ["identity", "booking", "database", "schema", "background"];
    assert!(status == 200 && checks.iter().all(|check| ready["checks"][check] == "ok"), "{status} {body}");
    let (_, metrics) = ask(&format!("http://{admin}/metrics")).await;
    for task in ["reload signing keys", "expire holds"] {
        assert!(metrics.contains(&format!("{{task=\"{task}\",outcome=\"succeeded\"}}")), "{metrics}");
    }
    for task in ["read feeds", "tell of events", "hear of events"] {
        assert!(metrics.contains(&format!("{{task=\"{task}\",outcome=\"panicked\"}} 0")), "{metrics}");
    }
    assert!(tokio::task::spawn_blocking(move || child.signal("-INT")).await.unwrap().success());
}
