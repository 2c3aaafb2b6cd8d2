//! REST: one gRPC call per request. Which method a path means and what its
//! messages look like is `transcode`'s job.

use boot::Runbook;
use bytes::Bytes;
use frontdesk_proto::{ErrorReason, Refusal};
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use tonic::body::Body;
use transcode::{Answer, Match, Renderer, RouteError, Takes, Transcoder};

use super::stream::{self, Form};
use crate::answer::encoding;
use crate::answer::failure::{Failure, input_error, no_room, options, shown, unreadable};
use crate::answer::held::NoRoom;
use crate::call::body::{self, MAX_REST};
use crate::call::deadline::Deadline;
use crate::call::ending::UNKNOWN;
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
    if head.method == Method::OPTIONS {
        return match transcoder.allowed(path) {
            allow if allow.is_empty() => Err(no_route(transcoder, path).into()),
            allow => Ok(options(allow_header(&allow))),
        };
    }
    let found = transcoder
        .route(&head.method, path)
        .map_err(|error| route_error(transcoder, error, &head.method, path))?;
    if found.only_reads() {
        boot::note_only_reads();
    }
    let renderer = found.renderer();
    let format = if found.streams() { Some(stream::Format::accepted(&head.headers)?) } else { None };
    if format.is_none() && !renderer.is_raw() {
        check_accept(&head.headers)?;
    }
    let form = format.map(|format| Form { format, runbook: runbook.clone() });
    if let (Some(parts), Some(form)) = (found.parts(), &form) {
        // On the heap: every call's future would have room for it, and hardly one is such.
        return Box::pin(uploaded(upstreams, &head, body, &found, parts, form, client)).await;
    }
    let deadline = Deadline::of(&head.headers)?;
    let body = body::read(body, MAX_REST).await?;
    // What is not JSON is refused by the transcoder, in better words.
    if !body.is_empty() && found.takes() == Takes::Json {
        body::check_json(&head.headers)?;
    }
    let frame = request_frame(&head, &encoding::decoded(&head.headers, body, MAX_REST)?, &found)?;
    let path = found.grpc_path();
    let call = Call { path, frame, metadata: headers::rest_in(&head.headers, client) };
    if let Some(form) = form {
        let (answered, body) = deadline.within(call.open(upstreams)).await??;
        let source = stream::Source { body, until: deadline.asked(), broken: None };
        return Ok(stream::response(form, renderer, &answered, source));
    }
    let (wire, answered) = call.unary(upstreams, deadline).await?;
    response(&head, &renderer, &wire, &answered, !found.only_reads()).await
}

/// Answers a request whose body is a stream of messages.
async fn uploaded(
    upstreams: &Upstreams,
    head: &Parts,
    body: Body,
    found: &Match<'_>,
    parts: transcode::Parts,
    form: &Form,
    client: &Client,
) -> Result<Response<Body>, Failure> {
    let deadline = Deadline::of(&head.headers)?;
    let mut upload = Upload::new(&head.headers, body)?;
    let frame = request_frame(head, &upload.first().await?, found)?;
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
    let source = stream::Source { body, until, broken: Some(broken) };
    Ok(stream::response(form.clone(), found.renderer(), &answered, source))
}

/// The request message in its frame.
fn request_frame(head: &Parts, body: &[u8], found: &Match<'_>) -> Result<Bytes, Refusal> {
    let content_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    frame(body.len() + 128, |out| found.request(head.uri.query(), body, content_type, out))
        .map_err(input_error)
}

