//! The feed tells causes first: what freed the nights before what took them, however
//! the transactions waited for each other.

use std::time::Duration;

use frontdesk::demo;
use frontdesk_proto::booking::v1::{BookingRequestEvent, WatchBookingRequestsRequest};
use serde_json::json;
use tokio::time::timeout;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::fixture::{Answer, Fixture, LAKE_HOUSE, Layout, path_of, signed};

/// Events whose numbers do not rise with their ticks' causes: an approval that made a
/// booking is told after the cancel of each booking that had one of its nights before.
const EFFECT_FIRST: &str = "select count(*) from booking_events made \
    join bookings b on b.tenant_id = made.tenant_id and b.id = made.booking_id \
    join bookings o on o.tenant_id = b.tenant_id and o.property_id = b.property_id and o.id <> b.id \
        and o.check_in < b.check_out and o.check_out > b.check_in \
    join booking_events before on before.tenant_id = o.tenant_id and before.booking_id = o.id \
        and before.action = 'approved' and before.number < made.number \
    where made.action = 'approved' and not exists (select from booking_events freed \
        where freed.tenant_id = o.tenant_id and freed.booking_id = o.id and freed.action = 'booking_cancelled' \
        and freed.number > before.number and freed.number < made.number)";

/// Events that the feed gives before an earlier one of the same request. Guests are merged in
/// the request and its booking at one moment: neither event is earlier.
const MISPLACED: &str = "select count(*) from booking_events a join booking_events b \
    on a.tenant_id = b.tenant_id and a.booking_request_id = b.booking_request_id and (a.at, a.id) < (b.at, b.id) \
    where a.number > b.number and (a.at, a.action) <> (b.at, 'customer_merged')";

/// Numbers that are missing or given twice, and events without one.
const UNNUMBERED: &str = "select count(*) from ( \
    select number, row_number() over (partition by tenant_id order by number) as place from booking_events) e \
    where e.number is distinct from e.place";

