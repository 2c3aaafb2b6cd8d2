//! Something that a database has differently, as it is reported and mended. What makes
//! one, and how much it matters, is decided where it is found.

use super::object::{Kind, Object};
use super::statements::Step;

/// How much a difference matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// Calls fail, or what is stored is not guarded.
    Grave,
    /// It serves.
    Light,
}

/// Something that is not as the migrations made it.
#[derive(Debug)]
pub struct Difference {
    /// What is the case.
    pub found: String,
    pub weight: Weight,
    /// What mends it, or why nothing here does and what an operator may do.
    pub cure: Result<Step, String>,
    pub order: (Kind, u8),
}

/// What rows may keep from being done, and nothing else waits for.
pub const LAST: (Kind, u8) = (Kind::Grant, 1);

/// Keys come before what refers to them.
pub fn order(object: &Object) -> (Kind, u8) {
    let rank = match object.definition.split(' ').next() {
        Some("PRIMARY" | "UNIQUE") => 0,
        Some("FOREIGN") => 2,
        _ => 1,
    };
    (object.kind, if object.kind == Kind::Constraint { rank } else { 0 })
}
