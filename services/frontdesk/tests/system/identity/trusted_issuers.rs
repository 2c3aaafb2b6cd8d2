//! Tokens of issuers that the operator trusts, and of those that only say so.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use frontdesk::demo;
use identity::{Policy, TrustedIssuers};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::fixture::Fixture;

pub const SECRET: &str = "a secret of at least thirty-two bytes";
pub const MANAGER_ID: &str = "0d000000-0000-7000-8000-000000000102";
/// A P-256 key pair made for this test: PKCS #8, in Base64 as in a PEM file.
const PRIVATE: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgzFK2WaZCiDttfhwf\
    w1MDN/F11KsEikD5lX/hMS5+zRqhRANCAATdTQ4fkXx8ERUYJeNwaDgVaU8k/X3y\
    v4V1oszAeOEVVAtoC4ob4Du0aHtlRL23LLAJLJT5jZG3xqdCOIoNsLlZ";
const JWKS: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","kid":"theirs","alg":"ES256","use":"sig",
    "x":"3U0OH5F8fBEVGCXjcGg4FWlPJP198r-FdaLMwHjhFVQ","y":"C2gLihvgO7Roe2VEvbcssAkslPmNkbfGp0I4ig2wuVk"},
    {"kty":"oct","kid":"shared","k":"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"}]}"#;

async fn serve_jwks() -> String {
    serve(JWKS).await
}

/// Serves a key list until the test ends, and returns its URL.
pub async fn serve(keys: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 1024];
            assert!(stream.read(&mut request).await.unwrap() > 0);
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{keys}",
                keys.len()
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    url
}

pub fn claims(issuer: &str) -> Json {
    let now = jsonwebtoken::get_current_timestamp();
    json!({"iss": issuer, "aud": "theirs", "sub": MANAGER_ID, "exp": now + 600, "iat": now, "email": demo::OWNER})
}

pub fn hs256(claims: &Json) -> String {
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(SECRET.as_bytes()))
        .unwrap()
}

fn es256(claims: &Json, kid: &str) -> String {
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some(kid.to_owned());
    let private = BASE64_STANDARD.decode(PRIVATE).unwrap();
    jsonwebtoken::encode(&header, claims, &EncodingKey::from_ec_der(&private)).unwrap()
}

async fn fixture() -> Fixture {
    let entries = json!([
        {"issuer": "https://secret.example", "audience": "theirs", "hs256_secret": SECRET, "subjects_are_user_ids": true},
        {"issuer": "https://keys.example", "audience": "theirs", "jwks_url": serve_jwks().await, "subjects_are_user_ids": true},
    ]);
    let trusted_issuers: TrustedIssuers = entries.to_string().parse().unwrap();
    Fixture::start_with(Policy { trusted_issuers, ..Policy::default() }).await
}

#[tokio::test]
async fn a_trusted_issuers_token_is_its_user_and_nothing_else() {
    let fixture = fixture().await;
    for token in [hs256(&claims("https://secret.example")), es256(&claims("https://keys.example"), "theirs")]
    {
        let me = fixture.get("/api/v1/me", &token).await;
        assert_eq!(me.ok()["user"]["email"], demo::MANAGER, "the e-mail address in the token counts");
        fixture.get("/v1/properties", &token).await.ok();
        fixture.get("/v1/tenants?limit=1", &token).await.refused(403, "SCOPE_MISSING");
        let id = "0d000000-0000-7000-8000-000000000501";
        fixture.get(&format!("/v1/booking-requests/{id}"), &token).await.ok();
    }
    fixture
        .execute("update identity.users set disabled_at = now() where email = $1", &[&demo::MANAGER])
        .await;
    fixture.get("/v1/me", &hs256(&claims("https://secret.example"))).await.refused(401, "SESSION_ENDED");
}

#[tokio::test]
async fn each_issuer_is_bound_to_its_own_key_algorithm_and_audience() {
    let fixture = fixture().await;
    let with = |issuer: &str, name: &str, value: Json| {
        let mut claims = claims(issuer);
        claims[name] = value;
        claims
    };
    let (secret, keys) = ("https://secret.example", "https://keys.example");
    let mut shared = Header::new(Algorithm::HS256);
    shared.kid = Some("shared".to_owned());
    let oct = EncodingKey::from_secret(b"secretsecretsecretsecret");
    for (what, token) in [
        ("the other issuer's key", hs256(&claims(keys))),
        ("the other issuer's key", es256(&claims(secret), "theirs")),
        ("an unknown key", es256(&claims(keys), "other")),
        ("a shared secret from the public list", jsonwebtoken::encode(&shared, &claims(keys), &oct).unwrap()),
        ("another audience", hs256(&with(secret, "aud", json!("authenticated")))),
        ("an issuer nobody trusts", hs256(&claims("https://evil.example"))),
        ("our own name", hs256(&claims("frontdesk"))),
        ("an expired token", hs256(&with(secret, "exp", json!(1_000_000_000)))),
    ] {
        for path in ["/v1/me", "/v1/properties"] {
            let answer = fixture.get(path, &token).await;
            assert_eq!(answer.status, 401, "{what} on {path}: {}", answer.body);
        }
    }
    let stranger = hs256(&with(secret, "sub", json!(uuid::Uuid::now_v7())));
    fixture.get("/v1/me", &stranger).await.refused(401, "SESSION_ENDED");
}
