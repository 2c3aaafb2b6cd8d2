//! ApiKeyService: API keys of a tenant.

use frontdesk_proto::identity::v1 as wire;
use frontdesk_proto::identity::v1::api_key_service_server::ApiKeyService;
use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::identity::Identity;
use super::wire::{id, id_or_empty, timestamp};
use crate::changes::api_key::{self, WithSecret};
use crate::changes::client_keys;
use crate::domain::api_key::{ApiKey, NewApiKey};
use crate::domain::field::InvalidField;
use crate::domain::ids::ApiKeyId;
use crate::error::Error;

#[tonic::async_trait]
impl ApiKeyService for Identity {
    async fn create_api_key(
        &self,
        request: Request<wire::CreateApiKeyRequest>,
    ) -> Result<Response<wire::CreateApiKeyResponse>, Status> {
        let (actor, tenant) = Self::in_tenant(&request, id("tenant_id", &request.get_ref().tenant_id)?)?;
        let wire::CreateApiKeyRequest { tenant_id: _, name, scopes, expires_at, allowed_addresses } =
            request.into_inner();
        let expires_at = expires_at.map(|at| Timestamp::new(at.seconds, at.nanos)).transpose();
        let invalid = |_| Error::from(InvalidField::new("expires_at", "is not a valid time"));
        let new = NewApiKey { name, scopes, expires_at: expires_at.map_err(invalid)?, allowed_addresses };
        let id = ApiKeyId(Uuid::now_v7());
        let created = api_key::create(self.store(), tenant, id, new, &actor, Timestamp::now()).await?;
        let WithSecret { key, secret } = created;
        Ok(Response::new(wire::CreateApiKeyResponse { api_key: Some(key_to_wire(key)), secret }))
    }

    async fn list_api_keys(
        &self,
        request: Request<wire::ListApiKeysRequest>,
    ) -> Result<Response<wire::ListApiKeysResponse>, Status> {
        let (_, tenant) = Self::in_tenant(&request, id("tenant_id", &request.get_ref().tenant_id)?)?;
        let keys = self.store().list_api_keys(tenant).await.map_err(Error::from)?;
        let api_keys = keys.into_iter().map(key_to_wire).collect();
        Ok(Response::new(wire::ListApiKeysResponse { api_keys }))
    }

    async fn rotate_api_key(
        &self,
        request: Request<wire::RotateApiKeyRequest>,
    ) -> Result<Response<wire::RotateApiKeyResponse>, Status> {
        let (actor, tenant) = Self::in_tenant(&request, id("tenant_id", &request.get_ref().tenant_id)?)?;
        let wire::RotateApiKeyRequest { tenant_id: _, api_key_id, overlap_seconds } = request.into_inner();
        let id = id("api_key_id", &api_key_id)?;
        let rotated = api_key::rotate(self.store(), tenant, id, overlap_seconds, &actor).await?;
        let WithSecret { key, secret } = rotated;
        Ok(Response::new(wire::RotateApiKeyResponse { api_key: Some(key_to_wire(key)), secret }))
    }

    async fn set_client_keys(
        &self,
        request: Request<wire::SetClientKeysRequest>,
    ) -> Result<Response<wire::SetClientKeysResponse>, Status> {
        let (actor, tenant) = Self::in_tenant(&request, id("tenant_id", &request.get_ref().tenant_id)?)?;
        let wire::SetClientKeysRequest { tenant_id: _, api_key_id, keys, without_secret } =
            request.into_inner();
        let id = id("api_key_id", &api_key_id)?;
        let keys = json!({"keys": keys.into_iter().map(jwk).collect::<Vec<_>>()}).to_string();
        let key = client_keys::set(self.store(), tenant, id, &keys, without_secret, &actor).await?;
        Ok(Response::new(wire::SetClientKeysResponse { api_key: Some(key_to_wire(key)) }))
    }

    async fn revoke_api_key(
        &self,
        request: Request<wire::RevokeApiKeyRequest>,
    ) -> Result<Response<wire::RevokeApiKeyResponse>, Status> {
        let (actor, tenant) = Self::in_tenant(&request, id("tenant_id", &request.get_ref().tenant_id)?)?;
        let id = id("api_key_id", &request.get_ref().api_key_id)?;
        api_key::revoke(self.store(), tenant, id, &actor).await?;
        Ok(Response::new(wire::RevokeApiKeyResponse {}))
    }
}

pub(super) fn key_to_wire(key: ApiKey) -> wire::ApiKey {
    let ApiKey {
        id,
        name,
        scopes,
        created_at,
        expires_at,
        revoked_at,
        last_used_at,
        previous_expires_at,
        created_by,
        created_by_key,
        allowed_addresses,
        client_key_ids,
    } = key;
    wire::ApiKey {
        id: id.to_string(),
        name,
        scopes,
        created_at: Some(timestamp(created_at)),
        expires_at: expires_at.map(timestamp),
        revoked_at: revoked_at.map(timestamp),
        last_used_at: last_used_at.map(timestamp),
        previous_secret_expires_at: previous_expires_at.map(timestamp),
        created_by: id_or_empty(created_by),
        created_by_api_key_id: id_or_empty(created_by_key),
        allowed_addresses,
        client_key_ids,
    }
}

/// A key as RFC 7517 writes it: what is not said is left out.
fn jwk(key: wire::ClientKey) -> Json {
    let wire::ClientKey { kty, kid, r#use, alg, key_ops, crv, x, y, n, e, ext: _ } = key;
    let texts = [
        ("kty", kty),
        ("kid", kid),
        ("use", r#use),
        ("alg", alg),
        ("crv", crv),
        ("x", x),
        ("y", y),
        ("n", n),
        ("e", e),
    ];
    let said = texts.into_iter().filter(|(_, text)| !text.is_empty());
    let mut members: Map<String, Json> = said.map(|(name, text)| (name.to_owned(), text.into())).collect();
    if !key_ops.is_empty() {
        members.insert("key_ops".to_owned(), key_ops.into());
    }
    members.into()
}
