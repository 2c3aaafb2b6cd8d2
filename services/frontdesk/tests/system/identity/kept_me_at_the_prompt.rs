//! What users see of themselves, while somebody changes it past this program: at the database's
//! prompt, or by another program there. Triggers mark it, and the next look at the marks hears of
//! it. What does not go by a trigger is not heard of, and is shown for a minute at most.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use frontdesk::demo;
use serde_json::{Value as Json, json};
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use super::kept_me::{SOON, is_kept, me};
use crate::fixture::{Fixture, tenant_path};
use crate::waits::until_so;

/// The session of a token.
fn session_of(token: &str) -> String {
    let payload = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: Json = serde_json::from_slice(&payload).unwrap();
    claims["session_id"].as_str().unwrap().to_owned()
}

/// Statements, what of the viewer's answer each changes, and to what. The viewer is a clerk.
fn changes(viewer: &str) -> Vec<(String, &'static str, Json)> {
    let (tenant, other) = (demo::TENANT, demo::OTHER_TENANT);
    let (here, nowhere, manager) = (json!(tenant), json!(""), demo::MANAGER);
    let of_user = |set: &str| format!("update identity.users set {set} where id = '{viewer}'");
    let of_tenant = |set: &str| format!("update identity.tenants set {set} where id = '{tenant}'");
    let deleted = "deleted_at = now(), purge_at = now()";
    let as_agent = format!(
        "begin; update identity.memberships set role = 'agent' where user_id = '{viewer}'; \
         delete from identity.roles where tenant_id = '{tenant}'; commit"
    );
    let moved = format!(
        "update identity.memberships set user_id = '{viewer}' \
         where user_id = (select u.id from identity.users u where u.email = '{manager}')"
    );
    let elsewhere =
        format!("insert into identity.memberships values ('{other}', '{viewer}', 'viewer', now())");
    let gone = |tenant: Uuid| {
        format!("delete from identity.memberships where tenant_id = '{tenant}' and user_id = '{viewer}'")
    };
    let of_factor = format!("update identity.factors set user_id = '{viewer}'");
    vec![
        (of_user("display_name = 'Somebody'"), "/user/display_name", json!("Somebody")),
        (of_user("email = 'somebody@alpine.example'"), "/user/email", json!("somebody@alpine.example")),
        (of_user("platform_scopes = '{platform:users}'"), "/platform_scopes", json!(["platform:users"])),
        (of_user("platform_scopes = '{}'"), "/platform_scopes", json!([])),
        (
            "update identity.roles set scopes = '{members:view}' where name = 'clerk'".to_owned(),
            "/memberships/0/scopes",
            json!(["members:view"]),
        ),
        (of_tenant("name = 'Renamed'"), "/memberships/0/tenant_name", json!("Renamed")),
        (of_tenant("suspended_at = now()"), "/current_tenant_id", nowhere.clone()),
        (of_tenant("suspended_at = null"), "/current_tenant_id", here.clone()),
        (of_tenant(deleted), "/current_tenant_id", nowhere.clone()),
        (of_tenant("purge_began_at = now()"), "/memberships", json!([])),
        (of_tenant("purge_began_at = null"), "/memberships/0/role", json!("clerk")),
        (of_tenant("deleted_at = null, purge_at = null"), "/current_tenant_id", here.clone()),
        (as_agent, "/memberships/0/role", json!("agent")),
        (gone(tenant), "/memberships", json!([])),
        (moved, "/memberships/0/role", json!("manager")),
        (elsewhere, "/current_tenant_id", nowhere),
        (gone(other), "/current_tenant_id", here),
        ("truncate identity.memberships".to_owned(), "/memberships", json!([])),
        (of_factor, "/factors/0/name", json!("app")),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_changed_at_the_prompt_is_in_the_answers_soon_after() {
    let fixture = Fixture::start().await;
    let owner = fixture.token(demo::OWNER).await;
    let clerk = json!({"name": "clerk", "scopes": ["properties:view"]});
    fixture.post(&tenant_path("/roles"), &owner, &clerk).await.ok();
    let viewer = fixture.user_id(demo::VIEWER).await;
    let member = tenant_path(&format!("/members/{viewer}"));
    fixture.patch(&member, &owner, &json!({"role": "clerk"})).await.ok();
    fixture.enrol(&fixture.manager().await, "app").await;
    let token = fixture.token(demo::VIEWER).await;
    for (sql, of, to) in changes(&viewer) {
        let before = me(&fixture, &token).await;
        assert_ne!(before.pointer(of), Some(&to), "{sql}");
        fixture.sql.batch_execute(&sql).await.unwrap();
        let made = Instant::now();
        loop {
            let after = fixture.get("/v1/me", &token).await;
            if after.ok().pointer(of) == Some(&to) {
                break;
            }
            assert!(made.elapsed() < SOON, "{sql}: {}", after.body);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_shut_out_at_the_prompt_is_refused_soon_after() {
    let fixture = Fixture::start().await;
    let (manager, viewer) = (fixture.user_id(demo::MANAGER).await, fixture.user_id(demo::VIEWER).await);
    let ends = [
        "update identity.sessions set ended_at = now(), ended_because = 'logout' where id = '{session}'",
        "update identity.sessions set expires_at = now() where id = '{session}'",
        "update identity.sessions set user_id = '{viewer}' where id = '{session}'",
        "update identity.sessions set id = gen_random_uuid() where id = '{session}'",
        "delete from identity.sessions where id = '{session}'",
        "truncate identity.sessions cascade",
        "update identity.users set disabled_at = now() where id = '{manager}'",
    ];
    for end in ends {
        let token = fixture.manager().await;
        let end = end.replace("{session}", &session_of(&token)).replace("{viewer}", &viewer);
        me(&fixture, &token).await;
        fixture.sql.batch_execute(&end.replace("{manager}", &manager)).await.unwrap();
        let made = Instant::now();
        loop {
            let answer = fixture.get("/v1/me", &token).await;
            if !answer.is_ok() {
                answer.refused(401, "SESSION_ENDED");
                break;
            }
            assert!(made.elapsed() < SOON, "{end}: still let in");
        }
    }
}

/// Each by a trigger of its own, whatever a cascade empties beside it.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_emptied_is_marked_as_everything_at_the_commit() {
    let fixture = Fixture::start().await;
    for table in
        ["factors", "user_links", "memberships", "roles", "sessions", "tenant_api_keys", "tenants", "users"]
    {
        let before = fixture.count("select position from identity.revocation_head", &[]).await;
        fixture.sql.batch_execute(&format!("truncate identity.{table} cascade")).await.unwrap();
        let placed = "select count(*) from identity.revocation_marks \
            where (kind, subject) = ('everything', $1) and position > $2";
        assert_eq!(fixture.count(placed, &[&table, &before]).await, 1, "{table}");
    }
}

/// Before, whoever had emptied a table and not yet committed had the lock of the head, which
/// everybody takes who revokes something.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_empties_a_table_and_waits_with_the_commit_keeps_nobody_from_signing_out() {
    let fixture = Fixture::start().await;
    let manager = fixture.manager().await;
    // One that nobody reads who signs out.
    fixture.sql.batch_execute("begin; truncate identity.user_links").await.unwrap();
    fixture.post("/v1/auth/logout", &manager, &json!({})).await.ok();
    fixture.sql.batch_execute("commit").await.unwrap();
    fixture.get("/v1/me", &manager).await.refused(401, "SESSION_ENDED");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_signing_keys_are_emptied_only_together_with_the_head_of_the_marks() {
    let fixture = Fixture::start().await;
    let keys = async || fixture.count("select count(*) from identity.signing_keys", &[]).await;
    let before = keys().await;
    assert!(before > 0);
    let refused = fixture.sql.batch_execute("truncate identity.signing_keys").await.unwrap_err();
    assert_eq!(refused.code(), Some(&SqlState::RESTRICT_VIOLATION));
    assert_eq!(keys().await, before);
    // As before everything is restored or replicated from elsewhere.
    let both = "begin; truncate identity.signing_keys, identity.revocation_head; rollback";
    fixture.sql.batch_execute(both).await.unwrap();
}

/// Of so many marks of one change nobody looks whose they are: all that is kept is void.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_very_many_sessions_is_shut_out_of_all_of_them_at_once() {
    let fixture = Fixture::start().await;
    let (manager, operator) = (fixture.manager().await, fixture.token(demo::OPERATOR).await);
    let id = fixture.user_id(demo::MANAGER).await;
    let many = format!(
        "insert into identity.sessions select (jsonb_populate_record(s, \
         jsonb_build_object('id', gen_random_uuid()))).* from identity.sessions s, generate_series(1, 1500) \
         where s.user_id = '{id}'"
    );
    fixture.sql.batch_execute(&many).await.unwrap();
    me(&fixture, &manager).await;
    fixture.post(&format!("/v1/users/{id}/disable"), &operator, &json!({})).await.ok();
    fixture.get("/v1/me", &manager).await.refused(401, "SESSION_ENDED");
}

/// Of what is kept nothing is asked of the database: it is answered while nobody can read there
/// what it is made of.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_is_answered_without_a_question_to_the_database() {
    let fixture = Fixture::start().await;
    let manager = fixture.manager().await;
    until_so("it is kept", async || is_kept(&fixture, &manager).await).await;
    me(&fixture, &manager).await;
    let locked = "begin; lock table identity.users, identity.sessions, identity.memberships, identity.tenants, \
        identity.factors in access exclusive mode";
    fixture.sql.batch_execute(locked).await.unwrap();
    let answered = async || {
        let call = fixture.get("/v1/me", &manager);
        tokio::time::timeout(Duration::from_millis(500), call).await.is_ok_and(|answer| answer.is_ok())
    };
    // Where a busy machine has not looked at the marks in time, the next call may find that it has.
    let mut kept = false;
    for _ in 0..5 {
        kept |= answered().await;
    }
    fixture.sql.batch_execute("rollback").await.unwrap();
    assert!(kept);
}

/// As long as the look at the marks lasts, nothing is known of what was changed meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_kept_is_used_while_the_look_at_the_marks_hangs() {
    let fixture = Fixture::start().await;
    let manager = fixture.manager().await;
    until_so("it is kept", async || is_kept(&fixture, &manager).await).await;
    let locks = pg::connect(&fixture.database.url).await.unwrap();
    locks.batch_execute("begin; lock table identity.revocation_head in access exclusive mode").await.unwrap();
    // What is kept by then is used for a tenth of a second.
    tokio::time::sleep(SOON).await;
    for _ in 0..3 {
        assert!(!is_kept(&fixture, &manager).await);
    }
    locks.batch_execute("rollback").await.unwrap();
    until_so("it is kept again", async || is_kept(&fixture, &manager).await).await;
}
