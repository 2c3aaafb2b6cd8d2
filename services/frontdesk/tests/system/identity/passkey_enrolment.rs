//! Passkeys on the way in: who can make one for whom, and with which proof.

use frontdesk::demo;
use serde_json::{Value as Json, json};

use crate::authenticator::{assurance, claims};
use crate::fixture::{Answer, Fixture};
use crate::security_key::{SecurityKey, policy};

const PASSKEYS: &str = "select count(*) from identity.passkeys";

fn access(tokens: &Json) -> &str {
    tokens["access"].as_str().unwrap()
}

fn said(aal: &str, methods: &[&str]) -> (String, Vec<String>) {
    (aal.to_owned(), methods.iter().map(|method| (*method).to_owned()).collect())
}

/// The tokens of a session as if all that was proved in it was so long ago.
async fn aged(fixture: &Fixture, tokens: &Json, by: &str) -> Json {
    let id = claims(tokens)["session_id"].as_str().unwrap().to_owned();
    let earlier = format!(
        "update identity.sessions set created_at = created_at - interval '{by}', \
            second_at = second_at - interval '{by}', proved_at = proved_at - interval '{by}' \
            where id = $1::text::uuid"
    );
    assert_eq!(fixture.execute(&earlier, &[&id]).await, 1);
    fixture.refresh(&tokens["refresh"]).await.ok().clone()
}

#[tokio::test]
async fn no_other_session_of_the_user_makes_a_passkey_that_one_has_enrolled() {
    let fixture = Fixture::start_with(policy()).await;
    let (mine, new, old) = (
        fixture.login(demo::MANAGER).await,
        fixture.login(demo::MANAGER).await,
        fixture.login(demo::MANAGER).await,
    );
    let old = aged(&fixture, &old, "1 hour").await;
    let factor = fixture.enrol_passkey(access(&mine), "laptop").await;
    let path = |step: &str| format!("/v1/auth/factors/{factor}{step}");
    let mut planted = SecurityKey::new();
    let made = planted.make(&fixture.challenge(access(&mine), &factor).await);
    for other in [access(&new), access(&old)] {
        fixture.post(&path("/challenge"), other, &json!({})).await.refused(404, "FACTOR_NOT_FOUND");
        let code = json!({"code": "000000"});
        fixture.post(&path("/verify"), other, &code).await.refused(404, "FACTOR_NOT_FOUND");
        fixture.prove_passkey(other, &factor, &made).await.refused(422, "CHALLENGE_EXPIRED");
    }
    assert_eq!(fixture.count(PASSKEYS, &[]).await, 0);
    let listed = fixture.get("/v1/auth/factors", access(&mine)).await.ok()["factors"][0].clone();
    assert_eq!(listed["verified"], false);

    let proved = fixture.prove_passkey(access(&mine), &factor, &made).await.ok().clone();
    assert_eq!(assurance(&proved), said("aal2", &["passkey", "password"]));
    assert_eq!(fixture.count(PASSKEYS, &[]).await, 1);
    // Once it is made, it is used in any session.
    let login = fixture.login(demo::MANAGER).await;
    let given = planted.answer(&fixture.challenge(access(&login), &factor).await);
    fixture.prove_passkey(access(&login), &factor, &given).await.ok();
}

/// As of an earlier version, which does not know the column.
#[tokio::test]
async fn a_passkey_of_which_no_session_is_known_is_made_in_none() {
    let fixture = Fixture::start_with(policy()).await;
    let token = fixture.manager().await;
    let factor = fixture.enrol_passkey(&token, "").await;
    fixture.execute("update identity.factors set enrolled_in = null", &[]).await;
    let path = format!("/v1/auth/factors/{factor}/challenge");
    fixture.post(&path, &token, &json!({})).await.refused(404, "FACTOR_NOT_FOUND");
}

#[tokio::test]
async fn the_proof_for_a_passkey_is_of_the_last_minutes_also_when_it_is_made() {
    let fixture = Fixture::start_with(policy()).await;
    let kind = json!({"kind": "passkey"});
    let refused = |answer: &Answer, required: &str, seconds: &str| {
        let told = &answer.refused(401, "STEP_UP_REQUIRED").body["metadata"];
        assert_eq!((&told["required"], &told["max_age_seconds"]), (&json!(required), &json!(seconds)));
    };
    let login = aged(&fixture, &fixture.login(demo::MANAGER).await, "6 minutes").await;
    refused(&fixture.post("/v1/auth/factors", access(&login), &kind).await, "fresh", "300");
    // What shows codes does not sign in alone.
    fixture.enrol(access(&login), "phone").await;
    let password = json!({"current_password": demo::PASSWORD});
    let again = fixture.post("/v1/auth/reauthenticate", access(&login), &password).await.ok().clone();
    let factor = fixture.enrol_passkey(access(&again), "laptop").await;
    let mut key = SecurityKey::new();
    let made = key.make(&fixture.challenge(access(&again), &factor).await);
    let old = aged(&fixture, &again, "11 minutes").await;
    fixture.execute("update identity.login_failures set failures = 0", &[]).await;
    let tried = "select coalesce(sum(failures), 0)::bigint from identity.login_failures";
    // As often as somebody likes: no passkey was looked at.
    for _ in 0..6 {
        refused(&fixture.prove_passkey(access(&old), &factor, &made).await, "fresh", "600");
    }
    assert_eq!(fixture.count(tried, &[]).await, 0);
    assert_eq!(fixture.count(PASSKEYS, &[]).await, 0);
    let again = fixture.post("/v1/auth/reauthenticate", access(&old), &password).await.ok().clone();
    fixture.prove_passkey(access(&again), &factor, &made).await.ok();

    // Of whoever has a second factor, it is that one's.
    let protected = fixture.protect(demo::VIEWER).await;
    let old = aged(&fixture, &protected.proof, "6 minutes").await;
    let again = fixture.post("/v1/auth/reauthenticate", access(&old), &password).await.ok().clone();
    refused(&fixture.post("/v1/auth/factors", access(&again), &kind).await, "aal2 fresh", "300");
    fixture.enrol(access(&again), "tablet").await;
}

