//! `frontdesk doctor` against a running system.

use frontdesk::demo;
use serde_json::Value as Json;

use super::run::{against, text};
use crate::fixture::{Fixture, Layout, MASTER_KEY};

/// What breaks the database, what repairs it, and the check that names it with words
/// of what it finds and of its fix.
const BROKEN: [[&str; 5]; 6] = [
    [
        "alter table booking_requests drop column decline_reason cascade",
        "alter table booking_requests add column decline_reason text",
        "schema of booking",
        "column booking_requests.decline_reason",
        "doctor --repair",
    ],
    [
        "alter table identity.users rename column display_name to shown",
        "alter table identity.users rename column shown to display_name",
        "schema of identity",
        "column identity.users.display_name",
        "doctor --repair",
    ],
    [
        "drop trigger customer_keys on customers",
        "create trigger customer_keys before insert or update on customers for each row execute function frontdesk_customer_keys()",
        "schema of booking",
        "trigger customers.customer_keys",
        "doctor --repair",
    ],
    [
        "alter table customers disable trigger customer_keys",
        "alter table customers enable trigger customer_keys",
        "schema of booking",
        "trigger customers.customer_keys",
        "doctor --repair",
    ],
    [
        "delete from frontdesk_booking_migrations where version = 2",
        "insert into frontdesk_booking_migrations select 2, 'holds_settings_feed_idempotency', applied_on, checksum \
         from frontdesk_booking_migrations where version = 1",
        "migrations of booking",
        "V2__holds_settings_feed_idempotency",
        "migrate up",
    ],
    [
        "insert into booking_events (tenant_id, id, at, booking_request_id, action, tick) \
         select tenant_id, id, now(), id, 'created', 1e15 from booking_requests limit 1",
        "update booking_events set tick = 0 where tick = 1e15",
        "feed of events",
        "behind",
        "setval",
    ],
];

/// A check that failed, what it found and how that is mended.
struct Failed {
    check: String,
    found: String,
    fix: String,
}

/// The report of a doctor whose environment differs in this from a good one.
async fn doctor(fixture: &Fixture, changes: &[(&str, &str)]) -> Json {
    let mut env = vec![
        ("DATABASE_URL", fixture.database.url.clone()),
        ("FRONTDESK_MASTER_KEY", MASTER_KEY.repeat(32)),
        ("IDENTITY_ADDR", fixture.system.identity.to_string()),
        ("BOOKING_ADDR", fixture.system.booking.to_string()),
    ];
    env.extend(changes.iter().map(|(name, value)| (*name, (*value).to_owned())));
    let output = against(fixture, &["doctor", "--json"], &env).await;
    let report: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.success(), report["healthy"] == true, "{}", text(&output.stderr));
    report
}

