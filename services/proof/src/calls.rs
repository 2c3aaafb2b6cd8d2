//! The calls whose orders are tried, and what is compared of their answers.

use std::fmt;
use std::str::FromStr;

use frontdesk_proto::Refusal;
use frontdesk_proto::booking::v1 as wire;
use tonic::Status;
use uuid::Uuid;

use crate::service::{Service, of};
use crate::world::{Nights, PROPERTY, World, block, booking, day, guest, request};

/// A call that changes something. Numbers are those of rows of the starting state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    Approve(u8),
    Decline(u8),
    Review(u8),
    Cancel(u8),
    CancelBooking(u8),
    Create,
    Book,
    Block,
    Unblock(u8),
    CheckIn(u8),
    CheckOut(u8),
    AutoDecline,
    Expire(u8),
}

/// Who asks for what by a new request, and what staff books.
pub const NEW_GUEST: u128 = 3;
pub const NEW_NIGHTS: Nights = (12, 14);
pub const BOOKED_NIGHTS: Nights = (11, 13);
pub const BLOCKED_NIGHTS: Nights = (12, 13);

impl Call {
    /// Every call that has something to be about in a starting state.
    pub fn all(world: &World) -> Vec<Self> {
        let has = |id: Uuid| {
            world.requests.iter().any(|one| one.id == id) || world.bookings.iter().any(|one| one.id == id)
        };
        let mut all = Vec::new();
        for n in [1, 2] {
            if has(request(n.into())) {
                all.extend([Self::Approve(n), Self::Decline(n), Self::Review(n), Self::Cancel(n)]);
            }
            if has(booking(n.into())) {
                all.extend([Self::CancelBooking(n), Self::CheckIn(n), Self::CheckOut(n)]);
            }
        }
        all.extend([Self::Create, Self::Book, Self::Block, Self::AutoDecline]);
        if world.ranges.iter().any(|range| range.id == block(1)) {
            all.push(Self::Unblock(1));
        }
        if world.requests.iter().any(|one| one.id == request(1) && one.held.is_some()) {
            all.push(Self::Expire(1));
        }
        all
    }

    /// Makes it, and gives what is compared of its answer.
    pub async fn make(self, service: &Service, tenant: Uuid) -> String {
        match self {
            Self::Approve(n) => return approve(service, tenant, n).await,
            Self::Expire(n) => {
                return match service.expire(tenant, request(n.into())).await {
                    Ok(expired) => format!("expired: {expired}"),
                    Err(refusal) => refused(&refusal),
                };
            }
            _ => {}
        }
        match self.plainly(service, tenant).await {
            Ok(()) => "done".to_owned(),
            Err(status) => answer_of(&status),
        }
    }

    async fn plainly(self, service: &Service, tenant: Uuid) -> Result<(), Status> {
        let requests = &mut service.requests();
        let (bookings, properties) = (&mut service.bookings(), &mut service.properties());
        match self {
            Self::Approve(_) | Self::Expire(_) => {}
            Self::Decline(n) => {
                let booking_request_id = request(n.into()).to_string();
                let decline_reason = "full".to_owned();
                let message = wire::DeclineBookingRequestRequest {
                    booking_request_id,
                    decline_reason,
                    ..Default::default()
                };
                requests.decline_booking_request(of(tenant, message)).await?;
            }
            Self::Review(n) => {
                let booking_request_id = request(n.into()).to_string();
                let message = wire::StartReviewRequest { booking_request_id, ..Default::default() };
                requests.start_review(of(tenant, message)).await?;
            }
            Self::Cancel(n) => {
                let booking_request_id = request(n.into()).to_string();
                let message = wire::CancelBookingRequestRequest { booking_request_id, ..Default::default() };
                requests.cancel_booking_request(of(tenant, message)).await?;
            }
            Self::Create => {
                requests.create_booking_request(of(tenant, new_request())).await?;
            }
            Self::CancelBooking(n) => {
                let booking_id = booking(n.into()).to_string();
                let message = wire::CancelBookingRequest { booking_id, ..Default::default() };
                bookings.cancel_booking(of(tenant, message)).await?;
            }
            Self::CheckIn(n) => {
                let booking_id = booking(n.into()).to_string();
                let message = wire::CheckInRequest { booking_id, override_rules: true, ..Default::default() };
                bookings.check_in(of(tenant, message)).await?;
            }
            Self::CheckOut(n) => {
                let booking_id = booking(n.into()).to_string();
                let message = wire::CheckOutRequest { booking_id, ..Default::default() };
                bookings.check_out(of(tenant, message)).await?;
            }
            Self::Book => {
                bookings.create_booking(of(tenant, new_booking())).await?;
            }
            Self::AutoDecline => {
                let settings = Some(wire::BookingSettings { auto_decline: true, ..Default::default() });
                let message = wire::UpdateBookingSettingsRequest { settings, ..Default::default() };
                bookings.update_booking_settings(of(tenant, message)).await?;
            }
            Self::Block => {
                let (start_date, end_date) = texts(BLOCKED_NIGHTS);
                let property_id = PROPERTY.to_string();
                let message =
                    wire::BlockPropertyRequest { property_id, start_date, end_date, ..Default::default() };
                properties.block_property(of(tenant, message)).await?;
            }
            Self::Unblock(n) => {
                let (property_id, block_id) = (PROPERTY.to_string(), block(n.into()).to_string());
                let message = wire::UnblockPropertyRequest { property_id, block_id, ..Default::default() };
                properties.unblock_property(of(tenant, message)).await?;
            }
        }
        Ok(())
    }
}

