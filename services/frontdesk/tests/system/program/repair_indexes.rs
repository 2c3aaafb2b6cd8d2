//! `frontdesk doctor --repair --apply` and indexes: those of others stay, whatever their
//! names are, and so does what another run has made.

use super::repair::{differences, frontdesk};
use super::run::text;
use crate::alterations::alter;
use crate::fixture::Fixture;

/// What keeps migrations and repairs apart.
const MIGRATIONS_LOCK: i64 = 0x6672_6f6e_7464_6573;

/// A count of the indexes of a name on a table.
fn has_index(name: &str, table: &str) -> String {
    format!("select count(*) from pg_indexes where indexname = '{name}' and tablename = '{table}'")
}

/// Two replicas that begin together: what one has made meanwhile, the other leaves alone.
#[tokio::test(flavor = "multi_thread")]
async fn what_another_repair_has_just_made_stays() {
    let fixture = Fixture::start().await;
    alter(&fixture, "drop index properties_shown_name_key").await;
    fixture.sql.batch_execute(&format!("select pg_advisory_lock({MIGRATIONS_LOCK})")).await.unwrap();
    let second = async {
        let waits = "select count(*) from pg_stat_activity where datname = current_database() \
            and query like '%pg_try_advisory_lock%' and pid <> pg_backend_pid()";
        fixture.until(waits, &[], 1).await;
        let first = "create unique index properties_shown_name_key on properties (tenant_id, name_key)";
        fixture.sql.batch_execute(first).await.unwrap();
        fixture.sql.batch_execute("select pg_advisory_unlock_all()").await.unwrap();
    };
    let (applied, ()) = tokio::join!(frontdesk(&fixture, &["doctor", "--repair", "--apply"]), second);
    assert!(applied.status.success(), "{}{}", text(&applied.stdout), text(&applied.stderr));
    assert!(!text(&applied.stdout).contains("NOT DONE"), "{}", text(&applied.stdout));
    assert_eq!(fixture.count(&has_index("properties_shown_name_key", "properties"), &[]).await, 1);
}

/// What has an index's name is dropped only if it is what an own build has left behind.
#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_it_did_not_make_stays() {
    let fixture = Fixture::start().await;
    alter(
        &fixture,
        "drop index bookings_arrival_idx; create table bookings_2025 (id uuid); \
            create index bookings_arrival_idx on bookings_2025 (id); \
            drop index bookings_standing_external_id_key; \
            create unique index bookings_standing_external_id_key on bookings (tenant_id, id); \
            create index bookings_standing_external_id_key_anew on bookings (id); \
            drop index properties_shown_name_key; \
            alter table properties disable trigger properties_key_name; \
            update properties set name_key = 'the same'; \
            alter table properties enable trigger properties_key_name",
    )
    .await;
    let applied = frontdesk(&fixture, &["doctor", "--repair", "--apply"]).await;
    assert_eq!(applied.status.code(), Some(1), "{}", text(&applied.stdout));
    let told = text(&applied.stdout);
    for (found, why) in [
        (
            "NOT DONE booking: index bookings_arrival_idx of table bookings is missing",
            "rename it, or drop it",
        ),
        ("NOT DONE booking: index bookings_standing_external_id_key of table", "rename it, or drop it"),
        ("NOT DONE booking: index properties_shown_name_key of table", "mend the rows that break it"),
    ] {
        let line = told.lines().find(|line| line.starts_with(found));
        assert!(line.is_some_and(|line| line.contains(why)), "{found}: {told}");
    }
    for (name, table, left) in [
        ("bookings_arrival_idx", "bookings_2025", 1),
        ("bookings_standing_external_id_key", "bookings", 1),
        ("bookings_standing_external_id_key_anew", "bookings", 1),
        ("properties_shown_name_key", "properties", 0),
    ] {
        assert_eq!(fixture.count(&has_index(name, table), &[]).await, left, "{name}: {told}");
    }
    alter(
        &fixture,
        "drop index bookings_arrival_idx; drop index bookings_standing_external_id_key_anew; \
            alter table properties disable trigger properties_key_name; \
            update properties set name_key = id::text; \
            alter table properties enable trigger properties_key_name",
    )
    .await;
    let applied = frontdesk(&fixture, &["doctor", "--repair", "--apply"]).await;
    assert!(applied.status.success(), "{}", text(&applied.stdout));
    assert_eq!(differences(&fixture).await, Vec::<String>::new());
}
