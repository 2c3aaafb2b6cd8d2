//! Sessions, users, tenants, members, roles, keys and the audit log over REST.

use frontdesk::demo;
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::fixture::{Answer, Fixture};

fn tenant(path: &str) -> String {
    format!("/v1/tenants/{}{path}", demo::TENANT)
}

async fn user_id(fixture: &Fixture, email: &str) -> String {
    let token = fixture.token(email).await;
    fixture.get("/v1/me", &token).await.ok()["user"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn sessions_are_listed_and_revoked_by_their_user_only() {
    let fixture = Fixture::start().await;
    let (one, other) = (fixture.manager().await, fixture.manager().await);
    let listed = fixture.get("/v1/auth/sessions", &one).await.ok()["sessions"].clone();
    let sessions = listed.as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    assert_eq!(
        (sessions[0]["address"].as_str(), sessions[0]["user_agent"].as_str()),
        (Some("127.0.0.1"), Some("frontdesk-test"))
    );
    let foreign =
        sessions.iter().find(|session| session["current"] == false).unwrap()["id"].as_str().unwrap();
    let path = format!("/v1/auth/sessions/{foreign}");
    let viewer = fixture.token(demo::VIEWER).await;
    fixture.delete(&path, &viewer).await.refused(404, "SESSION_NOT_FOUND");
    fixture.get("/v1/me", &other).await.ok();
    fixture.delete(&path, &one).await.ok();
    fixture.get("/v1/me", &other).await.refused(401, "SESSION_ENDED");
    fixture.delete(&path, &one).await.refused(404, "SESSION_NOT_FOUND");
}

#[tokio::test]
async fn a_password_changes_with_the_current_one_only_and_ends_other_sessions() {
    let fixture = Fixture::start().await;
    let (one, other) = (fixture.login(demo::MANAGER).await, fixture.login(demo::MANAGER).await);
    let token = one["access"].as_str().unwrap();
    let change = |current: &str, new: &str| json!({"current_password": current, "new_password": new});
    let wrong = fixture.post("/v1/auth/password", token, &change("wrong-password", "new-password")).await;
    wrong.refused(403, "PASSWORD_WRONG");
    fixture
        .post("/v1/auth/password", token, &change(demo::PASSWORD, "short"))
        .await
        .refused(400, "INVALID_FIELD");
    fixture.try_login(demo::MANAGER, demo::PASSWORD).await.ok();

    let changed = fixture.post("/v1/auth/password", token, &change(demo::PASSWORD, "new-password")).await;
    assert_eq!(changed.ok()["ended_sessions"], 2);
    fixture.get("/v1/me", token).await.ok();
    fixture.get("/v1/me", other["access"].as_str().unwrap()).await.refused(401, "SESSION_ENDED");
    let refresh =
        fixture.request(Method::POST, "/v1/auth/refresh").json(&json!({"refresh": other["refresh"]}));
    Answer::of(refresh).await.refused(401, "REFRESH_TOKEN_INVALID");
    fixture.try_login(demo::MANAGER, demo::PASSWORD).await.refused(401, "LOGIN_FAILED");
    fixture.try_login(demo::MANAGER, "new-password").await.ok();
}

#[tokio::test]
async fn an_operator_makes_a_user_who_works_and_can_be_disabled() {
    let fixture = Fixture::start().await;
    let operator = fixture.token(demo::OPERATOR).await;
    let new = json!({"email": " New@Alpine.example", "display_name": "New", "password": "new-password", "kind": "service"});
    let user = fixture.post("/v1/users", &operator, &new).await.ok().clone();
    assert_eq!(
        (user["email"].as_str(), user["kind"].as_str()),
        (Some("new@alpine.example"), Some("service"))
    );
    fixture.post("/v1/users", &operator, &new).await.refused(409, "ALREADY_EXISTS");
    let id = user["id"].as_str().unwrap();
    let token = fixture.try_login("new@alpine.example", "new-password").await.ok()["access"]
        .as_str()
        .unwrap()
        .to_owned();
    let listed = fixture.get("/v1/users?page_size=200", &operator).await;
    assert!(listed.ok()["users"].as_array().unwrap().iter().any(|user| user["id"] == id));

    fixture
        .post(&format!("/v1/users/{id}/password"), &operator, &json!({"password": "other-password"}))
        .await
        .ok();
    fixture.get("/v1/me", &token).await.refused(401, "SESSION_ENDED");
    fixture.post(&format!("/v1/users/{id}/disable"), &operator, &json!({})).await.ok();
    fixture.try_login("new@alpine.example", "other-password").await.refused(401, "LOGIN_FAILED");
    let enabled = fixture.post(&format!("/v1/users/{id}/enable"), &operator, &json!({})).await;
    assert_eq!(enabled.ok()["disabled_at"], Json::Null);
    fixture.try_login("new@alpine.example", "other-password").await.ok();

    let helper = json!({
        "email": "helper@x.example", "password": "helper-password", "platform_scopes": ["platform:users"],
    });
    fixture.post("/v1/users", &operator, &helper).await.ok();
    let helper = fixture.try_login("helper@x.example", "helper-password").await;
    let helper = helper.ok()["access"].as_str().unwrap();
    let above = user_id(&fixture, demo::OPERATOR).await;
    for (step, body) in
        [("password", json!({"password": "taken-over"})), ("disable", json!({})), ("enable", json!({}))]
    {
        let answer = fixture.post(&format!("/v1/users/{above}/{step}"), helper, &body).await;
        answer.refused(403, "SCOPE_NOT_HELD");
        fixture.post(&format!("/v1/users/{id}/{step}"), helper, &body).await.ok();
    }
    let more = json!({"email": "more@x.example", "platform_scopes": ["platform:operate"]});
    fixture.post("/v1/users", helper, &more).await.refused(403, "SCOPE_NOT_HELD");

    for bad in [
        json!({"email": "x"}),
        json!({"email": "a@b", "password": "short"}),
        json!({"email": "a@b", "platform_scopes": ["bookings:view"]}),
    ] {
        let answer = fixture.post("/v1/users", &operator, &bad).await;
        assert!(matches!(answer.status, 400 | 403), "{}", answer.body);
    }
    fixture
        .get(&format!("/v1/users/{}", uuid::Uuid::now_v7()), &operator)
        .await
        .refused(404, "USER_NOT_FOUND");
    let owner = fixture.token(demo::OWNER).await;
    fixture.post("/v1/users", &owner, &new).await.refused(403, "SCOPE_MISSING");
}

#[tokio::test]
async fn members_and_roles_are_managed_without_giving_more_than_one_has() {
    let fixture = Fixture::start().await;
    let owner = fixture.token(demo::OWNER).await;
    let role = json!({"name": "front-desk", "scopes": ["bookings:view", "members:manage", "members:view"]});
    fixture.post(&tenant("/roles"), &owner, &role).await.ok();
    fixture.post(&tenant("/roles"), &owner, &role).await.refused(409, "ALREADY_EXISTS");
    fixture
        .post(&tenant("/roles"), &owner, &json!({"name": "owner", "scopes": ["bookings:view"]}))
        .await
        .refused(409, "ALREADY_EXISTS");
    fixture
        .post(&tenant("/roles"), &owner, &json!({"name": "x", "scopes": ["platform:operate"]}))
        .await
        .refused(400, "INVALID_FIELD");

    let viewer = user_id(&fixture, demo::VIEWER).await;
    let member = tenant(&format!("/members/{viewer}"));
    fixture.patch(&member, &owner, &json!({"role": "nothing"})).await.refused(404, "ROLE_NOT_FOUND");
    let changed = fixture.patch(&member, &owner, &json!({"role": "front-desk"})).await;
    assert_eq!(changed.ok()["role"], "front-desk");
    fixture.delete(&tenant("/roles/front-desk"), &owner).await.refused(409, "ROLE_IN_USE");

    // The viewer may manage members now, but only give and take what it has.
    let token = fixture.token(demo::VIEWER).await;
    let me = fixture.get("/v1/me", &token).await;
    assert_eq!(
        me.ok()["memberships"][0]["scopes"],
        json!(["bookings:view", "members:manage", "members:view"])
    );
    let add = |email: &str, role: &str| json!({"email": email, "role": role});
    fixture
        .post(&tenant("/members"), &token, &add(demo::OTHER_OWNER, "owner"))
        .await
        .refused(403, "SCOPE_NOT_HELD");
    let owner_id = user_id(&fixture, demo::OWNER).await;
    fixture.delete(&tenant(&format!("/members/{owner_id}")), &token).await.refused(403, "SCOPE_NOT_HELD");
    fixture.patch(&member, &token, &json!({"role": "owner"})).await.refused(403, "SCOPE_NOT_HELD");
    fixture.post(&tenant("/members"), &token, &add(demo::OTHER_OWNER, "front-desk")).await.ok();
    fixture
        .post(&tenant("/members"), &token, &add(demo::OTHER_OWNER, "front-desk"))
        .await
        .refused(409, "ALREADY_EXISTS");
    fixture
        .post(&tenant("/members"), &token, &add("nobody@x.example", "front-desk"))
        .await
        .refused(404, "USER_NOT_FOUND");
    let listed = fixture.get(&tenant("/members"), &token).await;
    assert_eq!(listed.ok()["members"].as_array().unwrap().len(), 4);

    // Two memberships now: the tenant must be named, and path and header must agree.
    let both = fixture.token(demo::OTHER_OWNER).await;
    fixture.get("/v1/properties", &both).await.refused(400, "TENANT_REQUIRED");
    let mixed = fixture.request(Method::GET, &tenant("/members")).bearer_auth(&both);
    Answer::of(mixed.header("x-tenant-id", demo::OTHER_TENANT.to_string()))
        .await
        .refused(403, "TENANT_ACCESS_DENIED");

    fixture.patch(&tenant("/roles/front-desk"), &owner, &json!({"scopes": ["members:view"]})).await.ok();
    fixture
        .post(&tenant("/members"), &token, &add(demo::MANAGER, "viewer"))
        .await
        .refused(403, "SCOPE_MISSING");
    fixture
        .patch(&tenant("/roles/viewer"), &owner, &json!({"scopes": ["members:view"]}))
        .await
        .refused(409, "ROLE_IN_USE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_never_loses_its_last_owner() {
    let fixture = Fixture::start().await;
    let owner = fixture.token(demo::OWNER).await;
    let (first, second) = (user_id(&fixture, demo::OWNER).await, user_id(&fixture, demo::MANAGER).await);
    let path = |id: &str| tenant(&format!("/members/{id}"));
    fixture.delete(&path(&first), &owner).await.refused(409, "LAST_OWNER");
    fixture.patch(&path(&first), &owner, &json!({"role": "viewer"})).await.refused(409, "LAST_OWNER");
    fixture.patch(&path(&first), &owner, &json!({"role": "owner"})).await.ok();
    let owners = "select count(*) from identity.memberships where tenant_id = $1 and role = 'owner'";
    for _ in 0..5 {
        fixture.patch(&path(&second), &owner, &json!({"role": "owner"})).await.ok();
        let operator = fixture.token(demo::OPERATOR).await;
        let answers = join_all([&first, &second].map(|id| {
            let request = fixture.request(Method::PATCH, &path(id)).bearer_auth(&operator);
            Answer::of(
                request.header("x-tenant-id", demo::TENANT.to_string()).json(&json!({"role": "manager"})),
            )
        }))
        .await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
        assert_eq!(fixture.count(owners, &[&demo::TENANT]).await, 1);
        let restore = "update identity.memberships set role = 'owner' where tenant_id = $1 and user_id = $2::text::uuid";
        fixture.execute(restore, &[&demo::TENANT, &first]).await;
        fixture.execute("update identity.memberships set role = 'manager' where tenant_id = $1 and user_id = $2::text::uuid", &[&demo::TENANT, &second]).await;
    }
}

#[tokio::test]
async fn api_keys_live_rotate_with_overlap_and_end() {
    let fixture = Fixture::start().await;
    let (owner, manager) = (fixture.token(demo::OWNER).await, fixture.manager().await);
    let customers = |key: &str| {
        let request = fixture.request(Method::GET, "/v1/customers").bearer_auth(&manager);
        Answer::of(request.header("x-tenant-api-key", key))
    };
    let properties = |key: &str| {
        Answer::of(fixture.request(Method::GET, "/v1/properties").header("x-tenant-api-key", key))
    };
    let new = json!({"name": "channel", "scopes": ["properties:view"]});
    fixture.post(&tenant("/api-keys"), &manager, &new).await.refused(403, "SCOPE_MISSING");
    let made = fixture.post(&tenant("/api-keys"), &owner, &new).await.ok().clone();
    let (id, first) = (made["api_key"]["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
    customers(first).await.ok();
    properties(first).await.ok();
    let listed = fixture.get(&tenant("/api-keys"), &owner).await;
    let text = listed.ok().to_string();
    assert!(
        text.contains(id) && !text.contains(first) && !listed.body["api_keys"][0]["last_used_at"].is_null(),
        "{text}"
    );

    let rotate = tenant(&format!("/api-keys/{id}/rotate"));
    let second = fixture.post(&rotate, &owner, &json!({"overlap_seconds": 60})).await.ok()["secret"]
        .as_str()
        .unwrap()
        .to_owned();
    customers(first).await.ok();
    customers(&second).await.ok();
    fixture.execute("update identity.tenant_api_keys set previous_expires_at = now() where previous_expires_at is not null", &[]).await;
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    customers(first).await.refused(401, "API_KEY_INVALID");
    customers(&second).await.ok();

    fixture.delete(&tenant(&format!("/api-keys/{id}")), &owner).await.ok();
    fixture.delete(&tenant(&format!("/api-keys/{id}")), &owner).await.refused(404, "API_KEY_NOT_FOUND");
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    customers(&second).await.refused(401, "API_KEY_INVALID");
    let past = json!({"name": "x", "expires_at": "2020-01-01T00:00:00Z"});
    fixture.post(&tenant("/api-keys"), &owner, &past).await.refused(400, "INVALID_FIELD");
}

#[tokio::test]
async fn introspection_says_exactly_why_a_token_is_not_good() {
    let fixture = Fixture::start().await;
    let operator = fixture.token(demo::OPERATOR).await;
    let ask = |token: &str| {
        let request = fixture.request(Method::POST, "/v1/auth/introspect").bearer_auth(&operator);
        Answer::of(request.json(&json!({"token": token})))
    };
    let manager = fixture.manager().await;
    assert_eq!(ask(&manager).await.ok()["active"], true);
    fixture.post("/v1/auth/logout", &manager, &json!({})).await.ok();
    let ended = ask(&manager).await;
    assert_eq!(
        (ended.ok()["active"].as_bool(), ended.body["reason"].as_str()),
        (Some(false), Some("SESSION_ENDED"))
    );
    let (front, _) = manager.rsplit_once('.').unwrap();
    for (token, reason, fault) in [
        ("x", "TOKEN_INVALID", "malformed"),
        (&*format!("{front}.{}", "A".repeat(86)), "TOKEN_INVALID", "bad_signature"),
        (&"x".repeat(5000), "TOKEN_INVALID", "too_long"),
    ] {
        let answer = ask(token).await;
        assert_eq!(
            (answer.ok()["reason"].as_str(), answer.body["fault"].as_str()),
            (Some(reason), Some(fault))
        );
    }
    let owner = fixture.token(demo::OWNER).await;
    fixture.post("/v1/auth/introspect", &owner, &json!({"token": "x"})).await.refused(403, "SCOPE_MISSING");
}

#[tokio::test]
async fn the_audit_log_tells_what_happened_to_those_who_may_read_it() {
    let fixture = Fixture::start().await;
    let owner = fixture.token(demo::OWNER).await;
    fixture.try_login(demo::MANAGER, "wrong-password").await.refused(401, "LOGIN_FAILED");
    let made = fixture.post(&tenant("/api-keys"), &owner, &json!({"name": "audited"})).await.ok().clone();
    let foreign = fixture.token(demo::OTHER_OWNER).await;
    let mut events = Vec::new();
    let mut next = String::new();
    loop {
        let page =
            fixture.get(&tenant(&format!("/audit-events?page_size=3&page_token={next}")), &owner).await;
        events.extend(page.ok()["audit_events"].as_array().unwrap().clone());
        next = page.body["next_page_token"].as_str().unwrap().to_owned();
        if next.is_empty() {
            break;
        }
    }
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
    fixture.get(&tenant("/audit-events"), &foreign).await.refused(403, "TENANT_ACCESS_DENIED");
}
