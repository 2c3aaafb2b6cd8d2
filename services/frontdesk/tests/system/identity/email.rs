//! Addresses of accounts: confirmed, and changed, by whoever reads their mail.

use frontdesk::demo;
use identity::Policy;
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::booking::help::rival::Rival;
use crate::fixture::{Answer, Fixture};
use crate::mailbox::{LINKS, Mailbox};

const PAGE: &str = "confirm-email";
const NEW: &str = "mona@new.example";
const CHANGE: &str = "/v1/me/email";

async fn start() -> (Fixture, Mailbox) {
    let mailbox = Mailbox::open().await;
    let policy = Policy { mail: Some(mailbox.policy()), ..Policy::default() };
    (Fixture::start_with(policy).await, mailbox)
}

async fn confirm(fixture: &Fixture, token: &str) -> Answer {
    let request = fixture.request(Method::POST, "/v1/auth/email/confirm");
    Answer::of(request.json(&json!({"token": token}))).await
}

async fn me(fixture: &Fixture, token: &str) -> Json {
    fixture.get("/v1/me", token).await.ok()["user"].clone()
}

#[tokio::test]
async fn an_address_is_confirmed_by_the_link_that_was_sent_to_it_once() {
    let (fixture, mailbox) = start().await;
    let manager = fixture.manager().await;
    assert!(me(&fixture, &manager).await["email_confirmed_at"].is_null());
    let path = "/v1/me/email/confirmation";
    fixture.post(path, &manager, &json!({})).await.ok();
    let first = mailbox.letter(demo::MANAGER, 1).await.token(PAGE);
    fixture.post(path, &manager, &json!({})).await.ok();
    let second = mailbox.letter(demo::MANAGER, 2).await.token(PAGE);
    confirm(&fixture, &first).await.refused(404, "LINK_INVALID");
    assert_eq!(confirm(&fixture, &second).await.ok(), &json!({"email": demo::MANAGER}));
    confirm(&fixture, &second).await.refused(404, "LINK_INVALID");
    let user = me(&fixture, &manager).await;
    assert!(user["email_confirmed_at"].is_string(), "{user}");
    // Nothing is left to confirm.
    fixture.post(path, &manager, &json!({})).await.ok();
    assert_eq!(fixture.count("select count(*) from identity.one_time_tokens", &[]).await, 2);
}

#[tokio::test]
async fn an_account_gets_another_address_when_its_mailbox_says_so() {
    let (fixture, mailbox) = start().await;
    let manager = fixture.manager().await;
    fixture
        .post(CHANGE, &manager, &json!({"email": " Manager@Alpine.example"}))
        .await
        .refused(400, "INVALID_FIELD");
    fixture.post(CHANGE, &manager, &json!({"email": " Mona@New.example"})).await.ok();
    let token = mailbox.letter(NEW, 1).await.token(PAGE);
    assert_eq!(me(&fixture, &manager).await["email"], demo::MANAGER);
    fixture.try_login(NEW, demo::PASSWORD).await.refused(401, "LOGIN_FAILED");
    // A link to the address before is worth nothing afterwards.
    let recovery = json!({"email": demo::MANAGER});
    Answer::of(fixture.request(Method::POST, "/v1/auth/recovery").json(&recovery)).await.ok();
    let asked = mailbox.letter(demo::MANAGER, 1).await;
    assert!(asked.head.contains("is to get another e-mail address"), "{}", asked.head);
    let old = mailbox.letter(demo::MANAGER, 2).await.token("recover-password");

    assert_eq!(confirm(&fixture, &token).await.ok(), &json!({"email": NEW}));
    confirm(&fixture, &token).await.refused(404, "LINK_INVALID");
    let user = me(&fixture, &manager).await;
    assert!(user["email"] == NEW && user["email_confirmed_at"].is_string(), "{user}");
    fixture.try_login(NEW, demo::PASSWORD).await.ok();
    fixture.try_login(demo::MANAGER, demo::PASSWORD).await.refused(401, "LOGIN_FAILED");
    let recover = json!({"token": old, "password": "a password of another"});
    let recover = fixture.request(Method::POST, "/v1/auth/recovery/password").json(&recover);
    Answer::of(recover).await.refused(404, "LINK_INVALID");
    let told = mailbox.letter(demo::MANAGER, 3).await;
    assert!(told.head.contains("another e-mail address") && !told.body.contains(LINKS), "{}", told.head);
    assert!(!told.body.contains(NEW), "{}", told.body);
}

#[tokio::test]
async fn who_asks_for_an_address_learns_nothing_of_whose_it_is() {
    let (fixture, mailbox) = start().await;
    let manager = fixture.manager().await;
    // A link before does not go on working, or it would tell that no other was made.
    fixture.post(CHANGE, &manager, &json!({"email": "first@new.example"})).await.ok();
    let first = mailbox.letter("first@new.example", 1).await.token(PAGE);
    let of_another = fixture.post(CHANGE, &manager, &json!({"email": demo::OTHER_OWNER})).await;
    confirm(&fixture, &first).await.refused(404, "LINK_INVALID");
    let free = fixture.post(CHANGE, &manager, &json!({"email": NEW})).await;
    assert_eq!((of_another.status, &of_another.body), (200, free.ok()));
    let token = mailbox.letter(NEW, 1).await.token(PAGE);
    assert_eq!(mailbox.count(demo::OTHER_OWNER), 0);
    let kinds = "select count(*) from identity.one_time_tokens where user_id is null";
    assert_eq!(fixture.count(kinds, &[]).await, 1, "its link is nobody's");
    // Somebody else has it by now.
    let operator = fixture.token(demo::OPERATOR).await;
    fixture.post("/v1/users", &operator, &json!({"email": NEW})).await.ok();
    confirm(&fixture, &token).await.refused(404, "LINK_INVALID");
    assert_eq!(me(&fixture, &manager).await["email"], demo::MANAGER);
}

