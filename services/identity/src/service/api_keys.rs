//! ApiKeyService.

use frontdesk_proto::Refusal;
use frontdesk_proto::identity::v1 as wire;
use frontdesk_proto::identity::v1::api_key_service_server::ApiKeyService;
use jiff::Timestamp;
use tonic::{Request, Response, Status};

use super::{Identity, parse_id, timestamp_to_wire};
use crate::api_keys::{self, NewApiKey};
use crate::error::Error;
use crate::store::ApiKeyRow;
use crate::tenants::Holds;

#[tonic::async_trait]
impl ApiKeyService for Identity {
    async fn create_api_key(
        &self,
        request: Request<wire::CreateApiKeyRequest>,
    ) -> Result<Response<wire::CreateApiKeyResponse>, Status> {
        let (change, tenant) = self.change_in_tenant(&request, &request.get_ref().tenant_id)?;
        let wire::CreateApiKeyRequest { tenant_id: _, name, scopes, expires_at } = request.into_inner();
        let expires_at = expires_at.map(|at| Timestamp::new(at.seconds, at.nanos)).transpose();
        let expires_at =
            expires_at.map_err(|_| Refusal::field("expires_at", "is not a time that a calendar has"))?;
        let (new, holds) = (NewApiKey { name, scopes, expires_at }, Holds::Scopes(&change.caller.scopes));
        let (key, secret) = api_keys::create(self.store(), tenant, new, holds, &change.actor).await?;
        Ok(Response::new(wire::CreateApiKeyResponse { api_key: Some(key_to_wire(key)), secret }))
    }

    async fn list_api_keys(
        &self,
        request: Request<wire::ListApiKeysRequest>,
    ) -> Result<Response<wire::ListApiKeysResponse>, Status> {
        let (_, tenant) = self.change_in_tenant(&request, &request.get_ref().tenant_id)?;
        let keys = self.store().list_api_keys(tenant).await.map_err(Error::from)?;
        let api_keys = keys.into_iter().map(key_to_wire).collect();
        Ok(Response::new(wire::ListApiKeysResponse { api_keys }))
    }

    async fn rotate_api_key(
        &self,
        request: Request<wire::RotateApiKeyRequest>,
    ) -> Result<Response<wire::RotateApiKeyResponse>, Status> {
        let (change, tenant) = self.change_in_tenant(&request, &request.get_ref().tenant_id)?;
        let wire::RotateApiKeyRequest { tenant_id: _, api_key_id, overlap_seconds } = request.into_inner();
        let (id, holds) = (parse_id("api_key_id", &api_key_id)?, Holds::Scopes(&change.caller.scopes));
        let rotated = api_keys::rotate(self.store(), tenant, id, overlap_seconds, holds, &change.actor);
        let (key, secret) = rotated.await?;
        Ok(Response::new(wire::RotateApiKeyResponse { api_key: Some(key_to_wire(key)), secret }))
    }

    async fn revoke_api_key(
        &self,
        request: Request<wire::RevokeApiKeyRequest>,
    ) -> Result<Response<wire::RevokeApiKeyResponse>, Status> {
        let (change, tenant) = self.change_in_tenant(&request, &request.get_ref().tenant_id)?;
        let id = parse_id("api_key_id", &request.get_ref().api_key_id)?;
        api_keys::revoke(self.store(), tenant, id, &change.actor).await?;
        Ok(Response::new(wire::RevokeApiKeyResponse {}))
    }
}

fn key_to_wire(key: ApiKeyRow) -> wire::ApiKey {
    let ApiKeyRow { id, name, scopes, created_at, expires_at, revoked_at, last_used_at, previous_expires_at } =
        key;
    wire::ApiKey {
        id: id.to_string(),
        name,
        scopes,
        created_at: Some(timestamp_to_wire(created_at)),
        expires_at: expires_at.map(timestamp_to_wire),
        revoked_at: revoked_at.map(timestamp_to_wire),
        last_used_at: last_used_at.map(timestamp_to_wire),
        previous_secret_expires_at: previous_expires_at.map(timestamp_to_wire),
    }
}
