//! Streams of messages as newline-delimited JSON, server-sent events or a JSON
//! array: one message per line, event or item. An error after the stream has
//! begun is its last line or item, or an event `error`.

use std::time::Duration;

use boot::Runbook;
use bytes::{Buf, Bytes, BytesMut};
use frontdesk_proto::{ErrorReason, Refusal};
use futures::stream::{self, Stream};
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use serde_json::json;
use tokio::time::Instant;
use tonic::body::Body;
use tonic::{Code, Status};
use transcode::Renderer;

use crate::answer::access_log::Streamed;
use crate::answer::failure::{Failure, MAX_RESPONSE};
use crate::answer::problem::Problem;
use crate::call::ending::UNKNOWN;
use crate::call::headers;
use crate::call::upload::Broken;

/// How long an event stream is silent at most: a proxy gives up a connection on
/// which nothing happens, mostly after a minute.
const SILENCE: Duration = Duration::from_secs(15);

/// How messages are separated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON text per line.
    Lines,
    /// `text/event-stream`.
    Events,
    /// One array of JSON.
    Array,
}

/// How a stream looks to its caller.
#[derive(Debug, Clone)]
pub struct Form {
    pub format: Format,
    /// Where an error leads to.
    pub runbook: Runbook,
}

/// Where the messages come from.
pub struct Source {
    /// The body of the service's answer.
    pub body: Body,
    /// When the stream ends at the latest.
    pub until: Option<Instant>,
    /// Why the request's own stream ended, for a method that takes one.
    pub broken: Option<Broken>,
}

struct State {
    source: Source,
    buffer: BytesMut,
    renderer: Renderer,
    form: Form,
    sent: usize,
    ended: bool,
}

/// What comes next in a stream.
enum Step {
    Message(Vec<u8>),
    /// Nothing for a while.
    Silence,
    End,
}

