//! TokenService: the public keys of access tokens, and what a token is worth.

use access::{Client, TokenFault, TokenKind, View};
use frontdesk_proto::identity::v1 as wire;
use frontdesk_proto::identity::v1::token_service_server::TokenService;
use frontdesk_proto::{ErrorReason, Refusal};
use jiff::Timestamp;
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::identity::Identity;
use super::wire::id_or_empty;
use crate::domain::ids::{ApiKeyId, SessionId, UserId};
use crate::domain::scopes::OPERATE;
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
        let now = Timestamp::now();
        let (session, user) = (SessionId(claims.session_id), UserId(claims.sub));
        let mut viewed_by = None;
        let live = match claims.kind() {
            Some(TokenKind::Client(Client { id, .. })) => self.is_live(id, now).await?,
            Some(TokenKind::Delegated(Client { id, .. })) => {
                self.is_live(id, now).await? && self.is_signed_in(session, user, now).await?
            }
            Some(TokenKind::View(View { operator, .. })) => {
                viewed_by = Some(operator);
                self.is_operator(session, UserId(operator), now).await?
            }
            Some(TokenKind::User) | None => self.is_signed_in(session, user, now).await?,
        };
        let is_user = !matches!(claims.kind(), Some(TokenKind::Client(_)));
        let expires_at =
            i64::try_from(claims.exp).ok().map(|seconds| prost_types::Timestamp { seconds, nanos: 0 });
        Ok(Response::new(wire::ValidateTokenResponse {
            active: live,
            reason: if live { String::new() } else { ErrorReason::SessionEnded.name().to_owned() },
            fault: String::new(),
            user_id: if is_user { user.to_string() } else { String::new() },
            session_id: if is_user { session.to_string() } else { String::new() },
            client_id: id_or_empty(claims.client_id),
            viewed_by: id_or_empty(viewed_by),
            expires_at,
        }))
    }
}

impl Identity {
    async fn is_live(&self, key: Uuid, now: Timestamp) -> Result<bool, Error> {
        Ok(self.store().find_api_key(ApiKeyId(key), now).await?.is_some())
    }

    async fn is_operator(&self, session: SessionId, user: UserId, now: Timestamp) -> Result<bool, Error> {
        let found = self.store().resolve_user(session, user, None, now).await?;
        Ok(found.iter().any(|by| by.platform_scopes.iter().any(|scope| scope == OPERATE)))
    }

    async fn is_signed_in(&self, session: SessionId, user: UserId, now: Timestamp) -> Result<bool, Error> {
        Ok(!self.store().resolve_user(session, user, None, now).await?.is_empty())
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
