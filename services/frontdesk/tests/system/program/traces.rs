//! Traces of a whole system, as a collector gets them.

use std::process::Stdio;
use std::sync::{Arc, Mutex};

use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::log::{assert_holds_none, store_and_find_person};
use super::run::{Dev, Exports, FREE, Folder, dev, exports, free, wait_for};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";
const UNSAMPLED: &str = "5bf92f3577b34da6a3ce929d0e0e4736";

// OTLP as its `.proto` files number it, as far as it is looked at.
#[derive(Clone, PartialEq, Eq, Message)]
struct Export {
    #[prost(message, repeated, tag = "1")]
    resources: Vec<OfResource>,
}

#[derive(Clone, PartialEq, Eq, Message)]
struct OfResource {
    #[prost(message, repeated, tag = "2")]
    scopes: Vec<OfScope>,
}

#[derive(Clone, PartialEq, Eq, Message)]
struct OfScope {
    #[prost(message, repeated, tag = "2")]
    spans: Vec<Span>,
}

#[derive(Clone, PartialEq, Eq, Message)]
struct Span {
    #[prost(bytes = "vec", tag = "1")]
    trace: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    id: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    parent: Vec<u8>,
    #[prost(string, tag = "5")]
    name: String,
    #[prost(fixed64, tag = "7")]
    start: u64,
    #[prost(fixed64, tag = "8")]
    end: u64,
    #[prost(message, tag = "15")]
    status: Option<Status>,
}

#[derive(Clone, PartialEq, Eq, Message)]
struct Status {
    #[prost(int32, tag = "3")]
    code: i32,
}

impl Span {
    fn has_failed(&self) -> bool {
        self.status.as_ref().is_some_and(|status| status.code == 2)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// The bodies of the requests that it gets.
async fn collector() -> (String, Arc<Mutex<Vec<Vec<u8>>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&bodies);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let keep = Arc::clone(&keep);
            tokio::spawn(async move {
                let mut got = Vec::new();
                while stream.read_buf(&mut got).await.is_ok_and(|more| more > 0) {
                    let Some(head) = got.windows(4).position(|end| end == b"\r\n\r\n") else { continue };
                    let text = String::from_utf8(got[..head].to_vec()).unwrap().to_lowercase();
                    assert!(
                        text.starts_with("post /v1/traces http/1.1")
                            && text.contains("application/x-protobuf")
                    );
                    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                    let end = head + 4 + length.parse::<usize>().unwrap();
                    if got.len() >= end {
                        keep.lock().unwrap().push(got[head + 4..end].to_vec());
                        got.drain(..end);
                        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
                    }
                }
            });
        }
    });
    (url, bodies)
}

