//! Transactions against a real server: what is reported is what is stored.

// A test that cannot go on says where.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use devdb::TestDatabase;
use pg::{Columns, Database, Fault, Kind, PoolOptions, Query, retrying};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

mod store {
    pg::statements! {
        InsertRow = "insert_row" (id: i32);
        InsertPair = "insert_pair" ();
        CountRows = "count_rows" ();
        ListTenants = "list_tenants" ();
        GetTenant = "get_tenant" ();
        GetSocket = "get_socket" ();
        ListColumns = "list_columns" ();
    }

    pub fn statements() -> pg::Statements {
        pg::Statements::new(STATEMENTS.iter().copied()).unwrap()
    }
}
use store::{CountRows, GetSocket, GetTenant, InsertPair, InsertRow, ListColumns, ListTenants};

/// A table `t (id int primary key, tenant uuid)` in a database of its own.
async fn database(max_size: usize) -> (Database, TestDatabase) {
    let test = TestDatabase::create(&[]).await;
    let owner = pg::connect(&test.url).await.unwrap();
    owner.batch_execute("create table t (id int constraint t_pkey primary key, tenant text)").await.unwrap();
    let options =
        PoolOptions { url: test.url.clone(), role: "frontdesk", application_name: "test", max_size };
    (open(options), test)
}

fn open(options: PoolOptions) -> Database {
    Database::new(options).unwrap().with(Arc::new(store::statements()))
}

/// The only value of the only row.
fn value<'row, T: pg::Value<'row>>(rows: &'row [Row], name: &str) -> T {
    Columns::first(rows, |row| row.next(name)).unwrap().unwrap()
}

async fn rows(database: &Database) -> i64 {
    value(&database.run_global(&CountRows {}).await.unwrap(), "n")
}

#[tokio::test]
async fn a_swallowed_error_cannot_be_committed() {
    let (database, _test) = database(2).await;
    let tx = database.begin_global().await.unwrap();
    tx.run(&InsertRow { id: 1 }).await.unwrap();
    let swallowed = tx.run(&InsertRow { id: 1 }).await.unwrap_err();
    assert!(swallowed.on_constraint("t_pkey"));
    let refused = tx.commit().await.unwrap_err();
    assert_eq!(refused.kind(), &Kind::RolledBack);
    assert_eq!(rows(&database).await, 0);
}

#[tokio::test]
async fn a_failing_last_statement_stores_nothing() {
    let (database, _test) = database(2).await;
    let tx = database.begin_global().await.unwrap();
    tx.run(&InsertRow { id: 1 }).await.unwrap();
    assert!(tx.run_last(&InsertRow { id: 1 }).await.is_err());
    assert_eq!(rows(&database).await, 0);
    let tx = database.begin_global().await.unwrap();
    tx.run(&InsertRow { id: 1 }).await.unwrap();
    tx.run_last(&InsertRow { id: 2 }).await.unwrap();
    assert_eq!(rows(&database).await, 2);
}

#[tokio::test]
async fn a_dropped_transaction_gives_back_a_clean_connection() {
    let (database, _test) = database(1).await;
    for _ in 0..5 {
        let tx = database.begin_global().await.unwrap();
        tx.run(&InsertRow { id: 1 }).await.unwrap();
        drop(tx);
    }
    assert_eq!(rows(&database).await, 0);
    let tx = database.begin_global().await.unwrap();
    drop(tx);
    assert_eq!(rows(&database).await, 0);
}

#[tokio::test]
async fn an_abandoned_statement_cannot_be_committed() {
    let (database, _test) = database(1).await;
    let tx = database.begin_global().await.unwrap();
    tx.run(&InsertRow { id: 1 }).await.unwrap();
    let slow = tx.run_text("select pg_sleep(0.5)", &[]);
    assert!(tokio::time::timeout(Duration::from_millis(50), slow).await.is_err());
    assert_eq!(tx.commit().await.unwrap_err().kind(), &Kind::RolledBack);
    assert_eq!(rows(&database).await, 0);
}

