//! As whom the server runs: Postgres refuses to run as root.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::ServerError;

/// The user that the server runs as when this process is root.
#[derive(Debug, Clone)]
pub(crate) struct RunAs {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// Nobody when this process is not root and the server can run as itself.
pub(crate) fn run_as() -> Result<Option<RunAs>, ServerError> {
    let own_uid = fs::metadata("/proc/self").map(|meta| meta.uid()).or_else(|_| user_id_from_command());
    if own_uid.map_err(|error| ServerError::file(Path::new("/proc/self"), error))? != 0 {
        return Ok(None);
    }
    let passwd = fs::read_to_string("/etc/passwd")
        .map_err(|error| ServerError::file(Path::new("/etc/passwd"), error))?;
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

/// A program that runs as this user.
pub(crate) fn program(name: impl AsRef<OsStr>, run_as: Option<&RunAs>) -> Command {
    let mut command = Command::new(name);
    // The user may not be able to enter the folder that this process is in.
    command.current_dir("/").env("LC_ALL", "C.UTF-8");
    if let Some(user) = run_as {
        command.uid(user.uid).gid(user.gid);
    }
    command
}
