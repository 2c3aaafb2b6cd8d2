//! Audit events.

use jiff::Timestamp;
use pg::{Fault, Tx, column};
use uuid::Uuid;

use super::{Store, all, named_statements};
use crate::actor::{AuditEvent, Context};

named_statements! {
    INSERT_AUDIT_EVENT = "insert_audit_event";
    LIST_AUDIT_EVENTS = "list_audit_events";
}

/// A stored event.
#[derive(Debug)]
pub struct AuditRow {
    pub id: Uuid,
    pub at: Timestamp,
    pub action: String,
    pub success: bool,
    pub user: Option<Uuid>,
    pub session: Option<Uuid>,
    pub subject: String,
    pub address: String,
    pub request_id: String,
}

impl Store {
    pub async fn audit(&self, event: AuditEvent<'_>, at: Timestamp) -> Result<(), Fault> {
        self.audit_and_commit(self.begin().await?, event, at).await
    }

    /// The event is the last statement of what it tells about.
    pub async fn audit_and_commit(&self, tx: Tx, event: AuditEvent<'_>, at: Timestamp) -> Result<(), Fault> {
        let AuditEvent { action, success, tenant, user, session, subject, context } = event;
        let outcome = if success { "success" } else { "failure" };
        let Context { address, request_id, .. } = context;
        let address = address.map(|address| address.to_string()).unwrap_or_default();
        tx.commit_with(
            INSERT_AUDIT_EVENT,
            &[
                &Uuid::now_v7(),
                &at,
                &action,
                &outcome,
                &tenant,
                &user,
                &session,
                &subject,
                &address,
                request_id,
            ],
        )
        .await
        .map(drop)
    }

    /// Events of a tenant before a position, newest first.
    pub async fn list_audit_events(
        &self,
        tenant: Uuid,
        before: (Timestamp, Uuid),
        limit: i64,
    ) -> Result<Vec<AuditRow>, Fault> {
        let rows = self.db.query_global(LIST_AUDIT_EVENTS, &[&tenant, &before.0, &before.1, &limit]).await?;
        all(&rows, |row| {
            Ok(AuditRow {
                id: column(row, "id")?,
                at: column(row, "at")?,
                action: column(row, "action")?,
                success: column::<&str>(row, "outcome")? == "success",
                user: column(row, "user_id")?,
                session: column(row, "session_id")?,
                subject: column(row, "subject")?,
                address: column(row, "address")?,
                request_id: column(row, "request_id")?,
            })
        })
    }
}
