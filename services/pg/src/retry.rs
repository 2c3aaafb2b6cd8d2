//! Trying a whole transaction again, decisions included (PostgreSQL 13.5).

use std::time::Duration;

use crate::Fault;

/// Most attempts at one transaction.
const ATTEMPTS: u32 = 3;

/// An error of a use case that may have a database fault behind it.
pub trait HasFault {
    /// The fault, if the database is the cause.
    fn fault(&self) -> Option<&Fault>;
}

impl HasFault for Fault {
    fn fault(&self) -> Option<&Fault> {
        Some(self)
    }
}

/// Runs `work`, and runs it again after a deadlock, a serialization failure, a
/// stale prepared statement or a connection that led to a standby and is given
/// up; in each of these nothing was stored.
pub async fn retrying<T, E, F, W>(mut work: F) -> Result<T, E>
where
    E: HasFault,
    F: FnMut() -> W,
    W: Future<Output = Result<T, E>>,
{
    let mut attempt = 1;
    loop {
        match work().await {
            Err(error) if attempt < ATTEMPTS && error.fault().is_some_and(Fault::may_retry) => {
                tracing::debug!(attempt, fault = ?error.fault(), "transaction tried again");
                tokio::time::sleep(jitter(attempt)).await;
                attempt += 1;
            }
            result => return result,
        }
    }
}

/// 20 to 250 ms, more with each attempt, spread so that rivals part.
fn jitter(attempt: u32) -> Duration {
    let random = uuid::Uuid::now_v7().as_bytes()[15];
    Duration::from_millis(u64::from(attempt) * 20 + u64::from(random) % 60)
}
