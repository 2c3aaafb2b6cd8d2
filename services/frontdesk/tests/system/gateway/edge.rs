//! The gateway as HTTP: versions, encodings, deadlines, addresses that die,
//! clients that leave or are slow, sessions of pages, the document of the API.

use std::convert::Infallible;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use frontdesk_proto::booking::v1::booking_request_service_client::BookingRequestServiceClient;
use frontdesk_proto::booking::v1::{ListBookingRequestsRequest, WatchBookingRequestsRequest};
use http::Response;
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::fixture::{Answer, Fixture, case, channel, path_of, signed};

const REQUESTS: &str = "/v1/booking-requests";

/// A gateway before these addresses, until the token is dropped.
async fn gateway(identity: &str, booking: &str) -> (SocketAddr, tokio_util::sync::DropGuard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let gateway = gateway::Gateway::new(gateway::Config {
        listener,
        identity: identity.parse().unwrap(),
        booking: booking.parse().unwrap(),
        origins: gateway::Origins::default(),
        trusted_proxies: boot::TrustedProxies::default(),
        anon_key: None,
    })
    .unwrap();
    let stop = CancellationToken::new();
    tokio::spawn(gateway.serve(stop.clone()));
    (addr, stop.drop_guard())
}

/// A service that has every call answered by the function.
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
            let service = service_fn(move |_: http::Request<Incoming>| {
                let answered = answer();
                async move { Ok::<_, Infallible>(answered.await) }
            });
            let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(builder.serve_connection(TokioIo::new(stream), service));
        }
    });
    addr
}

fn grpc_status(code: &'static str) -> Response<Empty<Bytes>> {
    let response = Response::builder().header("content-type", "application/grpc").header("grpc-status", code);
    response.body(Empty::new()).unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_record_that_is_known_is_not_sent_again() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let path = path_of(case("REQUESTED"), "");
    let first = fixture.get(&path, &token).await;
    let etag = first.headers["etag"].to_str().unwrap().to_owned();
    assert_eq!(etag, format!("W/\"{}\"", first.ok()["etag"].as_str().unwrap()));
    let ask = |known: String| {
        Answer::of(fixture.request(Method::GET, &path).bearer_auth(&token).header("if-none-match", known))
    };
    for known in [etag.clone(), etag.replace("W/", ""), format!("\"x\", {etag}"), "*".to_owned()] {
        let answer = ask(known).await;
        assert_eq!((answer.status, &answer.body), (304, &json!(null)));
        assert_eq!(answer.headers["etag"], *etag);
    }
    ask("\"other\"".to_owned()).await.ok();
    fixture.post(&path_of(case("REQUESTED"), "/approve"), &token, &json!({})).await.ok();
    assert_ne!(ask(etag.clone()).await.ok()["etag"].as_str().unwrap(), etag);

    let head = Answer::of(fixture.request(Method::HEAD, &path).bearer_auth(&token)).await;
    let length: usize = head.headers["content-length"].to_str().unwrap().parse().unwrap();
    assert!(head.status == 200 && head.body.is_null() && length > 300, "{length}");
}

