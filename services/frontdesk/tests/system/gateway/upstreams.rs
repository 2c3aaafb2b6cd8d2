//! Services that are gone, addresses that die, clients that leave.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use boot::{Stop, StopPolicy};
use frontdesk_proto::booking::v1::ListBookingRequestsRequest;
use frontdesk_proto::booking::v1::booking_request_service_client::BookingRequestServiceClient;
use frontdesk_proto::{ErrorReason, Refusal, rpc};
use http::Response;
use http_body_util::combinators::BoxBody;
use http_body_util::{Empty, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tower::{Layer, ServiceExt};

use crate::fixture::{ANON_KEY, Answer, Fixture, case, channel, path_of};

const REQUESTS: &str = "/v1/booking-requests";

/// A gateway before these addresses, until what runs it is dropped.
async fn gateway(identity: &str, booking: &str) -> (SocketAddr, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let config = gateway::Config {
        listener: listener.into(),
        identity: identity.parse().unwrap(),
        booking: booking.parse().unwrap(),
        policy: gateway::Policy { anon_key: Some(ANON_KEY.to_owned()), ..gateway::Policy::default() },
        version: boot::Version { number: "1.2.3", commit: "4a2c910" },
    };
    let gateway = gateway::Gateway::new(config, &Stop::new(StopPolicy::AT_ONCE)).unwrap();
    let mut running = JoinSet::new();
    running.spawn(gateway.serve());
    (addr, running)
}

/// A service that has every call answered by the function, and says that it serves.
async fn service<A>(answer: impl Fn() -> A + Clone + Send + Sync + 'static) -> SocketAddr
where
    A: Future<Output = Response<Empty<Bytes>>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let answer = answer.clone();
            let service = service_fn(move |request: http::Request<Incoming>| {
                let is_health = request.uri().path() == "/grpc.health.v1.Health/Check";
                let answered = (!is_health).then(&answer);
                async move {
                    match answered {
                        Some(answered) => Ok::<_, Infallible>(answered.await.map(BoxBody::new)),
                        None => Ok(serving()),
                    }
                }
            });
            let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(builder.serve_connection(TokioIo::new(stream), service));
        }
    });
    addr
}

fn serving() -> Response<BoxBody<Bytes, Infallible>> {
    let mut trailers = http::HeaderMap::new();
    trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
    let message = Bytes::from_static(&[0, 0, 0, 0, 2, 8, 1]);
    let frames = [Ok(Frame::data(message)), Ok(Frame::trailers(trailers))];
    let body = BoxBody::new(StreamBody::new(futures::stream::iter(frames)));
    Response::builder().header("content-type", "application/grpc").body(body).unwrap()
}

fn grpc_status(code: &'static str) -> Response<Empty<Bytes>> {
    let response = Response::builder().header("content-type", "application/grpc").header("grpc-status", code);
    response.body(Empty::new()).unwrap()
}

