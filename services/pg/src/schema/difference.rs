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
    /// The word by which `--except` names it, where somebody may want it as it is.
    pub left_by: Option<String>,
    /// What mends it, or why nothing here does and what an operator may do.
    pub cure: Result<Step, String>,
    pub order: (Kind, u8),
}

/// Begins what a column is computed from.
pub const GENERATED: &str = " generated ";

/// What rows may keep from being done, and nothing else waits for.
pub const LAST: (Kind, u8) = (Kind::Grant, 1);

/// Keys come before what refers to them, and columns before what is computed from them.
pub fn order(object: &Object) -> (Kind, u8) {
    let rank = match (object.kind, object.definition.split(' ').next()) {
        (Kind::Constraint, Some("PRIMARY" | "UNIQUE")) => 0,
        (Kind::Constraint, Some("FOREIGN")) => 2,
        (Kind::Constraint, _) => 1,
        (Kind::Column, _) => u8::from(object.definition.contains(GENERATED)),
        _ => 0,
    };
    (object.kind, rank)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_made_before_what_is_computed_from_it() {
        let column = |name: &str, definition: &str| Object {
            kind: Kind::Column,
            relation: "s.t".to_owned(),
            name: name.to_owned(),
            definition: definition.to_owned(),
        };
        let computed = column("a", "text generated always as (b) stored");
        assert!(order(&column("b", "text")) < order(&computed));
        assert!(order(&computed).0 < Kind::NotNull);
    }
}
