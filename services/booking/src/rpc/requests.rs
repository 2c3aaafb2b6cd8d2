//! The wire of booking requests. Lists of them are read in `request_lists.rs`.

use frontdesk_proto::Refusal;
use frontdesk_proto::booking::v1 as wire;
use frontdesk_proto::booking::v1::booking_request_service_server::BookingRequestService;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::headers::require_scope;
use super::watch::Watch;
use super::{Booking, declines, evidence, failed, fields, fulfilment, sizes};
use crate::call::Call;
use crate::changes::{Approve, CancelRequest, Cancelled, Create, StartReview};
use crate::domain::actor::{Acting, Actor};
use crate::domain::approval::{Approved, Evidence, Outcome};
use crate::domain::ids::BookingRequestId;
use crate::domain::request::{BookingRequest, NewBookingRequest, Status as RequestStatus};
use crate::domain::version::Version;
use crate::error::Error;

/// Who may set the rules of a stay aside.
const OVERRIDES: &str = "bookings:manage";

#[tonic::async_trait]
impl BookingRequestService for Booking {
    type WatchBookingRequestsStream = Watch;

    async fn create_booking_request(
        &self,
        request: Request<wire::CreateBookingRequestRequest>,
    ) -> Result<Response<wire::CreateBookingRequestResponse>, Status> {
        let call = Call::of(&request)?.with_key(&request, "CreateBookingRequest")?;
        let new = new_request(request.into_inner())?;
        self.change(&call, &Create { new }, |stored| wire::CreateBookingRequestResponse {
            booking_request: Some(booking_request(stored.clone())),
        })
        .await
    }

    async fn get_booking_request(
        &self,
        request: Request<wire::GetBookingRequestRequest>,
    ) -> Result<Response<wire::GetBookingRequestResponse>, Status> {
        let call = Call::of(&request)?;
        let id: BookingRequestId = fields::id("booking_request_id", &request.get_ref().booking_request_id)?;
        let found = self.store.get_booking_request(call.tenant, id).await.map_err(failed)?;
        let booking_request = Some(booking_request(found.ok_or(Error::RequestNotFound(id))?));
        Ok(Response::new(wire::GetBookingRequestResponse { booking_request }))
    }

    async fn list_booking_requests(
        &self,
        request: Request<wire::ListBookingRequestsRequest>,
    ) -> Result<Response<wire::ListBookingRequestsResponse>, Status> {
        self.list_requests(request).await
    }

    async fn approve_booking_request(
        &self,
        request: Request<wire::ApproveBookingRequestRequest>,
    ) -> Result<Response<wire::ApproveBookingRequestResponse>, Status> {
        let call = Call::of(&request)?
            .with_version(&request, &request.get_ref().etag)?
            .with_key(&request, "ApproveBookingRequest")?;
        if request.get_ref().override_rules {
            require_scope(&request, OVERRIDES)?;
        }
        let wire::ApproveBookingRequestRequest { booking_request_id, internal_note, etag: _, override_rules } =
            request.into_inner();
        let id = fields::id("booking_request_id", &booking_request_id)?;
        let approve = Approve { id, note: internal_note, override_rules };
        let answer = if call.key.is_some() {
            self.change(&call, &approve, approved).await?
        } else {
            Response::new(approved(&self.approvals.approve(&self.store, &call.call, approve).await?))
        };
        self.answered.add(answer.get_ref());
        Ok(answer)
    }

    async fn decline_booking_request(
        &self,
        request: Request<wire::DeclineBookingRequestRequest>,
    ) -> Result<Response<wire::DeclineBookingRequestResponse>, Status> {
        let call = Call::of(&request)?
            .with_version(&request, &request.get_ref().etag)?
            .with_key(&request, "DeclineBookingRequest")?;
        let decline = declines::read(request.into_inner())?;
        self.change(&call, &decline, |declined| wire::DeclineBookingRequestResponse {
            booking_request_id: declined.to_string(),
            status: wire::BookingRequestStatus::Declined.into(),
            message: "Booking request declined".to_owned(),
        })
        .await
    }

