//! Calls about users that were let in, when their callers may do less before they are done, or
//! the users more.

use std::time::Duration;

use frontdesk::demo;
use reqwest::Method;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::booking::help::rival::Rival;
use crate::fixture::{Answer, Fixture, tenant_path};

const PASSWORD: &str = "a second operator";
const ALL: [&str; 3] = ["platform:operate", "platform:tenants", "platform:users"];

type Call = (Method, String, Json);

/// Somebody who manages users, and one of them.
struct Manages {
    fixture: Fixture,
    id: Uuid,
    token: String,
    viewer: Uuid,
}

impl Manages {
    async fn start(scopes: &[&str]) -> Self {
        let fixture = Fixture::start().await;
        let operator = fixture.token(demo::OPERATOR).await;
        let email = "second@x.example";
        let new = json!({"email": email, "kind": "service", "password": PASSWORD, "platform_scopes": scopes});
        let made = fixture.post("/v1/users", &operator, &new).await.ok()["id"].clone();
        let token = fixture.try_login(email, PASSWORD).await.ok()["access"].as_str().unwrap().to_owned();
        let viewer = fixture.user_id(demo::VIEWER).await.parse().unwrap();
        Self { fixture, id: made.as_str().unwrap().parse().unwrap(), token, viewer }
    }

    /// Everything that is done to the viewer, or in the viewer's place.
    fn to_the_viewer(&self) -> Vec<Call> {
        let user = format!("/v1/users/{}", self.viewer);
        vec![
            (Method::POST, format!("{user}/password"), json!({"password": "taken-over"})),
            (Method::POST, format!("{user}/factors/reset"), json!({})),
            (Method::POST, format!("{user}/disable"), json!({})),
            (Method::POST, format!("{user}/enable"), json!({})),
            (Method::DELETE, user, Json::Null),
        ]
    }

    async fn rows(&self) -> Vec<String> {
        let mut rows = Vec::new();
        for table in ["users", "memberships", "tenants", "factors"] {
            let all = format!("select '{table} ' || t::text from identity.{table} t order by 1");
            let found = self.fixture.sql.query(&all, &[]).await.unwrap();
            rows.extend(found.iter().map(|row| row.get::<_, String>(0)));
        }
        rows
    }

    /// A call that finds somebody before it who changes what it is decided by; what is undone
    /// makes all as it was.
    async fn beside(&self, call: &Call, lock: &str, take: &str, undo: &str, answer: (u16, &str)) {
        let (method, path, body) = call;
        let before = self.rows().await;
        let rival = Rival::begin(&self.fixture).await;
        rival.sql.batch_execute(lock).await.unwrap();
        let request = self.fixture.request(method.clone(), path).bearer_auth(&self.token);
        let in_tenant = path.starts_with("/v1/tenants/");
        let request =
            if in_tenant { request.header("x-tenant-id", demo::TENANT.to_string()) } else { request };
        let request = if body.is_null() { request } else { request.json(body) };
        let taken = async {
            rival.blocks(&self.fixture, 1).await;
            rival.sql.batch_execute(take).await.unwrap();
            rival.commit().await;
        };
        let answered = tokio::select! {
            biased;
            (answered, ()) = async { tokio::join!(Answer::of(request), taken) } => answered,
            () = tokio::time::sleep(Duration::from_secs(10)) => panic!("{method} {path} waits for nobody"),
        };
        answered.refused(answer.0, answer.1);
        self.fixture.sql.batch_execute(undo).await.unwrap();
        assert_eq!(self.rows().await, before, "{method} {path} stored something");
    }
}