#[tokio::test]
async fn bodies_are_compressed_and_inflated_within_their_limits() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let plain = fixture.request(Method::GET, REQUESTS).bearer_auth(&token).send().await.unwrap();
    assert_eq!(plain.headers()["vary"], "accept-encoding");
    let plain = plain.bytes().await.unwrap();
    for (accept, encoding) in [("gzip, br", "br"), ("gzip", "gzip")] {
        let request = fixture.request(Method::GET, REQUESTS).bearer_auth(&token);
        let response = request.header("accept-encoding", accept).send().await.unwrap();
        assert_eq!(response.headers()["content-encoding"], encoding);
        assert!(response.bytes().await.unwrap().len() < plain.len() / 2);
    }
    let send = |body: Vec<u8>| {
        let request = fixture.request(Method::POST, &path_of(case("REQUESTED"), "/approve"));
        let request = request.bearer_auth(&token).header("content-encoding", "gzip");
        Answer::of(request.header("content-type", "application/json").body(body))
    };
    let bomb = gzip(&vec![b' '; 200_000_000]);
    assert!(bomb.len() < 1_000_000);
    send(bomb).await.refused(413, "PAYLOAD_TOO_LARGE");
    send(b"not gzip".to_vec()).await.refused(400, "MALFORMED_REQUEST");
    assert_eq!(send(gzip(br#"{"internal_note":"zipped"}"#)).await.ok()["outcome"], "approved");
}

#[tokio::test]
async fn a_deadline_is_kept_and_must_be_readable() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let id = case("REQUESTED");
    fixture
        .sql
        .batch_execute(&format!("begin; select from booking_requests where id = '{id}' for update"))
        .await
        .unwrap();
    let approve = |name: &'static str, value: &'static str| {
        let request = fixture.request(Method::POST, &path_of(id, "/approve")).bearer_auth(&token);
        Answer::of(request.header(name, value).json(&json!({})))
    };
    for (name, value) in [("x-request-timeout", "0.2"), ("grpc-timeout", "200m")] {
        approve(name, value).await.refused(504, "DEADLINE_EXCEEDED");
    }
    for (name, value) in
        [("x-request-timeout", "soon"), ("grpc-timeout", "123456789S"), ("grpc-timeout", "1s")]
    {
        let answer = approve(name, value).await;
        answer.refused(400, "INVALID_HEADER");
        assert_eq!(answer.body["metadata"]["header"], name);
    }
    fixture.sql.batch_execute("rollback").await.unwrap();
    assert_eq!(approve("x-request-timeout", "10").await.ok()["outcome"], "approved");
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
    // Few calls: after five seconds the broken address would be found out and passed over.
    for _ in 0..2 {
        Answer::of(http.get(format!("http://{addr}{REQUESTS}")).bearer_auth(&token)).await.ok();
    }
    let before = calls.load(Ordering::Relaxed);
    assert!(before > 0, "the broken address was never asked");
    let mut statuses = Vec::new();
    for _ in 0..2 {
        let url = format!("http://{addr}{}", path_of(case("REQUESTED"), "/review"));
        statuses.push(Answer::of(http.post(url).bearer_auth(&token).json(&json!({}))).await.status);
    }
    assert!(statuses.contains(&200) && statuses.contains(&503), "{statuses:?}");
    assert_eq!(calls.load(Ordering::Relaxed) - before, statuses.iter().filter(|one| **one == 503).count());
}

/// Says when a call is given up.
struct Given(Arc<Notify>);

impl Drop for Given {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_ends_the_call_behind_the_gateway() {
    let (begun, ended) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (on_call, on_drop) = (Arc::clone(&begun), Arc::clone(&ended));
    let endless = service(move || {
        let given = Given(Arc::clone(&on_drop));
        on_call.notify_one();
        async move {
            std::future::pending::<()>().await;
            drop(given);
            grpc_status("0")
        }
    })
    .await;
    let (addr, _stop) = gateway(&endless.to_string(), &endless.to_string()).await;
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
async fn slow_and_half_open_clients_hurt_nobody_else() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let mut slow = Vec::new();
    for n in 0..600 {
        let mut client = TcpStream::connect(fixture.system.gateway).await.unwrap();
        let begun = match n % 4 {
            0 => "",
            1 => "PRI * HTTP/2.0\r\n",
            2 => "GET /livez HTTP/1.1\r\nhost: x\r\nx-slow: ",
            _ => {
                "POST /v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{"
            }
        };
        client.write_all(begun.as_bytes()).await.unwrap();
        slow.push(client);
    }
    for _ in 0..20 {
        fixture.get(REQUESTS, &token).await.ok();
    }
    // In the end each is let go, those with half a body with a word about it.
    let mut last = slow.pop().unwrap();
    let mut answer = String::new();
    tokio::time::timeout(Duration::from_secs(30), last.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("REQUEST_TIMEOUT"), "{answer}");
    for mut client in slow {
        let mut rest = Vec::new();
        let closed = tokio::time::timeout(Duration::from_secs(30), client.read_to_end(&mut rest)).await;
        assert!(closed.is_ok(), "a connection was kept: {}", rest.escape_ascii());
    }
}

#[tokio::test]
async fn requests_beyond_every_size_are_refused() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let long = fixture.get(&"/a".repeat(7_000), &token).await;
    long.refused(404, "ROUTE_NOT_FOUND");
    assert!(long.body["message"].as_str().unwrap().len() < 1_000);
    for (name, value) in [("x-big", "x".repeat(40_000)), ("cookie", "a=b;".repeat(10_000))] {
        let request = fixture.request(Method::GET, REQUESTS).bearer_auth(&token).header(name, value);
        assert_eq!(request.send().await.unwrap().status(), 431, "{name}");
    }
    let mut raw = TcpStream::connect(fixture.system.gateway).await.unwrap();
    let path = "/".repeat(64_000);
    // The gateway may close before all is written.
    let _cut = raw.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await;
    let mut answer = Vec::new();
    let _reset = raw.read_to_end(&mut answer).await;
    assert!(answer.starts_with(b"HTTP/1.1 4"), "{}", answer.escape_ascii());
    let many = format!("{{\"property_id\":[{}1]}}", "1,".repeat(500_000));
    let request = fixture.request(Method::POST, REQUESTS).bearer_auth(&token);
    let request = request.header("content-type", "application/json");
    Answer::of(request.try_clone().unwrap().body(many.clone())).await.refused(400, "MALFORMED_REQUEST");
    Answer::of(request.body(many.repeat(2))).await.refused(413, "PAYLOAD_TOO_LARGE");
    let parameters = format!("{REQUESTS}?{}", "status=requested&".repeat(800));
    fixture.get(&parameters, &token).await.ok();
}

#[tokio::test]
async fn grpc_goes_through_the_gateway_in_every_kind() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let mut client = BookingRequestServiceClient::new(channel(fixture.system.gateway));
    let listed = client.list_booking_requests(signed(ListBookingRequestsRequest::default(), &token)).await;
    assert!(!listed.unwrap().into_inner().booking_requests.is_empty());
    let watch = WatchBookingRequestsRequest { cursor: "start".to_owned(), ..Default::default() };
    let mut stream = client.watch_booking_requests(signed(watch, &token)).await.unwrap().into_inner();
    assert!(!stream.message().await.unwrap().unwrap().cursor.is_empty());
    let refused = client.list_booking_requests(signed(ListBookingRequestsRequest::default(), "x")).await;
    assert_eq!(refused.unwrap_err().code(), tonic::Code::Unauthenticated);
}

