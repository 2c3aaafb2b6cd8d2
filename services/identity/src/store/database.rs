//! The database as identity's statements see it; beside it the policy of the server,
//! because every room that needs one has a store.

use std::sync::Arc;

use pg::schema::{self, Lacking};
use pg::{Database, Fault, Kind, Listener, Query, Tx};
use tokio_postgres::Row;

use super::migrated::MADE;
use crate::config::Policy;

/// The statements over a database.
#[derive(Debug, Clone)]
pub struct Store {
    db: Database,
    policy: Arc<Policy>,
}

impl Store {
    /// The statements over a database that has them.
    pub(super) fn new(db: Database, policy: Policy) -> Self {
        Self { db, policy: Arc::new(policy) }
    }

    /// How strict this server is.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Hears what is notified.
    pub(super) async fn listen(&self, channel: &'static str) -> Result<Listener, Fault> {
        self.db.listen(channel).await
    }

    /// Begins a transaction.
    pub(super) async fn begin(&self) -> Result<Tx, Fault> {
        self.db.begin_global().await
    }

    /// Runs one statement by itself.
    pub(super) async fn run(&self, query: &dyn Query) -> Result<Vec<Row>, Fault> {
        match self.db.run_global(query).await {
            Ok(rows) => Ok(rows),
            Err(fault) => Err(Box::pin(self.named(fault)).await),
        }
    }

    /// A failure with the right that was lacking, as readiness names it.
    pub(super) async fn named(&self, fault: Fault) -> Fault {
        schema::named(&self.db, MADE, fault).await
    }

    /// What the service's role should be allowed and is not.
    pub(super) async fn lacking(&self) -> Result<Vec<Lacking>, Fault> {
        schema::lacking(&self.db, MADE).await
    }
}

/// A statement gave no row where one had to come.
pub(super) fn lost_row(what: &str) -> Fault {
    Fault::new(Kind::Other, format!("{what} came back empty"))
}
