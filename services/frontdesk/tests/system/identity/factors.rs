//! Second factors: enrolled, proved, removed, reset.

use frontdesk::demo;
use identity::Policy;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::authenticator::{App, assurance, claims, hex};
use crate::fixture::{Fixture, system, tenant_path};
use crate::waits::until_so;

fn access(tokens: &Json) -> &str {
    tokens["access"].as_str().unwrap()
}

fn said(aal: &str, methods: &[&str]) -> (String, Vec<String>) {
    (aal.to_owned(), methods.iter().map(|method| (*method).to_owned()).collect())
}

#[tokio::test]
async fn a_factor_counts_from_its_first_proof_and_the_session_keeps_what_was_proved() {
    let fixture = Fixture::start().await;
    let (mine, other) = (fixture.login(demo::MANAGER).await, fixture.login(demo::MANAGER).await);
    assert_eq!(assurance(&mine), said("aal1", &["password"]));
    let app = fixture.enrol(access(&mine), "phone").await;
    let listed = fixture.get("/v1/auth/factors", access(&mine)).await.ok().clone();
    assert_eq!(
        (&listed["factors"][0]["verified"], &listed["recovery_codes_left"]),
        (&json!(false), &json!(0))
    );
    fixture.verify(access(&mine), &app, &app.wrong_code()).await.refused(403, "FACTOR_PROOF_WRONG");
    fixture.get("/v1/me", access(&other)).await.ok();

    let proved = fixture.verify(access(&mine), &app, &app.code(0)).await.ok().clone();
    assert_eq!(assurance(&proved), said("aal2", &["totp", "password"]));
    assert_eq!(claims(&proved)["session_id"], claims(&mine)["session_id"]);
    assert_eq!(proved["recovery_codes"].as_array().unwrap().len(), 10);
    fixture.get("/v1/me", access(&other)).await.refused(401, "SESSION_ENDED");
    let listed = fixture.get("/v1/auth/factors", access(&proved)).await.ok().clone();
    let factor = &listed["factors"][0];
    assert_eq!(
        (&factor["verified"], &factor["name"], &factor["kind"]),
        (&json!(true), &json!("phone"), &json!("totp"))
    );
    assert_eq!(listed["recovery_codes_left"], 10);

    let earlier = "update identity.sessions set second_at = second_at - interval '1 hour', \
        created_at = created_at - interval '2 hours' where ended_at is null";
    fixture.execute(earlier, &[]).await;
    let refreshed = fixture.refresh(&proved["refresh"]).await.ok().clone();
    assert_eq!(assurance(&refreshed), said("aal2", &["totp", "password"]));
    let at = |tokens: &Json, place: usize| claims(tokens)["amr"][place]["timestamp"].as_i64().unwrap();
    assert_eq!(at(&refreshed, 0), at(&proved, 0) - 3600);
    assert_eq!(at(&refreshed, 1), at(&proved, 1) - 7200);
    assert_eq!(assurance(&fixture.login(demo::MANAGER).await), said("aal1", &["password"]));
}

/// Whoever holds the token of before would get those with the second factor by it.
#[tokio::test]
async fn the_refresh_token_from_before_a_proof_gets_nothing_and_ends_the_session() {
    let fixture = Fixture::start().await;
    let login = fixture.login(demo::MANAGER).await;
    let app = fixture.enrol(access(&login), "").await;
    let proved = fixture.verify(access(&login), &app, &app.code(0)).await.ok().clone();
    // Another tab may just have sent it.
    let refused = fixture.refresh(&login["refresh"]).await;
    let message = refused.refused(401, "REFRESH_TOKEN_INVALID").body["message"].as_str().unwrap();
    assert!(message.contains("the session goes on"), "{message}");
    fixture.get("/v1/me", access(&proved)).await.ok();
    fixture.let_the_grace_pass().await;
    fixture.refresh(&login["refresh"]).await.refused(401, "REFRESH_TOKEN_REUSED");
    fixture.refresh(&proved["refresh"]).await.refused(401, "REFRESH_TOKEN_INVALID");
    fixture.get("/v1/me", access(&proved)).await.refused(401, "SESSION_ENDED");
}

