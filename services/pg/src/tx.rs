//! Transactions. BEGIN travels with the first statement and COMMIT with the
//! last, so a transaction of two statements costs two round trips.
//!
//! So a connection that breaks at the last statement of a change leaves the outcome
//! unknown, and the refusal says that: `OUTCOME_UNKNOWN`, never "nothing was stored".
//!
//! A transaction in which any statement failed, or was abandoned before its
//! answer, cannot commit: Postgres would answer such a COMMIT with ROLLBACK and
//! the driver would report success.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use deadpool_postgres::{Client, Object};
use futures::future::{join, join3};
use futures::{FutureExt, TryStreamExt};
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use crate::lease::Lease;
use crate::{Fault, Form, Kind, Query, Statements};

/// An open transaction (READ COMMITTED). Dropping it rolls back.
#[derive(Debug)]
pub struct Tx {
    lease: Lease,
    statements: Arc<Statements>,
    scope: Scope,
    begun: AtomicBool,
    /// Set while a statement runs and kept when it fails.
    broken: AtomicBool,
    /// Set when a statement may have written something.
    wrote: AtomicBool,
}

/// Whatever the database's default is: decisions look again at rows that they
/// waited for, and a snapshot of the whole transaction would hide these.
const BEGIN: &str = "begin isolation level read committed";

/// Bytes of a page's rows that are kept: other programs store texts of any length, and the
/// rows of one call are not to take the memory of all. Many times what rows of ours have.
const MOST_KEPT: usize = 32 * 1024 * 1024;

/// The setting by which row-level security knows the tenant.
pub(crate) const TENANT: &str = "app.tenant";
/// The one by which it knows several, of a role that may see them.
const TENANTS: &str = "app.tenants";

/// How long a transaction waits for a lock that others are kept waiting by. Whoever has
/// it goes on for longer than what our own calls do.
const BRIEFLY: &str = "100ms";
/// How long a statement takes that is for several tenants together: a lock or slow rows of
/// one would keep the others waiting. It can be done of each again.
const TOGETHER: &str = "1s";

/// Whose rows a transaction sees.
#[derive(Debug)]
pub(crate) enum Scope {
    Tenant(Uuid),
    /// The same, and locks are waited for [`BRIEFLY`].
    Briefly(Uuid),
    Global,
    /// What this role may see.
    Role(&'static str),
    /// What this role may see of these tenants, with commas between them. Locks are waited
    /// for [`BRIEFLY`], and together they have little time.
    Tenants(&'static str, String),
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
            lease: Lease::new(client),
            statements,
            scope,
            begun: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            wrote: AtomicBool::new(false),
        }
    }

    /// Runs a statement and returns its rows.
    pub async fn run(&self, query: &dyn Query) -> Result<Vec<Row>, Fault> {
        let _traced = boot::trace_statement(query.declaration().name);
        let (form, params) = self.statements.form(query)?;
        self.rows(form.into(), &params).await
    }

    /// Runs two statements in one round trip, one after the other: the second one sees
    /// what whoever the first one waited for has stored.
    pub async fn run_both(
        &self,
        first: &dyn Query,
        second: &dyn Query,
    ) -> Result<(Vec<Row>, Vec<Row>), Fault> {
        let _traced = [first, second].map(|query| boot::trace_statement(query.declaration().name));
        let ((first, of_first), (second, of_second)) =
            (self.statements.form(first)?, self.statements.form(second)?);
        let client = self.lease.client()?;
        let first = self.prepare(client, first.into()).await?;
        let second = self.prepare(client, second.into()).await?;
        self.broken.store(true, Ordering::Relaxed);
        self.lease.open();
        let begin = (!self.begun.swap(true, Ordering::Relaxed)).then(|| self.scope.begin());
        let opened = async {
            match &begin {
                Some(begin) => client.batch_execute(begin).await,
                None => Ok(()),
            }
        };
        let all = join3(opened, client.query(&first, &of_first), client.query(&second, &of_second));
        let ran = all.map(|(opened, first, second)| opened.and_then(|()| Ok((first?, second?))));
        let rows = self.lease.answer(ran).await?;
        self.broken.store(false, Ordering::Relaxed);
        Ok(rows)
    }

    /// Runs a statement that gives one row or none.
    pub async fn run_opt(&self, query: &dyn Query) -> Result<Option<Row>, Fault> {
        Ok(self.run(query).await?.into_iter().next())
    }

    /// Runs the last statement and commits, in one round trip. When the
    /// statement fails, nothing is stored.
    pub async fn run_last(self, query: &dyn Query) -> Result<Vec<Row>, Fault> {
        Ok(Box::pin(self.last(query, usize::MAX)).await?.0)
    }

    /// The same for a page of a list, asked for with one row more than its size: the rows,
    /// and the size that it has. It is smaller where rows are so large that no more of
    /// them are kept; there is one in the page at least, and one behind it.
    pub async fn run_page(self, query: &dyn Query, size: i64) -> Result<(Vec<Row>, i64), Fault> {
        let (rows, is_cut) = Box::pin(self.last(query, MOST_KEPT)).await?;
        let kept = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        Ok((rows, if is_cut { kept - 1 } else { size }))
    }

