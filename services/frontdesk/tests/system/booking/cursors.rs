//! Where a stream goes on: after what its cursor names, or as the refusal says.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use frontdesk::demo;
use frontdesk_proto::booking::v1::{WatchBookingRequestsRequest, WatchBookingRequestsResponse};
use frontdesk_proto::{ErrorReason, Refusal, reason_of};
use serde_json::json;
use tokio::time::timeout;
use tokio_postgres::types::ToSql;
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

/// The events that come within a second and a half of each other: ids and cursors.
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
async fn a_cursor_goes_on_after_its_event_when_numbers_were_lost() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let heard = history(&fixture, &token).await;
    // A standby that had not got the last numbers, and what took one in the meantime.
    fixture.sql.batch_execute(
        "update booking_events set number = null where number > (select max(number) - 4 from booking_events); \
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
    let minutes = "update booking_events e set at = e.at - (select max(m.number) - e.number from booking_events m) * interval '6 minutes'";
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
    let refused = try_watch(&fixture, &token, &heard[0].1).await.unwrap_err();
    let mut feed = watch(&fixture, &token, &go_on(&refused, ErrorReason::CursorUnknown)).await;
    assert_eq!(ids(&all(&mut feed).await), ids(&heard[1..]));
}

/// Times are those of the servers that wrote the events: what was numbered last may be
/// minutes older than what was lost. And many events may be younger.
#[tokio::test]
async fn a_lost_event_is_gone_back_from_past_clocks_and_thousands_of_events() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let heard = history(&fixture, &token).await;
    let back = async |id: &str, minutes: i32| {
        let update =
            "update booking_events set at = at - $2::integer * interval '1 minute' where id = $1::text::uuid";
        fixture.execute(update, &[&id, &minutes]).await;
    };
    for (id, _) in &heard[..4] {
        back(id, 10).await;
    }
    // Of a server whose clock is behind.
    back(&heard[4].0, 2).await;
    fixture.execute("delete from booking_events where id = $1::text::uuid", &[&heard[5].0]).await;
    let refused = try_watch(&fixture, &token, &heard[5].1).await.unwrap_err();
    let mut feed = watch(&fixture, &token, &go_on(&refused, ErrorReason::CursorUnknown)).await;
    assert_eq!(ids(&all(&mut feed).await), [heard[4].0.clone()]);
    let many = "insert into booking_events (tenant_id, id, at, property_id, action) \
        select $1, gen_random_uuid(), now(), $2, 'property_updated' from generate_series(1, 2500)";
    fixture.execute(many, &[&demo::TENANT, &LAKE_HOUSE]).await;
    // Which wakes whoever reads.
    let id = fixture.open_request(demo::TENANT, 1, 800, 801).await;
    fixture.post(&path_of(id, "/approve"), &token, &json!({})).await.ok();
    let told = all(&mut feed).await;
    assert_eq!(told.len(), 2501);
    let (gone, cursor) = told.last().unwrap();
    fixture.execute("delete from booking_events where id = $1::text::uuid", &[gone]).await;
    let refused = try_watch(&fixture, &token, cursor).await.unwrap_err();
    let mut feed = watch(&fixture, &token, &go_on(&refused, ErrorReason::CursorUnknown)).await;
    let again = ids(&all(&mut feed).await);
    assert_eq!(again[0], heard[4].0);
    assert!(again[1..] == ids(&told[..2500]), "{} come again", again.len());
}

/// Waits until a server, which does that first, has let the feed forget up to an event.
async fn forgets(fixture: &Fixture, up_to: &str) {
    let second = crate::fixture::system(&fixture.database.url, identity::Policy::default()).await;
    let forgotten = "select count(*) from feed_heads h join booking_events e on e.tenant_id = h.tenant_id \
        and e.number = h.forgotten where e.id = $1::text::uuid";
    fixture.until(forgotten, &[&up_to], 1).await;
    second.stop().await.unwrap();
}

