//! What statements need and a database does not have, in the words in which calls are
//! refused.

use pg::{Constraint, Fault, Kind};

/// Something that statements need and the database lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    Table(&'static str),
    Column {
        table: &'static str,
        name: &'static str,
    },
    Constraint {
        table: &'static str,
        name: &'static str,
    },
    /// A trigger that is gone, or does not fire.
    Trigger {
        table: &'static str,
        name: &'static str,
    },
    /// A column of another type.
    Type {
        table: &'static str,
        name: &'static str,
        wanted: &'static str,
        found: String,
    },
    /// A word that this version writes and an enum does not have.
    Word {
        of: String,
        word: &'static str,
    },
    /// A check constraint that refuses a status which this version writes.
    Status {
        constraint: String,
    },
}

impl Problem {
    /// As the fault that statements end in.
    pub fn kind(&self) -> Kind {
        let object = match self {
            Self::Table(name) => format!("table {name}"),
            Self::Column { table, name } => format!("column {table}.{name}"),
            Self::Constraint { table, name } => format!("constraint {table}.{name}"),
            Self::Trigger { table, name } => format!("trigger {table}.{name}"),
            Self::Type { table, name, wanted, found } => {
                format!("column {table}.{name} of type {wanted}, which is {found} there")
            }
            Self::Word { of, word } => format!("value {word} of type {of}"),
            Self::Status { constraint } => {
                return Kind::Constraint { kind: Constraint::Check, name: constraint.clone() };
            }
        };
        Kind::SchemaDrift { object }
    }

    /// The object that it is about, as a comparison of the schema names it; empty where that
    /// does not look.
    pub fn label(&self) -> String {
        match self {
            Self::Table(name) => format!("table {name}"),
            Self::Column { table, name } | Self::Type { table, name, .. } => format!("column {table}.{name}"),
            Self::Constraint { table, name } => format!("constraint {table}.{name}"),
            Self::Trigger { table, name } => format!("trigger {table}.{name}"),
            Self::Status { constraint } => constraint.clone(),
            Self::Word { .. } => String::new(),
        }
    }

    /// In the words that calls are refused with. Readiness and the server's diagnostics tell
    /// them to anybody: they hold nothing of a tenant.
    pub fn sentence(&self) -> String {
        let refusal = Fault::new(self.kind(), "").refusal();
        format!("{}: {}", refusal.reason().name(), refusal.message())
    }

    /// The name of what is missing, if something is.
    pub fn missing(&self) -> Option<&'static str> {
        match self {
            Self::Table(name)
            | Self::Column { name, .. }
            | Self::Constraint { name, .. }
            | Self::Type { name, .. } => Some(name),
            // No statement runs into these by name.
            Self::Status { .. } | Self::Word { .. } | Self::Trigger { .. } => None,
        }
    }
}
