//! A connection as the migrations' runner uses it. Whatever it does is one transaction,
//! which sets what it relies on and prepares nothing, so that a pooler may give it another
//! session each time.

use refinery_core::Migration;
use refinery_core::traits::r#async::{AsyncMigrate, AsyncQuery, AsyncTransaction};
use time::OffsetDateTime;
use tokio_postgres::{Client, Error, SimpleQueryMessage, SimpleQueryRow};

use super::roles::{LeftOut, without};
use crate::settings::begin_command;

/// A connection for migrations.
pub(super) struct Session<'a> {
    pub(super) client: &'a Client,
    /// What is there already.
    pub(super) left_out: &'a LeftOut,
}

impl Session<'_> {
    async fn in_transaction<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let begun = self.client.batch_execute(&begin_command()).await;
        let done = match begun {
            Ok(()) => work.await,
            Err(error) => Err(error),
        };
        let end = if done.is_ok() { "commit" } else { "rollback" };
        let ended = self.client.batch_execute(end).await;
        done.and_then(|done| ended.map(|()| done))
    }
}

impl AsyncTransaction for Session<'_> {
    type Error = Error;

    async fn execute<'a, T: Iterator<Item = &'a str> + Send + 'a>(
        &'a mut self,
        queries: T,
    ) -> Result<usize, Error> {
        let run = async {
            let mut count = 0;
            for query in queries {
                self.client.batch_execute(&without(query, self.left_out)).await?;
                count += 1;
            }
            Ok(count)
        };
        self.in_transaction(run).await
    }
}

impl AsyncQuery<Vec<Migration>> for Session<'_> {
    async fn query<'a>(&'a mut self, query: &'a str) -> Result<Vec<Migration>, Error> {
        let answer = self.in_transaction(self.client.simple_query(query)).await?;
        let rows = answer.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => applied(row),
            _ => None,
        });
        Ok(rows.collect())
    }
}

impl AsyncMigrate for Session<'_> {}

/// A row of the table that records what was applied. Nobody asks when that was.
fn applied(row: &SimpleQueryRow) -> Option<Migration> {
    let (version, name, checksum) =
        (row.get(0)?.parse().ok()?, row.get(1)?.to_owned(), row.get(3)?.parse().ok()?);
    Some(Migration::applied(version, name, OffsetDateTime::UNIX_EPOCH, checksum))
}
