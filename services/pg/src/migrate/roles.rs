//! Roles that migrations make. Roles belong to the server, and whoever owns a database may
//! not be allowed to make them, or to grant those that another owner made (PostgreSQL 16
//! and later). So what is there already is not made again, and what is missing and cannot
//! be made is named as the SQL that somebody else runs.

use tokio_postgres::Client;
use tokio_postgres::types::{ToSql, Type};

use crate::Fault;

/// A statement of a migration about roles.
#[derive(Debug, Clone, PartialEq, Eq)]
struct RoleStatement<'a> {
    /// Its line, as the migration has it.
    line: &'a str,
    kind: Kind<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind<'a> {
    Create(&'a str),
    NoInherit(&'a str),
    GrantToLogin(&'a str),
    Grant(&'a str, &'a str),
}

/// Lines of migrations that are left out, and what is run instead.
pub(super) type LeftOut = Vec<(String, &'static str)>;

/// What is left out of migrations because it is there, or the SQL that
/// somebody has to run before them.
pub(super) async fn prepare(
    client: &Client,
    migrations: impl Iterator<Item = &'static str>,
) -> Result<Result<LeftOut, Vec<String>>, Fault> {
    let statements: Vec<RoleStatement<'_>> =
        migrations.flat_map(|sql| sql.lines().filter_map(role_statement)).collect();
    let (mut left_out, mut missing) = (LeftOut::new(), Vec::new());
    for RoleStatement { line, kind } in statements {
        let (is_there, is_allowed) = asked(client, kind).await?;
        if is_there {
            let instead =
                if matches!(kind, Kind::Create(_) | Kind::GrantToLogin(_)) { "perform 1;" } else { "" };
            left_out.push((line.to_owned(), instead));
        } else if !is_allowed {
            missing.push(script(client, kind).await?);
        }
    }
    Ok(if missing.is_empty() { Ok(left_out) } else { Err(missing) })
}

/// A migration without these lines.
pub(super) fn without(sql: &str, left_out: &LeftOut) -> String {
    let lines = sql.lines().map(|line| {
        let found = left_out.iter().find(|(left_out, _)| left_out == line.trim());
        found.map_or(line, |(_, instead)| *instead)
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn role_statement(line: &str) -> Option<RoleStatement<'_>> {
    let line = line.trim();
    let is_name = |name: &&str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let between = |start, end| line.strip_prefix(start)?.strip_suffix(end).filter(is_name);
    let granted = || {
        let (role, member) = line.strip_prefix("grant ")?.strip_suffix(';')?.split_once(" to ")?;
        (is_name(&role) && is_name(&member)).then_some(Kind::Grant(role, member))
    };
    let kind = between("create role ", " nologin;")
        .map(Kind::Create)
        .or_else(|| between("alter role ", " noinherit;").map(Kind::NoInherit))
        .or_else(|| between("execute format('grant ", " to %I', current_user);").map(Kind::GrantToLogin))
        .or_else(granted)?;
    Some(RoleStatement { line, kind })
}

/// Whether something is there, and whether the login may make it.
async fn asked(client: &Client, kind: Kind<'_>) -> Result<(bool, bool), Fault> {
    let is_there = match kind {
        Kind::Create(_) => "r.oid is not null",
        Kind::NoInherit(_) => "r.oid is not null and not r.rolinherit",
        // A superuser is in every role and needs no grant. From PostgreSQL 16 on a member
        // may switch to the role only if the grant says so, as that of its maker does not.
        Kind::GrantToLogin(_) => {
            "r.oid is not null and not me.rolsuper and pg_has_role(me.oid, r.oid, \
                case when current_setting('server_version_num')::int < 160000 then 'member' else 'set' end)"
        }
        Kind::Grant(..) => {
            "exists (select from pg_auth_members k join pg_roles m on m.oid = k.member where k.roleid = r.oid and m.rolname = $2)"
        }
    };
    // A role that does not exist yet is made first, and whoever makes one may grant it.
    let query = format!(
        "select coalesce({is_there}, false), me.rolsuper or me.rolcreaterole and (r.oid is null \
             or current_setting('server_version_num')::int < 160000 \
             or pg_has_role(me.oid, r.oid, 'member with admin option')) \
         from pg_roles me left join pg_roles r on r.rolname = $1 \
         where me.rolname = current_user and $2::text is not null"
    );
    let (role, member) = match kind {
        Kind::Create(role) | Kind::NoInherit(role) | Kind::GrantToLogin(role) => (role, role),
        Kind::Grant(role, member) => (role, member),
    };
    let values: [(&(dyn ToSql + Sync), Type); 2] = [(&role, Type::TEXT), (&member, Type::TEXT)];
    let rows = client.query_typed(&query, &values).await?;
    match rows.first() {
        Some(row) => Ok((row.try_get(0)?, row.try_get(1)?)),
        None => Ok((false, false)),
    }
}

async fn script(client: &Client, kind: Kind<'_>) -> Result<String, Fault> {
    Ok(match kind {
        Kind::Create(role) => format!("create role {role} nologin;"),
        Kind::NoInherit(role) => format!("alter role {role} noinherit;"),
        Kind::Grant(role, member) => format!("grant {role} to {member};"),
        Kind::GrantToLogin(role) => {
            // A grant that is there already keeps what it says of switching, unless it is said.
            let query = "select quote_ident(current_user), current_setting('server_version_num')::int >= 160000 \
                and exists (select from pg_auth_members k join pg_roles r on r.oid = k.roleid \
                    join pg_roles m on m.oid = k.member where r.rolname = $1 and m.rolname = current_user)";
            let rows = client.query_typed(query, &[(&role, Type::TEXT)]).await?;
            let found: Option<(String, bool)> =
                rows.first().map(|row| Ok::<_, Fault>((row.try_get(0)?, row.try_get(1)?))).transpose()?;
            let (login, is_member) = found.unwrap_or_else(|| ("the login role".to_owned(), false));
            format!("grant {role} to {login}{};", if is_member { " with set true" } else { "" })
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_migration_says_of_roles_is_found() {
        let kind = |line| role_statement(line).map(|statement| statement.kind);
        assert_eq!(kind("    create role some_role nologin;"), Some(Kind::Create("some_role")));
        assert_eq!(kind("alter role some_role noinherit;"), Some(Kind::NoInherit("some_role")));
        assert_eq!(kind("grant one to other;"), Some(Kind::Grant("one", "other")));
        let to_login = "execute format('grant one to %I', current_user);";
        assert_eq!(kind(to_login), Some(Kind::GrantToLogin("one")));
        for other in ["grant select on t to one;", "create role one login;", "grant usage on schema a to b;"]
        {
            assert_eq!(kind(other), None, "{other}");
        }
        let left_out = vec![(to_login.to_owned(), "perform 1;")];
        assert_eq!(
            without("a\n  execute format('grant one to %I', current_user);\nb", &left_out),
            "a\nperform 1;\nb"
        );
    }
}
