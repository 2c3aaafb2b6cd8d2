//! Where the database is and how it is reached, as a connection string says it: every
//! parameter of libpq (PostgreSQL 18, 32.1.2) is heeded, has no effect here, or is refused
//! by its name. Opening connections is `connect.rs`; what TLS means is `tls.rs`.
//!
//! Two defaults are not libpq's. Beyond this machine a connection without `sslmode` is
//! encrypted or not made, since a password and everything read would cross the network for
//! all to see; `sslmode=disable`, `allow` and `prefer` say that this is meant. And of
//! several hosts without `target_session_attrs` a primary is looked for first, since
//! whatever this program does needs one.

mod parameters;
mod text;

use std::net::IpAddr;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use tokio_postgres::config::{ChannelBinding, Config, SslMode, SslNegotiation};

use self::parameters::Parameters;
use crate::tls::{Identity, Roots, Tls};

/// How long one host may take to let a connection in.
const PATIENCE: Duration = Duration::from_secs(2);
/// Where servers have their sockets by default.
const SOCKET_FOLDERS: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// A database's address.
#[derive(Debug, Clone)]
pub struct Address {
    /// At least one.
    pub(crate) hosts: Vec<Host>,
    pub(crate) target: TargetServer,
    /// Whether the order of the hosts is by chance.
    pub(crate) is_shuffled: bool,
    pub(crate) patience: Duration,
    pub(crate) tls: Tls,
}

/// One of the places where it may be.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    /// As the connection string has it, with the port.
    pub name: String,
    /// Of this host alone.
    pub config: Config,
    pub security: Security,
}

/// Which kinds of connection are tried with a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Security {
    Plain,
    /// With TLS if the server refuses one without.
    PlainOrTls,
    /// Without TLS if the server has none or refuses it.
    TlsOrPlain,
    Tls,
}

/// Which server a connection is for: `target_session_attrs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TargetServer {
    Any,
    /// A standby only when no primary answers: reads go on while a standby is promoted.
    PrimaryFirst,
    Primary,
}

