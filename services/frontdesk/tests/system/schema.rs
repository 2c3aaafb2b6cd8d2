//! What the database promises, and what happens when it is changed under us.

use frontdesk::demo;
use serde_json::json;

use crate::fixture::{Fixture, Layout, case, path_of};

#[tokio::test]
async fn every_statement_fits_the_schema() {
    let fixture = Fixture::start().await;
    for (name, sql) in identity::statements() {
        fixture.sql.prepare(sql).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }
    let [standard, single_table] = booking::statements();
    prepare_all(&fixture, &standard).await;
    let legacy = Fixture::start_in(Layout::ConfirmedOnly).await;
    prepare_all(&legacy, &single_table).await;
}

async fn prepare_all(fixture: &Fixture, statements: &[(&str, String)]) {
    assert!(statements.len() > 30);
    for (name, sql) in statements {
        assert!(!sql.contains('{'), "{name} has a gap: {sql}");
        fixture.sql.prepare(sql).await.unwrap_or_else(|error| panic!("{name}: {error:?}\n{sql}"));
        let bound = sql.contains("tenant_id = $1") || sql.contains("tenant_id, ");
        assert!(bound || *name == "feed_end", "{name} is not bound to a tenant: {sql}");
    }
}

#[tokio::test]
async fn tenant_comes_first_in_every_key_and_row_security_is_forced() {
    let fixture = Fixture::start().await;
    let tables = "select relname::text from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace \
        and relname not like 'frontdesk%'";
    let tables = fixture.sql.query(tables, &[]).await.unwrap();
    assert_eq!(tables.len(), 8);
    let keys = "select count(*) from pg_index i join pg_class c on c.oid = i.indrelid \
        join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0] \
        where c.relnamespace = 'public'::regnamespace and c.relname not like 'frontdesk%' \
        and (i.indisunique or i.indisexclusion) and a.attname <> 'tenant_id'";
    assert_eq!(fixture.count(keys, &[]).await, 0);
    let open = "select count(*) from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace \
        and relname not like 'frontdesk%' and not (relrowsecurity and relforcerowsecurity)";
    assert_eq!(fixture.count(open, &[]).await, 0);
    let owned = "select count(*) from pg_class c join pg_roles r on r.oid = c.relowner where r.rolname like 'frontdesk\\_%'";
    assert_eq!(fixture.count(owned, &[]).await, 0);
}

#[tokio::test]
async fn the_booking_role_sees_one_tenant_and_nothing_of_identity() {
    let fixture = Fixture::start().await;
    let as_booking = pg::connect(&fixture.database.url).await.unwrap();
    as_booking.batch_execute("set role frontdesk_booking").await.unwrap();
    let count = async || {
        as_booking.query_one("select count(*) from booking_requests", &[]).await.unwrap().get::<_, i64>(0)
    };
    assert_eq!(count().await, 0, "without a tenant nothing is seen");
    as_booking.batch_execute(&format!("set app.tenant = '{}'", demo::OTHER_TENANT)).await.unwrap();
    assert_eq!(count().await, 1);
    let foreign = as_booking
        .execute("update booking_requests set status = 'cancelled' where tenant_id = $1", &[&demo::TENANT])
        .await
        .unwrap();
    assert_eq!(foreign, 0);
    for refused in [
        "select * from identity.users",
        "select * from identity.signing_keys",
        "drop table booking_requests",
        "delete from bookings",
        "update booking_events set action = 'x'",
        "create table public.x (id int)",
    ] {
        let error = as_booking.batch_execute(refused).await.expect_err(refused);
        assert_eq!(error.code().unwrap().code(), "42501", "{refused}");
    }
}

#[tokio::test]
async fn a_dropped_column_is_503_and_names_it_and_comes_back_without_a_restart() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let id = case("REQUESTED");
    fixture.get(&path_of(id, ""), &token).await.ok();
    fixture.sql.batch_execute("alter table booking_requests drop column approved_booking_id").await.unwrap();
    let answer = fixture.post(&path_of(id, "/approve"), &token, &json!({})).await;
    answer.refused(503, "SCHEMA_DRIFT");
    assert!(
        answer.body["metadata"]["object"].as_str().unwrap().contains("approved_booking_id"),
        "{}",
        answer.body
    );
    assert_eq!(answer.headers["retry-after"], "30");
    fixture
        .sql
        .batch_execute("alter table booking_requests add column approved_booking_id uuid")
        .await
        .unwrap();
    fixture.post(&path_of(id, "/approve"), &token, &json!({})).await.ok();
}

#[tokio::test]
async fn a_status_that_the_check_refuses_is_422_and_changes_nothing() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    fixture
        .sql
        .batch_execute(
            "alter table bookings drop constraint bookings_status_check; \
             alter table bookings add constraint bookings_status_check check (status <> 'confirmed') not valid",
        )
        .await
        .unwrap();
    let before = fixture.snapshot().await;
    let answer = fixture.post(&path_of(case("REQUESTED"), "/approve"), &token, &json!({})).await;
    answer.refused(422, "CHECK_VIOLATION");
    assert_eq!(answer.body["metadata"]["constraint"], "bookings_status_check");
    let text = answer.body.to_string();
    assert!(!text.contains("Failing row") && !text.contains("0301"), "Postgres' DETAIL got out: {text}");
    assert_eq!(fixture.snapshot().await, before);
}

#[tokio::test]
async fn a_locked_row_is_503_after_the_lock_timeout() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let id = case("REQUESTED");
    fixture.sql.batch_execute("begin").await.unwrap();
    fixture.sql.execute("select from booking_requests where id = $1 for update", &[&id]).await.unwrap();
    fixture.post(&path_of(id, "/approve"), &token, &json!({})).await.refused(503, "LOCK_TIMEOUT");
    fixture.sql.batch_execute("rollback").await.unwrap();
    fixture.post(&path_of(id, "/approve"), &token, &json!({})).await.ok();
}

#[tokio::test]
async fn lost_connections_are_replaced() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let path = path_of(case("REQUESTED"), "");
    fixture.get(&path, &token).await.ok();
    let kill = "select count(pg_terminate_backend(pid)) from pg_stat_activity \
        where application_name like 'frontdesk-%' and datname = current_database()";
    assert!(fixture.count(kill, &[]).await > 0);
    let mut answers = Vec::new();
    for _ in 0..20 {
        let answer = fixture.get(&path, &token).await;
        assert!(answer.status == 200 || answer.body["code"] == "DB_UNAVAILABLE", "{}", answer.body);
        answers.push(answer.status);
    }
    assert_eq!(answers[10..], [200; 10], "{answers:?}");
}
