//! A gateway that stops: who is told what, in each protocol, and what is cut off.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use boot::{Stop, StopPolicy};
use frontdesk_proto::booking::v1::booking_request_service_client::BookingRequestServiceClient;
use frontdesk_proto::booking::v1::{
    BookingRequestEventKind, ListBookingRequestsRequest, WatchBookingRequestsRequest,
    WatchBookingRequestsResponse,
};
use frontdesk_proto::{ErrorReason, Refusal};
use prost::Message;
use reqwest::Response;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tonic::Streaming;

use crate::fixture::{Fixture, case, channel, path_of, signed};

const WATCH: &str = "/v1/booking-requests/watch";
const WATCH_GRPC: &str = "/frontdesk.booking.v1.BookingRequestService/WatchBookingRequests";

/// A gateway before the fixture's services, and its stop.
pub struct Stopping {
    pub addr: SocketAddr,
    stop: Stop,
    serving: JoinHandle<()>,
}

impl Stopping {
    async fn start(fixture: &Fixture, policy: StopPolicy) -> Self {
        Self::start_under(fixture, policy, gateway::Policy::default()).await
    }

    pub async fn start_under(fixture: &Fixture, stop: StopPolicy, policy: gateway::Policy) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (addr, stop) = (listener.local_addr().unwrap(), Stop::new(stop));
        let config = gateway::Config {
            listener: listener.into(),
            identity: fixture.system.identity.to_string().parse().unwrap(),
            booking: fixture.system.booking.to_string().parse().unwrap(),
            policy,
            version: boot::Version { number: "1.2.3", commit: "4a2c910" },
        };
        let serving = tokio::spawn(gateway::Gateway::new(config, &stop).unwrap().serve());
        Self { addr, stop, serving }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Reads until something has come, and adds it.
async fn read(answer: &mut Response, text: &mut Vec<u8>) {
    text.extend_from_slice(&answer.chunk().await.unwrap().expect("the stream goes on"));
}

/// All that is left of a stream, as JSON: its last item.
async fn last_item(mut answer: Response, mut text: Vec<u8>) -> Json {
    while let Some(chunk) = answer.chunk().await.expect("the stream has its end") {
        text.extend_from_slice(&chunk);
    }
    let text = String::from_utf8(text).unwrap();
    let last = text.trim_end().trim_end_matches(']').lines().last().unwrap();
    serde_json::from_str(last.trim_start_matches("data: ").trim_start_matches('[')).unwrap()
}

/// The trailers of a gRPC-Web answer.
fn trailers(body: &[u8]) -> Refusal {
    let mut rest = body;
    while rest[0] != 0x80 {
        let length = u32::from_be_bytes(rest[1..5].try_into().unwrap()) as usize;
        rest = &rest[5 + length..];
    }
    let headers = std::str::from_utf8(&rest[5..]).unwrap().lines().map(|line| line.split_once(':').unwrap());
    let headers: http::HeaderMap =
        headers.map(|(name, value)| (name.parse().unwrap(), value.trim().parse().unwrap())).collect();
    Refusal::from_status(&tonic::Status::from_header_map(&headers).unwrap()).unwrap()
}

/// A stream of each kind, of which something was heard.
struct Open {
    /// As lines, as events and as an array.
    rest: Vec<(Response, Vec<u8>)>,
    grpc: Streaming<WatchBookingRequestsResponse>,
    /// Where the last message says to go on.
    cursor: String,
    web: (Response, Vec<u8>),
}

impl Open {
    async fn start(stopping: &Stopping, token: &str) -> Self {
        let (http, mut rest) = (client(), Vec::new());
        for format in ["application/x-ndjson", "text/event-stream", "application/json"] {
            let asked = http.get(stopping.url(&format!("{WATCH}?cursor=start"))).bearer_auth(token);
            let mut answer = asked.header("accept", format).send().await.unwrap();
            let mut text = Vec::new();
            read(&mut answer, &mut text).await;
            rest.push((answer, text));
        }
        let watch = WatchBookingRequestsRequest { cursor: "start".to_owned(), ..Default::default() };
        let mut grpc = BookingRequestServiceClient::new(channel(stopping.addr));
        let mut grpc = grpc.watch_booking_requests(signed(watch.clone(), token)).await.unwrap().into_inner();
        let cursor = grpc.message().await.unwrap().unwrap().cursor;
        let frame = [&[0, 0, 0, 0, 7][..], &watch.encode_to_vec()].concat();
        let asked = http.post(stopping.url(WATCH_GRPC)).bearer_auth(token);
        let asked = asked.header("content-type", "application/grpc-web+proto").body(frame);
        let (mut web, mut text) = (asked.send().await.unwrap(), Vec::new());
        read(&mut web, &mut text).await;
        Self { rest, grpc, cursor, web: (web, text) }
    }

