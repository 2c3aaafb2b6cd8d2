//! The wire of booking requests.

use frontdesk_proto::booking::v1 as wire;
use frontdesk_proto::booking::v1::booking_request_service_server::BookingRequestService;
use frontdesk_proto::{Refusal, paging};
use futures::stream::BoxStream;
use jiff::Timestamp;
use prost::Message;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::Booking;
use crate::call::Call;
use crate::domain::ids::{BookingRequestId, GuestId, PropertyId};
use crate::domain::stay::Stay;
use crate::error::Error;
use crate::paging::{Cursor, Order, Page};
use crate::store::NewBookingRequest;
use crate::watch::{self, Watch};
use crate::{approve, close, convert, create};

/// Most persons of a request.
const MAX_GUESTS: i32 = 100;

#[tonic::async_trait]
impl BookingRequestService for Booking {
    type WatchBookingRequestsStream = BoxStream<'static, Result<wire::WatchBookingRequestsResponse, Status>>;

    async fn create_booking_request(
        &self,
        request: Request<wire::CreateBookingRequestRequest>,
    ) -> Result<Response<wire::CreateBookingRequestResponse>, Status> {
        let call = Call::of(&request)?.with_key(&request, "CreateBookingRequest")?;
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
        let answer = create::create(&self.store, &call, &new, |stored| wire::CreateBookingRequestResponse {
            booking_request: Some(convert::booking_request(stored.clone())),
        });
        Ok(Response::new(answer.await?))
    }

    async fn get_booking_request(
        &self,
        request: Request<wire::GetBookingRequestRequest>,
    ) -> Result<Response<wire::GetBookingRequestResponse>, Status> {
        let call = Call::of(&request)?;
        let id = BookingRequestId::parse("booking_request_id", &request.get_ref().booking_request_id)?;
        let found = self.store.run(async |schema| {
            self.store.get_booking_request(&schema, call.tenant, id).await.map_err(Error::from)
        });
        let booking_request = Some(convert::booking_request(found.await?.ok_or(Error::RequestNotFound(id))?));
        Ok(Response::new(wire::GetBookingRequestResponse { booking_request }))
    }

    async fn list_booking_requests(
        &self,
        request: Request<wire::ListBookingRequestsRequest>,
    ) -> Result<Response<wire::ListBookingRequestsResponse>, Status> {
        let call = Call::of(&request)?;
        let mut request = request.into_inner();
        let (filter, order) = convert::filter(&request)?;
        let size = paging::size(request.page_size, request.limit)?;
        let token = std::mem::take(&mut request.page_token);
        let include_counts = std::mem::take(&mut request.include_counts);
        (request.page_size, request.limit) = (0, 0);
        let list = request.encode_to_vec();
        let after = match paging::read_token(&list, &token)? {
            Some((key, id)) => order.cursor((&key, id)).ok_or_else(paging::invalid_token)?,
            None => order.start(),
        };
        let page = Page { order, after, size };
        let found = self.store.run(async |schema| {
            let rows = self.store.list_booking_requests(&schema, call.tenant, &filter, &page).await?;
            let counts = if include_counts {
                self.store.count_booking_requests(&schema, call.tenant, &filter).await?
            } else {
                Vec::new()
            };
            Ok::<_, Error>((rows, counts))
        });
        let (rows, counts) = found.await?;
        let (rows, next_page_token) = paging::split(rows, size, |row| {
            let cursor = match order {
                Order::NewestFirst | Order::OldestFirst => Cursor::Created(row.created_at, row.id.0),
                Order::CheckIn => Cursor::CheckIn(row.stay.check_in, row.id.0),
            };
            paging::token(&list, &cursor.key(), *cursor.id())
        });
        Ok(Response::new(wire::ListBookingRequestsResponse {
            booking_requests: rows.into_iter().map(convert::booking_request).collect(),
            next_page_token,
            counts: counts.into_iter().map(convert::status_count).collect(),
        }))
    }

    async fn approve_booking_request(
        &self,
        request: Request<wire::ApproveBookingRequestRequest>,
    ) -> Result<Response<wire::ApproveBookingRequestResponse>, Status> {
        let call = Call::of(&request)?
            .with_version(&request, &request.get_ref().etag)?
            .with_key(&request, "ApproveBookingRequest")?;
        let wire::ApproveBookingRequestRequest { booking_request_id, internal_note, etag: _ } =
            request.into_inner();
        let id = BookingRequestId::parse("booking_request_id", &booking_request_id)?;
        let note = convert::text("internal_note", internal_note)?;
        Ok(Response::new(approve::approve(&self.store, &call, id, &note, convert::approved).await?))
    }

