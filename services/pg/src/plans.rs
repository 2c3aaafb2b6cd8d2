//! Plans that are made again. A session keeps the plan of a statement until the statistics
//! of its tables change. One that was made while a table was empty has chosen among
//! indexes that were alike then, perhaps the one that leads to every row of a tenant, and
//! statistics change a minute after many rows have come, or not at all where no autovacuum
//! runs. So a session lets go of its plans each time that it is twice as old as before:
//! none is older than half of the session's life, and tables do not outgrow it by far.
//! Planned anew, a statement goes by the size that its tables have, whatever their
//! statistics say.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Hook, HookError};

use crate::sessions::Sessions;

/// The age at which a session does it first.
const FIRST: Duration = Duration::from_secs(2);
/// How often it does it: up to an hour and more, when an autovacuum has long seen what the
/// first plans have not.
const TIMES: u32 = 12;
/// How long the server may take for it.
const PATIENCE: Duration = Duration::from_secs(1);

/// Lets sessions of their own do that when they are taken from the pool.
pub(crate) fn made_again(sessions: &Arc<Sessions>) -> Hook {
    let sessions = Arc::clone(sessions);
    Hook::async_fn(move |client, metrics| {
        let before = metrics.recycled.map_or(Duration::ZERO, |at| at.duration_since(metrics.created));
        let is_due = times(metrics.created.elapsed()) > times(before) && sessions.are_own();
        Box::pin(async move {
            if !is_due {
                return Ok(());
            }
            // The pool gives a hook no time of its own: a server that says nothing would
            // keep whoever wants a connection.
            match tokio::time::timeout(PATIENCE, client.batch_execute("discard plans")).await {
                Ok(done) => done.map_err(HookError::Backend),
                Err(_) => Err(HookError::message("the database did not answer in time")),
            }
        })
    })
}

/// How often a session of this age has done it.
fn times(age: Duration) -> u32 {
    let ages = age.as_millis() / FIRST.as_millis();
    ages.checked_ilog2().map_or(0, |doubled| doubled + 1).min(TIMES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_made_again_at_each_age_that_is_twice_the_one_before() {
        let at = |seconds: u64| times(Duration::from_secs(seconds));
        let ages = [0, 1, 2, 3, 4, 7, 8, 16, 4095, 4096, 86_400];
        assert_eq!(ages.map(at), [0, 0, 1, 1, 2, 2, 3, 4, 11, 12, 12]);
    }
}
