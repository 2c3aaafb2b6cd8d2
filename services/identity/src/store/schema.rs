//! What the statements need of the schema, and what of it is missing. Readiness
//! tells it in the words in which calls are refused.

mod tables;

use futures::try_join;
use pg::schema::Lacking;
use pg::{Columns, Fault, Kind, is_constraint};

use self::tables::{TABLES, Table};
use super::database::Store;

pg::statements! {
    /// Every column and constraint of the schema.
    ListSchema = "list_schema" ();
}

/// A column or constraint as the database has it.
struct Stored {
    table: String,
    name: String,
    /// Of a column.
    ty: String,
    is_constraint: bool,
}

/// Something that statements need and the database lacks.
#[derive(Debug)]
pub enum Lack {
    /// A table, column or constraint by name; a column of another type with what it should be.
    Object(String),
    /// What the service's role may not do with something that is there.
    Right(Lacking),
}

impl Lack {
    /// In the words that calls are refused with.
    pub fn sentence(&self) -> String {
        let kind = match self {
            Self::Object(object) => Kind::SchemaDrift { object: object.clone() },
            Self::Right(lacking) => Kind::NoRight { object: lacking.object(), is_given: true },
        };
        let refusal = Fault::new(kind, "").refusal();
        format!("{}: {}", refusal.reason().name(), refusal.message())
    }

    /// The objects that it is about, as a comparison of the schema names them.
    pub fn labels(&self) -> Vec<String> {
        match self {
            Self::Object(object) => {
                vec![object.split(" of type ").next().unwrap_or_default().to_owned()]
            }
            Self::Right(lacking) => lacking.labels().collect(),
        }
    }
}

impl Store {
    /// What is missing, one sentence each.
    pub async fn missing(&self) -> Result<Vec<String>, Fault> {
        Ok(self.lacks().await?.iter().map(Lack::sentence).collect())
    }

    /// What is missing.
    pub async fn lacks(&self) -> Result<Vec<Lack>, Fault> {
        // At once: readiness asks for this, and an answer that is late counts as none.
        let (rows, lacking) = try_join!(self.run(&ListSchema {}), self.lacking())?;
        let stored = Columns::all(&rows, |row| {
            Ok(Stored {
                table: row.next("table_name")?,
                name: row.next("name")?,
                ty: row.next("type")?,
                is_constraint: row.next("is_constraint")?,
            })
        })?;
        let missing = missing(&stored).into_iter().map(Lack::Object);
        Ok(missing.chain(lacking.into_iter().map(Lack::Right)).collect())
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::store::constraints::MEMBERSHIPS_ROLE;
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
        let lack = Lack::Object("table identity.sessions".to_owned());
        assert!(lack.sentence().starts_with("SCHEMA_DRIFT: "));
    }
}
