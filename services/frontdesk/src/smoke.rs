//! `frontdesk smoke`: the runbook's six checks of approving and declining, against
//! a running system. It approves one open booking request and changes nothing
//! else.

use std::time::Duration;

use boot::{Form, Setting, Settings, Trimmed, Unset};
use clap::Args;
use reqwest::{Method, StatusCode};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::http_url::HttpUrl;
use crate::settings::Source;
use crate::{Failure, stderr, stdout};

/// Exit code: a check failed.
const FAILED: u8 = 1;
/// Most requests that are tried while others have their dates.
const CANDIDATES: usize = 5;
const CHECKS: usize = 6;

/// Where the gateway is.
pub static API_BASE_URL: Setting = Setting {
    name: "API_BASE_URL",
    form: Form::Described("an http:// or https:// URL"),
    unset: Unset::Default("http://127.0.0.1:8080"),
    example: "https://api.example.com",
    meaning: "Where the gateway is.",
    secret: false,
};
static JWT_TOKEN: Setting = Setting {
    name: "JWT_TOKEN",
    form: Form::Text,
    unset: Unset::Refused,
    example: "the output of `frontdesk token get`",
    meaning: "The access token of somebody who may approve.",
    secret: true,
};
static TENANT_ID: Setting = Setting {
    name: "TENANT_ID",
    form: Form::Described("a UUID"),
    unset: Unset::Means("the user's only tenant"),
    example: "0d000000-0000-7000-8000-00000000000a",
    meaning: "The tenant whose requests are looked at.",
    secret: false,
};

#[derive(Debug, Args)]
pub struct SmokeArgs {
    /// Prints one JSON object instead of lines.
    #[arg(long)]
    json: bool,
}

struct Api {
    client: reqwest::Client,
    url: String,
    token: String,
    tenant: Option<String>,
}

struct Answer {
    status: StatusCode,
    body: Json,
}

/// An approved request, as the checks after the approval need it.
struct Approved {
    id: String,
    booking: String,
}

#[derive(Default)]
struct Report {
    json: bool,
    passed: usize,
    lines: Vec<Json>,
    /// Why a line could not be printed.
    unprinted: Option<Failure>,
}

/// Where the API is, and who calls.
pub struct Environment {
    url: String,
    token: String,
    tenant: Option<String>,
}

impl Environment {
    pub fn read(settings: &mut Settings) -> Option<Self> {
        let url = settings.parsed::<HttpUrl>(&API_BASE_URL).map(|url| url.0);
        let token = settings.parsed::<Trimmed>(&JWT_TOKEN).map(|token| token.0);
        let tenant = settings.if_set::<Uuid>(&TENANT_ID);
        Some(Self { url: url?, token: token?, tenant: tenant.map(|tenant| tenant.to_string()) })
    }
}

pub async fn run(source: &Source, args: SmokeArgs) -> Result<(), Failure> {
    let Environment { url, token, tenant } = source.read(Environment::read)?;
    let client = reqwest::Client::builder().timeout(Duration::from_secs(30)).build().map_err(Failure::new)?;
    let api = Api { client, url, token, tenant };
    let mut report = Report { json: args.json, ..Report::default() };
    let outcome = checks(&api, &mut report).await;
    if let Err(cause) = &outcome {
        report.line(false, report.passed + 1, cause);
    }
    report.end()?;
    outcome.map_err(|cause| Failure::with_code(FAILED, cause))
}

/// The first check that fails ends them: the others build on it.
async fn checks(api: &Api, report: &mut Report) -> Result<(), String> {
    let candidates = candidates(api).await?;
    report.pass(&format!("list: {} booking requests are open", candidates.len()));
    let approved = approve_one(api, &candidates).await?;
    report.pass(&format!("approve: {} is confirmed by booking {}", approved.id, approved.booking));
    let read = api.get(&format!("/{}", approved.id)).await?;
    read.expect(StatusCode::OK, "GET of the approved request")?;
    if read.body["status"] != "confirmed" {
        return Err(format!(
            "GET shows status {} after the approval; GET …/{}/explain shows the evidence",
            read.body["status"], approved.id
        ));
    }
    report.pass("read: GET shows status confirmed");
    not_listed(api, &approved, &read.body).await?;
    report.pass("list: it is not among status=requested any more");
    let again = api.post(&format!("/{}/approve", approved.id), &json!({})).await?;
    again.expect(StatusCode::OK, "approving again")?;
    if again.body["booking_id"] != approved.booking.as_str() || again.body["outcome"] != "already_approved" {
        return Err(format!("approving again answered something else: {}", again.body));
    }
    report.pass("approve again: the same answer, idempotent");
    declines(api, &approved).await?;
    report.pass("decline: 422 without a reason, 409 for an approved request");
    Ok(())
}

async fn candidates(api: &Api) -> Result<Vec<Json>, String> {
    let list = api.get("?status=requested&order=oldest_first&page_size=200").await?;
    list.expect(StatusCode::OK, "GET of the open requests")?;
    let open = list.body["booking_requests"].as_array().cloned().unwrap_or_default();
    if open.is_empty() {
        return Err("no booking request has status requested: create one (POST /api/v1/booking-requests), then run this again".to_owned());
    }
    Ok(open)
}

