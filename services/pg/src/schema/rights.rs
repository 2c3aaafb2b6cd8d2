//! Rights that the roles of a service should have and lack, as a look at the schema asks for
//! them: a dump that was restored without its grants has every table, and no call goes. The
//! comparison of a whole schema names them, too; this is one statement, for whoever looks
//! every second.

use std::collections::BTreeMap;

use tokio_postgres::types::{ToSql, Type};

use super::object::{Kind, Object, parse};
use crate::{Columns, Database, Fault, Kind as FaultKind, Tx};

/// What a role may not do with one thing, and should be allowed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacking {
    /// The missing grants, as the file of the migrations has them; one at least.
    grants: Vec<Object>,
    /// Whether it is the role that the service runs as.
    is_own: bool,
}

/// A grant, as the database is asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Asked<'a> {
    /// What it is of: a word of the statement.
    of: &'static str,
    schema: &'a str,
    /// The table, sequence or function; empty for a schema.
    name: &'a str,
    /// The column, or the types of a function's arguments.
    part: &'a str,
    role: &'a str,
    privilege: &'a str,
}

/// Asks as the service's role; `made` is what the migrations make. What no call needs is left
/// out: the table that records migrations is read by commands only, and functions are run by
/// the service's own role, whoever else may run them because everybody may.
pub async fn lacking(db: &Database, made: &str) -> Result<Vec<Lacking>, Fault> {
    let tx = db.begin_global().await?;
    let lacking = lacking_in(db, &tx, made).await?;
    tx.commit().await?;
    Ok(lacking)
}

/// The same in a transaction that looks at more.
pub async fn lacking_in(db: &Database, tx: &Tx, made: &str) -> Result<Vec<Lacking>, Fault> {
    let made = parse(made);
    let given: Vec<(&Object, Asked<'_>)> = made
        .iter()
        .filter(|one| !one.relation.ends_with("_migrations"))
        .filter_map(|one| Some((one, asked(one)?)))
        .filter(|(_, asked)| asked.of != "function" || asked.role == db.role())
        .collect();
    let mut arrays: [Vec<&str>; 6] = Default::default();
    for (_, Asked { of, schema, name, part, role, privilege }) in &given {
        for (array, value) in arrays.iter_mut().zip([of, schema, name, part, role, privilege]) {
            array.push(value);
        }
    }
    let params: Vec<(&(dyn ToSql + Sync), Type)> =
        arrays.iter().map(|array| (array as &(dyn ToSql + Sync), Type::TEXT_ARRAY)).collect();
    let rows = tx.run_text(include_str!("rights.sql"), &params).await?;
    let places: Vec<i32> = Columns::all(&rows, |row| row.next("place"))?;
    let place = |place: &i32| usize::try_from(*place).ok()?.checked_sub(1);
    let missing = places.iter().filter_map(|one| given.get(place(one)?)).map(|(grant, _)| *grant);
    Ok(together(db.role(), missing))
}

/// What a statement was refused for want of a right, with the right as readiness names it,
/// if it is one that the migrations give. Any other failure is as it was.
pub async fn named(db: &Database, made: &str, fault: Fault) -> Fault {
    if !matches!(fault.kind(), FaultKind::NoRight { .. }) {
        return fault;
    }
    let lacking = match lacking(db, made).await {
        Ok(lacking) => lacking,
        Err(unseen) => {
            tracing::debug!(fault = %unseen, "which right is missing was not found");
            return fault;
        }
    };
    match lacking.iter().find(|one| one.is_behind(&fault)) {
        Some(one) => {
            Fault::new(FaultKind::NoRight { object: one.object(), is_given: true }, fault.to_string())
        }
        None => fault,
    }
}

/// Those of one role to one thing are told together.
fn together<'a>(own: &str, missing: impl Iterator<Item = &'a Object>) -> Vec<Lacking> {
    let mut found: Vec<Lacking> = Vec::new();
    let mut known: BTreeMap<_, usize> = BTreeMap::new();
    for grant in missing {
        let Some(Asked { schema, .. }) = asked(grant) else { continue };
        let key = (grant.kind, schema, grant.relation.as_str(), grant.name.as_str());
        match known.get(&key) {
            Some(&place) => found[place].grants.push(grant.clone()),
            None => {
                known.insert(key, found.len());
                found.push(Lacking { grants: vec![grant.clone()], is_own: grant.name == own });
            }
        }
    }
    found
}

/// What is asked for a grant; `None` for anything else.
fn asked(grant: &Object) -> Option<Asked<'_>> {
    let Object { kind, relation, name: role, definition } = grant;
    let (schema, rest) = relation.split_once('.').unwrap_or_default();
    let of_relation = |of| Asked { of, schema, name: rest, part: "", role, privilege: definition };
    Some(match kind {
        Kind::GrantOnSchema => {
            let (privilege, schema) = definition.split_once(" on ")?;
            Asked { of: "schema", schema, name: "", part: "", role, privilege }
        }
        Kind::GrantOnSequence => of_relation("sequence"),
        Kind::GrantOnFunction => {
            let (name, arguments) = rest.strip_suffix(')')?.split_once('(')?;
            Asked { name, part: arguments, ..of_relation("function") }
        }
        Kind::Grant => match definition.strip_suffix(')').and_then(|one| one.split_once(" (")) {
            Some((privilege, column)) => Asked { part: column, privilege, ..of_relation("column") },
            None => of_relation("table"),
        },
        _ => return None,
    })
}

