//! Identity's statements, one method each. What they mean together is decided
//! by the use cases.

mod attempts;
mod audit;
mod keys;
mod people;
mod sessions;

use pg::{Database, Fault, Tx, column};
use tokio_postgres::Row;

pub use self::audit::AuditRow;
pub use self::keys::{ApiKeyRow, KeyState, SigningKeyRow, StoreApiKey, StoredApiKey};
pub use self::people::{MemberRow, MembershipRow, RoleRow, TenantRow, UserKind, UserRow};
pub use self::sessions::{LoginRow, Membership, NewSession, ResolvedRow, SessionRow};

/// Names a file's statements and lists them, for the test that prepares all.
macro_rules! named_statements {
    ($($name:ident = $file:literal;)*) => {
        $(const $name: &str = include_str!(concat!("sql/", $file, ".sql"));)*
        pub(super) const STATEMENTS: &[(&str, &str)] = &[$(($file, $name)),*];
    };
}
use named_statements;

/// The statements over a database.
#[derive(Debug, Clone)]
pub struct Store {
    db: Database,
}

/// Every statement by file name.
pub fn statements() -> impl Iterator<Item = (&'static str, &'static str)> {
    [attempts::STATEMENTS, audit::STATEMENTS, keys::STATEMENTS, people::STATEMENTS, sessions::STATEMENTS]
        .into_iter()
        .flatten()
        .copied()
}

impl Store {
    /// The statements over this database.
    pub fn new(db: Database) -> Self {
        Self { db }
    }

    /// Starts a transaction.
    pub async fn begin(&self) -> Result<Tx, Fault> {
        self.db.begin_global().await
    }
}

/// The first row, read.
fn first<T>(rows: &[Row], read: impl Fn(&Row) -> Result<T, Fault>) -> Result<Option<T>, Fault> {
    rows.first().map(read).transpose()
}

/// Every row, read.
fn all<T>(rows: &[Row], read: impl Fn(&Row) -> Result<T, Fault>) -> Result<Vec<T>, Fault> {
    rows.iter().map(read).collect()
}

/// A count in a column.
fn count(rows: &[Row], name: &str) -> Result<i64, Fault> {
    rows.first().map_or(Ok(0), |row| column(row, name))
}
