//! Invitations into tenants.

use jiff::Timestamp;
use pg::{Columns, Fault};

use super::change::Change;
use super::constraints::INVITATIONS_TENANT;
use super::database::Store;
use crate::domain::email::Email;
use crate::domain::ids::{ApiKeyId, InvitationId, TenantId, UserId};
use crate::domain::invitation::{Invitation, InvitationState, LIFE, MOST_OPEN, Offer, StillOffers};
use crate::domain::roles::BuiltIn;
use crate::domain::scopes::MANAGE_MEMBERS;
use crate::error::{Error, Quota};

/// What [`invitation`] reads.
pub(super) const COLUMNS: &str =
    "i.id, i.email, i.role, i.invited_by, i.invited_by_key, i.created_at, i.expires_at";

pg::statements! {
    /// Stores an invitation, unless the tenant has as many as it may.
    InsertInvitation<'a> = "insert_invitation" (
        tenant: TenantId, id: InvitationId, email: &'a str, role: &'a str, secret_hash: &'a [u8],
        proves_address: bool, invited_by: Option<UserId>, invited_by_key: Option<ApiKeyId>, at: Timestamp, expires_at: Timestamp,
        most: i64
    );
    /// A tenant, locked against another invitation.
    LockTenant = "lock_tenant" (tenant: TenantId);
    /// Ends the open invitation of an address, if there is one.
    ReplaceInvitation<'a> = "replace_invitation" (tenant: TenantId, email: &'a str, at: Timestamp);
    /// Open invitations, newest first.
    ListInvitations = "list_invitations" (tenant: TenantId, now: Timestamp);
    /// Ends an open invitation.
    RevokeInvitation = "revoke_invitation" (tenant: TenantId, id: InvitationId, at: Timestamp);
    /// Ends the open invitations that somebody made.
    RevokeInvitationsOf = "revoke_invitations_of" (tenant: TenantId, user: UserId, at: Timestamp);
    /// Ends the open invitations that members with a role made.
    RevokeInvitationsOfRole<'a> = "revoke_invitations_of_role" (tenant: TenantId, role: &'a str, at: Timestamp);
    /// Ends the open invitations to a role.
    RevokeInvitationsToRole<'a> = "revoke_invitations_to_role" (tenant: TenantId, role: &'a str, at: Timestamp);
    /// Ends the open invitations that somebody made in whatever tenant.
    RevokeOffersOf<'a> = "revoke_offers_of" (
        user: UserId, owner: Option<&'a str>, manage: Option<&'a str>, at: Timestamp
    );
    /// The open invitation of a link.
    FindOffer<'a> = "find_offer" (secret_hash: &'a [u8], now: Timestamp);
    /// The user who made the invitation of a link, held.
    HoldInviter<'a> = "hold_inviter" (tenant: TenantId, secret_hash: &'a [u8]);
    /// The key with which it was made, held.
    HoldInvitingKey<'a> = "hold_inviting_key" (tenant: TenantId, secret_hash: &'a [u8]);
    /// Decides an open invitation.
    DecideInvitation<'a> = "decide_invitation" (
        tenant: TenantId, id: InvitationId, secret_hash: &'a [u8], state: &'a str, at: Timestamp
    );
    /// Gives an open invitation the link of a letter.
    SendInvitation<'a> = "send_invitation" (
        tenant: TenantId, id: InvitationId, secret_hash: &'a [u8], new_hash: &'a [u8], at: Timestamp
    );
    /// Whether an address is a member's.
    IsMember<'a> = "is_member" (tenant: TenantId, stored: &'a [String]);
}

/// An invitation to store.
#[derive(Debug)]
pub struct NewInvitation<'a> {
    pub id: InvitationId,
    pub email: &'a str,
    pub role: &'a str,
    pub secret_hash: &'a [u8],
    /// Whether whoever has the link reads the mail of the address.
    pub proves_address: bool,
    pub invited_by: Option<UserId>,
    pub invited_by_key: Option<ApiKeyId>,
}

impl Store {
    /// Open invitations, newest first.
    pub async fn list_invitations(&self, tenant: TenantId, now: Timestamp) -> Result<Vec<Invitation>, Fault> {
        Columns::all(&self.run(&ListInvitations { tenant, now }).await?, invitation)
    }

    /// The open invitation of a link.
    pub async fn find_offer(&self, secret_hash: &[u8], now: Timestamp) -> Result<Option<Offer>, Fault> {
        Columns::first(&self.run(&FindOffer { secret_hash, now }).await?, offer)
    }
}

impl Change {
    /// Locks a tenant against another invitation at the same time.
    pub async fn lock_tenant(&self, tenant: TenantId) -> Result<(), Fault> {
        self.query(&LockTenant { tenant }).await.map(drop)
    }

    /// Stores an invitation in the place of an open one of the same address.
    pub async fn insert_invitation(
        &self,
        tenant: TenantId,
        new: &NewInvitation<'_>,
    ) -> Result<Invitation, Error> {
        let NewInvitation { id, email, role, secret_hash, proves_address, invited_by, invited_by_key } = *new;
        let at = self.at();
        self.query(&ReplaceInvitation { tenant, email, at }).await?;
        let insert = InsertInvitation {
            tenant,
            id,
            email,
            role,
            secret_hash,
            proves_address,
            invited_by,
            invited_by_key,
            at,
            expires_at: at + LIFE,
            most: MOST_OPEN,
        };
        let rows = self.query(&insert).await.map_err(|fault| {
            if fault.on_constraint(INVITATIONS_TENANT) { Error::TenantNotFound } else { fault.into() }
        })?;
        Columns::first(&rows, invitation)?.ok_or(Error::QuotaReached(Quota::Invitations))
    }

