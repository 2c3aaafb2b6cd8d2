//! The Connect protocol (<https://connectrpc.com/docs/protocol>), made gRPC of: methods that
//! answer once by POST and, where they change nothing, by GET, and streams. What is sent to the
//! path of a method and is not gRPC is a call of Connect, or is answered with what would be one.

mod codec;
mod coding;
mod envelope;
mod error;
mod query;
mod stream;

use boot::Runbook;
use boot::deadline::GRPC_TIMEOUT;
use bytes::Bytes;
use frontdesk_proto::{ErrorReason, Refusal};
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response};
use prost_reflect::DescriptorPool;
use tonic::body::Body;

use self::codec::{Codec, Form, Json};
use self::coding::Coding;
use self::error::{ConnectError, Refused, Wrong};
use self::stream::{Broken, Reading, Writing};
use super::grpc;
use crate::answer::access_log::By;
use crate::answer::encoding;
use crate::answer::failure::{Failure, no_room, no_room_for_request, options};
use crate::answer::held::held;
use crate::answer::tags;
use crate::call::body;
use crate::call::deadline::{self, Deadline};
use crate::call::headers::{self, Client};
use crate::call::shape::Shape;
use crate::call::unary::{Answered, Call};
use crate::call::upstreams::Upstreams;

/// By which clients say that they speak the protocol, and which version of it.
const VERSION: HeaderName = HeaderName::from_static("connect-protocol-version");
/// Which content types a path takes (W3C LDP, 7.1).
const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");
/// Those of a method that answers once, and of one that streams.
const TYPES_OF_ONE: &str =
    "application/json, application/proto, application/grpc, application/grpc-web, application/grpc-web-text";
const TYPES_OF_STREAM: &str = "application/connect+json, application/connect+proto, application/grpc, application/grpc-web, application/grpc-web-text";

/// What calls of Connect have in common.
#[derive(Debug)]
pub struct Connect {
    json: Json,
}

/// A request that is no call of the protocol, and the content types that would make it one.
#[derive(Debug)]
pub struct NoCall {
    pub failure: Failure,
    pub accept_post: Option<(HeaderName, HeaderValue)>,
}

/// One message on its way to a method that answers once.
struct One {
    codec: Codec,
    coding: Coding,
    message: Bytes,
    deadline: Deadline,
}

impl From<Failure> for NoCall {
    fn from(failure: Failure) -> Self {
        Self { failure, accept_post: None }
    }
}

impl Connect {
    /// With the messages of these descriptors.
    pub fn new(pools: Vec<DescriptorPool>) -> Self {
        Self { json: Json::new(pools) }
    }

    /// Answers a request for the path of a method.
    pub async fn call(
        &self,
        upstreams: &Upstreams,
        runbook: &Runbook,
        request: Request<Body>,
        client: &Client,
    ) -> Result<Response<Body>, NoCall> {
        let path = request.uri().path();
        let Some(shape) = upstreams.shape(path) else {
            let refusal =
                Refusal::new(ErrorReason::RouteNotFound, "No service behind this gateway has the method.");
            return Err(Failure::from(refusal).into());
        };
        if shape.only_reads {
            boot::note_only_reads();
        }
        let (head, body) = request.into_parts();
        let is_own = upstreams.own_of_path(head.uri.path()).is_some();
        let by_get = shape.only_reads && !shape.streams();
        let mut response = match head.method {
            Method::OPTIONS => return Ok(options(allow(by_get))),
            Method::POST => match Form::of(&head.headers).filter(|form| form.streams == shape.streams()) {
                None => return Err(no_content_type(shape)),
                Some(form) if form.streams => {
                    self.stream(upstreams, runbook, (head, body), shape, form, client).await
                }
                Some(form) => {
                    let answered = self.posted(upstreams, (head, body), shape, form.codec, client).await;
                    answered
                        .unwrap_or_else(|refused| ConnectError::of(refused, runbook, &self.json).response())
                }
            },
            Method::GET | Method::HEAD if by_get => {
                let answered = self.got(upstreams, head, shape, client).await;
                match answered? {
                    Ok(response) => response,
                    Err(refused) => ConnectError::of(refused, runbook, &self.json).response(),
                }
            }
            ref other => return Err(Failure::not_allowed(other, head.uri.path(), allow(by_get)).into()),
        };
        if is_own {
            response.extensions_mut().insert(By::Gateway);
        }
        Ok(response)
    }

