//! Statements that share a message and a commit, of one tenant or of several: when one comes
//! to nothing, so do the others, whatever became of it.

// A test that cannot go on says where.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use devdb::TestDatabase;
use pg::{Database, Declaration, Kind, PoolOptions, Query};
use tokio_postgres::Client;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use uuid::Uuid;

mod store {
    pg::statements! {
        InsertRow = "insert_row" (id: i32);
    }

    pub fn statements() -> pg::Statements {
        pg::Statements::new(STATEMENTS.iter().copied()).unwrap()
    }
}
use store::InsertRow;

#[derive(Debug)]
struct Unwritable;

impl ToSql for Unwritable {
    fn to_sql(&self, _: &Type, _: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        Err("it cannot be written down".into())
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A row whose id is such a value.
#[derive(Debug)]
struct InsertUnwritable;

impl Query for InsertUnwritable {
    fn declaration(&self) -> &'static Declaration {
        InsertRow { id: 0 }.declaration()
    }

    fn values(&self) -> Vec<&(dyn ToSql + Sync)> {
        vec![&Unwritable]
    }

    fn nulls(&self) -> u64 {
        0
    }
}

/// A table whose rows from the hundredth on take their time, for one connection.
async fn database() -> (Database, Client) {
    let test = TestDatabase::create(&[]).await;
    let owner = pg::connect(&test.url).await.unwrap();
    let table = "create table t (id int primary key, tenant text); \
        create function wait() returns trigger language plpgsql as \
        $$ begin perform pg_sleep(3); return new; end $$; \
        create trigger wait before insert on t for each row when (new.id >= 100) execute function wait()";
    owner.batch_execute(table).await.unwrap();
    let options =
        PoolOptions { url: test.url.clone(), role: "frontdesk", application_name: "test", max_size: 1 };
    (Database::new(options).unwrap().with(Arc::new(store::statements())), owner)
}

async fn rows(owner: &Client) -> i64 {
    owner.query_one("select count(*) from t", &[]).await.unwrap().get(0)
}

/// The server knows nothing of it, and would commit the others.
#[tokio::test]
async fn what_cannot_be_sent_lets_nothing_else_of_its_transaction_last() {
    let (database, owner) = database().await;
    let tx = database.begin_global().await.unwrap();
    tx.run(&InsertRow { id: 1 }).await.unwrap();
    assert_eq!(*tx.run_last(&InsertUnwritable).await.unwrap_err().kind(), Kind::Other);
    assert_eq!(rows(&owner).await, 0);

    let tenants = [1, 2, 3].map(Uuid::from_u128);
    let tx = database.begin_together(&tenants).await.unwrap();
    let each = [
        (tenants[0], &InsertRow { id: 1 } as &dyn Query),
        (tenants[1], &InsertUnwritable),
        (tenants[2], &InsertRow { id: 3 }),
    ];
    assert_eq!(*tx.run_each_last(&each).await.unwrap_err().kind(), Kind::Other);
    assert_eq!(rows(&owner).await, 0);

    // The connection is good for the next one.
    database.run_global(&InsertRow { id: 4 }).await.unwrap();
    assert_eq!(rows(&owner).await, 1);
}

/// The slow rows of one tenant keep the others waiting for a second, and not for as long as
/// a statement of one tenant may take.
#[tokio::test]
async fn a_slow_statement_of_one_tenant_ends_early_and_nothing_is_stored() {
    let (database, owner) = database().await;
    let tenants = [1, 2].map(Uuid::from_u128);
    for last in [true, false] {
        let tx = database.begin_together(&tenants).await.unwrap();
        let each = [(tenants[0], &InsertRow { id: 1 } as &dyn Query), (tenants[1], &InsertRow { id: 100 })];
        let began = Instant::now();
        let ran = if last { tx.run_each_last(&each).await } else { tx.run_each(&each).await };
        assert_eq!(*ran.unwrap_err().kind(), Kind::StatementTimeout);
        assert!(began.elapsed() < Duration::from_millis(2900), "{:?}", began.elapsed());
        assert_eq!(rows(&owner).await, 0);
    }
}
