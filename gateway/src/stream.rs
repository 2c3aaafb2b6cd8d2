//! Streams of messages as newline-delimited JSON or server-sent events, one
//! message per line or event. An error after the stream has begun is its last
//! line, or an event `error`.

use bytes::{Buf, Bytes, BytesMut};
use frontdesk_proto::{DOMAIN, ErrorReason, Refusal, reason_of, rpc};
use futures::stream::{self, Stream};
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use prost::Message;
use serde_json::json;
use tonic::body::Body;
use tonic::{Code, Status};
use transcode::Renderer;

use crate::headers;

/// Largest message in bytes.
const MAX_MESSAGE: usize = 4 * 1024 * 1024;

/// How messages are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON text per line.
    Lines,
    /// `text/event-stream`.
    Events,
}

struct State {
    body: Body,
    buffer: BytesMut,
    renderer: Renderer,
    format: Format,
    ended: bool,
}

/// The response for a stream that has begun.
pub fn response(format: Format, renderer: Renderer, metadata: &HeaderMap, body: Body) -> Response<Body> {
    let state = State { body, buffer: BytesMut::new(), renderer, format, ended: false };
    let frames = futures::StreamExt::map(pieces(state), |piece| Ok::<_, Status>(Frame::data(piece)));
    let mut response = Response::new(Body::new(StreamBody::new(frames)));
    headers::rest_out(metadata, response.headers_mut());
    let content_type = match format {
        Format::Lines => "application/x-ndjson",
        Format::Events => "text/event-stream",
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
                "application/x-ndjson" | "application/*" | "*/*" | "" => Some(Self::Lines),
                _ => None,
            })
            .ok_or_else(|| {
                Refusal::new(
                    ErrorReason::NotAcceptable,
                    "This route answers application/x-ndjson or text/event-stream, which the Accept header rules out.",
                )
            })
    }

    fn message(self, json: &[u8]) -> Bytes {
        match self {
            Self::Lines => [json, b"\n"].concat().into(),
            Self::Events => [b"data: ", json, b"\n\n"].concat().into(),
        }
    }

    fn error(self, status: &Status) -> Bytes {
        let detailed = rpc::Status::decode(status.details()).unwrap_or_else(|error| {
            tracing::warn!(%error, "the details of a status cannot be read");
            rpc::Status::default()
        });
        let info = detailed.details.iter().find(|detail| detail.type_url.ends_with("/google.rpc.ErrorInfo"));
        let info = info.and_then(|detail| rpc::ErrorInfo::decode(detail.value.as_slice()).ok());
        let metadata =
            info.filter(|info| info.domain == DOMAIN).map(|info| info.metadata).unwrap_or_default();
        let code = reason_of(status).map_or("UNKNOWN", ErrorReason::name);
        let error = json!({"error": {
            "code": code,
            "message": status.message(),
            "grpc_status": status.code() as i32,
            "metadata": metadata,
        }});
        match self {
            Self::Lines => format!("{error}\n").into(),
            Self::Events => format!("event: error\ndata: {error}\n\n").into(),
        }
    }
}

fn pieces(state: State) -> impl Stream<Item = Bytes> {
    stream::unfold(state, |mut state| async move {
        if state.ended {
            return None;
        }
        let piece = match state.next().await {
            Ok(Some(json)) => state.format.message(&json),
            Ok(None) => return None,
            Err(status) => {
                state.ended = true;
                state.format.error(&status)
            }
        };
        Some((piece, state))
    })
}

impl State {
    /// The next message as JSON; `None` after a good end.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Status> {
        loop {
            if let Some(message) = self.take_message()? {
                let json = self.renderer.json(&message).map_err(|_| broken("A message cannot be read."))?;
                return Ok(Some(json));
            }
            let Some(frame) = self.body.frame().await else {
                return Err(broken("The service's stream broke off."));
            };
            match frame?.into_data() {
                Ok(data) => self.buffer.extend_from_slice(&data),
                Err(frame) => {
                    let status =
                        frame.into_trailers().ok().and_then(|trailers| Status::from_header_map(&trailers));
                    return match status {
                        Some(status) if status.code() == Code::Ok => Ok(None),
                        Some(status) => Err(status),
                        None => Err(broken("The service's stream ended without a status.")),
                    };
                }
            }
        }
    }

    fn take_message(&mut self) -> Result<Option<Bytes>, Status> {
        let [flag, a, b, c, d, ..] = self.buffer[..] else { return Ok(None) };
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        if flag != 0 || length > MAX_MESSAGE {
            return Err(broken("A message cannot be read."));
        }
        if self.buffer.len() < 5 + length {
            return Ok(None);
        }
        self.buffer.advance(5);
        Ok(Some(self.buffer.split_to(length).freeze()))
    }
}

fn broken(what: &str) -> Status {
    Refusal::new(
        ErrorReason::UpstreamUnavailable,
        format!("{what} Start the stream again from its last cursor."),
    )
    .into()
}
