//! TenantService: tenants, their members and their roles.

use frontdesk_proto::identity::v1 as wire;
use frontdesk_proto::identity::v1::tenant_service_server::TenantService;
use frontdesk_proto::paging;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::api_keys::key_to_wire;
use super::identity::Identity;
use super::wire::{id, language, timestamp, user};
use crate::changes::first_owner::FirstOwner;
use crate::changes::invitation::Invite;
use crate::changes::tenant::{self, NewTenant};
use crate::changes::{member, role, tenant_deletion};
use crate::domain::email::Email;
use crate::domain::field::InvalidField;
use crate::domain::ids::{TenantId, UserId};
use crate::domain::mail::Language;
use crate::domain::roles::{BuiltIn, OwnRole};
use crate::domain::scopes;
use crate::domain::tenant::{Member, Tenant};
use crate::error::Error;

#[tonic::async_trait]
impl TenantService for Identity {
    async fn create_tenant(
        &self,
        request: Request<wire::CreateTenantRequest>,
    ) -> Result<Response<wire::CreateTenantResponse>, Status> {
        let actor = Self::actor(&request)?;
        let of_call = language(&request);
        let wire::CreateTenantRequest { slug, name, owner_email, owner_user_id, language } =
            request.into_inner();
        let owner = match (owner_email.is_empty(), owner_user_id.is_empty()) {
            (true, true) => FirstOwner::Nobody,
            (true, false) => FirstOwner::User(id("owner_user_id", &owner_user_id)?),
            (false, true) => FirstOwner::Invited(Invite {
                email: owner_email,
                role: BuiltIn::Owner.name().to_owned(),
                return_token: false,
                language: if language.is_empty() { of_call } else { Language::preferred(&language) },
            }),
            (false, false) => {
                let invalid = InvalidField::new("owner_user_id", "names an owner beside owner_email");
                return Err(Error::from(invalid).into());
            }
        };
        let new = NewTenant { id: TenantId(Uuid::now_v7()), slug: &slug, name: &name };
        let created = self.sessions.create_tenant(new, owner, &actor).await?;
        Ok(Response::new(wire::CreateTenantResponse { tenant: Some(tenant_to_wire(created)) }))
    }

    async fn list_tenants(
        &self,
        request: Request<wire::ListTenantsRequest>,
    ) -> Result<Response<wire::ListTenantsResponse>, Status> {
        let wire::ListTenantsRequest { page_size, page_token, limit } = request.into_inner();
        let size = paging::size(page_size, limit)?;
        let (slug, id) = paging::read_token(b"tenants", &page_token)?.unwrap_or_default();
        let found = self.store().list_tenants((&slug, TenantId(id)), size + 1).await.map_err(Error::from)?;
        let (tenants, next_page_token) =
            paging::split(found, size, |tenant| paging::token(b"tenants", &tenant.slug, tenant.id.0));
        let tenants = tenants.into_iter().map(tenant_to_wire).collect();
        Ok(Response::new(wire::ListTenantsResponse { tenants, next_page_token }))
    }

    async fn get_tenant(
        &self,
        request: Request<wire::GetTenantRequest>,
    ) -> Result<Response<wire::GetTenantResponse>, Status> {
        let id: TenantId = id("tenant_id", &request.get_ref().tenant_id)?;
        let found = self.store().get_tenant(id).await.map_err(Error::from)?;
        let found = found.ok_or(Error::TenantNotFound)?;
        Ok(Response::new(wire::GetTenantResponse { tenant: Some(tenant_to_wire(found)) }))
    }

    async fn rename_tenant(
        &self,
        request: Request<wire::RenameTenantRequest>,
    ) -> Result<Response<wire::RenameTenantResponse>, Status> {
        let actor = Self::actor(&request)?;
        let wire::RenameTenantRequest { tenant_id, name } = request.into_inner();
        let renamed = tenant::rename(self.store(), id("tenant_id", &tenant_id)?, &name, &actor).await?;
        Ok(Response::new(wire::RenameTenantResponse { tenant: Some(tenant_to_wire(renamed)) }))
    }

