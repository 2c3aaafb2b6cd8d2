//! A question to a database that always has an answer.

use tokio_postgres::{Client, Row};

use crate::{Fault, Kind};

/// The row of a query that always has one. Nothing is prepared for it, since that might
/// be found in another session, or by somebody else.
pub(super) async fn one_row(client: &Client, query: &str) -> Result<Row, Fault> {
    let rows = client.query_typed(query, &[]).await?;
    rows.into_iter().next().ok_or_else(|| Fault::new(Kind::Other, "the database did not answer a question"))
}
