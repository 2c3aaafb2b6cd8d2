//! What is here of tenants, and how it goes when they are deleted.

use access::TenantId;
use pg::{Columns, Fault, Query};
use uuid::Uuid;

use super::database::{Store, lost_row};
use crate::layout::SWEEPER;

/// Rows of each kind that one statement deletes, so that none lasts.
const PIECE: i64 = 500;

pg::statements! {
    /// Tenants that have something here.
    ListTenantsHere = "standard/list_tenants_here" | "single_table/list_tenants_here" (after_tenant: Uuid);
    /// The database of identity that was asked first.
    GetIdentity = "get_identity" ();
    /// That it is this one, unless one is noted.
    NoteIdentity = "note_identity" (database: Uuid);
    /// Deletes some requests of a tenant.
    DeleteRequestsOfTenants<'a> = "delete_requests_of_tenants" (tenants: &'a [Uuid], most: i64);
    /// Deletes some of what else a tenant has.
    DeleteRowsOfTenants<'a> = "delete_rows_of_tenants" (tenants: &'a [Uuid], most: i64);
}

impl Store {
    /// Tenants after one that have something here, a thousand at most.
    pub async fn list_tenants_here(&self, after_tenant: Uuid) -> Result<Vec<TenantId>, Fault> {
        self.read(async |schema| {
            let rows = schema.db.begin_as(SWEEPER).await?.run_last(&ListTenantsHere { after_tenant }).await?;
            Columns::all(&rows, |row| row.next("tenant_id").map(TenantId::of_stored_row))
        })
        .await
    }

    /// The database of identity that this one belongs to; if it knows none, this one.
    pub async fn know_identity(&self, database: Uuid) -> Result<Uuid, Fault> {
        if let Some(known) = self.known_identity().await? {
            return Ok(known);
        }
        self.read(async |schema| {
            schema.db.begin_as(SWEEPER).await?.run_last(&NoteIdentity { database }).await.map(drop)
        })
        .await?;
        // Another server may have noted one at the same time.
        self.known_identity().await?.ok_or_else(|| lost_row("the database of identity"))
    }

    async fn known_identity(&self) -> Result<Option<Uuid>, Fault> {
        self.read(async |schema| {
            let rows = schema.db.begin_as(SWEEPER).await?.run_last(&GetIdentity {}).await?;
            Columns::first(&rows, |row| row.next("database_id"))
        })
        .await
    }

    /// Deletes some of what is here of a tenant, and says how many rows: none is the rest. Nothing
    /// is said while another server is at it.
    pub async fn delete_of_tenant(&self, tenant: TenantId) -> Result<Option<i64>, Fault> {
        let tenants: &[Uuid] = &[tenant.uuid()];
        self.read(async |schema| {
            let delete = async |query: &dyn Query| {
                let rows = schema.db.begin_for(SWEEPER, tenants).await?.run_last(query).await?;
                let deleted = Columns::first(&rows, |row| row.next::<Option<i64>>("deleted"))?;
                deleted.ok_or_else(|| lost_row("a count of rows"))
            };
            if !schema.found.layout.request_is_its_booking() {
                let deleted = delete(&DeleteRequestsOfTenants { tenants, most: PIECE }).await?;
                if deleted != Some(0) {
                    return Ok(deleted);
                }
            }
            delete(&DeleteRowsOfTenants { tenants, most: PIECE }).await
        })
        .await
    }
}
