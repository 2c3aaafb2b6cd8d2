//! The keys of one other issuer: which of a list may verify, by which algorithms, and
//! the list fetched when it is needed. What a token says is not looked at here.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use access::{KeyList, Pace, TokenFault, TokenHeader};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use outbound::{FetchError, Outbound, Target};

use crate::credential::trusted_issuers::KeySource;
use crate::error::Error;

/// How often an issuer is asked for its list: it is not ours.
const PACE: Pace = Pace {
    spacing: Duration::from_secs(1),
    missed_for: Duration::from_secs(5),
    trusted_for: Duration::from_hours(24),
};
/// When a token whose keys cannot be fetched is worth sending again.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Time for a fetch.
const PATIENCE: Duration = Duration::from_secs(3);
/// Most bytes of an answer.
const MAX_JWKS: usize = 256 * 1024;

/// What an RSA key may verify that does not say for which algorithm it is.
const OF_RSA: [Algorithm; 4] = [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256];

/// The keys of an issuer.
pub enum Keys {
    /// Shared with it.
    Secret(DecodingKey),
    /// Those of its list.
    Listed(Listed),
}

/// A list that an issuer publishes.
pub struct Listed {
    from: Target,
    by: Outbound,
    keys: KeyList<Usable, String>,
}

/// A key, and the algorithms by which it may verify.
#[derive(Clone)]
pub struct Usable {
    pub algorithms: Vec<Algorithm>,
    pub key: Arc<DecodingKey>,
}

impl Keys {
    /// Those that a deployment names.
    pub fn of(source: &KeySource) -> Result<Self, FetchError> {
        Ok(match source {
            KeySource::Secret(secret) => Self::Secret(DecodingKey::from_secret(secret.as_bytes())),
            KeySource::Address(from) => Self::Listed(Listed {
                from: from.clone(),
                by: Outbound::new(PATIENCE)?,
                keys: KeyList::new(PACE),
            }),
        })
    }

    /// What verifies a token with this header, and the algorithm that the header names.
    pub async fn key(&self, header: &TokenHeader) -> Result<(Algorithm, Arc<DecodingKey>), Error> {
        let usable = match self {
            Self::Secret(key) => Usable { algorithms: vec![Algorithm::HS256], key: Arc::new(key.clone()) },
            Self::Listed(Listed { from, by, keys }) => {
                let found = keys.find(&header.kid, || listed(by.clone(), from.clone())).await;
                found
                    .map_err(|_| Error::IssuerUnreachable { retry_after: RETRY_AFTER })?
                    .ok_or(TokenFault::UnknownKey)?
            }
        };
        let named = usable.algorithms.iter().find(|algorithm| header.alg == format!("{algorithm:?}"));
        Ok((*named.ok_or(TokenFault::WrongAlgorithm)?, usable.key))
    }

    /// How many keys can verify, asked anew, or why they cannot be had.
    pub async fn count(&self) -> Result<usize, String> {
        match self {
            Self::Secret(_) => Ok(1),
            Self::Listed(Listed { from, by, keys: _ }) => fetch(by, from).await.map(|keys| keys.len()),
        }
    }
}

async fn listed(by: Outbound, from: Target) -> Result<HashMap<String, Usable>, String> {
    let keys = fetch(&by, &from).await.inspect_err(|cause| {
        tracing::warn!(cause, url = from.as_str(), "keys of a trusted issuer cannot be fetched");
    })?;
    Ok(by_id(keys))
}

async fn fetch(by: &Outbound, from: &Target) -> Result<Vec<(String, Usable)>, String> {
    let body = by.get(from, MAX_JWKS).await.map_err(|error| error.to_string())?;
    let set: JwkSet = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
    Ok(set.keys.iter().filter_map(usable).collect())
}

/// A key that stands alone is also found by tokens without a key id.
fn by_id(keys: Vec<(String, Usable)>) -> HashMap<String, Usable> {
    let alone = match keys.as_slice() {
        [(_, only)] => Some(only.clone()),
        _ => None,
    };
    let mut keys: HashMap<_, _> = keys.into_iter().filter(|(id, _)| !id.is_empty()).collect();
    if let Some(only) = alone {
        keys.insert(String::new(), only);
    }
    keys
}

/// A key that may verify signatures, with its id and its algorithms. A shared secret in a
/// public list is not one.
pub fn usable(jwk: &Jwk) -> Option<(String, Usable)> {
    if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    let fitting: &[Algorithm] = match &jwk.algorithm {
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
            &[Algorithm::ES256]
        }
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P384 => {
            &[Algorithm::ES384]
        }
        AlgorithmParameters::RSA(_) => &OF_RSA,
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
            &[Algorithm::EdDSA]
        }
        _ => return None,
    };
    let named = jwk.common.key_algorithm.map(|named| named.to_string());
    let takes = |algorithm: &Algorithm| named.as_ref().is_none_or(|named| *named == format!("{algorithm:?}"));
    let algorithms: Vec<Algorithm> = fitting.iter().copied().filter(takes).collect();
    let key = DecodingKey::from_jwk(jwk).ok().filter(|_| !algorithms.is_empty())?;
    Some((jwk.common.key_id.clone().unwrap_or_default(), Usable { algorithms, key: Arc::new(key) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const POINT: &str = r#""x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#;

    fn keys(list: &[String]) -> Vec<(String, Usable)> {
        let set: JwkSet = serde_json::from_str(&format!(r#"{{"keys":[{}]}}"#, list.join(","))).unwrap();
        set.keys.iter().filter_map(usable).collect()
    }

    fn ec(members: &str) -> String {
        format!(r#"{{"kty":"EC","crv":"P-256",{members}{POINT}}}"#)
    }

    #[test]
    fn shared_secrets_and_keys_for_other_uses_are_left_out_of_a_public_list() {
        let found = keys(&[
            r#"{"kty":"oct","kid":"o","k":"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"}"#.to_owned(),
            ec(r#""kid":"enc","use":"enc","#),
            ec(r#""kid":"alg","alg":"HS256","#),
            ec(r#""kid":"other","alg":"ES384","#),
            ec(r#""kid":"good","alg":"ES256","use":"sig","#),
        ]);
        assert_eq!(found.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["good"]);
    }

    #[test]
    fn a_key_verifies_by_the_algorithm_that_it_names_or_by_those_of_its_kind() {
        let rsa = |alg: &str| format!(r#"{{"kty":"RSA","kid":"r",{alg}"n":"sXch","e":"AQAB"}}"#);
        let algorithms = |key: String| keys(&[key]).pop().map(|(_, usable)| usable.algorithms);
        assert_eq!(algorithms(rsa("")), Some(OF_RSA.to_vec()));
        assert_eq!(algorithms(rsa(r#""alg":"RS512","#)), Some(vec![Algorithm::RS512]));
        assert_eq!(algorithms(rsa(r#""alg":"RSA-OAEP","#)), None);
        assert_eq!(algorithms(rsa(r#""alg":"PS512","#)), None);
        assert_eq!(algorithms(ec("")), Some(vec![Algorithm::ES256]));
    }

    #[test]
    fn a_key_without_an_id_is_found_where_it_is_the_only_one() {
        assert!(by_id(keys(&[ec("")])).contains_key(""));
        assert!(by_id(keys(&[ec(r#""kid":"a","#)])).contains_key(""));
        let two = by_id(keys(&[ec(""), ec(r#""kid":"a","#)]));
        assert_eq!(two.keys().collect::<Vec<_>>(), ["a"]);
    }
}
