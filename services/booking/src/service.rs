//! The wire of booking: parse, call, convert.

use frontdesk_proto::booking::v1::booking_request_service_server::BookingRequestService;
use frontdesk_proto::booking::v1::customer_service_server::CustomerService;
use frontdesk_proto::booking::v1::property_service_server::PropertyService;
use frontdesk_proto::booking::v1::{self as wire};
use frontdesk_proto::{Refusal, paging};
use prost::Message;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::approve::{self, Approved};
use crate::convert;
use crate::create;
use crate::decline;
use crate::domain::ids::{BookingRequestId, GuestId, PropertyId};
use crate::domain::stay::Stay;
use crate::error::Error;
use crate::paging::{Cursor, Order, Page};
use crate::store::{NewBookingRequest, Store};

/// Most persons of a request.
const MAX_GUESTS: i32 = 100;

/// All of booking's services.
#[derive(Debug)]
pub struct Booking {
    pub store: Store,
}

#[tonic::async_trait]
impl BookingRequestService for Booking {
    async fn create_booking_request(
        &self,
        request: Request<wire::CreateBookingRequestRequest>,
    ) -> Result<Response<wire::CreateBookingRequestResponse>, Status> {
        let (tenant, actor) = tenant_and_actor(&request)?;
        let wire::CreateBookingRequestRequest {
            property_id,
            guest_id,
            check_in,
            check_out,
            guest_count,
            message,
        } = request.into_inner();
        if !(0..=MAX_GUESTS).contains(&guest_count) {
            return Err(Refusal::field("guest_count", format!("takes 1 to {MAX_GUESTS}")).into());
        }
        let new = NewBookingRequest {
            id: BookingRequestId(Uuid::now_v7()),
            property: PropertyId::parse("property_id", &property_id)?,
            guest: GuestId::parse("guest_id", &guest_id)?,
            stay: Stay::parse(&check_in, &check_out)?,
            guest_count: guest_count.max(1),
            message: convert::text("message", message)?,
        };
        let stored = create::create(&self.store, &new, tenant, actor).await?;
        let booking_request = Some(convert::booking_request(stored));
        Ok(Response::new(wire::CreateBookingRequestResponse { booking_request }))
    }

    async fn get_booking_request(
        &self,
        request: Request<wire::GetBookingRequestRequest>,
    ) -> Result<Response<wire::GetBookingRequestResponse>, Status> {
        let (tenant, _) = tenant_and_actor(&request)?;
        let id = BookingRequestId::parse("booking_request_id", &request.get_ref().booking_request_id)?;
        let found = pg::retrying(|| self.store.get_booking_request(tenant, id)).await.map_err(Error::from)?;
        let booking_request = Some(convert::booking_request(found.ok_or(Error::RequestNotFound(id))?));
        Ok(Response::new(wire::GetBookingRequestResponse { booking_request }))
    }

    async fn list_booking_requests(
        &self,
        request: Request<wire::ListBookingRequestsRequest>,
    ) -> Result<Response<wire::ListBookingRequestsResponse>, Status> {
        let (tenant, _) = tenant_and_actor(&request)?;
        let mut request = request.into_inner();
        let (filter, order) = convert::filter(&request)?;
        let size = paging::size(request.page_size, request.limit)?;
        let token = std::mem::take(&mut request.page_token);
        (request.page_size, request.limit) = (0, 0);
        let list = request.encode_to_vec();
        let after = match paging::read_token(&list, &token)? {
            Some((key, id)) => order.cursor((&key, id)).ok_or_else(paging::invalid_token)?,
            None => order.start(),
        };
        let page = Page { order, after, size };
        let found = pg::retrying(|| self.store.list_booking_requests(tenant, &filter, &page))
            .await
            .map_err(Error::from)?;
        let (rows, next_page_token) = paging::split(found, size, |row| {
            let cursor = match order {
                Order::NewestFirst | Order::OldestFirst => Cursor::Created(row.created_at, row.id.0),
                Order::CheckIn => Cursor::CheckIn(row.stay.check_in, row.id.0),
            };
            paging::token(&list, &cursor.key(), *cursor.id())
        });
        let booking_requests = rows.into_iter().map(convert::booking_request).collect();
        Ok(Response::new(wire::ListBookingRequestsResponse { booking_requests, next_page_token }))
    }