fn failed(report: &Json) -> Vec<Failed> {
    let text = |one: &Json, field: &str| one[field].as_str().unwrap().to_owned();
    let checks = report["checks"].as_array().unwrap();
    assert!(checks.iter().all(|one| one["state"] != "FAILED" || one["fix"] != ""), "{report}");
    let bad = checks.iter().filter(|one| one["state"] == "FAILED");
    bad.map(|one| Failed { check: text(one, "check"), found: text(one, "found"), fix: text(one, "fix") })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_names_each_fault_of_the_database_and_its_fix() {
    let fixture = Fixture::start().await;
    let healthy = doctor(&fixture, &[]).await;
    assert!(failed(&healthy).is_empty(), "{healthy}");
    assert_eq!(healthy["checks"].as_array().unwrap().len(), 18, "{healthy}");
    assert!(healthy.to_string().contains("request_hold LITERAL: EXCLUDE USING gist"), "{healthy}");
    for [break_it, repair, check, found, fix] in BROKEN {
        fixture.sql.batch_execute(break_it).await.unwrap();
        let report = doctor(&fixture, &[]).await;
        let named = failed(&report)
            .iter()
            .any(|bad| bad.check == check && bad.found.contains(found) && bad.fix.contains(fix));
        assert!(named, "{check}: {report}");
        fixture.sql.batch_execute(repair).await.unwrap();
        let report = doctor(&fixture, &[]).await;
        assert!(failed(&report).iter().all(|bad| bad.check != check), "{check}: {report}");
    }
}

/// What is slow or old, and not wrong: it says so, and is healthy.
#[tokio::test(flavor = "multi_thread")]
async fn doctor_advises_the_owner_of_a_table_without_indexes_or_rules() {
    let found = |report: &Json, check: &str| {
        let checks = report["checks"].as_array().unwrap();
        checks.iter().find(|one| one["check"] == check).unwrap().clone()
    };
    let fixture = Fixture::start_in(Layout::ConfirmedOnly).await;
    let report = doctor(&fixture, &[]).await;
    assert_eq!(report["healthy"], true, "{report}");
    let advice = found(&report, "indexes of booking")["fix"].as_str().unwrap().to_owned();
    let (_, creates) = advice.split_once(": ").unwrap();
    for create in creates.split("; ") {
        fixture.sql.batch_execute(create).await.unwrap_or_else(|error| panic!("{create}: {error:?}"));
    }
    assert_eq!(found(&doctor(&fixture, &[]).await, "indexes of booking")["fix"], "");

    let fixture = Fixture::start().await;
    assert_eq!(found(&doctor(&fixture, &[]).await, "indexes of booking")["fix"], "");
    let unfinished =
        "update pg_index set indisvalid = false where indexrelid = 'bookings_arrival_idx'::regclass";
    fixture.sql.batch_execute(unfinished).await.unwrap();
    let report = doctor(&fixture, &[]).await;
    assert_eq!(report["healthy"], true, "{report}");
    let advice = found(&report, "indexes of booking")["fix"].as_str().unwrap().to_owned();
    let (_, rebuild) = advice.rsplit_once("owner: ").unwrap();
    fixture.sql.batch_execute(rebuild).await.unwrap_or_else(|error| panic!("{rebuild}: {error:?}"));
    assert_eq!(found(&doctor(&fixture, &[]).await, "indexes of booking")["fix"], "");

    assert_eq!(found(&doctor(&fixture, &[]).await, "length of stays")["fix"], "");
    fixture.sql.batch_execute("alter table bookings drop constraint bookings_nights_check").await.unwrap();
    let report = doctor(&fixture, &[]).await;
    assert_eq!(report["healthy"], true, "{report}");
    let advice = found(&report, "length of stays")["fix"].as_str().unwrap().to_owned();
    let (_, rule) = advice.rsplit_once("owner: ").unwrap();
    fixture.sql.batch_execute(rule).await.unwrap_or_else(|error| panic!("{rule}: {error:?}"));
    assert_eq!(found(&doctor(&fixture, &[]).await, "length of stays")["fix"], "");

    for (lose, named) in [
        (
            "alter table bookings disable trigger note_inconsistency_suspect",
            "firing of trigger bookings.note_inconsistency_suspect is missing",
        ),
        ("drop index bookings_arrival_idx", "index bookings_arrival_idx of table bookings is missing"),
    ] {
        fixture.sql.batch_execute(lose).await.unwrap();
        let report = doctor(&fixture, &[]).await;
        assert_eq!(report["healthy"], true, "{report}");
        let checks = report["checks"].as_array().unwrap();
        let told = checks.iter().find(|one| one["found"] == named).unwrap_or_else(|| panic!("{report}"));
        assert_eq!((&told["state"], &told["check"]), (&"warning".into(), &"definitions of booking".into()));
        let fix = told["fix"].as_str().unwrap();
        assert!(fix.contains("doctor --repair --apply` makes it so"), "{fix}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_names_each_fault_of_its_settings() {
    let fixture = Fixture::start().await;
    let healthy = doctor(&fixture, &[]).await;
    assert!(failed(&healthy).is_empty(), "{healthy}");
    let elsewhere = r#"[{"issuer":"other","audience":"us","jwks_url":"http://127.0.0.1:1/keys"}]"#;
    for (name, value, check) in [
        ("FRONTDESK_MASTER_KEY", &*("Y".repeat(43) + "="), "signing key"),
        ("FRONTDESK_MASTER_KEY", "short", "signing key"),
        ("TRUSTED_ISSUERS", elsewhere, "trusted issuers"),
        ("IDENTITY_ADDR", "127.0.0.1:1", "identity"),
        ("API_BASE_URL", "http://127.0.0.1:1", "gateway"),
        ("DATABASE_URL", "postgresql://nobody:secret-word@127.0.0.1:1/x", "database"),
    ] {
        let report = doctor(&fixture, &[(name, value)]).await;
        assert!(failed(&report).iter().any(|bad| bad.check == check), "{name}: {report}");
        assert!(!report.to_string().contains("secret-word"), "{report}");
    }
}

/// Row-level security is forced for whoever serves: what a superuser sees at once, it has
/// to look for.
#[tokio::test(flavor = "multi_thread")]
async fn doctor_sees_ticks_that_are_behind_as_the_role_that_serves() {
    let fixture = Fixture::start().await;
    let role = format!("serves_{}", std::process::id());
    let login = format!(
        "create role {role} login; grant frontdesk_booking, frontdesk_identity to {role}; \
         insert into booking_events (tenant_id, id, at, action, tick) \
         values ('{}', gen_random_uuid(), now(), 'settings_updated', 1e15)",
        demo::TENANT
    );
    // The server moves the sequence and numbers events by itself; it waits for these.
    let held = format!(
        "begin; select pg_advisory_xact_lock(hashtextextended('booking_event_ticks', 0)); \
         insert into feed_heads (tenant_id, head) values ('{0}', 0) on conflict do nothing; \
         update feed_heads set head = head where tenant_id = '{0}'",
        demo::TENANT
    );
    let holder = pg::connect(&fixture.database.url).await.unwrap();
    holder.batch_execute(&held).await.unwrap();
    fixture.sql.batch_execute(&login).await.unwrap();
    let url = fixture.database.url.replace("user=frontdesk", &format!("user={role}"));
    let report = doctor(&fixture, &[("DATABASE_URL", &url)]).await;
    fixture.sql.batch_execute("update booking_events set tick = 0 where tick = 1e15").await.unwrap();
    let healthy = doctor(&fixture, &[("DATABASE_URL", &url)]).await;
    fixture.sql.batch_execute(&format!("drop role {role}")).await.unwrap();
    let check = |report: &Json| {
        let checks = report["checks"].as_array().unwrap();
        checks.iter().find(|one| one["check"] == "feed of events").unwrap().clone()
    };
    assert_eq!(check(&report)["state"], "FAILED", "{report}");
    assert!(check(&report)["found"].as_str().unwrap().contains("behind"), "{report}");
    assert_ne!(check(&healthy)["state"], "FAILED", "{healthy}");
    assert!(check(&healthy)["found"].as_str().unwrap().contains("is ahead"), "{healthy}");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_makes_every_check_for_a_role_without_privileges() {
    let fixture = Fixture::start().await;
    let role = format!("bare_{}", std::process::id());
    fixture.sql.batch_execute(&format!("create role {role} login")).await.unwrap();
    let url = fixture.database.url.replace("user=frontdesk", &format!("user={role}"));
    assert_ne!(url, fixture.database.url);
    let env = [("DATABASE_URL", url), ("FRONTDESK_MASTER_KEY", MASTER_KEY.repeat(32))];
    let output = against(&fixture, &["doctor", "--json"], &env).await;
    fixture.sql.batch_execute(&format!("drop role {role}")).await.unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let report: Json = serde_json::from_slice(&output.stdout).unwrap();
    let checks = report["checks"].as_array().unwrap();
    assert_eq!(checks.len(), 18, "{report}");
    let found = |name: &str| checks.iter().find(|one| one["check"] == name).unwrap();
    assert_ne!(found("database")["state"], "FAILED", "{report}");
    assert!(!report.to_string().contains("Other: "), "{report}");
    for name in ["migrations of identity", "migrations of booking"] {
        assert_eq!(found(name)["state"], "FAILED", "{report}");
        assert!(
            found(name)["fix"].as_str().unwrap().contains("grant select on public.frontdesk_"),
            "{report}"
        );
    }
    assert!(found("roles")["found"].as_str().unwrap().contains("is not a member of"), "{report}");
}
