//! How long the reader waits between two looks. Each look costs about as much, however many
//! events it finds, so there are fewer of them as long as events come to their streams in
//! time. Half of the wait is in the time of the event in the middle.

use std::time::Duration;

/// Least and longest time between two looks.
const LEAST: Duration = Duration::from_millis(25);
const LONGEST: Duration = Duration::from_millis(32);
/// By how much it gets longer at once.
const STEP: Duration = Duration::from_millis(1);
/// It gets longer while the event in the middle is handed out within this, and is the least
/// again from that on. Below 20 ms, which the middle is to be under, since what is sent is
/// on its way for a while.
const FAST: Duration = Duration::from_millis(18);
const SLOW: Duration = Duration::from_millis(19);
/// Events among which the middle is looked for.
const EVENTS: usize = 200;

/// The wait, and how late the last events were.
#[derive(Debug)]
pub struct Pace {
    wait: Duration,
    lags: Vec<Duration>,
}

impl Default for Pace {
    fn default() -> Self {
        Self { wait: LEAST, lags: Vec::with_capacity(EVENTS) }
    }
}

impl Pace {
    /// How long to wait from the beginning of a look to that of the next one.
    pub fn wait(&self) -> Duration {
        self.wait
    }

    /// An event was handed out so long after it happened.
    pub fn handed_out(&mut self, lag: Duration) {
        self.lags.push(lag);
        if self.lags.len() < EVENTS {
            return;
        }
        let (_, middle, _) = self.lags.select_nth_unstable(EVENTS / 2);
        if *middle < FAST {
            self.wait = (self.wait + STEP).min(LONGEST);
        } else if *middle >= SLOW {
            self.wait = LEAST;
        }
        self.lags.clear();
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    /// What a reader does for some seconds while an event happens every few milliseconds,
    /// each look of which takes so long: the longest wait, and the middle of the lags, in the
    /// second half of the time.
    async fn read(pace: &mut Pace, takes: Duration) -> (Duration, Duration) {
        let (began, mut happens) = (Instant::now(), Instant::now());
        let (mut longest, mut lags) = (Duration::ZERO, Vec::new());
        while began.elapsed() < Duration::from_secs(20) {
            let look = Instant::now();
            tokio::time::sleep(takes).await;
            while happens <= look {
                pace.handed_out(happens.elapsed());
                if began.elapsed() > Duration::from_secs(10) {
                    lags.push(happens.elapsed());
                    longest = longest.max(pace.wait());
                }
                happens += Duration::from_micros(2700);
            }
            tokio::time::sleep_until(look + pace.wait()).await;
        }
        lags.sort_unstable();
        (longest, lags[lags.len() / 2])
    }

    #[tokio::test(start_paused = true)]
    async fn there_are_fewer_looks_as_long_as_events_come_in_time() {
        let mut pace = Pace::default();
        assert_eq!(pace.wait(), LEAST);
        // On a fast machine, on others, and on one that is slow already.
        let mut seen = Vec::new();
        for takes in [1, 4, 9] {
            let (longest, middle) = read(&mut pace, Duration::from_millis(takes)).await;
            assert!(middle < Duration::from_millis(20) || takes == 9, "{takes} ms a look: {middle:?}");
            seen.push(longest.as_millis());
        }
        assert_eq!((seen[0], seen[2]), (32, 25), "{seen:?}");
        assert!((26..32).contains(&seen[1]), "{seen:?}");
    }

    #[test]
    fn the_wait_is_the_least_again_as_soon_as_the_middle_is_late_and_a_few_late_ones_change_nothing() {
        let mut pace = Pace::default();
        let mut all = |late: usize| {
            for event in 0..EVENTS {
                pace.handed_out(if event < late {
                    Duration::from_secs(3)
                } else {
                    FAST.saturating_sub(STEP)
                });
            }
            pace.wait()
        };
        assert_eq!((all(0), all(90)), (LEAST + STEP, LEAST + 2 * STEP));
        assert_eq!(all(110), LEAST);
    }
}
