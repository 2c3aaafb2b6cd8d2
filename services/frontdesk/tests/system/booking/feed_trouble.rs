//! Feeds that cannot be numbered or read: their streams end with the reason, and nobody
//! else's wait for them.

use std::time::{Duration, Instant};

use frontdesk::demo;
use frontdesk_proto::booking::v1::{BookingRequestEventKind, WatchBookingRequestsResponse};
use frontdesk_proto::{ErrorReason, reason_of};
use serde_json::json;
use tokio::time::timeout;
use tonic::Status;

use super::cursors::{Feed, all, try_watch};
use crate::fixture::{Fixture, case, path_of};

/// Two tenants that are watched.
struct Two {
    fixture: Fixture,
    token: String,
    others_token: String,
    feed: Feed,
    others: Feed,
    day: i32,
}

impl Two {
    async fn start() -> Self {
        let fixture = Fixture::start().await;
        let token = fixture.manager().await;
        let others_token = fixture.token(demo::OTHER_OWNER).await;
        let feed = try_watch(&fixture, &token, "").await.unwrap();
        let others = try_watch(&fixture, &others_token, "").await.unwrap();
        Self { fixture, token, others_token, feed, others, day: 700 }
    }

    /// How long it takes in the middle until the other tenant is told of what happened.
    async fn others_are_told_within(&mut self) -> Duration {
        let mut times = Vec::new();
        for _ in 0..9 {
            self.day += 1;
            let id = self.fixture.open_request(demo::OTHER_TENANT, 1, self.day, self.day + 1).await;
            let since = Instant::now();
            self.fixture.post(&path_of(id, "/review"), &self.others_token, &json!({})).await.ok();
            event(&mut self.others).await.unwrap();
            times.push(since.elapsed());
        }
        times.sort_unstable();
        times[4]
    }

    /// Something of the first tenant that is told.
    async fn happens(&mut self) {
        self.day += 1;
        let id = self.fixture.open_request(demo::TENANT, 1, self.day, self.day + 1).await;
        self.fixture.post(&path_of(id, "/review"), &self.token, &json!({})).await.ok();
    }
}

/// The next event, or how the stream ended.
async fn event(feed: &mut Feed) -> Result<WatchBookingRequestsResponse, Status> {
    let next = async {
        loop {
            let message = feed.message().await?.expect("a stream ends with a reason");
            if message.event.is_some() {
                return Ok(message);
            }
        }
    };
    timeout(Duration::from_secs(30), next).await.expect("something in time")
}

const SOON: Duration = Duration::from_millis(250);

