//! Booking's rules, pure: facts in, verdict out. No clock, no random, no I/O.

pub mod decision;
pub mod ids;
pub mod request;
pub mod stay;
