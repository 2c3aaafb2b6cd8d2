//! Whether an address can be connected to. What came of an attempt is known to all who would
//! try it: nobody waits for an address again that has just failed, and the longer it fails,
//! the more seldom it is tried.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::millis;

/// Time from a failure to the next attempt; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Most of it. Nobody waits meanwhile; whoever comes back gets its calls after as long.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// The same where nobody else takes a call, which fails until somebody does.
const PAUSE_IN_NEED: Duration = Duration::from_millis(250);

/// What came of the attempts to connect to an address.
#[derive(Debug, Default)]
pub struct Reach(Mutex<Failed>);

#[derive(Debug, Default)]
struct Failed {
    /// Failures since a connection was made.
    times: u32,
    at: u64,
    again_at: u64,
    cause: String,
}

impl Reach {
    /// Whether it may be tried again.
    pub fn is_due(&self, now: u64) -> bool {
        let failed = self.failed_so_far();
        failed.times == 0 || now >= failed.again_at
    }

    /// The same where no other address takes calls.
    pub fn is_due_in_need(&self, now: u64) -> bool {
        let failed = self.failed_so_far();
        failed.times == 0 || now >= failed.at + millis(PAUSE_IN_NEED)
    }

    /// Why it could not be reached, if it could not.
    pub fn cause(&self) -> Option<String> {
        let failed = self.failed_so_far();
        (failed.times > 0).then(|| failed.cause.clone())
    }

    /// An attempt that began then has failed; says whether that is new. Those that were under
    /// way together have failed once.
    pub fn has_failed(&self, began: u64, now: u64, cause: &str) -> bool {
        let mut failed = self.failed_so_far();
        if failed.times > 0 && began <= failed.at {
            return false;
        }
        let pause = (FIRST_PAUSE * 2_u32.pow(failed.times.min(4))).min(LONGEST_PAUSE);
        // So that many processes do not try it at the same time.
        let spread = pause.mul_f32(fastrand::f32() / 5.0);
        let times = failed.times.saturating_add(1);
        let again_at = now + millis(pause.saturating_sub(spread));
        *failed = Failed { times, at: now, again_at, cause: cause.to_owned() };
        times == 1
    }

    /// A connection was made; says whether none could be before.
    pub fn is_reached(&self) -> bool {
        std::mem::take(&mut *self.failed_so_far()).times > 0
    }

    fn failed_so_far(&self) -> MutexGuard<'_, Failed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_tried_more_and_more_seldom_and_at_once_when_it_was_reached() {
        let (reach, mut now) = (Reach::default(), 1);
        assert!(reach.is_due(now) && reach.is_due_in_need(now) && reach.cause().is_none());
        let mut pauses = Vec::new();
        for _ in 0..8 {
            let failed = now;
            assert_eq!(reach.has_failed(now, now, "gone"), pauses.is_empty());
            assert!(!reach.is_due(now) && !reach.is_due_in_need(now));
            assert!(reach.is_due_in_need(now + 250), "nobody else may be there");
            while !reach.is_due(now) {
                now += 10;
            }
            pauses.push(now - failed);
        }
        for (pause, most) in pauses.iter().zip([1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000, 10_000]) {
            assert!((most * 4 / 5..=most + 10).contains(pause), "{pauses:?}");
        }
        assert_eq!(reach.cause().as_deref(), Some("gone"));
        assert!(reach.is_reached() && reach.is_due(now) && reach.cause().is_none());
        assert!(!reach.is_reached());
    }

    #[test]
    fn attempts_that_were_under_way_together_fail_once() {
        let reach = Reach::default();
        assert!(reach.has_failed(1, 2_000, "late"));
        assert!(!reach.has_failed(1, 2_001, "later"));
        assert!(reach.is_due(3_001), "the pause was doubled");
    }
}