/// The response for a message of a method that changes something or not, or that the caller
/// has it.
async fn response(
    head: &Parts,
    renderer: &Renderer,
    wire: &[u8],
    answered: &HeaderMap,
    changes: bool,
) -> Result<Response<Body>, Failure> {
    let etag = renderer.etag(wire);
    let known = etag.filter(|_| is_read(&head.method)).and_then(|etag| known(&head.headers, etag));
    let is_known = known.is_some();
    let mut response = match known {
        Some(known) => not_modified(known),
        None => {
            let answer = renderer.answer(wire).map_err(|error| {
                tracing::error!(%error, path = head.uri.path(), "an answer cannot be read");
                unreadable()
            })?;
            let succeeded = success(&head.headers, answer, answered).await;
            succeeded.map_err(|NoRoom| no_room(changes))?
        }
    };
    headers::rest_out(answered, response.headers_mut());
    // What was made may be a secret that is shown once.
    if changes && !response.headers().contains_key(CACHE_CONTROL) {
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if let Some(etag) = etag.filter(|_| !is_known).and_then(|etag| tag(etag, response.headers())) {
        response.headers_mut().insert(ETAG, etag);
    }
    Ok(response)
}

async fn success(wanted: &HeaderMap, answer: Answer, answered: &HeaderMap) -> Result<Response<Body>, NoRoom> {
    let (body, content_type) = match answer {
        Answer::Json(json) => (json, HeaderValue::from_static("application/json")),
        Answer::Raw(content_type, body) => {
            let content_type = HeaderValue::from_str(&content_type).ok().filter(|value| !value.is_empty());
            (body, content_type.unwrap_or_else(|| HeaderValue::from_static("application/octet-stream")))
        }
    };
    let mut response = encoding::answer(wanted, body).await?;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    let chosen = answered.get(HTTP_CODE).and_then(|code| StatusCode::from_bytes(code.as_bytes()).ok());
    if let Some(status) = chosen.filter(StatusCode::is_success) {
        *response.status_mut() = status;
    }
    Ok(response)
}

/// An etag as its header says it: a compressed body is not the same bytes, so that its tag is
/// weak, and no change takes it (RFC 9110, 8.8.1).
fn tag(etag: &str, headers: &HeaderMap) -> Option<HeaderValue> {
    let weak = if headers.contains_key(CONTENT_ENCODING) { "W/" } else { "" };
    HeaderValue::from_str(&[weak, "\"", etag, "\""].concat()).ok()
}

fn not_modified(etag: HeaderValue) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    response.headers_mut().insert(ETAG, etag);
    response
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// The tag of this version, if the caller has it, as it says it; etags compare weakly
/// (RFC 9110, 13.1.2).
fn known(headers: &HeaderMap, etag: &str) -> Option<HeaderValue> {
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let current = ["\"", etag, "\""].concat();
    let one = known
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .find(|one| *one == "*" || one.trim_start_matches("W/") == current)?;
    HeaderValue::from_str(if one == "*" { &current } else { one }).ok()
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

fn check_accept(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut values = headers.get_all(ACCEPT).iter().peekable();
    if values.peek().is_none() {
        return Ok(());
    }
    let takes_json =
        values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).any(|range| {
            let (name, weight) = encoding::weighted(range);
            weight > 0
                && matches!(
                    name.as_str(),
                    "*/*" | "application/*" | "application/json" | "application/problem+json" | ""
                )
        });
    if takes_json {
        return Ok(());
    }
    Err(Refusal::new(
        ErrorReason::NotAcceptable,
        "This route answers application/json, which the Accept header rules out.",
    ))
}

#[cfg(test)]
mod tests {
    use frontdesk_proto::booking::v1::{
        ApproveBookingRequestResponse, BookingRequest, ListBookingRequestsResponse,
    };
    use prost::Message;

    use super::*;
    use crate::answer::held::{Held, SMALL};

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
            let changes = !found.only_reads();
            let answered = response(&head, &found.renderer(), &wire, &HeaderMap::new(), changes).await;
            let Err(Failure::Refused(refusal)) = answered else { panic!("{path}: {answered:?}") };
            assert_eq!(refusal.reason(), reason, "{path}");
            assert!(refusal.retry_delay().is_some(), "{path}");
        }
    }
}
