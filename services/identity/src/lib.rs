//! The identity service: who somebody is, and what they may do in a tenant. What
//! a booking is, it does not know.
//!
//! `rpc` parses and converts, `changes` are one transaction each, `domain` decides
//! and `store` keeps; `credential` knows the forms of tokens, keys and passwords,
//! `trust` whom to believe. Each knows only those after it.

mod actor;
mod background;
mod changes;
mod config;
mod credential;
mod domain;
mod error;
pub mod operator;
mod rpc;
mod store;
mod trust;

use std::sync::Arc;

use access::{AccessLayer, Rules};
use boot::{Background, Check, GrpcServer, Observe, Readiness, Services};
use frontdesk_proto::identity::v1::api_key_service_server::ApiKeyServiceServer;
use frontdesk_proto::identity::v1::audit_service_server::AuditServiceServer;
use frontdesk_proto::identity::v1::auth_service_server::AuthServiceServer;
use frontdesk_proto::identity::v1::factor_service_server::FactorServiceServer;
use frontdesk_proto::identity::v1::invitation_service_server::InvitationServiceServer;
use frontdesk_proto::identity::v1::o_auth_service_server::OAuthServiceServer;
use frontdesk_proto::identity::v1::revocation_service_server::RevocationServiceServer;
use frontdesk_proto::identity::v1::scope_service_server::ScopeServiceServer;
use frontdesk_proto::identity::v1::tenant_service_server::TenantServiceServer;
use frontdesk_proto::identity::v1::token_service_server::TokenServiceServer;
use frontdesk_proto::identity::v1::user_service_server::UserServiceServer;
use jiff::Timestamp;
use pg::migrate::MigrationSet;
use tokio_util::sync::CancellationToken;
use tonic::codec::CompressionEncoding::Gzip;
use tonic::service::{LayerExt, Routes};

use self::changes::mail::Post;
use self::changes::paces::Paces;
use self::changes::repeats::Repeats;
use self::changes::sessions::Sessions;
use self::credential::challenge::Challenges;
use self::credential::factor_secret::FactorSealer;
use self::credential::login_buckets::LoginBuckets;
use self::credential::password::Passwords;
use self::credential::refresh_token::RefreshTokens;
use self::credential::revocation_mark::Marker;
use self::credential::sealed_mail::MailSealer;
use self::credential::signing_key::KeySealer;
use self::trust::authority::LocalIdentity;
use self::trust::issuers::ForeignTokens;
use self::trust::revocations::{Revocations, void_by};

pub use self::config::{
    Config, Environment, FRONTDESK_MASTER_KEY, MAIL_FROM, MAIL_SENDER, MailFrom, MailPolicy, MailSender,
    PUBLIC_URL, Policy, PublicUrl, ROLE, SmtpServer, SmtpTls, TRUSTED_ISSUERS, read_master_key,
    read_master_key_to_compare, read_passkeys, read_password_cost,
};
pub use self::credential::password::PasswordCost;
pub use self::credential::relying_party::{Domain, NoRelyingParty, PageOrigins, RelyingParty};
pub use self::credential::trusted_issuers::{TrustedIssuers, TrustedIssuersError};
pub use self::domain::limits::Limits;
pub use self::domain::scopes::{PLATFORM_SCOPES, RESERVED_SCOPES, TENANT_SCOPES};
pub use self::error::Error;
pub use self::store::statements;
pub use self::trust::checks::Deployment;
pub use seal::{MasterKey, SealError};

/// The services of a server of identity.
pub const SERVICES: [&str; 11] = [
    "frontdesk.identity.v1.AuthService",
    "frontdesk.identity.v1.UserService",
    "frontdesk.identity.v1.TokenService",
    "frontdesk.identity.v1.ScopeService",
    "frontdesk.identity.v1.TenantService",
    "frontdesk.identity.v1.InvitationService",
    "frontdesk.identity.v1.ApiKeyService",
    "frontdesk.identity.v1.AuditService",
    "frontdesk.identity.v1.FactorService",
    "frontdesk.identity.v1.RevocationService",
    "frontdesk.identity.v1.OAuthService",
];

/// Whose figures its figures are.
const PART: &str = "identity";

/// Identity's part of the database.
pub static MIGRATIONS: MigrationSet = MigrationSet {
    name: "identity",
    history_table: "public.frontdesk_identity_migrations",
    // What `migrations/build.rs` finds in the folder.
    migrations: include!(concat!(env!("OUT_DIR"), "/migrations.rs")),
};

/// What the migrations make of a database.
pub static SCHEMA: pg::schema::Service = pg::schema::Service {
    set: &MIGRATIONS,
    schema: "identity",
    role: ROLE,
    made: store::migrated::MADE,
    adapt: |made, _| made,
    optional: |_| false,
    choice: |_| None,
    afterwards: &[],
};

