//! The feed: every event once, in one order, without a gap, and only for those
//! who may still read it.

use std::time::Duration;

use frontdesk::demo;
use frontdesk_proto::booking::v1::{
    BookingRequestEventKind, WatchBookingRequestsRequest, WatchBookingRequestsResponse,
};
use frontdesk_proto::{ErrorReason, reason_of};
use futures::future::join_all;
use serde_json::json;
use tokio::time::timeout;
use tonic::Streaming;
use uuid::Uuid;

use crate::fixture::{Fixture, HARBOUR_LOFT, LAKE_HOUSE, Layout, case, path_of, signed, tenant_path};
use crate::identity::client_tokens::client;
use crate::identity::delegation::delegated;
use crate::identity::view_as::view;

type Feed = Streaming<WatchBookingRequestsResponse>;

async fn watch(fixture: &Fixture, token: &str, cursor: &str) -> Feed {
    let message = WatchBookingRequestsRequest { cursor: cursor.to_owned(), ..Default::default() };
    fixture.booking().watch_booking_requests(signed(message, token)).await.unwrap().into_inner()
}

/// The next event and its cursor; heartbeats are passed over.
async fn next(feed: &mut Feed) -> (BookingRequestEventKind, String, String) {
    let wait = async {
        loop {
            let message = feed.message().await.unwrap().unwrap();
            if let Some(event) = message.event {
                return (event.kind(), event.id, message.cursor);
            }
        }
    };
    timeout(Duration::from_secs(10), wait).await.expect("an event in time")
}

#[tokio::test]
async fn a_watcher_hears_what_happens_and_goes_on_from_any_cursor() {
    use BookingRequestEventKind::{Approved, Cancelled, Healed, ReviewStarted};
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let mut feed = watch(&fixture, &token, "").await;
        let first = feed.message().await.unwrap().unwrap();
        assert!(first.event.is_none() && !first.cursor.is_empty(), "a heartbeat opens the stream");
        fixture.post(&path_of(case("REQUESTED"), "/review"), &token, &json!({})).await.ok();
        fixture.post(&path_of(case("REQUESTED"), "/approve"), &token, &json!({})).await.ok();
        fixture.post(&path_of(case("INVENTORY_ACTIVE"), "/approve"), &token, &json!({})).await.ok();
        fixture.post(&path_of(case("UNDER_REVIEW"), "/cancel"), &token, &json!({})).await.ok();
        let mut heard = Vec::new();
        for _ in 0..4 {
            heard.push(next(&mut feed).await);
        }
        let kinds: Vec<_> = heard.iter().map(|(kind, ..)| *kind).collect();
        assert_eq!(kinds, [ReviewStarted, Approved, Healed, Cancelled], "{layout:?}");
        for (at, (.., cursor)) in heard.iter().enumerate().take(3) {
            let mut resumed = watch(&fixture, &token, cursor).await;
            for expected in &heard[at + 1..] {
                assert_eq!(&next(&mut resumed).await, expected);
            }
        }
        let mut again = watch(&fixture, &token, &first.cursor).await;
        assert_eq!(next(&mut again).await, heard[0]);
    }
}

#[tokio::test]
async fn an_event_of_an_older_transaction_holds_nobody_up_and_is_told_when_it_is_committed() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let mut feed = watch(&fixture, &token, "").await;
    feed.message().await.unwrap().unwrap();
    // Another writer has an event in a transaction that is still open.
    let id = Uuid::now_v7();
    fixture.sql.batch_execute("begin").await.unwrap();
    let stored = fixture
        .execute(
            "insert into booking_events (tenant_id, id, at, booking_request_id, action) \
             values ($1, $2, now(), $3, 'declined')",
            &[&demo::TENANT, &id, &case("DECLINED")],
        )
        .await;
    assert_eq!(stored, 1);
    fixture.post(&path_of(case("REQUESTED"), "/approve"), &token, &json!({})).await.ok();
    // It led to nothing that anybody could have seen, so the younger one is told.
    let (kind, _, cursor) = next(&mut feed).await;
    assert_eq!(kind, BookingRequestEventKind::Approved);
    let early = timeout(Duration::from_secs(2), next(&mut feed)).await;
    assert!(early.is_err(), "an event that is not committed was told: {early:?}");
    fixture.sql.batch_execute("commit").await.unwrap();
    let mut resumed = watch(&fixture, &token, &cursor).await;
    for feed in [&mut feed, &mut resumed] {
        let (kind, heard, _) = next(feed).await;
        assert_eq!((kind, heard), (BookingRequestEventKind::Declined, id.to_string()));
    }
}

