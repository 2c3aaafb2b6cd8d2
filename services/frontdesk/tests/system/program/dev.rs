//! `frontdesk dev`: start, stop, restart, and starts that cannot work.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::run::{
    Dev, Exports, FREE, Folder, assert_one_sentence, dev, exports, free, frontdesk, started, wait_for,
};

#[test]
fn dev_starts_stops_with_ctrl_c_and_starts_again_with_its_data() {
    let folder = Folder::new("dev");
    for round in 0..2 {
        let mut child = started(folder.path(), &[]);
        let exported = Exports::of(folder.path());
        for name in ["API_BASE_URL", "TENANT_API_KEY", "SUPABASE_ANON_KEY", "DEMO_OVERLAP_OTHER_GUEST"] {
            assert_ne!(exported.value(name), "", "{name}");
        }
        let url = exported.value("DATABASE_URL");
        let psql = |query: &str| {
            let output = Command::new("psql").args([&url, "-Atc", query]).output().unwrap();
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
        assert_one_sentence(&second, 1, &["already runs", "gateway http://localhost:"]);
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

/// Of the server that has its data in a folder: its own process, or the shell before it.
fn of_server(data: &Path, parent: bool) -> Option<String> {
    let server = std::fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let server = server.lines().next()?.to_owned();
    if !parent {
        return Some(server);
    }
    let status = std::fs::read_to_string(format!("/proc/{server}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:\t").map(str::to_owned))
}

#[test]
fn a_postgres_that_is_killed_or_whose_guard_is_comes_back_with_its_data() {
    for kept in [false, true] {
        comes_back_with_its_data(kept);
    }
}

fn comes_back_with_its_data(is_kept: bool) {
    let folder = Folder::new("crashed");
    let options: &[&str] = if is_kept { &[] } else { &["--ephemeral"] };
    let mut child = started(folder.path(), options);
    let url = Exports::of(folder.path()).value("DATABASE_URL");
    let psql = |query: &str| {
        let output = Command::new("psql").args([&url, "-Atc", query]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let own = || {
        let mut found = std::fs::read_dir(folder.path()).unwrap();
        found.find_map(|one| {
            Some(one.unwrap().path()).filter(|path| path.join("data/postmaster.pid").exists())
        })
    };
    let server = || of_server(&own()?.join("data"), false);
    let guard = || of_server(&own()?.join("data"), true);
    // An ephemeral server gives commits back before it has written them anywhere.
    psql(
        "set synchronous_commit = on; update booking_requests set message = 'kept' where id = '0d000000-0000-7000-8000-000000000501'",
    );
    let kept = "select message from booking_requests where id = '0d000000-0000-7000-8000-000000000501'";
    for killed in [&server, &guard as &dyn Fn() -> Option<String>] {
        let (first, killed) = (server().unwrap(), killed().unwrap());
        assert!(Command::new("kill").args(["-9", &killed]).status().unwrap().success());
        wait_for(|| server().is_some_and(|now| now != first));
        wait_for(|| psql(kept) == "kept");
        assert!(!runs(&first), "two servers run");
    }
    if is_kept {
        // Nobody is left then who would stop it but what waits for the pipe.
        let (server, guard) = (server().unwrap(), guard().unwrap());
        assert!(Command::new("kill").args(["-9", &guard]).status().unwrap().success());
        child.signal("-KILL");
        wait_for(|| !runs(&server));
    } else {
        assert!(child.signal("-INT").success());
        assert!(own().is_none(), "an ephemeral server leaves its data behind");
    }
}

/// Such a server is asked for ten seconds, and then leaves its sessions five: longer than what
/// was waited for before.
#[test]
fn a_postgres_that_is_slow_to_leave_when_its_guard_is_killed_comes_back() {
    let folder = Folder::new("slow");
    let mut child = started(folder.path(), &[]);
    let url = Exports::of(folder.path()).value("DATABASE_URL");
    let data = folder.path().join("pg/data");
    let mut session = Command::new("psql")
        .args([&url, "-Atc", "select pg_backend_pid()", "-c", "select pg_sleep(600)"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut backend = String::new();
    BufReader::new(session.stdout.take().unwrap()).read_line(&mut backend).unwrap();
    let signal =
        |signal: &str, pid: &str| Command::new("kill").args([signal, pid]).status().unwrap().success();
    // It hears of no end until it is killed.
    assert!(signal("-STOP", backend.trim()));
    let (first, guard) = (of_server(&data, false).unwrap(), of_server(&data, true).unwrap());
    assert!(signal("-KILL", &guard));
    wait_for(|| of_server(&data, false).is_some_and(|now| now != first));
    wait_for(|| Command::new("psql").args([&url, "-Atc", "select 1"]).output().unwrap().status.success());
    assert!(!runs(&first), "two servers run");
    assert!(!session.wait().unwrap().success());
    assert!(child.signal("-INT").success());
}

/// Whether a process runs: one that has ended may wait for its parent.
fn runs(pid: &str) -> bool {
    std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|command| !command.is_empty())
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

/// A server of one's own is no way round it: what it holds may be sealed with the same key.
#[test]
fn missing_secrets_with_a_database_url_are_named_with_a_way_out_that_works() {
    let folder = Folder::new("secrets-url");
    let (data, elsewhere) = (folder.path().join("pg/data"), "postgresql://app@127.0.0.1:1/none");
    std::fs::create_dir_all(&data).unwrap();
    let env = [("DATABASE_URL", elsewhere)];
    let output = dev(folder.path(), &["--gateway", FREE], &env).output().unwrap();
    assert_one_sentence(
        &output,
        1,
        &["secrets.json is missing", "put it back", "--reset and without DATABASE_URL"],
    );
    let output = dev(folder.path(), &["--gateway", FREE, "--reset"], &env).output().unwrap();
    assert_one_sentence(&output, 1, &["DATABASE_URL names another one: unset it"]);
    assert!(data.exists() && !folder.path().join("secrets.json").exists());
}

#[tokio::test]
async fn env_works_as_soon_as_the_gateway_is_ready() {
    let folder = Folder::new("env");
    let addr = free();
    let args = ["--gateway", &addr, "--ephemeral"];
    let mut child =
        Dev(dev(folder.path(), &args, &[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let url = format!("http://{addr}/readyz");
    let mut ready = false;
    for _ in 0..3000 {
        ready = reqwest::get(&url).await.is_ok_and(|answer| answer.status().is_success());
        if ready {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(ready, "not ready within 30 s");
    let output = exports(folder.path());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(child.signal("-INT").success());
}

#[test]
fn an_ephemeral_run_leaves_what_is_kept_alone() {
    let folder = Folder::new("kept");
    let secrets = folder.path().join("secrets.json");
    let mut kept = started(folder.path(), &[]);
    let before = std::fs::read(&secrets).unwrap();
    assert!(kept.signal("-INT").success());
    let mut ephemeral = started(folder.path(), &["--ephemeral"]);
    assert!(ephemeral.signal("-INT").success());
    assert_eq!(std::fs::read(&secrets).unwrap(), before);
    let mut again = started(folder.path(), &[]);
    assert!(again.signal("-INT").success(), "the kept data open with their own key");
}

/// Whatever became of the file that opens the data: the next start says so, makes no other
/// one and touches nothing; with the file back everything is there.
#[test]
fn secrets_that_cannot_be_read_cost_nothing_that_is_kept() {
    let folder = Folder::new("secrets");
    let secrets = folder.path().join("secrets.json");
    let demo = "id = '0d000000-0000-7000-8000-000000000501'";
    let psql = |query: &str| {
        let url = Exports::of(folder.path()).value("DATABASE_URL");
        let output = Command::new("psql").args([&url, "-Atc", query]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let mut first = started(folder.path(), &[]);
    psql(&format!("update booking_requests set message = 'kept' where {demo}"));
    assert!(first.signal("-INT").success());
    let good = std::fs::read(&secrets).unwrap();

    let half = &good[..good.len() / 2];
    let broken: [&[u8]; 6] = [b"", b"garbage", b"\xff\x00", b"{}", b"{\"master\": 7}", half];
    for content in broken {
        std::fs::write(&secrets, content).unwrap();
        let output = dev(folder.path(), &["--gateway", FREE], &[]).output().unwrap();
        assert_one_sentence(&output, 1, &["secrets.json cannot be read", "put it back", "--reset"]);
        assert_eq!(std::fs::read(&secrets).unwrap(), content);
    }
    std::fs::remove_file(&secrets).unwrap();
    let output = dev(folder.path(), &["--gateway", FREE], &[]).output().unwrap();
    assert_one_sentence(&output, 1, &["secrets.json is missing", "put it back", "--reset"]);
    // Nobody can read a folder, whatever their rights are.
    std::fs::create_dir(&secrets).unwrap();
    let output = dev(folder.path(), &["--gateway", FREE], &[]).output().unwrap();
    assert_one_sentence(&output, 1, &["secrets.json cannot be read", "put it back", "--reset"]);
    std::fs::remove_dir(&secrets).unwrap();

    std::fs::write(&secrets, &good).unwrap();
    std::fs::set_permissions(&secrets, std::fs::Permissions::from_mode(0o644)).unwrap();
    let mut again = started(folder.path(), &[]);
    let mode = std::fs::metadata(&secrets).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "others can read it");
    assert_eq!(psql(&format!("select message from booking_requests where {demo}")), "kept");
    assert!(again.signal("-INT").success());

    // Also what can be read and is not theirs opens nothing and loses nothing.
    let mut others: serde_json::Value = serde_json::from_slice(&good).unwrap();
    others["master"] = format!("{}=", "Y".repeat(43)).into();
    std::fs::write(&secrets, others.to_string()).unwrap();
    let output = dev(folder.path(), &["--gateway", FREE], &[]).output().unwrap();
    assert_one_sentence(&output, 1, &["--reset"]);
    std::fs::write(&secrets, "{").unwrap();
    let mut reset = started(folder.path(), &["--reset"]);
    assert_ne!(psql(&format!("select message from booking_requests where {demo}")), "kept");
    assert!(reset.signal("-INT").success());
}

/// What is printed can be called from a page that a development server shows: to a browser
/// `localhost` and `127.0.0.1` are two sites, and a cookie of the one is not sent from the
/// other.
#[tokio::test]
async fn a_page_at_localhost_keeps_its_session_with_what_is_printed() {
    let folder = Folder::new("localhost");
    let options = ["--gateway", FREE, "--ephemeral"];
    let mut command = dev(folder.path(), &options, &[]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let printed = child.stdout.take().unwrap();
    let mut child = Dev(child);
    wait_for(|| exports(folder.path()).status.success());
    let exported = Exports::of(folder.path());
    let url = exported.value("API_BASE_URL");
    assert_eq!(exported.value("SB_URL"), url);
    let host = url.strip_prefix("http://").unwrap().split(':').next().unwrap();
    assert_eq!(host, "localhost", "{url}");
    let lines = BufReader::new(printed).lines().map(Result::unwrap);
    let lines: Vec<String> = lines.take_while(|line| !line.starts_with("Try it")).collect();
    for name in ["REST", "gRPC-Web", "Health"] {
        let is_it = |line: &&String| line.trim_start().starts_with(name) && line.contains(&url);
        assert!(lines.iter().any(|line| is_it(&line)), "{name}: {lines:?}");
    }

    let page = |method: reqwest::Method, path: &str| {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        http.request(method, format!("{url}{path}")).header("origin", format!("http://{host}:5173"))
    };
    let document = page(reqwest::Method::GET, "/.well-known/openid-configuration").send().await.unwrap();
    let document: serde_json::Value = document.json().await.unwrap();
    assert_eq!(document["issuer"], exported.value("TOKEN_ISSUER"));
    let login = serde_json::json!({"email": exported.value("MANAGER_EMAIL"), "password": exported.value("DEMO_PASSWORD")});
    let signed_in = page(reqwest::Method::POST, "/console/session").json(&login).send().await.unwrap();
    assert_eq!(signed_in.status(), 200);
    let cookie = signed_in.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let on = page(reqwest::Method::POST, "/console/session/refresh").header("cookie", cookie);
    assert_eq!(on.send().await.unwrap().status(), 200);
    let wrong = page(reqwest::Method::GET, "/v1/nothing").send().await.unwrap();
    let problem: serde_json::Value = wrong.json().await.unwrap();
    let leads_to = format!("{url}/runbook/");
    assert!(problem["type"].as_str().unwrap().starts_with(&leads_to), "{problem}");
    // Another name that leads to this machine is a stranger's.
    let rebound =
        page(reqwest::Method::GET, "/v1/me").header("host", "rebound.example").send().await.unwrap();
    assert_eq!(rebound.status(), 403);
    let problem: serde_json::Value = rebound.json().await.unwrap();
    assert_eq!(problem["metadata"]["setting"], "GATEWAY_HOSTS", "{problem}");
    assert!(child.signal("-INT").success());
}

#[test]
fn what_env_exports_does_not_redirect_another_dev() {
    let (one, other) = (Folder::new("one"), Folder::new("other"));
    let mut first = started(one.path(), &["--ephemeral"]);
    let exported = Exports::of(one.path());
    let (url, mark) = (exported.value("DATABASE_URL"), exported.value("FRONTDESK_DEV_DATABASE"));
    assert_eq!(url, mark);
    let env = [("DATABASE_URL", url.as_str()), ("FRONTDESK_DEV_DATABASE", &mark)];
    // What it exported is stale as soon as it has ended.
    assert!(first.signal("-INT").success());
    let child = dev(other.path(), &["--gateway", FREE, "--ephemeral"], &env)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut second = Dev(child);
    wait_for(|| exports(other.path()).status.success());
    assert_ne!(Exports::of(other.path()).value("DATABASE_URL"), url);
    assert!(second.signal("-INT").success());
}
