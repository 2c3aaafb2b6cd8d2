//! What went wrong at Postgres, by what can be done about it. This is the one
//! place that knows SQLSTATEs (PostgreSQL appendix A, `said.rs`) and driver errors, and
//! the reasons that stand for them where nobody knows more; that is why this crate
//! knows the wire's reasons. What a constraint means is known where it is declared.

mod kind;
mod said;

use std::error::Error;
use std::fmt;
use std::time::Duration;

use deadpool_postgres::PoolError;
use frontdesk_proto::{ErrorReason, Refusal};

pub use self::kind::{Constraint, Crowd, Kind};
use self::said::Said;
use crate::advice::{Advice, advice};

/// A failed statement, commit or connection. `Display` and `source` are for the
/// log; the caller gets [`Fault::refusal`]. Neither holds Postgres' DETAIL,
/// which prints rows.
#[derive(Debug, Clone)]
pub struct Fault {
    kind: Kind,
    cause: String,
    /// For whoever runs the program, when the way out is known.
    advice: Option<Advice>,
}

impl Fault {
    /// A fault without an error of the driver.
    pub fn new(kind: Kind, cause: impl Into<String>) -> Self {
        Self { kind, cause: cause.into(), advice: None }
    }

    /// The same, when the way out is known.
    pub(crate) fn advised(kind: Kind, advice: Advice) -> Self {
        Self { kind, cause: advice.to_string(), advice: Some(advice) }
    }

    /// What can be done about it.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// What is wrong and what to do about it, for whoever runs the program.
    pub fn advice(&self) -> Advice {
        self.advice.clone().unwrap_or_else(|| Advice { what: self.cause.clone(), fix: "".into() })
    }

    /// Whether the named constraint refused the row. A sharded database appends
    /// `_<shard id>` to constraint names.
    pub fn on_constraint(&self, name: &str) -> bool {
        matches!(&self.kind, Kind::Constraint { name: found, .. } if is_constraint(found, name))
    }

    /// Whether what is lacking is called so, or a right to it is. A name is the same in
    /// every language of a server.
    pub fn lacks(&self, name: &str) -> bool {
        let (Kind::SchemaDrift { object } | Kind::NoRight { object, .. }) = &self.kind else { return false };
        object.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|word| word == name)
    }

    /// The sentence for the caller.
    pub fn refusal(&self) -> Refusal {
        let soon = Duration::from_secs(1);
        match &self.kind {
            Kind::Constraint { kind, name } => kind.refusal(name),
            Kind::NotNull { column } => Refusal::new(
                ErrorReason::NotNullViolation,
                format!("The database needs a value for {column}. Nothing was stored."),
            )
            .with("column", column),
            Kind::InvalidValue => Refusal::new(
                ErrorReason::InvalidValue,
                boot::nothing_stored("The database cannot store one of the values.", "check dates, ids and text"),
            ),
            Kind::RowSecurity => Refusal::new(
                ErrorReason::TenantIsolation,
                "The record belongs to another tenant. Nothing was stored.",
            ),
            Kind::NoRight { object, is_given: false } => Refusal::new(
                ErrorReason::SchemaDrift,
                format!("The database refuses {object}, and the migrations do not give it. Nothing was stored. Whoever runs the database has to grant it, or to correct the trigger or function of another program that needs it. Then try again."),
            )
            .with("object", object)
            .retry_after(Duration::from_secs(30)),
            Kind::SchemaDrift { object } | Kind::NoRight { object, is_given: true } => Refusal::new(
                ErrorReason::SchemaDrift,
                format!("The database does not have what this version needs: {object}. Run `frontdesk doctor --repair --apply` as the schema's owner: it makes it again, or says what has to be done by hand. Then try again."),
            )
            .with("object", object)
            .retry_after(Duration::from_secs(30)),
            Kind::Unreadable { column, what } => Refusal::new(
                ErrorReason::UnreadableRow,
                format!("The record holds what Frontdesk cannot show: its {column} {what}. Another program stored it like that, and nothing was changed: correct the record in that program."),
            )
            .with("column", column),
            Kind::Crowded { waiting, of } => of.refusal(*waiting),
            Kind::OutOfTime => Refusal::new(
                ErrorReason::DeadlineExceeded,
                boot::nothing_stored("The time given for the call was over before the database was done.", ""),
            ),
            Kind::Contention => Refusal::new(
                ErrorReason::Contention,
                boot::nothing_stored("Other changes to the same records kept getting in the way.", "try again"),
            )
            .retry_after(soon),
            Kind::LockTimeout => Refusal::new(
                ErrorReason::LockTimeout,
                boot::nothing_stored("Another change held the record too long.", "try again"),
            )
            .retry_after(soon),
            Kind::StatementTimeout => Refusal::new(
                ErrorReason::StatementTimeout,
                boot::nothing_stored("The database took too long to answer.", "narrow the query or try again"),
            ),
            Kind::Unavailable => Refusal::new(
                ErrorReason::DbUnavailable,
                boot::nothing_stored("The database cannot be reached or is restarting.", "try again"),
            )
            .retry_after(soon),
            Kind::StaleStatement | Kind::StaleSession => Refusal::new(
                ErrorReason::DbUnavailable,
                boot::nothing_stored(
                    "The tables of the database are being altered, or its sessions changed.",
                    "try again",
                ),
            )
            .retry_after(soon),
            Kind::Overloaded => Refusal::new(
                ErrorReason::DbOverloaded,
                boot::nothing_stored("The database has no room for another call.", "try again later"),
            )
            .retry_after(soon),
            Kind::ReadOnly => Refusal::new(
                ErrorReason::DbReadOnly,
                boot::nothing_stored("The database takes no changes: it is failing over, or is a standby.", "try again, and a stream with its last cursor. If it stays so, DATABASE_URL has to name the primary"),
            )
            .retry_after(soon),
            Kind::OutcomeUnknown => Refusal::new(
                ErrorReason::OutcomeUnknown,
                "The connection to the database broke while the change was being stored. Read the record to see whether it was.",
            ),
            Kind::Refused => Refusal::new(
                ErrorReason::DbError,
                boot::nothing_stored("The database refused the record by a rule that is not Frontdesk's, such as a trigger of another program.", "the request id finds what it said in the log"),
            ),
            Kind::RolledBack | Kind::Other => Refusal::new(
                ErrorReason::DbError,
                boot::nothing_stored("The database failed unexpectedly.", "the request id finds the cause in the log"),
            ),
        }
    }
}

