//! `frontdesk doctor` against a running system: what it checks, what it finds in its
//! settings, and as whom it looks. What is broken in the database, and its cures, are in
//! `cures.rs`.

use std::time::{Duration, Instant};

use frontdesk::demo;
use serde::Deserialize;
use serde_json::Value as Json;
use tokio::net::TcpListener;

use super::roles::while_there;
use super::run::{against, quoted, text};
use crate::fixture::{Fixture, Layout, MASTER_KEY};

/// How many checks there are; each has a finding at least.
const CHECKS: usize = 19;

/// What a doctor says of one thing.
#[derive(Debug, Deserialize)]
pub struct Finding {
    pub check: String,
    pub state: String,
    pub found: String,
    pub fix: String,
}

impl Finding {
    pub fn is_good(&self) -> bool {
        matches!(&*self.state, "ok" | "left out")
    }
}

/// The settings with which a doctor finds all well.
pub fn settings(fixture: &Fixture) -> Vec<(&'static str, String)> {
    vec![
        ("DATABASE_URL", fixture.database.url.clone()),
        ("FRONTDESK_MASTER_KEY", MASTER_KEY.repeat(32)),
        ("IDENTITY_ADDR", fixture.system.identity.to_string()),
        ("BOOKING_ADDR", fixture.system.booking.to_string()),
    ]
}

/// The report of a doctor whose environment differs in this from a good one.
pub async fn doctor(fixture: &Fixture, changes: &[(&'static str, &str)]) -> Vec<Finding> {
    let mut env = settings(fixture);
    env.extend(changes.iter().map(|(name, value)| (*name, (*value).to_owned())));
    let output = against(fixture, &["doctor", "--json"], &env).await;
    let report: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.success(), report["healthy"] == true, "{}", text(&output.stderr));
    let findings: Vec<Finding> = serde_json::from_value(report["checks"].clone()).unwrap();
    assert!(findings.iter().all(|one| one.is_good() || !one.fix.is_empty()), "{report}");
    let is_failed = findings.iter().any(|one| one.state == "FAILED");
    assert_eq!(report["healthy"], !is_failed, "{report}");
    findings
}

/// The finding of a check that says this.
pub fn named<'a>(findings: &'a [Finding], check: &str, found: &str) -> &'a Finding {
    let is_it = |one: &&Finding| one.check == check && one.found.contains(found);
    findings.iter().find(is_it).unwrap_or_else(|| panic!("{check}: {found}: {findings:#?}"))
}

