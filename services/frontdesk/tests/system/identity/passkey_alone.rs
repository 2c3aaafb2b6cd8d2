//! Passkeys that sign in alone, until a password is set by somebody who does not know the one
//! before; what is counted of them; and copies.

use frontdesk::demo;
use futures::future::join_all;
use identity::{Limits, Policy};
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::authenticator::assurance;
use crate::fixture::{Answer, Fixture};
use crate::mailbox::Mailbox;
use crate::security_key::{SecurityKey, policy};

const COPIES: &str =
    "select count(*) from identity.audit_events where action = 'passkey_copied' and outcome = 'failure'";
const COUNTED: &str = "select coalesce(sum(failures), 0)::bigint from identity.login_failures";

fn access(tokens: &Json) -> &str {
    tokens["access"].as_str().unwrap()
}

async fn start() -> (Fixture, Mailbox) {
    let mailbox = Mailbox::open().await;
    let policy = Policy { mail: Some(mailbox.policy()), ..policy() };
    (Fixture::start_with(policy).await, mailbox)
}

/// Signs in with a passkey alone.
async fn alone(fixture: &Fixture, key: &mut SecurityKey) -> Answer {
    let given = key.answer(&fixture.passkey_challenge().await);
    fixture.passkey_login(&given).await
}

/// The token of a session that a passkey alone has begun.
async fn alone_token(fixture: &Fixture, key: &mut SecurityKey) -> String {
    access(alone(fixture, key).await.ok()).to_owned()
}

/// Proves a passkey in a session.
async fn beside(fixture: &Fixture, token: &str, factor: &str, key: &mut SecurityKey) -> Json {
    let given = key.answer(&fixture.challenge(token, factor).await);
    fixture.prove_passkey(token, factor, &given).await.ok().clone()
}

/// Asks for a link, and returns its token; the n-th letter has it.
async fn link(fixture: &Fixture, mailbox: &Mailbox, n: usize) -> String {
    let asked = fixture.request(Method::POST, "/v1/auth/recovery");
    Answer::of(asked.json(&json!({"email": demo::MANAGER}))).await.ok();
    mailbox.letter(demo::MANAGER, n).await.token("recover-password")
}

/// It signs in alone once it was proved in a session that began with the password.
async fn counts_beside(fixture: &Fixture, factor: &str, key: &mut SecurityKey, password: &str) {
    for _ in 0..2 {
        alone(fixture, key).await.refused(401, "LOGIN_FAILED");
    }
    assert_eq!(fixture.count("select count(alone_from) from identity.passkeys", &[]).await, 0);
    let login = fixture.try_login(demo::MANAGER, password).await.ok().clone();
    let listed = fixture.get("/v1/auth/factors", access(&login)).await;
    assert_eq!(listed.ok()["factors"][0]["signs_in_alone"], false);
    let proved = beside(fixture, access(&login), factor, key).await;
    assert_eq!(
        (assurance(&proved).0.as_str(), &proved["factors"][0]["signs_in_alone"]),
        ("aal2", &json!(true))
    );
    let listed = fixture.get("/v1/auth/factors", access(&proved)).await;
    assert_eq!(listed.ok()["factors"][0]["signs_in_alone"], true);
    alone(fixture, key).await.ok();
}

#[tokio::test]
async fn a_planted_passkey_counts_beside_the_password_only_once_that_was_recovered() {
    let (fixture, mailbox) = start().await;
    let mut planted = SecurityKey::new();
    let (factor, _) = fixture.make_passkey(&fixture.manager().await, "", &mut planted).await;
    let session = alone(&fixture, &mut planted).await.ok().clone();
    mailbox.letter(demo::MANAGER, 1).await;
    let token = link(&fixture, &mailbox, 2).await;
    let recovered = fixture.request(Method::POST, "/v1/auth/recovery/password");
    let new = json!({"token": token, "password": "a new password"});
    Answer::of(recovered.json(&new)).await.ok();
    fixture.get("/v1/me", access(&session)).await.refused(401, "SESSION_ENDED");
    counts_beside(&fixture, &factor, &mut planted, "a new password").await;
}