    async fn suspend_tenant(
        &self,
        request: Request<wire::SuspendTenantRequest>,
    ) -> Result<Response<wire::SuspendTenantResponse>, Status> {
        let (actor, id) = (Self::actor(&request)?, id("tenant_id", &request.get_ref().tenant_id)?);
        let suspended = tenant::suspend(self.store(), id, &actor).await?;
        Ok(Response::new(wire::SuspendTenantResponse { tenant: Some(tenant_to_wire(suspended)) }))
    }

    async fn resume_tenant(
        &self,
        request: Request<wire::ResumeTenantRequest>,
    ) -> Result<Response<wire::ResumeTenantResponse>, Status> {
        let (actor, id) = (Self::actor(&request)?, id("tenant_id", &request.get_ref().tenant_id)?);
        let resumed = tenant::resume(self.store(), id, &actor).await?;
        Ok(Response::new(wire::ResumeTenantResponse { tenant: Some(tenant_to_wire(resumed)) }))
    }

    async fn delete_tenant(
        &self,
        request: Request<wire::DeleteTenantRequest>,
    ) -> Result<Response<wire::DeleteTenantResponse>, Status> {
        let actor = Self::actor(&request)?;
        let wire::DeleteTenantRequest { tenant_id, reason } = request.into_inner();
        let id = id("tenant_id", &tenant_id)?;
        let deleted = tenant_deletion::delete(self.store(), id, &reason, &actor).await?;
        Ok(Response::new(wire::DeleteTenantResponse { tenant: Some(tenant_to_wire(deleted)) }))
    }

    async fn restore_tenant(
        &self,
        request: Request<wire::RestoreTenantRequest>,
    ) -> Result<Response<wire::RestoreTenantResponse>, Status> {
        let (actor, id) = (Self::actor(&request)?, id("tenant_id", &request.get_ref().tenant_id)?);
        let restored = tenant_deletion::restore(self.store(), id, &actor).await?;
        Ok(Response::new(wire::RestoreTenantResponse { tenant: Some(tenant_to_wire(restored)) }))
    }

    async fn add_member(
        &self,
        request: Request<wire::AddMemberRequest>,
    ) -> Result<Response<wire::AddMemberResponse>, Status> {
        let (actor, tenant) = Self::in_tenant(&request, id("tenant_id", &request.get_ref().tenant_id)?)?;
        let wire::AddMemberRequest { tenant_id: _, user_id, role, email } = request.into_inner();
        let user = self.named_user(&user_id, &email).await?;
        let added = member::add(self.store(), tenant, user, &role, &actor).await?;
        Ok(Response::new(wire::AddMemberResponse { member: Some(member_to_wire(added)) }))
    }

    async fn list_members(
        &self,
        request: Request<wire::ListMembersRequest>,
    ) -> Result<Response<wire::ListMembersResponse>, Status> {
        let (_, tenant) = Self::in_tenant(&request, id("tenant_id", &request.get_ref().tenant_id)?)?;
        let wire::ListMembersRequest { tenant_id: _, page_size, page_token, limit } = request.into_inner();
        let size = paging::size(page_size, limit)?;
        let (email, id) = paging::read_token(b"members", &page_token)?.unwrap_or_default();
        let after = (email.as_str(), UserId(id));
        let found = self.store().list_members(tenant, after, size + 1).await.map_err(Error::from)?;
        let (members, next_page_token) = paging::split(found, size, |member| {
            paging::token(b"members", &member.user.email, member.user.id.0)
        });
        let members = members.into_iter().map(member_to_wire).collect();
        Ok(Response::new(wire::ListMembersResponse { members, next_page_token }))
    }

    async fn change_member_role(
        &self,
        request: Request<wire::ChangeMemberRoleRequest>,
    ) -> Result<Response<wire::ChangeMemberRoleResponse>, Status> {
        let (actor, tenant) = Self::in_tenant(&request, id("tenant_id", &request.get_ref().tenant_id)?)?;
        let wire::ChangeMemberRoleRequest { tenant_id: _, user_id, role } = request.into_inner();
        let user = id("user_id", &user_id)?;
        let changed = member::change_role(self.store(), tenant, user, &role, &actor).await?;
        Ok(Response::new(wire::ChangeMemberRoleResponse { member: Some(member_to_wire(changed)) }))
    }

