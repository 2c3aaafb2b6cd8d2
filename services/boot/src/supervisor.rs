//! systemd, if it started this process: it is notified when calls are taken, so that
//! `systemctl start` returns when the role works, and fails if it cannot; and when the
//! stop has begun.

use std::os::unix::net::UnixDatagram;

use crate::settings::{Form, Setting, Settings, Unset};

static NOTIFY_SOCKET: Setting = Setting {
    name: "NOTIFY_SOCKET",
    form: Form::Described("a path"),
    unset: Unset::Means("nobody is notified"),
    example: "/run/systemd/notify",
    meaning: "Where systemd is notified that the role takes calls; systemd sets it (Type=notify).",
    secret: false,
};

/// What started this process, if it wants to be notified.
#[derive(Debug)]
pub struct Supervisor {
    socket: Option<String>,
}

impl Supervisor {
    /// Reads where it listens, if it does.
    pub fn read(settings: &mut Settings) -> Self {
        Self { socket: settings.if_set(&NOTIFY_SOCKET) }
    }

    /// Calls are taken from now on. A supervisor that does not listen keeps nobody from
    /// serving.
    pub fn serving(&self) {
        self.tell(b"READY=1");
    }

    /// The stop has begun.
    pub fn stopping(&self) {
        self.tell(b"STOPPING=1");
    }

    /// One that does not listen is no reason not to serve.
    fn tell(&self, what: &[u8]) {
        if let Some(socket) = &self.socket
            && let Err(error) = UnixDatagram::unbound().and_then(|from| from.send_to(what, socket))
        {
            tracing::warn!(%error, socket, "systemd could not be notified");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_listens_is_told_and_nobody_is_needed() {
        let path = std::env::temp_dir().join(format!("frontdesk-supervisor-{}", std::process::id()));
        let listener = UnixDatagram::bind(&path).unwrap();
        let of = |path: &str| Supervisor::read(&mut Settings::of([("NOTIFY_SOCKET", path)]));
        let supervisor = of(path.to_str().unwrap());
        supervisor.serving();
        supervisor.stopping();
        for expected in [&b"READY=1"[..], b"STOPPING=1"] {
            let mut said = [0; 16];
            let length = listener.recv(&mut said).unwrap();
            assert_eq!(&said[..length], expected);
        }
        std::fs::remove_file(path).unwrap();
        of("/nonexistent/socket").serving();
        of("").serving();
    }
}
