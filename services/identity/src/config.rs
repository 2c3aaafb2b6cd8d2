//! The settings of identity, and what a server of it is built from.
//!
//! A setting of identity's own is a row, its field of [`Policy`] and the place that
//! uses it, and nothing in between: whoever starts a server passes the policy whole,
//! and the store, which every room has, keeps it.

mod mail;

use std::time::Duration;

use access::Issuer;
use boot::{Cleartext, Form, Listen, Listener, Origins, Runbook, Setting, Settings, TrustedProxies, Unset};
use jiff::SignedDuration;
use pg::Database;
use seal::MasterKey;

use crate::credential::password::{MAX_MEMORY_KIB, MAX_PASSES, PasswordCost};
use crate::credential::relying_party::{Domain, PageOrigins, RelyingParty};
use crate::credential::trusted_issuers::TrustedIssuers;
use crate::domain::limits::Limits;

pub use self::mail::{
    MAIL_FROM, MAIL_SENDER, MailFrom, MailPolicy, MailSender, PUBLIC_URL, PublicUrl, SmtpServer, SmtpTls,
};

static IDENTITY_LISTEN: Setting = Setting {
    name: "IDENTITY_LISTEN",
    form: Form::Listen,
    unset: Unset::Default("127.0.0.1:50051"),
    example: "0.0.0.0:50051",
    meaning: "Where identity listens.",
    secret: false,
};
/// The master key.
pub static FRONTDESK_MASTER_KEY: Setting = Setting {
    name: "FRONTDESK_MASTER_KEY",
    form: Form::Described(
        "32 bytes in base64 or hex; while the key is replaced, several with commas between them, of which the first seals",
    ),
    unset: Unset::Refused,
    example: "the output of `openssl rand -base64 32`",
    meaning: "Seals signing keys and the secrets of second factors, and signs refresh tokens. Of several keys the first does, and what any of them has sealed or signed is taken; `frontdesk master-key rotate` replaces one.",
    secret: true,
};
static LOGIN_LIMIT_PAIR: Setting = limit(
    "LOGIN_LIMIT_PAIR",
    "5",
    "Failed logins of one account from one address; 0 is no limit. Wrong codes of second factors in one session are limited by it, too, to ten at most.",
);
static LOGIN_LIMIT_ACCOUNT: Setting = limit(
    "LOGIN_LIMIT_ACCOUNT",
    "20",
    "Failed logins of one account from addresses that never signed in to it; 0 is no limit.",
);
static LOGIN_LIMIT_ADDRESS: Setting = limit(
    "LOGIN_LIMIT_ADDRESS",
    "100",
    "Failed logins from one address, or one IPv6 network of 64 bits; 0 is no limit.",
);
static LOGIN_LIMIT_WINDOW_MINUTES: Setting = Setting {
    name: "LOGIN_LIMIT_WINDOW_MINUTES",
    form: Form::Number { least: 1, most: 1440 },
    unset: Unset::Default("15"),
    example: "60",
    meaning: "How long failed logins count.",
    secret: false,
};
static PASSWORD_HASH_MEMORY_KIB: Setting = Setting {
    name: "PASSWORD_HASH_MEMORY_KIB",
    form: Form::Number { least: 8, most: MAX_MEMORY_KIB as i64 },
    unset: Unset::Default("19456"),
    example: "65536",
    meaning: "Memory of one password hash (argon2id); hashes of another cost are renewed at the next login.",
    secret: false,
};
static PASSWORD_HASH_PASSES: Setting = Setting {
    name: "PASSWORD_HASH_PASSES",
    form: Form::Number { least: 1, most: MAX_PASSES as i64 },
    unset: Unset::Default("2"),
    example: "3",
    meaning: "Passes of one password hash (argon2id) over its memory.",
    secret: false,
};
static SIGNING_KEY_MAX_AGE_DAYS: Setting = Setting {
    name: "SIGNING_KEY_MAX_AGE_DAYS",
    form: Form::Number { least: 1, most: 3650 },
    unset: Unset::Default("90"),
    example: "30",
    meaning: "Age at which the key that signs tokens is replaced.",
    secret: false,
};
static OPERATOR_SECOND_FACTOR: Setting = Setting {
    name: "OPERATOR_SECOND_FACTOR",
    form: Form::Word(&["optional", "required"]),
    unset: Unset::Means("optional"),
    example: "required",
    meaning: "Whether two factors are asked of people who hold scopes outside tenants, for every method that needs a scope.",
    secret: false,
};
static FACTOR_ISSUER: Setting = Setting {
    name: "FACTOR_ISSUER",
    form: Form::Text,
    unset: Unset::Default("Frontdesk"),
    example: "Alpine Stays",
    meaning: "The name of this service that apps with second factors show, and browsers where a passkey is made.",
    secret: false,
};
/// The pages that may use passkeys.
pub static PASSKEY_ORIGINS: Setting = Setting {
    name: "PASSKEY_ORIGINS",
    form: Form::Described("origins of pages as https://host or http://localhost:port, several with commas"),
    unset: Unset::Means("none: nobody has passkeys"),
    example: "https://app.example.com,https://admin.example.com",
    meaning: "Pages where users make and use passkeys (Web Authentication). Attestation is not asked for, so any make of authenticator that verifies its user is taken. Set it once every identity is of a version that knows passkeys. Without it those that were made cannot be proved, and count as second factors all the same: PASSKEYS_OFF of the runbook says what to do.",
    secret: false,
};
static PASSKEY_RP_ID: Setting = Setting {
    name: "PASSKEY_RP_ID",
    form: Form::Described("a domain"),
    unset: Unset::Means("that of PASSKEY_ORIGINS, where all have one"),
    example: "example.com",
    meaning: "The domain that passkeys are for: the pages of PASSKEY_ORIGINS are at it or below it. When it changes, no passkey of before can be proved, and each counts as a second factor all the same: PASSKEYS_OFF of the runbook says what to do.",
    secret: false,
};
static AUDIT_KEEP_DAYS: Setting = Setting {
    name: "AUDIT_KEEP_DAYS",
    form: Form::Number { least: 30, most: 36_500 },
    unset: Unset::Default("365"),
    example: "730",
    meaning: "How long audit events are kept.",
    secret: false,
};
static SESSION_KEEP_DAYS: Setting = Setting {
    name: "SESSION_KEEP_DAYS",
    form: Form::Number { least: 1, most: 36_500 },
    unset: Unset::Default("30"),
    example: "90",
    meaning: "How long sessions that are over are kept.",
    secret: false,
};
static TENANT_DELETION_DAYS: Setting = Setting {
    name: "TENANT_DELETION_DAYS",
    form: Form::Number { least: 1, most: 3650 },
    unset: Unset::Default("30"),
    example: "90",
    meaning: "How long a tenant whose deletion was asked for can be restored; it is closed meanwhile, and deleted from a day later on.",
    secret: false,
};
/// Other issuers.
pub static TRUSTED_ISSUERS: Setting = Setting {
    name: "TRUSTED_ISSUERS",
    form: Form::Described(
        "a JSON array of {\"issuer\",\"audience\",\"jwks_url\"} or {\"issuer\",\"audience\",\"hs256_secret\"}",
    ),
    unset: Unset::Means("none"),
    example: r#"[{"issuer":"https://id.example.com","audience":"frontdesk","jwks_url":"https://id.example.com/jwks.json"}]"#,
    meaning: "Other issuers whose tokens are taken, signed by ES256, ES384, RS256, RS384, RS512, PS256 or EdDSA, or by HS256 with a shared secret; a subject is the user that `frontdesk user link` says. In an entry, `max_lifetime_seconds` is how long its tokens may live (a day), a list of keys that cannot be fetched for a day is trusted no more, `platform_scopes: true` lets them carry what their users hold outside tenants, and `subjects_are_user_ids: true` makes subjects that are ids of users these users.",
    secret: true,
};

