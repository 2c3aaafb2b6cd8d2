//! Changes and proofs of second factors that come at once: whichever is first, what is left
//! is of one mind.

use frontdesk::demo;
use serde_json::json;

use crate::authenticator::claims;
use crate::fixture::Fixture;

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
