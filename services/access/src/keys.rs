//! The keys that verify tokens: fetched from identity, kept, fetched again when
//! a token names one we do not know.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use frontdesk_proto::Refusal;
use frontdesk_proto::identity::v1::JsonWebKey;
use jsonwebtoken::DecodingKey;
use tokio::sync::Mutex;

use crate::authority::Authority;
use crate::token::{self, Claims, Issuer, TokenFault};

/// Least time between two fetches for unknown key ids, so that tokens with made
/// up ids cannot flood identity.
const COOLDOWN: Duration = Duration::from_secs(30);

/// How long a failed fetch answers for those who wait.
const FAILURE_HOLDS: Duration = Duration::from_secs(1);

/// A key that verifies.
#[derive(Clone)]
pub struct Key(Arc<DecodingKey>);

/// The known keys.
#[derive(Debug)]
pub struct KeyCache {
    issuer: Issuer,
    keys: RwLock<HashMap<String, Key>>,
    /// The last fetch; held during one, so that there is one at a time.
    fetched: Mutex<Option<(Instant, Result<(), Refusal>)>>,
}

impl KeyCache {
    /// No keys yet; they are fetched with the first token.
    pub fn new(issuer: Issuer) -> Self {
        Self { issuer, keys: RwLock::default(), fetched: Mutex::new(None) }
    }

    /// Verifies a token.
    pub(crate) async fn verify(&self, token: &str, authority: &impl Authority) -> Result<Claims, Refusal> {
        let key_id = token::key_id(token).map_err(TokenFault::refusal)?;
        let key = match self.known(&key_id) {
            Some(key) => key,
            None => self.fetch(&key_id, authority).await?.ok_or_else(|| TokenFault::UnknownKey.refusal())?,
        };
        token::verify(token, &key.0, &self.issuer).map_err(TokenFault::refusal)
    }

    fn known(&self, key_id: &str) -> Option<Key> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).get(key_id).cloned()
    }

    async fn fetch(&self, key_id: &str, authority: &impl Authority) -> Result<Option<Key>, Refusal> {
        let mut fetched = self.fetched.lock().await;
        if let Some(key) = self.known(key_id) {
            return Ok(Some(key));
        }
        match &*fetched {
            Some((at, Ok(()))) if at.elapsed() < COOLDOWN => return Ok(None),
            Some((at, Err(refusal))) if at.elapsed() < FAILURE_HOLDS => return Err(refusal.clone()),
            _ => {}
        }
        let answer = authority.keys().await;
        *fetched = Some((Instant::now(), answer.as_ref().map(drop).map_err(Clone::clone)));
        let keys = answer?;
        let keys = keys.into_iter().filter_map(|key| Some((key.kid.clone(), Key::read(&key)?))).collect();
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(self.known(key_id))
    }
}

impl Key {
    /// The key, if it is one that may verify our tokens. A symmetric key or one
    /// for another use would turn the verifier into something else.
    pub fn read(key: &JsonWebKey) -> Option<Self> {
        let JsonWebKey { kty, crv, x, y, kid, r#use, alg, key_ops } = key;
        let fits = kty == "EC"
            && crv == "P-256"
            && alg == "ES256"
            && r#use == "sig"
            && !kid.is_empty()
            && key_ops.iter().all(|operation| operation == "verify");
        if !fits {
            tracing::warn!(kid, kty, alg, "key left out: not an ES256 key for signatures");
            return None;
        }
        DecodingKey::from_ec_components(x, y).ok().map(|key| Self(Arc::new(key)))
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Key")
    }
}
