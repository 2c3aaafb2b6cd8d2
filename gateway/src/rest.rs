//! REST: one gRPC call per request.

use std::net::IpAddr;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use frontdesk_proto::{ErrorReason, Refusal};
use http::header::{ACCEPT, ALLOW, CONTENT_ENCODING, CONTENT_TYPE, TE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::ServiceExt;
use transcode::{InputError, Match, RouteError, Takes, Transcoder};

use crate::forward::unreachable;
use crate::headers;
use crate::problem::json_response;
use crate::stream;
use crate::upstream::Upstreams;

/// Largest body of a request in bytes.
const MAX_REQUEST: usize = 1024 * 1024;
/// Largest message of an answer in bytes.
const MAX_RESPONSE: usize = 4 * 1024 * 1024;
/// Time for a call.
const DEADLINE: Duration = Duration::from_secs(10);
/// How long the gateway waits for the service's own word on the deadline.
const DEADLINE_MARGIN: Duration = Duration::from_millis(500);

/// Why there is no JSON answer.
#[derive(Debug)]
pub enum RestError {
    /// The gateway refuses.
    Refused(Refusal),
    /// The gateway refuses and names the methods of the path.
    NotAllowed(Refusal, HeaderValue),
    /// The service refuses.
    Status(Status, HeaderMap),
}

/// Answers a request.
pub async fn call(
    transcoder: &Transcoder,
    upstreams: &Upstreams,
    request: Request<Body>,
    peer: IpAddr,
) -> Result<Response<Body>, RestError> {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    if head.method == Method::OPTIONS {
        return options(transcoder, path);
    }
    let found =
        transcoder.route(&head.method, path).map_err(|error| route_error(&error, &head.method, path))?;
    let format = if found.streams() { Some(stream::Format::accepted(&head.headers)?) } else { None };
    if format.is_none() {
        check_accept(&head.headers)?;
    }
    let body = read_body(body).await?;
    if !body.is_empty() {
        check_content_type(&head.headers, &found)?;
    }
    let content_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let mut message = Vec::with_capacity(body.len() + 128);
    found.request(head.uri.query(), &body, content_type, &mut message).map_err(input_error)?;
    let metadata = headers::rest_in(&head.headers, peer);
    if let Some(format) = format {
        let (answered, body) = open(upstreams, found.grpc_path(), message, metadata).await?;
        return Ok(stream::response(format, found.renderer(), &answered, body));
    }
    let (wire, answered) = unary(upstreams, found.grpc_path(), message, metadata).await?;
    let json = found.renderer().json(&wire).map_err(|error| {
        tracing::error!(%error, path = found.grpc_path(), "an answer cannot be read");
        Refusal::new(
            ErrorReason::Internal,
            "The service's answer cannot be read. The request id finds it in the log.",
        )
    })?;
    let mut response = json_response(StatusCode::OK, "application/json", json);
    headers::rest_out(&answered, response.headers_mut());
    Ok(response)
}

/// One gRPC call: the message in wire format in, that of the answer and its
/// metadata out.
pub async fn unary(
    upstreams: &Upstreams,
    path: &str,
    message: Vec<u8>,
    metadata: HeaderMap,
) -> Result<(Bytes, HeaderMap), RestError> {
    let mut metadata = metadata;
    metadata.insert("grpc-timeout", HeaderValue::from_static("10S"));
    let call = async {
        let (headers, body) = open(upstreams, path, message, metadata).await?;
        let collected = Limited::new(body, MAX_RESPONSE + 5).collect().await.map_err(|error| {
            tracing::warn!(error, "an answer broke off or is too large");
            Refusal::new(ErrorReason::UpstreamUnavailable, "The service's answer broke off. Whether a change was stored is unknown: read before trying again.")
        })?;
        if let Some(status) =
            collected.trailers().and_then(Status::from_header_map).filter(|status| status.code() != Code::Ok)
        {
            return Err(RestError::Status(status, headers));
        }
        Ok((unframed(collected.to_bytes())?, headers))
    };
    match tokio::time::timeout(DEADLINE + DEADLINE_MARGIN, call).await {
        Ok(result) => result,
        Err(_) => Err(Refusal::new(
            ErrorReason::DeadlineExceeded,
            "The service did not answer in 10 s. A change may still have been stored: read before trying again.",
        )
        .into()),
    }
}

/// Starts a gRPC call; returns when the service has answered with headers that
/// hold no error.
async fn open(
    upstreams: &Upstreams,
    path: &str,
    message: Vec<u8>,
    metadata: HeaderMap,
) -> Result<(HeaderMap, Body), RestError> {
    let channel = upstreams.of_path(path).ok_or_else(|| {
        Refusal::new(ErrorReason::Internal, "The method has no service behind this gateway.")
    })?;
    let mut request = Request::new(Body::new(Full::new(framed(&message)?)));
    *request.method_mut() = Method::POST;
    *request.version_mut() = Version::HTTP_2;
    *request.uri_mut() =
        path.parse().map_err(|_| Refusal::new(ErrorReason::Internal, "The method has no path."))?;
    *request.headers_mut() = metadata;
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(TE, HeaderValue::from_static("trailers"));

    let response = channel.oneshot(request).await.map_err(|error| unreachable(&error))?;
    let (head, body) = response.into_parts();
    if let Some(status) = Status::from_header_map(&head.headers).filter(|status| status.code() != Code::Ok) {
        return Err(RestError::Status(status, head.headers));
    }
    if head.status != StatusCode::OK {
        tracing::warn!(status = %head.status, "a service answered outside gRPC");
        return Err(Refusal::new(
            ErrorReason::UpstreamUnavailable,
            "The service did not answer in gRPC. Try again.",
        )
        .into());
    }
    Ok((head.headers, body))
}

/// A message with the prefix of gRPC over HTTP/2: not compressed, its length.
fn framed(message: &[u8]) -> Result<Bytes, Refusal> {
    let length = u32::try_from(message.len()).map_err(|_| too_large())?;
    let mut frame = BytesMut::with_capacity(message.len() + 5);
    frame.put_u8(0);
    frame.put_u32(length);
    frame.put_slice(message);
    Ok(frame.freeze())
}

fn unframed(frame: Bytes) -> Result<Bytes, Refusal> {
    let whole = match frame.as_ref() {
        [0, a, b, c, d, message @ ..] => u32::from_be_bytes([*a, *b, *c, *d]) as usize == message.len(),
        _ => false,
    };
    if whole {
        return Ok(frame.slice(5..));
    }
    Err(Refusal::new(
        ErrorReason::Internal,
        "The service's answer is not one message. The request id finds it in the log.",
    ))
}

/// The body, within its limit.
pub async fn read_body(body: Body) -> Result<Bytes, Refusal> {
    match Limited::new(body, MAX_REQUEST).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(_) => Err(Refusal::new(ErrorReason::MalformedRequest, "The body broke off before its end.")),
    }
}

