//! A forgotten password, recovered by a link in a letter.

use frontdesk::demo;
use futures::future::join_all;
use identity::Policy;
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::booking::help::rival::Rival;
use crate::fixture::{ANON_KEY, Answer, Fixture, tenant_path};
use crate::mailbox::{LINKS, Mailbox};

const PAGE: &str = "recover-password";

async fn start() -> (Fixture, Mailbox) {
    let mailbox = Mailbox::open().await;
    let policy = Policy { mail: Some(mailbox.policy()), ..Policy::default() };
    (Fixture::start_with(policy).await, mailbox)
}

async fn ask(fixture: &Fixture, email: &str) -> Answer {
    let request = fixture.request(Method::POST, "/v1/auth/recovery");
    Answer::of(request.json(&json!({"email": email}))).await
}

async fn recover(fixture: &Fixture, token: &str, password: &str) -> Answer {
    let request = fixture.request(Method::POST, "/v1/auth/recovery/password");
    Answer::of(request.json(&json!({"token": token, "password": password}))).await
}

const SENT: &str = "select count(*) from identity.one_time_tokens where user_id is not null";

#[tokio::test]
async fn a_forgotten_password_is_recovered_by_the_link_in_the_letter_once() {
    let (fixture, mailbox) = start().await;
    let (owner, session) = (fixture.token(demo::OWNER).await, fixture.manager().await);
    let asked =
        fixture.request(Method::POST, "/v1/auth/recovery").header("accept-language", "de-AT,en;q=0.5");
    let asked = Answer::of(asked.json(&json!({"email": " Manager@Alpine.example "}))).await;
    assert_eq!(asked.ok(), &json!({}));
    let letter = mailbox.letter(demo::MANAGER, 1).await;
    assert!(letter.head.contains("Subject: Neues Passwort setzen"), "{}", letter.head);
    assert!(letter.body.contains("möchte") && letter.body.contains("<a href="), "{}", letter.body);
    let token = letter.token(PAGE);
    let stored = "select count(*) from identity.one_time_tokens t where t::text like '%' || $1 || '%'";
    assert_eq!(fixture.count(stored, &[&token]).await, 0, "only the hash is stored");

    recover(&fixture, &token, "12345678").await.refused(400, "INVALID_FIELD");
    let done = recover(&fixture, &token, "a new password").await;
    assert_eq!(done.ok(), &json!({"ended_sessions": 1}));
    fixture.get("/v1/me", &session).await.refused(401, "SESSION_ENDED");
    fixture.try_login(demo::MANAGER, demo::PASSWORD).await.refused(401, "LOGIN_FAILED");
    fixture.try_login(demo::MANAGER, "a new password").await.ok();
    recover(&fixture, &token, "another password").await.refused(404, "LINK_INVALID");
    fixture.try_login(demo::MANAGER, "a new password").await.ok();
    let told = mailbox.letter(demo::MANAGER, 2).await;
    assert!(told.head.contains("Subject: Your password was changed") && !told.body.contains(LINKS));

    let events = fixture.get(&tenant_path("/audit-events"), &owner).await;
    let events = events.ok()["audit_events"].as_array().unwrap().clone();
    let of = |action: &str| events.iter().filter(|event| event["action"] == action).count();
    assert_eq!((of("recovery_requested"), of("password_recovered")), (1, 1), "{events:?}");
    assert!(!json!(events).to_string().contains(&token));
}

#[tokio::test]
async fn whoever_asks_gets_one_answer_and_only_people_who_can_sign_in_get_a_letter() {
    let (fixture, mailbox) = start().await;
    let operator = fixture.token(demo::OPERATOR).await;
    for (email, kind) in [("robot@x.example", "service"), ("gone@x.example", "person")] {
        let mut new = json!({"email": email, "kind": kind});
        if kind == "service" {
            new["password"] = json!("a password");
        }
        let made = fixture.post("/v1/users", &operator, &new).await.ok()["id"].clone();
        if kind == "person" {
            let path = format!("/v1/users/{}/disable", made.as_str().unwrap());
            fixture.post(&path, &operator, &json!({})).await.ok();
        }
    }
    for email in ["nobody@x.example", "robot@x.example", "gone@x.example", "no address"] {
        let answer = ask(&fixture, email).await;
        assert_eq!((answer.status, &answer.body), (200, &json!({})), "{email}");
        assert_eq!(fixture.count(SENT, &[]).await, 0, "{email}");
    }
    assert_eq!(fixture.count("select count(*) from identity.outbox", &[]).await, 0);
    assert_eq!(ask(&fixture, demo::VIEWER).await.ok(), &json!({}));
    assert_eq!(fixture.count(SENT, &[]).await, 1);
    mailbox.letter(demo::VIEWER, 1).await;
    assert_eq!(mailbox.count("nobody@x.example") + mailbox.count("gone@x.example"), 0);
    ask(&fixture, "").await.refused(400, "INVALID_FIELD");
    recover(&fixture, "", "a new password").await.refused(404, "LINK_INVALID");
    recover(&fixture, "guessed", "a new password").await.refused(404, "LINK_INVALID");
    recover(&fixture, &"A".repeat(43), "a new password").await.refused(404, "LINK_INVALID");
}

