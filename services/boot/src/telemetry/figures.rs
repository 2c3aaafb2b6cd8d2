//! What is counted while calls are made: adding to a figure takes no lock and no memory.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

/// Upper bounds of the buckets of [`Seconds`], in microseconds.
const BOUNDS: [u64; 13] = [
    1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
    10_000_000,
];

/// How often something happened.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

/// How long something took, each time.
#[derive(Debug, Default)]
pub struct Seconds {
    /// One more than bounds: the last one is for whatever took longer.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    microseconds: AtomicU64,
}

/// Something that goes on, and is counted until it is dropped.
#[derive(Debug)]
pub struct UnderWay<'c>(&'c Count);

impl Count {
    /// It happened once more.
    pub fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// One that had been added is over.
    pub fn take_one(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// Counts until what is returned is dropped.
    pub fn while_under_way(&self) -> UnderWay<'_> {
        self.add_one();
        UnderWay(self)
    }

    /// How often so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.take_one();
    }
}

impl Seconds {
    /// It took so long once more.
    pub fn add(&self, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.buckets[BOUNDS.partition_point(|bound| *bound < took)].fetch_add(1, Ordering::Relaxed);
        self.microseconds.fetch_add(took, Ordering::Relaxed);
    }

    /// What happened then was done with now; how long that took.
    pub fn add_since(&self, then: Timestamp) -> Duration {
        let took = Timestamp::now().duration_since(then).try_into().unwrap_or_default();
        self.add(took);
        took
    }

    /// How often it took at most so many seconds, by bounds as they are written, with
    /// the last one for all; and the sum of seconds.
    pub(super) fn read(&self) -> (Vec<(String, u64)>, f64) {
        let bounds = BOUNDS.iter().map(|bound| seconds(*bound).to_string()).chain(["+Inf".to_owned()]);
        let mut sum = 0;
        let buckets = bounds.zip(&self.buckets).map(|(bound, count)| {
            sum += count.load(Ordering::Relaxed);
            (bound, sum)
        });
        (buckets.collect(), seconds(self.microseconds.load(Ordering::Relaxed)))
    }
}

#[expect(clippy::cast_precision_loss, reason = "285 years of microseconds are below 2^53")]
fn seconds(microseconds: u64) -> f64 {
    microseconds as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_is_in_every_bucket_that_it_fits() {
        let seconds = Seconds::default();
        for micros in [999, 1_000, 1_001, 20_000_000] {
            seconds.add(Duration::from_micros(micros));
        }
        let (buckets, sum) = seconds.read();
        assert_eq!(buckets[0], ("0.001".to_owned(), 2));
        assert_eq!(buckets[1], ("0.0025".to_owned(), 3));
        assert_eq!(buckets[12], ("10".to_owned(), 3));
        assert_eq!(buckets[13], ("+Inf".to_owned(), 4));
        assert!((sum - 20.003).abs() < 1e-9, "{sum}");
    }

    #[test]
    fn what_goes_on_is_counted_while_it_does() {
        let count = Count::default();
        {
            let (_one, _other) = (count.while_under_way(), count.while_under_way());
            assert_eq!(count.get(), 2);
        }
        assert_eq!(count.get(), 0);
    }
}
