//! `frontdesk smoke` and `frontdesk doctor` against a running system.

use std::process::{Command, Output};

use serde_json::Value as Json;

use crate::fixture::{Fixture, Layout, MASTER_KEY, case};

async fn run(fixture: &Fixture, args: &[&str], env: &[(&str, String)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_frontdesk"));
    command.args(args).env_clear().env("API_BASE_URL", fixture.url("")).envs(env.iter().cloned());
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

async fn smoke(fixture: &Fixture) -> Output {
    let token = fixture.manager().await;
    run(fixture, &["smoke"], &[("JWT_TOKEN", token)]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn smoke_passes_its_six_checks_in_every_layout() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let output = smoke(&fixture).await;
        let printed = text(&output.stdout);
        assert!(output.status.success(), "{layout:?} {printed} {}", text(&output.stderr));
        assert_eq!(printed.lines().last(), Some("Test Results: 6/6 passed"), "{printed}");
        assert_eq!(printed.lines().filter(|line| line.contains("PASS")).count(), 6, "{printed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn smoke_goes_on_after_a_real_overlap_and_fails_when_there_are_only_such() {
    let fixture = Fixture::start().await;
    // Of the open ones only the overlap is left, and it is the oldest.
    let close = "update booking_requests set status = 'cancelled' where status = 'requested' and id <> $1";
    fixture.execute(close, &[&case("OVERLAP_OTHER_GUEST")]).await;
    let before = fixture.snapshot().await;
    let output = smoke(&fixture).await;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout).lines().last(), Some("Test Results: 1/6 passed"));
    let told = text(&output.stderr);
    assert!(
        told.contains("all 1 candidates overlap") && told.contains(&case("OVERLAP_OTHER_GUEST").to_string()),
        "{told}"
    );
    assert_eq!(fixture.snapshot().await, before);

    fixture.open_request(frontdesk::demo::TENANT, 1, 700, 703).await;
    let output = smoke(&fixture).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("trying the next one"));
    assert_eq!(text(&output.stdout).lines().last(), Some("Test Results: 6/6 passed"));

    let output = smoke(&fixture).await;
    assert_eq!(output.status.code(), Some(1), "only the overlap is open again");
}

#[tokio::test(flavor = "multi_thread")]
async fn smoke_says_what_is_missing_or_refused() {
    let fixture = Fixture::start().await;
    let output = run(&fixture, &["smoke"], &[]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("JWT_TOKEN"));
    let viewer = fixture.token(frontdesk::demo::VIEWER).await;
    let output = run(&fixture, &["smoke", "--json"], &[("JWT_TOKEN", viewer)]).await;
    assert_eq!(output.status.code(), Some(1));
    let report: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["passed"], &report["of"]), (&Json::from(1), &Json::from(6)));
    let told = report["tests"][1]["what"].as_str().unwrap();
    assert!(told.contains("SCOPE_MISSING") && told.contains("bookings:approve"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_names_each_fault_and_its_fix() {
    let fixture = Fixture::start().await;
    let doctor = async |changes: &[(&str, &str)]| {
        let mut env = vec![
            ("DATABASE_URL", fixture.database.url.clone()),
            ("FRONTDESK_MASTER_KEY", MASTER_KEY.repeat(32)),
            ("IDENTITY_ADDR", fixture.system.identity.to_string()),
            ("BOOKING_ADDR", fixture.system.booking.to_string()),
        ];
        env.extend(changes.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let output = run(&fixture, &["doctor", "--json"], &env).await;
        let report: Json = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(output.status.success(), report["healthy"] == true, "{}", text(&output.stderr));
        report
    };
    let failed = |report: &Json| -> Vec<(String, String, String)> {
        let text = |one: &Json, field: &str| one[field].as_str().unwrap().to_owned();
        let checks = report["checks"].as_array().unwrap();
        assert!(checks.iter().all(|one| one["state"] != "FAILED" || one["fix"] != ""), "{report}");
        let bad = checks.iter().filter(|one| one["state"] == "FAILED");
        bad.map(|one| (text(one, "check"), text(one, "found"), text(one, "fix"))).collect()
    };
    let healthy = doctor(&[]).await;
    assert!(failed(&healthy).is_empty(), "{healthy}");
    assert_eq!(healthy["checks"].as_array().unwrap().len(), 11, "{healthy}");
    assert!(healthy.to_string().contains("request_hold LITERAL: EXCLUDE USING gist"), "{healthy}");

    for (break_it, repair, check, found, fix) in [
        (
            "alter table booking_requests drop column decline_reason cascade",
            "alter table booking_requests add column decline_reason text",
            "schema of booking",
            "column booking_requests.decline_reason",
            "migrate up",
        ),
        (
            "delete from frontdesk_booking_migrations where version = 2",
            "insert into frontdesk_booking_migrations select 2, 'holds_settings_feed_idempotency', applied_on, checksum \
             from frontdesk_booking_migrations where version = 1",
            "migrations of booking",
            "V2__holds_settings_feed_idempotency",
            "migrate up",
        ),
        (
            "insert into booking_events (tenant_id, id, at, booking_request_id, action, position) \
             select tenant_id, id, now(), id, 'created', 1e15 from booking_requests limit 1",
            "update booking_events set position = 0",
            "feed of events",
            "restored from a dump",
            "update booking_events",
        ),
    ] {
        fixture.sql.batch_execute(break_it).await.unwrap();
        let bad = failed(&doctor(&[]).await);
        let named =
            bad.iter().any(|(name, what, how)| name == check && what.contains(found) && how.contains(fix));
        assert!(named, "{check}: {bad:?}");
        fixture.sql.batch_execute(repair).await.unwrap();
        let left: Vec<_> =
            failed(&doctor(&[]).await).into_iter().filter(|(name, ..)| name == check).collect();
        assert!(left.is_empty(), "{left:?}");
    }
    for (name, value, check) in [
        ("FRONTDESK_MASTER_KEY", "Y".repeat(43) + "=", "signing key"),
        ("FRONTDESK_MASTER_KEY", "short".to_owned(), "signing key"),
        ("IDENTITY_ADDR", "127.0.0.1:1".to_owned(), "identity"),
        ("API_BASE_URL", "http://127.0.0.1:1".to_owned(), "gateway"),
        ("DATABASE_URL", "postgresql://nobody:secret-word@127.0.0.1:1/x".to_owned(), "database"),
    ] {
        let report = doctor(&[(name, &value)]).await;
        assert!(failed(&report).iter().any(|(of, ..)| of == check), "{name}: {report}");
        assert!(!report.to_string().contains("secret-word"), "{report}");
    }
}
