//! What users see of themselves is kept, and never longer than it is so: whatever changes it in
//! this process is seen by the next call, and what another one changes soon after. What is changed
//! at the database's prompt is in `kept_me_at_the_prompt.rs`.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use frontdesk::demo;
use identity::Policy;
use reqwest::Method;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::fixture::{Answer, Fixture, system, tenant_path};
use crate::waits::until_so;

/// How long it takes at most until another process sees a change; the bound is in
/// `services/access/src/until_marked.rs`, and a busy machine takes longer.
pub const SOON: Duration = Duration::from_secs(1);

/// What a user sees of itself through a gateway.
async fn me_at(fixture: &Fixture, gateway: SocketAddr, token: &str) -> Answer {
    Answer::of(fixture.http.get(format!("http://{gateway}/v1/me")).bearer_auth(token)).await
}

pub async fn me(fixture: &Fixture, token: &str) -> Json {
    // Twice: the first call may be the one that is kept.
    fixture.get("/v1/me", token).await.ok();
    fixture.get("/v1/me", token).await.ok().clone()
}

/// Changes the name of a user past the triggers that mark it.
async fn rename_without_a_mark(fixture: &Fixture, email: &str, name: &str) {
    fixture.sql.batch_execute("set session_replication_role = replica").await.unwrap();
    fixture.execute("update identity.users set display_name = $2 where email = $1", &[&email, &name]).await;
    fixture.sql.batch_execute("set session_replication_role = origin").await.unwrap();
}

