//! Statements that look for rows which contradict each other.

use access::TenantId;
use pg::{Fault, column};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{Schema, Store};

/// Rows that contradict each other.
#[derive(Debug)]
pub struct Finding {
    /// As the statement numbers the kinds, from 1.
    pub kind: i32,
    pub request: Option<Uuid>,
    pub booking: Option<Uuid>,
    /// The row that the list is ordered by.
    pub id: Uuid,
}

impl Store {
    /// Findings after a kind and id.
    pub async fn list_inconsistencies(
        &self,
        schema: &Schema,
        tenant: TenantId,
        after: (i32, Uuid),
        limit: i64,
    ) -> Result<Vec<Finding>, Fault> {
        let params: [&(dyn ToSql + Sync); 4] = [&tenant.uuid(), &after.0, &after.1, &limit];
        let rows = self.db.query(tenant.uuid(), &schema.statements.list_inconsistencies, &params).await?;
        rows.iter()
            .map(|row| {
                Ok(Finding {
                    kind: column(row, "kind")?,
                    request: column(row, "booking_request_id")?,
                    booking: column(row, "booking_id")?,
                    id: column(row, "id")?,
                })
            })
            .collect()
    }
}
