//! Streams of messages as newline-delimited JSON, server-sent events or a JSON
//! array: one message per line, event or item. An error after the stream has
//! begun is its last line or item, or an event `error`.

use std::time::Duration;

use boot::Runbook;
use bytes::{Buf, Bytes, BytesMut};
use frontdesk_proto::{ErrorReason, Refusal};
use futures::stream::{self, Stream};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use serde_json::json;
use tokio::time::Instant;
use tonic::body::Body;
use tonic::{Code, Status};
use transcode::Renderer;

use crate::answer::accept::Accept;
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

/// The types of answers, those that are taken before others first.
const TYPES: [(&str, Format); 4] = [
    ("application/x-ndjson", Format::Lines),
    ("application/jsonl", Format::Lines),
    ("text/event-stream", Format::Events),
    ("application/json", Format::Array),
];

/// How a stream looks to its caller.
#[derive(Debug, Clone)]
pub struct Form {
    pub format: Format,
    /// Its content type.
    pub media: &'static str,
    /// The field of a message that says where to go on, which is the id of its event.
    pub cursor: Option<u32>,
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

/// The messages of a source, one by one.
pub struct Messages {
    source: Source,
    buffer: BytesMut,
}

struct State {
    messages: Messages,
    renderer: Renderer,
    form: Form,
    sent: usize,
    ended: bool,
}

/// What comes next in a stream.
enum Step {
    /// Its JSON, and where to go on after it.
    Message(Vec<u8>, Option<String>),
    /// Nothing for a while.
    Silence,
    End,
}

/// The response for a stream that has begun.
pub fn response(form: Form, renderer: Renderer, metadata: &HeaderMap, source: Source) -> Response<Body> {
    let media = form.media;
    let state = State { messages: Messages::of(source), renderer, form, sent: 0, ended: false };
    let frames = futures::StreamExt::map(pieces(state), |piece| Ok::<_, Status>(Frame::data(piece)));
    let mut response = Response::new(Body::new(StreamBody::new(frames)));
    let headers = begun(&mut response, metadata, HeaderValue::from_static(media));
    headers.append(VARY, HeaderValue::from_static("accept"));
    response
}

/// The response for a stream of events that has nothing but its end, and when to come again if
/// the failure says that.
pub fn over(form: &Form, failure: &Failure) -> Response<Body> {
    let problem = Problem::of(failure);
    let again = problem.retry_after().map(|delay| format!("retry: {}\n", delay.as_millis()));
    let body = [again.unwrap_or_default().as_bytes(), &form.failure(failure, true)].concat();
    let mut response = Response::new(Body::new(Full::new(body.into())));
    problem.head(&mut response);
    let headers = begun(&mut response, &HeaderMap::new(), HeaderValue::from_static(form.media));
    headers.append(VARY, HeaderValue::from_static("accept"));
    response
}

/// Adds what each stream says of itself.
pub fn begun<'r>(
    response: &'r mut Response<Body>,
    metadata: &HeaderMap,
    content_type: HeaderValue,
) -> &'r mut HeaderMap {
    response.extensions_mut().insert(Streamed);
    let headers = response.headers_mut();
    headers::rest_out(metadata, headers);
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies that collect answers would hold the messages back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    headers
}

impl Format {
    /// The format that the `Accept` header asks for, and its type; lines when it does not
    /// care. A feed is an array only for whoever takes nothing else: nobody could read it
    /// before its end.
    pub fn accepted(headers: &HeaderMap, is_feed: bool) -> Result<(Self, &'static str), Refusal> {
        let accept = Accept::of(headers);
        let suits = |wanted: fn(Self) -> bool| {
            let fits = TYPES.into_iter().filter(|(_, format)| wanted(*format));
            let fits = fits.filter_map(|(media, format)| Some((accept.fit(media)?, (format, media))));
            // Of those that suit alike the last is taken.
            fits.rev().max_by_key(|(fit, _)| *fit).map(|(_, found)| found)
        };
        let found = if is_feed {
            suits(|format| format != Self::Array).or_else(|| suits(|_| true))
        } else {
            suits(|_| true)
        };
        found.ok_or_else(|| {
            Refusal::new(
                ErrorReason::NotAcceptable,
                "This route answers application/x-ndjson, text/event-stream or application/json, which the Accept header rules out.",
            )
        })
    }

