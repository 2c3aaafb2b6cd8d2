//! TenantService.

use frontdesk_proto::identity::v1 as wire;
use frontdesk_proto::identity::v1::tenant_service_server::TenantService;
use frontdesk_proto::{Refusal, paging};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Identity, parse_id, timestamp_to_wire, user_to_wire};
use crate::domain::email::normalised_email;
use crate::domain::roles::Role;
use crate::error::Error;
use crate::store::{MemberRow, RoleRow, TenantRow};
use crate::tenants::{self, Holds};
use crate::users;

#[tonic::async_trait]
impl TenantService for Identity {
    async fn create_tenant(
        &self,
        request: Request<wire::CreateTenantRequest>,
    ) -> Result<Response<wire::CreateTenantResponse>, Status> {
        let actor = self.change(&request)?.actor;
        let wire::CreateTenantRequest { slug, name } = request.into_inner();
        let tenant = tenants::create(self.store(), Uuid::now_v7(), &slug, &name, &actor).await?;
        Ok(Response::new(wire::CreateTenantResponse { tenant: Some(tenant_to_wire(tenant)) }))
    }

    async fn list_tenants(
        &self,
        request: Request<wire::ListTenantsRequest>,
    ) -> Result<Response<wire::ListTenantsResponse>, Status> {
        let wire::ListTenantsRequest { page_size, page_token, limit } = request.into_inner();
        let size = paging::size(page_size, limit)?;
        let (slug, id) = paging::read_token(b"tenants", &page_token)?.unwrap_or_default();
        let found = self.store().list_tenants((&slug, id), size + 1).await.map_err(Error::from)?;
        let (rows, next_page_token) =
            paging::split(found, size, |row| paging::token(b"tenants", &row.slug, row.id));
        let tenants = rows.into_iter().map(tenant_to_wire).collect();
        Ok(Response::new(wire::ListTenantsResponse { tenants, next_page_token }))
    }

    async fn get_tenant(
        &self,
        request: Request<wire::GetTenantRequest>,
    ) -> Result<Response<wire::GetTenantResponse>, Status> {
        let id = parse_id("tenant_id", &request.get_ref().tenant_id)?;
        let found = self.store().get_tenant(id).await.map_err(Error::from)?;
        let tenant = found.ok_or_else(tenants::tenant_not_found)?;
        Ok(Response::new(wire::GetTenantResponse { tenant: Some(tenant_to_wire(tenant)) }))
    }

    async fn add_member(
        &self,
        request: Request<wire::AddMemberRequest>,
    ) -> Result<Response<wire::AddMemberResponse>, Status> {
        let (change, tenant) = self.change_in_tenant(&request, &request.get_ref().tenant_id)?;
        let wire::AddMemberRequest { tenant_id: _, user_id, role, email } = request.into_inner();
        let user = match (user_id.as_str(), email.as_str()) {
            ("", "") => return Err(Refusal::field("user_id", "or `email` is needed").into()),
            (id, "") => parse_id("user_id", id)?,
            ("", email) => {
                let found = self.store().find_login(&normalised_email(email)).await.map_err(Error::from)?;
                found.ok_or_else(users::not_found)?.user.id
            }
            _ => return Err(Refusal::field("email", "excludes user_id; send one of them").into()),
        };
        let holds = Holds::Scopes(&change.caller.scopes);
        let member = tenants::add_member(self.store(), tenant, user, &role, holds, &change.actor).await?;
        Ok(Response::new(wire::AddMemberResponse { member: Some(member_to_wire(member)) }))
    }

    async fn list_members(
        &self,
        request: Request<wire::ListMembersRequest>,
    ) -> Result<Response<wire::ListMembersResponse>, Status> {
        let (_, tenant) = self.change_in_tenant(&request, &request.get_ref().tenant_id)?;
        let wire::ListMembersRequest { tenant_id: _, page_size, page_token, limit } = request.into_inner();
        let size = paging::size(page_size, limit)?;
        let (email, id) = paging::read_token(b"members", &page_token)?.unwrap_or_default();
        let found = self.store().list_members(tenant, (&email, id), size + 1).await.map_err(Error::from)?;
        let (rows, next_page_token) =
            paging::split(found, size, |row| paging::token(b"members", &row.user.email, row.user.id));
        let members = rows.into_iter().map(member_to_wire).collect();
        Ok(Response::new(wire::ListMembersResponse { members, next_page_token }))
    }

