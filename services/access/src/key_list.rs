//! A list of keys that is fetched from somewhere: kept, renewed when it is old, and
//! fetched again when a token names a key that is not in it. Where it comes from, and
//! what a key is, is not known here.
//!
//! Nobody waits for a fetch but tokens whose key is not known: an old list is renewed
//! beside the calls that go by it, and no lock is held meanwhile. Made-up key ids cannot
//! flood whoever has the list, because fetches begin some time apart, whoever asks; and
//! they keep no good token out, because whoever names an unknown key gets the next fetch,
//! not the answer of an earlier one.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use crate::flight::Flight;

/// Most key ids that a fetch did not find which are remembered.
const MOST_MISSED: usize = 1_000;
/// Age at which the keys are fetched again although none is missing: a new key of ours
/// is published for longer than that before it signs.
const FRESH_FOR: Duration = Duration::from_mins(5);
/// How long a failed fetch answers for those who come after it.
const FAILURE_HOLDS: Duration = Duration::from_secs(1);

/// The keys of a list, each by its id, or why they cannot be had.
type Fetched<K, E> = Result<HashMap<String, K>, E>;

/// A list of keys `K`, of which a fetch fails with `E`. Clones are the same list.
#[derive(Debug)]
pub struct KeyList<K, E> {
    pace: Pace,
    known: Arc<RwLock<Known<K>>>,
    fetching: Arc<Mutex<Fetching<E>>>,
}

/// How often a list is fetched.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Shortest time from the beginning of a fetch to that of the next.
    pub spacing: Duration,
    /// How long a key id that a fetch did not find is refused without another one.
    pub missed_for: Duration,
    /// How long keys are trusted that could not be fetched again: whoever has the list may
    /// have withdrawn them.
    pub trusted_for: Duration,
}

#[derive(Debug)]
struct Known<K> {
    keys: HashMap<String, K>,
    fetched: Option<Instant>,
    /// When the keys were had last.
    had: Option<Instant>,
    /// Keys that are trusted no more, whatever a list says that was fetched before.
    revoked: HashSet<String>,
}

#[derive(Debug)]
struct Fetching<E> {
    under_way: Option<Flight<Result<(), E>>>,
    began: Option<Instant>,
    missed: HashMap<String, Instant>,
    failed: Option<(Instant, E)>,
}

