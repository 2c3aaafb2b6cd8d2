//! A pooler that shares sessions: what is relied on is set in each transaction, and
//! nothing is left behind for whoever gets the session next.

// A test that cannot go on says where.
#![allow(clippy::unwrap_used)]

use std::process::Command;
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

/// One connection would wait for the other until the pooler gives it up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn migrations_say_that_a_pooler_needs_a_second_connection() {
    let test = TestDatabase::create(&[]).await;
    let pooler = Pooler::start(&test.url, "default_pool_size = 1").await.unwrap();
    let alone = migrate::up(&pooler.url(), &[&SET]).await.unwrap_err().to_string();
    assert!(
        alone.contains("there is no second connection") && alone.contains("default_pool_size"),
        "{alone}"
    );
    // The lock is not kept.
    assert_eq!(migrate::up(&test.url, &[&SET]).await.unwrap().len(), 1);
}

/// Whether the pooler that is installed can keep prepared statements.
fn keeps_statements() -> bool {
    let version = Command::new("pgbouncer").arg("--version").output().unwrap().stdout;
    let version = String::from_utf8(version).unwrap();
    let number = version.lines().next().unwrap().strip_prefix("PgBouncer ").unwrap();
    let mut parts = number.split('.').map(|part| part.parse::<u32>().unwrap());
    (parts.next().unwrap(), parts.next().unwrap()) >= (1, 21)
}

/// `PgBouncer` takes them from 1.21 on: what it gets by a name is prepared in each session that
/// needs it, and stays there. Before, nothing is left of what travels whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_are_prepared_where_the_pooler_keeps_them() {
    let test = TestDatabase::create(&[]).await;
    let owner = pg::connect(&test.url).await.unwrap();
    owner.batch_execute("create role kept nologin").await.unwrap();
    let keeps = keeps_statements();
    let more = if keeps { "max_prepared_statements = 50" } else { "" };
    for (more, kept) in [("", false), (more, keeps)] {
        let off = if keeps && !kept { "max_prepared_statements = 0" } else { more };
        let pooler = Pooler::start(&test.url, &format!("default_pool_size = 3\n{off}")).await.unwrap();
        let database = Database::new(PoolOptions {
            url: pooler.url(),
            role: "kept",
            application_name: "kept",
            max_size: 4,
        });
        let database = database.unwrap();
        // Several at once, so that each connection meets each session.
        for _ in 0..20 {
            let asked = join_all((0..4).map(|number: i32| {
                let database = &database;
                async move {
                    let tx = database.begin(Uuid::from_u128(1)).await.unwrap();
                    let rows = tx.run_text("select $1 + 1 as next", &[(&number, Type::INT4)]).await.unwrap();
                    tx.commit().await.unwrap();
                    rows[0].get::<_, i32>(0)
                }
            }));
            assert_eq!(asked.await, [1, 2, 3, 4]);
        }
        let somebody = pg::connect(&pooler.url()).await.unwrap();
        let prepared = "select count(*) from pg_prepared_statements where statement like '%$1 + 1 as next%'";
        let rows = somebody.query_typed(prepared, &[]).await.unwrap();
        assert_eq!(rows[0].get::<_, i64>(0), i64::from(kept), "{more}");
    }
}

/// The driver asks for a type when it meets it first, and expects its own statements where
/// it left them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn types_of_others_are_known_in_whatever_session() {
    let test = TestDatabase::create(&[]).await;
    let owner = pg::connect(&test.url).await.unwrap();
    let mut types: Vec<String> = (0..6).map(|number| format!("colour_{number}")).collect();
    for name in &types {
        let made = format!("create type {name} as enum ('red'); create table of_{name} (colour {name})");
        owner.batch_execute(&made).await.unwrap();
    }
    let domain =
        "create domain mail as text not null check (value is not null); create table of_mail (mail mail)";
    owner.batch_execute(domain).await.unwrap();
    owner.batch_execute("create role painter nologin").await.unwrap();
    let pooler = Pooler::start(&test.url, "default_pool_size = 4\nserver_round_robin = 1").await.unwrap();
    let options = PoolOptions { url: pooler.url(), role: "painter", application_name: "types", max_size: 2 };
    let database = Database::new(options).unwrap();
    let read = async |name: &str| -> Result<usize, Fault> {
        let tx = database.begin(Uuid::from_u128(1)).await?;
        let rows = tx.run_text(&format!("select 'red'::{name} as colour"), &[]).await?;
        tx.commit().await?;
        Ok(rows.len())
    };
    for round in 0..4 {
        for name in &types {
            assert_eq!(read(name).await.unwrap(), 1, "{round}: {name}");
        }
    }
    // One that comes later is known to new connections: who meets it first tries again.
    owner
        .batch_execute("create type late as enum ('red'); create table of_late (colour late)")
        .await
        .unwrap();
    if let Err(fault) = read("late").await {
        assert_eq!(*fault.kind(), Kind::StaleStatement);
    }
    types.push("late".to_owned());
    for name in &types {
        assert_eq!(read(name).await.unwrap(), 1, "afterwards: {name}");
    }
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
    // Whatever turn it is.
    for _ in 0..6 {
        assert!(!pg::has_own_session(&in_turn.url()).await.unwrap());
    }
}

/// A default by which a crash loses what was acknowledged, and one that comes while a service
/// runs, by which no trigger fires: each transaction has what it needs, and the session of
/// others stays as it is.
#[tokio::test]
async fn commits_are_durable_and_triggers_fire_in_whatever_session() {
    let test = TestDatabase::create(&[]).await;
    let owner = pg::connect(&test.url).await.unwrap();
    owner.batch_execute("create role durable nologin").await.unwrap();
    let name: String = owner.query_one("select current_database()::text", &[]).await.unwrap().get(0);
    let lower = format!("alter database {name} set synchronous_commit = off");
    owner.batch_execute(&lower).await.unwrap();
    let pooler = Pooler::start(&test.url, "default_pool_size = 2").await.unwrap();
    let options =
        PoolOptions { url: pooler.url(), role: "durable", application_name: "durable", max_size: 1 };
    let database = Database::new(options).unwrap();
    let query = "select current_setting('synchronous_commit') as commits, \
        current_setting('session_replication_role') as triggers";
    let seen = async || -> Result<[String; 2], Fault> {
        let tx = database.begin(Uuid::from_u128(1)).await?;
        let rows = tx.run_text(query, &[]).await?;
        tx.commit().await?;
        Ok(Columns::first(&rows, |row| Ok([row.next("commits")?, row.next("triggers")?]))?.unwrap())
    };
    assert_eq!(seen().await.unwrap(), ["on", "origin"]);
    let end = "select pg_terminate_backend(pid) from pg_stat_activity \
        where datname = current_database() and pid <> pg_backend_pid()";
    let turned_off = format!("alter database {name} set session_replication_role = replica");
    owner.batch_execute(&turned_off).await.unwrap();
    owner.batch_execute(end).await.unwrap();
    let mut last = seen().await;
    for _ in 0..50 {
        if last.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        last = seen().await;
    }
    assert_eq!(last.unwrap(), ["on", "origin"]);
    let nobody = pg::connect(&pooler.url()).await.unwrap();
    let row = nobody.query_typed(query, &[]).await.unwrap().swap_remove(0);
    assert_eq!((row.get::<_, &str>(0), row.get::<_, &str>(1)), ("off", "replica"));
}
