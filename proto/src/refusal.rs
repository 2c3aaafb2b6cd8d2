//! How a refusal looks on the wire: a gRPC status whose details carry
//! `google.rpc.ErrorInfo` and what else helps the caller. [`Refusal`] becomes a
//! status and is read from one here and nowhere else, so that nothing is lost
//! where a refusal is passed on. What a reason means is said by `reason.rs` and
//! its proto.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use prost::{Message, Name};
use prost_types::Any;
use tonic::{Code, Status};

use crate::rest::v1::Format;
use crate::{ErrorReason, rpc};

/// `ErrorInfo.domain` of every reason of ours.
pub const DOMAIN: &str = "frontdesk";

/// Longest status message in bytes. A status travels in HTTP/2 headers, and
/// peers reset the stream when those grow past 16 KB.
const MAX_MESSAGE: usize = 1000;
/// Longest metadata value or field description in bytes.
const MAX_DETAIL: usize = 256;
/// Most bytes of field violations in one status.
const MAX_VIOLATIONS: usize = 2048;

/// Why a call is refused, as the caller will read it. The message says what
/// happened, why, and what to do next, and holds nothing secret.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    reason: Reason,
    /// In place of the reason's, where gRPC has one of its own for what happened.
    code: Option<Code>,
    message: String,
    metadata: BTreeMap<Cow<'static, str>, String>,
    violations: Vec<Violation>,
    retry_after: Option<Duration>,
    request_id: Option<String>,
    /// Details of other kinds, as they came.
    others: Vec<Any>,
}

/// A reason by its name. A service may be of a later version than who reads its
/// refusal, and have reasons that this build does not know.
#[derive(Debug, Clone, PartialEq)]
enum Reason {
    Known(ErrorReason),
    Later { name: String, code: Code },
}

/// A field whose value is refused, and what it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field, for example `settings.hold_hours` or `scopes[1]`.
    pub field: String,
    /// What the field takes, to follow its name in a sentence.
    pub description: String,
}

impl Refusal {
    /// A refusal with a sentence for the caller.
    pub fn new(reason: ErrorReason, message: impl Into<String>) -> Self {
        Self {
            reason: Reason::Known(reason),
            code: None,
            message: message.into(),
            metadata: BTreeMap::new(),
            violations: Vec::new(),
            retry_after: None,
            request_id: None,
            others: Vec::new(),
        }
    }

    /// An `INVALID_FIELD` that names one field and what it takes.
    pub fn field(field: impl Into<String>, description: impl Into<String>) -> Self {
        let (field, description) = (field.into(), description.into());
        Self::new(ErrorReason::InvalidField, format!("Field `{field}`: {description}."))
            .violation(field, description)
    }

    /// An `INVALID_FIELD` for a text that lacks a format.
    pub fn format(field: impl Into<String>, format: Format) -> Self {
        Self::field(field, format.form().takes.clone())
    }

    /// The refusal that a status carries, known to this build or not; `None` for a
    /// status without a reason of ours.
    pub fn from_status(status: &Status) -> Option<Self> {
        let details = rpc::Status::decode(status.details()).ok()?.details;
        let mut refusal = Self::new(ErrorReason::Unspecified, status.message());
        for detail in details {
            if let Some(detail) = refusal.take(detail, status.code()) {
                refusal.others.push(detail);
            }
        }
        refusal.code = Some(status.code()).filter(|code| *code != refusal.code());
        (refusal.reason != Reason::Known(ErrorReason::Unspecified)).then_some(refusal)
    }

    /// The same with a code of gRPC's own.
    #[must_use]
    pub fn with_code(mut self, code: Code) -> Self {
        self.code = Some(code);
        self
    }

