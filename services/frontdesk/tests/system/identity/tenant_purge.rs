//! A tenant is deleted when its wait is over: all that it has goes, in identity and in booking,
//! and nothing of anybody else.

use std::time::Duration;

use frontdesk::demo;
use frontdesk::system::Policies;
use identity::Policy;
use jiff::SignedDuration;
use serde_json::json;
use uuid::Uuid;

use super::tenant_deletion::{delete, restore, rows};
use crate::fixture::{Fixture, Layout, system_under, tenant_path};
use crate::mailbox::Mailbox;
use crate::waits::until_so;

pub const GONE: &str = "select count(*) from identity.deleted_tenants where id = $1 \
    and not exists (select from identity.tenants t where t.id = $1)";
const RESTORED: &str = "select count(*) from identity.tenants where id = $1 and purge_at is null";

/// With tasks that look for work all the time, and tell each other at once.
pub fn policies() -> Policies {
    let every = Duration::from_millis(50);
    Policies {
        identity: Policy {
            purge_every: every,
            deletions_told_after: SignedDuration::ZERO,
            ..Policy::default()
        },
        booking: booking::Policy { delete_tenants_every: every, ..booking::Policy::default() },
        ..Policies::default()
    }
}

/// As if the wait had passed, and the day after it.
async fn let_the_wait_pass(fixture: &Fixture) {
    let over = "update identity.tenants set purge_at = now() - interval '25 hours', \
        purge_due_at = now() - interval '1 day', purge_seen_at = now() where id = $1";
    assert_eq!(fixture.execute(over, &[&demo::TENANT]).await, 1);
}

/// Returns when the tasks of both have looked at every tenant since. Two other tenants, whose
/// wait is over, are gone then. The first one comes before all others, so the turn that found it
/// had begun since; the second one comes after them, so they had been looked at.
pub async fn let_tasks_look(fixture: &Fixture) {
    for over_since in ["1000 days", "25 hours"] {
        let id = Uuid::now_v7();
        let over = format!(
            "insert into identity.tenants \
             (id, slug, name, created_at, deleted_at, purge_at, purge_due_at, purge_seen_at) \
             values ($1, 'over-' || gen_random_uuid(), 'Over', now(), now(), \
             now() - interval '{over_since}', now() - interval '1 day', now())"
        );
        fixture.execute(&over, &[&id]).await;
        house(fixture, id).await;
        fixture.until(GONE, &[&id], 1).await;
        until_so("booking has looked", async || has_rows_in(fixture, id).await.is_empty()).await;
    }
}

/// Stores a property of a tenant.
pub async fn house(fixture: &Fixture, tenant: Uuid) {
    let house = "insert into properties (tenant_id, id, name, time_zone, max_guests, created_at) \
        values ($1, gen_random_uuid(), 'House', 'Europe/Berlin', 2, now())";
    assert_eq!(fixture.execute(house, &[&tenant]).await, 1);
}

/// The tables in which a tenant has rows, but for the audit log.
pub async fn has_rows_in(fixture: &Fixture, tenant: Uuid) -> Vec<String> {
    let tables = "select format('%I.%I', table_schema, table_name) from information_schema.columns \
        where column_name = 'tenant_id' and table_schema in ('identity', 'public') \
        and table_name <> 'audit_events' order by 1";
    let mut found = Vec::new();
    for row in fixture.sql.query(tables, &[]).await.unwrap() {
        let table: String = row.get(0);
        let count = format!("select count(*) from {table} where tenant_id = $1");
        if fixture.count(&count, &[&tenant]).await > 0 {
            found.push(table);
        }
    }
    found
}

