//! The domain's ids as parameters and columns.

use uuid::Uuid;

use crate::domain::ids::{
    BlockId, BookingId, BookingRequestId, EventId, GuestId, KeyId, PropertyId, RangeId, RowId, UserId,
};

pg::newtypes!(
    BlockId(Uuid),
    BookingId(Uuid),
    BookingRequestId(Uuid),
    EventId(Uuid),
    GuestId(Uuid),
    KeyId(Uuid),
    PropertyId(Uuid),
    RangeId(Uuid),
    RowId(Uuid),
    UserId(Uuid),
);
