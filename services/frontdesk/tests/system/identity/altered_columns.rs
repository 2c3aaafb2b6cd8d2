//! Columns of identity that somebody else altered under a running service: what is
//! refused has stored nothing, and the refusal names what is altered. For booking see
//! `whole/altered_columns.rs`.

mod changes;

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use frontdesk::demo;
use frontdesk_proto::{MethodContract, descriptors};
use identity::Policy;
use prost_reflect::MethodDescriptor;
use reqwest::Method;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::client_tokens::{Client, client};
use crate::alterations::{Altered, alterations};
use crate::authenticator::{App, Protected};
use crate::fixture::{Answer, Fixture};
use crate::mailbox::Mailbox;
use crate::security_key::{self, SecurityKey};

/// How Postgres says that a column has a type with which a statement cannot go on; which
/// one it is, readiness says.
const OPERATOR: &str = "operator does not exist";
/// The same, where it is one value or another.
const MATCHED: &str = "cannot be matched";

/// Refusals of what is over: a time that became its day is hours before.
const OVER: [&str; 2] = ["LINK_INVALID", "FACTOR_NOT_FOUND"];

const TABLES: [&str; 14] = [
    "tenants",
    "users",
    "memberships",
    "roles",
    "tenant_api_keys",
    "sessions",
    "factors",
    "passkeys",
    "recovery_codes",
    "login_failures",
    "known_pairs",
    "one_time_tokens",
    "invitations",
    "audit_events",
];

/// What the rounds before left: a tenant has so many of some, and what is stored is read
/// before and after each change.
const EMPTIED: &str = "delete from identity.login_failures; delete from identity.audit_events; \
    update identity.tenants set deleted_at = null, purge_at = null where purge_at is not null; \
    delete from identity.invitations; delete from identity.tenant_api_keys where name <> 'demo'; \
    delete from identity.memberships m using identity.users u where u.id = m.user_id and u.email like '%@x.example'; \
    delete from identity.sessions; \
    delete from identity.users where email like '%@x.example'; \
    delete from identity.roles r where not exists (select from identity.memberships m where m.custom_role = r.name); \
    update identity.tenants set deleted_at = now(), purge_at = now(), purge_began_at = now() where slug like 'new-%'; \
    delete from identity.tenants where purge_began_at is not null";

/// Other types that a column may get.
fn others(ty: &str) -> &'static [&'static str] {
    match ty {
        "uuid" | "bytea" | "text[]" => &["text"],
        "timestamp with time zone" => &["timestamp", "date"],
        "integer" => &["bigint", "text"],
        "bigint" => &["integer", "numeric"],
        "text" => &["varchar(4000)", "bytea"],
        _ => &[],
    }
}

