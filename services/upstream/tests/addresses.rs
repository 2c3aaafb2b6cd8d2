//! Addresses that are bad in every way that an address can be, beside one that is good: calls
//! go to that one, and nobody waits for the others.

// A test that cannot go on says where.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tonic::body::Body;
use upstream::Upstream;

/// A call that waits until a connection cannot be made takes two seconds.
const WITHOUT_WAITING: Duration = Duration::from_millis(1900);
const HEALTH: &str = "/grpc.health.v1.Health/Check";

type Answer = Response<BoxBody<Bytes, Infallible>>;

/// An address, while somebody keeps it.
struct Address {
    addr: SocketAddr,
    /// Calls that came there, without questions about its health.
    calls: Arc<AtomicUsize>,
    _running: JoinSet<()>,
}

/// What becomes of a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keeps {
    Connections,
    /// Says GOAWAY after each call.
    OneCall,
    /// Drops the connection under each call.
    Nothing,
    /// Says nothing more from its first call on.
    Half,
}

impl Address {
    /// One that answers each call with what the function makes, and says that it serves.
    async fn new<A>(keeps: Keeps, answer: impl Fn(usize) -> A + Clone + Send + 'static) -> Self
    where
        A: Future<Output = Answer> + Send + 'static,
    {
        Self::at(TcpListener::bind("127.0.0.1:0").await.unwrap(), keeps, answer)
    }

    fn at<A>(
        listener: TcpListener,
        keeps: Keeps,
        answer: impl Fn(usize) -> A + Clone + Send + 'static,
    ) -> Self
    where
        A: Future<Output = Answer> + Send + 'static,
    {
        let (addr, calls) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        let (counted, mut running) = (Arc::clone(&calls), JoinSet::new());
        running.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(serve(stream, keeps, Arc::clone(&counted), answer.clone()));
            }
        });
        Self { addr, calls, _running: running }
    }

    async fn well() -> Self {
        Self::new(Keeps::Connections, |_| async { ended("0", &[]) }).await
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

async fn serve<A>(
    stream: TcpStream,
    keeps: Keeps,
    calls: Arc<AtomicUsize>,
    answer: impl Fn(usize) -> A + Clone + Send + 'static,
) where
    A: Future<Output = Answer> + Send + 'static,
{
    let called = Arc::new(Notify::new());
    let tell = Arc::clone(&called);
    let service = service_fn(move |request: Request<Incoming>| {
        let is_health = request.uri().path() == HEALTH;
        let answered = (!is_health).then(|| answer(calls.fetch_add(1, Ordering::Relaxed)));
        if !is_health {
            tell.notify_one();
        }
        async move {
            match answered {
                Some(answered) => Ok::<_, Infallible>(answered.await),
                None => Ok(serving()),
            }
        }
    });
    let connection = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        _ = &mut connection => return,
        () = called.notified(), if keeps != Keeps::Connections => {}
    }
    match keeps {
        Keeps::OneCall => {
            connection.as_mut().graceful_shutdown();
            connection.await.unwrap_or_default();
        }
        Keeps::Half => std::future::pending().await,
        Keeps::Connections | Keeps::Nothing => {}
    }
}

/// An answer with nothing but its trailers.
fn ended(status: &str, more: &[(&'static str, &'static str)]) -> Answer {
    let mut response =
        Response::builder().header("content-type", "application/grpc").header("grpc-status", status);
    for (name, value) in more {
        response = response.header(*name, *value);
    }
    response.body(Full::default().boxed()).unwrap()
}

/// An answer with a message and these trailers.
fn with_trailers(message: &'static [u8], trailers: HeaderMap) -> Answer {
    let frames = [Ok(Frame::data(Bytes::from_static(message))), Ok(Frame::trailers(trailers))];
    let body = http_body_util::StreamBody::new(futures::stream::iter(frames));
    Response::builder().header("content-type", "application/grpc").body(BodyExt::boxed(body)).unwrap()
}

fn serving() -> Answer {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().unwrap());
    with_trailers(&[0, 0, 0, 0, 2, 8, 1], trailers)
}

