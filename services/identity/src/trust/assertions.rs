//! Assertions by which clients prove who they are (RFC 7523 section 3), and the keys that
//! verify them. That an assertion is used once is the business of the change that takes it.

use std::collections::HashSet;

use access::LEEWAY;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet};
use jsonwebtoken::{Algorithm, Validation};
use serde::Deserialize;

use super::got_by;
use super::issuer_keys::{self, Usable};
use crate::domain::field::InvalidField;
use crate::domain::ids::{self, ApiKeyId};

/// Algorithms by which an assertion may be signed.
pub const ALGORITHMS: [Algorithm; 3] = [Algorithm::ES256, Algorithm::RS256, Algorithm::EdDSA];
/// Media types that it may say to be: what it is for, or none in particular.
const MEDIA_TYPES: [&str; 3] = ["", "jwt", "client-authentication+jwt"];
/// How far its end may be ahead.
const LONGEST: SignedDuration = SignedDuration::from_mins(5);
/// Most bytes of its id.
const MAX_ID: usize = 200;
/// Bytes of an RSA modulus.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=512;

/// An assertion that was verified.
#[derive(Debug, PartialEq, Eq)]
pub struct Assertion {
    /// Its id, which is used once.
    pub id: String,
    /// Until when somebody might use it again.
    pub until: Timestamp,
    /// How tokens name the key that verifies it.
    pub key: String,
}

#[derive(Deserialize)]
struct AssertionClaims {
    jti: String,
    aud: Audience,
    exp: f64,
    #[serde(default)]
    iat: Option<f64>,
}

/// For whom it was made.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

#[derive(Deserialize)]
struct Claimed {
    sub: String,
}

/// Which client an assertion says that it is of, unverified.
pub fn claimed_client(assertion: &str) -> Option<ApiKeyId> {
    let payload = URL_SAFE_NO_PAD.decode(assertion.split('.').nth(1)?).ok()?;
    let Claimed { sub } = serde_json::from_slice(&payload).ok()?;
    ids::parse(&sub)
}

/// The assertion, if a client with these keys, a JWK set, has made it for one of these
/// audiences; else why not, for the log.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "milliseconds of this epoch are exact in a double, and fractions of one do not matter"
)]
pub fn verify(
    assertion: &str,
    client: ApiKeyId,
    keys: &str,
    audiences: &[String],
    now: Timestamp,
) -> Result<Assertion, &'static str> {
    let header = access::read_header_of(assertion, &MEDIA_TYPES).map_err(|_| "its header is refused")?;
    let set: JwkSet = serde_json::from_str(keys).map_err(|_| "the registered keys cannot be read")?;
    // A key that stands alone is found without its id.
    let named = |jwk: &&Jwk| match (header.kid.as_str(), set.keys.as_slice()) {
        ("", [_]) => true,
        (id, _) => jwk.common.key_id.as_deref() == Some(id),
    };
    let jwk = set.keys.iter().find(named).ok_or("no registered key has its key id")?;
    let (_, Usable { algorithms, key }) = of_client(jwk).ok_or("its key is none that is taken")?;
    let named = algorithms.into_iter().find(|algorithm| header.alg == format!("{algorithm:?}"));
    let mut validation = Validation::new(named.ok_or("its algorithm is not its key's")?);
    validation.leeway = LEEWAY;
    validation.validate_nbf = true;
    validation.set_issuer(&[client.to_string()]);
    validation.sub = Some(client.to_string());
    validation.set_audience(audiences);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let claims = jsonwebtoken::decode::<AssertionClaims>(assertion, &key, &validation);
    let AssertionClaims { jti, aud, exp, iat } =
        claims.map_err(|_| "its signature, times, issuer, subject, audience or id are refused")?.claims;
    // Another server for which it is as good could use it here.
    let ours = match &aud {
        Audience::One(one) => audiences.contains(one),
        Audience::Several(several) => several.iter().all(|one| audiences.contains(one)),
    };
    if !ours {
        return Err("it is for others as well");
    }
    let (at, leeway) = (now.as_millisecond() as f64 / 1000.0, LEEWAY as f64);
    if exp > at + LONGEST.as_secs_f64() + leeway {
        return Err("its end is too far ahead");
    }
    if iat.is_some_and(|iat| iat > at + leeway) {
        return Err("it is of the future");
    }
    if jti.is_empty() || jti.len() > MAX_ID {
        return Err("its id is empty or too long");
    }
    let until = Timestamp::from_millisecond(((exp + leeway) * 1000.0) as i64 + 1);
    let key = got_by::key(jwk).ok_or("its key has no thumbprint")?;
    Ok(Assertion { id: jti, until: until.map_err(|_| "its end is not a time")?, key })
}

