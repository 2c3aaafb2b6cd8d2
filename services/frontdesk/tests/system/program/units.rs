//! The units of systemd: each starts with what its file sets, as it is written there, with
//! the addresses and credentials of the test. How systemd takes the files is seen by
//! `deploy/lint`.

use std::fs;
use std::process::{Command, Stdio};

use devdb::TestDatabase;

use super::run::{Dev, Folder, free, frontdesk, text, wait_for};

/// The addresses that the units have or that roles listen on without a setting.
const ADDRESSES: [&str; 6] = [
    "127.0.0.1:50051",
    "127.0.0.1:50052",
    "127.0.0.1:8080",
    "127.0.0.1:9091",
    "127.0.0.1:9092",
    "127.0.0.1:9093",
];

struct Units {
    credentials: Folder,
    ports: Vec<String>,
}

impl Units {
    fn new(database_url: &str) -> Self {
        let credentials = Folder::new("credentials");
        for (name, value) in [("database-url", database_url), ("master-key", &"ab".repeat(32))] {
            fs::write(credentials.path().join(name), value).unwrap();
        }
        Self { credentials, ports: ADDRESSES.map(|_| free()).into() }
    }

    /// The command of a unit, and the address of its operator port.
    fn command(&self, name: &str) -> (Command, Option<String>) {
        let path = format!("{}/../../deploy/systemd/frontdesk-{name}.service", env!("CARGO_MANIFEST_DIR"));
        let mut unit = fs::read_to_string(path).unwrap();
        for (written, free) in ADDRESSES.iter().zip(&self.ports) {
            unit = unit.replace(written, free);
        }
        for credential in unit.lines().filter_map(|line| line.strip_prefix("LoadCredential=")) {
            let (name, _) = credential.split_once(':').unwrap();
            assert!(self.credentials.path().join(name).exists(), "{credential}");
        }
        unit = unit.replace("%d", self.credentials.path().to_str().unwrap());
        // What /etc/frontdesk/frontdesk.env is for.
        let listens = ["IDENTITY_LISTEN", "BOOKING_LISTEN", "GATEWAY_LISTEN"].into_iter();
        let mut environment: Vec<(&str, &str)> = listens.zip(self.ports.iter().map(String::as_str)).collect();
        let lines = unit.lines().filter_map(|line| line.strip_prefix("Environment="));
        environment.extend(lines.map(|line| line.split_once('=').unwrap()));
        let started = unit.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/frontdesk "));
        let arguments: Vec<&str> = started.unwrap().split(' ').collect();
        let admin = environment.iter().find(|(name, _)| *name == "ADMIN_LISTEN");
        (frontdesk(&arguments, &environment), admin.map(|(_, address)| (*address).to_owned()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_unit_starts_its_role() {
    access::install_crypto();
    let database = TestDatabase::create(&[]).await;
    let units = Units::new(&database.url);
    let (mut migrate, _) = units.command("migrate");
    let migrated = tokio::task::spawn_blocking(move || migrate.output().unwrap()).await.unwrap();
    assert!(migrated.status.success(), "{}", text(&migrated.stderr));
    let mut running = Vec::new();
    for role in ["identity", "booking", "gateway"] {
        let (mut command, admin) = units.command(role);
        let role = Dev(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        running.push((role, admin.unwrap()));
    }
    for (_, admin) in &running {
        let admin = admin.clone();
        let ready = move || {
            let asked = frontdesk(&["healthcheck"], &[("ADMIN_LISTEN", &admin)]).output().unwrap();
            asked.status.success()
        };
        tokio::task::spawn_blocking(|| wait_for(ready)).await.unwrap();
    }
}
