//! Letters to whoever gets a second factor, or loses one.

use frontdesk::demo;
use identity::Policy;
use reqwest::Method;
use serde_json::json;

use crate::fixture::{Answer, Fixture};
use crate::mailbox::{LINKS, Mailbox};
use crate::security_key::{SecurityKey, policy};

#[tokio::test]
async fn a_user_is_told_of_each_factor_that_counts_or_counts_no_more() {
    let mailbox = Mailbox::open().await;
    let policy = Policy { mail: Some(mailbox.policy()), ..policy() };
    let fixture = Fixture::start_with(policy).await;
    let token = fixture.token(demo::VIEWER).await;
    let told = async |n: usize, subject: &str, kind: &str| {
        let letter = mailbox.letter(demo::VIEWER, n).await;
        assert!(letter.head.contains(&format!("Subject: {subject}")), "{}", letter.head);
        assert!(letter.body.contains(kind) && !letter.body.contains(LINKS), "{}", letter.body);
    };
    // One that never counted is nobody's news, nor is a wrong code.
    let unverified = fixture.enrol(&token, "phone").await;
    fixture.verify(&token, &unverified, &unverified.wrong_code()).await.refused(403, "FACTOR_PROOF_WRONG");
    fixture.delete(&unverified.path(""), &token).await.ok();

    let app = fixture.enrol(&token, "phone").await;
    let (german, code) = (("accept-language", "de"), json!({"code": app.code(0)}));
    let proved = fixture.post_with(&app.path("/verify"), &token, german, &code).await.ok().clone();
    told(1, "Ihr Konto hat einen neuen zweiten Faktor", "eine App").await;
    told(1, "Ihr Konto hat einen neuen zweiten Faktor", "Ihre zweiten Faktoren zurückzusetzen").await;
    let proved = proved["access"].as_str().unwrap();
    let (factor, _) = fixture.make_passkey(proved, "laptop", &mut SecurityKey::new()).await;
    told(2, "Your account has a new second factor", "a passkey").await;
    told(2, "Your account has a new second factor", "sign in without the password").await;
    told(2, "Your account has a new second factor", "remove the new one").await;
    fixture.delete(&app.path(""), proved).await.ok();
    told(3, "A second factor of your account was removed", "an app").await;
    let remove = fixture.request(Method::DELETE, &format!("/v1/auth/factors/{factor}"));
    let remove = remove.bearer_auth(proved).header("accept-language", "de-CH");
    Answer::of(remove).await.ok();
    told(4, "Ein zweiter Faktor Ihres Kontos wurde entfernt", "ein Passkey").await;
    assert_eq!(mailbox.count(demo::VIEWER), 4);
}

#[tokio::test]
async fn a_user_is_told_that_an_operator_has_reset_factors_that_counted() {
    let mailbox = Mailbox::open().await;
    let policy = Policy { mail: Some(mailbox.policy()), ..policy() };
    let fixture = Fixture::start_with(policy).await;
    let operator = fixture.token(demo::OPERATOR).await;
    let reset = format!("/v1/users/{}/factors/reset", fixture.user_id(demo::VIEWER).await);
    let told = async |n: usize, subject: &str| {
        let letter = mailbox.letter(demo::VIEWER, n).await;
        assert!(letter.head.contains(&format!("Subject: {subject}")), "{}", letter.head);
    };
    let unverified = fixture.token(demo::VIEWER).await;
    fixture.enrol(&unverified, "phone").await;
    assert_eq!(fixture.post(&reset, &operator, &json!({})).await.ok()["removed_factors"], 1);
    fixture.protect(demo::VIEWER).await;
    told(1, "Your account has a new second factor").await;
    assert_eq!(fixture.post(&reset, &operator, &json!({})).await.ok()["removed_factors"], 1);
    told(2, "The second factors of your account were reset").await;
    fixture.protect(demo::VIEWER).await;
    told(3, "Your account has a new second factor").await;
}

/// Whoever is right may change factors without end.
#[tokio::test]
async fn ten_letters_about_factors_are_written_to_a_user_in_a_day() {
    let mailbox = Mailbox::open().await;
    let policy = Policy { mail: Some(mailbox.policy()), ..policy() };
    let fixture = Fixture::start_with(policy).await;
    let mut token = fixture.token(demo::VIEWER).await;
    // At this address none is taken, so that they can be counted.
    let address = "update identity.users set email = 'later@x.example' where email = $1";
    assert_eq!(fixture.execute(address, &[&demo::VIEWER]).await, 1);
    let written = async || -> i64 { fixture.count("select count(*) from identity.outbox", &[]).await };
    for round in 1..=6 {
        let app = fixture.enrol(&token, "phone").await;
        let proved = fixture.verify(&token, &app, &app.code(0)).await.ok().clone();
        token = proved["access"].as_str().unwrap().to_owned();
        fixture.delete(&app.path(""), &token).await.ok();
        assert_eq!(written().await, 10.min(2 * round));
    }
    let others = fixture.protect(demo::MANAGER).await;
    mailbox.letter(demo::MANAGER, 1).await;
    fixture.delete(&others.app.path(""), others.token()).await.ok();
    mailbox.letter(demo::MANAGER, 2).await;
    fixture.execute("update identity.login_failures set window_ends_at = now()", &[]).await;
    let app = fixture.enrol(&token, "phone").await;
    fixture.verify(&token, &app, &app.code(0)).await.ok();
    let of_viewer = "select count(*) from identity.outbox where recipient = 'later@x.example'";
    assert_eq!(fixture.count(of_viewer, &[]).await, 11);
}

/// There is never one without the other.
#[tokio::test]
async fn a_letter_that_cannot_be_written_leaves_the_factor_as_it_was() {
    let mailbox = Mailbox::open().await;
    let policy = Policy { mail: Some(mailbox.policy()), ..policy() };
    let fixture = Fixture::start_with(policy).await;
    let token = fixture.token(demo::VIEWER).await;
    let app = fixture.enrol(&token, "phone").await;
    let none = "alter table identity.outbox add constraint no_letters check (false) not valid";
    fixture.execute(none, &[]).await;
    let refused = fixture.verify(&token, &app, &app.code(0)).await;
    refused.refused(422, "CHECK_VIOLATION");
    let verified = "select count(*) from identity.factors where verified_at is not null";
    assert_eq!(fixture.count(verified, &[]).await, 0);
    fixture.execute("alter table identity.outbox drop constraint no_letters", &[]).await;
    fixture.verify(&token, &app, &app.code(1)).await.ok();
    mailbox.letter(demo::VIEWER, 1).await;
}
