//! Statements about what happened, and about what runs out.

use access::TenantId;
use jiff::Timestamp;
use pg::{Fault, column};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{DELETE_OLD_KEYS, LIST_DUE_HOLDS, Schema, Store, deed, lost_row};
use crate::domain::approval::Evidence;
use crate::domain::ids::{BookingId, BookingRequestId, PropertyId};

/// The role that sees what runs out in all tenants, and nothing else.
const SWEEPER: &str = "frontdesk_booking_sweeper";

/// Something that happened.
#[derive(Debug)]
pub struct Event {
    pub id: Uuid,
    pub at: Timestamp,
    pub request: Option<BookingRequestId>,
    pub booking: Option<BookingId>,
    pub action: String,
    pub actor: Option<Uuid>,
    pub evidence: Option<Evidence>,
}

/// A place in a tenant's feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedCursor {
    /// As the database numbers it.
    pub position: i64,
    pub at: Timestamp,
    pub id: Uuid,
}

impl FeedCursor {
    /// The place before every event of a position.
    pub fn before(position: i64) -> Self {
        Self { position, at: Timestamp::UNIX_EPOCH, id: Uuid::nil() }
    }
}

impl Store {
    /// Events of a request after a place, oldest first.
    pub async fn list_events(
        &self,
        schema: &Schema,
        tenant: TenantId,
        id: BookingRequestId,
        after: (Timestamp, Uuid),
        limit: i64,
    ) -> Result<Vec<Event>, Fault> {
        let params: [&(dyn ToSql + Sync); 5] = [&tenant.uuid(), &id.0, &after.0, &after.1, &limit];
        let rows = self.db.query(tenant.uuid(), &schema.statements.list_events, &params).await?;
        rows.iter().map(event).collect()
    }

    /// Events of a tenant behind a place, in the feed's order, as far as nothing
    /// can appear before them any more.
    pub async fn read_feed(
        &self,
        schema: &Schema,
        tenant: TenantId,
        after: FeedCursor,
        property: Option<PropertyId>,
        limit: i64,
    ) -> Result<Vec<(Event, FeedCursor)>, Fault> {
        let property = property.map(|id| id.0);
        let params: [&(dyn ToSql + Sync); 6] =
            [&tenant.uuid(), &after.position, &after.at, &after.id, &property, &limit];
        let rows = self.db.query(tenant.uuid(), &schema.statements.read_feed, &params).await?;
        rows.iter()
            .map(|row| {
                let event = event(row)?;
                let cursor = FeedCursor { position: column(row, "position")?, at: event.at, id: event.id };
                Ok((event, cursor))
            })
            .collect()
    }

    /// The place in the feed behind everything that is complete.
    pub async fn feed_end(&self, schema: &Schema, tenant: TenantId) -> Result<FeedCursor, Fault> {
        let row = self.first(tenant, &schema.statements.feed_end, &[&tenant.uuid()]).await?;
        Ok(FeedCursor::before(column(&row.ok_or_else(|| lost_row("the feed's end"))?, "position")?))
    }

    /// Requests of all tenants whose holds have run out.
    pub async fn list_due_holds(&self, at: Timestamp) -> Result<Vec<(TenantId, BookingRequestId)>, Fault> {
        let tx = self.db.begin_as(SWEEPER).await?;
        let rows = tx.query(LIST_DUE_HOLDS, &[&at]).await?;
        tx.commit().await?;
        rows.iter()
            .map(|row| {
                Ok((TenantId::of_stored_row(column(row, "tenant_id")?), BookingRequestId(column(row, "id")?)))
            })
            .collect()
    }

    /// Forgets answers that are no longer kept.
    pub async fn delete_old_keys(&self, at: Timestamp) -> Result<(), Fault> {
        let tx = self.db.begin_as(SWEEPER).await?;
        tx.commit_with(DELETE_OLD_KEYS, &[&(at - deed::KEYS_KEPT)]).await.map(drop)
    }
}

fn event(row: &Row) -> Result<Event, Fault> {
    Ok(Event {
        id: column(row, "id")?,
        at: column(row, "at")?,
        request: column::<Option<Uuid>>(row, "booking_request_id")?.map(BookingRequestId),
        booking: column::<Option<Uuid>>(row, "booking_id")?.map(BookingId),
        action: column(row, "action")?,
        actor: column(row, "actor")?,
        evidence: Evidence::from_name(column(row, "evidence")?),
    })
}