/// The role that the service runs as, whoever `DATABASE_URL` names; its tables are
/// invisible to booking.
pub const ROLE: &str = "frontdesk_identity";

/// What identity reads from its environment.
#[derive(Debug)]
pub struct Environment {
    /// Where it listens.
    pub listen: Listen,
    /// Its database.
    pub database: pg::Config,
    /// Who issues tokens, for whom.
    pub issuer: Issuer,
    /// Seals signing keys and signs refresh tokens.
    pub master_key: MasterKey,
    /// How strict it is.
    pub policy: Policy,
}

/// What a server of identity needs.
#[derive(Debug)]
pub struct Config {
    /// Where it listens.
    pub listener: Listener,
    /// Its database, as [`ROLE`].
    pub database: Database,
    /// Seals signing keys and signs refresh tokens.
    pub master_key: MasterKey,
    /// Who issues tokens, for whom.
    pub issuer: Issuer,
    /// What the database cannot say.
    pub policy: Policy,
}

/// How strict identity is.
#[derive(Debug)]
pub struct Policy {
    /// Where callers find the runbook.
    pub runbook: Runbook,
    /// Origins whose pages may call it without the gateway.
    pub pages: Origins,
    /// Limits on failed logins.
    pub limits: Limits,
    /// What a password hash costs.
    pub password_cost: PasswordCost,
    /// Age at which the active signing key is replaced.
    pub key_max_age: SignedDuration,
    /// Whether two factors are asked of people who hold scopes outside tenants.
    pub operators_need_second_factor: bool,
    /// What apps with second factors call this service.
    pub factor_issuer: String,
    /// The site of passkeys; none where nobody has them.
    pub passkeys: Option<RelyingParty>,
    /// How long audit events are kept.
    pub audit_keep: SignedDuration,
    /// How long sessions are kept after their longest life.
    pub session_keep: SignedDuration,
    /// How long a tenant that is to be deleted can be restored.
    pub tenant_wait: SignedDuration,
    /// How often tenants are looked for whose time is over; no setting.
    pub purge_every: Duration,
    /// How long after a tenant's deletion began other services are told of it; no setting.
    pub deletions_told_after: SignedDuration,
    /// How often refusals of logins that repeat are written down; no setting.
    pub repeats_every: Duration,
    /// How letters are sent; without it none are.
    pub mail: Option<MailPolicy>,
    /// Proxies that are believed about where a call comes from, the gateway among them.
    pub trusted_proxies: TrustedProxies,
    /// Other issuers whose tokens are taken.
    pub trusted_issuers: TrustedIssuers,
}

