//! The keys that verify our tokens, as identity lists them, and the tokens that they have
//! verified.
//!
//! A verified token is remembered, so that its signature is checked once; its time
//! and its key are looked at each time, and its session is the business of the layer.
//! What was signed is kept as it is, since the claims are kept anyway, and of the
//! signature its SHA-256: nothing that is kept is a token that somebody could use, and
//! a tenth of the text is hashed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use boot::{Count, Scrape};
use frontdesk_proto::Refusal;
use jiff::Timestamp;
use quick_cache::sync::Cache;

use crate::authority::Authority;
use crate::credentials::sha256;
use crate::key_list::{KeyList, Pace};
use crate::token::{self, Claims, Issuer, Key, TokenFault};

/// How often identity may be asked for its list: it has it in memory.
/// What identity revokes it tells, and whom it does not confirm for a minute nobody lets in.
const PACE: Pace = Pace {
    spacing: Duration::from_millis(250),
    missed_for: Duration::from_secs(1),
    trusted_for: Duration::MAX,
};
/// Most tokens that are remembered as verified.
const MOST_REMEMBERED: usize = 10_000;

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
    keys: KeyList<Key, Refusal>,
    /// Tokens that have been verified, by the SHA-256 of their signatures.
    verified: Cache<[u8; 32], Arc<Remembered>>,
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

impl KeyCache {
    /// No keys yet; they are fetched with the first token.
    pub fn new(issuer: Issuer) -> Self {
        Self {
            issuer,
            keys: KeyList::new(PACE),
            verified: Cache::new(MOST_REMEMBERED),
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
        if let Some(claims) = self.recall(token, authority, now) {
            self.recalled.add_one();
            return Ok(Verified::Ours(claims));
        }
        self.checked.add_one();
        if token::claimed_issuer(token).is_some_and(|issuer| issuer != self.issuer.issuer) {
            return Ok(Verified::Foreign(sha256(token)));
        }
        let key_id = token::key_id(token)?;
        let key = match authority.own_key(&key_id) {
            Some(key) => key,
            None => {
                let found = self.keys.find(&key_id, || list(authority.clone(), now)).await?;
                found.ok_or(TokenFault::UnknownKey)?
            }
        };
        let claims = Arc::new(token::verify(token, key.decoding(), &self.issuer)?);
        self.remember(token, &claims, key_id);
        Ok(Verified::Ours(claims))
    }

    /// Ends the trust in keys.
    pub fn revoke(&self, ids: &[String]) {
        if !ids.is_empty() {
            self.keys.revoke(ids);
        }
    }

    /// How tokens were verified, and how old the list of keys is.
    pub(crate) fn figures(&self, scrape: &mut Scrape) {
        let help = "Tokens that were looked at, verified before or not.";
        for (source, count) in [("recalled", &self.recalled), ("checked", &self.checked)] {
            scrape.count("frontdesk_token_checks_total", help, &[("source", source)], count.get());
        }
        let help = "Verified tokens that are remembered.";
        scrape.how_many("frontdesk_tokens_remembered", help, &[], self.verified.len());
        let (keys, age) = self.keys.size_and_age();
        scrape.how_many("frontdesk_signing_keys_known", "Keys that verify tokens.", &[], keys);
        if let Some(age) = age {
            let help = "How long ago the list of keys was fetched.";
            scrape.now("frontdesk_signing_keys_age_seconds", help, &[], age.as_secs_f64());
        }
    }

    fn remember(&self, token: &str, claims: &Arc<Claims>, key_id: String) {
        let Some((signed, signature)) = token.rsplit_once('.') else { return };
        let remembered = Remembered { signed: signed.into(), claims: Arc::clone(claims), key_id };
        self.verified.insert(sha256(signature), Arc::new(remembered));
    }

    /// The claims of a token that was verified before, if its time is not over and
    /// its key is still one of a fresh list.
    fn recall(&self, token: &str, authority: &impl Authority, now: Timestamp) -> Option<Arc<Claims>> {
        let (signed, signature) = token.rsplit_once('.')?;
        let remembered = self.verified.get(&sha256(signature))?;
        let Remembered { signed: verified, claims, key_id } = &*remembered;
        let trusted = || self.keys.is_current(key_id) || authority.own_key(key_id).is_some();
        let holds = **verified == *signed && claims.hold_at(now) && trusted();
        holds.then(|| Arc::clone(claims))
    }
}

async fn list(authority: impl Authority, now: Timestamp) -> Result<HashMap<String, Key>, Refusal> {
    let keys = authority.keys(now).await.inspect_err(|refusal| {
        tracing::warn!(cause = refusal.message(), "keys cannot be fetched; the known ones stay in use");
    })?;
    Ok(keys.into_iter().map(|key| (key.id().to_owned(), key)).collect())
}

impl std::fmt::Debug for KeyCache {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("KeyCache").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use jsonwebtoken::{Algorithm, EncodingKey, Header};
    use uuid::Uuid;

    use super::*;
    use crate::authority::{DeletedTenants, Resolution};
    use crate::caller::Caller;
    use crate::credentials::Credentials;
    use crate::heard::Revoked;
    use crate::token::TOKEN_KIND;

    /// Has one key.
    #[derive(Clone)]
    struct One(Key);

    fn issuer() -> Issuer {
        Issuer { issuer: "i".to_owned(), audience: "a".to_owned(), ..Issuer::default() }
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
            tenant_id: None,
            client_id: None,
            scope: None,
            act: None,
            got_by: None,
        }
    }

    impl Authority for One {
        const HOLDS: Duration = Duration::ZERO;

        async fn keys(&self, _: Timestamp) -> Result<Vec<Key>, Refusal> {
            Ok(vec![self.0.clone()])
        }

        async fn follow(&self, _: impl Fn(Revoked, Instant) + Send + Sync) {}

        async fn resolve(
            &self,
            _: &Credentials,
            _: Option<&Claims>,
            _: Timestamp,
        ) -> Result<Resolution, Refusal> {
            Err(TokenFault::Malformed.into())
        }

        async fn deleted_tenants(&self, _: &[Uuid]) -> Result<DeletedTenants, Refusal> {
            Ok(DeletedTenants::default())
        }

        async fn record_operator(&self, _: &Credentials, _: &Caller) -> Result<(), Refusal> {
            Ok(())
        }
    }

    /// A key pair: the key that verifies, and a token of it for a user.
    fn signing(id: &str) -> (Key, impl Fn(u128) -> String) {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        let key = Key::es256(id, &URL_SAFE_NO_PAD.encode(x), &URL_SAFE_NO_PAD.encode(y)).unwrap();
        let secret = EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref());
        let header = Header { kid: Some(id.to_owned()), ..Header::new(Algorithm::ES256) };
        (key, move |sub| jsonwebtoken::encode(&header, &claims(sub), &secret).unwrap())
    }

    #[tokio::test]
    async fn a_remembered_signature_is_good_for_what_it_signed_and_nothing_else() {
        crate::install_crypto();
        let (key, token) = signing("k");
        let (cache, authority) = (KeyCache::new(issuer()), One(key));
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
        assert!(cache.recall(&one, &authority, Timestamp::now()).is_some());
        assert!(cache.recall(&one, &authority, late).is_none());
    }
}
