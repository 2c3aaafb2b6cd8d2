//! Tokens of other issuers, an existing Supabase project for example. Each
//! issuer is bound to its own keys, algorithm and audience. The token's `sub`
//! must be the id of a user here; what it says about e-mail or roles counts for
//! nothing.
//!
//! They are verified here alone; the other services send on any token that names
//! another issuer.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};

use access::{LEEWAY, TokenFault, TokenHeader};
use jiff::Timestamp;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use outbound::{Outbound, Target};
use serde::Deserialize;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::domain::ids::UserId;
use crate::error::Error;

/// Fewest bytes of an HS256 secret; a shorter one could be guessed.
const MIN_SECRET: usize = 32;
/// Age at which keys are fetched again.
const FRESH_FOR: Duration = Duration::from_mins(5);
/// Shortest time between two fetches for unknown key ids.
const COOLDOWN: Duration = Duration::from_secs(30);
/// Time for a fetch.
const PATIENCE: Duration = Duration::from_secs(3);
/// Most bytes of an answer.
const MAX_JWKS: usize = 256 * 1024;

/// The other issuers.
#[derive(Default)]
pub struct TrustedIssuers(Vec<TrustedIssuer>);

struct TrustedIssuer {
    entry: Entry,
    keys: Keys,
}

/// One entry of `TRUSTED_ISSUERS`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    issuer: String,
    audience: String,
    #[serde(default)]
    jwks_url: Option<String>,
    #[serde(default)]
    hs256_secret: Option<String>,
}

enum Keys {
    Secret(DecodingKey),
    Fetched { from: Target, by: Outbound, known: Mutex<Known> },
}

#[derive(Default)]
struct Known {
    keys: HashMap<String, (Algorithm, DecodingKey)>,
    fetched: Option<Instant>,
    missed: Option<Instant>,
}

/// What is wrong with `TRUSTED_ISSUERS`.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TrustedIssuersError(String);

#[derive(Deserialize)]
struct ForeignClaims {
    sub: Uuid,
    #[serde(default)]
    iat: Option<u64>,
}

