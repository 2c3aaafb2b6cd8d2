//! REST: one gRPC call per request. Which method a path means and what its
//! messages look like is `transcode`'s job.

use boot::Runbook;
use bytes::Bytes;
use frontdesk_proto::{ErrorReason, MethodContract, Refusal};
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, LOCATION};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use tonic::body::Body;
use transcode::{Answer, Match, Renderer, RouteError, Takes, Transcoder};

use super::stream::{self, Form};
use super::{conditions, raw};
use crate::answer::failure::{Failure, input_error, no_room, options, shown, unreadable};
use crate::answer::held::NoRoom;
use crate::answer::{accept, encoding, tags};
use crate::call::body::{self, MAX_REST};
use crate::call::deadline::Deadline;
use crate::call::ending::{Streams, UNKNOWN};
use crate::call::headers::{self, Client};
use crate::call::unary::{Call, frame};
use crate::call::upload::{Broken, Upload};
use crate::call::upstreams::Upstreams;

/// The header by which a service chooses the status of a success.
const HTTP_CODE: &str = "x-http-code";

/// Answers a request.
pub async fn call(
    transcoder: &Transcoder,
    upstreams: &Upstreams,
    runbook: &Runbook,
    request: Request<Body>,
    client: &Client,
) -> Result<Response<Body>, Failure> {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    if head.method == Method::OPTIONS && transcoder.route(&head.method, path).is_err() {
        return match transcoder.allowed(path) {
            allow if allow.is_empty() => Err(no_route(transcoder, path).into()),
            allow => Ok(options_of(transcoder, path, &allow)),
        };
    }
    let found = transcoder
        .route(&head.method, path)
        .map_err(|error| route_error(transcoder, error, &head.method, path))?;
    if found.only_reads() {
        boot::note_only_reads();
    } else {
        conditions::refuse_unheeded(&head.headers)?;
    }
    let called = matched(upstreams, runbook, &head, body, &found, client).await;
    called.map_err(|failure| {
        if failure.is_for(ErrorReason::UnsupportedMediaType) {
            body::named(failure, &head.method, &head.headers, &types(&found))
        } else {
            failure
        }
    })
}

/// Answers a request that is one of this method.
async fn matched(
    upstreams: &Upstreams,
    runbook: &Runbook,
    head: &Parts,
    body: Body,
    found: &Match<'_>,
    client: &Client,
) -> Result<Response<Body>, Failure> {
    if found.streams() {
        // On the heap: every call's future would have room for it, and hardly one is such.
        return Box::pin(streamed(upstreams, runbook, head, body, found, client)).await;
    }
    let renderer = found.renderer_for(head.uri.query()).map_err(input_error)?;
    if !renderer.is_raw() && !accept::takes_json(&head.headers) {
        return Err(not_json().into());
    }
    let deadline = Deadline::of(&head.headers)?;
    let frame = whole_request(head, body, found, None).await?;
    let call = Call { path: found.grpc_path(), frame, metadata: headers::rest_in(&head.headers, client) };
    let (wire, answered) = call.unary(upstreams, deadline).await?;
    response(head, found, &renderer, &wire, &answered).await
}

/// Answers a request whose answer is a stream of messages.
async fn streamed(
    upstreams: &Upstreams,
    runbook: &Runbook,
    head: &Parts,
    body: Body,
    found: &Match<'_>,
    client: &Client,
) -> Result<Response<Body>, Failure> {
    let renderer = found.renderer_for(head.uri.query()).map_err(input_error)?;
    let streams = upstreams.of_path(found.grpc_path()).and_then(|target| target.streams);
    let cursor = streams.and_then(Streams::cursor);
    let form = if renderer.is_raw() {
        None
    } else {
        let (format, media) = stream::Format::accepted(&head.headers, cursor.is_some())?;
        Some(Form { format, media, cursor, runbook: runbook.clone() })
    };
    let deadline = Deadline::of(&head.headers)?;
    let (answered, source) = if let Some(parts) = found.parts() {
        uploaded(upstreams, head, body, found, parts, client, deadline).await?
    } else {
        let position = conditions::position(&head.headers)?;
        let position = streams.and_then(Streams::asked_at).zip(position);
        let frame = whole_request(head, body, found, position).await?;
        let metadata = headers::rest_in(&head.headers, client);
        let call = Call { path: found.grpc_path(), frame, metadata };
        let (answered, body) = match (deadline.within(call.open(upstreams)).await?, &form) {
            (Ok(opened), _) => opened,
            // A browser gives up for good after a refusal, and its page is not told why.
            (Err(failure), Some(form))
                if form.comes_again_after(&failure) || position.is_some() && form.leads_on_from(&failure) =>
            {
                return Ok(stream::over(form, &failure));
            }
            (Err(failure), _) => return Err(failure),
        };
        (answered, stream::Source { body, until: deadline.asked(), broken: None })
    };
    match form {
        Some(form) => Ok(stream::response(form, renderer, &answered, source)),
        None => raw::response(renderer, &answered, source).await,
    }
}

