//! Storing a new booking request.

use jiff::Timestamp;
use pg::retrying;
use uuid::Uuid;

use crate::domain::request::BookingRequest;
use crate::error::Error;
use crate::store::{Act, NewBookingRequest, Store};

/// Stores a request; property and guest must be the tenant's.
pub async fn create(
    store: &Store,
    new: &NewBookingRequest,
    tenant: access::TenantId,
    actor: Option<Uuid>,
) -> Result<BookingRequest, Error> {
    let act = Act { tenant, actor, at: Timestamp::now(), event: Uuid::now_v7() };
    retrying(|| store.insert_booking_request(new, act)).await.map_err(|fault| {
        if fault.on_constraint("booking_requests_property_fkey") {
            Error::PropertyNotFound
        } else if fault.on_constraint("booking_requests_guest_fkey") {
            Error::CustomerNotFound
        } else {
            fault.into()
        }
    })
}
