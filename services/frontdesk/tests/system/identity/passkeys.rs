//! Passkeys: made, used beside a password and alone, removed.

use frontdesk::demo;
use futures::future::join_all;
use identity::{Limits, Policy};
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::authenticator::{assurance, claims};
use crate::fixture::{Answer, Fixture};
use crate::security_key::{SecurityKey, options, policy};

fn access(tokens: &Json) -> &str {
    tokens["access"].as_str().unwrap()
}

fn said(aal: &str, methods: &[&str]) -> (String, Vec<String>) {
    (aal.to_owned(), methods.iter().map(|method| (*method).to_owned()).collect())
}

async fn start() -> Fixture {
    Fixture::start_with(policy()).await
}

/// How many events of an action had an outcome.
async fn events(fixture: &Fixture, action: &str, outcome: &str) -> i64 {
    let told = "select count(*) from identity.audit_events where action = $1 and outcome = $2";
    fixture.count(told, &[&action, &outcome]).await
}

#[tokio::test]
async fn a_passkey_is_a_second_factor_from_when_it_was_made() {
    let fixture = start().await;
    let (mine, other) = (fixture.login(demo::MANAGER).await, fixture.login(demo::MANAGER).await);
    let mut key = SecurityKey::new();
    let (factor, proved) = fixture.make_passkey(access(&mine), "laptop", &mut key).await;
    assert_eq!(assurance(&proved), said("aal2", &["passkey", "password"]));
    assert_eq!(proved["recovery_codes"].as_array().unwrap().len(), 10);
    fixture.get("/v1/me", access(&other)).await.refused(401, "SESSION_ENDED");
    let listed = fixture.get("/v1/auth/factors", access(&proved)).await.ok()["factors"][0].clone();
    assert_eq!(
        (&listed["id"], &listed["kind"], &listed["name"], &listed["verified"]),
        (&json!(factor), &json!("passkey"), &json!("laptop"), &json!(true))
    );
    assert_eq!(events(&fixture, "factor_activated", "success").await, 1);

    let login = fixture.login(demo::MANAGER).await;
    assert_eq!(assurance(&login), said("aal1", &["password"]));
    fixture.get("/v1/properties", access(&login)).await.refused(401, "STEP_UP_REQUIRED");
    let asked = fixture.challenge(access(&login), &factor).await;
    assert_eq!(options(&asked)["allowCredentials"][0]["id"], key.id());
    let proved = fixture.prove_passkey(access(&login), &factor, &key.answer(&asked)).await.ok().clone();
    assert_eq!(assurance(&proved), said("aal2", &["passkey", "password"]));
    assert_eq!(proved["recovery_codes"], json!([]));
    fixture.get("/v1/properties", access(&proved)).await.ok();
}

#[tokio::test]
async fn a_passkey_alone_begins_a_session_with_two_factors() {
    let fixture = start().await;
    let mut key = SecurityKey::new();
    let (_, proved) = fixture.make_passkey(&fixture.manager().await, "laptop", &mut key).await;
    let asked = fixture.passkey_challenge().await;
    assert_eq!(options(&asked)["allowCredentials"], json!([]), "nobody learns who has a passkey");
    let tokens = fixture.passkey_login(&key.answer(&asked)).await.ok().clone();
    assert_eq!(assurance(&tokens), said("aal2", &["passkey"]));
    assert_eq!(claims(&tokens)["sub"], claims(&proved)["sub"]);
    assert_eq!(tokens["user"]["email"], demo::MANAGER);
    fixture.get("/v1/properties", access(&tokens)).await.ok();
    // It is a late proof of both, and stays one proof when tokens are exchanged.
    fixture.enrol(access(&tokens), "phone").await;
    let refreshed = fixture.refresh(&tokens["refresh"]).await.ok().clone();
    assert_eq!(assurance(&refreshed), said("aal2", &["passkey"]));
    let elsewhere = fixture.request(Method::GET, "/v1/properties").bearer_auth(access(&tokens));
    let elsewhere = elsewhere.header("x-tenant-id", demo::OTHER_TENANT.to_string());
    Answer::of(elsewhere).await.refused(403, "TENANT_ACCESS_DENIED");

    let earlier = "update identity.sessions set second_at = second_at - interval '1 hour', \
        created_at = created_at - interval '1 hour'";
    fixture.execute(earlier, &[]).await;
    let old = fixture.refresh(&refreshed["refresh"]).await.ok().clone();
    let enrol = fixture.post("/v1/auth/factors", access(&old), &json!({"name": "tablet"})).await;
    enrol.refused(401, "STEP_UP_REQUIRED");
}

