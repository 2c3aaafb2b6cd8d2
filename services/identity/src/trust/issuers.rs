//! Tokens of other issuers, an existing Supabase project for example. Each
//! issuer is bound to its own keys, algorithm and audience. The token's `sub`
//! must be the id of a user here; what it says about e-mail or roles counts for
//! nothing.
//!
//! They are verified here alone; the other services send on any token that names
//! another issuer.

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};

use access::{LEEWAY, TokenFault, TokenHeader};
use jiff::Timestamp;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use outbound::{FetchError, Outbound, Target};
use serde::Deserialize;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::credential::trusted_issuers::{KeySource, TrustedIssuer, TrustedIssuers};
use crate::domain::ids::UserId;
use crate::error::Error;

/// Age at which keys are fetched again.
const FRESH_FOR: Duration = Duration::from_mins(5);
/// Shortest time between two fetches for unknown key ids.
const COOLDOWN: Duration = Duration::from_secs(30);
/// Time for a fetch.
const PATIENCE: Duration = Duration::from_secs(3);
/// Most bytes of an answer.
const MAX_JWKS: usize = 256 * 1024;

/// Verifies tokens of other issuers.
#[derive(Default)]
pub struct ForeignTokens(Vec<Verifier>);

/// What verifies the tokens of one issuer.
struct Verifier {
    issuer: String,
    audience: String,
    keys: Keys,
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

#[derive(Deserialize)]
struct ForeignClaims {
    sub: Uuid,
    #[serde(default)]
    iat: Option<u64>,
}

impl ForeignTokens {
    /// Verifies tokens of these issuers.
    pub fn of(issuers: &TrustedIssuers) -> Result<Self, FetchError> {
        let verifier = |TrustedIssuer { issuer, audience, keys }: &TrustedIssuer| {
            let keys = match keys {
                KeySource::Secret(secret) => Keys::Secret(DecodingKey::from_secret(secret.as_bytes())),
                KeySource::Address(from) => Keys::Fetched {
                    from: from.clone(),
                    by: Outbound::new(PATIENCE)?,
                    known: Mutex::default(),
                },
            };
            Ok(Verifier { issuer: issuer.clone(), audience: audience.clone(), keys })
        };
        issuers.iter().map(verifier).collect::<Result<_, _>>().map(Self)
    }

    /// The user of a token, if one of these issuers has issued it.
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<UserId, Error> {
        let header = access::read_header(token)?;
        let unverified = jsonwebtoken::dangerous::insecure_decode::<Issued>(token);
        let claimed = unverified.map_err(|_| TokenFault::Malformed)?.claims.iss;
        let verifier =
            self.0.iter().find(|verifier| verifier.issuer == claimed).ok_or(TokenFault::WrongIssuer)?;
        let (algorithm, key) = verifier.keys.key(&header).await?;
        if header.alg != format!("{algorithm:?}") {
            return Err(TokenFault::WrongAlgorithm.into());
        }
        let mut validation = Validation::new(algorithm);
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.set_issuer(&[&verifier.issuer]);
        validation.set_audience(&[&verifier.audience]);
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

impl ForeignTokens {
    /// Fetches the keys of each issuer, for an operator who wants to know.
    pub async fn usable_keys(&self) -> Vec<(&str, UsableKeys)> {
        let mut found = Vec::new();
        for Verifier { issuer, audience: _, keys } in &self.0 {
            let keys = match keys {
                Keys::Secret(_) => Ok(1),
                Keys::Fetched { from, by, known: _ } => fetch(by, from).await.map(|keys| keys.len()),
            };
            found.push((issuer.as_str(), keys));
        }
        found
    }
}

#[derive(Deserialize)]
struct Issued {
    iss: String,
}

impl fmt::Debug for ForeignTokens {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.0.iter().map(|verifier| &verifier.issuer)).finish()
    }
}

impl Keys {
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

#[cfg(test)]
mod tests {
    use super::*;

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
