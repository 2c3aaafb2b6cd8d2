//! A failover loses numbers, or events with them, while streams are open: they go on
//! after the event that they told last, or are told where to go on.

use std::time::Duration;

use frontdesk::demo;
use frontdesk_proto::booking::v1::WatchBookingRequestsRequest;
use frontdesk_proto::{ErrorReason, Refusal, reason_of};
use serde_json::json;
use tokio::time::timeout;
use uuid::{Uuid, uuid};

use super::cursors::{Feed, try_watch};
use crate::fixture::{Fixture, path_of, signed};

/// A property of the demo's tenant of which the events of these tests are not.
const OTHER_HOUSE: Uuid = uuid!("0d000000-0000-7000-8000-000000000201");

/// The last two events or, with `update … set number = null`, their numbers are lost.
async fn lose(fixture: &Fixture, change: &str) {
    let last =
        "tenant_id = $1 and number > (select max(number) - 2 from booking_events where tenant_id = $1)";
    assert_eq!(fixture.execute(&format!("{change} where {last}"), &[&demo::TENANT]).await, 2);
}

async fn approve(fixture: &Fixture, token: &str, days: std::ops::Range<i32>) {
    for day in days {
        let id = fixture.open_request(demo::TENANT, 1, day, day + 1).await;
        fixture.post(&path_of(id, "/approve"), token, &json!({})).await.ok();
    }
}

/// An event of the other house, from another program.
async fn tell_of_other_house(fixture: &Fixture) -> String {
    let told = "insert into booking_events (tenant_id, id, at, property_id, action) \
        values ($1, gen_random_uuid(), now(), $2, 'property_updated') returning id::text";
    fixture.sql.query_one(told, &[&demo::TENANT, &OTHER_HOUSE]).await.unwrap().get(0)
}

/// The next events of a stream.
async fn next(feed: &mut Feed, count: usize) -> Vec<String> {
    let mut heard = Vec::new();
    let all = async {
        while heard.len() < count {
            heard.extend(feed.message().await.unwrap().unwrap().event.map(|event| event.id));
        }
    };
    timeout(Duration::from_secs(30), all).await.expect("events in time");
    heard
}

