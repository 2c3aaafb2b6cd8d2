//! Sessions of pages: the refresh token stays in a cookie.

use frontdesk::demo;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value as Json, json};

use crate::fixture::{Answer, Fixture};

const ORIGIN: &str = "http://localhost:5173";
const SESSION: &str = "/console/session";
const REFRESH: &str = "/console/session/refresh";

/// A call of a page, from this origin and with this cookie unless they are empty.
fn call(fixture: &Fixture, method: Method, path: &str, origin: &str, cookie: &str) -> RequestBuilder {
    let given = [("origin", origin), ("cookie", cookie)].into_iter().filter(|(_, value)| !value.is_empty());
    given.fold(fixture.request(method, path), |request, (name, value)| request.header(name, value))
}

fn login() -> Json {
    json!({"email": demo::MANAGER, "password": demo::PASSWORD})
}

/// The cookie that an answer sets, which no script may read.
fn cookie_of(answer: &Answer) -> String {
    let set = answer.headers["set-cookie"].to_str().unwrap();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/console/session"] {
        assert!(set.contains(part), "{set}");
    }
    set.split(';').next().unwrap().to_owned()
}

async fn sign_in(fixture: &Fixture) -> (Answer, String) {
    let answer = Answer::of(call(fixture, Method::POST, SESSION, ORIGIN, "").json(&login())).await;
    answer.ok();
    let cookie = cookie_of(&answer);
    (answer, cookie)
}

#[tokio::test]
async fn a_page_signs_in_and_sees_the_access_token_alone() {
    let fixture = Fixture::start().await;
    let (answer, cookie) = sign_in(&fixture).await;
    assert_eq!(answer.headers["access-control-allow-credentials"], "true");
    let (_, refresh) = cookie.split_once('=').unwrap();
    assert!(answer.body["refresh"].is_null() && !answer.body.to_string().contains(refresh));
    fixture.get("/v1/me", answer.body["access"].as_str().unwrap()).await.ok();
}

#[tokio::test]
async fn only_pages_of_allowed_origins_have_sessions() {
    let fixture = Fixture::start().await;
    let (_, cookie) = sign_in(&fixture).await;
    for origin in ["", "https://evil.example"] {
        let signing_in = call(&fixture, Method::POST, SESSION, origin, "").json(&login());
        Answer::of(signing_in).await.refused(403, "ORIGIN_NOT_ALLOWED");
        let refreshing = call(&fixture, Method::POST, REFRESH, origin, &cookie);
        Answer::of(refreshing).await.refused(403, "ORIGIN_NOT_ALLOWED");
    }
    let not_json = call(&fixture, Method::POST, SESSION, ORIGIN, "").body("x");
    Answer::of(not_json).await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    let read = Answer::of(call(&fixture, Method::GET, SESSION, ORIGIN, "")).await;
    read.refused(405, "METHOD_NOT_ALLOWED");
}

#[tokio::test]
async fn a_session_goes_on_with_its_cookie_until_it_is_deleted() {
    let fixture = Fixture::start().await;
    let (_, cookie) = sign_in(&fixture).await;
    let refresh = |cookie: &str| Answer::of(call(&fixture, Method::POST, REFRESH, ORIGIN, cookie));
    let without = refresh("").await;
    without.refused(401, "SIGN_IN_REQUIRED");
    // The fixture calls 127.0.0.1, from a page at localhost.
    let there = format!("call http://localhost:{}", fixture.system.gateway.port());
    assert!(without.body["detail"].as_str().unwrap().contains(&there), "{}", without.body);
    let refreshed = refresh(&cookie).await;
    fixture.get("/v1/me", refreshed.ok()["access"].as_str().unwrap()).await.ok();
    let next = cookie_of(&refreshed);
    assert_ne!(next, cookie);
    let over = Answer::of(call(&fixture, Method::DELETE, SESSION, ORIGIN, &next)).await;
    assert_eq!(over.status, 204);
    assert!(over.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    let gone = refresh(&next).await;
    assert_eq!(gone.status, 401, "{}", gone.body);
}
