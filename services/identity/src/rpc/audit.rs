//! AuditService: what happened, in a tenant or outside of them.

use std::time::Duration;

use access::Standing;
use boot::{Full, Place};
use frontdesk_proto::identity::v1 as wire;
use frontdesk_proto::identity::v1::audit_service_server::AuditService;
use frontdesk_proto::{ErrorReason, Refusal, paging};
use futures::stream::{self, BoxStream, Stream, StreamExt, TryStreamExt};
use jiff::Timestamp;
use tokio::time::Instant;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::identity::Identity;
use super::wire::{id, id_or_empty, timestamp};
use crate::domain::audit::{Outcome, RecordedEvent};
use crate::domain::clocks::SETTLED;
use crate::domain::field::InvalidField;
use crate::domain::ids::{AuditEventId, TenantId};
use crate::error::Error;
use crate::store::Store;
use crate::trust::revocations::Revocations;

#[tonic::async_trait]
impl AuditService for Identity {
    async fn list_audit_events(
        &self,
        request: Request<wire::ListAuditEventsRequest>,
    ) -> Result<Response<wire::ListAuditEventsResponse>, Status> {
        let (_, tenant) = Self::in_tenant(&request, id("tenant_id", &request.get_ref().tenant_id)?)?;
        let wire::ListAuditEventsRequest { tenant_id: _, page_size, page_token, limit } =
            request.into_inner();
        let size = paging::size(page_size, limit)?;
        let before = place(b"audit events", &page_token)?;
        let mut found =
            self.store().list_audit_events(tenant, before, size + 1).await.map_err(Error::from)?;
        for event in &mut found {
            hide_sessions(event, self.watchers.revocations());
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

    type ExportAuditEventsStream = Exported<wire::ExportAuditEventsResponse>;

    async fn export_audit_events(
        &self,
        request: Request<wire::ExportAuditEventsRequest>,
    ) -> Result<Response<Self::ExportAuditEventsStream>, Status> {
        let (_, tenant) = Self::in_tenant(&request, id("tenant_id", &request.get_ref().tenant_id)?)?;
        self.export(&request, (Some(tenant), export_of(tenant)), &request.get_ref().after, |event, cursor| {
            wire::ExportAuditEventsResponse { audit_event: Some(event), cursor }
        })
    }

    type ExportPlatformAuditEventsStream = Exported<wire::ExportPlatformAuditEventsResponse>;

    async fn export_platform_audit_events(
        &self,
        request: Request<wire::ExportPlatformAuditEventsRequest>,
    ) -> Result<Response<Self::ExportPlatformAuditEventsStream>, Status> {
        let wire::ExportPlatformAuditEventsRequest { after, tenant_id } = request.get_ref();
        let tenant = if tenant_id.is_empty() { None } else { Some(id("tenant_id", tenant_id)?) };
        let list = match tenant {
            Some(tenant) => {
                self.check_is_closed(tenant).await?;
                export_of(tenant)
            }
            None => b"export of the platform".to_vec(),
        };
        self.export(&request, (tenant, list), after, |event, cursor| {
            wire::ExportPlatformAuditEventsResponse { audit_event: Some(event), cursor }
        })
    }
}

/// Events that a statement of an export reads.
const PIECE: i64 = 500;

/// How often the caller's standing is checked unasked: a token may end while an export lasts.
const STANDING: Duration = Duration::from_secs(5);
/// When to ask again for an export that there was no room for.
const AGAIN: Duration = Duration::from_secs(15);
/// How whoever was let go gets the rest.
const GO_ON: &str = "Start another export after the last cursor.";

/// The items of an export.
type Exported<M> = BoxStream<'static, Result<M, Status>>;

/// An export under way.
struct Export {
    store: Store,
    revocations: Revocations,
    standing: Standing,
    _room: Place<Option<TenantId>>,
    /// When that was checked.
    checked: Instant,
    tenant: Option<TenantId>,
    list: Vec<u8>,
    after: (Timestamp, AuditEventId),
    until: Timestamp,
    piece: std::vec::IntoIter<RecordedEvent>,
    /// Whether the last piece was the last one.
    ends: bool,
}

impl Identity {
    /// The log of a tenant in which people work is read in its name, which leaves a trace there.
    async fn check_is_closed(&self, tenant: TenantId) -> Result<(), Error> {
        let found = self.store().get_tenant(tenant).await?;
        if found.is_none_or(|tenant| tenant.deletion.is_some()) {
            return Ok(());
        }
        let problem = "takes a tenant that is to be deleted or was; the log of another one is exported with \
            GET /v1/tenants/{tenant_id}/audit-events/export";
        Err(InvalidField::new("tenant_id", problem).into())
    }

    /// The events of a tenant or of none after a cursor of that list, each in a message.
    fn export<T, M: Send + 'static>(
        &self,
        request: &Request<T>,
        (tenant, list): (Option<TenantId>, Vec<u8>),
        after: &str,
        message: fn(wire::AuditEvent, String) -> M,
    ) -> Result<Response<Exported<M>>, Status> {
        let after = match paging::read_token(&list, after)? {
            Some((at, id)) => (at.parse().map_err(|_| paging::invalid_token())?, AuditEventId(id)),
            None => (Timestamp::UNIX_EPOCH, AuditEventId(Uuid::nil())),
        };
        let export = Export {
            store: self.store().clone(),
            revocations: self.watchers.revocations().clone(),
            standing: access::standing(request)?,
            _room: self.exports.take(Some(tenant)).map_err(too_many)?,
            checked: Instant::now(),
            tenant,
            list,
            after,
            until: Timestamp::now() - SETTLED,
            piece: Vec::new().into_iter(),
            ends: false,
        };
        let items = export.stream().map_ok(move |(event, cursor)| message(event, cursor));
        Ok(Response::new(boot::while_read(items, GO_ON).boxed()))
    }
}

impl Export {
    fn stream(self) -> impl Stream<Item = Result<(wire::AuditEvent, String), Status>> + Send {
        stream::try_unfold(self, async |mut export| Ok(export.next().await?.map(|item| (item, export))))
    }

