//! The wire of identity: parse, call, convert.

use frontdesk_proto::identity::v1::auth_service_server::AuthService;
use frontdesk_proto::identity::v1::scope_service_server::ScopeService;
use frontdesk_proto::identity::v1::token_service_server::TokenService;
use frontdesk_proto::identity::v1::user_service_server::UserService;
use frontdesk_proto::identity::v1::{self as wire};
use frontdesk_proto::{ErrorReason, Refusal};
use jiff::Timestamp;
use tonic::{Request, Response, Status};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::domain::roles::Role;
use crate::error::Error;
use crate::keyring::ACCESS_TTL;
use crate::sessions::{LogoutScope, Sessions, Tokens};
use crate::store::{MembershipRow, UserKind, UserRow};

/// All of identity's services.
#[derive(Debug, Clone)]
pub struct Identity {
    pub sessions: Sessions,
}

#[tonic::async_trait]
impl AuthService for Identity {
    async fn login(
        &self,
        request: Request<wire::LoginRequest>,
    ) -> Result<Response<wire::LoginResponse>, Status> {
        let wire::LoginRequest { email, password } = request.into_inner();
        let Tokens { access, refresh, user } = self.sessions.login(&email, Zeroizing::new(password)).await?;
        Ok(Response::new(wire::LoginResponse {
            access,
            refresh,
            token_type: "bearer".to_owned(),
            expires_in: ACCESS_TTL,
            user: Some(user_to_wire(user)),
        }))
    }

    async fn refresh(
        &self,
        request: Request<wire::RefreshRequest>,
    ) -> Result<Response<wire::RefreshResponse>, Status> {
        let wire::RefreshRequest { refresh } = request.into_inner();
        let Tokens { access, refresh, user } = self.sessions.refresh(&refresh).await?;
        Ok(Response::new(wire::RefreshResponse {
            access,
            refresh,
            token_type: "bearer".to_owned(),
            expires_in: ACCESS_TTL,
            user: Some(user_to_wire(user)),
        }))
    }

    async fn logout(
        &self,
        request: Request<wire::LogoutRequest>,
    ) -> Result<Response<wire::LogoutResponse>, Status> {
        let user = access::caller(&request)?.user().map_err(Status::from)?;
        let scope = match wire::LogoutScope::try_from(request.get_ref().scope) {
            Ok(wire::LogoutScope::Unspecified | wire::LogoutScope::Local) => LogoutScope::Local,
            Ok(wire::LogoutScope::Others) => LogoutScope::Others,
            Ok(wire::LogoutScope::Global) => LogoutScope::Global,
            Err(_) => return Err(Refusal::field("scope", "takes local, others or global").into()),
        };
        let ended = self.sessions.logout(user, scope).await?;
        Ok(Response::new(wire::LogoutResponse { ended_sessions: i32::try_from(ended).unwrap_or(i32::MAX) }))
    }
}

#[tonic::async_trait]
impl UserService for Identity {
    async fn get_me(
        &self,
        request: Request<wire::GetMeRequest>,
    ) -> Result<Response<wire::GetMeResponse>, Status> {
        let caller = access::caller(&request)?;
        let id = caller.user().map_err(Status::from)?.id;
        let store = &self.sessions.store;
        let found = store.get_user(id).await.map_err(Error::from)?;
        let Some((user, platform_scopes)) = found else {
            return Err(
                Refusal::new(ErrorReason::SessionEnded, "The user no longer exists. Sign in again.").into()
            );
        };
        let memberships = store.list_memberships(id).await.map_err(Error::from)?;
        Ok(Response::new(wire::GetMeResponse {
            user: Some(user_to_wire(user)),
            memberships: memberships.into_iter().map(membership_to_wire).collect(),
            current_tenant_id: caller.tenant.map(|tenant| tenant.uuid().to_string()).unwrap_or_default(),
            platform_scopes,
        }))
    }
}

#[tonic::async_trait]
impl TokenService for Identity {
    async fn get_jwks(
        &self,
        _: Request<wire::GetJwksRequest>,
    ) -> Result<Response<wire::GetJwksResponse>, Status> {
        let mut response = Response::new(wire::GetJwksResponse { keys: self.sessions.keyring.public() });
        let cacheable = tonic::metadata::MetadataValue::from_static("public, max-age=300");
        response.metadata_mut().insert("cache-control", cacheable);
        Ok(response)
    }
}

#[tonic::async_trait]
impl ScopeService for Identity {
    async fn resolve_scopes(
        &self,
        request: Request<wire::ResolveScopesRequest>,
    ) -> Result<Response<wire::ResolveScopesResponse>, Status> {
        let access::Caller { user, tenant, scopes, role, operator, api_key_id } = access::caller(&request)?;
        let text = |id: Option<Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
        Ok(Response::new(wire::ResolveScopesResponse {
            user_id: text(user.map(|user| user.id)),
            session_id: text(user.map(|user| user.session)),
            tenant_id: text(tenant.map(access::TenantId::uuid)),
            scopes: scopes.to_vec(),
            role: role.to_string(),
            operator,
            api_key_id: text(api_key_id),
        }))
    }
}

fn user_to_wire(user: UserRow) -> wire::User {
    let UserRow { id, email, display_name, kind, created_at } = user;
    let kind = match kind {
        UserKind::Person => wire::UserKind::Person,
        UserKind::Service => wire::UserKind::Service,
    };
    wire::User {
        id: id.to_string(),
        email,
        display_name,
        kind: kind.into(),
        created_at: Some(timestamp_to_wire(created_at)),
    }
}

fn membership_to_wire(membership: MembershipRow) -> wire::Membership {
    let MembershipRow { tenant, tenant_name, role } = membership;
    let scopes = Role::from_name(&role).into_iter().flat_map(Role::scopes).map(str::to_owned).collect();
    wire::Membership { tenant_id: tenant.to_string(), tenant_name, role, scopes }
}

fn timestamp_to_wire(at: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: at.as_second(), nanos: at.subsec_nanosecond() }
}
