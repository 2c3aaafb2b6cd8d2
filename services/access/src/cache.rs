//! Answers of identity, kept for seconds. What an answer means is not known here.
//!
//! One look-up at a time per caller, beside the calls that wait for it: they share its
//! answer, and its failure. Of a caller who is known nobody waits for it for long: an
//! answer of the last minute is used while identity is slow, and without any wait when
//! the look-up before has failed. So identity that hangs costs those who are known a
//! fraction of a second once, and those who are not one look-up's patience. A refusal
//! drops the answer before it: a revoked session must not come back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use boot::{Count, Scrape, Seconds};
use frontdesk_proto::{ErrorReason, Refusal};
use uuid::Uuid;

use crate::authority::Resolution;
use crate::flight::Flight;

/// How old an answer may be while identity cannot be reached.
const OLDEST: Duration = Duration::from_mins(1);
/// How long a caller who is known waits for an answer that is younger.
const WAIT_IF_KNOWN: Duration = Duration::from_millis(100);
/// How long a failure answers those who come after it.
const FAILURE_HOLDS: Duration = Duration::from_secs(1);
/// Entries at which those without an answer of the last minute are dropped.
const PRUNE_AT: usize = 10_000;

/// Everything that an answer depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct CacheKey {
    /// User, session and generation of a verified token.
    pub session: Option<(Uuid, Uuid, i64)>,
    /// SHA-256 of a token of another issuer.
    pub foreign: Option<[u8; 32]>,
    pub tenant: Option<Uuid>,
    pub api_key: Option<[u8; 32]>,
}

type Answer = Result<Arc<Resolution>, Refusal>;

#[derive(Debug, Default)]
pub(crate) struct Cache {
    slots: Mutex<HashMap<CacheKey, Arc<Slot>>>,
    kept: Count,
    asked: Count,
    /// How old an answer was by which a call was let in.
    lag: Seconds,
}

#[derive(Debug, Default)]
struct Slot(Mutex<Known>);

/// What is known of one caller.
#[derive(Debug, Default)]
struct Known {
    kept: Option<Kept>,
    asking: Option<Flight<Answer>>,
    /// The last look-up, if it failed.
    failed: Option<(Instant, Refusal)>,
}

#[derive(Debug, Clone)]
struct Kept {
    at: Instant,
    answer: Arc<Resolution>,
}

/// What to do for a call.
enum Next {
    Use(Kept),
    Refuse(Refusal),
    /// Wait, and if it lasts use what is kept.
    Wait(Flight<Answer>, Option<Kept>),
}

impl Cache {
    /// The answer for a key: kept if younger than `holds`, else from `lookup`.
    pub(crate) async fn get<F>(
        self: &Arc<Self>,
        key: CacheKey,
        holds: Duration,
        lookup: impl FnOnce() -> F,
    ) -> Answer
    where
        F: Future<Output = Result<Resolution, Refusal>> + Send + 'static,
    {
        let slot = self.slot(key);
        let (asking, kept) = match self.next(key, &slot, holds, lookup) {
            Next::Use(kept) => return Ok(self.used(&kept)),
            Next::Refuse(refusal) => return Err(refusal),
            Next::Wait(asking, kept) => (asking, kept),
        };
        let answer = match &kept {
            Some(_) => tokio::time::timeout(WAIT_IF_KNOWN, asking.answer()).await.ok(),
            None => Some(asking.answer().await),
        };
        match (answer, kept) {
            (Some(Some(Err(refusal))), Some(kept)) if is_unreachable(&refusal) => Ok(self.used(&kept)),
            (Some(Some(Ok(answer))), _) => {
                self.lag.add(Duration::ZERO);
                Ok(answer)
            }
            (Some(Some(Err(refusal))), _) => Err(refusal),
            (Some(None) | None, Some(kept)) => Ok(self.used(&kept)),
            (Some(None) | None, None) => Err(broken_off()),
        }
    }