/// Why identity does not start, as a sentence.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A method has no access rule.
    #[error("access rules are missing: {0}")]
    Rules(String),
    /// A statement is not what its parameters say.
    #[error(transparent)]
    Statements(#[from] pg::StatementError),
    /// Nothing can be fetched from other issuers.
    #[error("keys of other issuers cannot be fetched: {0}")]
    Issuers(#[from] outbound::FetchError),
    /// Nobody can take letters.
    #[error("MAIL_SENDER: {0}")]
    Mail(String),
    /// Keys or passwords cannot be used.
    #[error(transparent)]
    Identity(#[from] Error),
}

/// Reads the keys and builds the server. Background work goes on until `stop`.
pub async fn build(config: Config, stop: &CancellationToken) -> Result<GrpcServer, StartError> {
    let Config { listener, database, master_key, issuer, policy } = config;
    let rules = Rules::of_services(&SERVICES).map_err(StartError::Rules)?;
    let store = store::open(&database, policy)?;
    // Nothing is written under a key that is not this database's.
    let (longest_known, process) = Box::pin(background::settle_master_key(&store, &master_key)).await?;
    let sealer = KeySealer::of(&master_key);
    let room = Background::new(stop.clone());
    let marks_key = Box::pin(store.keep_marks_key(&*Marker::first_key(&longest_known))).await;
    let marks_key = marks_key.map_err(Error::from)?;
    let revocations = Revocations::new(store.clone(), Marker::of(&marks_key));
    let repeats = Repeats::default();
    let started = background::start(&room, &store, (sealer, process), issuer.clone(), &revocations, &repeats);
    let keyring = Box::pin(started).await?;
    let mail_sealer = MailSealer::of(&master_key);
    let mail = Arc::new(background::MailFigures::default());
    let sends = background::send_mail(&room, &store, mail_sealer.clone(), &mail);
    let sends = sends.map_err(StartError::Mail)?;

    let foreign = ForeignTokens::of(&store.policy().trusted_issuers)?;
    let local = LocalIdentity::new(store.clone(), keyring.clone(), foreign, revocations.clone());
    let written = store.policy().trusted_proxies.header();
    let layer = AccessLayer::new(rules, issuer, local.clone(), written);
    layer.follow(&room, "hear of own revocations");
    hear_of_own_changes(&store, &layer, &revocations);
    let sessions = Sessions {
        store: store.clone(),
        keyring,
        passwords: Passwords::new(store.policy().password_cost).map_err(Error::from)?,
        // So that the names of buckets stay the same while a key is replaced.
        buckets: LoginBuckets::of(&longest_known),
        refresh_tokens: RefreshTokens::of(&master_key),
        factors: FactorSealer::of(&master_key),
        challenges: Challenges::of(&master_key),
        repeats,
        paces: Paces::default(),
        post: Post::new(mail_sealer, sends),
    };
    let policy = store.policy();
    let observe = Observe::of(&SERVICES).linking(&policy.runbook).behind(&policy.trusted_proxies);
    let pages = policy.pages.clone();
    let passwords = sessions.passwords.clone();
    background::free_memory_of_passwords(&room, &passwords);
    let kept_me = Arc::new(rpc::KeptMe::new(layer.answers()));
    let counted = Arc::clone(&kept_me);
    let metrics = observe.metrics(PART).and(layer.metrics(PART)).with(PART, move |scrape| {
        database.figures(scrape);
        passwords.figures(scrape);
        mail.figures(scrape);
        counted.figures(scrape);
    });
    let watchers = rpc::Watchers::new(revocations, stop.clone());
    let routes = routes(&layer, rpc::Identity::new(sessions, watchers, local, kept_me));
    let readiness = Readiness::new(room).with("database", move || {
        let store = store.clone();
        async move { ready(&store).await }
    });
    let services = Services { names: SERVICES.to_vec(), routes, observe, pages };
    Ok(GrpcServer::new(listener, services, readiness, metrics))
}

/// Has the layer drop what is void by changes of this process. The store owns the function that it
/// calls for that, so the function must not own the layer, which has the store: neither would ever
/// be freed.
fn hear_of_own_changes(store: &store::Store, layer: &AccessLayer<LocalIdentity>, revocations: &Revocations) {
    let (own, marker) = (layer.own(), revocations.marker().clone());
    store.on_own_marks(move |marks| own.hear(&void_by(&marker, marks)));
}

fn routes(layer: &AccessLayer<LocalIdentity>, service: rpc::Identity) -> Routes {
    let service = Arc::new(service);
    macro_rules! guarded {
        ($server:ident) => {
            layer.named_layer($server::from_arc(Arc::clone(&service)).accept_compressed(Gzip))
        };
    }
    Routes::new(guarded!(AuthServiceServer))
        .add_service(guarded!(UserServiceServer))
        .add_service(guarded!(TokenServiceServer))
        .add_service(guarded!(ScopeServiceServer))
        .add_service(guarded!(TenantServiceServer))
        .add_service(guarded!(InvitationServiceServer))
        .add_service(guarded!(ApiKeyServiceServer))
        .add_service(guarded!(AuditServiceServer))
        .add_service(guarded!(FactorServiceServer))
        .add_service(guarded!(OAuthServiceServer))
        .add_service(guarded!(RevocationServiceServer))
}

/// What an operator should know of identity's part of a deployment.
pub fn checks(deployment: Deployment, now: Timestamp) -> Vec<Check> {
    trust::checks::checks(deployment, &SCHEMA, now)
}

async fn ready(store: &store::Store) -> Result<(), String> {
    let missing = store.missing().await.map_err(|fault| fault.to_string())?;
    if missing.is_empty() { Ok(()) } else { Err(missing.join("; ")) }
}
