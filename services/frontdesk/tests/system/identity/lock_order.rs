//! Calls that lock the same rows: whoever comes second waits, and nobody is a deadlock's victim.

use frontdesk::demo;
use identity::Policy;
use reqwest::Method;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::booking::help::rival::Rival;
use crate::fixture::{Answer, Fixture, tenant_path};
use crate::mailbox::Mailbox;

async fn start() -> (Fixture, Mailbox) {
    let mailbox = Mailbox::open().await;
    let policy = Policy { mail: Some(mailbox.policy()), ..Policy::default() };
    (Fixture::start_with(policy).await, mailbox)
}

/// Lets two calls wait for a rival, one after the other, and returns how they end after it.
async fn behind(
    fixture: &Fixture,
    rival: &Rival,
    first: impl Future<Output = Answer>,
    second: impl Future<Output = Answer>,
) -> (Answer, Answer) {
    let (first, second, ()) = tokio::join!(
        first,
        async {
            rival.blocks(fixture, 1).await;
            second.await
        },
        async {
            rival.blocks(fixture, 2).await;
            rival.roll_back().await;
        }
    );
    let deadlocks = "select deadlocks from pg_stat_database where datname = current_database()";
    assert_eq!(fixture.count(deadlocks, &[]).await, 0, "{first:?} {second:?}");
    (first, second)
}

/// Before, the one had the memberships and waited for the users, and the other had the users.
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_removes_a_member_while_an_owner_is_disabled() {
    let fixture = Fixture::start().await;
    let (operator, owner) = (fixture.token(demo::OPERATOR).await, fixture.user_id(demo::OWNER).await);
    let owner: Uuid = owner.parse().unwrap();
    let member = tenant_path(&format!("/members/{}", fixture.user_id(demo::VIEWER).await));
    let remove = fixture.request(Method::DELETE, &member).bearer_auth(&operator);
    let remove = remove.header("x-tenant-id", demo::TENANT.to_string());
    let (disable, even_so) = (format!("/v1/users/{owner}/disable"), json!({"even_if_last_owner": true}));
    let rival = Rival::begin(&fixture).await;
    let lock = "select user_id from identity.memberships where user_id = $1 for update";
    rival.sql.query(lock, &[&owner]).await.unwrap();
    let disable = fixture.post(&disable, &operator, &even_so);
    let (removed, disabled) = behind(&fixture, &rival, Answer::of(remove), disable).await;
    removed.ok();
    disabled.ok();
}

/// Before, both shared the row of their caller, and each waited for the other to lock it.
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_makes_two_tenants_of_its_own_at_once() {
    let fixture = Fixture::start().await;
    let (operator, id) = (fixture.token(demo::OPERATOR).await, fixture.user_id(demo::OPERATOR).await);
    let rival = Rival::begin(&fixture).await;
    let taken = "insert into identity.tenants (id, slug, name, created_at) \
        values (gen_random_uuid(), 'one', 'One', now()), (gen_random_uuid(), 'two', 'Two', now())";
    rival.sql.batch_execute(taken).await.unwrap();
    let new = |slug: &str| json!({"slug": slug, "name": "T", "owner_user_id": id});
    let (one, two) = (new("one"), new("two"));
    let make = async |new: &Json| fixture.post("/v1/tenants", &operator, new).await;
    let (one, two) = behind(&fixture, &rival, make(&one), make(&two)).await;
    one.ok();
    two.ok();
}

/// Before, the one had the session and waited for its user, and the other had the user.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_set_in_a_session_of_a_link_that_is_being_ended() {
    let (fixture, mailbox) = start().await;
    let other = fixture.manager().await;
    let user: Uuid = fixture.user_id(demo::MANAGER).await.parse().unwrap();
    let ask = fixture.request(Method::POST, "/v1/auth/recovery").json(&json!({"email": demo::MANAGER}));
    Answer::of(ask).await.ok();
    let link = mailbox.letter(demo::MANAGER, 1).await.token("recover-password");
    let by_link = fixture.request(Method::POST, "/v1/auth/recovery/session").json(&json!({"token": link}));
    let session = Answer::of(by_link).await.ok()["access"].as_str().unwrap().to_owned();
    let (everywhere, new) = (json!({"scope": "global"}), json!({"new_password": "a new password"}));
    let rival = Rival::begin(&fixture).await;
    rival.lock("identity.users", user).await;
    let logout = fixture.post("/v1/auth/logout", &other, &everywhere);
    let set = fixture.post("/v1/auth/password", &session, &new);
    let (logout, set) = behind(&fixture, &rival, logout, set).await;
    logout.ok();
    set.refused(403, "PASSWORD_WRONG");
}

