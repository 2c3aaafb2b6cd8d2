//! The audit log.

use std::time::{Duration, Instant};

use frontdesk::demo;
use frontdesk_proto::identity::v1::ResolveScopesRequest;
use frontdesk_proto::identity::v1::scope_service_client::ScopeServiceClient;
use identity::Policy;
use serde_json::{Value as Json, json};

use crate::fixture::{Fixture, channel, signed, system, tenant_path};
use crate::pages::rows;

#[tokio::test]
async fn the_audit_log_tells_what_happened_to_those_who_may_read_it() {
    let fixture = Fixture::start().await;
    let owner = fixture.token(demo::OWNER).await;
    fixture.try_login(demo::MANAGER, "wrong-password").await.refused(401, "LOGIN_FAILED");
    let made =
        fixture.post(&tenant_path("/api-keys"), &owner, &json!({"name": "audited"})).await.ok().clone();
    let foreign = fixture.token(demo::OTHER_OWNER).await;
    let pages = fixture.pages(&owner, &tenant_path("/audit-events?page_size=3")).await;
    let events = rows(&pages, "audit_events");
    let find = |action: &str, success: bool| {
        events
            .iter()
            .find(|event| event["action"] == action && event["success"] == success)
            .unwrap_or_else(|| panic!("{action}"))
    };
    assert_eq!(find("api_key_created", true)["subject"], made["api_key"]["id"]);
    let failed = find("login", false);
    assert_eq!(failed["address"], "127.0.0.1");
    assert!(!failed["request_id"].as_str().unwrap().is_empty());
    let text = json!(events).to_string();
    assert!(!text.contains(made["secret"].as_str().unwrap()) && !text.contains("wrong-password"), "{text}");
    let others = fixture.get("/v1/me", &foreign).await.ok()["user"]["id"].as_str().unwrap().to_owned();
    assert!(!text.contains(&others), "another tenant's events");
    fixture.get(&tenant_path("/audit-events"), &foreign).await.refused(403, "TENANT_ACCESS_DENIED");
}

/// Before, events of no tenant were in no list at all, and a tenant saw what its members did
/// for others.
#[tokio::test]
async fn what_belongs_to_no_tenant_is_told_to_operators_and_what_is_done_to_members_to_their_tenants() {
    let fixture = Fixture::start().await;
    let (owner, operator) = (fixture.token(demo::OWNER).await, fixture.token(demo::OPERATOR).await);
    let viewer = fixture.user_id(demo::VIEWER).await;
    let set = format!("/v1/users/{viewer}/password");
    fixture.post(&set, &operator, &json!({"password": "set by an operator"})).await.ok();
    let join = "insert into identity.memberships (tenant_id, user_id, role, created_at) \
        select $1, id, 'viewer', now() from identity.users where email = $2";
    fixture.execute(join, &[&demo::OTHER_TENANT, &demo::MANAGER]).await;
    fixture.login(demo::MANAGER).await;

    let tenants =
        rows(&fixture.pages(&owner, &tenant_path("/audit-events?page_size=7")).await, "audit_events");
    let told: Vec<_> = tenants.iter().filter(|event| event["action"] == "password_set").collect();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["subject"], viewer);
    assert_eq!(told[0]["method"], "frontdesk.identity.v1.UserService/SetPassword");
    let manager = fixture.user_id(demo::MANAGER).await;
    assert!(tenants.iter().all(|event| event["user_id"] != manager), "signed in to two tenants: {tenants:?}");

    let platform = rows(&fixture.pages(&operator, "/v1/audit-events?page_size=3").await, "audit_events");
    assert!(platform.iter().all(|event| event["tenant_id"] == ""), "{platform:?}");
    assert_eq!(platform.iter().filter(|event| event["action"] == "password_set").count(), 1);
    assert!(platform.iter().any(|event| event["user_id"] == manager && event["action"] == "login"));
    let of_one = format!("/v1/audit-events?user_id={}", fixture.user_id(demo::OWNER).await);
    let of_one = fixture.get(&of_one, &operator).await.ok()["audit_events"].as_array().unwrap().clone();
    assert!(of_one.iter().any(|event| event["tenant_id"] == demo::TENANT.to_string()), "{of_one:?}");
    fixture.get("/v1/audit-events", &owner).await.refused(403, "SCOPE_MISSING");
}

