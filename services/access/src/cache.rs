//! Answers of identity, kept for seconds. One lookup at a time per caller; an
//! answer that is too old is still used while identity cannot be reached. What an
//! answer means is not known here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use boot::{Count, Scrape, Seconds};
use frontdesk_proto::{ErrorReason, Refusal};
use uuid::Uuid;

use crate::authority::Resolution;

/// How old an answer may be while identity cannot be reached.
const OLDEST: Duration = Duration::from_mins(1);
/// Entries at which answers older than [`OLDEST`] are dropped.
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

type Slot = Arc<tokio::sync::Mutex<Option<(Instant, Arc<Resolution>)>>>;

#[derive(Debug, Default)]
pub(crate) struct Cache {
    slots: Mutex<HashMap<CacheKey, Slot>>,
    kept: Count,
    asked: Count,
    /// How old an answer was by which a call was let in.
    lag: Seconds,
}

impl Cache {
    /// The answer for a key: kept if younger than `holds`, else from `lookup`.
    pub(crate) async fn get<F>(
        &self,
        key: CacheKey,
        holds: Duration,
        lookup: F,
    ) -> Result<Arc<Resolution>, Refusal>
    where
        F: Future<Output = Result<Resolution, Refusal>>,
    {
        let slot = self.slot(key);
        let mut kept = slot.lock().await;
        if let Some((at, answer)) = kept.as_ref()
            && at.elapsed() < holds
        {
            self.kept.add_one();
            self.lag.add(at.elapsed());
            return Ok(Arc::clone(answer));
        }
        self.asked.add_one();
        match (lookup.await, kept.as_ref()) {
            (Ok(answer), _) => {
                self.lag.add(Duration::ZERO);
                let answer = Arc::new(answer);
                *kept = Some((Instant::now(), Arc::clone(&answer)));
                Ok(answer)
            }
            (Err(refusal), Some((at, answer)))
                if refusal.reason() == ErrorReason::UpstreamUnavailable && at.elapsed() < OLDEST =>
            {
                tracing::warn!("identity cannot be reached; an answer of the last minute is used");
                self.lag.add(at.elapsed());
                Ok(Arc::clone(answer))
            }
            (Err(refusal), _) => {
                // A refusal is not kept, and drops the answer before it: a revoked session must not come back.
                if refusal.reason() != ErrorReason::UpstreamUnavailable {
                    *kept = None;
                }
                if kept.is_none() {
                    self.forget(&key);
                }
                Err(refusal)
            }
        }
    }

    /// How it is used.
    pub(crate) fn figures(&self, scrape: &mut Scrape) {
        let help = "Answers about callers, kept from before or asked of identity.";
        for (source, count) in [("kept", &self.kept), ("asked", &self.asked)] {
            scrape.count("frontdesk_caller_lookups_total", help, &[("source", source)], count.get());
        }
        let help = "How long ago identity had said what a call was let in by: rights that are taken away last as long.";
        scrape.seconds("frontdesk_revocation_lag_seconds", help, &[], &self.lag);
        let entries = self.slots.lock().unwrap_or_else(PoisonError::into_inner).len();
        scrape.how_many("frontdesk_callers_kept", "Callers of whom an answer is kept.", &[], entries);
    }

    /// Made-up tenants must not fill the cache.
    fn forget(&self, key: &CacheKey) {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    fn slot(&self, key: CacheKey) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= PRUNE_AT && !slots.contains_key(&key) {
            slots.retain(|_, slot| {
                slot.try_lock()
                    .map_or(true, |kept| kept.as_ref().is_some_and(|(at, _)| at.elapsed() < OLDEST))
            });
            if slots.len() >= PRUNE_AT {
                slots.clear();
            }
        }
        Arc::clone(slots.entry(key).or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    const KEY: CacheKey = CacheKey { session: None, foreign: None, tenant: None, api_key: None };
    const HOLDS: Duration = Duration::from_secs(5);

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

    fn unreachable() -> Refusal {
        Refusal::new(ErrorReason::UpstreamUnavailable, "down")
    }

    #[tokio::test]
    async fn many_at_once_ask_once() {
        let (cache, asked) = (Cache::default(), AtomicU32::new(0));
        let ask = || {
            cache.get(KEY, HOLDS, async {
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
        let cache = Cache::default();
        let old = Duration::ZERO;
        assert!(cache.get(KEY, old, async { Err(unreachable()) }).await.is_err());
        cache.get(KEY, old, async { Ok(answer("manager")) }).await.unwrap();
        assert!(cache.get(KEY, old, async { Err(unreachable()) }).await.is_ok());
        let ended = async { Err(Refusal::new(ErrorReason::SessionEnded, "over")) };
        assert_eq!(cache.get(KEY, old, ended).await.unwrap_err().reason(), ErrorReason::SessionEnded);
        assert!(
            cache.get(KEY, old, async { Err(unreachable()) }).await.is_err(),
            "a revoked session came back"
        );
    }

    #[tokio::test]
    async fn another_tenant_or_key_has_another_answer() {
        let cache = Cache::default();
        cache.get(KEY, HOLDS, async { Ok(answer("owner")) }).await.unwrap();
        for other in [
            CacheKey { tenant: Some(Uuid::nil()), ..KEY },
            CacheKey { api_key: Some([0; 32]), ..KEY },
            CacheKey { session: Some((Uuid::nil(), Uuid::nil(), 0)), ..KEY },
        ] {
            let got = cache.get(other, HOLDS, async { Ok(answer("none")) }).await.unwrap();
            assert_eq!(got.role, "none");
        }
    }
}
