//! Why there is no answer, and the refusals that several parts of the gateway
//! make. It knows none of these parts; how a failure looks to a caller is the job
//! of [`problem`](super::problem) and of each surface.

use std::time::Duration;

use frontdesk_proto::{ErrorReason, Refusal, reason_of};
use http::header::{ALLOW, HeaderName};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use tonic::body::Body;
use tonic::{Code, Status};
use transcode::InputError;
use upstream::Unreachable;

use super::access_log::By;
use super::held::{MOST_OF_CLIENT, NoRoom};

/// Most bytes of a message of an answer.
pub const MAX_RESPONSE: usize = 4 * 1024 * 1024;

/// Why there is no answer.
#[derive(Debug)]
pub enum Failure {
    /// The gateway refuses.
    Refused(Refusal),
    /// The gateway refuses and names the methods of the path.
    NotAllowed(Refusal, HeaderValue),
    /// The gateway refuses for what the request is as one of HTTP, which has its own words.
    OfHttp(Refusal, Box<HttpWords>),
    /// The service refuses.
    Status(Status, HeaderMap),
}

/// What HTTP says of a refused request, beside the reason.
#[derive(Debug, Default)]
pub struct HttpWords {
    /// In place of the reason's status.
    pub status: Option<StatusCode>,
    /// What the route takes instead.
    pub header: Option<(HeaderName, HeaderValue)>,
}

impl HttpWords {
    /// A refusal with another status than its reason has.
    pub fn status(refusal: Refusal, status: StatusCode) -> Failure {
        Failure::OfHttp(refusal, Box::new(Self { status: Some(status), header: None }))
    }
}

impl Failure {
    /// The path has other methods.
    pub fn not_allowed(method: &Method, path: &str, allow: HeaderValue) -> Self {
        let names = allow.to_str().unwrap_or_default();
        let sentence = format!("{method} is not a method of {}; it has {names}.", shown(path));
        Self::NotAllowed(Refusal::new(ErrorReason::MethodNotAllowed, sentence), allow)
    }

    /// Who refuses.
    pub fn by(&self) -> By {
        match self {
            Self::Refused(_) | Self::NotAllowed(..) | Self::OfHttp(..) => By::Gateway,
            Self::Status(..) => By::Service,
        }
    }

