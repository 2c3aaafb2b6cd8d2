//! Finding the server's programs on the machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;

use boot::{Form, Setting, Settings, Unset};

use crate::ServerError;

static FRONTDESK_PG_BIN: Setting = Setting {
    name: "FRONTDESK_PG_BIN",
    form: Form::Described("a folder"),
    unset: Unset::Means("pg_config, the usual places and PATH are looked at"),
    example: "/usr/lib/postgresql/16/bin",
    meaning: "Where PostgreSQL's server programs are, for a private server.",
    secret: false,
};

/// The folder of a server's programs.
#[derive(Debug, Clone)]
pub struct Programs(PathBuf);

/// A folder without them.
#[derive(Debug, thiserror::Error)]
#[error(
    "no PostgreSQL server programs are there: install them (Debian: apt-get install postgresql), name their folder, or set DATABASE_URL to a running server"
)]
pub struct NoPrograms;

impl FromStr for Programs {
    type Err = NoPrograms;

    fn from_str(folder: &str) -> Result<Self, NoPrograms> {
        let folder = PathBuf::from(folder);
        if has_server(&folder) { Ok(Self(folder)) } else { Err(NoPrograms) }
    }
}

impl Programs {
    /// Those that `FRONTDESK_PG_BIN` names; none when it is not set, or names none.
    pub fn read(settings: &mut Settings) -> Option<Self> {
        settings.if_set(&FRONTDESK_PG_BIN)
    }

    /// The newest version that is installed.
    pub fn find() -> Result<Self, ServerError> {
        find().map(Self)
    }

    /// Those that the environment of a test names, or the newest ones.
    pub fn of_tests() -> Result<Self, ServerError> {
        Self::read(&mut Settings::from_environment()).map_or_else(Self::find, Ok)
    }

    /// One of them, for example `pgbench`.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.0
    }
}

/// A program of the installation that tests run.
pub fn program(name: &str) -> Result<PathBuf, ServerError> {
    Ok(Programs::of_tests()?.path(name))
}

fn has_server(dir: &Path) -> bool {
    dir.join("initdb").is_file() && dir.join("postgres").is_file()
}

fn find() -> Result<PathBuf, ServerError> {
    let mut places = Vec::new();
    if let Ok(output) = Command::new("pg_config").arg("--bindir").stderr(Stdio::null()).output() {
        places.push(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    places.extend(versioned("/usr/lib/postgresql", "", "bin"));
    places.extend(versioned("/usr", "pgsql-", "bin"));
    places.extend(versioned("/opt/homebrew/opt", "postgresql@", "bin"));
    places.extend(versioned("/usr/local/opt", "postgresql@", "bin"));
    #[expect(clippy::disallowed_methods, reason = "PATH is not a setting of ours")]
    let path = std::env::var_os("PATH").unwrap_or_default();
    places.extend(std::env::split_paths(&path));
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

/// Whether these programs can read data that exist.
pub(crate) fn check_version(bin: &Path, data: &Path) -> Result<(), ServerError> {
    let found =
        fs::read_to_string(data.join("PG_VERSION")).map_err(|error| ServerError::file(data, error))?;
    let found = found.trim().to_owned();
    let output = Command::new(bin.join("postgres")).arg("--version").output();
    let output = output.map_err(|error| ServerError::file(bin, error))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let programs = text.split_whitespace().nth(2).unwrap_or_default().split('.').next().unwrap_or_default();
    if programs == found {
        return Ok(());
    }
    Err(ServerError::OtherVersion { dir: data.to_owned(), found, programs: programs.to_owned() })
}