#[tokio::test]
async fn a_link_that_is_old_or_of_somebody_disabled_does_not_work() {
    let (fixture, mailbox) = start().await;
    let operator = fixture.token(demo::OPERATOR).await;
    ask(&fixture, demo::VIEWER).await.ok();
    let link = mailbox.letter(demo::VIEWER, 1).await.token(PAGE);
    let old =
        "update identity.one_time_tokens set expires_at = now() - interval '1 second' where used_at is null";
    let young =
        "update identity.one_time_tokens set expires_at = now() + interval '1 hour' where used_at is null";
    assert_eq!(fixture.execute(old, &[]).await, 1);
    recover(&fixture, &link, "a new password").await.refused(404, "LINK_INVALID");
    fixture.execute(young, &[]).await;
    let viewer = format!("/v1/users/{}", fixture.user_id(demo::VIEWER).await);
    fixture.post(&format!("{viewer}/disable"), &operator, &json!({})).await.ok();
    recover(&fixture, &link, "a new password").await.refused(404, "LINK_INVALID");
    fixture.post(&format!("{viewer}/enable"), &operator, &json!({})).await.ok();
    fixture.try_login(demo::VIEWER, demo::PASSWORD).await.ok();
    // Whoever had it by then does not get it back with the user.
    recover(&fixture, &link, "a new password").await.refused(404, "LINK_INVALID");
    ask(&fixture, demo::VIEWER).await.ok();
    let another = mailbox.letter(demo::VIEWER, 2).await.token(PAGE);
    recover(&fixture, &another, "a new password").await.ok();
}

/// The tokens of the links to an address, in the order in which they were asked for.
async fn links(fixture: &Fixture, mailbox: &Mailbox, email: &str, times: usize) -> Vec<String> {
    let mut tokens = Vec::new();
    for n in 1..=times {
        // Nobody is kept from asking here.
        fixture.execute("delete from identity.login_failures", &[]).await;
        ask(fixture, email).await.ok();
        tokens.push(mailbox.letter(email, n).await.token(PAGE));
    }
    tokens
}

/// Before, whoever knew an address ended the link that its owner had asked for by asking for
/// another one.
#[tokio::test]
async fn whoever_asks_for_a_link_ends_nobodys_and_each_ends_when_one_is_used() {
    let (fixture, mailbox) = start().await;
    for (email, which) in [(demo::VIEWER, 0), (demo::MANAGER, 4), (demo::OWNER, 2)] {
        let tokens = links(&fixture, &mailbox, email, 5).await;
        recover(&fixture, &tokens[which], "a new password").await.ok();
        for token in &tokens {
            recover(&fixture, token, "another password").await.refused(404, "LINK_INVALID");
        }
        fixture.try_login(email, "a new password").await.ok();
    }
    // A session that begins with one has used it as well.
    let tokens = links(&fixture, &mailbox, demo::OTHER_OWNER, 3).await;
    let sign_in = |token: &str| {
        let request = fixture.request(Method::POST, "/v1/auth/recovery/session");
        Answer::of(request.json(&json!({"token": token})))
    };
    sign_in(&tokens[1]).await.ok();
    for token in &tokens {
        sign_in(token).await.refused(404, "LINK_INVALID");
        recover(&fixture, token, "another password").await.refused(404, "LINK_INVALID");
    }
}

