//! How identity changes things, whatever the change: how often it tries, and what
//! it makes of a database that is not as it left it.

use frontdesk::demo;
use pg::{Database, PoolOptions};
use serde_json::json;

use crate::alterations::alter;
use crate::fixture::{Answer, Fixture, tenant_path};
use crate::whole::schema_drift::readiness;

/// Another transaction gets in the way of every audit event, which is the last
/// statement of each change. A sequence counts, since it does not roll back.
const GET_IN_THE_WAY: &str = "
    create sequence public.tries;
    grant usage on sequence public.tries to frontdesk_identity;
    create function public.get_in_the_way() returns trigger language plpgsql as $$
    begin
        perform nextval('public.tries');
        raise exception 'in the way' using errcode = '40001';
    end
    $$;
    create trigger get_in_the_way before insert on identity.audit_events
        for each row execute function public.get_in_the_way();
";

async fn tries(fixture: &Fixture) -> i64 {
    let query = "select case when is_called then last_value else 0 end from public.tries";
    let tries = fixture.count(query, &[]).await;
    fixture.sql.batch_execute("alter sequence public.tries restart").await.unwrap();
    tries
}

#[tokio::test]
async fn a_call_makes_three_transactions_at_most_and_stores_nothing() {
    let fixture = Fixture::start().await;
    let (owner, operator) = (fixture.token(demo::OWNER).await, fixture.token(demo::OPERATOR).await);
    let user = fixture.user_id(demo::VIEWER).await;
    let roles = "select count(*) from identity.roles";
    fixture.sql.batch_execute(GET_IN_THE_WAY).await.unwrap();

    let role = json!({"name": "auditor", "scopes": ["audit:view"]});
    let change =
        json!({"current_password": demo::PASSWORD, "new_password": "another password of some length"});
    let user_path = |step: &str| format!("/v1/users/{user}{step}");
    let calls: [(&str, Answer); 7] = [
        ("a login", fixture.try_login(demo::OWNER, demo::PASSWORD).await),
        ("a failed login", fixture.try_login(demo::OWNER, "wrong").await),
        ("a logout", fixture.post("/v1/auth/logout", &owner, &json!({})).await),
        ("a new password", fixture.post("/v1/auth/password", &owner, &change).await),
        ("a role", fixture.post(&tenant_path("/roles"), &owner, &role).await),
        ("a disabled user", fixture.post(&user_path("/disable"), &operator, &json!({})).await),
        ("a tenant", fixture.post("/v1/tenants", &operator, &json!({"slug": "new", "name": "New"})).await),
    ];
    for (what, answer) in &calls {
        assert_eq!(answer.body["code"], "CONTENTION", "{what}: {}", answer.body);
    }
    assert_eq!(tries(&fixture).await, 3 * i64::try_from(calls.len()).unwrap(), "three for each call");
    assert_eq!(fixture.count(roles, &[]).await, 0);
    fixture.get("/v1/me", &owner).await.ok();

    fixture.sql.batch_execute("drop trigger get_in_the_way on identity.audit_events").await.unwrap();
    fixture.post(&tenant_path("/roles"), &owner, &role).await.ok();
    assert_eq!(fixture.count(roles, &[]).await, 1);
}

#[tokio::test]
async fn words_that_this_version_does_not_know_are_named_and_not_guessed() {
    let fixture = Fixture::start().await;
    let (owner, viewer) = (fixture.token(demo::OWNER).await, fixture.token(demo::VIEWER).await);
    let events = tenant_path("/audit-events");
    fixture.get(&events, &owner).await.ok();
    for (change, path, token, object) in [
        (
            "alter table identity.audit_events drop constraint audit_events_outcome_check; \
             update identity.audit_events set outcome = 'unsure'",
            &events,
            &owner,
            "outcome unsure",
        ),
        (
            "alter table identity.memberships drop constraint memberships_role_fkey; \
             update identity.memberships set role = 'auditor' where role = 'viewer'",
            &"/v1/auth/scopes".to_owned(),
            &viewer,
            "role auditor",
        ),
        (
            "alter table identity.users drop constraint users_kind_check; \
             update identity.users set kind = 'robot'",
            &"/v1/me".to_owned(),
            &owner,
            "kind robot",
        ),
    ] {
        alter(&fixture, change).await;
        let answer = fixture.get(path, token).await;
        let named = answer.refused(503, "SCHEMA_DRIFT").body["metadata"]["object"].as_str().unwrap();
        assert_eq!(named, format!("{object}, which this version does not know"));
    }
    fixture
        .sql
        .batch_execute(
            "alter table identity.signing_keys drop constraint signing_keys_state_check; \
             update identity.signing_keys set state = 'lost'",
        )
        .await
        .unwrap();
    let database = Database::new(PoolOptions {
        url: fixture.database.url.clone(),
        role: identity::ROLE,
        application_name: "test",
        max_size: 1,
    });
    let operator = identity::operator::Operator::new(&database.unwrap()).unwrap();
    let error = operator.list_signing_keys(jiff::Timestamp::now()).await.unwrap_err().to_string();
    assert!(error.contains("state lost, which this version does not know"), "{error}");
}

#[tokio::test]
async fn identity_is_not_ready_while_its_schema_lacks_something() {
    let fixture = Fixture::start().await;
    for (break_it, repair) in [
        (
            "alter table identity.sessions rename column user_agent to agent",
            "alter table identity.sessions rename column agent to user_agent",
        ),
        (
            "alter table identity.users rename constraint users_email_key to renamed",
            "alter table identity.users rename constraint renamed to users_email_key",
        ),
        (
            "alter table identity.roles rename to roles_gone",
            "alter table identity.roles_gone rename to roles",
        ),
    ] {
        alter(&fixture, break_it).await;
        assert_eq!(readiness(&fixture, false).await["identity"], "not_serving", "{break_it}");
        alter(&fixture, repair).await;
        readiness(&fixture, true).await;
    }
}
