//! What checks say of a database that lacks something.

// A test that cannot go on says where.
#![allow(clippy::unwrap_used)]

use boot::{Finding, State};
use devdb::TestDatabase;
use pg::checks::checks;
use pg::migrate::MigrationSet;

static SET: MigrationSet = MigrationSet {
    name: "test",
    history_table: "public.test_history",
    migrations: &[("V1__made", "create table made (id int)")],
};

/// The only finding of the check of this name.
async fn finding(url: &str, extension: &'static [&'static str], name: &str) -> Finding {
    let all = checks(url, &[("migrations of test", &SET)], &["nobody_is_a_member"], extension);
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
    for name in ["database", "migrations of test", "roles", "extensions"] {
        let finding = finding("postgresql://u:secret@127.0.0.1:1/d", &[], name).await;
        assert_eq!(finding.state, State::Bad);
        assert_eq!(finding.found, "nothing takes connections there");
        assert!(finding.fix.starts_with("start the database"), "{finding:?}");
    }
}
