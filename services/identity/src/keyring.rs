//! The keys that sign access tokens: read from the database, kept current, and
//! rotated. A key is published (standby) before it signs (active), and stays
//! published (retired) until what it signed has expired.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use access::{Claims, Issuer, TOKEN_KIND};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use frontdesk_proto::identity::v1::JsonWebKey;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::actor::Actor;
use crate::error::Error;
use crate::secrets::Secrets;
use crate::store::{KeyState, SigningKeyRow, Store, UserRow};

/// Lifetime of an access token in seconds.
pub const ACCESS_TTL: i32 = 3600;
/// How often the keys are read again, so that replicas agree within seconds.
const RELOAD_EVERY: Duration = Duration::from_secs(5);
/// How long a key is published before it signs: twice the `max-age` of the JWKS.
pub const PUBLISH_BEFORE: SignedDuration = SignedDuration::from_mins(10);
/// How long a retired key stays published: an access token's life, and a margin
/// for clocks and caches.
const KEEP_RETIRED: SignedDuration = SignedDuration::from_mins(70);

/// Signs tokens and lists the public keys.
#[derive(Clone)]
pub struct Keyring {
    issuer: Issuer,
    keys: Arc<RwLock<Arc<Keys>>>,
}

struct Keys {
    kid: String,
    signing: EncodingKey,
    public: Vec<JsonWebKey>,
}

/// What a rotation did.
#[derive(Debug, PartialEq, Eq)]
pub enum Rotated {
    /// A standby key was published; rotating again activates it, not before.
    Published { kid: String, usable_at: Timestamp },
    /// There is a standby key that is too young to sign.
    TooEarly { kid: String, usable_at: Timestamp },
    /// The standby key signs now.
    Activated { kid: String },
}

impl Keyring {
    /// Reads the keys, making the first one in an empty database.
    pub async fn open(
        store: &Store,
        secrets: &Secrets,
        issuer: Issuer,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let keys = match load(store, secrets, now).await? {
            Some(keys) => keys,
            None => {
                let tx = store.begin().await?;
                store.insert_signing_key(&tx, &generate(secrets, KeyState::Active, now)?).await?;
                let event = Actor::operator();
                store.audit_and_commit(tx, event.event("signing_key_created", None, ""), now).await?;
                // Another replica may have been faster; the stored one counts.
                load(store, secrets, now)
                    .await?
                    .ok_or_else(|| Error::Signing("there is no active key".to_owned()))?
            }
        };
        Ok(Self { issuer, keys: Arc::new(RwLock::new(Arc::new(keys))) })
    }

    /// Reads the keys again.
    pub async fn reload(&self, store: &Store, secrets: &Secrets) -> Result<(), Error> {
        match load(store, secrets, Timestamp::now()).await? {
            Some(keys) => {
                *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
                Ok(())
            }
            None => Err(Error::Signing("the database has no active signing key".to_owned())),
        }
    }

    /// Keeps the keys current and rotates them when the active one is older than
    /// `max_age`, until told to stop.
    pub async fn follow(
        self,
        store: Store,
        secrets: Secrets,
        max_age: SignedDuration,
        stop: CancellationToken,
    ) {
        let mut rounds: u32 = 0;
        while stop.run_until_cancelled(tokio::time::sleep(RELOAD_EVERY)).await.is_some() {
            if let Err(error) = self.reload(&store, &secrets).await {
                tracing::warn!(%error, "signing keys cannot be read; the last known ones stay in use");
            }
            rounds = rounds.wrapping_add(1);
            if !rounds.is_multiple_of(12) {
                continue;
            }
            let now = Timestamp::now();
            if let Err(error) = rotate_if_due(&store, &secrets, max_age, now).await {
                tracing::warn!(%error, "signing keys cannot be rotated");
            }
        }
    }

    /// The public keys.
    pub fn public(&self) -> Vec<JsonWebKey> {
        self.current().public.clone()
    }

    /// Who issues, for whom.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// An access token for a user's session.
    pub fn access_token(
        &self,
        user: &UserRow,
        session: Uuid,
        generation: i64,
        id: Uuid,
        now: Timestamp,
    ) -> Result<String, Error> {
        let seconds = u64::try_from(now.as_second())
            .map_err(|_| Error::Signing("the clock is before 1970".to_owned()))?;
        let claims = Claims {
            iss: self.issuer.issuer.clone(),
            sub: user.id,
            aud: self.issuer.audience.clone(),
            exp: seconds + u64::from(ACCESS_TTL.unsigned_abs()),
            iat: seconds,
            nbf: seconds,
            jti: id,
            typ: TOKEN_KIND.to_owned(),
            session_id: session,
            generation,
            email: user.email.clone(),
            role: "authenticated".to_owned(),
            aal: "aal1".to_owned(),
            amr: vec![access::AuthenticationMethod { method: "password".to_owned(), timestamp: seconds }],
            app_metadata: serde_json::Map::new(),
            user_metadata: serde_json::Map::new(),
        };
        let keys = self.current();
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(keys.kid.clone());
        jsonwebtoken::encode(&header, &claims, &keys.signing)
            .map_err(|error| Error::Signing(error.to_string()))
    }

