//! `frontdesk statement`: what it prints runs in psql.

use std::io::Write;
use std::process::{Command, Stdio};

use devdb::TestDatabase;

use super::run::{assert_one_sentence, frontdesk, text};

#[tokio::test]
async fn psql_takes_a_statement_of_each_service_as_it_is_printed() {
    let database = TestDatabase::create(&[&identity::MIGRATIONS, &booking::MIGRATIONS]).await;
    let names = text(&frontdesk(&["statement"], &[]).output().unwrap().stdout);
    for service in ["identity", "booking"] {
        let name = names.lines().find_map(|line| line.strip_prefix(&format!("{service} get_"))).unwrap();
        let script = frontdesk(&["statement", &format!("get_{name}")], &[]).output().unwrap();
        assert!(script.status.success(), "{}", text(&script.stderr));
        let mut psql = Command::new("psql")
            .args([database.url.as_str(), "-v", "ON_ERROR_STOP=1", "-qf", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        psql.stdin.take().unwrap().write_all(&script.stdout).unwrap();
        let output = psql.wait_with_output().unwrap();
        assert!(output.status.success(), "{}: {}", text(&script.stdout), text(&output.stderr));
    }
    assert_one_sentence(
        &frontdesk(&["statement", "nonsense"], &[]).output().unwrap(),
        1,
        &["nonsense", "frontdesk statement"],
    );
}
