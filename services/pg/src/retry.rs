//! Trying a whole transaction again, decisions included (PostgreSQL 13.5).

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use crate::sessions::LEAVE_EVERY;
use crate::{Fault, Kind};

/// Most transactions for one call, whatever the cause of each new one.
const TRANSACTIONS: u32 = 3;

tokio::task_local! {
    /// Set while statements are sent whole, see [`send_whole`].
    static IS_SENT_WHOLE: ();
}

/// Whether statements are to be sent whole here, and not by the names that they were prepared
/// under.
pub(crate) fn are_sent_whole() -> bool {
    IS_SENT_WHOLE.try_with(|()| ()).is_ok()
}

/// Runs `work` with its statements sent whole, after one of them was prepared before somebody
/// altered its tables. A migration alters several, one after the other, and each makes what was prepared by then
/// stale. What is sent whole is prepared in its own transaction, which keeps its tables as they
/// are, and cannot go stale.
async fn send_whole<T>(work: impl Future<Output = T>) -> T {
    IS_SENT_WHOLE.scope((), work).await
}

/// An error of a change that a database fault may have caused.
pub trait HasFault {
    /// The fault, if the database is the cause.
    fn fault(&self) -> Option<&Fault>;

    /// Whether the transaction found that it has to be made in another way: with
    /// more locks, or in the layout that the database has by now.
    fn needs_another_attempt(&self) -> bool {
        false
    }
}

impl HasFault for Fault {
    fn fault(&self) -> Option<&Fault> {
        Some(self)
    }
}

/// Runs `work`, a transaction, and runs it again after a deadlock, a serialization
/// failure, a stale prepared statement or a connection that led to a standby and is
/// given up, and when it needs another attempt; in each of these nothing was stored. This is
/// the only loop over transactions: one inside another would multiply them. What layout the
/// tables have is read by itself, and has a loop of its own, in `booking::layout`.
pub async fn retrying<T, E, F, W>(work: F) -> Result<T, E>
where
    E: HasFault,
    F: FnMut() -> W,
    W: Future<Output = Result<T, E>>,
{
    retrying_after(0, work).await
}

/// The same for a call that has begun so many transactions already.
pub async fn retrying_after<T, E, F, W>(begun: u32, mut work: F) -> Result<T, E>
where
    E: HasFault,
    F: FnMut() -> W,
    W: Future<Output = Result<T, E>>,
{
    let (mut transaction, mut is_stale) = (begun + 1, false);
    loop {
        // Few are stale, and all others would carry a second future of this size.
        let outcome = if is_stale { Box::pin(send_whole(work())).await } else { work().await };
        let error = match outcome {
            Err(error) if transaction < TRANSACTIONS => error,
            result => return result,
        };
        match error.fault().map(Fault::kind) {
            _ if error.needs_another_attempt() => {}
            Some(Kind::StaleStatement) => is_stale = true,
            Some(Kind::StaleSession) => {}
            Some(Kind::Contention) => tokio::time::sleep(pause(transaction)).await,
            // What comes after the next one has a connection that is newer than that.
            Some(Kind::ReadOnly) => tokio::time::sleep(LEAVE_EVERY + pause(transaction)).await,
            _ => return Err(error),
        }
        tracing::debug!(transaction, fault = ?error.fault(), "transaction tried again");
        transaction += 1;
    }
}

/// 20 to 100 ms, more with each transaction, at random, so that rivals part.
fn pause(transaction: u32) -> Duration {
    // Each `RandomState` has keys of its own.
    let random = RandomState::new().hash_one(transaction);
    Duration::from_millis(u64::from(transaction) * 20 + random % 60)
}
