//! Calls of identity about one person with sessions, a place in a tenant and an API key: the same
//! stepper runs them. What they do one after the other is known by running them so.

use std::sync::Arc;

use access::Issuer;
use boot::InProcess;
use frontdesk_proto::identity::v1 as wire;
use frontdesk_proto::identity::v1::api_key_service_client::ApiKeyServiceClient;
use frontdesk_proto::identity::v1::auth_service_client::AuthServiceClient;
use frontdesk_proto::identity::v1::scope_service_client::ScopeServiceClient;
use frontdesk_proto::identity::v1::tenant_service_client::TenantServiceClient;
use frontdesk_proto::identity::v1::user_service_client::UserServiceClient;
use identity::operator::{NewUser, Operator, Rotated, TenantId, UserId, UserKind};
use identity::{MasterKey, PasswordCost, Policy};
use pg::{Database, PoolOptions};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status};
use uuid::Uuid;

use crate::answer::{Answer, done};
use crate::call::{Call, OfPerson};
use crate::service::{CONNECTIONS, Way};

const PASSWORD: &str = "four sailors count gulls";
const NEW_PASSWORD: &str = "nine painters mix ochre";
/// Who does to others what they do not do themselves.
const STAFF: &str = "staff@example.com";
/// Hashes are not what is tried.
const CHEAP: PasswordCost = PasswordCost { memory_kib: 64, passes: 1 };

/// What identity stores of a person, whose tenant has the same id.
pub const LINES: &str = "\
    select concat_ws('|', 'session', row_number() over (order by created_at, id), \
        coalesce(ended_because, 'live'), counter) from identity.sessions where user_id = $1 \
    union all \
    select concat_ws('|', 'user', disabled_at is not null, password_version) from identity.users where id = $1 \
    union all \
    select concat_ws('|', 'member', role) from identity.memberships where user_id = $1 \
    union all \
    select concat_ws('|', 'api_key', revoked_at is not null) from identity.tenant_api_keys where tenant_id = $1 \
    union all \
    select concat_ws('|', 'signing_keys', state, count(*)) from identity.signing_keys \
    where state <> 'retired' group by state \
    union all \
    select concat_ws('|', 'signing_keys_activated', count(*)) from identity.signing_keys \
    where activated_at > (select created_at from identity.users where id = $1) \
    union all \
    select concat_ws('|', 'audit', action, outcome, count(*)) from identity.audit_events \
    where user_id = $1 or tenant_id = $1 and action <> 'login' \
        or action = 'signing_key_activated' and at > (select created_at from identity.users where id = $1) \
    group by action, outcome";

/// A server of identity, which does nothing by itself.
#[derive(Debug, Clone)]
pub struct Identity {
    server: InProcess,
    operator: Operator,
    master_key: Arc<MasterKey>,
}

/// What a person and staff have in hand.
#[derive(Debug)]
pub struct People {
    pub id: Uuid,
    email: String,
    /// Of the first session: its access token, its first refresh token and its newest one.
    access: String,
    first: String,
    newest: String,
    session: String,
    second_access: String,
    staff_access: String,
    key: String,
    key_id: String,
}