#[tokio::test]
async fn a_challenge_is_for_its_factor_in_its_session() {
    let fixture = Fixture::start().await;
    let protected = fixture.protect(demo::MANAGER).await;
    let login = fixture.login(demo::MANAGER).await;
    let challenge = async |token: &str| {
        let asked = fixture.post(&protected.app.path("/challenge"), token, &json!({})).await;
        asked.ok()["challenge"].clone()
    };
    let code = protected.app.code(1);
    let verify = async |challenge: &Json| {
        let proof = json!({"challenge": challenge, "code": code});
        fixture.post(&protected.app.path("/verify"), access(&login), &proof).await
    };
    let of_another_session = challenge(protected.token()).await;
    for wrong in [&of_another_session, &json!("AAAA")] {
        verify(wrong).await.refused(422, "CHALLENGE_EXPIRED");
    }
    let proved = verify(&challenge(access(&login)).await).await.ok().clone();
    assert_eq!(assurance(&proved).0, "aal2");
    assert_eq!(proved["recovery_codes"], json!([]), "only the first factor gives them");
}

#[tokio::test]
async fn whoever_has_a_factor_changes_factors_with_two_factors_alone() {
    let fixture = Fixture::start().await;
    let protected = fixture.protect(demo::MANAGER).await;
    let login = fixture.login(demo::MANAGER).await;
    let token = access(&login);
    let factors = async || fixture.get("/v1/auth/factors", token).await.ok().clone();
    let before = factors().await;
    let refused = [
        fixture.post("/v1/auth/factors", token, &json!({"name": "mine"})).await,
        fixture.post("/v1/auth/recovery-codes", token, &json!({})).await,
        fixture.delete(&protected.app.path(""), token).await,
    ];
    for answer in &refused {
        let metadata = &answer.refused(401, "STEP_UP_REQUIRED").body["metadata"];
        assert_eq!((&metadata["required"], &metadata["aal"]), (&json!("aal2"), &json!("aal1")));
    }
    assert_eq!(factors().await, before);

    let second = fixture.enrol(protected.token(), "tablet").await;
    // The password is not enough to verify what was enrolled with more.
    fixture.verify(token, &second, &second.code(0)).await.refused(401, "STEP_UP_REQUIRED");
    fixture.delete(&second.path(""), token).await.refused(401, "STEP_UP_REQUIRED");
    fixture.delete(&second.path(""), protected.token()).await.ok();
    assert_eq!(factors().await, before);
    let removed = fixture.delete(&protected.app.path(""), protected.token()).await;
    assert_eq!(removed.ok()["ended_sessions"], 1);
    fixture.get("/v1/me", token).await.refused(401, "SESSION_ENDED");
    let none = fixture.get("/v1/auth/factors", protected.token()).await.ok().clone();
    assert_eq!(none, json!({"factors": [], "recovery_codes_left": 0}));
    let refreshed = fixture.refresh(&protected.proof["refresh"]).await.ok().clone();
    assert_eq!(assurance(&refreshed), said("aal1", &["password"]));
}

