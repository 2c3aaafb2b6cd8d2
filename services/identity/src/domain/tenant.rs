//! Tenants and who belongs to them.

use jiff::Timestamp;

use super::factor::SecondFactorPolicy;
use super::ids::TenantId;
use super::roles::Role;
use super::user::{User, UserKind};

/// A tenant.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Short name, unique.
    pub slug: String,
    /// Name shown to people.
    pub name: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// Since when it is suspended.
    pub suspended_at: Option<Timestamp>,
    /// If it is to be deleted.
    pub deletion: Option<Deletion>,
}

/// That a tenant is to be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deletion {
    /// Since when: it is closed since then.
    pub asked_at: Timestamp,
    /// Until when it can be restored.
    pub purge_at: Timestamp,
}

/// A user's membership, with the tenant's name.
#[derive(Debug)]
pub struct Membership {
    /// The tenant.
    pub tenant: TenantId,
    /// Its name.
    pub tenant_name: String,
    /// The user's role in it.
    pub role: Role,
}

/// A user as it sees itself.
#[derive(Debug)]
pub struct Me {
    /// The user.
    pub user: User,
    /// Scopes held outside tenants.
    pub platform_scopes: Vec<String>,
    /// Whether there are second factors, verified or not.
    pub has_factors: bool,
    /// Memberships, by the names of their tenants.
    pub memberships: Vec<Membership>,
    /// Tenants whose deletion has begun, of which the user is a member still.
    pub of_gone_tenants: Vec<TenantId>,
}

/// A member of a tenant.
#[derive(Debug)]
pub struct Member {
    /// The user.
    pub user: User,
    /// The name of the user's role.
    pub role: String,
    /// Since when.
    pub since: Timestamp,
}

/// What a user is in the tenant of a call.
#[derive(Debug)]
pub struct ResolvedUser {
    /// Scopes held outside tenants.
    pub platform_scopes: Vec<String>,
    /// Highest counter of the session whose tokens have been seen in use.
    pub used_counter: i64,
    /// The tenant and the role in it, if there is a membership.
    pub membership: Option<(TenantId, Role)>,
    /// Whether the tenant of the membership is suspended.
    pub suspended: bool,
    /// Until when that tenant, or without a membership that which the call names, can be
    /// restored, if it is to be deleted.
    pub deleted_until: Option<Timestamp>,
    /// Whether the tenant that the call names exists.
    pub tenant_exists: bool,
    /// When the session ends, if there is one.
    pub session_ends_at: Option<Timestamp>,
    /// What kind of user it is.
    pub kind: UserKind,
    /// Whether the user has a verified second factor.
    pub enrolled: bool,
    /// Of whom the tenant of the membership, or without one that which the call names, asks
    /// two factors.
    pub asked: SecondFactorPolicy,
}