    async fn start_review(
        &self,
        request: Request<wire::StartReviewRequest>,
    ) -> Result<Response<wire::StartReviewResponse>, Status> {
        let call = Call::of(&request)?
            .with_version(&request, &request.get_ref().etag)?
            .with_key(&request, "StartReview")?;
        let wire::StartReviewRequest { booking_request_id, internal_note, etag: _ } = request.into_inner();
        let id = fields::id("booking_request_id", &booking_request_id)?;
        let note = internal_note;
        self.change(&call, &StartReview { id, note }, |reviewed| wire::StartReviewResponse {
            booking_request_id: reviewed.to_string(),
            status: wire::BookingRequestStatus::UnderReview.into(),
            message: "Booking request under review".to_owned(),
        })
        .await
    }

    async fn cancel_booking_request(
        &self,
        request: Request<wire::CancelBookingRequestRequest>,
    ) -> Result<Response<wire::CancelBookingRequestResponse>, Status> {
        let call = Call::of(&request)?
            .with_version(&request, &request.get_ref().etag)?
            .with_key(&request, "CancelBookingRequest")?;
        let wire::CancelBookingRequestRequest { booking_request_id, internal_note, etag: _ } =
            request.into_inner();
        let id = fields::id("booking_request_id", &booking_request_id)?;
        let note = internal_note;
        self.change(&call, &CancelRequest { id, note }, cancelled).await
    }

    async fn list_booking_request_events(
        &self,
        request: Request<wire::ListBookingRequestEventsRequest>,
    ) -> Result<Response<wire::ListBookingRequestEventsResponse>, Status> {
        self.history(request).await
    }

    async fn watch_booking_requests(
        &self,
        request: Request<wire::WatchBookingRequestsRequest>,
    ) -> Result<Response<Watch>, Status> {
        self.watch(request).await
    }
}

fn new_request(request: wire::CreateBookingRequestRequest) -> Result<NewBookingRequest, Refusal> {
    let wire::CreateBookingRequestRequest {
        property_id,
        guest_id,
        check_in,
        check_out,
        guest_count,
        message,
    } = request;
    let from = fields::Field { name: "check_in", text: &check_in };
    let to = fields::Field { name: "check_out", text: &check_out };
    Ok(NewBookingRequest {
        id: BookingRequestId(Uuid::now_v7()),
        property: fields::id("property_id", &property_id)?,
        guest: fields::id("guest_id", &guest_id)?,
        stay: fields::nights(from, to)?,
        guest_count: guest_count.max(1),
        message,
    })
}

/// The texts of a row; every field is named, so that a new one is asked about.
pub(super) fn texts(request: &BookingRequest) -> [&str; 4] {
    let BookingRequest {
        message,
        internal_note,
        decline_reason,
        decline_message,
        id: _,
        property: _,
        guest: _,
        stay: _,
        status: _,
        unknown_status: _,
        guest_count: _,
        decline_code: _,
        approved_booking: _,
        linked: _,
        held_booking: _,
        hold_expires_at: _,
        confirmed_at: _,
        decided: _,
        row_version: _,
        created_at: _,
        updated_at: _,
    } = request;
    let [reason, said] = [decline_reason, decline_message].map(|text| text.as_deref().unwrap_or_default());
    [message, internal_note, reason, said]
}

