//! Refusals that come late. A refusal says when to try again; whoever does so at once instead
//! would keep services and gateway busy with refusals, however little each of them costs. So
//! those who are told apart ([`throttle`](super::throttle)) get theirs after a pause, and have
//! no more of them in a second than calls of theirs fit into it.

use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::sleep;

/// Short beside the second that refusals ask to wait for, so that whoever waits loses little.
const PAUSE: Duration = Duration::from_millis(100);
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
    /// Comes back when a refusal may be answered.
    pub async fn pause(&self) {
        if let Ok(_place) = self.places.try_acquire() {
            sleep(PAUSE).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use futures::future::join_all;
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn refusals_come_late_but_never_more_of_them_than_there_are_places() {
        let (tarpit, began) = (Tarpit::default(), Instant::now());
        let mut waiting = Box::pin(join_all((0..MOST).map(|_| tarpit.pause())));
        assert!(waiting.as_mut().now_or_never().is_none());
        assert!(tarpit.pause().now_or_never().is_some(), "one more waits as well");
        waiting.await;
        assert_eq!(began.elapsed(), PAUSE);
        assert!(tarpit.pause().now_or_never().is_none(), "no place was given back");
    }
}
