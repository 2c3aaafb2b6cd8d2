//! Booking's statements, one method each. What they mean together is decided by
//! the use cases.

mod bookings;
mod deed;
mod diagnostics;
mod feed;
mod layout;
mod properties;
mod requests;
mod statements;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use access::TenantId;
use frontdesk_proto::Refusal;
use jiff::Timestamp;
use jiff::civil::Date;
use pg::{Database, Fault, HasFault, Kind, column, retrying};
use tokio::sync::futures::Notified;
use tokio::sync::{Mutex, Notify};
use tokio::time::Instant;
use tokio_postgres::Row;
use uuid::Uuid;

pub use self::deed::{Begun, Deed, Key};
pub use self::diagnostics::Finding;
pub use self::feed::{Event, FeedCursor};
pub use self::layout::{RequestHold, Schema};
pub use self::properties::{
    Block, Customer, HoldPolicy, NewProperty, Occupancy, OccupancyKind, Property, PropertyChange, Settings,
};
pub use self::requests::{Linked, MOST_COUNTED, NewBookingRequest, list_statement};
pub use self::statements::{DELETE_OLD_KEYS, LIST_DUE_HOLDS, Statements};
use crate::domain::stay::Stay;

/// When the schema was looked at, and what was found.
type Look = (Instant, Result<Arc<Schema>, Refusal>);

/// How long a look at the schema answers for those who come after.
const LOOK_HOLDS: Duration = Duration::from_secs(1);

/// The statements over a database.
#[derive(Debug, Clone)]
pub struct Store {
    db: Database,
    schema: Arc<RwLock<Option<Arc<Schema>>>>,
    /// The last look at the schema, for those who may ask as often as they like.
    looked: Arc<Mutex<Option<Look>>>,
    wake: Arc<Notify>,
}

/// Who does something, when, and the id of the event that it leaves behind.
#[derive(Debug, Clone, Copy)]
pub struct Act {
    pub tenant: TenantId,
    /// Nobody when an API key or Frontdesk itself acts.
    pub actor: Option<Uuid>,
    pub at: Timestamp,
    pub event: Uuid,
}

impl Store {
    /// The statements over this database.
    pub fn new(db: Database) -> Self {
        Self { db, schema: Arc::default(), looked: Arc::default(), wake: Arc::default() }
    }

    /// What is known of the schema; looked at when nothing is known yet.
    pub async fn schema(&self) -> Result<Arc<Schema>, Fault> {
        let known = self.schema.read().unwrap_or_else(PoisonError::into_inner).clone();
        match known {
            Some(schema) => Ok(schema),
            None => self.look_at_schema().await,
        }
    }

    /// Looks at the schema anew.
    pub async fn look_at_schema(&self) -> Result<Arc<Schema>, Fault> {
        let found = Arc::new(Schema::detect(&self.db).await?);
        let mut known = self.schema.write().unwrap_or_else(PoisonError::into_inner);
        let changed = known
            .as_ref()
            .is_none_or(|known| (known.layout, known.request_hold) != (found.layout, found.request_hold));
        if changed {
            tracing::info!(layout = ?found.layout, request_hold = found.request_hold.name(), "storage layout");
            if found.request_hold == RequestHold::Missing {
                tracing::warn!(
                    "the constraint no_double_bookings is missing: other programs can store double bookings"
                );
            }
        }
        *known = Some(Arc::clone(&found));
        Ok(found)
    }

    /// What the schema looked like at most a second ago; however many ask, the
    /// database is asked once.
    pub async fn recent_schema(&self) -> Result<Arc<Schema>, Refusal> {
        let mut looked = self.looked.lock().await;
        match &*looked {
            Some((at, result)) if at.elapsed() < LOOK_HOLDS => result.clone(),
            _ => {
                let result = self.look_at_schema().await.map_err(|fault| fault.refusal());
                *looked = Some((Instant::now(), result.clone()));
                result
            }
        }
    }

    /// Runs a transaction, and again where that can help: after contention, and
    /// in the layout that the database has meanwhile. What drifted is named as
    /// readiness names it.
    pub async fn run<T, E, F, W>(&self, mut work: F) -> Result<T, E>
    where
        E: HasFault + From<Fault>,
        F: FnMut(Arc<Schema>) -> W,
        W: Future<Output = Result<T, E>>,
    {
        let schema = self.schema().await?;
        let error = match retrying(|| work(Arc::clone(&schema))).await {
            Err(error) if error.fault().is_some_and(is_drift) => error,
            result => return result,
        };
        let Ok(found) = self.look_at_schema().await else { return Err(error) };
        if !found.same_statements(&schema) {
            return retrying(|| work(Arc::clone(&found))).await;
        }
        match error.fault().and_then(|fault| Some((fault, known_drift(fault, &found)?))) {
            Some((fault, kind)) => Err(Fault::new(kind, fault.to_string()).into()),
            None => Err(error),
        }
    }

    /// Completes when this process stores something from now on.
    pub fn woken(&self) -> Notified<'_> {
        self.wake.notified()
    }

    async fn first(
        &self,
        tenant: TenantId,
        sql: &str,
        params: &[&(dyn tokio_postgres::types::ToSql + Sync)],
    ) -> Result<Option<Row>, Fault> {
        Ok(self.db.query(tenant.uuid(), sql, params).await?.into_iter().next())
    }
}

fn is_drift(fault: &Fault) -> bool {
    matches!(fault.kind(), Kind::SchemaDrift { .. })
}

/// The problem of the schema that a fault speaks of, if it is known.
fn known_drift(fault: &Fault, schema: &Schema) -> Option<Kind> {
    let of = |kind: &&Kind| match kind {
        Kind::SchemaDrift { object } => {
            object.rsplit(['.', ' ']).next().is_some_and(|name| fault.lacks(name))
        }
        _ => false,
    };
    let any = |kind: &&Kind| matches!(kind, Kind::SchemaDrift { .. });
    schema.problems.iter().find(of).or_else(|| schema.problems.iter().find(any)).cloned()
}

fn stay_of(row: &Row, from: &str, to: &str) -> Result<Stay, Fault> {
    let (check_in, check_out): (Date, Date) = (column(row, from)?, column(row, to)?);
    Ok(Stay { check_in, check_out })
}

/// A word of the database that this version does not know.
fn unknown_word(what: &str, word: &str) -> Fault {
    let object = format!("{what} {word}, which this version does not know");
    Fault::new(Kind::SchemaDrift { object }, "unknown word")
}

/// The last statement gave no row where one had to come.
fn lost_row(what: &str) -> Fault {
    Fault::new(Kind::Other, format!("{what} came back empty"))
}
