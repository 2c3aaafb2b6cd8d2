//! AuditService: what happened, in a tenant or outside of them.

use frontdesk_proto::identity::v1 as wire;
use frontdesk_proto::identity::v1::audit_service_server::AuditService;
use frontdesk_proto::{Refusal, paging};
use jiff::Timestamp;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::identity::Identity;
use super::wire::{id, id_or_empty, timestamp};
use crate::domain::audit::{Outcome, RecordedEvent};
use crate::domain::ids::AuditEventId;
use crate::error::Error;

#[tonic::async_trait]
impl AuditService for Identity {
    async fn list_audit_events(
        &self,
        request: Request<wire::ListAuditEventsRequest>,
    ) -> Result<Response<wire::ListAuditEventsResponse>, Status> {
        let (_, tenant) = self.in_tenant(&request, id("tenant_id", &request.get_ref().tenant_id)?)?;
        let wire::ListAuditEventsRequest { tenant_id: _, page_size, page_token, limit } =
            request.into_inner();
        let size = paging::size(page_size, limit)?;
        let before = place(b"audit events", &page_token)?;
        let mut found =
            self.store().list_audit_events(tenant, before, size + 1).await.map_err(Error::from)?;
        for event in &mut found {
            let stand_in = |session| self.watchers.revocations().stand_in(session);
            event.session = event.session.map(stand_in);
            if let Some(about) = event.about_session() {
                event.subject = stand_in(about).to_string();
            }
        }
        let (audit_events, next_page_token) = page(b"audit events", found, size);
        Ok(Response::new(wire::ListAuditEventsResponse { audit_events, next_page_token }))
    }

    async fn list_platform_audit_events(
        &self,
        request: Request<wire::ListPlatformAuditEventsRequest>,
    ) -> Result<Response<wire::ListPlatformAuditEventsResponse>, Status> {
        let wire::ListPlatformAuditEventsRequest { user_id, page_size, page_token, limit } =
            request.into_inner();
        let user = if user_id.is_empty() { None } else { Some(id("user_id", &user_id)?) };
        let list = [b"platform audit events ", user_id.as_bytes()].concat();
        let size = paging::size(page_size, limit)?;
        let before = place(&list, &page_token)?;
        let found = self.store().list_platform_audit_events(user, before, size + 1).await;
        let (audit_events, next_page_token) = page(&list, found.map_err(Error::from)?, size);
        Ok(Response::new(wire::ListPlatformAuditEventsResponse { audit_events, next_page_token }))
    }
}

/// Where a page begins.
fn place(list: &[u8], page_token: &str) -> Result<(Timestamp, AuditEventId), Refusal> {
    match paging::read_token(list, page_token)? {
        Some((at, id)) => Ok((at.parse().map_err(|_| paging::invalid_token())?, AuditEventId(id))),
        None => Ok((Timestamp::MAX, AuditEventId(Uuid::max()))),
    }
}

/// A page with the token of the next one.
fn page(list: &[u8], found: Vec<RecordedEvent>, size: i64) -> (Vec<wire::AuditEvent>, String) {
    let token = |event: &RecordedEvent| paging::token(list, &event.at.to_string(), event.id.0);
    let (events, next_page_token) = paging::split(found, size, token);
    (events.into_iter().map(event_to_wire).collect(), next_page_token)
}

fn event_to_wire(event: RecordedEvent) -> wire::AuditEvent {
    let RecordedEvent {
        id,
        at,
        action,
        outcome,
        tenant,
        user,
        session,
        api_key,
        issuer,
        method,
        subject,
        address,
        request_id,
        times,
        reason,
    } = event;
    wire::AuditEvent {
        id: id.to_string(),
        at: Some(timestamp(at)),
        action,
        success: outcome == Outcome::Success,
        user_id: id_or_empty(user),
        session_id: id_or_empty(session),
        subject,
        address,
        request_id,
        method,
        api_key_id: id_or_empty(api_key),
        issuer,
        times,
        tenant_id: id_or_empty(tenant),
        reason,
    }
}