/// One that waits for a standby would be shown to others before the standby has it.
#[tokio::test]
async fn a_statement_that_writes_by_itself_goes_on_when_its_caller_leaves() {
    let (database, test) = database(1).await;
    // So that the time below is the statement's alone.
    assert_eq!(rows(&database).await, 0);
    let other = pg::connect(&test.url).await.unwrap();
    other.batch_execute("begin; insert into t values (1)").await.unwrap();
    let write = InsertRow { id: 1 };
    let left = tokio::time::timeout(Duration::from_millis(100), database.run_global(&write)).await;
    assert!(left.is_err(), "it has ended: {left:?}");
    // By then one that only reads would have been cancelled.
    tokio::time::sleep(Duration::from_millis(200)).await;
    other.batch_execute("rollback").await.unwrap();
    let began = Instant::now();
    while rows(&database).await == 0 {
        assert!(began.elapsed() < Duration::from_secs(2), "it was cancelled");
    }
}

#[tokio::test]
async fn the_tenant_is_set_for_its_transaction_only() {
    let (database, _test) = database(1).await;
    let tenant = Uuid::now_v7();
    database.run(tenant, &InsertRow { id: 1 }).await.unwrap();
    let stored = database.run_global(&ListTenants {}).await.unwrap();
    assert_eq!(value::<String>(&stored, "tenant"), tenant.to_string());
    let now = database.run_global(&GetTenant {}).await.unwrap();
    assert_eq!(value::<Option<String>>(&now, "tenant").unwrap_or_default(), "");
}

#[tokio::test]
async fn of_two_statements_at_once_the_second_sees_what_the_first_waited_for() {
    let (database, test) = database(2).await;
    let other = pg::connect(&test.url).await.unwrap();
    other.batch_execute("begin; insert into t values (1); insert into t values (7)").await.unwrap();
    let tx = database.begin_global().await.unwrap();
    let ((), both) = tokio::join!(
        async {
            let waits = "select count(*) from pg_stat_activity \
                where datname = current_database() and wait_event_type = 'Lock'";
            while other.query_one(waits, &[]).await.unwrap().get::<_, i64>(0) == 0 {}
            other.batch_execute("delete from t where id = 1; commit").await.unwrap();
        },
        tx.run_both(&InsertRow { id: 1 }, &CountRows {})
    );
    assert_eq!(value::<i64>(&both.unwrap().1, "n"), 2);
    // Of what fails, the first says why, and nothing is stored.
    let failed = tx.run_both(&InsertRow { id: 7 }, &CountRows {}).await.unwrap_err();
    assert!(failed.on_constraint("t_pkey"));
    assert_eq!(*tx.commit().await.unwrap_err().kind(), Kind::RolledBack);
    assert_eq!(rows(&database).await, 1);
}

/// A statement each, in a round trip for all, and what each sees is its tenant's.
#[tokio::test]
async fn statements_of_several_tenants_go_together_and_each_is_its_tenants() {
    let (database, test) = database(1).await;
    let owner = pg::connect(&test.url).await.unwrap();
    // More than what a client library drives in order by itself.
    let tenants: Vec<Uuid> = (1..=50).map(Uuid::from_u128).collect();
    let inserts: Vec<InsertRow> = (1..=50).map(|id| InsertRow { id }).collect();
    let tx = database.begin_together(&tenants).await.unwrap();
    let each: Vec<(Uuid, &dyn Query)> =
        tenants.iter().map(|tenant| (*tenant, &GetTenant {} as &dyn Query)).collect();
    let seen = tx.run_each(&each).await.unwrap();
    let seen: Vec<String> = seen.iter().map(|rows| value(rows, "tenant")).collect();
    assert_eq!(seen, tenants.iter().map(Uuid::to_string).collect::<Vec<_>>());
    let each: Vec<(Uuid, &dyn Query)> =
        tenants.iter().zip(&inserts).map(|(tenant, insert)| (*tenant, insert as &dyn Query)).collect();
    tx.run_each_last(&each).await.unwrap();
    let stored =
        "select count(*), count(*) filter (where tenant::uuid = lpad(to_hex(id), 32, '0')::uuid) from t";
    let stored = async || owner.query_one(stored, &[]).await.map(|row| [row.get::<_, i64>(0), row.get(1)]);
    assert_eq!(stored().await.unwrap(), [50, 50]);
    let after = database.run_global(&GetTenant {}).await.unwrap();
    assert_eq!(value::<Option<String>>(&after, "tenant").unwrap_or_default(), "");
    // Of what fails, the first says why, and nothing is stored of any.
    let tx = database.begin_together(&tenants[..2]).await.unwrap();
    let each = [(tenants[0], &InsertRow { id: 60 } as &dyn Query), (tenants[1], &inserts[0])];
    assert!(tx.run_each_last(&each).await.unwrap_err().on_constraint("t_pkey"));
    assert_eq!(stored().await.unwrap(), [50, 50]);
    // One tenant's transaction is its own from the start.
    let tx = database.begin_together(&tenants[2..3]).await.unwrap();
    tx.run_each_last(&[(tenants[2], &InsertRow { id: 51 })]).await.unwrap();
    assert_eq!(stored().await.unwrap(), [51, 50]);
}

