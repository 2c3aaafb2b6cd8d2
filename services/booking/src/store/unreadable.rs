//! Statements about properties and customers that hold what cannot be shown. Where the rows
//! to be judged come from is not known here.

use pg::{Columns, Fault, Tx};
use uuid::Uuid;

use super::change::Change;
use crate::domain::ids::{GuestId, PropertyId, RowId};
use crate::domain::inconsistency::{Inconsistency, Subject};
use crate::domain::judgement::{self, UnreadableFacts};
use crate::domain::rules;
use crate::domain::version::Version;

pg::statements! {
    /// Properties of a walk through all of them.
    NextProperties = "next_properties" (tenant: Uuid, after_id: RowId, most: i64);
    /// Customers of a walk through all of them.
    NextCustomers = "next_customers" (tenant: Uuid, after_id: RowId, most: i64);
    /// What properties hold that cannot be shown.
    ListUnreadableProperties<'a> = "list_unreadable_properties" (tenant: Uuid, rows: &'a [RowId]);
    /// Customers that hold what cannot be shown.
    ListUnreadableCustomers<'a> = "list_unreadable_customers" (tenant: Uuid, rows: &'a [RowId]);
}

/// A property or a customer, locked.
#[derive(Debug)]
pub(super) struct Record {
    /// Its version as it is shown.
    pub version: Version,
    /// What it holds that cannot be shown.
    pub unreadable: Option<UnreadableFacts>,
}

/// The next properties of a walk, and whether each is to be judged.
pub(super) async fn next_properties(
    tx: &Tx,
    tenant: Uuid,
    after_id: RowId,
    most: i64,
) -> Result<Vec<(RowId, bool)>, Fault> {
    let rows = tx.run(&NextProperties { tenant, after_id, most }).await?;
    Columns::all(&rows, |row| {
        let (id, suspect): (RowId, bool) = (row.next("id")?, row.next("suspect")?);
        Ok((id, suspect || !has_zone(row)?))
    })
}

/// The next customers of a walk, and whether each is to be judged.
pub(super) async fn next_customers(
    tx: &Tx,
    tenant: Uuid,
    after_id: RowId,
    most: i64,
) -> Result<Vec<(RowId, bool)>, Fault> {
    let rows = tx.run(&NextCustomers { tenant, after_id, most }).await?;
    Columns::all(&rows, |row| Ok((row.next("id")?, row.next("suspect")?)))
}

/// What is wrong with these properties and customers.
pub(super) async fn judge(
    tx: &Tx,
    tenant: Uuid,
    properties: &[RowId],
    customers: &[RowId],
) -> Result<Vec<Inconsistency>, Fault> {
    let mut facts = unreadable_properties(tx, tenant, properties).await?;
    facts.extend(unreadable_customers(tx, tenant, customers).await?);
    Ok(facts.iter().filter_map(judgement::of_unreadable).collect())
}

async fn unreadable_properties(tx: &Tx, tenant: Uuid, rows: &[RowId]) -> Result<Vec<UnreadableFacts>, Fault> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let found = tx.run(&ListUnreadableProperties { tenant, rows }).await?;
    let mut facts = Columns::all(&found, |row| {
        let (id, mut columns): (RowId, Vec<String>) = (row.next("id")?, row.next("columns")?);
        let row_version = row.next("row_version")?;
        if !has_zone(row)? {
            columns.push("time_zone".to_owned());
        }
        Ok(UnreadableFacts { row: id, subject: Subject::Property, columns, row_version })
    })?;
    facts.retain(|facts| !facts.columns.is_empty());
    Ok(facts)
}

async fn unreadable_customers(tx: &Tx, tenant: Uuid, rows: &[RowId]) -> Result<Vec<UnreadableFacts>, Fault> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let found = tx.run(&ListUnreadableCustomers { tenant, rows }).await?;
    Columns::all(&found, |row| {
        let (id, columns, row_version) = (row.next("id")?, row.next("columns")?, row.next("row_version")?);
        Ok(UnreadableFacts { row: id, subject: Subject::Customer, columns, row_version })
    })
}

/// Whether the next column is the name of a time zone.
fn has_zone(row: &mut Columns<'_>) -> Result<bool, Fault> {
    Ok(row.or_empty::<Option<String>>("time_zone")?.is_some_and(|zone| rules::is_zone(&zone)))
}

impl Change {
    /// Locks a property or a customer, whatever it holds. `None` when the tenant has neither.
    pub(super) async fn lock_record(&mut self, row: RowId) -> Result<Option<Record>, Fault> {
        let tenant = self.tenant();
        if let Some(property) = self.lock_changed_property(PropertyId(row.0)).await? {
            let unreadable = unreadable_properties(&self.tx, tenant, &[row]).await?.pop();
            return Ok(Some(Record { version: Version::of(&property), unreadable }));
        }
        let Some(customer) = self.lock_customer(GuestId(row.0)).await? else { return Ok(None) };
        let unreadable = unreadable_customers(&self.tx, tenant, &[row]).await?.pop();
        Ok(Some(Record { version: Version::of(&customer), unreadable }))
    }
}
