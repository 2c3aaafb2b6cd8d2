//! Tenants: created, renamed, suspended and resumed.

use crate::actor::Actor;
use crate::domain::audit::AuditAction;
use crate::domain::field;
use crate::domain::ids::TenantId;
use crate::domain::tenant::Tenant;
use crate::error::Error;
use crate::store::{Change, Store};

/// Creates a tenant.
pub async fn create(
    store: &Store,
    id: TenantId,
    slug: &str,
    name: &str,
    actor: &Actor,
) -> Result<Tenant, Error> {
    field::slug("slug", slug)?;
    let name = field::name("name", name, false)?;
    Change::run(store, async |change| {
        let (slug, name, created_at) = (slug.to_owned(), name.clone(), change.at());
        let tenant = Tenant { id, slug, name, created_at, suspended_at: None };
        let stored = change.insert_tenant(&tenant).await?;
        change.finish(actor.did(AuditAction::TenantCreated).in_tenant(id).about(&stored.slug)).await?;
        Ok(stored)
    })
    .await
}

/// Gives a tenant another name; its short name stays.
pub async fn rename(store: &Store, id: TenantId, name: &str, actor: &Actor) -> Result<Tenant, Error> {
    let name = field::name("name", name, false)?;
    Change::run(store, async |change| {
        let tenant = change.rename_tenant(id, &name).await?.ok_or(Error::TenantNotFound)?;
        change.finish(actor.did(AuditAction::TenantRenamed).in_tenant(id)).await?;
        Ok(tenant)
    })
    .await
}

/// Suspends a tenant: its members and keys do nothing in it.
pub async fn suspend(store: &Store, id: TenantId, actor: &Actor) -> Result<Tenant, Error> {
    Change::run(store, async |change| {
        let tenant = change.suspend_tenant(id).await?.ok_or(Error::TenantNotFound)?;
        change.finish(actor.did(AuditAction::TenantSuspended).in_tenant(id)).await?;
        Ok(tenant)
    })
    .await
}

/// Ends the suspension of a tenant.
pub async fn resume(store: &Store, id: TenantId, actor: &Actor) -> Result<Tenant, Error> {
    Change::run(store, async |change| {
        let tenant = change.resume_tenant(id).await?.ok_or(Error::TenantNotFound)?;
        change.finish(actor.did(AuditAction::TenantResumed).in_tenant(id)).await?;
        Ok(tenant)
    })
    .await
}