impl Crowd {
    fn refusal(self, waiting: usize) -> Refusal {
        let waits_for = match self {
            Self::Changes => "changes of the tenant",
            Self::Calls => "a connection to the database",
        };
        let crowd = match (self, waiting) {
            (Self::Changes, 0) => "The changes of this tenant that are under way take long".to_owned(),
            (Self::Calls, 0) => "More calls wait for the database already than it can answer soon".to_owned(),
            (_, _) => {
                let whose = match self {
                    Self::Changes => "changes of this tenant",
                    Self::Calls => "calls like this one, of the same tenant or caller,",
                };
                format!("{waiting} {whose} wait for the database already, and those before them take long")
            }
        };
        let sentence = format!("{crowd}. This one was not begun; try again.");
        Refusal::new(ErrorReason::Overloaded, sentence)
            .with("waiting", waiting.to_string())
            .with("waits_for", waits_for)
            .retry_after(Duration::from_secs(1))
    }
}

impl Constraint {
    /// The sentence for the caller where nobody knows what the constraint means.
    fn refusal(self, name: &str) -> Refusal {
        let refusal = match self {
            Self::Exclusion => Refusal::new(
                ErrorReason::UniqueViolation,
                format!("Another record rules this one out (constraint {name}). Nothing was stored."),
            ),
            Self::Unique => Refusal::new(
                ErrorReason::UniqueViolation,
                format!("A record with the same key exists (constraint {name}). Nothing was stored."),
            ),
            Self::Check => Refusal::new(
                ErrorReason::CheckViolation,
                format!(
                    "The database does not allow the value: constraint {name}. Nothing was stored; if the value is one this version uses, run `frontdesk doctor --repair --apply` as the schema's owner, which makes the constraint as it was."
                ),
            ),
            Self::ForeignKey => Refusal::new(
                ErrorReason::FkViolation,
                format!(
                    "A record that is referred to does not exist or is still in use (constraint {name}). Nothing was stored."
                ),
            ),
        };
        refusal.with("constraint", name)
    }
}

/// Whether a constraint's name in the catalog is this one, with or without the
/// `_<shard id>` of a sharded database.
pub fn is_constraint(found: &str, name: &str) -> bool {
    found.strip_prefix(name).is_some_and(|rest| {
        rest.is_empty()
            || rest
                .strip_prefix('_')
                .is_some_and(|shard| !shard.is_empty() && shard.bytes().all(|byte| byte.is_ascii_digit()))
    })
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}: {}", self.kind, self.cause)
    }
}

impl Error for Fault {}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        let kind = match error.as_db_error() {
            Some(answer) => Said::of(answer).kind(),
            None => classify_driver(&error),
        };
        Self { kind, cause: chain(&error), advice: advice(&error) }
    }
}

impl From<PoolError> for Fault {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => error.into(),
            PoolError::Timeout(step) => {
                Self::new(Kind::Overloaded, format!("no pooled connection in time ({step:?})"))
            }
            PoolError::Closed => Self::new(Kind::Unavailable, "the pool is closed"),
            PoolError::PostCreateHook(deadpool_postgres::HookError::Backend(error)) => error.into(),
            // It was made and could not be asked or set up: nothing was begun on it.
            other @ PoolError::PostCreateHook(_) => Self::new(Kind::Unavailable, chain(&other)),
            other @ PoolError::NoRuntimeSpecified => Self::new(Kind::Other, chain(&other)),
        }
    }
}

/// Whether a server has refused what it was sent: that and all that was sent with it is not
/// stored. A pooler that has lost its server does not know.
pub(crate) fn is_refused(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_some_and(|answer| !Said::of(answer).is_of_a_loss())
}

fn classify_driver(error: &tokio_postgres::Error) -> Kind {
    let mut source = error.source();
    while let Some(cause) = source {
        if cause.is::<std::io::Error>() {
            return Kind::Unavailable;
        }
        if cause.is::<tokio_postgres::types::WrongType>() {
            return Kind::SchemaDrift {
                object: format!("a column or parameter of the expected type ({cause})"),
            };
        }
        source = cause.source();
    }
    if error.is_closed() { Kind::Unavailable } else { Kind::Other }
}

/// The error with its causes, without Postgres' DETAIL.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut causes = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        causes.push(match error.downcast_ref::<tokio_postgres::error::DbError>() {
            Some(db) => format!("{} (SQLSTATE {})", db.message(), db.code().code()),
            None => error.to_string(),
        });
        next = error.source();
    }
    causes.join(": ")
}

#[cfg(test)]
mod tests;