#[tokio::test]
async fn an_event_of_a_later_version_ends_no_stream_and_no_history() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let mut feed = watch(&fixture, &token, "").await;
    feed.message().await.unwrap().unwrap();
    let (id, request) = (Uuid::now_v7(), case("OVERLAP_SAME_GUEST"));
    let stored = fixture
        .execute(
            "insert into booking_events (tenant_id, id, at, booking_request_id, action, evidence) values \
             ($1, $2, now() - interval '1 second', $3, 'repriced', ''), \
             ($1, gen_random_uuid(), now(), $3, 'healed', 'oracle')",
            &[&demo::TENANT, &id, &request],
        )
        .await;
    assert_eq!(stored, 2);
    let (kind, heard, _) = next(&mut feed).await;
    assert_eq!((kind, heard), (BookingRequestEventKind::Unspecified, id.to_string()));
    assert_eq!(next(&mut feed).await.0, BookingRequestEventKind::Healed);
    let history = fixture.get(&path_of(request, "/history"), &token).await;
    assert_eq!(history.ok()["events"][0]["kind"], "unspecified", "{}", history.body);
    assert_eq!(history.body["events"][1]["evidence"], "unspecified");
    let approve = fixture.approve(&token, request).await;
    assert_eq!(approve.ok()["evidence"], "fulfilled_by_overlap_same_guest");
    assert_eq!(next(&mut feed).await.0, BookingRequestEventKind::Healed);
}

#[tokio::test(flavor = "multi_thread")]
async fn under_16_writers_every_event_comes_once_across_reconnects() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let mut requests = Vec::new();
    for client in 0..64 {
        requests.push(fixture.open_request(demo::TENANT, client, 600, 602).await);
    }
    let start = watch(&fixture, &token, "").await.message().await.unwrap().unwrap().cursor;
    let write = join_all((0..16).map(async |writer| {
        for id in requests.iter().skip(writer).step_by(16) {
            fixture.post(&path_of(*id, "/review"), &token, &json!({})).await.ok();
            let approve = fixture.approve(&token, *id).await;
            assert!(matches!(approve.status, 200 | 409), "{}", approve.body);
            fixture.post(&path_of(*id, "/cancel"), &token, &json!({})).await.ok();
        }
    }));
    // Reads seven events at a time and then reconnects.
    let read = async {
        let (mut heard, mut cursor) = (Vec::new(), start);
        loop {
            let mut feed = watch(&fixture, &token, &cursor).await;
            for _ in 0..7 {
                match timeout(Duration::from_secs(8), next(&mut feed)).await {
                    Ok((_, id, at)) => {
                        heard.push(id);
                        cursor = at;
                    }
                    Err(_) => return heard,
                }
            }
        }
    };
    let (_, heard) = tokio::join!(write, read);
    let stored = fixture.sql.query("select id::text from booking_events order by number", &[]).await.unwrap();
    let stored: Vec<String> = stored.iter().map(|row| row.get(0)).collect();
    assert!(stored.len() >= 2 * 64, "{}", stored.len());
    assert_eq!(heard, stored);
}

