//! A running server: its start, its addresses, its end.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pg::Fault;

use crate::folder::{init, last_lines, prepare_dir, url};
use crate::guard::Guard;
use crate::programs::{Programs, check_version};
use crate::user::run_as;
use crate::{MAX_SOCKET_DIR, OWNER, ServerError};

/// How long a server may take to leave when it or its guard was killed: what is left of the
/// guard asks it for ten seconds, and then the server gives its sessions five.
const LEAVING: Duration = Duration::from_secs(25);

/// How to run a private server.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Folder for the data and the socket; made when missing.
    pub dir: PathBuf,
    /// Remove the folder when the server stops.
    pub ephemeral: bool,
    /// Wait for the disk at each commit. Only tests that crash the server need it.
    pub durable: bool,
    /// Listen on TCP too, for tools that cannot use the socket.
    pub tcp: Option<Tcp>,
    /// Where the server's programs are.
    pub programs: Programs,
}

/// A TCP address of a private server. Other users of the machine can reach it,
/// so it takes a password, unlike the socket, whose folder is closed to them.
#[derive(Debug, Clone)]
pub struct Tcp {
    /// Where to listen.
    pub addr: SocketAddr,
    /// The owner's password: letters, digits, `-` and `_`.
    pub password: String,
}

/// A running private server. Dropping it stops the server, and removes the folder of
/// an ephemeral one.
#[derive(Debug)]
pub struct PrivateServer {
    dir: PathBuf,
    options: ServerOptions,
    /// Present until the server is stopped.
    guard: Option<Guard>,
}

impl PrivateServer {
    /// Starts a server, initialising its data when there are none, and returns
    /// once it takes connections.
    pub async fn start(options: ServerOptions) -> Result<Self, ServerError> {
        let dir =
            std::path::absolute(&options.dir).map_err(|error| ServerError::file(&options.dir, error))?;
        let mut server = Self { dir, options, guard: None };
        server.run().await?;
        Ok(server)
    }

    /// Starts a server that ended by itself again, with the data that it has.
    pub async fn start_again(&mut self) -> Result<(), ServerError> {
        // Its sessions may still be leaving, and keep what they share with it.
        let until = Instant::now() + LEAVING;
        loop {
            self.guard = None;
            match self.run().await {
                Err(ServerError::Failed { .. }) if Instant::now() < until => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                result => return result,
            }
        }
    }

    async fn run(&mut self) -> Result<(), ServerError> {
        let (dir, options) = (self.dir.clone(), self.options.clone());
        let guard = tokio::task::spawn_blocking(move || spawn(&dir, &options))
            .await
            .map_err(|error| ServerError::Failed { program: "launcher", output: error.to_string() })??;
        self.guard = Some(guard);
        self.ready().await?;
        self.set_password().await
    }

    /// Connection string of a database, as the owner, over the socket.
    pub fn url(&self, database: &str) -> String {
        let url = url(&self.dir, database);
        match &self.options.tcp {
            Some(tcp) => format!("{url}&port={}", tcp.addr.port()),
            None => url,
        }
    }

    /// The same over TCP, with the password.
    pub fn tcp_url(&self, database: &str) -> Option<String> {
        let Tcp { addr, password } = self.options.tcp.as_ref()?;
        Some(format!("postgresql://{OWNER}:{password}@{addr}/{database}"))
    }

    /// Process id of the server, for failure tests.
    pub fn pid(&self) -> Option<u32> {
        let file = fs::read_to_string(self.dir.join("data/postmaster.pid")).ok()?;
        file.lines().next()?.trim().parse().ok()
    }

    /// Whether the server has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.guard.as_mut().is_none_or(Guard::has_ended)
    }

    /// Stops the server and waits for its end.
    pub fn stop(self) {
        drop(self);
    }

    async fn set_password(&self) -> Result<(), ServerError> {
        let Some(tcp) = &self.options.tcp else { return Ok(()) };
        let failed = |error: Fault| ServerError::Failed { program: "postgres", output: error.to_string() };
        let owner = pg::connect(&self.url("postgres")).await.map_err(failed)?;
        let statement = format!("alter role {OWNER} password '{}'", tcp.password.replace('\'', "''"));
        owner.batch_execute(&statement).await.map_err(|error| failed(error.into()))
    }

    async fn ready(&mut self) -> Result<(), ServerError> {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let error = pg::connect(&self.url("postgres")).await.err();
            let log = || fs::read_to_string(self.dir.join("postgres.log")).unwrap_or_default();
            // An answer may be that of a server before it, which has not left yet.
            if self.guard.as_mut().is_none_or(Guard::has_ended) {
                return Err(ServerError::Failed { program: "postgres", output: last_lines(&log()) });
            }
            let Some(error) = error else { return Ok(()) };
            if Instant::now() > deadline {
                let output = format!("{error}; {}", last_lines(&log()));
                return Err(ServerError::Failed { program: "postgres", output });
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for PrivateServer {
    fn drop(&mut self) {
        self.guard = None;
        // The guard does that for a process that is killed, not for a server that ended
        // by itself: it may be started again.
        if self.options.ephemeral
            && let Err(error) = fs::remove_dir_all(&self.dir)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, dir = %self.dir.display(), "the folder of the private postgres could not be removed");
        }
    }
}

/// Takes from everybody what Postgres gives to nobody but a database's owner from 15 on: to
/// make something in the schema `public`.
pub async fn close_public(url: &str) -> Result<(), Fault> {
    let owner = pg::connect(url).await?;
    Ok(owner.batch_execute("revoke create on schema public from public").await?)
}

fn spawn(dir: &Path, options: &ServerOptions) -> Result<Guard, ServerError> {
    let bin = options.programs.folder();
    let user = run_as()?;
    if dir.as_os_str().len() > MAX_SOCKET_DIR {
        return Err(ServerError::PathTooLong(dir.to_owned()));
    }
    prepare_dir(dir, user.as_ref())?;
    let data = dir.join("data");
    if data.join("PG_VERSION").exists() {
        check_version(bin, &data)?;
    } else {
        init(bin, dir, user.as_ref())?;
    }
    let mut command: Vec<OsString> =
        vec![bin.join("postgres").into(), "-D".into(), data.into(), "-k".into(), dir.into()];
    let mut set = |setting: &str| command.extend(["-c".into(), setting.into()]);
    match &options.tcp {
        Some(Tcp { addr, .. }) => {
            set(&format!("listen_addresses={}", addr.ip()));
            set(&format!("port={}", addr.port()));
        }
        None => ["listen_addresses=", "port=5432"].into_iter().for_each(&mut set),
    }
    ["unix_socket_permissions=0700", "max_connections=300"].into_iter().for_each(&mut set);
    if !options.durable {
        ["fsync=off", "synchronous_commit=off", "full_page_writes=off"].into_iter().for_each(&mut set);
    }
    Guard::start(&command, dir, options.ephemeral, user.as_ref())
}
