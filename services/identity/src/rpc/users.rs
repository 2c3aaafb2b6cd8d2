//! UserService: users, by those who may manage them, and the caller's own.

use frontdesk_proto::identity::v1 as wire;
use frontdesk_proto::identity::v1::user_service_server::UserService;
use frontdesk_proto::paging;
use jiff::Timestamp;
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::identity::Identity;
use super::wire::{count, id, language, user};
use crate::actor::Actor;
use crate::changes::platform_scopes;
use crate::changes::user::{self as changes, NewUser};
use crate::changes::view_as::VIEW_LIFETIME;
use crate::domain::field::InvalidField;
use crate::domain::ids::UserId;
use crate::domain::user::UserKind;
use crate::error::Error;

#[tonic::async_trait]
impl UserService for Identity {
    async fn get_me(
        &self,
        request: Request<wire::GetMeRequest>,
    ) -> Result<Response<wire::GetMeResponse>, Status> {
        let caller = access::caller(&request)?;
        Ok(Response::new(self.me(&caller, Timestamp::now()).await?))
    }

    async fn view_as(
        &self,
        request: Request<wire::ViewAsRequest>,
    ) -> Result<Response<wire::ViewAsResponse>, Status> {
        let (by, actor) = Self::user(&request)?;
        let wire::ViewAsRequest { user_id, tenant_id, reason } = request.into_inner();
        let (user, tenant) = (id("user_id", &user_id)?, id("tenant_id", &tenant_id)?);
        let access = self.sessions.view_as(by, user, tenant, &reason, &actor).await?;
        let mut response = Response::new(wire::ViewAsResponse {
            access,
            token_type: "bearer".to_owned(),
            expires_in: VIEW_LIFETIME.cast_signed(),
        });
        response.metadata_mut().insert("cache-control", MetadataValue::from_static("no-store"));
        Ok(response)
    }

    async fn update_me(
        &self,
        request: Request<wire::UpdateMeRequest>,
    ) -> Result<Response<wire::UpdateMeResponse>, Status> {
        let (by, actor) = Self::user(&request)?;
        let name = &request.get_ref().display_name;
        let renamed = changes::rename(self.store(), by.user, name, &actor).await?;
        Ok(Response::new(wire::UpdateMeResponse { user: Some(user(renamed)) }))
    }

    async fn request_email_confirmation(
        &self,
        request: Request<wire::RequestEmailConfirmationRequest>,
    ) -> Result<Response<wire::RequestEmailConfirmationResponse>, Status> {
        let ((by, actor), language) = (Self::user(&request)?, language(&request));
        self.sessions.request_confirmation(by, language, &actor, Timestamp::now()).await?;
        Ok(Response::new(wire::RequestEmailConfirmationResponse {}))
    }

    async fn change_email(
        &self,
        request: Request<wire::ChangeEmailRequest>,
    ) -> Result<Response<wire::ChangeEmailResponse>, Status> {
        let ((by, actor), language) = (Self::user(&request)?, language(&request));
        let email = &request.get_ref().email;
        self.sessions.request_email_change(by, email, language, &actor, Timestamp::now()).await?;
        Ok(Response::new(wire::ChangeEmailResponse {}))
    }

    async fn confirm_email(
        &self,
        request: Request<wire::ConfirmEmailRequest>,
    ) -> Result<Response<wire::ConfirmEmailResponse>, Status> {
        let (actor, language) = (Self::stranger(&request), language(&request));
        let token = Zeroizing::new(request.into_inner().token);
        let email = self.sessions.confirm_email(&token, language, &actor).await?;
        Ok(Response::new(wire::ConfirmEmailResponse { email }))
    }

    async fn create_user(
        &self,
        request: Request<wire::CreateUserRequest>,
    ) -> Result<Response<wire::CreateUserResponse>, Status> {
        let actor = Self::actor(&request)?;
        let wire::CreateUserRequest { email, display_name, kind, password, platform_scopes } =
            request.into_inner();
        let kind = match wire::UserKind::try_from(kind) {
            Ok(wire::UserKind::Unspecified | wire::UserKind::Person) => UserKind::Person,
            Ok(wire::UserKind::Service) => UserKind::Service,
            Err(_) => {
                return Err(Error::from(InvalidField::new("kind", "takes person or service")).into());
            }
        };
        actor.holds.check(&platform_scopes).map_err(Error::from)?;
        let password = (!password.is_empty()).then(|| Zeroizing::new(password));
        let id = UserId(Uuid::now_v7());
        let new = NewUser { id, email, display_name, kind, password, platform_scopes };
        let created = changes::create(self.store(), &self.sessions.passwords, new, &actor).await?;
        Ok(Response::new(wire::CreateUserResponse { user: Some(user(created)) }))
    }

    async fn list_users(
        &self,
        request: Request<wire::ListUsersRequest>,
    ) -> Result<Response<wire::ListUsersResponse>, Status> {
        let wire::ListUsersRequest { page_size, page_token, limit } = request.into_inner();
        let size = paging::size(page_size, limit)?;
        let (email, id) = paging::read_token(b"users", &page_token)?.unwrap_or_default();
        let found = self.store().list_users((&email, UserId(id)), size + 1).await.map_err(Error::from)?;
        let (users, next_page_token) =
            paging::split(found, size, |user| paging::token(b"users", &user.email, user.id.0));
        let users = users.into_iter().map(user).collect();
        Ok(Response::new(wire::ListUsersResponse { users, next_page_token }))
    }

