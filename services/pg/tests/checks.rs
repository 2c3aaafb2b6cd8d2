//! What checks say of a database that lacks something.

// A test that cannot go on says where.
#![allow(clippy::unwrap_used)]

use boot::{Finding, State};
use devdb::{PrivateServer, Programs, ServerOptions, TestDatabase};
use pg::checks::{applied, checks};
use pg::migrate::MigrationSet;

static SET: MigrationSet = MigrationSet {
    name: "test",
    history_table: "public.test_history",
    migrations: &[("V1__made", "create table made (id int)")],
};

/// The only finding of the check of this name.
async fn finding(url: &str, extension: &'static [&'static str], name: &str) -> Finding {
    let mut all = checks(url, &["nobody_is_a_member"], extension);
    all.push(applied("migrations of test", url, &SET));
    let check = all.into_iter().find(|check| check.name == name).unwrap();
    let mut findings = check.run().await;
    assert_eq!(findings.len(), 1, "{findings:?}");
    findings.remove(0)
}

#[tokio::test]
async fn what_is_missing_is_found_with_the_way_to_mend_it() {
    let test = TestDatabase::create(&[]).await;
    for (name, extension, found, fix) in [
        ("migrations of test", "btree_gist", "missing V1__made", "migrate up"),
        ("roles", "btree_gist", "not a member of nobody_is_a_member", "grant nobody_is_a_member"),
        ("extensions", "no_such_extension", "the server does not have no_such_extension", "contrib package"),
    ] {
        let finding = finding(&test.url, Vec::leak(vec![extension]), name).await;
        assert_eq!(finding.state, State::Bad, "{finding:?}");
        assert!(finding.found.contains(found) && finding.fix.contains(fix), "{finding:?}");
    }
    // That the database has it is for the comparison of schemas to say.
    assert_eq!(finding(&test.url, &["btree_gist"], "extensions").await.state, State::Good);
    assert_eq!(
        finding(&test.url, &[], "database").await.state,
        State::Odd,
        "commits are not durable in tests"
    );
}

#[tokio::test]
async fn a_database_that_cannot_be_reached_is_advised_by_every_check() {
    for name in ["database", "migrations of test", "roles", "extensions", "backup"] {
        let finding = finding("postgresql://u:secret@127.0.0.1:1/d", &[], name).await;
        assert_eq!(finding.state, State::Bad);
        assert_eq!(finding.found, "nothing takes connections there");
        assert!(finding.fix.starts_with("start the database"), "{finding:?}");
    }
}

/// What is printed makes a login for it, and that one is named.
#[tokio::test]
async fn who_may_make_a_whole_backup_is_named_or_made() {
    let dir = std::env::temp_dir().join(format!("frontdesk-backup-{}", std::process::id()));
    let programs = Programs::of_tests().unwrap();
    let options = ServerOptions { dir, ephemeral: true, durable: false, tcp: None, programs };
    let server = PrivateServer::start(options).await.unwrap();
    let url = server.url("postgres");
    let superuser = pg::connect(&url).await.unwrap();
    // One bypasses row-level security and reads nothing, the other reads all that it may see.
    let logins = "create role owner login; create role sees_rows login bypassrls; \
        create role reads login; create schema apart authorization owner; set role owner; \
        create table apart.frontdesk_test_migrations (id int); create sequence apart.numbers; \
        grant usage on schema apart to reads; \
        grant select on apart.frontdesk_test_migrations, apart.numbers to reads; reset role";
    superuser.batch_execute(logins).await.unwrap();
    let looked = finding(&url, &[], "backup").await;
    assert_eq!(looked.state, State::Good);
    assert!(looked.found.contains("as a superuser only: frontdesk;"), "{looked:?}");

    superuser.batch_execute("alter role frontdesk nologin").await.unwrap();
    let as_owner = url.replace("user=frontdesk", "user=owner");
    let nobody = finding(&as_owner, &[], "backup").await;
    assert_eq!(nobody.state, State::Odd, "{nobody:?}");
    assert!(nobody.found.starts_with("no login may make a whole backup"), "{nobody:?}");
    assert!(nobody.fix.contains("deploy/backup.sql"), "{nobody:?}");
    for statement in nobody.fix.split('`').skip(1).step_by(2) {
        superuser.batch_execute(statement).await.unwrap();
    }
    let named = finding(&as_owner, &[], "backup").await;
    assert_eq!((named.state, &*named.found), (State::Good, "whole ones are made as frontdesk_backup"));
    // Both rights are needed, of the table and of the sequence.
    let version: String = superuser.query_one("show server_version_num", &[]).await.unwrap().get(0);
    let read = if version.parse::<u32>().unwrap() < 140_000 { "owner" } else { "pg_read_all_data" };
    superuser.batch_execute(&format!("revoke {read} from frontdesk_backup")).await.unwrap();
    for (grant, state) in [
        ("grant usage on schema apart to frontdesk_backup", State::Odd),
        ("grant select on apart.frontdesk_test_migrations to frontdesk_backup", State::Odd),
        ("grant select on apart.numbers to frontdesk_backup", State::Good),
    ] {
        superuser.batch_execute(grant).await.unwrap();
        assert_eq!(finding(&as_owner, &[], "backup").await.state, state, "{grant}");
    }
    server.stop();
}
