//! The parameters of a connection string: those that are heeded, those that change nothing
//! here, and those that are refused, each by its name. A refusal says what to do instead.

use std::collections::BTreeMap;

use super::text::Pairs;

/// What becomes of a parameter.
enum Use {
    Heeded,
    /// Any value means what is done anyway.
    Idle,
    /// These values mean what is done anyway; for others, why not.
    Only(&'static [&'static str], &'static str),
    /// Why not.
    Refused(&'static str),
}

const NO_GSS: &str = "Kerberos is not spoken here: use TLS and a password or a certificate";
const NO_OAUTH: &str = "signing in by OAuth is not spoken here: use a password or a certificate";
const OTHER_PROGRAM: &str = "is not libpq's: leave it out. How many connections are opened is DATABASE_POOL_SIZE, and poolers are recognised";

/// libpq's (PostgreSQL 18, 32.1.2), and below them those that other programs put into
/// addresses that are copied to us.
static PARAMETERS: &[(&str, Use)] = &[
    ("application_name", Use::Heeded),
    ("channel_binding", Use::Heeded),
    ("client_encoding", Use::Only(&["UTF8", "UTF-8", "utf8", "utf-8", "auto"], "texts travel in UTF-8")),
    ("connect_timeout", Use::Heeded),
    ("dbname", Use::Heeded),
    ("fallback_application_name", Use::Heeded),
    ("gssdelegation", Use::Only(&["0"], NO_GSS)),
    ("gssencmode", Use::Only(&["disable", "prefer"], NO_GSS)),
    ("gsslib", Use::Idle),
    ("host", Use::Heeded),
    ("hostaddr", Use::Heeded),
    ("keepalives", Use::Heeded),
    ("keepalives_count", Use::Heeded),
    ("keepalives_idle", Use::Heeded),
    ("keepalives_interval", Use::Heeded),
    ("krbsrvname", Use::Idle),
    ("load_balance_hosts", Use::Heeded),
    ("max_protocol_version", Use::Idle),
    ("min_protocol_version", Use::Only(&["3.0"], "version 3.0 of the protocol is spoken here")),
    ("oauth_client_id", Use::Refused(NO_OAUTH)),
    ("oauth_client_secret", Use::Refused(NO_OAUTH)),
    ("oauth_issuer", Use::Refused(NO_OAUTH)),
    ("oauth_scope", Use::Refused(NO_OAUTH)),
    ("options", Use::Heeded),
    (
        "passfile",
        Use::Refused(
            "is not read: put the address with its password into a file and name that in DATABASE_URL_FILE",
        ),
    ),
    ("password", Use::Heeded),
    ("port", Use::Heeded),
    ("replication", Use::Only(&["0", "false", "off", "no"], "a session for replication runs no statements")),
    (
        "require_auth",
        Use::Refused("is not looked at: channel_binding=require takes nothing but SCRAM over TLS"),
    ),
    ("requirepeer", Use::Refused("is not looked at: close the folder of the socket to others instead")),
    ("requiressl", Use::Only(&["0"], "write sslmode=require")),
    ("scram_client_key", Use::Refused("is not taken: give the password")),
    ("scram_server_key", Use::Refused("is not taken: give the password")),
    ("service", Use::Refused("is not looked up: write out what the service file has")),
    ("servicefile", Use::Refused("is not read: write out what it has")),
    ("ssl_max_protocol_version", Use::Heeded),
    ("ssl_min_protocol_version", Use::Heeded),
    ("sslcert", Use::Heeded),
    (
        "sslcertmode",
        Use::Only(
            &["allow", "disable"],
            "a certificate is shown when the server asks for one: have pg_hba.conf ask with clientcert=verify-full",
        ),
    ),
    ("sslcompression", Use::Only(&["0"], "TLS does not compress here, since that gives secrets away")),
    ("sslcrl", Use::Heeded),
    ("sslcrldir", Use::Refused("is not read: name a file in sslcrl")),
    ("sslkey", Use::Heeded),
    ("sslkeylogfile", Use::Refused("is not written: it would give away every secret")),
    ("sslmode", Use::Heeded),
    ("sslnegotiation", Use::Heeded),
    (
        "sslpassword",
        Use::Refused("is not taken: keep the key in a file without a password that only this user can read"),
    ),
    ("sslrootcert", Use::Heeded),
    ("sslsni", Use::Only(&["0", "1"], "takes 0 or 1")),
    ("target_session_attrs", Use::Heeded),
    ("tcp_user_timeout", Use::Heeded),
    ("user", Use::Heeded),
    ("connection_limit", Use::Refused(OTHER_PROGRAM)),
    (
        "currentSchema",
        Use::Refused("is not libpq's: leave it out. Tables are in the schemas `public` and `identity`"),
    ),
    ("pgbouncer", Use::Refused(OTHER_PROGRAM)),
    ("pool_timeout", Use::Refused(OTHER_PROGRAM)),
    (
        "schema",
        Use::Refused("is not libpq's: leave it out. Tables are in the schemas `public` and `identity`"),
    ),
    ("ssl", Use::Refused("is JDBC's: write sslmode=require, or ssl=true")),
    ("statement_cache_size", Use::Refused(OTHER_PROGRAM)),
];

/// Parameters that are known and may be heeded, by name.
pub(super) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// Checks every parameter. One without a value counts as not given.
    pub(super) fn of(pairs: Pairs) -> Result<Self, String> {
        let mut given = BTreeMap::new();
        for (name, value) in pairs {
            let Some((_, use_)) = PARAMETERS.iter().find(|(known, _)| *known == name) else {
                return Err(format!("`{name}` is not a parameter of a connection string"));
            };
            match use_ {
                _ if value.is_empty() => drop(given.remove(&name)),
                Use::Heeded => drop(given.insert(name, value)),
                Use::Idle => {}
                Use::Only(values, _) if values.contains(&value.as_str()) => drop(given.insert(name, value)),
                Use::Only(values, why) => {
                    return Err(format!("`{name}` takes {}: {why}", values.join(", ")));
                }
                Use::Refused(why) => return Err(format!("`{name}` {why}")),
            }
        }
        Ok(Self(given))
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// One of these words.
    pub(super) fn word(&self, name: &str, words: &[&'static str]) -> Result<Option<&str>, String> {
        match self.text(name) {
            Some(word) if !words.contains(&word) => Err(format!("`{name}` takes {}", words.join(", "))),
            word => Ok(word),
        }
    }

    /// Texts with commas between them.
    pub(super) fn list(&self, name: &str) -> Vec<&str> {
        self.text(name).map_or_else(Vec::new, |list| list.split(',').map(str::trim).collect())
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<i64>, String> {
        let read = |text: &str| text.trim().parse().map_err(|_| format!("`{name}` takes a whole number"));
        self.text(name).map(read).transpose()
    }

    /// A number above 0; libpq takes 0 for "as the system does it", which here is unset.
    pub(super) fn positive(&self, name: &str) -> Result<Option<u64>, String> {
        Ok(self.number(name)?.and_then(|number| u64::try_from(number).ok()).filter(|number| *number > 0))
    }
}