/// Before, an operator who was removed while a password was hashed made another operator.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_an_operator_no_more_makes_and_takes_over_nobody() {
    let second = Manages::start(&ALL).await;
    let mut calls = second.to_the_viewer();
    let new = json!({"email": "late@x.example", "platform_scopes": ["platform:operate"]});
    let (member, viewer) = (second.fixture.user_id(demo::OTHER_OWNER).await, second.viewer);
    let scopes = format!("/v1/users/{viewer}/platform-scopes");
    calls.extend([
        (Method::POST, "/v1/users".to_owned(), new),
        (Method::PUT, scopes, json!({"platform_scopes": ["platform:users"]})),
        (Method::POST, "/v1/tenants".to_owned(), json!({"slug": "late", "name": "Late"})),
        (
            Method::POST,
            "/v1/tenants".to_owned(),
            json!({"slug": "late", "name": "Late", "owner_user_id": viewer}),
        ),
        (Method::POST, tenant_path("/members"), json!({"user_id": member, "role": "viewer"})),
        (Method::PATCH, tenant_path(""), json!({"name": "Late"})),
        (Method::POST, tenant_path("/suspend"), json!({})),
        (Method::POST, tenant_path("/resume"), json!({})),
        (Method::POST, tenant_path("/delete"), json!({"reason": "late"})),
        (Method::POST, tenant_path("/restore"), json!({})),
        (Method::PATCH, format!("/v1/users/{viewer}"), json!({"display_name": "Late"})),
        (Method::POST, format!("/v1/users/{viewer}/unlock"), json!({})),
        (
            Method::POST,
            format!("/v1/users/{viewer}/view-as"),
            json!({"tenant_id": demo::TENANT, "reason": "late"}),
        ),
    ]);
    let of = format!("where id = '{}'", second.id);
    let lock = format!("select id from identity.users {of} for update");
    let take = format!("update identity.users set platform_scopes = '{{}}' {of}");
    let undo = format!("update identity.users set platform_scopes = '{{{}}}' {of}", ALL.join(","));
    for call in &calls {
        second.beside(call, &lock, &take, &undo, (403, "SCOPE_MISSING")).await;
    }
    // A member of the tenant is let in to make members, and asked to be an operator all the same.
    let role = "insert into identity.roles (tenant_id, name, scopes, created_at) \
        values ($1, 'inviter', '{members:manage}', now())";
    second.fixture.execute(role, &[&demo::TENANT]).await;
    let join = "insert into identity.memberships (tenant_id, user_id, role, created_at) \
        values ($1, $2, 'inviter', now())";
    second.fixture.execute(join, &[&demo::TENANT, &second.id]).await;
    let member = second.fixture.user_id(demo::OTHER_OWNER).await;
    let owner = (Method::POST, tenant_path("/members"), json!({"user_id": member, "role": "owner"}));
    second.beside(&owner, &lock, &take, &undo, (403, "SCOPE_MISSING")).await;

    // Before, who was signed out everywhere meanwhile made another operator.
    let of = format!("where user_id = '{}'", second.id);
    let lock = format!("select id from identity.sessions {of} for update");
    let take = format!("update identity.sessions set ended_at = now(), ended_because = 'logout' {of}");
    let undo = format!("update identity.sessions set ended_at = null, ended_because = null {of}");
    for call in &calls {
        second.beside(call, &lock, &take, &undo, (401, "SESSION_ENDED")).await;
    }
}

/// Before, what a user holds was looked at before the change, and not in it.
#[tokio::test(flavor = "multi_thread")]
async fn who_holds_more_by_then_is_taken_over_by_nobody() {
    let helper = Manages::start(&["platform:users"]).await;
    let calls = helper.to_the_viewer();
    let of = format!("where id = '{}'", helper.viewer);
    let lock = format!("select id from identity.users {of} for update");
    let take = format!("update identity.users set platform_scopes = '{{platform:operate}}' {of}");
    let undo = format!("update identity.users set platform_scopes = '{{}}' {of}");
    for call in &calls {
        helper.beside(call, &lock, &take, &undo, (403, "SCOPE_NOT_HELD")).await;
    }
    let of = format!("where user_id = '{}'", helper.viewer);
    let take = format!("update identity.memberships set role = 'owner' {of}");
    let undo = format!("update identity.memberships set role = 'viewer' {of}");
    for call in &calls[..2] {
        helper.beside(call, &lock, &take, &undo, (403, "SCOPE_NOT_HELD")).await;
    }
}

/// Before, whoever had taken an account over left a second factor in it.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_meanwhile_changes_no_second_factor() {
    let fixture = Fixture::start().await;
    let protected = fixture.protect(demo::MANAGER).await;
    let user: Uuid = fixture.user_id(demo::MANAGER).await.parse().unwrap();
    let factors = "select count(*) from identity.factors";
    let codes =
        "select string_agg(encode(code_hash, 'hex'), ' ' order by code_hash) from identity.recovery_codes";
    let of_codes = async || fixture.sql.query_one(codes, &[]).await.unwrap().get::<_, String>(0);
    let before = of_codes().await;
    for (method, path) in [
        (Method::POST, "/v1/auth/factors".to_owned()),
        (Method::POST, "/v1/auth/recovery-codes".to_owned()),
        (Method::DELETE, protected.app.path("")),
    ] {
        let rival = Rival::begin(&fixture).await;
        rival.lock("identity.users", user).await;
        let request = fixture.request(method.clone(), &path).bearer_auth(protected.token());
        let request = if method == Method::POST { request.json(&json!({})) } else { request };
        let (asked, ()) = tokio::join!(Answer::of(request), async {
            rival.blocks(&fixture, 1).await;
            let end = "update identity.sessions set ended_at = now(), ended_because = 'password_changed' where user_id = $1";
            rival.sql.execute(end, &[&user]).await.unwrap();
            rival.commit().await;
        });
        asked.refused(401, "SESSION_ENDED");
        assert_eq!((fixture.count(factors, &[]).await, of_codes().await), (1, before.clone()), "{path}");
        let again = "update identity.sessions set ended_at = null, ended_because = null where user_id = $1";
        fixture.execute(again, &[&user]).await;
    }
}