/// Something of everything that a tenant may have beside the demo.
pub async fn furnish(fixture: &Fixture) {
    let owner = fixture.token(demo::OWNER).await;
    let role = json!({"name": "cleaner", "scopes": ["bookings:view"]});
    fixture.post(&tenant_path("/roles"), &owner, &role).await.ok();
    let cleaner = "update identity.memberships set role = 'cleaner' where tenant_id = $1 and role = 'viewer'";
    assert_eq!(fixture.execute(cleaner, &[&demo::TENANT]).await, 1);
    let invite = json!({"email": "new@x.example", "role": "viewer", "return_token": true});
    fixture.post(&tenant_path("/invitations"), &owner, &invite).await.ok();
    let used = "insert into identity.used_assertions (tenant_id, api_key_id, assertion_hash, expires_at) \
        select $1, gen_random_uuid(), sha256(n::text::bytea), now() + interval '1 hour' from generate_series(1, 3) n";
    fixture.execute(used, &[&demo::TENANT]).await;
    let request = fixture.open_request(demo::TENANT, 7, 40, 44).await;
    let approve = format!("/v1/booking-requests/{request}/approve");
    fixture.post_with(&approve, &owner, ("idempotency-key", "one"), &json!({})).await.ok();
    fixture.patch("/v1/booking-settings", &owner, &json!({"auto_decline": true})).await.ok();
}

#[tokio::test]
async fn after_the_wait_everything_of_the_tenant_goes_and_nothing_of_anybody_else() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_as(policies(), layout).await;
        furnish(&fixture).await;
        let operator = fixture.token(demo::OPERATOR).await;
        let slug = fixture.get(&tenant_path(""), &operator).await.ok()["slug"].clone();
        delete(&fixture, &operator).await.ok();
        let (kept, others) =
            (rows(&fixture, demo::TENANT, false).await, rows(&fixture, demo::TENANT, true).await);
        assert!(has_rows_in(&fixture, demo::TENANT).await.len() >= 10, "{layout:?}");
        // Its short name is its own as long as it can be restored.
        let taken = json!({"slug": slug, "name": "Another"});
        fixture.post("/v1/tenants", &operator, &taken).await.refused(409, "ALREADY_EXISTS");
        let_tasks_look(&fixture).await;
        assert_eq!(rows(&fixture, demo::TENANT, false).await, kept, "{layout:?}");

        let_the_wait_pass(&fixture).await;
        fixture.until(GONE, &[&demo::TENANT], 1).await;
        until_so("booking has deleted it", async || has_rows_in(&fixture, demo::TENANT).await.is_empty())
            .await;
        assert_eq!(rows(&fixture, demo::TENANT, true).await, others, "{layout:?}");
        restore(&fixture, &operator).await.refused(404, "TENANT_NOT_FOUND");
        delete(&fixture, &operator).await.refused(404, "TENANT_NOT_FOUND");
        fixture.get(&tenant_path(""), &operator).await.refused(404, "TENANT_NOT_FOUND");

        // People stay, and what they did there is told without their names.
        let owner = fixture.token(demo::OWNER).await;
        assert_eq!(fixture.get("/v1/me", &owner).await.ok()["memberships"], json!([]));
        let events = "select count(*) from identity.audit_events where tenant_id = $1";
        assert!(fixture.count(events, &[&demo::TENANT]).await > 3);
        let purged =
            "select count(*) from identity.audit_events where action = 'tenant_purged' and subject = $1";
        assert_eq!(fixture.count(purged, &[&demo::TENANT.to_string()]).await, 1);

        // Its short name is free, its id is not.
        let anew = fixture.post("/v1/tenants", &operator, &taken).await.ok()["id"].clone();
        assert_ne!(anew, json!(demo::TENANT));
        let away = "update identity.tenants set slug = 'moved' where id = $1::text::uuid";
        assert_eq!(fixture.execute(away, &[&anew.as_str().unwrap()]).await, 1);
        let again = format!("{:?}", demo::seed(&fixture.database.url).await.unwrap_err());
        assert!(again.contains("no other one gets its id"), "{again}");
    }
}

