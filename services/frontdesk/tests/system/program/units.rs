//! The units of systemd, on a machine that is a folder: what stands in for systemd
//! (`systemd/systemctl` and its like) starts what they say, with the files that README names,
//! and README's path with them ends in an approved request. How systemd itself takes the files
//! is seen by `deploy/lint`.

use std::fs;
use std::process::Command;

use devdb::TestDatabase;
use serde_json::Value as Json;

use super::path::block;
use super::run::{Folder, free, frontdesk, path, text, wait_for};
use crate::cluster::Cluster;

/// The addresses that the units have or that roles listen on without a setting: of identity,
/// booking and the gateway, and then of their operator ports.
const ADDRESSES: [&str; 6] = [
    "127.0.0.1:50051",
    "127.0.0.1:50052",
    "127.0.0.1:8080",
    "127.0.0.1:9091",
    "127.0.0.1:9092",
    "127.0.0.1:9093",
];
const ROLES: [&str; 3] = ["identity", "booking", "gateway"];
const TOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const STAND_INS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/system/program/systemd");

/// A machine without Frontdesk but for where each role listens, which a test cannot leave as it
/// is. What was started goes with it.
struct Machine {
    root: Folder,
    ports: Vec<String>,
}

impl Machine {
    fn new(name: &str) -> Self {
        let machine = Self { root: Folder::new(name), ports: ADDRESSES.map(|_| free()).into() };
        let root = machine.root.path();
        for folder in [
            "usr/local/bin",
            "etc/systemd/system",
            "etc/frontdesk",
            "checkout/deploy",
            "checkout/target/dist",
        ] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        for (role, port) in ROLES.iter().zip(&machine.ports) {
            machine.adds_to(&format!("{role}.env"), &format!("{}_LISTEN={port}", role.to_uppercase()));
        }
        // The checkout that README's commands are called in, and what its release makes.
        let checkout = root.join("checkout");
        machine.bash("cp -r \"$TOP/deploy/systemd\" \"$TOP/deploy/database.sql\" \"$ROOT/checkout/deploy\"");
        for unit in ROLES {
            machine.edit(&format!("deploy/systemd/frontdesk-{unit}.service"), |text| text);
        }
        let script = |of: &str, text: &str| {
            fs::write(checkout.join(of), format!("#!/bin/sh\n{text}\n")).unwrap();
            machine.bash(&format!("chmod +x \"$ROOT/checkout/{of}\""));
        };
        script("target/dist/frontdesk", &format!("exec '{}' \"$@\"", env!("CARGO_BIN_EXE_frontdesk")));
        script("deploy/release", "[ -x target/dist/frontdesk ]");
        machine
    }

    /// Adds a line to a file of `/etc/frontdesk`.
    fn adds_to(&self, file: &str, line: &str) {
        let place = self.root.path().join("etc/frontdesk").join(file);
        let before = fs::read_to_string(&place).unwrap_or_default();
        fs::write(place, format!("{before}# Of the test.\n\n{line}\n")).unwrap();
    }

    /// Changes a file of the checkout, and has the addresses of this machine in it.
    fn edit(&self, file: &str, change: impl FnOnce(String) -> String) {
        let place = self.root.path().join("checkout").join(file);
        let changed = self.here(&change(fs::read_to_string(&place).unwrap()));
        fs::write(place, changed).unwrap();
    }

    /// With the addresses of this machine.
    fn here(&self, text: &str) -> String {
        let addresses = ADDRESSES.iter().zip(&self.ports);
        addresses.fold(text.to_owned(), |text, (written, free)| text.replace(written, free))
    }

    fn command(&self, script: &str) -> Command {
        let root = self.root.path().to_str().unwrap();
        let mut bash = Command::new("timeout");
        bash.args(["120", "bash", "-euo", "pipefail", "-c", script])
            .env_clear()
            .env("ROOT", root)
            .env("TOP", TOP)
            .env("PATH", format!("{STAND_INS}:{root}/usr/local/bin:{}", path()))
            .current_dir(self.root.path().join("checkout"));
        bash
    }

    fn bash(&self, script: &str) {
        let output = self.command(script).output().unwrap();
        assert!(output.status.success(), "{script}: {}\n{}", text(&output.stderr), self.log());
    }

    /// What the services have said.
    fn log(&self) -> String {
        fs::read_to_string(self.root.path().join("log")).unwrap_or_default()
    }