/// The ids of keys, a JWK set, that a client may register.
pub fn check_keys(keys: &str) -> Result<Vec<String>, InvalidField> {
    let invalid = |problem: String| InvalidField::new("keys", problem);
    let set: JwkSet = serde_json::from_str(keys)
        .map_err(|_| invalid("takes public keys as RFC 7517 has them, of kty EC, RSA or OKP".to_owned()))?;
    let mut ids = Vec::new();
    for jwk in &set.keys {
        let named = jwk.common.key_id.clone().unwrap_or_default();
        let usable = of_client(jwk).filter(|_| !named.is_empty());
        let Some((id, _)) = usable else {
            return Err(invalid(format!(
                "`{named}` is not a public key with an id for signatures by ES256, RS256 (2048 to 4096 bits) or EdDSA"
            )));
        };
        ids.push(id);
    }
    if ids.iter().collect::<HashSet<_>>().len() < ids.len() {
        return Err(invalid("takes an id once".to_owned()));
    }
    Ok(ids)
}

/// A key that may verify assertions, with its id.
fn of_client(jwk: &Jwk) -> Option<(String, Usable)> {
    if let AlgorithmParameters::RSA(rsa) = &jwk.algorithm {
        let modulus = URL_SAFE_NO_PAD.decode(&rsa.n).ok()?;
        RSA_BYTES.contains(&modulus.len()).then_some(())?;
    }
    let (id, Usable { algorithms, key }) = issuer_keys::usable(jwk)?;
    let algorithms: Vec<Algorithm> =
        algorithms.into_iter().filter(|algorithm| ALGORITHMS.contains(algorithm)).collect();
    (!algorithms.is_empty()).then_some((id, Usable { algorithms, key }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_keys_of_the_three_algorithms_are_registered_each_with_an_id() {
        const POINT: &str = r#""x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#;
        let keys = |keys: &[String]| check_keys(&format!(r#"{{"keys":[{}]}}"#, keys.join(",")));
        let ec = |members: &str| format!(r#"{{"kty":"EC","crv":"P-256",{members}{POINT}}}"#);
        let rsa = |bytes: usize| {
            format!(
                r#"{{"kty":"RSA","kid":"r","n":"{}","e":"AQAB"}}"#,
                URL_SAFE_NO_PAD.encode(vec![0xff; bytes])
            )
        };
        let okp =
            r#"{"kty":"OKP","crv":"Ed25519","kid":"o","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        assert_eq!(keys(&[ec(r#""kid":"a","#), okp.to_owned(), rsa(256)]).unwrap(), ["a", "o", "r"]);
        assert_eq!(keys(&[]).unwrap(), Vec::<String>::new());
        for bad in [
            vec![ec("")],
            vec![ec(r#""kid":"","#)],
            vec![ec(r#""kid":"a","#), ec(r#""kid":"a","#)],
            vec![ec(r#""kid":"a","use":"enc","#)],
            vec![ec(r#""kid":"a","alg":"HS256","#)],
            vec![rsa(255)],
            vec![rsa(513)],
            vec![rsa(256).replace(r#""e""#, r#""alg":"RS512","e""#)],
            vec![r#"{"kty":"oct","kid":"o","k":"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"}"#.to_owned()],
        ] {
            assert!(keys(&bad).is_err(), "{bad:?}");
        }
    }
}
