//! The folder of a server: its data, its log and the socket, closed to others.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::user::{RunAs, program, run_as};
use crate::{OWNER, ServerError};

/// A folder in memory, on Linux.
const MEMORY: &str = "/dev/shm";
/// What the databases of tests need at most, several times.
const ENOUGH_KIB: u64 = 4 * 1024 * 1024;

/// Connection string of a database of the private server in a folder.
pub fn url(dir: &Path, database: &str) -> String {
    let host: String = dir.display().to_string().bytes().map(percent_encoded).collect();
    format!("postgresql:///{database}?host={host}&user={OWNER}")
}

/// Whether the server's user could enter this folder once it exists.
pub fn can_host(dir: &Path) -> Result<bool, ServerError> {
    let Some(user) = run_as()? else { return Ok(true) };
    fs::create_dir_all(dir).map_err(|error| ServerError::file(dir, error))?;
    let status = program("sh", Some(&user)).args(["-c", r#"cd "$1" 2>/dev/null"#, "sh"]).arg(dir).status();
    status.map(|status| status.success()).map_err(|error| ServerError::file(dir, error))
}

/// Where the folders of servers go that last for a test: in memory, where there is enough. A
/// clone of a database is hundreds of files, which some file systems take long to make, the
/// longer, the more have gone just before.
pub fn for_tests() -> PathBuf {
    let has_room = Command::new("df").args(["-P", "-k", MEMORY]).output().is_ok_and(|output| {
        let told = String::from_utf8_lossy(&output.stdout);
        let free = told.lines().nth(1).and_then(|line| line.split_whitespace().nth(3));
        free.and_then(|free| free.parse::<u64>().ok()).is_some_and(|free| free >= ENOUGH_KIB)
    });
    if has_room { MEMORY.into() } else { std::env::temp_dir() }
}

pub(crate) fn prepare_dir(dir: &Path, run_as: Option<&RunAs>) -> Result<(), ServerError> {
    fs::create_dir_all(dir).map_err(|error| ServerError::file(dir, error))?;
    if let Some(user) = run_as {
        chown(dir, Some(user.uid), Some(user.gid)).map_err(|error| ServerError::file(dir, error))?;
        if !can_host(dir)? {
            return Err(ServerError::Unreachable { user: user.name.clone(), dir: dir.to_owned() });
        }
    }
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(|error| ServerError::file(dir, error))
}

/// Makes the data.
pub(crate) fn init(bin: &Path, dir: &Path, run_as: Option<&RunAs>) -> Result<(), ServerError> {
    // A first initialisation that was cut off leaves a folder that initdb refuses.
    let (fresh, data) = (dir.join("data.new"), dir.join("data"));
    if fresh.exists() {
        fs::remove_dir_all(&fresh).map_err(|error| ServerError::file(&fresh, error))?;
    }
    let output = program(bin.join("initdb"), run_as)
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
        ])
        .output()
        .map_err(|error| ServerError::file(bin, error))?;
    if !output.status.success() {
        let output = last_lines(&String::from_utf8_lossy(&output.stderr));
        return Err(ServerError::Failed { program: "initdb", output });
    }
    fs::rename(&fresh, &data).map_err(|error| ServerError::file(&data, error))
}

/// The end of a program's output, on one line.
pub(crate) fn last_lines(text: &str) -> String {
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
