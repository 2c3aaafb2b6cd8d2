//! Proofs of second factors: each counts once, and wrong ones are limited.

use frontdesk::demo;
use futures::future::join_all;
use identity::{Limits, Policy};
use serde_json::json;

use crate::fixture::{Answer, Fixture, system};
use crate::security_key::{self, SecurityKey};

/// As many passwords as anybody sends, and so ten codes in a session.
pub fn without_a_limit_of_passwords() -> Policy {
    let policy = Policy::default();
    Policy { limits: Limits { pair: 0, ..policy.limits }, ..policy }
}

#[tokio::test]
async fn a_code_is_accepted_once_in_whatever_session() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let app = fixture.enrol(&token, "").await;
    let code = app.code(0);
    fixture.verify(&token, &app, &code).await.ok();
    fixture.verify(&token, &app, &code).await.refused(403, "FACTOR_PROOF_WRONG");
    let (one, other) = (fixture.manager().await, fixture.manager().await);
    fixture.verify(&one, &app, &code).await.refused(403, "FACTOR_PROOF_WRONG");
    let next = app.code(1);
    fixture.verify(&one, &app, &next).await.ok();
    fixture.verify(&other, &app, &next).await.refused(403, "FACTOR_PROOF_WRONG");
    fixture.verify(&other, &app, &code).await.refused(403, "FACTOR_PROOF_WRONG");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_proofs_with_one_code_at_once_one_is_accepted() {
    let fixture = Fixture::start_with(without_a_limit_of_passwords()).await;
    let app = fixture.protect(demo::MANAGER).await.app;
    let tokens = join_all((0..8).map(|_| fixture.manager())).await;
    let code = app.code(1);
    let answers = join_all((0..16).map(|at| fixture.verify(&tokens[at % 8], &app, &code))).await;
    let accepted = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(accepted, 1);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        answer.refused(403, "FACTOR_PROOF_WRONG");
    }
}

#[tokio::test]
async fn wrong_codes_are_limited_in_a_session_and_for_a_user() {
    let fixture = Fixture::start().await;
    let app = fixture.protect(demo::MANAGER).await.app;
    let sessions = [fixture.manager().await, fixture.manager().await, fixture.manager().await];
    for token in &sessions[..2] {
        for _ in 0..5 {
            fixture.verify(token, &app, &app.wrong_code()).await.refused(403, "FACTOR_PROOF_WRONG");
        }
        let limited = fixture.verify(token, &app, &app.code(1)).await;
        let limited = limited.refused(429, "TOO_MANY_ATTEMPTS");
        let wait: u64 = limited.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=900).contains(&wait), "{wait}");
        let code = json!({"code": "0000-0000-0000-0000"});
        fixture.post("/v1/auth/recovery-codes/use", token, &code).await.refused(429, "TOO_MANY_ATTEMPTS");
    }
    fixture.verify(&sessions[2], &app, &app.code(1)).await.refused(429, "TOO_MANY_ATTEMPTS");
    let told =
        "select count(*) from identity.audit_events where action = 'login_limited' and outcome = 'failure'";
    assert_eq!(fixture.count(told, &[]).await, 1);
    let viewer = fixture.protect(demo::VIEWER).await;
    fixture.get("/v1/me", viewer.token()).await.ok();
    // Before, an operator who unlocked the user left that as it was.
    let unlock = format!("/v1/users/{}/unlock", fixture.user_id(demo::MANAGER).await);
    fixture.post(&unlock, &fixture.token(demo::OPERATOR).await, &json!({})).await.ok();
    fixture.verify(&sessions[2], &app, &app.wrong_code()).await.refused(403, "FACTOR_PROOF_WRONG");
    fixture.verify(&sessions[2], &app, &app.code(1)).await.ok();
    fixture.verify(&sessions[0], &app, &app.code(2)).await.refused(429, "TOO_MANY_ATTEMPTS");
}