#[tokio::test]
async fn a_service_that_is_gone_is_503_with_the_reason() {
    let (addr, _stop) = gateway("127.0.0.1:1", "127.0.0.1:1").await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for path in [REQUESTS, "/v1/me"] {
        let answer = Answer::of(http.get(format!("http://{addr}{path}"))).await;
        answer.refused(503, "UPSTREAM_UNAVAILABLE");
        assert_eq!(answer.headers["retry-after"], "1");
    }
    let status = BookingRequestServiceClient::new(channel(addr))
        .list_booking_requests(ListBookingRequestsRequest::default())
        .await
        .unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unavailable);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_go_on_at_the_other_address() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let (identity, booking) = (fixture.system.identity, fixture.system.booking);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    // One that nobody listens at: even a decision goes to the other, since nothing was sent.
    let (addr, _stop) = gateway(&identity.to_string(), &format!("127.0.0.1:1,{booking}")).await;
    for _ in 0..6 {
        let url = format!("http://{addr}{}", path_of(case("REQUESTED"), "/review"));
        Answer::of(http.post(url).bearer_auth(&token).json(&json!({}))).await.ok();
    }
    // One that answers UNAVAILABLE: what changes nothing is asked again, a decision is not.
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let broken = service(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        async { grpc_status("14") }
    })
    .await;
    let (addr, _stop) = gateway(&identity.to_string(), &format!("{broken},{booking}")).await;
    // Which one is asked is up to chance.
    while calls.load(Ordering::Relaxed) == 0 {
        Answer::of(http.get(format!("http://{addr}{REQUESTS}")).bearer_auth(&token)).await.ok();
    }
    let (before, mut statuses) = (calls.load(Ordering::Relaxed), Vec::new());
    while !statuses.contains(&503) {
        let url = format!("http://{addr}{}", path_of(case("REQUESTED"), "/review"));
        statuses
            .push(Answer::of_a_stranger(http.post(url).bearer_auth(&token).json(&json!({}))).await.status);
    }
    assert_eq!(calls.load(Ordering::Relaxed), before + 1, "{statuses:?}");
    // It is not asked any more when five have failed there one after the other, although it
    // may say that it is well.
    while calls.load(Ordering::Relaxed) < 5 {
        Answer::of(http.get(format!("http://{addr}{REQUESTS}")).bearer_auth(&token)).await.ok();
    }
    for _ in 0..5 {
        let url = format!("http://{addr}{}", path_of(case("REQUESTED"), "/review"));
        Answer::of(http.post(url).bearer_auth(&token).json(&json!({}))).await.ok();
    }
    assert_eq!(calls.load(Ordering::Relaxed), 5);
}

/// The refusal of a service of a later version, with a reason that this build does
/// not know, as the service's outermost layer sends it.
async fn from_tomorrow() -> Response<Empty<Bytes>> {
    let refuse = tower::service_fn(|_: http::Request<tonic::body::Body>| async {
        let known = Refusal::new(ErrorReason::BookingOverlap, "Not yet.")
            .with("conflict_type", "tomorrow")
            .violation("check_in", "is too early")
            .retry_after(Duration::from_millis(1500));
        let mut refused = known.to_rpc_status();
        let known = refused.details[0].to_msg::<rpc::ErrorInfo>().unwrap();
        let later = rpc::ErrorInfo { reason: "FROM_TOMORROW".to_owned(), ..known };
        refused.details[0].value = later.encode_to_vec();
        let details = refused.encode_to_vec().into();
        let status = tonic::Status::with_details(tonic::Code::ResourceExhausted, "Not yet.", details);
        Ok::<_, Infallible>(status.into_http::<tonic::body::Body>())
    });
    let mut request = http::Request::new(tonic::body::Body::empty());
    request.headers_mut().insert("x-request-id", http::HeaderValue::from_static("of-tomorrow"));
    let answered = boot::Observe::of(&[]).layer(refuse).oneshot(request).await.unwrap();
    answered.map(|_| Empty::new())
}

#[tokio::test]
async fn a_reason_of_a_later_version_keeps_all_that_it_says() {
    let later = service(from_tomorrow).await.to_string();
    let (addr, _stop) = gateway(&later, &later).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    // No method declares the reason: to this build the answer is a stranger's.
    let answer = Answer::of_a_stranger(http.get(format!("http://{addr}{REQUESTS}"))).await;
    answer.refused(429, "FROM_TOMORROW");
    assert_eq!(answer.headers["retry-after"], "2");
    assert_eq!(answer.body["message"], "Not yet.");
    assert_eq!(answer.body["conflict_type"], "tomorrow");
    assert_eq!(answer.body["metadata"], json!({"conflict_type": "tomorrow"}));
    assert_eq!(answer.body["violations"], json!([{"field": "check_in", "description": "is too early"}]));
    let details = answer.body["details"].to_string();
    assert!(details.contains("FROM_TOMORROW") && details.contains("of-tomorrow"), "{details}");
}

/// A service without room, and how many calls it has refused.
async fn full() -> (String, Arc<AtomicUsize>) {
    let refused = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&refused);
    let service = service(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        async {
            let refusal = Refusal::new(ErrorReason::Overloaded, "No.").retry_after(Duration::from_secs(1));
            tonic::Status::from(refusal).into_http::<tonic::body::Body>().map(|_| Empty::new())
        }
    });
    (service.await.to_string(), refused)
}