    /// Adds an entry to `ErrorInfo.metadata`.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.metadata.insert(Cow::Borrowed(key), clipped(value.into(), MAX_DETAIL));
        self
    }

    /// Adds a `BadRequest` field violation, as long as the status stays small.
    #[must_use]
    pub fn violation(mut self, field: impl Into<String>, description: impl Into<String>) -> Self {
        let violation = Violation {
            field: clipped(field.into(), MAX_DETAIL),
            description: clipped(description.into(), MAX_DETAIL),
        };
        let size = |one: &Violation| one.field.len() + one.description.len();
        if self.violations.iter().map(size).sum::<usize>() + size(&violation) <= MAX_VIOLATIONS {
            self.violations.push(violation);
        }
        self
    }

    /// Adds a `RetryInfo`.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }

    /// Adds a `RequestInfo`.
    #[must_use]
    pub fn with_request_id(mut self, id: impl Into<String>) -> Self {
        self.request_id = Some(id.into());
        self
    }

    /// Adds a `Help` with a link, unless the refusal has one.
    #[must_use]
    pub fn linked(mut self, description: &str, url: impl Into<String>) -> Self {
        if !self.others.iter().any(|detail| detail.to_msg::<rpc::Help>().is_ok()) {
            let link = rpc::help::Link { description: description.to_owned(), url: url.into() };
            self.others.push(any(&rpc::Help { links: vec![link] }));
        }
        self
    }

    /// The same with another sentence after the first.
    #[must_use]
    pub fn followed_by(mut self, sentence: &str) -> Self {
        self.message = format!("{} {sentence}", self.message);
        self
    }

    /// The reason; `Unspecified` if this build does not know it.
    pub fn reason(&self) -> ErrorReason {
        match self.reason {
            Reason::Known(reason) => reason,
            Reason::Later { .. } => ErrorReason::Unspecified,
        }
    }

    /// The name of the reason, as it was sent.
    pub fn name(&self) -> &str {
        match &self.reason {
            Reason::Known(reason) => reason.name(),
            Reason::Later { name, .. } => name,
        }
    }

    /// The code over gRPC.
    pub fn code(&self) -> Code {
        match self.reason {
            Reason::Known(reason) => self.code.unwrap_or(reason.wire().code),
            Reason::Later { code, .. } => code,
        }
    }

    /// The sentence for the caller.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Names and values that go with the reason.
    pub fn metadata(&self) -> impl Iterator<Item = (&str, &str)> {
        self.metadata.iter().map(|(key, value)| (&**key, value.as_str()))
    }

    /// The fields that are refused.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// After which time the call may be made again.
    pub fn retry_delay(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The id of the request, if the refusal came from elsewhere.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// The refusal as `google.rpc.Status`.
    pub fn to_rpc_status(&self) -> rpc::Status {
        let info = rpc::ErrorInfo {
            reason: self.name().to_owned(),
            domain: DOMAIN.to_owned(),
            metadata: self.metadata.iter().map(|(key, value)| (key.to_string(), value.clone())).collect(),
        };
        let mut details = vec![any(&info)];
        if !self.violations.is_empty() {
            let field_violations = self
                .violations
                .iter()
                .map(|Violation { field, description }| rpc::bad_request::FieldViolation {
                    field: field.clone(),
                    description: description.clone(),
                    ..Default::default()
                })
                .collect();
            details.push(any(&rpc::BadRequest { field_violations }));
        }
        if let Some(delay) = self.retry_after {
            let retry_delay = prost_types::Duration::try_from(delay).ok();
            details.push(any(&rpc::RetryInfo { retry_delay }));
        }
        if let Some(id) = &self.request_id {
            details.push(any(&rpc::RequestInfo { request_id: id.clone(), serving_data: String::new() }));
        }
        details.extend(self.others.iter().cloned());
        rpc::Status { code: self.code() as i32, message: clipped(self.message.clone(), MAX_MESSAGE), details }
    }

    /// Takes over what a detail of a status with this code says; gives back what is
    /// no detail of a refusal.
    fn take(&mut self, detail: Any, code: Code) -> Option<Any> {
        if let Ok(info) = detail.to_msg::<rpc::ErrorInfo>()
            && info.domain == DOMAIN
        {
            self.reason = match ErrorReason::from_name(&info.reason) {
                Some(reason) => Reason::Known(reason),
                None => Reason::Later { name: info.reason, code },
            };
            self.metadata = info.metadata.into_iter().map(|(key, value)| (Cow::Owned(key), value)).collect();
        } else if let Ok(bad) = detail.to_msg::<rpc::BadRequest>() {
            self.violations.extend(
                bad.field_violations
                    .into_iter()
                    .map(|one| Violation { field: one.field, description: one.description }),
            );
        } else if let Ok(retry) = detail.to_msg::<rpc::RetryInfo>() {
            self.retry_after = retry.retry_delay.and_then(|delay| Duration::try_from(delay).ok());
        } else if let Ok(info) = detail.to_msg::<rpc::RequestInfo>() {
            self.request_id = Some(info.request_id);
        } else {
            return Some(detail);
        }
        None
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        let status = refusal.to_rpc_status();
        Status::with_details(refusal.code(), status.message.clone(), status.encode_to_vec().into())
    }
}

