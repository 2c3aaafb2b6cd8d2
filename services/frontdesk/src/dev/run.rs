//! `frontdesk dev` from its start to its end.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Instant;

use access::Issuer;
use boot::{Runbook, Stop, StopPolicy, TrustedProxies};
use clap::Args;
use devdb::Tcp;
use identity::{MailPolicy, MasterKey, RelyingParty};
use tokio::net::TcpListener;

use super::environment::{Environment, Trusted};
use super::folder::{Folder, Running, Secrets};
use super::postgres::{Postgres, given};
use super::{address, banner, demo};
use crate::migrate::{SETS, database_failure};
use crate::run::operator_port;
use crate::settings::Source;
use crate::system::{Calls, Parts, Policies, System};
use crate::{Failure, stdout};

#[derive(Debug, Args)]
pub struct DevArgs {
    /// Folder for the data, kept between starts.
    #[arg(long, default_value = ".frontdesk")]
    data_dir: PathBuf,
    /// Deletes the data first.
    #[arg(long, conflicts_with = "ephemeral")]
    reset: bool,
    /// Keeps nothing: the data are deleted at the end.
    #[arg(long)]
    ephemeral: bool,
    /// Where the gateway listens; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8080")]
    gateway: SocketAddr,
    /// Where identity listens.
    #[arg(long, default_value = "127.0.0.1:50051")]
    identity: SocketAddr,
    /// Where booking listens.
    #[arg(long, default_value = "127.0.0.1:50052")]
    booking: SocketAddr,
    /// Lets Postgres listen on TCP too, with a password, for tools that cannot
    /// use its socket; for example 127.0.0.1:54322.
    #[arg(long, value_parser = port_given)]
    postgres: Option<SocketAddr>,
}

/// The addresses that are taken before anything is started.
struct Listeners {
    gateway: TcpListener,
    identity: TcpListener,
    booking: TcpListener,
}

/// Starts everything and stops it at a signal.
pub async fn run(source: &Source, args: DevArgs) -> Result<(), Failure> {
    let started = Instant::now();
    let Environment { log, traces, trusted, mail, admin, database_url, programs, in_force } =
        source.read(Environment::read)?;
    log.for_people().start().map_err(Failure::new)?;
    traces.start("frontdesk").map_err(Failure::new)?;
    let stop = Stop::on_signal(StopPolicy::AT_ONCE).map_err(Failure::new)?;
    let folder = Folder::open(&args.data_dir, args.ephemeral)?;
    // Of a run that was killed: `frontdesk env` waits for this one's.
    folder.remove_running();
    let (mut secrets, database_url) = secrets(&args, &folder, database_url)?;
    warn_of_outside(&args);
    let listeners = Listeners::bind(&args).await?;
    let operators = match admin {
        Some(addr) => Some(operator_port(addr).await?),
        None => None,
    };

    let tcp = args.postgres.map(|addr| Tcp { addr, password: secrets.postgres.clone() });
    let mut postgres = Postgres::start(database_url, &folder, args.ephemeral, tcp, programs).await?;
    let migrated = fill(postgres.url(), &folder, &mut secrets).await?;
    let gateway_url = address::url(listeners.gateway.local_addr().map_err(Failure::new)?).await;
    let links = gateway_url.parse().map_err(Failure::new)?;
    let mail = MailPolicy::for_dev(mail.0, mail.1, links, folder.mail_dir());
    let mail_dir = mail.folder().map(Path::to_owned);
    let mut system = start(postgres.url(), &gateway_url, &secrets, (trusted, mail), listeners).await?;
    if let Some(listener) = operators {
        system.answer_operators(listener, in_force);
    }

    let running = Running {
        pid: std::process::id(),
        gateway_url,
        identity: system.identity,
        booking: system.booking,
        database_url: postgres.public_url(),
        database_is_private: postgres.kept().is_some(),
        secrets,
    };
    folder.write_running(&running)?;
    let folders =
        banner::Folders { data: folder.shown(), postgres: postgres.kept(), mail: mail_dir.as_deref() };
    let banner = banner::ready(&running, folders, migrated, started.elapsed());
    if let Err(failure) = stdout::text_as_it_is(banner) {
        tracing::warn!(%failure, "nobody reads what was started");
    }

    let result = tokio::select! {
        () = stop.leaving().cancelled() => Ok(()),
        result = system.ended() => Err(result.err().unwrap_or_else(|| Failure::new("a server ended by itself"))),
        failure = postgres.watch(stop.leaving()) => Err(failure),
    };
    folder.remove_running();
    folder.remove_letters_of_ephemeral();
    system.stop().await?;
    boot::Traces::send().await;
    postgres.stop();
    result
}

