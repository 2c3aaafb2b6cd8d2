//! A private Postgres server for development and tests: found on the machine,
//! started as an unprivileged user, gone when its parent is gone.
//!
//! A small shell guards the server. It holds the read end of a pipe whose write
//! end only this process has; when the pipe closes, however this process ended,
//! the guard stops the server.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use crate::{Fault, pool};

/// Superuser and owner of what is created in a private server.
pub const OWNER: &str = "frontdesk";

/// Longest path that fits into a Unix socket address, with the socket's name.
const MAX_SOCKET_DIR: usize = 80;

const GUARD: &str = r#"
trap '' INT TERM HUP
exec 3<&0 0</dev/null
"$@" 3<&- &
server=$!
( cat <&3 >/dev/null; kill -INT "$server" 2>/dev/null ) &
watcher=$!
exec 3<&-
wait "$server"
code=$?
kill "$watcher" 2>/dev/null
if [ -n "$REMOVE" ]; then rm -rf "$REMOVE"; fi
exit "$code"
"#;

/// How to run a private server.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Folder for the data and the socket; made when missing.
    pub dir: PathBuf,
    /// Remove the folder when the server stops.
    pub ephemeral: bool,
    /// Wait for the disk at each commit. Tests that crash nothing go without.
    pub durable: bool,
    /// Listen on TCP too, for tools that cannot use the socket.
    pub tcp: Option<Tcp>,
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

/// A running private server. Dropping it stops the server.
#[derive(Debug)]
pub struct PrivateServer {
    dir: PathBuf,
    tcp: Option<Tcp>,
    guard: Child,
    pipe: Option<ChildStdin>,
}

/// Why no private server runs, as a sentence with the way out.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// There are no server binaries.
    #[error(
        "no PostgreSQL server programs were found ({looked}): install them (Debian: apt-get install postgresql), set FRONTDESK_PG_BIN to their folder, or set DATABASE_URL to a running server"
    )]
    NoBinaries {
        /// Where they were looked for.
        looked: String,
    },
    /// Running as root, and there is no other user to run as.
    #[error(
        "PostgreSQL refuses to run as root and there is no user `postgres` or `nobody`: create one, or set DATABASE_URL to a running server"
    )]
    NoUser,
    /// The user cannot reach the folder.
    #[error("user `{user}`, as whom PostgreSQL runs, cannot enter {}: choose another --data-dir, for example under /var/tmp", dir.display())]
    Unreachable {
        /// The user.
        user: String,
        /// The folder.
        dir: PathBuf,
    },
    /// The socket path is too long.
    #[error("the path {} is too long for a socket ({MAX_SOCKET_DIR} bytes at most): choose a shorter --data-dir", .0.display())]
    PathTooLong(PathBuf),
    /// The data were written by another major version.
    #[error("the data in {} were written by PostgreSQL {found}, the programs found are {programs}: use --reset to start over, or install version {found}", dir.display())]
    OtherVersion {
        /// The folder.
        dir: PathBuf,
        /// Version of the data.
        found: String,
        /// Version of the programs.
        programs: String,
    },
    /// A program failed.
    #[error("{program} failed: {output}")]
    Failed {
        /// Which one.
        program: &'static str,
        /// What it printed last.
        output: String,
    },
    /// The file system failed.
    #[error("{}: {error}", path.display())]
    File {
        /// What was touched.
        path: PathBuf,
        /// What went wrong.
        error: io::Error,
    },
}

/// The user that the server runs as when this process is root.
#[derive(Debug, Clone)]
struct RunAs {
    name: String,
    uid: u32,
    gid: u32,
}

impl PrivateServer {
    /// Starts a server, initialising its data when there are none, and returns
    /// once it takes connections.
    pub async fn start(options: ServerOptions) -> Result<Self, ServerError> {
        let server = tokio::task::spawn_blocking(move || Self::spawn(options))
            .await
            .map_err(|error| ServerError::Failed { program: "launcher", output: error.to_string() })??;
        server.ready().await?;
        server.set_password().await?;
        Ok(server)
    }

    /// Connection string of a database, as the owner, over the socket.
    pub fn url(&self, database: &str) -> String {
        let url = url(&self.dir, database);
        match &self.tcp {
            Some(tcp) => format!("{url}&port={}", tcp.addr.port()),
            None => url,
        }
    }

    /// The same over TCP, with the password.
    pub fn tcp_url(&self, database: &str) -> Option<String> {
        let Tcp { addr, password } = self.tcp.as_ref()?;
        Some(format!("postgresql://{OWNER}:{password}@{addr}/{database}"))
    }

    /// Process id of the server, for failure tests.
    pub fn pid(&self) -> Option<u32> {
        let file = fs::read_to_string(self.dir.join("data/postmaster.pid")).ok()?;
        file.lines().next()?.trim().parse().ok()
    }