/// As if it was killed between two pieces, and with more rows than a piece has.
#[tokio::test]
async fn a_deletion_that_was_interrupted_goes_on_at_whichever_replica() {
    let fixture = Fixture::start().await;
    furnish(&fixture).await;
    let many = "insert into identity.invitations \
        (tenant_id, id, email, role, secret_hash, proves_address, created_at, expires_at) \
        select $1, gen_random_uuid(), n || '@x.example', 'viewer', sha256(n::text::bytea), true, now(), now() \
        from generate_series(1, 1203) n";
    fixture.execute(many, &[&demo::TENANT]).await;
    let many = "insert into customers (tenant_id, id, name, email, phone, created_at) \
        select $1, gen_random_uuid(), 'Guest ' || n, '', '', now() from generate_series(1, 1203) n";
    fixture.execute(many, &[&demo::TENANT]).await;
    let others = rows(&fixture, demo::TENANT, true).await;
    delete(&fixture, &fixture.token(demo::OPERATOR).await).await.ok();
    let begun = "with begun as (update identity.tenants set purge_at = now(), purge_began_at = now(), \
            slug = 'deleted-' || id, name = '' where id = $1) \
        insert into identity.deleted_tenants (id, deleted_at) values ($1, now())";
    fixture.execute(begun, &[&demo::TENANT]).await;
    let some = "delete from identity.memberships where tenant_id = $1 and role = 'manager'";
    assert_eq!(fixture.execute(some, &[&demo::TENANT]).await, 1);
    // Who is left of it is let in no more than before.
    fixture.get("/v1/properties", &fixture.token(demo::OWNER).await).await.refused(403, "TENANT_DELETED");
    let replicas = [
        Box::pin(system_under(&fixture.database.url, policies())).await,
        Box::pin(system_under(&fixture.database.url, policies())).await,
    ];
    fixture.until(GONE, &[&demo::TENANT], 1).await;
    until_so("booking has deleted it", async || has_rows_in(&fixture, demo::TENANT).await.is_empty()).await;
    assert_eq!(rows(&fixture, demo::TENANT, true).await, others);
    let purged = "select count(*) from identity.audit_events where action = 'tenant_purged'";
    assert_eq!(fixture.count(purged, &[]).await, 1);
    for replica in replicas {
        replica.stop().await.unwrap();
    }
}

/// The restoration has the row when the task comes for it, and the other way round: of both,
/// one finds the tenant as it wants it.
#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_is_restored_one_instant_before_its_deletion_keeps_everything() {
    let fixture = Fixture::start().await;
    let operator = fixture.token(demo::OPERATOR).await;
    let before = rows(&fixture, demo::TENANT, false).await;
    delete(&fixture, &operator).await.ok();
    let_the_wait_pass(&fixture).await;
    let mut other = pg::connect(&fixture.database.url).await.unwrap();
    let waits = "select count(*) from pg_stat_activity \
        where datname = current_database() and wait_event_type = 'Lock' and query like '%identity.tenants%'";

    let restoring = other.transaction().await.unwrap();
    let back = "update identity.tenants \
        set deleted_at = null, purge_at = null, purge_due_at = null, purge_seen_at = null where id = $1";
    assert_eq!(restoring.execute(back, &[&demo::TENANT]).await.unwrap(), 1);
    let replica = Box::pin(system_under(&fixture.database.url, policies())).await;
    fixture.until(waits, &[], 1).await;
    restoring.commit().await.unwrap();
    let_tasks_look(&fixture).await;
    assert_eq!(rows(&fixture, demo::TENANT, false).await, before);
    assert_eq!(fixture.count(RESTORED, &[&demo::TENANT]).await, 1);
    replica.stop().await.unwrap();

    delete(&fixture, &operator).await.ok();
    let deleting = other.transaction().await.unwrap();
    let begun = "update identity.tenants set purge_at = now(), purge_began_at = now() where id = $1";
    assert_eq!(deleting.execute(begun, &[&demo::TENANT]).await.unwrap(), 1);
    let (restored, ()) = futures::join!(restore(&fixture, &operator), async {
        fixture.until(waits, &[], 1).await;
        deleting.commit().await.unwrap();
    });
    restored.refused(404, "TENANT_NOT_FOUND");
    assert_eq!(fixture.count(RESTORED, &[&demo::TENANT]).await, 0);
}

