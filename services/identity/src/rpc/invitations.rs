//! `InvitationService`: how people become members of tenants, and leave them.

use frontdesk_proto::identity::v1 as wire;
use frontdesk_proto::identity::v1::invitation_service_server::InvitationService;
use jiff::Timestamp;
use tonic::{Request, Response, Status};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::identity::Identity;
use super::wire::{id, id_or_empty, language, timestamp, user};
use crate::changes::invitation::{self, Invite, Invited, Newcomer};
use crate::changes::member;
use crate::domain::ids::{InvitationId, TenantId, UserId};
use crate::domain::invitation::{Invitation, Offer};
use crate::domain::mail::Language;
use crate::error::Error;

#[tonic::async_trait]
impl InvitationService for Identity {
    async fn invite_member(
        &self,
        request: Request<wire::InviteMemberRequest>,
    ) -> Result<Response<wire::InviteMemberResponse>, Status> {
        let (actor, tenant) = Self::in_tenant(&request, id("tenant_id", &request.get_ref().tenant_id)?)?;
        let of_call = language(&request);
        let wire::InviteMemberRequest { tenant_id: _, email, role, return_token, language } =
            request.into_inner();
        let language = if language.is_empty() { of_call } else { Language::preferred(&language) };
        let invite = Invite { email, role, return_token, language };
        let invited = self.sessions.invite(tenant, invite, &actor).await?;
        let Invited { invitation, token } = invited;
        Ok(Response::new(wire::InviteMemberResponse {
            invitation: Some(invitation_to_wire(invitation)),
            token: token.map(|token| token.to_string()).unwrap_or_default(),
        }))
    }

    async fn list_invitations(
        &self,
        request: Request<wire::ListInvitationsRequest>,
    ) -> Result<Response<wire::ListInvitationsResponse>, Status> {
        let (_, tenant) = Self::in_tenant(&request, id("tenant_id", &request.get_ref().tenant_id)?)?;
        let found = self.store().list_invitations(tenant, Timestamp::now()).await.map_err(Error::from)?;
        let invitations = found.into_iter().map(invitation_to_wire).collect();
        Ok(Response::new(wire::ListInvitationsResponse { invitations }))
    }

    async fn revoke_invitation(
        &self,
        request: Request<wire::RevokeInvitationRequest>,
    ) -> Result<Response<wire::RevokeInvitationResponse>, Status> {
        let (actor, tenant) = Self::in_tenant(&request, id("tenant_id", &request.get_ref().tenant_id)?)?;
        let id: InvitationId = id("invitation_id", &request.get_ref().invitation_id)?;
        invitation::revoke(self.store(), tenant, id, &actor).await?;
        Ok(Response::new(wire::RevokeInvitationResponse {}))
    }

    async fn get_invitation(
        &self,
        request: Request<wire::GetInvitationRequest>,
    ) -> Result<Response<wire::GetInvitationResponse>, Status> {
        let token = Zeroizing::new(request.into_inner().token);
        let (offer, has_account) = self.sessions.offer(&token, Timestamp::now()).await?;
        let Offer { id: _, tenant, tenant_name, email, role, inviter, expires_at, proves_address } = offer;
        Ok(Response::new(wire::GetInvitationResponse {
            tenant_id: tenant.to_string(),
            tenant_name,
            email,
            role,
            inviter,
            expires_at: Some(timestamp(expires_at)),
            has_account,
            needs_letter: !proves_address,
        }))
    }

    async fn request_invitation_letter(
        &self,
        request: Request<wire::RequestInvitationLetterRequest>,
    ) -> Result<Response<wire::RequestInvitationLetterResponse>, Status> {
        let (actor, language) = (Self::stranger(&request), language(&request));
        let token = Zeroizing::new(request.into_inner().token);
        self.sessions.send_invitation(&token, language, &actor, Timestamp::now()).await?;
        Ok(Response::new(wire::RequestInvitationLetterResponse {}))
    }

    async fn accept_invitation(
        &self,
        request: Request<wire::AcceptInvitationRequest>,
    ) -> Result<Response<wire::AcceptInvitationResponse>, Status> {
        let (by, actor) = Self::user(&request)?;
        let token = Zeroizing::new(request.into_inner().token);
        let Offer { tenant, role, .. } = invitation::accept(self.store(), &token, by, &actor).await?;
        Ok(Response::new(wire::AcceptInvitationResponse { tenant_id: tenant.to_string(), role }))
    }

    async fn join_by_invitation(
        &self,
        request: Request<wire::JoinByInvitationRequest>,
    ) -> Result<Response<wire::JoinByInvitationResponse>, Status> {
        let actor = Self::stranger(&request);
        let wire::JoinByInvitationRequest { token, display_name, password } = request.into_inner();
        let (token, password) = (Zeroizing::new(token), Zeroizing::new(password));
        let newcomer = Newcomer { id: UserId(Uuid::now_v7()), display_name, password };
        let joined = self.sessions.join(&token, newcomer, &actor, Timestamp::now()).await?;
        let (made, Offer { tenant, role, .. }) = joined;
        let (user, tenant_id) = (Some(user(made)), tenant.to_string());
        Ok(Response::new(wire::JoinByInvitationResponse { user, tenant_id, role }))
    }

    async fn decline_invitation(
        &self,
        request: Request<wire::DeclineInvitationRequest>,
    ) -> Result<Response<wire::DeclineInvitationResponse>, Status> {
        let actor = Self::stranger(&request);
        let token = Zeroizing::new(request.into_inner().token);
        invitation::decline(self.store(), &token, &actor).await?;
        Ok(Response::new(wire::DeclineInvitationResponse {}))
    }

    async fn leave_tenant(
        &self,
        request: Request<wire::LeaveTenantRequest>,
    ) -> Result<Response<wire::LeaveTenantResponse>, Status> {
        let (by, actor) = Self::user(&request)?;
        let tenant: TenantId = id("tenant_id", &request.get_ref().tenant_id)?;
        member::leave(self.store(), tenant, by, &actor).await?;
        Ok(Response::new(wire::LeaveTenantResponse {}))
    }
}

fn invitation_to_wire(invitation: Invitation) -> wire::Invitation {
    let Invitation { id, email, role, invited_by, invited_by_key, created_at, expires_at } = invitation;
    wire::Invitation {
        id: id.to_string(),
        email,
        role,
        invited_by: id_or_empty(invited_by),
        invited_by_key: id_or_empty(invited_by_key),
        created_at: Some(timestamp(created_at)),
        expires_at: Some(timestamp(expires_at)),
    }
}
