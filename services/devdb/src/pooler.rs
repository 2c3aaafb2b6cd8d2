//! A `pgbouncer` before a private server, for tests of what shares sessions.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use pg::Address;

use crate::folder::prepare_dir;
use crate::user::{program, run_as};
use crate::{OWNER, ServerError};

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running pooler. Dropping it stops it and removes its folder.
#[derive(Debug)]
pub struct Pooler {
    child: Child,
    dir: PathBuf,
    addr: SocketAddr,
    database: String,
}

impl Pooler {
    /// Starts a pooler in transaction mode before the server that a connection string of a
    /// private server names; `more` are lines of its configuration. Whoever connects is
    /// let in, as the owner.
    pub async fn start(url: &str, more: &str) -> Result<Self, ServerError> {
        let failed = |output: String| ServerError::Failed { program: "pgbouncer", output };
        let address: Address = url.parse().map_err(failed)?;
        let hosts = address.hosts();
        let (folder, port) = hosts.rsplit_once(':').ok_or_else(|| failed(format!("{hosts} has no port")))?;
        let addr = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let addr = addr.map_err(|error| failed(error.to_string()))?;
        let dir =
            std::env::temp_dir().join(format!("frontdesk-pooler-{}-{}", std::process::id(), addr.port()));
        let user = run_as()?;
        prepare_dir(&dir, user.as_ref())?;
        let (listen, listen_port) = (addr.ip(), addr.port());
        let text = format!(
            "[databases]\n* = host={folder} port={port} user={OWNER}\n[pgbouncer]\nlisten_addr = {listen}\n\
             listen_port = {listen_port}\nauth_type = any\npool_mode = transaction\nunix_socket_dir =\n{more}\n"
        );
        let file = dir.join("pgbouncer.ini");
        fs::write(&file, text).map_err(|error| ServerError::file(&file, error))?;
        let log = dir.join("pgbouncer.log");
        let log = File::create(&log).map_err(|error| ServerError::file(&log, error))?;
        let mut command = program("pgbouncer", user.as_ref());
        command.arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = command
            .spawn()
            .map_err(|error| failed(format!("{error}; install it (Debian: apt-get install pgbouncer)")))?;
        let database = address.database().unwrap_or(OWNER).to_owned();
        let mut pooler = Self { child, dir, addr, database };
        pooler.ready().await?;
        Ok(pooler)
    }

    /// Connection string of the same database through the pooler.
    pub fn url(&self) -> String {
        format!("postgresql://{OWNER}@{}/{}", self.addr, self.database)
    }

    async fn ready(&mut self) -> Result<(), ServerError> {
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(self.addr).is_err() {
            if Instant::now() > until || matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                let output = fs::read_to_string(self.dir.join("pgbouncer.log")).unwrap_or_default();
                return Err(ServerError::Failed { program: "pgbouncer", output });
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait()) {
            tracing::warn!(%error, "the pooler cannot be stopped");
        }
        if let Err(error) = fs::remove_dir_all(&self.dir) {
            tracing::warn!(%error, dir = %self.dir.display(), "the folder of the pooler could not be removed");
        }
    }
}