#[tokio::test]
async fn a_watcher_hears_its_own_tenant_and_property_only() {
    let fixture = Fixture::start().await;
    let (token, foreign) = (fixture.manager().await, fixture.token(demo::OTHER_OWNER).await);
    let mut theirs = watch(&fixture, &foreign, "start").await;
    theirs.message().await.unwrap().unwrap();
    let message = WatchBookingRequestsRequest { cursor: String::new(), property_id: LAKE_HOUSE.to_string() };
    let mut lake =
        fixture.booking().watch_booking_requests(signed(message, &token)).await.unwrap().into_inner();
    lake.message().await.unwrap().unwrap();
    fixture.post(&path_of(case("REQUESTED"), "/approve"), &token, &json!({})).await.ok();
    let own = fixture.open_request(demo::TENANT, 1, 40, 43).await;
    fixture.approve(&token, own).await.ok();
    let body = json!({
        "property_id": HARBOUR_LOFT, "guest_id": "0d000000-0000-7000-8000-000000000311",
        "check_in": "2031-01-01", "check_out": "2031-01-02",
    });
    let made = fixture.post("/v1/booking-requests", &foreign, &body).await;
    made.ok();
    let event = lake.message().await.unwrap().unwrap().event.unwrap();
    assert_eq!(event.booking_request_id, own.to_string());
    let event = theirs.message().await.unwrap().unwrap().event.unwrap();
    assert_eq!(event.booking_request_id, made.body["id"].as_str().unwrap());
}

/// Why a stream ends in which nothing happens.
async fn end_of(feed: &mut Feed) -> Option<ErrorReason> {
    let ended = timeout(Duration::from_secs(20), async {
        loop {
            match feed.message().await {
                Ok(Some(message)) => assert!(message.event.is_none()),
                Ok(None) => panic!("ended without a reason"),
                Err(status) => return status,
            }
        }
    });
    reason_of(&ended.await.expect("the stream ends"))
}

#[tokio::test]
async fn a_stream_ends_with_the_key_of_a_client_or_the_session_of_whoever_looks() {
    let fixture = Fixture::start().await;
    let client = client(&fixture, &["bookings:view"], &[]).await;
    let for_manager = delegated(&fixture, &client, &fixture.manager().await).await;
    let (operator, _, seen) = view(&fixture, demo::MANAGER).await;
    let mut feeds = Vec::new();
    for token in [&client.token(&fixture, "").await, &for_manager, &seen] {
        let mut feed = watch(&fixture, token, "").await;
        feed.message().await.unwrap().unwrap();
        feeds.push(feed);
    }
    let owner = fixture.token(demo::OWNER).await;
    fixture.delete(&tenant_path(&format!("/api-keys/{}", client.id)), &owner).await.ok();
    fixture.post("/v1/auth/logout", &operator, &json!({})).await.ok();
    for mut feed in feeds {
        assert_eq!(end_of(&mut feed).await, Some(ErrorReason::SessionEnded));
    }
}

#[tokio::test]
async fn a_stream_ends_when_the_tenant_is_to_be_deleted() {
    let fixture = Fixture::start().await;
    let (operator, _, seen) = view(&fixture, demo::MANAGER).await;
    let mut feeds = Vec::new();
    for token in [&fixture.manager().await, &seen] {
        let mut feed = watch(&fixture, token, "").await;
        feed.message().await.unwrap().unwrap();
        feeds.push(feed);
    }
    fixture.post(&tenant_path("/delete"), &operator, &json!({"reason": "has moved away"})).await.ok();
    for mut feed in feeds {
        assert_eq!(end_of(&mut feed).await, Some(ErrorReason::TenantDeleted));
    }
}

#[tokio::test]
async fn a_stream_ends_with_the_session() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let mut feed = watch(&fixture, &token, "").await;
    feed.message().await.unwrap().unwrap();
    let logout = fixture.post("/v1/auth/logout", &token, &json!({})).await;
    assert_eq!(logout.status, 200, "{}", logout.body);
    assert_eq!(end_of(&mut feed).await, Some(ErrorReason::SessionEnded));
}