#[tokio::test]
async fn a_changed_table_is_read_again_without_an_error() {
    let (database, test) = database(1).await;
    let read = || database.run_global(&ListColumns {});
    read().await.unwrap();
    let owner = pg::connect(&test.url).await.unwrap();
    owner.batch_execute("alter table t add column more int").await.unwrap();
    read().await.unwrap();
    owner.batch_execute("alter table t add column even_more int").await.unwrap();
    retrying(|| async { database.run(Uuid::nil(), &ListColumns {}).await }).await.unwrap();
}

/// Each alteration makes stale what was prepared since the one before: a migration has many.
#[tokio::test]
async fn a_table_that_is_changed_again_and_again_is_read_at_the_second_attempt() {
    let (database, test) = database(1).await;
    let owner = pg::connect(&test.url).await.unwrap();
    database.run_global(&InsertPair {}).await.unwrap();
    let attempts = std::cell::Cell::new(0);
    let read = retrying(async || {
        attempts.set(attempts.get() + 1);
        database.run_global(&ListColumns {}).await?;
        let alter = format!("alter table t add column more_{} int", attempts.get());
        owner.batch_execute(&alter).await.unwrap();
        database.run(Uuid::nil(), &ListColumns {}).await
    });
    assert_eq!(read.await.unwrap()[0].len(), 2 + 2);
    assert_eq!(attempts.get(), 2);
}

#[tokio::test]
async fn a_full_pool_is_overloaded_and_not_a_hang() {
    let (database, _test) = database(1).await;
    let tx = database.begin_global().await.unwrap();
    tx.run(&GetTenant {}).await.unwrap();
    let refused = database.ping().await.unwrap_err();
    assert_eq!(refused.kind(), &Kind::Overloaded);
    tx.commit().await.unwrap();
    database.ping().await.unwrap();
}

#[tokio::test]
async fn deadlocks_are_tried_again_from_the_start() {
    let (database, _test) = database(4).await;
    database.run_global(&InsertPair {}).await.unwrap();
    let swap = async |first: i32, second: i32| -> Result<(), Fault> {
        retrying(|| async {
            let tx = database.begin_global().await?;
            tx.run_text("select from t where id = $1 for update", &[(&first, Type::INT4)]).await?;
            tokio::time::sleep(Duration::from_millis(100)).await;
            tx.run_text("select from t where id = $1 for update", &[(&second, Type::INT4)]).await?;
            tx.commit().await
        })
        .await
    };
    let (one, other) = tokio::join!(swap(1, 2), swap(2, 1));
    one.unwrap();
    other.unwrap();
}

/// A socket before the server's that loses the answer to a commit, and with it the
/// connection. What it lets through before that is up to `reaches_the_server`.
fn losing_relay(behind: String, reaches_the_server: bool) -> std::path::PathBuf {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let name = format!("frontdesk-lost-{}-{reaches_the_server}", std::process::id());
    let dir = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&dir).unwrap();
    let listener = tokio::net::UnixListener::bind(dir.join(".s.PGSQL.5432")).unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let socket = std::path::Path::new(&behind).join(".s.PGSQL.5432");
            let mut server = tokio::net::UnixStream::connect(socket).await.unwrap();
            tokio::spawn(async move {
                let (mut asked, mut answered) = (vec![0; 65536], vec![0; 65536]);
                loop {
                    tokio::select! {
                        read = client.read(&mut asked) => {
                            let Ok(length @ 1..) = read else { return };
                            // Not the one in `read committed`.
                            let commits = asked[..length].windows(7).any(|bytes| bytes == b"commit\0");
                            if commits && !reaches_the_server {
                                return;
                            }
                            server.write_all(&asked[..length]).await.unwrap();
                            if commits {
                                // Wait for the end of the transaction, tell nobody.
                                let mut heard = Vec::new();
                                while !heard.windows(6).any(|bytes| bytes == b"COMMIT") {
                                    server.read_buf(&mut heard).await.unwrap();
                                }
                                return;
                            }
                        }
                        read = server.read(&mut answered) => {
                            let Ok(length @ 1..) = read else { return };
                            client.write_all(&answered[..length]).await.unwrap();
                        }
                    }
                }
            });
        }
    });
    dir
}

