//! Failures as callers over REST read them: `application/problem+json` (RFC 9457),
//! and the last item of a stream. What a status carries is read once, by
//! `Refusal::from_status`, and all of it is passed on.

use std::collections::BTreeMap;
use std::time::Duration;

use boot::Runbook;
use bytes::Bytes;
use frontdesk_proto::{ErrorReason, Refusal, Violation, code_name, rpc};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use prost::Message;
use serde_json::{Map, Value as Json, json};
use tonic::body::Body;
use tonic::{Code, Status};
use transcode::Transcoder;

use super::access_log::{By, ReasonName};
use super::failure::Failure;

/// What a failure says, whoever made it.
#[derive(Debug)]
pub struct Problem {
    /// The reason, if it is one that this build knows.
    reason: Option<ErrorReason>,
    /// The reason's name, or that of the gRPC code.
    name: String,
    http_status: StatusCode,
    /// Code, message and details.
    status: rpc::Status,
    metadata: BTreeMap<String, String>,
    violations: Vec<Violation>,
    retry_after: Option<Duration>,
    by: By,
}

impl Problem {
    pub fn of(failure: &Failure) -> Self {
        match failure {
            Failure::Refused(refusal) | Failure::NotAllowed(refusal, _) => {
                Self::of_refusal(refusal, failure.by())
            }
            Failure::OfHttp(refusal, told) => {
                let problem = Self::of_refusal(refusal, failure.by());
                let http_status = told.status.unwrap_or(problem.http_status);
                Self { http_status, ..problem }
            }
            Failure::Status(status, _) => match Refusal::from_status(status) {
                Some(refusal) => Self::of_refusal(&refusal, failure.by()),
                None => Self::without_reason(status),
            },
        }
    }

    fn of_refusal(refusal: &Refusal, by: By) -> Self {
        // A service of a later version may have another one.
        let reason = Some(refusal.reason()).filter(|reason| *reason != ErrorReason::Unspecified);
        let number = reason.map_or_else(|| of_code(refusal.code()), |reason| reason.wire().http_status);
        Self {
            reason,
            name: refusal.name().to_owned(),
            http_status: http_status(number),
            status: refusal.to_rpc_status(),
            metadata: refusal.metadata().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            violations: refusal.violations().to_vec(),
            retry_after: refusal.retry_delay(),
            by,
        }
    }

    /// A status that has no reason of ours: what it says is shown as it came.
    fn without_reason(status: &Status) -> Self {
        let detailed = rpc::Status::decode(status.details()).unwrap_or_else(|error| {
            tracing::warn!(%error, "the details of a status cannot be read");
            rpc::Status::default()
        });
        Self {
            reason: None,
            name: code_name(status.code()).to_owned(),
            http_status: http_status(of_code(status.code())),
            status: rpc::Status {
                code: status.code() as i32,
                message: status.message().to_owned(),
                details: detailed.details,
            },
            metadata: BTreeMap::new(),
            violations: Vec::new(),
            retry_after: None,
            by: By::Service,
        }
    }

    /// Code and details; the sentence is [`message`](Self::message)'s.
    pub fn status(&self) -> &rpc::Status {
        &self.status
    }

    /// When to try again, if it says so.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The sentence for the caller.
    pub fn message(&self) -> String {
        if !self.status.message.is_empty() {
            return self.status.message.clone();
        }
        let name = &self.name;
        format!("The service answered {name} and did not say why. The request id finds it in the log.")
    }

    /// The part that fits into an item of a stream.
    pub fn in_stream(&self, runbook: &Runbook) -> Json {
        json!({
            "type": self.page(runbook),
            "code": self.name,
            "message": self.message(),
            "grpc_status": self.status.code,
            "metadata": self.metadata,
        })
    }

    /// Without a page of its own a problem has the type of all (RFC 9457, 4.2.1).
    fn page(&self, runbook: &Runbook) -> String {
        self.reason.map_or_else(|| "about:blank".to_owned(), |reason| runbook.page(reason))
    }

    pub fn response(&self, request_id: &str, transcoder: &Transcoder, runbook: &Runbook) -> Response<Body> {
        let body = self.body(request_id, transcoder, runbook).to_string().into_bytes();
        let mut response = json_response(self.http_status, "application/problem+json", body);
        self.head(&mut response);
        response
    }

    /// Adds what a response says of it beside its body.
    pub fn head(&self, response: &mut Response<Body>) {
        response.extensions_mut().insert(ReasonName(self.name.clone()));
        response.extensions_mut().insert(self.by);
        let is_challenged = response.status() == StatusCode::UNAUTHORIZED;
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if is_challenged {
            headers.insert(WWW_AUTHENTICATE, self.challenge());
        }
        if let Some(delay) = self.retry_after {
            headers.insert(RETRY_AFTER, seconds(delay));
        }
    }

    /// What the caller lacks, in the form of OAuth: RFC 6750, and RFC 9470 where it is a proof.
    fn challenge(&self) -> HeaderValue {
        let bearer = HeaderValue::from_static("Bearer");
        if self.reason != Some(ErrorReason::StepUpRequired) {
            return bearer;
        }
        let asked = |name: &str| self.metadata.get(name).map(String::as_str).unwrap_or_default();
        let two = asked("required").split(' ').any(|one| one == "aal2");
        let level = if two { r#", acr_values="aal2""# } else { "" };
        let age = asked("max_age_seconds").parse::<u32>().ok();
        let age = age.map(|seconds| format!(r#", max_age="{seconds}""#)).unwrap_or_default();
        let challenge = format!(r#"Bearer error="insufficient_user_authentication"{level}{age}"#);
        HeaderValue::from_str(&challenge).unwrap_or(bearer)
    }

    fn body(&self, request_id: &str, transcoder: &Transcoder, runbook: &Runbook) -> Json {
        let Self { reason: _, name, http_status, status, metadata, violations, retry_after: _, by: _ } = self;
        let message = self.message();
        let mut body = Map::new();
        let mut put = |name: &str, value: Json| body.insert(name.to_owned(), value);
        put("type", self.page(runbook).into());
        put("title", title(name).into());
        put("status", http_status.as_u16().into());
        put("detail", message.as_str().into());
        put("code", name.as_str().into());
        put("message", message.as_str().into());
        put("grpc_status", status.code.into());
        put("request_id", request_id.into());
        if let Some(conflict) = metadata.get("conflict_type") {
            put("conflict_type", conflict.as_str().into());
        }
        put("metadata", json!(metadata));
        if !violations.is_empty() {
            let shown = violations.iter();
            let shown = shown.map(|one| json!({"field": one.field, "description": one.description}));
            put("violations", shown.collect());
        }
        put("details", serde_json::from_slice(&transcoder.details(&status.details)).unwrap_or_default());
        Json::Object(body)
    }
}

/// As `Retry-After` has it: whole seconds, none too few.
pub fn seconds(delay: Duration) -> HeaderValue {
    HeaderValue::from(delay.as_secs() + u64::from(delay.subsec_nanos() > 0))
}

/// A response with a JSON body.
pub fn json_response(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::new(http_body_util::Full::new(Bytes::from(body))));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn http_status(number: u16) -> StatusCode {
    StatusCode::from_u16(number).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// `SCOPE_MISSING` as `Scope missing`.
fn title(name: &str) -> String {
    let lower = name.to_ascii_lowercase().replace('_', " ");
    let mut chars = lower.chars();
    chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect()
}

/// The HTTP status of a gRPC code without a known reason (google/rpc/code.proto). Connect has
/// the same.
pub fn of_code(code: Code) -> u16 {
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
