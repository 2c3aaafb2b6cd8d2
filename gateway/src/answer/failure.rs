//! Why there is no answer, and the refusals that several parts of the gateway
//! make. It knows none of these parts; how a failure looks to a caller is told by
//! [`problem`](super::problem) and by each surface.

use frontdesk_proto::{ErrorReason, Refusal};
use http::{HeaderMap, HeaderValue};
use tonic::{Code, Status};

/// Largest message of an answer in bytes.
pub const MAX_RESPONSE: usize = 4 * 1024 * 1024;

/// Why there is no answer.
#[derive(Debug)]
pub enum Failure {
    /// The gateway refuses.
    Refused(Refusal),
    /// The gateway refuses and names the methods of the path.
    NotAllowed(Refusal, HeaderValue),
    /// The service refuses.
    Status(Status, HeaderMap),
}

impl Failure {
    /// Whether another address might answer.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.reason() == ErrorReason::UpstreamUnavailable,
            Self::Status(status, _) => status.code() == Code::Unavailable,
            Self::NotAllowed(..) => false,
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// The refusal of a body that is larger than `limit` bytes.
pub fn too_large(limit: usize) -> Refusal {
    Refusal::new(
        ErrorReason::PayloadTooLarge,
        format!("The body is larger than {limit} bytes, the most this API takes. Nothing was stored."),
    )
    .with("limit_bytes", limit.to_string())
}