/// Whoever has got hold of a token with two factors, and knows the password, has not the
/// second factor by that.
#[tokio::test]
async fn the_password_does_not_make_the_second_factor_new_for_changes_of_factors() {
    let fixture = Fixture::start().await;
    let protected = fixture.protect(demo::MANAGER).await;
    let earlier = "update identity.sessions set second_at = second_at - interval '1 hour'";
    fixture.execute(earlier, &[]).await;
    let refreshed = fixture.refresh(&protected.proof["refresh"]).await.ok().clone();
    let password = json!({"current_password": demo::PASSWORD});
    let again = fixture.post("/v1/auth/reauthenticate", access(&refreshed), &password).await.ok().clone();
    assert_eq!(assurance(&again), said("aal2", &["password", "totp"]));
    let token = access(&again);
    let factors = async || fixture.get("/v1/auth/factors", token).await.ok().clone();
    let before = factors().await;
    let refused = [
        (fixture.post("/v1/auth/factors", token, &json!({"name": "mine"})).await, "900"),
        (fixture.post("/v1/auth/recovery-codes", token, &json!({})).await, "300"),
        (fixture.delete(&protected.app.path(""), token).await, "300"),
    ];
    for (answer, seconds) in &refused {
        let metadata = &answer.refused(401, "STEP_UP_REQUIRED").body["metadata"];
        assert_eq!((&metadata["required"], &metadata["aal"]), (&json!("aal2 fresh"), &json!("aal2")));
        assert_eq!(metadata["max_age_seconds"], *seconds);
    }
    assert_eq!(factors().await, before);

    let proved = fixture.verify(token, &protected.app, &protected.app.code(1)).await.ok().clone();
    let second = fixture.enrol(access(&proved), "tablet").await;
    fixture.execute(earlier, &[]).await;
    let old = fixture.refresh(&proved["refresh"]).await.ok().clone();
    fixture.verify(access(&old), &second, &second.code(0)).await.refused(401, "STEP_UP_REQUIRED");
    fixture.verify(access(&proved), &second, &second.code(0)).await.ok();
    fixture.post("/v1/auth/recovery-codes", access(&proved), &json!({})).await.ok();
    fixture.delete(&protected.app.path(""), access(&proved)).await.ok();
}

/// As while another version is rolled out, which knows more kinds.
#[tokio::test]
async fn a_kind_of_factor_that_is_not_known_counts_and_keeps_nobody_from_signing_in() {
    let fixture = Fixture::start().await;
    let protected = fixture.protect(demo::MANAGER).await;
    let no_secret = "update identity.factors set kind = 'badge', secret_sealed = null";
    fixture.execute(no_secret, &[]).await;
    let unknown = "update identity.sessions set method = 'badge', second_method = 'badge' \
        where second_method is not null";
    fixture.execute(unknown, &[]).await;
    let refreshed = fixture.refresh(&protected.proof["refresh"]).await.ok().clone();
    assert_eq!(assurance(&refreshed), said("aal2", &["other", "other"]));
    let login = fixture.login(demo::MANAGER).await;
    let me = fixture.get("/v1/me", access(&login)).await.ok().clone();
    assert_eq!(me["factors"][0]["verified"], json!(true));
    fixture.get("/v1/properties", access(&login)).await.refused(401, "STEP_UP_REQUIRED");
    fixture.post("/v1/auth/factors", access(&login), &json!({})).await.refused(401, "STEP_UP_REQUIRED");
    let code = protected.app.code(1);
    fixture.verify(access(&login), &protected.app, &code).await.refused(404, "FACTOR_NOT_FOUND");
    let code = json!({"code": protected.proof["recovery_codes"][0]});
    fixture.post("/v1/auth/recovery-codes/use", access(&login), &code).await.ok();
}

/// Of a factor verifiers know that there is a verified one, and users see their own; each mark
/// has both asked for anew.
#[tokio::test]
async fn users_are_marked_by_a_new_factor_and_by_what_changes_whether_they_have_one() {
    let fixture = Fixture::start().await;
    let marks = "select count(*) from identity.revocation_marks where kind = 'user'";
    let marks = async || fixture.count(marks, &[]).await;
    let token = fixture.manager().await;
    let before = marks().await;
    let app = fixture.enrol(&token, "phone").await;
    let other = fixture.enrol(&token, "tablet").await;
    fixture.delete(&other.path(""), &token).await.ok();
    assert_eq!(marks().await, before + 2, "two are made, and one that goes unverified was shown");
    let before = before + 2;
    let proved = fixture.verify(&token, &app, &app.code(0)).await.ok().clone();
    assert_eq!(marks().await, before + 1);
    let proved = fixture.verify(access(&proved), &app, &app.code(1)).await.ok().clone();
    assert_eq!(marks().await, before + 1, "a right code changes nothing");
    fixture.delete(&app.path(""), access(&proved)).await.ok();
    assert_eq!(marks().await, before + 2);
    let verified = "insert into identity.factors (id, user_id, kind, name, secret_sealed, created_at, verified_at) \
        select gen_random_uuid(), id, 'totp', '', '', now(), now() from identity.users where email = $1";
    fixture.execute(verified, &[&demo::MANAGER]).await;
    assert_eq!(marks().await, before + 3);
}

