//! The wire of diagnostics.

use frontdesk_proto::booking::v1 as wire;
use frontdesk_proto::booking::v1::diagnostics_service_server::DiagnosticsService;
use frontdesk_proto::{Refusal, paging};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::Booking;
use crate::approve::{Approved, Outcome};
use crate::call::Call;
use crate::convert;
use crate::domain::approval::{self, Rival, StrayRange, Verdict};
use crate::domain::ids::BookingRequestId;
use crate::domain::request::BookingRequest;
use crate::error::{Error, OverlapOf};
use crate::store::Finding;

#[tonic::async_trait]
impl DiagnosticsService for Booking {
    async fn explain_approval(
        &self,
        request: Request<wire::ExplainApprovalRequest>,
    ) -> Result<Response<wire::ExplainApprovalResponse>, Status> {
        let call = Call::of(&request)?;
        let id = BookingRequestId::parse("booking_request_id", &request.get_ref().booking_request_id)?;
        let found = self.store.run(async |schema| {
            let found =
                self.store.explain(&schema, call.tenant, id).await?.ok_or(Error::RequestNotFound(id))?;
            Ok::<_, Error>((schema, found))
        });
        let (schema, (request, around)) = found.await?;
        let would = would(&request, approval::approve(&request, schema.layout, Some(&around)), schema.layout);
        let rivals = around.rivals.iter().map(|rival| rival_conflict(rival, &request));
        let conflicts = rivals.chain(around.strays.iter().map(stray_conflict)).collect();
        let evidence_found =
            around.evidence(&request).into_iter().map(|one| convert::approve_evidence(one).into()).collect();
        Ok(Response::new(wire::ExplainApprovalResponse {
            booking_request_id: id.0.to_string(),
            stored_status: convert::status(request.status).into(),
            status: convert::status(request.effective_status()).into(),
            would_succeed: would.refusal_reason.is_empty(),
            outcome: would.outcome,
            evidence: would.evidence,
            refusal_reason: would.refusal_reason,
            message: would.message,
            evidence_found,
            conflicts,
            layout: convert::layout(schema.layout).into(),
            request_hold: convert::request_hold(schema.request_hold).into(),
            constraint: schema.constraint.clone(),
        }))
    }

    async fn list_inconsistencies(
        &self,
        request: Request<wire::ListInconsistenciesRequest>,
    ) -> Result<Response<wire::ListInconsistenciesResponse>, Status> {
        let call = Call::of(&request)?;
        let wire::ListInconsistenciesRequest { page_size, page_token, limit } = request.into_inner();
        let size = paging::size(page_size, limit)?;
        let after = match paging::read_token(b"inconsistencies", &page_token)? {
            Some((kind, id)) => (kind.parse().map_err(|_| paging::invalid_token())?, id),
            None => (0, Uuid::nil()),
        };
        let found = self.store.run(async |schema| {
            let rows = self.store.list_inconsistencies(&schema, call.tenant, after, size + 1);
            rows.await.map_err(Error::from)
        });
        let (rows, next_page_token) = paging::split(found.await?, size, |row| {
            paging::token(b"inconsistencies", &row.kind.to_string(), row.id)
        });
        let inconsistencies = rows.into_iter().map(inconsistency).collect();
        Ok(Response::new(wire::ListInconsistenciesResponse { inconsistencies, next_page_token }))
    }

    async fn get_server_info(
        &self,
        _request: Request<wire::GetServerInfoRequest>,
    ) -> Result<Response<wire::GetServerInfoResponse>, Status> {
        let answer = match self.store.recent_schema().await {
            Ok(schema) => {
                let problems: Vec<String> = schema.problem_sentences();
                wire::GetServerInfoResponse {
                    ready: problems.is_empty(),
                    problems,
                    layout: convert::layout(schema.layout).into(),
                    request_hold: convert::request_hold(schema.request_hold).into(),
                }
            }
            Err(refusal) => wire::GetServerInfoResponse {
                ready: false,
                problems: vec![format!("{}: {}", refusal.reason().name(), refusal.message())],
                ..Default::default()
            },
        };
        Ok(Response::new(answer))
    }
}

/// What an approve would answer.
struct Would {
    outcome: i32,
    evidence: i32,
    refusal_reason: String,
    message: String,
}

