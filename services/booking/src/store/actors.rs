//! Who did something, as rows have it.

use pg::{Columns, Fault};

use crate::domain::actor::Acting;

/// The next three columns: the user, and the actor's kind and id.
pub(super) fn acting(row: &mut Columns<'_>, [user, kind, id]: [&str; 3]) -> Result<Acting, Fault> {
    let (user, kind, id) = (row.next(user)?, row.next(kind)?, row.next(id)?);
    Ok(Acting::stored(user, kind, id))
}
