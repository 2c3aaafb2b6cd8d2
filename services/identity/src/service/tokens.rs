//! TokenService.

use access::TokenFault;
use frontdesk_proto::identity::v1 as wire;
use frontdesk_proto::identity::v1::token_service_server::TokenService;
use frontdesk_proto::{ErrorReason, Refusal};
use jiff::Timestamp;
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status};

use super::Identity;
use crate::error::Error;

#[tonic::async_trait]
impl TokenService for Identity {
    async fn get_jwks(
        &self,
        _: Request<wire::GetJwksRequest>,
    ) -> Result<Response<wire::GetJwksResponse>, Status> {
        let mut response = Response::new(wire::GetJwksResponse { keys: self.sessions.keyring.public() });
        response.metadata_mut().insert("cache-control", MetadataValue::from_static("public, max-age=300"));
        Ok(response)
    }

    async fn validate_token(
        &self,
        request: Request<wire::ValidateTokenRequest>,
    ) -> Result<Response<wire::ValidateTokenResponse>, Status> {
        let keyring = &self.sessions.keyring;
        let claims = match access::check_token(&request.get_ref().token, &keyring.public(), keyring.issuer())
        {
            Ok(claims) => claims,
            Err(fault) => return Ok(Response::new(inactive(fault))),
        };
        let rows = self.store().resolve_user(claims.session_id, claims.sub, None, Timestamp::now());
        let live = !rows.await.map_err(Error::from)?.is_empty();
        let expires_at =
            i64::try_from(claims.exp).ok().map(|seconds| prost_types::Timestamp { seconds, nanos: 0 });
        Ok(Response::new(wire::ValidateTokenResponse {
            active: live,
            reason: if live { String::new() } else { ErrorReason::SessionEnded.name().to_owned() },
            fault: String::new(),
            user_id: claims.sub.to_string(),
            session_id: claims.session_id.to_string(),
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
