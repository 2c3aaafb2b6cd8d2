//! What a service says of its part of a database.

use super::object::{Kind, Object};
use crate::migrate::MigrationSet;

/// What a service's part of a database is made of.
#[derive(Debug)]
pub struct Service {
    /// Its migrations.
    pub set: &'static MigrationSet,
    /// Where its tables are.
    pub schema: &'static str,
    /// The role that it runs as; its further roles begin with this name.
    pub role: &'static str,
    /// What the migrations make, as the file has it.
    pub made: &'static str,
    /// What of it a database is to have, by what it has: a layout of others is another.
    pub adapt: fn(made: Vec<Object>, live: &[Object]) -> Vec<Object>,
    /// Whether something need not be there: it serves, and nothing fails without.
    pub optional: fn(&Object) -> bool,
    /// Why somebody has to say what a missing object is to be, and how it is made then.
    pub choice: fn(&Object) -> Option<String>,
    /// What rows lack that were written while something was missing.
    pub afterwards: &'static [Afterwards],
}

/// What is done once an object is there again.
#[derive(Debug)]
pub struct Afterwards {
    /// Kind, relation and name of the objects.
    pub of: &'static [(Kind, &'static str, &'static str)],
    /// The table whose rows it changes.
    pub table: &'static str,
    /// The change.
    pub sql: &'static str,
}