    /// Ends an open invitation, and says whether there was one.
    pub async fn revoke_invitation(&self, tenant: TenantId, id: InvitationId) -> Result<bool, Fault> {
        Ok(!self.query(&RevokeInvitation { tenant, id, at: self.at() }).await?.is_empty())
    }

    /// Ends the open invitations that somebody made.
    pub async fn revoke_invitations_of(&self, tenant: TenantId, user: UserId) -> Result<(), Fault> {
        self.query(&RevokeInvitationsOf { tenant, user, at: self.at() }).await.map(drop)
    }

    /// Ends the open invitations that members with a role of the tenant's own made.
    pub async fn revoke_invitations_of_role(&self, tenant: TenantId, role: &str) -> Result<(), Fault> {
        self.query(&RevokeInvitationsOfRole { tenant, role, at: self.at() }).await.map(drop)
    }

    /// Ends the open invitations to a role of the tenant's own.
    pub async fn revoke_invitations_to_role(&self, tenant: TenantId, role: &str) -> Result<(), Fault> {
        self.query(&RevokeInvitationsToRole { tenant, role, at: self.at() }).await.map(drop)
    }

    /// Ends the open invitations that somebody made in tenants where no membership lets the user
    /// go on offering, and says which.
    pub async fn revoke_offers_of(
        &self,
        user: UserId,
        stays: StillOffers,
    ) -> Result<Vec<(TenantId, InvitationId)>, Fault> {
        let (owner, manage) = match stays {
            StillOffers::Nowhere => (None, None),
            StillOffers::AsOwner => (Some(BuiltIn::Owner.name()), None),
            StillOffers::AsMember => (Some(BuiltIn::Owner.name()), Some(MANAGE_MEMBERS)),
        };
        let revoke = RevokeOffersOf { user, owner, manage, at: self.at() };
        Columns::all(&self.query(&revoke).await?, |row| {
            Ok((row.next("tenant_id")?, row.next("invitation_id")?))
        })
    }

    /// The open invitation of a link, as this change sees it.
    pub async fn find_offer(&self, secret_hash: &[u8]) -> Result<Option<Offer>, Fault> {
        Columns::first(&self.query(&FindOffer { secret_hash, now: self.at() }).await?, offer)
    }

    /// Has whoever made the invitation of a link stay as it is until this change is stored.
    pub async fn hold_inviter(&self, tenant: TenantId, secret_hash: &[u8]) -> Result<(), Fault> {
        self.query(&HoldInviter { tenant, secret_hash }).await.map(drop)
    }

    /// The open invitation of a link, after its maker was held; so is its key.
    pub async fn hold_offer(&self, tenant: TenantId, secret_hash: &[u8]) -> Result<Option<Offer>, Fault> {
        self.query(&HoldInvitingKey { tenant, secret_hash }).await?;
        // What was waited for may have ended it.
        self.find_offer(secret_hash).await
    }

    /// Decides an invitation, and says whether it was open.
    pub async fn decide_invitation(
        &self,
        offer: &Offer,
        secret_hash: &[u8],
        accepted: bool,
    ) -> Result<bool, Fault> {
        let state = if accepted { InvitationState::Accepted } else { InvitationState::Declined }.word();
        let Offer { tenant, id, .. } = *offer;
        let decide = DecideInvitation { tenant, id, secret_hash, state, at: self.at() };
        Ok(!self.query(&decide).await?.is_empty())
    }

    /// Gives an open invitation the link of a letter, and says whether it was open.
    pub async fn send_invitation(
        &self,
        offer: &Offer,
        secret_hash: &[u8],
        new_hash: &[u8],
    ) -> Result<bool, Fault> {
        let Offer { tenant, id, .. } = *offer;
        let send = SendInvitation { tenant, id, secret_hash, new_hash, at: self.at() };
        Ok(!self.query(&send).await?.is_empty())
    }

    /// Whether an address is a member's.
    pub async fn is_member(&self, tenant: TenantId, email: &Email) -> Result<bool, Fault> {
        Ok(!self.query(&IsMember { tenant, stored: email.stored() }).await?.is_empty())
    }
}

fn invitation(row: &mut Columns<'_>) -> Result<Invitation, Fault> {
    Ok(Invitation {
        id: row.next("id")?,
        email: row.next("email")?,
        role: row.next("role")?,
        invited_by: row.next("invited_by")?,
        invited_by_key: row.next("invited_by_key")?,
        created_at: row.next("created_at")?,
        expires_at: row.next("expires_at")?,
    })
}

fn offer(row: &mut Columns<'_>) -> Result<Offer, Fault> {
    Ok(Offer {
        id: row.next("invitation_id")?,
        tenant: row.next("tenant_id")?,
        tenant_name: row.next("tenant_name")?,
        email: row.next("invited_email")?,
        role: row.next("role")?,
        inviter: row.next("inviter_display_name")?,
        expires_at: row.next("expires_at")?,
        proves_address: row.next("proves_address")?,
    })
}
