//! Statements that look for rows which contradict each other.

use access::TenantId;
use pg::{Columns, Fault, Kind};
use uuid::Uuid;

use super::database::Store;
use crate::domain::ids::RowId;
use crate::domain::inconsistency::{Inconsistency, InconsistencyKind};
use crate::domain::listing::After;

pg::statements! {
    /// Rows that contradict each other, by kind.
    ListInconsistencies = "list_inconsistencies" (tenant: Uuid, after_kind: i32, after_id: RowId, most: i64);
}

impl Store {
    /// Rows that contradict each other, after the number of a kind and a row.
    pub async fn list_inconsistencies(
        &self,
        tenant: TenantId,
        after: &After<i32>,
        most: i64,
    ) -> Result<Vec<Inconsistency>, Fault> {
        let tenant = tenant.uuid();
        self.read(async |schema| {
            let list = ListInconsistencies { tenant, after_kind: after.key, after_id: after.id, most };
            Columns::all(&schema.db.run(tenant, &list).await?, inconsistency)
        })
        .await
    }
}

fn inconsistency(row: &mut Columns<'_>) -> Result<Inconsistency, Fault> {
    let number: i32 = row.next("kind")?;
    let kind = InconsistencyKind::from_number(number)
        .ok_or_else(|| Fault::new(Kind::Other, format!("an inconsistency of the kind {number}")))?;
    Ok(Inconsistency {
        kind,
        request: row.next("booking_request_id")?,
        booking: row.next("booking_id")?,
        row: row.next("id")?,
    })
}
