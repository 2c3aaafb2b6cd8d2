//! Sessions of pages: the refresh token stays in a cookie.

use reqwest::Method;
use serde_json::json;

use crate::fixture::{Answer, Fixture};

#[tokio::test]
async fn a_page_has_a_session_whose_refresh_token_no_script_sees() {
    let fixture = Fixture::start().await;
    let origin = "http://localhost:5173";
    let call = |method: Method, path: &str, origin: &str, cookie: &str| {
        let mut request = fixture.request(method, path);
        for (name, value) in [("origin", origin), ("cookie", cookie)] {
            if !value.is_empty() {
                request = request.header(name, value);
            }
        }
        request
    };
    let login = json!({"email": frontdesk::demo::MANAGER, "password": frontdesk::demo::PASSWORD});
    let session = "/console/session";
    Answer::of(call(Method::POST, session, "", "").json(&login)).await.refused(403, "ORIGIN_NOT_ALLOWED");
    let evil = call(Method::POST, session, "https://evil.example", "");
    Answer::of(evil.json(&login)).await.refused(403, "ORIGIN_NOT_ALLOWED");
    Answer::of(call(Method::POST, session, origin, "").body("x"))
        .await
        .refused(415, "UNSUPPORTED_MEDIA_TYPE");
    let cookie_of = |answer: &Answer| {
        let set = answer.headers["set-cookie"].to_str().unwrap().to_owned();
        for part in ["HttpOnly", "SameSite=Strict", "Path=/console/session"] {
            assert!(set.contains(part), "{set}");
        }
        set.split(';').next().unwrap().to_owned()
    };
    let answer = Answer::of(call(Method::POST, session, origin, "").json(&login)).await;
    assert_eq!(answer.headers["access-control-allow-credentials"], "true");
    let cookie = cookie_of(&answer);
    let refresh = cookie.split_once('=').unwrap().1;
    assert!(answer.ok()["refresh"].is_null() && !answer.body.to_string().contains(refresh));
    let token = answer.body["access"].as_str().unwrap();
    fixture.get("/v1/me", token).await.ok();

    let again = "/console/session/refresh";
    Answer::of(call(Method::POST, again, origin, "")).await.refused(401, "SIGN_IN_REQUIRED");
    Answer::of(call(Method::POST, again, "", &cookie)).await.refused(403, "ORIGIN_NOT_ALLOWED");
    let refreshed = Answer::of(call(Method::POST, again, origin, &cookie)).await;
    let next = cookie_of(&refreshed);
    assert_ne!(next, cookie);
    fixture.get("/v1/me", refreshed.ok()["access"].as_str().unwrap()).await.ok();
    Answer::of(call(Method::GET, session, origin, "")).await.refused(405, "METHOD_NOT_ALLOWED");

    let over = Answer::of(call(Method::DELETE, session, origin, &next)).await;
    assert_eq!(over.status, 204);
    assert!(over.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    let gone = Answer::of(call(Method::POST, again, origin, &next)).await;
    assert_eq!(gone.status, 401, "{}", gone.body);
}
