//! Why there is no private server, as sentences with the way out.

use std::io;
use std::path::{Path, PathBuf};

use crate::MAX_SOCKET_DIR;

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

impl ServerError {
    pub(crate) fn file(path: &Path, error: io::Error) -> Self {
        Self::File { path: path.to_owned(), error }
    }
}