#[tokio::test]
async fn nor_does_it_alone_after_a_password_that_was_set_in_a_session_of_a_link() {
    let (fixture, mailbox) = start().await;
    let mut planted = SecurityKey::new();
    let (factor, _) = fixture.make_passkey(&fixture.manager().await, "", &mut planted).await;
    mailbox.letter(demo::MANAGER, 1).await;
    let token = link(&fixture, &mailbox, 2).await;
    let by_link = fixture.request(Method::POST, "/v1/auth/recovery/session");
    let by_link = Answer::of(by_link.json(&json!({"token": token}))).await.ok().clone();
    let proved = beside(&fixture, access(&by_link), &factor, &mut planted).await;
    let new = json!({"new_password": "a new password"});
    fixture.post("/v1/auth/password", access(&proved), &new).await.ok();
    alone(&fixture, &mut planted).await.refused(401, "LOGIN_FAILED");
    // Its session goes on, and did not begin with the password.
    beside(&fixture, access(&proved), &factor, &mut planted).await;
    counts_beside(&fixture, &factor, &mut planted, "a new password").await;
}

#[tokio::test]
async fn nor_after_a_password_that_an_operator_has_set_but_after_one_that_its_user_changed() {
    let fixture = Fixture::start_with(policy()).await;
    let mut key = SecurityKey::new();
    let (factor, proved) = fixture.make_passkey(&fixture.manager().await, "", &mut key).await;
    let change = json!({"current_password": demo::PASSWORD, "new_password": "a changed password"});
    fixture.post("/v1/auth/password", access(&proved), &change).await.ok();
    alone(&fixture, &mut key).await.ok();

    let id = "select id::text from identity.users where email = $1";
    let id: String = fixture.sql.query_one(id, &[&demo::MANAGER]).await.unwrap().get(0);
    let operator = fixture.token(demo::OPERATOR).await;
    let set = json!({"password": "a set password"});
    fixture.post(&format!("/v1/users/{id}/password"), &operator, &set).await.ok();
    counts_beside(&fixture, &factor, &mut key, "a set password").await;
}

#[tokio::test]
async fn a_passkey_that_is_made_in_a_session_of_a_link_does_not_sign_in_alone() {
    let (fixture, mailbox) = start().await;
    let token = link(&fixture, &mailbox, 1).await;
    let by_link = fixture.request(Method::POST, "/v1/auth/recovery/session");
    let by_link = Answer::of(by_link.json(&json!({"token": token}))).await.ok().clone();
    let mut key = SecurityKey::new();
    let (factor, _) = fixture.make_passkey(access(&by_link), "", &mut key).await;
    let letter = mailbox.letter(demo::MANAGER, 2).await;
    assert!(letter.body.contains("The passkey counts together with the password only."), "{}", letter.body);
    counts_beside(&fixture, &factor, &mut key, demo::PASSWORD).await;
}

