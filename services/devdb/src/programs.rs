//! Finding the server's programs on the machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

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

/// Reads `FRONTDESK_PG_BIN`.
pub fn read(settings: &mut Settings) -> Option<PathBuf> {
    settings.if_set(&FRONTDESK_PG_BIN)
}

/// A program of the installation that private servers run, for example `pgbench`.
pub fn program(name: &str) -> Result<PathBuf, ServerError> {
    Ok(find_programs()?.join(name))
}

/// The folder of the server's programs, the newest version that is installed.
pub(crate) fn find_programs() -> Result<PathBuf, ServerError> {
    let has_server = |dir: &Path| dir.join("initdb").is_file() && dir.join("postgres").is_file();
    if let Some(chosen) = read(&mut Settings::from_environment()) {
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
    #[expect(clippy::disallowed_methods, reason = "where programs are is no setting of ours")]
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