async fn approve_one(api: &Api, candidates: &[Json]) -> Result<Approved, String> {
    let mut overlaps = Vec::new();
    for candidate in candidates.iter().take(CANDIDATES) {
        let id = candidate["id"].as_str().unwrap_or_default().to_owned();
        let body = json!({"internal_note": "Approved by frontdesk smoke"});
        let answer = api.post(&format!("/{id}/approve"), &body).await?;
        let text = answer.body.to_string();
        let overlap =
            answer.status == StatusCode::CONFLICT && answer.body["conflict_type"] == "booking_overlap";
        if overlap {
            if text.contains("healed") || text.contains("idempotent") {
                return Err(format!("the conflict on {id} speaks of healing: {text}"));
            }
            stderr::say(format_args!("{id} overlaps with somebody else's booking; trying the next one"));
            overlaps.push(id);
            continue;
        }
        answer.expect(StatusCode::OK, &format!("approving {id}"))?;
        if answer.body["status"] != "confirmed" {
            return Err(format!("approving {id} answered status {}", answer.body["status"]));
        }
        let booking = answer.body["booking_id"].as_str().unwrap_or_default().to_owned();
        if booking.is_empty() {
            return Err(format!("approving {id} answered no booking_id: {text}"));
        }
        return Ok(Approved { id, booking });
    }
    Err(format!(
        "all {} candidates overlap with somebody else's booking ({}): create a request for free dates, then run this again",
        overlaps.len(),
        overlaps.join(", ")
    ))
}

async fn not_listed(api: &Api, approved: &Approved, request: &Json) -> Result<(), String> {
    let text = |field: &str| request[field].as_str().unwrap_or_default();
    let query = format!(
        "?status=requested&page_size=200&property_id={}&stay_from={}&stay_to={}",
        text("property_id"),
        text("check_in"),
        text("check_out")
    );
    let list = api.get(&query).await?;
    list.expect(StatusCode::OK, "GET of the open requests after the approval")?;
    let open = list.body["booking_requests"].as_array();
    if open.is_none_or(|open| open.iter().any(|one| one["id"] == approved.id.as_str())) {
        return Err(format!("status=requested still lists {}", approved.id));
    }
    Ok(())
}

async fn declines(api: &Api, approved: &Approved) -> Result<(), String> {
    let path = format!("/{}/decline", approved.id);
    let blank = api.post(&path, &json!({"decline_reason": " "})).await?;
    blank.expect(StatusCode::UNPROCESSABLE_ENTITY, "declining without a reason")?;
    let refused = api.post(&path, &json!({"decline_reason": "frontdesk smoke"})).await?;
    refused.expect(StatusCode::CONFLICT, "declining an approved request")?;
    Ok(())
}

impl Api {
    async fn get(&self, path: &str) -> Result<Answer, String> {
        self.send(Method::GET, path, None).await
    }

    async fn post(&self, path: &str, body: &Json) -> Result<Answer, String> {
        self.send(Method::POST, path, Some(body)).await
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Json>) -> Result<Answer, String> {
        let url = format!("{}/api/v1/booking-requests{path}", self.url);
        let mut request = self.client.request(method.clone(), &url).bearer_auth(&self.token);
        if let Some(tenant) = &self.tenant {
            request = request.header("x-tenant-id", tenant);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.map_err(|error| {
            format!("{method} {url} got no answer ({}); check API_BASE_URL", error.without_url())
        })?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| format!("{method} {url} broke off: {error}"))?;
        let body = serde_json::from_str(&text)
            .map_err(|_| format!("{method} {url} answered {status} without JSON; check API_BASE_URL"))?;
        Ok(Answer { status, body })
    }
}

impl Answer {
    fn expect(&self, status: StatusCode, what: &str) -> Result<(), String> {
        if self.status == status {
            return Ok(());
        }
        let text = |field: &str| self.body[field].as_str().unwrap_or_default().to_owned();
        Err(format!(
            "{what} answered {} instead of {}: {} {} (request id {})",
            self.status.as_u16(),
            status.as_u16(),
            text("code"),
            text("detail"),
            text("request_id")
        ))
    }
}

impl Report {
    fn pass(&mut self, what: &str) {
        self.passed += 1;
        self.line(true, self.passed, what);
    }

    fn line(&mut self, passed: bool, number: usize, what: &str) {
        if self.json {
            self.lines.push(json!({"test": number, "passed": passed, "what": what}));
        } else {
            let line = format!("Test {number}: {} {what}", if passed { "PASS" } else { "FAIL" });
            self.unprinted = stdout::line(line).err().or(self.unprinted.take());
        }
    }

    fn end(self) -> Result<(), Failure> {
        if let Some(failure) = self.unprinted {
            return Err(failure);
        }
        if self.json {
            stdout::line(json!({"passed": self.passed, "of": CHECKS, "tests": self.lines}))
        } else {
            stdout::line(format_args!("Test Results: {}/{CHECKS} passed", self.passed))
        }
    }
}
