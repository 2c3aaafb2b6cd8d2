//! What the statements need of the schema, and what of it is missing. Readiness
//! tells it in the words in which calls are refused.

use pg::{Columns, Fault, Kind, is_constraint};

use super::constraints::{
    API_KEYS_TENANT, INVITATIONS_TENANT, MEMBERSHIPS_KEY, MEMBERSHIPS_ROLE, MEMBERSHIPS_TENANT,
    MEMBERSHIPS_USER, ROLES_KEY, TENANTS_KEY, TENANTS_SLUG, USERS_EMAIL, USERS_KEY,
};
use super::database::Store;

pg::statements! {
    /// Every column and constraint of the schema.
    ListSchema = "list_schema" ();
}

/// A table with what the statements need of it.
struct Table {
    name: &'static str,
    /// Their names and types.
    columns: &'static [(&'static str, &'static str)],
    constraints: &'static [&'static str],
}

const TABLES: [Table; 20] = [
    Table {
        name: "tenants",
        columns: &[
            ("id", "uuid"),
            ("slug", "text"),
            ("name", "text"),
            ("created_at", "timestamp with time zone"),
            ("second_factor", "text"),
            ("suspended_at", "timestamp with time zone"),
        ],
        constraints: &[TENANTS_KEY, TENANTS_SLUG],
    },
    Table {
        name: "invitations",
        columns: &[
            ("tenant_id", "uuid"),
            ("id", "uuid"),
            ("email", "text"),
            ("role", "text"),
            ("secret_hash", "bytea"),
            ("proves_address", "boolean"),
            ("invited_by", "uuid"),
            ("invited_by_key", "uuid"),
            ("created_at", "timestamp with time zone"),
            ("expires_at", "timestamp with time zone"),
            ("state", "text"),
            ("decided_at", "timestamp with time zone"),
        ],
        constraints: &[INVITATIONS_TENANT],
    },
    Table {
        name: "outbox",
        columns: &[
            ("id", "uuid"),
            ("kind", "text"),
            ("recipient", "text"),
            ("sealed", "bytea"),
            ("created_at", "timestamp with time zone"),
            ("due_at", "timestamp with time zone"),
            ("attempts", "integer"),
            ("failure", "text"),
            ("dead_at", "timestamp with time zone"),
            ("expires_at", "timestamp with time zone"),
        ],
        constraints: &[],
    },
    Table {
        name: "one_time_tokens",
        columns: &[
            ("secret_hash", "bytea"),
            ("purpose", "text"),
            ("user_id", "uuid"),
            ("email", "text"),
            ("created_at", "timestamp with time zone"),
            ("expires_at", "timestamp with time zone"),
            ("used_at", "timestamp with time zone"),
        ],
        constraints: &[],
    },
    Table {
        name: "users",
        columns: &[
            ("id", "uuid"),
            ("email", "text"),
            ("display_name", "text"),
            ("kind", "text"),
            ("password_hash", "text"),
            ("password_version", "integer"),
            ("platform_scopes", "text[]"),
            ("created_at", "timestamp with time zone"),
            ("disabled_at", "timestamp with time zone"),
            ("email_confirmed_at", "timestamp with time zone"),
            ("deleted_at", "timestamp with time zone"),
        ],
        constraints: &[USERS_KEY, USERS_EMAIL],
    },
    Table {
        name: "memberships",
        columns: &[
            ("tenant_id", "uuid"),
            ("user_id", "uuid"),
            ("role", "text"),
            ("custom_role", "text"),
            ("created_at", "timestamp with time zone"),
        ],
        constraints: &[MEMBERSHIPS_KEY, MEMBERSHIPS_USER, MEMBERSHIPS_TENANT, MEMBERSHIPS_ROLE],
    },
    Table {
        name: "roles",
        columns: &[
            ("tenant_id", "uuid"),
            ("name", "text"),
            ("scopes", "text[]"),
            ("created_at", "timestamp with time zone"),
        ],
        constraints: &[ROLES_KEY],
    },
    Table {
        name: "tenant_api_keys",
        columns: &[
            ("tenant_id", "uuid"),
            ("id", "uuid"),
            ("name", "text"),
            ("secret_hash", "bytea"),
            ("previous_secret_hash", "bytea"),
            ("previous_expires_at", "timestamp with time zone"),
            ("scopes", "text[]"),
            ("created_at", "timestamp with time zone"),
            ("expires_at", "timestamp with time zone"),
            ("revoked_at", "timestamp with time zone"),
            ("last_used_at", "timestamp with time zone"),
            ("created_by", "uuid"),
            ("created_by_key", "uuid"),
            ("allowed_addresses", "text[]"),
            ("client_keys", "text"),
            ("client_key_ids", "text[]"),
            ("tokens_not_before", "timestamp with time zone"),
        ],
        constraints: &[API_KEYS_TENANT],
    },
    Table {
        name: "sessions",
        columns: &[
            ("id", "uuid"),
            ("user_id", "uuid"),
            ("counter", "bigint"),
            ("used_counter", "bigint"),
            ("created_at", "timestamp with time zone"),
            ("rotated_at", "timestamp with time zone"),
            ("idle_expires_at", "timestamp with time zone"),
            ("expires_at", "timestamp with time zone"),
            ("ended_at", "timestamp with time zone"),
            ("ended_because", "text"),
            ("address", "text"),
            ("user_agent", "text"),
            ("method", "text"),
            ("proved_at", "timestamp with time zone"),
            ("second_method", "text"),
            ("second_at", "timestamp with time zone"),
        ],
        constraints: &[],
    },
    Table {
        name: "factors",
        columns: &[
            ("id", "uuid"),
            ("user_id", "uuid"),
            ("kind", "text"),
            ("name", "text"),
            ("secret_sealed", "bytea"),
            ("last_step", "bigint"),
            ("created_at", "timestamp with time zone"),
            ("verified_at", "timestamp with time zone"),
            ("last_used_at", "timestamp with time zone"),
            ("wrong_codes", "integer"),
        ],
        constraints: &[],
    },
    Table {
        name: "recovery_codes",
        columns: &[("user_id", "uuid"), ("code_hash", "bytea"), ("created_at", "timestamp with time zone")],
        constraints: &[],
    },
    Table {
        name: "signing_keys",
        columns: &[
            ("kid", "text"),
            ("state", "text"),
            ("public_x", "text"),
            ("public_y", "text"),
            ("private_key_sealed", "bytea"),
            ("created_at", "timestamp with time zone"),
            ("activated_at", "timestamp with time zone"),
            ("retired_at", "timestamp with time zone"),
            ("revoked_at", "timestamp with time zone"),
        ],
        constraints: &[],
    },
    Table {
        name: "master_keys",
        columns: &[
            ("id", "text"),
            ("code", "bytea"),
            ("rotated_at", "timestamp with time zone"),
            ("original", "boolean"),
            ("used_at", "timestamp with time zone"),
            ("dropped_at", "timestamp with time zone"),
        ],
        constraints: &[],
    },
    Table {
        name: "master_key_lists",
        columns: &[("process", "uuid"), ("listed", "text[]"), ("said_at", "timestamp with time zone")],
        constraints: &[],
    },
    Table {
        name: "revocation_marks",
        columns: &[
            ("kind", "text"),
            ("subject", "text"),
            ("at", "timestamp with time zone"),
            ("position", "bigint"),
        ],
        constraints: &[],
    },
    Table {
        name: "revocation_head",
        columns: &[("position", "bigint"), ("forgotten", "bigint"), ("marks_key", "bytea")],
        constraints: &[],
    },
    Table {
        name: "user_links",
        columns: &[
            ("issuer", "text"),
            ("subject", "text"),
            ("user_id", "uuid"),
            ("created_at", "timestamp with time zone"),
        ],
        constraints: &[],
    },
    Table {
        name: "login_failures",
        columns: &[
            ("bucket", "bytea"),
            ("failures", "integer"),
            ("window_ends_at", "timestamp with time zone"),
        ],
        constraints: &[],
    },
    Table {
        name: "known_pairs",
        columns: &[("bucket", "bytea"), ("seen_at", "timestamp with time zone")],
        constraints: &[],
    },
    Table {
        name: "audit_events",
        columns: &[
            ("id", "uuid"),
            ("at", "timestamp with time zone"),
            ("action", "text"),
            ("outcome", "text"),
            ("tenant_id", "uuid"),
            ("user_id", "uuid"),
            ("session_id", "uuid"),
            ("subject", "text"),
            ("address", "text"),
            ("request_id", "text"),
            ("method", "text"),
            ("api_key_id", "uuid"),
            ("issuer", "text"),
            ("times", "integer"),
            ("reason", "text"),
            ("acting_client_id", "uuid"),
        ],
        constraints: &[],
    },
];