/// What was handed out to it, or what it has read for itself, waits for a caller who reads
/// slowly. Of that only what is on its way is still sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_with_much_to_send_ends_with_the_session() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let mut live = watch(&fixture, &token, "").await;
    let cursor = live.message().await.unwrap().unwrap().cursor;
    // A connection takes a few of them.
    let many = "insert into booking_events (tenant_id, id, at, booking_request_id, action, overridden_rules) \
        select $1, gen_random_uuid(), now(), $2, 'repriced', array[repeat('x', 30000)] \
        from generate_series(1, 400)";
    fixture.execute(many, &[&demo::TENANT, &case("DECLINED")]).await;
    let numbered = "select count(*) from booking_events where number is not null and action = 'repriced'";
    fixture.until(numbered, &[], 400).await;
    let mut saved = watch(&fixture, &token, &cursor).await;
    for feed in [&mut live, &mut saved] {
        next(feed).await;
    }
    fixture.post("/v1/auth/logout", &token, &json!({})).await.ok();
    // By then every service has heard of it.
    tokio::time::sleep(Duration::from_millis(250)).await;
    for mut feed in [live, saved] {
        let ended = timeout(Duration::from_secs(10), end_after(&mut feed)).await;
        let (heard, reason) = ended.expect("the stream ends");
        assert_eq!(reason, Some(ErrorReason::SessionEnded));
        assert!(heard < 90, "{heard} of 400 events after the session's end");
    }
}

/// How many events come before a stream ends, and why it does.
async fn end_after(feed: &mut Feed) -> (usize, Option<ErrorReason>) {
    let mut heard = 0;
    loop {
        match feed.message().await {
            Ok(message) => heard += usize::from(message.expect("a reason").event.is_some()),
            Err(status) => return (heard, reason_of(&status)),
        }
    }
}

#[tokio::test]
async fn a_wrong_cursor_and_a_missing_scope_are_refused_at_once() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    for (cursor, property_id) in [("nonsense", ""), ("", "nonsense")] {
        let message =
            WatchBookingRequestsRequest { cursor: cursor.to_owned(), property_id: property_id.to_owned() };
        let status = fixture.booking().watch_booking_requests(signed(message, &token)).await.unwrap_err();
        assert_eq!(reason_of(&status), Some(ErrorReason::InvalidField));
    }
    fixture.get("/v1/booking-requests/watch", "x").await.refused(401, "TOKEN_INVALID");
    let json = fixture.request(reqwest::Method::GET, "/v1/booking-requests/watch").bearer_auth(&token);
    let answer = crate::fixture::Answer::of(json.header("accept", "application/xml")).await;
    answer.refused(406, "NOT_ACCEPTABLE");
}

#[tokio::test]
async fn over_rest_a_stream_is_lines_or_events() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    for (accept, content_type) in
        [("*/*", "application/x-ndjson"), ("text/event-stream", "text/event-stream")]
    {
        let request = fixture
            .request(reqwest::Method::GET, "/api/v1/booking-requests/watch?cursor=start")
            .bearer_auth(&token)
            .header("accept", accept);
        let mut response = request.send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (200, &content_type.parse().unwrap())
        );
        let first = response.chunk().await.unwrap().unwrap();
        let text = String::from_utf8(first.to_vec()).unwrap();
        let (id, line) = match text.strip_prefix("id: ") {
            Some(event) => event.split_once("\ndata: ").unwrap(),
            None => ("", text.as_str()),
        };
        let json: serde_json::Value = serde_json::from_str(line.trim_end()).unwrap();
        assert!(json["cursor"].is_string() && json["event"].is_null(), "{text}");
        assert_eq!(id, if accept == "*/*" { "" } else { json["cursor"].as_str().unwrap() });
    }
    // An array is whole JSON when the time that was asked for is over.
    let request = fixture
        .request(reqwest::Method::GET, "/v1/booking-requests/watch?cursor=start")
        .bearer_auth(&token)
        .header("accept", "application/json")
        .header("x-request-timeout", "0.7");
    let response = request.send().await.unwrap();
    assert_eq!(&response.headers()["content-type"], "application/json");
    let items: Vec<serde_json::Value> = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    let (last, before) = items.split_last().unwrap();
    assert_eq!(last["error"]["code"], "DEADLINE_EXCEEDED");
    assert_eq!(last["error"]["type"], "/runbook/DEADLINE_EXCEEDED");
    assert!(!before.is_empty() && before.iter().all(|item| item["cursor"].is_string()));
}
