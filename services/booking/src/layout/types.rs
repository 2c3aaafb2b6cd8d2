//! Types of columns. The migrations give each one; where the tables were made or
//! altered by others, a column may have another that serves as well, or does not. A
//! status may be an enum besides (`statuses.rs`).

use super::catalog::StoredTable;
use super::columns::{Table, migrated_type, tables};
use super::problem::Problem;
use crate::domain::layout::Layout;

/// The columns whose type is another than the migrations give them.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Altered {
    /// What they are cannot be read, or loses what is stored in it.
    pub unfit: Vec<Problem>,
    /// What they are can be read and written; whether every statement goes with them,
    /// the statements tell.
    pub doubtful: Vec<Problem>,
}

/// Compares what is stored with what the migrations make.
pub fn altered(layout: Layout, stored: &[StoredTable]) -> Altered {
    let mut altered = Altered::default();
    for Table { name: table, columns } in tables(layout) {
        let Some(stored) = stored.iter().find(|stored| stored.name == table) else { continue };
        for column in columns {
            let (Some(wanted), Some(found)) = (migrated_type(column), stored.column(column)) else {
                continue;
            };
            if found.ty == wanted || column == "status" && found.is_enum {
                continue;
            }
            let problem = Problem::Type { table, name: column, wanted, found: found.ty.clone() };
            let list = if pg::serves(wanted, &found.ty) { &mut altered.doubtful } else { &mut altered.unfit };
            list.push(problem);
        }
    }
    altered
}

/// Those of the doubtful columns that a statement which does not fit is about.
pub fn at_fault(doubtful: &[Problem], misfits: &[String]) -> Vec<Problem> {
    let named = |problem: &&Problem| {
        let Problem::Type { name, .. } = problem else { return false };
        let is_word = |mark: char| mark.is_alphanumeric() || mark == '_';
        misfits.iter().any(|sql| sql.split(|mark| !is_word(mark)).any(|word| word == *name))
    };
    doubtful.iter().filter(named).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::super::catalog::StoredColumn;
    use super::*;

    fn stored(types: &[(&str, &str)]) -> Vec<StoredTable> {
        let column = |(name, ty): &(&str, &str)| StoredColumn {
            name: (*name).to_owned(),
            ty: (*ty).to_owned(),
            is_enum: *ty == "booking_status",
            not_null: true,
        };
        vec![StoredTable { name: "bookings".to_owned(), columns: types.iter().map(column).collect() }]
    }

    #[test]
    fn another_type_serves_loses_or_is_an_enum_of_statuses() {
        let found = altered(
            Layout::SingleTable,
            &stored(&[
                ("status", "booking_status"),
                ("message", "character varying"),
                ("guest_count", "bigint"),
                ("created_at", "timestamp without time zone"),
                ("updated_at", "date"),
                ("confirmed_at", "timestamp with time zone"),
                ("property_id", "text"),
            ]),
        );
        let names = |problems: &[Problem]| {
            problems
                .iter()
                .map(|one| match one {
                    Problem::Type { name, .. } => (*name).to_owned(),
                    other => format!("{other:?}"),
                })
                .collect::<Vec<_>>()
        };
        let mut unfit = names(&found.unfit);
        unfit.sort();
        assert_eq!(unfit, ["property_id", "updated_at"]);
        let mut doubtful = names(&found.doubtful);
        doubtful.sort();
        assert_eq!(doubtful, ["created_at", "guest_count", "message"]);
        let misfit = ["select r.guest_count from bookings r where r.created_at_x = 1".to_owned()];
        assert_eq!(names(&at_fault(&found.doubtful, &misfit)), ["guest_count"]);
    }
}
