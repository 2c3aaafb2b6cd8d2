//! Refresh tokens: rotation, lost replies, reuse.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use frontdesk::demo;
use futures::future::join_all;
use identity::Policy;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::client_tokens::client;
use super::delegation::delegated;
use crate::fixture::{Answer, Fixture, system};

#[tokio::test]
async fn a_refresh_token_rotates_and_a_lost_reply_logs_nobody_out() {
    let fixture = Fixture::start().await;
    let first = fixture.login(demo::MANAGER).await;
    let second = fixture.refresh(&first["refresh"]).await;
    assert_ne!(second.ok()["refresh"], first["refresh"]);
    let repeated = fixture.refresh(&first["refresh"]).await;
    assert_eq!(repeated.ok()["refresh"], second.body["refresh"], "the same successor");
    fixture.refresh(&second.body["refresh"]).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_refreshes_of_one_token_have_one_successor() {
    let fixture = Fixture::start().await;
    let login = fixture.login(demo::MANAGER).await;
    let answers = join_all((0..50).map(|_| fixture.refresh(&login["refresh"]))).await;
    assert!(answers.iter().all(|answer| answer.ok()["refresh"] == answers[0].body["refresh"]));
}

#[tokio::test]
async fn an_old_refresh_token_ends_the_session_for_good() {
    let fixture = Fixture::start().await;
    let first = fixture.login(demo::MANAGER).await;
    let second = fixture.refresh(&first["refresh"]).await.ok().clone();
    let third = fixture.refresh(&second["refresh"]).await.ok().clone();
    fixture.refresh(&first["refresh"]).await.refused(401, "REFRESH_TOKEN_REUSED");
    fixture.refresh(&third["refresh"]).await.refused(401, "REFRESH_TOKEN_INVALID");
    let token = third["access"].as_str().unwrap();
    fixture.get("/v1/me", token).await.refused(401, "SESSION_ENDED");
    let audited = "select count(*) from identity.audit_events where action = 'refresh_token_reused'";
    assert_eq!(fixture.count(audited, &[]).await, 1);
}

#[tokio::test]
async fn after_the_grace_a_used_successor_makes_the_old_token_worthless() {
    let fixture = Fixture::start().await;
    let first = fixture.login(demo::MANAGER).await;
    let second = fixture.refresh(&first["refresh"]).await.ok().clone();
    fixture
        .execute("update identity.sessions set rotated_at = rotated_at - interval '11 seconds'", &[])
        .await;
    fixture.refresh(&first["refresh"]).await.ok();
    fixture.get("/v1/me", second["access"].as_str().unwrap()).await.ok();
    fixture.refresh(&first["refresh"]).await.refused(401, "REFRESH_TOKEN_REUSED");
}

#[tokio::test]
async fn a_token_that_is_only_exchanged_is_in_use_too() {
    let fixture = Fixture::start().await;
    let client = client(&fixture, &["properties:view"], &[]).await;
    let first = fixture.login(demo::MANAGER).await;
    let second = fixture.refresh(&first["refresh"]).await.ok().clone();
    delegated(&fixture, &client, second["access"].as_str().unwrap()).await;
    fixture
        .execute("update identity.sessions set rotated_at = rotated_at - interval '11 seconds'", &[])
        .await;
    fixture.refresh(&first["refresh"]).await.refused(401, "REFRESH_TOKEN_REUSED");
}

#[tokio::test]
async fn a_refresh_token_that_is_not_ours_is_refused() {
    let fixture = Fixture::start().await;
    let login = fixture.login(demo::MANAGER).await;
    for bad in [json!(""), json!("fdr_"), json!("fdr_AAAA"), login["access"].clone()] {
        fixture.refresh(&bad).await.refused(401, "REFRESH_TOKEN_INVALID");
    }
    fixture.execute("update identity.sessions set idle_expires_at = now()", &[]).await;
    fixture.refresh(&login["refresh"]).await.refused(401, "REFRESH_TOKEN_INVALID");
    let as_bearer = fixture.get("/v1/me", login["refresh"].as_str().unwrap()).await;
    as_bearer.refused(401, "TOKEN_INVALID");
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

/// Before, the time of the sign-in moved with each refresh, so that an old one looked fresh.
#[tokio::test]
async fn a_refresh_does_not_change_when_the_user_signed_in() {
    let fixture = Fixture::start().await;
    let first = fixture.login(demo::MANAGER).await;
    let earlier = "update identity.sessions set created_at = created_at - interval '1 hour'";
    fixture.execute(earlier, &[]).await;
    let second = fixture.refresh(&first["refresh"]).await.ok().clone();
    let claims = [&first, &second].map(|tokens| {
        let payload = tokens["access"].as_str().unwrap().split('.').nth(1).unwrap();
        serde_json::from_slice::<Json>(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
    });
    let at = |claims: &Json| claims["amr"][0]["timestamp"].as_i64().unwrap();
    assert_eq!(at(&claims[0]), claims[0]["iat"].as_i64().unwrap());
    assert_eq!(at(&claims[1]), at(&claims[0]) - 3600);
}
