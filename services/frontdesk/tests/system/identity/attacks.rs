//! Tokens and requests of somebody who means harm, signed with the real key
//! where that makes them worse.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use frontdesk::demo;
use futures::future::join_all;
use identity::Policy;
use jsonwebtoken::{Algorithm, EncodingKey};
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::fixture::{Answer, Fixture, secrets, system};

/// The key that signs, taken out of the database.
async fn signing_key(fixture: &Fixture) -> (String, EncodingKey) {
    let query = "select kid, private_key_sealed from identity.signing_keys where state = 'active'";
    let row = fixture.sql.query_one(query, &[]).await.unwrap();
    let (kid, sealed): (String, Vec<u8>) = (row.get(0), row.get(1));
    let pkcs8 = secrets().open(&kid, &sealed).unwrap();
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

#[tokio::test]
async fn a_key_primed_for_one_tenant_does_not_open_another() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let customers = |tenant: uuid::Uuid, key: &str| {
        let request = fixture.request(Method::GET, "/v1/customers").bearer_auth(&token);
        Answer::of(request.header("x-tenant-id", tenant.to_string()).header("x-tenant-api-key", key))
    };
    customers(demo::TENANT, &fixture.api_key).await.ok();
    let elsewhere = customers(demo::OTHER_TENANT, &fixture.api_key).await;
    elsewhere.refused(401, "API_KEY_INVALID");
    let mut texts = vec![elsewhere.body["detail"].clone()];
    let other = demo::create_api_key(&fixture.database.url, demo::OTHER_TENANT).await.unwrap();
    let key = &fixture.api_key;
    let (start, crc) = key.rsplit_once('_').unwrap();
    for bad in [
        key[..key.len() - 1].to_owned(),
        format!("{key}0"),
        format!("{}_{crc}", &start[..start.len() - 2]),
        key.replace("fdk_", "fdk__"),
        other,
        "fdk_".to_owned(),
    ] {
        let answer = customers(demo::TENANT, &bad).await;
        answer.refused(401, "API_KEY_INVALID");
        texts.push(answer.body["detail"].clone());
    }
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
}

