//! The wire of bookings.

use frontdesk_proto::booking::v1 as wire;
use frontdesk_proto::booking::v1::booking_service_server::BookingService;
use frontdesk_proto::text::tidy_line;
use frontdesk_proto::{Refusal, paging};
use prost::Message;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::sizes::Cut;
use super::{Booking as Service, failed, fields, sizes};
use crate::call::Call;
use crate::changes::{CancelBooking, CreateBooking, StepStay};
use crate::domain::booking::{Booking, BookingStatus, NewBooking};
use crate::domain::ids::{BookingId, RowId};
use crate::domain::listing::{After, BookingFilter, Day, day};
use crate::domain::steps::StayStep;
use crate::domain::version::Version;
use crate::error::Error;

/// The source of a booking that names none.
const STAFF: &str = "staff";

#[tonic::async_trait]
impl BookingService for Service {
    async fn get_booking(
        &self,
        request: Request<wire::GetBookingRequest>,
    ) -> Result<Response<wire::GetBookingResponse>, Status> {
        let call = Call::of(&request)?;
        let id: BookingId = fields::id("booking_id", &request.get_ref().booking_id)?;
        let found = self.store.get_booking(call.tenant, id).await.map_err(failed)?;
        let booking = Some(booking(&found.ok_or(Error::BookingNotFound(id))?));
        Ok(Response::new(wire::GetBookingResponse { booking }))
    }

    async fn list_bookings(
        &self,
        request: Request<wire::ListBookingsRequest>,
    ) -> Result<Response<wire::ListBookingsResponse>, Status> {
        let call = Call::of(&request)?;
        let request = request.into_inner();
        let filter = filter(&request)?;
        let size = paging::size(request.page_size, request.limit)?;
        let list = fingerprint(&request);
        let after = match paging::read_token(&list, &request.page_token)? {
            Some((key, id)) => After { key: day(&key).ok_or_else(paging::invalid_token)?, id: RowId(id) },
            None => After { key: Day::MIN, id: RowId(Uuid::nil()) },
        };
        let found = self.store.list_bookings(call.tenant, &filter, after, size).await.map_err(failed)?;
        let size = sizes::fitting(found.bookings.rows.iter().map(|(_, row)| texts(row)), size);
        let Cut { rows, left_out, next } = sizes::cut(found.bookings, size, found.next);
        let token = |next: After<Day>| paging::token(&list, &next.key.to_string(), next.id.0);
        Ok(Response::new(wire::ListBookingsResponse {
            bookings: rows.iter().map(booking).collect(),
            next_page_token: next.map(token).unwrap_or_default(),
            left_out: fields::number(left_out),
        }))
    }

    async fn create_booking(
        &self,
        request: Request<wire::CreateBookingRequest>,
    ) -> Result<Response<wire::CreateBookingResponse>, Status> {
        let call = Call::of(&request)?.with_key(&request, "CreateBooking")?;
        let override_rules = request.get_ref().override_rules;
        let create = CreateBooking { new: new_booking(request.into_inner())?, override_rules };
        self.change(&call, &create, |stored| wire::CreateBookingResponse { booking: Some(booking(stored)) })
            .await
    }

    async fn cancel_booking(
        &self,
        request: Request<wire::CancelBookingRequest>,
    ) -> Result<Response<wire::CancelBookingResponse>, Status> {
        let call = Call::of(&request)?
            .with_version(&request, &request.get_ref().etag)?
            .with_key(&request, "CancelBooking")?;
        let id = fields::id("booking_id", &request.get_ref().booking_id)?;
        self.change(&call, &CancelBooking { id }, |cancelled| wire::CancelBookingResponse {
            booking: Some(booking(cancelled)),
        })
        .await
    }

    async fn check_in(
        &self,
        request: Request<wire::CheckInRequest>,
    ) -> Result<Response<wire::CheckInResponse>, Status> {
        let call = Call::of(&request)?
            .with_version(&request, &request.get_ref().etag)?
            .with_key(&request, "CheckIn")?;
        let step = step(&request.get_ref().booking_id, StayStep::CheckIn, request.get_ref().override_rules)?;
        self.change(&call, &step, |stepped| wire::CheckInResponse { booking: Some(booking(stepped)) }).await
    }

    async fn check_out(
        &self,
        request: Request<wire::CheckOutRequest>,
    ) -> Result<Response<wire::CheckOutResponse>, Status> {
        let call = Call::of(&request)?
            .with_version(&request, &request.get_ref().etag)?
            .with_key(&request, "CheckOut")?;
        let step = step(&request.get_ref().booking_id, StayStep::CheckOut, false)?;
        self.change(&call, &step, |stepped| wire::CheckOutResponse { booking: Some(booking(stepped)) }).await
    }

    async fn mark_no_show(
        &self,
        request: Request<wire::MarkNoShowRequest>,
    ) -> Result<Response<wire::MarkNoShowResponse>, Status> {
        let call = Call::of(&request)?
            .with_version(&request, &request.get_ref().etag)?
            .with_key(&request, "MarkNoShow")?;
        let step = step(&request.get_ref().booking_id, StayStep::NoShow, false)?;
        self.change(&call, &step, |stepped| wire::MarkNoShowResponse { booking: Some(booking(stepped)) })
            .await
    }

    async fn get_booking_settings(
        &self,
        request: Request<wire::GetBookingSettingsRequest>,
    ) -> Result<Response<wire::GetBookingSettingsResponse>, Status> {
        self.settings(request).await
    }

