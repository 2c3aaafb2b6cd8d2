//! Calls that were let in, and whose caller loses what they ask for before they are done.

use std::time::Duration;

use frontdesk::demo;
use reqwest::Method;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::booking::help::rival::Rival;
use crate::fixture::{Answer, Fixture, tenant_path};

const SECOND: &str = "second@alpine.example";

/// A second owner, and things of the tenant that somebody may change.
struct Owner {
    fixture: Fixture,
    id: Uuid,
    token: String,
    key: String,
    secret: String,
    /// That somebody else sent.
    invitation: String,
}

impl Owner {
    async fn start() -> Self {
        let fixture = Fixture::start().await;
        let (owner, operator) = (fixture.token(demo::OWNER).await, fixture.token(demo::OPERATOR).await);
        let new = json!({"email": SECOND, "password": demo::PASSWORD});
        let id = fixture.post("/v1/users", &operator, &new).await.ok()["id"].clone();
        let id: Uuid = id.as_str().unwrap().parse().unwrap();
        let role = json!({"name": "clerk", "scopes": ["bookings:view"]});
        fixture.post(&tenant_path("/roles"), &owner, &role).await.ok();
        let all = ["api_keys:manage", "bookings:view", "members:manage", "members:view", "tenant:manage"];
        let new = json!({"name": "k", "scopes": all});
        let made = fixture.post(&tenant_path("/api-keys"), &owner, &new).await.ok().clone();
        let text = |value: &Json| value.as_str().unwrap().to_owned();
        let (key, secret) = (text(&made["api_key"]["id"]), text(&made["secret"]));
        let new = json!({"email": "y@x.example", "role": "viewer", "return_token": true});
        let sent = fixture.post(&tenant_path("/invitations"), &owner, &new).await.ok().clone();
        let invitation = text(&sent["invitation"]["id"]);
        let mut second = Self { fixture, id, token: String::new(), key, secret, invitation };
        second.is_owner().await;
        second.fixture.protect(SECOND).await.token().clone_into(&mut second.token);
        second
    }

    async fn is_owner(&self) {
        let join = "insert into identity.memberships (tenant_id, user_id, role, created_at) \
            values ($1, $2, 'owner', now()) on conflict (tenant_id, user_id) do update set role = 'owner'";
        self.fixture.execute(join, &[&demo::TENANT, &self.id]).await;
    }

    /// Everything that somebody changes by a right in the tenant.
    async fn changes(&self) -> Vec<(Method, String, Json)> {
        let (keys, roles) = (tenant_path("/api-keys"), tenant_path("/roles"));
        let viewer = tenant_path(&format!("/members/{}", self.fixture.user_id(demo::VIEWER).await));
        let new = json!({"email": "x@x.example", "role": "viewer", "return_token": true});
        vec![
            (Method::POST, keys.clone(), json!({"name": "late"})),
            (Method::POST, format!("{keys}/{}/rotate", self.key), json!({"overlap_seconds": 60})),
            (Method::PUT, format!("{keys}/{}/jwks", self.key), json!({"keys": []})),
            (Method::DELETE, format!("{keys}/{}", self.key), Json::Null),
            (Method::PATCH, viewer.clone(), json!({"role": "manager"})),
            (Method::DELETE, viewer, Json::Null),
            (Method::POST, roles.clone(), json!({"name": "late", "scopes": ["bookings:view"]})),
            (Method::PATCH, format!("{roles}/clerk"), json!({"scopes": ["bookings:view", "members:view"]})),
            (Method::DELETE, format!("{roles}/clerk"), Json::Null),
            (Method::PUT, tenant_path("/second-factor"), json!({"policy": "owners"})),
            (Method::POST, tenant_path("/invitations"), new),
            (Method::DELETE, tenant_path(&format!("/invitations/{}", self.invitation)), Json::Null),
        ]
    }

