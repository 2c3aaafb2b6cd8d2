//! Transactions. BEGIN travels with the first statement and COMMIT with the
//! last, so a transaction of two statements costs two round trips.
//!
//! So a connection that breaks at the last statement of a change leaves the outcome
//! unknown, and the refusal says that: `OUTCOME_UNKNOWN`, never "nothing was stored".
//!
//! A transaction in which any statement failed, or was abandoned before its
//! answer, cannot commit: Postgres would answer such a COMMIT with ROLLBACK and
//! the driver would report success.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use deadpool_postgres::Object;
use futures::future::join;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use crate::{Fault, Form, Kind, Query, Statements};

/// An open transaction (READ COMMITTED). Dropping it rolls back.
#[derive(Debug)]
pub struct Tx {
    /// Present until the transaction ends.
    client: Option<Object>,
    statements: Arc<Statements>,
    scope: Scope,
    begun: AtomicBool,
    /// Set while a statement runs and kept when it fails.
    broken: AtomicBool,
    /// Set when the connection leads to a standby.
    misled: AtomicBool,
    /// Set when a statement may have written something.
    wrote: AtomicBool,
}

/// Whatever the database's default is: decisions look again at rows that they
/// waited for, and a snapshot of the whole transaction would hide these.
const BEGIN: &str = "begin isolation level read committed";

/// The setting by which row-level security knows the tenant.
pub(crate) const TENANT: &str = "app.tenant";

/// Whose rows a transaction sees.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scope {
    Tenant(Uuid),
    Global,
    /// What this role may see.
    Role(&'static str),
}

/// A text to be prepared.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sql<'a> {
    pub text: &'a str,
    /// Types of the parameters; Postgres finds those that are missing.
    pub types: &'a [Type],
    /// Whether it may store something.
    pub writes: bool,
}

impl Tx {
    pub(crate) fn new(client: Object, statements: Arc<Statements>, scope: Scope) -> Self {
        Self {
            client: Some(client),
            statements,
            scope,
            begun: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            misled: AtomicBool::new(false),
            wrote: AtomicBool::new(false),
        }
    }

    /// Runs a statement and returns its rows.
    pub async fn run(&self, query: &dyn Query) -> Result<Vec<Row>, Fault> {
        let (form, params) = self.statements.form(query)?;
        self.rows(form.into(), &params).await
    }

    /// Runs a statement that gives one row or none.
    pub async fn run_opt(&self, query: &dyn Query) -> Result<Option<Row>, Fault> {
        Ok(self.run(query).await?.into_iter().next())
    }

    /// Runs the last statement and commits, in one round trip. When the
    /// statement fails, nothing is stored.
    pub async fn run_last(self, query: &dyn Query) -> Result<Vec<Row>, Fault> {
        let statements = Arc::clone(&self.statements);
        let (form, params) = statements.form(query)?;
        self.last_rows(form.into(), &params).await
    }