impl Environment {
    /// Reads every setting of identity.
    pub fn read(settings: &mut Settings) -> Option<Self> {
        let clear = Cleartext::read(settings);
        let listen = Listen::read(settings, &IDENTITY_LISTEN, clear);
        let database = pg::Config::read(settings);
        let issuer = Issuer::read(settings);
        let master_key = read_master_key(settings);
        let policy = Policy::read(settings);
        Some(Self {
            listen: listen?,
            database: database?,
            issuer: issuer?,
            master_key: master_key?,
            policy: policy?,
        })
    }
}

/// Reads `FRONTDESK_MASTER_KEY`.
pub fn read_master_key(settings: &mut Settings) -> Option<MasterKey> {
    settings.parsed(&FRONTDESK_MASTER_KEY)
}

/// Reads `FRONTDESK_MASTER_KEY` for a command that needs none, to know the database by it.
pub fn read_master_key_to_compare(settings: &mut Settings) -> Option<MasterKey> {
    settings.if_set_else(&FRONTDESK_MASTER_KEY, "the database is not compared with it")
}

/// Reads `PASSWORD_HASH_MEMORY_KIB` and `PASSWORD_HASH_PASSES`.
pub fn read_password_cost(settings: &mut Settings) -> Option<PasswordCost> {
    let memory_kib = settings.number(&PASSWORD_HASH_MEMORY_KIB);
    let passes = settings.number(&PASSWORD_HASH_PASSES);
    Some(PasswordCost { memory_kib: memory_kib?, passes: passes? })
}