fn would(request: &BookingRequest, verdict: Verdict, layout: approval::Layout) -> Would {
    let succeed = |outcome, booking, evidence, coverage| {
        let answer =
            convert::approved(Approved { request: request.id, booking, outcome, evidence, coverage, layout });
        Would {
            outcome: answer.outcome,
            evidence: answer.evidence,
            refusal_reason: String::new(),
            message: answer.message,
        }
    };
    let refuse = |error: Error| {
        let refusal = Refusal::from(error);
        Would {
            outcome: 0,
            evidence: 0,
            refusal_reason: refusal.reason().name().to_owned(),
            message: refusal.message().to_owned(),
        }
    };
    match verdict {
        Verdict::Already { booking, evidence, coverage } => {
            succeed(Outcome::AlreadyApproved, booking, Some(evidence), coverage)
        }
        Verdict::Book { evidence: None, .. } => succeed(Outcome::Approved, None, None, None),
        Verdict::Book { evidence, .. } => succeed(Outcome::Healed, None, evidence, None),
        Verdict::Link { booking, evidence, coverage, .. } => {
            succeed(Outcome::Healed, Some(booking), Some(evidence), Some(coverage))
        }
        Verdict::Refuse(state) => {
            refuse(Error::InvalidTransition { subject: "booking request", step: "approved", state })
        }
        Verdict::Overlap(kind) => refuse(Error::Overlap { stay: request.stay, of: OverlapOf::Request(kind) }),
        Verdict::LookCloser => {
            refuse(pg::Fault::new(pg::Kind::Contention, "no verdict with everything known").into())
        }
    }
}

fn rival_conflict(rival: &Rival, request: &BookingRequest) -> wire::StayConflict {
    let Rival { booking, guest, status, stay } = rival;
    wire::StayConflict {
        id: booking.0.to_string(),
        block: false,
        status: convert::booking_status(*status).into(),
        same_guest: guest.is_some() && *guest == request.guest,
        start_date: stay.check_in.to_string(),
        end_date: stay.check_out.to_string(),
    }
}

fn stray_conflict(stray: &StrayRange) -> wire::StayConflict {
    let StrayRange { id, block, stay } = stray;
    wire::StayConflict {
        id: id.to_string(),
        block: *block,
        status: wire::BookingStatus::Unspecified.into(),
        same_guest: false,
        start_date: stay.check_in.to_string(),
        end_date: stay.check_out.to_string(),
    }
}

fn inconsistency(finding: Finding) -> wire::Inconsistency {
    let Finding { kind, request, booking, id } = finding;
    let approve = |what: &str| {
        format!(
            "{what} Approve the request (POST /api/v1/booking-requests/{id}/approve): that puts it right."
        )
    };
    let remedy = match wire::InconsistencyKind::try_from(kind) {
        Ok(wire::InconsistencyKind::ConfirmedAtSet) => approve("The open request has a confirmation date and no booking."),
        Ok(wire::InconsistencyKind::ApprovedBookingConfirmed) => {
            approve("The open request is linked to a confirmed booking for the same dates.")
        }
        Ok(wire::InconsistencyKind::InventoryActive) => approve("The open request has an active inventory range."),
        Ok(wire::InconsistencyKind::RelatedBookingConfirmed) => {
            approve("The open request's guest has a confirmed booking for the same dates.")
        }
        Ok(wire::InconsistencyKind::ConfirmedWithoutBooking) => format!(
            "The request reads as confirmed and its booking is missing or cancelled. If the guest shall not come, cancel the request (POST /api/v1/booking-requests/{id}/cancel)."
        ),
        Ok(wire::InconsistencyKind::BookingWithoutRange) => {
            "The booking has no active inventory range, so other programs may take its dates for free. Insert the range, or cancel the booking.".to_owned()
        }
        Ok(wire::InconsistencyKind::RangeWithoutBooking) => {
            format!("The active inventory range {id} belongs to no live booking and keeps its dates from being let. Set its state to cancelled.")
        }
        Ok(wire::InconsistencyKind::Unspecified) | Err(_) => String::new(),
    };
    wire::Inconsistency {
        kind,
        booking_request_id: request.map(|id| id.to_string()).unwrap_or_default(),
        booking_id: booking.map(|id| id.to_string()).unwrap_or_default(),
        remedy,
    }
}
