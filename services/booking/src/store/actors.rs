//! Who did something, as rows have it.

use pg::{Columns, Fault};

use crate::domain::actor::Acting;

/// The next three columns: the user, and the actor's kind and id.
pub(super) fn acting(row: &mut Columns<'_>, [user, kind, id]: [&str; 3]) -> Result<Acting, Fault> {
    let (user, kind, id) = (row.or_empty(user)?, row.or_empty(kind)?, row.or_empty(id)?);
    Ok(Acting::stored(user, kind, id))
}