/// Before, a tenant of which an operator was a member had the operator's logins in its log, and the
/// platform had not.
#[tokio::test]
async fn what_an_operator_does_with_its_own_account_is_the_platforms_also_as_a_member_of_a_tenant() {
    let fixture = Fixture::start().await;
    let owner = fixture.token(demo::OWNER).await;
    super::members::add(&fixture, demo::OPERATOR, "viewer").await.ok();
    let operator = fixture.token(demo::OPERATOR).await;
    let id = fixture.user_id(demo::OPERATOR).await;
    fixture.try_login(demo::OPERATOR, "wrong-password").await.refused(401, "LOGIN_FAILED");
    let wrong = json!({"current_password": "wrong-password", "new_password": "another password"});
    fixture.post("/v1/auth/password", &operator, &wrong).await.refused(403, "PASSWORD_WRONG");
    fixture.enrol(&operator, "phone").await;
    let events =
        rows(&fixture.pages(&owner, &tenant_path("/audit-events?page_size=50")).await, "audit_events");
    let own = |event: &&Json| event["user_id"] == id && event["action"] != "member_added";
    assert_eq!(
        events.iter().filter(own).filter(|event| event["action"] != "operator_access").count(),
        0,
        "{events:?}"
    );
    let platform = rows(&fixture.pages(&operator, "/v1/audit-events?page_size=50").await, "audit_events");
    for (action, success) in
        [("login", true), ("login", false), ("password_changed", false), ("factor_enrolled", true)]
    {
        let is_it = |event: &&Json| {
            event["action"] == action && event["success"] == success && event["user_id"] == id
        };
        assert!(platform.iter().any(|event| is_it(&event)), "{action}: {platform:?}");
    }
}

