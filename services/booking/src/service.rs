//! The wire of booking: parse, call, convert.

mod bookings;
mod customers;
mod diagnostics;
mod properties;
mod requests;

use crate::store::Store;
use crate::watch::Watchers;

/// All of booking's services.
#[derive(Debug)]
pub struct Booking {
    pub store: Store,
    pub watchers: Watchers,
}