    fn next<F>(
        self: &Arc<Self>,
        key: CacheKey,
        slot: &Arc<Slot>,
        holds: Duration,
        lookup: impl FnOnce() -> F,
    ) -> Next
    where
        F: Future<Output = Result<Resolution, Refusal>> + Send + 'static,
    {
        let mut known = slot.lock();
        let usable = known.kept.clone().filter(|kept| kept.at.elapsed() < OLDEST);
        if let Some(kept) = usable.as_ref().filter(|kept| kept.at.elapsed() < holds) {
            self.kept.add_one();
            return Next::Use(kept.clone());
        }
        let failed = known.failed.clone();
        if let Some((at, refusal)) = &failed
            && at.elapsed() < FAILURE_HOLDS
        {
            return usable.map_or_else(|| Next::Refuse(refusal.clone()), Next::Use);
        }
        let asking = match known.asking.as_ref().filter(|asking| !asking.is_over()) {
            Some(asking) => asking.clone(),
            None => {
                self.asked.add_one();
                let (cache, slot, lookup) = (Arc::clone(self), Arc::clone(slot), lookup());
                let asking = Flight::begin(async move { cache.keep(key, &slot, lookup.await) });
                known.asking = Some(asking.clone());
                asking
            }
        };
        match usable {
            Some(kept) if failed.is_some() => Next::Use(kept),
            usable => Next::Wait(asking, usable),
        }
    }

    /// Keeps what identity said, for all who wait and those who come.
    fn keep(&self, key: CacheKey, slot: &Slot, said: Result<Resolution, Refusal>) -> Answer {
        let mut known = slot.lock();
        known.asking = None;
        match said {
            Ok(answer) => {
                let answer = Arc::new(answer);
                known.kept = Some(Kept { at: Instant::now(), answer: Arc::clone(&answer) });
                known.failed = None;
                Ok(answer)
            }
            Err(refusal) if is_unreachable(&refusal) => {
                known.failed = Some((Instant::now(), refusal.clone()));
                Err(refusal)
            }
            Err(refusal) => {
                *known = Known::default();
                drop(known);
                self.forget(&key);
                Err(refusal)
            }
        }
    }

    fn used(&self, kept: &Kept) -> Arc<Resolution> {
        self.lag.add(kept.at.elapsed());
        Arc::clone(&kept.answer)
    }

    /// How it is used.
    pub(crate) fn figures(&self, scrape: &mut Scrape) {
        let help = "Answers about callers, kept from before or asked of identity.";
        for (source, count) in [("kept", &self.kept), ("asked", &self.asked)] {
            scrape.count("frontdesk_caller_lookups_total", help, &[("source", source)], count.get());
        }
        let help = "How long ago identity had said what a call was let in by: rights that are taken away last as long.";
        scrape.seconds("frontdesk_revocation_lag_seconds", help, &[], &self.lag);
        let entries = self.slots().len();
        scrape.how_many("frontdesk_callers_kept", "Callers of whom an answer is kept.", &[], entries);
    }

    /// Made-up tenants must not fill the cache.
    fn forget(&self, key: &CacheKey) {
        self.slots().remove(key);
    }

