//! Access tokens of somebody who means harm, signed with the real key where that
//! makes them worse.

use access::{AuthenticationMethod, Claims};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::fixture::{Answer, Fixture, master_key};

/// The key that signs, taken out of the database.
async fn signing_key(fixture: &Fixture) -> (String, EncodingKey) {
    let query = "select kid, private_key_sealed from identity.signing_keys where state = 'active'";
    let row = fixture.sql.query_one(query, &[]).await.unwrap();
    let (kid, sealed): (String, Vec<u8>) = (row.get(0), row.get(1));
    let sealing_key = master_key().sealing_key("frontdesk seal signing keys v1");
    let pkcs8 = sealing_key.open(&kid, &sealed).unwrap();
    (kid, EncodingKey::from_ec_der(&pkcs8))
}

fn parts(token: &str) -> (Json, Json) {
    let part = |index: usize| {
        let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    };
    (part(0), part(1))
}

/// A token with any header and payload, signed with the real key.
fn signed(header: &str, payload: &str, key: &EncodingKey) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, Algorithm::ES256).unwrap();
    format!("{message}.{signature}")
}

/// Refused by identity and by booking alike.
async fn assert_refused(fixture: &Fixture, token: &str, what: &str) {
    for path in ["/v1/me", "/v1/properties"] {
        let answer = fixture.get(path, token).await;
        assert_eq!(answer.status, 401, "{what} on {path}: {}", answer.body);
        let code = answer.body["code"].as_str().unwrap();
        assert!(matches!(code, "TOKEN_INVALID" | "TOKEN_EXPIRED"), "{what} on {path}: {code}");
    }
}

#[tokio::test]
async fn claims_of_other_types_values_or_times_are_refused() {
    let fixture = Fixture::start().await;
    let (header, claims) = parts(&fixture.manager().await);
    let (_, key) = signing_key(&fixture).await;
    let sign = |claims: &Json| signed(&header.to_string(), &claims.to_string(), &key);
    fixture.get("/v1/me", &sign(&claims)).await.ok();

    let now = claims["iat"].as_i64().unwrap();
    for (name, value) in [
        ("iss", json!(null)),
        ("iss", json!(123)),
        ("iss", json!({})),
        ("iss", json!(["evil", "frontdesk"])),
        ("iss", json!("https://evil.example")),
        ("aud", json!(null)),
        ("aud", json!(5)),
        ("aud", json!(["authenticated"])),
        ("aud", json!("other")),
        ("exp", json!("never")),
        ("exp", json!(1e30)),
        ("exp", json!(now - 6)),
        ("exp", json!(null)),
        ("nbf", json!(now + 3600)),
        ("nbf", json!("now")),
        ("nbf", json!(null)),
        ("iat", json!(now + 3600)),
        ("sub", json!("admin")),
        ("sub", json!(null)),
        ("typ", json!("refresh")),
        ("typ", json!(null)),
        ("session_id", json!(null)),
    ] {
        let mut forged = claims.clone();
        if value.is_null() {
            forged.as_object_mut().unwrap().remove(name);
        } else {
            forged[name] = value.clone();
        }
        assert_refused(&fixture, &sign(&forged), &format!("{name} = {value}")).await;
    }
    let doubled =
        claims.to_string().replacen('{', r#"{"session_id":"0d000000-0000-7000-8000-000000000001","#, 1);
    assert_refused(&fixture, &signed(&header.to_string(), &doubled, &key), "a doubled claim").await;
}

#[tokio::test]
async fn headers_that_bring_keys_or_odd_ids_are_refused() {
    let fixture = Fixture::start().await;
    let (header, claims) = parts(&fixture.manager().await);
    let (_, key) = signing_key(&fixture).await;
    let before = fixture.count("select count(*) from identity.signing_keys", &[]).await;
    for (name, value) in [
        ("crit", json!(["x"])),
        ("jku", json!("https://evil.example/jwks.json")),
        ("jwk", json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"})),
        ("x5u", json!("https://evil.example/cert")),
        ("x5c", json!(["AA"])),
        ("kid", json!("../../dev/null")),
        ("kid", json!("' or 1=1 --")),
        ("kid", json!("k".repeat(2000))),
        ("kid", json!(7)),
        ("kid", json!(null)),
        ("alg", json!("none")),
        ("alg", json!("nOnE")),
        ("alg", json!("HS256")),
        ("typ", json!("at+jwt")),
    ] {
        let mut forged = header.clone();
        forged[name] = value.clone();
        assert_refused(
            &fixture,
            &signed(&forged.to_string(), &claims.to_string(), &key),
            &format!("{name} = {value}"),
        )
        .await;
    }
    let unsigned = format!(
        "{}.{}.",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    assert_refused(&fixture, &unsigned, "an unsigned token").await;
    assert_eq!(fixture.count("select count(*) from identity.signing_keys", &[]).await, before);
}

#[tokio::test]
async fn the_twin_of_a_revoked_token_is_refused_too() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let (front, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    // With (r, s) also (r, n - s) verifies under ECDSA; n is the order of P-256.
    let order: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
        0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let (mut twin, mut borrow) = (signature.clone(), 0_i16);
    for at in (0..32).rev() {
        let digit = i16::from(order[at]) - i16::from(signature[32 + at]) - borrow;
        borrow = i16::from(digit < 0);
        twin[32 + at] = u8::try_from(digit.rem_euclid(256)).unwrap();
    }
    let twin = format!("{front}.{}", URL_SAFE_NO_PAD.encode(twin));
    fixture.get("/v1/me", &twin).await.ok();
    fixture.post("/v1/auth/logout", &token, &json!({})).await.ok();
    fixture.get("/v1/me", &twin).await.refused(401, "SESSION_ENDED");
}

/// Claims as identity makes them, for forging.
fn claims(token: &str) -> Claims {
    let payload = token.split('.').nth(1).unwrap();
    let payload = URL_SAFE_NO_PAD.decode(payload).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

#[tokio::test]
async fn a_token_signed_by_anybody_else_is_refused() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let mut stolen = claims(&token);
    stolen.amr.push(AuthenticationMethod { method: "forged".to_owned(), timestamp: 0 });
    let header = jsonwebtoken::decode_header(&token).unwrap();
    let jwks = Answer::of(fixture.request(Method::GET, "/.well-known/jwks.json")).await.body;
    let public = jwks["keys"][0]["x"].as_str().unwrap();

    // The public key as an HMAC secret: the classic confusion of algorithms.
    let mut hmac = Header::new(Algorithm::HS256);
    hmac.kid = header.kid.clone();
    let confused =
        jsonwebtoken::encode(&hmac, &stolen, &EncodingKey::from_secret(public.as_bytes())).unwrap();
    // A right form with a wrong signature.
    let (front, _) = token.rsplit_once('.').unwrap();
    let unsigned = format!("{front}.");
    let swapped = format!("{front}.{}", "A".repeat(86));
    // Longer than any token of ours.
    let long = format!("{token}{}", "A".repeat(5000));
    for bad in [confused.as_str(), &unsigned, &swapped, &long] {
        for path in ["/v1/me", "/v1/properties"] {
            fixture.get(path, bad).await.refused(401, "TOKEN_INVALID");
        }
    }
}