#[tokio::test]
async fn a_grpc_web_body_that_is_broken_is_a_status() {
    let fixture = Fixture::start().await;
    let path = "/frontdesk.booking.v1.BookingRequestService/ListBookingRequests";
    for (content_type, body) in [
        ("application/grpc-web-text", &b"!!!!"[..]),
        ("application/grpc-web-text; charset=utf-8", b"AAAAAAA"),
        ("Application/GRPC-Web+Proto", b"\0\0\0\0\x09x"),
    ] {
        let request = fixture.request(Method::POST, path).header("content-type", content_type);
        let response = request.body(body.to_vec()).send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["grpc-status"]),
            (200, &"3".parse().unwrap())
        );
    }
    let json = fixture.request(Method::POST, path).header("content-type", "application/grpc-web+json");
    Answer::of(json.body("{}")).await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    // Text in two padded pieces, as some clients send it.
    let token = fixture.manager().await;
    let text = fixture.request(Method::POST, path).bearer_auth(&token);
    let response =
        text.header("content-type", "application/grpc-web-text").body("AAA=AAAA").send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/grpc-web-text+proto");
    assert!(!response.headers().contains_key("grpc-status"));
    assert!(response.text().await.unwrap().is_ascii());
}

#[tokio::test]
async fn the_document_of_the_api_is_current_and_shown() {
    let fixture = Fixture::start().await;
    let served = Answer::of(fixture.request(Method::GET, "/openapi.json")).await;
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/../../gateway/openapi.json");
    if std::env::var_os("FRONTDESK_GENERATE").is_some() {
        std::fs::write(committed, format!("{:#}\n", served.body)).unwrap();
    }
    let read: serde_json::Value = serde_json::from_slice(&std::fs::read(committed).unwrap()).unwrap();
    assert!(*served.ok() == read, "gateway/openapi.json is stale: run `make generate`");
    let other = Answer::of(fixture.request(Method::POST, "/docs").json(&json!({}))).await;
    other.refused(405, "METHOD_NOT_ALLOWED");
    assert_eq!(other.headers["allow"], "GET, HEAD, OPTIONS");
    assert_eq!(fixture.request(Method::OPTIONS, "/livez").send().await.unwrap().status(), 204);
    let docs = fixture.request(Method::GET, "/docs").send().await.unwrap();
    let policy = docs.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(!docs.text().await.unwrap().contains("https://"), "the page needs nothing from elsewhere");
}

