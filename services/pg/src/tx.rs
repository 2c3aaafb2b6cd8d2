//! Transactions. BEGIN travels with the first statement and COMMIT with the
//! last, so a transaction of two statements costs two round trips.
//!
//! So a connection that breaks at the last statement of a change leaves the outcome
//! unknown, and the refusal says that: `OUTCOME_UNKNOWN`, never "nothing was stored".
//!
//! A transaction in which any statement failed, or was abandoned before its
//! answer, cannot commit: Postgres would answer such a COMMIT with ROLLBACK and
//! the driver would report success.

mod scope;
mod sent;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use deadpool_postgres::Client;
use futures::FutureExt;
use futures::future::join;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

pub(crate) use self::scope::Scope;
use self::scope::TOGETHER;
use self::sent::{Fetched, One, Sql, see};
pub(crate) use self::sent::{Prepared, TENANT};
use crate::fault::is_refused;
use crate::lease::Lease;
use crate::limits::Limits;
use crate::retry::are_sent_whole;
use crate::sessions::Way;
use crate::traced::Traced;
use crate::{Fault, Kind, Query, Statements};

/// An open transaction (READ COMMITTED). Dropping it rolls back.
#[derive(Debug)]
pub struct Tx {
    lease: Lease,
    way: Arc<Way>,
    statements: Arc<Statements>,
    scope: Scope,
    begun: AtomicBool,
    /// Set while a statement runs and kept when it fails.
    broken: AtomicBool,
    /// Set when a statement may have written something.
    wrote: AtomicBool,
}

/// Bytes of a page's rows that are kept: other programs store texts of any length, and the
/// rows of one call are not to take the memory of all. Many times what rows of ours have.
const MOST_KEPT: usize = 32 * 1024 * 1024;

impl Tx {
    pub(crate) fn new(lease: Lease, way: Arc<Way>, statements: Arc<Statements>, scope: Scope) -> Self {
        Self {
            lease,
            way,
            statements,
            scope,
            begun: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            wrote: AtomicBool::new(false),
        }
    }

    /// Runs a statement and returns its rows.
    pub async fn run(&self, query: &dyn Query) -> Result<Vec<Row>, Fault> {
        let traced = Traced::of([query]);
        let (form, params) = self.statements.form(query)?;
        traced.ended(self.rows(form.into(), &params).await)
    }

    /// Runs two statements in one round trip, one after the other: the second one sees
    /// what whoever the first one waited for has stored.
    pub async fn run_both(
        &self,
        first: &dyn Query,
        second: &dyn Query,
    ) -> Result<(Vec<Row>, Vec<Row>), Fault> {
        let traced = Traced::of([first, second]);
        let ((first, of_first), (second, of_second)) =
            (self.statements.form(first)?, self.statements.form(second)?);
        let ran = self.run_begun(async |client| {
            let first = self.prepare(client, first.into()).await?;
            let second = self.prepare(client, second.into()).await?;
            let both = join(first.query(client, &of_first), second.query(client, &of_second));
            self.lease
                .answer(both.map(|(first, second)| Ok::<_, tokio_postgres::Error>((first?, second?))))
                .await
        });
        traced.ended(ran.await)
    }

    /// Runs a statement for each of several tenants in one round trip, one after the other.
    /// Each sees its tenant's rows only.
    pub async fn run_each(&self, each: &[(Uuid, &dyn Query)]) -> Result<Vec<Vec<Row>>, Fault> {
        let traced = Traced::of(each.iter().map(|(_, query)| *query));
        let each = self.ones(&self.statements, each)?;
        let ran = self.run_begun(async |client| {
            let prepared = self.prepare_each(client, &each).await?;
            let unsent = AtomicBool::new(false);
            let all = sent::run(client, &each, &prepared, usize::MAX, &unsent);
            self.lease.answer_of(each.len(), TOGETHER, all).await
        });
        Ok(rows(traced.ended(ran.await)?))
    }

