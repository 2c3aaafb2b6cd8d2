//! What the statements need of the schema, and what of it is missing. Readiness
//! tells it in the words in which calls are refused.

use pg::{Columns, Fault, Kind, is_constraint};

use super::constraints::{
    API_KEYS_TENANT, MEMBERSHIPS_KEY, MEMBERSHIPS_ROLE, MEMBERSHIPS_TENANT, MEMBERSHIPS_USER, ROLES_KEY,
    TENANTS_KEY, TENANTS_SLUG, USERS_EMAIL, USERS_KEY,
};
use super::database::Store;

pg::statements! {
    /// Every column and constraint of the schema.
    ListSchema = "list_schema" ();
}

/// A table with what the statements need of it.
struct Table {
    name: &'static str,
    columns: &'static str,
    constraints: &'static [&'static str],
}

const TABLES: [Table; 10] = [
    Table { name: "tenants", columns: "id slug name created_at", constraints: &[TENANTS_KEY, TENANTS_SLUG] },
    Table {
        name: "users",
        columns: "id email display_name kind password_hash password_version platform_scopes created_at disabled_at",
        constraints: &[USERS_KEY, USERS_EMAIL],
    },
    Table {
        name: "memberships",
        columns: "tenant_id user_id role custom_role created_at",
        constraints: &[MEMBERSHIPS_KEY, MEMBERSHIPS_USER, MEMBERSHIPS_TENANT, MEMBERSHIPS_ROLE],
    },
    Table { name: "roles", columns: "tenant_id name scopes created_at", constraints: &[ROLES_KEY] },
    Table {
        name: "tenant_api_keys",
        columns: "tenant_id id name secret_hash previous_secret_hash previous_expires_at scopes created_at expires_at \
            revoked_at last_used_at",
        constraints: &[API_KEYS_TENANT],
    },
    Table {
        name: "sessions",
        columns: "id user_id counter used_counter created_at rotated_at idle_expires_at expires_at ended_at \
            ended_because address user_agent",
        constraints: &[],
    },
    Table {
        name: "signing_keys",
        columns: "kid state public_x public_y private_key_sealed created_at activated_at retired_at",
        constraints: &[],
    },
    Table { name: "login_failures", columns: "bucket failures window_ends_at", constraints: &[] },
    Table { name: "known_pairs", columns: "bucket seen_at", constraints: &[] },
    Table {
        name: "audit_events",
        columns: "id at action outcome tenant_id user_id session_id subject address request_id",
        constraints: &[],
    },
];

/// A column or constraint as the database has it.
struct Stored {
    table: String,
    name: String,
    is_constraint: bool,
}

impl Store {
    /// What is missing, one sentence each.
    pub async fn missing(&self) -> Result<Vec<String>, Fault> {
        let stored = Columns::all(&self.run(&ListSchema {}).await?, |row| {
            Ok(Stored {
                table: row.next("table_name")?,
                name: row.next("name")?,
                is_constraint: row.next("is_constraint")?,
            })
        })?;
        Ok(missing(&stored).into_iter().map(sentence).collect())
    }
}

fn missing(stored: &[Stored]) -> Vec<String> {
    let mut missing = Vec::new();
    for Table { name: table, columns, constraints } in &TABLES {
        let there: Vec<&Stored> = stored.iter().filter(|stored| stored.table == *table).collect();
        if there.is_empty() {
            missing.push(format!("table identity.{table}"));
            continue;
        }
        let has_column = |name: &str| there.iter().any(|one| !one.is_constraint && one.name == name);
        let has_constraint =
            |name: &str| there.iter().any(|one| one.is_constraint && is_constraint(&one.name, name));
        let lost = columns.split_whitespace().filter(|name| !has_column(name));
        missing.extend(lost.map(|name| format!("column identity.{table}.{name}")));
        let lost = constraints.iter().filter(|name| !has_constraint(name));
        missing.extend(lost.map(|name| format!("constraint identity.{table}.{name}")));
    }
    missing
}

fn sentence(object: String) -> String {
    let refusal = Fault::new(Kind::SchemaDrift { object }, "").refusal();
    format!("{}: {}", refusal.reason().name(), refusal.message())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::store::statements;

    fn whole() -> Vec<Stored> {
        let mut stored = Vec::new();
        for Table { name: table, columns, constraints } in &TABLES {
            let names = columns.split_whitespace().map(|name| (name, false));
            for (name, is_constraint) in names.chain(constraints.iter().map(|name| (*name, true))) {
                stored.push(Stored { table: (*table).to_owned(), name: name.to_owned(), is_constraint });
            }
        }
        stored
    }

    #[test]
    fn every_table_of_a_statement_is_looked_for_and_no_other() {
        let statements = statements().unwrap();
        let texts = statements.iter().flat_map(|statement| statement.forms().map(pg::Form::text));
        let named: BTreeSet<&str> = texts
            .flat_map(|text| text.split("identity.").skip(1))
            .filter_map(|rest| rest.split(|c: char| !c.is_ascii_lowercase() && c != '_').next())
            .collect();
        assert_eq!(named, TABLES.iter().map(|table| table.name).collect());
    }

    #[test]
    fn what_is_missing_is_named() {
        assert!(missing(&whole()).is_empty());
        for (lost, object) in [
            ("kind", "column identity.users.kind"),
            (MEMBERSHIPS_ROLE, "constraint identity.memberships.memberships_role_fkey"),
        ] {
            let stored: Vec<_> = whole().into_iter().filter(|one| one.name != lost).collect();
            assert_eq!(missing(&stored), [object]);
        }
        let stored: Vec<_> = whole().into_iter().filter(|one| one.table != "sessions").collect();
        assert_eq!(missing(&stored), ["table identity.sessions"]);
        assert!(sentence("table identity.sessions".to_owned()).starts_with("SCHEMA_DRIFT: "));
    }
}
