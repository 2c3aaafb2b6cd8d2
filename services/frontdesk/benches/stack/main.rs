//! What a call costs from the client to the disk, beside a common stack that does the same, in
//! one run: `cargo bench -p frontdesk --bench stack`.
//!
//! On one Postgres that waits for its disk: `frontdesk serve`, the roles as three processes, and
//! `FastAPI` with asyncpg (`peers/fastapi`), two workers. `PEER` names a Python that has what its
//! `requirements.txt` names; without it ours are measured alone. The peer verifies a call's token
//! and asks nobody what its caller may do; ours resolve the caller, which is kept until somebody
//! revokes it, and store what they decide with its event.
//!
//! `wrk` asks with one thread and 32 connections, each of them in turn and several times; the
//! middle one counts. CPU time is that of the processes of a stack, and of Postgres, from /proc,
//! by the number of answers. Everything shares the machine.

// A measurement that cannot go on says where.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod processes;

use std::path::{Path, PathBuf};
use std::process::Command;

use devdb::{PrivateServer, Programs, ServerOptions};
use frontdesk::demo;
use serde_json::{Value as Json, json};

use self::processes::{Stack, cpu_of};

const ROUNDS: usize = 3;
const CONNECTIONS: usize = 32;
/// Requests that can be approved, each once.
const REQUESTS: usize = 200_000;

/// What is asked.
struct Case {
    name: &'static str,
    path: String,
    seconds: u64,
    approves: bool,
}

/// What one round of a stack gave.
#[derive(Clone, Copy)]
struct Measured {
    per_second: f64,
    us_of_stack: f64,
    us_of_postgres: f64,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(stack());
}

async fn stack() {
    let dir = std::env::temp_dir().join(format!("frontdesk-stack-{}", std::process::id()));
    let programs = Programs::of_tests().unwrap();
    let options = ServerOptions { dir: dir.clone(), ephemeral: true, durable: true, tcp: None, programs };
    let server = PrivateServer::start(options).await.unwrap();
    let url = filled(&server).await;
    let postmaster = std::fs::read_to_string(dir.join("data/postmaster.pid")).unwrap();
    let postmaster: u32 = postmaster.lines().next().unwrap().parse().unwrap();
    let serve = Stack::serve(&url).await;
    let mut stacks = vec![Stack::roles(&url).await];
    #[expect(clippy::disallowed_methods, reason = "of the bench alone")]
    match std::env::var_os("PEER") {
        Some(python) => stacks.push(Stack::peer(Path::new(&python), &url, serve.port).await),
        None => println!("PEER is not set: ours are measured alone."),
    }
    stacks.insert(0, serve);
    let token = login(stacks[0].port).await;
    let mut next = 1;
    for case in &cases() {
        let mut all = vec![Vec::new(); stacks.len()];
        for round in 0..=ROUNDS {
            for (stack, measured) in stacks.iter().zip(&mut all) {
                let script = case.approves.then(|| script(&dir, next));
                let found = measure(stack, case, &token, script.as_deref(), postmaster);
                next += if case.approves { answers(found, case) + CONNECTIONS } else { 0 };
                assert!(next < REQUESTS, "there are too few requests to approve");
                // The first round warms up.
                if round > 0 {
                    measured.push(found);
                }
            }
        }
        report(case, &stacks, &all);
    }
    drop(stacks);
    server.stop();
    let _gone = std::fs::remove_dir_all(&dir);
}

fn cases() -> [Case; 4] {
    let requests = "/v1/booking-requests";
    let case = |name, path: &str, seconds| Case { name, path: path.to_owned(), seconds, approves: false };
    let one = format!("{requests}/{}", demo::CASES[0].1);
    [
        case("GET one", &one, 4),
        case("GET list of 50", &format!("{requests}?page_size=50"), 4),
        case("GET me", "/v1/me", 4),
        Case { approves: true, ..case("POST approve", requests, 3) },
    ]
}

