//! The wire of lists of booking requests: what a list is asked for, which page of it, and
//! how much of the page fits into an answer. A row of it is shown by `requests.rs`.

use frontdesk_proto::booking::v1 as wire;
use frontdesk_proto::{Refusal, paging};
use prost::Message;
use tonic::{Request, Response, Status};

use super::requests::{booking_request, status, texts};
use super::sizes::{self, Cut};
use super::{Booking, failed, fields};
use crate::call::Call;
use crate::domain::ids::RowId;
use crate::domain::listing::{Cursor, Filter, Order, Page};
use crate::domain::request::Status as RequestStatus;
use crate::store::request_counts::Counted;

impl Booking {
    pub(super) async fn list_requests(
        &self,
        request: Request<wire::ListBookingRequestsRequest>,
    ) -> Result<Response<wire::ListBookingRequestsResponse>, Status> {
        let call = Call::of(&request)?;
        let request = request.into_inner();
        let (filter, order) = (filter(&request)?, order(request.order)?);
        let size = paging::size(request.page_size, request.limit)?;
        let list = fingerprint(&request);
        let after = match paging::read_token(&list, &request.page_token)? {
            Some((key, id)) => order.cursor(&key, RowId(id)).ok_or_else(paging::invalid_token)?,
            None => order.start(),
        };
        let page = Page { order, after, size };
        let found = self.store.list_booking_requests(call.tenant, &filter, &page, request.include_counts);
        let found = found.await.map_err(failed)?;
        let size = sizes::fitting(found.requests.rows.iter().map(|(_, row)| texts(row)), size);
        let Cut { rows, left_out, next } = sizes::cut(found.requests, size, found.next);
        let token = |cursor: Cursor| paging::token(&list, &cursor.key(), cursor.id().0);
        Ok(Response::new(wire::ListBookingRequestsResponse {
            booking_requests: rows.into_iter().map(booking_request).collect(),
            next_page_token: next.map(token).unwrap_or_default(),
            counts: found.counts.into_iter().map(status_count).collect(),
            left_out: fields::number(left_out),
        }))
    }
}

/// The list that a request asks for, whichever page of it and with or without counts.
fn fingerprint(request: &wire::ListBookingRequestsRequest) -> Vec<u8> {
    wire::ListBookingRequestsRequest {
        page_size: 0,
        limit: 0,
        page_token: String::new(),
        include_counts: false,
        ..request.clone()
    }
    .encode_to_vec()
}

/// The filter of a list; order and paging fields are not looked at.
fn filter(request: &wire::ListBookingRequestsRequest) -> Result<Filter, Refusal> {
    let wire::ListBookingRequestsRequest {
        status,
        property_id,
        guest_id,
        stay_from,
        stay_to,
        created_from,
        created_to,
        order: _,
        page_size: _,
        page_token: _,
        limit: _,
        include_counts: _,
    } = request;
    let [stay_from, stay_to] = fields::in_order(
        ("stay_from", fields::optional_date("stay_from", stay_from)?),
        ("stay_to", fields::optional_date("stay_to", stay_to)?),
    )?;
    let [created_from, created_to] = fields::in_order(
        ("created_from", fields::optional_time("created_from", *created_from)?),
        ("created_to", fields::optional_time("created_to", *created_to)?),
    )?;
    Ok(Filter {
        statuses: status.iter().map(|status| asked_status(*status)).collect::<Result<_, _>>()?,
        property: fields::optional_id("property_id", property_id)?,
        guest: fields::optional_id("guest_id", guest_id)?,
        stay_from,
        stay_to,
        created_from,
        created_to,
    })
}

fn order(order: i32) -> Result<Order, Refusal> {
    match wire::BookingRequestOrder::try_from(order) {
        Ok(wire::BookingRequestOrder::Unspecified | wire::BookingRequestOrder::NewestFirst) => {
            Ok(Order::NewestFirst)
        }
        Ok(wire::BookingRequestOrder::OldestFirst) => Ok(Order::OldestFirst),
        Ok(wire::BookingRequestOrder::CheckIn) => Ok(Order::CheckIn),
        Err(_) => Err(fields::unknown("order")),
    }
}

fn asked_status(status: i32) -> Result<RequestStatus, Refusal> {
    match wire::BookingRequestStatus::try_from(status) {
        Ok(wire::BookingRequestStatus::Requested) => Ok(RequestStatus::Requested),
        Ok(wire::BookingRequestStatus::UnderReview) => Ok(RequestStatus::UnderReview),
        Ok(wire::BookingRequestStatus::Confirmed) => Ok(RequestStatus::Confirmed),
        Ok(wire::BookingRequestStatus::Declined) => Ok(RequestStatus::Declined),
        Ok(wire::BookingRequestStatus::Cancelled) => Ok(RequestStatus::Cancelled),
        Ok(wire::BookingRequestStatus::Expired) => Ok(RequestStatus::Expired),
        Ok(wire::BookingRequestStatus::Unknown) => Ok(RequestStatus::Unknown),
        Ok(wire::BookingRequestStatus::Unspecified) | Err(_) => Err(fields::unknown("status")),
    }
}

fn status_count(counted: Counted) -> wire::BookingRequestStatusCount {
    let Counted { status: of, count, more } = counted;
    let count = i32::try_from(count).unwrap_or(i32::MAX);
    wire::BookingRequestStatusCount { status: status(of).into(), count, more }
}
