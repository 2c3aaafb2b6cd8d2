//! Refusals that come late. A refusal says when to try again; whoever does so at once instead
//! would keep services and gateway busy with refusals, however little each of them costs. So
//! those who are told apart ([`throttle`](super::throttle)) get theirs after a pause, the
//! longer the more of them wait: up to eight hundred callers who ask again at once get hardly
//! more than a thousand refusals a second. What more of them ask is bounded by limits.

use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::time::sleep;

/// Short beside the second that refusals ask to wait for, so that whoever waits loses little.
const SHORTEST: Duration = Duration::from_millis(100);
/// What each refusal that waits adds: so many milliseconds for as many refusals are a thousand
/// a second.
const FOR_EACH: Duration = Duration::from_millis(1);
/// Those who call with a second get the refusal, and not their deadline.
const LONGEST: Duration = Duration::from_millis(800);
/// Of the time that a caller still waits, half is for the way back. Who waits for less than
/// the shortest pause meets its own deadline.
const OF_TIME_LEFT: u32 = 2;
/// Refusals that may wait at once: each holds a few kilobytes. Others come at once.
const MOST: usize = 4_096;

#[derive(Debug)]
pub struct Tarpit {
    places: Semaphore,
}

impl Default for Tarpit {
    fn default() -> Self {
        Self { places: Semaphore::new(MOST) }
    }
}

impl Tarpit {
    /// Comes back when a refusal may be answered, whose caller waits until then if it says so.
    pub async fn pause(&self, until: Option<Instant>) {
        if let Ok(_place) = self.places.try_acquire() {
            let waiting = u32::try_from(MOST - self.places.available_permits()).unwrap_or(u32::MAX);
            let pause = (FOR_EACH * waiting).clamp(SHORTEST, LONGEST);
            let left = until.map(|until| until.saturating_duration_since(Instant::now()) / OF_TIME_LEFT);
            sleep(left.map_or(pause, |left| left.clamp(SHORTEST, pause))).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use futures::future::join_all;
    use tokio::time::Instant as Clock;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn refusals_come_late_but_never_more_of_them_than_there_are_places() {
        let (tarpit, began) = (Tarpit::default(), Clock::now());
        let mut waiting = Box::pin(join_all((0..MOST).map(|_| tarpit.pause(None))));
        assert!(waiting.as_mut().now_or_never().is_none());
        assert!(tarpit.pause(None).now_or_never().is_some(), "one more waits as well");
        waiting.await;
        assert_eq!(began.elapsed(), LONGEST);
        assert!(tarpit.pause(None).now_or_never().is_none(), "no place was given back");
    }

    #[tokio::test(start_paused = true)]
    async fn six_hundred_who_ask_again_at_once_get_hardly_more_than_a_thousand_in_a_second() {
        let (tarpit, began) = (Tarpit::default(), Clock::now());
        let refusals = join_all((0..600).map(async |_| {
            let mut refusals = 0;
            while began.elapsed() < Duration::from_secs(10) {
                tarpit.pause(None).await;
                refusals += 1;
            }
            refusals
        }));
        let all: u32 = refusals.await.into_iter().sum();
        assert!((9_000..=12_500).contains(&all), "{all} in ten seconds");
        // One alone waits no longer than before.
        let began = Clock::now();
        tarpit.pause(None).await;
        assert_eq!(began.elapsed(), SHORTEST);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_for_a_short_time_has_the_refusal_within_it() {
        let (tarpit, began) = (Tarpit::default(), Clock::now());
        let others = join_all((0..500).map(|_| tarpit.pause(None)));
        let hasty = tarpit.pause(Some(Instant::now() + Duration::from_millis(400)));
        let (_others, waited) = tokio::join!(others, async {
            hasty.await;
            began.elapsed()
        });
        assert!((190..=201).contains(&waited.as_millis()), "{waited:?}");
        // Nobody gets rid of it by waiting for nothing.
        let began = Clock::now();
        tarpit.pause(Some(Instant::now())).await;
        assert_eq!(began.elapsed(), SHORTEST);
    }
}
