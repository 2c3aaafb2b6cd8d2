//! TokenService: the public keys of access tokens, and what a token is worth.

use access::TokenFault;
use frontdesk_proto::identity::v1 as wire;
use frontdesk_proto::identity::v1::token_service_server::TokenService;
use frontdesk_proto::{ErrorReason, Refusal};
use jiff::Timestamp;
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status};

use super::identity::Identity;
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
        let (session, user) = (SessionId(claims.session_id), UserId(claims.sub));
        let found = self.store().resolve_user(session, user, None, Timestamp::now()).await;
        let live = !found.map_err(Error::from)?.is_empty();
        let expires_at =
            i64::try_from(claims.exp).ok().map(|seconds| prost_types::Timestamp { seconds, nanos: 0 });
        Ok(Response::new(wire::ValidateTokenResponse {
            active: live,
            reason: if live { String::new() } else { ErrorReason::SessionEnded.name().to_owned() },
            fault: String::new(),
            user_id: user.to_string(),
            session_id: session.to_string(),
            expires_at,
        }))
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
