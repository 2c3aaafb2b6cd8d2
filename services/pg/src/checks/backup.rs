//! Who may make a backup that is whole. Row-level security is forced on the owner of the
//! tables, too: `pg_dump` ends with an error as the owner, and with the option that looks like
//! the way out it leaves out the rows of every tenant.

use boot::Finding;
use tokio_postgres::Client;

use super::ask::one_row;
use crate::Fault;

/// A login that sees every row and may read every table and sequence.
struct Able {
    name: String,
    is_superuser: bool,
}

pub(super) async fn finding(client: &Client) -> Result<Finding, Fault> {
    // All that a dump of the database reads, whoever made it.
    let query = "select quote_ident(r.rolname), r.rolsuper from pg_roles r \
        where r.rolcanlogin and (r.rolsuper or r.rolbypassrls and not exists ( \
            select from pg_class c join pg_namespace n on n.oid = c.relnamespace \
            where c.relkind in ('r', 'p', 'S') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' \
            and not (has_schema_privilege(r.oid, n.oid, 'usage') and has_table_privilege(r.oid, c.oid, 'select')) \
            and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass \
                and d.objid = c.oid and d.deptype = 'e'))) \
        order by r.rolsuper, r.rolname";
    let mut able = Vec::new();
    for row in client.query_typed(query, &[]).await? {
        able.push(Able { name: row.try_get(0)?, is_superuser: row.try_get(1)? });
    }
    if let Some(found) = told(&able) {
        return Ok(Finding::good(found));
    }
    let query = "select current_setting('server_version_num')::int4, \
        (select c.relowner::regrole::text from pg_class c where c.relkind = 'r' \
            and c.relname ~ '^frontdesk_.*_migrations$' order by c.oid limit 1)";
    let row = one_row(client, query).await?;
    let (version, owner): (i32, Option<String>) = (row.try_get(0)?, row.try_get(1)?);
    let read = match owner {
        // Before it, nobody but the owner reads what migrations will make.
        Some(owner) if version < 140_000 => owner,
        _ => "pg_read_all_data".to_owned(),
    };
    Ok(Finding::odd(
        "no login may make a whole backup: it has to bypass row-level security and to read every table",
        format!(
            "as a superuser: `create role frontdesk_backup login bypassrls`, then `grant {read} to frontdesk_backup`; \
             deploy/backup.sql says what else there is"
        ),
    ))
}

/// Who may, by name. Of superusers it is said: where others run the server, they are theirs.
fn told(able: &[Able]) -> Option<String> {
    let names = |of_superusers: bool| {
        let names = able.iter().filter(|one| one.is_superuser == of_superusers);
        let names: Vec<&str> = names.map(|one| &*one.name).collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    match (names(false), names(true)) {
        (None, None) => None,
        (Some(others), None) => Some(format!("whole ones are made as {others}")),
        (Some(others), Some(superusers)) => {
            Some(format!("whole ones are made as {others}, or as a superuser: {superusers}"))
        }
        (None, Some(superusers)) => Some(format!(
            "whole ones are made as a superuser only: {superusers}; where that is nobody of yours, deploy/backup.sql \
             makes a login for it"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_may_make_a_whole_backup_is_named() {
        let able = |name: &str, is_superuser| Able { name: name.to_owned(), is_superuser };
        assert_eq!(told(&[]), None);
        assert_eq!(told(&[able("b", false)]).unwrap(), "whole ones are made as b");
        let both = told(&[able("b", false), able("s", true), able("t", true)]).unwrap();
        assert_eq!(both, "whole ones are made as b, or as a superuser: s, t");
        assert!(told(&[able("s", true)]).unwrap().contains("deploy/backup.sql"));
    }
}