    async fn change_member_role(
        &self,
        request: Request<wire::ChangeMemberRoleRequest>,
    ) -> Result<Response<wire::ChangeMemberRoleResponse>, Status> {
        let (change, tenant) = self.change_in_tenant(&request, &request.get_ref().tenant_id)?;
        let wire::ChangeMemberRoleRequest { tenant_id: _, user_id, role } = request.into_inner();
        let (user, holds) = (parse_id("user_id", &user_id)?, Holds::Scopes(&change.caller.scopes));
        let member = tenants::change_role(self.store(), tenant, user, &role, holds, &change.actor).await?;
        Ok(Response::new(wire::ChangeMemberRoleResponse { member: Some(member_to_wire(member)) }))
    }

    async fn remove_member(
        &self,
        request: Request<wire::RemoveMemberRequest>,
    ) -> Result<Response<wire::RemoveMemberResponse>, Status> {
        let (change, tenant) = self.change_in_tenant(&request, &request.get_ref().tenant_id)?;
        let user = parse_id("user_id", &request.get_ref().user_id)?;
        let holds = Holds::Scopes(&change.caller.scopes);
        tenants::remove_member(self.store(), tenant, user, holds, &change.actor).await?;
        Ok(Response::new(wire::RemoveMemberResponse {}))
    }

    async fn list_roles(
        &self,
        request: Request<wire::ListRolesRequest>,
    ) -> Result<Response<wire::ListRolesResponse>, Status> {
        let (_, tenant) = self.change_in_tenant(&request, &request.get_ref().tenant_id)?;
        let built_in = Role::ALL.into_iter().map(|role| wire::Role {
            name: role.name().to_owned(),
            scopes: role.scopes().map(str::to_owned).collect(),
            built_in: true,
        });
        let own = self.store().list_roles(tenant).await.map_err(Error::from)?;
        let roles = built_in.chain(own.into_iter().map(role_to_wire)).collect();
        Ok(Response::new(wire::ListRolesResponse { roles }))
    }

    async fn create_role(
        &self,
        request: Request<wire::CreateRoleRequest>,
    ) -> Result<Response<wire::CreateRoleResponse>, Status> {
        let (change, tenant) = self.change_in_tenant(&request, &request.get_ref().tenant_id)?;
        let wire::CreateRoleRequest { tenant_id: _, name, scopes } = request.into_inner();
        let holds = Holds::Scopes(&change.caller.scopes);
        let role = tenants::create_role(self.store(), tenant, &name, scopes, holds, &change.actor).await?;
        Ok(Response::new(wire::CreateRoleResponse { role: Some(role_to_wire(role)) }))
    }

    async fn update_role(
        &self,
        request: Request<wire::UpdateRoleRequest>,
    ) -> Result<Response<wire::UpdateRoleResponse>, Status> {
        let (change, tenant) = self.change_in_tenant(&request, &request.get_ref().tenant_id)?;
        let wire::UpdateRoleRequest { tenant_id: _, name, scopes } = request.into_inner();
        let holds = Holds::Scopes(&change.caller.scopes);
        let role = tenants::update_role(self.store(), tenant, &name, scopes, holds, &change.actor).await?;
        Ok(Response::new(wire::UpdateRoleResponse { role: Some(role_to_wire(role)) }))
    }

    async fn delete_role(
        &self,
        request: Request<wire::DeleteRoleRequest>,
    ) -> Result<Response<wire::DeleteRoleResponse>, Status> {
        let (change, tenant) = self.change_in_tenant(&request, &request.get_ref().tenant_id)?;
        tenants::delete_role(self.store(), tenant, &request.get_ref().name, &change.actor).await?;
        Ok(Response::new(wire::DeleteRoleResponse {}))
    }
}

fn tenant_to_wire(tenant: TenantRow) -> wire::Tenant {
    let TenantRow { id, slug, name, created_at } = tenant;
    wire::Tenant { id: id.to_string(), slug, name, created_at: Some(timestamp_to_wire(created_at)) }
}

fn member_to_wire(member: MemberRow) -> wire::Member {
    let MemberRow { user, role, since } = member;
    wire::Member { user: Some(user_to_wire(user)), role, created_at: Some(timestamp_to_wire(since)) }
}

fn role_to_wire(role: RoleRow) -> wire::Role {
    let RoleRow { name, scopes } = role;
    wire::Role { name, scopes, built_in: false }
}
