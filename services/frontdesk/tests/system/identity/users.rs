//! Users, and the operators who make them.

use frontdesk::demo;
use identity::Policy;
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::fixture::{Answer, Fixture, tenant_path};
use crate::mailbox::Mailbox;

#[tokio::test]
async fn an_operator_makes_a_user_who_can_sign_in_until_disabled() {
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
}

#[tokio::test]
async fn nobody_takes_over_a_user_who_holds_more_scopes() {
    let fixture = Fixture::start().await;
    let operator = fixture.token(demo::OPERATOR).await;
    let below = json!({"email": "new@alpine.example", "password": "new-password"});
    let below = fixture.post("/v1/users", &operator, &below).await.ok()["id"].as_str().unwrap().to_owned();
    let helper = json!({
        "email": "helper@x.example", "password": "helper-password", "platform_scopes": ["platform:users"],
    });
    fixture.post("/v1/users", &operator, &helper).await.ok();
    let helper = fixture.try_login("helper@x.example", "helper-password").await;
    let helper = helper.ok()["access"].as_str().unwrap();
    let above = fixture.user_id(demo::OPERATOR).await;
    for (step, body) in
        [("password", json!({"password": "taken-over"})), ("disable", json!({})), ("enable", json!({}))]
    {
        let answer = fixture.post(&format!("/v1/users/{above}/{step}"), helper, &body).await;
        answer.refused(403, "SCOPE_NOT_HELD");
        fixture.post(&format!("/v1/users/{below}/{step}"), helper, &body).await.ok();
    }
    let owner = fixture.user_id(demo::OWNER).await;
    let taken_over = json!({"password": "taken-over"});
    let answer = fixture.post(&format!("/v1/users/{owner}/password"), helper, &taken_over).await;
    answer.refused(403, "SCOPE_NOT_HELD");
    fixture.login(demo::OWNER).await;
    // Whoever gives roles, makes roles or makes keys can have all that an owner has.
    let (of_owner, manager) = (fixture.token(demo::OWNER).await, fixture.user_id(demo::MANAGER).await);
    let member = tenant_path(&format!("/members/{manager}"));
    for (n, scope) in
        ["members:manage", "api_keys:manage", "tenant:manage", "bookings:manage"].iter().enumerate()
    {
        let role = json!({"name": format!("r-{n}"), "scopes": [scope]});
        fixture.post(&tenant_path("/roles"), &of_owner, &role).await.ok();
        fixture.patch(&member, &of_owner, &json!({"role": format!("r-{n}")})).await.ok();
        for (step, body) in [("password", &taken_over), ("factors/reset", &json!({}))] {
            let answer = fixture.post(&format!("/v1/users/{manager}/{step}"), helper, body).await;
            if *scope == "bookings:manage" {
                answer.ok();
            } else {
                answer.refused(403, "SCOPE_NOT_HELD");
            }
        }
    }
    let more = json!({"email": "more@x.example", "platform_scopes": ["platform:operate"]});
    fixture.post("/v1/users", helper, &more).await.refused(403, "SCOPE_NOT_HELD");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_operator_who_can_sign_in_stays_one() {
    let fixture = Fixture::start().await;
    let operator = fixture.token(demo::OPERATOR).await;
    let first = fixture.user_id(demo::OPERATOR).await;
    let (scopes, disable) =
        (format!("/v1/users/{first}/platform-scopes"), format!("/v1/users/{first}/disable"));
    let none = json!({"platform_scopes": []});
    let put = async |path: &str, body: &Json| {
        let request = fixture.request(Method::PUT, path).bearer_auth(&operator);
        Answer::of(request.json(body)).await
    };
    put(&scopes, &none).await.refused(409, "LAST_OPERATOR");
    fixture.post(&disable, &operator, &json!({})).await.refused(409, "LAST_OPERATOR");
    let all = json!(["platform:operate", "platform:tenants", "platform:users"]);
    let new = json!({"email": "second@x.example", "password": "a password", "platform_scopes": all});
    let second = fixture.post("/v1/users", &operator, &new).await.ok()["id"].as_str().unwrap().to_owned();
    // One who cannot sign in is none.
    fixture.post(&format!("/v1/users/{second}/disable"), &operator, &json!({})).await.ok();
    put(&scopes, &none).await.refused(409, "LAST_OPERATOR");
    fixture.post(&format!("/v1/users/{second}/enable"), &operator, &json!({})).await.ok();
    // Of two who are taken away at once one stays.
    let (of_second, nothing) = (format!("/v1/users/{second}/disable"), json!({}));
    let (one, other) = tokio::join!(put(&scopes, &none), fixture.post(&of_second, &operator, &nothing));
    let operators = "select count(*) from identity.users where disabled_at is null \
        and 'platform:operate' = any (platform_scopes)";
    assert_eq!(fixture.count(operators, &[]).await, 1, "{one:?} {other:?}");
}

/// Before, whoever could set passwords could be anybody.
#[tokio::test]
async fn where_letters_are_sent_nobody_sets_the_password_of_a_person() {
    let mailbox = Mailbox::open().await;
    let fixture = Fixture::start_with(Policy { mail: Some(mailbox.policy()), ..Policy::default() }).await;
    let operator = fixture.token(demo::OPERATOR).await;
    let viewer = fixture.user_id(demo::VIEWER).await;
    let password = json!({"password": "taken-over"});
    let refused = fixture.post(&format!("/v1/users/{viewer}/password"), &operator, &password).await;
    refused.refused(409, "PASSWORD_BY_RECOVERY");
    fixture.login(demo::VIEWER).await;
    let new = json!({"email": "nora@new.example", "password": "a password"});
    fixture.post("/v1/users", &operator, &new).await.refused(409, "PASSWORD_BY_RECOVERY");
    let robot = json!({"email": "robot@x.example", "kind": "service", "password": "a password"});
    let robot = fixture.post("/v1/users", &operator, &robot).await.ok()["id"].as_str().unwrap().to_owned();
    fixture.post(&format!("/v1/users/{robot}/password"), &operator, &password).await.ok();
    fixture.try_login("robot@x.example", "taken-over").await.ok();
}

/// Sessions of a user of which it is known where they were begun.
const PLACES: &str = "select count(*) from identity.sessions \
    where user_id = $1::text::uuid and (address <> '' or user_agent <> '')";

/// What is left of a user in tables that are not about users: a session that is over, letters,
/// one of them to an address that the user asked for, and an invitation. Two letters are another's.
async fn leave_traces(fixture: &Fixture, id: &str) {
    let over = "update identity.sessions set ended_at = now(), ended_because = 'logout' \
        where id = (select s.id from identity.sessions s where s.user_id = $1::text::uuid limit 1)";
    assert_eq!(fixture.execute(over, &[&id]).await, 1);
    fixture.token(demo::VIEWER).await;
    let token = "insert into identity.one_time_tokens (secret_hash, purpose, user_id, email, created_at, expires_at) \
        values (sha256('x'), 'change_email', $1::text::uuid, 'next@x.example', now(), now() + interval '1 day')";
    fixture.execute(token, &[&id]).await;
    let letter = "insert into identity.outbox (id, kind, recipient, sealed, created_at, due_at) \
        values (gen_random_uuid(), $2, $1, 'x', now(), now())";
    for (recipient, kind) in [
        (demo::VIEWER, "recover"),
        ("next@x.example", "change_email"),
        ("next@x.example", "invitation"),
        ("other@x.example", "recover"),
    ] {
        fixture.execute(letter, &[&recipient, &kind]).await;
    }
    let invitation = "insert into identity.invitations (tenant_id, id, email, role, secret_hash, proves_address, created_at, expires_at) \
        values ($1, gen_random_uuid(), $2, 'viewer', sha256('x'), true, now(), now() + interval '1 day')";
    fixture.execute(invitation, &[&demo::OTHER_TENANT, &demo::VIEWER]).await;
}

#[tokio::test]
async fn who_a_deleted_user_was_is_known_to_nobody() {
    let fixture = Fixture::start().await;
    let (owner, operator) = (fixture.token(demo::OWNER).await, fixture.token(demo::OPERATOR).await);
    let (viewer, session) = (fixture.user_id(demo::VIEWER).await, fixture.token(demo::VIEWER).await);
    let path = format!("/v1/users/{viewer}");
    let last = format!("/v1/users/{}", fixture.user_id(demo::OWNER).await);
    fixture.delete(&last, &operator).await.refused(409, "LAST_OWNER");
    let above = format!("/v1/users/{}", fixture.user_id(demo::OPERATOR).await);
    fixture.delete(&above, &operator).await.refused(409, "LAST_OPERATOR");
    leave_traces(&fixture, &viewer).await;
    assert_eq!(fixture.count(PLACES, &[&viewer]).await, 3);
    fixture.delete(&path, &operator).await.ok();
    assert_eq!(fixture.count(PLACES, &[&viewer]).await, 0);
    let left = "select count(*) from identity.outbox where (recipient, kind) in \
        (('next@x.example', 'invitation'), ('other@x.example', 'recover'))";
    assert_eq!(fixture.count(left, &[]).await, 2);
    assert_eq!(fixture.count("select count(*) from identity.outbox", &[]).await, 2);
    fixture.get("/v1/me", &session).await.refused(401, "SESSION_ENDED");
    fixture.try_login(demo::VIEWER, demo::PASSWORD).await.refused(401, "LOGIN_FAILED");
    fixture.get(&path, &operator).await.refused(404, "USER_NOT_FOUND");
    fixture.delete(&path, &operator).await.refused(404, "USER_NOT_FOUND");
    for (step, body) in
        [("enable", json!({})), ("disable", json!({})), ("password", json!({"password": "a password"}))]
    {
        let answer = fixture.post(&format!("{path}/{step}"), &operator, &body).await;
        answer.refused(404, "USER_NOT_FOUND");
    }
    let named = "select count(*) from (select u::text as row from identity.users u union all \
        select e::text from identity.audit_events e union all select m::text from identity.memberships m \
        union all select o::text from identity.outbox o union all select i::text from identity.invitations i) r \
        where row like '%' || $1 || '%'";
    assert_eq!(fixture.count(named, &[&demo::VIEWER]).await, 0);
    let events = fixture.get(&tenant_path("/audit-events"), &owner).await.ok().to_string();
    assert!(events.contains("user_deleted") && events.contains(&viewer), "{events}");
    // The address is free.
    let member = json!({"user_id": viewer, "role": "viewer"});
    let tenant = demo::TENANT.to_string();
    let members = tenant_path("/members");
    let added = fixture.post_with(&members, &operator, ("x-tenant-id", &tenant), &member).await;
    added.refused(404, "USER_NOT_FOUND");
    let again = json!({"email": demo::VIEWER, "password": "a password"});
    let again = fixture.post("/v1/users", &operator, &again).await.ok()["id"].clone();
    assert_ne!(again, json!(viewer));
}

#[tokio::test]
async fn a_user_is_renamed_and_unlocked() {
    let fixture = Fixture::start().await;
    let operator = fixture.token(demo::OPERATOR).await;
    let viewer = format!("/v1/users/{}", fixture.user_id(demo::VIEWER).await);
    let renamed = fixture.patch(&viewer, &operator, &json!({"display_name": "Vera V."})).await;
    assert_eq!(renamed.ok()["display_name"], "Vera V.");
    let mut refused = 0;
    while fixture.try_login(demo::VIEWER, "not the password").await.status == 401 {
        refused += 1;
        assert!(refused < 50, "no limit was reached");
    }
    fixture.try_login(demo::VIEWER, demo::PASSWORD).await.refused(429, "TOO_MANY_ATTEMPTS");
    let unlock = format!("{viewer}/unlock");
    let bad = json!({"client_address": "here"});
    fixture.post(&unlock, &operator, &bad).await.refused(400, "INVALID_FIELD");
    fixture.post(&unlock, &operator, &json!({"client_address": "127.0.0.1"})).await.ok();
    fixture.login(demo::VIEWER).await;
}

#[tokio::test]
async fn a_user_with_wrong_fields_or_foreign_scopes_is_not_made() {
    let fixture = Fixture::start().await;
    let operator = fixture.token(demo::OPERATOR).await;
    for bad in [
        json!({"email": "x"}),
        json!({"email": "a@b", "password": "short"}),
        json!({"email": "a@b", "platform_scopes": ["bookings:view"]}),
    ] {
        let answer = fixture.post("/v1/users", &operator, &bad).await;
        assert!(matches!(answer.status, 400 | 403), "{}", answer.body);
    }
}

#[tokio::test]
async fn users_are_the_operators_business() {
    let fixture = Fixture::start().await;
    let operator = fixture.token(demo::OPERATOR).await;
    fixture
        .get(&format!("/v1/users/{}", uuid::Uuid::now_v7()), &operator)
        .await
        .refused(404, "USER_NOT_FOUND");
    let owner = fixture.token(demo::OWNER).await;
    let new = json!({"email": "new@alpine.example"});
    fixture.post("/v1/users", &owner, &new).await.refused(403, "SCOPE_MISSING");
}

#[tokio::test]
async fn a_user_reads_itself_with_a_bearer_token_alone() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let me = fixture.get("/api/v1/me", &token).await;
    assert_eq!(me.ok()["user"]["email"], demo::MANAGER);
    assert_eq!(me.body["memberships"][0]["role"], "manager");
    assert_eq!(me.body["current_tenant_id"], demo::TENANT.to_string());
    let ignored = fixture.request(Method::GET, "/api/v1/me").bearer_auth(&token).header("apikey", "anything");
    Answer::of(ignored).await.ok();
}

