//! Changes and proofs of second factors that come at once: whichever is first, what is left
//! is of one mind.

use frontdesk::demo;
use futures::future::join_all;
use identity::Policy;
use serde_json::json;

use super::factor_limits::without_a_limit_of_passwords;
use crate::authenticator::claims;
use crate::fixture::Fixture;
use crate::security_key::{SecurityKey, policy};

/// How often each race is run.
const ROUNDS: usize = 8;

/// Factors, recovery codes, live sessions with a second factor, and live sessions, of the
/// demo's manager.
async fn left(fixture: &Fixture) -> [i64; 4] {
    let of = "= (select id from identity.users where email = $1)";
    let mut left = [0; 4];
    for (at, what) in [
        format!("identity.factors where user_id {of}"),
        format!("identity.recovery_codes where user_id {of}"),
        format!("identity.sessions where user_id {of} and ended_at is null and second_at is not null"),
        format!("identity.sessions where user_id {of} and ended_at is null"),
    ]
    .iter()
    .enumerate()
    {
        left[at] = fixture.count(&format!("select count(*) from {what}"), &[&demo::MANAGER]).await;
    }
    left
}

/// The manager as before a round.
async fn clear(fixture: &Fixture) {
    for what in ["factors", "recovery_codes", "sessions"] {
        let of = "user_id = (select id from identity.users where email = $1)";
        fixture.execute(&format!("delete from identity.{what} where {of}"), &[&demo::MANAGER]).await;
    }
    fixture.execute("delete from identity.login_failures", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_first_proofs_at_once_one_session_is_left_with_one_set_of_codes() {
    let fixture = Fixture::start().await;
    for _ in 0..ROUNDS {
        let (one, other) = (fixture.manager().await, fixture.manager().await);
        let app = fixture.enrol(&one, "phone").await;
        let (first, second) = (app.code(0), app.code(1));
        let (first, second) =
            tokio::join!(fixture.verify(&one, &app, &first), fixture.verify(&other, &app, &second));
        let mut answers = [first, second];
        answers.sort_by_key(|answer| answer.status);
        let [proved, refused] = answers;
        assert_eq!(proved.ok()["recovery_codes"].as_array().unwrap().len(), 10);
        // Its session was ended by the other proof, or its code is of a step before.
        assert!([401, 403].contains(&refused.status), "{}", refused.body);
        assert_eq!(left(&fixture).await, [1, 10, 1, 1]);
        let token = proved.body["access"].as_str().unwrap();
        let code = json!({"code": proved.body["recovery_codes"][0]});
        fixture.post("/v1/auth/recovery-codes/use", token, &code).await.ok();
        clear(&fixture).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_beside_a_removal_or_a_reset_leaves_nothing_of_the_factor() {
    let fixture = Fixture::start().await;
    let operator = fixture.token(demo::OPERATOR).await;
    for round in 0..ROUNDS {
        let protected = fixture.protect(demo::MANAGER).await;
        let token = protected.token();
        let reset = format!("/v1/users/{}/factors/reset", claims(&protected.proof)["sub"].as_str().unwrap());
        let resets = round % 2 == 1;
        let taken_away = async {
            if resets {
                fixture.post(&reset, &operator, &json!({})).await
            } else {
                fixture.delete(&protected.app.path(""), token).await
            }
        };
        let code = protected.app.code(1);
        let (taken_away, proved) = tokio::join!(taken_away, fixture.verify(token, &protected.app, &code));
        taken_away.ok();
        assert!([200, 401, 404].contains(&proved.status), "{}", proved.body);
        assert_eq!(left(&fixture).await, [0, 0, 0, i64::from(!resets)], "{resets}");
        clear(&fixture).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_beside_a_proof_ends_no_session() {
    let fixture = Fixture::start().await;
    let app = fixture.protect(demo::MANAGER).await.app;
    for _ in 0..ROUNDS {
        fixture.forget_steps().await;
        let login = fixture.login(demo::MANAGER).await;
        let code = app.code(0);
        let (refreshed, proved) = tokio::join!(
            fixture.refresh(&login["refresh"]),
            fixture.verify(login["access"].as_str().unwrap(), &app, &code)
        );
        // Before the proof it gets tokens, which are worth nothing after it.
        let earlier = if refreshed.status == 200 { &refreshed.body } else { &login };
        if refreshed.status != 200 {
            refreshed.refused(401, "REFRESH_TOKEN_INVALID");
        }
        fixture.refresh(&earlier["refresh"]).await.refused(401, "REFRESH_TOKEN_INVALID");
        let next = fixture.refresh(&proved.ok()["refresh"]).await;
        fixture.get("/v1/me", next.ok()["access"].as_str().unwrap()).await.ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_proofs_at_once_with_what_a_passkey_gave_one_is_taken() {
    let limits = without_a_limit_of_passwords().limits;
    let fixture = Fixture::start_with(Policy { limits, ..policy() }).await;
    let (mut token, mut key) = (fixture.manager().await, SecurityKey::new());
    let factor = fixture.enrol_passkey(&token, "laptop").await;
    // When it is made, and when it is used.
    for is_made in [true, false] {
        let asked = fixture.challenge(&token, &factor).await;
        let given = if is_made { key.make(&asked) } else { key.answer(&asked) };
        let answers = join_all((0..16).map(|_| fixture.prove_passkey(&token, &factor, &given))).await;
        let (done, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
        assert_eq!(done.len(), 1);
        // Some of them are more than are looked at.
        for answer in refused {
            match answer.status {
                429 => answer.refused(429, "TOO_MANY_ATTEMPTS"),
                _ => answer.refused(403, "FACTOR_PROOF_WRONG"),
            };
        }
        assert_eq!(left(&fixture).await, [1, 10, 1, 1]);
        let counted = "select sign_count from identity.passkeys";
        assert_eq!(fixture.count(counted, &[]).await, i64::from(!is_made));
        done[0].ok()["access"].as_str().unwrap().clone_into(&mut token);
        fixture.execute("update identity.login_failures set failures = 0", &[]).await;
    }
    let told = "select count(*) from identity.audit_events where action = $1 and outcome = 'success'";
    for action in ["factor_activated", "factor_verified"] {
        assert_eq!(fixture.count(told, &[&action]).await, 1, "{action}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_with_a_passkey_beside_its_removal_or_a_reset_leaves_no_session_of_it() {
    let fixture = Fixture::start_with(policy()).await;
    let operator = fixture.token(demo::OPERATOR).await;
    let reset = format!("/v1/users/{}/factors/reset", fixture.user_id(demo::MANAGER).await);
    for round in 0..ROUNDS {
        let mut key = SecurityKey::new();
        let (factor, proof) = fixture.make_passkey(&fixture.manager().await, "laptop", &mut key).await;
        let token = proof["access"].as_str().unwrap();
        let given = key.answer(&fixture.passkey_challenge().await);
        let resets = round % 2 == 1;
        let taken_away = async {
            if resets {
                fixture.post(&reset, &operator, &json!({})).await
            } else {
                fixture.delete(&format!("/v1/auth/factors/{factor}"), token).await
            }
        };
        let (taken_away, login) = tokio::join!(taken_away, fixture.passkey_login(&given));
        taken_away.ok();
        if login.status == 200 {
            let token = login.ok()["access"].as_str().unwrap();
            fixture.get("/v1/me", token).await.refused(401, "SESSION_ENDED");
        } else {
            login.refused(401, "LOGIN_FAILED");
        }
        assert_eq!(left(&fixture).await, [0, 0, 0, i64::from(!resets)], "{resets}");
        clear(&fixture).await;
    }
}
