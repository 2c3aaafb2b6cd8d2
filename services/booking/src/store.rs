//! Booking's statements, a file for each table, one method for each statement. What
//! they mean together is decided by the changes.
//!
//! `tenant_id` is in every condition although row-level security adds it: one
//! mistake in either must not show a tenant to another.

mod actors;
pub mod approvals;
mod attempts;
mod booking_lists;
pub mod bookings;
pub mod change;
pub mod constraints;
pub mod customers;
mod database;
pub mod decisions;
mod events;
mod feed;
mod foreign;
mod ids;
pub mod inconsistencies;
mod inventory;
pub mod judged;
mod keys;
mod looked;
mod looks;
mod new_events;
mod newest;
mod own_writes;
mod properties;
mod reads;
pub mod rehearsal;
pub mod request_counts;
mod request_lists;
pub mod request_pages;
pub mod requests;
pub mod resolutions;
mod settings;
mod spellings;
mod statements;
pub mod surroundings;
mod tenants;
mod ticks;
mod unreadable;

use std::sync::Arc;

use pg::{Database, StatementError, Statements};

use crate::config::Policy;
use crate::domain::booking::BookingStatus::{CheckedIn, Confirmed, Pending};
use crate::domain::layout::Layout;
use crate::layout::{Blocking, Statuses};

pub use self::attempts::Before;
pub use self::change::{Attempt, Change, Finished, Work};
pub use self::database::Store;
pub use self::events::DueHold;
pub use self::feed::{FeedState, Looked, NUMBERED_AT_ONCE, Numbered, numbered_by_others};
pub use self::new_events::NewEvents;

/// The statements over this database, for a server with this policy.
pub fn open(db: Database, policy: Policy) -> Store {
    Store::new(db, statements::compiled, policy)
}

/// Every statement of each layout, for tests and for the command that prints one.
/// The first list is the standard layout's.
pub fn statements() -> Result<[Arc<Statements>; 2], StatementError> {
    let covered = Blocking::Covered(vec![Pending, Confirmed, CheckedIn]);
    let statuses = Statuses::default();
    let [standard, single_table] = Layout::ALL;
    Ok([
        statements::compiled(standard, &Blocking::NotFreed, &statuses)?,
        statements::compiled(single_table, &covered, &statuses)?,
    ])
}
