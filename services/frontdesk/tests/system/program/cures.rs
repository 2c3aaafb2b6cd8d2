//! Broken set-ups: `frontdesk doctor` finds each, what it prints cures it, and it finds the
//! system well again.

use std::time::Duration;

use devdb::{PrivateServer, Programs, ServerOptions};
use serde_json::Value as Json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::doctor::{Finding, assert_well, doctor, named, settings};
use super::run::{Folder, against, frontdesk, quoted, text};
use crate::alterations::alter;
use crate::fixture::Fixture;
use crate::whole::schema_drift::readiness;

/// A set-up of the database that is broken: what breaks it, which check names it, and in
/// which words.
type Broken = (&'static str, &'static str, &'static str);

const BOOKING: &str = "schema of booking";
const IDENTITY: &str = "schema of identity";

/// By these calls fail, or what is stored is not guarded.
const GRAVE: [Broken; 15] = [
    (
        "alter table booking_requests drop column internal_note",
        BOOKING,
        "column booking_requests.internal_note is missing",
    ),
    (
        "alter table identity.users drop column disabled_at",
        IDENTITY,
        "column identity.users.disabled_at is missing",
    ),
    ("drop table inconsistencies cascade", BOOKING, "table inconsistencies is missing"),
    (
        "alter table bookings drop constraint no_double_bookings",
        BOOKING,
        "constraint bookings.no_double_bookings is missing",
    ),
    (
        "alter table booking_requests drop constraint booking_requests_guest_fkey",
        BOOKING,
        "constraint booking_requests.booking_requests_guest_fkey is missing",
    ),
    // Narrower: it refuses what calls write.
    (
        "alter table bookings drop constraint bookings_status_check; \
            alter table bookings add constraint bookings_status_check check (status <> 'checked_in') not valid",
        BOOKING,
        "constraint bookings.bookings_status_check is CHECK",
    ),
    (
        "drop index properties_shown_name_key",
        BOOKING,
        "index properties_shown_name_key of table properties is missing",
    ),
    ("drop trigger customer_keys on customers", BOOKING, "trigger customers.customer_keys is missing"),
    (
        "alter table properties disable trigger properties_key_name",
        BOOKING,
        "firing of trigger properties.properties_key_name is missing",
    ),
    (
        "create or replace function frontdesk_phone_key(given text) returns text language sql immutable as 'select $1'",
        BOOKING,
        "function frontdesk_phone_key(text) is not what this version made",
    ),
    ("drop policy tenant_only on bookings", BOOKING, "policy bookings.tenant_only is missing"),
    (
        "drop policy tenant_only on customers; create policy tenant_only on customers using (true)",
        BOOKING,
        "policy customers.tenant_only is for all to public using (true)",
    ),
    (
        "alter table inventory_ranges no force row level security",
        BOOKING,
        "forced row security of table inventory_ranges is missing",
    ),
    // As after a restore without grants.
    (
        "revoke all on all tables in schema public from frontdesk_booking, frontdesk_booking_feed, frontdesk_booking_sweeper",
        BOOKING,
        "grant to frontdesk_booking: select on properties is missing",
    ),
    (
        "revoke all on all tables in schema identity from frontdesk_identity; \
            revoke usage on schema identity from frontdesk_identity",
        IDENTITY,
        "grant to frontdesk_identity: usage on identity is missing",
    ),
];

/// With these everything goes on, slower or less strictly.
const LIGHT: [Broken; 8] = [
    (
        "alter table booking_requests drop constraint booking_requests_guest_count_check",
        BOOKING,
        "constraint booking_requests.booking_requests_guest_count_check is missing",
    ),
    (
        "alter table properties alter column name drop not null",
        BOOKING,
        "not null of column properties.name is missing",
    ),
    ("drop index bookings_arrival_idx", BOOKING, "index bookings_arrival_idx of table bookings is missing"),
    // As after a build that failed.
    (
        "update pg_index set indisvalid = false where indexrelid = 'bookings_property_arrival_idx'::regclass",
        BOOKING,
        "index bookings_property_arrival_idx of table bookings is not finished",
    ),
    (
        "alter table bookings disable trigger note_inconsistency_suspect",
        BOOKING,
        "firing of trigger bookings.note_inconsistency_suspect is missing",
    ),
    (
        "alter table bookings alter column tenant_id set (n_distinct = 3)",
        BOOKING,
        "n_distinct of column bookings.tenant_id is 3",
    ),
    (
        "alter table bookings alter column row_version set default 7",
        BOOKING,
        "default of column bookings.row_version is 7",
    ),
    (
        "alter table idempotency_keys drop constraint idempotency_keys_pkey; \
            alter table idempotency_keys add constraint idempotency_keys_pkey primary key (key, tenant_id)",
        BOOKING,
        "constraint idempotency_keys.idempotency_keys_pkey is PRIMARY KEY (key, tenant_id)",
    ),
];

/// What nobody but an operator may do: a statement is printed.
const BY_HAND: [Broken; 7] = [
    ("create policy everything on bookings using (true)", BOOKING, "policy bookings.everything opens rows"),
    (
        "grant select on identity.users to public",
        IDENTITY,
        "grant to public: select on identity.users is more",
    ),
    (
        "alter table bookings set (autovacuum_enabled = false, fillfactor = 90)",
        BOOKING,
        "autovacuum_enabled of table bookings is false",
    ),
    // As it was before PostgreSQL 15.
    (
        "grant create on schema public to public",
        BOOKING,
        "grant to public: create on public is more than the migrations give",
    ),
    ("grant usage on schema identity to public", IDENTITY, "grant to public: usage on identity is more"),
    (
        "alter table properties drop constraint properties_pkey cascade; \
            alter table properties add constraint properties_pkey primary key (id, tenant_id)",
        BOOKING,
        "constraint properties.properties_pkey is PRIMARY KEY (id, tenant_id)",
    ),
    (
        "alter table inventory_ranges drop constraint inventory_ranges_no_overlap; \
            alter table inventory_ranges add constraint inventory_ranges_no_overlap \
            exclude using gist (tenant_id with =, property_id with =, daterange(start_date, end_date) with &&) \
            where (state = 'active' and note is null)",
        BOOKING,
        "constraint inventory_ranges.inventory_ranges_no_overlap is EXCLUDE",
    ),
];

/// Runs what a fix names, but for what only shows or leaves.
async fn follow(fixture: &Fixture, fix: &str) {
    for what in quoted(fix) {
        match what.strip_prefix("frontdesk ") {
            Some("doctor --repair") => {}
            Some(leaves) if leaves.contains("--except") => {}
            Some(command) => {
                let words: Vec<&str> = command.split(' ').collect();
                let env: Vec<_> =
                    settings(fixture).into_iter().filter(|(name, _)| !name.ends_with("_ADDR")).collect();
                against(fixture, &words, &env).await;
            }
            None => alter(fixture, &what).await,
        }
    }
}

/// Breaks, asks, cures and asks again.
async fn break_and_cure(fixture: &Fixture, all: &[Broken], state: Option<&str>) {
    for (break_it, ..) in all {
        alter(fixture, break_it).await;
    }
    let findings = doctor(fixture, &[]).await;
    let mut fixes: Vec<&str> = Vec::new();
    for (_, check, found) in all {
        let finding = named(&findings, check, found);
        assert!(state.is_none_or(|state| state == finding.state), "{finding:?}");
        assert!(!quoted(&finding.fix).is_empty(), "nothing to run: {finding:?}");
        fixes.push(&finding.fix);
    }
    fixes.sort_unstable();
    fixes.dedup();
    for fix in fixes {
        follow(fixture, fix).await;
    }
    // Each process looks again by itself.
    readiness(fixture, true).await;
    assert_well(&doctor(fixture, &[]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_calls_or_guards_nothing_is_cured_by_its_own_fix() {
    break_and_cure(&Fixture::start().await, &GRAVE, Some("FAILED")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_slow_or_lax_is_cured_by_its_own_fix() {
    let fixture = Fixture::start().await;
    break_and_cure(&fixture, &LIGHT, Some("warning")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_for_an_operator_is_cured_by_the_statement_that_is_printed() {
    break_and_cure(&Fixture::start().await, &BY_HAND, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_key_that_opens_no_key_is_cured_by_the_rotation_that_is_named() {
    let fixture = Fixture::start().await;
    let other = "cd".repeat(32);
    let env = [("FRONTDESK_MASTER_KEY", &*other)];
    let findings = doctor(&fixture, &env).await;
    let fix = &named(&findings, "signing key", "does not open").fix;
    assert_eq!(&named(&findings, "master key", "does not fit").fix, fix);
    let command = quoted(fix).remove(0);
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    let env_of_command =
        [("DATABASE_URL", fixture.database.url.clone()), ("FRONTDESK_MASTER_KEY", other.clone())];
    // While one runs that has the key, it is not lost.
    let rotated = against(&fixture, &words, &env_of_command).await;
    assert!(!rotated.status.success() && text(&rotated.stderr).contains("an identity that runs"));
    fixture.execute("delete from identity.master_key_lists", &[]).await;
    let rotated = against(&fixture, &words, &env_of_command).await;
    assert!(rotated.status.success(), "{}", text(&rotated.stderr));
    for check in ["signing key", "master key"] {
        assert_eq!(named(&doctor(&fixture, &env).await, check, "").state, "ok");
    }
}

/// What processes say of themselves: builds, settings without secrets, and whether they agree.
#[tokio::test(flavor = "multi_thread")]
async fn processes_are_asked_what_they_are_and_whether_they_agree() {
    let fixture = Fixture::start().await;
    let mut ports = Vec::new();
    for issuer in ["us", "them"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        ports.push(listener.local_addr().unwrap().to_string());
        let given = [
            ("TOKEN_ISSUER", issuer),
            ("ALLOWED_ORIGINS", "https://shop.example"),
            ("DATABASE_URL", "secret-word"),
        ];
        let mut settings = boot::Settings::of(given);
        access::Issuer::read(&mut settings);
        gateway::read_origins(&mut settings);
        pg::read_url(&mut settings);
        fixture.system.answer_operators(listener, settings.in_force());
    }
    let all = ports.join(", ");
    let findings = doctor(&fixture, &[("ADMIN_ADDR", &all)]).await;
    let one = named(&findings, "processes", &format!("at {}, with", ports[0]));
    assert_eq!(one.state, "ok");
    assert!(
        one.found.contains("TOKEN_ISSUER=us") && one.found.contains("DATABASE_URL (not shown)"),
        "{one:?}"
    );
    assert!(!format!("{findings:?}").contains("secret-word"), "{findings:#?}");
    let apart = named(&findings, "processes", "TOKEN_ISSUER is `us`");
    assert!(apart.state == "FAILED" && apart.fix.contains("set TOKEN_ISSUER alike"), "{apart:?}");
    // The gateway is told otherwise than the process that was asked.
    let refused = named(&findings, "origins", "https://shop.example in ALLOWED_ORIGINS");
    assert!(refused.state == "FAILED" && refused.fix.contains("ALLOWED_ORIGINS"), "{refused:?}");
    let agreed = doctor(&fixture, &[("ADMIN_ADDR", &ports[0])]).await;
    assert!(agreed.iter().all(|one| one.check != "processes" || one.is_good()), "{agreed:#?}");
}

/// Something before the gateway that answers browsers in its place.
#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_lets_every_page_call_is_found() {
    let fixture = Fixture::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let proxy = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut asked = [0; 4096];
            let _read = stream.read(&mut asked).await.unwrap();
            let answer =
                "HTTP/1.1 204 No Content\r\naccess-control-allow-origin: *\r\nconnection: close\r\n\r\n";
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let findings = doctor(&fixture, &[("API_BASE_URL", &url)]).await;
    let open = named(&findings, "origins", "lets pages of any origin call");
    assert!(open.state == "FAILED" && open.fix.contains("ALLOWED_ORIGINS"), "{open:?}");
    let explained = |origin: &'static str, url: String| async move {
        let output = tokio::task::spawn_blocking(move || {
            frontdesk(&["cors", "explain", "--origin", origin], &[("API_BASE_URL", &url)]).output().unwrap()
        });
        let output = output.await.unwrap();
        (output.status.code(), format!("{}{}", text(&output.stdout), text(&output.stderr)))
    };
    let (code, said) = explained("https://shop.example", url).await;
    assert!(code == Some(0) && said.contains("Allowed"), "{said}");
    proxy.abort();
    // The gateway itself is asked, whatever this shell's setting is.
    let gateway = fixture.url("");
    for (origin, code, words) in [
        ("http://localhost:3000", 0, "Allowed: "),
        ("https://shop.example", 1, "Add it to ALLOWED_ORIGINS of the gateway"),
    ] {
        let (status, said) = explained(origin, gateway.clone()).await;
        assert!(status == Some(code) && said.contains(words), "{said}");
    }
    let (status, said) = explained("http://localhost:3000", "http://127.0.0.1:1".to_owned()).await;
    assert!(status == Some(1) && said.contains("does not answer"), "{said}");
}

/// What belongs to the whole server: roles, the extension, an empty database, commits that
/// are not waited for.
const OF_A_SERVER: [Broken; 7] = [
    // Nothing was migrated yet.
    ("select 1", "migrations of booking", "missing V1__"),
    ("alter database cures set synchronous_commit = off", "database", "synchronous_commit is off (database)"),
    (
        "alter database cures set session_replication_role = replica",
        "database",
        "session_replication_role is replica (database)",
    ),
    ("alter role frontdesk_booking_feed bypassrls", BOOKING, "role frontdesk_booking_feed is bypassrls"),
    (
        "grant pg_monitor to frontdesk_booking",
        BOOKING,
        "membership of frontdesk_booking in pg_monitor is more than the migrations give",
    ),
    ("drop extension btree_gist cascade", BOOKING, "extension btree_gist is missing"),
    (
        "drop owned by frontdesk_booking_feed; drop role frontdesk_booking_feed",
        BOOKING,
        "role frontdesk_booking_feed is missing",
    ),
];

/// The program against a database, and nothing else.
async fn at(url: &str, command: &str) -> Vec<u8> {
    let (url, words) = (url.to_owned(), command.to_owned());
    let ran = tokio::task::spawn_blocking(move || {
        let words: Vec<&str> = words.split(' ').collect();
        frontdesk(&words, &[("DATABASE_URL", &url)]).output().unwrap()
    });
    tokio::time::timeout(Duration::from_mins(1), ran).await.unwrap().unwrap().stdout
}

async fn doctor_at(url: &str) -> Vec<Finding> {
    let report: Json = serde_json::from_slice(&at(url, "doctor --json").await).unwrap();
    serde_json::from_value(report["checks"].clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_lacks_is_cured_by_its_own_fix() {
    let folder = Folder::new("cures");
    let dir = folder.path().join("server");
    let programs = Programs::of_tests().unwrap();
    let options = ServerOptions { dir, ephemeral: true, durable: true, tcp: None, programs };
    let server = PrivateServer::start(options).await.unwrap();
    pg::connect(&server.url("postgres")).await.unwrap().batch_execute("create database cures").await.unwrap();
    let url = server.url("cures");
    let sql = pg::connect(&url).await.unwrap();
    sql.batch_execute("revoke create on schema public from public").await.unwrap();
    for (break_it, check, found) in OF_A_SERVER {
        sql.batch_execute(break_it).await.unwrap_or_else(|error| panic!("{break_it}: {error:?}"));
        let findings = doctor_at(&url).await;
        let finding = named(&findings, check, found);
        assert!(!finding.is_good(), "{finding:?}");
        for what in quoted(&finding.fix) {
            match what.strip_prefix("frontdesk ") {
                Some("doctor --repair") => {}
                Some(command) => drop(at(&url, command).await),
                None => sql.batch_execute(&what).await.unwrap_or_else(|error| panic!("{what}: {error:?}")),
            }
        }
        // No service runs there, which would make a key.
        assert_well(&doctor_at(&url).await);
    }
    drop(sql);
    server.stop();
}
