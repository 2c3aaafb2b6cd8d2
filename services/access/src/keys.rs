//! The keys that verify tokens: fetched from identity, kept, fetched again every
//! five minutes, and when a token names one that we do not know unless a fetch
//! within 30 s was in vain.
//!
//! A verified token is remembered by its SHA-256, so that its signature is checked
//! once; its time and its key are looked at each time, and its session is the
//! business of the layer.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use frontdesk_proto::Refusal;
use jiff::Timestamp;
use quick_cache::sync::Cache;
use tokio::sync::Mutex;

use crate::authority::Authority;
use crate::credentials::sha256;
use crate::token::{self, Claims, Issuer, Key, TokenFault};

/// Shortest time between two fetches after one that did not find the key, so that
/// tokens with made-up ids cannot flood identity.
const COOLDOWN: Duration = Duration::from_secs(30);
/// Age at which the keys are fetched again although none is missing: a new key
/// is published for longer than that before it signs.
const FRESH_FOR: Duration = Duration::from_mins(5);
/// Most tokens that are remembered as verified.
const MOST_REMEMBERED: usize = 10_000;
/// How long a failed fetch answers for those who wait.
const FAILURE_HOLDS: Duration = Duration::from_secs(1);

/// Whose a token is.
#[derive(Debug)]
pub enum Verified {
    /// One of ours, and good.
    Ours(Arc<Claims>),
    /// It says that somebody else has issued it. Identity decides what that is
    /// worth; its SHA-256 names it in caches.
    Foreign([u8; 32]),
}

/// The known keys.
pub struct KeyCache {
    issuer: Issuer,
    keys: RwLock<Known>,
    /// Tokens that have been verified, by their SHA-256: a signature is checked
    /// once, what changes with time each time.
    verified: Cache<[u8; 32], Remembered>,
    /// The last fetch for an unknown id; held during one, so that there is one
    /// at a time.
    last: Mutex<Option<(Instant, Fetch)>>,
}

#[derive(Debug, Clone)]
struct Remembered {
    claims: Arc<Claims>,
    key_id: String,
}

#[derive(Debug, Default)]
struct Known {
    keys: HashMap<String, Key>,
    fetched: Option<Instant>,
}

/// How a fetch for an unknown id ended.
#[derive(Debug)]
enum Fetch {
    Found,
    NotFound,
    Failed(Refusal),
}

impl KeyCache {
    /// No keys yet; they are fetched with the first token.
    pub fn new(issuer: Issuer) -> Self {
        Self {
            issuer,
            keys: RwLock::default(),
            verified: Cache::new(MOST_REMEMBERED),
            last: Mutex::new(None),
        }
    }

    /// Verifies a token, unless it is another issuer's.
    pub async fn verify(
        &self,
        token: &str,
        authority: &impl Authority,
        now: Timestamp,
    ) -> Result<Verified, Refusal> {
        let hash = sha256(token);
        if let Some(claims) = self.recall(&hash, now) {
            return Ok(Verified::Ours(claims));
        }
        if token::claimed_issuer(token).is_some_and(|issuer| issuer != self.issuer.issuer) {
            return Ok(Verified::Foreign(hash));
        }
        let key_id = token::key_id(token)?;
        let key = match self.known(&key_id) {
            Some((key, true)) => key,
            Some((key, false)) => {
                self.freshen(authority, now).await;
                key
            }
            None => self.fetch(&key_id, authority, now).await?.ok_or(TokenFault::UnknownKey)?,
        };
        let claims = Arc::new(token::verify(token, key.decoding(), &self.issuer)?);
        self.verified.insert(hash, Remembered { claims: Arc::clone(&claims), key_id });
        Ok(Verified::Ours(claims))
    }

    /// The claims of a token that was verified before, if its time is not over and
    /// its key is still one of a fresh list.
    fn recall(&self, hash: &[u8; 32], now: Timestamp) -> Option<Arc<Claims>> {
        let Remembered { claims, key_id } = self.verified.get(hash)?;
        let fresh = matches!(self.known(&key_id), Some((_, true)));
        (fresh && claims.hold_at(now)).then_some(claims)
    }

    /// A key, and whether the list it is from is fresh.
    fn known(&self, key_id: &str) -> Option<(Key, bool)> {
        let known = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let fresh = known.fetched.is_some_and(|at| at.elapsed() < FRESH_FOR);
        known.keys.get(key_id).cloned().map(|key| (key, fresh))
    }

    async fn fetch(
        &self,
        key_id: &str,
        authority: &impl Authority,
        now: Timestamp,
    ) -> Result<Option<Key>, Refusal> {
        let mut last = self.last.lock().await;
        if let Some((key, _)) = self.known(key_id) {
            return Ok(Some(key));
        }
        match &*last {
            Some((at, Fetch::NotFound)) if at.elapsed() < COOLDOWN => return Ok(None),
            Some((at, Fetch::Failed(refusal))) if at.elapsed() < FAILURE_HOLDS => return Err(refusal.clone()),
            _ => {}
        }
        match authority.keys(now).await {
            Ok(keys) => {
                self.keep(keys);
                let found = self.known(key_id).map(|(key, _)| key);
                let fetch = if found.is_some() { Fetch::Found } else { Fetch::NotFound };
                *last = Some((Instant::now(), fetch));
                Ok(found)
            }
            Err(refusal) => {
                *last = Some((Instant::now(), Fetch::Failed(refusal.clone())));
                Err(refusal)
            }
        }
    }

    /// Fetches an old list again. Callers in the meantime use the old one.
    async fn freshen(&self, authority: &impl Authority, now: Timestamp) {
        let Ok(_one_at_a_time) = self.last.try_lock() else { return };
        match authority.keys(now).await {
            Ok(keys) => self.keep(keys),
            Err(refusal) => {
                tracing::warn!(
                    cause = refusal.message(),
                    "keys cannot be fetched; the known ones stay in use"
                );
            }
        }
    }

    fn keep(&self, keys: Vec<Key>) {
        let keys = keys.into_iter().map(|key| (key.id().to_owned(), key)).collect();
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) =
            Known { keys, fetched: Some(Instant::now()) };
    }
}

impl std::fmt::Debug for KeyCache {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("KeyCache").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;
    use crate::authority::Resolution;
    use crate::credentials::Credentials;
    use crate::token::tests::jwk;

    /// Counts how often it is asked for keys.
    struct Counting(AtomicU32);

    impl Authority for Counting {
        const HOLDS: Duration = Duration::ZERO;

        async fn keys(&self, _: Timestamp) -> Result<Vec<Key>, Refusal> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok(Key::read(&jwk()).into_iter().collect())
        }

        async fn resolve(
            &self,
            _: &Credentials,
            _: Option<&Claims>,
            _: Timestamp,
        ) -> Result<Resolution, Refusal> {
            Err(TokenFault::Malformed.into())
        }
    }

    #[tokio::test]
    async fn a_thousand_made_up_key_ids_cost_one_fetch() {
        crate::install_crypto();
        let issuer = Issuer { issuer: "i".to_owned(), audience: "a".to_owned() };
        let (cache, authority) = (KeyCache::new(issuer), Counting(AtomicU32::new(0)));
        for id in 0..1000 {
            let header =
                URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"ES256","typ":"JWT","kid":"made-up-{id}"}}"#));
            let refusal =
                cache.verify(&format!("{header}.e30.AA"), &authority, Timestamp::now()).await.unwrap_err();
            assert!(refusal.message().contains("key id"), "{}", refusal.message());
        }
        assert_eq!(authority.0.load(Ordering::Relaxed), 1);
    }
}
