//! What every statement of a service relies on of its session, and whether a connection
//! has a session of its own at all: a pooler that hands one out for a transaction
//! (`pgbouncer` with `pool_mode = transaction`, and others like it) shares sessions among
//! whoever connects. Then what we rely on is set inside each transaction, in the message
//! that begins it, and nothing is left behind for others.
//!
//! Nobody says that there is a pooler; it is found by asking. Two connections that are
//! given the same session, or one that is given two, share them. That they do not may be
//! chance, so that they are asked several times, and one that was found once stays.
//! Whether a statement that was prepared in one session is there in another is tried in
//! the same way: `pgbouncer` keeps them from 1.21 on, if `max_prepared_statements` is not
//! 0.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error, SimpleQueryMessage};

use crate::connect::Connector;
use crate::settings::{self, Commits};
use crate::{Fault, Kind};

/// How long an answer may take, and how long somebody else's asking.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long it may take until a pooler has a second session: it may be set to have one
/// only, and then nobody knows whether it would keep statements.
const SECOND: Duration = Duration::from_millis(500);

/// How often all connections are replaced because one has led to a standby: as long as there
/// is no primary, they are read from.
pub(crate) const LEAVE_EVERY: Duration = Duration::from_millis(50);

/// How often two connections are asked whether their sessions are still their own.
const ROUNDS: usize = 3;

/// Begins a transaction that goes on for as long as asking takes, whatever the defaults are.
const BEGIN_ASKING: &str =
    "begin; set local idle_in_transaction_session_timeout = 0; set local statement_timeout = '2s'";

/// Selects no row of a null of each type of a column that does not come with the server: a
/// domain may not take a null.
const OTHER_TYPES: &str = "select 'select ' || coalesce(string_agg(distinct format('null::%s', a.atttypid::regtype), ', '), 'null') || ' limit 0' \
    from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_type t on t.oid = a.atttypid \
    where c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped and t.oid >= 16384 \
    and c.relnamespace in (to_regnamespace('public'), to_regnamespace('identity')) \
    and has_schema_privilege(t.typnamespace, 'usage') and has_type_privilege(t.oid, 'usage')";

/// How the sessions of a database are used by one role.
#[derive(Debug)]
pub(crate) struct Sessions {
    role: &'static str,
    known: Mutex<Option<Arc<Way>>>,
    /// When a statement was last not where it was prepared, behind a pooler that keeps none.
    lost: Mutex<Option<Instant>>,
    /// When a connection last led to a standby, as those may that were made before.
    standby: Mutex<Option<Instant>>,
    /// Whether a pooler was ever found.
    were_shared: AtomicBool,
    asking: tokio::sync::Mutex<()>,
}

/// What asking has found.
#[derive(Debug)]
pub(crate) struct Way {
    /// Whether somebody else may get a session between two transactions.
    pub is_shared: bool,
    /// Whether a prepared statement is there in every session that a connection gets.
    pub keeps_statements: bool,
    /// What is run once in a session of its own.
    pub once: String,
    /// What is run after each `begin`, with `; ` before it.
    pub in_each: String,
}

/// What a session is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Found {
    is_shared: bool,
    keeps_statements: bool,
    version: u32,
    commits: Commits,
}

impl Sessions {
    /// Nothing is known yet.
    pub(crate) fn of(role: &'static str) -> Self {
        Self {
            role,
            known: Mutex::default(),
            lost: Mutex::default(),
            standby: Mutex::default(),
            were_shared: AtomicBool::default(),
            asking: tokio::sync::Mutex::default(),
        }
    }

