//! Between domain types and messages.

use frontdesk_proto::Refusal;
use frontdesk_proto::booking::v1 as wire;
use jiff::Timestamp;
use jiff::civil::Date;

use crate::approve::{Approved, Outcome};
use crate::domain::approval::{Evidence, Layout};
use crate::domain::booking::{Booking, BookingStatus};
use crate::domain::ids::{GuestId, PropertyId};
use crate::domain::request::{BookingRequest, Status};
use crate::domain::stay::{Coverage, parse_date};
use crate::paging::{BookingFilter, Filter, Order};
use crate::store::{
    Block, Customer, Event, HoldPolicy, MOST_COUNTED, Occupancy, OccupancyKind, Property, RequestHold,
    Settings,
};

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
        held_booking: _,
        hold_expires_at,
        confirmed_at,
        decided_by,
        row_version,
        created_at,
        updated_at,
    } = request;
    wire::BookingRequest {
        id: id.0.to_string(),
        property_id: property.0.to_string(),
        guest_id: guest.map(|id| id.0.to_string()).unwrap_or_default(),
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
        hold_expires_at: hold_expires_at.map(timestamp),
    }
}

pub fn booking(booking: Booking) -> wire::Booking {
    let Booking {
        id,
        request,
        property,
        guest,
        stay,
        status,
        confirmed_at,
        approved_by,
        row_version,
        created_at,
        updated_at,
    } = booking;
    wire::Booking {
        id: id.0.to_string(),
        booking_request_id: request.map(|id| id.0.to_string()).unwrap_or_default(),
        property_id: property.0.to_string(),
        guest_id: guest.map(|id| id.0.to_string()).unwrap_or_default(),
        check_in: stay.check_in.to_string(),
        check_out: stay.check_out.to_string(),
        status: booking_status(status).into(),
        confirmed_at: confirmed_at.map(timestamp),
        approved_by: approved_by.map(|id| id.to_string()).unwrap_or_default(),
        created_at: Some(timestamp(created_at)),
        updated_at: Some(timestamp(updated_at)),
        etag: row_version.to_string(),
    }
}

pub fn booking_status(status: BookingStatus) -> wire::BookingStatus {
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
    }
}

/// The answer to an approve; the sentences are those that scripts look for.
pub fn approved(approved: Approved) -> wire::ApproveBookingRequestResponse {
    let Approved { request, booking, outcome, evidence, coverage, layout } = approved;
    let message = match (evidence, layout) {
        (None, Layout::Standard) => "Booking request approved".to_owned(),
        (None, Layout::SingleTable) => "Booking request approved (in-place update)".to_owned(),
        (Some(Evidence::AlreadyConfirmed), _) => "Booking request already approved (idempotent)".to_owned(),
        (Some(evidence), _) => {
            let healed = match evidence {
                Evidence::ConfirmedAtSet => "idempotent, state healed",
                Evidence::InventoryActive => "idempotent, state healed from inventory",
                _ => "idempotent",
            };
            format!("Booking request already approved ({healed}); healed: {}", evidence.name())
        }
    };
    wire::ApproveBookingRequestResponse {
        booking_request_id: request.0.to_string(),
        booking_id: booking.map(|id| id.0.to_string()).unwrap_or_default(),
        status: wire::BookingRequestStatus::Confirmed.into(),
        message,
        outcome: approve_outcome(outcome).into(),
        evidence: evidence.map_or(wire::ApproveEvidence::Unspecified, approve_evidence).into(),
        coverage: match coverage {
            None => wire::StayCoverage::Unspecified,
            Some(Coverage::Exact) => wire::StayCoverage::Exact,
            Some(Coverage::Contained) => wire::StayCoverage::Contained,
            Some(Coverage::Partial) => wire::StayCoverage::Partial,
        }
        .into(),
    }
}

fn approve_outcome(outcome: Outcome) -> wire::ApproveOutcome {
    match outcome {
        Outcome::Approved => wire::ApproveOutcome::Approved,
        Outcome::AlreadyApproved => wire::ApproveOutcome::AlreadyApproved,
        Outcome::Healed => wire::ApproveOutcome::Healed,
    }
}

pub fn approve_evidence(evidence: Evidence) -> wire::ApproveEvidence {
    match evidence {
        Evidence::AlreadyConfirmed => wire::ApproveEvidence::AlreadyConfirmed,
        Evidence::ConfirmedAtSet => wire::ApproveEvidence::ConfirmedAtSet,
        Evidence::ApprovedBookingConfirmed => wire::ApproveEvidence::ApprovedBookingConfirmed,
        Evidence::InventoryActive => wire::ApproveEvidence::InventoryActive,
        Evidence::RelatedBookingConfirmed => wire::ApproveEvidence::RelatedBookingConfirmed,
        Evidence::FulfilledByOverlapSameGuest => wire::ApproveEvidence::FulfilledByOverlapSameGuest,
    }
}

