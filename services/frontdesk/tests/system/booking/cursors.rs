//! Where a stream goes on: behind what its cursor names, or as the refusal says.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use frontdesk::demo;
use frontdesk_proto::booking::v1::{WatchBookingRequestsRequest, WatchBookingRequestsResponse};
use frontdesk_proto::{ErrorReason, Refusal, reason_of};
use serde_json::json;
use tokio::time::timeout;
use tonic::{Status, Streaming};
use uuid::Uuid;

use crate::fixture::{Fixture, HARBOUR_LOFT, LAKE_HOUSE, path_of, signed};

pub type Feed = Streaming<WatchBookingRequestsResponse>;

pub async fn try_watch(fixture: &Fixture, token: &str, cursor: &str) -> Result<Feed, Status> {
    let message = WatchBookingRequestsRequest { cursor: cursor.to_owned(), ..Default::default() };
    fixture.booking().watch_booking_requests(signed(message, token)).await.map(tonic::Response::into_inner)
}

async fn watch(fixture: &Fixture, token: &str, cursor: &str) -> Feed {
    try_watch(fixture, token, cursor).await.unwrap()
}

/// The events that come within half a second of each other: ids and cursors.
pub async fn all(feed: &mut Feed) -> Vec<(String, String)> {
    let mut heard = Vec::new();
    while let Ok(message) = timeout(Duration::from_millis(1500), feed.message()).await {
        let message = message.unwrap().unwrap();
        if let Some(event) = message.event {
            heard.push((event.id, message.cursor));
        }
    }
    heard
}

fn ids(heard: &[(String, String)]) -> Vec<String> {
    heard.iter().map(|(id, _)| id.clone()).collect()
}

/// The refusal of a cursor, with where to go on.
fn go_on(refused: &Status, reason: ErrorReason) -> String {
    assert_eq!(reason_of(refused), Some(reason), "{refused:?}");
    let refusal = Refusal::from_status(refused).unwrap();
    let (_, cursor) = refusal.metadata().find(|(name, _)| *name == "go_on").unwrap();
    cursor.to_owned()
}

/// Some events: ids and cursors.
async fn history(fixture: &Fixture, token: &str) -> Vec<(String, String)> {
    let mut feed = watch(fixture, token, "").await;
    for day in 0..6 {
        let id = fixture.open_request(demo::TENANT, 1, 700 + day, 701 + day).await;
        fixture.post(&path_of(id, "/approve"), token, &json!({})).await.ok();
    }
    let heard = all(&mut feed).await;
    assert_eq!(heard.len(), 6);
    heard
}

#[tokio::test]
async fn a_cursor_goes_on_behind_its_event_when_numbers_were_lost() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let heard = history(&fixture, &token).await;
    // A standby that had not got the last numbers, and what took one meanwhile.
    fixture.sql.batch_execute(
        "update booking_events set number = null where number > (select max(number) - 4 from booking_events); \
         update feed_heads set head = head - 4; \
         insert into booking_events (tenant_id, id, at, property_id, action, tick) select tenant_id, gen_random_uuid(), \
         now(), property_id, 'property_updated', tick from booking_events where number is null order by tick limit 1",
    ).await.unwrap();
    for from in 0..heard.len() {
        let mut feed = watch(&fixture, &token, &heard[from].1).await;
        let rest = ids(&all(&mut feed).await);
        let ours: Vec<String> = rest.into_iter().filter(|id| ids(&heard).contains(id)).collect();
        assert_eq!(ours, ids(&heard[from + 1..]), "from {from}");
    }
}

#[tokio::test]
async fn a_cursor_whose_event_is_gone_says_where_to_go_on() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let heard = history(&fixture, &token).await;
    let minutes = "update booking_events e set at = e.at - (select max(m.number) - e.number from booking_events m) * interval '1 minute'";
    fixture.sql.batch_execute(minutes).await.unwrap();
    let mut feed = watch(&fixture, &token, &heard[1].1).await;
    let told = all(&mut feed).await;
    let gone = &told[2];
    fixture.execute("delete from booking_events where id = $1::text::uuid", &[&gone.0]).await;
    let refused = try_watch(&fixture, &token, &gone.1).await.unwrap_err();
    let mut feed = watch(&fixture, &token, &go_on(&refused, ErrorReason::CursorUnknown)).await;
    let rest = ids(&all(&mut feed).await);
    assert!(rest.ends_with(&[heard[5].0.clone()]), "{rest:?}");
    assert!(rest.len() <= 3, "{rest:?}");
    // Over REST with the same words.
    let path = format!("/v1/booking-requests/watch?cursor={}", gone.1);
    let answer = fixture.get(&path, &token).await;
    answer.refused(409, "CURSOR_UNKNOWN");
    assert!(answer.body["metadata"]["go_on"].is_string());
    // Of another tenant, it says nothing of it.
    let foreign = fixture.token(demo::OTHER_OWNER).await;
    let refused = try_watch(&fixture, &foreign, &heard[3].1).await.unwrap_err();
    go_on(&refused, ErrorReason::CursorUnknown);
}