/// Before, each of these spellings was an account of its own.
#[tokio::test]
async fn one_mailbox_is_one_account_and_addresses_from_before_go_on() {
    let fixture = Fixture::start().await;
    let operator = fixture.token(demo::OPERATOR).await;
    let create = async |email: &str| {
        let new = json!({"email": email, "password": "any password"});
        fixture.post("/v1/users", &operator, &new).await
    };
    let made = create("X@M\u{fc}nchen.example").await.ok().clone();
    assert_eq!(made["email"], "x@m\u{fc}nchen.example");
    let spellings = ["x@xn--mnchen-3ya.example", "x@xn--mnchen-3ya.example.", "x@mu\u{308}nchen.example"];
    for spelling in spellings {
        create(spelling).await.refused(409, "ALREADY_EXISTS");
        assert_eq!(fixture.try_login(spelling, "any password").await.ok()["user"]["id"], made["id"]);
    }
    for odd in [
        "x\u{200b}@xn--mnchen-3ya.example",
        "x\u{ad}@a.example",
        "x@a\u{202e}.example",
        "a@-x.example",
        "a@x..example",
        "<a@x.example>",
        &format!("{}@x.example", "a".repeat(65)),
    ] {
        create(odd).await.refused(400, "INVALID_FIELD");
    }
    // What earlier versions have stored is found by whatever is written now.
    let before = "update identity.users set email = $1 where id = $2";
    let id: uuid::Uuid = made["id"].as_str().unwrap().parse().unwrap();
    for stored in ["x@xn--mnchen-3ya.example", "x@m\u{fc}nchen.example"] {
        fixture.execute(before, &[&stored, &id]).await;
        for spelling in spellings {
            fixture.try_login(spelling, "any password").await.ok();
            create(spelling).await.refused(409, "ALREADY_EXISTS");
        }
    }
    // A sigma at the end of a word is one.
    let odos = create("οδοσ@x.example").await.ok().clone();
    for spelling in ["ΟΔΟΣ@x.example", "οδος@x.example", "Οδοσ@X.example"] {
        create(spelling).await.refused(409, "ALREADY_EXISTS");
        assert_eq!(fixture.try_login(spelling, "any password").await.ok()["user"]["id"], odos["id"]);
    }
    let of_odos: uuid::Uuid = odos["id"].as_str().unwrap().parse().unwrap();
    fixture.execute(before, &[&"οδος@x.example", &of_odos]).await;
    for spelling in ["ΟΔΟΣ@x.example", "οδος@x.example", "οδοσ@x.example"] {
        create(spelling).await.refused(409, "ALREADY_EXISTS");
        fixture.try_login(spelling, "any password").await.ok();
    }
    fixture.execute(before, &[&"x\u{200b}@old.example", &id]).await;
    fixture.try_login("X\u{200b}@old.example", "any password").await.ok();
}

