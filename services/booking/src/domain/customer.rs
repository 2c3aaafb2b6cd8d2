//! A customer of the tenant: who writes to it, and who books.

use jiff::Timestamp;

use super::ids::GuestId;

/// A customer.
#[derive(Debug)]
pub struct Customer {
    pub id: GuestId,
    pub name: String,
    pub email: String,
    pub phone: String,
    pub created_at: Timestamp,
}
