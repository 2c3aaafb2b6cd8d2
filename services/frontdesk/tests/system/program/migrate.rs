//! `frontdesk migrate`, and roles before a database that is behind.

use devdb::TestDatabase;

use super::run::{Folder, assert_one_sentence, frontdesk};

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

/// No trigger would fire for what is stored, and nobody would hear of it.
#[tokio::test]
async fn a_default_that_turns_triggers_off_refuses_every_start_until_it_is_taken_back() {
    let database = TestDatabase::create(&[]).await;
    let key = "ab".repeat(32);
    let env = [
        ("DATABASE_URL", database.url.as_str()),
        ("FRONTDESK_MASTER_KEY", &key),
        ("IDENTITY_ADDR", "127.0.0.1:1"),
    ];
    let sql = pg::connect(&database.url).await.unwrap();
    let name: String = sql.query_one("select current_database()::text", &[]).await.unwrap().get(0);
    let off = format!("alter database {name} set session_replication_role = replica");
    sql.batch_execute(&off).await.unwrap();
    let cure = format!("alter database {name} reset session_replication_role");
    let starts: [&[&str]; 3] = [&["identity"], &["booking"], &["migrate", "up"]];
    for words in starts {
        let output = frontdesk(words, &env).output().unwrap();
        assert_one_sentence(&output, 1, &["session_replication_role is replica", "no trigger fires", &cure]);
    }
    sql.batch_execute(&cure).await.unwrap();
    let applied = frontdesk(&["migrate", "up"], &env).output().unwrap();
    assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
}

#[tokio::test]
async fn migrate_takes_its_database_from_a_file_and_answers_in_json() {
    let database = TestDatabase::create(&[]).await;
    let folder = Folder::new("migrate");
    let file = folder.path().join("url");
    std::fs::write(&file, format!("{}\n", database.url)).unwrap();
    let env = [("DATABASE_URL_FILE", file.to_str().unwrap())];
    let mut applied = Vec::new();
    for _ in 0..2 {
        let output = frontdesk(&["migrate", "up", "--json"], &env).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        applied.push(answer["applied"].as_array().unwrap().len());
    }
    assert_eq!(applied, [identity::MIGRATIONS.migrations.len() + booking::MIGRATIONS.migrations.len(), 0]);
}
