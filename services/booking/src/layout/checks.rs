//! What an operator is told of the layout: the live constraint, and what the
//! database lacks.

use pg::{Database, Fault};

use super::Found;
use crate::domain::approval::Layout;

/// The constraint against double bookings as the migration makes it. One that covers
/// what is sold only, `where (status in ('pending', 'confirmed', 'checked_in'))`, lets
/// open requests of the single table overlap.
pub const ADD_NO_DOUBLE_BOOKINGS: &str = "alter table bookings add constraint no_double_bookings \
    exclude using gist (tenant_id with =, property_id with =, daterange(check_in, check_out) with &&) \
    where (status not in ('cancelled', 'declined', 'no_show'))";

/// What the database looks like to booking.
#[derive(Debug)]
pub struct Inspection {
    /// `standard` or `single_table`.
    pub layout: &'static str,
    /// Which rows the constraint against double bookings covers: `LITERAL`,
    /// `CONFIRMED_ONLY`, `FLAG` or `MISSING`.
    pub request_hold: &'static str,
    /// The constraint as the database has it; empty when it is missing.
    pub constraint: String,
    /// What is missing, in the words that calls are refused with.
    pub problems: Vec<String>,
}

/// Looks at a database as the service does.
pub async fn inspect(database: &Database) -> Result<Inspection, Fault> {
    let found = Found::detect(database).await?;
    Ok(Inspection {
        layout: match found.layout {
            Layout::Standard => "standard",
            Layout::SingleTable => "single_table",
        },
        request_hold: found.request_hold.name(),
        problems: found.problem_sentences(),
        constraint: found.constraint,
    })
}