impl Identity {
    /// A server over this database.
    pub async fn over(url: &str) -> Result<Self, String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
        let database = Database::new(PoolOptions {
            url: url.to_owned(),
            role: identity::ROLE,
            application_name: "frontdesk-proof",
            max_size: CONNECTIONS,
        })?;
        let stopped = CancellationToken::new();
        stopped.cancel();
        let trusted_proxies = Policy::default().trusted_proxies.inside();
        let config = identity::Config {
            listener: listener.into(),
            database: database.clone(),
            master_key: master_key()?,
            issuer: Issuer::default(),
            policy: Policy { password_cost: CHEAP, trusted_proxies, ..Policy::default() },
        };
        let server = Box::pin(identity::build(config, &stopped)).await.map_err(|error| error.to_string())?;
        let operator = Operator::new(&database).and_then(|operator| operator.hashing_at(CHEAP));
        let operator = operator.map_err(|error| error.to_string())?;
        operator.ensure_user(person(Uuid::from_u128(1), STAFF, &["platform:users"])).await.unwrap();
        Ok(Self { server: server.within(), operator, master_key: Arc::new(master_key()?) })
    }

    /// A person with two sessions, who owns a tenant with staff and has made an API key of it. The
    /// token of the first session has been exchanged so many times.
    pub async fn new_person(&self, times: u8) -> People {
        let id = Uuid::now_v7();
        let email = format!("{id}@example.com");
        self.operator.ensure_user(person(id, &email, &[])).await.unwrap();
        self.operator.ensure_tenant(TenantId(id), &format!("t-{id}"), "House").await.unwrap();
        for owner in [&*email, STAFF] {
            self.operator.ensure_member(TenantId(id), owner, "owner").await.unwrap();
        }
        let first = self.login(&email).await.unwrap();
        let second = self.login(&email).await.unwrap();
        let staff = self.login(STAFF).await.unwrap();
        let mut scopes = self.scopes();
        let asked = by(&first.access, wire::ResolveScopesRequest::default());
        let session = scopes.resolve_scopes(asked).await.unwrap().into_inner().session_id;
        let wanted = wire::CreateApiKeyRequest {
            tenant_id: id.to_string(),
            name: "program".to_owned(),
            scopes: vec!["bookings:view".to_owned()],
            ..Default::default()
        };
        let key = self.api_keys().create_api_key(by(&first.access, wanted)).await.unwrap().into_inner();
        let (mut access, mut newest) = (first.access, first.refresh.clone());
        for _ in 0..times {
            let message = wire::RefreshRequest { refresh: newest, ..Default::default() };
            let refreshed = self.auth().refresh(message).await.unwrap().into_inner();
            (access, newest) = (refreshed.access, refreshed.refresh);
        }
        People {
            id,
            email,
            access,
            first: first.refresh,
            newest,
            session,
            second_access: second.access,
            staff_access: staff.access,
            key: key.secret,
            key_id: key.api_key.unwrap_or_default().id,
        }
    }

    async fn login(&self, email: &str) -> Result<wire::LoginResponse, Status> {
        let message = wire::LoginRequest { email: email.to_owned(), password: PASSWORD.to_owned() };
        self.auth().login(message).await.map(tonic::Response::into_inner)
    }

    fn auth(&self) -> AuthServiceClient<Way> {
        AuthServiceClient::new(Way(self.server.clone()))
    }

    fn users(&self) -> UserServiceClient<Way> {
        UserServiceClient::new(Way(self.server.clone()))
    }

    fn tenants(&self) -> TenantServiceClient<Way> {
        TenantServiceClient::new(Way(self.server.clone()))
    }

    fn api_keys(&self) -> ApiKeyServiceClient<Way> {
        ApiKeyServiceClient::new(Way(self.server.clone()))
    }

    fn scopes(&self) -> ScopeServiceClient<Way> {
        ScopeServiceClient::new(Way(self.server.clone()))
    }
}

impl OfPerson {
    /// Makes the call.
    pub async fn make(self, identity: &Identity, people: &Arc<People>) -> Result<Answer, Status> {
        let (tenant_id, user_id) = (people.id.to_string(), people.id.to_string());
        let (mut auth, access) = (identity.auth(), &people.access);
        match self {
            Self::Refresh | Self::RefreshFirst => {
                let refresh = if self == Self::Refresh { &people.newest } else { &people.first };
                let message = wire::RefreshRequest { refresh: refresh.clone(), ..Default::default() };
                done(auth.refresh(message).await)
            }
            Self::Login => {
                identity.login(&people.email).await?;
                Ok(Answer::of("done".to_owned()))
            }
            Self::Logout => {
                let scope = wire::LogoutScope::Local.into();
                done(auth.logout(by(access, wire::LogoutRequest { scope })).await)
            }
            Self::LogoutEverywhere => {
                let scope = wire::LogoutScope::Global.into();
                done(auth.logout(by(access, wire::LogoutRequest { scope })).await)
            }
            Self::Revoke => {
                let message = wire::RevokeSessionRequest { session_id: people.session.clone() };
                done(auth.revoke_session(by(&people.second_access, message)).await)
            }
            Self::ChangePassword => {
                let message = wire::ChangePasswordRequest {
                    current_password: PASSWORD.to_owned(),
                    new_password: NEW_PASSWORD.to_owned(),
                };
                done(auth.change_password(by(&people.second_access, message)).await)
            }
            Self::Disable => {
                let message = wire::DisableUserRequest { user_id, even_if_last_owner: true };
                done(identity.users().disable_user(by(&people.staff_access, message)).await)
            }
            Self::RemoveMember => {
                let message = wire::RemoveMemberRequest { tenant_id, user_id, revoke_api_keys: true };
                done(identity.tenants().remove_member(in_tenant(people, message)).await)
            }
            Self::UseKey | Self::RotateKey | Self::RevokeKey | Self::RotateSigningKey => {
                self.about_key(identity, people).await
            }
        }
    }

