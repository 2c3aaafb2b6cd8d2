//! AuthService and ScopeService.

use frontdesk_proto::Refusal;
use frontdesk_proto::identity::v1 as wire;
use frontdesk_proto::identity::v1::auth_service_server::AuthService;
use frontdesk_proto::identity::v1::scope_service_server::ScopeService;
use tonic::{Request, Response, Status};
use zeroize::Zeroizing;

use super::{Identity, count_to_wire, id_to_wire, parse_id, timestamp_to_wire, user_to_wire};
use crate::keyring::ACCESS_TTL;
use crate::sessions::{LogoutScope, Tokens};
use crate::store::SessionRow;

#[tonic::async_trait]
impl AuthService for Identity {
    async fn login(
        &self,
        request: Request<wire::LoginRequest>,
    ) -> Result<Response<wire::LoginResponse>, Status> {
        let context = self.context(&request);
        let wire::LoginRequest { email, password } = request.into_inner();
        let tokens = self.sessions.login(&email, Zeroizing::new(password), &context).await?;
        let Tokens { access, refresh, user } = tokens;
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
        let context = self.context(&request);
        let Tokens { access, refresh, user } =
            self.sessions.refresh(&request.get_ref().refresh, &context).await?;
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
        let user = access::caller(&request)?.user()?;
        let scope = match wire::LogoutScope::try_from(request.get_ref().scope) {
            Ok(wire::LogoutScope::Unspecified | wire::LogoutScope::Local) => LogoutScope::Local,
            Ok(wire::LogoutScope::Others) => LogoutScope::Others,
            Ok(wire::LogoutScope::Global) => LogoutScope::Global,
            Err(_) => return Err(Refusal::field("scope", "takes local, others or global").into()),
        };
        let ended = self.sessions.logout(user, scope, &self.context(&request)).await?;
        Ok(Response::new(wire::LogoutResponse { ended_sessions: count_to_wire(ended) }))
    }

    async fn change_password(
        &self,
        request: Request<wire::ChangePasswordRequest>,
    ) -> Result<Response<wire::ChangePasswordResponse>, Status> {
        let (user, context) = (access::caller(&request)?.user()?, self.context(&request));
        let wire::ChangePasswordRequest { current_password, new_password } = request.into_inner();
        let (current, new) = (Zeroizing::new(current_password), Zeroizing::new(new_password));
        let ended = self.sessions.change_password(user, current, new, &context).await?;
        Ok(Response::new(wire::ChangePasswordResponse { ended_sessions: count_to_wire(ended) }))
    }

    async fn list_sessions(
        &self,
        request: Request<wire::ListSessionsRequest>,
    ) -> Result<Response<wire::ListSessionsResponse>, Status> {
        let user = access::caller(&request)?.user()?;
        let sessions = self.sessions.list(user).await?;
        let sessions = sessions.into_iter().map(|row| session_to_wire(row, user)).collect();
        Ok(Response::new(wire::ListSessionsResponse { sessions }))
    }

    async fn revoke_session(
        &self,
        request: Request<wire::RevokeSessionRequest>,
    ) -> Result<Response<wire::RevokeSessionResponse>, Status> {
        let user = access::caller(&request)?.user()?;
        let session = parse_id("session_id", &request.get_ref().session_id)?;
        self.sessions.revoke(user, session, &self.context(&request)).await?;
        Ok(Response::new(wire::RevokeSessionResponse {}))
    }
}

#[tonic::async_trait]
impl ScopeService for Identity {
    async fn resolve_scopes(
        &self,
        request: Request<wire::ResolveScopesRequest>,
    ) -> Result<Response<wire::ResolveScopesResponse>, Status> {
        let access::Caller { user, tenant, scopes, role, operator, api_key_id } = access::caller(&request)?;
        Ok(Response::new(wire::ResolveScopesResponse {
            user_id: id_to_wire(user.map(|user| user.id)),
            session_id: id_to_wire(user.map(|user| user.session)),
            tenant_id: id_to_wire(tenant.map(access::TenantId::uuid)),
            scopes: scopes.to_vec(),
            role: role.to_string(),
            operator,
            api_key_id: id_to_wire(api_key_id),
        }))
    }
}

fn session_to_wire(session: SessionRow, caller: access::User) -> wire::Session {
    let SessionRow { id, created_at, refreshed_at, expires_at, address, user_agent } = session;
    wire::Session {
        id: id.to_string(),
        current: id == caller.session,
        created_at: Some(timestamp_to_wire(created_at)),
        refreshed_at: Some(timestamp_to_wire(refreshed_at)),
        expires_at: Some(timestamp_to_wire(expires_at)),
        address,
        user_agent,
    }
}