/// Whether the manager, whose token this is, is answered out of memory: a change that nothing
/// marks is not seen. On a busy machine that is not always so.
pub async fn is_kept(fixture: &Fixture, manager: &str) -> bool {
    me(fixture, manager).await;
    let name = Uuid::now_v7().to_string();
    rename_without_a_mark(fixture, demo::MANAGER, &name).await;
    let shown = fixture.get("/v1/me", manager).await;
    shown.ok()["user"]["display_name"] != name
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_marked_by_nothing_is_kept_and_what_is_marked_is_not() {
    let fixture = Fixture::start().await;
    let (manager, viewer) = (fixture.manager().await, fixture.token(demo::VIEWER).await);
    me(&fixture, &viewer).await;
    until_so("it is kept", async || is_kept(&fixture, &manager).await).await;
    // Of whoever else nothing is told.
    assert_eq!(me(&fixture, &viewer).await["user"]["email"], demo::VIEWER);
    // By somebody at the database's prompt.
    let rename = "update identity.users set display_name = 'Somebody' where email = $1";
    fixture.execute(rename, &[&demo::MANAGER]).await;
    let shown = async || fixture.get("/v1/me", &manager).await.ok()["user"]["display_name"].clone();
    until_so("the mark is heard", async || shown().await == "Somebody").await;
}

/// A change, whose it is, what of the answer it changes and to what.
type Changes = (Method, String, String, Json, &'static str, Json);

/// Changes of what the viewer sees, each made by a call.
fn changes(by: [&str; 3], viewer: &str) -> Vec<Changes> {
    [of_the_tenant(by, viewer), of_the_user(by, viewer)].concat()
}

/// An answer that shows a factor is not kept, so that is the last one.
fn of_the_user([own, _, operator]: [&str; 3], viewer: &str) -> Vec<Changes> {
    let user = format!("/v1/users/{viewer}");
    let scopes = json!(["platform:users"]);
    let change = |method: Method, path: &str, by: &str, body: Json, of, to| {
        (method, path.to_owned(), by.to_owned(), body, of, to)
    };
    let name = |name: &str| json!({"display_name": name});
    let given = format!("{user}/platform-scopes");
    vec![
        change(Method::PATCH, "/v1/me", own, name("V"), "/user/display_name", json!("V")),
        change(Method::PATCH, &user, operator, name("W"), "/user/display_name", json!("W")),
        change(Method::PUT, &given, operator, json!({"platform_scopes": scopes}), "/platform_scopes", scopes),
        change(
            Method::POST,
            "/v1/auth/factors",
            own,
            json!({"name": "app"}),
            "/factors/0/name",
            json!("app"),
        ),
    ]
}

fn of_the_tenant([_, owner, operator]: [&str; 3], viewer: &str) -> Vec<Changes> {
    let member = format!("/members/{viewer}");
    let change = |method: Method, step: &str, by: &str, body: Json, of, to| {
        (method, tenant_path(step), by.to_owned(), body, of, to)
    };
    let role = |name: &str| {
        let body = json!({"role": name});
        change(Method::PATCH, &member, owner, body, "/memberships/0/role", json!(name))
    };
    let step = |step: &str, body: Json, to: Json| {
        change(Method::POST, step, operator, body, "/current_tenant_id", to)
    };
    let (here, nowhere) = (json!(demo::TENANT), json!(""));
    let scopes = json!(["members:view"]);
    let (given, named) = (json!({"scopes": scopes.clone()}), json!({"name": "Renamed House"}));
    let to = json!("Renamed House");
    vec![
        role("clerk"),
        change(Method::PATCH, "/roles/clerk", owner, given, "/memberships/0/scopes", scopes),
        role("agent"),
        change(Method::PATCH, "", operator, named, "/memberships/0/tenant_name", to),
        step("/suspend", json!({}), nowhere.clone()),
        step("/resume", json!({}), here.clone()),
        step("/delete", json!({"reason": "has moved away"}), nowhere),
        step("/restore", json!({}), here),
        change(Method::DELETE, &member, owner, Json::Null, "/memberships", json!([])),
    ]
}

async fn make(fixture: &Fixture, method: Method, path: &str, token: &str, body: Json) -> Answer {
    let request = fixture.request(method, path).bearer_auth(token);
    let request = if body.is_null() { request } else { request.json(&body) };
    Answer::of(request).await
}

async fn with_clerks(fixture: &Fixture) -> [String; 3] {
    let owner = fixture.token(demo::OWNER).await;
    let clerk = json!({"name": "clerk", "scopes": ["properties:view"]});
    fixture.post(&tenant_path("/roles"), &owner, &clerk).await.ok();
    [fixture.token(demo::VIEWER).await, owner, fixture.token(demo::OPERATOR).await]
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_this_process_changes_is_in_the_next_answer() {
    let fixture = Fixture::start().await;
    let [own, owner, operator] = with_clerks(&fixture).await;
    let viewer = fixture.user_id(demo::VIEWER).await;
    for (method, path, token, body, of, to) in changes([&own, &owner, &operator], &viewer) {
        let before = me(&fixture, &own).await;
        assert_ne!(before.pointer(of), Some(&to), "{path}");
        make(&fixture, method, &path, &token, body).await.ok();
        let after = fixture.get("/v1/me", &own).await;
        assert_eq!(after.ok().pointer(of), Some(&to), "{path}: {}", after.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_another_process_changes_is_in_the_answers_soon_after() {
    let fixture = Fixture::start().await;
    let other = system(&fixture.database.url, Policy::default()).await;
    let [own, owner, operator] = with_clerks(&fixture).await;
    let viewer = fixture.user_id(demo::VIEWER).await;
    for (method, path, token, body, of, to) in changes([&own, &owner, &operator], &viewer) {
        me_at(&fixture, other.gateway, &own).await.ok();
        let before = me_at(&fixture, other.gateway, &own).await.ok().clone();
        assert_ne!(before.pointer(of), Some(&to), "{path}");
        make(&fixture, method, &path, &token, body).await.ok();
        let made = Instant::now();
        loop {
            let after = me_at(&fixture, other.gateway, &own).await;
            if after.ok().pointer(of) == Some(&to) {
                break;
            }
            assert!(made.elapsed() < SOON, "{path}: {}", after.body);
        }
    }
    other.stop().await.unwrap();
}

/// Whoever may not call any more is refused by the next call, and by another process soon.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_signed_out_or_disabled_sees_nothing_of_what_is_kept() {
    let fixture = Fixture::start().await;
    let other = system(&fixture.database.url, Policy::default()).await;
    let operator = fixture.token(demo::OPERATOR).await;
    let manager = fixture.user_id(demo::MANAGER).await;
    let password = json!({"current_password": demo::PASSWORD, "new_password": "another password"});
    let third = json!({"password": "a third password"});
    let ends: [(&str, bool, Json); 4] = [
        ("/v1/auth/logout", true, json!({})),
        ("/v1/auth/password", false, password),
        (&format!("/v1/users/{manager}/password"), false, third),
        (&format!("/v1/users/{manager}/disable"), false, json!({})),
    ];
    let mut now = demo::PASSWORD.to_owned();
    for (path, by_itself, body) in ends {
        let sign_in = async || {
            let answer = fixture.try_login(demo::MANAGER, &now).await;
            answer.ok()["access"].as_str().unwrap().to_owned()
        };
        let (token, another) = (sign_in().await, sign_in().await);
        me(&fixture, &token).await;
        for _ in 0..2 {
            me_at(&fixture, other.gateway, &token).await.ok();
        }
        let by = match path {
            "/v1/auth/password" => &another,
            _ if by_itself => &token,
            _ => &operator,
        };
        fixture.post(path, by, &body).await.ok();
        let made = Instant::now();
        fixture.get("/v1/me", &token).await.refused(401, "SESSION_ENDED");
        while me_at(&fixture, other.gateway, &token).await.is_ok() {
            assert!(made.elapsed() < SOON, "{path}: still let in");
        }
        let set = body["new_password"].as_str().or(body["password"].as_str());
        now = set.map_or(now, str::to_owned);
    }
    other.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_kept_while_marks_cannot_be_read() {
    let fixture = Fixture::start().await;
    let manager = fixture.manager().await;
    until_so("it is kept", async || is_kept(&fixture, &manager).await).await;
    fixture
        .sql
        .batch_execute("revoke select on identity.revocation_head from frontdesk_identity")
        .await
        .unwrap();
    // What is kept by then is used for a tenth of a second.
    tokio::time::sleep(SOON).await;
    for _ in 0..3 {
        assert!(!is_kept(&fixture, &manager).await);
    }
    fixture
        .sql
        .batch_execute("grant select on identity.revocation_head to frontdesk_identity")
        .await
        .unwrap();
    until_so("it is kept again", async || is_kept(&fixture, &manager).await).await;
}

/// A user of two tenants is told for which one each call is, whatever was asked before.
#[tokio::test(flavor = "multi_thread")]
async fn answers_for_one_tenant_are_none_for_another() {
    let fixture = Fixture::start().await;
    let other_owner = fixture.token(demo::OTHER_OWNER).await;
    let operator = fixture.token(demo::OPERATOR).await;
    let path = format!("/v1/tenants/{}/members", demo::OTHER_TENANT);
    let header = ("x-tenant-id", &*demo::OTHER_TENANT.to_string());
    let member = json!({"email": demo::MANAGER, "role": "viewer"});
    fixture.post_with(&path, &operator, header, &member).await.ok();
    let manager = fixture.manager().await;
    let ask = async |tenant: Option<Uuid>| {
        let request = fixture.request(Method::GET, "/v1/me").bearer_auth(&manager);
        Answer::of(match tenant {
            Some(tenant) => request.header("x-tenant-id", tenant.to_string()),
            None => request,
        })
        .await
    };
    for _ in 0..3 {
        for tenant in [Some(demo::TENANT), Some(demo::OTHER_TENANT)] {
            assert_eq!(ask(tenant).await.ok()["current_tenant_id"], json!(tenant));
        }
        assert_eq!(ask(None).await.ok()["current_tenant_id"], "");
    }
    // Removed from one of them by its owner: refused there at once, and there alone.
    let manager_id = fixture.user_id(demo::MANAGER).await;
    fixture.delete(&format!("{path}/{manager_id}"), &other_owner).await.ok();
    ask(Some(demo::OTHER_TENANT)).await.refused(403, "TENANT_ACCESS_DENIED");
    let rest = ask(None).await;
    assert_eq!(rest.ok()["current_tenant_id"], json!(demo::TENANT));
    assert_eq!(rest.body["memberships"].as_array().unwrap().len(), 1);
}
