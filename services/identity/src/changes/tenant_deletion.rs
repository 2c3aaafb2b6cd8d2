//! The deletion of a tenant: asked for, taken back, and done when its time is over. From the
//! first on it is closed. What becomes of it in other services is theirs: they ask which
//! tenants are deleted, and are told of one from the moment on from which it cannot be
//! restored.

use jiff::SignedDuration;

use super::held::still_held_of_tenants;
use super::tenant::as_it_is;
use crate::actor::Actor;
use crate::domain::audit::AuditAction;
use crate::domain::field::InvalidField;
use crate::domain::ids::TenantId;
use crate::domain::tenant::Tenant;
use crate::error::Error;
use crate::store::{Change, Store};

/// How long it is known that a tenant's time is over before its deletion begins, by the clock
/// of the database. Whoever has brought back an older database can restore in it what was
/// restored since then.
const REST: SignedDuration = SignedDuration::from_hours(24);
/// How often it is noted that this is seen still. After twice as long without, it begins anew.
const LOOK: SignedDuration = SignedDuration::from_hours(1);

/// How far the deletion of a tenant is whose time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purge {
    /// It was seen now that its time is over.
    Due,
    /// That is known, and the deletion does not begin yet, or not any more.
    Waits,
    /// It has begun.
    Started,
}

/// Closes a tenant, to be deleted after the wait. One that is closed like that stays as it is.
pub async fn delete(store: &Store, id: TenantId, reason: &str, actor: &Actor) -> Result<Tenant, Error> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(InvalidField::new("reason", "is needed: the audit log keeps it").into());
    }
    Change::run(store, async |change| {
        still_held_of_tenants(&change, id, actor).await?;
        let Some(tenant) = change.delete_tenant(id, store.policy().tenant_wait).await? else {
            return as_it_is(store, change, id).await;
        };
        let deleted = actor.did(AuditAction::TenantDeleted).about(id).because(reason);
        change.note(&deleted.clone().in_tenant(id)).await?;
        change.finish(deleted).await?;
        Ok(tenant)
    })
    .await
}

/// Takes that back, as long as the deletion has not begun.
pub async fn restore(store: &Store, id: TenantId, actor: &Actor) -> Result<Tenant, Error> {
    Change::run(store, async |change| {
        still_held_of_tenants(&change, id, actor).await?;
        let Some(tenant) = change.restore_tenant(id).await? else {
            return as_it_is(store, change, id).await;
        };
        let restored = actor.did(AuditAction::TenantRestored).about(id);
        change.note(&restored.clone().in_tenant(id)).await?;
        change.finish(restored).await?;
        Ok(tenant)
    })
    .await
}

/// Begins the deletion of a tenant whose time is over, or goes on with one that was begun. The
/// first time it only says in the platform's log that the time is over.
pub async fn begin(store: &Store, id: TenantId, actor: &Actor) -> Result<Purge, Error> {
    Change::run(store, async |change| {
        if change.mark_purge_due(id, LOOK).await? {
            change.finish(actor.did(AuditAction::TenantPurgeDue).about(id)).await?;
            return Ok(Purge::Due);
        }
        let begun = change.begin_purge(id, REST, LOOK).await?;
        change.settle().await?;
        Ok(if begun { Purge::Started } else { Purge::Waits })
    })
    .await
}

/// Deletes a tenant of which everything is deleted, and says so in the platform's log, which
/// one of several servers does.
pub async fn end(store: &Store, id: TenantId, actor: &Actor) -> Result<(), Error> {
    Change::run(store, async |change| {
        if !change.end_purge(id).await? {
            return Ok(change.settle().await?);
        }
        Ok(change.finish(actor.did(AuditAction::TenantPurged).about(id)).await?)
    })
    .await
}
