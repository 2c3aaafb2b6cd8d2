//! Sessions: listing, ending, logging out.

use frontdesk::demo;
use reqwest::Method;
use serde_json::json;

use crate::fixture::{Answer, Fixture};

#[tokio::test]
async fn sessions_are_listed_and_revoked_by_their_user_only() {
    let fixture = Fixture::start().await;
    let (one, other) = (fixture.manager().await, fixture.manager().await);
    let listed = fixture.get("/v1/auth/sessions", &one).await.ok()["sessions"].clone();
    let sessions = listed.as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    assert_eq!(
        (sessions[0]["address"].as_str(), sessions[0]["user_agent"].as_str()),
        (Some("127.0.0.1"), Some("frontdesk-test"))
    );
    let foreign =
        sessions.iter().find(|session| session["current"] == false).unwrap()["id"].as_str().unwrap();
    let path = format!("/v1/auth/sessions/{foreign}");
    let viewer = fixture.token(demo::VIEWER).await;
    fixture.delete(&path, &viewer).await.refused(404, "SESSION_NOT_FOUND");
    fixture.get("/v1/me", &other).await.ok();
    fixture.delete(&path, &one).await.ok();
    fixture.get("/v1/me", &other).await.refused(401, "SESSION_ENDED");
    fixture.delete(&path, &one).await.refused(404, "SESSION_NOT_FOUND");
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
    fixture.refresh(&logins[0]["refresh"]).await.refused(401, "REFRESH_TOKEN_INVALID");
}
