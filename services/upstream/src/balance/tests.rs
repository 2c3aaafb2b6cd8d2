//! Addresses that are bad in every way that an address can be, beside one that is good: calls
//! go to that one, and nobody waits for the others. And more calls than connections take.

mod address;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use http::HeaderMap;
use http_body_util::{BodyExt, Full};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tonic::transport::Server;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use self::address::{Address, Keeps, bind_again, black_hole, closed, ended, with_trailers};
use super::*;
use crate::endpoint::{CONNECTIONS, One};
use crate::health::ask;

const ASK_TIME: Duration = Duration::from_secs(2);
/// What takes longer never ends.
const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn an_address_that_is_dead_is_passed_over_and_said() {
    let upstream: Upstream = "127.0.0.1:1".parse().unwrap();
    let error = upstream.call(Request::new(Body::empty()), None).await.unwrap_err();
    assert!(error.at.is_none() && error.to_string().contains("127.0.0.1:1"), "{error}");
    assert_eq!(upstream.health().await, Health::Unreachable);
}

#[tokio::test]
async fn a_crowd_that_comes_before_the_first_lookup_shares_its_connections() {
    let listener = TcpListener::bind("localhost:0").await.unwrap();
    let upstream: Upstream = format!("localhost:{}", listener.local_addr().unwrap().port()).parse().unwrap();
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&accepted);
    let incoming = futures::stream::unfold(listener, move |listener| {
        let count = Arc::clone(&count);
        async move {
            let accepted = listener.accept().await.map(|(stream, _)| stream);
            count.fetch_add(1, Ordering::Relaxed);
            Some((accepted, listener))
        }
    });
    let (_, health) = tonic_health::server::health_reporter();
    tokio::spawn(Server::builder().add_service(health).serve_with_incoming(incoming));
    let calls = (0..200).map(|_| ask(upstream.clone(), ASK_TIME * 5));
    let answers = futures::future::join_all(calls).await;
    assert!(answers.iter().all(|answer| *answer == Health::Serving), "{answers:?}");
    assert_eq!(accepted.load(Ordering::Relaxed), CONNECTIONS);
}

/// Streams do not end, and a connection takes so many: a call would wait forever.
#[tokio::test]
async fn more_streams_than_connections_take_leave_room_for_calls() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream: Upstream = listener.local_addr().unwrap().to_string().parse().unwrap();
    let (_, health) = tonic_health::server::health_reporter();
    let server = Server::builder().max_concurrent_streams(boot::MAX_CALLS).add_service(health);
    tokio::spawn(server.serve_with_incoming(tonic::transport::server::TcpIncoming::from(listener)));
    let mut streams = Vec::new();
    for _ in 0..=CONNECTIONS * boot::MAX_CALLS as usize {
        let watch = HealthClient::new(upstream.clone()).watch(HealthCheckRequest::default()).await;
        streams.push(watch.unwrap().into_inner());
    }
    assert_eq!(ask(upstream.clone(), ASK_TIME).await, Health::Serving);
    let endpoint = Arc::clone(&upstream.pool.endpoints().await.unwrap()[0]);
    assert_eq!(ask(One(endpoint), ASK_TIME).await, Health::Serving);
}

fn upstream(addresses: &[SocketAddr]) -> Upstream {
    let addresses: Vec<String> = addresses.iter().map(SocketAddr::to_string).collect();
    addresses.join(",").parse().unwrap()
}

/// A call, whose answer is read to its end: how it ended, as gRPC says it, or that it was lost.
async fn call(upstream: &Upstream) -> String {
    let mut request = Request::new(Body::empty());
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = "/x.X/Y".parse().unwrap();
    let (head, body) = match upstream.call(request, None).await {
        Ok((_, answer)) => answer.into_parts(),
        Err(error) => return error.to_string(),
    };
    let status =
        |headers: &HeaderMap| headers.get("grpc-status").map(|value| value.to_str().unwrap().to_owned());
    if let Some(status) = status(&head.headers) {
        return status;
    }
    match body.collect().await {
        Ok(read) => read.trailers().and_then(status).unwrap_or_else(|| "no status".to_owned()),
        Err(error) => error.to_string(),
    }
}

/// So many calls by 32 callers at once: how those ended that did not succeed.
async fn callers(upstream: &Upstream, calls: usize) -> Vec<String> {
    let mut callers = JoinSet::new();
    for _ in 0..32 {
        let upstream = upstream.clone();
        callers.spawn(async move {
            let mut failed = Vec::new();
            for _ in 0..calls {
                let called = tokio::time::timeout(PATIENCE, call(&upstream)).await;
                let ended = called.unwrap_or_else(|_| "never".to_owned());
                failed.extend((ended != "0").then_some(ended));
            }
            failed
        });
    }
    callers.join_all().await.concat()
}

