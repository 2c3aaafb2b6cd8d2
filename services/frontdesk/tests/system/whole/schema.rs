//! What the schema promises: tenants first, row-level security, roles that own nothing.

use frontdesk::demo;
use serde_json::json;
use uuid::Uuid;

use crate::fixture::{Fixture, case, path_of};

#[tokio::test]
async fn tenant_comes_first_in_every_key_and_row_security_is_forced() {
    let fixture = Fixture::start().await;
    let tables = "select relname::text from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace \
        and relname not like 'frontdesk%'";
    let tables = fixture.sql.query(tables, &[]).await.unwrap();
    assert_eq!(tables.len(), 12);
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
    // As deploy/database.sql does, and PostgreSQL by itself from 15 on.
    as_booking.batch_execute("revoke create on schema public from public").await.unwrap();
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

/// Whoever reads feeds reads those of several tenants at once, which the transaction
/// names, and nothing else of theirs.
#[tokio::test]
async fn the_reader_of_feeds_sees_the_named_tenants_and_their_feeds_alone() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    fixture.post(&path_of(case("REQUESTED"), "/approve"), &token, &json!({})).await.ok();
    let told = "insert into booking_events (tenant_id, id, at, action) \
        values ($1, gen_random_uuid(), now(), 'settings_updated')";
    let third = Uuid::from_u128(7);
    for tenant in [demo::OTHER_TENANT, third] {
        fixture.execute(told, &[&tenant]).await;
    }
    let reader = pg::connect(&fixture.database.url).await.unwrap();
    reader.batch_execute("set role frontdesk_booking_feed").await.unwrap();
    let tenants = async || {
        let tenants = "select distinct tenant_id from booking_events order by tenant_id";
        let rows = reader.query(tenants, &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect::<Vec<Uuid>>()
    };
    assert_eq!(tenants().await, Vec::<Uuid>::new(), "without a name nothing is seen");
    let name = format!("set app.tenants = '{},{}'", demo::TENANT, demo::OTHER_TENANT);
    reader.batch_execute(&name).await.unwrap();
    let mut both = vec![demo::TENANT, demo::OTHER_TENANT];
    both.sort_unstable();
    assert_eq!(tenants().await, both);
    let foreign = "update booking_events set number = 7 where tenant_id = $1";
    assert_eq!(reader.execute(foreign, &[&third]).await.unwrap(), 0);
    for refused in [
        "select * from booking_requests",
        "select * from customers",
        "insert into booking_events (tenant_id, id, at, action) select tenant_id, id, at, action from booking_events",
        "delete from booking_events",
        "update booking_events set action = 'x'",
    ] {
        let error = reader.batch_execute(refused).await.expect_err(refused);
        assert_eq!(error.code().unwrap().code(), "42501", "{refused}");
    }
}