    async fn get_user(
        &self,
        request: Request<wire::GetUserRequest>,
    ) -> Result<Response<wire::GetUserResponse>, Status> {
        let id: UserId = id("user_id", &request.get_ref().user_id)?;
        let found = self.store().get_user(id).await.map_err(Error::from)?;
        let (found, _) = found.ok_or(Error::UserNotFound)?;
        Ok(Response::new(wire::GetUserResponse { user: Some(user(found)) }))
    }

    async fn disable_user(
        &self,
        request: Request<wire::DisableUserRequest>,
    ) -> Result<Response<wire::DisableUserResponse>, Status> {
        let actor = Self::actor(&request)?;
        let wire::DisableUserRequest { user_id, even_if_last_owner } = request.into_inner();
        let id: UserId = id("user_id", &user_id)?;
        self.check_target(&actor, id).await?;
        let disabled = changes::disable(self.store(), id, even_if_last_owner, &actor).await?;
        Ok(Response::new(wire::DisableUserResponse { user: Some(user(disabled)) }))
    }

    async fn update_user(
        &self,
        request: Request<wire::UpdateUserRequest>,
    ) -> Result<Response<wire::UpdateUserResponse>, Status> {
        let actor = Self::actor(&request)?;
        let wire::UpdateUserRequest { user_id, display_name } = request.into_inner();
        let id: UserId = id("user_id", &user_id)?;
        self.check_target(&actor, id).await?;
        let edited = changes::edit(self.store(), id, &display_name, &actor).await?;
        Ok(Response::new(wire::UpdateUserResponse { user: Some(user(edited)) }))
    }

    async fn unlock_user(
        &self,
        request: Request<wire::UnlockUserRequest>,
    ) -> Result<Response<wire::UnlockUserResponse>, Status> {
        let actor = Self::actor(&request)?;
        let wire::UnlockUserRequest { user_id, client_address } = request.into_inner();
        let id: UserId = id("user_id", &user_id)?;
        self.check_target(&actor, id).await?;
        let address = match client_address.as_str() {
            "" => None,
            text => Some(
                text.parse()
                    .map_err(|_| Error::from(InvalidField::new("client_address", "is no IP address")))?,
            ),
        };
        changes::unlock(&self.sessions, id, address, &actor).await?;
        Ok(Response::new(wire::UnlockUserResponse {}))
    }

    async fn delete_user(
        &self,
        request: Request<wire::DeleteUserRequest>,
    ) -> Result<Response<wire::DeleteUserResponse>, Status> {
        let actor = Self::actor(&request)?;
        let wire::DeleteUserRequest { user_id, even_if_last_owner } = request.into_inner();
        let id: UserId = id("user_id", &user_id)?;
        self.check_target(&actor, id).await?;
        changes::delete(self.store(), id, even_if_last_owner, &actor).await?;
        Ok(Response::new(wire::DeleteUserResponse {}))
    }

    async fn enable_user(
        &self,
        request: Request<wire::EnableUserRequest>,
    ) -> Result<Response<wire::EnableUserResponse>, Status> {
        let id: UserId = id("user_id", &request.get_ref().user_id)?;
        let actor = Self::actor(&request)?;
        self.check_target(&actor, id).await?;
        let enabled = changes::enable(self.store(), id, &actor).await?;
        Ok(Response::new(wire::EnableUserResponse { user: Some(user(enabled)) }))
    }

    async fn set_platform_scopes(
        &self,
        request: Request<wire::SetPlatformScopesRequest>,
    ) -> Result<Response<wire::SetPlatformScopesResponse>, Status> {
        let actor = Self::actor(&request)?;
        let wire::SetPlatformScopesRequest { user_id, platform_scopes } = request.into_inner();
        let id: UserId = id("user_id", &user_id)?;
        let wanted = |_: &[String]| platform_scopes.clone();
        let platform_scopes = platform_scopes::change(self.store(), id, wanted, &actor).await?;
        Ok(Response::new(wire::SetPlatformScopesResponse { platform_scopes }))
    }

    async fn set_password(
        &self,
        request: Request<wire::SetPasswordRequest>,
    ) -> Result<Response<wire::SetPasswordResponse>, Status> {
        let actor = Self::actor(&request)?;
        let wire::SetPasswordRequest { user_id, password } = request.into_inner();
        let (id, password): (UserId, _) = (id("user_id", &user_id)?, Zeroizing::new(password));
        self.check_target(&actor, id).await?;
        let passwords = &self.sessions.passwords;
        let ended = changes::set_password(self.store(), passwords, id, password, &actor).await?;
        Ok(Response::new(wire::SetPasswordResponse { ended_sessions: count(ended) }))
    }
}

impl Identity {
    /// Refuses to touch a user who holds platform scopes that the caller lacks:
    /// whoever sets a password can be that user.
    pub(super) async fn check_target(&self, actor: &Actor, id: UserId) -> Result<(), Error> {
        let (_, scopes) = self.store().get_user(id).await?.ok_or(Error::UserNotFound)?;
        Ok(actor.holds.check(&scopes)?)
    }
}
