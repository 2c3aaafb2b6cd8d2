//! What statements need and a database does not have, in the words in which calls are
//! refused.

use pg::schema::Lacking;
use pg::{Constraint, Fault, Kind};

use crate::domain::booking::BookingStatus;

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
    /// A check constraint that refuses statuses which this version writes.
    Status {
        table: String,
        constraint: String,
        refused: Vec<BookingStatus>,
    },
    /// What a role may not do with something that is there.
    Right(Lacking),
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
            Self::Status { constraint, .. } => {
                return Kind::Constraint { kind: Constraint::Check, name: constraint.clone() };
            }
            Self::Right(lacking) => return Kind::NoRight { object: lacking.object(), is_given: true },
        };
        Kind::SchemaDrift { object }
    }

    /// The objects that it is about, as a comparison of the schema names them; empty where
    /// that does not look.
    pub fn labels(&self) -> Vec<String> {
        let label = match self {
            Self::Right(lacking) => return lacking.labels().collect(),
            Self::Table(name) => format!("table {name}"),
            Self::Column { table, name } | Self::Type { table, name, .. } => format!("column {table}.{name}"),
            Self::Constraint { table, name } => format!("constraint {table}.{name}"),
            Self::Trigger { table, name } => format!("trigger {table}.{name}"),
            Self::Status { constraint, .. } => constraint.clone(),
            Self::Word { .. } => String::new(),
        };
        vec![label]
    }

    /// In the words that calls are refused with. Readiness and the server's diagnostics tell
    /// them to anybody: they hold nothing of a tenant.
    pub fn sentence(&self) -> String {
        let refusal = Fault::new(self.kind(), "").refusal();
        format!("{}: {}", refusal.reason().name(), refusal.message())
    }

    /// Whether it keeps a row of a table from having a status.
    pub fn refuses(&self, table: &str, status: BookingStatus) -> bool {
        matches!(self, Self::Status { table: of, refused, .. } if of == table && refused.contains(&status))
    }

    /// Whether it keeps the service from taking the next number of a sequence, which nobody
    /// knows before it is taken.
    pub fn keeps_from_counting(&self, sequence: &str) -> bool {
        matches!(self, Self::Right(lacking) if lacking.keeps_from("usage", sequence))
    }

    /// The name of what is missing, if something is.
    pub fn missing(&self) -> Option<&'static str> {
        match self {
            Self::Table(name)
            | Self::Column { name, .. }
            | Self::Constraint { name, .. }
            | Self::Type { name, .. } => Some(name),
            // No statement runs into these by name.
            Self::Status { .. } | Self::Word { .. } | Self::Trigger { .. } | Self::Right(_) => None,
        }
    }
}
