//! What an operator should know of a database: whether it is a primary that
//! keeps what it acknowledges, whether the migrations are applied, and whether
//! the login role may do what the services do. What is in the tables, the
//! services check.

mod ask;
mod backup;
mod login;
mod server;

use boot::{Check, Finding};
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use self::ask::one_row;
pub use self::login::Login;
use self::login::membership;
use crate::advice::INSTALL;
use crate::migrate::{self, MigrationSet};
use crate::{Advice, Fault, connect};

/// The checks of a database: of the server, of the roles that the services switch to, of
/// the extensions that their tables need, and of who may make a backup.
pub fn checks(url: &str, roles: &'static [&'static str], extensions: &'static [&'static str]) -> Vec<Check> {
    let of_server = move |client| async move { server::findings(&client, roles).await };
    let of_roles = move |client| async move { membership(&client, roles).await };
    let of_extensions = move |client| async move { available(&client, extensions).await };
    vec![
        with_client("database", url, of_server),
        with_client("roles", url, of_roles),
        with_client("extensions", url, of_extensions),
        with_client("backup", url, |client| async move { backup::finding(&client).await }),
    ]
}

/// The check of a set of migrations.
pub fn applied(name: &'static str, url: &str, set: &'static MigrationSet) -> Check {
    with_client(name, url, move |client| async move { migrations(&client, set).await })
}

/// A check with a connection of its own, so that each is made whatever the
/// others find.
pub fn with_client<F, R, O>(name: &'static str, url: &str, look: F) -> Check
where
    F: FnOnce(Client) -> R + Send + 'static,
    R: Future<Output = Result<O, Fault>> + Send + 'static,
    O: Into<Vec<Finding>> + 'static,
{
    let url = url.to_owned();
    Check::new(name, async move {
        match connect(&url).await {
            Ok(client) => look(client).await.map_or_else(|fault| vec![advised(&fault)], Into::into),
            Err(fault) => vec![advised(&fault)],
        }
    })
}

fn advised(fault: &Fault) -> Finding {
    match fault.advice() {
        Advice { what, fix } if fix.is_empty() => Finding::bad(what, "see the log of the database"),
        Advice { what, fix } => Finding::bad(what, fix),
    }
}

async fn migrations(client: &Client, set: &'static MigrationSet) -> Result<Finding, Fault> {
    let state = match migrate::state(client, set).await {
        Ok(state) => state,
        Err(fault) => {
            let role = one_row(client, "select quote_ident(current_user)").await?.try_get::<_, String>(0)?;
            let fix = format!("as the schema's owner: `grant select on {} to {role}`", set.history_table);
            return Ok(Finding::bad(fault.advice().what, fix));
        }
    };
    Ok(if !state.pending.is_empty() {
        let found = format!("missing {}", state.pending.join(", "));
        Finding::bad(found, "run `frontdesk migrate up` as the schema's owner")
    } else if !state.unknown.is_empty() {
        let found = format!("the database is ahead: {}", state.unknown.join(", "));
        Finding::odd(found, "deploy the version that brought them")
    } else {
        Finding::good(format!("{} applied", state.applied.len()))
    })
}

/// Whether the server has them; that a database does, the comparison of its schema says.
async fn available(client: &Client, needed: &[&str]) -> Result<Finding, Fault> {
    let query = "select a.name::text from pg_available_extensions a where a.name = any ($1)";
    let rows = client.query_typed(query, &[(&needed, Type::TEXT_ARRAY)]).await?;
    let has = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, _>>()?;
    let lacks: Vec<&str> = needed.iter().copied().filter(|name| !has.iter().any(|one| one == name)).collect();
    Ok(if lacks.is_empty() {
        Finding::good(format!("the server has {}", needed.join(", ")))
    } else {
        Finding::bad(format!("the server does not have {}", lacks.join(", ")), INSTALL)
    })
}
