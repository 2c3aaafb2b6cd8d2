//! What a token of a trusted issuer may look like: algorithms, media type, times. The key
//! pairs of `foreign_keys.json` were made for this test.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use identity::{Policy, TrustedIssuers};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value as Json, json};

use super::trusted_issuers::{MANAGER_ID, SECRET, serve};
use crate::fixture::Fixture;

const KEYS: &str = include_str!("foreign_keys.json");
const LISTED: &str = "https://listed.example";
const SHARED: &str = "https://shared.example";

fn private(name: &str) -> EncodingKey {
    let keys: Json = serde_json::from_str(KEYS).unwrap();
    let der = BASE64_STANDARD.decode(keys["private"][name].as_str().unwrap()).unwrap();
    match name {
        "rsa" => EncodingKey::from_rsa_der(&der),
        "p384" => EncodingKey::from_ec_der(&der),
        _ => EncodingKey::from_ed_der(&der),
    }
}

fn claims(issuer: &str) -> Json {
    let now = jsonwebtoken::get_current_timestamp();
    json!({"iss": issuer, "aud": "theirs", "sub": MANAGER_ID, "exp": now + 600, "iat": now})
}

/// A token of the shared secret, with a header and claims that are changed.
fn shared(typ: Option<&str>, changed: Json) -> String {
    let mut claims = claims(SHARED);
    claims.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
    let header = Header { typ: typ.map(str::to_owned), ..Header::new(Algorithm::HS256) };
    jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
}

#[tokio::test]
async fn tokens_of_other_issuers_are_taken_by_the_rules_of_their_kind() {
    let entries = json!([
        {"issuer": LISTED, "audience": "theirs", "jwks_url": serve(KEYS).await, "subjects_are_user_ids": true},
        {"issuer": SHARED, "audience": "theirs", "hs256_secret": SECRET, "max_lifetime_seconds": 3600, "subjects_are_user_ids": true},
    ]);
    let trusted_issuers: TrustedIssuers = entries.to_string().parse().unwrap();
    let fixture = Fixture::start_with(Policy { trusted_issuers, ..Policy::default() }).await;
    each_algorithm(&fixture).await;
    each_form(&fixture).await;
}

async fn each_algorithm(fixture: &Fixture) {
    let key_of = |algorithm| match algorithm {
        Algorithm::ES384 => "p384",
        Algorithm::EdDSA => "ed",
        _ => "rsa",
    };
    for (algorithm, status) in [
        (Algorithm::RS256, 200),
        (Algorithm::RS384, 200),
        (Algorithm::RS512, 200),
        (Algorithm::PS256, 200),
        (Algorithm::ES384, 200),
        (Algorithm::EdDSA, 200),
        (Algorithm::PS512, 401),
    ] {
        let mut header = Header::new(algorithm);
        header.kid = Some(key_of(algorithm).to_owned());
        let token = jsonwebtoken::encode(&header, &claims(LISTED), &private(key_of(algorithm))).unwrap();
        let answer = fixture.get("/v1/me", &token).await;
        assert_eq!(answer.status, status, "{algorithm:?}: {}", answer.body);
        if status == 401 {
            assert_eq!(answer.body["metadata"]["fault"], "wrong_algorithm", "{}", answer.body);
        }
    }
}

async fn each_form(fixture: &Fixture) {
    let now = jsonwebtoken::get_current_timestamp();
    let fraction = f64::from(u32::try_from(now).unwrap()) + 0.25;
    let none = || json!({});
    for (fault, typ, changed) in [
        (None, None, none()),
        (None, Some("at+jwt"), none()),
        (
            None,
            Some("application/at+jwt"),
            json!({"exp": fraction + 600.0, "iat": fraction, "nbf": fraction}),
        ),
        (Some("wrong_kind"), Some("logout+jwt"), none()),
        (Some("wrong_kind"), Some("dpop+jwt"), none()),
        (
            Some("wrong_kind"),
            Some("JWT"),
            json!({"events": {"http://schemas.openid.net/event/backchannel-logout": {}}}),
        ),
        // What Cognito, Keycloak and OpenID Connect call tokens that are for something else.
        (None, Some("JWT"), json!({"token_use": "access", "typ": "Bearer"})),
        (Some("wrong_kind"), Some("JWT"), json!({"token_use": "id"})),
        (Some("wrong_kind"), Some("JWT"), json!({"token_use": 1})),
        (Some("wrong_kind"), Some("JWT"), json!({"typ": "ID"})),
        (Some("wrong_kind"), Some("JWT"), json!({"typ": "Refresh"})),
        (Some("wrong_kind"), Some("JWT"), json!({"typ": "Offline"})),
        (Some("wrong_kind"), Some("JWT"), json!({"at_hash": "x"})),
        (Some("wrong_kind"), Some("JWT"), json!({"c_hash": "x"})),
        (Some("lives_too_long"), Some("JWT"), json!({"exp": now + 3_700})),
        (Some("not_yet_valid"), Some("JWT"), json!({"nbf": fraction + 20.0})),
        (Some("malformed"), Some("JWT"), json!({"exp": (now + 600).to_string()})),
    ] {
        let answer = fixture.get("/v1/me", &shared(typ, changed.clone())).await;
        match fault {
            None => assert_eq!(answer.status, 200, "{typ:?} {changed}: {}", answer.body),
            Some(fault) => {
                answer.refused(401, "TOKEN_INVALID");
                assert_eq!(answer.body["metadata"]["fault"], fault, "{typ:?} {changed}: {}", answer.body);
            }
        }
    }
    let expired = fixture.get("/v1/me", &shared(None, json!({"exp": fraction - 6.0}))).await;
    expired.refused(401, "TOKEN_EXPIRED");
}
