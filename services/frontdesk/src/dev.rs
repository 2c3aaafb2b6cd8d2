//! `frontdesk dev`: a whole system on this machine, from nothing, and
//! `frontdesk env`, which tells a shell about it.

mod banner;
mod folder;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Instant;

use boot::{Form, Log, Setting, Settings, Unset};
use clap::Args;
use devdb::{PrivateServer, ServerOptions, Tcp};
use gateway::Origins;
use identity::{MasterKey, Policy};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use self::folder::{Folder, Kept, Running};
use crate::migrate::{SETS, database_failure};
use crate::system::{Parts, System};
use crate::{Failure, demo, settings, stdout};

/// Database of the private server.
const DATABASE: &str = "frontdesk";

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

#[derive(Debug, Args)]
pub struct EnvArgs {
    /// Folder that was given to `frontdesk dev`.
    #[arg(long, default_value = ".frontdesk")]
    data_dir: PathBuf,
}

/// `frontdesk env` exports the database that it exports as `DATABASE_URL` under
/// this name too, so that the next `frontdesk dev` of that shell is not sent to it.
pub static FRONTDESK_DEV_DATABASE: Setting = Setting {
    name: "FRONTDESK_DEV_DATABASE",
    form: Form::Text,
    unset: Unset::Means("none"),
    example: "postgresql:///frontdesk?host=/tmp/frontdesk",
    meaning: "Written by `frontdesk env`: the same text in DATABASE_URL does not name a server for `frontdesk dev` to use.",
    secret: true,
};

/// What `frontdesk dev` reads from its environment.
pub struct Environment {
    log: Log,
    origins: Origins,
    /// A server to use instead of a private one.
    database_url: Option<String>,
}

impl Environment {
    pub fn read(settings: &mut Settings) -> Option<Self> {
        let log = Log::read(settings);
        let origins = Origins::read(settings);
        let database_url = pg::read_url_if_set(settings);
        let exported: Option<String> = settings.if_set(&FRONTDESK_DEV_DATABASE);
        // The private server reads it again when it looks for its programs.
        devdb::read(settings);
        let database_url = database_url.filter(|url| exported.as_ref() != Some(url));
        Some(Self { log: log?, origins: origins?, database_url })
    }
}

/// The database of a run.
enum Postgres {
    Private { server: PrivateServer, options: ServerOptions, url: String },
    Given { url: String },
}

pub async fn run(args: DevArgs) -> Result<(), Failure> {
    let started = Instant::now();
    let Environment { log, origins, database_url } = settings::read(Environment::read)?;
    log.start();
    let stop = boot::on_signal().map_err(Failure::new)?;
    let folder = Folder::open(&args.data_dir, args.ephemeral)?;
    // Of a run that was killed: `frontdesk env` waits for this one's.
    folder.remove_running();
    let mut kept = match folder.kept() {
        // They cannot be read: that is what the reset is for.
        Err(_) if args.reset => Kept::default(),
        kept => kept?,
    };
    let given = given_database(database_url, &folder, &kept)?;
    if args.reset && given.is_some() {
        return Err(Failure::new(
            "--reset deletes the data of the private server only, and DATABASE_URL names another one: unset it, or empty that database yourself",
        ));
    }
    for (name, addr) in
        [("--gateway", args.gateway), ("--identity", args.identity), ("--booking", args.booking)]
    {
        if !addr.ip().is_loopback() {
            tracing::warn!(%addr, "{name} can be reached from outside, and the demo's password is public");
        }
    }

    if args.reset {
        folder.reset()?;
        kept = folder.kept()?;
    }
    let gateway = bind(args.gateway, "--gateway").await?;
    let identity = bind(args.identity, "--identity").await?;
    let booking = bind(args.booking, "--booking").await?;

    let tcp = args.postgres.map(|addr| Tcp { addr, password: kept.postgres.clone() });
    let mut postgres = Postgres::start(given, &folder, args.ephemeral, tcp).await?;
    let url = postgres.url().to_owned();
    let applied = pg::migrate::up(&url, &SETS).await.map_err(|error| database_failure(&url, error))?;
    demo::seed(&url).await?;
    if !demo::knows_api_key(&url, &kept.tenant_api).await? {
        kept.tenant_api = demo::create_api_key(&url, demo::TENANT).await?;
        folder.write_kept(&kept)?;
    }
    let master_key = MasterKey::from_text(&kept.master).map_err(Failure::new)?;
    let parts = Parts {
        database_url: url.clone(),
        master_key,
        identity,
        booking,
        gateway,
        origins,
        policy: Policy::default(),
        anon_key: kept.publishable.clone(),
    };
    let mut system = System::start(parts).await.map_err(|failure| {
        Failure::new(format!("{failure}; if the data cannot be used any more, start over with --reset"))
    })?;

    let running = Running {
        pid: std::process::id(),
        gateway: system.gateway,
        identity: system.identity,
        booking: system.booking,
        database_url: postgres.public_url(),
        secrets: kept,
    };
    folder.write_running(&running)?;
    let banner = banner::ready(&running, folder.shown(), postgres.kept(), applied.len(), started.elapsed());
    if let Err(failure) = stdout::text_as_it_is(banner) {
        tracing::warn!(%failure, "nobody reads what was started");
    }

    let result = tokio::select! {
        () = stop.cancelled() => Ok(()),
        result = system.ended() => Err(result.err().unwrap_or_else(|| Failure::new("a server ended by itself"))),
        failure = postgres.watch(&stop) => Err(failure),
    };
    folder.remove_running();
    system.stop().await?;
    postgres.stop();
    result
}