/// Whoever has found out the password would have the account for good.
#[tokio::test]
async fn a_link_to_another_address_ends_with_the_password_and_takes_both_factors() {
    let (fixture, mailbox) = start().await;
    let manager = fixture.manager().await;
    let ask = json!({"email": "thief@evil.example"});
    let ways: [(&str, Json); 2] = [
        (
            "/v1/auth/password",
            json!({"current_password": demo::PASSWORD, "new_password": "another password"}),
        ),
        ("/v1/auth/logout", json!({"scope": "global"})),
    ];
    for (n, (path, body)) in (1..).zip(&ways) {
        fixture.post(CHANGE, &manager, &ask).await.ok();
        let token = mailbox.letter("thief@evil.example", n).await.token(PAGE);
        fixture.post(path, &manager, body).await.ok();
        confirm(&fixture, &token).await.refused(404, "LINK_INVALID");
    }
    let stored = fixture.count("select count(*) from identity.one_time_tokens", &[]).await;
    fixture.protect(demo::VIEWER).await;
    let with_a_password = fixture.login(demo::VIEWER).await["access"].as_str().unwrap().to_owned();
    fixture.post(CHANGE, &with_a_password, &ask).await.refused(401, "STEP_UP_REQUIRED");
    assert_eq!(fixture.count("select count(*) from identity.one_time_tokens", &[]).await, stored);
}

/// Before, it worked again with the user.
#[tokio::test]
async fn a_link_to_another_address_ends_for_good_with_a_user_who_is_disabled() {
    let (fixture, mailbox) = start().await;
    let (manager, operator) = (fixture.manager().await, fixture.token(demo::OPERATOR).await);
    let user = fixture.user_id(demo::MANAGER).await;
    fixture.post(CHANGE, &manager, &json!({"email": "thief@evil.example"})).await.ok();
    let token = mailbox.letter("thief@evil.example", 1).await.token(PAGE);
    for step in ["disable", "enable"] {
        fixture.post(&format!("/v1/users/{user}/{step}"), &operator, &json!({})).await.ok();
        confirm(&fixture, &token).await.refused(404, "LINK_INVALID");
    }
    fixture.login(demo::MANAGER).await;
}

/// A request that was under way while the account was taken back gave it away again.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_not_asked_for_by_a_session_that_ends_meanwhile() {
    let (fixture, mailbox) = start().await;
    let manager = fixture.manager().await;
    let links =
        "select count(*) from identity.one_time_tokens where purpose = 'change_email' and used_at is null";
    let user: uuid::Uuid = fixture.user_id(demo::MANAGER).await.parse().unwrap();
    let ask = json!({"email": "thief@evil.example"});
    // The session is ended, and its user gets a new password, before it is done.
    let rival = Rival::begin(&fixture).await;
    rival.lock("identity.users", user).await;
    let (asked, ()) = tokio::join!(fixture.post(CHANGE, &manager, &ask), async {
        rival.blocks(&fixture, 1).await;
        let end = "update identity.sessions set ended_at = now(), ended_because = 'password_changed' where user_id = $1";
        rival.sql.execute(end, &[&user]).await.unwrap();
        rival.commit().await;
    });
    asked.refused(401, "SESSION_ENDED");
    assert_eq!(fixture.count(links, &[]).await, 0);
    // And a new password that comes beside one that is stored ends its link.
    let manager = fixture.manager().await;
    let rival = Rival::begin(&fixture).await;
    rival.lock("identity.users", user).await;
    let insert = "insert into identity.one_time_tokens (secret_hash, purpose, user_id, email, created_at, expires_at) \
        values (sha256('x'), 'change_email', $1, 'thief@evil.example', now(), now() + interval '1 hour')";
    rival.sql.execute(insert, &[&user]).await.unwrap();
    let change = json!({"current_password": demo::PASSWORD, "new_password": "another password"});
    let (changed, ()) = tokio::join!(
        fixture.post("/v1/auth/password", &manager, &change),
        rival.commit_when_it_blocks(&fixture, 1)
    );
    changed.ok();
    assert_eq!(fixture.count(links, &[]).await, 0);
    drop(mailbox);
}

#[tokio::test]
async fn without_a_mail_server_no_address_is_changed() {
    let fixture = Fixture::start().await;
    let manager = fixture.manager().await;
    fixture.post(CHANGE, &manager, &json!({"email": NEW})).await.refused(409, "MAIL_NOT_SET_UP");
    fixture.post("/v1/me/email/confirmation", &manager, &json!({})).await.refused(409, "MAIL_NOT_SET_UP");
    assert_eq!(fixture.count("select count(*) from identity.one_time_tokens", &[]).await, 0);
}
