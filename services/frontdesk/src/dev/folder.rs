//! The data folder: a lock, the secrets that are kept, and what is running.

use std::fs::{self, File};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::Failure;

/// How long a start may take before `frontdesk env` gives up.
const START_TIME: Duration = Duration::from_secs(30);

/// What to do where the file of a run cannot be read.
const START_AGAIN: &str = "stop that `frontdesk dev` and start it again";

/// A locked data folder.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// As the user wrote it, for commands to copy.
    shown: PathBuf,
    ephemeral: bool,
    /// Holds the lock until the end.
    _lock: File,
}

/// Secrets that outlive a run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Secrets {
    /// Master key of identity.
    pub master: String,
    /// The project's publishable key (`apikey` header of hosted auth services).
    pub publishable: String,
    /// Password of the private Postgres over TCP.
    pub postgres: String,
    /// API key of the demo's tenant.
    pub tenant_api: String,
}

/// What a run is.
#[derive(Debug, Serialize, Deserialize)]
pub struct Running {
    pub pid: u32,
    /// The gateway's URL, as a browser should have it.
    pub gateway_url: String,
    pub identity: SocketAddr,
    pub booking: SocketAddr,
    pub database_url: String,
    /// Whether the server is ours.
    pub database_is_private: bool,
    /// The secrets of this run, which an ephemeral one keeps nowhere else.
    pub secrets: Secrets,
}

impl Folder {
    /// Makes and locks the folder. When another run has it, the failure says
    /// where that one is.
    pub fn open(path: &Path, ephemeral: bool) -> Result<Self, Failure> {
        let shown = path.to_owned();
        let path = std::path::absolute(path).map_err(|error| file_failure(path, &error))?;
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(&path)
            .map_err(|error| file_failure(&path, &error))?;
        let lock_path = path.join("lock");
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(|error| file_failure(&lock_path, &error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, shown, ephemeral, _lock: lock }),
            Err(fs::TryLockError::WouldBlock) => Err(already_running(&path)),
            Err(fs::TryLockError::Error(error)) => Err(file_failure(&lock_path, &error)),
        }
    }

    /// As the user wrote it.
    pub fn shown(&self) -> &Path {
        &self.shown
    }

    /// Deletes the data and the secrets.
    pub fn reset(&self) -> Result<(), Failure> {
        for dir in [self.path.join("pg"), self.far_postgres_dir("pg")] {
            match fs::remove_dir_all(&dir) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(file_failure(&dir, &error));
                }
                _ => {}
            }
        }
        remove(&self.path.join("secrets.json"))?;
        remove(&self.path.join("running.json"))
    }

    /// Where postgres keeps its data: in the folder if its user can enter, else
    /// in `/var/tmp` under a name that belongs to the folder.
    pub fn postgres_dir(&self) -> Result<PathBuf, Failure> {
        let name = if self.ephemeral { format!("pg-{}", std::process::id()) } else { "pg".to_owned() };
        let near = self.path.join(&name);
        if devdb::can_host(&self.path).map_err(Failure::new)? && near.as_os_str().len() < 80 {
            return Ok(near);
        }
        let far = self.far_postgres_dir(&name);
        tracing::info!(dir = %far.display(), "postgres keeps its data outside the data folder, which its user cannot enter or whose path is too long");
        Ok(far)
    }

    /// Where letters are written that nobody is to get. An ephemeral run's are deleted with it.
    pub fn mail_dir(&self) -> PathBuf {
        let name = if self.ephemeral { format!("mail-{}", std::process::id()) } else { "mail".to_owned() };
        self.path.join(name)
    }

    /// Deletes the letters of an ephemeral run.
    pub fn remove_letters_of_ephemeral(&self) {
        let letters = self.mail_dir();
        if self.ephemeral
            && let Err(error) = fs::remove_dir_all(&letters)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, folder = %letters.display(), "the letters of this run could not be removed");
        }
    }

    /// The secrets, made on the first start. An ephemeral run has its own and
    /// leaves those of a kept run alone. Where they are lost, `start_over` says how to do that.
    pub fn secrets(&self, start_over: &str) -> Result<Secrets, Failure> {
        if !self.ephemeral
            && let Some(secrets) = self.kept_secrets(start_over)?
        {
            return Ok(secrets);
        }
        let secrets = Secrets {
            master: STANDARD.encode(random::<32>()?),
            publishable: format!("sb_publishable_{}", URL_SAFE_NO_PAD.encode(random::<24>()?)),
            postgres: URL_SAFE_NO_PAD.encode(random::<24>()?),
            tenant_api: String::new(),
        };
        self.write_secrets(&secrets)?;
        Ok(secrets)
    }

    /// Those of the runs before. Data without them cannot be read, and new ones would not
    /// open them either: they are not made as long as the data are there, also if another
    /// server is used, or the next start without it would find the wrong ones.
    fn kept_secrets(&self, start_over: &str) -> Result<Option<Secrets>, Failure> {
        let way_out = format!(
            "put it back as it was, since the data are sealed with its key, or start over with {start_over}"
        );
        let path = self.path.join("secrets.json");
        let secrets: Option<Secrets> = read(&path, &way_out)?;
        let data = self.postgres_dir()?.join("data");
        if secrets.is_none() && data.exists() {
            return Err(Failure::new(format!(
                "{} is missing, and there are data in {}: {way_out}",
                path.display(),
                data.display()
            )));
        }
        if secrets.is_some() {
            close(&path)?;
        }
        Ok(secrets)
    }

    pub fn write_secrets(&self, secrets: &Secrets) -> Result<(), Failure> {
        if self.ephemeral {
            return Ok(());
        }
        write(&self.path.join("secrets.json"), secrets)
    }

    pub fn write_running(&self, running: &Running) -> Result<(), Failure> {
        write(&self.path.join("running.json"), running)
    }

    /// Says that nothing runs here any more.
    pub fn remove_running(&self) {
        if let Err(failure) = remove(&self.path.join("running.json")) {
            tracing::warn!(%failure, "a file of this run could not be removed");
        }
    }

    fn far_postgres_dir(&self, name: &str) -> PathBuf {
        let folder = self.path.as_os_str().as_encoded_bytes();
        let hash = folder.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let suffix = name.trim_start_matches("pg");
        PathBuf::from(format!("/var/tmp/frontdesk-{hash:016x}{suffix}"))
    }
}

