//! What was revoked is over everywhere, soon after it was acknowledged; and no change that
//! revokes something goes without a mark.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use frontdesk::demo;
use frontdesk_proto::identity::v1::revocation_service_client::RevocationServiceClient;
use frontdesk_proto::identity::v1::{WatchRequest, WatchResponse};
use identity::Policy;
use reqwest::Method;
use serde_json::{Value as Json, json};
use tokio::time::timeout;
use tonic::Streaming;

use crate::fixture::{Answer, Fixture, MASTER_KEY, channel, system, tenant_path};

/// Without being told, booking would ask identity after five seconds. How much sooner it
/// is, the bench says.
const SOON: Duration = Duration::from_secs(1);

/// Where a caller lists properties, of two replicas of everything.
struct Replicas<'a> {
    fixture: &'a Fixture,
    gateways: [std::net::SocketAddr; 2],
}

impl Replicas<'_> {
    async fn properties(&self, replica: usize, token: &str, key: Option<&str>) -> Answer {
        let url = format!("http://{}/v1/properties", self.gateways[replica]);
        let request = self.fixture.http.get(url).bearer_auth(token);
        Answer::of(match key {
            Some(key) => request.header("x-tenant-api-key", key),
            None => request,
        })
        .await
    }

    /// Both let the caller in, soon after now: what was given is told as well.
    async fn let_in(&self, token: &str, key: Option<&str>) {
        let given = Instant::now();
        for replica in [0, 1] {
            loop {
                let answer = self.properties(replica, token, key).await;
                if answer.status == 200 {
                    break;
                }
                assert!(given.elapsed() < SOON, "not let in: {}", answer.body);
            }
        }
    }

    /// Both refuse the caller soon after now.
    #[track_caller]
    fn refused<'a>(
        &'a self,
        token: &'a str,
        key: Option<&'a str>,
        code: &'static str,
    ) -> impl Future<Output = ()> + 'a {
        let at = std::panic::Location::caller();
        async move {
            let revoked = Instant::now();
            for replica in [0, 1] {
                loop {
                    let answer = self.properties(replica, token, key).await;
                    if answer.status != 200 {
                        assert_eq!(answer.body["code"], code, "{at}: {}", answer.body);
                        break;
                    }
                    assert!(revoked.elapsed() < SOON, "{at}: still let in");
                }
            }
        }
    }
}

/// The session of a token.
fn session_of(token: &str) -> String {
    let payload = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: Json = serde_json::from_slice(&payload).unwrap();
    claims["session_id"].as_str().unwrap().to_owned()
}

async fn watch(fixture: &Fixture, after: Option<(i64, &str)>) -> Streaming<WatchResponse> {
    let mut client = RevocationServiceClient::new(channel(fixture.system.identity));
    let (after, epoch) = after.map_or((None, ""), |(position, epoch)| (Some(position), epoch));
    let request = WatchRequest { after, epoch: epoch.to_owned() };
    client.watch(request).await.unwrap().into_inner()
}

async fn next(stream: &mut Streaming<WatchResponse>) -> WatchResponse {
    timeout(Duration::from_secs(5), stream.message()).await.unwrap().unwrap().unwrap()
}

