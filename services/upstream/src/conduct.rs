//! How an address behaves, as far as its answers show: whether it says that it serves,
//! whether calls fail there one after the other, whether it says anything at all. Other
//! addresses are not known here, nor whether there are any.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::clock::millis;

/// Calls that fail one after the other until an address is left out.
const FAILURES: u32 = 5;
/// How long it is not asked first; each further time doubles that.
const LEFT_OUT: Duration = Duration::from_secs(5);
/// How often it is doubled at most.
const DOUBLED: u32 = 4;
/// How long an address may say nothing while calls wait for it.
const SILENCE: Duration = Duration::from_secs(1);
/// How long a word that it does not serve is believed: until it is asked again, with some room.
const BELIEVED: Duration = Duration::from_secs(10);

/// What the answers of an address have shown.
#[derive(Debug, Default)]
pub struct Conduct {
    /// Calls that wait for the head of their answer.
    waiting: AtomicU32,
    /// Since when such calls have heard nothing; 0 if none has waited since it said something.
    unheard_since: AtomicU64,
    /// When one call may try whether it says something again, and how often one has.
    tried_at: AtomicU64,
    tried: AtomicU32,
    /// Calls that failed since the last one that did not.
    failures: AtomicU32,
    /// Until when it is left out for them, and how often it was since then.
    left_out_until: AtomicU64,
    left_out: AtomicU32,
    /// Until when it is believed that it does not serve.
    away_until: AtomicU64,
}

impl Conduct {
    /// A call is sent there.
    pub fn asked(&self, now: u64) {
        self.waiting.fetch_add(1, Relaxed);
        // Mostly others wait, or none: nothing is written that is there already.
        if self.unheard_since.load(Relaxed) == 0 {
            self.unheard_since.compare_exchange(0, now, Relaxed, Relaxed).unwrap_or_default();
        }
    }

    /// The head of an answer has come.
    pub fn heard(&self, now: u64) {
        let others = self.waiting.fetch_sub(1, Relaxed) > 1;
        self.unheard_since.store(if others { now } else { 0 }, Relaxed);
        if self.tried.load(Relaxed) > 0 {
            self.tried.store(0, Relaxed);
        }
    }

    /// A call was given up before anything came. If nothing has come for long, the next one
    /// would wait as long: one alone tries it after a while.
    pub fn given_up(&self, now: u64) {
        let others = self.waiting.fetch_sub(1, Relaxed) > 1;
        if self.is_unheard(now) {
            if !others {
                let times = self.tried.fetch_add(1, Relaxed);
                self.tried_at.store(now + pause(times), Relaxed);
            }
        } else if !others {
            self.unheard_since.store(0, Relaxed);
        }
    }

    /// A call was answered, whatever the answer.
    pub fn succeeded(&self) {
        if self.failures.load(Relaxed) > 0 {
            self.failures.store(0, Relaxed);
            self.left_out.store(0, Relaxed);
            self.left_out_until.store(0, Relaxed);
        }
    }

    /// A call has failed there, and not by what it asked for. Of those that were sent before it
    /// was left out nobody learns more.
    pub fn failed(&self, now: u64) {
        if !self.is_left_out(now) {
            self.failures.fetch_add(1, Relaxed);
        }
    }

    /// It says that it serves. Whether it answers calls is known by calls.
    pub fn serves(&self) {
        self.away_until.store(0, Relaxed);
    }

    /// It says that it does not serve, or nothing in time.
    pub fn leaves(&self, now: u64) {
        self.away_until.fetch_max(now + millis(BELIEVED), Relaxed);
    }

    /// Whether it has said so not long ago.
    pub fn is_away(&self, now: u64) -> bool {
        self.away_until.load(Relaxed) > now
    }

    /// Whether the last call there did not fail.
    pub fn is_good(&self) -> bool {
        self.failures.load(Relaxed) == 0
    }

    /// Whether so many calls have failed that it should be left out, and is not.
    pub fn should_be_left_out(&self, now: u64) -> bool {
        self.failures.load(Relaxed) >= FAILURES && !self.is_left_out(now)
    }

    /// Leaves it out for a while. After that it has one call to show that it works. Of several
    /// callers that would do so for the same failures one does, and is told so.
    pub fn leave_out(&self, now: u64) -> bool {
        let failures = self.failures.load(Relaxed);
        if failures < FAILURES
            || self.failures.compare_exchange(failures, FAILURES - 1, Relaxed, Relaxed).is_err()
        {
            return false;
        }
        let times = self.left_out.fetch_add(1, Relaxed);
        self.left_out_until.store(now + pause(times), Relaxed);
        true
    }