/// What is stored, in the order of the feed.
async fn stored(fixture: &Fixture) -> Vec<String> {
    let stored =
        "select id::text from booking_events where tenant_id = $1 and number is not null order by number";
    fixture.sql.query(stored, &[&demo::TENANT]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

/// Nothing comes twice, nor what was there before.
async fn is_silent(feed: &mut Feed) {
    let more = timeout(Duration::from_secs(1), feed.message()).await;
    assert!(more.is_err(), "{more:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_stream_goes_on_behind_its_event_when_numbers_are_lost() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let mut feed = try_watch(&fixture, &token, "").await.unwrap();
    approve(&fixture, &token, 700..706).await;
    let mut heard = next(&mut feed, 6).await;
    for (days, others_numbered) in [(710..713, 0_i64), (720..723, 2)] {
        fixture.sql.batch_execute("begin").await.unwrap();
        lose(&fixture, "update booking_events set number = null").await;
        // Before this process looks.
        let numbered = "insert into booking_events (tenant_id, id, at, action, number) \
            select $1, gen_random_uuid(), now(), 'settings_updated', n + ( \
                select max(number) from booking_events where tenant_id = $1 \
            ) from generate_series(1, $2::bigint) n";
        fixture.execute(numbered, &[&demo::TENANT, &others_numbered]).await;
        fixture.sql.batch_execute("commit").await.unwrap();
        let before = stored(&fixture).await;
        approve(&fixture, &token, days).await;
        let told = next(&mut feed, 3).await;
        assert!(told.iter().all(|id| !heard.contains(id) && !before.contains(id)), "{told:?} again");
        heard.extend(told);
        is_silent(&mut feed).await;
        assert!(stored(&fixture).await.ends_with(&heard[heard.len() - 3..]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_stream_whose_event_is_lost_is_told_where_to_go_on() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let message = WatchBookingRequestsRequest { property_id: OTHER_HOUSE.to_string(), ..Default::default() };
    let mut of_house =
        fixture.booking().watch_booking_requests(signed(message, &token)).await.unwrap().into_inner();
    let mut feed = try_watch(&fixture, &token, "").await.unwrap();
    let first = tell_of_other_house(&fixture).await;
    approve(&fixture, &token, 700..706).await;
    let heard = next(&mut feed, 7).await;
    assert_eq!(next(&mut of_house, 1).await, [first]);
    fixture.sql.batch_execute("begin").await.unwrap();
    lose(&fixture, "delete from booking_events").await;
    fixture.sql.batch_execute("commit").await.unwrap();
    let second = tell_of_other_house(&fixture).await;
    approve(&fixture, &token, 710..713).await;
    // Its own event is still there, so it goes on.
    assert_eq!(next(&mut of_house, 1).await, [second]);
    is_silent(&mut of_house).await;
    let ends = async {
        loop {
            match feed.message().await {
                Ok(message) => assert!(message.unwrap().event.is_none(), "told as if nothing were missing"),
                Err(ended) => return ended,
            }
        }
    };
    let ended = timeout(Duration::from_secs(30), ends).await.expect("an end in time");
    assert_eq!(reason_of(&ended), Some(ErrorReason::CursorUnknown), "{ended:?}");
    let refusal = Refusal::from_status(&ended).unwrap();
    let (_, go_on) = refusal.metadata().find(|(name, _)| *name == "go_on").unwrap();
    let mut feed = try_watch(&fixture, &token, go_on).await.unwrap();
    // All of it is a few seconds old, and comes again.
    let stored = stored(&fixture).await;
    let told = next(&mut feed, stored.len()).await;
    assert_eq!(told, stored);
    assert_eq!(
        told.iter().filter(|id| !heard.contains(id)).count(),
        4,
        "three approvals and the other house"
    );
    is_silent(&mut feed).await;
}

/// One that cannot keep up reads for itself, by numbers. Another process has given them
/// anew, to others first, and the reader of this one does not look: it may not number.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_behind_goes_on_behind_its_event_too() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let mut slow = try_watch(&fixture, &token, "").await.unwrap();
    let mut fast = try_watch(&fixture, &token, "").await.unwrap();
    let many = "insert into booking_events (tenant_id, id, at, property_id, action) \
        select $1, gen_random_uuid(), now(), $2, 'property_updated' from generate_series(1, 6000)";
    fixture.execute(many, &[&demo::TENANT, &OTHER_HOUSE]).await;
    let heard = next(&mut fast, 6000).await;
    let numbers = pg::connect(&fixture.database.url).await.unwrap();
    numbers.batch_execute("begin; select from feed_heads for update").await.unwrap();
    let moved = "begin; update booking_events set number = number + 100000; \
        update booking_events set number = number - 100000 + 50; \
        insert into booking_events (tenant_id, id, at, property_id, action, number) \
        select $1, gen_random_uuid(), now(), $2, 'property_updated', n from generate_series(1, 50) n; commit";
    let moved =
        moved.replace("$1", &format!("'{}'", demo::TENANT)).replace("$2", &format!("'{OTHER_HOUSE}'"));
    fixture.sql.batch_execute(&moved).await.unwrap();
    // What was on its way, and what it read for itself.
    let mut told = next(&mut slow, 3000).await;
    numbers.batch_execute("rollback").await.unwrap();
    told.extend(next(&mut slow, 3000).await);
    assert!(
        told == heard,
        "{} of 6000, once and in order",
        told.iter().filter(|id| heard.contains(id)).count()
    );
    is_silent(&mut slow).await;
    approve(&fixture, &token, 700..701).await;
    assert_eq!(next(&mut slow, 1).await, next(&mut fast, 1).await);
}

/// A number of another program after which there is none: the event has no place in the feed,
/// and whatever comes has its own.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_number_that_there_is_takes_no_feed_down() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let mut feed = try_watch(&fixture, &token, "").await.unwrap();
    approve(&fixture, &token, 700..702).await;
    let heard = next(&mut feed, 2).await;
    let last = "insert into booking_events (tenant_id, id, at, action, number) \
        values ($1, gen_random_uuid(), now(), 'settings_updated', 9223372036854775807)";
    fixture.execute(last, &[&demo::TENANT]).await;
    approve(&fixture, &token, 710..712).await;
    let told = next(&mut feed, 2).await;
    assert!(told.iter().all(|id| !heard.contains(id)), "{told:?} again");
    is_silent(&mut feed).await;
    // Nor that of the head.
    let beyond = "update feed_heads set head = 9223372036854775807 where tenant_id = $1";
    assert_eq!(fixture.execute(beyond, &[&demo::TENANT]).await, 1);
    approve(&fixture, &token, 720..722).await;
    next(&mut feed, 2).await;
    let mut again = try_watch(&fixture, &token, "").await.unwrap();
    approve(&fixture, &token, 730..731).await;
    assert_eq!(next(&mut again, 1).await, next(&mut feed, 1).await);
}