/// Or a factor that somebody has added just now would be as good as the one that was there.
#[tokio::test]
async fn another_factor_makes_no_second_proof_new_until_it_is_proved_again() {
    let fixture = Fixture::start_with(policy()).await;
    let second = "select count(*) from identity.sessions s join identity.users u on u.id = s.user_id \
        where u.email = $1 and s.second_method = 'totp' and s.second_at < now() - interval '3 minutes'";
    for (email, kind) in [(demo::MANAGER, "totp"), (demo::VIEWER, "passkey")] {
        let protected = fixture.protect(email).await;
        let old = aged(&fixture, &protected.proof, "4 minutes").await;
        let at = |tokens: &Json| claims(tokens)["amr"][0]["timestamp"].as_i64().unwrap();
        let stays = async |proved: &Json| {
            assert_eq!(assurance(proved), said("aal2", &["totp", "password"]), "{kind}");
            assert_eq!((at(proved), proved["recovery_codes"].clone()), (at(&old), json!([])), "{kind}");
            assert_eq!(fixture.count(second, &[&email]).await, 1, "{kind}");
        };
        let again = if kind == "passkey" {
            let mut key = SecurityKey::new();
            let (factor, proved) = fixture.make_passkey(access(&old), "laptop", &mut key).await;
            stays(&proved).await;
            let given = key.answer(&fixture.challenge(access(&proved), &factor).await);
            fixture.prove_passkey(access(&proved), &factor, &given).await
        } else {
            let app = fixture.enrol(access(&old), "tablet").await;
            let proved = fixture.verify(access(&old), &app, &app.code(0)).await.ok().clone();
            stays(&proved).await;
            fixture.verify(access(&proved), &app, &app.code(1)).await
        };
        assert_eq!(assurance(again.ok()), said("aal2", &[kind, "password"]));
        assert!(at(again.ok()) > at(&old) && fixture.count(second, &[&email]).await == 0, "{kind}");
    }
}

#[tokio::test]
async fn a_passkey_is_of_its_factors_user() {
    let fixture = Fixture::start_with(policy()).await;
    fixture.make_passkey(&fixture.manager().await, "", &mut SecurityKey::new()).await;
    let another = "update identity.passkeys set user_id = (select id from identity.users where email = $1)";
    let refused = fixture.sql.execute(another, &[&demo::VIEWER]).await.unwrap_err();
    assert_eq!(refused.as_db_error().unwrap().constraint(), Some("passkeys_factor_fkey"));
}

/// As somebody may have written it in another way.
#[tokio::test]
async fn a_passkey_that_cannot_be_read_is_refused_or_keeps_none_of_the_others_from_being_used() {
    let fixture = Fixture::start_with(policy()).await;
    let mut key = SecurityKey::new();
    let (_, proved) = fixture.make_passkey(&fixture.manager().await, "laptop", &mut key).await;
    let (factor, _) = fixture.make_passkey(access(&proved), "tablet", &mut SecurityKey::new()).await;
    let odd = [
        ("transports = array['usb', null]", "passkeys_transports_check"),
        ("asked_at = 'infinity'", "passkeys_times_check"),
        ("alone_from = '-infinity'", "passkeys_times_check"),
    ];
    let spoil = |set: &str| format!("update identity.passkeys set {set} where factor_id = $1::text::uuid");
    for (set, constraint) in odd {
        let refused = fixture.sql.execute(&spoil(set), &[&factor]).await.unwrap_err();
        assert_eq!(refused.as_db_error().unwrap().constraint(), Some(constraint));
    }
    let free = "alter table identity.passkeys drop constraint passkeys_transports_check, \
        drop constraint passkeys_times_check";
    fixture.execute(free, &[]).await;
    for (name, (set, _)) in ["one", "two", "three"].iter().zip(odd) {
        assert_eq!(fixture.execute(&spoil(set), &[&factor]).await, 1);
        let given = key.answer(&fixture.passkey_challenge().await);
        let tokens = fixture.passkey_login(&given).await.ok().clone();
        fixture.make_passkey(access(&tokens), name, &mut SecurityKey::new()).await;
        let mended = "update identity.passkeys set transports = '{usb}', asked_at = now(), alone_from = now() \
            where factor_id = $1::text::uuid";
        assert_eq!(fixture.execute(mended, &[&factor]).await, 1);
    }
}
