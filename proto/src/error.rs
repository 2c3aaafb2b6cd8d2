//! How a refusal looks on the wire: a gRPC status whose details carry
//! `google.rpc.ErrorInfo` and what else helps the caller.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;
use std::time::Duration;

use prost::{Message, Name};
use prost_reflect::Value;
use tonic::{Code, Status};

use crate::{ErrorReason, descriptors, rpc};

/// `ErrorInfo.domain` of every reason of ours.
pub const DOMAIN: &str = "frontdesk";

/// Longest status message in bytes. A status travels in HTTP/2 headers, and
/// peers reset the stream when those grow past 16 KB.
const MAX_MESSAGE: usize = 1000;
/// Longest metadata value or field description in bytes.
const MAX_DETAIL: usize = 256;
/// Most field violations in one status.
const MAX_VIOLATIONS: usize = 5;

/// Why a call is refused, as the caller will read it. The message says what
/// happened, why, and what to do next, and holds nothing secret.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    reason: ErrorReason,
    message: String,
    metadata: BTreeMap<&'static str, String>,
    violations: Vec<(String, String)>,
    retry_after: Option<Duration>,
}

/// The status codes of a reason, read from the options of its enum value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wire {
    /// The code over gRPC.
    pub code: Code,
    /// The status over REST.
    pub http_status: u16,
}

impl Refusal {
    /// A refusal with a sentence for the caller.
    pub fn new(reason: ErrorReason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            metadata: BTreeMap::new(),
            violations: Vec::new(),
            retry_after: None,
        }
    }

    /// An `INVALID_FIELD` that names one field and what it takes.
    pub fn field(field: impl Into<String>, description: impl Into<String>) -> Self {
        let (field, description) = (field.into(), description.into());
        Self::new(ErrorReason::InvalidField, format!("Field `{field}`: {description}."))
            .violation(field, description)
    }

    /// Adds an entry to `ErrorInfo.metadata`.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.metadata.insert(key, clipped(value.into(), MAX_DETAIL));
        self
    }

    /// Adds a `BadRequest` field violation.
    #[must_use]
    pub fn violation(mut self, field: impl Into<String>, description: impl Into<String>) -> Self {
        if self.violations.len() < MAX_VIOLATIONS {
            self.violations
                .push((clipped(field.into(), MAX_DETAIL), clipped(description.into(), MAX_DETAIL)));
        }
        self
    }

    /// Adds a `RetryInfo`.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }

    /// The reason.
    pub fn reason(&self) -> ErrorReason {
        self.reason
    }

    /// The sentence for the caller.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The refusal as `google.rpc.Status`.
    pub fn to_rpc_status(&self) -> rpc::Status {
        let info = rpc::ErrorInfo {
            reason: self.reason.name().to_owned(),
            domain: DOMAIN.to_owned(),
            metadata: self.metadata.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect(),
        };
        let mut details = vec![any(&info)];
        if !self.violations.is_empty() {
            let field_violations = self
                .violations
                .iter()
                .map(|(field, description)| rpc::bad_request::FieldViolation {
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
        rpc::Status {
            code: self.reason.wire().code as i32,
            message: clipped(self.message.clone(), MAX_MESSAGE),
            details,
        }
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        let status = refusal.to_rpc_status();
        Status::with_details(
            refusal.reason.wire().code,
            status.message.clone(),
            status.encode_to_vec().into(),
        )
    }
}

impl ErrorReason {
    /// The name without the enum's prefix, as `ErrorInfo.reason` carries it.
    pub fn name(self) -> &'static str {
        self.as_str_name().trim_start_matches("ERROR_REASON_")
    }

    /// The reason that [`Self::name`] gives this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::from_str_name(&format!("ERROR_REASON_{name}"))
    }

    /// The codes of this reason.
    pub fn wire(self) -> Wire {
        static WIRE: LazyLock<HashMap<i32, Wire>> = LazyLock::new(read_wire_options);
        WIRE.get(&(self as i32)).copied().unwrap_or(Wire { code: Code::Internal, http_status: 500 })
    }
}

/// The reason that a status carries, if it is one of ours.
pub fn reason_of(status: &Status) -> Option<ErrorReason> {
    let details = rpc::Status::decode(status.details()).ok()?.details;
    details
        .iter()
        .filter_map(|detail| detail.to_msg::<rpc::ErrorInfo>().ok())
        .find(|info| info.domain == DOMAIN)
        .and_then(|info| ErrorReason::from_name(&info.reason))
}

fn read_wire_options() -> HashMap<i32, Wire> {
    let mut wire = HashMap::new();
    let reasons = descriptors().get_enum_by_name("frontdesk.error.v1.ErrorReason");
    let extension = descriptors().get_extension_by_name("frontdesk.error.v1.reason");
    if let (Some(reasons), Some(extension)) = (reasons, extension) {
        for value in reasons.values() {
            let options = value.options();
            if let Value::Message(option) = &*options.get_extension(&extension)
                && let Ok(option) = option.transcode_to::<crate::reasons::v1::ErrorReasonOptions>()
                && let Ok(http_status) = u16::try_from(option.http_status)
                && http_status != 0
            {
                wire.insert(value.number(), Wire { code: Code::from(option.grpc_code), http_status });
            }
        }
    }
    wire
}

fn any<M: Message + Name>(message: &M) -> prost_types::Any {
    prost_types::Any { type_url: M::type_url(), value: message.encode_to_vec() }
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
    fn every_reason_has_a_code_and_an_http_status() {
        let reasons = descriptors().get_enum_by_name("frontdesk.error.v1.ErrorReason").unwrap();
        for value in reasons.values().filter(|value| value.number() != 0) {
            let reason = ErrorReason::try_from(value.number()).unwrap();
            let wire = read_wire_options().get(&value.number()).copied();
            let wire = wire.unwrap_or_else(|| panic!("{} has no options", value.name()));
            assert!((400..600).contains(&wire.http_status), "{}", value.name());
            assert_ne!(wire.code, Code::Ok, "{}", value.name());
            assert_eq!(ErrorReason::from_name(reason.name()), Some(reason));
        }
    }

    #[test]
    fn a_status_carries_reason_metadata_and_violations() {
        let refusal = Refusal::field("check_in", "must be a date").with("hint", "2026-07-01");
        let status = Status::from(refusal);
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(reason_of(&status), Some(ErrorReason::InvalidField));
        let details = rpc::Status::decode(status.details()).unwrap().details;
        let bad: rpc::BadRequest = details[1].to_msg().unwrap();
        assert_eq!(bad.field_violations[0].field, "check_in");
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
