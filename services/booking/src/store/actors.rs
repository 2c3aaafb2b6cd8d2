//! Who did something, as rows have it.

use pg::{Columns, Fault};

use crate::domain::actor::{Acting, KINDS};

/// The next three columns: the user, and the actor's kind and id.
pub(super) fn acting(row: &mut Columns<'_>, [user, kind, id]: [&str; 3]) -> Result<Acting, Fault> {
    let (user, kind, id) = (row.or_empty(user)?, row.or_empty::<&str>(kind)?, row.or_empty(id)?);
    if !kind.is_empty() && !KINDS.contains(&kind) {
        tracing::warn!(kind, "a row has a kind of actor that this version does not know");
    }
    Ok(Acting::stored(user, kind, id))
}