    async fn approve_booking_request(
        &self,
        request: Request<wire::ApproveBookingRequestRequest>,
    ) -> Result<Response<wire::ApproveBookingRequestResponse>, Status> {
        let (tenant, actor) = tenant_and_actor(&request)?;
        let wire::ApproveBookingRequestRequest { booking_request_id, internal_note } = request.into_inner();
        let id = BookingRequestId::parse("booking_request_id", &booking_request_id)?;
        let note = convert::text("internal_note", internal_note)?;
        let (booking, outcome, evidence, message) =
            match approve::approve(&self.store, id, &note, tenant, actor).await? {
                Approved::Now { booking } => (
                    Some(booking),
                    wire::ApproveOutcome::Approved,
                    wire::ApproveEvidence::Unspecified,
                    "Booking request approved",
                ),
                Approved::Before { booking, stored } => (
                    booking,
                    wire::ApproveOutcome::AlreadyApproved,
                    if stored {
                        wire::ApproveEvidence::AlreadyConfirmed
                    } else {
                        wire::ApproveEvidence::Unspecified
                    },
                    "Booking request already approved (idempotent)",
                ),
            };
        Ok(Response::new(wire::ApproveBookingRequestResponse {
            booking_request_id: id.0.to_string(),
            booking_id: booking.map(|id| id.0.to_string()).unwrap_or_default(),
            status: wire::BookingRequestStatus::Confirmed.into(),
            message: message.to_owned(),
            outcome: outcome.into(),
            evidence: evidence.into(),
            coverage: wire::StayCoverage::Unspecified.into(),
        }))
    }

    async fn decline_booking_request(
        &self,
        request: Request<wire::DeclineBookingRequestRequest>,
    ) -> Result<Response<wire::DeclineBookingRequestResponse>, Status> {
        let (tenant, actor) = tenant_and_actor(&request)?;
        let wire::DeclineBookingRequestRequest { booking_request_id, decline_reason, internal_note } =
            request.into_inner();
        let id = BookingRequestId::parse("booking_request_id", &booking_request_id)?;
        let reason = convert::text("decline_reason", decline_reason)?;
        let note = convert::text("internal_note", internal_note)?;
        decline::decline(&self.store, id, &reason, &note, tenant, actor).await?;
        Ok(Response::new(wire::DeclineBookingRequestResponse {
            booking_request_id: id.0.to_string(),
            status: wire::BookingRequestStatus::Declined.into(),
            message: "Booking request declined".to_owned(),
        }))
    }
}

#[tonic::async_trait]
impl PropertyService for Booking {
    async fn list_properties(
        &self,
        request: Request<wire::ListPropertiesRequest>,
    ) -> Result<Response<wire::ListPropertiesResponse>, Status> {
        let (tenant, _) = tenant_and_actor(&request)?;
        let wire::ListPropertiesRequest { page_size, page_token, limit } = request.into_inner();
        let size = paging::size(page_size, limit)?;
        let (name, id) = paging::read_token(b"properties", &page_token)?.unwrap_or_default();
        let found = pg::retrying(|| self.store.list_properties(tenant, (&name, id), size + 1));
        let (rows, next_page_token) = paging::split(found.await.map_err(Error::from)?, size, |row| {
            paging::token(b"properties", &row.name, row.id.0)
        });
        let properties = rows.into_iter().map(convert::property).collect();
        Ok(Response::new(wire::ListPropertiesResponse { properties, next_page_token }))
    }
}

#[tonic::async_trait]
impl CustomerService for Booking {
    async fn list_customers(
        &self,
        request: Request<wire::ListCustomersRequest>,
    ) -> Result<Response<wire::ListCustomersResponse>, Status> {
        let (tenant, _) = tenant_and_actor(&request)?;
        let wire::ListCustomersRequest { page_size, page_token, limit } = request.into_inner();
        let size = paging::size(page_size, limit)?;
        let (name, id) = paging::read_token(b"customers", &page_token)?.unwrap_or_default();
        let found = pg::retrying(|| self.store.list_customers(tenant, (&name, id), size + 1));
        let (rows, next_page_token) = paging::split(found.await.map_err(Error::from)?, size, |row| {
            paging::token(b"customers", &row.name, row.id.0)
        });
        let customers = rows.into_iter().map(convert::customer).collect();
        Ok(Response::new(wire::ListCustomersResponse { customers, next_page_token }))
    }
}

fn tenant_and_actor<T>(request: &Request<T>) -> Result<(access::TenantId, Option<Uuid>), Status> {
    let caller = access::caller(request)?;
    Ok((caller.tenant()?, caller.user.map(|user| user.id)))
}