    fn slot(&self, key: CacheKey) -> Arc<Slot> {
        let mut slots = self.slots();
        if slots.len() >= PRUNE_AT && !slots.contains_key(&key) {
            slots.retain(|_, slot| slot.lock().is_of_use());
            if slots.len() >= PRUNE_AT {
                slots.clear();
            }
        }
        Arc::clone(slots.entry(key).or_default())
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<CacheKey, Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn is_of_use(&self) -> bool {
        self.asking.is_some() || self.kept.as_ref().is_some_and(|kept| kept.at.elapsed() < OLDEST)
    }
}

fn is_unreachable(refusal: &Refusal) -> bool {
    refusal.reason() == ErrorReason::UpstreamUnavailable
}

fn broken_off() -> Refusal {
    Refusal::new(
        ErrorReason::UpstreamUnavailable,
        "The question to identity who is calling was broken off. Try again.",
    )
    .retry_after(Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    const KEY: CacheKey = CacheKey { session: None, foreign: None, tenant: None, api_key: None };
    const HOLDS: Duration = Duration::from_secs(5);
    const OLD: Duration = Duration::ZERO;

    fn answer(role: &str) -> Resolution {
        Resolution {
            user: None,
            tenant: None,
            scopes: Vec::new(),
            role: role.to_owned(),
            operator: false,
            api_key_id: None,
        }
    }

    fn cache() -> Arc<Cache> {
        Arc::default()
    }

    fn says(said: Result<&'static str, ErrorReason>) -> std::future::Ready<Result<Resolution, Refusal>> {
        std::future::ready(said.map(answer).map_err(|reason| Refusal::new(reason, "no")))
    }

    async fn hangs() -> Result<Resolution, Refusal> {
        tokio::time::sleep(Duration::from_secs(3)).await;
        Err(Refusal::new(ErrorReason::UpstreamUnavailable, "late"))
    }

    #[tokio::test]
    async fn many_at_once_ask_once() {
        let (cache, asked) = (cache(), Arc::new(AtomicU32::new(0)));
        let ask = || {
            let asked = Arc::clone(&asked);
            cache.get(KEY, HOLDS, || async move {
                asked.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                Ok(answer("manager"))
            })
        };
        let answers = futures::future::join_all((0..32).map(|_| ask())).await;
        assert!(answers.iter().all(|answer| answer.as_ref().unwrap().role == "manager"));
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn an_old_answer_serves_only_while_identity_is_unreachable() {
        let (cache, down) = (cache(), Err(ErrorReason::UpstreamUnavailable));
        cache.get(KEY, OLD, || says(Ok("manager"))).await.unwrap();
        assert!(cache.get(KEY, OLD, || says(down)).await.is_ok());
        cache.slot(KEY).lock().failed = None;
        let ended = cache.get(KEY, OLD, || says(Err(ErrorReason::SessionEnded))).await;
        assert_eq!(ended.unwrap_err().reason(), ErrorReason::SessionEnded);
        assert!(cache.get(KEY, OLD, || says(down)).await.is_err(), "a revoked session came back");
    }

    #[tokio::test(start_paused = true)]
    async fn identity_that_hangs_costs_nobody_who_is_known() {
        let cache = cache();
        cache.get(KEY, OLD, || says(Ok("manager"))).await.unwrap();
        let began = tokio::time::Instant::now();
        let calls = (0..15).map(|_| cache.get(KEY, OLD, hangs));
        assert!(futures::future::join_all(calls).await.iter().all(Result::is_ok));
        assert!(began.elapsed() <= 2 * WAIT_IF_KNOWN, "{:?}", began.elapsed());
        tokio::time::sleep(Duration::from_secs(3)).await;
        let again = tokio::time::Instant::now();
        cache.get(KEY, OLD, hangs).await.unwrap();
        assert_eq!(again.elapsed(), Duration::ZERO, "the failure is known");
        assert_eq!(cache.asked.get(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_are_not_known_share_one_failure() {
        let (cache, began) = (cache(), tokio::time::Instant::now());
        let calls = (0..15).map(|_| cache.get(KEY, HOLDS, hangs));
        assert!(futures::future::join_all(calls).await.iter().all(Result::is_err));
        assert!(cache.get(KEY, HOLDS, hangs).await.is_err());
        assert_eq!(began.elapsed(), Duration::from_secs(3));
    }

    #[tokio::test]
    async fn a_caller_who_leaves_takes_the_answer_from_nobody() {
        let cache = cache();
        let (go, gone) = tokio::sync::oneshot::channel::<()>();
        let lookup = || async {
            gone.await.unwrap();
            Ok(answer("manager"))
        };
        let left = cache.get(KEY, HOLDS, lookup);
        assert!(futures::FutureExt::now_or_never(left).is_none());
        go.send(()).unwrap();
        let other = cache.get(KEY, HOLDS, || says(Err(ErrorReason::Internal)));
        assert_eq!(other.await.unwrap().role, "manager");
    }

    #[tokio::test]
    async fn another_tenant_or_key_has_another_answer() {
        let cache = cache();
        cache.get(KEY, HOLDS, || says(Ok("owner"))).await.unwrap();
        for other in [
            CacheKey { tenant: Some(Uuid::nil()), ..KEY },
            CacheKey { api_key: Some([0; 32]), ..KEY },
            CacheKey { session: Some((Uuid::nil(), Uuid::nil(), 0)), ..KEY },
        ] {
            let got = cache.get(other, HOLDS, || says(Ok("none"))).await.unwrap();
            assert_eq!(got.role, "none");
        }
    }
}
