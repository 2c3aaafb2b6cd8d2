//! Tenants: created, renamed, suspended and resumed.

use jiff::Timestamp;

use super::held::still_held_of_tenants;
use crate::actor::{Actor, AuditEvent};
use crate::domain::audit::AuditAction;
use crate::domain::field;
use crate::domain::ids::TenantId;
use crate::domain::tenant::Tenant;
use crate::error::Error;
use crate::store::{Change, Store};

/// A tenant to create.
#[derive(Debug)]
pub struct NewTenant<'call> {
    /// Its id.
    pub id: TenantId,
    /// Short name, unique.
    pub slug: &'call str,
    /// Name shown to people.
    pub name: &'call str,
}

impl NewTenant<'_> {
    /// As it is to be stored, but for when.
    pub(super) fn checked(self) -> Result<Tenant, Error> {
        let Self { id, slug, name } = self;
        field::slug("slug", slug)?;
        let (slug, name) = (slug.to_owned(), field::name("name", name, false)?);
        Ok(Tenant { id, slug, name, created_at: Timestamp::default(), suspended_at: None, deletion: None })
    }
}

/// Creates a tenant without an owner.
pub async fn create(store: &Store, new: NewTenant<'_>, actor: &Actor) -> Result<Tenant, Error> {
    let new = new.checked()?;
    Change::run(store, async |change| {
        let (stored, created) = put(&change, &new, actor).await?;
        change.finish(created).await?;
        Ok(stored)
    })
    .await
}

/// Stores a tenant; what happened is for the caller to record.
pub(super) async fn put<'call>(
    change: &Change,
    new: &Tenant,
    actor: &'call Actor,
) -> Result<(Tenant, AuditEvent<'call>), Error> {
    let stored = change.insert_tenant(&Tenant { created_at: change.at(), ..new.clone() }).await?;
    let created = actor.did(AuditAction::TenantCreated).in_tenant(stored.id).about(&stored.slug);
    Ok((stored, created))
}

/// Gives a tenant another name; its short name stays.
pub async fn rename(store: &Store, id: TenantId, name: &str, actor: &Actor) -> Result<Tenant, Error> {
    let name = field::name("name", name, false)?;
    Change::run(store, async |change| {
        still_held_of_tenants(&change, id, actor).await?;
        let tenant = change.rename_tenant(id, &name).await?.ok_or(Error::TenantNotFound)?;
        change.finish(actor.did(AuditAction::TenantRenamed).in_tenant(id)).await?;
        Ok(tenant)
    })
    .await
}

/// Suspends a tenant: its members and keys do nothing in it. One that is suspended stays as it is.
pub async fn suspend(store: &Store, id: TenantId, actor: &Actor) -> Result<Tenant, Error> {
    Change::run(store, async |change| {
        still_held_of_tenants(&change, id, actor).await?;
        let Some(tenant) = change.suspend_tenant(id).await? else {
            return as_it_is(store, change, id).await;
        };
        change.finish(actor.did(AuditAction::TenantSuspended).in_tenant(id)).await?;
        Ok(tenant)
    })
    .await
}

/// Ends the suspension of a tenant, if it is suspended.
pub async fn resume(store: &Store, id: TenantId, actor: &Actor) -> Result<Tenant, Error> {
    Change::run(store, async |change| {
        still_held_of_tenants(&change, id, actor).await?;
        let Some(tenant) = change.resume_tenant(id).await? else {
            return as_it_is(store, change, id).await;
        };
        change.finish(actor.did(AuditAction::TenantResumed).in_tenant(id)).await?;
        Ok(tenant)
    })
    .await
}

/// Nothing was to be done.
pub(super) async fn as_it_is(store: &Store, change: Change, id: TenantId) -> Result<Tenant, Error> {
    change.settle().await?;
    store.get_tenant(id).await?.ok_or(Error::TenantNotFound)
}
