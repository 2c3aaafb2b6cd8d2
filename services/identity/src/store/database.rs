//! The database as identity's statements see it.

use pg::{Database, Fault, Kind, Query, Tx};
use tokio_postgres::Row;

/// The statements over a database.
#[derive(Debug, Clone)]
pub struct Store {
    db: Database,
}

impl Store {
    /// The statements over a database that has them.
    pub(super) fn new(db: Database) -> Self {
        Self { db }
    }

    /// Begins a transaction.
    pub(super) async fn begin(&self) -> Result<Tx, Fault> {
        self.db.begin_global().await
    }

    /// Runs one statement by itself.
    pub(super) async fn run(&self, query: &dyn Query) -> Result<Vec<Row>, Fault> {
        self.db.run_global(query).await
    }
}

/// A statement gave no row where one had to come.
pub(super) fn lost_row(what: &str) -> Fault {
    Fault::new(Kind::Other, format!("{what} came back empty"))
}
