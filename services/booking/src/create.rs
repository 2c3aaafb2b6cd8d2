//! Storing a new booking request.

use prost::Message;
use uuid::Uuid;

use crate::call::Call;
use crate::domain::request::BookingRequest;
use crate::error::{Error, OverlapOf};
use crate::store::{Begun, NewBookingRequest, Store};

/// Stores a request; property and guest must be the tenant's.
pub async fn create<M: Message + Default>(
    store: &Store,
    call: &Call,
    new: &NewBookingRequest,
    answer: impl Fn(&BookingRequest) -> M,
) -> Result<M, Error> {
    let taken = || Error::Overlap { stay: new.stay, of: OverlapOf::New };
    store
        .run(async |schema| {
            let deed = match call.begin(store, &schema).await? {
                Begun::Fresh(deed) => deed,
                Begun::Answered(answer) => return Ok(answer),
            };
            let ids = (Uuid::now_v7(), Uuid::now_v7());
            let stored = deed
                .insert_booking_request(new, ids, |stored| answer(stored).encode_to_vec())
                .await
                .map_err(|fault| match () {
                    () if fault.on_constraint("no_double_bookings") => taken(),
                    () if fault.on_constraint("inventory_ranges_no_overlap") => taken(),
                    () if fault.on_constraint("booking_requests_guest_fkey")
                        || fault.on_constraint("bookings_guest_fkey") =>
                    {
                        Error::CustomerNotFound
                    }
                    () => fault.into(),
                })?;
            match stored {
                Some(stored) => Ok(answer(&stored)),
                None if store.get_property(&schema, call.tenant, new.property).await?.is_some() => {
                    Err(taken())
                }
                None => Err(Error::PropertyNotFound),
            }
        })
        .await
}
