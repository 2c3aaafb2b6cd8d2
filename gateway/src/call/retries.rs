//! How many calls of a service are tried again: a fifth of all. While one address of it fails,
//! its calls go to the others; when all of them fail, or have too much to do, trying again would
//! only double it.

use std::sync::atomic::{AtomicU32, Ordering};

use boot::Count;

/// What trying again costs, in what a call earns.
const COST: u32 = 5;
/// What is saved at most, for the time when an address begins to fail.
const MOST_SAVED: u32 = 50 * COST;

/// What calls have earned.
#[derive(Debug)]
pub struct Retries {
    saved: AtomicU32,
    /// How often a call was not tried again.
    spared: Count,
}

impl Default for Retries {
    fn default() -> Self {
        Self { saved: AtomicU32::new(MOST_SAVED), spared: Count::default() }
    }
}

impl Retries {
    /// A call was made.
    pub fn earn(&self) {
        let more = |saved| (saved < MOST_SAVED).then_some(saved + 1);
        // Nothing to add to what is full.
        self.saved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).unwrap_or_default();
    }

    /// Whether a call may be tried again; it is paid for then.
    pub fn spend(&self) -> bool {
        let less = |saved: u32| saved.checked_sub(COST);
        let may = self.saved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok();
        if !may {
            self.spared.add_one();
        }
        may
    }

    /// How many calls were not tried again although they could.
    pub fn spared(&self) -> u64 {
        self.spared.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_of_the_calls_is_tried_again_however_many_fail() {
        let retries = Retries::default();
        let mut again = 0;
        for _ in 0..10_000 {
            retries.earn();
            again += u32::from(retries.spend());
        }
        assert!((2_000..=2_050).contains(&again), "{again}");
        assert_eq!(retries.spared(), 10_000 - u64::from(again));
        for _ in 0..1_000 {
            retries.earn();
        }
        let burst = (0..1_000).filter(|_| retries.spend()).count();
        assert_eq!(burst, 50);
    }
}