    /// The answer to a call that is refused before it is read.
    pub fn refused(&self, refusal: Refusal, runbook: &Runbook, request: &HeaderMap) -> Response<Body> {
        let error = ConnectError::of(refusal.into(), runbook, &self.json);
        match Form::of(request).filter(|form| form.streams) {
            Some(form) => error.stream(form),
            None => error.response(),
        }
    }

    async fn posted(
        &self,
        upstreams: &Upstreams,
        (mut head, body): (Parts, Body),
        shape: &Shape,
        codec: Codec,
        client: &Client,
    ) -> Result<Response<Body>, Refused> {
        check_version(&head.headers)?;
        let coding = Coding::of(&head.headers, &CONTENT_ENCODING)?;
        let deadline = deadline_of(&mut head.headers)?;
        let message = deadline.body(body::read(body, shape.most)).await??;
        self.once(upstreams, head, shape, One { codec, coding, message, deadline }, client).await
    }

    /// A call in a query; one in a codec that nobody knows is none.
    async fn got(
        &self,
        upstreams: &Upstreams,
        mut head: Parts,
        shape: &Shape,
        client: &Client,
    ) -> Result<Result<Response<Body>, Refused>, NoCall> {
        let asked = match query::Asked::read(head.uri.query()) {
            Ok(asked) => asked,
            Err(refusal) => return Ok(Err(refusal.into())),
        };
        let Some(codec) = asked.codec else { return Err(no_codec()) };
        let coding = match Coding::named(asked.compression.as_deref().unwrap_or_default()) {
            Ok(coding) => coding,
            Err(wrong) => return Ok(Err(wrong.into())),
        };
        let deadline = match deadline_of(&mut head.headers) {
            Ok(deadline) => deadline,
            Err(refusal) => return Ok(Err(refusal.into())),
        };
        let one = One { codec, coding, message: asked.message, deadline };
        Ok(self.once(upstreams, head, shape, one, client).await)
    }

