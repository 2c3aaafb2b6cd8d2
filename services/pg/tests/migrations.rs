//! Migrations beside calls that go on, and beside each other.

// A test that cannot go on says where.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use devdb::TestDatabase;
use pg::migrate::{MigrationSet, state, up};
use tokio_postgres::Client;

static TABLES: MigrationSet = MigrationSet {
    name: "tables",
    history_table: "public.tables_history",
    migrations: &[("V1__tables", "create table one (id int); create table other (id int)")],
};
static BOTH: MigrationSet = MigrationSet {
    name: "both",
    history_table: "public.both_history",
    migrations: &[
        ("V1__first", "alter table one add column first int"),
        ("V2__both", "alter table one add column more int; alter table other add column more int"),
    ],
};

static IN_THE_WAY: MigrationSet = MigrationSet {
    name: "ours",
    history_table: "public.ours_history",
    migrations: &[("V1__origins", "alter table one add column source text, add column id text")],
};

/// Waits until a session waits for a lock on a table.
async fn waits_for(watcher: &Client, table: &str) {
    let query = "select count(*) from pg_locks where not granted and relation = $1::text::regclass";
    for _ in 0..500 {
        if watcher.query_one(query, &[&table]).await.unwrap().get::<_, i64>(0) > 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nobody waits for {table}");
}

#[tokio::test]
async fn a_migration_that_a_deadlock_ends_is_tried_again() {
    let test = TestDatabase::create(&[&TABLES]).await;
    let (call, watcher) = (pg::connect(&test.url).await.unwrap(), pg::connect(&test.url).await.unwrap());
    // It waits longer than the migration, which is the one that Postgres ends.
    call.batch_execute("set deadlock_timeout = '1min'; begin; insert into other values (1)").await.unwrap();
    let url = test.url.clone();
    let migrating = tokio::spawn(async move { up(&url, &[&BOTH]).await });
    waits_for(&watcher, "other").await;
    call.batch_execute("insert into one values (1); commit").await.unwrap();
    let applied = migrating.await.unwrap().unwrap();
    assert_eq!(applied.len(), 2, "{applied:?}");
    watcher.batch_execute("select first, more from one; select more from other").await.unwrap();
    let rows = watcher.query_one("select count(*) from one, other", &[]).await.unwrap();
    assert_eq!(rows.get::<_, i64>(0), 1, "the call went through");
}

/// Tables of the single-table layout are another program's.
#[tokio::test]
async fn a_column_that_is_in_the_way_is_named_with_what_to_do() {
    let test = TestDatabase::create(&[&TABLES]).await;
    let stopped = up(&test.url, &[&IN_THE_WAY]).await.unwrap_err().to_string();
    for says in ["migrations of ours stopped", "V1__origins", "\"id\" of relation \"one\"", "rename it"] {
        assert!(stopped.contains(says), "{stopped}");
    }
}

#[tokio::test]
async fn migrators_at_the_same_time_apply_each_migration_once() {
    static SET: MigrationSet = MigrationSet {
        name: "test",
        history_table: "public.test_history",
        migrations: &[("V1__slow", "select pg_sleep(0.2); create table made (id int)")],
    };
    let test = TestDatabase::create(&[]).await;
    let sets = [&SET];
    let migrate = || up(&test.url, &sets);
    let (one, two, three) = tokio::join!(migrate(), migrate(), migrate());
    let applied = [one, two, three].map(|result| result.unwrap().len());
    assert_eq!(applied.iter().sum::<usize>(), 1, "{applied:?}");
    let client = pg::connect(&test.url).await.unwrap();
    let state = state(&client, &SET).await.unwrap();
    assert_eq!(state.applied, ["V1__slow"]);
    assert!(state.pending.is_empty() && state.unknown.is_empty());
}
