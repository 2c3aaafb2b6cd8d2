//! A connection of the pool while somebody uses it, and what becomes of it after that.
//!
//! The server bounds every statement and every wait for a lock. One that says nothing
//! for longer than that is frozen, or cut off without a word: its connection is closed
//! and the pool makes another, since rolling back on it would wait without an end. Whoever
//! leaves in the middle of a statement leaves a connection of which nobody knows yet: the
//! connection goes back to the pool when it answers soon, and is closed otherwise; until then
//! it is nobody's turn. The server is asked to cancel a statement that only reads. One that
//! may have written goes on: to cancel a commit that waits for a standby would not undo it,
//! but show it to others before the standby has it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use deadpool_postgres::{Client, Object};

use crate::connect::Connector;
use crate::sessions::Sessions;
use crate::turns::ConnectionTurn;
use crate::{Fault, Kind};

/// When a server that bounds statements is taken for frozen.
const ANSWER_LIMIT: Duration = Duration::from_secs(6);
/// How long the end of what was left in the middle may take.
const ROLLBACK_LIMIT: Duration = Duration::from_secs(1);
/// How long a statement goes on for which nobody waits any more. To give it up costs the
/// server a process, and most end sooner.
const SOON: Duration = Duration::from_millis(20);
/// How long it may take to tell the server that a statement is given up.
const CANCEL_LIMIT: Duration = Duration::from_secs(1);

/// A connection that is used by one at a time.
#[derive(Debug)]
pub(crate) struct Lease {
    /// Present until the end.
    client: Option<Object>,
    /// Present as long.
    turn: Option<ConnectionTurn>,
    connector: Connector,
    sessions: Arc<Sessions>,
    /// Whether statements end sooner than the service's own limit, with their call.
    is_short: AtomicBool,
    /// Whether something is to be rolled back.
    open: AtomicBool,
    /// Answers that are waited for.
    waits: AtomicU32,
    /// Whether something may have been written.
    wrote: AtomicBool,
    /// Set when the connection is not to be used again.
    given_up: AtomicBool,
}

impl Lease {
    pub(crate) fn new(
        client: Object,
        turn: ConnectionTurn,
        connector: Connector,
        sessions: Arc<Sessions>,
    ) -> Self {
        let [is_short, open, wrote, given_up] = [false; 4].map(AtomicBool::new);
        let (client, turn, waits) = (Some(client), Some(turn), AtomicU32::new(0));
        Self { client, turn, connector, sessions, is_short, open, waits, wrote, given_up }
    }

    pub(crate) fn client(&self) -> Result<&Client, Fault> {
        self.client.as_ref().ok_or_else(|| Fault::new(Kind::Other, "the connection was given back"))
    }

    /// Waits for an answer of the server, as long as that can take. What fails may
    /// mean that the connection or every prepared statement is of no use any more.
    pub(crate) fn answer<T, E>(
        &self,
        waiting: impl Future<Output = Result<T, E>>,
    ) -> impl Future<Output = Result<T, Fault>>
    where
        Fault: From<E>,
    {
        self.answer_within(ANSWER_LIMIT, waiting)
    }

    /// The same for the answer to several statements that were sent together, each of
    /// which has so much time.
    pub(crate) fn answer_of<T, E>(
        &self,
        statements: usize,
        each: Duration,
        waiting: impl Future<Output = Result<T, E>>,
    ) -> impl Future<Output = Result<T, Fault>>
    where
        Fault: From<E>,
    {
        let more = each * u32::try_from(statements.saturating_sub(1)).unwrap_or(u32::MAX);
        self.answer_within(ANSWER_LIMIT + more, waiting)
    }

    async fn answer_within<T, E>(
        &self,
        limit: Duration,
        waiting: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Fault>
    where
        Fault: From<E>,
    {
        self.waits.fetch_add(1, Ordering::Relaxed);
        let Ok(answer) = tokio::time::timeout(limit, waiting).await else {
            self.give_up();
            let limit = limit.as_secs();
            return Err(Fault::new(Kind::Unavailable, format!("the server said nothing for {limit} s")));
        };
        self.waits.fetch_sub(1, Ordering::Relaxed);
        answer.map_err(|error| self.judged(Fault::from(error)))
    }

    /// Keeps what a failure says about the connection.
    pub(crate) fn judged(&self, fault: Fault) -> Fault {
        match fault.kind() {
            Kind::StatementTimeout if self.is_short.load(Ordering::Relaxed) => {
                return Fault::new(Kind::OutOfTime, fault.to_string());
            }
            // It leads to a standby, as others may.
            Kind::ReadOnly => {
                self.sessions.leave_standby();
                self.give_up();
            }
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

    /// Statements end with their call.
    pub(crate) fn shorten(&self) {
        self.is_short.store(true, Ordering::Relaxed);
    }

    /// Something may have been written from now on.
    pub(crate) fn writes(&self) {
        self.wrote.store(true, Ordering::Relaxed);
    }

    /// From now on something is to be rolled back, unless it is committed.
    pub(crate) fn open(&self) {
        self.open.store(true, Ordering::Relaxed);
    }

    /// Nothing is to be rolled back any more.
    pub(crate) fn closed(&self) {
        self.open.store(false, Ordering::Relaxed);
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
        let waits = self.waits.load(Ordering::Relaxed) > 0;
        if self.given_up.load(Ordering::Relaxed) || client.is_closed() {
            close(client);
        } else if waits || self.open.load(Ordering::Relaxed) {
            let Ok(runtime) = tokio::runtime::Handle::try_current() else { return close(client) };
            let reads = !self.wrote.load(Ordering::Relaxed);
            let (turn, connector) = (self.turn.take(), (waits && reads).then(|| self.connector.clone()));
            runtime.spawn(async move {
                roll_back(client, connector).await;
                drop(turn);
            });
        }
    }
}

/// The connection goes back to the pool only once it is outside the transaction. With a
/// connector a statement that only reads may be under way; if it does not end soon the
/// server is asked to cancel it.
async fn roll_back(client: Object, connector: Option<Connector>) {
    let ends = {
        let rolled_back = client.batch_execute("rollback");
        tokio::pin!(rolled_back);
        let limit = if connector.is_some() { SOON } else { ROLLBACK_LIMIT };
        tokio::time::timeout(limit, rolled_back).await
    };
    match (ends, connector) {
        (Ok(Ok(())), _) => return,
        (Ok(Err(error)), _) => tracing::debug!(%error, "rollback failed, connection closed"),
        (Err(_), None) => tracing::debug!("rollback took too long, connection closed"),
        (Err(_), Some(connector)) => cancel(&client, &connector).await,
    }
    close(client);
}

/// Tells the server that nobody waits for a statement any more. It may hear it late: the
/// connection must not be anybody else's then, whose statement it would take for this one.
async fn cancel(client: &Object, connector: &Connector) {
    match tokio::time::timeout(CANCEL_LIMIT, connector.cancel(client.cancel_token())).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a statement could not be given up"),
        Err(_) => tracing::debug!("the server did not hear in time that a statement is given up"),
    }
}

/// Takes the connection out of the pool and ends it, whatever it waits for.
fn close(client: Object) {
    drop(Object::take(client));
}
