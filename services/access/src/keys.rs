//! The keys that verify tokens: fetched from identity, kept, fetched again when
//! a token names one we do not know.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use frontdesk_proto::Refusal;
use frontdesk_proto::identity::v1::JsonWebKey;
use jiff::Timestamp;
use tokio::sync::Mutex;

use crate::authority::Authority;
use crate::credentials::sha256;
use crate::token::{self, Claims, Issuer, Key, TokenFault};

/// Least time between two fetches after one that did not find the key, so that
/// tokens with made up ids cannot flood identity.
const COOLDOWN: Duration = Duration::from_secs(30);
/// Age at which the keys are fetched again although none is missing: a new key
/// is published for longer than that before it signs.
const FRESH_FOR: Duration = Duration::from_mins(5);
/// Most tokens that are remembered as verified.
const MOST_REMEMBERED: usize = 10_000;
/// How long a failed fetch answers for those who wait.
const FAILURE_HOLDS: Duration = Duration::from_secs(1);

/// The known keys.
#[derive(Debug)]
pub struct KeyCache {
    issuer: Issuer,
    keys: RwLock<Known>,
    /// Tokens that have been verified, by their SHA-256: a signature is checked
    /// once, what changes with time each time.
    verified: RwLock<HashMap<[u8; 32], Remembered>>,
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
        Self { issuer, keys: RwLock::default(), verified: RwLock::default(), last: Mutex::new(None) }
    }

    /// Whether a token says that somebody else has issued it. Identity decides
    /// what that is worth.
    pub(crate) fn is_foreign(&self, token: &str) -> bool {
        token::claimed_issuer(token).is_some_and(|issuer| issuer != self.issuer.issuer)
    }

    /// Verifies a token.
    pub async fn verify(&self, token: &str, authority: &impl Authority) -> Result<Arc<Claims>, Refusal> {
        let hash = sha256(token);
        if let Some(claims) = hash.and_then(|hash| self.recall(&hash)) {
            return Ok(claims);
        }
        let key_id = token::key_id(token)?;
        let key = match self.known(&key_id) {
            Some((key, true)) => key,
            Some((key, false)) => {
                self.freshen(authority).await;
                key
            }
            None => self.fetch(&key_id, authority).await?.ok_or(TokenFault::UnknownKey)?,
        };
        let claims = Arc::new(token::verify(token, key.decoding(), &self.issuer)?);
        if let Some(hash) = hash {
            self.remember(hash, Remembered { claims: Arc::clone(&claims), key_id });
        }
        Ok(claims)
    }

    /// The claims of a token that was verified before, if its time is not over and
    /// its key is still one of a fresh list.
    pub(crate) fn recall(&self, hash: &[u8; 32]) -> Option<Arc<Claims>> {
        let verified = self.verified.read().unwrap_or_else(PoisonError::into_inner);
        let Remembered { claims, key_id } = verified.get(hash)?.clone();
        drop(verified);
        let fresh = matches!(self.known(&key_id), Some((_, true)));
        (fresh && claims.hold_at(Timestamp::now())).then_some(claims)
    }

    fn remember(&self, hash: [u8; 32], token: Remembered) {
        let mut verified = self.verified.write().unwrap_or_else(PoisonError::into_inner);
        if verified.len() >= MOST_REMEMBERED {
            // The next calls check their signatures once more.
            verified.clear();
        }
        verified.insert(hash, token);
    }

    /// A key, and whether the list it is from is fresh.
    fn known(&self, key_id: &str) -> Option<(Key, bool)> {
        let known = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let fresh = known.fetched.is_some_and(|at| at.elapsed() < FRESH_FOR);
        known.keys.get(key_id).cloned().map(|key| (key, fresh))
    }

    async fn fetch(&self, key_id: &str, authority: &impl Authority) -> Result<Option<Key>, Refusal> {
        let mut last = self.last.lock().await;
        if let Some((key, _)) = self.known(key_id) {
            return Ok(Some(key));
        }
        match &*last {
            Some((at, Fetch::NotFound)) if at.elapsed() < COOLDOWN => return Ok(None),
            Some((at, Fetch::Failed(refusal))) if at.elapsed() < FAILURE_HOLDS => return Err(refusal.clone()),
            _ => {}
        }
        match authority.keys().await {
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

    /// Fetches an old list again. Who comes meanwhile uses the old one.
    async fn freshen(&self, authority: &impl Authority) {
        let Ok(_one_at_a_time) = self.last.try_lock() else { return };
        match authority.keys().await {
            Ok(keys) => self.keep(keys),
            Err(refusal) => {
                tracing::warn!(
                    cause = refusal.message(),
                    "keys cannot be fetched; the known ones stay in use"
                );
            }
        }
    }

    fn keep(&self, keys: Vec<JsonWebKey>) {
        let keys = keys.into_iter().filter_map(|key| Some((key.kid.clone(), Key::read(&key)?))).collect();
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) =
            Known { keys, fetched: Some(Instant::now()) };
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

        async fn keys(&self) -> Result<Vec<JsonWebKey>, Refusal> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok(vec![jwk()])
        }

        async fn resolve(&self, _: &Credentials, _: Option<&Claims>) -> Result<Resolution, Refusal> {
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
            let refusal = cache.verify(&format!("{header}.e30.AA"), &authority).await.unwrap_err();
            assert!(refusal.message().contains("key id"), "{}", refusal.message());
        }
        assert_eq!(authority.0.load(Ordering::Relaxed), 1);
    }
}