/// What happens to a row comes after the time that the row has, whoever wrote it.
#[tokio::test]
async fn a_time_to_come_does_not_keep_a_feed_from_forgetting() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let heard = history(&fixture, &token).await;
    fixture.execute("update booking_events set at = at - interval '600 days' where number < (select number from booking_events where id = $1::text::uuid)", &[&heard[0].0]).await;
    for (place, at) in
        [(0, "now() - interval '500 days'"), (1, "'2999-01-01'"), (2, "now() - interval '500 days'")]
    {
        let update = format!("update booking_events set at = {at} where id = $1::text::uuid");
        fixture.execute(&update, &[&heard[place].0]).await;
    }
    // Old by its time alone: the feed has not forgotten it, so it stays, though another one
    // that is younger goes.
    let settings = "insert into booking_events (tenant_id, id, at, action, number) \
        values ($1, gen_random_uuid(), now() - $2::integer * interval '1 day', 'settings_updated', $3) returning id::text";
    let settings = async |days: i32, number: Option<i64>| -> String {
        fixture.sql.query_one(settings, &[&demo::TENANT, &days, &number]).await.unwrap().get(0)
    };
    let kept = settings(500, None).await;
    let gone = settings(450, Some(0)).await;
    forgets(&fixture, &heard[2].0).await;
    let refused = try_watch(&fixture, &token, &heard[1].1).await.unwrap_err();
    let oldest = go_on(&refused, ErrorReason::CursorExpired);
    let bytes = URL_SAFE_NO_PAD.decode(&oldest).unwrap();
    let named = Uuid::from_slice(&bytes[bytes.len() - 16..]).unwrap();
    assert_eq!(named.to_string(), heard[2].0, "it names its event");
    for cursor in ["start", &oldest, &heard[2].1] {
        let mut feed = watch(&fixture, &token, cursor).await;
        let rest = ids(&all(&mut feed).await);
        assert_eq!(rest, [&ids(&heard[3..])[..], std::slice::from_ref(&kept)].concat(), "{cursor}");
    }
    let left = "select count(*) from booking_events where id = $1::text::uuid";
    assert_eq!((fixture.count(left, &[&gone]).await, fixture.count(left, &[&kept]).await), (0, 1));
}

#[tokio::test]
async fn what_the_feed_forgot_is_told_with_where_it_begins_now() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let settings = "insert into booking_events (tenant_id, id, at, action) values ($1, gen_random_uuid(), now(), 'settings_updated')";
    fixture.execute(settings, &[&demo::TENANT]).await;
    let heard = history(&fixture, &token).await;
    fixture
        .execute(
            "update booking_events set at = at - interval '500 days' where id = any ($1::text[]::uuid[])",
            &[&ids(&heard[..4])],
        )
        .await;
    fixture.execute("update booking_events set at = at - interval '600 days' where number < (select number from booking_events where id = $1::text::uuid)", &[&heard[0].0]).await;
    forgets(&fixture, &heard[3].0).await;
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

/// A cursor as the version before writes it, of an event or, as in the first heartbeat of a
/// stream, of none.
async fn of_version_before(fixture: &Fixture, event: Option<&str>) -> String {
    let place = match event {
        Some(_) => "select position, at, id from booking_events where id = $1::text::uuid",
        None => {
            "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint + 1, timestamptz 'epoch', $1::text::uuid"
        }
    };
    let nobody = Uuid::nil().to_string();
    let row = fixture.sql.query_one(place, &[&event.unwrap_or(&nobody)]).await.unwrap();
    let (position, at, id): (i64, jiff::Timestamp, Uuid) = (row.get(0), row.get(1), row.get(2));
    URL_SAFE_NO_PAD
        .encode([&position.to_be_bytes()[..], &at.as_microsecond().to_be_bytes(), id.as_bytes()].concat())
}

/// What comes after a cursor that is refused, from where it is told to go on.
async fn told_after(fixture: &Fixture, token: &str, cursor: &str) -> Vec<String> {
    let refused = try_watch(fixture, token, cursor).await.unwrap_err();
    let mut feed = watch(fixture, token, &go_on(&refused, ErrorReason::CursorUnknown)).await;
    ids(&all(&mut feed).await)
}

#[tokio::test]
async fn a_cursor_of_the_version_before_is_told_where_to_go_on() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let heard = history(&fixture, &token).await;
    let named = of_version_before(&fixture, Some(&heard[2].0)).await;
    let quiet = of_version_before(&fixture, None).await;
    assert_eq!(told_after(&fixture, &token, &named).await, ids(&heard[3..]));
    assert_eq!(told_after(&fixture, &token, &quiet).await, ids(&[]));
    let id = fixture.open_request(demo::TENANT, 1, 800, 801).await;
    fixture.post(&path_of(id, "/approve"), &token, &json!({})).await.ok();
    assert_eq!(told_after(&fixture, &token, &quiet).await.len(), 1);
    // However much there is after it.
    let writes = "insert into booking_events (tenant_id, id, at, booking_request_id, property_id, action, actor) \
        select $1, gen_random_uuid(), now(), $2, $3, 'review_started', null from generate_series(1, 2100)";
    fixture.execute(writes, &[&demo::TENANT, &id, &LAKE_HOUSE]).await;
    assert_eq!(told_after(&fixture, &token, &quiet).await.len(), 2101);
    assert_eq!(told_after(&fixture, &token, &named).await.len(), 2101 + heard[3..].len());
}

