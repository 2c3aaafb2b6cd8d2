//! How tests run the program: with nothing in its environment but what they say.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::fixture::Fixture;

pub const FREE: &str = "127.0.0.1:0";

/// Ports that no outgoing connection gets, nor a listener that takes any.
const FROM: u16 = 12_000;
/// From where on Linux takes those, unless it is told otherwise.
const UNTIL: u16 = 32_768;

/// An address that is free, also when it is used in a moment: it is given out once, and the
/// system gives it to nobody. Processes beside this one begin elsewhere.
pub fn free() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let (ports, begin) = (u32::from(UNTIL - FROM), std::process::id().wrapping_mul(997));
    let mut tried = std::iter::repeat_with(|| NEXT.fetch_add(1, Ordering::Relaxed)).take(1000);
    let free = tried.find_map(|next| {
        let port = FROM + u16::try_from(begin.wrapping_add(next) % ports).unwrap();
        TcpListener::bind(("127.0.0.1", port)).ok()?.local_addr().ok()
    });
    free.expect("a port is free").to_string()
}

/// A folder that is deleted at the end.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("frontdesk-start-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{}: {error}", self.0.display());
        }
    }
}

/// The program with nothing in its environment but what is given; no test waits for a role
/// that leaves, unless it says so.
pub fn frontdesk(args: &[&str], env: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_frontdesk"));
    command.args(args).env_clear().env("PATH", path());
    if args.first().is_some_and(|role| ["identity", "booking", "gateway", "serve"].contains(role)) {
        command.env("STOP_DELAY", "0");
    }
    command.envs(env.iter().copied());
    command
}

/// Where programs are found.
#[expect(clippy::disallowed_methods, reason = "programs are found as the test's own were")]
pub fn path() -> String {
    std::env::var("PATH").unwrap()
}

/// The program against a running system.
pub async fn against(fixture: &Fixture, args: &[&str], env: &[(&str, String)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_frontdesk"));
    command.args(args).env_clear().env("API_BASE_URL", fixture.url("")).envs(env.iter().cloned());
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What a sentence names to be run, between backticks.
pub fn quoted(sentence: &str) -> Vec<String> {
    sentence.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// One sentence on standard error, with these parts, and this exit code.
#[track_caller]
pub fn assert_one_sentence(output: &Output, code: i32, parts: &[&str]) {
    let text = String::from_utf8_lossy(&output.stderr);
    let sentences: Vec<&str> = text.lines().filter(|line| line.starts_with("frontdesk: ")).collect();
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert_eq!(sentences.len(), 1, "{text}");
    for part in parts {
        assert!(sentences[0].contains(part), "{part:?} is not in {text}");
    }
    assert!(!text.contains("panicked"), "{text}");
}

pub fn dev(folder: &Path, more: &[&str], env: &[(&str, &str)]) -> Command {
    let folder = folder.to_str().unwrap();
    let mut args = vec!["dev", "--data-dir", folder, "--identity", FREE, "--booking", FREE];
    args.extend(more);
    frontdesk(&args, env)
}

/// A `frontdesk dev` that ends with its test, also when that fails.
pub struct Dev(pub Child);

impl Dev {
    pub fn signal(&mut self, signal: &str) -> ExitStatus {
        Command::new("kill").args([signal, &self.0.id().to_string()]).status().unwrap();
        self.0.wait().unwrap()
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        if let Ok(None) = self.0.try_wait()
            && let Err(error) = self.0.kill().and_then(|()| self.0.wait())
        {
            eprintln!("frontdesk dev goes on: {error}");
        }
    }
}

/// A `frontdesk dev` that is ready.
pub fn started(folder: &Path, more: &[&str]) -> Dev {
    let args: Vec<&str> = ["--gateway", FREE].iter().chain(more).copied().collect();
    let dev = Dev(dev(folder, &args, &[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    wait_for(|| exports(folder).status.success());
    dev
}

/// What `frontdesk env` prints of the running `frontdesk dev`, by name.
pub struct Exports(String);

impl Exports {
    pub fn of(folder: &Path) -> Self {
        Self(String::from_utf8(exports(folder).stdout).unwrap())
    }

    pub fn value(&self, name: &str) -> String {
        let start = format!("export {name}='");
        let value = self.0.lines().find_map(|line| line.strip_prefix(&start));
        value.unwrap_or_else(|| panic!("{name}: {}", self.0)).trim_end_matches('\'').to_owned()
    }
}

pub fn exports(folder: &Path) -> Output {
    frontdesk(&["env", "--data-dir", folder.to_str().unwrap()], &[]).output().unwrap()
}

pub fn wait_for(mut ready: impl FnMut() -> bool) {
    let started = Instant::now();
    while !ready() {
        assert!(started.elapsed() < Duration::from_secs(30), "not within 30 s");
        #[allow(clippy::disallowed_methods)]
        std::thread::sleep(Duration::from_millis(50));
    }
}
