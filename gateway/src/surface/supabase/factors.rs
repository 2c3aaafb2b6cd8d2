//! Second factors, as `supabase.auth.mfa` speaks of them.

use frontdesk_proto::identity::v1 as wire;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value as Json, json};
use tonic::body::Body;

use super::answer::{Refused, factor_type, json_body, session_json, user_json};
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
    let kinds = [wire::FactorKind::Totp, wire::FactorKind::Passkey];
    let Some(kind) = kinds.into_iter().find(|kind| body["factor_type"] == factor_type(*kind)) else {
        return Err(Refused::bad_request("validation_failed", "factor_type needs to be totp or webauthn"));
    };
    let name = match &body["friendly_name"] {
        Json::Null => String::new(),
        Json::String(name) => name.clone(),
        _ => return Err(Refused::bad_request("validation_failed", "friendly_name needs to be a text")),
    };
    let request = wire::EnrolFactorRequest { kind: kind.into(), name };
    let wire::EnrolFactorResponse { factor, secret, uri } = identity.enrol_factor(&request).await?;
    let factor = factor.unwrap_or_default();
    let mut answer = json!({"id": factor.id, "type": factor_type(kind), "friendly_name": factor.name});
    if kind == wire::FactorKind::Totp {
        let qr_code = qr::svg(&uri).unwrap_or_default();
        answer["totp"] = json!({"qr_code": qr_code, "secret": secret, "uri": uri});
    }
    Ok(json_body(StatusCode::OK, &answer))
}

async fn challenge(identity: &Identity<'_>, id: &str) -> Result<Response<Body>, Refused> {
    let wire::ChallengeFactorResponse { challenge, expires_at, options } =
        identity.challenge_factor(id.to_owned()).await?;
    let expires_at = expires_at.map(|at| at.seconds).unwrap_or_default();
    let mut answer = json!({"id": challenge, "type": "totp", "expires_at": expires_at});
    if let Ok(options) = serde_json::from_str::<Json>(&options) {
        // Those that make a passkey say for whom.
        let step = if options["user"].is_null() { "request" } else { "create" };
        answer["type"] = factor_type(wire::FactorKind::Passkey).into();
        answer["webauthn"] = json!({"type": step, "credential_options": {"publicKey": options}});
    }
    Ok(json_body(StatusCode::OK, &answer))
}

/// What GoTrue answers, and the recovery codes, which it does not have.
async fn verify(identity: &Identity<'_>, id: &str, body: Json) -> Result<Response<Body>, Refused> {
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let credential = &body["webauthn"]["credential_response"];
    let credential = if credential.is_null() { String::new() } else { credential.to_string() };
    let request = wire::VerifyFactorRequest {
        factor_id: id.to_owned(),
        challenge: text("challenge_id"),
        code: text("code"),
        credential,
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
