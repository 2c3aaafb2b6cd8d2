//! Answers of identity, kept until a mark says that they are void. What an answer means is
//! not known here.
//!
//! While identity is heard (`heard.rs`) nobody waits for it but callers who are new or
//! marked: an answer is renewed every minute, beside the calls. When it is silent for as
//! long as an answer holds by itself, or has no marks, since an older version gave it, it is
//! asked as often as that. One whose marks are of a newer version is not kept at all
//! (`remote.rs`).
//!
//! One look-up at a time per caller, beside the calls that wait for it: they share its
//! answer, and its failure. Of a caller who is known nobody waits for it for long: an
//! answer of the last minute is used while identity is slow, and without any wait when
//! the look-up before has failed. So identity that hangs costs those who are known a
//! fraction of a second once, and those who are not one look-up's patience. After a minute
//! of silence nobody is let in any more. A refusal drops the answer before it: a revoked
//! session must not come back.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use boot::{Count, Scrape, Seconds};
use frontdesk_proto::{ErrorReason, Refusal};
use jiff::Timestamp;
use uuid::Uuid;

use crate::authority::Resolution;
use crate::flight::Flight;
use crate::heard::{Heard, Mark, Revoked};

/// How long ago identity may have confirmed an answer that is used while it cannot be
/// reached; also the age at which one is renewed that it confirms all the time.
const OLDEST: Duration = Duration::from_mins(1);
/// How long a caller who is known waits for an answer that is younger.
const WAIT_IF_KNOWN: Duration = Duration::from_millis(100);
/// How long a failure answers those who come after it.
const FAILURE_HOLDS: Duration = Duration::from_secs(1);
/// How often a look-up is made again because its answer was void when it came.
const ATTEMPTS: u32 = 3;
/// Entries at which those without an answer of the last minute are dropped.
const PRUNE_AT: usize = 10_000;

/// Everything that an answer depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct CacheKey {
    /// User, session and generation of a verified token.
    pub session: Option<(Uuid, Uuid, i64)>,
    /// Id of a token that stands for less than a session: each is asked about by itself.
    pub issued: Option<Uuid>,
    /// SHA-256 of a token of another issuer.
    pub foreign: Option<[u8; 32]>,
    pub tenant: Option<Uuid>,
    pub api_key: Option<[u8; 32]>,
    /// SHA-256 of from where the call comes, as identity is told, if that may count: a key may
    /// be taken from some addresses only.
    pub from: Option<[u8; 32]>,
}

type Answer = Result<Arc<Resolution>, Refusal>;

#[derive(Debug, Default)]
pub(crate) struct Cache {
    slots: Mutex<HashMap<CacheKey, Arc<Slot>>>,
    heard: Arc<Heard>,
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
    kept: Option<Cached>,
    asking: Option<Flight<Answer>>,
    /// The last look-up, if it failed.
    failed: Option<(Instant, Refusal)>,
}

#[derive(Debug, Clone)]
struct Cached {
    /// When it was asked for.
    at: Instant,
    /// When identity has said last that it is not void.
    confirmed: Instant,
    answer: Arc<Resolution>,
}

/// What to do for a call.
enum Next {
    Use(Cached),
    Refuse(Refusal),
    /// Wait, and if it lasts use what is kept.
    Wait(Flight<Answer>, Option<Cached>),
}