impl Lacking {
    /// In the words in which a refusal names what is missing; what is in the schema `public`
    /// without its name.
    pub fn object(&self) -> String {
        let of = |who: &str| if self.is_own { String::new() } else { format!("of {who} ") };
        let Some(Object { kind, relation, name: role, definition }) = self.grants.first() else {
            return String::new();
        };
        let what = match kind {
            Kind::GrantOnSchema => {
                format!("schema {}", definition.split_once(" on ").map_or("", |(_, schema)| schema))
            }
            Kind::GrantOnSequence => format!("sequence {relation}"),
            Kind::GrantOnFunction => format!("function {relation}"),
            _ => format!("table {relation}"),
        };
        format!("{}: the right {}to {}", what.replace("public.", ""), of(role), self.acts().join(", "))
    }

    /// What the role may not do.
    fn acts(&self) -> Vec<String> {
        let asked: Vec<Asked<'_>> = self.grants.iter().filter_map(asked).collect();
        let mut acts: Vec<String> = Vec::new();
        let mut of_columns: Vec<(&str, Vec<&str>)> = Vec::new();
        for Asked { of, part, privilege, .. } in asked {
            if of != "column" {
                acts.push(act(privilege, "it"));
                continue;
            }
            match of_columns.iter_mut().find(|(known, _)| *known == privilege) {
                Some((_, columns)) => columns.push(part),
                None => of_columns.push((privilege, vec![part])),
            }
        }
        acts.extend(of_columns.into_iter().map(|(privilege, columns)| {
            let word = if columns.len() == 1 { "column" } else { "columns" };
            act(privilege, &format!("its {word} {}", columns.join(", ")))
        }));
        acts
    }

    /// Each missing grant, as a comparison of the schema names it.
    pub fn labels(&self) -> impl Iterator<Item = String> {
        self.grants.iter().map(Object::label)
    }

    /// Whether a right that a statement lacked, as the server named what it is to, may be
    /// one of these.
    pub fn is_behind(&self, fault: &Fault) -> bool {
        let asked = self.grants.first().and_then(asked);
        asked.is_some_and(|one| fault.lacks(if one.name.is_empty() { one.schema } else { one.name }))
    }

    /// Whether the service finds nothing in a schema without it.
    pub fn hides_a_schema(&self) -> bool {
        self.is_own && self.grants.iter().any(|one| one.kind == Kind::GrantOnSchema)
    }

    /// Whether the service's own role lacks a privilege on a table or a sequence, or on a
    /// column of it.
    pub fn keeps_from(&self, privilege: &str, relation: &str) -> bool {
        let keeps = |one: Asked<'_>| one.name == relation && one.privilege == privilege;
        self.is_own && self.grants.iter().filter_map(asked).any(keeps)
    }
}

fn act(privilege: &str, what: &str) -> String {
    let verb = match privilege {
        "select" => "read",
        "insert" => "add rows to",
        "delete" => "delete rows of",
        "usage" => "use",
        "execute" => "run",
        other => other,
    };
    format!("{verb} {what}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MISSING: &str = "grant on schema |  | r
    usage on s
grant on function | s.f(timestamp with time zone,integer) | r
    execute
grant on sequence | public.q | r_sweeper
    select
grant on sequence | public.q | r_sweeper
    update
grant | public.t | r
    insert
grant | public.t | r
    update (a)
grant | public.t | r_sweeper
    delete
grant | public.t | r_sweeper
    select (a)
grant | public.t | r_sweeper
    select (b)
";

    fn all() -> Vec<Lacking> {
        together("r", parse(MISSING).iter())
    }

    #[test]
    fn what_a_role_may_not_do_is_named_with_the_thing_and_the_right() {
        let told: Vec<String> = all().iter().map(Lacking::object).collect();
        assert_eq!(
            told,
            [
                "schema s: the right to use it",
                "function s.f(timestamp with time zone,integer): the right to run it",
                "sequence q: the right of r_sweeper to read it, update it",
                "table t: the right to add rows to it, update its column a",
                "table t: the right of r_sweeper to delete rows of it, read its columns a, b",
            ]
        );
        let labels: Vec<String> = all().iter().flat_map(Lacking::labels).collect();
        assert_eq!((labels.len(), &*labels[4]), (9, "grant to r: insert on t"));
    }

    #[test]
    fn each_grant_is_asked_for_by_the_names_of_the_catalog() {
        let wanted = parse(MISSING);
        let parts = |place: usize| {
            let Asked { of, schema, name, part, role, privilege } = asked(&wanted[place]).unwrap();
            [of, schema, name, part, role, privilege]
        };
        assert_eq!(parts(0), ["schema", "s", "", "", "r", "usage"]);
        assert_eq!(parts(1), ["function", "s", "f", "timestamp with time zone,integer", "r", "execute"]);
        assert_eq!(parts(2), ["sequence", "public", "q", "", "r_sweeper", "select"]);
        assert_eq!(parts(4), ["table", "public", "t", "", "r", "insert"]);
        assert_eq!(parts(5), ["column", "public", "t", "a", "r", "update"]);
        assert!(parse("table |  | s.t\n").iter().all(|one| asked(one).is_none()));
    }

    #[test]
    fn a_refusal_finds_the_right_that_it_is_about() {
        let behind = |object: &str| -> Vec<String> {
            let fault = Fault::new(FaultKind::NoRight { object: object.to_owned(), is_given: false }, "");
            all().iter().filter(|one| one.is_behind(&fault)).map(Lacking::object).collect()
        };
        assert_eq!(behind("keine Berechtigung für Schema s"), ["schema s: the right to use it"]);
        assert_eq!(behind("permission denied for table t").len(), 2);
        assert!(behind("permission denied for table other").is_empty());
        let [hiding, _, _, own, _] = &all()[..] else { panic!("five") };
        assert!(hiding.hides_a_schema() && !own.hides_a_schema());
        assert!(own.keeps_from("insert", "t") && own.keeps_from("update", "t"));
        assert!(!own.keeps_from("delete", "t") && !own.keeps_from("insert", "q"));
    }
}