/// The next item that says something.
async fn next_marks(stream: &mut Streaming<WatchResponse>) -> WatchResponse {
    loop {
        let item = next(stream).await;
        if item.anew || !item.marks.is_empty() || !item.revoked_keys.is_empty() {
            return item;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_revoked_is_refused_everywhere_soon_after() {
    let fixture = Fixture::start().await;
    let other = system(&fixture.database.url, Policy::default()).await;
    let both = Replicas { fixture: &fixture, gateways: [fixture.system.gateway, other.gateway] };
    let (owner, operator) = (fixture.token(demo::OWNER).await, fixture.token(demo::OPERATOR).await);
    let manager_id = fixture.user_id(demo::MANAGER).await;
    let member = tenant_path(&format!("/members/{manager_id}"));

    // A session, by its own user from another one.
    let (lost, own) = (fixture.login(demo::MANAGER).await, fixture.manager().await);
    let lost = lost["access"].as_str().unwrap();
    both.let_in(lost, None).await;
    both.let_in(&own, None).await;
    fixture.post("/v1/auth/logout", &own, &json!({"scope": "others"})).await.ok();
    both.refused(lost, None, "SESSION_ENDED").await;
    both.let_in(&own, None).await;

    // A role of the tenant's own loses its scope, and a member gets another one.
    let roles = tenant_path("/roles");
    let role = json!({"name": "clerk", "scopes": ["properties:view"]});
    fixture.post(&roles, &owner, &role).await.ok();
    fixture.patch(&member, &owner, &json!({"role": "clerk"})).await.ok();
    both.let_in(&own, None).await;
    fixture.patch(&format!("{roles}/clerk"), &owner, &json!({"scopes": ["bookings:view"]})).await.ok();
    both.refused(&own, None, "SCOPE_MISSING").await;
    fixture.patch(&member, &owner, &json!({"role": "manager"})).await.ok();
    both.let_in(&own, None).await;

    // An API key.
    let key = fixture.post(&tenant_path("/api-keys"), &owner, &json!({"name": "k"})).await.ok().clone();
    let (id, secret) = (key["api_key"]["id"].as_str().unwrap(), key["secret"].as_str().unwrap());
    both.let_in(&own, Some(secret)).await;
    fixture.delete(&tenant_path(&format!("/api-keys/{id}")), &owner).await.ok();
    both.refused(&own, Some(secret), "API_KEY_INVALID").await;

    // A membership.
    both.let_in(&own, None).await;
    fixture.delete(&member, &owner).await.ok();
    both.refused(&own, None, "TENANT_REQUIRED").await;
    super::members::add(&fixture, demo::MANAGER, "manager").await.ok();

    // A user, by somebody at the database's prompt.
    both.let_in(&own, None).await;
    fixture
        .execute("update identity.users set disabled_at = now() where email = $1", &[&demo::MANAGER])
        .await;
    both.refused(&own, None, "SESSION_ENDED").await;
    fixture.post(&format!("/v1/users/{manager_id}/enable"), &operator, &json!({})).await.ok();
    other.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_signing_key_is_trusted_nowhere_and_sessions_go_on_with_the_next() {
    let fixture = Fixture::start().await;
    let other = system(&fixture.database.url, Policy::default()).await;
    let both = Replicas { fixture: &fixture, gateways: [fixture.system.gateway, other.gateway] };
    let login = fixture.login(demo::MANAGER).await;
    let token = login["access"].as_str().unwrap();
    both.let_in(token, None).await;
    let kid = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    let command = async |args: &[&str]| {
        let ran = tokio::process::Command::new(env!("CARGO_BIN_EXE_frontdesk"))
            .args(args)
            .env("DATABASE_URL", &fixture.database.url)
            .env("FRONTDESK_MASTER_KEY", MASTER_KEY.repeat(32))
            .output();
        ran.await.unwrap()
    };
    // One that was only rotated away goes on to be believed, and the command says so.
    let rotated = command(&["keys", "rotate", "--now"]).await;
    assert!(String::from_utf8_lossy(&rotated.stderr).contains("keys revoke"), "{rotated:?}");
    both.let_in(token, None).await;
    let active = "select count(*) from identity.signing_keys where state = 'active' and kid <> $1";
    assert_eq!(fixture.count(active, &[&kid]).await, 1);
    let revoked = command(&["keys", "revoke", &kid]).await;
    assert!(revoked.status.success(), "{revoked:?}");
    both.refused(token, None, "TOKEN_INVALID").await;
    fixture.get("/v1/me", token).await.refused(401, "TOKEN_INVALID");
    let jwks = Answer::of(fixture.request(Method::GET, "/.well-known/jwks.json")).await;
    assert!(!jwks.body.to_string().contains(&kid), "{}", jwks.body);

    // And the one that signs.
    let refreshed = fixture.refresh(&login["refresh"]).await;
    let token = refreshed.ok()["access"].as_str().unwrap();
    both.let_in(token, None).await;
    let kid = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    let revoked = command(&["keys", "revoke", &kid, "--json"]).await;
    let said: Json = serde_json::from_slice(&revoked.stdout).unwrap_or_else(|_| panic!("{revoked:?}"));
    both.refused(token, None, "TOKEN_INVALID").await;
    let next = fixture.refresh(&refreshed.body["refresh"]).await.ok()["access"].as_str().unwrap().to_owned();
    assert_eq!(jsonwebtoken::decode_header(&next).unwrap().kid.as_deref(), said["signs"].as_str());
    both.let_in(&next, None).await;
    let audited =
        "select count(*) from identity.audit_events where action = 'signing_key_revoked' and subject = $1";
    assert_eq!(fixture.count(audited, &[&kid]).await, 1);
    let again = command(&["keys", "revoke", &kid]).await;
    assert!(
        !again.status.success() && String::from_utf8_lossy(&again.stderr).contains("keys list"),
        "{again:?}"
    );
    other.stop().await.unwrap();
}

/// A call that takes something away, and what it marks.
type Revokes<'a> = (&'static str, Method, String, &'a str, Json);

/// Such calls in a tenant and of sessions, of the manager's mostly.
fn of_members<'a>(
    manager: &str,
    key: &str,
    session: &str,
    [owner, operator, own]: [&'a str; 3],
) -> [Revokes<'a>; 13] {
    let member = tenant_path(&format!("/members/{manager}"));
    let (user, clerk) = (format!("/v1/users/{manager}"), tenant_path("/roles/clerk"));
    let password = json!({"current_password": demo::PASSWORD, "new_password": "another password"});
    let clerks = json!({"email": demo::MANAGER, "role": "clerk"});
    let third = json!({"password": "a third password"});
    [
        ("session", Method::DELETE, format!("/v1/auth/sessions/{session}"), own, Json::Null),
        ("session", Method::POST, "/v1/auth/logout".to_owned(), own, json!({"scope": "others"})),
        ("user", Method::PATCH, member.clone(), owner, json!({"role": "agent"})),
        ("user", Method::DELETE, member.clone(), owner, Json::Null),
        ("user", Method::POST, tenant_path("/members"), operator, clerks),
        ("role", Method::PATCH, clerk.clone(), owner, json!({"scopes": ["bookings:view"]})),
        ("user", Method::PATCH, member, owner, json!({"role": "agent"})),
        ("role", Method::DELETE, clerk, owner, Json::Null),
        ("api_key", Method::POST, format!("{key}/rotate"), owner, json!({"overlap_seconds": 0})),
        ("api_key", Method::DELETE, key.to_owned(), owner, Json::Null),
        ("session", Method::POST, format!("{user}/password"), operator, third),
        ("user", Method::POST, format!("{user}/disable"), operator, json!({})),
        ("session", Method::POST, "/v1/auth/password".to_owned(), owner, password),
    ]
}

/// Those of the viewer as a user, and of the tenant as a whole.
fn of_users_and_tenants<'a>(viewer: &str, [other_owner, operator, own]: [&'a str; 3]) -> [Revokes<'a>; 7] {
    let user = format!("/v1/users/{viewer}");
    let scopes = json!({"platform_scopes": ["platform:users"]});
    let policy = format!("/v1/tenants/{}/second-factor", demo::OTHER_TENANT);
    [
        ("user", Method::POST, tenant_path("/leave"), own, json!({})),
        ("session", Method::POST, format!("{user}/factors/reset"), operator, json!({})),
        ("user", Method::PUT, format!("{user}/platform-scopes"), operator, scopes),
        ("user", Method::DELETE, user, operator, Json::Null),
        ("tenant", Method::PUT, policy, other_owner, json!({"policy": "owners"})),
        ("tenant", Method::POST, tenant_path("/suspend"), operator, json!({})),
        ("tenant", Method::POST, tenant_path("/delete"), operator, json!({"reason": "asked for"})),
    ]
}

/// Each leaves a mark of its kind in its transaction.
async fn leave_marks<const MANY: usize>(fixture: &Fixture, calls: [Revokes<'_>; MANY]) {
    let marks = async |kind: &str| {
        let count = "select count(*) from identity.revocation_marks where kind = $1 and position is not null";
        fixture.count(count, &[&kind]).await
    };
    for (kind, method, path, token, body) in calls {
        // A session that is ended by it.
        match path.rsplit('/').next() {
            Some("password") if path.starts_with("/v1/auth") => drop(fixture.login(demo::OWNER).await),
            Some("password") => drop(fixture.login(demo::MANAGER).await),
            Some("reset") => drop(fixture.login(demo::VIEWER).await),
            _ => {}
        }
        let before = marks(kind).await;
        let request = in_tenant(fixture.request(method.clone(), &path).bearer_auth(token), &path);
        let request = if body.is_null() { request } else { request.json(&body) };
        Answer::of(request).await.ok();
        assert!(marks(kind).await > before, "{method} {path} leaves no mark of a {kind}");
    }
}

/// Every call that takes something away, with what it marks.
#[tokio::test]
async fn every_revoking_call_leaves_a_mark_in_its_transaction() {
    let fixture = Fixture::start().await;
    let (owner, operator) = (fixture.token(demo::OWNER).await, fixture.token(demo::OPERATOR).await);
    let (manager, viewer) = (fixture.user_id(demo::MANAGER).await, fixture.user_id(demo::VIEWER).await);
    let key = fixture.post(&tenant_path("/api-keys"), &owner, &json!({"name": "k"})).await.ok().clone();
    let key = tenant_path(&format!("/api-keys/{}", key["api_key"]["id"].as_str().unwrap()));
    let clerk = json!({"name": "clerk", "scopes": ["properties:view"]});
    fixture.post(&tenant_path("/roles"), &owner, &clerk).await.ok();
    let token = fixture.manager().await;
    let first = session_of(&fixture.manager().await);
    fixture.manager().await;
    leave_marks(&fixture, of_members(&manager, &key, &first, [&owner, &operator, &token])).await;
    takes_nothing_away(&fixture, &key, &owner).await;
    let own = fixture.token(demo::VIEWER).await;
    let other = fixture.protect(demo::OTHER_OWNER).await;
    leave_marks(&fixture, of_users_and_tenants(&viewer, [other.token(), &operator, &own])).await;
}

/// An operator says in which tenant somebody is made a member.
fn in_tenant(request: reqwest::RequestBuilder, path: &str) -> reqwest::RequestBuilder {
    let adds = path.ends_with("/members");
    if adds { request.header("x-tenant-id", demo::TENANT.to_string()) } else { request }
}

/// What is refused marks nothing, and neither does what takes nothing away.
async fn takes_nothing_away(fixture: &Fixture, revoked_key: &str, owner: &str) {
    let all = "select count(*) from identity.revocation_marks";
    let before = fixture.count(all, &[]).await;
    fixture.delete(revoked_key, owner).await.refused(404, "API_KEY_NOT_FOUND");
    let login = fixture.login(demo::VIEWER).await;
    fixture.refresh(&login["refresh"]).await.ok();
    assert_eq!(fixture.count(all, &[]).await, before);
}

/// Before, the first mark after such a connection had died was heard half a second later.
#[tokio::test(flavor = "multi_thread")]
async fn a_mark_is_heard_in_time_where_the_word_of_it_is_lost() {
    let fixture = Fixture::start().await;
    let lose = "do $$ begin execute replace(pg_get_functiondef('identity.place_revocation_marks'::regproc), \
        'frontdesk_identity_revocations', 'nowhere'); end $$";
    fixture.sql.batch_execute(lose).await.unwrap();
    let mut stream = watch(&fixture, None).await;
    let mut took = Vec::new();
    for _ in 0..11 {
        let token = fixture.manager().await;
        fixture.post("/v1/auth/logout", &token, &json!({})).await.ok();
        let acknowledged = Instant::now();
        while next_marks(&mut stream).await.anew {}
        took.push(acknowledged.elapsed());
    }
    took.sort();
    assert!(took[5] < Duration::from_millis(150), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_goes_on_where_it_was_and_learns_nothing_of_others() {
    let fixture = Fixture::start().await;
    let mut stream = watch(&fixture, None).await;
    let first = next(&mut stream).await;
    assert!(first.anew && first.marks.is_empty(), "{first:?}");
    let beat = timeout(Duration::from_millis(1_500), next(&mut stream)).await.unwrap();
    assert!(!beat.anew && beat.marks.is_empty() && beat.position == first.position, "{beat:?}");

    // Whoever is let in is told its own marks.
    let manager = fixture.manager().await;
    let scopes = fixture.get("/v1/auth/scopes", &manager).await;
    let own: Vec<String> = serde_json::from_value(scopes.ok()["marks"].clone()).unwrap();
    assert_eq!(own.len(), 3, "user, session, tenant: {}", scopes.body);
    assert!(scopes.body["until"].is_string(), "{}", scopes.body);
    fixture.post("/v1/auth/logout", &manager, &json!({})).await.ok();
    let item = next_marks(&mut stream).await;
    let [mark] = item.marks.as_slice() else { panic!("{item:?}") };
    assert!(own.contains(&BASE64_STANDARD.encode(mark)), "{own:?}");

    // Many at once, while nobody listens: each comes once, in the order of its commit.
    drop(stream);
    let tokens = futures::future::join_all((0..16).map(|_| fixture.manager())).await;
    let logouts = tokens.iter().map(|token| async {
        fixture.post("/v1/auth/logout", token, &json!({})).await.ok();
    });
    futures::future::join_all(logouts).await;
    let epoch = item.epoch.as_str();
    let mut resumed = watch(&fixture, Some((item.position, epoch))).await;
    let (mut heard, mut position) = (Vec::new(), item.position);
    while heard.len() < 16 {
        let item = next_marks(&mut resumed).await;
        assert!(!item.anew && item.position > position, "{item:?}");
        position = item.position;
        heard.extend(item.marks);
    }
    heard.sort();
    heard.dedup();
    assert_eq!(heard.len(), 16);
    // A position that is not known, one of another server, and one of a version without epochs.
    for after in [(position + 1_000, epoch), (position, "another"), (position, "")] {
        let unknown = next(&mut watch(&fixture, Some(after)).await).await;
        assert!(unknown.anew && unknown.epoch == epoch, "{after:?}: {unknown:?}");
    }
    let known = next(&mut watch(&fixture, Some((position, epoch))).await).await;
    assert!(!known.anew, "{known:?}");

    // One that is let through late comes late, and keeps nobody waiting.
    fixture.sql.batch_execute("begin").await.unwrap();
    fixture.execute("update identity.users set disabled_at = now() where email = $1", &[&demo::VIEWER]).await;
    let token = fixture.manager().await;
    fixture.post("/v1/auth/logout", &token, &json!({})).await.ok();
    let early = next_marks(&mut resumed).await;
    assert_eq!(early.marks.len(), 1);
    fixture.sql.batch_execute("commit").await.unwrap();
    let late = next_marks(&mut resumed).await;
    assert!(late.position > early.position && late.marks.len() == 1, "{late:?}");
}