/// Of the calls below.
fn assert_whole(spans: &[Span]) {
    // Nobody decided of others, and none of a hundred is traced.
    assert!(spans.iter().all(|span| hex(&span.trace) == TRACE), "{spans:#?}");
    assert!(spans.iter().all(|span| span.end >= span.start && span.start > 0));
    let named = |name: &str| -> Vec<&Span> { spans.iter().filter(|span| span.name == name).collect() };
    let edges = named("POST");
    assert!(edges.len() == 4 && edges.iter().all(|edge| hex(&edge.parent) == CALLER), "{spans:#?}");
    let approve = named("frontdesk.booking.v1.BookingRequestService/ApproveBookingRequest");
    assert!(approve.len() == 1 && edges.iter().any(|edge| edge.id == approve[0].parent), "{spans:#?}");
    // Booking has asked identity, and the database.
    let resolve = named("frontdesk.identity.v1.ScopeService/ResolveScopes");
    assert!(resolve.iter().any(|span| span.parent == approve[0].id), "{spans:#?}");
    // Identity has asked its own.
    let of_identity = |span: &&Span| resolve.iter().any(|one| one.id == span.parent);
    assert!(spans.iter().filter(of_identity).any(|span| !span.name.contains('/')), "{spans:#?}");
    let statements = spans.iter().filter(|span| span.parent == approve[0].id && !span.name.contains('/'));
    assert!(statements.count() >= 2, "{spans:#?}");
    let create = named("frontdesk.booking.v1.PropertyService/CreateProperty");
    let is_statement = |span: &&Span| !span.name.contains('/') && span.name != "POST";
    let failed: Vec<&Span> = spans.iter().filter(is_statement).filter(|span| span.has_failed()).collect();
    assert!(create.len() == 1 && failed.len() == 1 && failed[0].parent == create[0].id, "{spans:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_traced_from_the_gateway_to_its_statements_if_its_caller_says_so() {
    let (collector, bodies) = collector().await;
    let folder = Folder::new("traces");
    let env = [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.as_str()), ("TRACE_PERCENT", "0")];
    let mut command = dev(folder.path(), &["--gateway", FREE, "--ephemeral"], &env);
    let mut dev = Dev(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    wait_for(|| exports(folder.path()).status.success());
    let exports = Exports::of(folder.path());
    let (url, http) = (exports.value("API_BASE_URL"), reqwest::Client::new());
    let password = exports.value("DEMO_PASSWORD");
    let login = serde_json::json!({"email": exports.value("OWNER_EMAIL"), "password": password});
    let traced = |path: &str, trace: &str, flags: &str| {
        let header = format!("00-{trace}-{CALLER}-{flags}");
        http.post(format!("{url}{path}")).header("traceparent", header)
    };
    let tokens = traced("/v1/auth/login", TRACE, "01").json(&login).send().await.unwrap();
    let tokens: serde_json::Value = tokens.json().await.unwrap();
    let token = tokens["access"].as_str().unwrap();
    for (case, trace, flags) in [("DEMO_REQUESTED", TRACE, "01"), ("DEMO_UNDER_REVIEW", UNSAMPLED, "00")] {
        let approve = traced(&format!("/v1/booking-requests/{}/approve", exports.value(case)), trace, flags);
        let approve = approve.header("x-tenant-id", exports.value("TENANT_ID")).bearer_auth(token);
        let answer = approve.json(&serde_json::json!({})).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{case}");
    }
    let credentials = |request: reqwest::RequestBuilder| {
        let request = request.header("traceparent", format!("00-{TRACE}-{CALLER}-01")).bearer_auth(token);
        let request = request.header("x-tenant-id", exports.value("TENANT_ID"));
        request.header("x-tenant-api-key", exports.value("TENANT_API_KEY"))
    };
    store_and_find_person(&url, credentials).await;
    // A name that is taken: the statement that stores it fails.
    for (trace, flags, status) in [(UNSAMPLED, "00", 201), (TRACE, "01", 409)] {
        let house = serde_json::json!({"name": "Traced", "time_zone": "Europe/Vienna", "max_guests": 4});
        let create = traced("/v1/properties", trace, flags).header("x-tenant-id", exports.value("TENANT_ID"));
        assert_eq!(create.bearer_auth(token).json(&house).send().await.unwrap().status(), status);
    }
    assert!(tokio::task::spawn_blocking(move || dev.signal("-INT")).await.unwrap().success());

    let bodies = bodies.lock().unwrap().clone();
    let exported = bodies.iter().map(|body| Export::decode(&body[..]).unwrap());
    let resources = exported.flat_map(|export| export.resources);
    let spans: Vec<Span> = resources.flat_map(|one| one.scopes).flat_map(|one| one.spans).collect();
    assert_whole(&spans);

    let all = String::from_utf8_lossy(&bodies.concat()).into_owned();
    let key = exports.value("TENANT_API_KEY");
    let refresh = tokens["refresh"].as_str().unwrap();
    assert_holds_none(&all, &[token, refresh, &key, &password, "alpine.example"].map(str::to_owned));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_costs_spans_and_no_call() {
    let (folder, address) = (Folder::new("no-collector"), free());
    let env = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"),
        ("TRACE_PERCENT", "100"),
        ("ADMIN_LISTEN", &address),
    ];
    let mut command = dev(folder.path(), &["--gateway", FREE, "--ephemeral"], &env);
    let mut dev = Dev(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    wait_for(|| exports(folder.path()).status.success());
    let url = Exports::of(folder.path()).value("API_BASE_URL");
    assert_eq!(reqwest::get(format!("{url}/v1/me")).await.unwrap().status(), 401);
    for tries in 0.. {
        let text = reqwest::get(format!("http://{address}/metrics")).await.unwrap().text().await.unwrap();
        let lost =
            text.lines().find_map(|line| line.strip_prefix("frontdesk_trace_spans_total{outcome=\"lost\"} "));
        if lost.is_some_and(|lost| lost != "0") {
            break;
        }
        assert!(tries < 100, "{text}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(tokio::task::spawn_blocking(move || dev.signal("-INT")).await.unwrap().success());
}