    async fn update_booking_settings(
        &self,
        request: Request<wire::UpdateBookingSettingsRequest>,
    ) -> Result<Response<wire::UpdateBookingSettingsResponse>, Status> {
        self.update_settings(request).await
    }
}

fn new_booking(request: wire::CreateBookingRequest) -> Result<NewBooking, Refusal> {
    let wire::CreateBookingRequest {
        property_id,
        guest_id,
        check_in,
        check_out,
        source,
        external_id,
        override_rules: _,
    } = request;
    let from = fields::Field { name: "check_in", text: &check_in };
    let to = fields::Field { name: "check_out", text: &check_out };
    let mut source = tidy_line(&source);
    let external_id = Some(tidy_line(&external_id)).filter(|id| !id.is_empty());
    if external_id.is_some() && source.is_empty() {
        return Err(Refusal::field("source", "is needed with an external_id"));
    }
    if source.is_empty() {
        // One without a source came from a request.
        STAFF.clone_into(&mut source);
    }
    Ok(NewBooking {
        id: BookingId(Uuid::now_v7()),
        property: fields::id("property_id", &property_id)?,
        guest: fields::optional_id("guest_id", &guest_id)?,
        stay: fields::nights(from, to)?,
        source,
        external_id,
    })
}

fn step(id: &str, step: StayStep, override_rules: bool) -> Result<StepStay, Status> {
    Ok(StepStay { id: fields::id("booking_id", id)?, step, override_rules })
}

/// The list that a request asks for, whichever page of it.
fn fingerprint(request: &wire::ListBookingsRequest) -> Vec<u8> {
    wire::ListBookingsRequest { page_size: 0, limit: 0, page_token: String::new(), ..request.clone() }
        .encode_to_vec()
}

/// The filter of a list; its paging fields are not looked at.
fn filter(request: &wire::ListBookingsRequest) -> Result<BookingFilter, Refusal> {
    let wire::ListBookingsRequest {
        status,
        property_id,
        guest_id,
        stay_from,
        stay_to,
        page_size: _,
        page_token: _,
        limit: _,
    } = request;
    let [stay_from, stay_to] = fields::in_order(
        ("stay_from", fields::optional_date("stay_from", stay_from)?),
        ("stay_to", fields::optional_date("stay_to", stay_to)?),
    )?;
    Ok(BookingFilter {
        statuses: status.iter().map(|status| asked_status(*status)).collect::<Result<_, _>>()?,
        property: fields::optional_id("property_id", property_id)?,
        guest: fields::optional_id("guest_id", guest_id)?,
        stay_from,
        stay_to,
    })
}

fn asked_status(asked: i32) -> Result<BookingStatus, Refusal> {
    let known = wire::BookingStatus::try_from(asked).ok();
    let mut all = BookingStatus::ALL.into_iter().chain([BookingStatus::Unknown]);
    let found = all.find(|one| Some(status(*one)) == known);
    found.ok_or_else(|| fields::unknown("status"))
}

/// The texts of a row.
fn texts(booking: &Booking) -> [&str; 3] {
    let Booking { unknown_status, source, external_id, .. } = booking;
    let [word, id] = [unknown_status, external_id].map(|text| text.as_deref().unwrap_or_default());
    [source, word, id]
}

fn booking(booking: &Booking) -> wire::Booking {
    let mut texts = sizes::Texts::default();
    let version = Version::of(booking);
    let Booking {
        id,
        request,
        property,
        guest,
        stay,
        booked_check_out,
        status: stored,
        unknown_status,
        confirmed_at,
        approved_by,
        row_version: _,
        created_at,
        updated_at,
        source,
        external_id,
    } = booking;
    wire::Booking {
        id: id.to_string(),
        booking_request_id: fields::written(*request),
        property_id: property.to_string(),
        guest_id: fields::written(*guest),
        check_in: fields::day(stay.check_in),
        check_out: fields::day(stay.check_out),
        status: status(*stored).into(),
        confirmed_at: confirmed_at.and_then(fields::shown),
        approved_by: fields::written(*approved_by),
        created_at: fields::shown(*created_at),
        updated_at: fields::shown(*updated_at),
        etag: version.to_string(),
        unknown_status: texts.text("unknown_status", unknown_status.clone().unwrap_or_default()),
        source: texts.text("source", source.clone()),
        external_id: texts.text("external_id", external_id.clone().unwrap_or_default()),
        booked_check_out: booked_check_out.map(fields::day).unwrap_or_default(),
        shortened: texts.shortened(),
    }
}

pub(super) fn status(status: BookingStatus) -> wire::BookingStatus {
    match status {
        BookingStatus::Inquiry => wire::BookingStatus::Inquiry,
        BookingStatus::Pending => wire::BookingStatus::Pending,
        BookingStatus::Requested => wire::BookingStatus::Requested,
        BookingStatus::UnderReview => wire::BookingStatus::UnderReview,
        BookingStatus::Confirmed => wire::BookingStatus::Confirmed,
        BookingStatus::CheckedIn => wire::BookingStatus::CheckedIn,
        BookingStatus::CheckedOut => wire::BookingStatus::CheckedOut,
        BookingStatus::Cancelled => wire::BookingStatus::Cancelled,
        BookingStatus::Declined => wire::BookingStatus::Declined,
        BookingStatus::NoShow => wire::BookingStatus::NoShow,
        BookingStatus::Unknown => wire::BookingStatus::Unknown,
    }
}
