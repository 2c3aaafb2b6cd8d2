//! The program as a user starts it, well and badly.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use pg::testing::TestDatabase;

const FREE: &str = "127.0.0.1:0";

/// A folder that is deleted at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("frontdesk-start-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self) -> &Path {
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

/// The program with nothing in its environment but what is given.
fn frontdesk(args: &[&str], env: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_frontdesk"));
    command.args(args).env_clear().env("PATH", std::env::var_os("PATH").unwrap()).envs(env.iter().copied());
    command
}

#[track_caller]
fn assert_one_sentence(output: &Output, code: i32, parts: &[&str]) {
    let text = String::from_utf8_lossy(&output.stderr);
    let sentences: Vec<&str> = text.lines().filter(|line| line.starts_with("frontdesk: ")).collect();
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert_eq!(sentences.len(), 1, "{text}");
    for part in parts {
        assert!(sentences[0].contains(part), "{part:?} is not in {text}");
    }
    assert!(!text.contains("panicked"), "{text}");
}

fn dev(folder: &Path, more: &[&str], env: &[(&str, &str)]) -> Command {
    let folder = folder.to_str().unwrap();
    let mut args = vec!["dev", "--data-dir", folder, "--identity", FREE, "--booking", FREE];
    args.extend(more);
    frontdesk(&args, env)
}

/// A `frontdesk dev` that ends with its test, also when that fails.
struct Dev(Child);

