//! UserService.

use frontdesk_proto::identity::v1 as wire;
use frontdesk_proto::identity::v1::user_service_server::UserService;
use frontdesk_proto::{ErrorReason, Refusal, paging};
use tonic::{Request, Response, Status};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Change, Identity, count_to_wire, id_to_wire, parse_id, user_to_wire};
use crate::domain::roles;
use crate::error::Error;
use crate::store::{MembershipRow, UserKind};
use crate::tenants::Holds;
use crate::users::{self, NewUser};

#[tonic::async_trait]
impl UserService for Identity {
    async fn get_me(
        &self,
        request: Request<wire::GetMeRequest>,
    ) -> Result<Response<wire::GetMeResponse>, Status> {
        let caller = access::caller(&request)?;
        let id = caller.user()?.id;
        let found = self.store().get_user(id).await.map_err(Error::from)?;
        let Some((user, platform_scopes)) = found else {
            return Err(
                Refusal::new(ErrorReason::SessionEnded, "The user no longer exists. Sign in again.").into()
            );
        };
        let memberships = self.store().list_memberships(id).await.map_err(Error::from)?;
        Ok(Response::new(wire::GetMeResponse {
            user: Some(user_to_wire(user)),
            memberships: memberships.into_iter().map(membership_to_wire).collect(),
            current_tenant_id: id_to_wire(caller.tenant.map(access::TenantId::uuid)),
            platform_scopes,
        }))
    }

    async fn create_user(
        &self,
        request: Request<wire::CreateUserRequest>,
    ) -> Result<Response<wire::CreateUserResponse>, Status> {
        let Change { caller, actor } = self.change(&request)?;
        let wire::CreateUserRequest { email, display_name, kind, password, platform_scopes } =
            request.into_inner();
        let kind = match wire::UserKind::try_from(kind) {
            Ok(wire::UserKind::Unspecified | wire::UserKind::Person) => UserKind::Person,
            Ok(wire::UserKind::Service) => UserKind::Service,
            Err(_) => return Err(Refusal::field("kind", "takes person or service").into()),
        };
        Holds::Scopes(&caller.scopes).check(platform_scopes.iter().map(String::as_str))?;
        let password = (!password.is_empty()).then(|| Zeroizing::new(password));
        let new = NewUser { id: Uuid::now_v7(), email, display_name, kind, password, platform_scopes };
        let user = users::create(self.store(), &self.sessions.passwords, new, &actor).await?;
        Ok(Response::new(wire::CreateUserResponse { user: Some(user_to_wire(user)) }))
    }

    async fn list_users(
        &self,
        request: Request<wire::ListUsersRequest>,
    ) -> Result<Response<wire::ListUsersResponse>, Status> {
        let wire::ListUsersRequest { page_size, page_token, limit } = request.into_inner();
        let size = paging::size(page_size, limit)?;
        let (email, id) = paging::read_token(b"users", &page_token)?.unwrap_or_default();
        let found = self.store().list_users((&email, id), size + 1).await.map_err(Error::from)?;
        let (rows, next_page_token) =
            paging::split(found, size, |row| paging::token(b"users", &row.email, row.id));
        let users = rows.into_iter().map(user_to_wire).collect();
        Ok(Response::new(wire::ListUsersResponse { users, next_page_token }))
    }

    async fn get_user(
        &self,
        request: Request<wire::GetUserRequest>,
    ) -> Result<Response<wire::GetUserResponse>, Status> {
        let id = parse_id("user_id", &request.get_ref().user_id)?;
        let found = self.store().get_user(id).await.map_err(Error::from)?;
        let (user, _) = found.ok_or_else(users::not_found)?;
        Ok(Response::new(wire::GetUserResponse { user: Some(user_to_wire(user)) }))
    }

    async fn disable_user(
        &self,
        request: Request<wire::DisableUserRequest>,
    ) -> Result<Response<wire::DisableUserResponse>, Status> {
        let id = parse_id("user_id", &request.get_ref().user_id)?;
        let Change { caller, actor } = self.change(&request)?;
        self.check_target(&caller, id).await?;
        let user = users::disable(self.store(), id, &actor).await?;
        Ok(Response::new(wire::DisableUserResponse { user: Some(user_to_wire(user)) }))
    }

    async fn enable_user(
        &self,
        request: Request<wire::EnableUserRequest>,
    ) -> Result<Response<wire::EnableUserResponse>, Status> {
        let id = parse_id("user_id", &request.get_ref().user_id)?;
        let Change { caller, actor } = self.change(&request)?;
        self.check_target(&caller, id).await?;
        let user = users::enable(self.store(), id, &actor).await?;
        Ok(Response::new(wire::EnableUserResponse { user: Some(user_to_wire(user)) }))
    }

    async fn set_password(
        &self,
        request: Request<wire::SetPasswordRequest>,
    ) -> Result<Response<wire::SetPasswordResponse>, Status> {
        let Change { caller, actor } = self.change(&request)?;
        let wire::SetPasswordRequest { user_id, password } = request.into_inner();
        let (id, password) = (parse_id("user_id", &user_id)?, Zeroizing::new(password));
        self.check_target(&caller, id).await?;
        let ended = users::set_password(self.store(), &self.sessions.passwords, id, password, &actor).await?;
        Ok(Response::new(wire::SetPasswordResponse { ended_sessions: count_to_wire(ended) }))
    }
}

impl Identity {
    /// Refuses to touch a user who holds platform scopes that the caller lacks:
    /// whoever sets a password can be that user.
    async fn check_target(&self, caller: &access::Caller, id: Uuid) -> Result<(), Status> {
        let found = self.store().get_user(id).await.map_err(Error::from)?;
        let (_, scopes) = found.ok_or_else(users::not_found)?;
        Ok(Holds::Scopes(&caller.scopes).check(scopes.iter().map(String::as_str))?)
    }
}

fn membership_to_wire(membership: MembershipRow) -> wire::Membership {
    let MembershipRow { tenant, tenant_name, role, custom_scopes } = membership;
    let scopes = roles::scopes(&role, custom_scopes.as_deref());
    wire::Membership { tenant_id: tenant.to_string(), tenant_name, role, scopes }
}