/// Opens a call whose request's body is a stream of messages.
async fn uploaded(
    upstreams: &Upstreams,
    head: &Parts,
    body: Body,
    found: &Match<'_>,
    parts: transcode::Parts,
    client: &Client,
    deadline: Deadline,
) -> Result<(HeaderMap, stream::Source), Failure> {
    let mut upload = Upload::new(&head.headers, body)?;
    let frame = request_frame(head, &upload.first().await?, found, None)?;
    let metadata = headers::rest_in(&head.headers, client);
    let (call, broken) = (Call { path: found.grpc_path(), frame, metadata }, Broken::default());
    let opened = call.send(upstreams, upload.messages(parts, broken.clone()));
    // Without a limit of the caller's own it is the service's to say that the file is too
    // slow.
    let until = deadline.asked();
    let opened = if until.is_some() { deadline.within(opened).await? } else { opened.await };
    let (answered, body) = opened.map_err(|failure| match broken.cause() {
        Some(refusal) => refusal.followed_by(UNKNOWN).into(),
        None => failure,
    })?;
    Ok((answered, stream::Source { body, until, broken: Some(broken) }))
}

/// The request message, once its body is here.
async fn whole_request(
    head: &Parts,
    body: Body,
    found: &Match<'_>,
    position: Option<(u32, &str)>,
) -> Result<Bytes, Refusal> {
    let body = body::read(body, MAX_REST).await?;
    // What is not JSON is refused by the transcoder, in better words.
    if !body.is_empty() && found.takes() == Takes::Json {
        body::check_json(&head.headers)?;
    }
    request_frame(head, &encoding::decoded(&head.headers, body, MAX_REST)?, found, position)
}

/// The request message in its frame, with the position that a header asks for: of two values
/// of a field the last one counts.
fn request_frame(
    head: &Parts,
    body: &[u8],
    found: &Match<'_>,
    position: Option<(u32, &str)>,
) -> Result<Bytes, Refusal> {
    let content_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    frame(body.len() + 128, |out| {
        found.request(head.uri.query(), body, content_type, out)?;
        if let Some((field, text)) = position {
            prost::encoding::string::encode(field, &text.to_owned(), out);
        }
        Ok(())
    })
    .map_err(input_error)
}

/// The response for a message, or that the caller has it.
async fn response(
    head: &Parts,
    found: &Match<'_>,
    renderer: &Renderer,
    wire: &[u8],
    answered: &HeaderMap,
) -> Result<Response<Body>, Failure> {
    let changes = !found.only_reads();
    let version = renderer.etag(wire);
    let known =
        version.filter(|_| is_read(&head.method)).and_then(|version| tags::known(&head.headers, version));
    let is_known = known.is_some();
    let mut response = match known {
        Some(known) => tags::not_modified(known),
        None => {
            let answer = renderer.answer(wire).map_err(|error| {
                tracing::error!(%error, path = head.uri.path(), "an answer cannot be read");
                unreadable()
            })?;
            let succeeded = success(&head.headers, answer, answered).await;
            succeeded.map_err(|full| no_room(changes, full))?
        }
    };
    headers::rest_out(answered, response.headers_mut());
    if found.binding().creates() {
        created(found.location(head.uri.path(), wire), answered, &mut response);
    }
    if !response.headers().contains_key(CACHE_CONTROL) {
        // What was made may be a secret that is shown once; what is read is the caller's own.
        let kept = if changes { "no-store" } else { "private, no-cache" };
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(kept));
    }
    // A compressed body is not the same bytes, so that its tag is weak, and no change takes it
    // (RFC 9110, 8.8.1).
    let is_weak = response.headers().contains_key(CONTENT_ENCODING);
    if let Some(tag) = version.filter(|_| !is_known).and_then(|version| tags::tag(version, is_weak)) {
        response.headers_mut().insert(ETAG, tag);
    }
    Ok(response)
}

async fn success(wanted: &HeaderMap, answer: Answer, answered: &HeaderMap) -> Result<Response<Body>, NoRoom> {
    let (body, content_type) = match answer {
        Answer::Json(json) => (json, HeaderValue::from_static("application/json")),
        Answer::Raw(content_type, body) => (body, raw::content_type_of(&content_type)),
    };
    let mut response = encoding::answer(wanted, body).await?;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    let chosen = answered.get(HTTP_CODE).and_then(|code| StatusCode::from_bytes(code.as_bytes()).ok());
    if let Some(status) = chosen.filter(StatusCode::is_success) {
        *response.status_mut() = status;
    }
    Ok(response)
}

