//! Tokens and sessions.

use access::{AuthenticationMethod, Claims};
use base64::Engine as _;
use frontdesk::demo;
use futures::future::join_all;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::fixture::{Answer, Fixture};

async fn refresh(fixture: &Fixture, token: &Json) -> Answer {
    let request = fixture.request(Method::POST, "/v1/auth/refresh").json(&json!({"refresh": token}));
    Answer::of(request).await
}

#[tokio::test]
async fn unknown_users_wrong_passwords_and_disabled_users_get_the_same_answer() {
    let fixture = Fixture::start().await;
    fixture.execute("update identity.users set disabled_at = now() where email = $1", &[&demo::VIEWER]).await;
    let mut answers = Vec::new();
    for (email, password) in [
        (demo::MANAGER, "wrong-password"),
        ("nobody@alpine.example", demo::PASSWORD),
        (demo::VIEWER, demo::PASSWORD),
        (demo::VIEWER, "wrong-password"),
    ] {
        let body = json!({"email": email, "password": password});
        let answer = Answer::of(fixture.request(Method::POST, "/v1/auth/login").json(&body)).await;
        answer.refused(401, "LOGIN_FAILED");
        answers.push((answer.body["detail"].clone(), answer.body["metadata"].clone()));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    let failed = "select count(*) from identity.audit_events where action = 'login' and outcome = 'failure'";
    assert_eq!(fixture.count(failed, &[]).await, 4);
    let mixed = json!({"email": "  Manager@ALPINE.example ", "password": demo::PASSWORD});
    Answer::of(fixture.request(Method::POST, "/v1/auth/login").json(&mixed)).await.ok();
    for (field, body) in [
        ("email", json!({"password": "x"})),
        ("password", json!({"email": "x"})),
        ("password", json!({"email": "x", "password": "x".repeat(257)})),
    ] {
        let answer = Answer::of(fixture.request(Method::POST, "/v1/auth/login").json(&body)).await;
        assert_eq!(answer.refused(400, "INVALID_FIELD").body["violations"][0]["field"], field);
    }
}

#[tokio::test]
async fn a_refresh_token_rotates_and_a_lost_reply_logs_nobody_out() {
    let fixture = Fixture::start().await;
    let first = fixture.login(demo::MANAGER).await;
    let second = refresh(&fixture, &first["refresh"]).await;
    assert_ne!(second.ok()["refresh"], first["refresh"]);
    let repeated = refresh(&fixture, &first["refresh"]).await;
    assert_eq!(repeated.ok()["refresh"], second.body["refresh"], "the same successor");
    refresh(&fixture, &second.body["refresh"]).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_refreshes_of_one_token_have_one_successor() {
    let fixture = Fixture::start().await;
    let login = fixture.login(demo::MANAGER).await;
    let answers = join_all((0..50).map(|_| refresh(&fixture, &login["refresh"]))).await;
    assert!(answers.iter().all(|answer| answer.ok()["refresh"] == answers[0].body["refresh"]));
}

#[tokio::test]
async fn an_old_refresh_token_ends_the_session_for_good() {
    let fixture = Fixture::start().await;
    let first = fixture.login(demo::MANAGER).await;
    let second = refresh(&fixture, &first["refresh"]).await.ok().clone();
    let third = refresh(&fixture, &second["refresh"]).await.ok().clone();
    refresh(&fixture, &first["refresh"]).await.refused(401, "REFRESH_TOKEN_REUSED");
    refresh(&fixture, &third["refresh"]).await.refused(401, "REFRESH_TOKEN_INVALID");
    let token = third["access"].as_str().unwrap();
    fixture.get("/v1/me", token).await.refused(401, "SESSION_ENDED");
    let audited = "select count(*) from identity.audit_events where action = 'refresh_token_reused'";
    assert_eq!(fixture.count(audited, &[]).await, 1);
}

#[tokio::test]
async fn after_the_grace_a_used_successor_makes_the_old_token_worthless() {
    let fixture = Fixture::start().await;
    let first = fixture.login(demo::MANAGER).await;
    let second = refresh(&fixture, &first["refresh"]).await.ok().clone();
    fixture
        .execute("update identity.sessions set rotated_at = rotated_at - interval '11 seconds'", &[])
        .await;
    refresh(&fixture, &first["refresh"]).await.ok();
    fixture.get("/v1/me", second["access"].as_str().unwrap()).await.ok();
    refresh(&fixture, &first["refresh"]).await.refused(401, "REFRESH_TOKEN_REUSED");
}

#[tokio::test]
async fn a_refresh_token_that_is_not_ours_is_refused() {
    let fixture = Fixture::start().await;
    let login = fixture.login(demo::MANAGER).await;
    for bad in [json!(""), json!("fdr_"), json!("fdr_AAAA"), login["access"].clone()] {
        refresh(&fixture, &bad).await.refused(401, "REFRESH_TOKEN_INVALID");
    }
    fixture.execute("update identity.sessions set idle_expires_at = now()", &[]).await;
    refresh(&fixture, &login["refresh"]).await.refused(401, "REFRESH_TOKEN_INVALID");
    let as_bearer = fixture.get("/v1/me", login["refresh"].as_str().unwrap()).await;
    as_bearer.refused(401, "TOKEN_INVALID");
}

#[tokio::test]
async fn logout_ends_the_sessions_it_names() {
    let fixture = Fixture::start().await;
    let logins = [
        fixture.login(demo::MANAGER).await,
        fixture.login(demo::MANAGER).await,
        fixture.login(demo::MANAGER).await,
    ];
    let token = |index: usize| logins[index]["access"].as_str().unwrap();
    let me = async |index: usize| fixture.get("/v1/me", token(index)).await.status;

    let others = fixture.post("/v1/auth/logout", token(0), &json!({"scope": "others"})).await;
    assert_eq!(others.ok()["ended_sessions"], 2);
    assert_eq!([me(0).await, me(1).await, me(2).await], [200, 401, 401]);
    let local = Answer::of(fixture.request(Method::POST, "/v1/auth/logout").bearer_auth(token(0))).await;
    assert_eq!(local.ok()["ended_sessions"], 1);
    fixture.get("/v1/me", token(0)).await.refused(401, "SESSION_ENDED");
    refresh(&fixture, &logins[0]["refresh"]).await.refused(401, "REFRESH_TOKEN_INVALID");
}

/// Claims as identity makes them, for forging.
fn claims(token: &str) -> Claims {
    let payload = token.split('.').nth(1).unwrap();
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap();
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
