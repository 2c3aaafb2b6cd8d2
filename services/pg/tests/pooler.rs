//! A pooler that shares sessions: what is relied on is set in each transaction, and
//! nothing is left behind for whoever gets the session next.

// A test that cannot go on says where.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use devdb::{Pooler, TestDatabase};
use futures::future::join_all;
use pg::migrate::{self, MigrationSet};
use pg::types::Type;
use pg::{Columns, Database, Fault, Kind, PoolOptions};
use uuid::Uuid;

static SET: MigrationSet = MigrationSet {
    name: "pooled",
    history_table: "public.pooled_history",
    migrations: &[("V1__rows", "create table rows (id uuid primary key, tenant text)")],
};
/// What a session is like that somebody else gets.
const SESSION: &str = "select current_user, current_setting('search_path'), \
    current_setting('statement_timeout'), current_setting('enable_seqscan'), \
    coalesce(current_setting('app.tenant', true), '')";

fn open(url: String) -> Database {
    let options = PoolOptions { url, role: "pooled", application_name: "pooled", max_size: 4 };
    Database::new(options).unwrap()
}

async fn session(client: &tokio_postgres::Client) -> Vec<String> {
    let row = client.query_typed(SESSION, &[]).await.unwrap().swap_remove(0);
    (0..5).map(|place| row.get(place)).collect()
}

/// What a transaction of a tenant sees of its session, and whether its row is stored.
async fn store(database: &Database, tenant: Uuid) -> Result<Vec<String>, Fault> {
    let tx = database.begin(tenant).await?;
    let rows = tx.run_text(SESSION, &[]).await?;
    let insert = "insert into rows values ($1, current_setting('app.tenant'))";
    tx.run_text(insert, &[(&tenant, Type::UUID)]).await?;
    tx.commit().await?;
    let read = |row: &mut Columns<'_>| {
        ["current_user", "current_setting", "current_setting", "current_setting", "coalesce"]
            .iter()
            .map(|name| row.next(name))
            .collect()
    };
    Ok(Columns::first(&rows, read)?.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_others_get_too_are_left_as_they_were() {
    let test = TestDatabase::create(&[]).await;
    let owner = pg::connect(&test.url).await.unwrap();
    let pooler = Pooler::start(&test.url, "").await.unwrap();
    let (through, sets) = (pooler.url(), [&SET]);
    let (one, other) = tokio::join!(migrate::up(&through, &sets), migrate::up(&through, &sets));
    assert_eq!(one.unwrap().len() + other.unwrap().len(), 1);
    let role = "create role pooled nologin; grant select, insert on rows to pooled; \
        alter table rows enable row level security; alter table rows force row level security; \
        create policy own on rows using (tenant = current_setting('app.tenant', true))";
    owner.batch_execute(role).await.unwrap();

    let database = open(pooler.url());
    let nobody = pg::connect(&pooler.url()).await.unwrap();
    let before = session(&nobody).await;
    let tenants: Vec<Uuid> = (1..=64).map(Uuid::from_u128).collect();
    let seen = join_all(tenants.iter().map(|tenant| async {
        // Four at once, so that they meet in sessions.
        loop {
            match store(&database, *tenant).await {
                Err(fault) if *fault.kind() == Kind::Overloaded => {}
                seen => return seen,
            }
        }
    }));
    for (tenant, seen) in tenants.iter().zip(seen.await) {
        let seen = seen.unwrap();
        let wanted = ["pooled", "public, pg_temp", "5s", "off", &tenant.to_string()];
        assert_eq!(seen, wanted);
    }
    for _ in 0..8 {
        assert_eq!(session(&nobody).await, before);
    }
    let stored = "select count(*) from rows where tenant = id::text";
    assert_eq!(owner.query_one(stored, &[]).await.unwrap().get::<_, i64>(0), 64);
    // Another tenant's rows are not seen, in whatever session.
    let tx = database.begin(Uuid::from_u128(1)).await.unwrap();
    assert_eq!(tx.run_text("select id from rows", &[]).await.unwrap().len(), 1);
    drop(tx);

    let deaf = database.listen("pooled").await.unwrap_err();
    assert!(deaf.to_string().contains("a pooler shares sessions"), "{deaf}");
    assert!(!pg::has_own_session(&pooler.url()).await.unwrap());
    assert!(pg::has_own_session(&test.url).await.unwrap());
}

#[tokio::test]
async fn a_pooler_of_sessions_is_none_and_one_with_a_single_session_is_recognised() {
    let test = TestDatabase::create(&[]).await;
    let sessions = Pooler::start(&test.url, "pool_mode = session").await.unwrap();
    assert!(pg::has_own_session(&sessions.url()).await.unwrap());
    let single = Pooler::start(&test.url, "default_pool_size = 1").await.unwrap();
    assert!(!pg::has_own_session(&single.url()).await.unwrap());
    let in_turn = Pooler::start(&test.url, "server_round_robin = 1\nmin_pool_size = 2").await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!pg::has_own_session(&in_turn.url()).await.unwrap());
}