    /// A message, the first of which begins an array. An event has the position after it as
    /// its id, which a browser sends back when it comes again.
    fn message(self, json: &[u8], cursor: Option<&str>, first: bool) -> Bytes {
        match (self, first) {
            (Self::Lines, _) => [json, b"\n"].concat().into(),
            (Self::Events, _) => [id(cursor).as_bytes(), b"data: ", json, b"\n\n"].concat().into(),
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

/// The line with an event's id. An empty one would make a browser forget where it was, and one
/// with a break or a NUL is read as another one or none (HTML, 9.2.6).
fn id(cursor: Option<&str>) -> String {
    let fits = |cursor: &&str| !cursor.is_empty() && !cursor.contains(['\0', '\r', '\n']);
    cursor.filter(fits).map(|cursor| format!("id: {cursor}\n")).unwrap_or_default()
}

impl Form {
    /// Whether a browser that is told of a failure by an event goes on by itself where that says.
    pub fn leads_on_from(&self, failure: &Failure) -> bool {
        let refusal = match failure {
            Failure::Status(status, _) => Refusal::from_status(status),
            _ => None,
        };
        self.format == Format::Events
            && refusal.is_some_and(|refusal| refusal.metadata().any(|(name, _)| name == "go_on"))
    }

    /// Whether a browser does well to come again after a failure: after another status than 200
    /// it never does, and one that passes soon would end the stream of its page for good.
    pub fn comes_again_after(&self, failure: &Failure) -> bool {
        self.format == Format::Events
            && (failure.is_unavailable() || Problem::of(failure).retry_after().is_some())
    }

    /// The last item, for a stream that failed. Where it says from where to go on, a browser
    /// does so by itself.
    fn failure(&self, failure: &Failure, first: bool) -> Bytes {
        let error = json!({"error": Problem::of(failure).in_stream(&self.runbook)});
        match self.format {
            Format::Lines => format!("{error}\n").into(),
            Format::Events => {
                let id = id(error["error"]["metadata"]["go_on"].as_str());
                format!("event: error\n{id}data: {error}\n\n").into()
            }
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
            Ok(Step::Message(json, cursor)) => {
                state.sent += 1;
                state.form.format.message(&json, cursor.as_deref(), first)
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
        let until = self.messages.source.until;
        let wake = [silence, until].into_iter().flatten().min();
        let next = self.messages.next();
        let message = match wake {
            None => next.await?,
            Some(wake) => match tokio::time::timeout_at(wake, next).await {
                Ok(message) => message?,
                Err(_) if Some(wake) == silence => return Ok(Step::Silence),
                Err(_) => return Err(self.messages.over()),
            },
        };
        message.map_or(Ok(Step::End), |message| self.rendered(&message))
    }

    fn rendered(&self, message: &[u8]) -> Result<Step, Failure> {
        let json = self.renderer.json(message).map_err(|_| self.messages.unreadable())?;
        let cursor = match self.form {
            Form { format: Format::Events, cursor: Some(field), .. } => self.renderer.text(field, message),
            _ => None,
        };
        Ok(Step::Message(json, cursor.map(str::to_owned)))
    }
}

impl Messages {
    pub fn of(source: Source) -> Self {
        Self { source, buffer: BytesMut::new() }
    }

    /// The next message, until the time of the stream is over; `None` after a good end.
    pub async fn next_in_time(&mut self) -> Result<Option<Bytes>, Failure> {
        match self.source.until {
            None => self.next().await,
            Some(until) => match tokio::time::timeout_at(until, self.next()).await {
                Ok(message) => message,
                Err(_) => Err(self.over()),
            },
        }
    }

    /// The failure for a message that is none of the method's.
    pub fn unreadable(&self) -> Failure {
        self.source.failed("A message cannot be read.")
    }

    fn over(&self) -> Failure {
        let sentence = format!("The time given for the call is over. {}", self.source.way_on());
        Refusal::new(ErrorReason::DeadlineExceeded, sentence).into()
    }

    /// The next message; `None` after a good end.
    async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            if let Some(message) = self.take_message()? {
                return Ok(Some(message));
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
            return Err(self.unreadable());
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
mod tests;
