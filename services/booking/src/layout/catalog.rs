//! The catalog: tables, columns, constraints and enums as the database has them. What
//! they mean is not known here.

use pg::types::{ToSql, Type};
use pg::{Columns, Database, Fault, Kind, Tx};

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

/// A word that no version writes.
const NO_STATUS: &str = "no status";

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
#[derive(Debug, Default)]
pub struct Covered {
    pub known: Vec<BookingStatus>,
    /// Whether it holds for words that are not known.
    pub others: bool,
    /// Whether it holds for a row that was deleted.
    pub deleted: bool,
}

pub async fn tables_and_constraints(tx: &Tx) -> Result<(Vec<StoredTable>, Vec<Constraint>), Fault> {
    let (tables, constraints) = tx.run_both(&ListTables {}, &ListConstraints {}).await?;
    let tables = Columns::all(&tables, |row| {
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
    });
    let constraints = Columns::all(&constraints, |row| {
        Ok(Constraint {
            table: row.next("table_name")?,
            name: row.next("name")?,
            exclusion: row.next::<&str>("kind")? == "x",
            validated: row.next("validated")?,
            definition: row.next("definition")?,
            condition: row.next("condition")?,
            columns: row.next("columns")?,
        })
    });
    Ok((tables?, constraints?))
}

/// The enums of the status columns; the catalog is asked for their words only when
/// there is one.
pub async fn status_enums(tx: &Tx, tables: &[StoredTable]) -> Result<Statuses, Fault> {
    let of = |table: &str| {
        let table = tables.iter().find(|one| one.name == table)?;
        table.column("status").filter(|column| column.is_enum).map(|column| column.ty.clone())
    };
    let (requests, bookings) = (of("booking_requests"), of("bookings"));
    if requests.is_none() && bookings.is_none() {
        return Ok(Statuses::default());
    }
    let enums = Columns::all(&tx.run(&ListLabels {}).await?, |row| {
        Ok(Enum { name: row.next("name")?, labels: row.next("labels")? })
    })?;
    let found = |name: Option<String>| enums.iter().find(|one| Some(&one.name) == name.as_ref()).cloned();
    Ok(Statuses { requests: found(requests), bookings: found(bookings), ..Statuses::default() })
}

/// Triggers that fire, each with its table.
pub async fn triggers(tx: &Tx) -> Result<Vec<(String, String)>, Fault> {
    Columns::all(&tx.run(&ListTriggers {}).await?, |row| Ok((row.next("table_name")?, row.next("name")?)))
}

/// The statuses for which the condition of each constraint holds; `None` where it looks at other
/// columns too, or at what is not there. Commits the transaction, in which they are asked for
/// together.
pub async fn covered(
    db: &Database,
    tx: Tx,
    constraints: &[&Constraint],
    statuses: &Statuses,
) -> Result<Vec<Option<Covered>>, Fault> {
    let asked: Vec<Option<Asked<'_>>> = constraints.iter().map(|one| one.asked(statuses)).collect();
    let together: Vec<&Asked<'_>> = asked.iter().flatten().collect();
    let mut found = match Asked::ask(tx, &together).await {
        Ok(found) => found.into_iter().map(Some).collect(),
        // Each is asked alone then: which of them it is is not known.
        Err(fault) if matches!(fault.kind(), Kind::SchemaDrift { .. }) && together.len() > 1 => {
            let mut found = Vec::new();
            for one in &together {
                match Asked::ask(db.begin_global().await?, &[one]).await {
                    Ok(one) => found.extend(one.into_iter().map(Some)),
                    Err(fault) if matches!(fault.kind(), Kind::SchemaDrift { .. }) => found.push(None),
                    Err(fault) => return Err(fault),
                }
            }
            found
        }
        Err(fault) if matches!(fault.kind(), Kind::SchemaDrift { .. }) => vec![None],
        Err(fault) => return Err(fault),
    }
    .into_iter();
    Ok(asked.iter().map(|one| one.as_ref().and_then(|_| found.next().flatten())).collect())
}

/// What a condition is asked: each status that its table may have, as a row that is there and as
/// one that was deleted.
struct Asked<'a> {
    condition: &'a str,
    /// The type of the column.
    ty: &'a str,
    words: Vec<&'static str>,
}

impl Constraint {
    /// The text of the condition is the catalog's own.
    fn asked<'a>(&'a self, statuses: &'a Statuses) -> Option<Asked<'a>> {
        let ranges = ["check_in", "check_out"];
        let known = |column: &String| {
            matches!(column.as_str(), "status" | "deleted_at")
                || self.exclusion && ranges.contains(&column.as_str())
        };
        if !self.columns.iter().all(known) {
            return None;
        }
        let own = statuses.of(&self.table);
        let is_label = |word: &&str| own.is_none_or(|own| own.labels.iter().any(|label| label == word));
        let words = BookingStatus::ALL.iter().map(|status| status.name()).chain([NO_STATUS]);
        Some(Asked {
            condition: &self.condition,
            ty: own.map_or("text", |own| &own.name),
            words: words.filter(is_label).collect(),
        })
    }
}

impl Asked<'_> {
    /// Asks all of them in one statement, and commits.
    async fn ask(tx: Tx, each: &[&Self]) -> Result<Vec<Covered>, Fault> {
        let mut found: Vec<Covered> = each.iter().map(|_| Covered::default()).collect();
        if !each.is_empty() {
            let parts: Vec<String> = each.iter().enumerate().map(|(place, one)| one.sql(place)).collect();
            let params: Vec<(&(dyn ToSql + Sync), Type)> =
                each.iter().map(|one| (&one.words as &(dyn ToSql + Sync), Type::TEXT_ARRAY)).collect();
            let rows = tx.run_text(&parts.join(" union all "), &params).await?;
            Columns::all(&rows, |row| {
                let place: i32 = row.next("place")?;
                let (status, deleted): (&str, bool) = (row.next("status")?, row.next("deleted")?);
                if let Some(found) = usize::try_from(place).ok().and_then(|place| found.get_mut(place)) {
                    found.add(status, deleted);
                }
                Ok(())
            })?;
        }
        tx.commit().await?;
        Ok(found)
    }

    fn sql(&self, place: usize) -> String {
        let Self { condition, ty, words: _ } = self;
        let param = place + 1;
        format!(
            "select {place} as place, status::text, deleted_at is not null as deleted \
             from unnest(${param}::text[]::{ty}[]) as row_of (status), \
             (values (null::timestamptz), (now())) as gone (deleted_at) where coalesce(({condition}), true)"
        )
    }
}

impl Covered {
    fn add(&mut self, status: &str, deleted: bool) {
        if deleted {
            self.deleted = true;
        } else if status == NO_STATUS {
            self.others = true;
        } else {
            self.known.extend(BookingStatus::from_name(status));
        }
    }
}

impl StoredTable {
    /// A column by its name.
    pub fn column(&self, name: &str) -> Option<&StoredColumn> {
        self.columns.iter().find(|column| column.name == name)
    }
}
