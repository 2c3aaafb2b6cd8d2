//! The wire of bookings and of the tenant's settings.

use frontdesk_proto::booking::v1 as wire;
use frontdesk_proto::booking::v1::booking_service_server::BookingService;
use frontdesk_proto::{Refusal, paging};
use jiff::Timestamp;
use prost::Message;
use tonic::{Request, Response, Status};

use super::Booking;
use crate::call::Call;
use crate::domain::ids::BookingId;
use crate::domain::steps::StayStep;
use crate::error::Error;
use crate::paging::{Cursor, Order, Page};
use crate::{close, convert, stay};

#[tonic::async_trait]
impl BookingService for Booking {
    async fn get_booking(
        &self,
        request: Request<wire::GetBookingRequest>,
    ) -> Result<Response<wire::GetBookingResponse>, Status> {
        let call = Call::of(&request)?;
        let id = BookingId::parse("booking_id", &request.get_ref().booking_id)?;
        let found = self
            .store
            .run(async |schema| self.store.get_booking(&schema, call.tenant, id).await.map_err(Error::from));
        let booking = Some(convert::booking(found.await?.ok_or(Error::BookingNotFound(id))?));
        Ok(Response::new(wire::GetBookingResponse { booking }))
    }

    async fn list_bookings(
        &self,
        request: Request<wire::ListBookingsRequest>,
    ) -> Result<Response<wire::ListBookingsResponse>, Status> {
        let call = Call::of(&request)?;
        let mut request = request.into_inner();
        let filter = convert::booking_filter(&request)?;
        let size = paging::size(request.page_size, request.limit)?;
        let token = std::mem::take(&mut request.page_token);
        (request.page_size, request.limit) = (0, 0);
        let list = request.encode_to_vec();
        let order = Order::CheckIn;
        let after = match paging::read_token(&list, &token)? {
            Some((key, id)) => order.cursor((&key, id)).ok_or_else(paging::invalid_token)?,
            None => order.start(),
        };
        let page = Page { order, after, size };
        let found = self.store.run(async |schema| {
            self.store.list_bookings(&schema, call.tenant, &filter, &page).await.map_err(Error::from)
        });
        let (rows, next_page_token) = paging::split(found.await?, size, |row| {
            let cursor = Cursor::CheckIn(row.stay.check_in, row.id.0);
            paging::token(&list, &cursor.key(), *cursor.id())
        });
        let bookings = rows.into_iter().map(convert::booking).collect();
        Ok(Response::new(wire::ListBookingsResponse { bookings, next_page_token }))
    }

    async fn cancel_booking(
        &self,
        request: Request<wire::CancelBookingRequest>,
    ) -> Result<Response<wire::CancelBookingResponse>, Status> {
        let call = Call::of(&request)?.with_version(&request, &request.get_ref().etag)?;
        let id = BookingId::parse("booking_id", &request.get_ref().booking_id)?;
        let booking = Some(convert::booking(close::cancel_booking(&self.store, &call, id).await?));
        Ok(Response::new(wire::CancelBookingResponse { booking }))
    }

    async fn check_in(
        &self,
        request: Request<wire::CheckInRequest>,
    ) -> Result<Response<wire::CheckInResponse>, Status> {
        let call = Call::of(&request)?.with_version(&request, &request.get_ref().etag)?;
        let booking = Some(self.step(&call, &request.get_ref().booking_id, StayStep::CheckIn).await?);
        Ok(Response::new(wire::CheckInResponse { booking }))
    }

    async fn check_out(
        &self,
        request: Request<wire::CheckOutRequest>,
    ) -> Result<Response<wire::CheckOutResponse>, Status> {
        let call = Call::of(&request)?.with_version(&request, &request.get_ref().etag)?;
        let booking = Some(self.step(&call, &request.get_ref().booking_id, StayStep::CheckOut).await?);
        Ok(Response::new(wire::CheckOutResponse { booking }))
    }

    async fn mark_no_show(
        &self,
        request: Request<wire::MarkNoShowRequest>,
    ) -> Result<Response<wire::MarkNoShowResponse>, Status> {
        let call = Call::of(&request)?.with_version(&request, &request.get_ref().etag)?;
        let booking = Some(self.step(&call, &request.get_ref().booking_id, StayStep::NoShow).await?);
        Ok(Response::new(wire::MarkNoShowResponse { booking }))
    }

    async fn get_booking_settings(
        &self,
        request: Request<wire::GetBookingSettingsRequest>,
    ) -> Result<Response<wire::GetBookingSettingsResponse>, Status> {
        let call = Call::of(&request)?;
        let found = self
            .store
            .run(async |schema| self.store.get_settings(&schema, call.tenant).await.map_err(Error::from));
        let settings = Some(convert::settings(found.await?));
        Ok(Response::new(wire::GetBookingSettingsResponse { settings }))
    }

    async fn update_booking_settings(
        &self,
        request: Request<wire::UpdateBookingSettingsRequest>,
    ) -> Result<Response<wire::UpdateBookingSettingsResponse>, Status> {
        let call = Call::of(&request)?;
        let Some(wire::BookingSettings { auto_decline, updated_at: _ }) = request.into_inner().settings
        else {
            return Err(Refusal::field("settings", "is needed").into());
        };
        let at = Timestamp::now();
        let stored = self.store.run(async |schema| {
            self.store.put_settings(&schema, call.tenant, auto_decline, at).await.map_err(Error::from)
        });
        let settings = Some(convert::settings(stored.await?));
        Ok(Response::new(wire::UpdateBookingSettingsResponse { settings }))
    }
}

impl Booking {
    async fn step(&self, call: &Call, id: &str, step: StayStep) -> Result<wire::Booking, Status> {
        let id = BookingId::parse("booking_id", id)?;
        Ok(convert::booking(stay::step(&self.store, call, id, step).await?))
    }
}