/// Whichever way it is called: a service without room does not have to refuse every call,
/// also if its caller asks for what the gateway answers itself.
#[tokio::test]
async fn whoever_is_refused_for_want_of_room_is_throttled_on_every_surface() {
    const CALLS: u128 = 60;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for (path, beside, field, header) in [
        ("/v1/auth/refresh", "/v1/nothing", "refresh", ("accept", "*/*")),
        (
            "/auth/v1/token?grant_type=refresh_token",
            "/auth/v1/nothing",
            "refresh_token",
            ("apikey", ANON_KEY),
        ),
        ("/console/session/refresh", "/docs", "", ("cookie", "frontdesk_session=x")),
    ] {
        let (full, refused) = full().await;
        let (addr, _stop) = gateway(&full, &full).await;
        let ask = async |path: &str| {
            let call = http.post(format!("http://{addr}{path}")).header(header.0, header.1);
            let call = call.header("origin", format!("http://{addr}"));
            Answer::of_a_stranger(call.json(&json!({field: "x"}))).await
        };
        let begun = Instant::now();
        for _ in 0..CALLS {
            let answer = ask(path).await;
            assert_eq!(answer.status, 503, "{path}: {}", answer.body);
            let status = ask(beside).await.status;
            assert!([404, 405, 503].contains(&status), "{beside}: {status}");
        }
        let refused = refused.load(Ordering::Relaxed);
        // Sixteen within two seconds are passed on whatever becomes of them.
        let most = 20 + begun.elapsed().as_millis() / 125;
        assert!(
            (1..=most).contains(&(refused as u128)),
            "{path}: {refused} of {CALLS} were passed on, over {most}"
        );
    }
}

/// Says when a call is given up.
struct Given(Arc<Notify>);

impl Drop for Given {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// A service that answers no call: where it is, and what says that one was given up.
async fn endless(on_call: impl Fn() + Clone + Send + Sync + 'static) -> (String, Arc<Notify>) {
    let ended = Arc::new(Notify::new());
    let on_drop = Arc::clone(&ended);
    let service = service(move || {
        let given = Given(Arc::clone(&on_drop));
        on_call();
        async move {
            std::future::pending::<()>().await;
            drop(given);
            grpc_status("0")
        }
    });
    (service.await.to_string(), ended)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_ends_the_call_behind_the_gateway() {
    let begun = Arc::new(Notify::new());
    let on_call = Arc::clone(&begun);
    let (endless, ended) = endless(move || on_call.notify_one()).await;
    let (addr, _stop) = gateway(&endless, &endless).await;
    for path in [REQUESTS, "/v1/booking-requests/watch"] {
        let mut client = TcpStream::connect(addr).await.unwrap();
        client.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
        begun.notified().await;
        let early = tokio::time::timeout(Duration::from_millis(100), ended.notified()).await;
        assert!(early.is_err(), "the call ended while its client waited");
        drop(client);
        tokio::time::timeout(Duration::from_secs(5), ended.notified()).await.expect("the call goes on");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_hangs_ends_with_the_deadline_of_a_grpc_call() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let (endless, ended) = endless(move || {
        count.fetch_add(1, Ordering::Relaxed);
    })
    .await;
    let (addr, _stop) = gateway(&endless, &endless).await;
    let list = async |timeout: Duration| {
        let mut request = tonic::Request::new(ListBookingRequestsRequest::default());
        request.set_timeout(timeout);
        BookingRequestServiceClient::new(channel(addr)).list_booking_requests(request).await.unwrap_err()
    };
    let began = Instant::now();
    let status = list(Duration::from_millis(200)).await;
    assert_eq!(frontdesk_proto::reason_of(&status), Some(ErrorReason::DeadlineExceeded), "{status:?}");
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    ended.notified().await;
    // What has no time left is not passed on.
    let status = list(Duration::from_nanos(1)).await;
    assert_eq!(frontdesk_proto::reason_of(&status), Some(ErrorReason::DeadlineExceeded), "{status:?}");
    assert!(status.message().contains("before it was passed on"), "{status:?}");
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}