impl Address {
    /// A port of one place, for messages: `host:port` of each, without what is secret.
    pub fn hosts(&self) -> String {
        self.hosts.iter().map(|host| host.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// The database's name, if one is given.
    pub fn database(&self) -> Option<&str> {
        self.hosts.first().and_then(|host| host.config.get_dbname())
    }

    /// The same address for a program of this name.
    pub(crate) fn named(mut self, application_name: &str) -> Self {
        for host in &mut self.hosts {
            host.config.application_name(application_name);
        }
        self
    }
}

impl FromStr for Address {
    type Err = String;

    /// The error is a sentence without anything that may be a secret.
    fn from_str(text: &str) -> Result<Self, String> {
        read(text.trim()).map_err(|problem| format!("DATABASE_URL cannot be used: {problem}"))
    }
}

fn read(text: &str) -> Result<Address, String> {
    let given = Parameters::of(text::pairs(text)?)?;
    let tls = tls(&given)?;
    let patience = match given.number("connect_timeout")? {
        // libpq waits without an end for these, and at least two seconds.
        Some(seconds) if seconds > 0 => Duration::from_secs(seconds.unsigned_abs().max(2)),
        _ => PATIENCE,
    };
    let mut common = common(&given)?;
    common.connect_timeout(patience);
    let hosts = hosts(&given, &common, tls.verifies_names())?;
    let target = match given.text("target_session_attrs") {
        None => TargetServer::PrimaryFirst,
        Some("any") => TargetServer::Any,
        Some("read-write" | "primary") => TargetServer::Primary,
        Some(_) => return Err("target_session_attrs takes read-write, primary or any: Frontdesk changes rows, which a standby does not take".to_owned()),
    };
    let is_shuffled = given.word("load_balance_hosts", &["disable", "random"])? == Some("random");
    Ok(Address { hosts, target, is_shuffled, patience, tls })
}

/// What is the same for all hosts.
fn common(given: &Parameters) -> Result<Config, String> {
    let mut config = Config::new();
    if let Some(user) = given.text("user") {
        config.user(user);
    }
    if let Some(password) = given.text("password") {
        config.password(password);
    }
    if let Some(database) = given.text("dbname") {
        config.dbname(database);
    }
    if let Some(options) = given.text("options") {
        config.options(options);
    }
    if let Some(name) = given.text("application_name").or(given.text("fallback_application_name")) {
        config.application_name(name);
    }
    config.channel_binding(match given.word("channel_binding", &["disable", "prefer", "require"])? {
        Some("disable") => ChannelBinding::Disable,
        Some("require") => ChannelBinding::Require,
        _ => ChannelBinding::Prefer,
    });
    config.keepalives(given.number("keepalives")? != Some(0));
    // A server that is cut off without a word: idle connections to it are found out by
    // probes, and those with something under way by what is not acknowledged.
    let seconds = |name, unset| -> Result<Duration, String> {
        Ok(Duration::from_secs(given.positive(name)?.unwrap_or(unset)))
    };
    config.keepalives_idle(seconds("keepalives_idle", 15)?);
    config.keepalives_interval(seconds("keepalives_interval", 5)?);
    let probes = given.positive("keepalives_count")?.unwrap_or(3);
    config.keepalives_retries(u32::try_from(probes).unwrap_or(u32::MAX));
    config.tcp_user_timeout(Duration::from_millis(given.positive("tcp_user_timeout")?.unwrap_or(10_000)));
    Ok(config)
}

fn tls(given: &Parameters) -> Result<Tls, String> {
    let mode = given.text("sslmode");
    let roots = match given.text("sslrootcert") {
        None => Roots::None,
        Some("system") => Roots::System,
        Some(file) => Roots::File(file.into()),
    };
    let verifies_names = match (mode, &roots) {
        (Some("verify-full") | None, Roots::System) => true,
        (Some(_), Roots::System) => {
            return Err("sslrootcert=system goes with sslmode=verify-full only: anybody can get a certificate for some name".to_owned());
        }
        (Some("verify-ca" | "verify-full"), Roots::None) => {
            return Err("sslmode=verify-ca and verify-full need sslrootcert, a file of the authorities to believe (verify-full takes sslrootcert=system, too)".to_owned());
        }
        (mode, _) => mode == Some("verify-full"),
    };
    let identity = match (given.text("sslcert"), given.text("sslkey")) {
        (Some(certificate), Some(key)) => Some(Identity { certificate: certificate.into(), key: key.into() }),
        (None, None) => None,
        _ => {
            return Err(
                "sslcert and sslkey go together: the certificate that is shown, and its key".to_owned()
            );
        }
    };
    let identity = identity.filter(|_| given.text("sslcertmode") != Some("disable"));
    let tls = Tls::new(roots, verifies_names, identity)
        .with_revoked(given.text("sslcrl").map(Path::new))
        .with_versions(given.text("ssl_min_protocol_version"), given.text("ssl_max_protocol_version"))?
        .with_server_name_sent(given.text("sslsni") != Some("0"));
    tls.check()?;
    Ok(tls)
}

fn hosts(given: &Parameters, common: &Config, verifies_names: bool) -> Result<Vec<Host>, String> {
    let modes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];
    let mode = given.word("sslmode", &modes)?.or(verifies_names.then_some("verify-full"));
    let is_direct = given.word("sslnegotiation", &["postgres", "direct"])? == Some("direct");
    if is_direct && !matches!(mode, Some("require" | "verify-ca" | "verify-full")) {
        return Err("sslnegotiation=direct goes with sslmode=require, verify-ca or verify-full".to_owned());
    }
    let (names, addresses, ports) = (given.list("host"), given.list("hostaddr"), given.list("port"));
    let count = names.len().max(addresses.len()).max(1);
    for (name, list) in [("host", &names), ("hostaddr", &addresses), ("port", &ports)] {
        let is_one_for_all = list.is_empty() || name == "port" && list.len() == 1;
        if !is_one_for_all && list.len() != count {
            return Err(format!("{name} has {} values for {count} hosts", list.len()));
        }
    }
    let at = |list: &[&str], place: usize| list.get(place).copied().unwrap_or_default().to_owned();
    (0..count)
        .map(|place| {
            let port = at(&ports, if ports.len() == 1 { 0 } else { place });
            let mut config = common.clone();
            let port = port_number(&port)?;
            let (name, address) = (at(&names, place), at(&addresses, place));
            let is_near = put(&mut config, &name, &address)?;
            config.port(port);
            let is_socket = name.starts_with('/') || (name.is_empty() && address.is_empty());
            let security = match mode {
                _ if is_socket => Security::Plain,
                Some("disable") => Security::Plain,
                Some("allow") => Security::PlainOrTls,
                Some("prefer") => Security::TlsOrPlain,
                None if is_near => Security::TlsOrPlain,
                None | Some(_) => Security::Tls,
            };
            if is_direct {
                config.ssl_negotiation(SslNegotiation::Direct);
            }
            config.ssl_mode(SslMode::Disable);
            let shown = if name.is_empty() { address } else { name };
            Ok(Host { name: format!("{shown}:{port}"), config, security })
        })
        .collect()
}

/// Puts a host into a configuration, and says whether it is on this machine.
fn put(config: &mut Config, name: &str, address: &str) -> Result<bool, String> {
    if !address.is_empty() {
        let address: IpAddr =
            address.parse().map_err(|_| "hostaddr takes IP addresses, several with commas".to_owned())?;
        // The driver wants the name that a certificate is to have.
        config.host(if name.is_empty() { address.to_string() } else { name.to_owned() });
        config.hostaddr(address);
        return Ok(address.is_loopback());
    }
    if name.is_empty() {
        let folder = SOCKET_FOLDERS.iter().find(|folder| Path::new(folder).is_dir()).unwrap_or(&"/tmp");
        config.host_path(folder);
        return Ok(true);
    }
    if name.starts_with('@') {
        return Err("host cannot be an abstract socket: name the folder of the server's socket".to_owned());
    }
    config.host(name);
    let is_loopback = name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    Ok(name.starts_with('/') || is_loopback || name.eq_ignore_ascii_case("localhost"))
}

fn port_number(port: &str) -> Result<u16, String> {
    match port.trim() {
        "" => Ok(5432),
        port => port
            .parse()
            .ok()
            .filter(|port| *port > 0)
            .ok_or_else(|| "port takes numbers from 1 to 65535".to_owned()),
    }
}

#[cfg(test)]
mod tests;