/// Nothing to do, but for the test server, which forgets what it acknowledges.
pub fn assert_well(findings: &[Finding]) {
    let is_well =
        |one: &Finding| one.is_good() || one.found.contains("synchronous_commit is off (command line)");
    let wrong: Vec<&Finding> = findings.iter().filter(|one| !is_well(one)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_check_of_a_good_system_is_made_and_finds_it_well() {
    let fixture = Fixture::start().await;
    let findings = doctor(&fixture, &[]).await;
    assert_well(&findings);
    assert_eq!(findings.len(), CHECKS, "{findings:#?}");
    named(&findings, "double bookings", "request_hold LITERAL: EXCLUDE USING gist");
    named(&findings, "processes", "ADMIN_ADDR is not set");
    named(&findings, "origins", "refuses pages of unknown origins");
    named(&findings, "backup", "whole ones are made as a superuser only: frontdesk");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_of_its_settings_is_named_with_the_setting() {
    let fixture = Fixture::start().await;
    let elsewhere = r#"[{"issuer":"other","audience":"us","jwks_url":"http://127.0.0.1:1/keys"}]"#;
    let (identity, gateway) = (fixture.system.identity.to_string(), fixture.system.gateway.to_string());
    for (name, value, check, found) in [
        ("FRONTDESK_MASTER_KEY", &*("Y".repeat(43) + "="), "signing key", "does not open"),
        ("FRONTDESK_MASTER_KEY", &*("Y".repeat(43) + "="), "master key", "does not fit this database"),
        ("FRONTDESK_MASTER_KEY", "short", "signing key", "FRONTDESK_MASTER_KEY"),
        ("TRUSTED_ISSUERS", elsewhere, "trusted issuers", "cannot be fetched"),
        ("IDENTITY_ADDR", "127.0.0.1:1", "identity", "does not answer"),
        ("BOOKING_ADDR", &identity, "booking", "serves something else than booking"),
        ("API_BASE_URL", "http://127.0.0.1:1", "gateway", "does not answer"),
        ("API_BASE_URL", "nowhere", "gateway", "http"),
        ("ADMIN_ADDR", "127.0.0.1:1", "processes", "does not answer"),
        ("ADMIN_ADDR", &gateway, "processes", "it is not an operator port"),
        (
            "DATABASE_URL",
            "postgresql://nobody:secret-word@127.0.0.1:1/x",
            "database",
            "nothing takes connections",
        ),
    ] {
        let findings = doctor(&fixture, &[(name, value)]).await;
        let finding = named(&findings, check, found);
        assert_eq!(finding.state, "FAILED", "{finding:?}");
        let names_it = finding.fix.contains(name) || finding.found.contains(name);
        assert!(names_it || finding.fix.contains("master key"), "{finding:?}");
        assert!(findings.iter().all(|one| !format!("{one:?}").contains("secret-word")), "{findings:#?}");
        // Whatever one of them finds, each is made.
        let mut checks: Vec<&str> = findings.iter().map(|one| &*one.check).collect();
        checks.dedup();
        assert_eq!(checks.len(), CHECKS, "{findings:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_is_not_deleted_in_time_is_named() {
    // After its start the task looks tomorrow.
    let purge_every = Duration::from_hours(24);
    let fixture = Fixture::start_with(identity::Policy { purge_every, ..identity::Policy::default() }).await;
    let late = "update identity.tenants set deleted_at = now() - interval '32 days', \
        purge_at = now() - interval '49 hours' where id = $1";
    fixture.execute(late, &[&demo::OTHER_TENANT]).await;
    let findings = doctor(&fixture, &[]).await;
    let finding = named(&findings, "deleted tenants", &demo::OTHER_TENANT.to_string());
    assert_eq!(finding.state, "warning", "{finding:?}");
}

/// A table of another program lacks what it is advised to have: told in one line, and made
/// by one command.
#[tokio::test(flavor = "multi_thread")]
async fn the_owner_of_a_single_table_is_advised_once_and_served_by_one_command() {
    let fixture = Fixture::start_in(Layout::ConfirmedOnly).await;
    let findings = doctor(&fixture, &[]).await;
    let advice: Vec<&Finding> =
        findings.iter().filter(|one| one.found.contains("bookings_arrival_idx")).collect();
    let [advice] = advice[..] else { panic!("{findings:#?}") };
    assert_eq!((&*advice.check, &*advice.state), ("schema of booking", "warning"));
    let is_told = |name: &str| advice.found.contains(&format!("index {name} of table bookings is missing"));
    let told = booking::indexes_of_single_table().into_iter().filter(|(name, _)| is_told(name)).count();
    assert!(told >= 18, "{}", advice.found);
    let command = quoted(&advice.fix).remove(0);
    let env = [("DATABASE_URL", fixture.database.url.clone())];
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    let applied = against(&fixture, &words, &env).await;
    assert!(applied.status.success(), "{}", text(&applied.stderr));
    assert_well(&doctor(&fixture, &[]).await);
}

/// Row-level security is forced for whoever serves: what a superuser sees at once, it has
/// to look for. What is printed puts it right.
#[tokio::test(flavor = "multi_thread")]
async fn ticks_that_are_behind_are_seen_as_the_role_that_serves() {
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
    while_there(&fixture, &format!("drop role {role}"), async || {
        let behind = doctor(&fixture, &[("DATABASE_URL", &url)]).await;
        let finding = named(&behind, "feed of events", "behind");
        assert_eq!(finding.state, "FAILED", "{finding:?}");
        let cure = quoted(&finding.fix).remove(0);
        fixture.sql.batch_execute(&cure).await.unwrap_or_else(|error| panic!("{cure}: {error:?}"));
        let well = doctor(&fixture, &[("DATABASE_URL", &url)]).await;
        assert_eq!(named(&well, "feed of events", "is ahead").state, "ok");
    })
    .await;
}

/// What it may not see it says, and the statements that it prints let it see.
#[tokio::test(flavor = "multi_thread")]
async fn a_role_without_privileges_gets_every_check_and_what_lets_it_in() {
    let fixture = Fixture::start().await;
    // The second one has the rights of a role only while it is that role.
    for attributes in ["login", "login noinherit"] {
        is_let_in(&fixture, attributes).await;
    }
}

async fn is_let_in(fixture: &Fixture, attributes: &str) {
    let role = format!("bare_{}", std::process::id());
    fixture.sql.batch_execute(&format!("create role {role} {attributes}")).await.unwrap();
    let url = fixture.database.url.replace("user=frontdesk", &format!("user={role}"));
    assert_ne!(url, fixture.database.url);
    while_there(fixture, &format!("drop owned by {role}; drop role {role}"), async || {
        let bare = doctor(fixture, &[("DATABASE_URL", &url)]).await;
        assert_eq!(bare.len(), CHECKS, "{bare:#?}");
        assert!(!format!("{bare:?}").contains("Other: "), "{bare:#?}");
        assert_ne!(named(&bare, "database", "").state, "FAILED");
        for (check, found) in
            [("migrations of identity", ""), ("migrations of booking", ""), ("roles", "is not a member of")]
        {
            let finding = named(&bare, check, found);
            assert_eq!(finding.state, "FAILED", "{finding:?}");
            for cure in quoted(&finding.fix) {
                fixture.sql.batch_execute(&cure).await.unwrap_or_else(|error| panic!("{cure}: {error:?}"));
            }
        }
        // It was let into both services, which is told.
        let findings = doctor(fixture, &[("DATABASE_URL", &url)]).await;
        let (roles, others): (Vec<_>, Vec<_>) = findings.into_iter().partition(|one| one.check == "roles");
        assert_well(&others);
        assert_eq!((roles.len(), &*roles[0].state), (1, "warning"), "{roles:#?}");
    })
    .await;
}

/// Somebody holds a lock for ever, and what else is asked takes connections and says
/// nothing: each is told with its name, the others are made, and it is over.
#[tokio::test(flavor = "multi_thread")]
async fn what_hangs_is_told_in_time_and_keeps_no_other_check() {
    let fixture = Fixture::start().await;
    let holder = pg::connect(&fixture.database.url).await.unwrap();
    holder.batch_execute("begin; lock table frontdesk_booking_migrations").await.unwrap();
    // The system accepts for it.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = silent.local_addr().map(|addr| (silent, addr.to_string())).unwrap();
    let url = format!("http://{}", silent.1);
    let began = Instant::now();
    let changes = [("API_BASE_URL", &*url), ("IDENTITY_ADDR", &silent.1), ("ADMIN_ADDR", &silent.1)];
    let findings = doctor(&fixture, &changes).await;
    assert!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
    for (check, found) in [
        ("migrations of booking", "not over in 10 s"),
        ("schema of booking", "not over in 10 s"),
        ("gateway", "does not answer"),
        ("identity", "does not answer"),
        ("processes", "does not answer"),
    ] {
        assert_eq!(named(&findings, check, found).state, "FAILED");
    }
    for check in ["database", "migrations of identity", "schema of identity", "booking", "signing key"] {
        assert!(named(&findings, check, "").state != "FAILED", "{findings:#?}");
    }
}
