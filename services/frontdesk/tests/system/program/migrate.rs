//! `frontdesk migrate`, and roles before a database that is behind.

use devdb::TestDatabase;

use super::run::{assert_one_sentence, frontdesk};

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
