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

/// What is broken, how it is repaired, and what calls and readiness say meanwhile.
struct Drift {
    layout: Layout,
    break_it: &'static str,
    repair: &'static str,
    status: u16,
    code: &'static str,
    object: &'static str,
}

const DRIFTS: [Drift; 6] = [
    Drift {
        layout: Layout::Standard,
        break_it: "alter table booking_requests drop column approved_booking_id",
        repair: "alter table booking_requests add column approved_booking_id uuid",
        status: 503,
        code: "SCHEMA_DRIFT",
        object: "column booking_requests.approved_booking_id",
    },
    Drift {
        layout: Layout::ConfirmedOnly,
        break_it: "alter table bookings drop column approved_booking_id",
        repair: "alter table bookings add column approved_booking_id uuid",
        status: 503,
        code: "SCHEMA_DRIFT",
        object: "column bookings.approved_booking_id",
    },
    Drift {
        layout: Layout::Standard,
        break_it: "alter table inventory_ranges rename to inventory_ranges_gone",
        repair: "alter table inventory_ranges_gone rename to inventory_ranges",
        status: 503,
        code: "SCHEMA_DRIFT",
        object: "table inventory_ranges",
    },
    Drift {
        layout: Layout::Standard,
        break_it: "alter table booking_requests rename to booking_requests_gone",
        repair: "alter table booking_requests_gone rename to booking_requests",
        status: 503,
        code: "SCHEMA_DRIFT",
        object: "table booking_requests",
    },
    Drift {
        layout: Layout::Standard,
        break_it: "alter table bookings rename constraint no_double_bookings to renamed",
        repair: "alter table bookings rename constraint renamed to no_double_bookings",
        status: 503,
        code: "SCHEMA_DRIFT",
        object: "constraint bookings.no_double_bookings",
    },
    Drift {
        layout: Layout::Standard,
        break_it: "alter table bookings drop constraint bookings_status_check; \
            alter table bookings add constraint bookings_status_check check (status in ('requested', 'cancelled')) not valid",
        repair: "alter table bookings drop constraint bookings_status_check",
        status: 422,
        code: "CHECK_VIOLATION",
        object: "bookings_status_check",
    },
];

#[tokio::test]
async fn a_schema_that_drifts_is_named_by_calls_and_readiness_until_it_is_repaired() {
    for Drift { layout, break_it, repair, status, code, object } in DRIFTS {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let id = case("REQUESTED");
        fixture.get(&path_of(id, ""), &token).await.ok();
        fixture.sql.batch_execute(break_it).await.unwrap();
        let answer = fixture.post(&path_of(id, "/approve"), &token, &json!({})).await;
        answer.refused(status, code);
        let named = if code == "SCHEMA_DRIFT" { "object" } else { "constraint" };
        assert_eq!(answer.body["metadata"][named], object, "{}", answer.body);
        let words = format!("{code}: {}", answer.body["detail"].as_str().unwrap());

        let unready = readiness(&fixture, false).await;
        assert_eq!(unready["booking"], "not_serving");
        let problems = unready["problems"].as_array().unwrap();
        assert!(problems.iter().any(|one| one == words.as_str()), "{words} is not in {unready}");

        fixture.sql.batch_execute(repair).await.unwrap();
        readiness(&fixture, true).await;
        fixture.post(&path_of(id, "/approve"), &token, &json!({})).await.ok();
    }
}

/// What `/readyz` says once it says so.
async fn readiness(fixture: &Fixture, ready: bool) -> serde_json::Value {
    let mut last = serde_json::Value::Null;
    for _ in 0..100 {
        let answer = fixture.get("/readyz", "").await;
        last = answer.body.clone();
        if (answer.status == 200) == ready {
            return last;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("readiness stayed {last}");
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