#[tokio::test]
async fn a_right_code_forgives_the_wrong_ones_of_its_session() {
    let fixture = Fixture::start().await;
    let app = fixture.protect(demo::MANAGER).await.app;
    let token = fixture.manager().await;
    for _ in 0..2 {
        for _ in 0..4 {
            fixture.verify(&token, &app, &app.wrong_code()).await.refused(403, "FACTOR_PROOF_WRONG");
        }
        fixture.verify(&token, &app, &app.code(1)).await.ok();
        fixture.forget_steps().await;
    }
    // And not those of others: nobody goes on for ever because the user signs in, too.
    let thief = fixture.manager().await;
    for _ in 0..2 {
        fixture.verify(&thief, &app, &app.wrong_code()).await.refused(403, "FACTOR_PROOF_WRONG");
    }
    fixture.verify(&thief, &app, &app.wrong_code()).await.refused(429, "TOO_MANY_ATTEMPTS");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_codes_are_looked_at_than_the_limit_says_however_many_come_at_once() {
    for (policy, most) in [(Policy::default(), 5), (without_a_limit_of_passwords(), 10)] {
        let fixture = Fixture::start_with(policy).await;
        let app = fixture.protect(demo::MANAGER).await.app;
        let token = fixture.manager().await;
        let wrong = app.wrong_code();
        let answers = join_all((0..40).map(|_| fixture.verify(&token, &app, &wrong))).await;
        let looked_at = answers.iter().filter(|answer| answer.status == 403).count();
        assert_eq!(looked_at, most);
        for answer in answers.iter().filter(|answer| answer.status != 403) {
            answer.refused(429, "TOO_MANY_ATTEMPTS");
        }
    }
}

#[tokio::test]
async fn codes_are_limited_over_all_replicas() {
    let fixture = Fixture::start().await;
    let app = fixture.protect(demo::MANAGER).await.app;
    let token = fixture.manager().await;
    let other = system(&fixture.database.url, Policy::default()).await;
    let gateways = [fixture.system.gateway, other.gateway];
    let send = async |replica: usize, code: String| {
        let url = format!("http://{}{}", gateways[replica], app.path("/verify"));
        Answer::of(fixture.http.post(url).bearer_auth(&token).json(&json!({"code": code}))).await
    };
    for tried in 0..5 {
        send(tried % 2, app.wrong_code()).await.refused(403, "FACTOR_PROOF_WRONG");
    }
    for replica in [0, 1] {
        send(replica, app.code(1)).await.refused(429, "TOO_MANY_ATTEMPTS");
    }
    other.stop().await.unwrap();
}

/// However slowly somebody guesses.
#[tokio::test]
async fn a_hundred_wrong_codes_in_a_row_end_the_codes_of_a_factor_until_a_recovery_code() {
    let fixture = Fixture::start().await;
    let protected = fixture.protect(demo::MANAGER).await;
    let app = &protected.app;
    let wrong =
        async || -> i64 { fixture.count("select wrong_codes::bigint from identity.factors", &[]).await };
    let guessed = async |codes: i32| {
        fixture.execute("update identity.factors set wrong_codes = $1", &[&codes]).await;
        fixture.execute("update identity.login_failures set window_ends_at = now()", &[]).await;
    };
    let token = fixture.manager().await;
    guessed(98).await;
    fixture.verify(&token, app, &app.wrong_code()).await.refused(403, "FACTOR_PROOF_WRONG");
    assert_eq!(wrong().await, 99);
    let code = app.code(1);
    fixture.verify(&token, app, &code).await.ok();
    assert_eq!(wrong().await, 0);
    // One that was used is no guess.
    fixture.verify(&token, app, &code).await.refused(403, "FACTOR_PROOF_WRONG");
    assert_eq!(wrong().await, 0);

    guessed(99).await;
    fixture.forget_steps().await;
    fixture.verify(&token, app, &app.wrong_code()).await.refused(403, "FACTOR_PROOF_WRONG");
    for code in [app.code(1), app.wrong_code()] {
        fixture.verify(&token, app, &code).await.refused(403, "FACTOR_LOCKED");
    }
    assert_eq!(wrong().await, 100);
    let told = "select count(*) from identity.audit_events where action = 'factor_locked' \
        and outcome = 'failure' and subject = $1";
    assert_eq!(fixture.count(told, &[&app.factor]).await, 1);
    let recovery = json!({"code": protected.proof["recovery_codes"][0]});
    fixture.post("/v1/auth/recovery-codes/use", &token, &recovery).await.ok();
    assert_eq!(wrong().await, 0);
    fixture.verify(&token, app, &app.code(1)).await.ok();
}

#[tokio::test]
async fn what_a_factor_is_never_proved_by_is_said_and_is_no_try() {
    let fixture = Fixture::start_with(security_key::policy()).await;
    let protected = fixture.protect(demo::MANAGER).await;
    let mut key = SecurityKey::new();
    let (passkey, _) = fixture.make_passkey(protected.token(), "laptop", &mut key).await;
    let token = fixture.manager().await;
    fixture.execute("update identity.login_failures set failures = 0", &[]).await;
    for _ in 0..6 {
        for (factor, sent) in [
            (&protected.app.factor, json!({"credential": "{}"})),
            (&protected.app.factor, json!({"code": protected.app.code(1), "credential": "{}"})),
            (&passkey, json!({"code": "000000"})),
            (&passkey, json!({"code": "000000", "credential": "{}"})),
        ] {
            fixture.prove_passkey(&token, factor, &sent).await.refused(400, "INVALID_FIELD");
        }
    }
    let tried = "select sum(failures)::bigint from identity.login_failures";
    assert_eq!(fixture.count(tried, &[]).await, 0);
    assert_eq!(fixture.count("select sum(wrong_codes)::bigint from identity.factors", &[]).await, 0);
    let given = key.answer(&fixture.challenge(&token, &passkey).await);
    fixture.prove_passkey(&token, &passkey, &given).await.ok();
}

/// Before, tries of a factor that takes no codes used up those of recovery codes, the way out.
#[tokio::test]
async fn a_factor_that_takes_no_codes_says_so_and_leaves_recovery_codes_their_tries() {
    let fixture = Fixture::start().await;
    let protected = fixture.protect(demo::MANAGER).await;
    let (app, token) = (&protected.app, fixture.manager().await);
    let recover = async |n: usize| {
        let recovery = json!({"code": protected.proof["recovery_codes"][n]});
        fixture.post("/v1/auth/recovery-codes/use", &token, &recovery).await
    };
    let tried =
        "select coalesce(max(failures), 0)::bigint from identity.login_failures where window_ends_at > now()";
    fixture.execute("update identity.login_failures set failures = 0", &[]).await;
    fixture.verify(&token, app, &app.wrong_code()).await.refused(403, "FACTOR_PROOF_WRONG");
    for (n, (stops, words)) in
        [("wrong_codes = 100", "wrong codes"), ("secret_sealed = ''", "was given up")].into_iter().enumerate()
    {
        fixture.execute(&format!("update identity.factors set {stops}"), &[]).await;
        for _ in 0..12 {
            let refused = fixture.verify(&token, app, &app.code(1)).await;
            refused.refused(403, "FACTOR_LOCKED");
            assert!(refused.body["detail"].as_str().unwrap().contains(words), "{}", refused.body);
        }
        // What was tried before is not forgiven by it.
        assert_eq!(fixture.count(tried, &[]).await, i64::from(n == 0));
        recover(n).await.ok();
        fixture.execute("update identity.login_failures set failures = 0", &[]).await;
    }
}