/// The secrets of the folder, which a reset replaces, and the server that is
/// used instead of a private one.
fn secrets(
    args: &DevArgs,
    folder: &Folder,
    database_url: Option<String>,
) -> Result<(Secrets, Option<String>), Failure> {
    // A reset is refused while another server is named.
    let start_over = if database_url.is_some() { "--reset and without DATABASE_URL" } else { "--reset" };
    let secrets = match folder.secrets(start_over) {
        // They cannot be read: that is what the reset is for.
        Err(_) if args.reset => Secrets::default(),
        secrets => secrets?,
    };
    let given = given(database_url, folder, &secrets)?;
    if !args.reset {
        return Ok((secrets, given));
    }
    if given.is_some() {
        return Err(Failure::new(
            "--reset deletes the data of the private server only, and DATABASE_URL names another one: unset it, or empty that database yourself",
        ));
    }
    folder.reset()?;
    Ok((folder.secrets(start_over)?, None))
}

/// Migrates the database and stores the demo, unless it was made under another master key;
/// says how many migrations were new.
async fn fill(url: &str, folder: &Folder, secrets: &mut Secrets) -> Result<usize, Failure> {
    let applied = pg::migrate::up(url, &SETS).await.map_err(|error| database_failure(url, error))?;
    let master_key = MasterKey::from_text(&secrets.master).map_err(Failure::new)?;
    demo::compare_master_key(url, &master_key).await.map_err(|failure| {
        Failure::new(format!(
            "{failure}; the key of `frontdesk dev` is in {}: put back the one that the database was made with, start over with --reset, or name another folder with --data-dir",
            folder.shown().join("secrets.json").display()
        ))
    })?;
    demo::seed(url).await?;
    if !demo::knows_api_key(url, &secrets.tenant_api).await? {
        secrets.tenant_api = demo::create_api_key(url, demo::TENANT).await?;
        folder.write_secrets(secrets)?;
    }
    Ok(applied.len())
}

async fn start(
    url: &str,
    gateway_url: &str,
    secrets: &Secrets,
    (trusted, mail): (Trusted, MailPolicy),
    listeners: Listeners,
) -> Result<System, Failure> {
    let anon_key = Some(secrets.publishable.clone());
    let runbook: Runbook = format!("{gateway_url}{}", Runbook::PATH).parse().map_err(Failure::new)?;
    let Trusted { origins, direct, hosts, proxies, issuers, passkeys } = trusted;
    // Pages of this gateway, where nobody says which; none at an address, which no browser takes.
    let passkeys = passkeys.or_else(|| RelyingParty::of(gateway_url.parse().ok()?, None).ok());
    // Whoever comes by another name to where nobody else can is a page whose name leads here.
    let here = listeners.gateway.local_addr().map_err(Failure::new)?.ip().is_loopback();
    let hosts = if here { hosts.alone() } else { hosts };
    let policies = Policies {
        issuer: Issuer { issuer: gateway_url.to_owned(), ..Issuer::default() },
        identity: identity::Policy {
            runbook: runbook.clone(),
            pages: direct.clone(),
            // A gateway that somebody is working on may be put before it.
            trusted_proxies: proxies.clone().and(TrustedProxies::loopback()),
            trusted_issuers: issuers,
            passkeys,
            mail: Some(mail),
            ..identity::Policy::default()
        },
        booking: booking::Policy {
            runbook: runbook.clone(),
            pages: direct,
            proxy_header: proxies.header(),
            ..booking::Policy::default()
        },
        gateway: gateway::Policy {
            runbook,
            origins,
            hosts,
            anon_key,
            trusted_proxies: proxies,
            ..gateway::Policy::default()
        },
    };
    let parts = Parts {
        database: pg::Config { url: url.to_owned(), pool_size: pg::Config::DEFAULT_POOL_SIZE },
        master_key: MasterKey::from_text(&secrets.master).map_err(Failure::new)?,
        identity: listeners.identity.into(),
        booking: listeners.booking.into(),
        gateway: listeners.gateway.into(),
        policies,
        calls: Calls::InProcess,
        stop: StopPolicy::AT_ONCE,
    };
    System::start(parts).await.map_err(|failure| {
        Failure::new(format!("{failure}; if the data cannot be used any more, start over with --reset"))
    })
}

fn warn_of_outside(args: &DevArgs) {
    for (name, addr) in
        [("--gateway", args.gateway), ("--identity", args.identity), ("--booking", args.booking)]
    {
        if !addr.ip().is_loopback() {
            tracing::warn!(%addr, "{name} can be reached from outside, and the demo's password is public");
        }
    }
}

impl Listeners {
    async fn bind(args: &DevArgs) -> Result<Self, Failure> {
        Ok(Self {
            gateway: bind(args.gateway, "--gateway").await?,
            identity: bind(args.identity, "--identity").await?,
            booking: bind(args.booking, "--booking").await?,
        })
    }
}

async fn bind(addr: SocketAddr, flag: &str) -> Result<TcpListener, Failure> {
    boot::bind(addr).await.map_err(|error| Failure::new(format!("{error}; {flag} sets the address")))
}

fn port_given(text: &str) -> Result<SocketAddr, String> {
    let addr: SocketAddr = text.parse().map_err(|error| format!("{error}"))?;
    if addr.port() == 0 { Err("Postgres needs a port, not 0".to_owned()) } else { Ok(addr) }
}
