//! Tenants: created.

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
        let tenant = Tenant { id, slug: slug.to_owned(), name: name.clone(), created_at: change.at() };
        let stored = change.insert_tenant(&tenant).await?;
        change.finish(actor.did(AuditAction::TenantCreated).in_tenant(id).about(slug)).await?;
        Ok(stored)
    })
    .await
}