#[tokio::test]
async fn factors_that_were_never_verified_are_forgotten() {
    let fixture = Fixture::start().await;
    fixture.protect(demo::VIEWER).await;
    let token = fixture.manager().await;
    fixture.enrol(&token, "old").await;
    fixture.enrol(&token, "new").await;
    let earlier = "update identity.factors set created_at = now() - interval '2 hours' where name <> 'new'";
    fixture.execute(earlier, &[]).await;
    // Its first run is at the start.
    let again = system(&fixture.database.url, Policy::default()).await;
    let left = "select count(*) from identity.factors where name = 'old'";
    until_so("the old one is forgotten", async || fixture.count(left, &[]).await == 0).await;
    let left = "select string_agg(name, ' ' order by name) from identity.factors";
    let left: String = fixture.sql.query_one(left, &[]).await.unwrap().get(0);
    assert_eq!(left, "new phone");
    again.stop().await.unwrap();
}

#[tokio::test]
async fn factors_of_others_are_not_found() {
    let fixture = Fixture::start().await;
    let protected = fixture.protect(demo::MANAGER).await;
    let viewer = fixture.token(demo::VIEWER).await;
    let code = json!({"code": protected.app.code(1)});
    for factor in [protected.app.factor.clone(), Uuid::now_v7().to_string()] {
        let path = |step: &str| format!("/v1/auth/factors/{factor}{step}");
        fixture.post(&path("/verify"), &viewer, &code).await.refused(404, "FACTOR_NOT_FOUND");
        fixture.post(&path("/challenge"), &viewer, &json!({})).await.refused(404, "FACTOR_NOT_FOUND");
        fixture.delete(&path(""), &viewer).await.refused(404, "FACTOR_NOT_FOUND");
    }
    let listed = fixture.get("/v1/auth/factors", &viewer).await.ok().clone();
    assert_eq!(listed["factors"], json!([]));
    let login = fixture.login(demo::MANAGER).await;
    fixture.verify(access(&login), &protected.app, code["code"].as_str().unwrap()).await.ok();
}

#[tokio::test]
async fn a_disabled_user_proves_nothing() {
    let fixture = Fixture::start().await;
    let protected = fixture.protect(demo::MANAGER).await;
    let (login, operator) = (fixture.login(demo::MANAGER).await, fixture.token(demo::OPERATOR).await);
    let id = claims(&login)["sub"].as_str().unwrap().to_owned();
    fixture.post(&format!("/v1/users/{id}/disable"), &operator, &json!({})).await.ok();
    let refused = fixture.verify(access(&login), &protected.app, &protected.app.code(1)).await;
    refused.refused(401, "SESSION_ENDED");
    fixture.post(&format!("/v1/users/{id}/enable"), &operator, &json!({})).await.ok();
    let again = fixture.login(demo::MANAGER).await;
    fixture.verify(access(&again), &protected.app, &protected.app.code(1)).await.ok();
}