    /// The same for the last statements, and commits. When one fails, nothing is stored.
    pub async fn run_each_last(self, each: &[(Uuid, &dyn Query)]) -> Result<Vec<Vec<Row>>, Fault> {
        let traced = Traced::of(each.iter().map(|(_, query)| *query));
        let statements = Arc::clone(&self.statements);
        let each = self.ones(&statements, each)?;
        Ok(rows(traced.ended(Box::pin(self.run_and_commit(&each, usize::MAX)).await)?))
    }

    /// Runs a statement that gives one row or none.
    pub async fn run_opt(&self, query: &dyn Query) -> Result<Option<Row>, Fault> {
        Ok(self.run(query).await?.into_iter().next())
    }

    /// Runs the last statement and commits, in one round trip. When the
    /// statement fails, nothing is stored.
    pub async fn run_last(self, query: &dyn Query) -> Result<Vec<Row>, Fault> {
        Ok(Box::pin(self.last(query, usize::MAX)).await?.rows)
    }

    /// Runs the last two statements, one after the other, and commits, in one round trip.
    pub async fn run_both_last(
        self,
        first: &dyn Query,
        second: &dyn Query,
    ) -> Result<(Vec<Row>, Vec<Row>), Fault> {
        let traced = Traced::of([first, second]);
        let statements = Arc::clone(&self.statements);
        let both = [statements.form(first)?.into(), statements.form(second)?.into()];
        let mut of_each = rows(traced.ended(Box::pin(self.run_and_commit(&both, usize::MAX)).await)?);
        let of_second = of_each.pop().unwrap_or_default();
        Ok((of_each.pop().unwrap_or_default(), of_second))
    }

    /// Runs the last statement, a page of a list that is asked for with one row more than its
    /// size, and commits: the rows, and the size that the page has. It is smaller where rows are
    /// so large that no more of them are kept; there is one in the page at least, and one behind
    /// it.
    pub async fn run_page(self, query: &dyn Query, size: i64) -> Result<(Vec<Row>, i64), Fault> {
        let Fetched { rows, is_cut } = Box::pin(self.last(query, MOST_KEPT)).await?;
        let kept = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        Ok((rows, if is_cut { kept - 1 } else { size }))
    }

    async fn last(self, query: &dyn Query, most: usize) -> Result<Fetched, Fault> {
        let traced = Traced::of([query]);
        let statements = Arc::clone(&self.statements);
        let one = statements.form(query)?.into();
        Ok(traced.ended(self.run_and_commit(&[one], most).await)?.pop().unwrap_or_default())
    }

    /// Has the database explain a statement, which it does not run: what the statement names
    /// is looked up, and whether the role has the rights that it needs.
    pub async fn explain(&self, query: &dyn Query) -> Result<(), Fault> {
        let (form, params) = self.statements.form(query)?;
        let text = format!("explain (costs off) {}", form.text());
        self.rows(Sql { text: &text, types: form.types(), writes: false }, &params).await.map(drop)
    }

    /// Runs a text that is made while running, with the types of its values. It must not
    /// write.
    pub async fn run_text(
        &self,
        sql: &str,
        params: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, Fault> {
        let types: Vec<Type> = params.iter().map(|(_, ty)| ty.clone()).collect();
        let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|(value, _)| *value).collect();
        self.rows(Sql { text: sql, types: &types, writes: false }, &params).await
    }

    async fn rows(&self, sql: Sql<'_>, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Fault> {
        self.run_begun(async |client| {
            let statement = self.prepare(client, sql).await?;
            self.lease.answer(statement.query(client, params)).await
        })
        .await
    }

    /// Begins, if that has not happened, and runs something in the same round trip. What
    /// fails breaks the transaction, and so does whoever leaves in the middle.
    async fn run_begun<T>(&self, run: impl AsyncFnOnce(&Client) -> Result<T, Fault>) -> Result<T, Fault> {
        self.refuse_if_broken()?;
        let client = self.lease.client()?;
        self.broken.store(true, Ordering::Relaxed);
        self.lease.open();
        let (opened, ran) = join(self.begin(client), run(client)).await;
        let ran = opened?.map_err(|error| self.lease.judged(error.into())).and(ran)?;
        self.broken.store(false, Ordering::Relaxed);
        Ok(ran)
    }