/// The commonest one.
#[tokio::test]
async fn a_synced_passkey_which_counts_nothing_signs_in_again_and_again() {
    let fixture = start().await;
    let mut key = SecurityKey::synced();
    let (factor, _) = fixture.make_passkey(&fixture.manager().await, "cloud", &mut key).await;
    for _ in 0..2 {
        let tokens =
            fixture.passkey_login(&key.answer(&fixture.passkey_challenge().await)).await.ok().clone();
        assert_eq!(assurance(&tokens), said("aal2", &["passkey"]));
        let given = key.answer(&fixture.challenge(access(&tokens), &factor).await);
        fixture.prove_passkey(access(&tokens), &factor, &given).await.ok();
    }
    let stored = "select count(*) from identity.passkeys \
        where sign_count = 0 and backup_eligible and backed_up and alone_from is not null";
    assert_eq!(fixture.count(stored, &[]).await, 1);
    // One that was made to be in a backup is none that cannot be.
    key.synced = false;
    let given = key.answer(&fixture.passkey_challenge().await);
    fixture.passkey_login(&given).await.refused(401, "LOGIN_FAILED");
}

#[tokio::test]
async fn what_a_passkey_gave_is_taken_once_and_for_what_was_asked() {
    let fixture = start().await;
    let login = fixture.manager().await;
    let mut key = SecurityKey::new();
    let factor = fixture.enrol_passkey(&login, "laptop").await;
    let second = fixture.enrol_passkey(&login, "tablet").await;
    let made = key.make(&fixture.challenge(&login, &factor).await);
    fixture.prove_passkey(&login, &second, &made).await.refused(422, "CHALLENGE_EXPIRED");
    let token = access(fixture.prove_passkey(&login, &factor, &made).await.ok()).to_owned();
    fixture.prove_passkey(&token, &factor, &made).await.refused(403, "FACTOR_PROOF_WRONG");

    let (early, late) = (fixture.passkey_challenge().await, fixture.passkey_challenge().await);
    let (early, late) = (key.answer(&early), key.answer(&late));
    fixture.passkey_login(&late).await.ok();
    for again in [&late, &early] {
        fixture.passkey_login(again).await.refused(401, "LOGIN_FAILED");
    }
    let for_factor = key.answer(&fixture.challenge(&token, &factor).await);
    fixture.passkey_login(&for_factor).await.refused(422, "CHALLENGE_EXPIRED");
    let for_login = key.answer(&fixture.passkey_challenge().await);
    fixture.prove_passkey(&token, &factor, &for_login).await.refused(422, "CHALLENGE_EXPIRED");
    let another_session = fixture.manager().await;
    fixture.prove_passkey(&another_session, &factor, &for_factor).await.refused(422, "CHALLENGE_EXPIRED");
    fixture.prove_passkey(&token, &factor, &for_factor).await.ok();
    let next = key.answer(&fixture.challenge(&token, &factor).await);
    fixture.prove_passkey(&token, &factor, &next).await.ok();
    fixture.prove_passkey(&token, &factor, &next).await.refused(403, "FACTOR_PROOF_WRONG");
    let mut unasked = fixture.passkey_challenge().await;
    unasked["options"] = json!(json!({"challenge": "AAAA", "rpId": "desk.example"}).to_string());
    fixture.passkey_login(&key.answer(&unasked)).await.refused(422, "CHALLENGE_EXPIRED");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_logins_with_one_answer_at_once_one_begins_a_session() {
    let fixture = start().await;
    let mut key = SecurityKey::new();
    fixture.make_passkey(&fixture.manager().await, "", &mut key).await;
    let given = key.answer(&fixture.passkey_challenge().await);
    let sessions = "select count(*) from identity.sessions where method = 'passkey'";
    let answers = join_all((0..16).map(|_| fixture.passkey_login(&given))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        answer.refused(401, "LOGIN_FAILED");
    }
    assert_eq!(fixture.count(sessions, &[]).await, 1);
}

#[tokio::test]
async fn another_page_or_an_authenticator_that_verifies_nobody_is_refused_and_recorded() {
    let fixture = start().await;
    let login = fixture.manager().await;
    let mut key = SecurityKey::new();
    key.page = "https://desk.example.evil";
    let factor = fixture.enrol_passkey(&login, "laptop").await;
    let made = key.make(&fixture.challenge(&login, &factor).await);
    let refused = fixture.prove_passkey(&login, &factor, &made).await;
    let message = refused.refused(403, "FACTOR_PROOF_WRONG").body["message"].as_str().unwrap();
    assert!(message.contains("https://desk.example.evil"), "{message}");
    let mut key = SecurityKey::new();
    key.verifies = false;
    let made = key.make(&fixture.challenge(&login, &factor).await);
    fixture.prove_passkey(&login, &factor, &made).await.refused(403, "FACTOR_PROOF_WRONG");
    assert_eq!(events(&fixture, "factor_verified", "failure").await, 2);
    assert_eq!(fixture.count("select count(*) from identity.passkeys", &[]).await, 0);

    key.verifies = true;
    let made = key.make(&fixture.challenge(&login, &factor).await);
    fixture.prove_passkey(&login, &factor, &made).await.ok();
    for (page, verifies) in [("https://desk.example.evil", true), (key.page, false)] {
        (key.page, key.verifies) = (page, verifies);
        let given = key.answer(&fixture.passkey_challenge().await);
        fixture.passkey_login(&given).await.refused(403, "FACTOR_PROOF_WRONG");
    }
    assert_eq!(events(&fixture, "login", "failure").await, 2);
    let empty = json!({"credential": "{}"});
    fixture.passkey_login(&empty).await.refused(403, "FACTOR_PROOF_WRONG");
    let long = json!({"credential": "x".repeat(32_769)});
    fixture.passkey_login(&long).await.refused(400, "INVALID_FIELD");
    fixture.prove_passkey(&login, &factor, &json!({})).await.refused(400, "INVALID_FIELD");
}

#[tokio::test]
async fn the_passkey_of_another_user_is_worth_nothing() {
    let fixture = start().await;
    let (mut mine, mut theirs) = (SecurityKey::new(), SecurityKey::new());
    let (factor, proved) = fixture.make_passkey(&fixture.manager().await, "", &mut mine).await;
    let other_owner = fixture.token(demo::OTHER_OWNER).await;
    let (their_factor, _) = fixture.make_passkey(&other_owner, "", &mut theirs).await;
    let token = access(&proved);
    let path = format!("/v1/auth/factors/{their_factor}");
    fixture.post(&format!("{path}/challenge"), token, &json!({})).await.refused(404, "FACTOR_NOT_FOUND");
    fixture.delete(&path, token).await.refused(404, "FACTOR_NOT_FOUND");
    let given = theirs.answer(&fixture.challenge(token, &factor).await);
    fixture.prove_passkey(token, &factor, &given).await.refused(403, "FACTOR_PROOF_WRONG");
    // One that says that it is somebody else's, or nobody's.
    for user in [mine.user.clone(), Vec::new()] {
        let own = std::mem::replace(&mut theirs.user, user);
        let given = theirs.answer(&fixture.passkey_challenge().await);
        fixture.passkey_login(&given).await.refused(401, "LOGIN_FAILED");
        theirs.user = own;
    }
    // One that has the id of another: at a login, and when it is made.
    let mut copy = SecurityKey::imitating(&mine);
    copy.count = 100;
    let given = copy.answer(&fixture.passkey_challenge().await);
    fixture.passkey_login(&given).await.refused(401, "LOGIN_FAILED");
    let viewer = fixture.token(demo::VIEWER).await;
    let enrolled = fixture.enrol_passkey(&viewer, "").await;
    let made = copy.make(&fixture.challenge(&viewer, &enrolled).await);
    fixture.prove_passkey(&viewer, &enrolled, &made).await.refused(409, "ALREADY_EXISTS");
    let recorded = "select count(*) from identity.audit_events \
        where action = 'factor_verified' and outcome = 'failure' and subject = $1";
    assert_eq!(fixture.count(recorded, &[&enrolled]).await, 1);
    assert_eq!(fixture.count("select count(*) from identity.passkeys", &[]).await, 2);
    let listed = fixture.get("/v1/auth/factors", &viewer).await.ok()["factors"][0].clone();
    assert_eq!(listed["verified"], false);
    let tokens = fixture.passkey_login(&mine.answer(&fixture.passkey_challenge().await)).await.ok().clone();
    assert_eq!(claims(&tokens)["sub"], claims(&proved)["sub"]);
}

#[tokio::test]
async fn a_copy_whose_counter_does_not_grow_is_refused() {
    let fixture = start().await;
    let mut key = SecurityKey::new();
    key.count = 5;
    let (factor, _) = fixture.make_passkey(&fixture.manager().await, "", &mut key).await;
    for count in [4, 3] {
        key.count = count;
        let given = key.answer(&fixture.passkey_challenge().await);
        fixture.passkey_login(&given).await.refused(401, "LOGIN_FAILED");
        key.count = count;
        let login = fixture.manager().await;
        let given = key.answer(&fixture.challenge(&login, &factor).await);
        fixture.prove_passkey(&login, &factor, &given).await.refused(403, "FACTOR_PROOF_WRONG");
    }
    key.count = 5;
    let login = fixture.manager().await;
    let given = key.answer(&fixture.challenge(&login, &factor).await);
    fixture.prove_passkey(&login, &factor, &given).await.ok();
    let count = "select sign_count from identity.passkeys";
    assert_eq!(fixture.count(count, &[]).await, 6);
}

#[tokio::test]
async fn a_removed_passkey_and_that_of_a_disabled_user_get_the_answer_of_an_unknown_one() {
    let fixture = start().await;
    let (mut key, mut unknown) = (SecurityKey::new(), SecurityKey::new());
    let (factor, proved) = fixture.make_passkey(&fixture.manager().await, "", &mut key).await;
    unknown.user.clone_from(&key.user);
    let without_id = |answer: &Answer| {
        let mut body = answer.refused(401, "LOGIN_FAILED").body.clone();
        // Both name the request.
        for part in ["request_id", "details"] {
            body[part].take();
        }
        body
    };
    let given = unknown.answer(&fixture.passkey_challenge().await);
    let expected = without_id(&fixture.passkey_login(&given).await);

    let (id, operator) = (fixture.user_id(demo::MANAGER).await, fixture.token(demo::OPERATOR).await);
    fixture.post(&format!("/v1/users/{id}/disable"), &operator, &json!({})).await.ok();
    let given = key.answer(&fixture.passkey_challenge().await);
    assert_eq!(without_id(&fixture.passkey_login(&given).await), expected);
    fixture.post(&format!("/v1/users/{id}/enable"), &operator, &json!({})).await.ok();
    fixture.get("/v1/me", access(&proved)).await.refused(401, "SESSION_ENDED");
    let session = fixture.passkey_login(&key.answer(&fixture.passkey_challenge().await)).await.ok().clone();
    let beside = fixture.passkey_login(&key.answer(&fixture.passkey_challenge().await)).await.ok().clone();

    // The password alone removes it no more than another factor.
    let path = format!("/v1/auth/factors/{factor}");
    let login = fixture.manager().await;
    fixture.delete(&path, &login).await.refused(401, "STEP_UP_REQUIRED");
    let enrol = fixture.post("/v1/auth/factors", &login, &json!({"kind": "passkey"})).await;
    enrol.refused(401, "STEP_UP_REQUIRED");
    assert_eq!(fixture.delete(&path, access(&session)).await.ok()["ended_sessions"], 2);
    fixture.get("/v1/me", access(&beside)).await.refused(401, "SESSION_ENDED");
    assert_eq!(fixture.count("select count(*) from identity.passkeys", &[]).await, 0);
    let given = key.answer(&fixture.passkey_challenge().await);
    assert_eq!(without_id(&fixture.passkey_login(&given).await), expected);
    let refreshed = fixture.refresh(&session["refresh"]).await.ok().clone();
    assert_eq!(assurance(&refreshed), said("aal1", &["passkey"]));
}

#[tokio::test]
async fn a_reset_and_the_end_of_an_account_take_passkeys_along() {
    let fixture = start().await;
    let operator = fixture.token(demo::OPERATOR).await;
    let ends = [(demo::MANAGER, Method::POST, "/factors/reset"), (demo::VIEWER, Method::DELETE, "")];
    for (email, method, path) in ends {
        let mut key = SecurityKey::new();
        let id = fixture.user_id(email).await;
        fixture.make_passkey(&fixture.token(email).await, "", &mut key).await;
        fixture.passkey_login(&key.answer(&fixture.passkey_challenge().await)).await.ok();
        Answer::of(fixture.request(method, &format!("/v1/users/{id}{path}")).bearer_auth(&operator))
            .await
            .ok();
        assert_eq!(fixture.count("select count(*) from identity.passkeys", &[]).await, 0, "{email}");
        let given = key.answer(&fixture.passkey_challenge().await);
        fixture.passkey_login(&given).await.refused(401, "LOGIN_FAILED");
    }
}

#[tokio::test]
async fn proofs_are_limited_as_codes_are_and_logins_by_their_address() {
    let limits = Limits { address: 3, ..policy().limits };
    let fixture = Fixture::start_with(Policy { limits, ..policy() }).await;
    let mut key = SecurityKey::new();
    let (factor, _) = fixture.make_passkey(&fixture.manager().await, "", &mut key).await;
    let login = fixture.manager().await;
    let mut copy = SecurityKey::imitating(&key);
    for _ in 0..5 {
        let given = copy.answer(&fixture.challenge(&login, &factor).await);
        fixture.prove_passkey(&login, &factor, &given).await.refused(403, "FACTOR_PROOF_WRONG");
    }
    let given = key.answer(&fixture.challenge(&login, &factor).await);
    fixture.prove_passkey(&login, &factor, &given).await.refused(429, "TOO_MANY_ATTEMPTS");

    for _ in 0..3 {
        let given = copy.answer(&fixture.passkey_challenge().await);
        fixture.passkey_login(&given).await.refused(401, "LOGIN_FAILED");
    }
    let given = key.answer(&fixture.passkey_challenge().await);
    fixture.passkey_login(&given).await.refused(429, "TOO_MANY_ATTEMPTS");
    fixture.try_login(demo::VIEWER, demo::PASSWORD).await.refused(429, "TOO_MANY_ATTEMPTS");
    fixture.execute("update identity.login_failures set window_ends_at = now()", &[]).await;
    let given = key.answer(&fixture.passkey_challenge().await);
    fixture.passkey_login(&given).await.ok();
}

#[tokio::test]
async fn without_a_page_there_are_no_passkeys() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let kind = json!({"kind": "passkey"});
    fixture.post("/v1/auth/factors", &token, &kind).await.refused(422, "PASSKEYS_OFF");
    let asked = fixture.http.post(fixture.url("/v1/auth/passkeys/challenge")).json(&json!({}));
    Answer::of(asked).await.refused(422, "PASSKEYS_OFF");
    fixture.passkey_login(&json!({"credential": "{}"})).await.refused(422, "PASSKEYS_OFF");
    fixture.enrol(&token, "phone").await;
}

/// The refresh token stays in the cookie.
#[tokio::test]
async fn a_page_signs_in_with_a_passkey_as_with_a_password() {
    let fixture = start().await;
    let mut key = SecurityKey::new();
    fixture.make_passkey(&fixture.manager().await, "", &mut key).await;
    let given = key.answer(&fixture.passkey_challenge().await);
    let call = fixture.request(Method::POST, "/console/session").header("origin", "http://localhost:5173");
    let answer = Answer::of(call.json(&given)).await;
    assert_eq!(assurance(answer.ok()), said("aal2", &["passkey"]));
    assert!(answer.body["refresh"].is_null());
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("frontdesk_session=") && cookie.contains("HttpOnly"), "{cookie}");
}
