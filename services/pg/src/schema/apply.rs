//! Makes what is missing. Each step is by itself, so that what cannot be done keeps
//! nothing else from being done.

use tokio_postgres::Client;
use tokio_postgres::error::{DbError, SqlState};

use super::difference::Difference;
use super::statements::{LOCK_PATIENCE, Step};
use crate::Fault;
use crate::migrate::{self, MigrateError};
use crate::settings::refuse_unfit;

/// How often a step that has a transaction is tried when deadlocks end it.
const ATTEMPTS: usize = 5;

/// What became of a difference.
#[derive(Debug)]
pub struct Outcome {
    /// The difference.
    pub difference: Difference,
    /// Why it is still there.
    pub done: Result<(), String>,
}

/// Keeps migrations and other repairs out until the session ends. What differs is looked
/// for afterwards: before, another one may be about to make it.
pub async fn alone(client: &Client) -> Result<(), MigrateError> {
    migrate::lock(client).await
}

/// Mends what can be mended, as the owner of what the migrations made. The session is
/// [`alone`] since before the differences were found.
pub async fn apply(
    client: &Client,
    owner: &str,
    differences: Vec<Difference>,
) -> Result<Vec<Outcome>, Fault> {
    refuse_unfit(client).await?;
    client.batch_execute(&preamble(owner)).await?;
    let mut outcomes = Vec::new();
    for difference in differences {
        let done = match &difference.cure {
            Ok(step) => run(client, step).await,
            Err(why) => Err(why.clone()),
        };
        outcomes.push(Outcome { difference, done });
    }
    client.batch_execute("reset role").await?;
    Ok(outcomes)
}

/// What every step relies on: names are whole, and a function may call one that is
/// made after it.
pub fn preamble(owner: &str) -> String {
    format!("set role {owner};\nset search_path = '';\nset check_function_bodies = off;\n")
}

async fn run(client: &Client, step: &Step) -> Result<(), String> {
    let Step { sql, in_transaction, built, undo, in_the_way } = step;
    let said = |error| Fault::from(error).advice().what;
    if let Some(built) = built {
        drop_what_is_found(client, &built.unfinished()).await.map_err(said)?;
    }
    for (place, sql) in sql.iter().enumerate() {
        let script = if *in_transaction {
            format!("begin; set local lock_timeout = '{LOCK_PATIENCE}'; {sql}; commit")
        } else {
            sql.clone()
        };
        let attempts = if *in_transaction { ATTEMPTS } else { 1 };
        let Err(error) = executed(client, &script, attempts).await else { continue };
        let refused = match error.as_db_error() {
            Some(answer) => refusal(answer, sql, in_the_way.as_deref()),
            None => return Err(said(error)),
        };
        // Of what begins one by itself, too; where none is open it does nothing.
        for back in std::iter::once("rollback").chain(undo.as_deref()) {
            client.batch_execute(back).await.map_err(said)?;
        }
        if let Some(built) = built {
            let left_over = if place == 0 { built.unfinished() } else { built.finished_or_not() };
            drop_what_is_found(client, &left_over).await.map_err(said)?;
        }
        return Err(refused);
    }
    Ok(())
}

/// Runs what a query answers with.
async fn drop_what_is_found(client: &Client, query: &str) -> Result<(), tokio_postgres::Error> {
    for row in client.query(query, &[]).await? {
        client.batch_execute(row.try_get(0)?).await?;
    }
    Ok(())
}

/// Calls that run meanwhile lock the same tables in their own order: what a deadlock ends
/// has done nothing, and is tried again.
async fn executed(client: &Client, script: &str, attempts: usize) -> Result<(), tokio_postgres::Error> {
    for _ in 1..attempts {
        match client.batch_execute(script).await {
            Err(error) if error.code() == Some(&SqlState::T_R_DEADLOCK_DETECTED) => {
                client.batch_execute("rollback").await?;
            }
            executed => return executed,
        }
    }
    client.batch_execute(script).await
}

/// What was refused, and what an operator does about it.
fn refusal(answer: &DbError, sql: &str, in_the_way: Option<&str>) -> String {
    let refused = format!("the database refuses it: {}", answer.message());
    let what_to_do = match (answer.code().code(), in_the_way) {
        ("55P03", _) => format!("the table was in use for more than {LOCK_PATIENCE}: run this again"),
        ("42P07", _) => {
            "that is not what is missing: rename it, or drop it if nobody needs it, then run this again"
                .to_owned()
        }
        ("40P01", _) => "calls kept getting in its way: run this again".to_owned(),
        ("42501", _) => format!("run it as who may, the table's owner or a superuser: {sql}"),
        (code, Some(query)) if code.starts_with("23") => {
            format!(
                "mend the rows that break it, then run this again; as a superuser they are found by: {query}"
            )
        }
        (code, None) if code.starts_with("23") => {
            "mend the rows that break it, then run this again".to_owned()
        }
        _ => return refused,
    };
    format!("{refused}; {what_to_do}")
}
