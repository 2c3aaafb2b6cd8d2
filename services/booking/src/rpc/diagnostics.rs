//! The wire of diagnostics.

use frontdesk_proto::booking::v1 as wire;
use frontdesk_proto::booking::v1::diagnostics_service_server::DiagnosticsService;
use frontdesk_proto::{Refusal, paging};
use jiff::Timestamp;
use pg::Fault;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Booking, bookings, evidence, failed, fields, fulfilment, inconsistencies, requests, stay_rules};
use crate::call::Call;
use crate::domain::approval::{self, ActiveRange, Conflict, Rival, Verdict};
use crate::domain::ids::{BookingRequestId, RowId};
use crate::domain::inconsistency::Inconsistency;
use crate::domain::layout::Layout;
use crate::domain::listing::After;
use crate::domain::request::BookingRequest;
use crate::domain::rules::Broken;
use crate::error::Error;
use crate::layout::RequestHold;
use crate::store::rehearsal::{Rehearsal, Writes};
use crate::store::surroundings::Explained;

/// The list, as its page tokens know it.
const LIST: &[u8] = b"inconsistencies";

#[tonic::async_trait]
impl DiagnosticsService for Booking {
    async fn explain_approval(
        &self,
        request: Request<wire::ExplainApprovalRequest>,
    ) -> Result<Response<wire::ExplainApprovalResponse>, Status> {
        let call = Call::of(&request)?;
        let id: BookingRequestId = fields::id("booking_request_id", &request.get_ref().booking_request_id)?;
        let found = self.store.explain(call.tenant, id).await.map_err(failed)?;
        let explained = found.ok_or(Error::RequestNotFound(id))?;
        // By what the list judges by, so that both say the same.
        let wrong = self.store.wrong_with(call.tenant, RowId(id.0)).await.map_err(failed)?;
        let broken = broken(&explained);
        let rehearsal = rehearsal(&explained, &broken);
        let stopped = Box::pin(self.store.rehearse(&call, &rehearsal)).await.map_err(failed)?;
        Ok(Response::new(explanation(&explained, broken, wrong, stopped)))
    }

    async fn list_inconsistencies(
        &self,
        request: Request<wire::ListInconsistenciesRequest>,
    ) -> Result<Response<wire::ListInconsistenciesResponse>, Status> {
        let call = Call::of(&request)?;
        let wire::ListInconsistenciesRequest { page_size, page_token, limit } = request.into_inner();
        let size = paging::size(page_size, limit)?;
        let after = match paging::read_token(LIST, &page_token)? {
            Some((kind, id)) => {
                After { key: kind.parse().map_err(|_| paging::invalid_token())?, id: RowId(id) }
            }
            None => After { key: 0, id: RowId(Uuid::nil()) },
        };
        let found = self.store.list_inconsistencies(call.tenant, &after, size).await.map_err(failed)?;
        let next = found.next.map(|(kind, row)| paging::token(LIST, &kind.to_string(), row.0));
        let inconsistencies = found.rows.into_iter().map(inconsistencies::message).collect();
        let next_page_token = next.unwrap_or_default();
        Ok(Response::new(wire::ListInconsistenciesResponse { inconsistencies, next_page_token }))
    }

    async fn resolve_inconsistency(
        &self,
        request: Request<wire::ResolveInconsistencyRequest>,
    ) -> Result<Response<wire::ResolveInconsistencyResponse>, Status> {
        self.resolve(request).await
    }

    async fn get_server_info(
        &self,
        _request: Request<wire::GetServerInfoRequest>,
    ) -> Result<Response<wire::GetServerInfoResponse>, Status> {
        let answer = match self.store.recent_schema().await {
            Ok(schema) => {
                let problems = schema.found.problem_sentences();
                wire::GetServerInfoResponse {
                    ready: problems.is_empty(),
                    problems,
                    layout: layout(schema.found.layout).into(),
                    request_hold: request_hold(schema.found.request_hold).into(),
                }
            }
            Err(fault) => {
                let refusal = fault.refusal();
                wire::GetServerInfoResponse {
                    ready: false,
                    problems: vec![format!("{}: {}", refusal.reason().name(), refusal.message())],
                    ..Default::default()
                }
            }
        };
        Ok(Response::new(answer))
    }
}

/// The rules that the stay of an open request breaks.
fn broken(explained: &Explained) -> Vec<Broken> {
    let Explained { request, terms, near, schema, .. } = explained;
    terms.as_ref().filter(|_| request.status.is_open()).map_or_else(Vec::new, |terms| {
        let broken = terms.broken(request.stay, request.guest_count, Timestamp::now(), *near);
        broken.into_iter().chain(schema.found.too_long(request.stay)).collect()
    })
}

