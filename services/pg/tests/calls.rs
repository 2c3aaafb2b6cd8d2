//! What the time and the end of a call mean for its statements, against a real server.

// A test that cannot go on says where.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use boot::Call;
use devdb::TestDatabase;
use frontdesk_proto::ErrorReason;
use pg::{Columns, Database, Fault, Kind, PoolOptions, Tx};
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

mod store {
    pg::statements! {
        GetTenant = "get_tenant" ();
        TouchRow = "touch_row" (id: i32);
    }

    pub fn statements() -> pg::Statements {
        pg::Statements::new(STATEMENTS.iter().copied()).unwrap()
    }
}
use store::{GetTenant, TouchRow};

/// A table `t (id, touched)` with a row, in a database of its own.
async fn database(max_size: usize) -> (Database, TestDatabase) {
    let test = TestDatabase::create(&[]).await;
    let owner = pg::connect(&test.url).await.unwrap();
    owner
        .batch_execute(
            "create table t (id int primary key, touched int not null default 0); insert into t values (1)",
        )
        .await
        .unwrap();
    owner.batch_execute("grant select, update on t to frontdesk").await.unwrap();
    let options =
        PoolOptions { url: test.url.clone(), role: "frontdesk", application_name: "calls", max_size };
    (Database::new(options).unwrap().with(Arc::new(store::statements())), test)
}

/// A call that was given so much time.
fn call(given: Duration) -> Arc<Call> {
    let call = Call::new("id".parse().unwrap(), &<_>::default());
    call.ends_at(Instant::now() + given);
    call
}

async fn text(tx: &Tx, sql: &str) -> Result<String, Fault> {
    let rows = tx.run_text(sql, &[] as &[(&(dyn ToSql + Sync), _)]).await?;
    Ok(Columns::first(&rows, |row| row.next("text")).unwrap().unwrap())
}

async fn timeout_within(database: &Database) -> String {
    let tx = database.begin(Uuid::nil()).await.unwrap();
    text(&tx, "select current_setting('statement_timeout') as text").await.unwrap()
}

#[tokio::test]
async fn what_is_left_of_a_call_is_the_limit_of_its_statements_and_of_no_others() {
    let (database, _test) = database(1).await;
    let short = call(Duration::from_secs(2)).run(timeout_within(&database)).await;
    let millis: u32 = short.strip_suffix("ms").unwrap_or_else(|| panic!("{short}")).parse().unwrap();
    assert!((1_000..2_000).contains(&millis), "{short}");
    // The same session, for a call with much time and for what is no call's.
    assert_eq!(call(Duration::from_mins(1)).run(timeout_within(&database)).await, "5s");
    assert_eq!(timeout_within(&database).await, "5s");
    // One statement by itself has it, too.
    let slow = call(Duration::ZERO).run(database.run_global(&GetTenant {})).await.unwrap_err();
    assert_eq!(*slow.kind(), Kind::OutOfTime);
}

#[tokio::test]
async fn a_statement_ends_with_its_call_and_says_that_nothing_was_stored() {
    let (database, test) = database(2).await;
    let other = pg::connect(&test.url).await.unwrap();
    other.batch_execute("begin; select from t where id = 1 for update").await.unwrap();
    for slow in ["select pg_sleep(4)::text as text", "select id::text as text from t for update"] {
        let began = Instant::now();
        let call = call(Duration::from_millis(300));
        let ended = call.run(async {
            let tx = database.begin(Uuid::nil()).await?;
            text(&tx, slow).await
        });
        let fault = ended.await.unwrap_err();
        assert_eq!(*fault.kind(), Kind::OutOfTime, "{slow}");
        assert_eq!(fault.refusal().reason(), ErrorReason::DeadlineExceeded);
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    }
    // A limit of the service's own is named as that.
    let tx = database.begin(Uuid::nil()).await.unwrap();
    let limited = text(&tx, "select set_config('statement_timeout', '50', true) as text").await;
    assert_eq!(limited.unwrap(), "50ms");
    let fault = text(&tx, "select pg_sleep(4)::text as text").await.unwrap_err();
    assert_eq!(*fault.kind(), Kind::StatementTimeout);
}

#[tokio::test]
async fn whoever_leaves_a_statement_that_reads_frees_its_place_and_the_server() {
    let (database, test) = database(1).await;
    let other = pg::connect(&test.url).await.unwrap();
    for slow in
        ["select pg_sleep($1)::text as text", "select id::text as text from t where $1 > 0 for update"]
    {
        let run = async |tx: &Tx, seconds: f64| tx.run_text(slow, &[(&seconds, Type::FLOAT8)]).await;
        // Prepared before, so that `begin` is answered while the statement goes on.
        let tx = database.begin(Uuid::nil()).await.unwrap();
        run(&tx, 0.001).await.unwrap();
        let first = session(&tx).await;
        tx.commit().await.unwrap();
        other.batch_execute("begin; select from t where id = 1 for update").await.unwrap();
        let tx = database.begin(Uuid::nil()).await.unwrap();
        let left = tokio::time::timeout(Duration::from_millis(100), run(&tx, 4.0)).await;
        assert!(left.is_err(), "{slow} has ended: {left:?}");
        let began = Instant::now();
        drop(tx);
        // The pool has one connection.
        database.ping().await.unwrap();
        assert!(began.elapsed() < Duration::from_millis(900), "{slow} went on for {:?}", began.elapsed());
        let works = "select count(*) from pg_stat_activity where application_name = 'calls' \
            and state = 'active' and datname = current_database() and query like 'select%'";
        while other.query_one(works, &[]).await.unwrap().get::<_, i64>(0) > 0 {
            assert!(began.elapsed() < Duration::from_secs(2), "the server still works on {slow}");
        }
        other.batch_execute("rollback").await.unwrap();
        // The server may hear late that a statement is given up: it must not be another's then.
        let tx = database.begin(Uuid::nil()).await.unwrap();
        assert_ne!(session(&tx).await, first, "{slow}: the connection was given back");
    }
}

async fn session(tx: &Tx) -> String {
    text(tx, "select pg_backend_pid()::text as text").await.unwrap()
}

/// As behind a standby that has not answered: to give up such a commit would show what no
/// standby has.
#[tokio::test]
async fn a_commit_under_way_goes_on_when_its_caller_leaves() {
    let (database, test) = database(1).await;
    let owner = pg::connect(&test.url).await.unwrap();
    let slow = "create function takes_long() returns trigger language plpgsql as \
            'begin perform pg_sleep(0.3); return null; end'; \
        create constraint trigger slow_commit after update on t deferrable initially deferred \
            for each row execute function takes_long()";
    owner.batch_execute(slow).await.unwrap();
    for (with_the_statement, touched) in [(false, 1), (true, 2)] {
        let tx = database.begin(Uuid::nil()).await.unwrap();
        let write = TouchRow { id: 1 };
        let commit = async {
            if with_the_statement {
                return tx.run_last(&write).await.map(drop);
            }
            tx.run(&write).await?;
            tx.commit().await
        };
        let left = tokio::time::timeout(Duration::from_millis(150), commit).await;
        assert!(left.is_err(), "the commit has ended: {left:?}");
        // The pool has one connection.
        database.ping().await.unwrap();
        let stored: i32 = owner.query_one("select touched from t", &[]).await.unwrap().get(0);
        assert_eq!(stored, touched, "it was given up (with its statement: {with_the_statement})");
    }
}