async fn approve(service: &Service, tenant: Uuid, n: u8) -> String {
    let booking_request_id = request(n.into()).to_string();
    let message = wire::ApproveBookingRequestRequest { booking_request_id, ..Default::default() };
    match service.requests().approve_booking_request(of(tenant, message)).await {
        Ok(answer) => granted(answer.get_ref().outcome(), answer.get_ref().evidence()),
        Err(status) => answer_of(&status),
    }
}

/// What an approve would answer by its explanation.
pub async fn explain(service: &Service, tenant: Uuid, n: u8) -> String {
    let booking_request_id = request(n.into()).to_string();
    let message = wire::ExplainApprovalRequest { booking_request_id };
    match service.diagnostics().explain_approval(of(tenant, message)).await {
        Ok(answer) if answer.get_ref().would_succeed => {
            granted(answer.get_ref().outcome(), answer.get_ref().evidence())
        }
        Ok(answer) => answer.into_inner().refusal_reason,
        Err(status) => answer_of(&status),
    }
}

fn granted(outcome: wire::ApproveOutcome, evidence: wire::ApproveEvidence) -> String {
    let short = |name: &str, prefix: &str| name.trim_start_matches(prefix).to_lowercase();
    let outcome = short(outcome.as_str_name(), "APPROVE_OUTCOME_");
    let evidence = short(evidence.as_str_name(), "APPROVE_EVIDENCE_");
    if evidence == "unspecified" { outcome } else { format!("{outcome} by {evidence}") }
}

fn answer_of(status: &Status) -> String {
    match Refusal::from_status(status) {
        Some(refusal) => refused(&refusal),
        None => format!("BARE {:?}: {}", status.code(), status.message()),
    }
}

fn refused(refusal: &Refusal) -> String {
    let is_shown = |(name, _): &(&str, &str)| ["conflict_kind", "state", "inconsistency"].contains(name);
    let shown: Vec<&str> = refusal.metadata().filter(is_shown).map(|(_, value)| value).collect();
    [&[refusal.name()][..], &shown[..]].concat().join(" ")
}

fn texts((from, to): Nights) -> (String, String) {
    (day(from).to_string(), day(to).to_string())
}

fn new_request() -> wire::CreateBookingRequestRequest {
    let (check_in, check_out) = texts(NEW_NIGHTS);
    wire::CreateBookingRequestRequest {
        property_id: PROPERTY.to_string(),
        guest_id: guest(NEW_GUEST).to_string(),
        check_in,
        check_out,
        guest_count: 1,
        ..Default::default()
    }
}

fn new_booking() -> wire::CreateBookingRequest {
    let (check_in, check_out) = texts(BOOKED_NIGHTS);
    wire::CreateBookingRequest {
        property_id: PROPERTY.to_string(),
        guest_id: guest(NEW_GUEST).to_string(),
        check_in,
        check_out,
        ..Default::default()
    }
}

impl fmt::Display for Call {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Approve(n) => write!(out, "approve-r{n}"),
            Self::Decline(n) => write!(out, "decline-r{n}"),
            Self::Review(n) => write!(out, "review-r{n}"),
            Self::Cancel(n) => write!(out, "cancel-r{n}"),
            Self::CancelBooking(n) => write!(out, "cancel-b{n}"),
            Self::Create => write!(out, "create"),
            Self::Book => write!(out, "book"),
            Self::Block => write!(out, "block"),
            Self::Unblock(n) => write!(out, "unblock-k{n}"),
            Self::CheckIn(n) => write!(out, "check-in-b{n}"),
            Self::CheckOut(n) => write!(out, "check-out-b{n}"),
            Self::AutoDecline => write!(out, "auto-decline"),
            Self::Expire(n) => write!(out, "expire-r{n}"),
        }
    }
}

impl FromStr for Call {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbered = |n: u8| {
            let of_request = [Self::Approve(n), Self::Decline(n), Self::Review(n), Self::Cancel(n)];
            let of_booking = [Self::CancelBooking(n), Self::CheckIn(n), Self::CheckOut(n)];
            of_request.into_iter().chain(of_booking).chain([Self::Unblock(n), Self::Expire(n)])
        };
        let plain = [Self::Create, Self::Book, Self::Block, Self::AutoDecline];
        let mut all = (1..=3).flat_map(numbered).chain(plain);
        all.find(|call| call.to_string() == text).ok_or_else(|| format!("there is no call {text}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_read_as_it_is_written() {
        for call in
            [Call::Approve(2), Call::CancelBooking(1), Call::Create, Call::Expire(1), Call::AutoDecline]
        {
            assert_eq!(call.to_string().parse(), Ok(call));
        }
        assert!("approve".parse::<Call>().is_err());
    }
}
