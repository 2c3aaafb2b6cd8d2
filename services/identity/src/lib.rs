//! The identity service: who somebody is, and what they may do in a tenant.
//! What a booking is, it does not know.

mod actor;
pub mod admin;
mod api_keys;
mod background;
mod domain;
mod error;
mod keyring;
mod password;
mod resolve;
mod secrets;
mod service;
mod sessions;
mod store;
mod tenants;
mod trusted;
mod users;

use std::sync::Arc;

use access::{AccessLayer, Issuer, Rules};
use boot::{GrpcServer, TrustedProxies};
use frontdesk_proto::identity::v1::api_key_service_server::ApiKeyServiceServer;
use frontdesk_proto::identity::v1::audit_service_server::AuditServiceServer;
use frontdesk_proto::identity::v1::auth_service_server::AuthServiceServer;
use frontdesk_proto::identity::v1::scope_service_server::ScopeServiceServer;
use frontdesk_proto::identity::v1::tenant_service_server::TenantServiceServer;
use frontdesk_proto::identity::v1::token_service_server::TokenServiceServer;
use frontdesk_proto::identity::v1::user_service_server::UserServiceServer;
use jiff::{SignedDuration, Timestamp};
use pg::Database;
use pg::migrate::MigrationSet;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::{LayerExt, Routes};

pub use self::domain::limits::Limits;
pub use self::domain::roles::{PLATFORM_SCOPES, TENANT_SCOPES};
pub use self::error::Error;
pub use self::password::PasswordCost;
pub use self::secrets::{Secrets, SecretsError};
pub use self::store::statements;
pub use self::trusted::{TrustedIssuers, TrustedIssuersError};

/// The role that the service runs as.
pub const ROLE: &str = "frontdesk_identity";

/// The services of a server of identity.
pub const SERVICES: [&str; 7] = [
    "frontdesk.identity.v1.AuthService",
    "frontdesk.identity.v1.UserService",
    "frontdesk.identity.v1.TokenService",
    "frontdesk.identity.v1.ScopeService",
    "frontdesk.identity.v1.TenantService",
    "frontdesk.identity.v1.ApiKeyService",
    "frontdesk.identity.v1.AuditService",
];

/// Identity's part of the database.
pub static MIGRATIONS: MigrationSet = MigrationSet {
    name: "identity",
    history_table: "public.frontdesk_identity_migrations",
    migrations: &[
        (
            "V1__users_tenants_sessions_keys",
            include_str!("../../../migrations/identity/V1__users_tenants_sessions_keys.sql"),
        ),
        (
            "V2__roles_limits_key_states_audit",
            include_str!("../../../migrations/identity/V2__roles_limits_key_states_audit.sql"),
        ),
    ],
};

/// What a server of identity needs.
#[derive(Debug)]
pub struct Config {
    /// Where it listens.
    pub listener: TcpListener,
    /// Its database, as [`ROLE`].
    pub database: Database,
    /// Keys derived from the master key.
    pub secrets: Secrets,
    /// Who issues tokens, for whom.
    pub issuer: Issuer,
    /// What cannot be told from the database.
    pub policy: Policy,
}

/// How strict identity is.
#[derive(Debug)]
pub struct Policy {
    /// Limits on failed logins.
    pub limits: Limits,
    /// What a password hash costs.
    pub password_cost: PasswordCost,
    /// Age at which the active signing key is replaced.
    pub key_max_age: SignedDuration,
    /// Proxies whose `X-Forwarded-For` is believed, the gateway among them.
    pub trusted_proxies: TrustedProxies,
    /// Other issuers whose tokens are taken.
    pub trusted_issuers: TrustedIssuers,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            password_cost: PasswordCost::default(),
            key_max_age: SignedDuration::from_hours(90 * 24),
            trusted_proxies: TrustedProxies::default(),
            trusted_issuers: TrustedIssuers::default(),
        }
    }
}

/// Why identity does not start, as a sentence.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A method has no access rule.
    #[error("access rules are missing: {0}")]
    Rules(String),
    /// Keys or passwords cannot be used.
    #[error(transparent)]
    Identity(#[from] Error),
}

/// Reads the keys and builds the server. Background work goes on until `stop`.
pub async fn build(config: Config, stop: &CancellationToken) -> Result<GrpcServer, StartError> {
    let Config { listener, database, secrets, issuer, policy } = config;
    let Policy { limits, password_cost, key_max_age, trusted_proxies, trusted_issuers } = policy;
    let rules = Rules::of_services(&SERVICES).map_err(StartError::Rules)?;
    let store = store::Store::new(database.clone());
    let keyring = keyring::Keyring::open(&store, &secrets, issuer.clone(), Timestamp::now()).await?;
    tokio::spawn(keyring.clone().follow(store.clone(), secrets.clone(), key_max_age, stop.clone()));
    tokio::spawn(background::prune::run(store.clone(), stop.clone()));
    let passwords = password::Passwords::new(password_cost).map_err(Error::from)?;
    let local = resolve::LocalIdentity::new(store.clone(), keyring.clone(), secrets.clone(), trusted_issuers);
    let layer = AccessLayer::new(rules, issuer, local);
    let sessions = sessions::Sessions { store, secrets, keyring, passwords, limits };
    let service = Arc::new(service::Identity { sessions, trusted_proxies });
    let routes = Routes::new(layer.named_layer(AuthServiceServer::from_arc(Arc::clone(&service))))
        .add_service(layer.named_layer(UserServiceServer::from_arc(Arc::clone(&service))))
        .add_service(layer.named_layer(TokenServiceServer::from_arc(Arc::clone(&service))))
        .add_service(layer.named_layer(ScopeServiceServer::from_arc(Arc::clone(&service))))
        .add_service(layer.named_layer(TenantServiceServer::from_arc(Arc::clone(&service))))
        .add_service(layer.named_layer(ApiKeyServiceServer::from_arc(Arc::clone(&service))))
        .add_service(layer.named_layer(AuditServiceServer::from_arc(service)));
    let ready: boot::ReadyCheck = Box::new(move || {
        let database = database.clone();
        Box::pin(async move { database.ping().await.map_err(|fault| fault.to_string()) })
    });
    Ok(GrpcServer { listener, services: SERVICES.to_vec(), routes, ready })
}