pub(super) fn booking_request(request: BookingRequest) -> wire::BookingRequest {
    let mut texts = sizes::Texts::default();
    let (version, effective) = (Version::of(&request), request.effective_status());
    let fulfilled = request.fulfilment();
    // What fulfilled it once fulfils it no more.
    let fulfilling = request.approved_booking.filter(|_| effective == RequestStatus::Confirmed);
    let BookingRequest {
        id,
        property,
        guest,
        stay,
        status: stored,
        unknown_status,
        guest_count,
        message,
        internal_note,
        decline_reason,
        decline_code: code,
        decline_message,
        approved_booking: _,
        linked: _,
        held_booking: _,
        hold_expires_at,
        confirmed_at,
        decided,
        row_version: _,
        created_at,
        updated_at,
    } = request;
    wire::BookingRequest {
        id: id.to_string(),
        property_id: property.to_string(),
        guest_id: fields::written(guest),
        check_in: fields::day(stay.check_in),
        check_out: fields::day(stay.check_out),
        status: status(effective).into(),
        stored_status: status(stored).into(),
        guest_count,
        message: texts.text("message", message),
        internal_note: texts.log("internal_note", internal_note),
        decline_reason: texts.text("decline_reason", decline_reason.unwrap_or_default()),
        decline_reason_code: code.map_or(wire::DeclineReason::Unspecified, declines::code).into(),
        decline_message: texts.text("decline_message", decline_message.unwrap_or_default()),
        approved_booking_id: fields::written(fulfilling),
        confirmed_at: confirmed_at.and_then(fields::shown),
        decided_by: fields::written(decided.user),
        created_at: fields::shown(created_at),
        updated_at: fields::shown(updated_at),
        etag: version.to_string(),
        hold_expires_at: hold_expires_at.and_then(fields::shown),
        unknown_status: texts.text("unknown_status", unknown_status.unwrap_or_default()),
        fulfilment: fulfilled.as_ref().map(fulfilment::message),
        decider: decider(&decided),
        shortened: texts.shortened(),
    }
}

/// Who decided; for Frontdesk itself, with the user on whose behalf.
fn decider(decided: &Acting) -> Option<wire::Actor> {
    let Acting { user, by } = *decided;
    let by = by?;
    Some(fields::actor(by, user.filter(|_| by == Actor::System).map(|user| user.0)))
}

/// The answer to an approve; the sentences are those that scripts look for.
pub(super) fn approved(approved: &Approved) -> wire::ApproveBookingRequestResponse {
    let Approved { request, booking, outcome, evidence: found, fulfilment: nights, layout } = *approved;
    let message = match found {
        None if layout.request_is_its_booking() => "Booking request approved (in-place update)".to_owned(),
        None => "Booking request approved".to_owned(),
        Some(Evidence::AlreadyConfirmed) => "Booking request already approved (idempotent)".to_owned(),
        Some(found) => {
            let healed = found.words();
            format!("Booking request already approved ({healed}); healed: {}", found.name())
        }
    };
    wire::ApproveBookingRequestResponse {
        booking_request_id: request.to_string(),
        booking_id: fields::written(booking),
        status: wire::BookingRequestStatus::Confirmed.into(),
        message,
        outcome: match outcome {
            Outcome::Approved => wire::ApproveOutcome::Approved,
            Outcome::AlreadyApproved => wire::ApproveOutcome::AlreadyApproved,
            Outcome::Healed => wire::ApproveOutcome::Healed,
        }
        .into(),
        evidence: found.map_or(wire::ApproveEvidence::Unspecified, evidence::value).into(),
        coverage: fulfilment::coverage(nights.coverage()).into(),
        fulfilment: Some(fulfilment::message(&nights)),
    }
}

fn cancelled(cancelled: &Cancelled) -> wire::CancelBookingRequestResponse {
    let Cancelled { request, booking } = *cancelled;
    wire::CancelBookingRequestResponse {
        booking_request_id: request.to_string(),
        status: wire::BookingRequestStatus::Cancelled.into(),
        cancelled_booking_id: fields::written(booking),
        message: "Booking request cancelled".to_owned(),
    }
}

pub(super) fn status(status: RequestStatus) -> wire::BookingRequestStatus {
    match status {
        RequestStatus::Requested => wire::BookingRequestStatus::Requested,
        RequestStatus::UnderReview => wire::BookingRequestStatus::UnderReview,
        RequestStatus::Confirmed => wire::BookingRequestStatus::Confirmed,
        RequestStatus::Declined => wire::BookingRequestStatus::Declined,
        RequestStatus::Cancelled => wire::BookingRequestStatus::Cancelled,
        RequestStatus::Expired => wire::BookingRequestStatus::Expired,
        RequestStatus::Unknown => wire::BookingRequestStatus::Unknown,
    }
}
