//! `/metrics` of a whole system: what it tells, and that Prometheus can read it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};

use super::log::{assert_holds_none, store_and_find_person};
use super::run::{Dev, Exports, FREE, Folder, dev, exports, free, path, wait_for};

/// What is told of each kind.
const TOLD: [&str; 32] = [
    "frontdesk_approvals_total{part=\"booking\",outcome=\"APPROVED\",evidence=\"\"} 1",
    "frontdesk_approvals_total{part=\"booking\",outcome=\"HEALED\",evidence=\"CONFIRMED_AT_SET\"} 1",
    "frontdesk_rpc_calls_total{part=\"booking\",method=\"frontdesk.booking.v1.BookingRequestService/ApproveBookingRequest\",code=\"OK\",reason=\"\"} 2",
    "frontdesk_rpc_calls_total{part=\"booking\",method=\"frontdesk.booking.v1.BookingRequestService/ApproveBookingRequest\",code=\"FAILED_PRECONDITION\",reason=\"BOOKING_OVERLAP\"} 1",
    "frontdesk_rpc_duration_seconds_count{part=\"identity\",method=\"frontdesk.identity.v1.AuthService/Login\"} 1",
    "frontdesk_rpc_under_way{part=\"booking\",method=\"frontdesk.booking.v1.BookingRequestService/ApproveBookingRequest\"} 0",
    "frontdesk_http_requests_total{part=\"gateway\",protocol=\"rest\",status=\"409\"} 1",
    "frontdesk_http_refusals_total{part=\"gateway\",reason=\"BOOKING_OVERLAP\"} 1",
    "frontdesk_http_request_duration_seconds_bucket{part=\"gateway\",protocol=\"rest\",le=\"+Inf\"}",
    "frontdesk_upstream_calls_total{part=\"gateway\",service=\"booking\",address=",
    "frontdesk_upstream_healthy{part=\"booking\",service=\"identity\",address=",
    "frontdesk_pool_connections{part=\"identity\",state=\"idle\"}",
    "frontdesk_pool_waiting{part=\"booking\"} 0",
    "frontdesk_change_turns_taken{part=\"booking\"} 0",
    "frontdesk_mail_attempts_total{part=\"identity\",outcome=\"delivered\"} 0",
    "frontdesk_mail_delivery_seconds_count{part=\"identity\"} 0",
    "frontdesk_mail_waiting{part=\"identity\"} 0",
    "frontdesk_mail_oldest_age_seconds{part=\"identity\"} 0",
    "frontdesk_mail_dead{part=\"identity\"} 0",
    "frontdesk_password_hashes_waiting{part=\"identity\"} 0",
    "frontdesk_caller_lookups_total{part=\"booking\",source=\"asked\"}",
    "frontdesk_me_lookups_total{part=\"identity\",source=\"kept\"}",
    "frontdesk_token_checks_total{part=\"booking\",source=\"recalled\"}",
    "frontdesk_revocation_lag_seconds_bucket{part=\"booking\",le=\"5\"} 3",
    "frontdesk_signing_keys_age_seconds{part=\"booking\"}",
    "frontdesk_approval_batches_total{part=\"booking\",outcome=\"stored\"} 0",
    "frontdesk_feed_watchers{part=\"booking\"} 0",
    "frontdesk_feed_lag_seconds_count{part=\"booking\"}",
    "frontdesk_background_runs_total{task=\"expire holds\",outcome=\"succeeded\"}",
    "frontdesk_ready{check=\"database\"} 1",
    "frontdesk_log_lines_total{outcome=\"written\"}",
    "frontdesk_build_info{version=",
];

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_is_told_in_figures_that_prometheus_reads() {
    let admin = free();
    let folder = Folder::new("metrics");
    let env = [("ADMIN_LISTEN", admin.as_str())];
    let child = dev(folder.path(), &["--gateway", FREE, "--ephemeral"], &env)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _dev = Dev(child);
    wait_for(|| exports(folder.path()).status.success());
    let exports = Exports::of(folder.path());
    let (url, http) = (exports.value("API_BASE_URL"), reqwest::Client::new());
    let login = serde_json::json!({
        "email": exports.value("OWNER_EMAIL"), "password": exports.value("DEMO_PASSWORD"),
    });
    let tokens = http.post(format!("{url}/v1/auth/login")).json(&login).send().await.unwrap();
    let tokens: serde_json::Value = tokens.json().await.unwrap();
    for (case, status) in
        [("DEMO_REQUESTED", 200), ("DEMO_CONFIRMED_AT_SET", 200), ("DEMO_OVERLAP_OTHER_GUEST", 409)]
    {
        let approve = http.post(format!("{url}/v1/booking-requests/{}/approve", exports.value(case)));
        let approve = approve.header("x-tenant-id", exports.value("TENANT_ID"));
        let approve = approve.bearer_auth(tokens["access"].as_str().unwrap());
        let answer = approve.json(&serde_json::json!({})).send().await.unwrap();
        assert_eq!(answer.status(), status, "{case}");
    }
    let text = reqwest::get(format!("http://{admin}/metrics")).await.unwrap().text().await.unwrap();
    for told in TOLD {
        assert!(text.lines().any(|line| line.starts_with(told)), "{told} is not in\n{text}");
    }
    let broken = broken_rules(&text);
    assert!(broken.is_empty(), "{broken:#?}\n{text}");
    promtool(&text);

    let (token, key) = (tokens["access"].as_str().unwrap(), exports.value("TENANT_API_KEY"));
    let tenant = exports.value("TENANT_ID");
    let credentials = |request: reqwest::RequestBuilder| {
        let request = request.bearer_auth(token).header("x-tenant-id", &tenant);
        request.header("x-tenant-api-key", &key)
    };
    store_and_find_person(&url, credentials).await;
    let text = reqwest::get(format!("http://{admin}/metrics")).await.unwrap().text().await.unwrap();
    assert!(text.contains("CustomerService/CreateCustomer"), "{text}");
    assert!(!text.contains(&tenant) && !text.contains('@'), "something of somebody is told:\n{text}");
    let (refresh, password) = (tokens["refresh"].as_str().unwrap(), exports.value("DEMO_PASSWORD"));
    assert_holds_none(&text, &[token, refresh, &key, &password].map(str::to_owned));
}