/// A column or constraint as the database has it.
struct Stored {
    table: String,
    name: String,
    /// Of a column.
    ty: String,
    is_constraint: bool,
}

impl Store {
    /// What is missing, one sentence each.
    pub async fn missing(&self) -> Result<Vec<String>, Fault> {
        Ok(self.lacks().await?.into_iter().map(sentence).collect())
    }

    /// What is missing, by name; a column of another type with what it should be.
    pub async fn lacks(&self) -> Result<Vec<String>, Fault> {
        let stored = Columns::all(&self.run(&ListSchema {}).await?, |row| {
            Ok(Stored {
                table: row.next("table_name")?,
                name: row.next("name")?,
                ty: row.next("type")?,
                is_constraint: row.next("is_constraint")?,
            })
        })?;
        Ok(missing(&stored))
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
        let has_constraint =
            |name: &str| there.iter().any(|one| one.is_constraint && is_constraint(&one.name, name));
        for (name, wanted) in *columns {
            match there.iter().find(|one| !one.is_constraint && one.name == *name) {
                None => missing.push(format!("column identity.{table}.{name}")),
                Some(one) if !pg::serves(wanted, &one.ty) => missing.push(format!(
                    "column identity.{table}.{name} of type {wanted}, which is {} there",
                    one.ty
                )),
                Some(_) => {}
            }
        }
        let lost = constraints.iter().filter(|name| !has_constraint(name));
        missing.extend(lost.map(|name| format!("constraint identity.{table}.{name}")));
    }
    missing
}