#[tokio::test]
async fn letters_of_a_closed_tenant_wait_until_it_is_restored_and_go_with_it() {
    let mailbox = Mailbox::open().await;
    let policy = Policy { mail: Some(mailbox.policy()), ..policies().identity };
    let fixture = Fixture::start_with(policy).await;
    let (owner, operator) = (fixture.token(demo::OWNER).await, fixture.token(demo::OPERATOR).await);
    delete(&fixture, &operator).await.ok();
    let letter = "insert into identity.outbox (id, kind, recipient, sealed, created_at, due_at, of_tenant) \
        values (gen_random_uuid(), 'invitation', 'later-1@x.example', 'x', now(), now(), $1)";
    fixture.execute(letter, &[&demo::TENANT]).await;
    fixture.execute(letter, &[&demo::OTHER_TENANT]).await;
    let tried = "select count(*) from identity.outbox where attempts > 0 and of_tenant = $1";
    fixture.until(tried, &[&demo::OTHER_TENANT], 1).await;
    assert_eq!(fixture.count(tried, &[&demo::TENANT]).await, 0);
    restore(&fixture, &operator).await.ok();
    fixture.until(tried, &[&demo::TENANT], 1).await;
    let is_open = async || fixture.get("/v1/properties", &owner).await.status == 200;
    until_so("it is open again", is_open).await;
    // A letter that is written says whose it is.
    let invite = json!({"email": "later-2@x.example", "role": "viewer"});
    fixture.post(&tenant_path("/invitations"), &owner, &invite).await.ok();
    let of = "select count(*) from identity.outbox where of_tenant = $1";
    assert_eq!(fixture.count(of, &[&demo::TENANT]).await, 2);
    delete(&fixture, &operator).await.ok();
    let_the_wait_pass(&fixture).await;
    fixture.until(GONE, &[&demo::TENANT], 1).await;
    assert_eq!(fixture.count(of, &[&demo::TENANT]).await, 0);
    assert_eq!(fixture.count(of, &[&demo::OTHER_TENANT]).await, 1);
}

/// Booking was away, or has got rows back from a backup; and identity may be away as well.
#[tokio::test]
async fn booking_deletes_what_it_has_of_a_deleted_tenant_whenever_it_asks_and_nothing_unasked() {
    let fixture = Fixture::start().await;
    let gone = "with begun as (update identity.tenants set purge_began_at = now() where id = $1) \
        insert into identity.deleted_tenants (id, deleted_at) values ($1, now() - interval '40 days')";
    let other = rows(&fixture, demo::TENANT, true).await;
    // What is noted of inconsistencies moves on while they are looked for.
    let facts = async || {
        let mut tables = has_rows_in(&fixture, demo::TENANT).await;
        tables.retain(|table| !table.starts_with("public.inconsistenc"));
        tables
    };
    let here = facts().await;
    // Not one that is closed, nor one of which identity never heard.
    delete(&fixture, &fixture.token(demo::OPERATOR).await).await.ok();
    let nobody = Uuid::now_v7();
    house(&fixture, nobody).await;
    let replica = Box::pin(system_under(&fixture.database.url, policies())).await;
    let_tasks_look(&fixture).await;
    assert_eq!(facts().await, here);
    fixture.execute(gone, &[&demo::TENANT]).await;
    let of_booking = async || {
        let left = has_rows_in(&fixture, demo::TENANT).await;
        left.into_iter().filter(|table| table.starts_with("public.")).count()
    };
    until_so("booking has deleted it", async || of_booking().await == 0).await;
    assert!(has_rows_in(&fixture, nobody).await.contains(&"public.properties".to_owned()));
    fixture.execute("delete from properties where tenant_id = $1", &[&nobody]).await;
    assert_eq!(rows(&fixture, demo::TENANT, true).await, other);
    replica.stop().await.unwrap();
}
