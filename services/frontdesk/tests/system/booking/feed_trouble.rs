//! Feeds that cannot be numbered or read: their streams end with the reason, and nobody
//! else's wait for them.

use std::time::{Duration, Instant};

use frontdesk::demo;
use frontdesk_proto::booking::v1::{BookingRequestEventKind, WatchBookingRequestsResponse};
use frontdesk_proto::{ErrorReason, reason_of};
use identity::Policy;
use serde_json::json;
use tokio::time::timeout;
use tonic::Status;
use uuid::Uuid;

use super::cursors::{Feed, all, try_watch};
use crate::fixture::{Fixture, case, path_of, system};

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
            times.push(self.another_is_told_within().await);
        }
        times.sort_unstable();
        times[4]
    }

    /// How long it takes once.
    async fn another_is_told_within(&mut self) -> Duration {
        self.day += 1;
        let id = self.fixture.open_request(demo::OTHER_TENANT, 1, self.day, self.day + 1).await;
        let since = Instant::now();
        self.fixture.post(&path_of(id, "/review"), &self.others_token, &json!({})).await.ok();
        event(&mut self.others).await.unwrap();
        since.elapsed()
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
        ["delete from feed_heads where tenant_id = $1", "update feed_heads set head = 0 where tenant_id = $1"]
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

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_somebody_keeps_locked_keeps_no_other_feed_waiting() {
    let mut two = Two::start().await;
    two.happens().await;
    event(&mut two.feed).await.unwrap();
    let id = "0f000000-0000-7000-8000-000000000001";
    let waits = format!(
        "insert into booking_events (tenant_id, id, at, booking_request_id, action, number) \
         values ('{}', '{id}', now(), '{}', 'repriced', 1000000)",
        demo::TENANT,
        case("REQUESTED"),
    );
    // It is locked while it has a number, or the service would be faster.
    two.fixture.sql.batch_execute(&waits).await.unwrap();
    let other = pg::connect(&two.fixture.database.url).await.unwrap();
    other
        .batch_execute(&format!("begin; select from booking_events where id = '{id}' for key share"))
        .await
        .unwrap();
    two.fixture
        .sql
        .batch_execute(&format!("update booking_events set number = null where id = '{id}'"))
        .await
        .unwrap();
    other.batch_execute(&format!("select from booking_events where id = '{id}' for update")).await.unwrap();
    two.happens().await;
    for _ in 0..8 {
        let took = two.another_is_told_within().await;
        assert!(took < 2 * SOON, "{took:?}");
        tokio::time::sleep(SOON).await;
    }
    other.batch_execute("rollback").await.unwrap();
    event(&mut two.feed).await.unwrap();
    event(&mut two.feed).await.unwrap();
}

/// Lets the first tenant's events take very long to number.
async fn number_slowly(two: &Two) {
    let slow = format!(
        "create function rest() returns trigger language plpgsql as \
         $$ begin perform pg_sleep(20); return new; end $$; \
         create trigger rest before update on booking_events for each row \
         when (new.tenant_id = '{}') execute function rest()",
        demo::TENANT
    );
    two.fixture.sql.batch_execute(&slow).await.unwrap();
}

/// Something happens to these tenants, of which this is said.
async fn tell_of(two: &Two, tenants: &[Uuid], said: &str) {
    let tenants: Vec<String> = tenants.iter().map(|tenant| format!("('{tenant}'::uuid)")).collect();
    let events = format!(
        "insert into booking_events (tenant_id, id, at, action) \
         select tenant, gen_random_uuid(), now(), 'settings_updated' \
         from (values {}) tenants (tenant); select pg_notify('frontdesk_booking_events', '{said}')",
        tenants.join(", ")
    );
    two.fixture.sql.batch_execute(&events).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_that_is_slow_to_number_keeps_no_other_one_waiting() {
    let mut two = Two::start().await;
    number_slowly(&two).await;
    for _ in 0..2 {
        let since = Instant::now();
        // Whoever is told of all looks for both together.
        tell_of(&two, &[demo::TENANT, demo::OTHER_TENANT], "").await;
        event(&mut two.others).await.unwrap();
        assert!(since.elapsed() < Duration::from_secs(3), "{:?}", since.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_feed_that_is_looked_for_first_keeps_no_other_one_waiting() {
    let mut two = Two::start().await;
    number_slowly(&two).await;
    let named = |tenant: Uuid| format!("elsewhere {}", tenant.simple());
    tell_of(&two, &[demo::TENANT], &named(demo::TENANT)).await;
    let rests = "select count(*) from pg_stat_activity where datname = current_database() \
        and wait_event = 'PgSleep'";
    while two.fixture.count(rests, &[]).await == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let since = Instant::now();
    tell_of(&two, &[demo::OTHER_TENANT], &named(demo::OTHER_TENANT)).await;
    event(&mut two.others).await.unwrap();
    assert!(since.elapsed() < Duration::from_secs(3), "{:?}", since.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_reads_is_numbered_beside_heads_that_somebody_keeps_locked() {
    let fixture = Fixture::start().await;
    let tenants = [1_u128, 2, u128::MAX].map(Uuid::from_u128);
    for tenant in tenants {
        let heads = "insert into feed_heads (tenant_id, head) values ($1, 0)";
        fixture.execute(heads, &[&tenant]).await;
    }
    fixture.sql.batch_execute("begin; select from feed_heads for update").await.unwrap();
    let second = pg::connect(&fixture.database.url).await.unwrap();
    let waits = "insert into booking_events (tenant_id, id, at, action) \
        values ($1, gen_random_uuid(), now(), 'settings_updated')";
    let numbered = "select count(*) from booking_events where tenant_id = $1 and number is not null";
    for tenant in tenants {
        second.execute(waits, &[&tenant]).await.unwrap();
    }
    fixture.sql.batch_execute("rollback; begin").await.unwrap();
    let two = "select from feed_heads where tenant_id in ($1, $2) for update";
    fixture.sql.query(two, &[&tenants[0], &tenants[1]]).await.unwrap();
    // Its tasks run when it starts.
    let began = Instant::now();
    let _another = system(&fixture.database.url, Policy::default()).await;
    while second.query_one(numbered, &[&tenants[2]]).await.unwrap().get::<_, i64>(0) == 0 {
        assert!(began.elapsed() < Duration::from_secs(4), "it waits for the others");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    fixture.sql.batch_execute("rollback").await.unwrap();
}

/// Numbering writes. A standby shows where a feed is, but cannot go on.
#[tokio::test(flavor = "multi_thread")]
async fn streams_at_a_standby_end_with_the_reason() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let mut feed = try_watch(&fixture, &token, "").await.unwrap();
    let told = "insert into booking_events (tenant_id, id, at, booking_request_id, action) \
        values ($1, gen_random_uuid(), now(), $2, 'repriced')";
    // A stream that has told something reads no more for itself, which would end it at the cut.
    fixture.execute(told, &[&demo::TENANT, &case("REQUESTED")]).await;
    event(&mut feed).await.unwrap();
    let set = "do $$ begin execute format('alter database %I set default_transaction_read_only = on', \
        current_database()); end $$";
    fixture.sql.batch_execute(set).await.unwrap();
    let cut = "select count(pg_terminate_backend(pid)) from pg_stat_activity \
        where application_name = 'frontdesk-booking' and datname = current_database()";
    fixture.count(cut, &[]).await;
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
