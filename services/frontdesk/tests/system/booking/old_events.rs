//! Events from before there were ticks and numbers, as migrations find them.

use devdb::TestDatabase;
use frontdesk::demo;
use pg::migrate::MigrationSet;
use uuid::Uuid;

use super::cursors::{all, try_watch};
use crate::fixture::Fixture;

/// Positions of the events of two tenants and their minutes, as they were stored: neither in
/// the order in which they were told, some with one position, two with one time as well.
const STORED: [(Uuid, i64, i32); 9] = [
    (demo::TENANT, 50, 5),
    (demo::OTHER_TENANT, 40, 9),
    (demo::TENANT, 30, 7),
    (demo::TENANT, 30, 2),
    (demo::OTHER_TENANT, 60, 1),
    (demo::TENANT, 30, 7),
    (demo::OTHER_TENANT, 30, 3),
    (demo::TENANT, 90, 1),
    (demo::OTHER_TENANT, 40, 8),
];

/// Events of a tenant in the order in which they were told.
const TOLD: &str = "select id::text from booking_events where tenant_id = $1 order by position, at, id";

/// Events without the tick that their place in this order gives them, below zero, or without
/// the number that their place in the feed of their tenant gives them.
const MISPLACED: &str = "select count(*) from ( \
    select tick, number, row_number() over (order by position, at, id) - count(*) over () - 1 as their_tick, \
    row_number() over (partition by tenant_id order by position, at, id) as their_number from booking_events) e \
    where tick is distinct from their_tick or number is distinct from their_number";

/// Feeds whose head is not the number of their last event.
const HEADS: &str = "select count(*) from feed_heads h full join \
    (select tenant_id, count(*) as events from booking_events group by tenant_id) e using (tenant_id) \
    where h.head is distinct from e.events or h.forgotten is distinct from 0";

#[tokio::test]
async fn events_from_before_numbers_are_told_in_the_order_that_they_had() {
    let before = Box::leak(Box::new(MigrationSet {
        name: "booking_before_ticks",
        migrations: &booking::MIGRATIONS.migrations[..2],
        ..booking::MIGRATIONS
    }));
    let database = TestDatabase::create(&[&identity::MIGRATIONS, before]).await;
    let owner = pg::connect(&database.url).await.unwrap();
    for (tenant, position, minute) in STORED {
        let insert = "insert into booking_events (tenant_id, id, at, booking_request_id, action, position) \
            values ($1, gen_random_uuid(), date_trunc('hour', now()) - interval '1 day' + $3 * interval '1 minute', \
            gen_random_uuid(), 'created', $2)";
        owner.execute(insert, &[&tenant, &position, &f64::from(minute)]).await.unwrap();
    }
    pg::migrate::up(&database.url, &[&booking::MIGRATIONS]).await.unwrap();
    let policies = "select count(*) from pg_policies where policyname like 'owner\\_numbers\\_%'";
    for nothing in [MISPLACED, HEADS, policies] {
        let found: i64 = owner.query_one(nothing, &[]).await.unwrap().get(0);
        assert_eq!(found, 0, "{nothing}");
    }

    let fixture = Fixture::add_demo_to(database).await;
    for (tenant, email) in [(demo::TENANT, demo::MANAGER), (demo::OTHER_TENANT, demo::OTHER_OWNER)] {
        let token = fixture.token(email).await;
        let mut feed = try_watch(&fixture, &token, "start").await.unwrap();
        let heard: Vec<String> = all(&mut feed).await.into_iter().map(|(id, _)| id).collect();
        let told = fixture.sql.query(TOLD, &[&tenant]).await.unwrap();
        let told: Vec<String> = told.iter().map(|row| row.get(0)).collect();
        assert_eq!(heard, told);
    }
}
