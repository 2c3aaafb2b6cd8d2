//! Streams: messages in envelopes, which go on as gRPC's frames, and those of the answer as
//! envelopes again. How the call ended is the last message of the answer.
//!
//! A request of a method that takes one message is read whole before it is sent on. Where a
//! method takes several, each goes on when it has come; what cannot be read ends the call.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use boot::Runbook;
use bytes::Bytes;
use frontdesk_proto::{ErrorReason, Refusal};
use futures::stream::{self, Stream, StreamExt};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use tonic::body::Body;
use tonic::{Code, Status};

use super::codec::{Codec, Form, Json};
use super::coding::Coding;
use super::envelope::{self, COMPRESSED, END, Envelopes, PREFIX, TooLong, envelope};
use super::error::{ConnectError, Refused, Wrong, end};
use crate::answer::access_log::{By, Streamed};
use crate::answer::encoding::gzipped;
use crate::answer::failure::{Failure, MAX_RESPONSE, broken_off, no_room_for_request, too_large, unreadable};
use crate::answer::held::{client, for_client, held};
use crate::call::cut::Cut;
use crate::call::{body, headers};

/// How messages of a stream are compressed.
pub const CONTENT_ENCODING: HeaderName = HeaderName::from_static("connect-content-encoding");
/// How those of the answer may be.
pub const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("connect-accept-encoding");

/// How the messages of a request are written.
#[derive(Debug, Clone)]
pub struct Reading {
    pub codec: Codec,
    pub coding: Coding,
    /// Full name of their message.
    pub input: String,
    pub json: Json,
    /// Most bytes of one.
    pub most: usize,
}

/// How those of the answer are.
#[derive(Debug, Clone)]
pub struct Writing {
    pub form: Form,
    pub gzip: bool,
    /// Full name of their message.
    pub output: String,
    pub json: Json,
    pub runbook: Runbook,
}

/// What was wrong with a request that is sent on while it comes, once something was.
#[derive(Debug, Clone, Default)]
pub struct Broken(Arc<OnceLock<Wrong>>);

impl Broken {
    pub fn cause(&self) -> Option<Wrong> {
        self.0.get().cloned()
    }
}

impl Writing {
    /// A message of the answer in its envelope.
    async fn envelope(&self, message: Bytes) -> Result<Bytes, Refused> {
        let message = self.json.written(self.form.codec, &self.output, message)?;
        if self.gzip
            && let Some(compressed) = gzipped(&message).await
        {
            return Ok(envelope(COMPRESSED, &compressed));
        }
        Ok(envelope(0, &message))
    }
}

impl Reading {
    /// The one message of a body as gRPC has it.
    pub async fn one(&self, body: Body) -> Result<Body, Wrong> {
        let mut whole = body::read(body, self.most + PREFIX).await?;
        let too_long = |TooLong| too_large(self.most);
        let nothing = if whole.is_empty() { not_one("none") } else { cut_off() };
        let (flags, message) = envelope::take(&mut whole, self.most).map_err(too_long)?.ok_or(nothing)?;
        if envelope::take(&mut whole, self.most).map_err(too_long)?.is_some() {
            return Err(not_one("several"));
        }
        if !whole.is_empty() {
            return Err(cut_off());
        }
        // What was compressed is not kept beside what it becomes.
        drop(whole);
        Ok(Body::new(Full::new(self.framed(flags, message).await?)))
    }

    /// The messages of a body as they come. A task of the connection to the service reads them,
    /// and their room is that of this task's client all the same.
    pub fn all(self, body: Body, broken: Broken) -> Body {
        let whose = client();
        let envelopes = Envelopes::of_at_most(self.most);
        let begin = Some((self, body, envelopes, false));
        let frames = stream::unfold(begin, move |state| {
            let broken = broken.clone();
            async move {
                let (reading, mut body, mut envelopes, is_later) = state?;
                match for_client(whose, reading.following(&mut body, &mut envelopes)).await {
                    Ok(next) => Some((Ok(Frame::data(next?)), Some((reading, body, envelopes, true)))),
                    Err(wrong) => {
                        broken.0.get_or_init(|| if is_later { wrong.after_others() } else { wrong });
                        Some((Err(Status::cancelled("the request cannot be read on")), None))
                    }
                }
            }
        });
        Body::new(StreamBody::new(frames))
    }

    async fn following(&self, body: &mut Body, envelopes: &mut Envelopes) -> Result<Option<Bytes>, Wrong> {
        loop {
            if let Some((flags, message)) = envelopes.take().map_err(|TooLong| too_large(self.most))? {
                return self.framed(flags, message).await.map(Some);
            }
            match body.frame().await {
                // Trailers say nothing.
                Some(Ok(frame)) => envelopes.push(&frame.into_data().unwrap_or_default()),
                Some(Err(_)) => return Err(body::broken_off().into()),
                None if envelopes.are_whole() => return Ok(None),
                None => return Err(cut_off()),
            }
        }
    }