/// The reason that a status carries, if it is one of ours that this build knows.
pub fn reason_of(status: &Status) -> Option<ErrorReason> {
    let reason = Refusal::from_status(status)?.reason();
    (reason != ErrorReason::Unspecified).then_some(reason)
}

/// The details of a status of others with the id of its request; `None` for a status
/// without details, which has no place for it.
pub fn with_request_id(status: &Status, id: &str) -> Option<Status> {
    let mut detailed = rpc::Status::decode(status.details()).ok()?;
    if detailed.details.is_empty() {
        return None;
    }
    let info = rpc::RequestInfo { request_id: id.to_owned(), serving_data: String::new() };
    detailed.details.push(any(&info));
    Some(Status::with_details(status.code(), status.message(), detailed.encode_to_vec().into()))
}

fn any<M: Message + Name>(message: &M) -> Any {
    Any { type_url: M::type_url(), value: message.encode_to_vec() }
}

fn clipped(mut text: String, limit: usize) -> String {
    if text.len() > limit {
        let mut end = limit;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_of_every_reason_comes_back_whole() {
        for reason in ErrorReason::all() {
            let help = rpc::LocalizedMessage { locale: "de".into(), message: "Nein.".into() };
            let mut refusal = Refusal::new(reason, "No.")
                .with("state", "already_declined")
                .with("other", "x")
                .violation("check_in", "must be a date")
                .violation("scopes[1]", "is unknown")
                .retry_after(Duration::from_millis(1500))
                .with_request_id("7");
            refusal.others.push(any(&help));
            let status = Status::from(refusal.clone());
            assert_eq!(status.code(), reason.wire().code);
            assert_eq!(reason_of(&status), Some(reason));
            let back = Refusal::from_status(&status);
            assert_eq!(back, Some(refusal), "{}", reason.name());
            let bare = Refusal::new(reason, "No.");
            assert_eq!(Refusal::from_status(&Status::from(bare.clone())), Some(bare));
        }
    }

    #[test]
    fn a_code_of_grpcs_own_comes_back_too() {
        let refusal = Refusal::new(ErrorReason::UnsupportedMediaType, "No.").with_code(Code::Unimplemented);
        let status = Status::from(refusal.clone());
        assert_eq!((status.code(), refusal.to_rpc_status().code), (Code::Unimplemented, 12));
        assert_eq!(Refusal::from_status(&status), Some(refusal));
    }

    #[test]
    fn a_reason_of_a_later_version_is_passed_on_with_all_that_it_says() {
        let known = Refusal::new(ErrorReason::BookingOverlap, "Not yet.")
            .with("conflict_type", "tomorrow")
            .violation("check_in", "is too early")
            .retry_after(Duration::from_millis(1500));
        let later = Reason::Later { name: "FROM_TOMORROW".to_owned(), code: Code::ResourceExhausted };
        let refusal = Refusal { reason: later, ..known };
        let status = Status::from(refusal.clone());
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert_eq!(reason_of(&status), None);
        let back = Refusal::from_status(&status).unwrap();
        assert_eq!((back.reason(), back.name()), (ErrorReason::Unspecified, "FROM_TOMORROW"));
        assert_eq!(back, refusal);
    }

    #[test]
    fn a_status_of_others_is_not_taken_for_a_refusal() {
        assert_eq!(Refusal::from_status(&Status::from_error("broken".into())), None);
        let mut foreign = Refusal::new(ErrorReason::Internal, "x").to_rpc_status();
        foreign.details = vec![any(&rpc::ErrorInfo {
            reason: "INTERNAL".to_owned(),
            domain: "elsewhere".to_owned(),
            ..Default::default()
        })];
        let status = Status::with_details(Code::Internal, "x", foreign.encode_to_vec().into());
        assert_eq!(Refusal::from_status(&status), None);
        let garbage = Status::with_details(Code::Internal, "x", vec![0xff, 0xff].into());
        assert_eq!(Refusal::from_status(&garbage), None);
    }

    #[test]
    fn a_status_stays_small_enough_for_http2_headers() {
        let mut refusal = Refusal::new(ErrorReason::InvalidField, "ü".repeat(5000));
        for _ in 0..100 {
            refusal = refusal.violation("f".repeat(1000), "d".repeat(1000)).with("key", "v".repeat(5000));
        }
        let status = Status::from(refusal);
        assert!(status.message().len() < 1024, "{}", status.message().len());
        assert!(status.details().len() < 4096, "{}", status.details().len());
    }
}
