//! `frontdesk smoke` against a running system.

use std::process::Output;

use serde_json::Value as Json;

use super::run::{against, text};
use crate::fixture::{Fixture, Layout, case};

async fn smoke(fixture: &Fixture) -> Output {
    let token = fixture.manager().await;
    against(fixture, &["smoke"], &[("JWT_TOKEN", token)]).await
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
    let message = text(&output.stderr);
    assert!(
        message.contains("all 1 candidates overlap")
            && message.contains(&case("OVERLAP_OTHER_GUEST").to_string()),
        "{message}"
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
async fn smoke_says_which_variable_is_missing() {
    let fixture = Fixture::start().await;
    let output = against(&fixture, &["smoke"], &[]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("JWT_TOKEN"));
}

#[tokio::test(flavor = "multi_thread")]
async fn smoke_stops_at_a_refusal_and_says_its_reason() {
    let fixture = Fixture::start().await;
    let viewer = fixture.token(frontdesk::demo::VIEWER).await;
    let output = against(&fixture, &["smoke", "--json"], &[("JWT_TOKEN", viewer)]).await;
    assert_eq!(output.status.code(), Some(1));
    let report: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["passed"], &report["of"]), (&Json::from(1), &Json::from(6)));
    let message = report["tests"][1]["what"].as_str().unwrap();
    assert!(message.contains("SCOPE_MISSING") && message.contains("bookings:approve"), "{message}");
}