#[tokio::test]
async fn as_many_links_work_as_can_be_asked_for_while_one_does() {
    let (fixture, mailbox) = start().await;
    let tokens = links(&fixture, &mailbox, demo::VIEWER, 12).await;
    let live = "select count(*) from identity.one_time_tokens where used_at is null";
    assert_eq!(fixture.count(live, &[]).await, 10);
    for token in &tokens[..2] {
        recover(&fixture, token, "a new password").await.refused(404, "LINK_INVALID");
    }
    recover(&fixture, &tokens[2], "a new password").await.ok();
    assert_eq!(fixture.count(live, &[]).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_links_that_are_used_at_once_one_sets_the_password() {
    let (fixture, mailbox) = start().await;
    let tokens = links(&fixture, &mailbox, demo::VIEWER, 8).await;
    let passwords: Vec<String> = (0..tokens.len()).map(|n| format!("new password {n}")).collect();
    let uses = tokens.iter().zip(&passwords).map(|(token, password)| recover(&fixture, token, password));
    let answers = join_all(uses).await;
    let won: Vec<usize> = (0..answers.len()).filter(|n| answers[*n].status == 200).collect();
    assert_eq!(won.len(), 1, "{answers:?}");
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        answer.refused(404, "LINK_INVALID");
    }
    fixture.try_login(demo::VIEWER, &passwords[won[0]]).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_use_a_link_at_once_one_sets_the_password() {
    let (fixture, mailbox) = start().await;
    ask(&fixture, demo::VIEWER).await.ok();
    let token = mailbox.letter(demo::VIEWER, 1).await.token(PAGE);
    let passwords: Vec<String> = (0..8).map(|n| format!("new password {n}")).collect();
    let answers = join_all(passwords.iter().map(|password| recover(&fixture, &token, password))).await;
    let won: Vec<&String> = passwords
        .iter()
        .zip(&answers)
        .filter(|(_, answer)| answer.status == 200)
        .map(|(one, _)| one)
        .collect();
    assert_eq!(won.len(), 1, "{answers:?}");
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        answer.refused(404, "LINK_INVALID");
    }
    fixture.try_login(demo::VIEWER, won[0]).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_letters_go_to_one_address_whoever_has_it_and_however_it_is_written() {
    let (fixture, _mailbox) = start().await;
    for (email, other) in [(demo::VIEWER, " VIEWER@alpine.example"), ("nobody@x.example", "Nobody@X.example")]
    {
        let answers = join_all((0..12).map(|_| ask(&fixture, email))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 5, "{email}");
        let limited = ask(&fixture, other).await;
        limited.refused(429, "TOO_MANY_ATTEMPTS");
        let seconds: u64 = limited.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((3000..=3600).contains(&seconds), "{seconds}");
    }
    assert_eq!(fixture.count(SENT, &[]).await, 5);
    // Signing in is counted apart.
    fixture.try_login(demo::VIEWER, demo::PASSWORD).await.ok();
}

#[tokio::test]
async fn whoever_recovers_signs_in_after_as_many_failed_logins_as_are_allowed() {
    let (fixture, mailbox) = start().await;
    // The second one is stored as an earlier version has stored it.
    let stored = "x@xn--mnchen-3ya.example";
    let before = "update identity.users set email = $1 where email = $2";
    fixture.execute(before, &[&stored, &demo::OTHER_OWNER]).await;
    for (email, to) in [(demo::VIEWER, demo::VIEWER), ("x@m\u{fc}nchen.example", stored)] {
        for _ in 0..5 {
            fixture.try_login(email, "forgotten password").await.refused(401, "LOGIN_FAILED");
        }
        fixture.try_login(email, demo::PASSWORD).await.refused(429, "TOO_MANY_ATTEMPTS");
        ask(&fixture, email).await.ok();
        let token = mailbox.letter(to, 1).await.token(PAGE);
        recover(&fixture, &token, "a new password").await.ok();
        fixture.try_login(email, "a new password").await.ok();
    }
}

#[tokio::test]
async fn without_a_mail_server_nothing_is_promised() {
    let fixture = Fixture::start().await;
    for email in [demo::VIEWER, "nobody@x.example"] {
        ask(&fixture, email).await.refused(409, "MAIL_NOT_SET_UP");
    }
    assert_eq!(fixture.count("select count(*) from identity.one_time_tokens", &[]).await, 0);
    assert_eq!(fixture.count("select count(*) from identity.outbox", &[]).await, 0);
}

#[tokio::test]
async fn a_session_that_began_with_a_link_sets_the_password_for_a_short_time() {
    let (fixture, mailbox) = start().await;
    let old = fixture.manager().await;
    ask(&fixture, demo::MANAGER).await.ok();
    let token = mailbox.letter(demo::MANAGER, 1).await.token(PAGE);
    let sign_in = async |token: &str| {
        let request = fixture.request(Method::POST, "/v1/auth/recovery/session");
        Answer::of(request.json(&json!({"token": token}))).await
    };
    let session = sign_in(&token).await.ok()["access"].as_str().unwrap().to_owned();
    sign_in(&token).await.refused(404, "LINK_INVALID");
    recover(&fixture, &token, "a new password").await.refused(404, "LINK_INVALID");

    let without = |new: &str| json!({"new_password": new});
    let path = "/v1/auth/password";
    fixture.post(path, &old, &without("a new password")).await.refused(403, "PASSWORD_WRONG");
    fixture.post(path, &session, &without("12345678")).await.refused(400, "INVALID_FIELD");
    let changed = fixture.post(path, &session, &without("a new password")).await;
    assert_eq!(changed.ok(), &json!({"ended_sessions": 1}));
    fixture.get("/v1/me", &old).await.refused(401, "SESSION_ENDED");
    fixture.get("/v1/me", &session).await.ok();
    fixture.try_login(demo::MANAGER, "a new password").await.ok();

    let later =
        "update identity.sessions set created_at = created_at - interval '16 minutes' where method = 'otp'";
    assert_eq!(fixture.execute(later, &[]).await, 1);
    fixture.post(path, &session, &without("another password")).await.refused(403, "PASSWORD_WRONG");
    fixture.try_login(demo::MANAGER, "a new password").await.ok();
}

/// As supabase-js does it: `resetPasswordForEmail`, `verifyOtp`, `updateUser`.
#[tokio::test]
async fn clients_of_supabase_recover_a_password() {
    let (fixture, mailbox) = start().await;
    let call = async |method: Method, path: &str, bearer: &str, body: serde_json::Value| {
        let request = fixture.request(method, path).header("apikey", ANON_KEY).bearer_auth(bearer);
        Answer::of(request.json(&body)).await
    };
    let ask = json!({"email": demo::MANAGER, "code_challenge": null, "gotrue_meta_security": {}});
    let path = "/auth/v1/recover?redirect_to=https%3A%2F%2Fevil.example";
    assert_eq!(call(Method::POST, path, ANON_KEY, ask).await.ok(), &json!({}));
    let letter = mailbox.letter(demo::MANAGER, 1).await;
    assert!(!letter.body.contains("evil.example"), "{}", letter.body);
    let token = letter.token(PAGE);

    let verify = |kind: &str| json!({"token_hash": token, "type": kind, "gotrue_meta_security": {}});
    let other = call(Method::POST, "/auth/v1/verify", ANON_KEY, verify("signup")).await;
    assert_eq!((other.status, other.body["error_code"].as_str()), (400, Some("validation_failed")));
    let session = call(Method::POST, "/auth/v1/verify", ANON_KEY, verify("recovery")).await.ok().clone();
    assert_eq!(session["user"]["email"], demo::MANAGER);
    let again = call(Method::POST, "/auth/v1/verify", ANON_KEY, verify("recovery")).await;
    assert_eq!((again.status, again.body["error_code"].as_str()), (403, Some("otp_expired")));

    let access = session["access_token"].as_str().unwrap();
    let update = json!({"password": "a new password"});
    call(Method::PUT, "/auth/v1/user", access, update.clone()).await.ok();
    fixture.try_login(demo::MANAGER, "a new password").await.ok();
    // Whoever came by a password sends it.
    let login = fixture.try_login(demo::MANAGER, "a new password").await.ok().clone();
    let access = login["access"].as_str().unwrap();
    let refused = call(Method::PUT, "/auth/v1/user", access, update).await;
    assert_eq!((refused.status, refused.body["error_code"].as_str()), (400, Some("reauthentication_needed")));
    // What cannot all be done is not begun.
    let name = json!({"display_name": ""});
    let update = json!({"password": "a third password", "current_password": "a new password", "data": name});
    let refused = call(Method::PUT, "/auth/v1/user", access, update).await;
    assert_eq!((refused.status, refused.body["error_code"].as_str()), (400, Some("validation_failed")));
    fixture.try_login(demo::MANAGER, "a new password").await.ok();
}

/// Before, a link for a user who was being disabled was stored, and worked when the user was
/// enabled.
#[tokio::test(flavor = "multi_thread")]
async fn no_link_is_stored_beside_the_end_of_links() {
    let (fixture, mailbox) = start().await;
    let user: Uuid = fixture.user_id(demo::MANAGER).await.parse().unwrap();
    let rival = Rival::begin(&fixture).await;
    rival.lock("identity.users", user).await;
    let (asked, ()) = tokio::join!(ask(&fixture, demo::MANAGER), async {
        rival.blocks(&fixture, 1).await;
        let disable = "update identity.users set disabled_at = now() where id = $1";
        rival.sql.execute(disable, &[&user]).await.unwrap();
        rival.commit().await;
    });
    asked.ok();
    let links = "select count(*) from identity.one_time_tokens where user_id = $1 and used_at is null";
    assert_eq!(fixture.count(links, &[&user]).await, 0);
    assert_eq!(mailbox.count(demo::MANAGER), 0);
}
