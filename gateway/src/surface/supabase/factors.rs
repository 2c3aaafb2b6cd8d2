//! Second factors, as `supabase.auth.mfa` speaks of them.

use frontdesk_proto::identity::v1 as wire;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value as Json, json};
use tonic::body::Body;

use super::answer::{Refused, json_body, session_json, user_json};
use super::qr;
use super::request::{json, signed_in};
use crate::call::headers::Client;
use crate::call::identity::Identity;
use crate::call::upstreams::Upstreams;

/// Answers a request below `factors`.
pub async fn call(
    upstreams: &Upstreams,
    path: &str,
    request: Request<Body>,
    client: &Client,
) -> Result<Response<Body>, Refused> {
    let identity = Identity::new(upstreams, signed_in(request.headers(), client)?);
    let steps: Vec<&str> = path.split('/').skip(1).collect();
    let method = request.method().clone();
    match (method, steps.as_slice()) {
        (Method::POST, []) => enrol(&identity, json(request).await?).await,
        (Method::POST, [id, "challenge"]) => challenge(&identity, id).await,
        (Method::POST, [id, "verify"]) => verify(&identity, id, json(request).await?).await,
        (Method::DELETE, [id]) => {
            identity.remove_factor((*id).to_owned()).await?;
            Ok(json_body(StatusCode::OK, &json!({"id": id})))
        }
        (_, [] | [_] | [_, "challenge" | "verify"]) => {
            Err(Refused::new(StatusCode::METHOD_NOT_ALLOWED, "bad_request", "The path takes another method"))
        }
        _ => Err(Refused::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "This server does not have this part of the auth API",
        )),
    }
}

async fn enrol(identity: &Identity<'_>, body: Json) -> Result<Response<Body>, Refused> {
    if body["factor_type"] != "totp" {
        return Err(Refused::bad_request("validation_failed", "factor_type needs to be totp"));
    }
    let name = body["friendly_name"].as_str().unwrap_or_default().to_owned();
    let request = wire::EnrolFactorRequest { kind: wire::FactorKind::Totp.into(), name };
    let wire::EnrolFactorResponse { factor, secret, uri } = identity.enrol_factor(&request).await?;
    let factor = factor.unwrap_or_default();
    let answer = json!({
        "id": factor.id,
        "type": "totp",
        "friendly_name": factor.name,
        "totp": {"qr_code": qr::svg(&uri).unwrap_or_default(), "secret": secret, "uri": uri},
    });
    Ok(json_body(StatusCode::OK, &answer))
}

async fn challenge(identity: &Identity<'_>, id: &str) -> Result<Response<Body>, Refused> {
    let wire::ChallengeFactorResponse { challenge, expires_at } =
        identity.challenge_factor(id.to_owned()).await?;
    let expires_at = expires_at.map(|at| at.seconds).unwrap_or_default();
    let answer = json!({"id": challenge, "type": "totp", "expires_at": expires_at});
    Ok(json_body(StatusCode::OK, &answer))
}

/// What GoTrue answers, and the recovery codes, which it does not have.
async fn verify(identity: &Identity<'_>, id: &str, body: Json) -> Result<Response<Body>, Refused> {
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let request = wire::VerifyFactorRequest {
        factor_id: id.to_owned(),
        challenge: text("challenge_id"),
        code: text("code"),
    };
    let verified = identity.verify_factor(&request).await?;
    let wire::VerifyFactorResponse {
        access,
        refresh,
        token_type: _,
        expires_in,
        user,
        recovery_codes,
        factors,
    } = verified;
    let user = user.map(|user| user_json(user, &factors));
    let mut answer = session_json(&access, &refresh, expires_in, user);
    if !recovery_codes.is_empty() {
        answer["recovery_codes"] = json!(recovery_codes);
    }
    Ok(json_body(StatusCode::OK, &answer))
}