/// The numbers of every event are there, each once, and in the order of causes. Some
/// stream must be open, so that they are given.
pub async fn assert_causal(sql: &Client) {
    let count = async |query: &str| sql.query_one(query, &[]).await.unwrap().get::<_, i64>(0);
    for _ in 0..200 {
        if count("select count(*) from booking_events where number is null").await == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(count(UNNUMBERED).await, 0, "numbers have gaps");
    assert_eq!(count(MISPLACED).await, 0, "the feed tells a later event first");
    assert_eq!(
        count(EFFECT_FIRST).await,
        0,
        "the feed tells an approval before the cancel that made room for it"
    );
}

/// Another program that frees nights and tells of it at the end of its transaction.
struct Rival {
    sql: Client,
    pid: i32,
}

impl Rival {
    async fn begin(fixture: &Fixture) -> Self {
        let sql = pg::connect(&fixture.database.url).await.unwrap();
        let pid = sql.query_one("select pg_backend_pid()", &[]).await.unwrap().get(0);
        sql.batch_execute("begin").await.unwrap();
        Self { sql, pid }
    }

    async fn is_waited_for(&self, fixture: &Fixture) -> bool {
        let waiting = "select count(*) from pg_stat_activity a where $1 = any (pg_blocking_pids(a.pid))";
        for _ in 0..300 {
            if fixture.count(waiting, &[&self.pid]).await > 0 {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        false
    }

    /// Tells and commits.
    async fn tell(&self, action: &str, booking: Option<Uuid>, block: Option<Uuid>) {
        let tell = "insert into booking_events (tenant_id, id, at, booking_id, block_id, property_id, action) \
            values ($1, gen_random_uuid(), now(), $2, $3, $4, $5)";
        self.sql.execute(tell, &[&demo::TENANT, &booking, &block, &LAKE_HOUSE, &action]).await.unwrap();
        self.sql.batch_execute("commit").await.unwrap();
    }
}

/// What the stream tells until an event of this kind, by name.
async fn told_until(
    feed: &mut tonic::Streaming<frontdesk_proto::booking::v1::WatchBookingRequestsResponse>,
    last: &str,
) -> Vec<String> {
    let mut told = Vec::new();
    let all = async {
        loop {
            let message = feed.message().await.unwrap().unwrap();
            if let Some(event) = message.event {
                told.push(name(&event));
                if told.last().is_some_and(|name| name == last) {
                    return;
                }
            }
        }
    };
    timeout(Duration::from_secs(10), all).await.expect("the last event in time");
    told
}

fn name(event: &BookingRequestEvent) -> String {
    event.kind().as_str_name().trim_start_matches("BOOKING_REQUEST_EVENT_KIND_").to_lowercase()
}

async fn approve(fixture: &Fixture, token: &str, id: Uuid, with_key: bool) -> Answer {
    let key = Uuid::now_v7().to_string();
    let header = if with_key { ("idempotency-key", &*key) } else { ("x-unused", "x") };
    fixture.post_with(&path_of(id, "/approve"), token, header, &json!({})).await
}

#[tokio::test]
async fn an_approval_that_waits_for_a_cancel_is_told_after_it() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let mut day = 300;
        for (with_key, auto_decline) in [(false, false), (true, false), (false, true), (true, true)] {
            fixture.patch("/v1/booking-settings", &token, &json!({"auto_decline": auto_decline})).await.ok();
            let sold = fixture.open_request(demo::TENANT, 1, day, day + 5).await;
            let booking = approve(&fixture, &token, sold, false).await.ok()["booking_id"].clone();
            let booking: Uuid = booking.as_str().unwrap().parse().unwrap();
            let next = fixture.open_request(demo::TENANT, 2, day + 1, day + 4).await;
            fixture.open_request(demo::TENANT, 3, day + 2, day + 3).await;
            let message = WatchBookingRequestsRequest::default();
            let mut feed =
                fixture.booking().watch_booking_requests(signed(message, &token)).await.unwrap().into_inner();
            feed.message().await.unwrap().unwrap();
            let rival = Rival::begin(&fixture).await;
            for free in [
                "update inventory_ranges set state = 'cancelled' where source_id = $1",
                "update bookings set status = 'cancelled' where id = $1",
            ] {
                rival.sql.execute(free, &[&booking]).await.unwrap();
            }
            let (approved, waited) = tokio::join!(approve(&fixture, &token, next, with_key), async {
                let waited = rival.is_waited_for(&fixture).await;
                rival.tell("booking_cancelled", Some(booking), None).await;
                waited
            });
            assert!(waited, "nobody waited: {}", approved.body);
            assert_eq!(approved.ok()["outcome"], "approved", "{layout:?}");
            let last = if auto_decline { "auto_declined" } else { "approved" };
            let told = told_until(&mut feed, last).await;
            let expected = ["booking_cancelled", "approved", "auto_declined"];
            assert_eq!(told, expected[..2 + usize::from(auto_decline)], "{layout:?}");
            day += 10;
        }
        let tick = "select count(*) from booking_events freed join booking_events made on made.action = 'approved' \
            and made.tick < freed.tick and made.at > freed.at where freed.action = 'booking_cancelled'";
        assert_eq!(fixture.count(tick, &[]).await, 0, "{layout:?}");
    }
}

/// The wait comes after the booking, for the range. In the single table an approval looks
/// at the ranges first and waits for none: a block that still stands is a conflict.
#[tokio::test]
async fn an_approval_that_waits_for_the_end_of_a_block_is_told_after_it() {
    for layout in [Layout::Standard] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let block = json!({"start_date": "2031-01-10", "end_date": "2031-01-12"});
        let block = fixture.post(&format!("/v1/properties/{LAKE_HOUSE}/blocks"), &token, &block).await;
        let block: Uuid = block.ok()["id"].as_str().unwrap().parse().unwrap();
        let id = fixture.open_request(demo::TENANT, 1, 0, 1).await;
        let move_it = format!(
            "update {} set check_in = '2031-01-09', check_out = '2031-01-13' where id = $1",
            layout.requests()
        );
        fixture.execute(&move_it, &[&id]).await;
        let mut feed = fixture
            .booking()
            .watch_booking_requests(signed(WatchBookingRequestsRequest::default(), &token))
            .await
            .unwrap()
            .into_inner();
        feed.message().await.unwrap().unwrap();
        let rival = Rival::begin(&fixture).await;
        rival
            .sql
            .execute("update inventory_ranges set state = 'cancelled' where id = $1", &[&block])
            .await
            .unwrap();
        let (approved, waited) = tokio::join!(approve(&fixture, &token, id, false), async {
            let waited = rival.is_waited_for(&fixture).await;
            rival.tell("unblocked", None, Some(block)).await;
            waited
        });
        assert!(waited, "nobody waited: {}", approved.body);
        assert_eq!(approved.ok()["outcome"], "approved", "{layout:?}");
        assert_eq!(told_until(&mut feed, "approved").await, ["unblocked", "approved"], "{layout:?}");
    }
}