/// Says that something was created, and where it can be read, unless the service has said what
/// the status is.
fn created(location: Option<String>, answered: &HeaderMap, response: &mut Response<Body>) {
    if !answered.contains_key(HTTP_CODE) {
        *response.status_mut() = StatusCode::CREATED;
    }
    if let Some(location) = location.and_then(|path| HeaderValue::from_str(&path).ok()) {
        response.headers_mut().insert(LOCATION, location);
    }
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

fn route_error(transcoder: &Transcoder, error: RouteError, method: &Method, path: &str) -> Failure {
    match error {
        RouteError::NotFound => no_route(transcoder, path).into(),
        RouteError::Malformed(cause) => {
            Refusal::new(ErrorReason::MalformedRequest, format!("The path cannot be read: {cause}.")).into()
        }
        RouteError::MethodNotAllowed { allow } => Failure::not_allowed(method, path, allow_header(&allow)),
    }
}

/// The refusal of a path that nothing has, with those that may have been meant.
fn no_route(transcoder: &Transcoder, path: &str) -> Refusal {
    let near = transcoder.near(path);
    let near = near.iter().map(|(methods, path)| {
        let mut methods: Vec<&str> = methods.iter().map(Method::as_str).collect();
        methods.sort_unstable();
        format!("{} {path}", methods.join(" and "))
    });
    let near: Vec<String> = near.collect();
    let near = if near.is_empty() { String::new() } else { format!(" Near it: {}.", near.join(", ")) };
    Refusal::new(
        ErrorReason::RouteNotFound,
        format!(
            "There is no route {}.{near} REST paths start with /v1 or /api/v1, and GET /docs shows them; gRPC needs `content-type: application/grpc`.",
            shown(path)
        ),
    )
}

fn allow_header(allow: &[Method]) -> HeaderValue {
    let names: Vec<&str> = allow.iter().map(Method::as_str).collect();
    HeaderValue::from_str(&names.join(", ")).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// The answer to OPTIONS of a path, with what its bodies may be (RFC 5789, 3.1).
fn options_of(transcoder: &Transcoder, path: &str, allow: &[Method]) -> Response<Body> {
    let mut response = options(allow_header(allow));
    for method in [Method::POST, Method::PATCH] {
        let Ok(found) = transcoder.route(&method, path) else { continue };
        if let Ok(types) = HeaderValue::from_str(&types(&found))
            && !types.is_empty()
        {
            response.headers_mut().insert(body::accepting(&method), types);
        }
    }
    response
}

/// The types that a method takes as its body; nothing if it takes none.
fn types(found: &Match<'_>) -> String {
    match found.takes() {
        Takes::Nothing => String::new(),
        Takes::Json => "application/json".to_owned(),
        Takes::Raw => match MethodContract::of(found.binding().method()).body_types {
            any if any.is_empty() => "*/*".to_owned(),
            types => types.join(", "),
        },
    }
}

fn not_json() -> Refusal {
    Refusal::new(
        ErrorReason::NotAcceptable,
        "This route answers application/json, which the Accept header rules out.",
    )
}

#[cfg(test)]
mod tests {
    use frontdesk_proto::booking::v1::{
        ApproveBookingRequestResponse, BookingRequest, CreateBookingRequestResponse,
        ListBookingRequestsResponse,
    };
    use prost::Message;

    use super::*;
    use crate::answer::held::{Held, SMALL};

    #[tokio::test]
    async fn what_was_created_is_said_with_the_path_that_reads_it() {
        let routes = crate::routes::compile().unwrap();
        let request = BookingRequest { id: "7".to_owned(), ..BookingRequest::default() };
        let wire = CreateBookingRequestResponse { booking_request: Some(request) }.encode_to_vec();
        let path = "/api/v1/booking-requests";
        let found = routes.route(&Method::POST, path).unwrap();
        let (head, ()) = Request::post(path).body(()).unwrap().into_parts();
        let mut chosen = HeaderMap::new();
        for status in [201, 202] {
            let answer = response(&head, &found, &found.renderer(), &wire, &chosen).await.unwrap();
            assert_eq!(answer.status(), status);
            assert_eq!(answer.headers()[LOCATION], "/api/v1/booking-requests/7");
            chosen.insert(HTTP_CODE, HeaderValue::from_static("202"));
        }
    }

    #[tokio::test]
    async fn an_answer_without_room_says_whether_something_may_have_been_changed() {
        let routes = crate::routes::compile().unwrap();
        let long = "x".repeat(2 * SMALL);
        let request = BookingRequest { message: long.clone(), ..BookingRequest::default() };
        let list = ListBookingRequestsResponse { booking_requests: vec![request], ..Default::default() };
        let approved = ApproveBookingRequestResponse { booking_id: long, ..Default::default() };
        let mut all = Held::nothing();
        while all.add(SMALL / 2).is_ok() {}
        for (method, path, wire, reason) in [
            (Method::GET, "/v1/booking-requests", list.encode_to_vec(), ErrorReason::Overloaded),
            (
                Method::POST,
                "/v1/booking-requests/x/approve",
                approved.encode_to_vec(),
                ErrorReason::OutcomeUnknown,
            ),
        ] {
            let found = routes.route(&method, path).unwrap();
            let (head, ()) = Request::builder().method(method).uri(path).body(()).unwrap().into_parts();
            let answered = response(&head, &found, &found.renderer(), &wire, &HeaderMap::new()).await;
            let Err(Failure::Refused(refusal)) = answered else { panic!("{path}: {answered:?}") };
            assert_eq!(refusal.reason(), reason, "{path}");
            assert!(refusal.retry_delay().is_some(), "{path}");
        }
    }
}
