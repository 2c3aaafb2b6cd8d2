//! `frontdesk doctor --repair` and what is there besides what the migrations made.

use super::repair::{differences, frontdesk};
use super::roles::while_there;
use super::run::{assert_one_sentence, quoted, text};
use crate::alterations::alter;
use crate::fixture::Fixture;

/// Policies let in whom any of them does, and each grant adds to the others.
#[tokio::test(flavor = "multi_thread")]
async fn what_opens_tenants_or_services_to_each_other_is_told() {
    let fixture = Fixture::start().await;
    let open = "create policy everything on bookings using (true); \
        create policy repair_sees_rows on customers to current_user using (true); \
        grant select, delete on identity.users to frontdesk_booking";
    alter(&fixture, open).await;
    let applied = frontdesk(&fixture, &["doctor", "--repair", "--apply"]).await;
    assert_eq!(applied.status.code(), Some(1), "{}", text(&applied.stderr));
    let status = frontdesk(&fixture, &["migrate", "status"]).await;
    assert_one_sentence(&status, 3, &["policy bookings.everything opens rows for all to public"]);
    let told = text(&applied.stdout);
    let by_hand: Vec<String> =
        told.lines().filter(|line| line.starts_with("NOT DONE ")).flat_map(quoted).collect();
    assert_eq!(
        by_hand,
        [
            "revoke delete, select on identity.users from frontdesk_booking",
            "drop policy everything on public.bookings",
        ],
        "{told}"
    );
    for cure in by_hand {
        fixture.sql.batch_execute(&cure).await.unwrap_or_else(|error| panic!("{cure}: {error:?}"));
    }
    assert_eq!(differences(&fixture).await, Vec::<String>::new());
}

/// Whatever the owner of a table is called: its rights are its own.
#[tokio::test(flavor = "multi_thread")]
async fn an_owner_is_not_told_of_its_own_rights() {
    let fixture = Fixture::start().await;
    let owner = format!("frontdesk_owner_{}", std::process::id());
    let give = format!(
        "create role {owner}; alter table properties owner to {owner}; \
         grant select, update (notes) on customers to {owner}; alter table customers owner to {owner}"
    );
    alter(&fixture, &give).await;
    let goes_by = format!("reassign owned by {owner} to frontdesk; drop owned by {owner}; drop role {owner}");
    while_there(&fixture, &goes_by, async || {
        assert_eq!(differences(&fixture).await, Vec::<String>::new());
    })
    .await;
}
