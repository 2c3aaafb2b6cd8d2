//! Statements as they are sent: one by one, or several of a transaction in one message. Of
//! several tenants each has before it what says whose rows it sees, so that row-level
//! security shows it its own tenant's and no others.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use deadpool_postgres::Client;
use futures::future::{join, maybe_done};
use futures::{FutureExt, TryStreamExt};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Row, RowStream};
use uuid::Uuid;

use crate::Form;

/// The setting by which row-level security knows the tenant.
pub const TENANT: &str = "app.tenant";

/// A statement that can be run.
#[derive(Debug)]
pub enum Prepared<'a> {
    /// Prepared under a name, once for a connection.
    Named(tokio_postgres::Statement),
    /// Sent whole each time.
    Unnamed(Sql<'a>),
}

/// The rows of a statement.
#[derive(Debug, Default)]
pub struct Fetched {
    pub rows: Vec<Row>,
    /// Whether there were more of them, which were let go.
    pub is_cut: bool,
}

/// A text to be prepared.
#[derive(Debug, Clone, Copy)]
pub struct Sql<'a> {
    pub text: &'a str,
    /// Types of the parameters.
    pub types: &'a [Type],
    /// Whether it may store something.
    pub writes: bool,
}

/// A statement that is run beside others.
pub struct One<'a> {
    /// What lets it see its tenant's rows, unless the transaction sees them anyway.
    pub see: Option<String>,
    pub sql: Sql<'a>,
    pub params: Vec<&'a (dyn ToSql + Sync)>,
}

impl Prepared<'_> {
    /// Sent when this is polled first.
    async fn read(
        &self,
        client: &Client,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<RowStream, tokio_postgres::Error> {
        let params = params.iter().copied();
        match self {
            Self::Named(statement) => client.query_raw(statement, params).await,
            Self::Unnamed(sql) => {
                client.query_typed_raw(sql.text, params.zip(sql.types.iter().cloned())).await
            }
        }
    }

    pub async fn query(
        &self,
        client: &Client,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        self.read(client, params).await?.try_collect().await
    }

    /// As many rows as so many bytes hold, and two at least. Those after them are read and let
    /// go one by one, so that the connection is free behind them.
    pub async fn fetch(
        &self,
        client: &Client,
        params: &[&(dyn ToSql + Sync)],
        most: usize,
    ) -> Result<Fetched, tokio_postgres::Error> {
        let mut read = pin!(self.read(client, params).await?);
        let (mut rows, mut bytes, mut is_cut) = (Vec::new(), 0_usize, false);
        while let Some(row) = read.try_next().await? {
            bytes = bytes.saturating_add(row.raw_size_bytes());
            is_cut |= bytes > most && rows.len() >= 2;
            if !is_cut {
                rows.push(row);
            }
        }
        Ok(Fetched { rows, is_cut })
    }
}

impl<'a> From<(&'a Form, Vec<&'a (dyn ToSql + Sync)>)> for One<'a> {
    fn from((form, params): (&'a Form, Vec<&'a (dyn ToSql + Sync)>)) -> Self {
        Self { see: None, sql: form.into(), params }
    }
}

impl<'a> From<&'a Form> for Sql<'a> {
    fn from(form: &'a Form) -> Self {
        Self { text: form.text(), types: form.types(), writes: form.writes }
    }
}

/// What lets the statements after it see one tenant's rows only.
pub fn see(tenant: Uuid) -> String {
    format!("set local {TENANT} = '{tenant}'")
}

/// Sends all of them before it waits for the first answer. Of each so many bytes of rows are kept.
/// Of one whose values cannot be written down nothing is sent, which `unsent` says then.
pub async fn run(
    client: &Client,
    each: &[One<'_>],
    prepared: &[Prepared<'_>],
    most: usize,
    unsent: &AtomicBool,
) -> Result<Vec<Fetched>, tokio_postgres::Error> {
    let run = |(one, statement)| run_one(client, one, statement, most, unsent);
    in_order(each.iter().zip(prepared).map(run).collect()).await.into_iter().collect()
}

async fn run_one(
    client: &Client,
    one: &One<'_>,
    statement: &Prepared<'_>,
    most: usize,
    unsent: &AtomicBool,
) -> Result<Fetched, tokio_postgres::Error> {
    let rows = async {
        let rows = statement.fetch(client, &one.params, most).await;
        if rows.as_ref().is_err_and(|error| error.as_db_error().is_none()) {
            unsent.store(true, Ordering::Relaxed);
        }
        rows
    };
    let Some(see) = &one.see else { return rows.await };
    let (seen, rows) = join(client.batch_execute(see), rows).await;
    seen.and(rows)
}

/// Drives several at once, which begin in their order.
async fn in_order<T>(each: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut each: Vec<_> = each.into_iter().map(|one| Box::pin(maybe_done(one))).collect();
    poll_fn(|context| {
        let mut all = Poll::Ready(());
        for one in &mut each {
            if one.poll_unpin(context).is_pending() {
                all = Poll::Pending;
            }
        }
        all
    })
    .await;
    each.iter_mut().filter_map(|one| one.as_mut().take_output()).collect()
}
