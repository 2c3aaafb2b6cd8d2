//! How the calls are made.

use std::collections::BTreeMap;
use std::sync::Arc;

use frontdesk_proto::booking::v1 as wire;
use tonic::Status;
use uuid::Uuid;

use crate::answer::{Answer, Said, answer_of, done, refused};
use crate::call::{Call, PERSON_CALLS};
use crate::people::{Identity, People};
use crate::service::{Service, of};
use crate::world::{Layout, Nights, PROPERTY, World, block, booking, day, guest, range, request};

/// Who asks for what by a new request, and what staff books.
pub const NEW_GUEST: u128 = 3;
const NEW_GUEST_NUMBER: u8 = 3;
pub const NEW_NIGHTS: Nights = (12, 14);
pub const BOOKED_NIGHTS: Nights = (11, 13);
pub const BLOCKED_NIGHTS: Nights = (12, 13);

impl Call {
    /// Every call that has something to be about in a starting state.
    pub fn all(world: &World) -> Vec<Self> {
        if world.layout == Layout::Identity {
            return PERSON_CALLS.map(Self::Of).to_vec();
        }
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
                // A stay that was before the day from which nights are counted is over.
                if world.bookings.iter().any(|one| one.nights.1 < 0) {
                    all.push(Self::NoShow(n));
                }
            }
        }
        all.extend([Self::Create, Self::Book, Self::Block, Self::AutoDecline]);
        if world.ranges.iter().any(|range| range.id == block(1)) {
            all.push(Self::Unblock(1));
        }
        if world.requests.iter().any(|one| one.id == request(1) && one.held.is_some()) {
            all.push(Self::Expire(1));
        }
        all.extend(world.choices.iter().map(|choice| Self::Resolve(1, *choice)));
        all.extend_from_slice(&world.mends);
        if world.is_wide {
            all.extend([
                Self::Hold(!world.holds),
                Self::Merge(NEW_GUEST_NUMBER),
                Self::Archive(NEW_GUEST_NUMBER),
            ]);
            if world.requests.iter().any(|one| one.guest == guest(2)) {
                all.push(Self::Merge(2));
            }
        }
        all
    }

    /// Makes it, and gives its answer.
    pub async fn make(self, served: &Served, of: &Sender) -> Answer {
        let made = match (self, served, &of.people) {
            (Self::Of(act), Served::Identity(identity), Some(people)) => act.make(identity, people).await,
            (_, Served::Booking(service), _) => return self.of_booking(service, of).await,
            _ => return Answer::of("nobody is called".to_owned()),
        };
        made.unwrap_or_else(|status| Answer::of(answer_of(&status)))
    }

    async fn of_booking(self, service: &Service, of: &Sender) -> Answer {
        let made = match self {
            Self::Expire(n) => {
                let expired = service.expire(of.tenant, request(n.into())).await;
                return Answer::of(match expired {
                    Ok(expired) => format!("expired: {expired}"),
                    Err(refusal) => refused(&refusal),
                });
            }
            Self::Approve(_) | Self::Decline(_) | Self::Review(_) | Self::Cancel(_) | Self::Create => {
                self.about_request(service, of).await
            }
            Self::CancelBooking(_) | Self::CheckIn(_) | Self::CheckOut(_) | Self::NoShow(_) | Self::Book => {
                self.about_booking(service, of).await
            }
            Self::Merge(_) | Self::Archive(_) => self.about_customer(service, of).await,
            _ => self.about_others(service, of).await,
        };
        made.unwrap_or_else(|status| Answer::of(answer_of(&status)))
    }

    async fn about_request(self, service: &Service, of: &Sender) -> Result<Answer, Status> {
        let mut requests = service.requests();
        let id = |n: u8| request(n.into()).to_string();
        match self {
            Self::Approve(n) => {
                let message =
                    wire::ApproveBookingRequestRequest { booking_request_id: id(n), ..Default::default() };
                let answer = requests.approve_booking_request(of.sends(self, message)).await;
                Ok(answer.map_or_else(
                    |status| Answer::not_approved(&status),
                    |answer| Answer::approved(answer.get_ref()),
                ))
            }
            Self::Decline(n) => {
                let message = wire::DeclineBookingRequestRequest {
                    booking_request_id: id(n),
                    decline_reason: "full".to_owned(),
                    ..Default::default()
                };
                done(requests.decline_booking_request(of.sends(self, message)).await)
            }
            Self::Review(n) => {
                let message = wire::StartReviewRequest { booking_request_id: id(n), ..Default::default() };
                done(requests.start_review(of.sends(self, message)).await)
            }
            Self::Cancel(n) => {
                let message =
                    wire::CancelBookingRequestRequest { booking_request_id: id(n), ..Default::default() };
                done(requests.cancel_booking_request(of.sends(self, message)).await)
            }
            _ => done(requests.create_booking_request(of.sends(self, new_request())).await),
        }
    }

    async fn about_booking(self, service: &Service, of: &Sender) -> Result<Answer, Status> {
        let mut bookings = service.bookings();
        let id = |n: u8| booking(n.into()).to_string();
        match self {
            Self::CancelBooking(n) => {
                let message = wire::CancelBookingRequest { booking_id: id(n), ..Default::default() };
                done(bookings.cancel_booking(of.sends(self, message)).await)
            }
            Self::CheckIn(n) => {
                let message =
                    wire::CheckInRequest { booking_id: id(n), override_rules: true, ..Default::default() };
                done(bookings.check_in(of.sends(self, message)).await)
            }
            Self::CheckOut(n) => {
                let message = wire::CheckOutRequest { booking_id: id(n), ..Default::default() };
                done(bookings.check_out(of.sends(self, message)).await)
            }
            Self::NoShow(n) => {
                let message = wire::MarkNoShowRequest { booking_id: id(n), ..Default::default() };
                done(bookings.mark_no_show(of.sends(self, message)).await)
            }
            _ => done(bookings.create_booking(of.sends(self, new_booking())).await),
        }
    }

    pub(crate) async fn about_others(self, service: &Service, of: &Sender) -> Result<Answer, Status> {
        let (mut properties, property_id) = (service.properties(), PROPERTY.to_string());
        match self {
            Self::AutoDecline => {
                let settings = Some(wire::BookingSettings { auto_decline: true, ..Default::default() });
                let message = wire::UpdateBookingSettingsRequest { settings, ..Default::default() };
                done(service.bookings().update_booking_settings(of.sends(self, message)).await)
            }
            Self::Unblock(n) => {
                let block_id = block(n.into()).to_string();
                let message = wire::UnblockPropertyRequest { property_id, block_id, ..Default::default() };
                done(properties.unblock_property(of.sends(self, message)).await)
            }
            Self::Hold(holds) => {
                let policy = if holds { wire::HoldPolicy::Hold } else { wire::HoldPolicy::None };
                let hold_policy = policy.into();
                let message = wire::UpdatePropertyRequest { property_id, hold_policy, ..Default::default() };
                done(properties.update_property(of.sends(self, message)).await)
            }
            Self::Resolve(n, choice) | Self::ResolveBooking(n, choice) | Self::ResolveRange(n, choice) => {
                let row_id = match self {
                    Self::ResolveBooking(..) => booking(n.into()),
                    Self::ResolveRange(..) => range(n.into()),
                    _ => request(n.into()),
                };
                let row_id = row_id.to_string();
                let message =
                    wire::ResolveInconsistencyRequest { row_id, choice: choice.into(), ..Default::default() };
                done(service.diagnostics().resolve_inconsistency(of.sends(self, message)).await)
            }
            _ => {
                let (start_date, end_date) = texts(BLOCKED_NIGHTS);
                let message =
                    wire::BlockPropertyRequest { property_id, start_date, end_date, ..Default::default() };
                done(properties.block_property(of.sends(self, message)).await)
            }
        }
    }
}

