//! The database that the statements run in, and what is known of its schema; beside
//! it the policy of the server, because every room that needs one has a store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use access::TenantId;
use boot::Scrape;
use futures::FutureExt;
use pg::{Database, Fault, Kind, StatementError, Statements, Turn};
use tokio::time::Instant;
use uuid::Uuid;

use super::looks::Looks;
use super::new_events::NewEvents;
use super::newest::Newest;
use super::own_writes::OwnWrites;
use super::reads::Reads;
use super::ticks;
use crate::config::Policy;
use crate::domain::ids::BookingRequestId;
use crate::domain::layout::Layout;
use crate::domain::request::BookingRequest;
use crate::layout::columns::NO_DOUBLE_BOOKINGS;
use crate::layout::{Blocking, Found, RequestHold, SWEEPER, Statuses};

/// How long a look at the schema answers for those who come after.
const LOOK_HOLDS: Duration = Duration::from_secs(1);

/// How the statements for a layout are compiled.
pub type Compile = fn(Layout, &Blocking, &Statuses) -> Result<Arc<Statements>, StatementError>;

/// The statements over a database.
#[derive(Debug, Clone)]
pub struct Store {
    db: Database,
    /// Their list names every file of this room, so it is given from above.
    compile: Compile,
    pub(super) known: Arc<Newest<Arc<Schema>>>,
    /// Looks at the schema that are shared, for callers who may ask at any rate.
    looks: Looks<Arc<Schema>>,
    /// Whose feeds have something new; whoever stores an event adds its tenant.
    pub(super) new_events: Arc<NewEvents>,
    /// Whether the sequence of ticks was looked at.
    ticks_ahead: Arc<AtomicBool>,
    pub(super) own_writes: OwnWrites,
    /// Requests that are read by their ids.
    pub(super) requests: Reads<BookingRequestId, BookingRequest>,
    policy: Arc<Policy>,
}

/// What is known of the schema, and the statements that fit it.
#[derive(Debug)]
pub struct Schema {
    pub found: Found,
    /// The database with these statements.
    pub(super) db: Database,
    /// The texts of those that do not fit.
    pub(super) misfits: Vec<String>,
}

impl Store {
    /// Nothing is known of the database yet.
    pub(super) fn new(db: Database, compile: Compile, policy: Policy) -> Self {
        Self {
            db,
            compile,
            known: Arc::default(),
            looks: Looks::default(),
            new_events: Arc::default(),
            ticks_ahead: Arc::default(),
            own_writes: OwnWrites::default(),
            requests: Reads::default(),
            policy: Arc::new(policy),
        }
    }

    /// How this server behaves.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// What is known of the schema; looked at when nothing is known yet, by one of those who
    /// ask then.
    pub async fn schema(&self) -> Result<Arc<Schema>, Fault> {
        match self.known.get() {
            Some(schema) => Ok(schema),
            None => self.look_with_others().await.map_err(|fault| Fault::clone(&fault)),
        }
    }

    /// Looks at the schema again; what a later look has found by then counts.
    pub async fn look_at_schema(&self) -> Result<Arc<Schema>, Fault> {
        // It is large, and part of every call that may want it.
        self.known.look(self.look().boxed()).await
    }

    async fn look(&self) -> Result<Arc<Schema>, Fault> {
        let mut found = Found::detect(&self.db).await?;
        self.look_at_ticks(&found).await;
        let before = self.known.get();
        let before = before.as_deref();
        let changed = before.is_none_or(|before| {
            (before.found.layout, before.found.request_hold) != (found.layout, found.request_hold)
        });
        if changed {
            tracing::info!(layout = ?found.layout, request_hold = found.request_hold.name(), "storage layout");
            if found.request_hold == RequestHold::Missing {
                tracing::warn!(
                    "the constraint {NO_DOUBLE_BOOKINGS} is missing: other programs can store double bookings"
                );
            }
        }
        let db = match before {
            Some(before) if before.found.same_statements(&found) => before.db.clone(),
            _ => self.db.with((self.compile)(found.layout, &found.blocking, &found.statuses)?),
        };
        // Where columns have types of their own, every statement is looked at once, so
        // that what does not go is known before somebody tries it.
        let misfits = match before {
            _ if found.doubtful.is_empty() => Vec::new(),
            Some(before) if before.found.same_tables(&found) => before.misfits.clone(),
            _ => db.misfits().await?,
        };
        found.prove(&misfits);
        Ok(Arc::new(Schema { found, db, misfits }))
    }

    /// Before this process stores anything, and until it has worked once: at a standby it
    /// does not, nor where the migrations are missing.
    async fn look_at_ticks(&self, found: &Found) {
        if self.ticks_ahead.load(Ordering::Relaxed) {
            return;
        }
        let looked = async {
            let db = self.db.with((self.compile)(found.layout, &found.blocking, &found.statuses)?);
            ticks::keep_ahead(&db, SWEEPER).await
        };
        match looked.await {
            Ok(()) => self.ticks_ahead.store(true, Ordering::Relaxed),
            Err(fault) => tracing::debug!(%fault, "the sequence of ticks was not looked at"),
        }
    }

    /// Moves the sequence of ticks ahead of those that wait for a number.
    pub async fn keep_ticks_ahead(&self) -> Result<(), Fault> {
        ticks::keep_ahead(&self.schema().await?.db, SWEEPER).await
    }

    /// Looks at the schema again, once for all who ask at the same time.
    pub async fn look_with_others(&self) -> Result<Arc<Schema>, Arc<Fault>> {
        self.looked_at_since(Instant::now()).await
    }

    /// What the schema looked like at most a second ago; however many ask, the
    /// database is asked once.
    pub async fn recent_schema(&self) -> Result<Arc<Schema>, Arc<Fault>> {
        let now = Instant::now();
        self.looked_at_since(now.checked_sub(LOOK_HOLDS).unwrap_or(now)).await
    }

    async fn looked_at_since(&self, since: Instant) -> Result<Arc<Schema>, Arc<Fault>> {
        let store = self.clone();
        self.looks.ended_since(since, async move { store.look_at_schema().await }.boxed()).await
    }

    /// Waits for the tenant's turn to change something.
    pub(super) async fn turn(&self, tenant: TenantId) -> Result<Turn, Fault> {
        self.db.turn(tenant.uuid()).await
    }

    /// Waits for the turn of some tenants to change something together.
    pub(super) async fn turn_of(&self, tenants: &[Uuid]) -> Result<Turn, Fault> {
        self.db.turn_of(tenants).await
    }

    /// How requests were read.
    pub fn figures(&self, scrape: &mut Scrape) {
        self.requests.figures(scrape);
    }

    /// What tells which tenants have something new to read.
    pub fn new_events(&self) -> &NewEvents {
        &self.new_events
    }
}

/// The last statement gave no row where one had to come.
pub(super) fn lost_row(what: &str) -> Fault {
    Fault::new(Kind::Other, format!("{what} came back empty"))
}
