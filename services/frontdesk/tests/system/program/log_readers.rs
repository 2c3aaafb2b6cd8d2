//! The log while somebody reads it, slowly, or not at all, and the ends of commands
//! whose results nobody reads.

use std::fs::{File, OpenOptions};
use std::process::Stdio;
use std::time::{Duration, Instant};

use clap::Command;
use futures::future::join_all;
use serde_json::Value as Json;

use super::run::{Dev, Folder, free, frontdesk, wait_for};

/// A gateway without services: it refuses what it does not know, and logs that.
struct Gateway {
    process: Dev,
    listen: String,
    admin: String,
}

impl Gateway {
    async fn start(log: Stdio) -> Self {
        let (listen, admin) = (free(), free());
        let env = [
            ("GATEWAY_LISTEN", listen.as_str()),
            ("ADMIN_LISTEN", &admin),
            ("IDENTITY_ADDR", "127.0.0.1:1"),
            ("BOOKING_ADDR", "127.0.0.1:1"),
        ];
        let process = frontdesk(&["gateway"], &env).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let gateway = Self { process: Dev(process), listen, admin };
        let began = Instant::now();
        while reqwest::get(format!("http://{}/livez", gateway.admin)).await.is_err() {
            assert!(began.elapsed() < Duration::from_secs(20), "the gateway does not start");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        gateway
    }

    /// So many requests, each of which is answered.
    async fn ask(&self, times: usize) {
        let http = reqwest::Client::new();
        for _ in 0..times / 20 {
            let asked = (0..20).map(|_| http.get(format!("http://{}/v1/nothing", self.listen)).send());
            for answer in join_all(asked).await {
                assert_eq!(answer.unwrap().status(), 404);
            }
        }
    }

    async fn lines(&self, outcome: &str) -> u64 {
        let metrics = reqwest::get(format!("http://{}/metrics", self.admin)).await.unwrap();
        let metrics = metrics.text().await.unwrap();
        let name = format!("frontdesk_log_lines_total{{outcome=\"{outcome}\"}} ");
        let line = metrics.lines().find_map(|line| line.strip_prefix(&name));
        line.unwrap_or_else(|| panic!("{metrics}")).parse().unwrap()
    }

    /// Stops it; how long that took.
    fn stop(mut self) -> Duration {
        let began = Instant::now();
        assert!(self.process.signal("-TERM").success());
        began.elapsed()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_is_one_flat_line_and_none_is_lost_at_the_stop() {
    let folder = Folder::new("log-lines");
    let path = folder.path().join("log");
    let gateway = Gateway::start(File::create(&path).unwrap().into()).await;
    gateway.ask(200).await;
    gateway.stop();
    let log = std::fs::read_to_string(path).unwrap();
    let lines: Vec<Json> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let flat = |line: &Json| line.as_object().unwrap().values().all(|value| !value.is_object());
    assert!(lines.iter().all(flat), "{log}");
    let requests: Vec<&Json> = lines.iter().filter(|line| line["target"] == "http").collect();
    assert_eq!(requests.len(), 200);
    for line in requests {
        assert_eq!((&line["status"], &line["method"]), (&404.into(), &"GET".into()), "{line}");
        assert_eq!((&line["path"], &line["reason"]), (&"/v1/nothing".into(), &"ROUTE_NOT_FOUND".into()));
        assert!(line["elapsed_us"].is_u64() && line["request_id"].is_string(), "{line}");
    }
    assert!(log.contains("\"stopping\""), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_nobody_reads_or_that_has_no_room_costs_no_request_and_no_stop() {
    let gone = {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        Stdio::from(writer)
    };
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    for log in [gone, full.into()] {
        let gateway = Gateway::start(log).await;
        gateway.ask(100).await;
        let began = Instant::now();
        while gateway.lines("lost").await < 100 {
            assert!(began.elapsed() < Duration::from_secs(10), "what is lost is not counted");
        }
        assert_eq!(gateway.lines("written").await, 0);
        let took = gateway.stop();
        assert!(took < Duration::from_secs(2), "{took:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_of_the_log_that_is_stuck_costs_no_request_and_a_stop_two_seconds() {
    let (reader, writer) = std::io::pipe().unwrap();
    let gateway = Gateway::start(writer.into()).await;
    // A pipe has room for 64 KiB.
    gateway.ask(600).await;
    let took = gateway.stop();
    assert!(took < Duration::from_secs(5), "{took:?}");
    drop(reader);
}

/// Each command of the program by its words.
fn commands(of: &Command, words: &[String]) -> Vec<Vec<String>> {
    let mut all = vec![words.to_vec()];
    for command in of.get_subcommands() {
        let words: Vec<String> = words.iter().cloned().chain([command.get_name().to_owned()]).collect();
        all.extend(commands(command, &words));
    }
    all
}

#[test]
fn a_command_whose_result_nobody_reads_ends_quietly() {
    let mut tried: Vec<Vec<String>> = commands(&frontdesk::cli::command(), &[]);
    assert!(tried.len() > 30, "{tried:?}");
    for words in &mut tried {
        words.push("--help".to_owned());
    }
    let results = [
        "openapi",
        "settings",
        "settings --json",
        "settings --env",
        "settings --markdown",
        "statement",
        "statement --layout single_table",
        "generate completions bash",
        "cors explain --origin http://localhost:8080",
    ];
    tried.extend(results.map(|words| words.split(' ').map(str::to_owned).collect()));
    let running: Vec<_> = tried
        .into_iter()
        .map(|words| {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            let args: Vec<&str> = words.iter().map(String::as_str).collect();
            let env = [("ALLOWED_ORIGINS", "http://localhost:8080")];
            let child = frontdesk(&args, &env).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
            (words, child)
        })
        .collect();
    for (words, child) in running {
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{words:?}: {} {said}", output.status);
    }
}

#[test]
fn a_command_whose_talk_nobody_hears_ends_as_it_would() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut child = frontdesk(&["identity"], &[]).stdout(Stdio::null()).stderr(writer).spawn().unwrap();
    wait_for(|| child.try_wait().unwrap().is_some());
    assert_eq!(child.wait().unwrap().code(), Some(1));
}