    /// The role that transactions are in.
    pub(crate) fn role(&self) -> &'static str {
        self.role
    }

    /// How sessions are used, which is asked once.
    pub(crate) async fn way(&self, connector: &Connector) -> Result<Arc<Way>, Fault> {
        if let Some(way) = self.known() {
            return Ok(way);
        }
        let late = |_| Fault::new(Kind::Unavailable, "no connection in time");
        let _asking = tokio::time::timeout(PATIENCE, self.asking.lock()).await.map_err(late)?;
        if let Some(way) = self.known() {
            return Ok(way);
        }
        let mut found = Box::pin(ask(connector)).await?;
        if self.were_shared.fetch_or(found.is_shared, Ordering::Relaxed) && !found.is_shared {
            found = Found { is_shared: true, keeps_statements: false, ..found };
        }
        let way = Arc::new(Way::new(self.role, found));
        if way.is_shared {
            tracing::info!(
                keeps_statements = way.keeps_statements,
                "a pooler shares sessions of the database; each transaction sets its own"
            );
        }
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&way));
        Ok(way)
    }

    /// Whether each connection is known to have a session of its own.
    pub(crate) fn are_own(&self) -> bool {
        self.known().is_some_and(|way| !way.is_shared)
    }

    /// A statement was not where it was prepared: whoever comes next asks again.
    pub(crate) fn forget(&self) {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).take();
        if known.is_some_and(|way| !way.keeps_statements) {
            *self.lost.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
    }

    /// Lets no connection be used again that was made before now: one has led to a standby, and
    /// there may be a primary.
    pub(crate) fn leave_standby(&self) {
        let mut standby = self.standby.lock().unwrap_or_else(PoisonError::into_inner);
        if standby.is_none_or(|seen| seen.elapsed() >= LEAVE_EVERY) {
            *standby = Some(Instant::now());
        }
    }

    /// Whether a connection that was set up then has met every type, and has not to be made
    /// anew: the statement that was lost may have been the driver's, for a type that was made
    /// since.
    pub(crate) fn is_up_to_date(&self, set_up: Instant) -> bool {
        [&self.lost, &self.standby].iter().all(|since| {
            since.lock().unwrap_or_else(PoisonError::into_inner).is_none_or(|since| set_up > since)
        })
    }

    fn known(&self) -> Option<Arc<Way>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Way {
    fn new(role: &str, found: Found) -> Self {
        let set = |is_local| settings::of_a_service(role, found.version, found.commits, is_local);
        let Found { is_shared, keeps_statements, .. } = found;
        // A pooler that does not keep statements leaves some of others, whose names may
        // be the same.
        let tidy = if keeps_statements { "" } else { "; deallocate all" };
        Self {
            is_shared,
            keeps_statements,
            once: if is_shared { String::new() } else { set(false) },
            in_each: if is_shared { format!("{tidy}; {}", set(true)) } else { String::new() },
        }
    }

    /// Makes a connection ready for use.
    ///
    /// The driver asks for each type that it does not know when it meets it first, by
    /// statements that it prepares once and then expects in whatever session it is given. Where
    /// they are not kept, it meets all types here, in one transaction, and remembers them.
    pub(crate) async fn set_up(&self, client: &Client) -> Result<(), Error> {
        client.batch_execute(&self.once).await?;
        if self.keeps_statements {
            return Ok(());
        }
        client.batch_execute(&format!("begin{}", self.in_each)).await?;
        for row in client.query_typed(OTHER_TYPES, &[]).await? {
            let of_each: &str = row.try_get(0)?;
            client.query_typed(of_each, &[]).await?;
        }
        client.batch_execute("rollback").await
    }
}

/// Whether whoever connects to a database has a session of its own until the end.
pub async fn has_own_session(url: &str) -> Result<bool, Fault> {
    let address: crate::Address = url.parse().map_err(|said: String| Fault::new(Kind::Other, said))?;
    Ok(!Box::pin(ask(&Connector::new(address))).await?.is_shared)
}

async fn ask(connector: &Connector) -> Result<Found, Fault> {
    let (one, other) = tokio::try_join!(connector.client(), connector.client())?;
    let late = |_| Fault::new(Kind::Unavailable, "the database did not answer in time");
    tokio::time::timeout(PATIENCE, found(&one, &other)).await.map_err(late)?
}

async fn found(one: &Client, other: &Client) -> Result<Found, Fault> {
    let version = cell(one, "show server_version_num").await?.parse().unwrap_or_default();
    let commits = settings::refuse_unfit(one).await?;
    one.batch_execute(BEGIN_ASKING).await?;
    let first = session(one).await?;
    let prepared = match one.prepare("select 1").await {
        Ok(prepared) => prepared,
        // Somebody else's statement of that name was left in the session.
        Err(error) if error.code() == Some(&SqlState::DUPLICATE_PSTATEMENT) => {
            return Ok(Found { is_shared: true, keeps_statements: false, version, commits });
        }
        Err(error) => return Err(error.into()),
    };
    one.batch_execute("rollback").await?;
    other.batch_execute(BEGIN_ASKING).await?;
    let held = session(other).await?;
    // While that one is held, the first connection may be given another.
    let again = tokio::time::timeout(SECOND, async {
        one.batch_execute(BEGIN_ASKING).await?;
        session(one).await
    });
    let again = again.await.ok().transpose()?;
    let has_moved = again.as_ref().is_some_and(|again| *again != first);
    let keeps_statements = has_moved && one.query(&prepared, &[]).await.is_ok();
    if held == first && !keeps_statements {
        // Of what was prepared above nothing is to be left for others.
        other.batch_execute("deallocate all").await?;
    }
    other.batch_execute("rollback").await?;
    if again.is_some() {
        one.batch_execute("rollback").await?;
    }
    let is_shared = held == first
        || has_moved
        || match again {
            Some(_) => change((one, &first), (other, &held)).await?,
            // It still waits for a session.
            None => session(other).await? != held,
        };
    Ok(Found { is_shared, keeps_statements: keeps_statements || !is_shared, version, commits })
}

/// Whether one of two connections, with the sessions that they had, gets another after a
/// while. While others are served, too, a pooler may give each its own back for some time.
async fn change(one: (&Client, &str), other: (&Client, &str)) -> Result<bool, Fault> {
    for _ in 0..ROUNDS {
        // Twice the same: a pooler that takes sessions in turn gives it the next one.
        for (client, before) in [one, one, other] {
            if session(client).await? != before {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Which session a statement runs in.
async fn session(client: &Client) -> Result<String, Fault> {
    cell(client, "select pg_catalog.pg_backend_pid()").await
}

/// The only value that a text gives. It travels by itself: nothing is prepared.
async fn cell(client: &Client, sql: &str) -> Result<String, Fault> {
    let answer = client.simple_query(sql).await?;
    let value = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    value.map(str::to_owned).ok_or_else(|| Fault::new(Kind::Other, format!("{sql} gave nothing")))
}
