//! README's path from an empty database, followed as it is written, and the commands
//! on properties and customers.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use devdb::TestDatabase;
use serde_json::Value as Json;

use super::run::{Folder, assert_one_sentence, free, path, text};

/// The commands that stand in README after a mark.
pub fn block(mark: &str) -> String {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md")).unwrap();
    let (_, behind) = readme.split_once(mark).unwrap();
    let (_, block) = behind.split_once("```sh\n").unwrap();
    block.split_once("```").unwrap().0.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn readmes_path_from_an_empty_database_ends_in_an_approved_request() {
    access::install_crypto();
    let database = TestDatabase::create(&[]).await;
    let ports = [(); 3].map(|()| free());
    let mut script = block("<!-- path: ");
    for (written, port) in ["127.0.0.1:50051", "127.0.0.1:50052", "127.0.0.1:8080"].iter().zip(&ports) {
        assert!(script.contains(written), "{written}");
        script = script.replace(written, port);
    }
    let script = format!("trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n{script}");
    let program = Path::new(env!("CARGO_BIN_EXE_frontdesk")).parent().unwrap().display().to_string();
    let mut bash = Command::new("timeout");
    bash.args(["120", "bash", "-euo", "pipefail", "-c", &script])
        .env_clear()
        .env("PATH", format!("{program}:{}", path()))
        .env("DATABASE_URL", &database.url)
        .env("IDENTITY_LISTEN", &ports[0])
        .env("BOOKING_LISTEN", &ports[1])
        .env("GATEWAY_LISTEN", &ports[2]);
    let output = tokio::task::spawn_blocking(move || bash.output().unwrap()).await.unwrap();
    let (said, told) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{said}\n{told}");
    let approved: Json = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!(approved["status"], "confirmed", "{said}\n{told}");
    assert_eq!(approved["outcome"], "approved");
    assert!(!script.contains("psql"));
}

struct Operator {
    database: TestDatabase,
}

impl Operator {
    async fn start() -> Self {
        access::install_crypto();
        let operator =
            Self { database: TestDatabase::create(&[&identity::MIGRATIONS, &booking::MIGRATIONS]).await };
        operator.ok(&["tenant", "create", "alpine"]);
        operator
    }

    fn run(&self, args: &[&str], input: &str) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_frontdesk"))
            .args(args)
            .env_clear()
            .env("DATABASE_URL", &self.database.url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    #[track_caller]
    fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args, "");
        assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
        text(&output.stdout).trim().to_owned()
    }
}

#[tokio::test]
async fn properties_and_customers_are_created_once_and_listed() {
    let operator = Operator::start().await;
    let house =
        ["property", "create", "alpine", "Lake House", "--time-zone", "Europe/Berlin", "--max-guests", "4"];
    let id = operator.ok(&house);
    assert_eq!(operator.ok(&house), id, "twice is once");
    assert_eq!(operator.ok(&["property", "list", "alpine"]), format!("{id} Lake House"));
    for (args, says) in [
        (
            ["property", "create", "nowhere", "X", "--time-zone", "Europe/Berlin", "--max-guests", "1"],
            "no such tenant",
        ),
        (["property", "create", "alpine", "X", "--time-zone", "Mars/Base", "--max-guests", "1"], "time zone"),
        (
            ["property", "create", "alpine", "X", "--time-zone", "Europe/Berlin", "--max-guests", "0"],
            "max_guests",
        ),
    ] {
        assert_one_sentence(&operator.run(&args, ""), 1, &[says]);
    }
    let anna = ["customer", "create", "alpine", "--name", "Anna", "--email", "anna@example.com"];
    let id = operator.ok(&anna);
    assert_eq!(operator.ok(&anna), id);
    let other = operator.ok(&["customer", "create", "alpine", "--name", "Anna", "--external-id", "7"]);
    assert_ne!(other, id);
    let same = operator.ok(&["customer", "create", "alpine", "--name", "Anne", "--external-id", "7"]);
    assert_eq!(same, other, "the external id says who it is");
    let list = operator.ok(&["customer", "list", "alpine"]);
    assert_eq!(list.lines().count(), 2, "{list}");
    // An operator at the database is no user, and is not Frontdesk itself either.
    let sql = pg::connect(&operator.database.url).await.unwrap();
    let told = "select action, actor_kind, actor_id is null from booking_events order by tick";
    let told: Vec<(String, String, bool)> =
        sql.query(told, &[]).await.unwrap().iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
    let by_operator = |action: &str| (action.to_owned(), "operator".to_owned(), true);
    assert_eq!(
        told,
        [by_operator("property_created"), by_operator("customer_created"), by_operator("customer_created")]
    );
    let json: Json = serde_json::from_str(&operator.ok(&[&anna[..], &["--json"]].concat())).unwrap();
    assert_eq!((&json["id"], &json["email"]), (&Json::from(id), &Json::from("anna@example.com")));
}

#[tokio::test]
async fn a_file_is_imported_line_by_line_and_twice_is_once() {
    let operator = Operator::start().await;
    let folder = Folder::new("import");
    let file = folder.path().join("guests.csv");
    let lines = (0..1200).map(|n| format!("{n},Guest {n}\n")).collect::<Vec<_>>().concat();
    std::fs::write(&file, format!("external_id,name\n{lines}")).unwrap();
    let import = ["customer", "import", "alpine", file.to_str().unwrap(), "--source", "pms"];
    let first = operator.run(&import, "");
    assert!(first.status.success(), "{}", text(&first.stderr));
    assert!(text(&first.stderr).contains("1200 created, 0 updated, 0 unchanged, 0 refused"));
    assert_eq!(text(&first.stdout).lines().count(), 1200);
    let again = operator.run(&import, "");
    assert!(text(&again.stderr).contains("0 created, 0 updated, 1200 unchanged, 0 refused"));

    let input = "{\"external_id\":\"0\",\"name\":\"Guest Zero\"}\n{\"external_id\":\"x\"}\n";
    let args = ["customer", "import", "alpine", "-", "--format", "ndjson", "--source", "pms", "--json"];
    let wrong = operator.run(&args, input);
    assert_one_sentence(&wrong, 3, &["1 line was refused"]);
    let results: Vec<Json> =
        text(&wrong.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&results[0]["line"], &results[0]["outcome"]), (&Json::from(1), &Json::from("updated")));
    assert_eq!(
        (&results[1]["outcome"], &results[1]["reason"]),
        (&Json::from("refused"), &Json::from("INVALID_FIELD"))
    );

    assert_one_sentence(&operator.run(&args[..4], ""), 1, &["--format"]);
    let missing = ["customer", "import", "alpine", "/nonexistent.csv"];
    assert_one_sentence(&operator.run(&missing, ""), 1, &["/nonexistent.csv"]);
    let unknown = ["customer", "import", "alpine", "-", "--format", "csv"];
    assert_one_sentence(&operator.run(&unknown, "name,external_id,fon\n"), 1, &["`fon`"]);
}
