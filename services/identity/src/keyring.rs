//! The keys that sign access tokens, read from the database and kept current.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use access::{Claims, Issuer, TOKEN_KIND};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use frontdesk_proto::identity::v1::JsonWebKey;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::error::Error;
use crate::secrets::Secrets;
use crate::store::{SigningKeyRow, Store, UserRow};

/// Lifetime of an access token in seconds.
pub const ACCESS_TTL: i32 = 3600;
/// How often the keys are read again, so that replicas agree within seconds.
const RELOAD_EVERY: Duration = Duration::from_secs(5);

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

impl Keyring {
    /// Reads the keys, making the first one in an empty database.
    pub async fn open(
        store: &Store,
        secrets: &Secrets,
        issuer: Issuer,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let keys = if let Some(keys) = load(store, secrets).await? {
            keys
        } else {
            store.insert_active_signing_key(&generate(secrets)?, now).await?;
            // Another replica may have been faster; the stored one counts.
            load(store, secrets).await?.ok_or_else(|| Error::Signing("there is no active key".to_owned()))?
        };
        Ok(Self { issuer, keys: Arc::new(RwLock::new(Arc::new(keys))) })
    }

    /// Reads the keys again and again until told to stop.
    pub async fn follow(self, store: Store, secrets: Secrets, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(RELOAD_EVERY)).await.is_some() {
            match load(&store, &secrets).await {
                Ok(Some(keys)) => *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys),
                Ok(None) => {
                    tracing::error!(
                        "the database has no active signing key; the last known one stays in use"
                    );
                }
                Err(error) => {
                    tracing::warn!(%error, "signing keys cannot be read; the last known ones stay in use");
                }
            }
        }
    }

    /// The public keys.
    pub fn public(&self) -> Vec<JsonWebKey> {
        self.current().public.clone()
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

async fn load(store: &Store, secrets: &Secrets) -> Result<Option<Keys>, Error> {
    let rows = store.list_signing_keys().await?;
    let Some(active) = rows.iter().find(|row| row.active) else { return Ok(None) };
    let pkcs8 = secrets.open(&active.kid, &active.sealed)?;
    Ok(Some(Keys {
        kid: active.kid.clone(),
        signing: EncodingKey::from_ec_der(&pkcs8),
        public: rows.into_iter().map(SigningKeyRow::into_jwk).collect(),
    }))
}

fn generate(secrets: &Secrets) -> Result<SigningKeyRow, Error> {
    let failed = |_| Error::Signing("a key pair could not be made".to_owned());
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
    let pkcs8 = pair.to_pkcs8v1().map_err(failed)?;
    // Uncompressed point: 0x04, x, y (SEC 1 section 2.3.3).
    let point = pair.public_key().as_ref();
    let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..65]));
    let kid = thumbprint(&x, &y);
    let sealed = secrets.seal(&kid, pkcs8.as_ref())?;
    Ok(SigningKeyRow { kid, active: true, x, y, sealed })
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
