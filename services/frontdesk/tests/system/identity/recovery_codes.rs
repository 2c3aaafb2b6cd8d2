//! Codes that stand in for a second factor.

use frontdesk::demo;
use futures::future::join_all;
use serde_json::{Value as Json, json};

use super::factor_limits::without_a_limit_of_passwords;
use crate::authenticator::assurance;
use crate::fixture::{Answer, Fixture};

async fn take(fixture: &Fixture, token: &str, code: &Json) -> Answer {
    fixture.post("/v1/auth/recovery-codes/use", token, &json!({"code": code})).await
}

#[tokio::test]
async fn a_recovery_code_stands_in_for_a_lost_factor_once() {
    let fixture = Fixture::start().await;
    let protected = fixture.protect(demo::MANAGER).await;
    let codes = &protected.proof["recovery_codes"];
    let session = fixture.manager().await;
    let spoken = codes[0].as_str().unwrap().replace('-', " ").to_uppercase();
    let taken = take(&fixture, &session, &json!(spoken)).await.ok().clone();
    assert_eq!(taken["recovery_codes_left"], 9);
    assert_eq!(assurance(&taken), ("aal2".to_owned(), vec!["recovery".to_owned(), "password".to_owned()]));
    take(&fixture, &session, &codes[0]).await.refused(403, "FACTOR_PROOF_WRONG");
    for wrong in ["0000-0000-0000-0000", "x"] {
        take(&fixture, &session, &json!(wrong)).await.refused(403, "FACTOR_PROOF_WRONG");
    }
    let access = taken["access"].as_str().unwrap();
    let listed = fixture.get("/v1/auth/factors", access).await.ok().clone();
    assert_eq!(listed["recovery_codes_left"], 9);
    fixture.delete(&protected.app.path(""), access).await.ok();
    let told = "select string_agg(outcome || ' ' || subject, ',' order by id) \
        from identity.audit_events where action = 'recovery_code_used'";
    let told: String = fixture.sql.query_one(told, &[]).await.unwrap().get(0);
    assert_eq!(told, "success 9 left,failure ,failure ,failure ");
}

#[tokio::test]
async fn recovery_codes_are_their_users_own() {
    let fixture = Fixture::start().await;
    let manager = fixture.protect(demo::MANAGER).await;
    let viewer = fixture.protect(demo::VIEWER).await;
    let code = &manager.proof["recovery_codes"][0];
    take(&fixture, viewer.token(), code).await.refused(403, "FACTOR_PROOF_WRONG");
    take(&fixture, manager.token(), code).await.ok();
    let owner = fixture.token(demo::OWNER).await;
    let none = fixture.post("/v1/auth/recovery-codes", &owner, &json!({})).await;
    none.refused(404, "FACTOR_NOT_FOUND");
}

#[tokio::test]
async fn new_recovery_codes_take_the_place_of_those_before() {
    let fixture = Fixture::start().await;
    let protected = fixture.protect(demo::MANAGER).await;
    let made = fixture.post("/v1/auth/recovery-codes", protected.token(), &json!({})).await.ok().clone();
    let (old, new) = (&protected.proof["recovery_codes"], &made["recovery_codes"]);
    assert_eq!(new.as_array().unwrap().len(), 10);
    let token = fixture.manager().await;
    take(&fixture, &token, &old[0]).await.refused(403, "FACTOR_PROOF_WRONG");
    assert_eq!(take(&fixture, &token, &new[9]).await.ok()["recovery_codes_left"], 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_calls_with_one_recovery_code_at_once_one_is_accepted() {
    let fixture = Fixture::start_with(without_a_limit_of_passwords()).await;
    let protected = fixture.protect(demo::MANAGER).await;
    let tokens = [fixture.manager().await, fixture.manager().await];
    let code = &protected.proof["recovery_codes"][0];
    let answers = join_all((0..16).map(|at| take(&fixture, &tokens[at % 2], code))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
}
