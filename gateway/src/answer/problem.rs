//! Refusals as `application/problem+json` (RFC 9457).

use std::collections::BTreeMap;

use bytes::Bytes;
use frontdesk_proto::{DOMAIN, ErrorReason, Refusal, rpc};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use prost::Message;
use serde_json::{Map, Value as Json, json};
use tonic::body::Body;
use tonic::{Code, Status};
use transcode::Transcoder;

/// The response for a status from upstream.
pub fn from_status(status: &Status, request_id: &str, transcoder: &Transcoder) -> Response<Body> {
    let detailed = rpc::Status::decode(status.details()).unwrap_or_else(|error| {
        tracing::warn!(%error, "the details of a status cannot be read");
        rpc::Status::default()
    });
    let decoded = rpc::Status {
        code: status.code() as i32,
        message: status.message().to_owned(),
        details: detailed.details,
    };
    response(&decoded, request_id, transcoder)
}

/// The response for a refusal of the gateway's own.
pub fn from_refusal(refusal: &Refusal, request_id: &str, transcoder: &Transcoder) -> Response<Body> {
    response(&refusal.to_rpc_status(), request_id, transcoder)
}

/// A response with a JSON body.
pub fn json_response(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::new(http_body_util::Full::new(Bytes::from(body))));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn response(status: &rpc::Status, request_id: &str, transcoder: &Transcoder) -> Response<Body> {
    let find = |name: &str| status.details.iter().find(|detail| detail.type_url.ends_with(name));
    let info = find("/google.rpc.ErrorInfo")
        .and_then(|detail| rpc::ErrorInfo::decode(detail.value.as_slice()).ok())
        .filter(|info| info.domain == DOMAIN);
    let reason = info.as_ref().and_then(|info| ErrorReason::from_name(&info.reason));
    let code = Code::from(status.code);
    let http_status = reason.map_or_else(|| of_code(code), |reason| reason.wire().http_status);
    let http_status = StatusCode::from_u16(http_status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let name = reason.map_or_else(|| code_name(code), ErrorReason::name);
    let unsaid =
        format!("The service answered {name} and did not say why. The request id finds it in the log.");
    let message = if status.message.is_empty() { unsaid.as_str() } else { status.message.as_str() };
    let metadata: BTreeMap<String, String> = info.into_iter().flat_map(|info| info.metadata).collect();

    let mut body = Map::new();
    body.insert("type".to_owned(), format!("urn:frontdesk:error:{name}").into());
    body.insert("title".to_owned(), title(name).into());
    body.insert("status".to_owned(), http_status.as_u16().into());
    body.insert("detail".to_owned(), message.into());
    body.insert("code".to_owned(), name.into());
    body.insert("message".to_owned(), message.into());
    body.insert("grpc_status".to_owned(), status.code.into());
    body.insert("request_id".to_owned(), request_id.into());
    if let Some(conflict) = metadata.get("conflict_type") {
        body.insert("conflict_type".to_owned(), conflict.as_str().into());
    }
    body.insert("metadata".to_owned(), json!(metadata));
    let bad_request = find("/google.rpc.BadRequest")
        .and_then(|detail| rpc::BadRequest::decode(detail.value.as_slice()).ok());
    if let Some(bad) = bad_request {
        let violations: Json = bad
            .field_violations
            .iter()
            .map(|violation| json!({"field": violation.field, "description": violation.description}))
            .collect();
        body.insert("violations".to_owned(), violations);
    }
    let details = serde_json::from_slice(&transcoder.details(&status.details)).unwrap_or_default();
    body.insert("details".to_owned(), details);

    let body = Json::Object(body).to_string().into_bytes();
    let mut response = json_response(http_status, "application/problem+json", body);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if http_status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    let retry =
        find("/google.rpc.RetryInfo").and_then(|detail| rpc::RetryInfo::decode(detail.value.as_slice()).ok());
    if let Some(delay) = retry.and_then(|retry| retry.retry_delay) {
        let seconds = delay.seconds.max(0) + i64::from(delay.nanos > 0);
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// `SCOPE_MISSING` as `Scope missing`.
fn title(name: &str) -> String {
    let lower = name.to_ascii_lowercase().replace('_', " ");
    let mut chars = lower.chars();
    chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect()
}

/// The HTTP status of a gRPC code without a reason (google/rpc/code.proto).
fn of_code(code: Code) -> u16 {
    match code {
        Code::Ok => 200,
        Code::Cancelled => 499,
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => 400,
        Code::DeadlineExceeded => 504,
        Code::NotFound => 404,
        Code::AlreadyExists | Code::Aborted => 409,
        Code::PermissionDenied => 403,
        Code::Unauthenticated => 401,
        Code::ResourceExhausted => 429,
        Code::Unimplemented => 501,
        Code::Unavailable => 503,
        Code::Unknown | Code::Internal | Code::DataLoss => 500,
    }
}

fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
