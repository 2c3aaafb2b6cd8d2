//! The migrations runner: refinery under an advisory lock that is polled,
//! because a session that blocks on a lock holds a snapshot and so deadlocks
//! with `create index concurrently`. The lock is that of a transaction on a connection of
//! its own, which does nothing else: a pooler may give the next transaction of a
//! connection another session, and a transaction keeps the one that it has.
//!
//! A migration that locks several tables may deadlock with a call that has them in
//! another order, and Postgres may end the migration instead of the call. Each is one
//! transaction, so it is tried again.

mod roles;
mod session;

use std::error::Error;
use std::time::Duration;

use refinery_core::{Migration, Runner};
use tokio_postgres::Client;
use tokio_postgres::error::{DbError, SqlState};
use tokio_postgres::types::Type;

use self::session::Session;
use crate::advice::advice;
use crate::fault::chain;
use crate::settings::{begin_command, refuse_unfit};
use crate::{Fault, connect};

/// The same number in every version, so that old and new binaries exclude each
/// other. Advisory locks are per database.
const LOCK: i64 = 0x6672_6f6e_7464_6573;
/// How long to wait for another migrator.
const LOCK_PATIENCE: Duration = Duration::from_mins(1);
/// How long a pooler may take to have a second connection, while the first one has the lock.
const SECOND_PATIENCE: Duration = Duration::from_secs(10);
/// How often migrations are tried again that a deadlock has ended.
const AFTER_DEADLOCKS: usize = 5;

/// The migrations of one service.
#[derive(Debug, Clone, Copy)]
pub struct MigrationSet {
    /// Service, for messages.
    pub name: &'static str,
    /// Table that records what was applied, with its schema.
    pub history_table: &'static str,
    /// File name without `.sql` (`V1__name`) and text, in order.
    pub migrations: &'static [(&'static str, &'static str)],
}

/// What a database has and lacks of a [`MigrationSet`].
#[derive(Debug, PartialEq, Eq)]
pub struct State {
    /// Applied, in order.
    pub applied: Vec<String>,
    /// Known to this binary and not applied.
    pub pending: Vec<String>,
    /// Applied and unknown to this binary: the database is ahead.
    pub unknown: Vec<String>,
}

/// Why a migration did not happen, as a sentence.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database failed.
    #[error("{}", .0.advice())]
    Database(#[from] Fault),
    /// A migration failed; it and those after it are not applied.
    #[error("migrations of {set} stopped: {cause}")]
    Stopped {
        /// The service.
        set: &'static str,
        /// What Postgres refused and the way out, or what was said.
        cause: String,
    },
    /// Roles are missing, and others have to make them: the SQL for that.
    #[error(
        "roles are missing that the login role may not make or grant: as a superuser run: {0} then run `frontdesk migrate up` again"
    )]
    Roles(String),
    /// A pooler has one connection, and whoever has the lock has that.
    #[error(
        "there is no second connection within {} s while the first one has the lock: a pooler has to have two at least \
         for the database (PgBouncer: default_pool_size or pool_size), or name Postgres itself in DATABASE_URL",
        SECOND_PATIENCE.as_secs()
    )]
    OneConnection,
    /// Somebody else kept the lock.
    #[error("another migration or repair has been running for {} s; see pg_locks for its session", LOCK_PATIENCE.as_secs())]
    Locked,
}

