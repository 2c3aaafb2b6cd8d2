//! The versions of what calls are about, which they name as their `If-Match`.

use std::collections::BTreeMap;

use frontdesk_proto::Refusal;
use frontdesk_proto::booking::v1 as wire;
use uuid::Uuid;

use crate::call::Call;
use crate::calls::Sender;
use crate::service::{Service, of};
use crate::world::{booking, request};

/// No row has it.
const WRONG: &str = "0";

/// The version that each of these calls names, if it can name one.
pub async fn of_calls(service: &Service, tenant: Uuid, calls: &[Call]) -> BTreeMap<Call, String> {
    let mut etags = BTreeMap::new();
    for call in calls {
        if let Some(etag) = of_call(*call, service, tenant).await {
            assert!(!etag.is_empty(), "{call} is about a row without a version");
            etags.insert(*call, etag);
        }
    }
    etags
}

async fn of_call(call: Call, service: &Service, tenant: Uuid) -> Option<String> {
    match call {
        Call::Approve(n) | Call::Decline(n) | Call::Review(n) | Call::Cancel(n) => {
            let message =
                wire::GetBookingRequestRequest { booking_request_id: request(n.into()).to_string() };
            let answer = service.requests().get_booking_request(of(tenant, message)).await.unwrap();
            Some(answer.into_inner().booking_request.unwrap().etag)
        }
        Call::CancelBooking(n) | Call::CheckIn(n) | Call::CheckOut(n) | Call::NoShow(n) => {
            let message = wire::GetBookingRequest { booking_id: booking(n.into()).to_string() };
            let answer = service.bookings().get_booking(of(tenant, message)).await.unwrap();
            Some(answer.into_inner().booking.unwrap().etag)
        }
        Call::AutoDecline => {
            let message = wire::GetBookingSettingsRequest::default();
            let answer = service.bookings().get_booking_settings(of(tenant, message)).await.unwrap();
            Some(answer.into_inner().settings.unwrap().etag)
        }
        // No call reads a block or one inconsistency alone: whoever names another version is told.
        Call::Unblock(_) | Call::Resolve(..) | Call::ResolveBooking(..) | Call::ResolveRange(..) => {
            let sender = Sender { etags: [(call, WRONG.to_owned())].into(), ..Sender::plain(tenant) };
            let refused = call.about_others(service, &sender).await.unwrap_err();
            let refusal = Refusal::from_status(&refused).unwrap();
            let current = refusal.metadata().find(|(name, _)| *name == "current_etag");
            Some(current.unwrap_or_else(|| panic!("{call}: {refusal:?}")).1.to_owned())
        }
        // Their starting states are not among those whose calls name versions.
        Call::Hold(_) | Call::Merge(_) | Call::Archive(_) => None,
        Call::Create | Call::Book | Call::Block | Call::Expire(_) | Call::Of(_) => None,
    }
}