    async fn remove_member(
        &self,
        request: Request<wire::RemoveMemberRequest>,
    ) -> Result<Response<wire::RemoveMemberResponse>, Status> {
        let (actor, tenant) = Self::in_tenant(&request, id("tenant_id", &request.get_ref().tenant_id)?)?;
        let user = id("user_id", &request.get_ref().user_id)?;
        let revoke = request.get_ref().revoke_api_keys;
        let keys = member::remove(self.store(), tenant, user, revoke, &actor).await?;
        Ok(Response::new(wire::RemoveMemberResponse {
            api_keys: keys.into_iter().map(key_to_wire).collect(),
        }))
    }

    async fn list_roles(
        &self,
        request: Request<wire::ListRolesRequest>,
    ) -> Result<Response<wire::ListRolesResponse>, Status> {
        let (_, tenant) = Self::in_tenant(&request, id("tenant_id", &request.get_ref().tenant_id)?)?;
        let built_in = BuiltIn::ALL.into_iter().map(|role| wire::Role {
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
        let (actor, tenant) = Self::in_tenant(&request, id("tenant_id", &request.get_ref().tenant_id)?)?;
        let wire::CreateRoleRequest { tenant_id: _, name, scopes } = request.into_inner();
        let role = own_role(name, scopes)?;
        role::create(self.store(), tenant, &role, &actor).await?;
        Ok(Response::new(wire::CreateRoleResponse { role: Some(role_to_wire(role)) }))
    }

    async fn update_role(
        &self,
        request: Request<wire::UpdateRoleRequest>,
    ) -> Result<Response<wire::UpdateRoleResponse>, Status> {
        let (actor, tenant) = Self::in_tenant(&request, id("tenant_id", &request.get_ref().tenant_id)?)?;
        let wire::UpdateRoleRequest { tenant_id: _, name, scopes } = request.into_inner();
        let role = own_role(name, scopes)?;
        role::update(self.store(), tenant, &role, &actor).await?;
        Ok(Response::new(wire::UpdateRoleResponse { role: Some(role_to_wire(role)) }))
    }

    async fn delete_role(
        &self,
        request: Request<wire::DeleteRoleRequest>,
    ) -> Result<Response<wire::DeleteRoleResponse>, Status> {
        let (actor, tenant) = Self::in_tenant(&request, id("tenant_id", &request.get_ref().tenant_id)?)?;
        role::delete(self.store(), tenant, &request.get_ref().name, &actor).await?;
        Ok(Response::new(wire::DeleteRoleResponse {}))
    }
}

impl Identity {
    /// The user that a request names by id or by e-mail address.
    async fn named_user(&self, user_id: &str, email: &str) -> Result<UserId, Error> {
        match (user_id, email) {
            ("", "") => Err(InvalidField::new("user_id", "or `email` is needed").into()),
            (user_id, "") => id("user_id", user_id),
            ("", email) => {
                let found = self.store().find_login(&Email::read(email)?).await?;
                Ok(found.ok_or(Error::UserNotFound)?.user.id)
            }
            _ => Err(InvalidField::new("email", "excludes user_id; send one of them").into()),
        }
    }
}

fn tenant_to_wire(tenant: Tenant) -> wire::Tenant {
    let Tenant { id, slug, name, created_at, suspended_at, deletion } = tenant;
    let (created_at, suspended_at) = (Some(timestamp(created_at)), suspended_at.map(timestamp));
    let deleted_at = deletion.map(|deletion| timestamp(deletion.asked_at));
    let purge_at = deletion.map(|deletion| timestamp(deletion.purge_at));
    wire::Tenant { id: id.to_string(), slug, name, created_at, suspended_at, deleted_at, purge_at }
}

fn member_to_wire(member: Member) -> wire::Member {
    let Member { user: who, role, since } = member;
    wire::Member { user: Some(user(who)), role, created_at: Some(timestamp(since)) }
}

/// A role as it is asked for.
fn own_role(name: String, scopes: Vec<String>) -> Result<OwnRole, Error> {
    Ok(OwnRole { name, scopes: scopes::of_tenant(scopes, false)? })
}

fn role_to_wire(role: OwnRole) -> wire::Role {
    let OwnRole { name, scopes } = role;
    wire::Role { name, scopes, built_in: false }
}
