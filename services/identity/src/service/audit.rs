//! AuditService.

use frontdesk_proto::identity::v1 as wire;
use frontdesk_proto::identity::v1::audit_service_server::AuditService;
use frontdesk_proto::paging;
use jiff::Timestamp;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Identity, id_to_wire, timestamp_to_wire};
use crate::error::Error;
use crate::store::AuditRow;

#[tonic::async_trait]
impl AuditService for Identity {
    async fn list_audit_events(
        &self,
        request: Request<wire::ListAuditEventsRequest>,
    ) -> Result<Response<wire::ListAuditEventsResponse>, Status> {
        let (_, tenant) = self.change_in_tenant(&request, &request.get_ref().tenant_id)?;
        let wire::ListAuditEventsRequest { tenant_id: _, page_size, page_token, limit } =
            request.into_inner();
        let size = paging::size(page_size, limit)?;
        let before = match paging::read_token(b"audit events", &page_token)? {
            Some((at, id)) => (at.parse().map_err(|_| paging::invalid_token())?, id),
            None => (Timestamp::MAX, Uuid::max()),
        };
        let found = self.store().list_audit_events(tenant, before, size + 1).await.map_err(Error::from)?;
        let (rows, next_page_token) =
            paging::split(found, size, |row| paging::token(b"audit events", &row.at.to_string(), row.id));
        let audit_events = rows.into_iter().map(event_to_wire).collect();
        Ok(Response::new(wire::ListAuditEventsResponse { audit_events, next_page_token }))
    }
}

fn event_to_wire(event: AuditRow) -> wire::AuditEvent {
    let AuditRow { id, at, action, success, user, session, subject, address, request_id } = event;
    wire::AuditEvent {
        id: id.to_string(),
        at: Some(timestamp_to_wire(at)),
        action,
        success,
        user_id: id_to_wire(user),
        session_id: id_to_wire(session),
        subject,
        address,
        request_id,
    }
}
