//! ScopeService: what a caller may do, as the access layer found it.

use frontdesk_proto::identity::v1 as wire;
use frontdesk_proto::identity::v1::scope_service_server::ScopeService;
use tonic::{Request, Response, Status};

use super::identity::Identity;
use super::wire::{id_or_empty, timestamp};

#[tonic::async_trait]
impl ScopeService for Identity {
    async fn resolve_scopes(
        &self,
        request: Request<wire::ResolveScopesRequest>,
    ) -> Result<Response<wire::ResolveScopesResponse>, Status> {
        let access::Caller { user, tenant, scopes, role, operator, api_key_id, issuer: _, marks, until } =
            access::caller(&request)?;
        Ok(Response::new(wire::ResolveScopesResponse {
            user_id: id_or_empty(user.map(|user| user.id)),
            session_id: id_or_empty(user.map(|user| user.session)),
            tenant_id: id_or_empty(tenant.map(access::TenantId::uuid)),
            scopes: scopes.to_vec(),
            role: role.to_string(),
            operator,
            api_key_id: id_or_empty(api_key_id),
            marks: marks.iter().map(|mark| mark.to_vec()).collect(),
            until: until.map(timestamp),
        }))
    }
}
