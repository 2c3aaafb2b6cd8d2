//! Members: added, given another role, removed. Nobody gives or takes scopes that
//! they do not hold, and a tenant is never left without an owner.

use super::held::{hold_caller, still_held, still_held_on_platform};
use crate::actor::{Actor, AuditEvent, SignedIn};
use crate::domain::api_key::ApiKey;
use crate::domain::audit::AuditAction;
use crate::domain::ids::{TenantId, UserId};
use crate::domain::roles::{BuiltIn, Role};
use crate::domain::scopes::{Holds, MANAGE_API_KEYS, MANAGE_MEMBERS, OPERATE};
use crate::domain::tenant::Member;
use crate::error::{Error, Reason, Refusal};
use crate::store::{Change, Store};

/// Makes a user a member.
pub async fn add(
    store: &Store,
    tenant: TenantId,
    user: UserId,
    role: &str,
    actor: &Actor,
) -> Result<Member, Error> {
    Change::run(store, async |change| {
        change.lock_tenant(tenant).await?;
        // Operators before users: the new member may be one.
        change.lock_operators().await?;
        let held = still_held(&change, tenant, actor, MANAGE_MEMBERS).await?;
        still_held_on_platform(&change, actor, OPERATE).await?;
        let role = lock_given_role(&change, tenant, role, actor).await?;
        held.check(&role.scopes())?;
        change.insert_member(tenant, user, &role).await?;
        finish(change, tenant, user, &role, actor.did(AuditAction::MemberAdded)).await
    })
    .await
}

/// Gives a member another role.
pub async fn change_role(
    store: &Store,
    tenant: TenantId,
    user: UserId,
    role: &str,
    actor: &Actor,
) -> Result<Member, Error> {
    Change::run(store, async |change| {
        let stays_owner = role == BuiltIn::Owner.name();
        let held = check_removable(&change, tenant, user, stays_owner, actor).await?;
        let role = lock_given_role(&change, tenant, role, actor).await?;
        held.check(&role.scopes())?;
        change.update_member(tenant, user, &role).await?;
        change.revoke_invitations_of(tenant, user).await?;
        finish(change, tenant, user, &role, actor.did(AuditAction::MemberRoleChanged)).await
    })
    .await
}

/// Removes a member, and returns the live API keys that the member made, which go on
/// working unless they are to be revoked.
pub async fn remove(
    store: &Store,
    tenant: TenantId,
    user: UserId,
    revoke_keys: bool,
    actor: &Actor,
) -> Result<Vec<ApiKey>, Error> {
    if revoke_keys {
        actor.holds.check([&MANAGE_API_KEYS.to_owned()])?;
    }
    Change::run(store, async |change| {
        let held = check_removable(&change, tenant, user, false, actor).await?;
        if revoke_keys {
            held.check([&MANAGE_API_KEYS.to_owned()])?;
        }
        change.delete_member(tenant, user).await?;
        change.revoke_invitations_of(tenant, user).await?;
        let keys = change.lock_api_keys_of(tenant, user).await?;
        for key in keys.iter().filter(|_| revoke_keys) {
            change.revoke_api_key(tenant, key.id).await?;
            change.note(&actor.did(AuditAction::ApiKeyRevoked).in_tenant(tenant).about(key.id)).await?;
        }
        change.finish(actor.did(AuditAction::MemberRemoved).in_tenant(tenant).about(user)).await?;
        Ok(keys)
    })
    .await
}

/// Ends the caller's own membership, whatever role it is, unless no owner would be left. API
/// keys that the caller made belong to the tenant, and go on working.
pub async fn leave(store: &Store, tenant: TenantId, by: SignedIn, actor: &Actor) -> Result<(), Error> {
    Change::run(store, async |change| {
        change.lock_tenant(tenant).await?;
        hold_caller(&change, actor).await?;
        let owners = change.lock_owners(tenant).await?;
        change.lock_member(tenant, by.user).await?.ok_or(Error::MemberNotFound)?;
        if owners == [by.user] {
            return Err(last_owner());
        }
        change.delete_member(tenant, by.user).await?;
        change.revoke_invitations_of(tenant, by.user).await?;
        change.finish(actor.did(AuditAction::MemberLeft).in_tenant(tenant).about(by.user)).await?;
        Ok(())
    })
    .await
}

/// Records what was done and answers the member as it is then.
async fn finish(
    change: Change,
    tenant: TenantId,
    user: UserId,
    role: &Role,
    did: AuditEvent<'_>,
) -> Result<Member, Error> {
    let member = change.get_member(tenant, user).await?.ok_or(Error::MemberNotFound)?;
    change.finish(did.in_tenant(tenant).about(format!("{user} {}", role.name()))).await?;
    Ok(member)
}

/// Refuses to take a member's role when an owner would be missing then, or when
/// the member holds more than whoever does it, who still holds what is returned.
async fn check_removable(
    change: &Change,
    tenant: TenantId,
    user: UserId,
    stays_owner: bool,
    actor: &Actor,
) -> Result<Holds, Error> {
    change.lock_tenant(tenant).await?;
    // Users before memberships, as whoever disables one.
    hold_caller(change, actor).await?;
    // Then owners, always: two removals at once must wait for each other, not deadlock.
    let owners = change.lock_owners(tenant).await?;
    let held = still_held(change, tenant, actor, MANAGE_MEMBERS).await?;
    let role = change.lock_member(tenant, user).await?.ok_or(Error::MemberNotFound)?;
    actor.holds.check(&role.scopes())?;
    held.check(&role.scopes())?;
    if owners == [user] && !stays_owner {
        return Err(last_owner());
    }
    Ok(held)
}

fn last_owner() -> Error {
    Refusal::new(
        Reason::LastOwner,
        "The tenant would be left without an owner. Make somebody else an owner first.",
    )
    .into()
}

/// Locks the role that a member is to get. Refuses one that grants more than its giver
/// holds.
pub(super) async fn lock_given_role(
    change: &Change,
    tenant: TenantId,
    name: &str,
    actor: &Actor,
) -> Result<Role, Error> {
    let role = lock_role(change, tenant, name).await?;
    actor.holds.check(&role.scopes())?;
    Ok(role)
}

/// Locks a role, whatever it grants.
pub(super) async fn lock_role(change: &Change, tenant: TenantId, name: &str) -> Result<Role, Error> {
    match BuiltIn::from_name(name) {
        Some(role) => Ok(Role::BuiltIn(role)),
        None => {
            let own = change.lock_role(tenant, name).await?;
            Ok(Role::Own(own.ok_or_else(|| Error::RoleNotFound(name.to_owned()))?))
        }
    }
}
