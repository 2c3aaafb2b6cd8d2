//! Tenants that are to be deleted, and what is left of those that are.

use jiff::{SignedDuration, Timestamp};
use pg::{Columns, Fault};
use uuid::Uuid;

use super::change::Change;
use super::database::{Store, lost_row};
use super::tenants::tenant;
use crate::domain::ids::TenantId;
use crate::domain::tenant::Tenant;

/// Rows of each kind that one statement deletes, so that none lasts.
const PIECE: i64 = 500;

pg::statements! {
    /// Closes a tenant until it is deleted, so many seconds from now, unless it is closed like
    /// that.
    DeleteTenant = "delete_tenant" (id: TenantId, at: Timestamp, wait: i64);
    /// Opens it again, unless its deletion has begun.
    RestoreTenant = "restore_tenant" (id: TenantId);
    /// Tenants whose time is over, after one.
    ListTenantsToPurge = "list_tenants_to_purge" (
        now: Timestamp, after_at: Timestamp, after_id: TenantId, limit: i64
    );
    /// Notes that a tenant's time is over, unless that was noted in the last so many seconds.
    MarkPurgeDue = "mark_purge_due" (id: TenantId, now: Timestamp, look: i64);
    /// Begins to delete a tenant, if that was noted so many seconds ago and is looked at still.
    BeginPurge = "begin_purge" (id: TenantId, now: Timestamp, rest: i64, look: i64);
    /// Deletes some of what belongs to it.
    PurgeTenant = "purge_tenant" (tenant: TenantId, most: i64);
    /// Deletes the tenant when nothing belongs to it any more.
    EndPurge = "end_purge" (id: TenantId);
    /// Which of some tenants are deleted, since so many seconds at least.
    FindDeletedTenants<'a> = "find_deleted_tenants" (ids: &'a [Uuid], settled: i64);
    /// Which database this is.
    GetDatabaseId = "get_database_id" ();
}

/// A tenant whose time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overdue {
    /// Since when.
    pub purge_at: Timestamp,
    pub id: TenantId,
}

impl Overdue {
    /// Before all of them.
    pub fn first() -> Self {
        Self { purge_at: Timestamp::UNIX_EPOCH, id: TenantId(Uuid::nil()) }
    }
}

impl Store {
    /// Tenants whose time is over, after one, those first that wait for longest.
    pub async fn list_tenants_to_purge(
        &self,
        now: Timestamp,
        after: Overdue,
        limit: i64,
    ) -> Result<Vec<Overdue>, Fault> {
        let Overdue { purge_at: after_at, id: after_id } = after;
        let list = ListTenantsToPurge { now, after_at, after_id, limit };
        Columns::all(&self.run(&list).await?, |row| {
            Ok(Overdue { id: row.next("id")?, purge_at: row.next("purge_at")? })
        })
    }

    /// Deletes some of what belongs to a tenant whose deletion has begun, and says how much; no
    /// more than another server has locked is left then.
    pub async fn purge_tenant(&self, tenant: TenantId) -> Result<i64, Fault> {
        let rows = self.run(&PurgeTenant { tenant, most: PIECE }).await?;
        Columns::first(&rows, |row| row.next("deleted"))?.ok_or_else(|| lost_row("a count of rows"))
    }

    /// Those of some tenants that are deleted, or about to be and never restored, for some time.
    pub async fn find_deleted_tenants(&self, ids: &[Uuid]) -> Result<Vec<Uuid>, Fault> {
        let settled = self.policy().deletions_told_after.as_secs();
        Columns::all(&self.run(&FindDeletedTenants { ids, settled }).await?, |row| row.next("id"))
    }

    /// An id that the database got when it was made and has kept.
    pub async fn database_id(&self) -> Result<Uuid, Fault> {
        let rows = self.run(&GetDatabaseId {}).await?;
        let found = Columns::first(&rows, |row| row.next("database_id"))?;
        found.ok_or_else(|| lost_row("the id of the database"))
    }
}

impl Change {
    /// The tenant, unless it is to be deleted already or there is none.
    pub async fn delete_tenant(&self, id: TenantId, wait: SignedDuration) -> Result<Option<Tenant>, Fault> {
        let delete = DeleteTenant { id, at: self.at(), wait: wait.as_secs() };
        Columns::first(&self.query(&delete).await?, tenant)
    }

    /// The tenant, unless it was not to be deleted or cannot be restored any more.
    pub async fn restore_tenant(&self, id: TenantId) -> Result<Option<Tenant>, Fault> {
        Columns::first(&self.query(&RestoreTenant { id }).await?, tenant)
    }

    /// Whether it was seen now for the first time that the tenant's time is over.
    pub async fn mark_purge_due(&self, id: TenantId, look: SignedDuration) -> Result<bool, Fault> {
        let mark = MarkPurgeDue { id, now: self.at(), look: look.as_secs() };
        Ok(Columns::first(&self.query(&mark).await?, |row| row.next("is_first"))?.unwrap_or(false))
    }

    /// Whether the deletion has begun, now or before.
    pub async fn begin_purge(
        &self,
        id: TenantId,
        rest: SignedDuration,
        look: SignedDuration,
    ) -> Result<bool, Fault> {
        let begin = BeginPurge { id, now: self.at(), rest: rest.as_secs(), look: look.as_secs() };
        Ok(!self.query(&begin).await?.is_empty())
    }

    /// Whether it was there to delete.
    pub async fn end_purge(&self, id: TenantId) -> Result<bool, Fault> {
        Ok(!self.query(&EndPurge { id }).await?.is_empty())
    }
}