/// How many calls have waited for a connection.
fn waited(upstream: &Upstream) -> u64 {
    upstream.pool.waited.get()
}

const NONE: [String; 0] = [];

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_an_address_that_cannot_be_connected_to() {
    let (well, (hole, _waiting)) = (Address::well().await, black_hole().await);
    // The system takes connections for it, and it says nothing on them.
    let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for bad in [hole, deaf.local_addr().unwrap(), closed().await] {
        let upstream = upstream(&[bad, well.addr]);
        assert_eq!(callers(&upstream, 1).await, NONE);
        let before = waited(&upstream);
        // Over several of its attempts to connect.
        for _ in 0..4 {
            assert_eq!(callers(&upstream, 20).await, NONE, "beside {bad}");
            tokio::time::sleep(Duration::from_millis(1100)).await;
        }
        assert_eq!(waited(&upstream), before, "beside {bad}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_of_connecting_is_told_to_all_who_come_while_nobody_else_is_there() {
    let (hole, _waiting) = black_hole().await;
    let upstream = upstream(&[hole]);
    let mut first = JoinSet::new();
    for _ in 0..32 {
        let upstream = upstream.clone();
        first.spawn(async move { call(&upstream).await });
    }
    for ended in first.join_all().await {
        assert!(ended.contains("does not answer in 2 s"), "{ended}");
    }
    // Who comes then is told the same, and waits a moment at most while it is tried again.
    for _ in 0..3 {
        let ended = call(&upstream).await;
        assert!(ended.contains("does not answer"), "{ended}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_comes_back_takes_calls_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener);
    let upstream = upstream(&[addr]);
    assert!(call(&upstream).await.contains("refused"));
    for _ in 0..3 {
        let listener = bind_again(addr).await;
        let back = Address::at(listener, Keeps::Connections, |_| async { ended("0", &[]) });
        while call(&upstream).await != "0" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(callers(&upstream, 5).await, NONE);
        drop(back);
        while call(&upstream).await == "0" {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_whose_calls_fail_is_left_out_whatever_it_says_of_its_health() {
    let unavailable = Address::new(Keeps::Connections, |_| async { ended("14", &[]) }).await;
    let late = Address::new(Keeps::Connections, |_| async {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", "14".parse().unwrap());
        with_trailers(b"\0\0\0\0\0", trailers)
    });
    let late = late.await;
    let no_grpc = Address::new(Keeps::Connections, |_| async {
        Response::builder().status(502).body(Full::default().boxed()).unwrap()
    });
    let no_grpc = no_grpc.await;
    let dropping = Address::new(Keeps::Nothing, |_| std::future::pending()).await;
    for bad in [unavailable, late, no_grpc, dropping] {
        let well = Address::well().await;
        let upstream = upstream(&[bad.addr, well.addr]);
        let mut failed = 0;
        for _ in 0..200 {
            failed += usize::from(call(&upstream).await != "0");
        }
        // Five one after the other; by chance it is not asked until it is connected.
        assert!(failed <= 5 && bad.calls() <= 5, "{failed} have failed, {} came there", bad.calls());
        // What it says of itself does not bring it back: it is asked, and then some more.
        tokio::time::sleep(Duration::from_millis(200)).await;
        let before = bad.calls();
        let failed = callers(&upstream, 20).await;
        assert!(failed.len() <= 1 && bad.calls() - before <= 1, "{failed:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_that_all_fail_and_those_without_room_are_all_asked() {
    let refuse = |more: &'static [(&'static str, &'static str)]| {
        Address::new(Keeps::Connections, move |_| async move { ended("14", more) })
    };
    // OVERLOADED of frontdesk, as its services write it.
    let overloaded = "CA4SA05vLhpDCih0eXBlLmdvb2dsZWFwaXMuY29tL2dvb2dsZS5ycGMuRXJyb3JJbmZvEhcKCk9WRVJMT0FERUQSCWZyb250ZGVzaw==";
    let full: &'static [(&str, &str)] = Box::leak(Box::new([("grpc-status-details-bin", overloaded)]));
    let both_fail = ("both fail", refuse(&[]).await, refuse(&[]).await);
    for (what, one, other) in [both_fail, ("one is full", refuse(full).await, Address::well().await)] {
        let upstream = upstream(&[one.addr, other.addr]);
        // Until both are connected.
        while one.calls() == 0 || other.calls() == 0 {
            call(&upstream).await;
        }
        let before = [one.calls(), other.calls()];
        for _ in 0..200 {
            call(&upstream).await;
        }
        let taken = [one.calls() - before[0], other.calls() - before[1]];
        assert!(taken[0] > 40 && taken[1] > 40, "{what}: {taken:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_answers_no_call_keeps_nobody_who_comes_a_second_later() {
    let hangs = Address::new(Keeps::Connections, |_| std::future::pending()).await;
    let half = Address::new(Keeps::Half, |_| std::future::pending()).await;
    for bad in [hangs, half] {
        let well = Address::well().await;
        let upstream = upstream(&[bad.addr, well.addr]);
        let mut lost = JoinSet::new();
        while bad.calls() == 0 {
            let upstream = upstream.clone();
            lost.spawn(async move { call(&upstream).await });
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let before = bad.calls();
        // Also when those who wait have given up.
        for round in 0..3 {
            assert_eq!(callers(&upstream, 10).await, NONE, "in round {round}");
            if round == 1 {
                lost.shutdown().await;
            }
        }
        // It says that it serves, and gets a call now and then.
        assert!(bad.calls() - before <= 1, "{} more came there", bad.calls() - before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_that_close_their_connections_between_calls_lose_none() {
    let goes_away = async || Address::new(Keeps::OneCall, |_| async { ended("0", &[]) }).await;
    let (one, other, well) = (goes_away().await, goes_away().await, Address::well().await);
    for addresses in [vec![one.addr], vec![one.addr, other.addr], vec![one.addr, well.addr]] {
        let upstream = upstream(&addresses);
        for _ in 0..100 {
            assert_eq!(call(&upstream).await, "0");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_flaps_costs_no_more_than_the_calls_that_it_had() {
    let (well, flaps) = (Address::well().await, closed().await);
    let over = Arc::new(AtomicBool::new(false));
    let is_over = Arc::clone(&over);
    let flapping = tokio::spawn(async move {
        while !is_over.load(Ordering::Relaxed) {
            let listener = bind_again(flaps).await;
            let there = Address::at(listener, Keeps::Connections, |_| async { ended("0", &[]) });
            tokio::time::sleep(Duration::from_millis(150)).await;
            drop(there);
            // Whoever connects is let in and left.
            if let Ok(Ok((mut left, _))) =
                tokio::time::timeout(Duration::from_millis(100), bind_again(flaps).await.accept()).await
            {
                left.shutdown().await.unwrap();
            }
        }
    });
    let upstream = upstream(&[flaps, well.addr]);
    let (mut failed, mut calls) = (Vec::new(), 0);
    while calls < 3_000 {
        failed.extend(callers(&upstream, 5).await);
        calls += 160;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    over.store(true, Ordering::Relaxed);
    flapping.await.unwrap();
    // At most those under way when it went, each time that it did.
    assert!(failed.len() < calls / 10, "{} of {calls}: {failed:?}", failed.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_less_to_do_gets_more_calls() {
    let well = Address::well().await;
    let slow = Address::new(Keeps::Connections, |_| async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        ended("0", &[])
    });
    let slow = slow.await;
    let upstream = upstream(&[slow.addr, well.addr]);
    assert_eq!(callers(&upstream, 40).await, NONE);
    let (slow, well) = (slow.calls(), well.calls());
    assert!(slow > 0 && well > 4 * slow, "{slow} and {well}");
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_that_cannot_be_read_are_readable_when_they_come() {
    type Bad = (&'static str, &'static [(&'static str, &'static str)], tonic::Code);
    let bad: [Bad; 5] = [
        ("5", &[("grpc-status-details-bin", "CAU=,CAU=")], tonic::Code::NotFound),
        ("5", &[("grpc-message", "%FF%zz")], tonic::Code::NotFound),
        ("99", &[], tonic::Code::Unknown),
        ("", &[], tonic::Code::Unknown),
        ("5", &[("grpc-status", "7"), ("grpc-status-details-bin", "!")], tonic::Code::NotFound),
    ];
    for (status, more, code) in bad {
        let mut trailers = HeaderMap::new();
        trailers.append("grpc-status", status.parse().unwrap());
        for (name, value) in more {
            trailers.append(*name, value.parse().unwrap());
        }
        let answer = Address::new(Keeps::Connections, move |call| {
            let trailers = trailers.clone();
            async move {
                if call % 2 == 0 {
                    return with_trailers(b"", trailers);
                }
                let mut answer = ended("", &[]);
                *answer.headers_mut() = trailers;
                answer
            }
        });
        let answer = answer.await;
        let upstream = upstream(&[answer.addr]);
        for _ in 0..2 {
            // tonic's own client reads them.
            let mut client = tonic::client::Grpc::new(upstream.clone());
            let request = tonic::Request::new(());
            client.ready().await.unwrap();
            let path = http::uri::PathAndQuery::from_static("/x.X/Y");
            let codec = tonic_prost::ProstCodec::<(), ()>::default();
            let status = client.unary(request, path, codec).await.unwrap_err();
            assert_eq!(status.code(), code, "{status:?}");
        }
    }
}
