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

/// Before, any eight characters were taken.
#[tokio::test]
async fn a_password_that_is_guessed_first_is_not_set_by_anybody() {
    let fixture = Fixture::start().await;
    let (manager, operator) = (fixture.manager().await, fixture.token(demo::OPERATOR).await);
    let id = fixture.user_id(demo::MANAGER).await;
    for (password, why) in [
        ("        ", "blank"),
        ("Manager@Alpine.example", "e-mail address"),
        ("PASSWORD1", "most people choose"),
    ] {
        let changed = json!({"current_password": demo::PASSWORD, "new_password": password});
        let changed = fixture.post("/v1/auth/password", &manager, &changed).await;
        let set = json!({"password": password});
        let set = fixture.post(&format!("/v1/users/{id}/password"), &operator, &set).await;
        let mut refused = vec![changed, set];
        if why != "e-mail address" {
            let new = json!({"email": "new@x.example", "password": password});
            refused.push(fixture.post("/v1/users", &operator, &new).await);
        }
        for answer in refused {
            let text = answer.refused(400, "INVALID_FIELD").body["message"].as_str().unwrap().to_owned();
            assert!(text.contains(why) && !text.contains(password), "{text}");
        }
    }
    fixture.try_login(demo::MANAGER, demo::PASSWORD).await.ok();
}

/// Before, a password that was typed on another keyboard was another one.
#[tokio::test]
async fn a_password_is_the_same_on_every_keyboard() {
    let fixture = Fixture::start().await;
    let manager = fixture.manager().await;
    let change = json!({"current_password": demo::PASSWORD, "new_password": "mu\u{308}hsam und lang"});
    fixture.post("/v1/auth/password", &manager, &change).await.ok();
    for spelling in ["m\u{fc}hsam und lang", "mu\u{308}hsam und\u{a0}lang"] {
        fixture.try_login(demo::MANAGER, spelling).await.ok();
    }
}
