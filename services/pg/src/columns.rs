//! Reading a row by the numbers of its columns, in the order of the select list.
//! By name, each column of each row would be searched for among the names.
//!
//! Code that must know a value takes [`Columns::next`]; code that only shows it, from a
//! table that others write too, takes [`Columns::or_empty`]. Nothing that access is
//! decided by may be read by the second: what cannot be read would read as "not revoked".
//! Who shows a row and also decides something by it asks [`Columns::decided_by`] then.

use tokio_postgres::Row;

use crate::value::{Stored, Unread, Value};
use crate::{Fault, Kind};

/// The columns of a row that have not been read.
#[derive(Debug)]
pub struct Columns<'row> {
    row: &'row Row,
    place: usize,
    /// Those that were read as nothing because of their type, each with that.
    misread: Vec<(String, String)>,
}

/// The rows of a list that can be shown.
#[derive(Debug)]
pub struct Shown<T> {
    /// Them.
    pub rows: Vec<T>,
    /// For each that was left out because of what it holds, how many of them come before
    /// it: a page that is cut short knows by that which it has left out.
    pub left_out: Vec<usize>,
}

impl<T> Shown<T> {
    /// Counts so many more as left out, after all rows.
    pub fn leave_out_more(&mut self, more: usize) {
        self.left_out.extend(std::iter::repeat_n(self.rows.len(), more));
    }
}

impl<'row> Columns<'row> {
    /// All columns of a row.
    pub fn of(row: &'row Row) -> Self {
        Self::from(row, 0)
    }

    /// The columns of a row from a place on.
    pub fn from(row: &'row Row, place: usize) -> Self {
        Self { row, place, misread: Vec::new() }
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

    /// Every row that can be read. One that holds what cannot be must not take the
    /// others with it; it is counted, and named in the log.
    pub fn shown<T>(
        rows: &'row [Row],
        mut read: impl FnMut(&mut Self) -> Result<T, Fault>,
    ) -> Result<Shown<T>, Fault> {
        Self::shown_rows(rows, |row| read(&mut Self::of(row)))
    }

    /// The same, each row read by whoever takes it.
    pub fn shown_rows<T>(
        rows: &'row [Row],
        read: impl FnMut(&'row Row) -> Result<T, Fault>,
    ) -> Result<Shown<T>, Fault> {
        let mut shown = Shown { rows: Vec::with_capacity(rows.len()), left_out: Vec::new() };
        for row in rows.iter().map(read) {
            match row {
                Ok(row) => shown.rows.push(row),
                Err(fault) if matches!(fault.kind(), Kind::Unreadable { .. }) => {
                    tracing::warn!(%fault, "a row is left out of a list");
                    shown.left_out.push(shown.rows.len());
                }
                Err(fault) => return Err(fault),
            }
        }
        Ok(shown)
    }

    /// The next column, which has this name. A missing column or one of another
    /// type is drift of the schema; so is one of another name, where debug
    /// assertions are on. A value that has no place in `T` is unreadable.
    pub fn next<T: Value<'row>>(&mut self, name: &str) -> Result<T, Fault> {
        match self.stored(name)? {
            None => T::null().ok_or_else(|| unreadable(name, "is missing")),
            Some(stored) => T::read(&stored).map_err(|unread| match unread {
                Unread::Type => drifted(name, format!("it is {}", stored.type_name())),
                Unread::Value => unreadable(name, "is out of range"),
            }),
        }
    }

    /// The next column, or nothing: when it is NULL, out of range, or of a type that
    /// means something else.
    pub fn or_empty<T: Value<'row> + Default>(&mut self, name: &str) -> Result<T, Fault> {
        let Some(stored) = self.stored(name)? else { return Ok(T::default()) };
        let read = T::read(&stored);
        if matches!(read, Err(Unread::Type)) {
            self.misread.push((name.to_owned(), stored.type_name().to_owned()));
        }
        Ok(read.unwrap_or_default())
    }

    /// Refuses, as drift of the schema, what is decided by a column that was read as nothing
    /// because of its type: it has values, and nothing would mean that there is no rule.
    pub fn decided_by(&self, names: &[&str]) -> Result<(), Fault> {
        match self.misread.iter().find(|(name, _)| names.contains(&name.as_str())) {
            Some((name, ty)) => Err(drifted(name, format!("it is {ty}"))),
            None => Ok(()),
        }
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

    fn stored(&mut self, name: &str) -> Result<Option<Stored<'row>>, Fault> {
        let place = self.place;
        self.place += 1;
        let found = || self.row.columns().get(place).map_or("nothing", |column| column.name());
        if cfg!(debug_assertions) && found() != name {
            return Err(drifted(name, format!("column {} of the row is {}", place + 1, found())));
        }
        self.row.try_get(place).map_err(|error| drifted(name, error.to_string()))
    }
}

fn drifted(name: &str, cause: String) -> Fault {
    Fault::new(Kind::SchemaDrift { object: format!("column {name} of the expected type") }, cause)
}

fn unreadable(name: &str, what: &'static str) -> Fault {
    Fault::new(Kind::Unreadable { column: name.to_owned(), what }, format!("{name} {what}"))
}