    /// A setting that a role goes by, as its operator port says it.
    async fn setting(&self, role: usize, name: &str) -> Json {
        let url = format!("http://{}/settings", self.ports[3 + role]);
        let all: Json = reqwest::get(url).await.unwrap().json().await.unwrap();
        let mut all = all["settings"].as_array().unwrap_or_else(|| panic!("{all}")).iter();
        all.find(|one| one["name"] == name).unwrap_or_else(|| panic!("{name}"))["value"].clone()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if self.root.path().join("pids").exists() {
            let _ended = self.command("kill -KILL $(cat \"$ROOT/pids\")").output();
        }
    }
}

/// Each with its own file beside the one of all: what a proxy before the gateway is believed
/// is none of identity's business, which believes the gateway.
#[tokio::test(flavor = "multi_thread")]
async fn every_unit_starts_its_role_with_the_settings_of_all_and_its_own() {
    access::install_crypto();
    let database = TestDatabase::create(&[]).await;
    let machine = Machine::new("units");
    let etc = machine.root.path().join("etc/frontdesk");
    for (name, value) in [
        ("identity-database-url", &*database.url),
        ("booking-database-url", &database.url),
        ("owner-database-url", &database.url),
        ("master-key", &"ab".repeat(32)),
    ] {
        fs::write(etc.join(name), value).unwrap();
    }
    machine.adds_to("frontdesk.env", "TOKEN_AUDIENCE=units\nCONNECTION_IDLE=80");
    machine.adds_to("gateway.env", "TRUSTED_PROXIES=192.0.2.7\nCONNECTION_IDLE=90");
    machine.bash(
        "mkdir \"$ROOT/etc/sysusers.d\"; cp deploy/systemd/sysusers.conf \"$ROOT/etc/sysusers.d/frontdesk.conf\"
         cp \"$ROOT/checkout/target/dist/frontdesk\" \"$ROOT/usr/local/bin\"; systemd-sysusers
         cp -r deploy/systemd/*.service deploy/systemd/*.service.d \"$ROOT/etc/systemd/system\"
         systemctl start frontdesk-migrate
         systemctl enable --now frontdesk-identity frontdesk-booking frontdesk-gateway",
    );
    for admin in &machine.ports[3..] {
        let admin = admin.clone();
        let ready = move || {
            let asked = frontdesk(&["healthcheck"], &[("ADMIN_LISTEN", &admin)]).output().unwrap();
            asked.status.success()
        };
        tokio::task::spawn_blocking(|| wait_for(ready)).await.unwrap();
    }
    assert_eq!(machine.setting(0, "TRUSTED_PROXIES").await, "127.0.0.1");
    assert_eq!(machine.setting(2, "TRUSTED_PROXIES").await, "192.0.2.7");
    assert_eq!(machine.setting(2, "CONNECTION_IDLE").await, "90", "its own file counts more");
    for role in [0, 1] {
        assert_eq!(machine.setting(role, "TOKEN_AUDIENCE").await, "units", "{role}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readmes_path_with_systemd_ends_in_an_approved_request() {
    access::install_crypto();
    let cluster = Cluster::start().await;
    let machine = Machine::new("systemd-path");
    let server = cluster.url("frontdesk").replace("&user=frontdesk", "");
    let from = block("<!-- systemd: ");
    let from = from.replace("postgresql:///frontdesk?host=/run/postgresql", &server);
    for login in ["identity_login", "booking_login", "owner"] {
        assert!(from.contains(&format!("{server}&user=frontdesk_{login}'")), "{from}");
    }
    let root = machine.root.path().display().to_string();
    let mut from = machine.here(&from);
    for place in ["/etc/", "/usr/local/"] {
        assert!(from.contains(&format!(" {place}")), "{place}");
        from = from.replace(&format!(" {place}"), &format!(" {root}{place}"));
    }
    // `cat /etc/…` within quotes, and whatever else has no blank before it.
    assert!(!from.contains("\"/etc/") && !from.contains("(/etc/") && !from.contains(">/etc/"), "{from}");
    // "And from there as above."
    let above = machine.here(&block("<!-- path: "));
    let (_, above) = above.split_once("\ntoken=").unwrap();
    let (above, _) = above.split_once("\nkill ").unwrap();
    let mut bash = machine.command(&format!("{from}\ntoken={above}\n"));
    bash.env("SUPERUSER_URL", cluster.url("postgres"));
    let output = tokio::task::spawn_blocking(move || bash.output().unwrap()).await.unwrap();
    let (said, told) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{said}\n{told}\n{}", machine.log());
    let approved: Json = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&approved["status"], &approved["outcome"]),
        (&"confirmed".into(), &"approved".into()),
        "{said}"
    );
}
