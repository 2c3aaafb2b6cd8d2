//! The database of a run: a private server, or the one that `DATABASE_URL` names.

use std::path::{Path, PathBuf};
use std::time::Duration;

use devdb::{PrivateServer, Programs, ServerOptions, Tcp};
use tokio_util::sync::CancellationToken;

use super::folder::{Folder, Secrets};
use crate::Failure;
use crate::migrate::database_failure;

/// Database of the private server.
const DATABASE: &str = "frontdesk";
/// How often the private server is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The database of a run.
pub enum Postgres {
    /// Started here, stopped here.
    Private { server: PrivateServer, dir: PathBuf, url: String },
    /// Somebody else's.
    Given { url: String },
}

/// The server that `DATABASE_URL` names, unless that is the private one of this
/// folder, which is ours to start.
pub fn given(url: Option<String>, folder: &Folder, secrets: &Secrets) -> Result<Option<String>, Failure> {
    let own = devdb::url(&folder.postgres_dir()?, DATABASE);
    let is_own = |url: &String| {
        url.starts_with(&own) || !secrets.postgres.is_empty() && url.contains(&secrets.postgres)
    };
    Ok(url.filter(|url| !is_own(url)))
}

impl Postgres {
    pub async fn start(
        given: Option<String>,
        folder: &Folder,
        ephemeral: bool,
        tcp: Option<Tcp>,
        programs: Option<Programs>,
    ) -> Result<Self, Failure> {
        if let Some(url) = given {
            pg::connect(&url).await.map_err(|fault| database_failure(&url, fault))?;
            return Ok(Self::Given { url });
        }
        let programs = programs.map_or_else(Programs::find, Ok).map_err(Failure::new)?;
        let dir = folder.postgres_dir()?;
        let options = ServerOptions { dir: dir.clone(), ephemeral, durable: true, tcp, programs };
        let server = PrivateServer::start(options).await.map_err(Failure::new)?;
        create_database(&server).await?;
        Ok(Self::Private { url: server.url(DATABASE), server, dir })
    }

    pub fn url(&self) -> &str {
        match self {
            Self::Private { url, .. } | Self::Given { url } => url,
        }
    }

    /// What users connect with.
    pub fn public_url(&self) -> String {
        match self {
            Self::Private { server, url, .. } => server.tcp_url(DATABASE).unwrap_or_else(|| url.clone()),
            Self::Given { url } => url.clone(),
        }
    }

    /// Where the data are, if they are ours.
    pub fn kept(&self) -> Option<&Path> {
        match self {
            Self::Private { dir, .. } => Some(dir),
            Self::Given { .. } => None,
        }
    }

    /// Starts the private server again when it ends; returns when it cannot.
    pub async fn watch(&mut self, stop: &CancellationToken) -> Failure {
        let Self::Private { server, dir, .. } = self else { return std::future::pending().await };
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if stop.is_cancelled() || !server.has_ended() {
                continue;
            }
            tracing::warn!(log = %dir.join("postgres.log").display(), "postgres ended by itself and is started again");
            if let Err(error) = server.start_again().await {
                return Failure::new(format!(
                    "postgres ended by itself and cannot be started again: {error}"
                ));
            }
        }
    }

    pub fn stop(self) {
        if let Self::Private { server, .. } = self {
            server.stop();
        }
    }
}

async fn create_database(server: &PrivateServer) -> Result<(), Failure> {
    let url = server.url("postgres");
    let client = pg::connect(&url).await.map_err(|fault| database_failure(&url, fault))?;
    let failed = |error| database_failure(&url, pg::Fault::from(error));
    let found =
        client.query("select from pg_database where datname = $1", &[&DATABASE]).await.map_err(failed)?;
    if found.is_empty() {
        client.batch_execute(&format!("create database {DATABASE}")).await.map_err(failed)?;
        let url = server.url(DATABASE);
        devdb::close_public(&url).await.map_err(|fault| database_failure(&url, fault))?;
    }
    Ok(())
}
