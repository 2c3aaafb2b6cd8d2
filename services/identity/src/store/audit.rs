//! Audit events. They are written as the last word of a change (`change.rs`), and
//! forgotten in pieces, by a function that keeps those of the last month from whoever asks
//! (`migrations/identity`).

use jiff::Timestamp;
use pg::{Columns, Fault};

use super::database::Store;
use crate::actor::{AuditEvent, Place};
use crate::domain::audit::{Outcome, RecordedEvent};
use crate::domain::ids::{ApiKeyId, AuditEventId, SessionId, TenantId, UserId};

pg::statements! {
    /// Stores an event.
    InsertAuditEvent<'a> = "insert_audit_event" (
        id: AuditEventId, at: Timestamp, action: &'a str, outcome: &'a str, tenant: Option<TenantId>,
        own: Option<UserId>, subject_user: Option<UserId>, user: Option<UserId>, session: Option<SessionId>,
        api_key: Option<ApiKeyId>, issuer: &'a str, method: &'a str, subject: &'a str, beside: &'a str,
        address: &'a str, request_id: &'a str, times: i32, reason: &'a str, acting_client: Option<ApiKeyId>
    );
    /// Events of a tenant.
    ListAuditEvents = "list_audit_events" (
        tenant: TenantId, before_at: Timestamp, before_id: AuditEventId, limit: i64
    );
    /// Events of no tenant.
    ListPlatformAuditEvents = "list_platform_audit_events" (
        before_at: Timestamp, before_id: AuditEventId, limit: i64
    );
    /// What a user did, in whatever tenant.
    ListAuditEventsOfUser = "list_audit_events_of_user" (
        user: UserId, before_at: Timestamp, before_id: AuditEventId, limit: i64
    );
    /// Events of a tenant after a position, oldest first.
    ExportAuditEvents = "export_audit_events" (
        tenant: TenantId, after_at: Timestamp, after_id: AuditEventId, until: Timestamp, limit: i64
    );
    /// Events of no tenant after a position, oldest first.
    ExportPlatformAuditEvents = "export_platform_audit_events" (
        after_at: Timestamp, after_id: AuditEventId, until: Timestamp, limit: i64
    );
    /// Forgets what is old, so many at most.
    ForgetAuditEvents = "forget_audit_events" (before: Timestamp, most: i32);
}

impl<'event> InsertAuditEvent<'event> {
    /// Stores an event that happened at a time, from an address.
    pub fn of(event: &'event AuditEvent<'_>, id: AuditEventId, address: &'event str, at: Timestamp) -> Self {
        let AuditEvent {
            action,
            outcome,
            place,
            user,
            session,
            api_key,
            issuer,
            subject,
            beside,
            times,
            reason,
            acting_client,
            context,
        } = event;
        let (tenant, own, subject_user) = match *place {
            Place::Platform => (None, None, None),
            Place::Tenant(tenant) => (Some(tenant), None, None),
            Place::Own => (None, *user, None),
            Place::PlatformAndTenantsOf(subject) => (None, None, Some(subject)),
        };
        Self {
            id,
            at,
            action: action.word(),
            outcome: outcome.word(),
            tenant,
            own,
            subject_user,
            user: *user,
            session: *session,
            api_key: *api_key,
            issuer,
            method: &context.method,
            subject,
            beside,
            address,
            request_id: &context.request_id,
            times: *times,
            reason,
            acting_client: *acting_client,
        }
    }
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

    /// Events of no tenant, or of one user in whatever tenant, before a position, newest first.
    pub async fn list_platform_audit_events(
        &self,
        user: Option<UserId>,
        (before_at, before_id): (Timestamp, AuditEventId),
        limit: i64,
    ) -> Result<Vec<RecordedEvent>, Fault> {
        let rows = match user {
            Some(user) => self.run(&ListAuditEventsOfUser { user, before_at, before_id, limit }).await?,
            None => self.run(&ListPlatformAuditEvents { before_at, before_id, limit }).await?,
        };
        Columns::all(&rows, event)
    }

    /// Events of a tenant, or of none, after a position and before a time, oldest first.
    pub async fn export_audit_events(
        &self,
        tenant: Option<TenantId>,
        (after_at, after_id): (Timestamp, AuditEventId),
        until: Timestamp,
        limit: i64,
    ) -> Result<Vec<RecordedEvent>, Fault> {
        let rows = match tenant {
            Some(tenant) => self.run(&ExportAuditEvents { tenant, after_at, after_id, until, limit }).await?,
            None => self.run(&ExportPlatformAuditEvents { after_at, after_id, until, limit }).await?,
        };
        Columns::all(&rows, event)
    }

    /// Forgets events from before a time and returns how many.
    pub async fn forget_audit_events(&self, before: Timestamp, most: i32) -> Result<i64, Fault> {
        let rows = self.run(&ForgetAuditEvents { before, most }).await?;
        Columns::first(&rows, |row| row.next("forgotten")).map(Option::unwrap_or_default)
    }
}

fn event(row: &mut Columns<'_>) -> Result<RecordedEvent, Fault> {
    Ok(RecordedEvent {
        id: row.next("id")?,
        at: row.next("at")?,
        action: row.next("action")?,
        outcome: row.word("outcome", Outcome::from_word)?,
        tenant: row.next("tenant_id")?,
        user: row.next("user_id")?,
        session: row.next("session_id")?,
        api_key: row.next("api_key_id")?,
        issuer: row.next("issuer")?,
        method: row.next("method")?,
        subject: row.next("subject")?,
        address: row.next("address")?,
        request_id: row.next("request_id")?,
        times: row.next("times")?,
        reason: row.next("reason")?,
        acting_client: row.next("acting_client_id")?,
    })
}
