//! The catalog: tables, columns, constraints and enums as the database has them. What
//! they mean is not known here.

use pg::types::Type;
use pg::{Columns, Database, Fault, Kind};

use super::statuses::{Enum, Statuses};
use crate::domain::booking::BookingStatus;

pg::statements! {
    /// Tables with their columns.
    ListTables = "list_tables" ();
    /// Words of enums.
    ListLabels = "list_labels" ();
    /// Triggers that fire.
    ListTriggers = "list_triggers" ();
    /// Constraints of the tables that statements rely on.
    ListConstraints = "list_constraints" ();
}

/// A table as the database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTable {
    pub name: String,
    pub columns: Vec<StoredColumn>,
}

/// A column as the database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredColumn {
    pub name: String,
    /// A domain counts as what it is made of.
    pub ty: String,
    pub is_enum: bool,
    pub not_null: bool,
}

/// A check or exclusion constraint as the database has it.
pub struct Constraint {
    pub table: String,
    pub name: String,
    pub exclusion: bool,
    /// Whether rows that were there before it fit too.
    pub validated: bool,
    pub definition: String,
    pub condition: String,
    /// What the condition looks at, for an exclusion also what its ranges are made of.
    pub columns: Vec<String>,
}

/// The statuses for which a condition holds.
pub struct Covered {
    pub known: Vec<BookingStatus>,
    /// Whether it holds for words that are not known.
    pub others: bool,
    /// Whether it holds for a row that was deleted.
    pub deleted: bool,
}

pub async fn tables(db: &Database) -> Result<Vec<StoredTable>, Fault> {
    Columns::all(&db.run_global(&ListTables {}).await?, |row| {
        let name = row.next("name")?;
        let (columns, types): (Vec<String>, Vec<String>) = (row.next("columns")?, row.next("types")?);
        let enums: Option<Vec<String>> = row.next("enums")?;
        let not_null: Option<Vec<String>> = row.next("not_null")?;
        let has =
            |list: &Option<Vec<String>>, name: &String| list.as_ref().is_some_and(|list| list.contains(name));
        let columns = columns.into_iter().zip(types).map(|(name, ty)| StoredColumn {
            is_enum: has(&enums, &name),
            not_null: has(&not_null, &name),
            name,
            ty,
        });
        Ok(StoredTable { name, columns: columns.collect() })
    })
}

/// The enums of the status columns; the catalog is asked for their words only when
/// there is one.
pub async fn status_enums(db: &Database, tables: &[StoredTable]) -> Result<Statuses, Fault> {
    let of = |table: &str| {
        let table = tables.iter().find(|one| one.name == table)?;
        table.column("status").filter(|column| column.is_enum).map(|column| column.ty.clone())
    };
    let (requests, bookings) = (of("booking_requests"), of("bookings"));
    if requests.is_none() && bookings.is_none() {
        return Ok(Statuses::default());
    }
    let enums = Columns::all(&db.run_global(&ListLabels {}).await?, |row| {
        Ok(Enum { name: row.next("name")?, labels: row.next("labels")? })
    })?;
    let found = |name: Option<String>| enums.iter().find(|one| Some(&one.name) == name.as_ref()).cloned();
    Ok(Statuses { requests: found(requests), bookings: found(bookings), ..Statuses::default() })
}

/// Triggers that fire, each with its table.
pub async fn triggers(db: &Database) -> Result<Vec<(String, String)>, Fault> {
    Columns::all(&db.run_global(&ListTriggers {}).await?, |row| {
        Ok((row.next("table_name")?, row.next("name")?))
    })
}

pub async fn constraints(db: &Database) -> Result<Vec<Constraint>, Fault> {
    Columns::all(&db.run_global(&ListConstraints {}).await?, |row| {
        Ok(Constraint {
            table: row.next("table_name")?,
            name: row.next("name")?,
            exclusion: row.next::<&str>("kind")? == "x",
            validated: row.next("validated")?,
            definition: row.next("definition")?,
            condition: row.next("condition")?,
            columns: row.next("columns")?,
        })
    })
}

impl Constraint {
    /// The statuses for which the condition holds; `None` when it looks at other
    /// columns too. The text is the catalog's own.
    pub async fn covered(&self, db: &Database, statuses: &Statuses) -> Result<Option<Covered>, Fault> {
        /// A word that no version writes.
        const NO_STATUS: &str = "no status";
        let ranges = ["check_in", "check_out"];
        let known = |column: &String| {
            matches!(column.as_str(), "status" | "deleted_at")
                || self.exclusion && ranges.contains(&column.as_str())
        };
        if !self.columns.iter().all(known) {
            return Ok(None);
        }
        let own = statuses.of(&self.table);
        let is_label = |word: &&str| own.is_none_or(|own| own.labels.iter().any(|label| label == word));
        let names = BookingStatus::ALL.iter().map(|status| status.name()).chain([NO_STATUS]);
        let names: Vec<&str> = names.filter(is_label).collect();
        let array = own.map_or("text", |own| &own.name);
        let query = format!(
            "select status::text, deleted_at is not null as deleted \
             from unnest($1::text[]::{array}[]) as row_of (status), \
             (values (null::timestamptz), (now())) as gone (deleted_at) where coalesce(({}), true)",
            self.condition
        );
        let tx = db.begin_global().await?;
        match tx.run_text(&query, &[(&names, Type::TEXT_ARRAY)]).await {
            Ok(rows) => {
                tx.commit().await?;
                let rows: Vec<(String, bool)> =
                    Columns::all(&rows, |row| Ok((row.next("status")?, row.next("deleted")?)))?;
                let live = || rows.iter().filter(|(_, deleted)| !deleted).map(|(word, _)| word);
                Ok(Some(Covered {
                    known: live().filter_map(|word| BookingStatus::from_name(word)).collect(),
                    others: live().any(|word| word == NO_STATUS),
                    deleted: rows.iter().any(|(_, deleted)| *deleted),
                }))
            }
            Err(fault) if matches!(fault.kind(), Kind::SchemaDrift { .. }) => Ok(None),
            Err(fault) => Err(fault),
        }
    }
}

impl StoredTable {
    /// A column by its name.
    pub fn column(&self, name: &str) -> Option<&StoredColumn> {
        self.columns.iter().find(|column| column.name == name)
    }
}