impl<K, E> KeyList<K, E>
where
    K: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// Nothing yet; the list is fetched when a key is asked for.
    pub fn new(pace: Pace) -> Self {
        Self { pace, known: Arc::default(), fetching: Arc::default() }
    }

    /// A key that is in the list, or is in it after a fetch; `None` if it is not.
    pub async fn find<F>(&self, id: &str, fetch: impl Fn() -> F) -> Result<Option<K>, E>
    where
        F: Future<Output = Fetched<K, E>> + Send + 'static,
    {
        match self.known(id) {
            Some((key, true)) => Ok(Some(key)),
            Some((key, false)) => {
                let mut fetching = self.fetching();
                if fetching.failure().is_none() {
                    self.flight(&mut fetching, fetch);
                }
                Ok(Some(key))
            }
            None => self.fetch(id, fetch).await,
        }
    }

    /// Whether a key is in the list and the list is fresh.
    pub fn is_current(&self, id: &str) -> bool {
        let known = self.read();
        known.is_fresh() && known.keys.contains_key(id)
    }

    /// Ends the trust in keys at once, whatever a list says that was asked for before. What
    /// else is in the list is asked for again.
    pub fn revoke(&self, ids: &[String]) {
        let mut known = self.write();
        known.keys.retain(|id, _| !ids.contains(id));
        known.revoked.extend(ids.iter().cloned());
        known.fetched = None;
    }

    /// How many keys are known, and how long ago they were fetched.
    pub fn size_and_age(&self) -> (usize, Option<Duration>) {
        let known = self.read();
        (known.keys.len(), known.fetched.map(|at| at.elapsed()))
    }

    fn known(&self, id: &str) -> Option<(K, bool)> {
        let known = self.read();
        let old = known.had.is_none_or(|at| at.elapsed() >= self.pace.trusted_for);
        known.keys.get(id).cloned().filter(|_| !old).map(|key| (key, known.is_fresh()))
    }

    async fn fetch<F>(&self, id: &str, fetch: impl Fn() -> F) -> Result<Option<K>, E>
    where
        F: Future<Output = Fetched<K, E>> + Send + 'static,
    {
        // A fetch that had begun before may have seen the list before the key was in it.
        for _ in 0..2 {
            let (flight, mine) = {
                let mut fetching = self.fetching();
                if fetching.missed.get(id).is_some_and(|at| at.elapsed() < self.pace.missed_for) {
                    return Ok(None);
                }
                if let Some(failure) = fetching.failure() {
                    return Err(failure);
                }
                self.flight(&mut fetching, &fetch)
            };
            flight.answer().await.unwrap_or(Ok(()))?;
            if let Some((key, _)) = self.known(id) {
                return Ok(Some(key));
            }
            if mine {
                break;
            }
        }
        self.fetching().miss(id, self.pace.missed_for);
        Ok(None)
    }

    /// The fetch under way, or a new one; whether it is a new one.
    fn flight<F>(
        &self,
        fetching: &mut Fetching<E>,
        fetch: impl FnOnce() -> F,
    ) -> (Flight<Result<(), E>>, bool)
    where
        F: Future<Output = Fetched<K, E>> + Send + 'static,
    {
        if let Some(flight) = fetching.under_way.as_ref().filter(|flight| !flight.is_over()) {
            return (flight.clone(), false);
        }
        let pause = fetching.began.map(|at| self.pace.spacing.saturating_sub(at.elapsed()));
        let pause = pause.unwrap_or_default();
        fetching.began = Some(Instant::now() + pause);
        let (list, fetched) = (self.clone(), fetch());
        let flight = Flight::begin(async move {
            tokio::time::sleep(pause).await;
            let fetched = fetched.await;
            list.fetching().failed = fetched.as_ref().err().map(|error| (Instant::now(), error.clone()));
            list.keep(fetched?);
            Ok(())
        });
        fetching.under_way = Some(flight.clone());
        (flight, true)
    }

    fn keep(&self, mut keys: HashMap<String, K>) {
        let mut known = self.write();
        keys.retain(|id, _| !known.revoked.contains(id));
        known.keys = keys;
        known.fetched = Some(Instant::now());
        known.had = known.fetched;
    }

    fn read(&self) -> RwLockReadGuard<'_, Known<K>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known<K>> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn fetching(&self) -> MutexGuard<'_, Fetching<E>> {
        self.fetching.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, E> Clone for KeyList<K, E> {
    fn clone(&self) -> Self {
        Self { pace: self.pace, known: Arc::clone(&self.known), fetching: Arc::clone(&self.fetching) }
    }
}

impl<E: Clone> Fetching<E> {
    /// The last fetch's failure, while it answers for those who come after it.
    fn failure(&self) -> Option<E> {
        let (at, failure) = self.failed.as_ref()?;
        (at.elapsed() < FAILURE_HOLDS).then(|| failure.clone())
    }

    fn miss(&mut self, id: &str, missed_for: Duration) {
        if self.missed.len() >= MOST_MISSED {
            self.missed.retain(|_, at| at.elapsed() < missed_for);
            if self.missed.len() >= MOST_MISSED {
                self.missed.clear();
            }
        }
        self.missed.insert(id.to_owned(), Instant::now());
    }
}

impl<E> Default for Fetching<E> {
    fn default() -> Self {
        Self { under_way: None, began: None, missed: HashMap::new(), failed: None }
    }
}

impl<K> Default for Known<K> {
    fn default() -> Self {
        Self { keys: HashMap::new(), fetched: None, had: None, revoked: HashSet::new() }
    }
}

impl<K> Known<K> {
    fn is_fresh(&self) -> bool {
        self.fetched.is_some_and(|at| at.elapsed() < FRESH_FOR)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures::future::join_all;

    use super::*;

    const PACE: Pace = Pace {
        spacing: Duration::from_millis(250),
        missed_for: Duration::from_secs(1),
        trusted_for: Duration::from_hours(1),
    };

    /// Has keys, counts how often it is asked for them, and takes its time.
    #[derive(Clone, Default)]
    struct Source {
        ids: Arc<Mutex<Vec<&'static str>>>,
        asked: Arc<AtomicU32>,
        takes: Duration,
        fails: bool,
    }

    impl Source {
        fn of(id: &'static str) -> Self {
            Self { ids: Arc::new(Mutex::new(vec![id])), ..Self::default() }
        }

        async fn find(&self, list: &KeyList<(), &'static str>, id: &str) -> Result<Option<()>, &'static str> {
            let fetch = || {
                let source = self.clone();
                async move {
                    source.asked.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(source.takes).await;
                    let ids = source.ids.lock().unwrap().clone();
                    if source.fails {
                        Err("down")
                    } else {
                        Ok(ids.into_iter().map(|id| (id.to_owned(), ())).collect())
                    }
                }
            };
            list.find(id, fetch).await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_made_up_ids_at_once_cost_two_fetches_and_one_again_none() {
        let (list, source) = (KeyList::new(PACE), Source::of("k"));
        let ids: Vec<String> = (0..1000).map(|id| format!("made-up-{id}")).collect();
        let found = join_all(ids.iter().map(|id| source.find(&list, id))).await;
        assert!(found.iter().all(|found| *found == Ok(None)));
        assert_eq!(source.asked.load(Ordering::Relaxed), 2);
        assert_eq!(source.find(&list, &ids[999]).await, Ok(None));
        assert_eq!(source.asked.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn made_up_ids_delay_a_new_key_by_a_fraction_of_a_second() {
        let (list, source) = (KeyList::new(PACE), Source::of("old"));
        for id in 0..10 {
            assert_eq!(source.find(&list, &format!("made-up-{id}")).await, Ok(None));
        }
        source.ids.lock().unwrap().push("new");
        let began = tokio::time::Instant::now();
        let (flood, good) = tokio::join!(source.find(&list, "made-up-10"), source.find(&list, "new"));
        assert_eq!((flood, good), (Ok(None), Ok(Some(()))));
        assert!(began.elapsed() <= 2 * PACE.spacing, "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_source_delays_no_key_that_is_known() {
        let (list, source) = (KeyList::new(PACE), Source::of("k"));
        source.find(&list, "k").await.unwrap();
        let slow = Source { takes: Duration::from_mins(1), ..source };
        let began = tokio::time::Instant::now();
        let mut waits = std::pin::pin!(slow.find(&list, "made-up"));
        assert!(futures::poll!(waits.as_mut()).is_pending());
        assert_eq!(slow.find(&list, "k").await, Ok(Some(())));
        list.write().fetched = Instant::now().checked_sub(FRESH_FOR);
        assert_eq!(slow.find(&list, "k").await, Ok(Some(())));
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_shared_and_known_keys_stay() {
        let (list, source) = (KeyList::new(PACE), Source::of("k"));
        source.find(&list, "k").await.unwrap();
        let down = Source { fails: true, ..source };
        let found = join_all((0..10).map(|_| down.find(&list, "other"))).await;
        assert!(found.iter().all(|found| *found == Err("down")));
        assert_eq!(down.find(&list, "other").await, Err("down"));
        assert_eq!(down.asked.load(Ordering::Relaxed), 2);
        assert_eq!(down.find(&list, "k").await, Ok(Some(())));
    }

    #[tokio::test(start_paused = true)]
    async fn keys_that_cannot_be_fetched_any_more_are_trusted_for_so_long() {
        let (list, source) = (KeyList::new(PACE), Source::of("k"));
        source.find(&list, "k").await.unwrap();
        let down = Source { fails: true, ..source.clone() };
        let ago = |time: Duration| {
            let mut known = list.write();
            (known.fetched, known.had) = (Instant::now().checked_sub(time), Instant::now().checked_sub(time));
        };
        ago(PACE.trusted_for.saturating_sub(Duration::from_mins(1)));
        assert_eq!(down.find(&list, "k").await, Ok(Some(())));
        ago(PACE.trusted_for);
        assert_eq!(down.find(&list, "k").await, Err("down"));
        list.fetching().failed = None;
        assert_eq!(source.find(&list, "k").await, Ok(Some(())), "it is had again");
        assert_eq!(down.find(&list, "k").await, Ok(Some(())));
    }

    #[tokio::test(start_paused = true)]
    async fn a_revoked_key_does_not_come_back_with_an_older_list() {
        let (list, source) = (KeyList::new(PACE), Source::of("k"));
        source.ids.lock().unwrap().push("other");
        source.find(&list, "k").await.unwrap();
        list.revoke(&["k".to_owned()]);
        assert!(!list.is_current("k") && !list.is_current("other"));
        assert_eq!(source.find(&list, "other").await, Ok(Some(())));
        assert_eq!(source.find(&list, "k").await, Ok(None));
    }
}
