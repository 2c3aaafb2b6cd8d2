//! Many who watch: limits, those who cannot keep up or read no more, and other processes.

use std::time::{Duration, Instant};

use booking::operator::{CreateCustomerRequest, Format, Operator, Reader};
use frontdesk::demo;
use frontdesk::system::Policies;
use frontdesk_proto::booking::v1::WatchBookingRequestsRequest;
use frontdesk_proto::booking::v1::booking_request_service_client::BookingRequestServiceClient;
use frontdesk_proto::{ErrorReason, Refusal, reason_of};
use futures::future::join_all;
use identity::Policy;
use pg::{Database, PoolOptions};
use serde_json::json;
use tokio::time::timeout;
use tonic::Status;

use super::cursors::{Feed, all, try_watch};
use crate::fixture::{Fixture, case, channel, path_of, signed, system};
use crate::identity::client_tokens::client;
use crate::identity::delegation::delegated;
use crate::identity::view_as::view;

fn limit(refused: &Status) -> (String, String) {
    let refusal = Refusal::from_status(refused).unwrap();
    let value = |of: &str| refusal.metadata().find(|(name, _)| *name == of).unwrap().1.to_owned();
    (value("limit"), value("setting"))
}

#[tokio::test]
async fn a_session_and_a_tenant_have_no_more_streams_than_they_may() {
    let policy = booking::Policy {
        most_streams: 6,
        most_streams_of_tenant: 5,
        most_streams_of_session: 2,
        ..booking::Policy::default()
    };
    let fixture = Fixture::start_under(Policies { booking: policy, ..Policies::default() }).await;
    let mut open: Vec<Feed> = Vec::new();
    for round in 0..3 {
        let token = fixture.manager().await;
        for _ in 0..2 {
            let stream = try_watch(&fixture, &token, "").await;
            if round < 2 || open.len() < 5 {
                open.push(stream.unwrap());
            } else {
                let refused = stream.unwrap_err();
                assert_eq!(reason_of(&refused), Some(ErrorReason::TooManyStreams));
                assert_eq!(limit(&refused), ("5".to_owned(), "WATCH_LIMIT_TENANT".to_owned()));
            }
        }
        if round < 2 {
            let refused = try_watch(&fixture, &token, "").await.unwrap_err();
            assert_eq!(reason_of(&refused), Some(ErrorReason::TooManyStreams));
            assert_eq!(limit(&refused), ("2".to_owned(), "WATCH_LIMIT_SESSION".to_owned()));
            fixture.get("/v1/booking-requests/watch", &token).await.refused(429, "TOO_MANY_STREAMS");
        }
    }
    // Another tenant has room that the first cannot take.
    let foreign = fixture.token(demo::OTHER_OWNER).await;
    open.push(try_watch(&fixture, &foreign, "").await.unwrap());
    let refused = try_watch(&fixture, &foreign, "").await.unwrap_err();
    assert_eq!(reason_of(&refused), Some(ErrorReason::Overloaded));
    assert_eq!(limit(&refused), ("6".to_owned(), "WATCH_LIMIT_SERVER".to_owned()));
    drop(open);
    let token = fixture.manager().await;
    for _ in 0..100 {
        if try_watch(&fixture, &token, "").await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("closed streams keep their room");
}

#[tokio::test]
async fn whoever_acts_for_a_user_takes_no_room_of_the_users() {
    let policy = booking::Policy { most_streams_of_session: 1, ..booking::Policy::default() };
    let fixture = Fixture::start_under(Policies { booking: policy, ..Policies::default() }).await;
    let manager = fixture.manager().await;
    let client = client(&fixture, &["bookings:view"], &[]).await;
    let (of_client, for_manager) =
        (client.token(&fixture, "").await, delegated(&fixture, &client, &manager).await);
    let for_owner = delegated(&fixture, &client, &fixture.token(demo::OWNER).await).await;
    let (_, _, seen) = view(&fixture, demo::MANAGER).await;
    let mut open: Vec<Feed> = Vec::new();
    // A client has its room once, whomever it acts for.
    for (token, others) in [
        (for_manager, vec![of_client, for_owner]),
        (seen.clone(), vec![seen]),
        (manager.clone(), vec![manager]),
    ] {
        open.push(try_watch(&fixture, &token, "").await.unwrap());
        for other in others {
            let refused = try_watch(&fixture, &other, "").await.unwrap_err();
            assert_eq!(reason_of(&refused), Some(ErrorReason::TooManyStreams));
            assert_eq!(limit(&refused), ("1".to_owned(), "WATCH_LIMIT_SESSION".to_owned()));
        }
    }
    assert_eq!(open.len(), 3);
}

/// A connection to a service takes 1,000 calls, and the gateway begins with two.
#[tokio::test(flavor = "multi_thread")]
async fn more_streams_than_two_connections_take_leave_the_gateway_room_for_calls() {
    let booking = booking::Policy {
        most_streams: 3000,
        most_streams_of_tenant: 3000,
        most_streams_of_session: 3000,
        ..booking::Policy::default()
    };
    let fixture = Fixture::start_under(Policies { booking, ..Policies::default() }).await;
    let token = fixture.manager().await;
    let many = join_all((0..14).map(async |_| {
        let mut api = BookingRequestServiceClient::new(channel(fixture.system.gateway));
        let mut open = Vec::new();
        for _ in 0..150 {
            let call = signed(WatchBookingRequestsRequest::default(), &token);
            let stream = timeout(Duration::from_secs(10), api.watch_booking_requests(call)).await;
            open.push(stream.expect("a stream begins in time").unwrap().into_inner());
        }
        open
    }));
    let mut open: Vec<Feed> = many.await.into_iter().flatten().collect();
    let id = fixture.open_request(demo::TENANT, 1, 900, 901).await;
    let path = path_of(id, "/approve");
    let approved = timeout(Duration::from_secs(5), fixture.post(&path, &token, &json!({}))).await;
    approved.expect("calls have room").ok();
    for feed in &mut open {
        while timeout(Duration::from_secs(10), feed.message())
            .await
            .unwrap()
            .unwrap()
            .unwrap()
            .event
            .is_none()
        {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_keep_up_reads_everything_later_once_and_in_order() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let mut slow = try_watch(&fixture, &token, "").await.unwrap();
    let mut fast = try_watch(&fixture, &token, "").await.unwrap();
    for feed in [&mut slow, &mut fast] {
        feed.message().await.unwrap().unwrap();
    }
    let many = "insert into booking_events (tenant_id, id, at, booking_request_id, action) \
        select $1, gen_random_uuid(), now(), $2, 'repriced' from generate_series(1, 700)";
    let mut quick = Vec::new();
    for _ in 0..6 {
        fixture.execute(many, &[&demo::TENANT, &case("DECLINED")]).await;
        // Events of other programs are found by looking; our own call wakes at once.
        let id = fixture.open_request(demo::TENANT, 1, 900, 901).await;
        fixture.post(&path_of(id, "/review"), &token, &json!({})).await.ok();
        while quick.len() % 701 != 0 || quick.is_empty() || quick.len() < 701 {
            let message = timeout(Duration::from_secs(10), fast.message()).await.unwrap().unwrap().unwrap();
            quick.extend(message.event.map(|event| event.id));
        }
        quick.clear();
    }
    let heard: Vec<String> = all(&mut slow).await.into_iter().map(|(id, _)| id).collect();
    let stored = fixture
        .sql
        .query("select id::text from booking_events where tenant_id = $1 and action in ('repriced', 'review_started') order by number", &[&demo::TENANT])
        .await
        .unwrap();
    let stored: Vec<String> = stored.iter().map(|row| row.get(0)).collect();
    assert_eq!(stored.len(), 6 * 701);
    assert!(heard == stored, "{} heard", heard.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_no_more_is_let_go_and_goes_on_from_the_last_cursor() {
    let policy = booking::Policy { most_streams_of_session: 1, ..booking::Policy::default() };
    let fixture = Fixture::start_under(Policies { booking: policy, ..Policies::default() }).await;
    let token = fixture.manager().await;
    let mut stalled = try_watch(&fixture, &token, "").await.unwrap();
    let mut cursor = stalled.message().await.unwrap().unwrap().cursor;
    // More than fits into the buffers of a connection.
    let many = "insert into booking_events (tenant_id, id, at, booking_request_id, action) \
        select $1, gen_random_uuid(), now(), $2, 'repriced' from generate_series(1, 40000)";
    fixture.execute(many, &[&demo::TENANT, &case("DECLINED")]).await;
    let refused = try_watch(&fixture, &token, "").await.unwrap_err();
    assert_eq!(reason_of(&refused), Some(ErrorReason::TooManyStreams));
    drop(when_there_is_room(&fixture, &token, "").await);
    // What was under way is read, then the reason, and the cursor goes on.
    let mut heard = Vec::new();
    let ended = loop {
        match stalled.message().await {
            Ok(Some(message)) => {
                heard.extend(message.event.map(|event| event.id));
                cursor = message.cursor;
            }
            Ok(None) => panic!("ended without a reason"),
            Err(status) => break status,
        }
    };
    assert_eq!(reason_of(&ended), Some(ErrorReason::Overloaded), "{ended:?}");
    assert!((100..40_000).contains(&heard.len()), "{}", heard.len());
    let mut again = when_there_is_room(&fixture, &token, &cursor).await;
    while heard.len() < 40_000 {
        let message = timeout(Duration::from_secs(10), again.message()).await.unwrap().unwrap().unwrap();
        heard.extend(message.event.map(|event| event.id));
    }
    let stored =
        "select id::text from booking_events where tenant_id = $1 and action = 'repriced' order by number";
    let stored = fixture.sql.query(stored, &[&demo::TENANT]).await.unwrap();
    let stored: Vec<String> = stored.iter().map(|row| row.get(0)).collect();
    assert!(heard == stored, "{} heard", heard.len());
}

/// A stream, as soon as the session may have one more.
async fn when_there_is_room(fixture: &Fixture, token: &str, cursor: &str) -> Feed {
    let began = Instant::now();
    loop {
        match try_watch(fixture, token, cursor).await {
            Ok(feed) => return feed,
            Err(refused) => assert_eq!(reason_of(&refused), Some(ErrorReason::TooManyStreams)),
        }
        assert!(began.elapsed() < Duration::from_mins(1), "a reader that reads nothing keeps its room");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

/// The next event of a stream, and how long it took.
async fn next(feed: &mut Feed, since: Instant) -> Duration {
    let wait = async {
        while feed.message().await.unwrap().unwrap().event.is_none() {}
        since.elapsed()
    };
    timeout(Duration::from_secs(10), wait).await.expect("an event in time")
}

/// Waits until a process listens to the others.
async fn is_heard(fixture: &Fixture) {
    let ears = "select count(*) from pg_stat_activity where datname = current_database() and query like 'listen frontdesk_booking%'";
    fixture.until(ears, &[], 1).await;
}

/// Its process has no streams, and nobody who tells others beside what it does.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_does_at_the_database_is_heard_at_once() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let mut feed = try_watch(&fixture, &token, "").await.unwrap();
    feed.message().await.unwrap().unwrap();
    is_heard(&fixture).await;
    let options = PoolOptions {
        url: fixture.database.url.clone(),
        role: booking::ROLE,
        application_name: "frontdesk-test",
        max_size: 1,
    };
    let operator = Operator::new(Database::new(options).unwrap(), demo::TENANT);
    let mut times = Vec::new();
    for number in 0..3 {
        let since = Instant::now();
        let asked = CreateCustomerRequest { name: format!("Guest {number}"), ..Default::default() };
        assert!(operator.ensure_customer(asked).await.unwrap().created);
        times.push(next(&mut feed, since).await);
        let mut lines = Reader::new(Format::Csv);
        lines.push(format!("name,external_id\nImported {number},{number}\n").as_bytes());
        lines.end();
        let since = Instant::now();
        while let Some(line) = lines.next_line().unwrap() {
            operator.import_line("test", line).await.unwrap();
        }
        operator.ends_import().await;
        times.push(next(&mut feed, since).await);
    }
    times.sort_unstable();
    assert!(times[3] < Duration::from_millis(500), "{times:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_hears_at_once_and_goes_on_without_its_ear() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let replica = system(&fixture.database.url, Policy::default()).await;
    let mut client = BookingRequestServiceClient::new(channel(replica.booking));
    let message = WatchBookingRequestsRequest::default();
    let mut feed = client.watch_booking_requests(signed(message, &token)).await.unwrap().into_inner();
    feed.message().await.unwrap().unwrap();
    is_heard(&fixture).await;
    let mut day = 1000;
    let mut write = async || {
        let id = fixture.open_request(demo::TENANT, 1, day, day + 1).await;
        day += 1;
        let since = Instant::now();
        fixture.post(&path_of(id, "/review"), &token, &json!({})).await.ok();
        since
    };
    let mut quickest = Duration::MAX;
    for _ in 0..5 {
        let since = write().await;
        quickest = quickest.min(next(&mut feed, since).await);
    }
    assert!(quickest < Duration::from_millis(400), "{quickest:?}");
    // Without the connection it looks for itself, and is soon listening again.
    let cut = "select count(pg_terminate_backend(pid)) from pg_stat_activity \
        where datname = current_database() and query like 'listen frontdesk_booking%'";
    assert_eq!(fixture.count(cut, &[]).await, 1);
    let since = write().await;
    next(&mut feed, since).await;
    is_heard(&fixture).await;
    // With the last stream the connection goes as well.
    drop(feed);
    drop(client);
    replica.stop().await.unwrap();
}

#[tokio::test]
async fn silent_streams_have_one_reader() {
    let fixture = Fixture::start().await;
    let (mut open, mut tokens) = (Vec::new(), Vec::new());
    for email in [demo::MANAGER, demo::MANAGER, demo::MANAGER, demo::OTHER_OWNER, demo::OTHER_OWNER] {
        tokens.push(fixture.token(email).await);
    }
    let begun = "select xact_commit + xact_rollback from pg_stat_database where datname = current_database()";
    let in_4_s = async || {
        // A session that is used no more says within ten seconds what it has counted.
        tokio::time::sleep(Duration::from_secs(11)).await;
        let before = fixture.count(begun, &[]).await;
        tokio::time::sleep(Duration::from_secs(4)).await;
        fixture.count(begun, &[]).await - before
    };
    let alone = in_4_s().await;
    for token in &tokens {
        for _ in 0..20 {
            open.push(try_watch(&fixture, token, "").await.unwrap());
        }
    }
    let watched = in_4_s().await;
    // The standing of five sessions, and a look now and then; with a look of each
    // stream every second there would be 400 more.
    assert!(watched < alone + 100, "{watched} transactions in 4 s with 100 silent streams, {alone} without");
}

/// NOTIFY in a change would make every commit of the database wait for the one before.
#[tokio::test(flavor = "multi_thread")]
async fn other_processes_are_told_after_the_commit_and_of_many_changes_at_once() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let options = PoolOptions {
        url: fixture.database.url.clone(),
        role: booking::ROLE,
        application_name: "frontdesk-test",
        max_size: 1,
    };
    let mut listener = Database::new(options).unwrap().listen("frontdesk_booking_events").await.unwrap();
    let mut requests = Vec::new();
    for day in 0..120 {
        requests.push(fixture.open_request(demo::TENANT, 1, 1200 + day, 1201 + day).await);
    }
    let held = requests[0];
    fixture.sql.batch_execute("begin").await.unwrap();
    fixture.sql.execute("select from booking_requests where id = $1 for update", &[&held]).await.unwrap();
    let review = async { fixture.post(&path_of(held, "/review"), &token, &json!({})).await };
    let (review, early) = tokio::join!(review, async {
        let early = timeout(Duration::from_millis(400), listener.next()).await;
        fixture.sql.batch_execute("commit").await.unwrap();
        early
    });
    review.ok();
    assert!(early.is_err(), "told before the commit: {early:?}");
    let told = timeout(Duration::from_secs(5), listener.next()).await.unwrap().unwrap();
    assert!(told.ends_with(&format!(" {}", demo::TENANT.simple())), "{told}");
    let began = Instant::now();
    join_all((0..12).map(async |client| {
        for id in requests[1..].iter().skip(client).step_by(12) {
            fixture.post(&path_of(*id, "/review"), &token, &json!({})).await.ok();
        }
    }))
    .await;
    let most = 2 + began.elapsed().as_millis() / 25;
    let mut notices = 0;
    while timeout(Duration::from_millis(500), listener.next()).await.is_ok() {
        notices += 1;
    }
    assert!((1..=most).contains(&notices), "{notices} notices, {most} at most");
}