impl Call {
    async fn about_customer(self, service: &Service, of: &Sender) -> Result<Answer, Status> {
        let (mut customers, id) = (service.customers(), |n: u8| guest(n.into()).to_string());
        match self {
            Self::Merge(n) => {
                let (customer_id, duplicate_id) = (id(1), id(n));
                let message = wire::MergeCustomersRequest { customer_id, duplicate_id, ..Default::default() };
                done(customers.merge_customers(of.sends(self, message)).await)
            }
            Self::Archive(n) => {
                let message = wire::ArchiveCustomerRequest { customer_id: id(n), ..Default::default() };
                done(customers.archive_customer(of.sends(self, message)).await)
            }
            _ => Ok(Answer::of("nobody is called".to_owned())),
        }
    }
}

/// Whose calls they are, and whether each has its name as its idempotency key.
#[derive(Debug, Clone)]
pub struct Sender {
    pub tenant: Uuid,
    pub keyed: bool,
    /// The version that each call names of what it is about, where they do.
    pub etags: BTreeMap<Call, String>,
    /// In whose name calls of identity are made.
    pub people: Option<Arc<People>>,
}

/// Who is called.
#[derive(Debug, Clone)]
pub enum Served {
    Booking(Service),
    Identity(Identity),
}

impl Sender {
    /// Of a tenant, with nothing beside the messages.
    pub fn plain(tenant: Uuid) -> Self {
        Self { tenant, keyed: false, etags: BTreeMap::new(), people: None }
    }

    fn sends<T>(&self, call: Call, message: T) -> tonic::Request<T> {
        let mut request = of(self.tenant, message);
        if let (true, Ok(key)) = (self.keyed, call.to_string().parse()) {
            request.metadata_mut().insert("idempotency-key", key);
        }
        if let Some(etag) = self.etags.get(&call) {
            request.metadata_mut().insert("if-match", format!("\"{etag}\"").parse().unwrap());
        }
        request
    }
}

/// What an approve would say by its explanation.
pub async fn explain(service: &Service, tenant: Uuid, n: u8) -> Said {
    let booking_request_id = request(n.into()).to_string();
    let message = wire::ExplainApprovalRequest { booking_request_id };
    match service.diagnostics().explain_approval(of(tenant, message)).await {
        Ok(answer) => Said::explained(answer.into_inner()),
        Err(status) => Answer::not_approved(&status).said.unwrap_or_default(),
    }
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
