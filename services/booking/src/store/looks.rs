//! Looks at the schema that are shared: however many ask at the same time, the database is asked
//! once. A look is the process's own: it has the deadline and the turn of nobody's call, and does
//! not end with whoever asked first.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use pg::{Fault, Kind};
use tokio::time::Instant;

/// What a look has found, or why it has found nothing.
pub type Found<T> = Result<T, Arc<Fault>>;

/// The last look, and the one under way. Clones are the same.
#[derive(Debug, Clone)]
pub struct Looks<T>(Arc<Mutex<State<T>>>);

#[derive(Debug)]
struct State<T> {
    last: Option<Ended<T>>,
    under_way: Option<Shared<BoxFuture<'static, Found<T>>>>,
}

#[derive(Debug)]
struct Ended<T> {
    at: Instant,
    found: Found<T>,
}

impl<T> Default for Looks<T> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(State { last: None, under_way: None })))
    }
}

impl<T: Clone + Send + Sync + 'static> Looks<T> {
    /// What a look has found that ended since then, or the one under way will have found; `look`
    /// is a new one for when there is neither.
    pub async fn ended_since(
        &self,
        since: Instant,
        look: impl Future<Output = Result<T, Fault>> + Send + 'static,
    ) -> Found<T> {
        let under_way = {
            let mut state = self.state();
            match &state.last {
                Some(last) if last.at >= since => return last.found.clone(),
                _ => state.under_way.get_or_insert_with(|| self.begin(look)).clone(),
            }
        };
        under_way.await
    }

    fn begin(
        &self,
        look: impl Future<Output = Result<T, Fault>> + Send + 'static,
    ) -> Shared<BoxFuture<'static, Found<T>>> {
        let looks = self.clone();
        let task = tokio::spawn(async move {
            let looked = AssertUnwindSafe(look).catch_unwind().await;
            let found = looked.unwrap_or_else(|_| Err(cut_off())).map_err(Arc::new);
            let mut state = looks.state();
            state.under_way = None;
            state.last = Some(Ended { at: Instant::now(), found: found.clone() });
            found
        });
        task.map(|ended| ended.unwrap_or_else(|_| Err(Arc::new(cut_off())))).boxed().shared()
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// It panicked, which is logged, or the process ends.
fn cut_off() -> Fault {
    Fault::new(Kind::Other, "the look at the schema was cut off")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use futures::future::join_all;
    use tokio::time::sleep;

    use super::*;

    /// Looks that take a second each and have found their number; every second one fails.
    #[derive(Default)]
    struct Source {
        looks: Looks<u32>,
        begun: Arc<AtomicU32>,
    }

    impl Source {
        async fn ended_since(&self, since: Instant) -> Result<u32, String> {
            let begun = Arc::clone(&self.begun);
            let look = async move {
                let number = begun.fetch_add(1, Ordering::Relaxed);
                sleep(Duration::from_secs(1)).await;
                assert!(number != 2, "the third one panics");
                if number.is_multiple_of(2) { Ok(number) } else { Err(Fault::new(Kind::Unavailable, "gone")) }
            };
            self.looks.ended_since(since, look).await.map_err(|fault| fault.to_string())
        }

        async fn now(&self) -> Result<u32, String> {
            self.ended_since(Instant::now()).await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_at_the_same_time_shares_a_look_and_who_comes_later_has_another() {
        let source = Source::default();
        let asked = join_all((0..8).map(|_| source.now())).await;
        assert!(asked.iter().all(|found| *found == Ok(0)), "{asked:?}");
        sleep(Duration::from_millis(1)).await;
        let asked = join_all((0..8).map(|_| source.now())).await;
        assert!(asked.iter().all(|found| found.as_ref().is_err_and(|why| why.contains("gone"))), "{asked:?}");
        assert_eq!(source.begun.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_found_a_while_ago_is_enough_for_who_says_so() {
        let source = Source::default();
        assert_eq!(source.now().await, Ok(0));
        sleep(Duration::from_millis(500)).await;
        assert_eq!(source.ended_since(Instant::now() - Duration::from_secs(1)).await, Ok(0));
        assert!(source.ended_since(Instant::now() - Duration::from_millis(400)).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_goes_on_when_who_asked_first_has_left_and_one_that_panics_ends_itself_only() {
        let source = Source::default();
        let left = tokio::time::timeout(Duration::from_millis(100), source.now()).await;
        assert!(left.is_err());
        assert_eq!(source.now().await, Ok(0), "it is the look of the one who left");
        sleep(Duration::from_millis(1)).await;
        assert!(source.now().await.is_err());
        sleep(Duration::from_millis(1)).await;
        assert!(source.now().await.unwrap_err().contains("cut off"));
        sleep(Duration::from_millis(1)).await;
        assert!(source.now().await.unwrap_err().contains("gone"));
        sleep(Duration::from_millis(1)).await;
        assert_eq!(source.now().await, Ok(4));
    }
}