/// What an approve would ask of the database.
fn rehearsal<'a>(explained: &'a Explained, broken: &[Broken]) -> Rehearsal<'a> {
    let Explained { request, surroundings, schema, .. } = explained;
    let layout = schema.found.layout;
    let verdict = approval::approve(request, layout, Some(surroundings));
    let writes = match verdict {
        _ if verdict.answer(request, layout, broken).is_err() => None,
        Verdict::Book { hold, .. } => {
            Some(Writes::Booking { of_hold: hold && request.held_booking.is_some() })
        }
        Verdict::Link { booking, evidence, soft, .. } => Some(Writes::Link { booking, evidence, soft }),
        _ => None,
    };
    let locks_around = approval::approve(request, layout, None) == Verdict::NeedsSurroundings;
    let gives_up_hold = matches!(writes, Some(Writes::Booking { .. })) && surroundings.hold_moved;
    let releases = writes.is_some() && surroundings.own_range;
    Rehearsal { request, writes, locks_around, releases, gives_up_hold }
}

fn explanation(
    explained: &Explained,
    broken: Vec<Broken>,
    wrong: Vec<Inconsistency>,
    stopped: Option<Fault>,
) -> wire::ExplainApprovalResponse {
    let Explained { request, surroundings, schema, .. } = explained;
    let found = &schema.found;
    let Preview { outcome, evidence, refusal_reason, message, fulfilment } =
        preview(explained, &broken, stopped);
    wire::ExplainApprovalResponse {
        booking_request_id: request.id.to_string(),
        stored_status: requests::status(request.status).into(),
        status: requests::status(request.effective_status()).into(),
        would_succeed: refusal_reason.is_empty(),
        outcome,
        evidence,
        refusal_reason,
        message,
        evidence_found: surroundings
            .evidence(request)
            .into_iter()
            .map(|one| evidence::value(one).into())
            .collect(),
        conflicts: surroundings.conflicts(request).iter().map(|one| conflict(one, request)).collect(),
        layout: layout(found.layout).into(),
        request_hold: request_hold(found.request_hold).into(),
        constraint: found.constraint.clone(),
        fulfilment,
        inconsistencies: wrong.into_iter().map(inconsistencies::message).collect(),
        rule_violations: broken.into_iter().map(stay_rules::violation).collect(),
    }
}

/// What an approve would answer.
struct Preview {
    outcome: i32,
    evidence: i32,
    refusal_reason: String,
    message: String,
    fulfilment: Option<wire::Fulfilment>,
}

fn preview(explained: &Explained, broken: &[Broken], stopped: Option<Fault>) -> Preview {
    let Explained { request, surroundings, schema, .. } = explained;
    let layout = schema.found.layout;
    let verdict = approval::approve(request, layout, Some(surroundings));
    let refused = |refusal: Refusal| Preview {
        outcome: wire::ApproveOutcome::Unspecified.into(),
        evidence: wire::ApproveEvidence::Unspecified.into(),
        refusal_reason: refusal.reason().name().to_owned(),
        message: refusal.message().to_owned(),
        fulfilment: request.fulfilment().as_ref().map(fulfilment::message),
    };
    if let Some(fault) = stopped {
        return refused(Error::from(fault).refusal());
    }
    match verdict.answer(request, layout, broken) {
        Ok(approved) => {
            let answer = requests::approved(&approved);
            Preview {
                outcome: answer.outcome,
                evidence: answer.evidence,
                refusal_reason: String::new(),
                message: answer.message,
                fulfilment: answer.fulfilment,
            }
        }
        Err(denied) => refused(Error::denied(request, denied).refusal()),
    }
}

fn conflict(conflict: &Conflict, request: &BookingRequest) -> wire::StayConflict {
    match conflict {
        Conflict::Booking(rival) => rival_conflict(rival, request),
        Conflict::Range(range) => range_conflict(range),
    }
}

fn rival_conflict(rival: &Rival, request: &BookingRequest) -> wire::StayConflict {
    let Rival { booking, guest, status, deleted, stay } = rival;
    wire::StayConflict {
        id: booking.to_string(),
        block: false,
        status: bookings::status(*status).into(),
        same_guest: guest.is_some() && *guest == request.guest,
        start_date: stay.check_in.to_string(),
        end_date: stay.check_out.to_string(),
        deleted: *deleted,
    }
}

fn range_conflict(range: &ActiveRange) -> wire::StayConflict {
    let ActiveRange { id, block, source: _, stay } = range;
    wire::StayConflict {
        id: id.to_string(),
        block: *block,
        status: wire::BookingStatus::Unspecified.into(),
        same_guest: false,
        start_date: stay.check_in.to_string(),
        end_date: stay.check_out.to_string(),
        deleted: false,
    }
}

fn layout(layout: Layout) -> wire::StorageLayout {
    match layout {
        Layout::Standard => wire::StorageLayout::Standard,
        Layout::SingleTable => wire::StorageLayout::SingleTable,
    }
}

fn request_hold(hold: RequestHold) -> wire::RequestHold {
    match hold {
        RequestHold::Literal => wire::RequestHold::Literal,
        RequestHold::ConfirmedOnly => wire::RequestHold::ConfirmedOnly,
        RequestHold::Flag => wire::RequestHold::Flag,
        RequestHold::Missing => wire::RequestHold::Missing,
    }
}