/// Processes of the version before go on while a new one is rolled out. They write events
/// without ticks, and tell all of them in the order of positions.
#[tokio::test]
async fn a_stream_of_the_version_before_goes_on_here_without_loss() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let heard = history(&fixture, &token).await;
    let request = fixture.open_request(demo::TENANT, 1, 800, 801).await;
    // As that version writes it, which has locked the request and waits for another row.
    let writes = "insert into booking_events (tenant_id, id, at, booking_request_id, property_id, action, actor) \
        select $1, gen_random_uuid(), now(), $2, $3, 'review_started', null from pg_advisory_xact_lock($4) \
        returning id::text";
    let write = async |sql: &tokio_postgres::Client, lock: i64| -> String {
        sql.query_one(writes, &[&demo::TENANT, &request, &LAKE_HOUSE, &lock]).await.unwrap().get(0)
    };
    let waiting = pg::connect(&fixture.database.url).await.unwrap();
    waiting.batch_execute("begin; select pg_current_xact_id()").await.unwrap();
    fixture.sql.batch_execute("select pg_advisory_lock(1)").await.unwrap();
    let others = async {
        let waits = "select count(*) from pg_stat_activity \
            where datname = current_database() and wait_event = 'advisory'";
        fixture.until(waits, &[], 1).await;
        let second = write(&fixture.sql, 2).await;
        fixture.sql.batch_execute("select pg_advisory_unlock(1)").await.unwrap();
        second
    };
    let (first, second) = tokio::join!(write(&waiting, 1), others);
    waiting.batch_execute("commit").await.unwrap();
    // Its own statement, which tells whatever this version has written, too.
    let reads = "select e.id::text from booking_events e \
        where e.tenant_id = $1 and (e.position, e.at, e.id) > ($2, $3, $4) \
        and e.position <= pg_snapshot_xmin(pg_current_snapshot())::text::bigint \
        and ($5::uuid is null or e.property_id = $5) order by e.position, e.at, e.id limit $6";
    let (at, start) = (jiff::Timestamp::UNIX_EPOCH, (0_i64, Uuid::nil(), None::<Uuid>, 100_i64));
    let there = &[&demo::TENANT as &(dyn ToSql + Sync), &start.0, &at, &start.1, &start.2, &start.3];
    let mut told: Vec<String> = Vec::new();
    // It waits for every transaction of the cluster that is older. Another test holds one open
    // for as long as a doctor waits, 25 s at most.
    for _ in 0..4000 {
        told = fixture.sql.query(reads, there).await.unwrap().iter().map(|row| row.get(0)).collect();
        if told.contains(&second) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(told.contains(&second), "an older transaction is open after 40 s: {told:?}");
    assert_eq!(told[told.len() - 8..], [&ids(&heard)[..], &[first.clone(), second.clone()]].concat());
    // Here the one that had waited comes after the other.
    let named = of_version_before(&fixture, Some(&first)).await;
    assert_eq!(told_after(&fixture, &token, &named).await, [second, first]);
    let named = of_version_before(&fixture, Some(&heard[5].0)).await;
    assert_eq!(told_after(&fixture, &token, &named).await.len(), 2);
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

/// After an event that another program gave a number beyond all, nobody reads on.
#[tokio::test]
async fn a_cursor_whose_event_has_no_place_says_where_to_go_on() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let heard = history(&fixture, &token).await;
    let beyond = "update booking_events set number = 4611686018427387909 where id = $1::text::uuid";
    assert_eq!(fixture.execute(beyond, &[&heard[5].0]).await, 1);
    let refused = try_watch(&fixture, &token, &heard[5].1).await.unwrap_err();
    let mut feed = watch(&fixture, &token, &go_on(&refused, ErrorReason::CursorUnknown)).await;
    let id = fixture.open_request(demo::TENANT, 1, 720, 721).await;
    fixture.post(&path_of(id, "/approve"), &token, &json!({})).await.ok();
    assert!(!all(&mut feed).await.is_empty(), "the feed goes on");
}