impl TrustedIssuers {
    /// The user of a token, if one of these issuers has issued it.
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<UserId, Error> {
        let header = access::read_header(token)?;
        let unverified = jsonwebtoken::dangerous::insecure_decode::<Issued>(token);
        let claimed = unverified.map_err(|_| TokenFault::Malformed)?.claims.iss;
        let issuer =
            self.0.iter().find(|issuer| issuer.entry.issuer == claimed).ok_or(TokenFault::WrongIssuer)?;
        let (algorithm, key) = issuer.keys.key(&header).await?;
        if header.alg != format!("{algorithm:?}") {
            return Err(TokenFault::WrongAlgorithm.into());
        }
        let mut validation = Validation::new(algorithm);
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.set_issuer(&[&issuer.entry.issuer]);
        validation.set_audience(&[&issuer.entry.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let claims = jsonwebtoken::decode::<ForeignClaims>(token, &key, &validation)
            .map_err(|error| access::fault(error.kind()))?
            .claims;
        let now = u64::try_from(now.as_second()).unwrap_or_default();
        if claims.iat.is_some_and(|iat| iat > now + LEEWAY) {
            return Err(TokenFault::NotYetValid.into());
        }
        Ok(UserId(claims.sub))
    }
}

/// How many keys of an issuer verify, or why they cannot be had.
pub type UsableKeys = Result<usize, String>;

impl TrustedIssuers {
    /// Fetches the keys of each issuer, for an operator who wants to know.
    pub async fn usable_keys(&self) -> Vec<(&str, UsableKeys)> {
        let mut found = Vec::new();
        for TrustedIssuer { entry, keys } in &self.0 {
            let keys = match keys {
                Keys::Secret(_) => Ok(1),
                Keys::Fetched { from, by, known: _ } => fetch(by, from).await.map(|keys| keys.len()),
            };
            found.push((entry.issuer.as_str(), keys));
        }
        found
    }
}

#[derive(Deserialize)]
struct Issued {
    iss: String,
}

impl FromStr for TrustedIssuers {
    type Err = TrustedIssuersError;

    /// A JSON array of objects with `issuer`, `audience`, and one of `jwks_url`
    /// and `hs256_secret`.
    fn from_str(text: &str) -> Result<Self, TrustedIssuersError> {
        let wrong = |cause: String| TrustedIssuersError(cause);
        let entries: Vec<Entry> = serde_json::from_str(text).map_err(|error| {
            wrong(format!(
                "must be a JSON array of {{\"issuer\", \"audience\", \"jwks_url\" or \"hs256_secret\"}} (line {}, column {})",
                error.line(),
                error.column()
            ))
        })?;
        let mut issuers: Vec<TrustedIssuer> = Vec::new();
        for entry in entries {
            let name = entry.issuer.clone();
            if name.is_empty()
                || entry.audience.is_empty()
                || issuers.iter().any(|other| other.entry.issuer == name)
            {
                return Err(wrong(format!("`{name}`: issuer and audience are needed, and each issuer once")));
            }
            let keys = match (&entry.jwks_url, &entry.hs256_secret) {
                (None, Some(secret)) if secret.len() >= MIN_SECRET => {
                    Keys::Secret(DecodingKey::from_secret(secret.as_bytes()))
                }
                (None, Some(_)) => {
                    return Err(wrong(format!("`{name}`: hs256_secret is shorter than {MIN_SECRET} bytes")));
                }
                (Some(url), None) => {
                    Keys::fetched(url).map_err(|cause| wrong(format!("`{name}`: {cause}")))?
                }
                _ => return Err(wrong(format!("`{name}`: one of jwks_url and hs256_secret is needed"))),
            };
            issuers.push(TrustedIssuer { entry, keys });
        }
        Ok(Self(issuers))
    }
}

impl Keys {
    fn fetched(url: &str) -> Result<Self, String> {
        let from = Target::named_by_deployment(url).map_err(|error| format!("jwks_url {error}"))?;
        let by = Outbound::new(PATIENCE).map_err(|error| error.to_string())?;
        Ok(Self::Fetched { from, by, known: Mutex::default() })
    }

    async fn key(&self, header: &TokenHeader) -> Result<(Algorithm, DecodingKey), Error> {
        let (from, by, known) = match self {
            Self::Secret(key) => return Ok((Algorithm::HS256, key.clone())),
            Self::Fetched { from, by, known } => (from, by, known),
        };
        let mut known = known.lock().await;
        let fresh = known.fetched.is_some_and(|at| at.elapsed() < FRESH_FOR);
        if let Some(key) = known.keys.get(&header.kid).filter(|_| fresh) {
            return Ok(key.clone());
        }
        if known.missed.is_some_and(|at| at.elapsed() < COOLDOWN) {
            return Ok(known.keys.get(&header.kid).cloned().ok_or(TokenFault::UnknownKey)?);
        }
        match fetch(by, from).await {
            Ok(keys) => {
                let found = keys.get(&header.kid).cloned();
                let missed = found.is_none().then(Instant::now);
                *known = Known { keys, fetched: Some(Instant::now()), missed };
                Ok(found.ok_or(TokenFault::UnknownKey)?)
            }
            Err(cause) => {
                tracing::warn!(cause, url = from.as_str(), "keys of a trusted issuer cannot be fetched");
                known.missed = Some(Instant::now());
                let unreachable = Error::IssuerUnreachable { retry_after: COOLDOWN };
                known.keys.get(&header.kid).cloned().ok_or(unreachable)
            }
        }
    }
}

async fn fetch(by: &Outbound, from: &Target) -> Result<HashMap<String, (Algorithm, DecodingKey)>, String> {
    let body = by.get(from, MAX_JWKS).await.map_err(|error| error.to_string())?;
    let set: JwkSet = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
    Ok(usable(&set))
}

/// The keys that may verify signatures, each with its one algorithm. A shared
/// secret in a public list is not one of them.
fn usable(set: &JwkSet) -> HashMap<String, (Algorithm, DecodingKey)> {
    let mut keys = HashMap::new();
    for jwk in &set.keys {
        let signs = matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
        let algorithm = match &jwk.algorithm {
            AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
                Algorithm::ES256
            }
            AlgorithmParameters::RSA(_) => Algorithm::RS256,
            AlgorithmParameters::OctetKeyPair(_) => Algorithm::EdDSA,
            _ => continue,
        };
        let named =
            jwk.common.key_algorithm.is_none_or(|named| named.to_string() == format!("{algorithm:?}"));
        if let (Some(kid), Ok(key), true, true) =
            (&jwk.common.key_id, DecodingKey::from_jwk(jwk), signs, named)
        {
            keys.insert(kid.clone(), (algorithm, key));
        }
    }
    keys
}

impl fmt::Debug for TrustedIssuers {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.0.iter().map(|issuer| &issuer.entry.issuer)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_that_would_weaken_us_are_refused() {
        let secret = "s".repeat(32);
        let good = format!(r#"[{{"issuer":"a","audience":"b","hs256_secret":"{secret}"}}]"#);
        assert!(good.parse::<TrustedIssuers>().is_ok());
        for bad in [
            "{}",
            r#"[{"issuer":"a","audience":"b"}]"#,
            r#"[{"issuer":"a","audience":"b","hs256_secret":"short"}]"#,
            r#"[{"issuer":"a","audience":"b","jwks_url":"http://evil.example/jwks"}]"#,
            r#"[{"issuer":"a","audience":"","jwks_url":"https://x/jwks"}]"#,
            r#"[{"issuer":"a","audience":"b","jwks_url":"https://x/jwks","extra":1}]"#,
            &format!(
                r#"[{{"issuer":"a","audience":"b","jwks_url":"https://x/j","hs256_secret":"{secret}"}}]"#
            ),
        ] {
            let error = bad.parse::<TrustedIssuers>().unwrap_err().to_string();
            assert!(!error.contains(&secret), "{error}");
        }
    }

    #[test]
    fn shared_secrets_and_keys_for_other_uses_are_left_out_of_a_public_list() {
        let set: JwkSet = serde_json::from_str(
            r#"{"keys":[
                {"kty":"oct","kid":"o","k":"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"},
                {"kty":"EC","crv":"P-256","kid":"enc","use":"enc","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
                {"kty":"EC","crv":"P-256","kid":"alg","alg":"HS256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
                {"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
                {"kty":"EC","crv":"P-256","kid":"good","alg":"ES256","use":"sig","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}
            ]}"#,
        )
        .unwrap();
        assert_eq!(usable(&set).into_keys().collect::<Vec<_>>(), ["good"]);
    }
}
