//! A connection of the pool while somebody uses it, and what becomes of it after that.
//!
//! The server bounds every statement and every wait for a lock. One that says nothing
//! for longer than that is frozen, or cut off without a word: its connection is closed
//! and the pool makes another, since rolling back on it would wait without an end. Whoever
//! leaves in the middle of a statement leaves a connection of which nobody knows yet; it
//! goes back to the pool when it answers soon, and is closed otherwise.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool_postgres::{Client, Object};

use crate::sessions::Sessions;
use crate::{Fault, Kind};

/// When a server that bounds statements is taken for frozen.
const ANSWER_LIMIT: Duration = Duration::from_secs(6);
/// How long the end of what was left in the middle may take.
const ROLLBACK_LIMIT: Duration = Duration::from_secs(1);

/// A connection that is used by one at a time.
#[derive(Debug)]
pub(crate) struct Lease {
    /// Present until the end.
    client: Option<Object>,
    sessions: Arc<Sessions>,
    /// Whether something is to be rolled back.
    open: AtomicBool,
    /// Set while an answer is waited for.
    waits: AtomicBool,
    /// Set when the connection is not to be used again.
    given_up: AtomicBool,
}

impl Lease {
    pub(crate) fn new(client: Object, sessions: Arc<Sessions>) -> Self {
        let [open, waits, given_up] = [false; 3].map(AtomicBool::new);
        Self { client: Some(client), sessions, open, waits, given_up }
    }

    pub(crate) fn client(&self) -> Result<&Client, Fault> {
        self.client.as_ref().ok_or_else(|| Fault::new(Kind::Other, "the connection was given back"))
    }

    /// Waits for an answer of the server, as long as that can take. What fails may
    /// mean that the connection or every prepared statement is of no use any more.
    pub(crate) async fn answer<T, E>(&self, waiting: impl Future<Output = Result<T, E>>) -> Result<T, Fault>
    where
        Fault: From<E>,
    {
        self.waits.store(true, Ordering::Relaxed);
        let Ok(answer) = tokio::time::timeout(ANSWER_LIMIT, waiting).await else {
            self.give_up();
            let limit = ANSWER_LIMIT.as_secs();
            return Err(Fault::new(Kind::Unavailable, format!("the server said nothing for {limit} s")));
        };
        self.waits.store(false, Ordering::Relaxed);
        answer.map_err(|error| self.judged(Fault::from(error)))
    }

    /// Keeps what a failure says about the connection.
    pub(crate) fn judged(&self, fault: Fault) -> Fault {
        match fault.kind() {
            // It leads to a standby.
            Kind::ReadOnly => self.give_up(),
            Kind::StaleSession => self.forget_sessions(),
            Kind::StaleStatement => {
                self.sessions.forget();
                self.forget_statements();
            }
            Kind::SchemaDrift { .. } => self.forget_statements(),
            _ => {}
        }
        fault
    }

    /// From now on something is to be rolled back, unless it is committed.
    pub(crate) fn open(&self) {
        self.open.store(true, Ordering::Relaxed);
    }

    /// Nothing is to be rolled back any more.
    pub(crate) fn closed(&self) {
        self.open.store(false, Ordering::Relaxed);
    }

    /// Whether nobody will hear what became of the last statement.
    pub(crate) fn is_lost(&self) -> bool {
        self.given_up.load(Ordering::Relaxed) || self.client.as_ref().is_none_or(|client| client.is_closed())
    }

    fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
    }

    /// This connection and those that wait in the pool are replaced.
    fn forget_sessions(&self) {
        self.give_up();
        if let Some(pool) = self.client.as_ref().and_then(Object::pool) {
            pool.retain(|_, _| false);
        }
    }

    /// Whatever was prepared in this pool may be of a schema that is gone: the next
    /// connection that somebody gets must not fail in the same way.
    fn forget_statements(&self) {
        let Some(client) = &self.client else { return };
        client.statement_cache.clear();
        if let Some(pool) = Object::pool(client) {
            pool.manager().statement_caches.clear();
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else { return };
        if self.given_up.load(Ordering::Relaxed) || client.is_closed() {
            close(client);
        } else if self.waits.load(Ordering::Relaxed) || self.open.load(Ordering::Relaxed) {
            match tokio::runtime::Handle::try_current() {
                Ok(runtime) => drop(runtime.spawn(roll_back(client))),
                Err(_) => close(client),
            }
        }
    }
}

/// The connection goes back to the pool only once it is outside the transaction.
async fn roll_back(client: Object) {
    match tokio::time::timeout(ROLLBACK_LIMIT, client.batch_execute("rollback")).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::debug!(%error, "rollback failed, connection closed");
            close(client);
        }
        Err(_) => {
            tracing::debug!("rollback took too long, connection closed");
            close(client);
        }
    }
}

/// Takes the connection out of the pool and ends it, whatever it waits for.
fn close(client: Object) {
    drop(Object::take(client));
}
