//! Roles of tenants: created, given other scopes, deleted.

use super::held::still_held;
use crate::actor::Actor;
use crate::domain::audit::AuditAction;
use crate::domain::field;
use crate::domain::ids::TenantId;
use crate::domain::roles::{BuiltIn, OwnRole};
use crate::domain::scopes::MANAGE_TENANT;
use crate::error::{Error, Existing, Reason, Refusal};
use crate::store::{Change, Store};

/// Creates a role of a tenant.
pub async fn create(store: &Store, tenant: TenantId, role: &OwnRole, actor: &Actor) -> Result<(), Error> {
    field::slug("name", &role.name)?;
    if BuiltIn::from_name(&role.name).is_some() {
        return Err(Error::AlreadyExists(Existing::BuiltInRole));
    }
    actor.holds.check(&role.scopes)?;
    Change::run(store, async |change| {
        still_held(&change, tenant, actor, MANAGE_TENANT).await?.check(&role.scopes)?;
        change.insert_role(tenant, role).await?;
        change.finish(actor.did(AuditAction::RoleCreated).in_tenant(tenant).about(&role.name)).await?;
        Ok(())
    })
    .await
}

/// Replaces the scopes of a role of a tenant. Both what is given and what is
/// taken must be held. Where something is taken, what members with the role offered ends, and where
/// something is given, what was offered with the role: nobody offers more than they held.
pub async fn update(store: &Store, tenant: TenantId, role: &OwnRole, actor: &Actor) -> Result<(), Error> {
    refuse_built_in(&role.name)?;
    Change::run(store, async |change| {
        // No invitation comes beside it.
        change.lock_tenant(tenant).await?;
        let held = still_held(&change, tenant, actor, MANAGE_TENANT).await?;
        let old = change.lock_role(tenant, &role.name).await?;
        let old = old.ok_or_else(|| Error::RoleNotFound(role.name.clone()))?;
        let given: Vec<_> = role.scopes.iter().filter(|scope| !old.scopes.contains(scope)).collect();
        let taken: Vec<_> = old.scopes.iter().filter(|scope| !role.scopes.contains(scope)).collect();
        let changed = || given.iter().chain(&taken).copied();
        actor.holds.check(changed())?;
        held.check(changed())?;
        change.update_role(tenant, role).await?;
        if !taken.is_empty() {
            change.revoke_invitations_of_role(tenant, &role.name).await?;
        }
        if !given.is_empty() {
            change.revoke_invitations_to_role(tenant, &role.name).await?;
        }
        change.finish(actor.did(AuditAction::RoleUpdated).in_tenant(tenant).about(&role.name)).await?;
        Ok(())
    })
    .await
}

/// Deletes a role that nobody has. What was offered with it ends: another role may get its name.
pub async fn delete(store: &Store, tenant: TenantId, name: &str, actor: &Actor) -> Result<(), Error> {
    refuse_built_in(name)?;
    Change::run(store, async |change| {
        change.lock_tenant(tenant).await?;
        still_held(&change, tenant, actor, MANAGE_TENANT).await?;
        if !change.delete_role(tenant, name).await? {
            return Err(Error::RoleNotFound(name.to_owned()));
        }
        change.revoke_invitations_to_role(tenant, name).await?;
        change.finish(actor.did(AuditAction::RoleDeleted).in_tenant(tenant).about(name)).await?;
        Ok(())
    })
    .await
}

fn refuse_built_in(name: &str) -> Result<(), Error> {
    if BuiltIn::from_name(name).is_none() {
        return Ok(());
    }
    Err(Refusal::new(
        Reason::RoleInUse,
        "Built-in roles are the same in every tenant and cannot be changed. Create a role of your own.",
    )
    .into())
}
