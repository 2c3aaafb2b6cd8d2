//! The shell between this process and the server. It holds the read end of a pipe
//! whose write end only this process has: when the pipe closes, however this
//! process ended, it stops the server and removes the folder of an ephemeral one. A
//! destructor alone would not do that for a process that is killed. The folder of a
//! server that ended by itself stays: it is started again with its data. So it does when
//! the shell itself is killed: what waits for the pipe is a process of its own and stops the
//! server, and its mark, that the folder is to go, is not taken for one of the next shell.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};

use crate::ServerError;
use crate::user::{RunAs, program};

const GUARD: &str = r#"
trap '' INT TERM HUP
exec 3<&0 0</dev/null
"$@" 3<&- &
server=$!
stopping="$REMOVE/stopping.$$"
(
    trap - TERM
    while read -r _ <&3; do :; done
    if [ -n "$REMOVE" ]; then : >"$stopping"; fi
    kill -INT "$server" 2>/dev/null
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        sleep 1
        kill -0 "$server" 2>/dev/null || exit
    done
    kill -QUIT "$server" 2>/dev/null
) &
watcher=$!
exec 3<&-
wait "$server"
code=$?
kill "$watcher" 2>/dev/null
if [ -n "$REMOVE" ] && [ -e "$stopping" ]; then rm -rf "$REMOVE"; fi
exit "$code"
"#;

/// A shell that guards a server. Dropping it stops the server.
#[derive(Debug)]
pub(crate) struct Guard {
    shell: Child,
    pipe: Option<ChildStdin>,
}

impl Guard {
    /// Runs a command that is a server, its output in `postgres.log` of its folder.
    pub(crate) fn start(
        command: &[OsString],
        dir: &Path,
        ephemeral: bool,
        user: Option<&RunAs>,
    ) -> Result<Self, ServerError> {
        let failed = |error| ServerError::file(dir, error);
        let log = File::create(dir.join("postgres.log")).map_err(failed)?;
        let mut shell = program("sh", user)
            .args(["-c", GUARD, "guard"])
            .args(command)
            .env("REMOVE", if ephemeral { dir.as_os_str() } else { OsStr::new("") })
            .stdin(Stdio::piped())
            .stdout(log.try_clone().map_err(failed)?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .map_err(|error| ServerError::file(Path::new("sh"), error))?;
        let pipe = shell.stdin.take();
        Ok(Self { shell, pipe })
    }

    /// Whether the server has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        matches!(self.shell.try_wait(), Ok(Some(_)) | Err(_))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.pipe = None;
        if let Err(error) = self.shell.wait() {
            tracing::warn!(%error, "the guard of the private postgres cannot be waited for");
        }
    }
}
