//! TokenService: the public keys of access tokens, and what a token is worth.

use access::{Claims, TokenFault, TokenKind, View};
use frontdesk_proto::identity::v1 as wire;
use frontdesk_proto::identity::v1::token_service_server::TokenService;
use frontdesk_proto::{ErrorReason, Refusal};
use jiff::Timestamp;
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status};

use super::identity::Identity;
use super::wire::id_or_empty;
use crate::domain::ids::{SessionId, UserId};
use crate::error::Error;
use crate::trust::keyring::PublicKey;

#[tonic::async_trait]
impl TokenService for Identity {
    async fn get_jwks(
        &self,
        _: Request<wire::GetJwksRequest>,
    ) -> Result<Response<wire::GetJwksResponse>, Status> {
        let keys = self.sessions.keyring.public().into_iter().map(key).collect();
        let mut response = Response::new(wire::GetJwksResponse { keys });
        response.metadata_mut().insert("cache-control", MetadataValue::from_static("public, max-age=300"));
        Ok(response)
    }

    async fn validate_token(
        &self,
        request: Request<wire::ValidateTokenRequest>,
    ) -> Result<Response<wire::ValidateTokenResponse>, Status> {
        let keyring = &self.sessions.keyring;
        let token = &request.get_ref().token;
        let claims = match access::check_token(token, &keyring.verifying(), keyring.issuer()) {
            Ok(claims) => claims,
            Err(fault) => return Ok(Response::new(inactive(fault))),
        };
        let viewed_by = match claims.kind() {
            Some(TokenKind::View(View { operator, .. })) => Some(operator),
            _ => None,
        };
        let ended = self.ended(&claims, Timestamp::now()).await?;
        let is_user = !matches!(claims.kind(), Some(TokenKind::Client(_)));
        let expires_at =
            i64::try_from(claims.exp).ok().map(|seconds| prost_types::Timestamp { seconds, nanos: 0 });
        Ok(Response::new(wire::ValidateTokenResponse {
            active: ended.is_none(),
            reason: ended.map_or("", ErrorReason::name).to_owned(),
            fault: String::new(),
            user_id: if is_user { claims.sub.to_string() } else { String::new() },
            session_id: if is_user { claims.session_id.to_string() } else { String::new() },
            client_id: id_or_empty(claims.client_id),
            viewed_by: id_or_empty(viewed_by),
            expires_at,
        }))
    }
}

impl Identity {
    /// Why a token is good for nothing, if it is, wherever a call by it would come from.
    async fn ended(&self, claims: &Claims, now: Timestamp) -> Result<Option<ErrorReason>, Error> {
        match self.local.bound(None, claims, now).await {
            Ok(Some(_)) => return Ok(None),
            Ok(None) => {}
            Err(error) if error.is_failure() => return Err(error),
            Err(error) => return Ok(Some(error.refusal().reason())),
        }
        let (session, user) = (SessionId(claims.session_id), UserId(claims.sub));
        let found = self.store().resolve_user(session, user, None, now).await?;
        Ok(found.is_empty().then_some(ErrorReason::SessionEnded))
    }
}

fn inactive(fault: TokenFault) -> wire::ValidateTokenResponse {
    wire::ValidateTokenResponse {
        active: false,
        reason: Refusal::from(fault).reason().name().to_owned(),
        fault: fault.name().to_owned(),
        ..Default::default()
    }
}

/// A key as RFC 7517 writes it.
fn key(key: PublicKey) -> wire::JsonWebKey {
    let PublicKey { kid, x, y } = key;
    wire::JsonWebKey {
        kty: "EC".to_owned(),
        crv: "P-256".to_owned(),
        x,
        y,
        kid,
        r#use: "sig".to_owned(),
        alg: "ES256".to_owned(),
        key_ops: vec!["verify".to_owned()],
    }
}