#[tokio::test]
async fn a_page_has_a_session_whose_refresh_token_no_script_sees() {
    let fixture = Fixture::start().await;
    let origin = "http://localhost:5173";
    let call = |method: Method, path: &str, origin: &str, cookie: &str| {
        let mut request = fixture.request(method, path);
        for (name, value) in [("origin", origin), ("cookie", cookie)] {
            if !value.is_empty() {
                request = request.header(name, value);
            }
        }
        request
    };
    let login = json!({"email": frontdesk::demo::MANAGER, "password": frontdesk::demo::PASSWORD});
    let session = "/console/session";
    Answer::of(call(Method::POST, session, "", "").json(&login)).await.refused(403, "ORIGIN_NOT_ALLOWED");
    let evil = call(Method::POST, session, "https://evil.example", "");
    Answer::of(evil.json(&login)).await.refused(403, "ORIGIN_NOT_ALLOWED");
    Answer::of(call(Method::POST, session, origin, "").body("x"))
        .await
        .refused(415, "UNSUPPORTED_MEDIA_TYPE");
    let cookie_of = |answer: &Answer| {
        let set = answer.headers["set-cookie"].to_str().unwrap().to_owned();
        for part in ["HttpOnly", "SameSite=Strict", "Path=/console/session"] {
            assert!(set.contains(part), "{set}");
        }
        set.split(';').next().unwrap().to_owned()
    };
    let answer = Answer::of(call(Method::POST, session, origin, "").json(&login)).await;
    assert_eq!(answer.headers["access-control-allow-credentials"], "true");
    let cookie = cookie_of(&answer);
    let refresh = cookie.split_once('=').unwrap().1;
    assert!(answer.ok()["refresh"].is_null() && !answer.body.to_string().contains(refresh));
    let token = answer.body["access"].as_str().unwrap();
    fixture.get("/v1/me", token).await.ok();

    let again = "/console/session/refresh";
    Answer::of(call(Method::POST, again, origin, "")).await.refused(401, "SIGN_IN_REQUIRED");
    Answer::of(call(Method::POST, again, "", &cookie)).await.refused(403, "ORIGIN_NOT_ALLOWED");
    let refreshed = Answer::of(call(Method::POST, again, origin, &cookie)).await;
    let next = cookie_of(&refreshed);
    assert_ne!(next, cookie);
    fixture.get("/v1/me", refreshed.ok()["access"].as_str().unwrap()).await.ok();
    Answer::of(call(Method::GET, session, origin, "")).await.refused(405, "METHOD_NOT_ALLOWED");

    let over = Answer::of(call(Method::DELETE, session, origin, &next)).await;
    assert_eq!(over.status, 204);
    assert!(over.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    let gone = Answer::of(call(Method::POST, again, origin, &next)).await;
    assert_eq!(gone.status, 401, "{}", gone.body);
}