fn too_large() -> Refusal {
    Refusal::new(
        ErrorReason::PayloadTooLarge,
        format!("The body is larger than {MAX_REQUEST} bytes, the most this API takes. Nothing was stored."),
    )
    .with("limit_bytes", MAX_REQUEST.to_string())
}

fn options(transcoder: &Transcoder, path: &str) -> Result<Response<Body>, RestError> {
    let allow = transcoder.allowed(path);
    if allow.is_empty() {
        return Err(route_error(&RouteError::NotFound, &Method::OPTIONS, path));
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(ALLOW, allow_header(&allow));
    Ok(response)
}

fn route_error(error: &RouteError, method: &Method, path: &str) -> RestError {
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
            RestError::NotAllowed(
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

fn input_error(InputError { field, description }: InputError) -> Refusal {
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
            let mut parts = range.split(';').map(|part| part.trim().to_ascii_lowercase());
            let essence = parts.next().unwrap_or_default();
            let refused = parts.any(|part| matches!(part.as_str(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
            !refused
                && matches!(
                    essence.as_str(),
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

fn check_content_type(headers: &HeaderMap, found: &Match<'_>) -> Result<(), Refusal> {
    if found.takes() == Takes::Nothing {
        // The transcoder refuses the body with better words.
        return Ok(());
    }
    let refuse = |what: String| {
        Err(Refusal::new(
            ErrorReason::UnsupportedMediaType,
            format!("{what} This API takes JSON: send `Content-Type: application/json`. Nothing was stored."),
        ))
    };
    if let Some(encoding) = headers.get(CONTENT_ENCODING) {
        let encoding = String::from_utf8_lossy(encoding.as_bytes()).into_owned();
        if !encoding.eq_ignore_ascii_case("identity") {
            return refuse(format!("The body is encoded as {encoding}, which is not taken."));
        }
    }
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

impl From<Refusal> for RestError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