#[tokio::test]
async fn a_connection_lost_with_the_commit_leaves_the_outcome_unknown() {
    for reaches_the_server in [true, false] {
        let (database, test) = database(2).await;
        let folder: String = value(&database.run_global(&GetSocket {}).await.unwrap(), "folder");
        let relay = losing_relay(folder.clone(), reaches_the_server);
        let url = test.url.replace(&folder, relay.to_str().unwrap());
        assert_ne!(url, test.url);
        let lossy = open(PoolOptions { url, role: "frontdesk", application_name: "lossy", max_size: 2 });
        let stored = i64::from(reaches_the_server);
        // In one round trip, in two, and with a commit of its own.
        let fault = lossy.run(Uuid::nil(), &InsertRow { id: 1 }).await.unwrap_err();
        assert_eq!(fault.kind(), &Kind::OutcomeUnknown);
        assert_eq!(fault.refusal().reason(), frontdesk_proto::ErrorReason::OutcomeUnknown);
        assert_eq!(rows(&database).await, stored);
        let tx = lossy.begin_global().await.unwrap();
        tx.run(&InsertRow { id: 2 }).await.unwrap();
        assert_eq!(tx.run_last(&InsertRow { id: 3 }).await.unwrap_err().kind(), &Kind::OutcomeUnknown);
        assert_eq!(rows(&database).await, 3 * stored);
        let tx = lossy.begin_global().await.unwrap();
        tx.run(&InsertRow { id: 4 }).await.unwrap();
        assert_eq!(tx.commit().await.unwrap_err().kind(), &Kind::OutcomeUnknown);
        assert_eq!(rows(&database).await, 4 * stored);
        // For a call that only reads, nothing is in doubt.
        let read = lossy.run(Uuid::nil(), &CountRows {}).await.unwrap_err();
        assert_eq!(read.kind(), &Kind::Unavailable);
        let _gone = std::fs::remove_dir_all(relay);
    }
}

#[tokio::test]
async fn statements_that_a_pooler_forgot_are_prepared_again() {
    let (database, _test) = database(1).await;
    assert_eq!(rows(&database).await, 0);
    let forget = database.begin_global().await.unwrap();
    forget.run(&GetTenant {}).await.unwrap();
    // As a pooler does that gives the session to somebody else.
    forget.run_text("deallocate all", &[]).await.unwrap();
    forget.commit().await.unwrap();
    assert_eq!(rows(&database).await, 0);
    let read = retrying(|| database.run(Uuid::nil(), &CountRows {})).await.unwrap();
    assert_eq!(value::<i64>(&read, "n"), 0);
}

/// The errors of a change: a fault, or the need for locks.
#[derive(Debug)]
enum ChangeError {
    Database(Fault),
    NeedsLocks,
}

impl pg::HasFault for ChangeError {
    fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Database(fault) => Some(fault),
            Self::NeedsLocks => None,
        }
    }

    fn needs_another_attempt(&self) -> bool {
        matches!(self, Self::NeedsLocks)
    }
}

#[tokio::test]
async fn no_call_makes_more_than_three_transactions() {
    let count = async |failures: &[Option<Kind>]| {
        let (made, mut failures) = (std::cell::Cell::new(0), failures.iter());
        let outcome = retrying(|| {
            made.set(made.get() + 1);
            let failure = failures.next().cloned();
            async move {
                match failure {
                    Some(Some(kind)) => Err(ChangeError::Database(Fault::new(kind, "made up"))),
                    Some(None) => Err(ChangeError::NeedsLocks),
                    None => Ok(()),
                }
            }
        });
        (outcome.await.is_ok(), made.get())
    };
    assert_eq!(count(&[]).await, (true, 1));
    assert_eq!(count(&[None]).await, (true, 2));
    assert_eq!(count(&[Some(Kind::Contention), None]).await, (true, 3));
    assert_eq!(count(&[None, Some(Kind::StaleStatement), Some(Kind::ReadOnly), None]).await, (false, 3));
    assert_eq!(count(&[Some(Kind::OutcomeUnknown)]).await, (false, 1));
    assert_eq!(count(&[Some(Kind::LockTimeout)]).await, (false, 1));
}
