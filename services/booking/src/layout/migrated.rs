//! What the migrations make, whatever the layout is. What of it a database is to have is
//! decided in `made.rs`.

/// As the catalog has it after the last migration. A test writes it: `make generate`.
pub const MADE: &str = include_str!("../../../../migrations/booking.schema");