    /// Whether it is left out now.
    pub fn is_left_out(&self, now: u64) -> bool {
        self.left_out_until.load(Relaxed) > now
    }

    /// Whether calls wait for it that have heard nothing for long, or had to give up.
    pub fn is_silent(&self, now: u64) -> bool {
        let may_be_tried = || self.waiting.load(Relaxed) == 0 && now >= self.tried_at.load(Relaxed);
        self.is_unheard(now) && !may_be_tried()
    }

    fn is_unheard(&self, now: u64) -> bool {
        let since = self.unheard_since.load(Relaxed);
        since > 0 && now >= since + millis(SILENCE)
    }

    /// Whether others should be asked before it.
    pub fn is_bad(&self, now: u64) -> bool {
        self.is_away(now)
            || self.failures.load(Relaxed) >= FAILURES
            || self.is_left_out(now)
            || self.is_silent(now)
    }
}

/// How long it is not asked, the first time and each further one.
fn pause(times: u32) -> u64 {
    millis(LEFT_OUT * 2_u32.pow(times.min(DOUBLED)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000;

    #[test]
    fn one_whose_calls_fail_is_left_out_for_longer_each_time_until_one_does_not() {
        let (conduct, mut now) = (Conduct::default(), 1);
        for _ in 1..FAILURES {
            conduct.failed(now);
            assert!(!conduct.should_be_left_out(now));
        }
        let mut times = Vec::new();
        for _ in 0..7 {
            conduct.failed(now);
            assert!(conduct.should_be_left_out(now));
            assert!(conduct.leave_out(now) && !conduct.leave_out(now), "for the same failures once");
            (0..FAILURES).for_each(|_| conduct.failed(now));
            let left_out = now;
            while conduct.is_bad(now) {
                assert!(!conduct.should_be_left_out(now));
                now += SECOND;
            }
            times.push((now - left_out) / SECOND);
        }
        assert_eq!(times, [5, 10, 20, 40, 80, 80, 80], "one more failure each time");
        conduct.succeeded();
        assert!(conduct.is_good());
        conduct.failed(now);
        assert!(!conduct.should_be_left_out(now));
    }

    #[test]
    fn one_that_says_nothing_is_silent_until_it_says_something() {
        let conduct = Conduct::default();
        conduct.asked(1);
        assert!(!conduct.is_silent(SECOND));
        conduct.asked(SECOND);
        assert!(
            conduct.is_silent(SECOND + 1) && conduct.is_bad(SECOND + 1),
            "the first one has waited so long"
        );
        conduct.heard(SECOND + 1);
        assert!(!conduct.is_silent(2 * SECOND));
        assert!(conduct.is_silent(2 * SECOND + 1), "the second one waits");
        conduct.given_up(3 * SECOND);
        conduct.serves();
        assert!(conduct.is_bad(4 * SECOND), "nobody waits, and nothing was said");
        // One call tries it, and keeps the others from it.
        assert!(!conduct.is_bad(8 * SECOND));
        conduct.asked(8 * SECOND);
        assert!(conduct.is_bad(8 * SECOND));
        conduct.given_up(10 * SECOND);
        assert!(conduct.is_bad(19 * SECOND), "the next one tries it later");
        conduct.asked(20 * SECOND);
        conduct.heard(50 * SECOND);
        assert!(!conduct.is_bad(50 * SECOND));
    }

    #[test]
    fn whoever_does_not_wait_says_nothing_of_an_address() {
        let conduct = Conduct::default();
        for now in 1..100 {
            conduct.asked(now * SECOND);
            conduct.given_up(now * SECOND + 900);
        }
        assert!(conduct.is_good() && !conduct.is_silent(u64::MAX >> 1));
    }

    #[test]
    fn a_word_that_it_does_not_serve_holds_until_it_says_otherwise() {
        let conduct = Conduct::default();
        conduct.leaves(5);
        conduct.leaves(1);
        assert!(conduct.is_bad(10 * SECOND + 4), "a late word takes nothing back");
        assert!(!conduct.is_bad(10 * SECOND + 5));
        conduct.leaves(5);
        conduct.failed(5);
        conduct.serves();
        assert!(!conduct.is_bad(7) && !conduct.is_good(), "that calls fail there is known by calls");
    }
}