    async fn rows(&self) -> Vec<String> {
        let mut rows = Vec::new();
        for table in ["roles", "invitations", "memberships", "tenants"] {
            let all = format!("select t::text from identity.{table} t where t::text not like $1 order by 1");
            let found = self.fixture.sql.query(&all, &[&format!("%{}%", self.id)]).await.unwrap();
            rows.extend(found.iter().map(|row| row.get::<_, String>(0)));
        }
        let keys = "select concat_ws(' ', id, encode(secret_hash, 'hex'), revoked_at is null) \
            from identity.tenant_api_keys order by 1";
        let keys = self.fixture.sql.query(keys, &[]).await.unwrap();
        rows.extend(keys.iter().map(|row| row.get::<_, String>(0)));
        rows
    }

    /// A call that finds somebody before it who takes away what it is let in by, of which the
    /// rows tell nothing.
    async fn beside(
        &self,
        change: &(Method, String, Json),
        lock: &str,
        take: &str,
        answer: (u16, &str),
        by: By,
    ) {
        let before = self.rows().await;
        self.beside_taking(change, lock, take, answer, by).await;
        assert_eq!(self.rows().await, before, "{} {} stored something", change.0, change.1);
    }

    async fn beside_taking(
        &self,
        change: &(Method, String, Json),
        lock: &str,
        take: &str,
        answer: (u16, &str),
        by: By,
    ) {
        let (method, path, body) = change;
        let rival = Rival::begin(&self.fixture).await;
        rival.sql.batch_execute(lock).await.unwrap();
        let request = self.fixture.request(method.clone(), path);
        let request = match by {
            By::User => request.bearer_auth(&self.token),
            By::Operator => request.bearer_auth(&self.token).header("x-tenant-id", demo::TENANT.to_string()),
            By::Key => request.header("x-tenant-api-key", &self.secret),
        };
        let request = if body.is_null() { request } else { request.json(body) };
        let taken_away = async {
            rival.blocks(&self.fixture, 1).await;
            rival.sql.batch_execute(take).await.unwrap();
            rival.commit().await;
        };
        let answered = tokio::select! {
            biased;
            (answered, ()) = async { tokio::join!(Answer::of(request), taken_away) } => answered,
            () = tokio::time::sleep(Duration::from_secs(10)) => panic!("{method} {path} waits for nobody"),
        };
        answered.refused(answer.0, answer.1);
    }
}

/// Before, whoever had the token of a session that was ended made keys and owners with it, if the
/// call was under way.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_signed_out_meanwhile_changes_nothing() {
    let owner = Owner::start().await;
    let of = format!("user_id = '{}'", owner.id);
    let lock = format!("select id from identity.sessions where {of} for update");
    let end = format!(
        "update identity.sessions set ended_at = now(), ended_because = 'password_changed' where {of}"
    );
    let again = format!("update identity.sessions set ended_at = null, ended_because = null where {of}");
    for change in owner.changes().await {
        owner.beside(&change, &lock, &end, (401, "SESSION_ENDED"), By::User).await;
        owner.fixture.sql.batch_execute(&again).await.unwrap();
    }
}

/// Before, a change went by the scopes that the role had when it was begun, and a member who was
/// disabled made it.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_disabled_or_whose_role_loses_scopes_meanwhile_changes_nothing() {
    let owner = Owner::start().await;
    let user = format!("identity.users where id = '{}'", owner.id);
    let (lock, disable) = (
        format!("select id from {user} for update"),
        format!("update identity.users set disabled_at = now() where id = '{}'", owner.id),
    );
    let enable = format!("update identity.users set disabled_at = null where id = '{}'", owner.id);
    let changes = owner.changes().await;
    for change in &changes {
        owner.beside(change, &lock, &disable, (401, "SESSION_ENDED"), By::User).await;
        owner.fixture.sql.batch_execute(&enable).await.unwrap();
    }
    // The rows that are compared are those without the user's id.
    let role = format!("of-{}", owner.id);
    let all = "update identity.roles set scopes = $2 where tenant_id = $1 and name = $3";
    let scopes: Vec<String> = identity::TENANT_SCOPES.map(str::to_owned).into();
    let make = "insert into identity.roles (tenant_id, name, scopes, created_at) values ($1, $3, $2, now())";
    owner.fixture.execute(make, &[&demo::TENANT, &scopes, &role]).await;
    let join = "update identity.memberships set role = $1 where user_id = $2";
    owner.fixture.execute(join, &[&role, &owner.id]).await;
    let lock = format!("select name from identity.roles where name = '{role}' for update");
    let less = format!("update identity.roles set scopes = '{{bookings:view}}' where name = '{role}'");
    for change in &changes {
        owner.beside(change, &lock, &less, (403, "SCOPE_MISSING"), By::User).await;
        owner.fixture.execute(all, &[&demo::TENANT, &scopes, &role]).await;
    }
}

