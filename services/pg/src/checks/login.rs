//! Whom a connection string signs in, and which of the services' roles that login may take on.

use std::time::Duration;

use boot::Finding;
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::ask::one_row;
use crate::{Fault, Kind, connect};

/// How long the question who signs in may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// The login role of a database, as far as it concerns the roles that services switch to.
#[derive(Debug)]
pub struct Login {
    /// Its name, as SQL has it.
    name: String,
    /// The roles that it may switch to.
    roles: Vec<String>,
    /// Whether the tables are its own, so that no role keeps anything from it.
    owns: bool,
}

impl Login {
    /// Whom a connection string signs in, if the database says so in time.
    pub async fn of(url: &str, roles: &[&str]) -> Option<Self> {
        let asked = async { Self::look(&connect(url).await?, roles).await };
        // A check says what is wrong with the database.
        tokio::time::timeout(PATIENCE, asked).await.ok()?.ok()
    }

    async fn look(client: &Client, roles: &[&str]) -> Result<Self, Fault> {
        // What it needs is to switch to them, which was every member's right before PostgreSQL 16.
        // Whose the tables are, the lists of migrations say, whoever has the database.
        let query = "select quote_ident(current_user), \
            array(select r.rolname::text from pg_roles r where r.rolname = any ($1) \
                and pg_has_role(current_user, r.oid, \
                    case when current_setting('server_version_num')::int < 160000 then 'member' else 'set' end) \
                order by array_position($1, r.rolname::text)), \
            (select u.rolsuper from pg_roles u where u.rolname = current_user) \
                or exists (select from pg_database d where d.datname = current_database() \
                    and pg_has_role(current_user, d.datdba, 'member')) \
                or exists (select from pg_class c where c.relkind = 'r' \
                    and c.relname ~ '^frontdesk_.*_migrations$' \
                    and pg_has_role(current_user, c.relowner, 'member'))";
        let rows = client.query_typed(query, &[(&roles, Type::TEXT_ARRAY)]).await?;
        let row =
            rows.first().ok_or_else(|| Fault::new(Kind::Other, "the database did not say who signs in"))?;
        Ok(Self { name: row.try_get(0)?, roles: row.try_get(1)?, owns: row.try_get(2)? })
    }

    /// Whether it is made for other services than that of this role, and sees nothing of it.
    pub fn is_of_another(&self, role: &str) -> bool {
        !self.owns && !self.roles.is_empty() && !self.roles.iter().any(|one| one == role)
    }
}

/// Whether the login may take on a role of a service, and no more of them than it needs.
pub(super) async fn membership(client: &Client, needed: &[&str]) -> Result<Finding, Fault> {
    let login = Login::look(client, needed).await?;
    let Login { name, roles, owns } = &login;
    let lacks: Vec<&str> =
        needed.iter().copied().filter(|role| !roles.iter().any(|one| one == role)).collect();
    let has = roles.join(" and ");
    if lacks.is_empty() && (*owns || needed.len() == 1) {
        return Ok(Finding::good(format!("the login role is a member of {has}")));
    }
    if lacks.is_empty() {
        let found = format!(
            "the login role is a member of {has}: whoever takes over one of the services has the tables of the other, too"
        );
        let all = roles.join(", ");
        let fix = format!(
            "give each service a login of its own, as deploy/database.sql makes them, and take this one out of the roles, as a superuser: `revoke {all} from {name}`"
        );
        return Ok(Finding::odd(found, fix));
    }
    if !owns && !roles.is_empty() {
        return Ok(Finding::good(format!("the login role is a member of {has} alone")));
    }
    lacking(client, &login, &lacks).await
}

/// A login that may not switch to any role of a service, or an owner that may not to one.
async fn lacking(client: &Client, login: &Login, lacks: &[&str]) -> Result<Finding, Fault> {
    // A grant that is there already keeps what it says of switching, unless it is said.
    let query = "select array(select r.rolname::text from pg_roles r), \
        case when current_setting('server_version_num')::int < 160000 then '' else ' with set true' end";
    let row = one_row(client, query).await?;
    let (there, to_switch): (Vec<String>, String) = (row.try_get(0)?, row.try_get(1)?);
    let is_made = lacks.iter().all(|lacking| there.iter().any(|one| one == lacking));
    let made = if is_made { "" } else { "`frontdesk doctor --repair --apply` makes them; then, " };
    let grant = |of: &str| format!("`grant {of} to {}{to_switch}`", login.name);
    let grants = if login.owns {
        grant(&lacks.join(", "))
    } else {
        // One of them: a login of both opens the tables of each service to the other.
        lacks.iter().map(|role| grant(role)).collect::<Vec<_>>().join(" or ")
    };
    let lacks = lacks.join(", ");
    let fix = format!("{made}as a superuser: {grants}");
    Ok(Finding::bad(format!("the login role is not a member of {lacks}"), fix))
}
