//! Pages that look at a bounded number of rows. The last two columns of such a statement
//! say of a row whether it is asked for, and whether it is the last one that was looked
//! at, which is there in either case: the list goes on behind it. Both are known by one
//! statement, so that no row is missed when another is deleted in between.

use pg::{Columns, Fault};
use tokio_postgres::Row;

/// The last one that was looked at, if there may be more of them and the page, which has
/// `size` rows, ends with it; and whether it is asked for.
pub(super) fn last(rows: &[Row], size: i64) -> Result<Option<(&Row, bool)>, Fault> {
    let has_room = i64::try_from(rows.len()).is_ok_and(|rows| rows <= size);
    let Some(row) = rows.last().filter(|_| has_room) else { return Ok(None) };
    let mut said = Columns::from(row, row.len().saturating_sub(2));
    let (found, is_last) = (said.next("found")?, said.next("is_last")?);
    Ok(if is_last { Some((row, found)) } else { None })
}