    /// Whether the server has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        matches!(self.guard.try_wait(), Ok(Some(_)) | Err(_))
    }

    /// Stops the server and waits for its end.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.pipe = None;
        if let Err(error) = self.guard.wait() {
            tracing::warn!(%error, "the guard of the private postgres cannot be waited for");
        }
    }

    fn spawn(options: ServerOptions) -> Result<Self, ServerError> {
        let bin = find_binaries()?;
        let run_as = run_as()?;
        let dir = std::path::absolute(&options.dir).map_err(|error| file_error(&options.dir, error))?;
        if dir.as_os_str().len() > MAX_SOCKET_DIR {
            return Err(ServerError::PathTooLong(dir));
        }
        prepare_dir(&dir, run_as.as_ref())?;
        let data = dir.join("data");
        if data.join("PG_VERSION").exists() {
            check_version(&bin, &data)?;
        } else {
            init(&bin, &dir, run_as.as_ref())?;
        }
        let log = File::create(dir.join("postgres.log")).map_err(|error| file_error(&dir, error))?;
        let log_too = log.try_clone().map_err(|error| file_error(&dir, error))?;
        let mut guard = command("sh", run_as.as_ref());
        guard
            .arg("-c")
            .arg(GUARD)
            .arg("guard")
            .arg(bin.join("postgres"))
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(&dir);
        let listen = match &options.tcp {
            Some(Tcp { addr, .. }) => {
                [format!("listen_addresses={}", addr.ip()), format!("port={}", addr.port())]
            }
            None => ["listen_addresses=".to_owned(), "port=5432".to_owned()],
        };
        for setting in &listen {
            guard.args(["-c", setting]);
        }
        guard.args(["-c", "unix_socket_permissions=0700", "-c", "max_connections=300"]);
        if !options.durable {
            guard.args(["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]);
        }
        guard.env("REMOVE", if options.ephemeral { dir.as_os_str() } else { OsStr::new("") });
        let mut guard = guard
            .stdin(Stdio::piped())
            .stdout(log)
            .stderr(log_too)
            .process_group(0)
            .spawn()
            .map_err(|error| file_error(&bin, error))?;
        let pipe = guard.stdin.take();
        Ok(Self { dir, tcp: options.tcp, guard, pipe })
    }

    async fn set_password(&self) -> Result<(), ServerError> {
        let Some(tcp) = &self.tcp else { return Ok(()) };
        let failed = |error: Fault| ServerError::Failed { program: "postgres", output: error.to_string() };
        let owner = pool::connect(&self.url("postgres")).await.map_err(failed)?;
        let statement = format!("alter role {OWNER} password '{}'", tcp.password.replace('\'', "''"));
        owner.batch_execute(&statement).await.map_err(|error| failed(error.into()))
    }

    async fn ready(&self) -> Result<(), ServerError> {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let error: Fault = match pool::connect(&self.url("postgres")).await {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            let log = || fs::read_to_string(self.dir.join("postgres.log")).unwrap_or_default();
            if Instant::now() > deadline {
                let output = format!("{error}; {}", last_lines(&log()));
                return Err(ServerError::Failed { program: "postgres", output });
            }
            if log().contains("FATAL:  ") && self.pid().is_none() {
                return Err(ServerError::Failed { program: "postgres", output: last_lines(&log()) });
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for PrivateServer {
    fn drop(&mut self) {
        if self.pipe.is_some() {
            self.end();
        }
    }
}

/// Connection string of a database of the private server in a folder.
pub fn url(dir: &Path, database: &str) -> String {
    let host: String = dir.display().to_string().bytes().map(percent_encoded).collect();
    format!("postgresql:///{database}?host={host}&user={OWNER}")
}

/// Whether the server's user could enter this folder once it exists.
pub fn can_host(dir: &Path) -> Result<bool, ServerError> {
    let Some(user) = run_as()? else { return Ok(true) };
    fs::create_dir_all(dir).map_err(|error| file_error(dir, error))?;
    let status = command("sh", Some(&user)).args(["-c", r#"cd "$1" 2>/dev/null"#, "sh"]).arg(dir).status();
    status.map(|status| status.success()).map_err(|error| file_error(dir, error))
}

/// A program of the installation that private servers run, for example `pgbench`.
pub fn program(name: &str) -> Result<PathBuf, ServerError> {
    Ok(find_binaries()?.join(name))
}

fn find_binaries() -> Result<PathBuf, ServerError> {
    let has_server = |dir: &Path| dir.join("initdb").is_file() && dir.join("postgres").is_file();
    if let Some(chosen) = std::env::var_os("FRONTDESK_PG_BIN") {
        let chosen = PathBuf::from(chosen);
        if has_server(&chosen) {
            return Ok(chosen);
        }
        return Err(ServerError::NoBinaries { looked: format!("FRONTDESK_PG_BIN={}", chosen.display()) });
    }
    let mut places = Vec::new();
    if let Ok(output) = Command::new("pg_config").arg("--bindir").stderr(Stdio::null()).output() {
        places.push(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    places.extend(versioned("/usr/lib/postgresql", "", "bin"));
    places.extend(versioned("/usr", "pgsql-", "bin"));
    places.extend(versioned("/opt/homebrew/opt", "postgresql@", "bin"));
    places.extend(versioned("/usr/local/opt", "postgresql@", "bin"));
    places.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    places.into_iter().find(|dir| has_server(dir)).ok_or_else(|| ServerError::NoBinaries {
        looked: "pg_config, /usr/lib/postgresql, /usr/pgsql-*, Homebrew, PATH".to_owned(),
    })
}

/// Folders `<parent>/<prefix><version>/<tail>`, newest version first.
fn versioned(parent: &str, prefix: &str, tail: &str) -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let version = entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok()?;
            Some((version, entry.path().join(tail)))
        })
        .collect();
    found.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    found.into_iter().map(|(_, path)| path).collect()
}

/// Nobody when this process is not root and the server can run as itself.
fn run_as() -> Result<Option<RunAs>, ServerError> {
    let own_uid = fs::metadata("/proc/self").map(|meta| meta.uid()).or_else(|_| user_id_from_command());
    if own_uid.map_err(|error| file_error(Path::new("/proc/self"), error))? != 0 {
        return Ok(None);
    }
    let passwd =
        fs::read_to_string("/etc/passwd").map_err(|error| file_error(Path::new("/etc/passwd"), error))?;
    ["postgres", "nobody"]
        .into_iter()
        .find_map(|wanted| {
            let line = passwd.lines().find(|line| line.split(':').next() == Some(wanted))?;
            let mut fields = line.split(':').skip(2);
            Some(RunAs {
                name: wanted.to_owned(),
                uid: fields.next()?.parse().ok()?,
                gid: fields.next()?.parse().ok()?,
            })
        })
        .map(Some)
        .ok_or(ServerError::NoUser)
}

/// For systems without `/proc`.
fn user_id_from_command() -> io::Result<u32> {
    let output = Command::new("id").arg("-u").output()?;
    String::from_utf8_lossy(&output.stdout).trim().parse().map_err(io::Error::other)
}

fn prepare_dir(dir: &Path, run_as: Option<&RunAs>) -> Result<(), ServerError> {
    fs::create_dir_all(dir).map_err(|error| file_error(dir, error))?;
    if let Some(user) = run_as {
        chown(dir, Some(user.uid), Some(user.gid)).map_err(|error| file_error(dir, error))?;
        if !can_host(dir)? {
            return Err(ServerError::Unreachable { user: user.name.clone(), dir: dir.to_owned() });
        }
    }
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(|error| file_error(dir, error))
}

fn init(bin: &Path, dir: &Path, run_as: Option<&RunAs>) -> Result<(), ServerError> {
    // A first initialisation that was cut off leaves a folder that initdb refuses.
    let (fresh, data) = (dir.join("data.new"), dir.join("data"));
    if fresh.exists() {
        fs::remove_dir_all(&fresh).map_err(|error| file_error(&fresh, error))?;
    }
    let output = command(bin.join("initdb"), run_as)
        .arg("-D")
        .arg(&fresh)
        .args([
            "-U",
            OWNER,
            "--auth-local=trust",
            "--auth-host=scram-sha-256",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
            "--no-instructions",
        ])
        .output()
        .map_err(|error| file_error(bin, error))?;
    if !output.status.success() {
        let output = last_lines(&String::from_utf8_lossy(&output.stderr));
        return Err(ServerError::Failed { program: "initdb", output });
    }
    fs::rename(&fresh, &data).map_err(|error| file_error(&data, error))
}

fn check_version(bin: &Path, data: &Path) -> Result<(), ServerError> {
    let found = fs::read_to_string(data.join("PG_VERSION")).map_err(|error| file_error(data, error))?;
    let found = found.trim().to_owned();
    let output = Command::new(bin.join("postgres")).arg("--version").output();
    let output = output.map_err(|error| file_error(bin, error))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let programs = text.split_whitespace().nth(2).unwrap_or_default().split('.').next().unwrap_or_default();
    if programs == found {
        return Ok(());
    }
    Err(ServerError::OtherVersion { dir: data.to_owned(), found, programs: programs.to_owned() })
}

fn command(program: impl AsRef<OsStr>, run_as: Option<&RunAs>) -> Command {
    let mut command = Command::new(program);
    // The user may not be able to enter the folder that this process is in.
    command.current_dir("/").env("LC_ALL", "C.UTF-8");
    if let Some(user) = run_as {
        command.uid(user.uid).gid(user.gid);
    }
    command
}

fn file_error(path: &Path, error: io::Error) -> ServerError {
    ServerError::File { path: path.to_owned(), error }
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(3)..].join(" / ")
}

fn percent_encoded(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}