    fn current(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Keyring").field("kid", &self.current().kid).finish_non_exhaustive()
    }
}

/// Takes the next step of a rotation: publishes a standby key, or activates the
/// one that has been published long enough. With `at_once` its age does not
/// matter; verifiers that have the old list then fetch the new one.
pub async fn rotate(
    store: &Store,
    secrets: &Secrets,
    at_once: bool,
    actor: &Actor,
    now: Timestamp,
) -> Result<Rotated, Error> {
    let tx = store.begin().await?;
    let keys = store.lock_signing_keys(&tx).await?;
    let standby = keys.iter().find(|key| key.state == KeyState::Standby);
    let standby = match standby {
        Some(key) => key.clone(),
        None => {
            let key = generate(secrets, KeyState::Standby, now)?;
            store.insert_signing_key(&tx, &key).await?;
            if !at_once {
                let usable_at = now + PUBLISH_BEFORE;
                store.audit_and_commit(tx, actor.event("signing_key_published", None, &key.kid), now).await?;
                return Ok(Rotated::Published { kid: key.kid, usable_at });
            }
            key
        }
    };
    let usable_at = standby.created_at + PUBLISH_BEFORE;
    if usable_at > now && !at_once {
        return Ok(Rotated::TooEarly { kid: standby.kid, usable_at });
    }
    store.retire_active_signing_key(&tx, now).await?;
    store.activate_signing_key(&tx, &standby.kid, now).await?;
    store.audit_and_commit(tx, actor.event("signing_key_activated", None, &standby.kid), now).await?;
    Ok(Rotated::Activated { kid: standby.kid })
}

/// The keys that are published, for people.
pub async fn list(store: &Store, now: Timestamp) -> Result<Vec<SigningKeyRow>, Error> {
    Ok(store.list_signing_keys(now - KEEP_RETIRED).await?)
}

async fn rotate_if_due(
    store: &Store,
    secrets: &Secrets,
    max_age: SignedDuration,
    now: Timestamp,
) -> Result<(), Error> {
    let keys = list(store, now).await?;
    let due = keys.iter().any(|key| {
        key.state == KeyState::Active
            && key.activated_at.unwrap_or(key.created_at) + max_age <= now + PUBLISH_BEFORE
    });
    let too_young =
        keys.iter().any(|key| key.state == KeyState::Standby && key.created_at + PUBLISH_BEFORE > now);
    if due && !too_young {
        let rotated = rotate(store, secrets, false, &Actor::operator(), now).await?;
        tracing::info!(?rotated, "signing keys rotated by schedule");
    }
    Ok(())
}

async fn load(store: &Store, secrets: &Secrets, now: Timestamp) -> Result<Option<Keys>, Error> {
    let rows = list(store, now).await?;
    let Some(active) = rows.iter().find(|row| row.state == KeyState::Active) else { return Ok(None) };
    let pkcs8 = secrets.open(&active.kid, &active.sealed)?;
    Ok(Some(Keys {
        kid: active.kid.clone(),
        signing: EncodingKey::from_ec_der(&pkcs8),
        public: rows.into_iter().map(SigningKeyRow::into_jwk).collect(),
    }))
}

fn generate(secrets: &Secrets, state: KeyState, now: Timestamp) -> Result<SigningKeyRow, Error> {
    let failed = |_| Error::Signing("a key pair could not be made".to_owned());
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
    let pkcs8 = pair.to_pkcs8v1().map_err(failed)?;
    // Uncompressed point: 0x04, x, y (SEC 1 section 2.3.3).
    let point = pair.public_key().as_ref();
    let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..65]));
    let kid = thumbprint(&x, &y);
    let sealed = secrets.seal(&kid, pkcs8.as_ref())?;
    let activated_at = (state == KeyState::Active).then_some(now);
    Ok(SigningKeyRow { kid, state, x, y, sealed, created_at: now, activated_at, retired_at: None })
}

/// RFC 7638: SHA-256 over the required members in lexical order.
fn thumbprint(x: &str, y: &str) -> String {
    let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    URL_SAFE_NO_PAD.encode(digest(&SHA256, members.as_bytes()))
}

impl SigningKeyRow {
    fn into_jwk(self) -> JsonWebKey {
        JsonWebKey {
            kty: "EC".to_owned(),
            crv: "P-256".to_owned(),
            x: self.x,
            y: self.y,
            kid: self.kid,
            r#use: "sig".to_owned(),
            alg: "ES256".to_owned(),
            key_ops: vec!["verify".to_owned()],
        }
    }
}
