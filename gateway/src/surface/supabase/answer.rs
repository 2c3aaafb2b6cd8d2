//! What clients of hosted Supabase auth are answered: refusals in GoTrue's words, sessions,
//! users.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use frontdesk_proto::identity::v1 as wire;
use frontdesk_proto::{ErrorReason, Refusal, reason_of};
use http::header::{CACHE_CONTROL, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value as Json, json};
use tonic::body::Body;
use tonic::{Code, Status};

use crate::answer::access_log::{By, ReasonName};
use crate::answer::failure::Failure;
use crate::answer::problem::{self, json_response};

/// The header by which clients choose the form of errors.
pub const API_VERSION: &str = "x-supabase-api-version";
/// The version since which errors have `code` and `message`.
const CODES: &str = "2024-01-01";

/// An answer other than success, in GoTrue's words.
pub struct Refused {
    status: StatusCode,
    pub code: &'static str,
    pub message: String,
    retry_after: Option<HeaderValue>,
    /// What GoTrue has no word for: our reason, if it has one. The log and the figures name it.
    reason: Option<ReasonName>,
    /// Whose it is: who is refused for want of room by a service is throttled.
    by: By,
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        let by = failure.by();
        let status = match failure {
            Failure::Status(status, _) => status,
            Failure::Refused(refusal) | Failure::NotAllowed(refusal, _) | Failure::OfHttp(refusal, _) => {
                refusal.into()
            }
        };
        let refusal = Refusal::from_status(&status);
        let reason = refusal.as_ref().map(|refusal| ReasonName(refusal.name().to_owned()));
        let refused = match &refusal {
            Some(refusal) if is_only_old(refusal) => sign_in_again(),
            _ => Self::of_status(&status),
        };
        // As long as over REST, which knows it to the second.
        let retry_after = refusal.and_then(|refusal| refusal.retry_delay()).map(problem::seconds);
        Self { reason, by, retry_after: retry_after.or(refused.retry_after), ..refused }
    }
}

/// Whether a proof is asked for that is not old, and no second factor: whoever has none could
/// prove none, and clients look for one.
fn is_only_old(refusal: &Refusal) -> bool {
    refusal.reason() == ErrorReason::StepUpRequired
        && refusal.metadata().any(|(name, value)| (name, value) == ("required", "fresh"))
}

/// This surface has no other way to prove the password again.
fn sign_in_again() -> Refused {
    let message = "This takes a sign-in of the last minutes: sign in again, then repeat it. Nothing was done";
    Refused::bad_request("reauthentication_needed", message)
}

impl Refused {
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let again = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        let retry_after = again.then(|| HeaderValue::from_static("1"));
        Self { status, code, message: message.into(), retry_after, reason: None, by: By::Gateway }
    }

    pub fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// Whether a service refused for this reason.
    pub fn is_for(&self, reason: ErrorReason) -> bool {
        self.reason.as_ref().is_some_and(|ReasonName(name)| name == reason.name())
    }

    /// What GoTrue answers in the same case, as the reason's options say it.
    /// Overload must be 5xx: a client takes a 4xx on refresh for the end of the
    /// session.
    fn of_status(status: &Status) -> Self {
        if let Some(answer) = reason_of(status).and_then(ErrorReason::auth_answer) {
            let message = if answer.message.is_empty() { status.message() } else { answer.message.as_str() };
            let http_status = u16::try_from(answer.http_status).unwrap_or_default();
            let http_status = StatusCode::from_u16(http_status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            return Self::new(http_status, &answer.code, message);
        }
        match status.code() {
            Code::Unavailable | Code::DeadlineExceeded => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "request_timeout",
                "The service is busy or cannot be reached; try again",
            ),
            _ => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "unexpected_failure",
                "Unexpected failure, please check server logs for more information",
            ),
        }
    }

    /// Both forms carry `error_code`, so that clients which cannot read the
    /// version header still find it.
    pub fn response(self, version: Option<&HeaderValue>) -> Response<Body> {
        let new = version.and_then(|version| version.to_str().ok()).is_some_and(|version| version >= CODES);
        let body = if new {
            json!({"code": self.code, "error_code": self.code, "message": self.message})
        } else {
            json!({"code": self.status.as_u16(), "error_code": self.code, "msg": self.message})
        };
        let mut response = json_body(self.status, &body);
        let headers = response.headers_mut();
        headers.insert("x-sb-error-code", HeaderValue::from_static(self.code));
        if new {
            headers.insert(API_VERSION, HeaderValue::from_static(CODES));
        }
        if let Some(retry_after) = self.retry_after {
            headers.insert(RETRY_AFTER, retry_after);
        }
        response.extensions_mut().insert(self.by);
        if let Some(reason) = self.reason {
            response.extensions_mut().insert(reason);
        }
        response
    }
}

