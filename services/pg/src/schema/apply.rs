//! Makes what is missing. Each step is by itself, so that what cannot be done keeps
//! nothing else from being done.

use tokio_postgres::Client;
use tokio_postgres::error::DbError;

use super::difference::Difference;
use super::statements::{LOCK_PATIENCE, Step};
use crate::Fault;
use crate::migrate::{self, MigrateError};

/// What became of a difference.
#[derive(Debug)]
pub struct Outcome {
    /// The difference.
    pub difference: Difference,
    /// Why it is still there.
    pub done: Result<(), String>,
}

/// Mends what can be mended, as the owner of what the migrations made and while no
/// migration runs.
pub async fn apply(
    client: &Client,
    owner: &str,
    differences: Vec<Difference>,
) -> Result<Vec<Outcome>, MigrateError> {
    migrate::lock(client).await?;
    client.batch_execute(&preamble(owner)).await.map_err(Fault::from)?;
    let mut outcomes = Vec::new();
    for difference in differences {
        let done = match &difference.cure {
            Ok(step) => run(client, step).await,
            Err(why) => Err(why.clone()),
        };
        outcomes.push(Outcome { difference, done });
    }
    client.batch_execute("reset role").await.map_err(Fault::from)?;
    migrate::unlock(client).await?;
    Ok(outcomes)
}

/// What every step relies on: names are whole, and a function may call one that is
/// made after it.
pub fn preamble(owner: &str) -> String {
    format!("set role {owner};\nset search_path = '';\nset check_function_bodies = off;\n")
}

async fn run(client: &Client, step: &Step) -> Result<(), String> {
    let Step { sql, in_transaction, undo, in_the_way } = step;
    for sql in sql {
        let script = if *in_transaction {
            format!("begin; set local lock_timeout = '{LOCK_PATIENCE}'; {sql}; commit")
        } else {
            sql.clone()
        };
        let Err(error) = client.batch_execute(&script).await else { continue };
        let refused = match error.as_db_error() {
            Some(answer) => refusal(answer, sql, in_the_way.as_deref()),
            None => return Err(Fault::from(error).advice().what),
        };
        let rollback = in_transaction.then_some("rollback");
        for back in rollback.into_iter().chain(undo.as_deref()) {
            client.batch_execute(back).await.map_err(|error| Fault::from(error).advice().what)?;
        }
        return Err(refused);
    }
    Ok(())
}

/// What was refused, and what an operator does about it.
fn refusal(answer: &DbError, sql: &str, in_the_way: Option<&str>) -> String {
    let refused = format!("the database refuses it: {}", answer.message());
    let what_to_do = match (answer.code().code(), in_the_way) {
        ("55P03", _) => format!("the table was in use for more than {LOCK_PATIENCE}: run this again"),
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