/// `deploy/setup --tests` puts it where it is looked for, if it is not installed.
fn promtool(text: &str) {
    let places = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/lint/bin");
    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]).env_clear().env("PATH", format!("{}:{places}", path()));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn();
    let mut child = child.unwrap_or_else(|error| panic!("promtool: {error}: run `deploy/setup --tests`"));
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.is_empty(), "{said}");
}

/// What of a text breaks the rules of the format, or of `OpenMetrics` for names.
fn broken_rules(text: &str) -> Vec<String> {
    let (mut kinds, mut helped) = (BTreeMap::new(), BTreeSet::new());
    let (mut seen, mut broken, mut last) = (BTreeSet::new(), Vec::new(), "");
    for line in text.lines() {
        let mut complain = |what: &str| broken.push(format!("{what}: {line}"));
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap_or((rest, ""));
            if help.is_empty() || !helped.insert(name) {
                complain("a family is told of twice, or without words");
            }
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            if !helped.contains(name) || kinds.insert(name, kind).is_some() {
                complain("a kind without words, or twice");
            }
            let suffix =
                ["_count", "_sum", "_bucket", "_info", "_total"].iter().find(|end| name.ends_with(*end));
            let fits = match kind {
                "counter" => suffix == Some(&"_total"),
                "gauge" => matches!(suffix, None | Some(&"_info")),
                "histogram" => suffix.is_none() && name.ends_with("_seconds"),
                _ => false,
            };
            let unit = ["_ms", "_us", "milli", "micro", "minutes", "percent", "_kib"]
                .iter()
                .any(|bad| name.contains(bad));
            let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            if !fits || unit || !plain {
                complain("a name does not say what it is");
            }
            last = name;
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let name = series.split('{').next().unwrap();
            let ends: &[&str] =
                if kinds.get(last) == Some(&"histogram") { &["_bucket", "_sum", "_count"] } else { &[""] };
            if !ends.iter().any(|end| name == format!("{last}{end}")) {
                complain("a figure is not with its family");
            }
            if !seen.insert(series) || value.parse::<f64>().is_err() {
                complain("a figure is there twice, or no number");
            }
        }
    }
    broken
}

#[test]
fn a_text_that_breaks_a_rule_is_found() {
    let family =
        |name: &str, kind: &str, rest: &str| format!("# HELP {name} Words.\n# TYPE {name} {kind}\n{rest}\n");
    assert!(broken_rules(&family("a_total", "counter", "a_total{x=\"1\"} 1\na_total 2")).is_empty());
    assert!(
        broken_rules(&family("a_seconds", "histogram", "a_seconds_bucket{le=\"1\"} 1\na_seconds_sum 1"))
            .is_empty()
    );
    for bad in [
        family("a", "counter", "a 1"),
        family("a_total", "gauge", "a_total 1"),
        family("a_ms", "gauge", "a_ms 1"),
        family("a_total", "counter", "b_total 1"),
        family("a_total", "counter", "a_total 1\na_total 2"),
        family("a_total", "counter", "a_total one"),
        family("a_total", "counter", "a_total 1").replace(" Words.", ""),
        "a_total 1\n".to_owned(),
    ] {
        assert!(!broken_rules(&bad).is_empty(), "{bad}");
    }
}