/// Before, the one had the link and waited for its user, and the other had the user.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_confirmed_by_a_link_that_is_being_ended() {
    let (fixture, mailbox) = start().await;
    let manager = fixture.manager().await;
    let user: Uuid = fixture.user_id(demo::MANAGER).await.parse().unwrap();
    fixture.post("/v1/me/email", &manager, &json!({"email": "mona@new.example"})).await.ok();
    let token = mailbox.letter("mona@new.example", 1).await.token("confirm-email");
    let everywhere = json!({"scope": "global"});
    let rival = Rival::begin(&fixture).await;
    rival.lock("identity.users", user).await;
    let logout = fixture.post("/v1/auth/logout", &manager, &everywhere);
    let confirm = fixture.request(Method::POST, "/v1/auth/email/confirm").json(&json!({"token": token}));
    let (logout, confirmed) = behind(&fixture, &rival, logout, Answer::of(confirm)).await;
    logout.ok();
    confirmed.refused(404, "LINK_INVALID");
}

/// Makes a role of the tenant's own and gives it to the manager and the viewer; their tokens.
async fn two_of_one_role(fixture: &Fixture) -> [String; 2] {
    let role = "insert into identity.roles (tenant_id, name, scopes, created_at) \
        values ($1, 'boss', '{api_keys:manage,bookings:view,members:manage,tenant:manage}', now())";
    fixture.execute(role, &[&demo::TENANT]).await;
    let have = "update identity.memberships m set role = 'boss' from identity.users u \
        where u.id = m.user_id and u.email = any ($1) and m.tenant_id = $2";
    let both = [demo::MANAGER, demo::VIEWER];
    fixture.execute(have, &[&&both[..], &demo::TENANT]).await;
    let [manager, viewer] = both;
    [fixture.token(manager).await, fixture.token(viewer).await]
}

/// Before, the one had the role of both and waited for the other's membership.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_is_removed_by_one_of_the_same_role_while_making_a_key() {
    let fixture = Fixture::start().await;
    let [manager, viewer] = two_of_one_role(&fixture).await;
    let id: Uuid = fixture.user_id(demo::VIEWER).await.parse().unwrap();
    let rival = Rival::begin(&fixture).await;
    let lock = "select user_id from identity.memberships where user_id = $1 for update";
    rival.sql.query(lock, &[&id]).await.unwrap();
    let (keys, new) = (tenant_path("/api-keys"), json!({"name": "k", "scopes": ["bookings:view"]}));
    let key = fixture.post(&keys, &viewer, &new);
    let member = tenant_path(&format!("/members/{id}"));
    let (made, removed) = behind(&fixture, &rival, key, fixture.delete(&member, &manager)).await;
    made.ok();
    removed.ok();
}

/// Before, the one had the invitation and waited for the role, and the other had the role.
#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_accepted_while_its_role_and_its_makers_grants_less() {
    let fixture = Fixture::start().await;
    let [manager, _viewer] = two_of_one_role(&fixture).await;
    let other = fixture.token(demo::OTHER_OWNER).await;
    let new = json!({"email": demo::OTHER_OWNER, "role": "boss", "return_token": true});
    let invited = fixture.post(&tenant_path("/invitations"), &manager, &new).await;
    let accept = json!({"token": invited.ok()["token"]});
    let rival = Rival::begin(&fixture).await;
    rival.sql.query("select name from identity.roles where name = 'boss' for update", &[]).await.unwrap();
    let less = json!({"scopes": ["bookings:view", "members:manage", "tenant:manage"]});
    let accept = fixture.post("/v1/invitations/accept", &other, &accept);
    let owner = fixture.token(demo::OWNER).await;
    let role = tenant_path("/roles/boss");
    let (accepted, changed) = behind(&fixture, &rival, accept, fixture.patch(&role, &owner, &less)).await;
    accepted.ok();
    changed.ok();
}

/// Before, the one had its caller and waited for the operator that it names, and the other had
/// that one.
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_makes_another_one_an_owner_while_somebody_is_disabled() {
    let fixture = Fixture::start().await;
    let operator = fixture.token(demo::OPERATOR).await;
    // Whose id comes before.
    let first = Uuid::from_u128(1);
    let insert = "insert into identity.users (id, email, display_name, kind, created_at, platform_scopes) \
        values ($1, 'first@x.example', '', 'person', now(), '{platform:operate}')";
    fixture.execute(insert, &[&first]).await;
    let viewer = format!("/v1/users/{}/disable", fixture.user_id(demo::VIEWER).await);
    let new = json!({"slug": "theirs", "name": "T", "owner_user_id": first});
    let rival = Rival::begin(&fixture).await;
    let taken = "insert into identity.tenants (id, slug, name, created_at) \
        values (gen_random_uuid(), 'theirs', 'T', now())";
    rival.sql.batch_execute(taken).await.unwrap();
    let (tenant, all) = (fixture.post("/v1/tenants", &operator, &new), json!({}));
    let disable = fixture.post(&viewer, &operator, &all);
    let (made, disabled) = behind(&fixture, &rival, tenant, disable).await;
    made.ok();
    disabled.ok();
}
