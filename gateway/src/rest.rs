//! REST: one gRPC call per request.

use std::net::IpAddr;

use bytes::Bytes;
use frontdesk_proto::{ErrorReason, Refusal};
use http::header::{ACCEPT, ALLOW, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tonic::body::Body;
use transcode::{Answer, InputError, Match, RouteError, Takes, Transcoder};

use crate::answer::encoding;
use crate::answer::failure::{Failure, too_large};
use crate::call::{Call, frame};
use crate::deadline::{self, Deadline};
use crate::services::Upstreams;
use crate::{headers, stream};

/// Largest body of a request in bytes, also after it is inflated.
pub const MAX_REQUEST: usize = 1024 * 1024;
/// The header by which a service chooses the status of a success.
const HTTP_CODE: &str = "x-http-code";

/// Answers a request.
pub async fn call(
    transcoder: &Transcoder,
    upstreams: &Upstreams,
    request: Request<Body>,
    peer: IpAddr,
) -> Result<Response<Body>, Failure> {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    if head.method == Method::OPTIONS {
        return options(transcoder, path);
    }
    let found =
        transcoder.route(&head.method, path).map_err(|error| route_error(&error, &head.method, path))?;
    let renderer = found.renderer();
    let format = if found.streams() { Some(stream::Format::accepted(&head.headers)?) } else { None };
    if format.is_none() && !renderer.is_raw() {
        check_accept(&head.headers)?;
    }
    let deadline = Deadline::of(&head.headers)?;
    let body = read_body(body).await?;
    if !body.is_empty() {
        check_content_type(&head.headers, &found)?;
    }
    let body = encoding::decoded(&head.headers, body, MAX_REQUEST)?;
    let content_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let frame = frame(body.len() + 128, |out| found.request(head.uri.query(), &body, content_type, out))
        .map_err(input_error)?;
    let call = Call { path: found.grpc_path(), frame, metadata: headers::rest_in(&head.headers, peer) };
    if let Some(format) = format {
        let (answered, body) = deadline.within(call.open(upstreams)).await??;
        return Ok(stream::response(format, renderer, &answered, body, deadline.asked()));
    }
    let (wire, answered) = call.unary(upstreams, deadline).await?;
    let etag = renderer.etag(&wire).and_then(|etag| HeaderValue::from_str(&format!("W/\"{etag}\"")).ok());
    let mut response = match &etag {
        Some(etag) if is_read(&head.method) && is_known(&head.headers, etag) => not_modified(),
        _ => {
            let answer = renderer.answer(&wire).map_err(|error| {
                tracing::error!(%error, path = found.grpc_path(), "an answer cannot be read");
                Refusal::new(
                    ErrorReason::Internal,
                    "The service's answer cannot be read. The request id finds it in the log.",
                )
            })?;
            success(&head.headers, answer, &answered).await
        }
    };
    headers::rest_out(&answered, response.headers_mut());
    if let Some(etag) = etag {
        response.headers_mut().insert(ETAG, etag);
    }
    Ok(response)
}

async fn success(wanted: &HeaderMap, answer: Answer, answered: &HeaderMap) -> Response<Body> {
    let (body, content_type) = match answer {
        Answer::Json(json) => (json, HeaderValue::from_static("application/json")),
        Answer::Raw(content_type, body) => {
            let content_type = HeaderValue::from_str(&content_type).ok().filter(|value| !value.is_empty());
            (body, content_type.unwrap_or_else(|| HeaderValue::from_static("application/octet-stream")))
        }
    };
    let mut response = encoding::answer(wanted, body).await;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    let chosen = answered.get(HTTP_CODE).and_then(|code| StatusCode::from_bytes(code.as_bytes()).ok());
    if let Some(status) = chosen.filter(StatusCode::is_success) {
        *response.status_mut() = status;
    }
    response
}

fn not_modified() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    response
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// Whether the caller has this version; etags compare weakly (RFC 9110, 13.1.2).
fn is_known(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let bare = |text: &str| text.trim().trim_start_matches("W/").to_owned();
    let Ok(current) = etag.to_str().map(bare) else { return false };
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    known.flat_map(|value| value.split(',')).any(|one| one.trim() == "*" || bare(one) == current)
}

/// The body, within its limit and time.
pub async fn read_body(body: Body) -> Result<Bytes, Refusal> {
    match deadline::body(Limited::new(body, MAX_REQUEST).collect()).await? {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large(MAX_REQUEST)),
        Err(_) => Err(Refusal::new(ErrorReason::MalformedRequest, "The body broke off before its end.")),
    }
}

fn options(transcoder: &Transcoder, path: &str) -> Result<Response<Body>, Failure> {
    let allow = transcoder.allowed(path);
    if allow.is_empty() {
        return Err(route_error(&RouteError::NotFound, &Method::OPTIONS, path));
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(ALLOW, allow_header(&allow));
    Ok(response)
}

fn route_error(error: &RouteError, method: &Method, path: &str) -> Failure {
    let shown: String = path.chars().take(200).collect();
    match error {
        RouteError::NotFound => Refusal::new(
            ErrorReason::RouteNotFound,
            format!("There is no route {shown}. REST paths start with /v1 or /api/v1; gRPC needs `content-type: application/grpc`."),
        )
        .into(),
        RouteError::Malformed(cause) => {
            Refusal::new(ErrorReason::MalformedRequest, format!("The path cannot be read: {cause}.")).into()
        }
        RouteError::MethodNotAllowed { allow } => {
            let allow = allow_header(allow);
            let names = allow.to_str().unwrap_or_default().to_owned();
            Failure::NotAllowed(
                Refusal::new(ErrorReason::MethodNotAllowed, format!("{method} is not a method of {shown}; it has {names}.")),
                allow,
            )
        }
    }
}

fn allow_header(allow: &[Method]) -> HeaderValue {
    let names: Vec<&str> = allow.iter().map(Method::as_str).collect();
    HeaderValue::from_str(&names.join(", ")).unwrap_or_else(|_| HeaderValue::from_static(""))
}

pub fn input_error(InputError { field, description }: InputError) -> Refusal {
    if field.is_empty() {
        return Refusal::new(
            ErrorReason::MalformedRequest,
            format!("The request cannot be read: {description}. Nothing was stored."),
        );
    }
    Refusal::new(ErrorReason::MalformedRequest, format!("Field `{field}` {description}. Nothing was stored."))
        .violation(field, description)
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

pub fn check_content_type(headers: &HeaderMap, found: &Match<'_>) -> Result<(), Refusal> {
    match found.takes() {
        // The transcoder refuses the body with better words.
        Takes::Nothing | Takes::Raw => return Ok(()),
        Takes::Json => {}
    }
    let refuse = |what: String| {
        Err(Refusal::new(
            ErrorReason::UnsupportedMediaType,
            format!("{what} This API takes JSON: send `Content-Type: application/json`. Nothing was stored."),
        ))
    };
    let Some(value) = headers.get(CONTENT_TYPE) else {
        return refuse("The body has no content type.".to_owned());
    };
    let text = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
    let mut parts = text.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    let is_json =
        essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"));
    let other_charset = parts.any(|part| {
        part.strip_prefix("charset=").is_some_and(|charset| charset.trim_matches('"') != "utf-8")
    });
    if is_json && !other_charset {
        return Ok(());
    }
    refuse(format!("The content type {} is not taken.", text.chars().take(100).collect::<String>()))
}
