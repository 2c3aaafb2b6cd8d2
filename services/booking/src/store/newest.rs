//! What the latest look found, where several looks may be under way: one that began
//! earlier and ends later saw an older state and must not be taken for the newer one.
//! What is looked at is not known here.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

/// What was found by the look that began last, among those that have ended.
#[derive(Debug)]
pub struct Newest<T> {
    begun: AtomicU64,
    found: RwLock<Option<(u64, T)>>,
}

/// A look's place among the others.
#[derive(Debug)]
struct Place(u64);

impl<T> Default for Newest<T> {
    fn default() -> Self {
        Self { begun: AtomicU64::new(0), found: RwLock::new(None) }
    }
}

impl<T: Clone> Newest<T> {
    /// Nothing before a look has ended.
    pub fn get(&self) -> Option<T> {
        let found = self.found.read().unwrap_or_else(PoisonError::into_inner);
        found.as_ref().map(|(_, found)| found.clone())
    }

    /// Looks, and keeps what was found, unless a look that began later has ended before.
    /// Gives back what is kept then.
    pub async fn look<E>(&self, look: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let place = self.begin();
        Ok(self.keep(place, look.await?))
    }

    fn begin(&self) -> Place {
        Place(self.begun.fetch_add(1, Ordering::Relaxed))
    }

    fn keep(&self, Place(own): Place, found: T) -> T {
        let mut kept = self.found.write().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some((later, newer)) if *later > own => newer.clone(),
            _ => {
                *kept = Some((own, found.clone()));
                found
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::channel::oneshot;
    use futures::future::{join, ready};

    use super::*;

    /// A look that is under way until somebody says what it has found.
    fn slow() -> (oneshot::Sender<&'static str>, impl Future<Output = Result<&'static str, ()>>) {
        let (say, said) = oneshot::channel();
        (say, async { said.await.map_err(drop) })
    }

    #[tokio::test]
    async fn a_look_that_began_earlier_and_ends_later_changes_nothing() {
        let newest = Newest::default();
        assert_eq!(newest.get(), None);
        let (say, slow) = slow();
        let quick = async {
            let found = newest.look(ready(Ok::<_, ()>("new"))).await;
            say.send("old").unwrap();
            found
        };
        let (slow, quick) = join(newest.look(slow), quick).await;
        assert_eq!((slow, quick), (Ok("new"), Ok("new")), "whoever looked gets the newer one, too");
        assert_eq!(newest.get(), Some("new"));
        assert_eq!(newest.look(ready(Ok::<_, ()>("newer"))).await, Ok("newer"));
        assert_eq!(newest.get(), Some("newer"));
    }

    #[tokio::test]
    async fn looks_that_end_as_they_began_are_kept_one_after_the_other_and_failures_are_not() {
        let newest = Newest::default();
        let ((say_first, first), (say_second, second)) = (slow(), slow());
        let say = async {
            say_first.send("first").unwrap();
            say_second.send("second").unwrap();
        };
        let (first, (second, ())) = join(newest.look(first), join(newest.look(second), say)).await;
        assert_eq!((first, second), (Ok("first"), Ok("second")));
        assert_eq!(newest.look(ready(Err("nothing"))).await, Err("nothing"));
        assert_eq!(newest.get(), Some("second"));
    }
}
