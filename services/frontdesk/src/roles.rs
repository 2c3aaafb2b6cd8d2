//! One role per process, set up from environment variables.

use std::net::SocketAddr;

use access::{Issuer, RemoteIdentity};
use boot::{Settings, TrustedProxies};
use identity::{Limits, MasterKey, PasswordCost, Policy, TrustedIssuers, TrustedIssuersError};
use jiff::SignedDuration;
use pg::{Database, PoolOptions};
use upstream::{Upstream, UpstreamError};

use crate::{Failure, migrate};

/// The claim `iss` when `TOKEN_ISSUER` is not set.
pub const DEFAULT_ISSUER: &str = "frontdesk";
/// The claim `aud` when `TOKEN_AUDIENCE` is not set.
pub const DEFAULT_AUDIENCE: &str = "authenticated";
/// Most database connections of a service when `DATABASE_POOL_SIZE` is not set.
pub const DEFAULT_POOL_SIZE: usize = 16;

/// `frontdesk identity`.
pub async fn identity() -> Result<(), Failure> {
    boot::init_log();
    let mut settings = Settings::new();
    let listen = listen(&mut settings, "IDENTITY_LISTEN", 50051);
    let database = database_settings(&mut settings);
    let issuer = issuer(&mut settings);
    let master_key = master_key(&mut settings);
    let policy = policy(&mut settings);
    let all = || Some((listen?, database?, issuer?, master_key?, policy?));
    let (listen, (url, pool), issuer, master_key, policy) = settings.finish(all()).map_err(Failure::new)?;

    migrate::check(&url, &identity::MIGRATIONS).await?;
    let listener = boot::bind(listen).await.map_err(Failure::new)?;
    let database = open(url, identity::ROLE, "frontdesk-identity", pool)?;
    let stop = boot::on_signal().map_err(Failure::new)?;
    let config = identity::Config { listener, database, master_key, issuer, policy };
    let server = identity::build(config, &stop).await.map_err(Failure::new)?;
    tracing::info!(%listen, "identity listens");
    server.serve(stop).await.map_err(Failure::new)
}

/// `frontdesk booking`.
pub async fn booking() -> Result<(), Failure> {
    boot::init_log();
    let mut settings = Settings::new();
    let listen = listen(&mut settings, "BOOKING_LISTEN", 50052);
    let database = database_settings(&mut settings);
    let issuer = issuer(&mut settings);
    let identity =
        upstream(&mut settings, "IDENTITY_ADDR", "where identity is, as host:port, several with commas");
    let all = || Some((listen?, database?, issuer?, identity?));
    let (listen, (url, pool), issuer, identity) = settings.finish(all()).map_err(Failure::new)?;

    migrate::check(&url, &booking::MIGRATIONS).await?;
    let listener = boot::bind(listen).await.map_err(Failure::new)?;
    let database = open(url, booking::ROLE, "frontdesk-booking", pool)?;
    let stop = boot::on_signal().map_err(Failure::new)?;
    let authority = RemoteIdentity::new(identity);
    let config = booking::Config { listener, database, issuer, authority };
    let server = booking::build(config, &stop).map_err(Failure::new)?;
    tracing::info!(%listen, "booking listens");
    server.serve(stop).await.map_err(Failure::new)
}

/// `frontdesk gateway`.
pub async fn gateway() -> Result<(), Failure> {
    boot::init_log();
    let mut settings = Settings::new();
    let listen = listen(&mut settings, "GATEWAY_LISTEN", 8080);
    let identity =
        upstream(&mut settings, "IDENTITY_ADDR", "where identity is, as host:port, several with commas");
    let booking =
        upstream(&mut settings, "BOOKING_ADDR", "where booking is, as host:port, several with commas");
    let origins = settings.or("ALLOWED_ORIGINS", gateway::Origins::default());
    let trusted_proxies = settings.or("TRUSTED_PROXIES", TrustedProxies::default());
    let anon_key = settings.optional_secret("SUPABASE_ANON_KEY");
    let all = || Some((listen?, identity?, booking?, origins?, trusted_proxies?));
    let (listen, identity, booking, origins, trusted_proxies) =
        settings.finish(all()).map_err(Failure::new)?;

    let listener = boot::bind(listen).await.map_err(Failure::new)?;
    let stop = boot::on_signal().map_err(Failure::new)?;
    let config = gateway::Config { listener, identity, booking, origins, trusted_proxies, anon_key };
    let server = gateway::Gateway::new(config).map_err(Failure::new)?;
    tracing::info!(%listen, "gateway listens");
    server.serve(stop).await;
    Ok(())
}