/// What runs in a folder. A run that is starting writes that when it is ready,
/// which may be after its gateway says so: it is waited for.
pub async fn read_running(path: &Path) -> Result<Running, Failure> {
    let asked = Instant::now();
    loop {
        if !is_locked(path) {
            return Err(Failure::new(format!(
                "no `frontdesk dev` runs with the data folder {}: start one, or name its folder with --data-dir",
                path.display()
            )));
        }
        if let Some(running) = read(&path.join("running.json"), START_AGAIN)? {
            return Ok(running);
        }
        if asked.elapsed() > START_TIME {
            return Err(Failure::new(format!(
                "the `frontdesk dev` in {} has not become ready in {} s; its log says why",
                path.display(),
                START_TIME.as_secs()
            )));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn is_locked(path: &Path) -> bool {
    File::open(path.join("lock"))
        .is_ok_and(|lock| matches!(lock.try_lock(), Err(fs::TryLockError::WouldBlock)))
}

fn already_running(path: &Path) -> Failure {
    match read::<Running>(&path.join("running.json"), START_AGAIN) {
        Ok(Some(running)) => Failure::new(format!(
            "`frontdesk dev` already runs in {} (process {}): gateway {}, identity {}, booking {}; stop it, or use another --data-dir",
            path.display(),
            running.pid,
            running.gateway_url,
            running.identity,
            running.booking
        )),
        _ => Failure::new(format!(
            "another `frontdesk dev` is starting or stopping in {}; wait for it, or use another --data-dir",
            path.display()
        )),
    }
}

/// A file, if it is there. What makes it readable again is known to whoever reads it.
fn read<T: for<'de> Deserialize<'de>>(path: &Path, way_out: &str) -> Result<Option<T>, Failure> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Failure::new(format!("{} cannot be read: {error}; {way_out}", path.display()))
    };
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| unreadable(&error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(&error)),
    }
}

/// Lets nobody but its owner read a file.
fn close(path: &Path) -> Result<(), Failure> {
    let failed = |error: io::Error| file_failure(path, &error);
    let of_others = fs::metadata(path).map_err(failed)?.permissions().mode() & 0o077;
    if of_others == 0 {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(failed)?;
    tracing::warn!(file = %path.display(), "others could read the secrets of this folder; they cannot any more");
    Ok(())
}

/// Writes a file that only its owner can read, whole or not at all.
fn write(path: &Path, value: &impl Serialize) -> Result<(), Failure> {
    let failed = |error: io::Error| file_failure(path, &error);
    let new = path.with_extension("new");
    let text = serde_json::to_vec_pretty(value).map_err(|error| failed(error.into()))?;
    let mut file =
        File::options().write(true).create(true).truncate(true).mode(0o600).open(&new).map_err(failed)?;
    file.write_all(&text).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::rename(&new, path).map_err(failed)
}

fn remove(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
            fs::remove_dir_all(path).map_err(|error| file_failure(path, &error))
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(file_failure(path, &error)),
        _ => Ok(()),
    }
}

fn random<const LEN: usize>() -> Result<[u8; LEN], Failure> {
    let mut bytes = [0; LEN];
    rand::fill(&mut bytes).map_err(|_| Failure::new("the system gives no random bytes"))?;
    Ok(bytes)
}

fn file_failure(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("{}: {error}", path.display()))
}