    /// Runs a text that is made while running. It must not write.
    pub async fn run_text(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Fault> {
        self.rows(Sql { text: sql, types: &[], writes: false }, params).await
    }

    async fn rows(&self, sql: Sql<'_>, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Fault> {
        let client = self.client()?;
        let statement = self.prepare(client, sql).await?;
        self.broken.store(true, Ordering::Relaxed);
        let rows = if self.begun.swap(true, Ordering::Relaxed) {
            client.query(&statement, params).await
        } else {
            let begin = self.scope.begin();
            let (opened, rows) = join(client.batch_execute(&begin), client.query(&statement, params)).await;
            opened.and(rows)
        };
        let rows = rows.map_err(|error| self.failed(client, error))?;
        self.broken.store(false, Ordering::Relaxed);
        Ok(rows)
    }

    /// Makes the transaction's changes lasting.
    pub async fn commit(mut self) -> Result<(), Fault> {
        self.refuse_if_broken()?;
        if !self.begun.load(Ordering::Relaxed) {
            self.client = None;
            return Ok(());
        }
        self.broken.store(true, Ordering::Relaxed);
        self.client()?.batch_execute("commit").await.map_err(|error| self.unsure(error.into()))?;
        self.client = None;
        Ok(())
    }

    async fn last_rows(mut self, sql: Sql<'_>, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Fault> {
        self.refuse_if_broken()?;
        let client = self.client()?;
        let statement = self.prepare(client, sql).await?;
        self.broken.store(true, Ordering::Relaxed);
        let last = join(client.query(&statement, params), client.batch_execute("commit"));
        let (rows, committed) = if self.begun.swap(true, Ordering::Relaxed) {
            last.await
        } else {
            let begin = self.scope.begin();
            let (opened, (rows, committed)) = join(client.batch_execute(&begin), last).await;
            (opened.and(rows), committed)
        };
        // The commit was sent with the statement: when the connection broke before
        // the answers, either may have happened.
        let rows = rows.map_err(|error| {
            let answered = error.as_db_error().is_some();
            let fault = self.failed(client, error);
            if answered { fault } else { self.unsure(fault) }
        })?;
        committed.map_err(|error| self.unsure(error.into()))?;
        self.client = None;
        Ok(rows)
    }

    fn client(&self) -> Result<&Object, Fault> {
        self.client.as_ref().ok_or_else(|| Fault::new(Kind::Other, "the transaction has ended"))
    }

    /// A connection that was lost with a commit under way. Without a write there
    /// was nothing to store.
    fn unsure(&self, fault: Fault) -> Fault {
        match fault.kind() {
            Kind::Unavailable if self.wrote.load(Ordering::Relaxed) => {
                Fault::new(Kind::OutcomeUnknown, fault.to_string())
            }
            _ => fault,
        }
    }

    async fn prepare(&self, client: &Object, sql: Sql<'_>) -> Result<tokio_postgres::Statement, Fault> {
        self.refuse_if_broken()?;
        if sql.writes {
            self.wrote.store(true, Ordering::Relaxed);
        }
        client.prepare_typed_cached(sql.text, sql.types).await.map_err(|error| self.failed(client, error))
    }

    fn refuse_if_broken(&self) -> Result<(), Fault> {
        if self.broken.load(Ordering::Relaxed) {
            return Err(Fault::new(Kind::RolledBack, "a statement of this transaction failed before"));
        }
        Ok(())
    }

    fn failed(&self, client: &Object, error: tokio_postgres::Error) -> Fault {
        self.broken.store(true, Ordering::Relaxed);
        let fault = Fault::from(error);
        if *fault.kind() == Kind::ReadOnly {
            self.misled.store(true, Ordering::Relaxed);
        }
        if matches!(fault.kind(), Kind::StaleStatement | Kind::SchemaDrift { .. }) {
            client.statement_cache.clear();
        }
        fault
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else { return };
        if !self.begun.load(Ordering::Relaxed) && !self.broken.load(Ordering::Relaxed) {
            return;
        }
        if client.is_closed() || self.misled.load(Ordering::Relaxed) {
            drop(Object::take(client));
            return;
        }
        // The connection goes back to the pool only once it is outside the transaction.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(async move {
                    if let Err(error) = client.batch_execute("rollback").await {
                        tracing::debug!(%error, "rollback failed, connection dropped");
                        drop(Object::take(client));
                    }
                });
            }
            Err(_) => drop(Object::take(client)),
        }
    }
}

impl<'a> From<&'a Form> for Sql<'a> {
    fn from(form: &'a Form) -> Self {
        Self { text: form.text(), types: form.types(), writes: form.writes }
    }
}

impl Scope {
    fn begin(self) -> String {
        match self {
            Self::Tenant(tenant) => format!("{BEGIN}; set local {TENANT} = '{tenant}'"),
            Self::Global => BEGIN.to_owned(),
            Self::Role(role) => format!("{BEGIN}; set local role {role}"),
        }
    }
}
