//! Forgets what nobody looks at any more: failed logins, factors that were never verified, and
//! audit events and sessions that are older than the settings keep them.

use std::time::Duration;

use boot::Background;
use jiff::{SignedDuration, Timestamp};

use crate::domain::clocks;
use crate::domain::delivery::LONGEST;
use crate::domain::session::ABSOLUTE;
use crate::error::Error;
use crate::store::Store;

/// How often.
const EVERY: Duration = Duration::from_mins(1);
/// How often what is kept for days is looked at.
const EVERY_HOUR: Duration = Duration::from_hours(1);
/// How long failed logins are kept after their window.
const KEEP_WINDOWS: SignedDuration = SignedDuration::from_hours(24);
/// How long known pairs of account and address are kept after the last login.
const KEEP_PAIRS: SignedDuration = SignedDuration::from_hours(90 * 24);
/// How long dead letters are kept, and invitations and tokens that have expired.
const KEEP_DEAD_LETTERS: SignedDuration = SignedDuration::from_hours(30 * 24);
const KEEP_TOKENS: SignedDuration = SignedDuration::from_hours(24);
/// How long a factor is kept that was not verified in time.
const KEEP_UNVERIFIED: SignedDuration = SignedDuration::from_hours(1);
/// Rows that one statement forgets, so that none lasts.
const PIECE: i32 = 1000;
/// Statements of a run, so that the first one in a database of years ends, too.
const PIECES: usize = 500;

/// Starts the tasks.
pub fn start(room: &Background, store: &Store) {
    let old = store.clone();
    room.every(EVERY, "forget old failed logins", move || {
        let store = old.clone();
        async move {
            let now = Timestamp::now();
            store.forget_old_attempts(now - KEEP_WINDOWS, now - KEEP_PAIRS).await?;
            store.forget_old_factors(now - KEEP_UNVERIFIED, PIECE.into()).await?;
            if store.policy().mail.is_none() {
                store.forget_unsent_mail(now - LONGEST, now).await?;
            }
            store.forget_mail(now - KEEP_DEAD_LETTERS, now - KEEP_TOKENS).await?;
            // By the clock of any other server they are over, too.
            store.forget_assertions(now - clocks::APART).await
        }
    });
    let store = store.clone();
    room.every(EVERY_HOUR, "forget old audit events and sessions", move || {
        let store = store.clone();
        async move { forget_old(&store, Timestamp::now()).await }
    });
}

/// Forgets audit events and sessions that are older than they are kept, piece by piece.
async fn forget_old(store: &Store, now: Timestamp) -> Result<(), Error> {
    let policy = store.policy();
    for _ in 0..PIECES {
        let events = store.forget_audit_events(now - policy.audit_keep, PIECE).await?;
        let sessions = store.forget_sessions(now - ABSOLUTE - policy.session_keep, PIECE).await?;
        if events.max(sessions) < i64::from(PIECE) {
            return Ok(());
        }
    }
    Ok(())
}
