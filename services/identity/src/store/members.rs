//! Memberships, and what a user is in the tenant of a call.

use jiff::Timestamp;
use pg::{Columns, Fault};

use super::change::Change;
use super::constraints::{MEMBERSHIPS_KEY, MEMBERSHIPS_ROLE, MEMBERSHIPS_TENANT, MEMBERSHIPS_USER};
use super::database::Store;
use super::roles::role;
use super::users::user;
use crate::domain::factor::SecondFactorPolicy;
use crate::domain::ids::{SessionId, TenantId, UserId};
use crate::domain::roles::{BuiltIn, Role};
use crate::domain::scopes::OWNERS_SCOPES;
use crate::domain::tenant::{Me, Member, Membership, ResolvedUser};
use crate::domain::user::UserKind;
use crate::error::{Error, Existing};

/// The part of a statement about a user `u` that finds the memberships.
pub(super) const OF_U: &str = include_str!("sql/parts/memberships_of_u.sql");
/// What [`member`] reads.
pub(super) const COLUMNS: &str = "{user}, m.role, m.created_at as member_since";

pg::statements! {
    /// A member.
    GetMember = "get_member" (tenant: TenantId, user: UserId);
    /// Members in the order of their addresses.
    ListMembers<'a> = "list_members" (tenant: TenantId, after_email: &'a str, after_id: UserId, limit: i64);
    /// A user with its scopes and memberships.
    GetMe = "get_me" (user: UserId);
    /// Whether a user is an owner of some tenant, or can be.
    IsOwner<'a> = "is_owner" (user: UserId, owner: &'a str, manages: &'a [&'a str]);
    /// The owners, locked.
    LockOwners<'a> = "lock_owners" (tenant: TenantId, owner: &'a str);
    /// The owners of the tenants of which a user is one, locked.
    LockOwnersBeside<'a> = "lock_owners_beside" (user: UserId, owner: &'a str);
    /// Tenants in which only this user is an owner who can sign in.
    LeftWithoutOwner<'a> = "left_without_owner" (user: UserId, owner: &'a str);
    /// A member's role, locked.
    LockMember = "lock_member" (tenant: TenantId, user: UserId);
    /// Makes a user a member.
    InsertMember<'a> = "insert_member" (tenant: TenantId, user: UserId, role: &'a str, at: Timestamp);
    /// Gives a member another role.
    UpdateMember<'a> = "update_member" (tenant: TenantId, user: UserId, role: &'a str);
    /// Removes a member.
    DeleteMember = "delete_member" (tenant: TenantId, user: UserId);
    /// What the user of a session is.
    ResolveUser = "resolve_user" (
        session: SessionId, user: UserId, tenant: Option<TenantId>, now: Timestamp
    );
    /// What a user without a session is.
    ResolveForeignUser = "resolve_foreign_user" (user: UserId, tenant: Option<TenantId>);
}

impl Store {
    /// Members after an e-mail address and id.
    pub async fn list_members(
        &self,
        tenant: TenantId,
        (after_email, after_id): (&str, UserId),
        limit: i64,
    ) -> Result<Vec<Member>, Fault> {
        Columns::all(&self.run(&ListMembers { tenant, after_email, after_id, limit }).await?, member)
    }

    /// What a user is, and where.
    pub async fn get_me(&self, id: UserId) -> Result<Option<Me>, Fault> {
        let rows = self.run(&GetMe { user: id }).await?;
        let mut me: Option<Me> = None;
        for row in &rows {
            let mut row = Columns::of(row);
            let user = user(&mut row)?;
            let (platform_scopes, has_factors) = (row.next("platform_scopes")?, row.next("has_factors")?);
            let new = || Me {
                user,
                platform_scopes,
                has_factors,
                memberships: Vec::new(),
                of_gone_tenants: Vec::new(),
            };
            let me = me.get_or_insert_with(new);
            let is_gone: Option<bool> = row.next("is_gone")?;
            if is_gone == Some(true) {
                // Nothing else of it is shown, so nothing else of it can fail the call.
                me.of_gone_tenants.push(row.next("tenant_id")?);
            } else {
                me.memberships.extend(membership(&mut row)?);
            }
        }
        Ok(me)
    }

    /// Nothing when the session is over or its user disabled; two rows when the
    /// user has several memberships and no tenant was named.
    pub async fn resolve_user(
        &self,
        session: SessionId,
        user: UserId,
        tenant: Option<TenantId>,
        now: Timestamp,
    ) -> Result<Vec<ResolvedUser>, Fault> {
        Columns::all(&self.run(&ResolveUser { session, user, tenant, now }).await?, resolved)
    }

    /// The same for a user who comes with a token of another issuer.
    pub async fn resolve_foreign_user(
        &self,
        user: UserId,
        tenant: Option<TenantId>,
    ) -> Result<Vec<ResolvedUser>, Fault> {
        Columns::all(&self.run(&ResolveForeignUser { user, tenant }).await?, resolved)
    }
}

impl Change {
    pub async fn get_member(&self, tenant: TenantId, user: UserId) -> Result<Option<Member>, Fault> {
        Columns::first(&self.query(&GetMember { tenant, user }).await?, member)
    }