/// Reads `PASSKEY_ORIGINS` and `PASSKEY_RP_ID`.
pub fn read_passkeys(settings: &mut Settings) -> Option<Option<RelyingParty>> {
    let origins: Option<PageOrigins> = settings.if_set(&PASSKEY_ORIGINS);
    let id: Option<Domain> = settings.if_set(&PASSKEY_RP_ID);
    let Some(origins) = origins else {
        return match id {
            Some(_) => settings.refuse_because("PASSKEY_RP_ID is set, and PASSKEY_ORIGINS is not: set both"),
            None => Some(None),
        };
    };
    match RelyingParty::of(origins, id) {
        Ok(site) => Some(Some(site)),
        Err(problem) => settings.refuse_because(problem.to_string()),
    }
}

impl Policy {
    fn read(settings: &mut Settings) -> Option<Self> {
        let runbook = Runbook::read(settings);
        let pages = Origins::read_direct(settings);
        let pair = settings.number(&LOGIN_LIMIT_PAIR);
        let account = settings.number(&LOGIN_LIMIT_ACCOUNT);
        let address = settings.number(&LOGIN_LIMIT_ADDRESS);
        let window = settings.number(&LOGIN_LIMIT_WINDOW_MINUTES);
        let password_cost = read_password_cost(settings);
        let key_days: Option<i64> = settings.number(&SIGNING_KEY_MAX_AGE_DAYS);
        let operators_need = settings.word_if_set(&OPERATOR_SECOND_FACTOR) == Some("required");
        let factor_issuer = settings.text(&FACTOR_ISSUER);
        let passkeys = read_passkeys(settings);
        let audit_days: Option<i64> = settings.number(&AUDIT_KEEP_DAYS);
        let session_days: Option<i64> = settings.number(&SESSION_KEEP_DAYS);
        let wait_days: Option<i64> = settings.number(&TENANT_DELETION_DAYS);
        let mail = MailPolicy::read(settings);
        let trusted_proxies = TrustedProxies::read(settings).inside();
        let trusted_issuers = settings.if_set(&TRUSTED_ISSUERS);
        Some(Self {
            runbook,
            pages,
            limits: Limits {
                pair: pair?,
                account: account?,
                address: address?,
                window: SignedDuration::from_mins(window?),
            },
            password_cost: password_cost?,
            key_max_age: SignedDuration::from_hours(24 * key_days?),
            operators_need_second_factor: operators_need,
            factor_issuer: factor_issuer?,
            passkeys: passkeys?,
            audit_keep: SignedDuration::from_hours(24 * audit_days?),
            session_keep: SignedDuration::from_hours(24 * session_days?),
            tenant_wait: SignedDuration::from_hours(24 * wait_days?),
            purge_every: Duration::from_mins(1),
            deletions_told_after: SignedDuration::from_hours(1),
            repeats_every: Duration::from_mins(1),
            mail,
            trusted_proxies,
            trusted_issuers: trusted_issuers.unwrap_or_default(),
        })
    }
}

impl Default for Policy {
    /// What the rows say where nothing is set.
    #[expect(clippy::expect_used, reason = "a default that its own row refuses fails every test")]
    fn default() -> Self {
        Self::read(&mut Settings::default()).expect("the rows take their defaults")
    }
}

const fn limit(name: &'static str, default: &'static str, meaning: &'static str) -> Setting {
    Setting {
        name,
        form: Form::Number { least: 0, most: 1_000_000 },
        unset: Unset::Default(default),
        example: "10",
        meaning,
        secret: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_hash_costs_what_owasp_asks_for_argon2id_at_least() {
        let PasswordCost { memory_kib, passes } = Policy::default().password_cost;
        assert!(memory_kib >= 19 * 1024 && passes >= 2, "{memory_kib} KiB, {passes} passes");
    }
}
