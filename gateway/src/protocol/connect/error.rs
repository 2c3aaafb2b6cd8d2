//! Errors of Connect: JSON, as the body of an answer that has a status of HTTP for it, or in the
//! last message of a stream, whose status was sent before.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use boot::Runbook;
use bytes::Bytes;
use frontdesk_proto::{Refusal, code_name};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Response, StatusCode};
use http_body_util::Full;
use prost_types::Any;
use serde_json::{Map, Value, json};
use tonic::body::Body;
use tonic::{Code, Status};

use super::codec::{Form, Json, name_of};
use super::envelope::{END, envelope};
use crate::answer::failure::Failure;
use crate::answer::problem::{Problem, json_response, of_code};
use crate::call::ending::UNKNOWN;
use crate::call::headers;

/// What is wrong with a request. The protocol has codes of its own for some of it.
#[derive(Debug, Clone)]
pub struct Wrong {
    refusal: Refusal,
    code: Option<Code>,
}

/// A call that has no good answer.
#[derive(Debug)]
pub struct Refused {
    failure: Failure,
    code: Option<Code>,
}

/// An error as callers read it.
pub struct ConnectError {
    problem: Problem,
    code: Code,
    error: Value,
    /// What the service said beside it, before and after.
    headers: HeaderMap,
    trailers: HeaderMap,
}

impl Wrong {
    /// With a code of the protocol's.
    pub fn with_code(code: Code, refusal: Refusal) -> Self {
        Self { refusal, code: Some(code) }
    }

    /// The same of a message after others, with which something may have been stored.
    #[must_use]
    pub fn after_others(self) -> Self {
        let Self { refusal, code } = self;
        let said = refusal.message();
        let said = said.strip_suffix(" Nothing was stored.").unwrap_or(said);
        let late = Refusal::new(refusal.reason(), format!("{said} {UNKNOWN}"));
        let violations = refusal.violations().iter();
        let refusal = violations.fold(late, |late, one| late.violation(&one.field, &one.description));
        Self { refusal, code }
    }
}

impl From<Refusal> for Wrong {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, code: None }
    }
}

impl From<Wrong> for Refused {
    fn from(Wrong { refusal, code }: Wrong) -> Self {
        Self { failure: refusal.into(), code }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self { failure: refusal.into(), code: None }
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self { failure, code: None }
    }
}

impl ConnectError {
    /// The error of a refused call, with a link to its page if that is known.
    pub fn of(refused: Refused, runbook: &Runbook, json: &Json) -> Self {
        let Refused { failure, code } = refused;
        let failure = match failure {
            Failure::Refused(refusal) => Failure::Refused(runbook.link(refusal)),
            other => other,
        };
        let problem = Problem::of(&failure);
        let status = problem.status();
        let code = code.unwrap_or(Code::from(status.code));
        let error = error(code, &problem.message(), &status.details, json);
        let (headers, trailers) = match failure {
            Failure::Refused(_) | Failure::NotAllowed(..) | Failure::OfHttp(..) => Default::default(),
            Failure::Status(status, headers) => apart(&status, headers),
        };
        Self { problem, code, error, headers, trailers }
    }

    /// As the answer of a method that answers once.
    pub fn response(self) -> Response<Body> {
        let status = StatusCode::from_u16(of_code(self.code)).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = json_response(status, "application/json", self.error.to_string().into_bytes());
        headers::connect_out(&self.headers, "", response.headers_mut());
        headers::connect_out(&self.trailers, "trailer-", response.headers_mut());
        self.problem.head(&mut response);
        response
    }

    /// As a stream that ends with it before anything was sent.
    pub fn stream(self, form: Form) -> Response<Body> {
        let end = envelope(END, &end(Some(self.error), &self.trailers));
        let mut response = Response::new(Body::new(Full::new(end)));
        headers::connect_out(&self.headers, "", response.headers_mut());
        response.headers_mut().insert(CONTENT_TYPE, form.content_type());
        self.problem.head(&mut response);
        response
    }

