//! What booking decides by: facts in, verdict out. No clock, no ids, no SQL.

pub mod approval;
pub mod booking;
pub mod ids;
pub mod request;
pub mod stay;
pub mod steps;
