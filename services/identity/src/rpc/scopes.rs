//! ScopeService: what a caller may do, as the access layer found it.

use frontdesk_proto::identity::v1 as wire;
use frontdesk_proto::identity::v1::scope_service_server::ScopeService;
use frontdesk_proto::{Refusal, descriptors};
use tonic::{Request, Response, Status};

use super::identity::Identity;
use super::wire::{id_or_empty, timestamp};
use crate::actor::Context;
use crate::trust::operators;

/// Whether there is such a method: what is written down of an operator is what was called.
/// An identity of before a method refuses it, so identity is replaced first.
fn is_method(name: &str) -> bool {
    let Some((service, method)) = name.split_once('/') else { return false };
    let service = descriptors().get_service_by_name(service);
    service.is_some_and(|service| service.methods().any(|one| one.name() == method))
}

#[tonic::async_trait]
impl ScopeService for Identity {
    async fn resolve_scopes(
        &self,
        request: Request<wire::ResolveScopesRequest>,
    ) -> Result<Response<wire::ResolveScopesResponse>, Status> {
        let caller = access::caller(&request)?;
        let method = &request.get_ref().method;
        if !method.is_empty() && !is_method(method) {
            return Err(Refusal::field("method", "is not a method of these services").into());
        }
        if !method.is_empty() && caller.operator && caller.tenant.is_some() {
            let context = Context { method: method.clone(), ..Self::context(&request) };
            operators::record(self.store(), &caller, context).await?;
        }
        let access::Caller {
            user,
            tenant,
            closed,
            scopes,
            role,
            role_scopes,
            operator,
            api_key_id,
            acting: _,
            issuer,
            marks,
            until,
            second_factor,
            proof,
            method: _,
        } = caller;
        // What a token of ours says, its verifier reads.
        let foreign = issuer.map(|_| proof).unwrap_or_default();
        let at = foreign.at.and_then(|at| i64::try_from(at).ok());
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
            role_scopes: role_scopes.to_vec(),
            has_second_factor: second_factor.enrolled,
            needs_second_factor: second_factor.asked,
            proved_second_factor: foreign.two_factors,
            proved_at: at.map(|seconds| prost_types::Timestamp { seconds, nanos: 0 }),
            suspended: closed.is_some(),
            deleted_until: match closed {
                Some(access::Closed::Deleted(until)) => Some(timestamp(until)),
                Some(access::Closed::Suspended) | None => None,
            },
        }))
    }
}