/// An address that swallows whoever connects, as one does that is switched off.
async fn black_hole() -> (SocketAddr, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let (addr, mut waiting) = (listener.local_addr().unwrap(), Vec::new());
    // Those that fit into its queue are connected; then nobody is.
    while let Ok(stream) = tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(addr)).await {
        waiting.push(stream.unwrap());
    }
    std::mem::forget(listener);
    (addr, waiting)
}

/// Nobody listens there.
async fn closed() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
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

/// So many calls by 32 callers at once: how those ended that did not succeed, and how many
/// have waited.
async fn callers(upstream: &Upstream, calls: usize) -> (Vec<String>, usize) {
    let mut callers = JoinSet::new();
    for _ in 0..32 {
        let upstream = upstream.clone();
        callers.spawn(async move {
            let (mut failed, mut waited) = (Vec::new(), 0);
            for _ in 0..calls {
                match tokio::time::timeout(WITHOUT_WAITING, call(&upstream)).await {
                    Ok(ended) if ended == "0" => {}
                    Ok(ended) => failed.push(ended),
                    Err(_) => waited += 1,
                }
            }
            (failed, waited)
        });
    }
    let (failed, waited): (Vec<_>, Vec<_>) = callers.join_all().await.into_iter().unzip();
    (failed.concat(), waited.iter().sum())
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_an_address_that_cannot_be_connected_to() {
    let (well, (hole, _waiting)) = (Address::well().await, black_hole().await);
    // The system takes connections for it, and it says nothing on them.
    let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for bad in [hole, deaf.local_addr().unwrap(), closed().await] {
        let upstream = upstream(&[bad, well.addr]);
        // Over several of its attempts to connect.
        for _ in 0..4 {
            assert_eq!(callers(&upstream, 20).await, (vec![], 0), "beside {bad}");
            tokio::time::sleep(Duration::from_millis(1100)).await;
        }
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
    // It is tried again meanwhile, and those who come do not wait as long.
    for _ in 0..3 {
        let ended = tokio::time::timeout(WITHOUT_WAITING, call(&upstream)).await.expect("it waits again");
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
        let listener = TcpListener::bind(addr).await.unwrap();
        let back = Address::at(listener, Keeps::Connections, |_| async { ended("0", &[]) });
        while call(&upstream).await != "0" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(callers(&upstream, 5).await, (vec![], 0));
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
        let (failed, waited) = callers(&upstream, 20).await;
        assert!(failed.len() <= 1 && waited == 0 && bad.calls() - before <= 1, "{failed:?} {waited}");
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
    for (one, other) in [(refuse(&[]).await, refuse(&[]).await), (refuse(full).await, Address::well().await)]
    {
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
        assert!(taken[0] > 40 && taken[1] > 40, "{taken:?}");
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
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let before = bad.calls();
        // Also when those who wait have given up.
        for round in 0..3 {
            assert_eq!(callers(&upstream, 10).await, (vec![], 0), "in round {round}");
            if round == 1 {
                lost.shutdown().await;
            }
        }
        // It is asked how it is, says that it serves, and gets a call now and then.
        assert!(bad.calls() - before <= 2, "{} more came there", bad.calls() - before);
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
            let listener = TcpListener::bind(flaps).await.unwrap();
            let there = Address::at(listener, Keeps::Connections, |_| async { ended("0", &[]) });
            tokio::time::sleep(Duration::from_millis(150)).await;
            drop(there);
            // Whoever connects is let in and left.
            if let Ok(Ok((mut left, _))) = tokio::time::timeout(
                Duration::from_millis(100),
                TcpListener::bind(flaps).await.unwrap().accept(),
            )
            .await
            {
                left.shutdown().await.unwrap();
            }
        }
    });
    let upstream = upstream(&[flaps, well.addr]);
    let (mut failed, mut calls) = (Vec::new(), 0);
    while calls < 3_000 {
        let (some, waited) = callers(&upstream, 5).await;
        assert_eq!(waited, 0);
        calls += 160;
        failed.extend(some);
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
    assert_eq!(callers(&upstream, 40).await, (vec![], 0));
    let (slow, well) = (slow.calls(), well.calls());
    assert!(slow > 0 && well > 4 * slow, "{slow} and {well}");
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_that_cannot_be_read_are_readable_when_they_come() {
    let bad: [(&str, &[(&str, &str)], tonic::Code); 5] = [
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
