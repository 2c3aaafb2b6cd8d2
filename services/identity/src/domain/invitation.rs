//! Invitations into a tenant: whoever accepts one becomes a member, and nobody else does.

use jiff::{SignedDuration, Timestamp};

use super::ids::{ApiKeyId, InvitationId, TenantId, UserId};
use super::words::written;

/// How long an invitation may be accepted.
pub const LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Most open invitations of a tenant.
pub const MOST_OPEN: i64 = 100;
/// The page of the platform that takes the token of one.
pub const PAGE: &str = "invitation";

written! {
    /// What has become of an invitation.
    pub enum InvitationState {
        /// Nothing yet.
        Open = "open",
        /// Whoever was invited is a member.
        Accepted = "accepted",
        /// Whoever was invited does not want to be one.
        Declined = "declined",
        /// It was taken back, or another one is in its place.
        Revoked = "revoked",
    }
}

/// An open invitation, for those who manage members.
#[derive(Debug)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// Who is invited.
    pub email: String,
    /// The name of the role that whoever accepts it gets.
    pub role: String,
    /// Who invited.
    pub invited_by: Option<UserId>,
    /// The key with which that was done.
    pub invited_by_key: Option<ApiKeyId>,
    /// When.
    pub created_at: Timestamp,
    /// Until when it may be accepted.
    pub expires_at: Timestamp,
}

/// Where somebody goes on offering who may do less than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StillOffers {
    /// Nowhere.
    Nowhere,
    /// As an owner: whatever else a role allows may be less than what was offered.
    AsOwner,
    /// By a membership that lets somebody invite.
    AsMember,
}

/// An open invitation as whoever has its link may know it.
#[derive(Debug)]
pub struct Offer {
    /// Its id.
    pub id: InvitationId,
    /// The tenant.
    pub tenant: TenantId,
    /// Its name.
    pub tenant_name: String,
    /// Who is invited.
    pub email: String,
    /// The name of the role.
    pub role: String,
    /// The name of who invited; may be empty.
    pub inviter: String,
    /// Until when it may be accepted.
    pub expires_at: Timestamp,
    /// Whether whoever has the link reads the mail of the address.
    pub proves_address: bool,
}
