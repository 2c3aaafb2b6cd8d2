//! `frontdesk doctor --repair`: what it prints runs in psql, and what it applies mends
//! the database, whatever was lost. `frontdesk migrate` says what was.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use pg::schema::{self, Drift};
use serde_json::{Value as Json, json};

use super::run::{against, assert_one_sentence, quoted, text};
use crate::alterations::alter;
use crate::fixture::{Fixture, Layout, case, path_of};
use crate::whole::schema_drift::readiness;

/// What of it is missed by no call.
const SERVES: [&str; 6] = [
    "index bookings_arrival_idx of table bookings",
    "function note_inconsistency_suspect()",
    "constraint bookings.bookings_status_check",
    "constraint properties.properties_stay_rules_check",
    "not null of column properties.name",
    "n_distinct of column bookings.tenant_id",
];

/// What is lost, and how it is named.
const LOST: [(&str, &str); 27] = [
    (
        "update booking_requests set status = 'expired' where status = 'declined'; \
            alter table booking_requests drop column decline_reason cascade",
        "column booking_requests.decline_reason",
    ),
    ("alter table booking_requests drop column message cascade", "column booking_requests.message"),
    ("alter table bookings drop constraint no_double_bookings", "constraint bookings.no_double_bookings"),
    (
        "alter table bookings drop constraint bookings_status_check",
        "constraint bookings.bookings_status_check",
    ),
    (
        "alter table properties drop constraint properties_pkey cascade",
        "constraint properties.properties_pkey",
    ),
    // Whose condition is shown in fewer groups once it was read again.
    (
        "alter table properties drop constraint properties_stay_rules_check",
        "constraint properties.properties_stay_rules_check",
    ),
    ("drop index bookings_arrival_idx", "index bookings_arrival_idx of table bookings"),
    ("drop index properties_shown_name_key", "index properties_shown_name_key of table properties"),
    (
        "revoke select on booking_requests from frontdesk_booking",
        "grant to frontdesk_booking: select on booking_requests",
    ),
    (
        "revoke update (number) on booking_events from frontdesk_booking",
        "grant to frontdesk_booking: update (number) on booking_events",
    ),
    (
        "revoke usage on sequence booking_event_ticks from frontdesk_booking",
        "grant to frontdesk_booking: usage on booking_event_ticks",
    ),
    ("drop policy tenant_only on bookings", "policy bookings.tenant_only"),
    ("alter table customers no force row level security", "forced row security of table customers"),
    ("alter table properties disable row level security", "row security of table properties"),
    ("drop trigger properties_key_name on properties", "trigger properties.properties_key_name"),
    ("alter table customers disable trigger customer_keys", "firing of trigger customers.customer_keys"),
    ("drop function note_inconsistency_suspect() cascade", "function note_inconsistency_suspect()"),
    (
        "grant execute on function note_inconsistency_suspect() to public",
        "function note_inconsistency_suspect(), as one that not everybody may run,",
    ),
    ("drop sequence booking_event_ticks cascade", "sequence booking_event_ticks"),
    ("alter table properties alter column name drop not null", "not null of column properties.name"),
    ("alter table bookings alter column row_version drop default", "default of column bookings.row_version"),
    (
        "alter table bookings alter column tenant_id reset (n_distinct)",
        "n_distinct of column bookings.tenant_id",
    ),
    ("drop table inconsistencies cascade", "table inconsistencies"),
    ("alter table identity.users drop column disabled_at", "column identity.users.disabled_at"),
    (
        "alter table identity.memberships drop column custom_role cascade",
        "column identity.memberships.custom_role",
    ),
    ("drop table identity.known_pairs", "table identity.known_pairs"),
    (
        "revoke all on schema identity from frontdesk_identity",
        "grant to frontdesk_identity: usage on identity",
    ),
];

pub async fn frontdesk(fixture: &Fixture, args: &[&str]) -> Output {
    against(fixture, args, &[("DATABASE_URL", fixture.database.url.clone())]).await
}

/// What differs, by its label.
pub async fn differences(fixture: &Fixture) -> Vec<String> {
    let mut found = Vec::new();
    for service in [&identity::SCHEMA, &booking::SCHEMA] {
        // A session of its own: looking sets its search path.
        let client = pg::connect(&fixture.database.url).await.unwrap();
        let Drift::Current { differences, .. } = schema::drift(&client, service).await.unwrap() else {
            panic!("{} is not current", service.set.name)
        };
        found.extend(differences.into_iter().map(|one| one.found));
    }
    found
}