#[tokio::test]
async fn what_is_older_than_it_is_kept_is_forgotten_and_the_service_can_delete_nothing_else() {
    let fixture = Fixture::start().await;
    fixture.login(demo::MANAGER).await;
    let old = "insert into identity.audit_events (id, at, action, outcome) \
        select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || lpad(n::text, 3, '0') \
            || '8000000000000000')::uuid, at, $1, 'success' \
        from generate_series(1, 900) n, lateral (select now() - $2::integer * interval '1 day' as at) old";
    fixture.execute(old, &[&"old", &366]).await;
    fixture.execute(old, &[&"kept", &364]).await;
    let ended = "insert into identity.sessions (id, user_id, created_at, rotated_at, idle_expires_at, expires_at) \
        select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid, \
            u.id, at, at, at, at + interval '30 days' \
        from identity.users u, lateral (select now() - $2::integer * interval '1 day' as at) old \
        where u.email = $1";
    fixture.execute(ended, &[&demo::OWNER, &61]).await;
    fixture.execute(ended, &[&demo::OWNER, &59]).await;
    let _replica = system(&fixture.database.url, Policy::default()).await;
    let count = async |sql: &str| fixture.count(sql, &[]).await;
    let olds = "select count(*) from identity.audit_events where action = 'old'";
    let sessions = "select count(*) from identity.sessions where expires_at < now()";
    let patience = Instant::now() + Duration::from_secs(20);
    while count(olds).await > 0 || count(sessions).await > 1 {
        assert!(Instant::now() < patience, "what is old is not forgotten");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(count("select count(*) from identity.audit_events where action = 'kept'").await, 900);
    let service = pg::connect(&fixture.database.url).await.unwrap();
    service.batch_execute("set role frontdesk_identity").await.unwrap();
    for forbidden in ["delete from identity.audit_events", "update identity.audit_events set user_id = null"]
    {
        let refused = service.batch_execute(forbidden).await.unwrap_err();
        assert_eq!(refused.code().unwrap().code(), "42501", "{forbidden}");
    }
    let before = count("select count(*) from identity.audit_events").await;
    service.batch_execute("select identity.forget_audit_events('infinity', 1000000)").await.unwrap();
    let month = "select count(*) from identity.audit_events where at > now() - interval '30 days'";
    assert_eq!(count(month).await, before - 900, "the last month stays whoever asks");
    assert_eq!(count("select count(*) from identity.sessions where expires_at > now()").await, 1);
}

/// A session id is half of what a leaked signing key needs to be somebody.
#[tokio::test]
async fn a_tenants_log_tells_sessions_apart_and_not_their_ids() {
    let fixture = Fixture::start().await;
    let (manager, viewer) = (fixture.manager().await, fixture.token(demo::VIEWER).await);
    let wrong = json!({"current_password": "wrong-password", "new_password": "another password"});
    fixture.post("/v1/auth/password", &manager, &wrong).await.refused(403, "PASSWORD_WRONG");
    // Before, one that was ended was named by its id.
    fixture.manager().await;
    let newest = fixture.get("/v1/auth/sessions", &manager).await.ok()["sessions"][0]["id"].clone();
    let path = format!("/v1/auth/sessions/{}", newest.as_str().unwrap());
    fixture.delete(&path, &manager).await.ok();
    let listed = fixture.get(&tenant_path("/audit-events?page_size=200"), &viewer).await;
    let events = listed.ok()["audit_events"].as_array().unwrap().clone();
    let of = |action: &str| {
        let found = events.iter().find(|event| event["action"] == action && event["session_id"] != "");
        found.unwrap_or_else(|| panic!("{action}: {events:?}"))
    };
    let ended = of("session_revoked");
    let is_of_it = |event: &&Json| event["action"] == "login" && event["session_id"] == ended["subject"];
    assert_eq!(events.iter().filter(is_of_it).count(), 1, "{events:?}");
    let changed = of("password_changed");
    let same = events.iter().filter(|event| event["session_id"] == changed["session_id"]);
    assert!(same.clone().all(|event| event["user_id"] == changed["user_id"]), "{events:?}");
    assert!(same.count() >= 2, "its login and what it did: {events:?}");
    let ids = fixture.sql.query("select id::text from identity.sessions", &[]).await.unwrap();
    for id in ids.iter().map(|row| row.get::<_, String>(0)) {
        assert!(!listed.body.to_string().contains(&id), "{id}: {events:?}");
    }
    let operator = fixture.token(demo::OPERATOR).await;
    let platform = fixture.get("/v1/audit-events?page_size=200", &operator).await;
    let text = platform.ok().to_string();
    let operators: String = fixture
        .sql
        .query_one("select s.id::text from identity.sessions s join identity.users u on u.id = s.user_id where u.email = $1", &[&demo::OPERATOR])
        .await
        .unwrap()
        .get(0);
    assert!(text.contains(&operators), "the platform's log has the ids: {text}");
}

/// What is written down of an operator is what was called: nobody makes up a method.
#[tokio::test]
async fn an_operator_is_recorded_with_methods_that_there_are() {
    let fixture = Fixture::start().await;
    let operator = fixture.token(demo::OPERATOR).await;
    let recorded = "select count(*) from identity.audit_events where action = 'operator_access'";
    let before = fixture.count(recorded, &[]).await;
    let ask = async |method: &str| {
        let mut request = signed(ResolveScopesRequest { method: method.to_owned() }, &operator);
        request.metadata_mut().insert("x-tenant-id", demo::TENANT.to_string().parse().unwrap());
        ScopeServiceClient::new(channel(fixture.system.identity)).resolve_scopes(request).await
    };
    for made_up in [
        "made up",
        "/frontdesk.booking.v1.CustomerService/ListCustomers",
        "frontdesk.booking.v1.CustomerService/DeleteEverything",
        "frontdesk.booking.v1.NoService/ListCustomers",
        "frontdesk.booking.v1.CustomerService",
    ] {
        let refused = ask(made_up).await.unwrap_err();
        let refusal = frontdesk_proto::Refusal::from_status(&refused).unwrap();
        assert_eq!(
            (refused.code(), refusal.name()),
            (tonic::Code::InvalidArgument, "INVALID_FIELD"),
            "{made_up}"
        );
        assert_eq!(fixture.count(recorded, &[]).await, before, "{made_up}");
    }
    ask("frontdesk.booking.v1.CustomerService/ListCustomers").await.unwrap();
    assert_eq!(fixture.count(recorded, &[]).await, before + 1);
}