/// The response for a stream that has begun.
pub fn response(form: Form, renderer: Renderer, metadata: &HeaderMap, source: Source) -> Response<Body> {
    let format = form.format;
    let state = State { source, buffer: BytesMut::new(), renderer, form, sent: 0, ended: false };
    let frames = futures::StreamExt::map(pieces(state), |piece| Ok::<_, Status>(Frame::data(piece)));
    let mut response = Response::new(Body::new(StreamBody::new(frames)));
    response.extensions_mut().insert(Streamed);
    headers::rest_out(metadata, response.headers_mut());
    let content_type = match format {
        Format::Lines => "application/x-ndjson",
        Format::Events => "text/event-stream",
        Format::Array => "application/json",
    };
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies that collect answers would hold the messages back.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

impl Format {
    /// The format that the `Accept` header asks for; lines when it does not care.
    pub fn accepted(headers: &HeaderMap) -> Result<Self, Refusal> {
        let mut ranges = headers
            .get_all(ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(|range| range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
            .peekable();
        if ranges.peek().is_none() {
            return Ok(Self::Lines);
        }
        ranges
            .find_map(|range| match range.as_str() {
                "text/event-stream" => Some(Self::Events),
                "application/json" => Some(Self::Array),
                "application/x-ndjson" | "application/jsonl" | "application/*" | "*/*" | "" => Some(Self::Lines),
                _ => None,
            })
            .ok_or_else(|| {
                Refusal::new(
                    ErrorReason::NotAcceptable,
                    "This route answers application/x-ndjson, text/event-stream or application/json, which the Accept header rules out.",
                )
            })
    }

    /// A message, the first of which begins an array.
    fn message(self, json: &[u8], first: bool) -> Bytes {
        match (self, first) {
            (Self::Lines, _) => [json, b"\n"].concat().into(),
            (Self::Events, _) => [b"data: ", json, b"\n\n"].concat().into(),
            (Self::Array, true) => [b"[", json].concat().into(),
            (Self::Array, false) => [b",\n", json].concat().into(),
        }
    }

    /// What comes after the last message.
    fn end(self, nothing: bool) -> Option<Bytes> {
        match (self, nothing) {
            (Self::Lines | Self::Events, _) => None,
            (Self::Array, true) => Some(Bytes::from_static(b"[]\n")),
            (Self::Array, false) => Some(Bytes::from_static(b"]\n")),
        }
    }
}

impl Form {
    /// The last item, for a stream that failed.
    fn failure(&self, failure: &Failure, first: bool) -> Bytes {
        let error = json!({"error": Problem::of(failure).in_stream(&self.runbook)});
        match self.format {
            Format::Lines => format!("{error}\n").into(),
            Format::Events => format!("event: error\ndata: {error}\n\n").into(),
            Format::Array => format!("{}{error}]\n", if first { "[" } else { ",\n" }).into(),
        }
    }
}

fn pieces(state: State) -> impl Stream<Item = Bytes> {
    stream::unfold(state, |mut state| async move {
        if state.ended {
            return None;
        }
        let first = state.sent == 0;
        let piece = match state.step().await {
            Ok(Step::Message(json)) => {
                state.sent += 1;
                state.form.format.message(&json, first)
            }
            // A comment, which clients pass over.
            Ok(Step::Silence) => Bytes::from_static(b": still here\n\n"),
            Ok(Step::End) => {
                state.ended = true;
                state.form.format.end(first)?
            }
            Err(failure) => {
                state.ended = true;
                state.form.failure(&failure, first)
            }
        };
        Some((piece, state))
    })
}

impl State {
    /// The next message, silence where it must be broken, or the end.
    async fn step(&mut self) -> Result<Step, Failure> {
        let silence = match self.form.format {
            Format::Events => Some(Instant::now() + SILENCE),
            Format::Lines | Format::Array => None,
        };
        let until = self.source.until;
        let wake = [silence, until].into_iter().flatten().min();
        let next = async { self.next().await.map(|json| json.map_or(Step::End, Step::Message)) };
        let Some(wake) = wake else { return next.await };
        match tokio::time::timeout_at(wake, next).await {
            Ok(step) => step,
            Err(_) if Some(wake) == silence => Ok(Step::Silence),
            Err(_) => Err(Refusal::new(
                ErrorReason::DeadlineExceeded,
                format!("The time given for the call is over. {}", self.source.way_on()),
            )
            .into()),
        }
    }

    /// The next message as JSON; `None` after a good end.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        loop {
            if let Some(message) = self.take_message()? {
                let json = self
                    .renderer
                    .json(&message)
                    .map_err(|_| self.source.failed("A message cannot be read."))?;
                return Ok(Some(json));
            }
            let Some(frame) = self.source.body.frame().await else {
                return Err(self.source.failed("The service's stream broke off."));
            };
            let frame = frame.map_err(|error| {
                tracing::warn!(%error, "a stream broke off");
                self.source.failed("The service's stream broke off.")
            })?;
            match frame.into_data() {
                Ok(data) => self.buffer.extend_from_slice(&data),
                Err(frame) => {
                    let status =
                        frame.into_trailers().ok().and_then(|trailers| Status::from_header_map(&trailers));
                    return match status {
                        Some(status) if status.code() == Code::Ok => Ok(None),
                        Some(status) => Err(Failure::Status(status, HeaderMap::new())),
                        None => Err(self.source.failed("The service's stream ended without a status.")),
                    };
                }
            }
        }
    }

    fn take_message(&mut self) -> Result<Option<Bytes>, Failure> {
        let [flag, a, b, c, d, ..] = self.buffer[..] else { return Ok(None) };
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        if flag != 0 || length > MAX_RESPONSE {
            return Err(self.source.failed("A message cannot be read."));
        }
        if self.buffer.len() < 5 + length {
            return Ok(None);
        }
        self.buffer.advance(5);
        Ok(Some(self.buffer.split_to(length).freeze()))
    }
}

impl Source {
    /// Why nothing more comes: the request's own stream, if that is known to have
    /// ended too early.
    fn failed(&self, what: &str) -> Failure {
        let ours = self.broken.as_ref().and_then(Broken::cause);
        let why = ours.unwrap_or_else(|| Refusal::new(ErrorReason::UpstreamUnavailable, what));
        why.followed_by(self.way_on()).into()
    }

    /// How to go on after a stream that broke off.
    fn way_on(&self) -> &'static str {
        match self.broken {
            None => "Start the stream again from its last cursor.",
            Some(_) => UNKNOWN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_item_of_a_stream_that_fails_leads_to_the_page_of_its_reason() {
        let known = Failure::from(Refusal::new(ErrorReason::CursorExpired, "Too old."));
        let unknown = Failure::Status(Status::aborted("x"), HeaderMap::new());
        let runbook: Runbook = "https://api.example.com/runbook".parse().unwrap();
        for (format, begin, end) in [
            (Format::Lines, "", "\n"),
            (Format::Events, "event: error\ndata: ", "\n\n"),
            (Format::Array, "[", "]\n"),
        ] {
            for (runbook, failure, page) in [
                (Runbook::default(), &known, "/runbook/CURSOR_EXPIRED"),
                (runbook.clone(), &known, "https://api.example.com/runbook/CURSOR_EXPIRED"),
                (runbook.clone(), &unknown, "about:blank"),
            ] {
                let item = Form { format, runbook }.failure(failure, true);
                let item = std::str::from_utf8(&item).unwrap();
                let json = item.strip_prefix(begin).unwrap().strip_suffix(end).unwrap();
                let json: serde_json::Value = serde_json::from_str(json).unwrap();
                assert_eq!(json["error"]["type"], page);
            }
        }
    }
}
