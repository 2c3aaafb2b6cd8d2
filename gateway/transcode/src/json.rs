//! JSON texts, without a tree between text and wire.

pub mod read;
pub mod write;
