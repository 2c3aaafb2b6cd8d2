//! The processes that are measured. They end with the bench.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Processes that answer together.
pub struct Stack {
    pub name: &'static str,
    pub port: u16,
    pub is_peer: bool,
    children: Vec<Child>,
}

impl Stack {
    /// Everything in one process.
    pub async fn serve(url: &str) -> Self {
        let [gateway, identity, booking] = [(); 3].map(|()| free());
        let listen = [("GATEWAY", gateway), ("IDENTITY", identity), ("BOOKING", booking)];
        let stack = Self::of("serve", gateway, vec![frontdesk("serve", url, &listen, &[])]);
        stack.ready("/readyz").await
    }

    /// Each role in a process.
    pub async fn roles(url: &str) -> Self {
        let [gateway, identity, booking] = [(); 3].map(|()| free());
        let (to_identity, to_booking) = (("IDENTITY_ADDR", identity), ("BOOKING_ADDR", booking));
        let children = vec![
            frontdesk("identity", url, &[("IDENTITY", identity)], &[]),
            frontdesk("booking", url, &[("BOOKING", booking)], &[to_identity]),
            frontdesk("gateway", url, &[("GATEWAY", gateway)], &[to_identity, to_booking]),
        ];
        Self::of("three roles", gateway, children).ready("/readyz").await
    }

    /// `FastAPI` and asyncpg, with the keys that ours publish.
    pub async fn peer(python: &Path, url: &str, keys: u16) -> Self {
        let port = free();
        let app = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/stack/peers/fastapi");
        let mut command = Command::new(python);
        command.args(["-m", "uvicorn", "app:app", "--workers", "2", "--log-level", "warning", "--app-dir"]);
        command.arg(app).args(["--port", &port.to_string()]);
        command.env("DATABASE_URL", url);
        command.env("JWKS_URL", format!("http://127.0.0.1:{keys}/.well-known/jwks.json"));
        let child = command.stdout(Stdio::null()).spawn().unwrap();
        let mut stack = Self::of("FastAPI", port, vec![child]);
        stack.is_peer = true;
        stack.ready("/openapi.json").await
    }

    fn of(name: &'static str, port: u16, children: Vec<Child>) -> Self {
        Self { name, port, is_peer: false, children }
    }

    /// Waits until a path is answered.
    async fn ready(self, path: &str) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let (url, began) = (format!("http://127.0.0.1:{}{path}", self.port), Instant::now());
        loop {
            let answer = client.get(&url).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return self;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "{} is not ready", self.name);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// User and system time of its processes and of those that they have started.
    pub fn cpu(&self) -> Duration {
        self.children.iter().map(|child| cpu_of(child.id())).sum()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        for child in &mut self.children {
            // By the signal on which each ends what it has started.
            let ended = Command::new("kill").arg(child.id().to_string()).status();
            let _waited = ended.map(|_| child.wait());
        }
    }
}

fn frontdesk(role: &str, url: &str, listen: &[(&str, u16)], callees: &[(&str, u16)]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_frontdesk"));
    command.arg(role).env("DATABASE_URL", url).env("FRONTDESK_MASTER_KEY", "ab".repeat(32));
    for (part, port) in listen {
        command.env(format!("{part}_LISTEN"), format!("127.0.0.1:{port}"));
    }
    for (name, port) in callees {
        command.env(name, format!("127.0.0.1:{port}"));
    }
    // The log of each call is written, as it is in service.
    command.stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap()
}

/// Of a process and its children, living and dead (proc(5)), in hundredths of a second, which
/// clock ticks are on every Linux that this runs on.
pub fn cpu_of(of: u32) -> Duration {
    let mut ticks = 0;
    for entry in std::fs::read_dir("/proc").unwrap() {
        let Ok(id) = entry.unwrap().file_name().into_string().unwrap_or_default().parse::<u32>() else {
            continue;
        };
        // One may end while it is looked at.
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{id}/stat")) else { continue };
        let Some((_, fields)) = stat.rsplit_once(')') else { continue };
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let number = |at: usize| fields[at].parse::<u64>().unwrap();
        let is_child = number(1) == u64::from(of);
        if id == of {
            // Its own, and that of children that it has waited for.
            ticks += (11..15).map(number).sum::<u64>();
        } else if is_child {
            ticks += number(11) + number(12);
        }
    }
    Duration::from_millis(ticks * 10)
}

fn free() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    debug_assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    port
}
