//! Plans do not depend on when a session made them first.

// A test that cannot go on says where.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use devdb::TestDatabase;
use pg::{Columns, Database, PoolOptions, Tx};
use tokio_postgres::types::Type;
use uuid::Uuid;

/// A statement that two indexes serve. While the table is empty they are alike, and the one
/// that was made last is taken.
const LOOK: &str = "select id from public.ranges where tenant = $1 and source = $2 and state = 'active'";

/// Runs it as calls do; the plan that its session keeps.
async fn look(database: &Database) -> String {
    let tx = database.begin(Uuid::nil()).await.unwrap();
    tx.run_text(LOOK, &[(&1_i32, Type::INT4), (&5000_i32, Type::INT4)]).await.unwrap();
    let explain = "select public.plan_of(name) as plan from pg_prepared_statements \
        where statement like 'select id from public.ranges%'";
    let plan = tx.run_text(explain, &[]).await.unwrap();
    tx.commit().await.unwrap();
    Columns::first(&plan, |row| row.next("plan")).unwrap().unwrap()
}

#[tokio::test]
async fn a_plan_that_was_made_while_a_table_was_empty_is_made_again() {
    let test = TestDatabase::create(&[]).await;
    let owner = pg::connect(&test.url).await.unwrap();
    owner
        .batch_execute(
            "create role planned nologin; \
             create table public.ranges (tenant int, id int, source int, state text) \
             with (autovacuum_enabled = false); \
             create index ranges_source_idx on public.ranges (tenant, source); \
             alter table public.ranges add primary key (tenant, id); \
             create function public.plan_of(name text) returns text language plpgsql as \
             $$ declare plan json; begin \
             execute format('explain (format json) execute %I(1, 5000)', name) into plan; \
             return plan; end $$; \
             analyze public.ranges; \
             grant select on public.ranges to planned",
        )
        .await
        .unwrap();
    let options =
        PoolOptions { url: test.url.clone(), role: "planned", application_name: "plans", max_size: 1 };
    let database = Database::new(options).unwrap();
    for _ in 0..10 {
        look(&database).await;
    }
    let many = "insert into public.ranges select 1, n, n, 'active' from generate_series(1, 20000) n";
    owner.batch_execute(many).await.unwrap();
    let is_good = |plan: &str| plan.contains("ranges_source_idx");
    let stale = look(&database).await;
    assert!(!is_good(&stale), "the plan of the empty table is as good: {stale}");
    tokio::time::sleep(Duration::from_millis(2100)).await;
    let fresh = look(&database).await;
    assert!(is_good(&fresh), "{fresh}");
}

#[tokio::test]
async fn what_is_for_a_list_of_tenants_is_planned_once_and_nothing_else_is() {
    let test = TestDatabase::create(&[]).await;
    let owner = pg::connect(&test.url).await.unwrap();
    owner
        .batch_execute("create role reads nologin; create role feeds nologin; grant feeds to reads")
        .await
        .unwrap();
    let options =
        PoolOptions { url: test.url.clone(), role: "reads", application_name: "plans", max_size: 1 };
    let database = Database::new(options).unwrap();
    let mode = async |tx: Tx| {
        let shown = tx.run_text("select current_setting('plan_cache_mode') as mode", &[]).await.unwrap();
        tx.commit().await.unwrap();
        Columns::first(&shown, |row| row.next::<String>("mode")).unwrap().unwrap()
    };
    let tenants = [Uuid::from_u128(1), Uuid::from_u128(2)];
    for some in [&tenants[..1], &tenants] {
        let of_a_list = mode(database.begin_for("feeds", some).await.unwrap()).await;
        let of_one = mode(database.begin(tenants[0]).await.unwrap()).await;
        assert_eq!([&*of_a_list, &*of_one], ["force_generic_plan", "auto"]);
    }
}