/// A change: its method in the descriptor, and the call with its token, if it has one.
type Change = (&'static str, Method, String, String, Json);

/// What the changes of one round are about.
struct Round {
    number: i32,
    users: [Uuid; 8],
    keys: [Uuid; 2],
    /// To be revoked, declined, accepted by somebody new and by the last user but one, and sent.
    invitations: [Uuid; 5],
    owner: String,
    operator: String,
    /// Of the last user but one.
    login: Json,
    /// Another session of that user.
    session: Uuid,
    /// The user who has a second factor, and another one that is not verified yet.
    protected: Protected,
    unverified: App,
    /// A factor of a user who has a passkey, to be made, and the user's token.
    passkey: (String, String),
    /// What one more passkey gave when it was made for that factor, and one when it was used.
    made: Json,
    used: Json,
    /// What a client asks for a token with.
    client: Json,
}

impl Round {
    async fn new(fixture: &Fixture, number: i32, hash: &str) -> Self {
        let users = [(); 8].map(|()| Uuid::now_v7());
        let keys = [(); 2].map(|()| Uuid::now_v7());
        fixture.sql.batch_execute(EMPTIED).await.unwrap();
        for (at, user) in users.iter().enumerate() {
            // The password of a person is nobody else's to set.
            let kind = if at == 0 { "service" } else { "person" };
            let insert = "insert into identity.users (id, email, display_name, kind, password_hash, created_at) \
                values ($1, $2, '', $3, $4, now())";
            fixture.execute(insert, &[user, &email(number, at), &kind, &hash]).await;
        }
        let members = [(2, "viewer"), (3, "viewer"), (5, "viewer"), (6, "owner")];
        for (user, role) in members.map(|(at, role)| (&users[at], role)) {
            let insert = "insert into identity.memberships (tenant_id, user_id, role, created_at) \
                values ($1, $2, $3, now())";
            fixture.execute(insert, &[&demo::TENANT, user, &role]).await;
        }
        let insert = "insert into identity.tenant_api_keys (tenant_id, id, name, secret_hash, created_at) \
            select $1, id, 'Key ' || id, decode(repeat('ab', 32), 'hex'), now() from unnest($2::uuid[]) id";
        fixture.execute(insert, &[&demo::TENANT, &keys.to_vec()]).await;
        let invitations = links(fixture, number, [users[1], users[2]]).await;
        let roles = ["changed", "deleted"].map(|name| format!("{name}-{number}")).to_vec();
        let insert = "insert into identity.roles (tenant_id, name, scopes, created_at) \
            select $1, name, '{bookings:view}', now() from unnest($2::text[]) name";
        fixture.execute(insert, &[&demo::TENANT, &roles]).await;
        fixture.login(&email(number, 5)).await;
        let session = "select id from identity.sessions where user_id = $1";
        let session = fixture.sql.query_one(session, &[&users[5]]).await.unwrap().get(0);
        let login = fixture.login(&email(number, 5)).await;
        // That a token was seen in use is kept with its session, also of a refused call.
        fixture.get("/v1/me", login["access"].as_str().unwrap()).await.ok();
        // Some of the changes take a proof of the last minutes.
        let (owner, operator) = (fixture.token(demo::OWNER).await, fixture.token(demo::OPERATOR).await);
        let protected = fixture.protect(&email(number, 6)).await;
        let unverified = fixture.enrol(protected.token(), "tablet").await;
        for token in [&owner, &operator] {
            fixture.get("/v1/me", token).await.ok();
        }
        let (passkey, made, used) = passkeys(fixture, &email(number, 4)).await;
        // One client gets no token in each round.
        let Client { id, secret } = client(fixture, &["bookings:view"], &[]).await;
        let client = json!({"grant_type": "client_credentials", "client_id": id, "client_secret": secret});
        Self {
            number,
            users,
            keys,
            invitations,
            owner,
            operator,
            login,
            session,
            protected,
            unverified,
            passkey,
            made,
            used,
            client,
        }
    }
}

fn email(number: i32, at: usize) -> String {
    format!("user-{number}-{at}@x.example")
}

/// What a user who has a passkey sends to make another one, and to sign in with it.
async fn passkeys(fixture: &Fixture, email: &str) -> ((String, String), Json, Json) {
    let (mut key, mut another) = (SecurityKey::new(), SecurityKey::new());
    let (_, proved) = fixture.make_passkey(&fixture.token(email).await, "", &mut key).await;
    let token = proved["access"].as_str().unwrap().to_owned();
    let factor = fixture.enrol_passkey(&token, "another").await;
    let made = another.make(&fixture.challenge(&token, &factor).await);
    let used = key.answer(&fixture.passkey_challenge().await);
    ((factor, token), made, used)
}

/// The links that a round uses; returns the ids of its invitations.
async fn links(fixture: &Fixture, number: i32, [user, other]: [Uuid; 2]) -> [Uuid; 5] {
    let token = "insert into identity.one_time_tokens (secret_hash, purpose, user_id, email, created_at, expires_at) \
        values (sha256($1), 'recover', $2, $3, now(), now() + interval '1 hour')";
    fixture.execute(token, &[&secret(number), &user, &email(number, 1)]).await;
    fixture.execute(token, &[&secret(number + 600_000), &other, &email(number, 2)]).await;
    let token = "insert into identity.one_time_tokens (secret_hash, purpose, user_id, email, created_at, expires_at) \
        values (sha256($1), 'change_email', $2, $3, now(), now() + interval '1 hour')";
    let new = format!("changed-{number}@x.example");
    // Not of the one whose password is set: that ends it.
    fixture.execute(token, &[&secret(number + 500_000), &other, &new]).await;
    let invitations = [(); 5].map(|()| Uuid::now_v7());
    for (at, id) in (0..).zip(&invitations) {
        let insert = "insert into identity.invitations (tenant_id, id, email, role, secret_hash, proves_address, created_at, expires_at) \
            values ($1, $2, $3, 'viewer', sha256($4), true, now(), now() + interval '1 day')";
        let new = || format!("invited-{number}-{at}@x.example");
        // Whoever leaves a tenant comes to another one.
        let (tenant, to) =
            if at == 3 { (demo::OTHER_TENANT, email(number, 5)) } else { (demo::TENANT, new()) };
        let secret = secret(number + 100_000 * at);
        fixture.execute(insert, &[&tenant, id, &to, &secret]).await;
    }
    invitations
}

/// What the link of a round holds, 32 bytes.
fn secret(number: i32) -> Vec<u8> {
    format!("{number:0>32}").into_bytes()
}

fn link(number: i32) -> String {
    URL_SAFE_NO_PAD.encode(secret(number))
}

async fn send(fixture: &Fixture, (_, method, path, token, body): &Change) -> Answer {
    let (path, as_operator) = path.split_once('?').map_or((path.as_str(), false), |(path, _)| (path, true));
    let mut request = fixture.request(method.clone(), path);
    if as_operator {
        request = request.header("x-tenant-id", demo::TENANT.to_string());
    }
    if !token.is_empty() {
        request = request.bearer_auth(token);
    }
    Answer::of(if body.is_null() { request } else { request.json(body) }).await
}

/// Everything that is stored, in short, but for what is remembered of attempts to sign
/// in, and of operators who call in a tenant: that a password was right or wrong, or that
/// somebody came, is so, whatever becomes of the call.
fn stored() -> String {
    let tables = TABLES.iter().filter(|table| !["login_failures", "known_pairs"].contains(table));
    let rows: Vec<String> = tables
        .map(|table| format!("select t::text as row_text from identity.{table} t"))
        .map(|rows| rows.replace("audit_events t", "audit_events t where t::text !~ 'operator_access'"))
        .collect();
    format!(
        "select concat_ws(' ', count(*), sum(hashtextextended(row_text, 0))) from ({}) r",
        rows.join(" union all ")
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn no_change_stores_what_it_refuses_for_an_altered_column() {
    let mailbox = Mailbox::open().await;
    let policy = Policy { mail: Some(mailbox.policy()), ..security_key::policy() };
    let fixture = Fixture::start_with(policy).await;
    let hash = "select password_hash from identity.users where email = $1";
    let hash: String = fixture.sql.query_one(hash, &[&demo::OWNER]).await.unwrap().get(0);
    let changes = async |number| Round::new(&fixture, number, &hash).await.changes();
    let names: BTreeSet<&str> = changes(901).await.iter().map(|(name, ..)| *name).collect();
    let identity = descriptors().services().filter(|one| one.full_name().starts_with("frontdesk.identity."));
    let all: Vec<_> = identity.flat_map(|service| service.methods().collect::<Vec<_>>()).collect();
    let changing = all.iter().filter(|method| MethodContract::of(method).changes);
    assert_eq!(names, changing.map(MethodDescriptor::name).collect(), "every change is tried");
    let alterations = alterations(&fixture, "identity", &TABLES, "true", others).await;
    let send = async |change: &Change| send(&fixture, change).await;
    let altered = Altered { fixture: &fixture, also_named: &[OPERATOR, MATCHED], over: &OVER };
    let stored = fixture.sql.prepare(&stored()).await.unwrap();
    let stored = async || fixture.sql.query_one(&stored, &[]).await.unwrap().get::<_, String>(0);
    let tried = altered.walk(alterations, changes, send, stored).await;
    assert!(tried.alterations > 60 && tried.refusals > 200, "{tried:?}");
}