/// A pool for a service.
pub fn open(
    url: String,
    role: &'static str,
    application_name: &'static str,
    max_size: usize,
) -> Result<Database, Failure> {
    Database::new(PoolOptions { url, role, application_name, max_size }).map_err(Failure::new)
}

fn listen(settings: &mut Settings, name: &str, port: u16) -> Option<SocketAddr> {
    settings.or(name, SocketAddr::from(([127, 0, 0, 1], port)))
}

fn database_settings(settings: &mut Settings) -> Option<(String, usize)> {
    let url = settings.secret("DATABASE_URL", "the database, as postgresql://user@host/name");
    let url = url.and_then(|url| match pg::parse_url(&url) {
        Ok(_) => Some(url),
        Err(sentence) => {
            settings.problem(format!("{sentence}."));
            None
        }
    });
    let size = settings.or("DATABASE_POOL_SIZE", DEFAULT_POOL_SIZE);
    Some((url?, size?))
}

fn issuer(settings: &mut Settings) -> Option<Issuer> {
    let issuer = settings.or("TOKEN_ISSUER", DEFAULT_ISSUER.to_owned());
    let audience = settings.or("TOKEN_AUDIENCE", DEFAULT_AUDIENCE.to_owned());
    Some(Issuer { issuer: issuer?, audience: audience? })
}

/// The keys of the master key in the environment.
pub fn master_key(settings: &mut Settings) -> Option<MasterKey> {
    let text = settings.secret(
        "FRONTDESK_MASTER_KEY",
        "32 bytes in base64 that seal signing keys (`openssl rand -base64 32`)",
    )?;
    MasterKey::from_text(&text)
        .map_err(|error| settings.problem(format!("FRONTDESK_MASTER_KEY: {error}.")))
        .ok()
}

fn policy(settings: &mut Settings) -> Option<Policy> {
    let Policy { limits, password_cost, key_max_age, trusted_proxies, trusted_issuers: _ } =
        Policy::default();
    let pair = settings.or("LOGIN_LIMIT_PAIR", limits.pair);
    let account = settings.or("LOGIN_LIMIT_ACCOUNT", limits.account);
    let address = settings.or("LOGIN_LIMIT_ADDRESS", limits.address);
    let window = settings.or("LOGIN_LIMIT_WINDOW_MINUTES", limits.window.as_mins());
    let memory_kib = settings.or("PASSWORD_HASH_MEMORY_KIB", password_cost.memory_kib);
    let passes = settings.or("PASSWORD_HASH_PASSES", password_cost.passes);
    let key_days = settings.or("SIGNING_KEY_MAX_AGE_DAYS", key_max_age.as_hours() / 24);
    let trusted_proxies = settings.or("TRUSTED_PROXIES", trusted_proxies);
    let trusted_issuers = trusted_issuers(settings);
    let (window, key_days) = (window?, key_days?);
    if !(1..=1440).contains(&window) {
        settings.problem("LOGIN_LIMIT_WINDOW_MINUTES takes 1 to 1440.");
    }
    if !(1..=3650).contains(&key_days) {
        settings.problem("SIGNING_KEY_MAX_AGE_DAYS takes 1 to 3650.");
    }
    Some(Policy {
        limits: Limits {
            pair: pair?,
            account: account?,
            address: address?,
            window: SignedDuration::from_mins(window.clamp(1, 1440)),
        },
        password_cost: PasswordCost { memory_kib: memory_kib?, passes: passes? },
        key_max_age: SignedDuration::from_hours(24 * key_days.clamp(1, 3650)),
        trusted_proxies: trusted_proxies?,
        trusted_issuers: trusted_issuers?,
    })
}

fn trusted_issuers(settings: &mut Settings) -> Option<TrustedIssuers> {
    let Some(text) = settings.optional_secret("TRUSTED_ISSUERS") else {
        return Some(TrustedIssuers::default());
    };
    text.parse()
        .map_err(|error: TrustedIssuersError| settings.problem(format!("TRUSTED_ISSUERS: {error}.")))
        .ok()
}

fn upstream(settings: &mut Settings, name: &str, purpose: &str) -> Option<Upstream> {
    let addresses: String = settings.required(name, purpose)?;
    addresses.parse().map_err(|error: UpstreamError| settings.problem(format!("{name}: {error}."))).ok()
}