/// The demo's data, and very many open requests, each for a night of its own.
async fn filled(server: &PrivateServer) -> String {
    let postgres = pg::connect(&server.url("postgres")).await.unwrap();
    postgres.batch_execute("create database bench").await.unwrap();
    let url = server.url("bench");
    pg::migrate::up(&url, &[&identity::MIGRATIONS, &booking::MIGRATIONS]).await.unwrap();
    demo::seed(&url).await.unwrap();
    let sql = pg::connect(&url).await.unwrap();
    let (tenant, guest) = (demo::TENANT, "0d000000-0000-7000-8000-000000000301");
    let fill = format!(
        "insert into properties (tenant_id, id, name, time_zone, max_guests, created_at) \
         select '{tenant}', md5('house' || n)::uuid, 'House ' || n, 'Europe/Berlin', 2, now() \
         from generate_series(0, 999) n; \
         insert into booking_requests (tenant_id, id, property_id, guest_id, check_in, check_out, status, \
         guest_count, decline_reason, created_at, updated_at) \
         select '{tenant}', lpad(to_hex(n), 32, '0')::uuid, md5('house' || n % 1000)::uuid, '{guest}', \
         current_date + 30 + n / 1000, current_date + 31 + n / 1000, 'requested', 2, null, \
         now() - n * interval '1 millisecond', now() from generate_series(1, {REQUESTS}) n"
    );
    sql.batch_execute(&fill).await.unwrap();
    // Neither runs inside a transaction, as several statements together do.
    for statement in ["vacuum analyze", "checkpoint"] {
        sql.batch_execute(statement).await.unwrap();
    }
    url
}

async fn login(port: u16) -> String {
    let body = json!({"email": demo::MANAGER, "password": demo::PASSWORD});
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.post(format!("http://127.0.0.1:{port}/v1/auth/login")).json(&body).send().await;
    let answer: Json = answer.unwrap().json().await.unwrap();
    answer["access"].as_str().unwrap().to_owned()
}

/// What wrk runs to approve one request after the other, from a number on.
fn script(dir: &Path, from: usize) -> PathBuf {
    let path = dir.join("approve.lua");
    let text = format!(
        "local n = {from} - 1\n\
         wrk.headers[\"Content-Type\"] = \"application/json\"\n\
         function request()\n  n = n + 1\n  local id = string.format(\"00000000-0000-0000-0000-%012x\", n)\n  \
         return wrk.format(\"POST\", \"/v1/booking-requests/\" .. id .. \"/approve\", nil, \"{{}}\")\nend\n"
    );
    std::fs::write(&path, text).unwrap();
    path
}

fn measure(stack: &Stack, case: &Case, token: &str, script: Option<&Path>, postmaster: u32) -> Measured {
    let mut wrk = Command::new("wrk");
    wrk.args(["-t1", &format!("-c{CONNECTIONS}"), &format!("-d{}s", case.seconds)]);
    wrk.args(["-H", &format!("Authorization: Bearer {token}")]);
    wrk.args(["-H", &format!("X-Tenant-Id: {}", demo::TENANT)]);
    if let Some(script) = script {
        wrk.arg("-s").arg(script);
    }
    let before = (stack.cpu(), cpu_of(postmaster));
    let output = wrk.arg(format!("http://127.0.0.1:{}{}", stack.port, case.path)).output().expect("wrk runs");
    let after = (stack.cpu(), cpu_of(postmaster));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("Non-2xx"), "{} answers {}: {text}", stack.name, case.name);
    let word = |line: &str, at: usize| {
        let line = text.lines().find(|one| one.contains(line)).expect("wrk says how much it did");
        line.split_whitespace().nth(at).unwrap().parse::<f64>().unwrap()
    };
    let answers = word(" requests in ", 0);
    Measured {
        per_second: word("Requests/sec:", 1),
        us_of_stack: after.0.saturating_sub(before.0).as_secs_f64() * 1e6 / answers,
        us_of_postgres: after.1.saturating_sub(before.1).as_secs_f64() * 1e6 / answers,
    }
}

/// How many answers a round gave at most.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
fn answers(measured: Measured, case: &Case) -> usize {
    (measured.per_second * (case.seconds as f64 + 0.5)).ceil() as usize
}

fn report(case: &Case, stacks: &[Stack], all: &[Vec<Measured>]) {
    let middle = |of: fn(&Measured) -> f64, rounds: &[Measured]| {
        let mut all: Vec<f64> = rounds.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    let peer = stacks.iter().position(|stack| stack.is_peer);
    let of_peer = peer.map(|at| middle(|one| one.per_second, &all[at]));
    for (stack, rounds) in stacks.iter().zip(all) {
        let rate = middle(|one| one.per_second, rounds);
        let times = of_peer.map_or(String::new(), |of_peer| format!("  {:.1} x", rate / of_peer));
        println!(
            "{:<15} {:<12} {rate:>7.0}/s  {:>5.0} us CPU, Postgres {:>5.0} us{times}",
            case.name,
            stack.name,
            middle(|one| one.us_of_stack, rounds),
            middle(|one| one.us_of_postgres, rounds),
        );
    }
}
