//! Between domain types and messages.

use frontdesk_proto::Refusal;
use frontdesk_proto::booking::v1 as wire;
use jiff::Timestamp;

use crate::domain::ids::{GuestId, PropertyId};
use crate::domain::request::{BookingRequest, Status};
use crate::domain::stay::parse_date;
use crate::paging::{Filter, Order};
use crate::store::{Customer, Property};

/// Longest text of people in characters.
const MAX_TEXT: usize = 4000;

pub fn booking_request(request: BookingRequest) -> wire::BookingRequest {
    let effective = request.effective_status();
    let BookingRequest {
        id,
        property,
        guest,
        stay,
        status: stored,
        guest_count,
        message,
        internal_note,
        decline_reason,
        approved_booking,
        confirmed_at,
        decided_by,
        row_version,
        created_at,
        updated_at,
    } = request;
    wire::BookingRequest {
        id: id.0.to_string(),
        property_id: property.0.to_string(),
        guest_id: guest.0.to_string(),
        check_in: stay.check_in.to_string(),
        check_out: stay.check_out.to_string(),
        status: status(effective).into(),
        stored_status: status(stored).into(),
        guest_count,
        message,
        internal_note,
        decline_reason: decline_reason.unwrap_or_default(),
        approved_booking_id: approved_booking.map(|id| id.0.to_string()).unwrap_or_default(),
        confirmed_at: confirmed_at.map(timestamp),
        decided_by: decided_by.map(|id| id.to_string()).unwrap_or_default(),
        created_at: Some(timestamp(created_at)),
        updated_at: Some(timestamp(updated_at)),
        etag: row_version.to_string(),
    }
}

pub fn status(status: Status) -> wire::BookingRequestStatus {
    match status {
        Status::Requested => wire::BookingRequestStatus::Requested,
        Status::UnderReview => wire::BookingRequestStatus::UnderReview,
        Status::Confirmed => wire::BookingRequestStatus::Confirmed,
        Status::Declined => wire::BookingRequestStatus::Declined,
        Status::Cancelled => wire::BookingRequestStatus::Cancelled,
        Status::Expired => wire::BookingRequestStatus::Expired,
    }
}

pub fn property(property: Property) -> wire::Property {
    let Property { id, name, time_zone, max_guests, created_at } = property;
    wire::Property {
        id: id.0.to_string(),
        name,
        time_zone,
        max_guests,
        created_at: Some(timestamp(created_at)),
    }
}

pub fn customer(customer: Customer) -> wire::Customer {
    let Customer { id, name, email, phone, created_at } = customer;
    wire::Customer { id: id.0.to_string(), name, email, phone, created_at: Some(timestamp(created_at)) }
}

/// The filter and order of a list request; its paging fields are not looked at.
pub fn filter(request: &wire::ListBookingRequestsRequest) -> Result<(Filter, Order), Refusal> {
    let order = match wire::BookingRequestOrder::try_from(request.order) {
        Ok(wire::BookingRequestOrder::Unspecified | wire::BookingRequestOrder::NewestFirst) => {
            Order::NewestFirst
        }
        Ok(wire::BookingRequestOrder::OldestFirst) => Order::OldestFirst,
        Ok(wire::BookingRequestOrder::CheckIn) => Order::CheckIn,
        Err(_) => return Err(Refusal::field("order", "takes newest_first, oldest_first or check_in")),
    };
    let statuses = request.status.iter().map(|status| status_filter(*status)).collect::<Result<_, _>>()?;
    let date = |field, text: &str| (!text.is_empty()).then(|| parse_date(field, text)).transpose();
    let time = |field, at: &Option<prost_types::Timestamp>| {
        at.as_ref().map(|at| {
            Timestamp::new(at.seconds, at.nanos)
                .map_err(|_| Refusal::field(field, "is not a time that a calendar has"))
        })
    };
    Ok((
        Filter {
            statuses,
            property: PropertyId::parse_optional("property_id", &request.property_id)?,
            guest: GuestId::parse_optional("guest_id", &request.guest_id)?,
            stay_from: date("stay_from", &request.stay_from)?,
            stay_to: date("stay_to", &request.stay_to)?,
            created_from: time("created_from", &request.created_from).transpose()?,
            created_to: time("created_to", &request.created_to).transpose()?,
        },
        order,
    ))
}

/// A text of people within its length; control characters other than line
/// breaks and tabs are refused, since Postgres and logs choke on some.
pub fn text(field: &str, text: String) -> Result<String, Refusal> {
    if text.chars().count() > MAX_TEXT {
        return Err(Refusal::field(field, format!("takes at most {MAX_TEXT} characters")));
    }
    if text.chars().any(|char| char.is_control() && !matches!(char, '\n' | '\r' | '\t')) {
        return Err(Refusal::field(field, "must not hold control characters"));
    }
    Ok(text)
}

fn status_filter(status: i32) -> Result<Status, Refusal> {
    match wire::BookingRequestStatus::try_from(status) {
        Ok(wire::BookingRequestStatus::Requested) => Ok(Status::Requested),
        Ok(wire::BookingRequestStatus::UnderReview) => Ok(Status::UnderReview),
        Ok(wire::BookingRequestStatus::Confirmed) => Ok(Status::Confirmed),
        Ok(wire::BookingRequestStatus::Declined) => Ok(Status::Declined),
        Ok(wire::BookingRequestStatus::Cancelled) => Ok(Status::Cancelled),
        Ok(wire::BookingRequestStatus::Expired) => Ok(Status::Expired),
        Ok(wire::BookingRequestStatus::Unspecified) | Err(_) => Err(Refusal::field(
            "status",
            "takes requested, under_review, confirmed, declined, cancelled or expired",
        )),
    }
}

fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: at.as_second(), nanos: at.subsec_nanosecond() }
}