#[tokio::test]
async fn a_copy_has_an_event_and_a_letter_and_the_answer_of_any_other() {
    let (fixture, mailbox) = start().await;
    let mut key = SecurityKey::new();
    key.count = 5;
    let (factor, proved) = fixture.make_passkey(&fixture.manager().await, "", &mut key).await;
    mailbox.letter(demo::MANAGER, 1).await;
    // Neither one that has not signed, nor an answer that comes again, is a copy.
    let mut imitated = SecurityKey::imitating(&key);
    let unknown = alone(&fixture, &mut imitated).await;
    let given = key.answer(&fixture.passkey_challenge().await);
    fixture.passkey_login(&given).await.ok();
    fixture.passkey_login(&given).await.refused(401, "LOGIN_FAILED");
    assert_eq!(fixture.count(COPIES, &[]).await, 0);

    // The copy is ahead, and has a session.
    let stolen = alone(&fixture, &mut key).await.ok().clone();
    key.count = 2;
    let given = key.answer(&fixture.passkey_challenge().await);
    for _ in 0..3 {
        let copied = fixture.passkey_login(&given).await;
        assert_eq!(copied.refused(401, "LOGIN_FAILED").body["message"], unknown.body["message"]);
    }
    let letter = mailbox.letter(demo::MANAGER, 2).await;
    assert!(letter.head.contains("Subject: Somebody may have a copy of your passkey"), "{}", letter.head);
    for ended in [&stolen, &proved] {
        fixture.get("/v1/me", access(ended)).await.refused(401, "SESSION_ENDED");
    }
    key.count = 20;
    counts_beside(&fixture, &factor, &mut key, demo::PASSWORD).await;

    let (login, other) = (fixture.manager().await, fixture.manager().await);
    let (german, path) = (("accept-language", "de"), format!("/v1/auth/factors/{factor}/verify"));
    for _ in 0..2 {
        key.count = 2;
        let given = key.answer(&fixture.challenge(&login, &factor).await);
        fixture.post_with(&path, &login, german, &given).await.refused(403, "FACTOR_PROOF_WRONG");
    }
    let letter = mailbox.letter(demo::MANAGER, 3).await;
    assert!(letter.body.contains("Kopie"), "{}", letter.body);
    fixture.get("/v1/me", &other).await.refused(401, "SESSION_ENDED");
    key.count = 30;
    counts_beside(&fixture, &factor, &mut key, demo::PASSWORD).await;
    let about = format!("{COPIES} and subject = $1 and user_id is not null");
    assert_eq!(fixture.count(&about, &[&factor]).await, 5);
    // Each letter was of a passkey that ceased to sign in alone by it.
    fixture.make_passkey(&alone_token(&fixture, &mut key).await, "tablet", &mut SecurityKey::new()).await;
    let letter = mailbox.letter(demo::MANAGER, 4).await;
    assert!(letter.head.contains("Subject: Your account has a new second factor"), "{}", letter.head);
}

/// Or whoever has the copy, and a session of it, would make it sign in alone again.
#[tokio::test]
async fn a_passkey_does_not_make_up_for_a_copy_in_a_session_that_it_has_begun_itself() {
    let fixture = Fixture::start_with(policy()).await;
    let (mut key, mut new) = (SecurityKey::new(), SecurityKey::new());
    let (factor, _) = fixture.make_passkey(&fixture.manager().await, "", &mut key).await;
    let session = alone_token(&fixture, &mut key).await;
    fixture.execute("update identity.passkeys set alone_from = null", &[]).await;
    beside(&fixture, &session, &factor, &mut key).await;
    counts_beside(&fixture, &factor, &mut key, demo::PASSWORD).await;
    // One that is made in it does sign in alone.
    let session = alone_token(&fixture, &mut key).await;
    fixture.make_passkey(&session, "tablet", &mut new).await;
    alone(&fixture, &mut new).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn tries_are_counted_before_they_are_looked_at_and_right_ones_taken_back() {
    let limits = Limits { address: 3, ..policy().limits };
    let fixture = Fixture::start_with(Policy { limits, ..policy() }).await;
    let mut key = SecurityKey::new();
    fixture.make_passkey(&fixture.manager().await, "", &mut key).await;
    for _ in 0..5 {
        alone(&fixture, &mut key).await.ok();
    }
    assert_eq!(fixture.count(COUNTED, &[]).await, 0);
    let mut copies = Vec::new();
    for _ in 0..8 {
        let mut copy = SecurityKey::imitating(&key);
        copies.push(copy.answer(&fixture.passkey_challenge().await));
    }
    let answers = join_all(copies.iter().map(|given| fixture.passkey_login(given))).await;
    let looked_at = answers.iter().filter(|answer| answer.status == 401);
    assert_eq!(looked_at.count(), 3);
    for answer in answers.iter().filter(|answer| answer.status != 401) {
        answer.refused(429, "TOO_MANY_ATTEMPTS");
    }
    // Over the limit nothing is read that would be answered otherwise.
    let mut unasked = fixture.passkey_challenge().await;
    unasked["options"] = json!(json!({"challenge": "AAAA", "rpId": "desk.example"}).to_string());
    for given in [json!({"credential": "{}"}), key.answer(&unasked)] {
        fixture.passkey_login(&given).await.refused(429, "TOO_MANY_ATTEMPTS");
    }
    fixture.execute("update identity.login_failures set window_ends_at = now()", &[]).await;
    fixture.passkey_login(&key.answer(&unasked)).await.refused(422, "CHALLENGE_EXPIRED");
    alone(&fixture, &mut key).await.ok();
}
