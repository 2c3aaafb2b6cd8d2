//! How the database stores requests: in a table of their own, or as rows of the
//! table of bookings. The only room that knows the names and words in which the two
//! layouts differ; what a statement does is for the store to say.

mod blocking;
mod catalog;
pub mod checks;
pub mod columns;
pub mod detect;
pub mod indexes;
pub mod made;
pub mod migrated;
pub mod overlaps;
pub mod problem;
pub mod statuses;
mod types;
mod unreadable;
pub mod words;

use self::problem::Problem;

pub use self::blocking::Blocking;
pub use self::detect::{Found, RequestHold};
pub use self::statuses::Statuses;
pub use self::words::Words;

/// The role that sees what runs out in all tenants, and nothing else.
pub const SWEEPER: &str = "frontdesk_booking_sweeper";

/// The statements that look at the catalog, for the list of all statements.
pub fn statements() -> &'static [&'static pg::Declaration] {
    catalog::STATEMENTS
}