/// In the words that calls are refused with.
pub fn sentence(object: String) -> String {
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
            let names = columns.iter().map(|(name, ty)| (*name, *ty, false));
            for (name, ty, is_constraint) in names.chain(constraints.iter().map(|name| (*name, "", true))) {
                let (table, name, ty) = ((*table).to_owned(), name.to_owned(), ty.to_owned());
                stored.push(Stored { table, name, ty, is_constraint });
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
            .filter_map(|rest| {
                let (name, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_lowercase() && c != '_')?);
                (!after.starts_with('(')).then_some(name)
            })
            .collect();
        assert_eq!(named, TABLES.iter().map(|table| table.name).collect());
    }

    #[test]
    fn what_is_missing_is_named() {
        assert!(missing(&whole()).is_empty());
        for (lost, object) in [
            ("password_hash", "column identity.users.password_hash"),
            (MEMBERSHIPS_ROLE, "constraint identity.memberships.memberships_role_fkey"),
        ] {
            let stored: Vec<_> = whole().into_iter().filter(|one| one.name != lost).collect();
            assert_eq!(missing(&stored), [object]);
        }
        let mut altered = whole();
        let email = altered.iter_mut().find(|one| (&*one.table, &*one.name) == ("users", "email"));
        email.unwrap().ty = "bytea".to_owned();
        assert_eq!(missing(&altered), ["column identity.users.email of type text, which is bytea there"]);
        let stored: Vec<_> = whole().into_iter().filter(|one| one.table != "sessions").collect();
        assert_eq!(missing(&stored), ["table identity.sessions"]);
        assert!(sentence("table identity.sessions".to_owned()).starts_with("SCHEMA_DRIFT: "));
    }
}
