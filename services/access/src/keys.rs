//! The keys that verify tokens: fetched from identity, kept, fetched again every five
//! minutes, and when a token names one that we do not know unless a fetch in the last 30
//! s did not find it.
//!
//! A verified token is remembered, so that its signature is checked once; its time
//! and its key are looked at each time, and its session is the business of the layer.
//! What was signed is kept as it is, since the claims are kept anyway, and of the
//! signature its SHA-256: nothing that is kept is a token that somebody could use, and
//! a tenth of the text is hashed.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use boot::{Count, Scrape};
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
    /// Tokens that have been verified, by the SHA-256 of their signatures.
    verified: Cache<[u8; 32], Arc<Remembered>>,
    /// The last fetch for an unknown id; held during one, so that there is one
    /// at a time.
    last: Mutex<Option<(Instant, Fetch)>>,
    recalled: Count,
    checked: Count,
}

/// A verified token without its signature.
#[derive(Debug)]
struct Remembered {
    /// Header and payload, as the token has them.
    signed: Box<str>,
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
            recalled: Count::default(),
            checked: Count::default(),
        }
    }

    /// Verifies a token, unless it is another issuer's.
    pub async fn verify(
        &self,
        token: &str,
        authority: &impl Authority,
        now: Timestamp,
    ) -> Result<Verified, Refusal> {
        if let Some(claims) = self.recall(token, now) {
            self.recalled.add_one();
            return Ok(Verified::Ours(claims));
        }
        self.checked.add_one();
        if token::claimed_issuer(token).is_some_and(|issuer| issuer != self.issuer.issuer) {
            return Ok(Verified::Foreign(sha256(token)));
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
        self.remember(token, &claims, key_id);
        Ok(Verified::Ours(claims))
    }

    /// How tokens were verified, and how old the list of keys is.
    pub(crate) fn figures(&self, scrape: &mut Scrape) {
        let help = "Tokens that were looked at, verified before or not.";
        for (source, count) in [("recalled", &self.recalled), ("checked", &self.checked)] {
            scrape.count("frontdesk_token_checks_total", help, &[("source", source)], count.get());
        }
        let help = "Verified tokens that are remembered.";
        scrape.how_many("frontdesk_tokens_remembered", help, &[], self.verified.len());
        let known = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        scrape.how_many("frontdesk_signing_keys_known", "Keys that verify tokens.", &[], known.keys.len());
        if let Some(fetched) = known.fetched {
            let help = "How long ago the list of keys was fetched.";
            scrape.now("frontdesk_signing_keys_age_seconds", help, &[], fetched.elapsed().as_secs_f64());
        }
    }

    fn remember(&self, token: &str, claims: &Arc<Claims>, key_id: String) {
        let Some((signed, signature)) = token.rsplit_once('.') else { return };
        let remembered = Remembered { signed: signed.into(), claims: Arc::clone(claims), key_id };
        self.verified.insert(sha256(signature), Arc::new(remembered));
    }

    /// The claims of a token that was verified before, if its time is not over and
    /// its key is still one of a fresh list.
    fn recall(&self, token: &str, now: Timestamp) -> Option<Arc<Claims>> {
        let (signed, signature) = token.rsplit_once('.')?;
        let remembered = self.verified.get(&sha256(signature))?;
        let Remembered { signed: verified, claims, key_id } = &*remembered;
        let holds = **verified == *signed && claims.hold_at(now) && self.is_current(key_id);
        holds.then(|| Arc::clone(claims))
    }

    /// Whether a key is in the list and the list is fresh.
    fn is_current(&self, key_id: &str) -> bool {
        let known = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        known.is_fresh() && known.keys.contains_key(key_id)
    }

    /// A key, and whether the list it is from is fresh.
    fn known(&self, key_id: &str) -> Option<(Key, bool)> {
        let known = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        known.keys.get(key_id).cloned().map(|key| (key, known.is_fresh()))
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

impl Known {
    fn is_fresh(&self) -> bool {
        self.fetched.is_some_and(|at| at.elapsed() < FRESH_FOR)
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

    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use jsonwebtoken::{Algorithm, EncodingKey, Header};
    use uuid::Uuid;

    use super::*;
    use crate::authority::Resolution;
    use crate::credentials::Credentials;
    use crate::token::TOKEN_KIND;
    use crate::token::tests::jwk;

    /// Has one key and counts how often it is asked for it.
    struct Counting {
        key: Key,
        asked: AtomicU32,
    }

    impl Counting {
        fn new(key: Key) -> Self {
            Self { key, asked: AtomicU32::new(0) }
        }
    }

    fn issuer() -> Issuer {
        Issuer { issuer: "i".to_owned(), audience: "a".to_owned() }
    }

    fn claims(sub: u128) -> Claims {
        let now = Timestamp::now().as_second().unsigned_abs();
        Claims {
            iss: "i".to_owned(),
            sub: Uuid::from_u128(sub),
            aud: "a".to_owned(),
            exp: now + 60,
            iat: now,
            nbf: now,
            jti: Uuid::from_u128(7),
            typ: TOKEN_KIND.to_owned(),
            session_id: Uuid::from_u128(8),
            generation: 0,
            email: "a@b.example".to_owned(),
            role: "authenticated".to_owned(),
            aal: "aal1".to_owned(),
            amr: Vec::new(),
            app_metadata: serde_json::Map::new(),
            user_metadata: serde_json::Map::new(),
        }
    }

    impl Authority for Counting {
        const HOLDS: Duration = Duration::ZERO;

        async fn keys(&self, _: Timestamp) -> Result<Vec<Key>, Refusal> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            Ok(vec![self.key.clone()])
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
        let (cache, authority) = (KeyCache::new(issuer()), Counting::new(Key::read(&jwk()).unwrap()));
        for id in 0..1000 {
            let header =
                URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"ES256","typ":"JWT","kid":"made-up-{id}"}}"#));
            let refusal =
                cache.verify(&format!("{header}.e30.AA"), &authority, Timestamp::now()).await.unwrap_err();
            assert!(refusal.message().contains("key id"), "{}", refusal.message());
        }
        assert_eq!(authority.asked.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_remembered_signature_is_good_for_what_it_signed_and_nothing_else() {
        crate::install_crypto();
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        let key = Key::es256("k", &URL_SAFE_NO_PAD.encode(x), &URL_SAFE_NO_PAD.encode(y)).unwrap();
        let (cache, authority) = (KeyCache::new(issuer()), Counting::new(key));
        let secret = EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref());
        let header = Header { kid: Some("k".to_owned()), ..Header::new(Algorithm::ES256) };
        let token = |sub| jsonwebtoken::encode(&header, &claims(sub), &secret).unwrap();
        let (one, other) = (token(1), token(2));
        for _ in 0..2 {
            let verified = cache.verify(&one, &authority, Timestamp::now()).await.unwrap();
            assert!(matches!(verified, Verified::Ours(claims) if claims.sub == Uuid::from_u128(1)));
        }
        let (signed, signature) = one.rsplit_once('.').unwrap();
        let (others, _) = other.rsplit_once('.').unwrap();
        let (header, payload) = signed.split_once('.').unwrap();
        for forged in [
            format!("{others}.{signature}"),
            format!("{header}.{payload}.x.{signature}"),
            format!("x.{signature}"),
            format!(".{signature}"),
            format!("{signed}.{signature}."),
            signature.to_owned(),
        ] {
            assert!(cache.verify(&forged, &authority, Timestamp::now()).await.is_err(), "{forged}");
        }
        let late = Timestamp::now() + jiff::SignedDuration::from_secs(120);
        assert!(cache.recall(&one, Timestamp::now()).is_some() && cache.recall(&one, late).is_none());
    }
}
