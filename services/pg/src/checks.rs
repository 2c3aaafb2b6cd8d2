//! What an operator should know of a database: whether it is a primary that
//! keeps what it acknowledges, whether the migrations are applied, and whether
//! the login role may do what the services do. What is in the tables, the
//! services check.

mod ask;
mod backup;
mod server;

use boot::{Check, Finding};
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use self::ask::one_row;
use crate::advice::INSTALL;
use crate::migrate::{self, MigrationSet};
use crate::{Advice, Fault, connect};

/// The checks of a database: of the server, of each set of migrations (with the
/// check's name), of the roles that the services switch to, of the extensions
/// that their tables need, and of who may make a backup.
pub fn checks(
    url: &str,
    sets: &[(&'static str, &'static MigrationSet)],
    roles: &'static [&'static str],
    extensions: &'static [&'static str],
) -> Vec<Check> {
    let mut checks =
        vec![with_client("database", url, |client| async move { server::findings(&client).await })];
    for (name, set) in sets.iter().copied() {
        let look = move |client| async move { migrations(&client, set).await };
        checks.push(with_client(name, url, look));
    }
    let look = move |client| async move { membership(&client, roles).await };
    checks.push(with_client("roles", url, look));
    let look = move |client| async move { available(&client, extensions).await };
    checks.push(with_client("extensions", url, look));
    checks.push(with_client("backup", url, |client| async move { backup::finding(&client).await }));
    checks
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

async fn membership(client: &Client, needed: &[&str]) -> Result<Finding, Fault> {
    // What it needs is to switch to them, which was every member's right before PostgreSQL 16.
    let query = "select r.rolname::text from pg_roles r where r.rolname = any ($1) \
        and pg_has_role(current_user, r.oid, \
            case when current_setting('server_version_num')::int < 160000 then 'member' else 'set' end)";
    let rows = client.query_typed(query, &[(&needed, Type::TEXT_ARRAY)]).await?;
    let has = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, _>>()?;
    let lacks: Vec<&str> = needed.iter().copied().filter(|role| !has.iter().any(|one| one == role)).collect();
    if lacks.is_empty() {
        return Ok(Finding::good(format!("the login role is a member of {}", needed.join(" and "))));
    }
    // A grant that is there already keeps what it says of switching, unless it is said.
    let query = "select quote_ident(current_user), array(select r.rolname::text from pg_roles r), \
        case when current_setting('server_version_num')::int < 160000 then '' else ' with set true' end";
    let row = one_row(client, query).await?;
    let (role, there): (String, Vec<String>) = (row.try_get(0)?, row.try_get(1)?);
    let to_switch: String = row.try_get(2)?;
    let is_made = lacks.iter().all(|lacking| there.iter().any(|one| one == lacking));
    let lacks = lacks.join(", ");
    let made = if is_made {
        String::new()
    } else {
        "`frontdesk doctor --repair --apply` makes them; then, ".to_owned()
    };
    let fix = format!("{made}as a superuser: `grant {lacks} to {role}{to_switch}`");
    Ok(Finding::bad(format!("the login role is not a member of {lacks}"), fix))
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