    /// The next event and where to go on after it.
    async fn next(&mut self) -> Result<Option<(wire::AuditEvent, String)>, Status> {
        if self.checked.elapsed() >= STANDING || self.standing.is_doubted() {
            self.standing.check().await?;
            self.checked = Instant::now();
        }
        if self.piece.len() == 0 && !self.ends {
            let found = self.store.export_audit_events(self.tenant, self.after, self.until, PIECE).await;
            let found = found.map_err(Error::from)?;
            self.ends = i64::try_from(found.len()).unwrap_or(i64::MAX) < PIECE;
            self.piece = found.into_iter();
        }
        let Some(mut event) = self.piece.next() else { return Ok(None) };
        if self.tenant.is_some() {
            hide_sessions(&mut event, &self.revocations);
        }
        self.after = (event.at, event.id);
        let cursor = paging::token(&self.list, &event.at.to_string(), event.id.0);
        Ok(Some((event_to_wire(event), cursor)))
    }
}

/// Whose cursors are those of a tenant's export, whoever asks for it.
fn export_of(tenant: TenantId) -> Vec<u8> {
    [b"export of ", tenant.0.as_bytes().as_slice()].concat()
}

fn too_many(full: Full) -> Refusal {
    let (reason, whose) = match full {
        Full::One(_) => (ErrorReason::TooManyStreams, "of this log"),
        Full::All(_) => (ErrorReason::Overloaded, "from this server"),
    };
    let sentence = format!(
        "As many exports {whose} are under way as there may be. Try again when one of them has ended, or read pages."
    );
    Refusal::new(reason, sentence).retry_after(AGAIN)
}

/// In a tenant's log something else stands for sessions, whose ids are their users' alone.
fn hide_sessions(event: &mut RecordedEvent, revocations: &Revocations) {
    event.session = event.session.map(|session| revocations.stand_in(session));
    if let Some(about) = event.about_session() {
        event.subject = revocations.stand_in(about).to_string();
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
        acting_client,
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
        acting_client_id: id_or_empty(acting_client),
    }
}
