//! Signing in.

use frontdesk::demo;
use futures::future::join_all;
use identity::Policy;
use reqwest::Method;
use serde_json::json;

use crate::fixture::{Answer, Fixture};

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

#[tokio::test(flavor = "multi_thread")]
async fn a_login_under_way_does_not_survive_a_new_password() {
    let fixture = Fixture::start_with_costly_passwords(Policy::default()).await;
    let operator = fixture.token(demo::OPERATOR).await;
    let manager = fixture.manager().await;
    let id = fixture.get("/v1/me", &manager).await.ok()["user"]["id"].as_str().unwrap().to_owned();
    for round in 0..5 {
        let old = if round == 0 { demo::PASSWORD.to_owned() } else { format!("password-{round}") };
        let body = json!({"password": format!("password-{}", round + 1)});
        let path = format!("/v1/users/{id}/password");
        let logins = join_all((0..12).map(|_| fixture.try_login(demo::MANAGER, &old)));
        let set = async {
            let mut set = fixture.post(&path, &operator, &body).await;
            // It waits in one queue with them, which a busy machine makes long.
            while set.status == 503 {
                set = fixture.post(&path, &operator, &body).await;
            }
            set.ok();
        };
        let (logins, ()) = tokio::join!(logins, set);
        for login in logins.iter().filter(|login| login.status == 200) {
            fixture.get("/v1/me", login.body["access"].as_str().unwrap()).await.refused(401, "SESSION_ENDED");
        }
        fixture.execute("delete from identity.login_failures", &[]).await;
    }
}