    /// The last message of a stream that it ends.
    pub fn end(self) -> Bytes {
        envelope(END, &end(Some(self.error), &self.trailers))
    }
}

/// The JSON of the last message of a stream.
pub fn end(error: Option<Value>, trailers: &HeaderMap) -> Vec<u8> {
    let mut metadata = Map::new();
    for (name, value) in trailers.iter().filter(|(name, _)| headers::is_metadata(name)) {
        let values = metadata.entry(name.as_str()).or_insert_with(|| json!([]));
        if let (Some(values), Ok(value)) = (values.as_array_mut(), value.to_str()) {
            values.push(value.into());
        }
    }
    let mut end = Map::new();
    if let Some(error) = error {
        end.insert("error".to_owned(), error);
    }
    if !metadata.is_empty() {
        end.insert("metadata".to_owned(), metadata.into());
    }
    Value::Object(end).to_string().into_bytes()
}

fn error(code: Code, message: &str, details: &[Any], json: &Json) -> Value {
    let mut error = Map::new();
    error.insert("code".to_owned(), word(code).into());
    if !message.is_empty() {
        error.insert("message".to_owned(), message.into());
    }
    if !details.is_empty() {
        let details = details.iter().map(|detail| {
            let mut shown = json!({"type": name_of(detail), "value": STANDARD_NO_PAD.encode(&detail.value)});
            if let Some(debug) = json.shown(detail) {
                shown["debug"] = debug;
            }
            shown
        });
        error.insert("details".to_owned(), details.collect());
    }
    Value::Object(error)
}

/// The protocol's word for a code.
fn word(code: Code) -> String {
    match code {
        Code::Cancelled => "canceled".to_owned(),
        // An answer that is an error has no code for a good end.
        Code::Ok => word(Code::Unknown),
        other => code_name(other).to_ascii_lowercase(),
    }
}

/// What came before a status and beside it. Where the status came with the headers, which
/// are its trailers then, each is told once.
fn apart(status: &Status, mut headers: HeaderMap) -> (HeaderMap, HeaderMap) {
    let trailers = status.metadata().clone().into_headers();
    if Status::from_header_map(&headers).is_some() {
        headers.clear();
    }
    (headers, trailers)
}

#[cfg(test)]
mod tests {
    use frontdesk_proto::{ErrorReason, descriptors};
    use http::HeaderValue;

    use super::*;

    #[test]
    fn an_error_has_its_word_and_its_details_and_what_the_service_said() {
        let json = Json::new(vec![descriptors().clone()]);
        let refusal = Refusal::new(ErrorReason::ScopeMissing, "No.").with("missing", "x");
        let mut headers = HeaderMap::new();
        headers.insert("x-before", HeaderValue::from_static("1"));
        let mut status = Status::from(refusal);
        status.metadata_mut().insert("x-after", "2".parse().unwrap());
        let error = ConnectError::of(Failure::Status(status, headers).into(), &Runbook::default(), &json);
        assert_eq!(error.error["code"], "permission_denied");
        let detail = &error.error["details"][0];
        assert_eq!(detail["type"], "google.rpc.ErrorInfo");
        assert_eq!(detail["debug"]["metadata"]["missing"], "x");
        assert!(!detail["value"].as_str().unwrap().ends_with('='));
        let response = error.response();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (403, &HeaderValue::from_static("application/json"))
        );
        assert_eq!(
            (&response.headers()["x-before"], &response.headers()["trailer-x-after"]),
            (&HeaderValue::from_static("1"), &HeaderValue::from_static("2"))
        );
    }

    #[test]
    fn every_code_has_a_word() {
        let words: Vec<String> = (1..=16).map(|code| word(Code::from(code))).collect();
        assert_eq!(words[0], "canceled");
        assert_eq!(words[15], "unauthenticated");
        assert_eq!(word(Code::Ok), "unknown");
        assert_eq!(end(None, &HeaderMap::new()), b"{}");
    }
}
