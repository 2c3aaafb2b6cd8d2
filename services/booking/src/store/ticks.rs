//! The sequence that ticks come from. It is not part of a table, so logical replication
//! leaves it behind the ticks that it brings, and new events would be sorted before those
//! that have no number yet. Numbered ones have been sent.

use pg::{Database, Fault};

pg::statements! {
    /// Locks the sequence of ticks for whoever moves it.
    LockTicks = "lock_ticks" ();
    /// Moves the sequence of ticks ahead of those that wait for a number.
    KeepTicksAhead = "keep_ticks_ahead" ();
}

/// Moves the sequence ahead of the ticks that wait for a number, if it is behind; as the
/// role that sees them in all tenants.
pub(super) async fn keep_ahead(db: &Database, sweeper: &'static str) -> Result<(), Fault> {
    let tx = db.begin_as(sweeper).await?;
    tx.run(&LockTicks {}).await?;
    if !tx.run_last(&KeepTicksAhead {}).await?.is_empty() {
        tracing::warn!(
            "the sequence of ticks was behind stored events, as replication leaves it; it is ahead now"
        );
    }
    Ok(())
}