    /// Calls a method that answers once.
    async fn once(
        &self,
        upstreams: &Upstreams,
        head: Parts,
        shape: &Shape,
        One { codec, coding, message, deadline }: One,
        client: &Client,
    ) -> Result<Response<Body>, Refused> {
        let message = coding.undone(message, shape.most).await?;
        let frame = self.framed(codec, shape, message)?;
        let mut metadata = head.headers;
        let wanted = [ACCEPT_ENCODING, IF_NONE_MATCH].into_iter().flat_map(|name| {
            let values = metadata.get_all(&name).iter().cloned().collect::<Vec<_>>();
            values.into_iter().map(move |value| (name.clone(), value))
        });
        let wanted: HeaderMap = wanted.collect();
        headers::connect_in(&mut metadata, client);
        let call = Call { path: head.uri.path(), frame, metadata };
        let Answered { message, headers, trailers } = call.answered(upstreams, deadline).await?;
        let changes = !shape.only_reads;
        // What is asked for by an address is kept under it, by browsers, too.
        let version = shape.version(&message).filter(|_| head.method != Method::POST);
        let mut response = match version.and_then(|version| tags::known(&wanted, version)) {
            Some(known) => tags::not_modified(known),
            None => {
                let body = self.json.written(codec, &shape.output, message.clone())?;
                let answer = encoding::answer(&wanted, body.into()).await;
                let mut response = answer.map_err(|full| no_room(changes, full))?;
                let content_type = Form { codec, streams: false }.content_type();
                response.headers_mut().insert(CONTENT_TYPE, content_type);
                let is_weak = response.headers().contains_key(CONTENT_ENCODING);
                let tag = version.and_then(|version| tags::tag(version, is_weak));
                response.headers_mut().extend(tag.map(|tag| (ETAG, tag)));
                response
            }
        };
        headers::connect_out(&headers, "", response.headers_mut());
        headers::connect_out(&trailers, "trailer-", response.headers_mut());
        if !response.headers().contains_key(CACHE_CONTROL) {
            // What was made may be a secret that is shown once; what is read is the caller's own.
            let kept = if changes { "no-store" } else { "private, no-cache" };
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(kept));
        }
        Ok(response)
    }

    /// A message as gRPC has it, with its room among bodies; how it came is not kept beside it.
    fn framed(&self, codec: Codec, shape: &Shape, message: Bytes) -> Result<Bytes, Refusal> {
        let wire = self.json.read(codec, &shape.input, message)?;
        held(envelope::envelope(0, &wire)).map_err(no_room_for_request)
    }

    /// Calls a method that streams.
    async fn stream(
        &self,
        upstreams: &Upstreams,
        runbook: &Runbook,
        (head, body): (Parts, Body),
        shape: &Shape,
        form: Form,
        client: &Client,
    ) -> Response<Body> {
        let writing = Writing {
            form,
            gzip: Coding::is_gzip_taken(&head.headers, &stream::ACCEPT_ENCODING),
            output: shape.output.clone(),
            json: self.json.clone(),
            runbook: runbook.clone(),
        };
        let broken = Broken::default();
        let sent = match self.stream_request((head, body), shape, form, client, &broken).await {
            Ok(request) => grpc::send(upstreams, request).await.map_err(|refusal| match broken.cause() {
                Some(wrong) => Refused::from(wrong),
                None => refusal.into(),
            }),
            Err(wrong) => Err(wrong.into()),
        };
        match sent {
            Ok(answered) => stream::response(writing, answered, broken),
            Err(refused) => ConnectError::of(refused, runbook, &self.json).stream(form),
        }
    }

    /// The gRPC request of a stream.
    async fn stream_request(
        &self,
        (mut head, body): (Parts, Body),
        shape: &Shape,
        form: Form,
        client: &Client,
        broken: &Broken,
    ) -> Result<Request<Body>, Wrong> {
        check_version(&head.headers)?;
        deadline::from_connect(&mut head.headers)?;
        let deadline = Deadline::of_grpc(&head.headers, true)?;
        let reading = Reading {
            codec: form.codec,
            coding: Coding::of(&head.headers, &stream::CONTENT_ENCODING)?,
            input: shape.input.clone(),
            json: self.json.clone(),
            most: shape.most,
        };
        let body = match deadline {
            _ if shape.takes_stream => reading.all(body, broken.clone()),
            None => reading.one(body).await?,
            Some(deadline) => {
                let body = deadline.body(reading.one(body)).await??;
                head.headers.insert(GRPC_TIMEOUT, deadline.header()?);
                body
            }
        };
        headers::connect_in(&mut head.headers, client);
        head.headers.remove(CONTENT_LENGTH);
        head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        Ok(Request::from_parts(head, body))
    }
}

/// The deadline of a call of a method that answers once, which began just now.
fn deadline_of(headers: &mut HeaderMap) -> Result<Deadline, Refusal> {
    deadline::from_connect(headers)?;
    Ok(Deadline::of_grpc(headers, false)?.unwrap_or_default())
}

fn check_version(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut said = headers.get_all(VERSION).iter();
    match (said.next(), said.next()) {
        (None, _) => Ok(()),
        (Some(version), None) if version == "1" => Ok(()),
        _ => {
            let sentence =
                format!("The header {VERSION} takes 1 once, the only version of the protocol there is.");
            Err(Refusal::new(ErrorReason::InvalidHeader, sentence).with("header", VERSION.as_str()))
        }
    }
}

fn allow(by_get: bool) -> HeaderValue {
    HeaderValue::from_static(if by_get { "GET, HEAD, OPTIONS, POST" } else { "OPTIONS, POST" })
}

/// A client that does not know the protocol must not take an error with status 200 for an
/// answer, so that nothing of a method's is answered to other content types.
fn no_content_type(shape: &Shape) -> NoCall {
    let (kind, types) =
        if shape.streams() { ("streams", TYPES_OF_STREAM) } else { ("answers once", TYPES_OF_ONE) };
    let sentence = format!("The method {kind}, and takes the content types {types}.");
    let refusal = Refusal::new(ErrorReason::UnsupportedMediaType, boot::nothing_stored(&sentence, ""));
    NoCall { failure: refusal.into(), accept_post: Some((ACCEPT_POST, HeaderValue::from_static(types))) }
}

fn no_codec() -> NoCall {
    let sentence = "The query parameter `encoding` takes json or proto.";
    let refusal = Refusal::new(ErrorReason::UnsupportedMediaType, sentence);
    NoCall {
        failure: refusal.into(),
        accept_post: Some((ACCEPT_POST, HeaderValue::from_static(TYPES_OF_ONE))),
    }
}