/// All of it is younger than what is told again, and the first number went to another
/// event when the first one was lost.
#[tokio::test]
async fn a_lost_event_of_a_young_feed_leaves_nothing_out() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let heard = history(&fixture, &token).await;
    fixture.execute("delete from booking_events where id = $1::text::uuid", &[&heard[0].0]).await;
    for step in ["number + 1000", "number - 1001"] {
        fixture.execute(&format!("update booking_events set number = {step}"), &[]).await;
    }
    fixture.execute("update feed_heads set head = head - 1", &[]).await;
    let refused = try_watch(&fixture, &token, &heard[0].1).await.unwrap_err();
    let mut feed = watch(&fixture, &token, &go_on(&refused, ErrorReason::CursorUnknown)).await;
    assert_eq!(ids(&all(&mut feed).await), ids(&heard[1..]));
}

#[tokio::test]
async fn what_the_feed_forgot_is_told_with_where_it_begins_now() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let heard = history(&fixture, &token).await;
    fixture
        .execute(
            "update booking_events set at = at - interval '500 days' where id = any ($1::text[]::uuid[])",
            &[&ids(&heard[..4])],
        )
        .await;
    let settings = "insert into booking_events (tenant_id, id, at, action) \
        values ($1, gen_random_uuid(), now() - interval '500 days', 'settings_updated')";
    fixture.execute(settings, &[&demo::TENANT]).await;
    fixture.execute("update booking_events set at = at - interval '600 days' where number < (select number from booking_events where id = $1::text::uuid)", &[&heard[0].0]).await;
    // Forgetting is what a server does first.
    let second = crate::fixture::system(&fixture.database.url, identity::Policy::default()).await;
    let forgotten = "select count(*) from feed_heads where tenant_id = $1 and forgotten > 0";
    for _ in 0..100 {
        if fixture.count(forgotten, &[&demo::TENANT]).await == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    second.stop().await.unwrap();
    let refused = try_watch(&fixture, &token, &heard[1].1).await.unwrap_err();
    let cursor = go_on(&refused, ErrorReason::CursorExpired);
    for cursor in [&cursor, "start", &heard[3].1] {
        let mut feed = watch(&fixture, &token, cursor).await;
        assert_eq!(ids(&all(&mut feed).await), ids(&heard[4..]), "{cursor}");
    }
    let path = format!("/v1/booking-requests/watch?cursor={}", heard[1].1);
    fixture.get(&path, &token).await.refused(410, "CURSOR_EXPIRED");
    // The history of a request stays; what is nobody's goes.
    let kept = "select count(*) from booking_events where id = any ($1::text[]::uuid[])";
    assert_eq!(fixture.count(kept, &[&ids(&heard)]).await, 6);
    let gone = "select count(*) from booking_events where action = 'settings_updated'";
    assert_eq!(fixture.count(gone, &[]).await, 0);
}

#[tokio::test]
async fn a_cursor_of_the_version_before_is_told_where_to_go_on() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let heard = history(&fixture, &token).await;
    let old = async |id: Option<&str>| {
        let row = match id {
            Some(id) => fixture.sql.query_one("select position, at, id from booking_events where id = $1::text::uuid", &[&id]).await.unwrap(),
            // The opening heartbeat of a stream names no event.
            None => fixture.sql.query_one("select pg_snapshot_xmin(pg_current_snapshot())::text::bigint + 1, timestamptz 'epoch', $1::uuid", &[&Uuid::nil()]).await.unwrap(),
        };
        let (position, at, id): (i64, jiff::Timestamp, Uuid) = (row.get(0), row.get(1), row.get(2));
        URL_SAFE_NO_PAD
            .encode([&position.to_be_bytes()[..], &at.as_microsecond().to_be_bytes(), id.as_bytes()].concat())
    };
    let quiet = old(None).await;
    for (cursor, rest) in [(old(Some(&heard[2].0)).await, &heard[3..]), (quiet.clone(), &[])] {
        let refused = try_watch(&fixture, &token, &cursor).await.unwrap_err();
        let mut feed = watch(&fixture, &token, &go_on(&refused, ErrorReason::CursorUnknown)).await;
        assert_eq!(ids(&all(&mut feed).await), ids(rest));
    }
    let id = fixture.open_request(demo::TENANT, 1, 800, 801).await;
    fixture.post(&path_of(id, "/approve"), &token, &json!({})).await.ok();
    let refused = try_watch(&fixture, &token, &quiet).await.unwrap_err();
    let mut feed = watch(&fixture, &token, &go_on(&refused, ErrorReason::CursorUnknown)).await;
    assert_eq!(all(&mut feed).await.len(), 1);
}

/// A heartbeat comes every 15 seconds.
#[tokio::test]
async fn heartbeats_carry_a_filtered_stream_past_what_does_not_concern_it() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let message =
        WatchBookingRequestsRequest { cursor: "start".to_owned(), property_id: HARBOUR_LOFT.to_string() };
    let mut feed =
        fixture.booking().watch_booking_requests(signed(message, &token)).await.unwrap().into_inner();
    let first = feed.message().await.unwrap().unwrap();
    let heard = history(&fixture, &token).await;
    assert_ne!(first.cursor, heard[5].1);
    let beat = timeout(Duration::from_secs(17), feed.message()).await.expect("a heartbeat").unwrap().unwrap();
    assert!(beat.event.is_none());
    assert_eq!(beat.cursor, heard[5].1, "the cursor stayed behind");
    let unread = "select count(*) from booking_events where property_id = $1 and number is null";
    assert_eq!(fixture.count(unread, &[&LAKE_HOUSE]).await, 0);
}
