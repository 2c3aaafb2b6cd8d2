//! The whole system behind a `pgbouncer` that shares sessions among transactions.

use frontdesk::demo;
use futures::future::join_all;
use serde_json::json;
use uuid::Uuid;

use super::run::{against, text};
use crate::alterations::alter;
use crate::booking::foreign_rows::{exclusion, to_enum};
use crate::booking::help::watcher::Watcher;
use crate::fixture::{Fixture, MASTER_KEY, case, path_of};

/// What a session is like that somebody else gets from the pooler.
const SESSION: &str = "select current_user || ' ' || current_setting('search_path') || ' ' \
    || current_setting('statement_timeout') || coalesce(current_setting('app.tenant', true), '')";

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_of_transactions_serves_every_kind_of_call() {
    let (fixture, pooler) = Fixture::start_behind_pooler().await;
    let somebody = pg::connect(&pooler.url()).await.unwrap();
    let session = async || -> String {
        somebody.query_typed(SESSION, &[]).await.unwrap()[0].get::<_, Option<String>>(0).unwrap_or_default()
    };
    let before = session().await;
    let tokens = join_all((0..8).map(|_| fixture.manager())).await;
    let token = &tokens[0];
    let watcher = Watcher::start(fixture.system.booking, token);
    let approve = path_of(case("REQUESTED"), "/approve");
    let approved =
        join_all(tokens.iter().map(async |token| fixture.post(&approve, token, &json!({})).await)).await;
    for answer in &approved {
        assert_eq!((answer.status, &answer.body["status"]), (200, &json!("confirmed")), "{}", answer.body);
    }
    let once = approved.iter().filter(|answer| answer.body["outcome"] == "approved").count();
    assert_eq!(once, 1);
    let competing = path_of(case("OVERLAP_OTHER_GUEST"), "/approve");
    fixture.post(&competing, token, &json!({})).await.refused(409, "BOOKING_OVERLAP");
    for path in [
        "/api/v1/booking-requests",
        "/v1/bookings",
        "/v1/properties",
        "/v1/me",
        "/api/v1/diagnostics/inconsistencies",
    ] {
        fixture.get(path, token).await.ok();
    }
    assert_eq!(session().await, before, "a session is left as it was");

    let env = [
        ("DATABASE_URL", pooler.url()),
        ("FRONTDESK_MASTER_KEY", MASTER_KEY.repeat(32)),
        ("IDENTITY_ADDR", fixture.system.identity.to_string()),
        ("BOOKING_ADDR", fixture.system.booking.to_string()),
    ];
    for args in
        [&["migrate", "status"][..], &["migrate", "up"], &["doctor", "--json"], &["doctor", "--repair"]]
    {
        let output = against(&fixture, args, &env).await;
        assert!(output.status.success(), "{args:?}: {}{}", text(&output.stdout), text(&output.stderr));
    }
    let repair = against(&fixture, &["doctor", "--repair", "--apply"], &env).await;
    assert!(text(&repair.stderr).contains("a repair needs one of its own"), "{}", text(&repair.stderr));
    assert_eq!(session().await, before, "commands leave a session as it was");

    let requests = columns_of_other_types(&fixture).await;
    every_column_is_read(&fixture, token, &requests).await;
    watcher.has_heard_everything(&fixture.sql).await;
}

/// A type that the driver asks for by itself, when it meets it first, in whatever session it
/// is then.
const OTHER_TYPE: &str =
    "create extension citext; alter table booking_requests alter column message type citext";

/// Changes columns under a running system; requests to be decided then.
async fn columns_of_other_types(fixture: &Fixture) -> Vec<Uuid> {
    for (table, rule) in
        [("booking_requests", ""), ("bookings", &*exclusion("not in ('cancelled', 'declined', 'no_show')"))]
    {
        alter(fixture, &to_enum(table, rule)).await;
    }
    let mut requests = Vec::new();
    for night in 0..24 {
        requests.push(fixture.open_request(demo::TENANT, 900, 700 + night, 701 + night).await);
    }
    alter(fixture, OTHER_TYPE).await;
    requests
}

/// By several at once, so that each connection meets each session.
async fn every_column_is_read(fixture: &Fixture, token: &str, requests: &[Uuid]) {
    join_all(requests.chunks(3).map(async |chunk| {
        for id in chunk {
            fixture.get("/api/v1/booking-requests?status=requested", token).await.ok();
            fixture.get("/v1/bookings?status=confirmed", token).await.ok();
            fixture.post(&path_of(*id, "/approve"), token, &json!({})).await.ok();
            fixture.post(&path_of(*id, "/cancel"), token, &json!({})).await.ok();
        }
    }))
    .await;
}