/// A session as GoTrue shows it.
pub fn session_json(access: &str, refresh: &str, expires_in: i32, user: Option<Json>) -> Json {
    let lifetime = Duration::from_secs(u64::try_from(expires_in).unwrap_or(0));
    let expires_at = (SystemTime::now() + lifetime).duration_since(UNIX_EPOCH).unwrap_or_default();
    json!({
        "access_token": access,
        "token_type": "bearer",
        "expires_in": expires_in,
        "expires_at": expires_at.as_secs(),
        "refresh_token": refresh,
        "user": user,
    })
}

/// The user as GoTrue shows it; clients count on every one of these members.
pub fn user_json(user: wire::User, factors: &[wire::Factor]) -> Json {
    let created_at = user.created_at.map(|at| at.to_string()).unwrap_or_default();
    let confirmed_at = user.email_confirmed_at.map_or_else(|| created_at.clone(), |at| at.to_string());
    json!({
        "id": user.id,
        "aud": "authenticated",
        "role": "authenticated",
        "email": user.email,
        "email_confirmed_at": confirmed_at,
        "phone": "",
        "confirmed_at": confirmed_at,
        "app_metadata": {"provider": "email", "providers": ["email"]},
        "user_metadata": {"display_name": user.display_name},
        "identities": [],
        "factors": factors.iter().map(factor_json).collect::<Vec<_>>(),
        "created_at": created_at,
        "updated_at": created_at,
        "is_anonymous": false,
    })
}

/// Tokens are in it, or who somebody is: nothing keeps it, unless that is said afterwards.
pub fn json_body(status: StatusCode, body: &Json) -> Response<Body> {
    let mut response = json_response(status, "application/json", body.to_string().into_bytes());
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// What a kind of factor is called there.
pub fn factor_type(kind: wire::FactorKind) -> &'static str {
    match kind {
        wire::FactorKind::Totp => "totp",
        wire::FactorKind::Passkey => "webauthn",
        wire::FactorKind::Unspecified => "unknown",
    }
}

/// A factor as a member of its user.
fn factor_json(factor: &wire::Factor) -> Json {
    let created_at = factor.created_at.map(|at| at.to_string()).unwrap_or_default();
    let updated_at = factor.verified_at.map_or_else(|| created_at.clone(), |at| at.to_string());
    json!({
        "id": factor.id,
        "factor_type": factor_type(factor.kind()),
        "friendly_name": factor.name,
        "status": if factor.verified { "verified" } else { "unverified" },
        "created_at": created_at,
        "updated_at": updated_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_that_is_only_old_takes_a_sign_in_and_a_second_factor_is_stepped_up_to() {
        for (required, code, status) in [
            ("fresh", "reauthentication_needed", 400),
            ("aal2", "insufficient_aal", 401),
            ("aal2 fresh", "insufficient_aal", 401),
        ] {
            let refusal = Refusal::new(ErrorReason::StepUpRequired, "Not so.").with("required", required);
            let refused = Refused::from(Failure::Refused(refusal));
            assert!(refused.is_for(ErrorReason::StepUpRequired));
            assert_eq!((refused.code, refused.status.as_u16()), (code, status), "{required}");
        }
    }
}
