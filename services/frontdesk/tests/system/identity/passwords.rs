//! Changing a password.

use frontdesk::demo;
use reqwest::Method;
use serde_json::json;

use crate::fixture::{Answer, Fixture};

#[tokio::test]
async fn a_password_changes_with_the_current_one_only_and_ends_other_sessions() {
    let fixture = Fixture::start().await;
    let (one, other) = (fixture.login(demo::MANAGER).await, fixture.login(demo::MANAGER).await);
    let token = one["access"].as_str().unwrap();
    let change = |current: &str, new: &str| json!({"current_password": current, "new_password": new});
    let wrong = fixture.post("/v1/auth/password", token, &change("wrong-password", "new-password")).await;
    wrong.refused(403, "PASSWORD_WRONG");
    fixture
        .post("/v1/auth/password", token, &change(demo::PASSWORD, "short"))
        .await
        .refused(400, "INVALID_FIELD");
    fixture.try_login(demo::MANAGER, demo::PASSWORD).await.ok();

    let changed = fixture.post("/v1/auth/password", token, &change(demo::PASSWORD, "new-password")).await;
    assert_eq!(changed.ok()["ended_sessions"], 2);
    fixture.get("/v1/me", token).await.ok();
    fixture.get("/v1/me", other["access"].as_str().unwrap()).await.refused(401, "SESSION_ENDED");
    let refresh =
        fixture.request(Method::POST, "/v1/auth/refresh").json(&json!({"refresh": other["refresh"]}));
    Answer::of(refresh).await.refused(401, "REFRESH_TOKEN_INVALID");
    fixture.try_login(demo::MANAGER, demo::PASSWORD).await.refused(401, "LOGIN_FAILED");
    fixture.try_login(demo::MANAGER, "new-password").await.ok();
}
