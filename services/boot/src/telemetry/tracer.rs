//! Spans of calls, exported over OTLP (HTTP, protobuf) to a collector. Off unless one is
//! named. A call leaves its spans in a buffer; a task sends what has gathered every
//! second. When the collector is away or slow, spans are lost and counted; no call waits.
//! A span tells what was called and how it ended, and nothing of what was in it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use prost::Message;

use super::context::Context;
use super::figures::Count;
use super::otlp::{ExportTraceServiceRequest, Resource, ResourceSpans, ScopeSpans, Span, Status, attribute};
use crate::settings::{Form, Setting, Settings, Unset};

static OTEL_EXPORTER_OTLP_ENDPOINT: Setting = Setting {
    name: "OTEL_EXPORTER_OTLP_ENDPOINT",
    form: Form::Described("an http:// or https:// URL"),
    unset: Unset::Means("no traces are made"),
    example: "http://127.0.0.1:4318",
    meaning: "The collector that traces are sent to, over OTLP/HTTP, at /v1/traces below it.",
    secret: false,
};
static TRACE_PERCENT: Setting = Setting {
    name: "TRACE_PERCENT",
    form: Form::Number { least: 0, most: 100 },
    unset: Unset::Default("10"),
    example: "100",
    meaning: "Of a hundred calls whose caller does not say whether they are traced, so many are.",
    secret: false,
};

/// How long spans gather.
const GATHER: Duration = Duration::from_secs(1);
/// Most spans that wait.
const ROOM: usize = 8192;
/// How long a collector may take.
const PATIENCE: Duration = Duration::from_secs(2);

static TRACER: OnceLock<Tracer> = OnceLock::new();

/// Where traces go, and how many.
#[derive(Debug, Clone)]
pub struct Traces {
    endpoint: Option<String>,
    percent: u8,
}

struct Tracer {
    percent: u8,
    waiting: Mutex<Vec<Span>>,
    endpoint: String,
    http: reqwest::Client,
    service: &'static str,
    sent: Count,
    lost: Count,
    /// Whether the last request failed.
    failing: AtomicBool,
}

/// A span that has not ended.
#[derive(Debug)]
pub struct OpenSpan {
    context: Context,
    parent: u64,
    began: SystemTime,
    since: Instant,
}

impl Traces {
    /// Reads the settings.
    pub fn read(settings: &mut Settings) -> Option<Self> {
        let endpoint = settings.if_set::<Endpoint>(&OTEL_EXPORTER_OTLP_ENDPOINT);
        let percent = settings.number(&TRACE_PERCENT);
        Some(Self { endpoint: endpoint.map(|endpoint| endpoint.0), percent: percent? })
    }

    /// Begins to trace calls, if a collector is named.
    pub fn start(self, service: &'static str) -> Result<(), String> {
        let Some(endpoint) = self.endpoint else { return Ok(()) };
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build();
        let tracer = Tracer {
            percent: self.percent,
            waiting: Mutex::default(),
            endpoint: format!("{}/v1/traces", endpoint.trim_end_matches('/')),
            http: http.map_err(|error| format!("traces cannot be sent: {error}"))?,
            service,
            sent: Count::default(),
            lost: Count::default(),
            failing: AtomicBool::default(),
        };
        if TRACER.set(tracer).is_ok() {
            tokio::spawn(async {
                loop {
                    tokio::time::sleep(GATHER).await;
                    Self::send().await;
                }
            });
        }
        Ok(())
    }

    /// Sends what has gathered; at the end of the process, what is left.
    pub async fn send() {
        if let Some(tracer) = TRACER.get() {
            tracer.send().await;
        }
    }

    /// Spans that were sent, and spans that were lost; nothing if none are made.
    pub fn counts() -> Option<(u64, u64)> {
        TRACER.get().map(|tracer| (tracer.sent.get(), tracer.lost.get()))
    }
}

/// The URL of a collector.
struct Endpoint(String);

impl std::str::FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url = reqwest::Url::parse(text).map_err(|error| error.to_string())?;
        if matches!(url.scheme(), "http" | "https") {
            Ok(Self(text.to_owned()))
        } else {
            Err("it does not begin with http:// or https://".to_owned())
        }
    }
}

impl Tracer {
    fn take(&self, span: Span) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < ROOM { waiting.push(span) } else { self.lost.add_one() }
    }

    async fn send(&self) {
        let spans = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        let count = spans.len();
        if count == 0 {
            return;
        }
        let resource = Resource { attributes: vec![attribute("service.name", self.service)] };
        let resource_spans =
            vec![ResourceSpans { resource: Some(resource), scope_spans: vec![ScopeSpans { spans }] }];
        let body = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
        let request =
            self.http.post(&self.endpoint).header("content-type", "application/x-protobuf").body(body);
        let failed = match request.send().await {
            Ok(answer) => answer.error_for_status().err(),
            Err(error) => Some(error),
        };
        let figure = if failed.is_some() { &self.lost } else { &self.sent };
        (0..count).for_each(|_| figure.add_one());
        let before = self.failing.swap(failed.is_some(), Ordering::Relaxed);
        if let Some(error) = failed.filter(|_| !before) {
            tracing::warn!(error = %error.without_url(), "traces cannot be sent; they are lost until the collector takes them");
        }
    }
}

impl OpenSpan {
    /// The place in its trace that a call sends on, and its span, if it is traced. Whether
    /// it is, the caller has decided, or else it is decided here.
    pub fn call(came_with: Option<Context>) -> (Option<Context>, Option<Self>) {
        let Some(tracer) = TRACER.get() else { return (came_with, None) };
        let context = came_with.map_or_else(|| Context::begin(tracer.percent), Context::below);
        let parent = came_with.map_or(0, |context| context.span);
        (Some(context), context.sampled.then(|| Self::begin(context, parent)))
    }

    /// The span of a part of it.
    pub fn part(&self) -> Self {
        Self::begin(self.context.below(), self.context.span)
    }

    fn begin(context: Context, parent: u64) -> Self {
        Self { context, parent, began: SystemTime::now(), since: Instant::now() }
    }

    /// Where in the trace it is.
    pub fn context(&self) -> Context {
        self.context
    }

    /// Ends it: under which name, whether it answered or made a call, and how that went.
    pub fn end(&self, name: &str, answers: bool, attributes: &[(&str, &str)], failed: bool) {
        let Some(tracer) = TRACER.get() else { return };
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let start = nanos(self.began.duration_since(UNIX_EPOCH).unwrap_or_default());
        let parent = if self.parent == 0 { Vec::new() } else { self.parent.to_be_bytes().to_vec() };
        tracer.take(Span {
            trace_id: self.context.trace.to_be_bytes().to_vec(),
            span_id: self.context.span.to_be_bytes().to_vec(),
            parent_span_id: parent,
            name: name.to_owned(),
            kind: if answers { 2 } else { 3 },
            start_time_unix_nano: start,
            end_time_unix_nano: start.saturating_add(nanos(self.since.elapsed())),
            attributes: attributes.iter().map(|(key, value)| attribute(key, value)).collect(),
            status: failed.then_some(Status { code: 2 }),
        });
    }
}
