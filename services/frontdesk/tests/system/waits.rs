//! Waiting with an end: what does not come is a test that fails, and not a run that hangs.
//! How long something may take is not its business; a test that asks that measures it.

use std::fmt::Display;
use std::time::{Duration, Instant};

use tokio_postgres::Client;
use tokio_postgres::types::ToSql;

use crate::fixture::Fixture;

/// Longer than whatever comes takes on a busy machine.
const IN_TIME: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(5);

impl Fixture {
    /// Waits until a query counts so many at least.
    pub async fn until(&self, count: &str, params: &[&(dyn ToSql + Sync)], at_least: i64) {
        until(&self.sql, count, params, at_least).await;
    }
}

/// Waits until a query counts so many at least.
pub async fn until(sql: &Client, count: &str, params: &[&(dyn ToSql + Sync)], at_least: i64) {
    let has_come = async || {
        let counted: i64 = sql.query_one(count, params).await.unwrap().get(0);
        counted >= at_least
    };
    until_so(format_args!("{at_least} of {count}"), has_come).await;
}

/// Waits until something is so.
pub async fn until_so(what: impl Display, is_so: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < IN_TIME, "not in {IN_TIME:?}: {what}");
        tokio::time::sleep(PAUSE).await;
    }
}