    /// The owners who can sign in, locked: who removes one must see that another stays.
    pub async fn lock_owners(&self, tenant: TenantId) -> Result<Vec<UserId>, Fault> {
        let owner = BuiltIn::Owner.name();
        // What was waited for may have disabled one: that is seen by whoever looks again.
        self.query(&LockOwners { tenant, owner }).await?;
        Columns::all(&self.query(&LockOwners { tenant, owner }).await?, |row| row.next("user_id"))
    }

    /// The names of tenants that would be left without an owner who can sign in, ten at most.
    pub async fn left_without_owner(&self, user: UserId) -> Result<Vec<String>, Fault> {
        let owner = BuiltIn::Owner.name();
        self.query(&LockOwnersBeside { user, owner }).await?;
        Columns::all(&self.query(&LeftWithoutOwner { user, owner }).await?, |row| row.next("name"))
    }

    /// Whether a user is an owner of some tenant, or has a role by which somebody can be.
    pub async fn is_owner(&self, user: UserId) -> Result<bool, Fault> {
        let is_owner = IsOwner { user, owner: BuiltIn::Owner.name(), manages: &OWNERS_SCOPES };
        Ok(!self.query(&is_owner).await?.is_empty())
    }

    pub async fn lock_member(&self, tenant: TenantId, user: UserId) -> Result<Option<Role>, Fault> {
        // What was waited for may have given another role, whose scopes are seen by whoever looks
        // again.
        self.query(&LockMember { tenant, user }).await?;
        Columns::first(&self.query(&LockMember { tenant, user }).await?, |row| {
            role(row.next("role")?, row.next("own_scopes")?)
        })
    }

    pub async fn insert_member(&self, tenant: TenantId, user: UserId, role: &Role) -> Result<(), Error> {
        let insert = InsertMember { tenant, user, role: role.name(), at: self.at() };
        let inserted = self.query(&insert).await.map_err(|fault| {
            if fault.on_constraint(MEMBERSHIPS_KEY) {
                Error::AlreadyExists(Existing::Member)
            } else if fault.on_constraint(MEMBERSHIPS_USER) {
                Error::UserNotFound
            } else if fault.on_constraint(MEMBERSHIPS_TENANT) {
                Error::TenantNotFound
            } else if fault.on_constraint(MEMBERSHIPS_ROLE) {
                Error::RoleNotFound(role.name().to_owned())
            } else {
                fault.into()
            }
        })?;
        if inserted.is_empty() { Err(Error::UserNotFound) } else { Ok(()) }
    }

    pub async fn update_member(&self, tenant: TenantId, user: UserId, role: &Role) -> Result<(), Error> {
        let updated = self.query(&UpdateMember { tenant, user, role: role.name() }).await;
        updated.map(drop).map_err(|fault| {
            if fault.on_constraint(MEMBERSHIPS_ROLE) {
                Error::RoleNotFound(role.name().to_owned())
            } else {
                fault.into()
            }
        })
    }

    pub async fn delete_member(&self, tenant: TenantId, user: UserId) -> Result<(), Fault> {
        self.query(&DeleteMember { tenant, user }).await.map(drop)
    }
}

fn membership(row: &mut Columns<'_>) -> Result<Option<Membership>, Fault> {
    let tenant: Option<TenantId> = row.next("tenant_id")?;
    let tenant_name: Option<String> = row.next("tenant_name")?;
    let name: Option<&str> = row.next("role")?;
    let own_scopes = row.next("own_scopes")?;
    let Some(((tenant, tenant_name), name)) = tenant.zip(tenant_name).zip(name) else { return Ok(None) };
    Ok(Some(Membership { tenant, tenant_name, role: role(name, own_scopes)? }))
}

fn member(row: &mut Columns<'_>) -> Result<Member, Fault> {
    Ok(Member { user: user(row)?, role: row.next("role")?, since: row.next("member_since")? })
}

fn resolved(row: &mut Columns<'_>) -> Result<ResolvedUser, Fault> {
    let (platform_scopes, used_counter) = (row.next("platform_scopes")?, row.next("used_counter")?);
    let tenant: Option<TenantId> = row.next("tenant_id")?;
    let name: Option<&str> = row.next("role")?;
    let own_scopes = row.next("own_scopes")?;
    let membership = match tenant.zip(name) {
        Some((tenant, name)) => Some((tenant, role(name, own_scopes)?)),
        None => None,
    };
    let (suspended, deleted_until) = (row.next("suspended")?, row.next("deleted_until")?);
    let (tenant_exists, session_ends_at) = (row.next("tenant_exists")?, row.next("session_ends_at")?);
    Ok(ResolvedUser {
        platform_scopes,
        used_counter,
        membership,
        suspended,
        deleted_until,
        tenant_exists,
        session_ends_at,
        kind: row.word("kind", UserKind::from_word)?,
        enrolled: row.next("enrolled")?,
        asked: row.word("asked", SecondFactorPolicy::from_word)?,
    })
}
