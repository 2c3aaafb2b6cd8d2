//! What the migrations make.

/// As the catalog has it after the last migration. A test writes it: `make generate`.
pub const MADE: &str = include_str!("../../../../migrations/identity.schema");