impl Cache {
    /// The answer for a key: kept if it holds, else from `lookup`. One that nothing is
    /// heard about holds for `holds`.
    pub(crate) async fn get<F>(
        self: &Arc<Self>,
        key: CacheKey,
        holds: Duration,
        now: Timestamp,
        lookup: impl Fn() -> F + Send + Sync + 'static,
    ) -> Answer
    where
        F: Future<Output = Result<Resolution, Refusal>> + Send + 'static,
    {
        let slot = self.slot(key);
        let (asking, kept) = match self.next(key, &slot, (holds, now), lookup) {
            Next::Use(kept) => return Ok(self.used(&kept)),
            Next::Refuse(refusal) => return Err(refusal),
            Next::Wait(asking, kept) => (asking, kept),
        };
        let answer = match &kept {
            Some(_) => tokio::time::timeout(WAIT_IF_KNOWN, asking.answer()).await.ok(),
            None => Some(asking.answer().await),
        };
        // What was heard while the call waited counts: it may be void by now.
        let kept = kept.and_then(|_| slot.lock().usable(&self.heard, now));
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
        (holds, now): (Duration, Timestamp),
        lookup: impl Fn() -> F + Send + Sync + 'static,
    ) -> Next
    where
        F: Future<Output = Result<Resolution, Refusal>> + Send + 'static,
    {
        let mut known = slot.lock();
        let usable = known.usable(&self.heard, now);
        let confirmed = usable.clone().filter(|kept| kept.confirmed.elapsed() < holds);
        if let Some(kept) = confirmed.as_ref().filter(|kept| kept.at.elapsed() < kept.renewed_after(holds)) {
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
                let asking = Flight::begin(Arc::clone(self).ask(key, Arc::clone(slot), lookup));
                known.asking = Some(asking.clone());
                asking
            }
        };
        match confirmed.or_else(|| usable.clone().filter(|_| failed.is_some())) {
            Some(kept) => Next::Use(kept),
            None => Next::Wait(asking, usable),
        }
    }

    /// Asks until an answer comes that was not void by then.
    async fn ask<F>(
        self: Arc<Self>,
        key: CacheKey,
        slot: Arc<Slot>,
        lookup: impl Fn() -> F + Send + Sync + 'static,
    ) -> Answer
    where
        F: Future<Output = Result<Resolution, Refusal>> + Send + 'static,
    {
        for _ in 0..ATTEMPTS {
            let (since, asked) = (self.heard.count(), Instant::now());
            let said = lookup().await;
            if let Some(answer) = self.keep(key, &slot, (since, asked), said) {
                return answer;
            }
        }
        let refusal = broken_off();
        slot.lock().asking = None;
        Err(refusal)
    }

    /// Keeps what identity said, for all who wait and those who come; nothing if it was
    /// void when it came.
    fn keep(
        &self,
        key: CacheKey,
        slot: &Slot,
        (since, asked): (u64, Instant),
        said: Result<Resolution, Refusal>,
    ) -> Option<Answer> {
        let mut known = slot.lock();
        match said {
            Ok(answer) if self.heard.voids(since, &answer.marks) => None,
            Ok(answer) => {
                let answer = Arc::new(answer);
                let kept = Cached { at: asked, confirmed: asked, answer: Arc::clone(&answer) };
                *known = Known { kept: Some(kept), asking: None, failed: None };
                Some(Ok(answer))
            }
            Err(refusal) if is_unreachable(&refusal) => {
                let refusal = if known.kept.is_some() { unconfirmed() } else { refusal };
                known.asking = None;
                known.failed = Some((Instant::now(), refusal.clone()));
                Some(Err(refusal))
            }
            Err(refusal) => {
                *known = Known::default();
                drop(known);
                self.forget(&key);
                Some(Err(refusal))
            }
        }
    }

    fn used(&self, kept: &Cached) -> Arc<Resolution> {
        self.lag.add(kept.confirmed.elapsed());
        Arc::clone(&kept.answer)
    }

    /// Counts an answer that was kept elsewhere.
    pub(crate) fn note_used(&self) {
        self.kept.add_one();
    }

    /// Counts a question that was not asked for an answer to be kept here.
    pub(crate) fn note_asked(&self) {
        self.asked.add_one();
    }

    /// What is heard.
    pub(crate) fn heard(&self) -> &Arc<Heard> {
        &self.heard
    }

    /// Hears what identity tells as of a time, and drops the answers that are void by it.
    pub(crate) fn hear(&self, told: &Revoked, as_of: Option<Instant>) {
        self.heard.hear(told, as_of, || self.drop_void(told));
    }

    fn drop_void(&self, told: &Revoked) {
        let marks: HashSet<&Mark> = told.marks.iter().collect();
        for slot in self.slots().values() {
            let mut known = slot.lock();
            let void = |kept: &Cached| told.anew || kept.answer.marks.iter().any(|mark| marks.contains(mark));
            if known.kept.as_ref().is_some_and(void) {
                known.kept = None;
            }
        }
    }

    /// How it is used.
    pub(crate) fn figures(&self, scrape: &mut Scrape) {
        let help = "Answers about callers, kept from before or asked of identity.";
        for (source, count) in [("kept", &self.kept), ("asked", &self.asked)] {
            scrape.count("frontdesk_caller_lookups_total", help, &[("source", source)], count.get());
        }
        self.heard.figures(scrape);
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
        self.asking.is_some() || self.kept.as_ref().is_some_and(|kept| kept.at.elapsed() < 2 * OLDEST)
    }

    /// What is kept, if it may be used at all, with the time at which it was confirmed.
    fn usable(&self, heard: &Heard, now: Timestamp) -> Option<Cached> {
        let kept = self.kept.as_ref()?;
        let heard = heard.at().filter(|_| !kept.answer.marks.is_empty());
        let confirmed = heard.map_or(kept.at, |heard| heard.max(kept.at));
        let over = kept.answer.until.is_some_and(|until| until <= now);
        (confirmed.elapsed() < OLDEST && !over).then(|| Cached { confirmed, ..kept.clone() })
    }
}

impl Cached {
    /// The age at which it is renewed although it is confirmed. What an operator does is
    /// recorded when identity is asked, so that is asked more often.
    fn renewed_after(&self, holds: Duration) -> Duration {
        if self.answer.operator { holds } else { OLDEST }
    }
}

fn is_unreachable(refusal: &Refusal) -> bool {
    matches!(refusal.reason(), ErrorReason::UpstreamUnavailable | ErrorReason::CallerUnconfirmed)
}

fn unconfirmed() -> Refusal {
    Refusal::new(
        ErrorReason::CallerUnconfirmed,
        "Identity has not confirmed for a minute that your access was not revoked, so the call is refused; nothing was done. Try again.",
    )
    .retry_after(Duration::from_secs(1))
}

fn broken_off() -> Refusal {
    Refusal::new(
        ErrorReason::UpstreamUnavailable,
        "The question to identity who is calling was broken off. Try again.",
    )
    .retry_after(Duration::from_secs(1))
}

#[cfg(test)]
mod tests;
