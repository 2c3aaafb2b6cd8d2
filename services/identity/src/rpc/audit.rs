//! AuditService: what happened in a tenant.

use frontdesk_proto::identity::v1 as wire;
use frontdesk_proto::identity::v1::audit_service_server::AuditService;
use frontdesk_proto::paging;
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
        let (at, id) = match paging::read_token(b"audit events", &page_token)? {
            Some((at, id)) => (at.parse().map_err(|_| paging::invalid_token())?, id),
            None => (Timestamp::MAX, Uuid::max()),
        };
        let before = (at, AuditEventId(id));
        let found = self.store().list_audit_events(tenant, before, size + 1).await.map_err(Error::from)?;
        let (events, next_page_token) = paging::split(found, size, |event| {
            paging::token(b"audit events", &event.at.to_string(), event.id.0)
        });
        let audit_events = events.into_iter().map(event_to_wire).collect();
        Ok(Response::new(wire::ListAuditEventsResponse { audit_events, next_page_token }))
    }
}

fn event_to_wire(event: RecordedEvent) -> wire::AuditEvent {
    let RecordedEvent { id, at, action, outcome, user, session, subject, address, request_id } = event;
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
    }
}