    /// A message as gRPC has it, with its room among bodies.
    async fn framed(&self, flags: u8, message: Bytes) -> Result<Bytes, Wrong> {
        let message = match flags {
            0 => message,
            COMPRESSED if self.coding == Coding::Identity => {
                let sentence = "A message is compressed, and no connect-content-encoding says how. Send it as it is, or say gzip.";
                return Err(Wrong::with_code(Code::Internal, malformed(sentence)));
            }
            COMPRESSED => self.coding.undone(message, self.most).await?,
            _ => return Err(malformed("A message has flags that a request has not.").into()),
        };
        let wire = self.json.read(self.codec, &self.input, message)?;
        Ok(held(envelope(0, &wire)).map_err(no_room_for_request)?)
    }
}

fn malformed(sentence: &str) -> Refusal {
    Refusal::new(ErrorReason::MalformedRequest, sentence)
}

fn cut_off() -> Wrong {
    malformed("The last message of the request is cut off.").into()
}

/// The protocol's code for it is that of a method that nobody has.
fn not_one(many: &str) -> Wrong {
    let sentence =
        boot::nothing_stored(&format!("The method takes one message, and the request has {many}."), "");
    Wrong::with_code(Code::Unimplemented, malformed(&sentence))
}

/// An answer, with what was wrong with its request if that comes out later.
pub fn response(writing: Writing, answered: Response<Cut>, broken: Broken) -> Response<Body> {
    let (mut head, body) = answered.into_parts();
    if let Some(status) = Status::from_header_map(&head.headers) {
        // The headers of a call that ends at once are its trailers.
        if status.code() != Code::Ok {
            let by = head.extensions.remove::<By>();
            let failure = Failure::Status(status, head.headers);
            let mut response =
                ConnectError::of(failure.into(), &writing.runbook, &writing.json).stream(writing.form);
            if let Some(by) = by {
                response.extensions_mut().insert(by);
            }
            return response;
        }
        let end = envelope(END, &end(None, &head.headers));
        let body = Body::new(Full::new(end));
        return with_head(&writing, &HeaderMap::new(), head.extensions, body);
    }
    let said = std::mem::take(&mut head.headers);
    let begin = State {
        writing: writing.clone(),
        body: Box::pin(body),
        envelopes: Envelopes::of_at_most(MAX_RESPONSE),
        broken,
        ended: false,
    };
    let frames = pieces(begin).map(|piece| Ok::<_, Status>(Frame::data(piece)));
    with_head(&writing, &said, head.extensions, Body::new(StreamBody::new(frames)))
}

fn with_head(writing: &Writing, said: &HeaderMap, extensions: Extensions, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.extensions_mut() = extensions;
    response.extensions_mut().insert(Streamed);
    let headers = response.headers_mut();
    headers::connect_out(said, "", headers);
    headers.insert(CONTENT_TYPE, writing.form.content_type());
    if writing.gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies that collect answers would hold the messages back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

struct State {
    writing: Writing,
    body: Pin<Box<Cut>>,
    envelopes: Envelopes,
    broken: Broken,
    ended: bool,
}

fn pieces(state: State) -> impl Stream<Item = Bytes> {
    stream::unfold(state, |mut state| async move {
        if state.ended {
            return None;
        }
        let piece = match state.next().await {
            Ok(piece) => piece,
            Err(refused) => {
                state.ended = true;
                ConnectError::of(refused, &state.writing.runbook, &state.writing.json).end()
            }
        };
        Some((piece, state))
    })
}

impl State {
    /// The next message in its envelope, or the end.
    async fn next(&mut self) -> Result<Bytes, Refused> {
        loop {
            let taken = self.envelopes.take().map_err(|TooLong| unreadable())?;
            if let Some((flags, message)) = taken {
                return if flags == 0 {
                    self.writing.envelope(message).await
                } else {
                    Err(unreadable().into())
                };
            }
            let trailers = match self.body.frame().await {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        self.envelopes.push(&data);
                        continue;
                    }
                    Err(frame) => frame.into_trailers().unwrap_or_default(),
                },
                // A client must not take a stream that broke off for one that ended.
                None => return Err(self.broke_off()),
                Some(Err(error)) => {
                    tracing::warn!(%error, "an answer broke off");
                    return Err(self.broke_off());
                }
            };
            let Some(status) = Status::from_header_map(&trailers) else { return Err(self.broke_off()) };
            if status.code() != Code::Ok {
                let refused = self.broken.cause().map(Refused::from);
                let failure = Failure::Status(status, HeaderMap::new());
                return Err(refused.unwrap_or_else(|| failure.into()));
            }
            self.ended = true;
            return Ok(envelope(END, &end(None, &trailers)));
        }
    }

    fn broke_off(&self) -> Refused {
        self.broken.cause().map_or_else(|| broken_off().into(), Refused::from)
    }
}
