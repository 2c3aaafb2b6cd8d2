//! `frontdesk doctor --repair` and what is another than it was made, or is so on purpose.

use super::repair::{differences, frontdesk, psql};
use super::run::{assert_one_sentence, text};
use crate::alterations::alter;
use crate::fixture::Fixture;

/// Of what is another than it was made, what holds nothing is made again: printed, and
/// applied. A rule holds from then on, whatever is stored.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_another_is_made_again() {
    let fixture = Fixture::start().await;
    let altered = "alter table booking_requests drop constraint booking_requests_guest_count_check; \
        alter table booking_requests add constraint booking_requests_guest_count_check check (guest_count > -9); \
        alter table booking_requests drop constraint booking_requests_guest_fkey; \
        alter table booking_requests add constraint booking_requests_guest_fkey foreign key (tenant_id, guest_id) \
            references customers (tenant_id, id) on delete cascade; \
        alter table bookings alter column row_version set default 7; \
        drop index bookings_arrival_idx; create index bookings_arrival_idx on bookings (id); \
        drop index bookings_standing_external_id_key; \
        create unique index bookings_standing_external_id_key on bookings (tenant_id, id); \
        drop policy tenant_only on customers; create policy tenant_only on customers using (true); \
        drop trigger customer_keys on customers; create trigger customer_keys before insert on customers \
            for each row execute function frontdesk_customer_keys(); \
        alter table idempotency_keys drop constraint idempotency_keys_pkey; \
        alter table idempotency_keys add constraint idempotency_keys_pkey primary key (key, tenant_id); \
        alter table bookings alter column tenant_id set (n_distinct = 3)";
    alter(&fixture, altered).await;
    // Rows that a trigger did not fill are told, too.
    assert_eq!(differences(&fixture).await.len(), 10);
    let script = frontdesk(&fixture, &["doctor", "--repair"]).await;
    assert!(script.status.success(), "{}", text(&script.stderr));
    psql(&fixture, script.stdout).await;
    assert_eq!(differences(&fixture).await, Vec::<String>::new());

    alter(
        &fixture,
        &format!("{altered}; update booking_requests set guest_count = -1 where status = 'declined'"),
    )
    .await;
    let applied = frontdesk(&fixture, &["doctor", "--repair", "--apply"]).await;
    assert!(applied.status.success(), "{}", text(&applied.stderr));
    let told = text(&applied.stdout);
    let left = told.lines().filter(|line| line.starts_with("NOT DONE")).collect::<Vec<_>>();
    assert!(
        matches!(&left[..], [one] if one.contains("booking_requests_guest_count_check") && one.contains("mend the rows")),
        "{told}"
    );
    let broken = fixture.sql.execute("update booking_requests set guest_count = -2", &[]).await.unwrap_err();
    assert_eq!(broken.as_db_error().unwrap().constraint(), Some("booking_requests_guest_count_check"));
    fixture.execute("update booking_requests set guest_count = 1 where guest_count = -1", &[]).await;
    frontdesk(&fixture, &["doctor", "--repair", "--apply"]).await;
    assert_eq!(differences(&fixture).await, Vec::<String>::new());
}

/// A rule may have been dropped so that another program can write: a deployment goes on, and
/// a repair leaves what it is told to.
#[tokio::test(flavor = "multi_thread")]
async fn what_another_program_was_freed_of_is_left_by_who_says_so() {
    let fixture = Fixture::start().await;
    let freed = "alter table booking_requests drop constraint booking_requests_guest_count_check; \
        alter table properties alter column name drop not null; drop index properties_shown_name_key";
    alter(&fixture, freed).await;
    let leaving = ["booking_requests.booking_requests_guest_count_check", "properties.name"];
    let mut words = vec!["doctor", "--repair", "--apply"];
    words.extend(leaving.iter().flat_map(|rule| ["--except", rule]));
    let applied = frontdesk(&fixture, &words).await;
    assert!(applied.status.success(), "{}", text(&applied.stderr));
    let left = differences(&fixture).await;
    assert_eq!(left.len(), 3, "the check, what may break it, and the not null: {left:?}");
    assert!(left.iter().all(|found| leaving.iter().any(|rule| found.contains(rule))), "{left:?}");
    for command in [["migrate", "status"], ["migrate", "up"]] {
        let told = frontdesk(&fixture, &command).await;
        assert!(told.status.success(), "{command:?}: {}", text(&told.stderr));
    }
    let unknown = frontdesk(&fixture, &["doctor", "--repair", "--except", "properties.nam"]).await;
    assert_one_sentence(&unknown, 1, &["--except properties.nam", "called so"]);
}

/// Where everything is by hand, no command is named that does nothing.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_by_hand_is_not_applied() {
    let fixture = Fixture::start().await;
    alter(&fixture, "create policy everything on bookings using (true)").await;
    let script = frontdesk(&fixture, &["doctor", "--repair"]).await;
    assert_eq!(script.status.code(), Some(1));
    let told = text(&script.stderr);
    assert!(told.contains("by hand") && !told.contains("runs it"), "{told}");
    assert!(text(&script.stdout).lines().all(|line| line.is_empty() || line.starts_with("-- ")));
}