#[tokio::test(flavor = "multi_thread")]
async fn a_head_behind_its_numbers_is_put_right_and_keeps_nobody_waiting() {
    let mut two = Two::start().await;
    two.happens().await;
    event(&mut two.feed).await.unwrap();
    for lost in
        ["delete from feed_heads where tenant_id = $1", "update feed_heads set head = 1 where tenant_id = $1"]
    {
        assert_eq!(two.fixture.execute(lost, &[&demo::TENANT]).await, 1);
        two.happens().await;
        let told = event(&mut two.feed).await.unwrap();
        let took = two.others_are_told_within().await;
        assert!(took < SOON, "{took:?}");
        // Whoever begins now begins behind all of it, and a cursor goes on.
        two.fixture.execute(lost, &[&demo::TENANT]).await;
        let mut now = try_watch(&two.fixture, &two.token, "").await.unwrap();
        let mut again = try_watch(&two.fixture, &two.token, &told.cursor).await.unwrap();
        two.happens().await;
        let next = event(&mut two.feed).await.unwrap().cursor;
        for feed in [&mut now, &mut again] {
            assert_eq!(event(feed).await.unwrap().cursor, next);
        }
    }
    let right = "select count(*) from feed_heads h where h.tenant_id = $1 \
        and h.head = (select max(e.number) from booking_events e where e.tenant_id = h.tenant_id)";
    assert_eq!(two.fixture.count(right, &[&demo::TENANT]).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_that_cannot_be_numbered_ends_with_the_reason_and_keeps_nobody_waiting() {
    let mut two = Two::start().await;
    two.happens().await;
    let cursor = event(&mut two.feed).await.unwrap().cursor;
    let refuse = format!(
        "create function refuse() returns trigger language plpgsql as \
         $$ begin raise exception 'not numbered'; end $$; \
         create trigger refuse before update on booking_events for each row \
         when (new.tenant_id = '{}') execute function refuse()",
        demo::TENANT
    );
    two.fixture.sql.batch_execute(&refuse).await.unwrap();
    let began = Instant::now();
    two.happens().await;
    let took = two.others_are_told_within().await;
    assert!(took < SOON, "{took:?}");
    let ended = event(&mut two.feed).await.unwrap_err();
    assert_eq!(reason_of(&ended), Some(ErrorReason::DbError), "{ended:?}");
    assert!(began.elapsed() > Duration::from_secs(9), "{:?}", began.elapsed());
    let took = two.others_are_told_within().await;
    assert!(took < SOON, "{took:?}");
    two.fixture.sql.batch_execute("drop trigger refuse on booking_events").await.unwrap();
    two.feed = try_watch(&two.fixture, &two.token, &cursor).await.unwrap();
    event(&mut two.feed).await.unwrap();
}

/// Numbering writes. A standby shows where a feed is, but cannot go on.
#[tokio::test(flavor = "multi_thread")]
async fn streams_at_a_standby_end_with_the_reason() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let mut feed = try_watch(&fixture, &token, "").await.unwrap();
    let set = "do $$ begin execute format('alter database %I set default_transaction_read_only = on', \
        current_database()); end $$";
    fixture.sql.batch_execute(set).await.unwrap();
    let cut = "select count(pg_terminate_backend(pid)) from pg_stat_activity \
        where application_name = 'frontdesk-booking' and datname = current_database()";
    fixture.count(cut, &[]).await;
    let told = "insert into booking_events (tenant_id, id, at, booking_request_id, action) \
        values ($1, gen_random_uuid(), now(), $2, 'repriced')";
    // The test's own session writes on, as a primary does.
    fixture.execute(told, &[&demo::TENANT, &case("REQUESTED")]).await;
    let ended = event(&mut feed).await.unwrap_err();
    assert_eq!(reason_of(&ended), Some(ErrorReason::DbReadOnly), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_somebody_keeps_locked_ends_the_streams_with_the_reason() {
    let mut two = Two::start().await;
    two.happens().await;
    event(&mut two.feed).await.unwrap();
    let lock = "select from feed_heads where tenant_id = $1 for update";
    two.fixture.sql.batch_execute("begin").await.unwrap();
    two.fixture.sql.query(lock, &[&demo::TENANT]).await.unwrap();
    let cause = format!(
        "insert into booking_events (tenant_id, id, at, action) values ('{}', gen_random_uuid(), now(), 'settings_updated')",
        demo::TENANT
    );
    let second = pg::connect(&two.fixture.database.url).await.unwrap();
    second.batch_execute(&cause).await.unwrap();
    let ended = event(&mut two.feed).await.unwrap_err();
    assert_eq!(reason_of(&ended), Some(ErrorReason::LockTimeout), "{ended:?}");
    two.fixture.sql.batch_execute("rollback").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_holds_what_cannot_be_shown_is_told_and_nothing_stands_still() {
    let mut two = Two::start().await;
    two.happens().await;
    let cursor = event(&mut two.feed).await.unwrap().cursor;
    let id = case("REQUESTED");
    two.fixture.sql.batch_execute("alter table booking_events alter column at drop not null").await.unwrap();
    for (at, rules) in [("now()", "'{MIN_NIGHTS,NULL}'"), ("null", "null"), ("'infinity'", "'{}'")] {
        let odd = format!(
            "insert into booking_events (tenant_id, id, at, booking_request_id, action, overridden_rules) \
             values ($1, gen_random_uuid(), {at}, $2, 'approved', {rules})"
        );
        two.fixture.execute(&odd, &[&demo::TENANT, &id]).await;
        // At the head of the feed it is what a stream begins behind.
        try_watch(&two.fixture, &two.token, "").await.unwrap();
    }
    two.happens().await;
    let took = two.others_are_told_within().await;
    assert!(took < SOON, "{took:?}");
    let mut saved = try_watch(&two.fixture, &two.token, &cursor).await.unwrap();
    for feed in [&mut two.feed, &mut saved] {
        let mut events = Vec::new();
        for _ in 0..4 {
            events.push(event(feed).await.unwrap().event.unwrap());
        }
        assert_eq!(events[0].overridden_rules, ["MIN_NIGHTS"]);
        assert!(events[0].at.is_some() && events[1].at.is_none() && events[2].at.is_none());
        assert!(events[..3].iter().all(|event| event.kind() == BookingRequestEventKind::Approved));
        assert_eq!(events[3].kind(), BookingRequestEventKind::ReviewStarted);
        assert!(all(feed).await.is_empty());
    }
    let history = two.fixture.get(&path_of(id, "/history"), &two.token).await;
    assert!(history.ok()["events"].as_array().unwrap().len() >= 2, "{}", history.body);
}