#[tokio::test]
async fn path_tricks_reach_no_handler() {
    let fixture = Fixture::start().await;
    let gateway = fixture.system.gateway;
    for path in [
        "/v1/auth/login/../../../v1/me",
        "/v1/auth/login%2f..%2f..%2fme",
        "//v1/me",
        "/v1//me",
        "/v1/me/",
        "/v1/me%00",
        "/./v1/me",
        "frontdesk.identity.v1.UserService/GetMe",
        "/frontdesk.identity.v1.UserService/GetMe",
        "/frontdesk.identity.v1.UserService//GetMe",
    ] {
        // By hand: a client library would tidy the path up.
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(gateway).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let status: u16 = answer.split(' ').nth(1).unwrap().parse().unwrap();
        assert!(matches!(status, 400 | 404), "{path}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_refreshes_after_a_logout() {
    let fixture = Fixture::start().await;
    for _ in 0..20 {
        let login = fixture.login(demo::MANAGER).await;
        let refresh = || {
            let body = json!({"refresh": login["refresh"]});
            Answer::of(fixture.request(Method::POST, "/v1/auth/refresh").json(&body))
        };
        let racing = join_all((0..10).map(|_| refresh()));
        let everywhere = json!({"scope": "global"});
        let logout = fixture.post("/v1/auth/logout", login["access"].as_str().unwrap(), &everywhere);
        let (raced, logout) = tokio::join!(racing, logout);
        logout.ok();
        for answer in raced.iter().filter(|answer| answer.status == 200) {
            let body = json!({"refresh": answer.body["refresh"]});
            Answer::of(fixture.request(Method::POST, "/v1/auth/refresh").json(&body))
                .await
                .refused(401, "REFRESH_TOKEN_INVALID");
            fixture
                .get("/v1/me", answer.body["access"].as_str().unwrap())
                .await
                .refused(401, "SESSION_ENDED");
        }
        refresh().await.refused(401, "REFRESH_TOKEN_INVALID");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_under_way_does_not_survive_a_new_password() {
    let fixture = Fixture::start().await;
    let operator = fixture.token(demo::OPERATOR).await;
    let manager = fixture.manager().await;
    let id = fixture.get("/v1/me", &manager).await.ok()["user"]["id"].as_str().unwrap().to_owned();
    for round in 0..5 {
        let old = if round == 0 { demo::PASSWORD.to_owned() } else { format!("password-{round}") };
        let body = json!({"password": format!("password-{}", round + 1)});
        let path = format!("/v1/users/{id}/password");
        let logins = join_all((0..12).map(|_| fixture.try_login(demo::MANAGER, &old)));
        let (logins, set) = tokio::join!(logins, fixture.post(&path, &operator, &body));
        set.ok();
        for login in logins.iter().filter(|login| login.status == 200) {
            fixture.get("/v1/me", login.body["access"].as_str().unwrap()).await.refused(401, "SESSION_ENDED");
        }
        fixture.execute("delete from identity.login_failures", &[]).await;
    }
}

#[tokio::test]
async fn a_restarted_identity_still_knows_used_tokens() {
    let fixture = Fixture::start().await;
    let first = fixture.login(demo::MANAGER).await;
    let refresh = async |gateway: std::net::SocketAddr, token: &Json| {
        let request = reqwest::Client::new().post(format!("http://{gateway}/v1/auth/refresh"));
        Answer::of(request.json(&json!({"refresh": token}))).await
    };
    let second = refresh(fixture.system.gateway, &first["refresh"]).await.ok().clone();
    let third = refresh(fixture.system.gateway, &second["refresh"]).await.ok().clone();
    let again = system(&fixture.database.url, Policy::default()).await;
    refresh(again.gateway, &first["refresh"]).await.refused(401, "REFRESH_TOKEN_REUSED");
    refresh(fixture.system.gateway, &third["refresh"]).await.refused(401, "REFRESH_TOKEN_INVALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_rotate_under_load_on_two_replicas_without_a_failed_call() {
    let fixture = Fixture::start().await;
    let other = system(&fixture.database.url, Policy::default()).await;
    let gateways = [fixture.system.gateway, other.gateway];
    let client = reqwest::Client::new();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let calls = async {
        let mut made = 0;
        let mut kids = std::collections::BTreeSet::new();
        while !stop.load(std::sync::atomic::Ordering::Relaxed) {
            let body = json!({"email": demo::MANAGER, "password": demo::PASSWORD});
            let login = client.post(format!("http://{}/v1/auth/login", gateways[made % 2])).json(&body);
            let token = Answer::of(login).await.ok()["access"].as_str().unwrap().to_owned();
            kids.insert(jsonwebtoken::decode_header(&token).unwrap().kid.unwrap());
            // Signed by one replica, verified by both, in identity and in booking.
            for gateway in gateways {
                for path in ["/v1/me", "/v1/properties"] {
                    Answer::of(client.get(format!("http://{gateway}{path}")).bearer_auth(&token)).await.ok();
                }
            }
            made += 1;
        }
        (made, kids.len())
    };
    let rotations = async {
        for _ in 0..2 {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let rotated = tokio::process::Command::new(env!("CARGO_BIN_EXE_frontdesk"))
                .args(["keys", "rotate", "--now"])
                .env("DATABASE_URL", &fixture.database.url)
                .env("FRONTDESK_MASTER_KEY", crate::fixture::MASTER_KEY.repeat(32))
                .output()
                .await
                .unwrap();
            assert!(rotated.status.success(), "{}", String::from_utf8_lossy(&rotated.stderr));
            tokio::time::sleep(Duration::from_secs(6)).await;
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    };
    let ((made, kids), ()) = tokio::join!(calls, rotations);
    assert!(made > 20 && kids >= 3, "{made} logins, {kids} keys");
}

#[tokio::test]
async fn a_changed_role_or_a_disabled_user_loses_access_within_five_seconds() {
    let fixture = Fixture::start().await;
    let (owner, manager) = (fixture.token(demo::OWNER).await, fixture.manager().await);
    let id = fixture.get("/v1/me", &manager).await.ok()["user"]["id"].as_str().unwrap().to_owned();
    fixture.get("/v1/properties", &manager).await.ok();
    let approve = "/v1/booking-requests/0d000000-0000-7000-8000-000000000502/approve";

    let member = format!("/v1/tenants/{}/members/{id}", demo::TENANT);
    fixture.patch(&member, &owner, &json!({"role": "viewer"})).await.ok();
    tokio::time::sleep(Duration::from_secs(5)).await;
    fixture.post(approve, &manager, &json!({})).await.refused(403, "SCOPE_MISSING");

    let operator = fixture.token(demo::OPERATOR).await;
    fixture.post(&format!("/v1/users/{id}/disable"), &operator, &json!({})).await.ok();
    fixture.get("/v1/me", &manager).await.refused(401, "SESSION_ENDED");
    tokio::time::sleep(Duration::from_secs(5)).await;
    fixture.get("/v1/properties", &manager).await.refused(401, "SESSION_ENDED");
}