    async fn last(self, query: &dyn Query, most: usize) -> Result<(Vec<Row>, bool), Fault> {
        let _traced = boot::trace_statement(query.declaration().name);
        let statements = Arc::clone(&self.statements);
        let (form, params) = statements.form(query)?;
        self.last_rows(form.into(), &params, most).await
    }

    /// Runs a text that is made while running. It must not write.
    pub async fn run_text(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Fault> {
        self.rows(Sql { text: sql, types: &[], writes: false }, params).await
    }

    async fn rows(&self, sql: Sql<'_>, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Fault> {
        let client = self.lease.client()?;
        let statement = self.prepare(client, sql).await?;
        self.broken.store(true, Ordering::Relaxed);
        self.lease.open();
        let rows = if self.begun.swap(true, Ordering::Relaxed) {
            self.lease.answer(client.query(&statement, params)).await
        } else {
            let begin = self.scope.begin();
            let both = join(client.batch_execute(&begin), client.query(&statement, params));
            self.lease.answer(both.map(|(opened, rows)| opened.and(rows))).await
        }?;
        self.broken.store(false, Ordering::Relaxed);
        Ok(rows)
    }

    /// Makes the transaction's changes lasting.
    pub async fn commit(self) -> Result<(), Fault> {
        self.refuse_if_broken()?;
        if !self.begun.load(Ordering::Relaxed) {
            return Ok(());
        }
        let committed = self.lease.answer(self.lease.client()?.batch_execute("commit")).await;
        committed.map_err(|fault| self.unsure(fault))?;
        self.lease.closed();
        Ok(())
    }

    async fn last_rows(
        self,
        sql: Sql<'_>,
        params: &[&(dyn ToSql + Sync)],
        most: usize,
    ) -> Result<(Vec<Row>, bool), Fault> {
        self.refuse_if_broken()?;
        let client = self.lease.client()?;
        let statement = self.prepare(client, sql).await?;
        self.lease.open();
        let last = join(kept(client, &statement, params, most), client.batch_execute("commit"));
        let answered = if self.begun.load(Ordering::Relaxed) {
            self.lease.answer(last.map(Ok::<_, Fault>)).await
        } else {
            let begin = self.scope.begin();
            let all = join(client.batch_execute(&begin), last);
            self.lease
                .answer(all.map(|(opened, (rows, committed))| Ok::<_, Fault>((opened.and(rows), committed))))
                .await
        };
        // The commit was sent with the statement: when the connection broke before
        // the answers, either may have happened.
        let (rows, committed) = answered.map_err(|silence| self.unsure(silence))?;
        let rows = rows.map_err(|error| {
            let refused = error.as_db_error().is_some();
            let fault = self.lease.judged(error.into());
            if refused { fault } else { self.unsure(fault) }
        })?;
        committed.map_err(|error| self.unsure(error.into()))?;
        self.lease.closed();
        Ok(rows)
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

    async fn prepare(&self, client: &Client, sql: Sql<'_>) -> Result<tokio_postgres::Statement, Fault> {
        self.refuse_if_broken()?;
        if sql.writes {
            self.wrote.store(true, Ordering::Relaxed);
        }
        let prepared = self.lease.answer(client.prepare_typed_cached(sql.text, sql.types)).await;
        prepared.inspect_err(|_| self.broken.store(true, Ordering::Relaxed))
    }

    fn refuse_if_broken(&self) -> Result<(), Fault> {
        if self.broken.load(Ordering::Relaxed) {
            return Err(Fault::new(Kind::RolledBack, "a statement of this transaction failed before"));
        }
        Ok(())
    }
}

/// The rows of a statement, as many as so many bytes hold and two at least, and whether
/// there were more. Those are read and let go one by one, so that the connection is free
/// behind them.
async fn kept(
    client: &Client,
    statement: &tokio_postgres::Statement,
    params: &[&(dyn ToSql + Sync)],
    most: usize,
) -> Result<(Vec<Row>, bool), tokio_postgres::Error> {
    let mut read = pin!(client.query_raw(statement, params.iter().copied()).await?);
    let (mut rows, mut bytes, mut is_cut) = (Vec::new(), 0_usize, false);
    while let Some(row) = read.try_next().await? {
        bytes = bytes.saturating_add(row.raw_size_bytes());
        is_cut |= bytes > most && rows.len() >= 2;
        if !is_cut {
            rows.push(row);
        }
    }
    Ok((rows, is_cut))
}

impl<'a> From<&'a Form> for Sql<'a> {
    fn from(form: &'a Form) -> Self {
        Self { text: form.text(), types: form.types(), writes: form.writes }
    }
}

impl Scope {
    fn begin(&self) -> String {
        match self {
            Self::Tenant(tenant) => format!("{BEGIN}; set local {TENANT} = '{tenant}'"),
            Self::Briefly(tenant) => {
                format!("{BEGIN}; set local {TENANT} = '{tenant}'; set local lock_timeout = '{BRIEFLY}'")
            }
            Self::Global => BEGIN.to_owned(),
            Self::Role(role) => format!("{BEGIN}; set local role {role}"),
            Self::Tenants(role, tenants) => {
                let begin = format!(
                    "{BEGIN}; set local role {role}; set local {TENANTS} = '{tenants}'; \
                     set local lock_timeout = '{BRIEFLY}'"
                );
                if tenants.contains(',') {
                    format!("{begin}; set local statement_timeout = '{TOGETHER}'")
                } else {
                    begin
                }
            }
        }
    }
}