#[tokio::test]
async fn scopes_outside_tenants_are_given_and_taken_by_those_who_hold_them() {
    let fixture = Fixture::start().await;
    let operator = fixture.token(demo::OPERATOR).await;
    let new = json!({"email": "helper@x.example", "password": "helper-password", "platform_scopes": ["platform:users"]});
    let id = fixture.post("/v1/users", &operator, &new).await.ok()["id"].as_str().unwrap().to_owned();
    let helper = fixture.try_login("helper@x.example", "helper-password").await;
    let helper = helper.ok()["access"].as_str().unwrap().to_owned();
    let set = async |token: &str, id: &str, scopes: &[&str]| {
        let request = fixture.request(Method::PUT, &format!("/v1/users/{id}/platform-scopes"));
        Answer::of(request.bearer_auth(token).json(&json!({"platform_scopes": scopes}))).await
    };
    let events = "select count(*) from identity.audit_events where action = 'platform_scopes_changed'";
    let own = ["platform:tenants", "platform:users"];
    set(&helper, &id, &own).await.refused(403, "SCOPE_NOT_HELD");
    let above = fixture.user_id(demo::OPERATOR).await;
    set(&helper, &above, &[]).await.refused(403, "SCOPE_NOT_HELD");
    set(&operator, &id, &["bookings:view"]).await.refused(400, "INVALID_FIELD");
    assert_eq!(fixture.count(events, &[]).await, 0);
    assert_eq!(set(&operator, &id, &own).await.ok()["platform_scopes"], json!(own));
    fixture.get("/v1/tenants", &helper).await.ok();
    set(&operator, &id, &[]).await.ok();
    fixture.get("/v1/tenants", &helper).await.refused(403, "SCOPE_MISSING");
    assert_eq!(fixture.count(events, &[]).await, 2);
    let event = fixture.get("/v1/audit-events", &operator).await.ok()["audit_events"][0].clone();
    assert_eq!(event["subject"], format!("{id} -platform:tenants -platform:users"));
}
