//! Identity's rules, pure: facts in, verdict out. No clock, no random, no I/O.

pub mod email;
pub mod limits;
pub mod roles;
pub mod rotation;
