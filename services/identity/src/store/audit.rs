//! Audit events. They are written as the last word of a change (`change.rs`).

use jiff::Timestamp;
use pg::{Columns, Fault};

use super::database::Store;
use crate::domain::audit::{Outcome, RecordedEvent};
use crate::domain::ids::{AuditEventId, SessionId, TenantId, UserId};

pg::statements! {
    /// Stores an event.
    InsertAuditEvent<'a> = "insert_audit_event" (
        id: AuditEventId, at: Timestamp, action: &'a str, outcome: &'a str, tenant: Option<TenantId>,
        user: Option<UserId>, session: Option<SessionId>, subject: &'a str, address: &'a str, request_id: &'a str
    );
    /// Events of a tenant and of its members.
    ListAuditEvents = "list_audit_events" (
        tenant: TenantId, before_at: Timestamp, before_id: AuditEventId, limit: i64
    );
}

impl Store {
    /// Events of a tenant before a position, newest first.
    pub async fn list_audit_events(
        &self,
        tenant: TenantId,
        (before_at, before_id): (Timestamp, AuditEventId),
        limit: i64,
    ) -> Result<Vec<RecordedEvent>, Fault> {
        Columns::all(&self.run(&ListAuditEvents { tenant, before_at, before_id, limit }).await?, event)
    }
}

fn event(row: &mut Columns<'_>) -> Result<RecordedEvent, Fault> {
    Ok(RecordedEvent {
        id: row.next("id")?,
        at: row.next("at")?,
        action: row.next("action")?,
        outcome: row.word("outcome", Outcome::from_word)?,
        user: row.next("user_id")?,
        session: row.next("session_id")?,
        subject: row.next("subject")?,
        address: row.next("address")?,
        request_id: row.next("request_id")?,
    })
}