#[tokio::test]
async fn an_operator_resets_what_was_lost_and_the_users_tenants_read_of_it() {
    let fixture = Fixture::start().await;
    let protected = fixture.protect(demo::OWNER).await;
    let id = claims(&protected.proof)["sub"].as_str().unwrap().to_owned();
    let path = format!("/v1/users/{id}/factors/reset");
    let manager = fixture.manager().await;
    fixture.post(&path, &manager, &json!({})).await.refused(403, "SCOPE_MISSING");
    let users = "update identity.users set platform_scopes = '{platform:users}' where email = $1";
    fixture.execute(users, &[&demo::MANAGER]).await;
    fixture.post(&path, &manager, &json!({})).await.refused(403, "SCOPE_NOT_HELD");
    fixture.get("/v1/me", protected.token()).await.ok();

    let operator = fixture.token(demo::OPERATOR).await;
    let reset = fixture.post(&path, &operator, &json!({})).await;
    assert_eq!(reset.ok(), &json!({"removed_factors": 1, "ended_sessions": 1}));
    fixture.get("/v1/me", protected.token()).await.refused(401, "SESSION_ENDED");
    let owner = fixture.token(demo::OWNER).await;
    let none = fixture.get("/v1/auth/factors", &owner).await.ok().clone();
    assert_eq!(none, json!({"factors": [], "recovery_codes_left": 0}));
    let events = fixture.get(&tenant_path("/audit-events"), &owner).await.ok()["audit_events"].clone();
    let told: Vec<_> =
        events.as_array().unwrap().iter().filter(|one| one["action"] == "factors_reset").collect();
    assert_eq!((told.len(), told[0]["subject"].as_str()), (1, Some(&*id)));
    let unknown = format!("/v1/users/{}/factors/reset", Uuid::now_v7());
    fixture.post(&unknown, &operator, &json!({})).await.refused(404, "USER_NOT_FOUND");
}

#[tokio::test]
async fn a_user_has_ten_factors_each_with_a_name_of_its_own() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let enrol = async |name: String| fixture.post("/v1/auth/factors", &token, &json!({"name": name})).await;
    for number in 0..9 {
        enrol(format!("phone {number}")).await.ok();
    }
    let last = App::of(enrol("phone 9".to_owned()).await.ok());
    enrol("another".to_owned()).await.refused(409, "QUOTA_REACHED");
    let long_ago = "update identity.factors set created_at = created_at - interval '11 minutes'";
    fixture.execute(long_ago, &[]).await;
    fixture.verify(&token, &last, &last.code(0)).await.refused(404, "FACTOR_NOT_FOUND");
    fixture.post(&last.path("/challenge"), &token, &json!({})).await.refused(404, "FACTOR_NOT_FOUND");
    fixture.delete(&last.path(""), &token).await.refused(404, "FACTOR_NOT_FOUND");
    let none = fixture.get("/v1/auth/factors", &token).await.ok().clone();
    assert_eq!(none["factors"], json!([]));
    enrol("phone 3".to_owned()).await.ok();
    enrol("phone 3".to_owned()).await.refused(409, "ALREADY_EXISTS");
    assert_eq!(fixture.count("select count(*) from identity.factors", &[]).await, 1);
    enrol("\u{7}".to_owned()).await.refused(400, "INVALID_FIELD");
}

#[tokio::test]
async fn what_a_factor_is_made_of_is_nowhere_in_the_clear() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let enrolled = fixture.post("/v1/auth/factors", &token, &json!({"name": "phone"})).await.ok().clone();
    let (secret, uri) = (enrolled["secret"].as_str().unwrap(), enrolled["uri"].as_str().unwrap());
    assert!(uri.starts_with("otpauth://totp/Frontdesk:manager%40alpine.example?secret="), "{uri}");
    assert!(uri.contains(secret) && secret.len() == 32);
    let app = App::of(&enrolled);
    let proved = fixture.verify(&token, &app, &app.code(0)).await.ok().clone();
    let codes: Vec<&str> =
        proved["recovery_codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
    let stored = "select string_agg(row_text, ' ') from ( \
        select t::text as row_text from identity.factors t \
        union all select t::text from identity.recovery_codes t \
        union all select t::text from identity.audit_events t) r";
    let stored: String = fixture.sql.query_one(stored, &[]).await.unwrap().get(0);
    assert!(stored.contains("factor_activated"));
    assert!(!stored.contains(&app.hex()) && !stored.contains(secret), "{stored}");
    for code in codes {
        let bare = hex(code.replace('-', "").as_bytes());
        assert!(!stored.contains(code) && !stored.contains(&bare), "{stored}");
    }
}