#[derive(Clone, Copy)]
enum By {
    User,
    Operator,
    Key,
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_removed_or_may_do_less_meanwhile_changes_nothing() {
    let owner = Owner::start().await;
    let of = format!("from identity.memberships where user_id = '{}'", owner.id);
    let lock = format!("select user_id {of} for update");
    let less = format!("update identity.memberships set role = 'viewer' where user_id = '{}'", owner.id);
    for change in owner.changes().await {
        let removed = (403, "TENANT_ACCESS_DENIED");
        owner.beside(&change, &lock, &format!("delete {of}"), removed, By::User).await;
        owner.is_owner().await;
        // What was heard lets the owner in again.
        owner.beside(&change, &lock, &less, (403, "SCOPE_MISSING"), By::User).await;
        owner.is_owner().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_an_operator_no_more_changes_nothing_and_neither_does_a_key_that_is_revoked() {
    let owner = Owner::start().await;
    let changes = owner.changes().await;
    let leave = format!("delete from identity.memberships where user_id = '{}'", owner.id);
    owner.fixture.sql.batch_execute(&leave).await.unwrap();
    let of = format!("identity.users where id = '{}'", owner.id);
    let user = format!("where id = '{}'", owner.id);
    for change in &changes {
        let made = format!("update identity.users set platform_scopes = '{{platform:operate}}' {user}");
        owner.fixture.sql.batch_execute(&made).await.unwrap();
        let lock = format!("select id from {of} for update");
        let take = format!("update identity.users set platform_scopes = '{{}}' {user}");
        owner.beside(change, &lock, &take, (403, "SCOPE_MISSING"), By::Operator).await;
    }
    // Before, an operator who is a member as well was refused what the role allows.
    owner.is_owner().await;
    let operator = format!("update identity.users set platform_scopes = '{{platform:operate}}' {user}");
    owner.fixture.sql.batch_execute(&operator).await.unwrap();
    let rival = Rival::begin(&owner.fixture).await;
    rival.lock("identity.users", owner.id).await;
    let new = json!({"name": "by the role"});
    let key = owner.fixture.request(Method::POST, &tenant_path("/api-keys")).bearer_auth(&owner.token);
    let key = key.header("x-tenant-id", demo::TENANT.to_string()).json(&new);
    let (made, ()) = tokio::join!(Answer::of(key), async {
        rival.blocks(&owner.fixture, 1).await;
        let take = format!("update identity.users set platform_scopes = '{{}}' {user}");
        rival.sql.batch_execute(&take).await.unwrap();
        rival.commit().await;
    });
    made.ok();
    owner.fixture.sql.batch_execute(&leave).await.unwrap();
    let key = format!("identity.tenant_api_keys where id = '{}'", owner.key);
    // What takes two factors is for users.
    for change in changes.iter().filter(|(_, path, _)| !path.ends_with("/second-factor")) {
        let lock = format!("select id from {key} for update");
        let take =
            format!("update identity.tenant_api_keys set revoked_at = now() where id = '{}'", owner.key);
        // As it is found by whoever looks.
        let before = owner.rows().await;
        owner.beside_taking(change, &lock, &take, (401, "API_KEY_INVALID"), By::Key).await;
        let again =
            format!("update identity.tenant_api_keys set revoked_at = null where id = '{}'", owner.key);
        owner.fixture.sql.batch_execute(&again).await.unwrap();
        assert_eq!(owner.rows().await, before);
    }
}
