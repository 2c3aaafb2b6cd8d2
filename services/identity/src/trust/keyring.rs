//! The keys that sign access tokens: read from the database, kept current. How
//! they follow each other is decided in `domain/signing_key.rs`.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use access::{Issuer, Key};
use jiff::Timestamp;
use jsonwebtoken::EncodingKey;

use crate::credential::access_token::{NewAccessToken, NewBoundToken};
use crate::credential::signing_key::{KeySealer, SigningKeyError};
use crate::domain::signing_key::{KEEP_RETIRED, KeyState, SigningKey};
use crate::error::Error;
use crate::store::Store;

/// Signs tokens and lists the public keys.
#[derive(Clone)]
pub struct Keyring {
    store: Store,
    sealer: KeySealer,
    issuer: Issuer,
    keys: Arc<RwLock<Arc<Keys>>>,
    /// Keys that are trusted no more; held while keys that were read before may be kept.
    revoked: Arc<Mutex<HashSet<String>>>,
}

struct Keys {
    active: String,
    signing: EncodingKey,
    public: Vec<PublicKey>,
    verifying: Vec<Key>,
}

/// The public part of a key: a point of P-256, base64url.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// Its key id.
    pub kid: String,
    /// The point.
    pub x: String,
    /// The point.
    pub y: String,
}

impl Keyring {
    /// Reads the keys; there must be an active one.
    pub async fn open(
        store: Store,
        sealer: KeySealer,
        issuer: Issuer,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let keys = Arc::new(RwLock::new(Arc::new(load(&store, &sealer, now).await?)));
        Ok(Self { store, sealer, issuer, keys, revoked: Arc::default() })
    }

    /// Reads the keys again, so that replicas agree.
    pub async fn reload(&self, now: Timestamp) -> Result<(), Error> {
        let keys = load(&self.store, &self.sealer, now).await?;
        let revoked = self.revoked();
        let trusted = keys.without(&revoked);
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(trusted);
        Ok(())
    }

    /// Ends the trust in keys, before they are read again. One that signs goes on to do so
    /// until then, and nobody believes it.
    pub fn drop_keys(&self, kids: &[String]) {
        let mut revoked = self.revoked();
        revoked.extend(kids.iter().cloned());
        let trusted = self.current().without(&revoked);
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(trusted);
    }

    /// The public keys, for others.
    pub fn public(&self) -> Vec<PublicKey> {
        self.current().public.clone()
    }

    /// The public keys, to verify with.
    pub fn verifying(&self) -> Vec<Key> {
        self.current().verifying.clone()
    }

    /// The public key with this id, to verify with.
    pub fn verifying_key(&self, kid: &str) -> Option<Key> {
        self.current().verifying.iter().find(|key| key.id() == kid).cloned()
    }

    /// Who issues, for whom.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// An access token.
    pub fn sign(&self, token: &NewAccessToken<'_>) -> Result<String, Error> {
        let keys = self.current();
        Ok(token.signed(&self.issuer, &keys.active, &keys.signing)?)
    }

    /// A token that is bound to a tenant.
    pub fn sign_bound(&self, token: &NewBoundToken<'_>) -> Result<String, Error> {
        let keys = self.current();
        Ok(token.signed(&self.issuer, &keys.active, &keys.signing)?)
    }

    fn revoked(&self) -> MutexGuard<'_, HashSet<String>> {
        self.revoked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn current(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Keys {
    fn without(&self, revoked: &HashSet<String>) -> Self {
        Self {
            active: self.active.clone(),
            signing: self.signing.clone(),
            public: self.public.iter().filter(|key| !revoked.contains(&key.kid)).cloned().collect(),
            verifying: self.verifying.iter().filter(|key| !revoked.contains(key.id())).cloned().collect(),
        }
    }
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Keyring").field("active", &self.current().active).finish_non_exhaustive()
    }
}

/// The keys that are published.
pub async fn published(store: &Store, now: Timestamp) -> Result<Vec<SigningKey>, Error> {
    Ok(store.list_signing_keys(now - KEEP_RETIRED).await?)
}

async fn load(store: &Store, sealer: &KeySealer, now: Timestamp) -> Result<Keys, Error> {
    let keys = published(store, now).await?;
    let active = keys.iter().find(|key| key.state == KeyState::Active).ok_or(SigningKeyError::NoActive)?;
    Ok(Keys {
        active: active.kid.clone(),
        signing: sealer.open(active)?,
        verifying: keys.iter().filter_map(|key| Key::es256(&key.kid, &key.x, &key.y)).collect(),
        public: keys.into_iter().map(|SigningKey { kid, x, y, .. }| PublicKey { kid, x, y }).collect(),
    })
}
