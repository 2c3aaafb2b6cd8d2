//! How often a call waits for the database, and how many transactions it begins,
//! counted on the wire.

use std::time::Duration;

use frontdesk::demo;
use frontdesk::system::System;
use identity::Policy;
use serde_json::json;

use super::help::relay::Relay;
use crate::fixture::{Answer, Fixture, path_of, system};

/// What a change of a request begins with, and so each of its transactions.
const CHANGE: &str = "from booking_requests r";
/// What the reader of feeds begins a look with.
const LOOK: &str = "feed_heads";

/// A system behind a relay, and who calls it.
struct Watched {
    fixture: Fixture,
    relay: Relay,
    system: System,
    token: String,
    client: reqwest::Client,
}

impl Watched {
    async fn start(name: &str) -> Self {
        let fixture = Box::pin(Fixture::start()).await;
        let relay = Relay::start(&fixture, name).await;
        let system = system(&relay.url, Policy::default()).await;
        let token = fixture.manager().await;
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { fixture, relay, system, token, client }
    }

    async fn post(&self, path: &str) -> Answer {
        let url = format!("http://{}{path}", self.system.gateway);
        Answer::of(self.client.post(url).bearer_auth(&self.token).json(&json!({}))).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_approval_waits_for_the_database_twice() {
    let watched = Watched::start("turns").await;
    let mut fewest = usize::MAX;
    for n in 0..40 {
        let id = watched.fixture.open_request(demo::TENANT, 1, 1000 + n, 1001 + n).await;
        let before = watched.relay.turns();
        watched.post(&path_of(id, "/approve")).await.ok();
        // Readiness and the background ask now and then, and new connections prepare:
        // the quietest approval counts.
        fewest = fewest.min(watched.relay.turns() - before);
    }
    assert_eq!(fewest, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_changes_nothing_wakes_nobody_who_watches() {
    let watched = Watched::start("quiet").await;
    let id = watched.fixture.open_request(demo::TENANT, 1, 1000, 1001).await;
    watched.post(&path_of(id, "/approve")).await.ok();
    let url = format!("http://{}/v1/booking-requests/watch", watched.system.gateway);
    let stream = watched.client.get(url).bearer_auth(&watched.token).send().await.unwrap();
    assert_eq!(stream.status(), 200);
    // What the approval woke has been read by then.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = watched.relay.transactions(LOOK);
    for _ in 0..5 {
        watched.post(&path_of(id, "/approve")).await.ok();
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // It looks unasked every few seconds, and once for each time that it is woken.
    let looks = watched.relay.transactions(LOOK) - before;
    assert!(looks < 5, "{looks} looks");
}

/// What keeps getting in the way of calls, how many transactions they begin, and what
/// they answer in the end. The trigger is taken away after each row.
const OBSTACLES: [(&str, &str, &str, usize); 4] = [
    ("before update on booking_requests", "raise exception 'x' using errcode = '40001'", "/approve", 3),
    // The row is not stored, as when dates are taken, and nobody is found to have them.
    ("before insert on bookings", "return null", "/approve", 3),
    // Refused when it is looked at with locks.
    ("before insert on inventory_ranges", "raise exception 'x' using errcode = '40P01'", "/approve", 3),
    ("before insert on booking_events", "raise exception 'x' using errcode = '40001'", "/cancel", 3),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_keeps_conflicting_begins_three_transactions() {
    let watched = Watched::start("transactions").await;
    // Connections are made and statements prepared before anything is counted.
    let first = watched.fixture.open_request(demo::TENANT, 1, 2000, 2001).await;
    watched.post(&path_of(first, "/approve")).await.ok();
    for (day, (event, does, step, transactions)) in (2001..).zip(OBSTACLES) {
        let id = watched.fixture.open_request(demo::TENANT, 1, day, day + 1).await;
        let make = format!(
            "create function obstacle() returns trigger language plpgsql as $$ begin {does}; end $$; \
             create trigger obstacle {event} for each row execute function obstacle()"
        );
        watched.fixture.sql.batch_execute(&make).await.unwrap();
        let before = watched.relay.transactions(CHANGE);
        watched.post(&path_of(id, step)).await.refused(503, "CONTENTION");
        assert_eq!(watched.relay.transactions(CHANGE) - before, transactions, "{event}: {does}");
        watched.fixture.sql.batch_execute("drop function obstacle() cascade").await.unwrap();
        let before = watched.relay.transactions(CHANGE);
        watched.post(&path_of(id, step)).await.ok();
        assert_eq!(watched.relay.transactions(CHANGE) - before, 1, "{event}: {does}");
    }
}