pub async fn psql(fixture: &Fixture, script: Vec<u8>) {
    let url = fixture.database.url.clone();
    let ran = tokio::task::spawn_blocking(move || {
        let mut psql = Command::new("psql")
            .args([url.as_str(), "-v", "ON_ERROR_STOP=1", "-qXf", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        psql.stdin.take().unwrap().write_all(&script).unwrap();
        psql.wait_with_output().unwrap()
    });
    let output = ran.await.unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_printed_makes_again_what_was_lost() {
    let fixture = Fixture::start().await;
    assert_eq!(differences(&fixture).await, Vec::<String>::new());
    for (lose, named) in LOST {
        alter(&fixture, lose).await;
        let status = frontdesk(&fixture, &["migrate", "status"]).await;
        if SERVES.contains(&named) {
            assert!(status.status.success(), "{named}: {}", text(&status.stderr));
        } else {
            let words = ["every migration is applied", "frontdesk doctor --repair --apply"];
            assert_one_sentence(&status, 3, &words);
            assert!(
                text(&status.stdout).contains(&format!("{named} is missing")),
                "{}",
                text(&status.stdout)
            );
        }
        let script = frontdesk(&fixture, &["doctor", "--repair"]).await;
        assert!(script.status.success(), "{}", text(&script.stderr));
        psql(&fixture, script.stdout).await;
        assert_eq!(differences(&fixture).await, Vec::<String>::new(), "{lose}");
    }
    let up = frontdesk(&fixture, &["migrate", "up"]).await;
    assert!(up.status.success(), "{}", text(&up.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_at_once_is_applied_and_calls_go_on() {
    let fixture = Fixture::start().await;
    for (lose, _) in LOST {
        // Some of it goes with what went before.
        _ = fixture.sql.batch_execute(lose).await;
    }
    let up = frontdesk(&fixture, &["migrate", "up", "--json"]).await;
    assert_one_sentence(&up, 3, &["every migration is applied (0 now)", "frontdesk doctor --repair"]);
    let told: Json = serde_json::from_slice(&up.stdout).unwrap();
    assert_eq!(told["applied"], json!([]));
    assert!(told["drifted"].as_array().unwrap().len() > LOST.len(), "{told}");

    let applied = frontdesk(&fixture, &["doctor", "--repair", "--apply"]).await;
    assert!(applied.status.success(), "{}{}", text(&applied.stdout), text(&applied.stderr));
    assert!(text(&applied.stdout).contains("done     booking: table inconsistencies is missing"));
    assert_eq!(differences(&fixture).await, Vec::<String>::new());
    readiness(&fixture, true).await;
    let token = fixture.manager().await;
    fixture.post(&path_of(case("REQUESTED"), "/approve"), &token, &json!({})).await.ok();
    let again = frontdesk(&fixture, &["doctor", "--repair", "--apply"]).await;
    assert!(again.status.success() && again.stdout.is_empty(), "{}", text(&again.stdout));
}

/// What was stored without a trigger is found again.
#[tokio::test(flavor = "multi_thread")]
async fn rows_get_what_they_lack() {
    let fixture = Fixture::start().await;
    let lose = "drop trigger customer_keys on customers; update customers set name = 'Zoe Zwart', name_key = null \
        where id = (select id from customers order by id limit 1)";
    alter(&fixture, lose).await;
    let applied = frontdesk(&fixture, &["doctor", "--repair", "--apply"]).await;
    assert!(applied.status.success(), "{}", text(&applied.stderr));
    let keys = "select count(*) from customers where name_key = frontdesk_text_key('Zoe Zwart')";
    assert_eq!(fixture.count(keys, &[]).await, 1);
    let policies = "select count(*) from pg_policies where policyname like 'repair%'";
    assert_eq!(fixture.count(policies, &[]).await, 0);
}

/// What another program writes while nobody notes it is judged afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_noted_is_looked_at_again() {
    let fixture = Fixture::start().await;
    let suspects = "select count(*) from inconsistency_suspects where written_row is null";
    let tenants = fixture.count("select count(distinct tenant_id) from properties", &[]).await;
    // So that the background does not take them before they are counted.
    let lose = "alter table bookings disable trigger note_inconsistency_suspect; \
        revoke delete on inconsistency_suspects from frontdesk_booking";
    alter(&fixture, lose).await;
    let script = frontdesk(&fixture, &["doctor", "--repair"]).await;
    assert!(script.status.success(), "{}", text(&script.stderr));
    let without_grant = text(&script.stdout).replace("grant delete on public.inconsistency_suspects", "-- ");
    psql(&fixture, without_grant.into_bytes()).await;
    assert_eq!(fixture.count(suspects, &[]).await, tenants);
}

/// A rule holds for what is written from now on, whatever rows were lost what it asks for.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_break_a_rule_keep_nobody_from_having_it() {
    let fixture = Fixture::start().await;
    let lose = "alter table booking_requests drop column decline_reason cascade";
    alter(&fixture, lose).await;
    let applied = frontdesk(&fixture, &["doctor", "--repair", "--apply"]).await;
    assert!(applied.status.success(), "{}", text(&applied.stderr));
    let told = text(&applied.stdout);
    let left = told.lines().find(|line| line.starts_with("NOT DONE")).unwrap_or_default();
    let (_, query) = left.split_once("found by: ").unwrap_or_else(|| panic!("{told}"));
    let broken = fixture.count(&format!("select count(*) from ({query}) as broken"), &[]).await;
    assert!(broken > 0, "{told}");
    let status = frontdesk(&fixture, &["migrate", "status"]).await;
    assert!(status.status.success(), "{}{}", text(&status.stdout), text(&status.stderr));
    let another = "update booking_requests set status = 'declined' where status = 'requested'";
    fixture.sql.batch_execute(another).await.unwrap_err();

    let mend = "update booking_requests set decline_reason = 'lost' where status = 'declined'";
    fixture.sql.batch_execute(mend).await.unwrap();
    let applied = frontdesk(&fixture, &["doctor", "--repair", "--apply"]).await;
    assert!(applied.status.success(), "{}", text(&applied.stderr));
    assert_eq!(differences(&fixture).await, Vec::<String>::new());
}

/// What rows break or somebody altered stays as it is and is named; the rest is done.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_way_is_named_and_nothing_is_lost() {
    let fixture = Fixture::start().await;
    let altered = "alter table bookings drop constraint no_double_bookings; \
        insert into bookings (tenant_id, id, property_id, guest_id, check_in, check_out, status, created_at, updated_at) \
        select tenant_id, gen_random_uuid(), property_id, guest_id, check_in, check_out, status, created_at, updated_at \
        from bookings where status = 'confirmed' limit 1; \
        alter table booking_requests alter column message drop default; \
        alter table booking_requests alter column message type jsonb using to_jsonb(message); \
        drop policy tenant_only on customers; \
        create policy tenant_only on customers using (true); \
        alter table booking_requests drop column guest_count; \
        drop index bookings_arrival_idx";
    alter(&fixture, altered).await;
    let rows = "select count(*) from bookings";
    let before = fixture.count(rows, &[]).await;
    let applied = frontdesk(&fixture, &["doctor", "--repair", "--apply"]).await;
    assert_eq!(applied.status.code(), Some(1), "{}", text(&applied.stderr));
    let told = text(&applied.stdout);
    for (found, why) in [
        (
            "NOT DONE booking: constraint bookings.no_double_bookings is missing",
            "mend the rows that break it",
        ),
        ("NOT DONE booking: column booking_requests.message is jsonb", "the migrations made it: text"),
        ("done     booking: policy customers.tenant_only is", "using (true)"),
        ("done     booking: column booking_requests.guest_count", "is missing"),
        (
            "NOT DONE booking: not null of column booking_requests.guest_count is missing",
            "select * from public.booking_requests where guest_count is null",
        ),
        ("done     booking: index bookings_arrival_idx", "is missing"),
    ] {
        let line = told.lines().find(|line| line.starts_with(found));
        assert!(line.is_some_and(|line| line.contains(why)), "{found}: {told}");
    }
    assert_eq!(fixture.count(rows, &[]).await, before);
    let script = frontdesk(&fixture, &["doctor", "--repair"]).await;
    assert_eq!(script.status.code(), Some(1));
    assert!(
        text(&script.stdout).contains("-- booking: column booking_requests.message"),
        "{}",
        text(&script.stdout)
    );
}

/// A table of another program gets what this one adds to it.
#[tokio::test(flavor = "multi_thread")]
async fn a_single_table_gets_what_this_program_adds() {
    let fixture = Fixture::start_in(Layout::ConfirmedOnly).await;
    let lose = "alter table bookings drop column approved_booking_id, drop column internal_notes, \
        drop column booked_check_out; revoke update on bookings from frontdesk_booking; \
        drop policy tenant_only on bookings; drop table idempotency_keys";
    alter(&fixture, lose).await;
    let script = frontdesk(&fixture, &["doctor", "--repair"]).await;
    assert!(!text(&script.stdout).contains("booking_requests"), "{}", text(&script.stdout));
    psql(&fixture, script.stdout).await;
    assert_eq!(differences(&fixture).await, Vec::<String>::new());
    readiness(&fixture, true).await;
    let token = fixture.manager().await;
    fixture.post(&path_of(case("REQUESTED"), "/approve"), &token, &json!({})).await.ok();
}

/// Whether open requests hold their nights is for whoever owns the table to say.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_single_table_forbids_is_for_its_owner_to_choose() {
    let fixture = Fixture::start_in(Layout::ConfirmedOnly).await;
    fixture.sql.batch_execute("alter table bookings drop constraint no_double_bookings").await.unwrap();
    let applied = frontdesk(&fixture, &["doctor", "--repair", "--apply"]).await;
    assert!(applied.status.success(), "{}", text(&applied.stderr));
    let told = text(&applied.stdout);
    let named = "NOT DONE booking: constraint bookings.no_double_bookings is missing: ";
    let why = told.lines().find_map(|line| line.strip_prefix(named)).unwrap_or_else(|| panic!("{told}"));
    let statements = quoted(why);
    let [_, sold] = &statements[..] else { panic!("{why}") };
    fixture.sql.batch_execute(sold).await.unwrap_or_else(|error| panic!("{sold}: {error:?}"));
    let left = differences(&fixture).await;
    assert!(!left.iter().any(|found| found.contains("no_double_bookings")), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_come_before_repairs() {
    let fixture = Fixture::start().await;
    let lose = "delete from frontdesk_booking_migrations where version = 2";
    alter(&fixture, lose).await;
    let output = frontdesk(&fixture, &["doctor", "--repair", "--apply"]).await;
    assert_one_sentence(&output, 1, &["migrations of booking are missing", "frontdesk migrate up"]);
}
