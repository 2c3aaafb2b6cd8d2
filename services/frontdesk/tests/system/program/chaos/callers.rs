//! Who calls while things break: approvals that compete, lists and logins. They keep what
//! was acknowledged, and when each kind of call had an answer that says yes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use frontdesk::demo;
use futures::future::{FutureExt, LocalBoxFuture, join_all};
use reqwest::{Client, Method};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::declared;
use crate::fixture::{holds_nothing_secret, path_of};

/// What is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    Approve,
    List,
    Login,
}

impl Call {
    pub const ALL: [Self; 3] = [Self::Approve, Self::List, Self::Login];
}

pub struct Callers {
    http: Client,
    gateway: String,
    token: String,
    /// Requests of two guests for each night.
    requests: Vec<Uuid>,
    next: AtomicUsize,
    over: AtomicBool,
    kept: Mutex<Kept>,
}

/// What is kept of the answers.
#[derive(Default)]
pub struct Kept {
    /// Requests that were approved, with their bookings.
    pub acknowledged: BTreeMap<Uuid, String>,
    /// Sessions that logins have begun.
    pub sessions: BTreeSet<Uuid>,
    /// When calls began and ended that were answered with yes.
    good: Vec<(Call, Instant, Instant)>,
    /// How often each other answer came.
    pub refused: BTreeMap<(Call, String), usize>,
}

impl Callers {
    pub fn new(gateway: &str, token: String, requests: Vec<Uuid>) -> Self {
        let http = Client::builder().no_proxy().timeout(Duration::from_secs(12)).build().unwrap();
        Self {
            http,
            gateway: gateway.to_owned(),
            token,
            requests,
            next: AtomicUsize::new(0),
            over: AtomicBool::new(false),
            kept: Mutex::default(),
        }
    }

    /// Calls until it is told to end.
    pub async fn call(&self) {
        let approve = (0..4).map(|_| self.each(Call::Approve, Duration::from_millis(5)).boxed_local());
        let list = std::iter::once(self.each(Call::List, Duration::from_millis(20)).boxed_local());
        let login = std::iter::once(self.each(Call::Login, Duration::from_millis(100)).boxed_local());
        let all: Vec<LocalBoxFuture<'_, ()>> = approve.chain(list).chain(login).collect();
        join_all(all).await;
    }

    pub fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    pub fn kept(self) -> Kept {
        self.kept.into_inner().unwrap()
    }

    /// When the first call of each kind that began after a moment was answered with yes.
    pub async fn recovered(&self, after: Instant, patience: Duration) -> Vec<(Call, Duration)> {
        let mut found = Vec::new();
        for call in Call::ALL {
            let first = loop {
                let first = {
                    let kept = self.kept.lock().unwrap();
                    let good = kept.good.iter().filter(|(kind, began, _)| *kind == call && *began >= after);
                    good.map(|(_, _, ended)| *ended).min()
                };
                if let Some(ended) = first {
                    break ended;
                }
                assert!(after.elapsed() < patience, "no {call:?} in {patience:?}: {:?}", self.refusals());
                tokio::time::sleep(Duration::from_millis(5)).await;
            };
            found.push((call, first - after));
        }
        found
    }

    /// The longest time without an approval that ends after a moment.
    pub fn longest_gap(&self, after: Instant) -> Duration {
        let kept = self.kept.lock().unwrap();
        let mut ends: Vec<Instant> =
            kept.good.iter().filter(|(kind, ..)| *kind == Call::Approve).map(|(.., ended)| *ended).collect();
        ends.sort();
        let gaps = ends.windows(2).filter(|pair| pair[1] >= after).map(|pair| pair[1] - pair[0]);
        gaps.max().unwrap_or_default()
    }

    fn refusals(&self) -> BTreeMap<(Call, String), usize> {
        self.kept.lock().unwrap().refused.clone()
    }

    async fn each(&self, call: Call, pause: Duration) {
        while !self.over.load(Ordering::Relaxed) {
            let began = Instant::now();
            let answer = match call {
                Call::Approve => {
                    let id = self.requests[self.next.fetch_add(1, Ordering::Relaxed) % self.requests.len()];
                    self.approve(id).await
                }
                Call::List => self.ask(Method::GET, "/api/v1/booking-requests?page_size=20", None).await,
                Call::Login => self.login().await,
            };
            let is_good = self.keep(call, began, answer);
            tokio::time::sleep(if is_good { pause } else { Duration::from_millis(30) }).await;
        }
    }

    /// Keeps an answer; whether it is as good as any.
    fn keep(&self, call: Call, began: Instant, answer: Result<Json, String>) -> bool {
        let mut kept = self.kept.lock().unwrap();
        match answer {
            Ok(_) => {
                kept.good.push((call, began, Instant::now()));
                true
            }
            Err(why) => {
                // Another guest has the night.
                let is_good = why == "BOOKING_OVERLAP";
                *kept.refused.entry((call, why)).or_default() += 1;
                is_good
            }
        }
    }

    async fn approve(&self, id: Uuid) -> Result<Json, String> {
        let answer = self.ask(Method::POST, &path_of(id, "/approve"), Some(json!({}))).await?;
        let booking = answer["booking_id"].as_str().unwrap().to_owned();
        let before = self.kept.lock().unwrap().acknowledged.insert(id, booking.clone());
        assert!(before.is_none_or(|before| before == booking), "{id} has got another booking");
        Ok(answer)
    }

    async fn login(&self) -> Result<Json, String> {
        let body = json!({"email": demo::VIEWER, "password": demo::PASSWORD});
        let answer = self.ask(Method::POST, "/v1/auth/login", Some(body)).await?;
        let claims = answer["access"].as_str().unwrap().split('.').nth(1).unwrap();
        let claims: Json = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
        let session = claims["session_id"].as_str().unwrap().parse().unwrap();
        assert!(self.kept.lock().unwrap().sessions.insert(session), "two logins have one session");
        Ok(answer)
    }

    /// The answer, or the reason why there is none. Whatever refuses says its reason.
    async fn ask(&self, method: Method, path: &str, body: Option<Json>) -> Result<Json, String> {
        let mut request = self.http.request(method.clone(), format!("http://{}{path}", self.gateway));
        if let Some(body) = body {
            request = request.json(&body);
        }
        if !path.ends_with("/login") {
            request = request.bearer_auth(&self.token);
        }
        let lost = |_| "no answer".to_owned();
        let answer = request.send().await.map_err(lost)?;
        let status = answer.status().as_u16();
        let text = answer.text().await.map_err(lost)?;
        let body: Json =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{status} {error}: {text}"));
        if matches!(status, 200 | 201) {
            return Ok(body);
        }
        holds_nothing_secret(&text);
        let code = body["code"].as_str().unwrap_or_else(|| panic!("{status} without a reason: {text}"));
        assert!(matches!(status, 409 | 429 | 503 | 504), "{status}: {text}");
        assert!(body["request_id"].is_string(), "{text}");
        declared::assert_over_rest(&method, path.split('?').next().unwrap(), code);
        Err(code.to_owned())
    }
}