/// Prints `export` lines of a running system, waiting for one that starts.
pub async fn print_env(args: &EnvArgs) -> Result<(), Failure> {
    let running = folder::read_running(&args.data_dir).await?;
    stdout::text_as_it_is(banner::exports(&running))
}

impl Postgres {
    async fn start(
        given: Option<String>,
        folder: &Folder,
        ephemeral: bool,
        tcp: Option<Tcp>,
    ) -> Result<Self, Failure> {
        if let Some(url) = given {
            pg::connect(&url).await.map_err(|fault| database_failure(&url, fault))?;
            return Ok(Self::Given { url });
        }
        let options = ServerOptions { dir: folder.postgres_dir()?, ephemeral, durable: true, tcp };
        let server = PrivateServer::start(options.clone()).await.map_err(Failure::new)?;
        create_database(&server).await?;
        Ok(Self::Private { url: server.url(DATABASE), server, options })
    }

    fn url(&self) -> &str {
        match self {
            Self::Private { url, .. } | Self::Given { url } => url,
        }
    }

    /// What users connect with.
    fn public_url(&self) -> String {
        match self {
            Self::Private { server, url, .. } => server.tcp_url(DATABASE).unwrap_or_else(|| url.clone()),
            Self::Given { url } => url.clone(),
        }
    }

    /// Where the data are, if they are ours.
    fn kept(&self) -> Option<&Path> {
        match self {
            Self::Private { options, .. } => Some(&options.dir),
            Self::Given { .. } => None,
        }
    }

    /// Starts the private server again when it ends; returns when it cannot.
    async fn watch(&mut self, stop: &CancellationToken) -> Failure {
        let Self::Private { server, options, .. } = self else { return std::future::pending().await };
        loop {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            if stop.is_cancelled() || !server.has_ended() {
                continue;
            }
            tracing::warn!(log = %options.dir.join("postgres.log").display(), "postgres ended by itself and is started again");
            match PrivateServer::start(options.clone()).await {
                Ok(again) => *server = again,
                Err(error) => return Failure::new(error),
            }
        }
    }

    fn stop(self) {
        if let Self::Private { server, .. } = self {
            server.stop();
        }
    }
}

/// The server that `DATABASE_URL` names, unless that is the private one of this
/// folder, which is ours to start.
fn given_database(given: Option<String>, folder: &Folder, kept: &Kept) -> Result<Option<String>, Failure> {
    let own = devdb::url(&folder.postgres_dir()?, DATABASE);
    let is_own =
        |url: &String| url.starts_with(&own) || !kept.postgres.is_empty() && url.contains(&kept.postgres);
    Ok(given.filter(|url| !is_own(url)))
}

fn port_given(text: &str) -> Result<SocketAddr, String> {
    let addr: SocketAddr = text.parse().map_err(|error| format!("{error}"))?;
    if addr.port() == 0 { Err("Postgres needs a port, not 0".to_owned()) } else { Ok(addr) }
}

async fn bind(addr: SocketAddr, flag: &str) -> Result<TcpListener, Failure> {
    boot::bind(addr).await.map_err(|error| Failure::new(format!("{error}; {flag} sets the address")))
}

async fn create_database(server: &PrivateServer) -> Result<(), Failure> {
    let url = server.url("postgres");
    let client = pg::connect(&url).await.map_err(|fault| database_failure(&url, fault))?;
    let failed = |error| database_failure(&url, pg::Fault::from(error));
    let found =
        client.query("select from pg_database where datname = $1", &[&DATABASE]).await.map_err(failed)?;
    if found.is_empty() {
        client.batch_execute(&format!("create database {DATABASE}")).await.map_err(failed)?;
    }
    Ok(())
}

/// Whether postgres could keep its data there.
fn can_host(dir: &Path) -> Result<bool, Failure> {
    devdb::can_host(dir).map_err(Failure::new)
}
