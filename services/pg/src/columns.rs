//! Reading a row by the numbers of its columns, in the order of the select list.
//! By name, each column of each row would be searched for among the names.

use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use crate::{Fault, Kind};

/// The columns of a row that have not been read.
#[derive(Debug)]
pub struct Columns<'row> {
    row: &'row Row,
    place: usize,
}

impl<'row> Columns<'row> {
    /// All columns of a row.
    pub fn of(row: &'row Row) -> Self {
        Self { row, place: 0 }
    }

    /// The first row, read; `None` when there is none.
    pub fn first<T>(
        rows: &'row [Row],
        mut read: impl FnMut(&mut Self) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        rows.first().map(|row| read(&mut Self::of(row))).transpose()
    }

    /// Every row, read.
    pub fn all<T>(
        rows: &'row [Row],
        mut read: impl FnMut(&mut Self) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        rows.iter().map(|row| read(&mut Self::of(row))).collect()
    }

    /// The next column, which has this name. A missing column or one of another
    /// type is drift of the schema; so is one of another name, where debug
    /// assertions are on.
    pub fn next<T: FromSql<'row>>(&mut self, name: &str) -> Result<T, Fault> {
        let place = self.place;
        self.place += 1;
        let found = || self.row.columns().get(place).map_or("nothing", |column| column.name());
        if cfg!(debug_assertions) && found() != name {
            return Err(drifted(name, format!("column {} of the row is {}", place + 1, found())));
        }
        self.row.try_get(place).map_err(|error| drifted(name, error.to_string()))
    }

    /// The next column, a word that `read` knows. Another word is drift: it was
    /// written by another version, and must not be taken for one of ours.
    pub fn word<T>(&mut self, name: &str, read: impl Fn(&str) -> Option<T>) -> Result<T, Fault> {
        let word: &str = self.next(name)?;
        read(word).ok_or_else(|| {
            let object = format!("{name} {word}, which this version does not know");
            Fault::new(Kind::SchemaDrift { object }, "unknown word")
        })
    }
}

fn drifted(name: &str, cause: String) -> Fault {
    Fault::new(Kind::SchemaDrift { object: format!("column {name} of the expected type") }, cause)
}
