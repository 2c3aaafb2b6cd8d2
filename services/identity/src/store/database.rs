//! The database as identity's statements see it; beside it the policy of the server,
//! because every room that needs one has a store.

use std::sync::{Arc, OnceLock};

use pg::schema::{self, Lacking};
use pg::{Database, Fault, Kind, Listener, Query, Tx};
use tokio_postgres::Row;

use super::migrated::MADE;
use crate::config::Policy;
use crate::domain::revocation::OwnMark;

/// The statements over a database.
#[derive(Debug, Clone)]
pub struct Store {
    db: Database,
    policy: Arc<Policy>,
    own_marks: Arc<OwnMarks>,
}

/// Who is told what changes of this process have marked, if anybody is to be.
#[derive(Default)]
struct OwnMarks(OnceLock<Box<dyn Fn(Vec<OwnMark>) + Send + Sync>>);

impl std::fmt::Debug for OwnMarks {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("OwnMarks").finish_non_exhaustive()
    }
}

impl Store {
    /// The statements over a database that has them.
    pub(super) fn new(db: Database, policy: Policy) -> Self {
        Self { db, policy: Arc::new(policy), own_marks: Arc::default() }
    }

    /// How strict this server is.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Has somebody told what changes of this process mark from now on, before they are
    /// acknowledged. Nobody is told twice.
    pub fn on_own_marks(&self, hear: impl Fn(Vec<OwnMark>) + Send + Sync + 'static) {
        drop(self.own_marks.0.set(Box::new(hear)));
    }

    /// Tells of what a change has marked that is stored.
    pub(super) fn tell_own_marks(&self, marks: Vec<OwnMark>) {
        if let Some(hear) = self.own_marks.0.get().filter(|_| !marks.is_empty()) {
            hear(marks);
        }
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
