//! A Postgres server of a test's own, for what concerns a whole server.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use devdb::{PrivateServer, Programs, ServerOptions};
use tokio_postgres::Client;

/// The server; it goes with its data when it is dropped.
pub struct Cluster {
    options: ServerOptions,
    server: Option<PrivateServer>,
}

impl Cluster {
    /// One without databases.
    pub async fn start() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("frontdesk-own-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let dir: PathBuf = std::env::temp_dir().join(name);
        let programs = Programs::of_tests().unwrap();
        let options = ServerOptions { dir, ephemeral: false, durable: false, tcp: None, programs };
        let server = Some(PrivateServer::start(options.clone()).await.unwrap());
        Self { options, server }
    }

    /// Connection string of a database.
    pub fn url(&self, database: &str) -> String {
        self.server.as_ref().unwrap().url(database)
    }

    /// A session in a database.
    pub async fn sql(&self, database: &str) -> Client {
        pg::connect(&self.url(database)).await.unwrap()
    }

    /// Stops the server and starts it again, with settings that only a start reads.
    pub async fn restart(&mut self) {
        self.server = None;
        self.server = Some(PrivateServer::start(self.options.clone()).await.unwrap());
    }

    /// Sets the epoch of transaction ids, for which the server has to rest.
    pub async fn count_transactions_from(&mut self, epoch: u32) {
        self.server = None;
        let data = self.options.dir.join("data");
        // It runs as the folder's owner alone.
        let owner = std::fs::metadata(&data).unwrap();
        let mut reset = Command::new(self.options.programs.path("pg_resetwal"));
        reset.args(["-e", &epoch.to_string(), "-D"]).arg(&data).uid(owner.uid()).gid(owner.gid());
        let output = reset.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        self.restart().await;
    }

    /// Where its data are, and what is to go with it.
    pub fn folder(&self) -> &Path {
        &self.options.dir
    }

    /// Runs a program of Postgres.
    pub fn output(&self, program: &str, arguments: &[&str]) -> Output {
        Command::new(self.options.programs.path(program)).args(arguments).output().unwrap()
    }

    /// Runs a program of Postgres and returns what it printed.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Vec<u8> {
        let output = self.output(program, arguments);
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.server = None;
        let _gone = std::fs::remove_dir_all(&self.options.dir);
    }
}