    /// Reads each to its end; where it is told to go on.
    async fn ends(self) -> Vec<String> {
        let Self { rest, mut grpc, mut cursor, web: (mut web, mut text) } = self;
        let mut go_on = Vec::new();
        for (answer, text) in rest {
            let last = last_item(answer, text).await;
            assert_eq!(last["error"]["code"], "SHUTTING_DOWN", "{last}");
            go_on.push(last["error"]["metadata"]["go_on"].as_str().unwrap().to_owned());
        }
        let of_grpc = loop {
            match grpc.message().await {
                Ok(message) => cursor = message.expect("the stream was told why it ends").cursor,
                Err(status) => break Refusal::from_status(&status).unwrap(),
            }
        };
        while let Some(chunk) = web.chunk().await.unwrap() {
            text.extend_from_slice(&chunk);
        }
        for refusal in [of_grpc, trailers(&text)] {
            assert_eq!(refusal.reason(), ErrorReason::ShuttingDown);
            go_on.extend(refusal.metadata().map(|(_, cursor)| cursor.to_owned()));
        }
        assert_eq!((go_on.len(), &go_on[3]), (5, &cursor));
        go_on
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_stream_is_told_where_to_go_on_and_goes_on_there() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let stopping = Stopping::start(&fixture, StopPolicy::AT_ONCE).await;
    let review = path_of(case("REQUESTED"), "/review");
    fixture.post(&review, &token, &json!({})).await.ok();
    let open = Open::start(&stopping, &token).await;
    let stopped = Instant::now();
    stopping.stop.begin();
    let go_on = open.ends().await;
    stopping.serving.await.unwrap();
    assert!(stopped.elapsed() < Duration::from_secs(2), "{:?}", stopped.elapsed());

    // Whatever happens meanwhile is heard by who goes on.
    let approve = path_of(case("REQUESTED"), "/approve");
    fixture.post(&approve, &token, &json!({})).await.ok();
    for cursor in go_on {
        let message = WatchBookingRequestsRequest { cursor, ..Default::default() };
        let mut stream = fixture.booking().watch_booking_requests(signed(message, &token)).await.unwrap();
        let approved = i32::from(BookingRequestEventKind::Approved);
        let event = loop {
            let message = stream.get_mut().message().await.unwrap().unwrap();
            if let Some(event) = message.event.filter(|event| event.kind == approved) {
                break event;
            }
        };
        assert_eq!(event.booking_request_id, case("REQUESTED").to_string());
    }
}

/// One answer over a connection that is kept.
pub async fn ask(connection: &mut TcpStream, path: &str) -> String {
    connection.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
    let mut text = vec![0; 4096];
    let length = connection.read(&mut text).await.unwrap();
    String::from_utf8_lossy(&text[..length]).to_lowercase()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_leaves_goes_on_says_so_and_lets_connections_go_between_requests() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let policy = StopPolicy { delay: Duration::from_millis(600), limit: Duration::from_secs(5) };
    let stopping = Stopping::start(&fixture, policy).await;
    let connect = || async { TcpStream::connect(stopping.addr).await.unwrap() };
    let (mut kept, mut idle) = (connect().await, connect().await);
    for connection in [&mut kept, &mut idle] {
        let answer = ask(connection, "/readyz").await;
        assert!(answer.starts_with("http/1.1 200") && !answer.contains("connection: close"), "{answer}");
    }
    let mut grpc = BookingRequestServiceClient::new(channel(stopping.addr));
    let list = || signed(ListBookingRequestsRequest::default(), &token);
    grpc.list_booking_requests(list()).await.unwrap();

    stopping.stop.begin();
    let answer = ask(&mut kept, "/readyz").await;
    assert!(answer.starts_with("http/1.1 503") && answer.contains("\"stopping\""), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    assert_eq!(kept.read(&mut [0]).await.unwrap(), 0, "it is the last answer");
    let answer = ask(&mut connect().await, "/livez").await;
    assert!(answer.starts_with("http/1.1 200"), "it takes calls as before: {answer}");
    grpc.list_booking_requests(list()).await.unwrap();
    stopping.serving.await.unwrap();
    assert_eq!(idle.read(&mut [0]).await.unwrap(), 0);
    assert!(TcpStream::connect(stopping.addr).await.is_err());
}
