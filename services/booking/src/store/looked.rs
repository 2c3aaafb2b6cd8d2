//! Pages that look at a bounded number of rows. The last two columns of such a statement
//! say of a row whether it is asked for, and whether it is the last one that was looked
//! at, which is there in either case: the list goes on after it. Both are known by one
//! statement, so that no row is missed when another is deleted in between.

use pg::{Columns, Fault};
use tokio_postgres::Row;

/// The place of the last row that was looked at, if there may be more and the page, which
/// has `size` rows, ends with it. That row goes unless it is asked for.
pub(super) fn end<P>(
    rows: &mut Vec<Row>,
    size: i64,
    place: impl FnOnce(&Row) -> Result<P, Fault>,
) -> Result<Option<P>, Fault> {
    let has_room = i64::try_from(rows.len()).is_ok_and(|rows| rows <= size);
    let Some(row) = rows.last().filter(|_| has_room) else { return Ok(None) };
    let mut said = Columns::from(row, row.len().saturating_sub(2));
    let (is_asked_for, is_last): (bool, bool) = (said.next("found")?, said.next("is_last")?);
    if !is_last {
        return Ok(None);
    }
    let end = place(row)?;
    if !is_asked_for {
        rows.pop();
    }
    Ok(Some(end))
}

/// A column of a row that begins with these columns.
pub(super) fn column<'row>(row: &'row Row, columns: &[&str], name: &str) -> Columns<'row> {
    let place = columns.iter().position(|one| *one == name);
    Columns::from(row, place.unwrap_or_default())
}