    async fn decline_booking_request(
        &self,
        request: Request<wire::DeclineBookingRequestRequest>,
    ) -> Result<Response<wire::DeclineBookingRequestResponse>, Status> {
        let call = Call::of(&request)?
            .with_version(&request, &request.get_ref().etag)?
            .with_key(&request, "DeclineBookingRequest")?;
        let wire::DeclineBookingRequestRequest { booking_request_id, decline_reason, internal_note, etag: _ } =
            request.into_inner();
        let id = BookingRequestId::parse("booking_request_id", &booking_request_id)?;
        let reason = convert::text("decline_reason", decline_reason)?;
        let note = convert::text("internal_note", internal_note)?;
        let answer = || wire::DeclineBookingRequestResponse {
            booking_request_id: id.0.to_string(),
            status: wire::BookingRequestStatus::Declined.into(),
            message: "Booking request declined".to_owned(),
        };
        Ok(Response::new(close::decline(&self.store, &call, id, &reason, &note, answer).await?))
    }

    async fn start_review(
        &self,
        request: Request<wire::StartReviewRequest>,
    ) -> Result<Response<wire::StartReviewResponse>, Status> {
        let call = Call::of(&request)?.with_version(&request, &request.get_ref().etag)?;
        let wire::StartReviewRequest { booking_request_id, internal_note, etag: _ } = request.into_inner();
        let id = BookingRequestId::parse("booking_request_id", &booking_request_id)?;
        let note = convert::text("internal_note", internal_note)?;
        close::start_review(&self.store, &call, id, &note).await?;
        Ok(Response::new(wire::StartReviewResponse {
            booking_request_id: id.0.to_string(),
            status: wire::BookingRequestStatus::UnderReview.into(),
            message: "Booking request under review".to_owned(),
        }))
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
        let id = BookingRequestId::parse("booking_request_id", &booking_request_id)?;
        let note = convert::text("internal_note", internal_note)?;
        let answer = close::cancel_request(&self.store, &call, id, &note, |booking| {
            wire::CancelBookingRequestResponse {
                booking_request_id: id.0.to_string(),
                status: wire::BookingRequestStatus::Cancelled.into(),
                cancelled_booking_id: booking.map(|id| id.0.to_string()).unwrap_or_default(),
                message: "Booking request cancelled".to_owned(),
            }
        });
        Ok(Response::new(answer.await?))
    }

    async fn list_booking_request_events(
        &self,
        request: Request<wire::ListBookingRequestEventsRequest>,
    ) -> Result<Response<wire::ListBookingRequestEventsResponse>, Status> {
        let call = Call::of(&request)?;
        let wire::ListBookingRequestEventsRequest { booking_request_id, page_size, page_token, limit } =
            request.into_inner();
        let id = BookingRequestId::parse("booking_request_id", &booking_request_id)?;
        let size = paging::size(page_size, limit)?;
        let list = format!("events of {booking_request_id}").into_bytes();
        let after = match paging::read_token(&list, &page_token)? {
            Some((at, id)) => (at.parse().map_err(|_| paging::invalid_token())?, id),
            None => (Timestamp::UNIX_EPOCH, Uuid::nil()),
        };
        let found = self.store.run(async |schema| {
            if self.store.get_booking_request(&schema, call.tenant, id).await?.is_none() {
                return Err(Error::RequestNotFound(id));
            }
            Ok(self.store.list_events(&schema, call.tenant, id, after, size + 1).await?)
        });
        let (rows, next_page_token) =
            paging::split(found.await?, size, |row| paging::token(&list, &row.at.to_string(), row.id));
        let events = rows.into_iter().map(convert::event).collect();
        Ok(Response::new(wire::ListBookingRequestEventsResponse { events, next_page_token }))
    }

    async fn watch_booking_requests(
        &self,
        request: Request<wire::WatchBookingRequestsRequest>,
    ) -> Result<Response<Self::WatchBookingRequestsStream>, Status> {
        let call = Call::of(&request)?;
        let standing = access::standing(&request)?;
        let wire::WatchBookingRequestsRequest { cursor, property_id } = request.into_inner();
        let watch = Watch {
            tenant: call.tenant,
            property: PropertyId::parse_optional("property_id", &property_id)?,
            after: watch::read_cursor(&cursor)?,
            standing,
        };
        let stream = self.watchers.watch(self.store.clone(), watch).await?;
        Ok(Response::new(Box::pin(stream)))
    }
}
