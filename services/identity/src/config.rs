//! What a server of identity needs, and how strict it is.

use access::Issuer;
use boot::TrustedProxies;
use jiff::SignedDuration;
use pg::Database;
use seal::MasterKey;
use tokio::net::TcpListener;

use crate::credential::password::PasswordCost;
use crate::domain::limits::Limits;
use crate::trust::issuers::TrustedIssuers;

/// What a server of identity needs.
#[derive(Debug)]
pub struct Config {
    /// Where it listens.
    pub listener: TcpListener,
    /// Its database, as [`crate::ROLE`].
    pub database: Database,
    /// Seals signing keys and signs refresh tokens.
    pub master_key: MasterKey,
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