impl Dev {
    fn signal(&mut self, signal: &str) -> ExitStatus {
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
fn started(folder: &Path, more: &[&str]) -> Dev {
    let args: Vec<&str> = ["--gateway", FREE].iter().chain(more).copied().collect();
    let dev = Dev(dev(folder, &args, &[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    wait_for(|| exports(folder).status.success());
    dev
}

fn exports(folder: &Path) -> Output {
    frontdesk(&["env", "--data-dir", folder.to_str().unwrap()], &[]).output().unwrap()
}

fn wait_for(mut ready: impl FnMut() -> bool) {
    let started = Instant::now();
    while !ready() {
        assert!(started.elapsed() < Duration::from_secs(30), "not within 30 s");
        #[allow(clippy::disallowed_methods)]
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn dev_starts_stops_with_ctrl_c_and_starts_again_with_its_data() {
    let folder = Folder::new("dev");
    for round in 0..2 {
        let mut child = started(folder.path(), &[]);
        let text = String::from_utf8(exports(folder.path()).stdout).unwrap();
        for name in [
            "API_BASE_URL",
            "DATABASE_URL",
            "TENANT_API_KEY",
            "SUPABASE_ANON_KEY",
            "DEMO_OVERLAP_OTHER_GUEST",
        ] {
            assert!(text.contains(&format!("export {name}='")), "{name}: {text}");
        }
        let url = text
            .lines()
            .find_map(|line| line.strip_prefix("export DATABASE_URL='"))
            .unwrap()
            .trim_end_matches('\'');
        let psql = |query: &str| {
            let output = Command::new("psql").args([url, "-Atc", query]).output().unwrap();
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        if round == 0 {
            psql(
                "update booking_requests set message = 'kept' where id = '0d000000-0000-7000-8000-000000000501'",
            );
        }
        assert_eq!(
            psql("select message from booking_requests where id = '0d000000-0000-7000-8000-000000000501'"),
            "kept"
        );

        let second = dev(folder.path(), &["--gateway", FREE], &[]).output().unwrap();
        assert_one_sentence(&second, 1, &["already runs", "gateway http://127.0.0.1:"]);
        let postgres = std::fs::read_to_string(folder.path().join("pg/data/postmaster.pid")).unwrap();
        let postgres = postgres.lines().next().unwrap().to_owned();
        assert!(child.signal("-INT").success());
        assert!(!Path::new(&format!("/proc/{postgres}")).exists(), "postgres still runs");
        assert_one_sentence(&exports(folder.path()), 1, &["no `frontdesk dev` runs"]);
    }
}

#[test]
fn postgres_goes_with_its_parent_even_after_kill_9() {
    let folder = Folder::new("killed");
    let mut child = started(folder.path(), &[]);
    let pid_file = folder.path().join("pg/data/postmaster.pid");
    let postgres = std::fs::read_to_string(&pid_file).unwrap().lines().next().unwrap().to_owned();
    child.signal("-KILL");
    wait_for(|| !Path::new(&format!("/proc/{postgres}")).exists());
    let mut again = started(folder.path(), &[]);
    assert!(again.signal("-TERM").success());
}

#[test]
fn a_taken_port_is_named_with_the_option_that_changes_it() {
    let folder = Folder::new("port");
    let taken = std::net::TcpListener::bind(FREE).unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let output = dev(folder.path(), &["--gateway", &addr], &[]).output().unwrap();
    assert_one_sentence(&output, 1, &[&addr, "another program has the port", "--gateway"]);
    let env = [
        ("GATEWAY_LISTEN", addr.as_str()),
        ("IDENTITY_ADDR", "127.0.0.1:1"),
        ("BOOKING_ADDR", "127.0.0.1:1"),
    ];
    assert_one_sentence(&frontdesk(&["gateway"], &env).output().unwrap(), 1, &[&addr]);
}

#[test]
fn missing_postgres_programs_are_named_with_the_way_out() {
    let folder = Folder::new("no-postgres");
    let output =
        dev(folder.path(), &["--gateway", FREE], &[("FRONTDESK_PG_BIN", "/nowhere")]).output().unwrap();
    assert_one_sentence(&output, 1, &["/nowhere", "apt-get install postgresql", "DATABASE_URL"]);
}

#[test]
fn a_wrong_database_url_is_named_without_its_password() {
    let folder = Folder::new("url");
    for url in
        ["postgresql://app:hunter2@127.0.0.1:1/none", "postgresql:///none?host=/nowhere&password=hunter2"]
    {
        let output = dev(folder.path(), &["--gateway", FREE], &[("DATABASE_URL", url)]).output().unwrap();
        assert_one_sentence(&output, 1, &["DATABASE_URL", "none"]);
        assert!(!String::from_utf8_lossy(&output.stderr).contains("hunter2"));
    }
    let output =
        dev(folder.path(), &["--gateway", FREE], &[("DATABASE_URL", "nonsense://x")]).output().unwrap();
    assert_one_sentence(&output, 1, &["DATABASE_URL"]);
}

#[tokio::test]
async fn a_database_that_is_behind_is_refused_until_it_is_migrated() {
    let database = TestDatabase::create(&[]).await;
    let key = "ab".repeat(32);
    let env = [
        ("DATABASE_URL", database.url.as_str()),
        ("FRONTDESK_MASTER_KEY", &key),
        ("IDENTITY_ADDR", "127.0.0.1:1"),
    ];
    for (role, migration) in [("identity", "V1__users"), ("booking", "V1__properties")] {
        let output = frontdesk(&[role], &env).output().unwrap();
        assert_one_sentence(&output, 1, &["behind", migration, "frontdesk migrate up"]);
    }
    assert_one_sentence(&frontdesk(&["migrate", "status"], &env).output().unwrap(), 3, &["behind"]);
    let applied = frontdesk(&["migrate", "up"], &env).output().unwrap();
    assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
    let again = frontdesk(&["migrate", "up"], &env).output().unwrap();
    assert!(again.status.success() && again.stdout.is_empty(), "applying twice changes nothing");
    let status = frontdesk(&["migrate", "status", "--json"], &env).output().unwrap();
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(status["booking"]["pending"], serde_json::json!([]));
}

#[test]
fn every_missing_variable_is_said_at_once() {
    let output = frontdesk(&["booking"], &[("BOOKING_LISTEN", "nonsense")]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    for part in ["BOOKING_LISTEN", "DATABASE_URL", "IDENTITY_ADDR"] {
        assert!(text.contains(part), "{text}");
    }
    let output =
        frontdesk(&["identity"], &[("DATABASE_URL", "postgresql:///x"), ("FRONTDESK_MASTER_KEY", "short")])
            .output()
            .unwrap();
    assert_one_sentence(&output, 1, &["FRONTDESK_MASTER_KEY", "32 bytes"]);
    let env = [("IDENTITY_ADDR", "nonsense"), ("BOOKING_ADDR", "a:1,b"), ("ALLOWED_ORIGINS", "*")];
    let output = frontdesk(&["gateway"], &env).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    for part in ["IDENTITY_ADDR", "BOOKING_ADDR", "ALLOWED_ORIGINS"] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn token_get_has_the_exit_codes_of_the_runbook() {
    let env = [
        ("SB_EMAIL", "x@example.com"),
        ("SB_PASSWORD", "p"),
        ("SUPABASE_ANON_KEY", "k"),
        ("SB_URL", "http://127.0.0.1:1"),
    ];
    assert_eq!(frontdesk(&["token", "get"], &env[..2]).output().unwrap().status.code(), Some(1));
    assert_eq!(frontdesk(&["token", "get"], &env).output().unwrap().status.code(), Some(3));
    let folder = Folder::new("token");
    let mut child = started(folder.path(), &["--ephemeral"]);
    let text = String::from_utf8(exports(folder.path()).stdout).unwrap();
    let value = |name: &str| {
        let start = format!("export {name}='");
        text.lines().find_map(|line| line.strip_prefix(&start)).unwrap().trim_end_matches('\'').to_owned()
    };
    let (url, email, key, password) =
        (value("SB_URL"), value("MANAGER_EMAIL"), value("SUPABASE_ANON_KEY"), value("DEMO_PASSWORD"));
    let run = |program: &str, args: &[&str], key: &str, password: &str| {
        let path = format!(
            "{}:{}",
            Path::new(env!("CARGO_BIN_EXE_frontdesk")).parent().unwrap().display(),
            std::env::var("PATH").unwrap()
        );
        let mut command = Command::new(program);
        command.args(args).env_clear().env("PATH", path);
        command.envs([
            ("SB_URL", &*url),
            ("SB_EMAIL", &*email),
            ("SB_PASSWORD", password),
            ("SUPABASE_ANON_KEY", key),
        ]);
        command.output().unwrap()
    };
    let program = env!("CARGO_BIN_EXE_frontdesk");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/scripts/get_fresh_token.sh");
    for (program, args) in [(program, &["token", "get"][..]), (script, &[])] {
        let good = run(program, args, &key, &password);
        assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stderr));
        assert_eq!(String::from_utf8(good.stdout).unwrap().trim().split('.').count(), 3);
        assert_eq!(run(program, args, &key, "wrong-password").status.code(), Some(2));
        assert_eq!(run(program, args, "wrong-key", &password).status.code(), Some(2));
    }
    let export = run(script, &["--export"], &key, &password);
    assert!(String::from_utf8(export.stdout).unwrap().starts_with("export TOKEN='ey"));
    assert_eq!(run(script, &["--export"], &key, "wrong-password").status.code(), Some(2));
    for (program, args) in [(program, &["token", "check"][..]), (script, &["--check"])] {
        let check = run(program, args, &key, &password);
        let said: serde_json::Value = serde_json::from_slice(&check.stdout).unwrap();
        assert_eq!(said["email"], email);
        assert!(!String::from_utf8(check.stdout).unwrap().contains("eyJ"), "the token itself is printed");
    }
    for (program, args) in [(program, &["token", "user"][..]), (script, &["--user"])] {
        let user: serde_json::Value =
            serde_json::from_slice(&run(program, args, &key, &password).stdout).unwrap();
        assert_eq!(user["email"], email);
    }
    assert_eq!(run(script, &["--nonsense"], &key, &password).status.code(), Some(1));
    child.signal("-INT");
}

#[tokio::test]
async fn the_log_of_a_whole_day_holds_no_secret() {
    let folder = Folder::new("log");
    let log = std::fs::File::create(folder.path().join("log")).unwrap();
    let mut child = Dev(dev(folder.path(), &["--gateway", FREE, "--ephemeral"], &[("LOG", "trace")])
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap());
    wait_for(|| exports(folder.path()).status.success());
    let text = String::from_utf8(exports(folder.path()).stdout).unwrap();
    let value = |name: &str| {
        let start = format!("export {name}='");
        text.lines().find_map(|line| line.strip_prefix(&start)).unwrap().trim_end_matches('\'').to_owned()
    };
    let (url, password) = (value("API_BASE_URL"), value("DEMO_PASSWORD"));
    let http = reqwest::Client::new();
    let post = async |path: &str, token: &str, body: serde_json::Value| -> serde_json::Value {
        let request = http.post(format!("{url}{path}")).bearer_auth(token).json(&body);
        request.send().await.unwrap().json().await.unwrap()
    };
    let mut secrets = vec![password.clone(), value("TENANT_API_KEY"), value("SUPABASE_ANON_KEY")];
    let login = |email: &str, password: &str| serde_json::json!({"email": email, "password": password});
    post("/v1/auth/login", "x", login("manager@alpine.example", "a-wrong-password")).await;
    secrets.push("a-wrong-password".to_owned());
    let first = post("/v1/auth/login", "x", login("owner@alpine.example", &password)).await;
    let again = post("/v1/auth/refresh", "x", serde_json::json!({"refresh": first["refresh"]})).await;
    for tokens in [&first, &again] {
        secrets.extend(["access", "refresh"].map(|name| tokens[name].as_str().unwrap().to_owned()));
    }
    let token = again["access"].as_str().unwrap();
    let key = post(
        &format!("/v1/tenants/{}/api-keys", value("TENANT_ID")),
        token,
        serde_json::json!({"name": "k"}),
    )
    .await;
    secrets.push(key["secret"].as_str().unwrap().to_owned());
    post(&format!("/v1/booking-requests/{}/approve", value("DEMO_REQUESTED")), token, serde_json::json!({}))
        .await;
    let forged = format!("{token}x");
    post("/v1/auth/logout", &forged, serde_json::json!({})).await;
    let query = format!("{url}/auth/v1/user?apikey={}", value("SUPABASE_ANON_KEY"));
    http.get(query).bearer_auth(token).send().await.unwrap();

    child.signal("-INT");
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.contains("/v1/auth/login") && log.contains("request_id"), "{log}");
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret} is in the log");
        // Signatures and secrets tell as much as the whole.
        let part = secret.rsplit(['.', '_']).next().unwrap();
        assert!(part.len() < 12 || !log.contains(part), "a part of {secret} is in the log");
    }
    assert!(!log.contains("owner@alpine.example"), "an e-mail address is in the log");
}