/// Applies what is missing and returns the names of what was applied. The URL
/// must name the schema's owner.
pub async fn up(url: &str, sets: &[&'static MigrationSet]) -> Result<Vec<String>, MigrateError> {
    let (client, holder) = (connect(url).await?, connect(url).await?);
    refuse_unfit(&client).await?;
    holder.batch_execute(&begin_command()).await.map_err(Fault::from)?;
    take(&holder, "pg_try_advisory_xact_lock").await?;
    match tokio::time::timeout(SECOND_PATIENCE, client.batch_execute("select 1")).await {
        Ok(answered) => answered.map_err(Fault::from)?,
        Err(_) => return Err(MigrateError::OneConnection),
    }
    let mut applied = Vec::new();
    for set in sets {
        for migration in apply(&client, set).await? {
            applied.push(format!("{} {migration}", set.name));
        }
    }
    holder.batch_execute("rollback").await.map_err(Fault::from)?;
    Ok(applied)
}

/// Compares a database with a set, by any role that may read the history.
pub async fn state(client: &Client, set: &MigrationSet) -> Result<State, Fault> {
    // It is looked for first: a role may be set to lose its connection with an error.
    let is_there = "select pg_catalog.to_regclass($1) is not null";
    let rows = client.query_typed(is_there, &[(&set.history_table, Type::TEXT)]).await?;
    let is_there: bool = rows.first().map(|row| row.try_get(0)).transpose()?.unwrap_or_default();
    let query = format!("select 'V' || version || '__' || name from {} order by version", set.history_table);
    let rows = if is_there { client.query_typed(&query, &[]).await? } else { Vec::new() };
    let applied: Vec<String> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    let known: Vec<String> = set.migrations.iter().map(|(name, _)| (*name).to_owned()).collect();
    Ok(State {
        pending: known.iter().filter(|name| !applied.contains(name)).cloned().collect(),
        unknown: applied.iter().filter(|name| !known.contains(name)).cloned().collect(),
        applied,
    })
}

/// Applies what is missing of one set.
async fn apply(client: &Client, set: &'static MigrationSet) -> Result<Vec<Migration>, MigrateError> {
    let pending = state(client, set).await?.pending;
    let texts = set.migrations.iter().filter(|(name, _)| pending.iter().any(|one| one == name));
    let prepared = roles::prepare(client, texts.map(|(_, sql)| *sql)).await?;
    let left_out = prepared.map_err(|sql| MigrateError::Roles(sql.join(" ")))?;
    let mut applied = Vec::new();
    for left in (0..=AFTER_DEADLOCKS).rev() {
        match runner(set)?.run_async(&mut Session { client, left_out: &left_out }).await {
            Ok(report) => {
                applied.extend(report.applied_migrations().iter().cloned());
                break;
            }
            Err(error) if left > 0 && is_deadlock(&error) => {
                tracing::warn!(set = set.name, "a migration met a deadlock and is tried again");
                applied.extend(error.report().iter().flat_map(|report| report.applied_migrations().clone()));
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Err(error) => return Err(stopped(set, &error)),
        }
    }
    Ok(applied)
}

fn is_deadlock(error: &(dyn Error + 'static)) -> bool {
    let of_this = error.downcast_ref::<DbError>();
    of_this.is_some_and(|answer| *answer.code() == SqlState::T_R_DEADLOCK_DETECTED)
        || error.source().is_some_and(is_deadlock)
}

/// Keeps other migrators out until the end of the session.
pub(crate) async fn lock(client: &Client) -> Result<(), MigrateError> {
    take(client, "pg_try_advisory_lock").await
}

async fn take(client: &Client, function: &str) -> Result<(), MigrateError> {
    let step = Duration::from_millis(100);
    let mut waited = Duration::ZERO;
    let try_it = format!("select pg_catalog.{function}($1)");
    loop {
        let rows = client.query_typed(&try_it, &[(&LOCK, Type::INT8)]).await.map_err(Fault::from)?;
        let got = rows.first().map(|row| row.try_get(0)).transpose().map_err(Fault::from)?;
        if got == Some(true) {
            return Ok(());
        }
        if waited >= LOCK_PATIENCE {
            return Err(MigrateError::Locked);
        }
        tokio::time::sleep(step).await;
        waited += step;
    }
}

fn runner(set: &'static MigrationSet) -> Result<Runner, MigrateError> {
    let migrations = set
        .migrations
        .iter()
        .map(|(name, sql)| Migration::unapplied(name, sql))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| stopped(set, &error))?;
    let mut runner = Runner::new(&migrations).set_abort_missing(false);
    runner.set_migration_table_name(set.history_table);
    Ok(runner)
}

fn stopped(set: &'static MigrationSet, error: &refinery_core::Error) -> MigrateError {
    let cause = advice(error).map_or_else(|| chain(error), |advice| format!("{error}: {advice}"));
    MigrateError::Stopped { set: set.name, cause }
}