    /// Whether another address might answer.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.reason() == ErrorReason::UpstreamUnavailable,
            Self::Status(status, _) => status.code() == Code::Unavailable,
            Self::NotAllowed(..) | Self::OfHttp(..) => false,
        }
    }

    /// Names in a header what the route takes, if it was refused for what was sent.
    #[must_use]
    pub fn taking(self, name: HeaderName, value: HeaderValue) -> Self {
        match self {
            Self::Refused(refusal) => {
                Self::OfHttp(refusal, Box::new(HttpWords { status: None, header: Some((name, value)) }))
            }
            Self::Status(status, mut metadata) => {
                metadata.insert(name, value);
                Self::Status(status, metadata)
            }
            other => other,
        }
    }

    /// Whether it is for this reason.
    pub fn is_for(&self, wanted: ErrorReason) -> bool {
        match self {
            Self::Refused(refusal) | Self::NotAllowed(refusal, _) | Self::OfHttp(refusal, _) => {
                refusal.reason() == wanted
            }
            Self::Status(status, _) => reason_of(status) == Some(wanted),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// The answer to OPTIONS.
pub fn options(allow: HeaderValue) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.extensions_mut().insert(By::Gateway);
    response.headers_mut().insert(ALLOW, allow);
    response
}

/// A refusal of this gateway's own, over gRPC.
pub fn over_grpc(refusal: Refusal) -> Response<Body> {
    let mut response = Status::from(refusal).into_http();
    response.extensions_mut().insert(By::Gateway);
    response
}

/// A path from outside, short enough for a sentence.
pub fn shown(path: &str) -> String {
    path.chars().take(200).collect()
}

/// The refusal of a request that is not one of its method.
pub fn input_error(InputError { field, description }: InputError) -> Refusal {
    if field.is_empty() {
        return Refusal::new(
            ErrorReason::MalformedRequest,
            boot::nothing_stored(&format!("The request cannot be read: {description}."), ""),
        );
    }
    let sentence = boot::nothing_stored(&format!("Field `{field}` {description}."), "");
    Refusal::new(ErrorReason::MalformedRequest, sentence).violation(field, description)
}

/// The refusal of a body of more than `limit` bytes.
pub fn too_large(limit: usize) -> Refusal {
    Refusal::new(
        ErrorReason::PayloadTooLarge,
        boot::nothing_stored(&format!("The body is larger than {limit} bytes, the most this API takes."), ""),
    )
    .with("limit_bytes", limit.to_string())
}

/// The refusal for an answer that did not come to its end, or is too large.
pub fn broken_off() -> Refusal {
    Refusal::new(ErrorReason::UpstreamUnavailable, boot::maybe_stored("The service's answer broke off."))
}

/// The refusal for an answer that there is no room for. The service has given it: of a
/// method that changes something nobody knows by it what was changed.
pub fn no_room(changes: bool, full: NoRoom) -> Refusal {
    let (reason, way_on) = if changes {
        (ErrorReason::OutcomeUnknown, "A change may have been stored: read before trying again.")
    } else {
        (no_room_reason(full), "Nothing was changed; try again.")
    };
    let sentence = match full {
        NoRoom::OfAll => "The gateway holds as many answers as it has room for, and has dropped this one.",
        NoRoom::OfClient => {
            "The gateway holds as many bodies of calls from your address as it has room for, and has dropped this answer: read those that you have asked for."
        }
    };
    let refusal = Refusal::new(reason, format!("{sentence} {way_on}")).retry_after(Duration::from_secs(1));
    if changes { refusal } else { refusal.with("waits_for", waits_for(full)) }
}

/// The refusal of a request whose body there is no room for.
pub fn no_room_for_request(full: NoRoom) -> Refusal {
    let sentence = match full {
        NoRoom::OfAll => {
            "The gateway holds as many bodies as it has room for. This call was not begun; try again."
                .to_owned()
        }
        NoRoom::OfClient => format!(
            "Bodies of calls from your address take {MOST_OF_CLIENT} bytes, the most that the gateway has for one. This call was not begun: read the answers that you have asked for, then try again."
        ),
    };
    Refusal::new(no_room_reason(full), sentence)
        .with("waits_for", waits_for(full))
        .retry_after(Duration::from_secs(1))
}

/// What a client has taken for itself is no sign that the gateway has too much to do.
fn no_room_reason(full: NoRoom) -> ErrorReason {
    match full {
        NoRoom::OfAll => ErrorReason::Overloaded,
        NoRoom::OfClient => ErrorReason::TooManyCalls,
    }
}

fn waits_for(full: NoRoom) -> &'static str {
    match full {
        NoRoom::OfAll => "room for bodies",
        NoRoom::OfClient => "room for bodies of one address",
    }
}

/// The refusal for an answer that is not the method's message.
pub fn unreadable() -> Refusal {
    Refusal::new(
        ErrorReason::Internal,
        "The service's answer cannot be read. The request id finds it in the log.",
    )
}

/// The refusal for an answer with another HTTP status than gRPC's.
pub fn not_grpc(status: StatusCode) -> Refusal {
    tracing::warn!(%status, "a service answered outside gRPC");
    Refusal::new(ErrorReason::UpstreamUnavailable, "The service did not answer in gRPC. Try again.")
        .retry_after(Duration::from_secs(1))
}

/// The refusal for a service that cannot be reached; the log has the cause.
pub fn unreachable(error: &Unreachable) -> Refusal {
    tracing::warn!(%error, "a service cannot be reached");
    let what = match error.at {
        None => {
            "The service that answers this call cannot be reached. Try again; GET /readyz says which one is missing.".to_owned()
        }
        Some(_) => boot::maybe_stored("The connection to the service was lost during the call."),
    };
    Refusal::new(ErrorReason::UpstreamUnavailable, what).retry_after(Duration::from_secs(1))
}