pub fn event(event: Event) -> wire::BookingRequestEvent {
    use wire::BookingRequestEventKind as Kind;
    let Event { id, at, request, booking, action, actor, evidence } = event;
    let kind = match action.as_str() {
        "created" => Kind::Created,
        "review_started" => Kind::ReviewStarted,
        "approved" => Kind::Approved,
        "healed" => Kind::Healed,
        "declined" => Kind::Declined,
        "auto_declined" => Kind::AutoDeclined,
        "cancelled" => Kind::Cancelled,
        "expired" => Kind::Expired,
        "fulfilment_lost" => Kind::FulfilmentLost,
        "booking_cancelled" => Kind::BookingCancelled,
        "checked_in" => Kind::CheckedIn,
        "checked_out" => Kind::CheckedOut,
        "no_show" => Kind::NoShow,
        // Of a later version.
        _ => Kind::Unspecified,
    };
    wire::BookingRequestEvent {
        id: id.to_string(),
        at: Some(timestamp(at)),
        kind: kind.into(),
        booking_request_id: request.map(|id| id.0.to_string()).unwrap_or_default(),
        booking_id: booking.map(|id| id.0.to_string()).unwrap_or_default(),
        actor: actor.map(|id| id.to_string()).unwrap_or_default(),
        evidence: evidence.map_or(wire::ApproveEvidence::Unspecified, approve_evidence).into(),
    }
}

/// A count that stopped at the most that is counted.
pub fn status_count((of, counted): (Status, i64)) -> wire::BookingRequestStatusCount {
    wire::BookingRequestStatusCount {
        status: status(of).into(),
        count: i32::try_from(counted.min(MOST_COUNTED)).unwrap_or(i32::MAX),
        more: counted > MOST_COUNTED,
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
    let Property {
        id,
        name,
        time_zone,
        max_guests,
        hold_policy,
        hold_hours,
        row_version,
        created_at,
        updated_at,
    } = property;
    wire::Property {
        id: id.0.to_string(),
        name,
        time_zone,
        max_guests,
        created_at: Some(timestamp(created_at)),
        hold_policy: match hold_policy {
            HoldPolicy::None => wire::HoldPolicy::None,
            HoldPolicy::Hold => wire::HoldPolicy::Hold,
        }
        .into(),
        hold_hours,
        updated_at: Some(timestamp(updated_at)),
        etag: row_version.to_string(),
    }
}

pub fn occupancy(occupancy: Occupancy) -> wire::Occupancy {
    let Occupancy { kind, source, stay } = occupancy;
    wire::Occupancy {
        start_date: stay.check_in.to_string(),
        end_date: stay.check_out.to_string(),
        kind: match kind {
            OccupancyKind::Booking => wire::OccupancyKind::Booking,
            OccupancyKind::Hold => wire::OccupancyKind::Hold,
            OccupancyKind::Block => wire::OccupancyKind::Block,
            OccupancyKind::Request => wire::OccupancyKind::Request,
        }
        .into(),
        source_id: source.to_string(),
        blocking: kind != OccupancyKind::Request,
    }
}

pub fn block(block: Block) -> wire::Block {
    let Block { id, property, nights, note, active } = block;
    wire::Block {
        id: id.0.to_string(),
        property_id: property.0.to_string(),
        start_date: nights.check_in.to_string(),
        end_date: nights.check_out.to_string(),
        note,
        active,
    }
}

pub fn settings(settings: Settings) -> wire::BookingSettings {
    let Settings { auto_decline, updated_at } = settings;
    wire::BookingSettings { auto_decline, updated_at: updated_at.map(timestamp) }
}

/// The hold policy of a field; `None` when it is not set.
pub fn hold_policy(policy: i32) -> Result<Option<HoldPolicy>, Refusal> {
    match wire::HoldPolicy::try_from(policy) {
        Ok(wire::HoldPolicy::Unspecified) => Ok(None),
        Ok(wire::HoldPolicy::None) => Ok(Some(HoldPolicy::None)),
        Ok(wire::HoldPolicy::Hold) => Ok(Some(HoldPolicy::Hold)),
        Err(_) => Err(Refusal::field("hold_policy", "takes none or hold")),
    }
}

pub fn layout(layout: Layout) -> wire::StorageLayout {
    match layout {
        Layout::Standard => wire::StorageLayout::Standard,
        Layout::SingleTable => wire::StorageLayout::SingleTable,
    }
}

pub fn request_hold(hold: RequestHold) -> wire::RequestHold {
    match hold {
        RequestHold::Literal => wire::RequestHold::Literal,
        RequestHold::ConfirmedOnly => wire::RequestHold::ConfirmedOnly,
        RequestHold::Flag => wire::RequestHold::Flag,
        RequestHold::Missing => wire::RequestHold::Missing,
    }
}

/// The filter of a list of bookings; its paging fields are not looked at.
pub fn booking_filter(request: &wire::ListBookingsRequest) -> Result<BookingFilter, Refusal> {
    let status = |status: &i32| {
        let known = wire::BookingStatus::try_from(*status).ok();
        let found = BookingStatus::ALL.into_iter().find(|one| Some(booking_status(*one)) == known);
        found.ok_or_else(|| {
            Refusal::field("status", "takes requested, confirmed, checked_in, checked_out, cancelled, declined, no_show, inquiry, pending or under_review")
        })
    };
    Ok(BookingFilter {
        statuses: request.status.iter().map(status).collect::<Result<_, _>>()?,
        property: PropertyId::parse_optional("property_id", &request.property_id)?,
        guest: GuestId::parse_optional("guest_id", &request.guest_id)?,
        stay_from: optional_date("stay_from", &request.stay_from)?,
        stay_to: optional_date("stay_to", &request.stay_to)?,
    })
}

fn optional_date(field: &str, text: &str) -> Result<Option<Date>, Refusal> {
    (!text.is_empty()).then(|| parse_date(field, text)).transpose()
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
            stay_from: optional_date("stay_from", &request.stay_from)?,
            stay_to: optional_date("stay_to", &request.stay_to)?,
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
