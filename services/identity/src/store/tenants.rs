//! Tenants.

use jiff::Timestamp;
use pg::{Columns, Fault};

use super::change::Change;
use super::constraints::{TENANTS_KEY, TENANTS_SLUG};
use super::database::Store;
use crate::domain::factor::SecondFactorPolicy;
use crate::domain::ids::TenantId;
use crate::domain::tenant::{Deletion, Tenant};
use crate::error::{Error, Existing};

/// What [`tenant`] reads.
pub(super) const COLUMNS: &str =
    "t.id, t.slug, t.name, t.created_at, t.suspended_at, t.deleted_at, t.purge_at";

pg::statements! {
    /// Stores a tenant.
    InsertTenant<'a> = "insert_tenant" (id: TenantId, slug: &'a str, name: &'a str, created_at: Timestamp);
    /// Gives a tenant another name.
    RenameTenant<'a> = "rename_tenant" (id: TenantId, name: &'a str);
    /// Suspends a tenant, unless it is.
    SuspendTenant = "suspend_tenant" (id: TenantId, at: Timestamp);
    /// Ends that.
    ResumeTenant = "resume_tenant" (id: TenantId);
    /// A tenant by its id.
    GetTenant = "get_tenant" (id: TenantId);
    /// A tenant by its slug.
    FindTenant<'a> = "find_tenant" (slug: &'a str);
    /// Of whom a tenant asks two factors.
    GetSecondFactorPolicy = "get_second_factor_policy" (id: TenantId);
    /// Says of whom.
    SetSecondFactorPolicy<'a> = "set_second_factor_policy" (id: TenantId, policy: &'a str);
    /// Tenants in the order of their slugs.
    ListTenants<'a> = "list_tenants" (after_slug: &'a str, after_id: TenantId, limit: i64);
}

impl Store {
    pub async fn get_tenant(&self, id: TenantId) -> Result<Option<Tenant>, Fault> {
        Columns::first(&self.run(&GetTenant { id }).await?, tenant)
    }

    pub async fn find_tenant(&self, slug: &str) -> Result<Option<Tenant>, Fault> {
        Columns::first(&self.run(&FindTenant { slug }).await?, tenant)
    }

    /// Of whom a tenant asks two factors.
    pub async fn get_second_factor_policy(&self, id: TenantId) -> Result<Option<SecondFactorPolicy>, Fault> {
        let rows = self.run(&GetSecondFactorPolicy { id }).await?;
        Columns::first(&rows, |row| row.word("second_factor", SecondFactorPolicy::from_word))
    }

    /// Tenants after a slug and id.
    pub async fn list_tenants(
        &self,
        (after_slug, after_id): (&str, TenantId),
        limit: i64,
    ) -> Result<Vec<Tenant>, Fault> {
        Columns::all(&self.run(&ListTenants { after_slug, after_id, limit }).await?, tenant)
    }
}

impl Change {
    /// Whether there is such a tenant.
    pub async fn set_second_factor_policy(
        &self,
        id: TenantId,
        policy: SecondFactorPolicy,
    ) -> Result<bool, Fault> {
        let set = SetSecondFactorPolicy { id, policy: policy.word() };
        Ok(!self.query(&set).await?.is_empty())
    }

    pub async fn insert_tenant(&self, new: &Tenant) -> Result<Tenant, Error> {
        let Tenant { id, slug, name, created_at, suspended_at: _, deletion: _ } = new;
        let insert = InsertTenant { id: *id, slug, name, created_at: *created_at };
        let rows = self.query(&insert).await.map_err(|fault| {
            if fault.on_constraint(TENANTS_SLUG) || fault.on_constraint(TENANTS_KEY) {
                Error::AlreadyExists(Existing::Tenant)
            } else {
                fault.into()
            }
        })?;
        Columns::first(&rows, tenant)?.ok_or(Error::AlreadyExists(Existing::DeletedTenant))
    }
}

impl Change {
    pub async fn rename_tenant(&self, id: TenantId, name: &str) -> Result<Option<Tenant>, Fault> {
        Columns::first(&self.query(&RenameTenant { id, name }).await?, tenant)
    }

    pub async fn suspend_tenant(&self, id: TenantId) -> Result<Option<Tenant>, Fault> {
        Columns::first(&self.query(&SuspendTenant { id, at: self.at() }).await?, tenant)
    }

    pub async fn resume_tenant(&self, id: TenantId) -> Result<Option<Tenant>, Fault> {
        Columns::first(&self.query(&ResumeTenant { id }).await?, tenant)
    }
}

pub(super) fn tenant(row: &mut Columns<'_>) -> Result<Tenant, Fault> {
    Ok(Tenant {
        id: row.next("id")?,
        slug: row.next("slug")?,
        name: row.next("name")?,
        created_at: row.next("created_at")?,
        suspended_at: row.next("suspended_at")?,
        deletion: deletion(row.next("deleted_at")?, row.next("purge_at")?),
    })
}

fn deletion(asked_at: Option<Timestamp>, purge_at: Option<Timestamp>) -> Option<Deletion> {
    asked_at.zip(purge_at).map(|(asked_at, purge_at)| Deletion { asked_at, purge_at })
}