    /// Sends what begins the transaction, once. The server's answer is inside; outside,
    /// that there was none.
    async fn begin(&self, client: &Client) -> Result<Result<(), tokio_postgres::Error>, Fault> {
        if self.begun.swap(true, Ordering::Relaxed) {
            return Ok(Ok(()));
        }
        let limits = Limits::of_this_call();
        if limits.is_some() {
            self.lease.shorten();
        }
        let begin = self.scope.begin(&self.way, limits);
        self.lease.answer(client.batch_execute(&begin).map(Ok::<_, Fault>)).await
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

    /// Runs statements and commits, in one round trip.
    async fn run_and_commit(self, each: &[One<'_>], most: usize) -> Result<Vec<Fetched>, Fault> {
        self.refuse_if_broken()?;
        let client = self.lease.client()?;
        self.lease.open();
        // The commit is sent with the statements: when the connection breaks before the
        // answers, either may have happened.
        let last = async {
            let prepared = self.prepare_each(client, each).await?;
            let unsent = AtomicBool::new(false);
            // By its turn the statements are sent: without one of them, which the server knows
            // nothing of, the others are not to last.
            let commit = async {
                if unsent.load(Ordering::Relaxed) { Ok(()) } else { client.batch_execute("commit").await }
            };
            let both = join(sent::run(client, each, &prepared, most, &unsent), commit);
            let answered = self.lease.answer_of(each.len(), TOGETHER, both.map(Ok::<_, Fault>)).await;
            answered.map_err(|silence| self.unsure(silence))
        };
        let (opened, last) = join(self.begin(client), last).await;
        let (ran, committed) = match (opened.map_err(|silence| self.unsure(silence))?, last) {
            (opened, Ok((ran, committed))) => (opened.and(ran), committed),
            // They were not prepared because nothing was begun.
            (Err(error), Err(_)) => return Err(self.lease.judged(error.into())),
            (Ok(()), Err(fault)) => return Err(fault),
        };
        let ran = ran.map_err(|error| {
            let refused = is_refused(&error);
            let fault = self.lease.judged(error.into());
            if refused { fault } else { self.unsure(fault) }
        })?;
        committed.map_err(|error| self.unsure(error.into()))?;
        self.lease.closed();
        Ok(ran)
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

    /// In the transaction, since what a session is set to may not hold before it.
    async fn prepare<'a>(&self, client: &Client, sql: Sql<'a>) -> Result<Prepared<'a>, Fault> {
        if sql.writes {
            self.lease.writes();
            self.wrote.store(true, Ordering::Relaxed);
        }
        if !self.way.keeps_statements || are_sent_whole() {
            return Ok(Prepared::Unnamed(sql));
        }
        let prepared = self.lease.answer(client.prepare_typed_cached(sql.text, sql.types)).await;
        Ok(Prepared::Named(prepared?))
    }

    fn ones<'a>(
        &self,
        statements: &'a Statements,
        each: &'a [(Uuid, &dyn Query)],
    ) -> Result<Vec<One<'a>>, Fault> {
        let one = |(tenant, query): &'a (Uuid, &dyn Query)| {
            let see = (!self.scope.is_of(*tenant)).then(|| see(*tenant));
            Ok(One { see, ..statements.form(*query)?.into() })
        };
        each.iter().map(one).collect()
    }

    async fn prepare_each<'a>(&self, client: &Client, each: &[One<'a>]) -> Result<Vec<Prepared<'a>>, Fault> {
        let mut prepared = Vec::with_capacity(each.len());
        for one in each {
            prepared.push(self.prepare(client, one.sql).await?);
        }
        Ok(prepared)
    }

    fn refuse_if_broken(&self) -> Result<(), Fault> {
        if self.broken.load(Ordering::Relaxed) {
            return Err(Fault::new(Kind::RolledBack, "a statement of this transaction failed before"));
        }
        Ok(())
    }
}

fn rows(each: Vec<Fetched>) -> Vec<Vec<Row>> {
    each.into_iter().map(|fetched| fetched.rows).collect()
}