    async fn about_key(self, identity: &Identity, people: &People) -> Result<Answer, Status> {
        let (tenant_id, api_key_id) = (people.id.to_string(), people.key_id.clone());
        match self {
            Self::RevokeKey => {
                let message = wire::RevokeApiKeyRequest { tenant_id, api_key_id };
                done(identity.api_keys().revoke_api_key(in_tenant(people, message)).await)
            }
            Self::RotateKey => {
                let message = wire::RotateApiKeyRequest { tenant_id, api_key_id, ..Default::default() };
                done(identity.api_keys().rotate_api_key(in_tenant(people, message)).await)
            }
            Self::RotateSigningKey => {
                // `at_once`: whatever the age of the next one.
                let rotated = identity.operator.rotate_signing_key(&identity.master_key, true).await?;
                let is_new = matches!(rotated, Rotated::Activated { .. });
                Ok(Answer::of(if is_new { "done" } else { "not yet" }.to_owned()))
            }
            _ => {
                let mut request = Request::new(wire::ResolveScopesRequest::default());
                if let Ok(key) = people.key.parse() {
                    request.metadata_mut().insert("x-tenant-api-key", key);
                }
                done(identity.scopes().resolve_scopes(request).await)
            }
        }
    }
}

/// Whether two calls that end sessions were both let in before either had ended one, and both
/// did it: what each says that it did is so, and told, although no order of whole calls comes to
/// it, in which the second one is let in no more or finds nothing to do.
pub fn both_let_in(calls: &[Call], answers: &[String], lines: &[String]) -> bool {
    let is_live = |nth: u8| lines.iter().any(|line| line.starts_with(&format!("session|{nth}|live|")));
    let user = |state: &str| lines.iter().any(|line| line.starts_with("user|") && line.contains(state));
    let holds = |(call, answer): (&Call, &String)| match (call, &**answer) {
        (Call::Of(OfPerson::Logout | OfPerson::Revoke), "done") => !is_live(1),
        (Call::Of(OfPerson::LogoutEverywhere), "done") => !is_live(1) && !is_live(2),
        (Call::Of(OfPerson::ChangePassword), "done") => !is_live(1) && !user("|0"),
        (Call::Of(OfPerson::Disable), "done") => !is_live(1) && !is_live(2) && user("|t|"),
        (Call::Of(OfPerson::Revoke), "SESSION_NOT_FOUND")
        | (Call::Of(OfPerson::RefreshFirst), "REFRESH_TOKEN_REUSED") => !is_live(1),
        _ => false,
    };
    // Each tells what it did, and nobody else does.
    let told = |action: &str| -> usize {
        let told = lines.iter().filter_map(|line| line.strip_prefix(&format!("audit|{action}|success|")));
        told.filter_map(|count| count.parse::<usize>().ok()).sum()
    };
    let did = |action: &str| {
        let did =
            calls.iter().zip(answers).filter(|(call, answer)| *answer == "done" && tells(**call) == action);
        did.count()
    };
    calls.iter().zip(answers).all(holds)
        && ["logout", "session_revoked", "password_changed", "user_disabled"]
            .iter()
            .all(|action| told(action) == did(action))
}

/// The action by which the history tells of a call that ends sessions.
fn tells(call: Call) -> &'static str {
    match call {
        Call::Of(OfPerson::Logout | OfPerson::LogoutEverywhere) => "logout",
        Call::Of(OfPerson::Revoke) => "session_revoked",
        Call::Of(OfPerson::ChangePassword) => "password_changed",
        Call::Of(OfPerson::Disable) => "user_disabled",
        _ => "",
    }
}

fn master_key() -> Result<MasterKey, String> {
    MasterKey::from_text(&"ab".repeat(32)).map_err(|error| error.to_string())
}

fn person(id: Uuid, email: &str, scopes: &[&str]) -> NewUser {
    NewUser {
        id: UserId(id),
        email: email.to_owned(),
        display_name: "Somebody".to_owned(),
        kind: UserKind::Person,
        password: Some(PASSWORD.to_owned().into()),
        platform_scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
    }
}

fn by<T>(access: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    if let Ok(token) = format!("Bearer {access}").parse() {
        request.metadata_mut().insert("authorization", token);
    }
    request
}

/// The same about the person's tenant: staff is in many.
fn in_tenant<T>(people: &People, message: T) -> Request<T> {
    let mut request = by(&people.staff_access, message);
    if let Ok(tenant) = people.id.to_string().parse() {
        request.metadata_mut().insert("x-tenant-id", tenant);
    }
    request
}
