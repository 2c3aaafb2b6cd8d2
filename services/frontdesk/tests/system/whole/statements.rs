//! Every statement of both services against the migrated schema.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use frontdesk::demo;

use crate::fixture::{Fixture, Layout};

/// Statements that the single table never runs: none of its requests holds its dates for a
/// while only, none is booked together with others, and none has a table of its own.
pub const STANDARD_ONLY: [&str; 6] = [
    "book_requests",
    "delete_requests_of_tenants",
    "holds_that_end",
    "list_due_holds",
    "lock_due_hold",
    "release_hold",
];

#[tokio::test]
async fn every_statement_fits_the_schema() {
    let fixture = Fixture::start().await;
    let statements = identity::statements().unwrap();
    assert!(statements.iter().count() > 50);
    for statement in statements.iter() {
        for form in statement.forms() {
            let prepared = fixture.sql.prepare_typed(form.text(), form.types()).await;
            prepared.unwrap_or_else(|error| panic!("{}: {error:?}\n{}", statement.name(), form.text()));
        }
    }
    let [standard, single_table] = booking::statements().unwrap();
    prepare_all(&fixture, standard.iter()).await;
    let legacy = Fixture::start_in(Layout::ConfirmedOnly).await;
    let runs = single_table.iter().filter(|statement| !STANDARD_ONLY.contains(&&*statement.name()));
    prepare_all(&legacy, runs).await;
}

/// In each form: with and without each of its optional lines.
async fn prepare_all<'a>(fixture: &Fixture, statements: impl Iterator<Item = &'a pg::Statement>) {
    let mut prepared = 0;
    for statement in statements {
        let name = statement.name();
        for form in statement.forms() {
            let sql = form.text();
            let fits = fixture.sql.prepare_typed(sql, form.types()).await;
            fits.unwrap_or_else(|error| panic!("{name}: {error:?}\n{sql}"));
            prepared += 1;
        }
    }
    assert!(prepared > 40, "{prepared}");
}

/// With example values, of which Postgres may refuse only what constraints refuse.
#[tokio::test]
async fn every_statement_can_be_pasted_into_psql() {
    let fixture = Fixture::start().await;
    let identity = identity::statements().unwrap();
    let [booking, _] = booking::statements().unwrap();
    let mut script = String::new();
    for statement in identity.iter().chain(booking.iter()) {
        write!(script, "\\warn {}\n{}", statement.name(), statement.for_psql()).unwrap();
    }
    let mut psql = Command::new(devdb::program("psql").unwrap())
        .args(["-X", "-v", "VERBOSITY=sqlstate", &fixture.database.url])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    psql.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = psql.wait_with_output().unwrap();
    assert!(output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.lines().filter(|line| !line.contains("ERROR")).count() > 90, "{said}");
    let refused = said.lines().filter(|line| line.contains("ERROR") && !line.contains("ERROR:  23"));
    assert_eq!(refused.collect::<Vec<_>>(), [""; 0], "{said}");
}

/// A plan for each number of calls would be made anew each time, which costs more than
/// what they save.
#[tokio::test]
async fn however_many_approvals_go_together_their_plan_is_kept() {
    let fixture = Fixture::start().await;
    let [statements, _] = booking::statements().unwrap();
    let tenant = format!("set app.tenant = '{}'", demo::TENANT);
    fixture.sql.batch_execute(&tenant).await.unwrap();
    for name in ["lock_booking_requests", "book_requests"] {
        let statement = statements.named(name).unwrap();
        let form = statement.full();
        let types: Vec<&str> = form.types().iter().map(tokio_postgres::types::Type::name).collect();
        let of = |calls: usize| -> String {
            let value = |parameter: &pg::Parameter| match parameter.example.strip_prefix("array[") {
                Some(array) => {
                    let (one, cast) = array.split_once(']').unwrap();
                    format!("array[{}]{cast}", vec![one; calls].join(", "))
                }
                None => parameter.example.to_owned(),
            };
            statement.parameters_of(form).map(value).collect::<Vec<_>>().join(", ")
        };
        let prepare = format!("prepare it ({}) as {}", types.join(", "), form.text());
        fixture.sql.batch_execute(&prepare).await.unwrap();
        for calls in [2, 3, 1, 2, 5, 2, 1, 3, 20, 2] {
            fixture.sql.batch_execute(&format!("execute it ({})", of(calls))).await.unwrap();
        }
        let kept = "select generic_plans from pg_prepared_statements where name = 'it'";
        assert_eq!(fixture.count(kept, &[]).await, 5, "{name}: five are always planned anew");
        fixture.sql.batch_execute("deallocate it").await.unwrap();
    }
}

/// How a statement without a parameter `tenant` keeps tenants apart.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Without {
    /// It does not: it looks across tenants.
    Across,
    /// The tenants are in a list, or found by the statement itself.
    Listed,
    /// It names no table of tenants.
    NoTable,
}

use Without::{Across, Listed, NoTable};

/// As whom a statement runs that no tenant is given to. Row-level security knows the
/// sweeper and the reader of feeds as roles of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RunBy {
    Service,
    Sweeper,
    Feed,
}

use RunBy::{Feed, Service, Sweeper};

/// Statements that no tenant is given to, as whom they run, and why.
const WITHOUT_TENANT: [(&str, Without, RunBy, &str); 42] = [
    ("delete_old_events", Listed, Sweeper, "what the feeds of all tenants have forgotten, by their heads"),
    ("delete_old_keys", Across, Sweeper, "what is old is deleted in all tenants"),
    ("delete_requests_of_tenants", Listed, Sweeper, "of tenants that identity says are deleted"),
    ("delete_rows_of_tenants", Listed, Sweeper, "of tenants that identity says are deleted"),
    ("export_platform_audit_events", Across, Service, "what belongs to no tenant"),
    ("find_api_key", Listed, Service, "the key says which tenant it is"),
    ("find_client", Listed, Service, "the client's id says which tenant it is"),
    ("find_offer", Listed, Service, "the link says which tenant it is"),
    ("forget_assertions", Across, Service, "what is over is deleted in all tenants"),
    ("forget_mail", Across, Service, "invitations that are over are forgotten in all tenants"),
    ("forget_user", Across, Service, "the memberships of one user"),
    ("get_feed_states", Listed, Feed, "the reader reads for all who watch"),
    ("get_identity", NoTable, Sweeper, "which identity says that tenants are deleted"),
    ("get_me", Listed, Service, "the memberships of one user"),
    ("insert_audit_event", Across, Service, "what is done to a user is told to each tenant of the user"),
    ("insert_feed_heads", Listed, Feed, "the reader numbers for several tenants at once"),
    ("is_owner", Listed, Service, "whoever owns some tenant is an owner"),
    ("keep_ticks_ahead", Listed, Sweeper, "the sequence is of all tenants, for a role that sees ticks alone"),
    ("left_without_owner", Listed, Service, "the tenants of which one user is an owner"),
    ("list_api_keys_beyond", Listed, Service, "the keys that one user made"),
    ("list_audit_events_of_user", Across, Service, "operators read all that a user did"),
    ("list_constraints", NoTable, Service, "the catalog"),
    ("list_due_holds", Across, Sweeper, "holds run out in all tenants, for a role that sees nothing else"),
    ("list_feeds", Across, Sweeper, "feeds forget in all tenants"),
    ("list_labels", NoTable, Service, "the catalog"),
    ("list_platform_audit_events", Across, Service, "what belongs to no tenant"),
    ("list_schema", NoTable, Service, "the catalog"),
    ("list_tables", NoTable, Service, "the catalog"),
    ("list_tenants_here", Across, Sweeper, "identity is asked about each that has something here"),
    ("list_triggers", NoTable, Service, "the catalog"),
    ("lock_feed_heads", Listed, Feed, "the reader numbers for several tenants at once"),
    ("lock_owners_beside", Listed, Service, "the tenants of which one user is an owner"),
    ("lock_ticks", NoTable, Sweeper, "the sequence is of all tenants"),
    ("next_suspected_tenant", Across, Sweeper, "the check of inconsistencies goes from tenant to tenant"),
    ("next_tenant", Across, Sweeper, "the check of inconsistencies goes from tenant to tenant"),
    ("next_waiting_tenant", Across, Sweeper, "what nobody reads is numbered, tenant by tenant"),
    ("note_identity", NoTable, Sweeper, "which identity says that tenants are deleted"),
    ("notify_watchers", NoTable, Service, "other processes are told"),
    ("number_events", Listed, Feed, "the reader numbers for several tenants at once"),
    ("resolve_foreign_user", Listed, Service, "the memberships of one user"),
    ("resolve_user", Listed, Service, "the memberships of one user"),
    ("revoke_offers_of", Listed, Service, "what one user offered"),
];

/// The role that a statement runs as, if it is not its service's own.
pub fn runs_as(statement: &str) -> Option<&'static str> {
    let (_, _, by, _) = WITHOUT_TENANT.iter().find(|(name, ..)| *name == statement)?;
    match by {
        Service => None,
        Sweeper => Some("frontdesk_booking_sweeper"),
        Feed => Some("frontdesk_booking_feed"),
    }
}

/// The names in a list, of one kind or of all.
fn without_tenant(how: Option<Without>) -> BTreeSet<String> {
    let listed = WITHOUT_TENANT.iter().filter(|(_, one, ..)| how.is_none_or(|how| how == *one));
    listed.map(|(name, ..)| (*name).to_owned()).collect()
}

/// Whoever calls booking is in a tenant, so its statements take one, in each layout.
#[test]
fn every_statement_of_booking_takes_a_tenant_or_is_listed() {
    for statements in booking::statements().unwrap() {
        let takes =
            |one: &&pg::Statement| one.parameters().iter().any(|parameter| parameter.name == "tenant");
        let all: BTreeSet<String> = statements.iter().map(pg::Statement::name).collect();
        let takes_none: BTreeSet<String> =
            statements.iter().filter(|one| !takes(one)).map(pg::Statement::name).collect();
        let listed: BTreeSet<String> = without_tenant(None).intersection(&all).cloned().collect();
        assert_eq!(takes_none, listed);
    }
}

/// Each table with `tenant_id` that a statement names must be bound by it: in a
/// condition of its own, or by its alias.
#[tokio::test]
async fn every_statement_binds_the_tenant_of_each_table_that_it_names() {
    let fixture = Fixture::start().await;
    let with_tenant = "select table_name::text from information_schema.columns \
        where column_name = 'tenant_id' and table_schema in ('public', 'identity')";
    let tables: Vec<String> =
        fixture.sql.query(with_tenant, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert!(tables.len() >= 10, "{tables:?}");
    let [standard, single_table] = booking::statements().unwrap();
    let identity = identity::statements().unwrap();
    let (mut free, mut across) = (Vec::new(), BTreeSet::new());
    let listed = without_tenant(Some(Across));
    for statement in standard.iter().chain(single_table.iter()).chain(identity.iter()) {
        let sql = statement.full().text();
        let unbound: Vec<String> = unbound(sql, &tables);
        if !unbound.is_empty() {
            across.insert(statement.name());
            if !listed.contains(&statement.name()) {
                free.push(format!("{} does not bind {unbound:?}:\n{sql}", statement.name()));
            }
        }
    }
    assert!(free.is_empty(), "{}", free.join("\n"));
    assert_eq!(across, listed, "what binds the tenant is not listed as looking across tenants");
}

/// The tables that a statement reads or changes without their tenant.
fn unbound(sql: &str, tables: &[String]) -> Vec<String> {
    let spaced: String = sql
        .chars()
        .map(|mark| if "(),;=".contains(mark) { format!(" {mark} ") } else { mark.into() })
        .collect();
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let table = |word: &str| tables.iter().find(|table| word.rsplit('.').next() == Some(table)).cloned();
    let mut found = Vec::new();
    for (at, pair) in words.windows(2).enumerate() {
        let Some(table) =
            table(pair[1]).filter(|_| matches!(pair[0], "from" | "join" | "update" | "into" | "using" | ","))
        else {
            continue;
        };
        let next = words.get(at + 2).copied().unwrap_or_default();
        let alias = if next == "as" { words.get(at + 3).copied().unwrap_or_default() } else { next };
        let is_alias = alias.chars().all(|mark| mark.is_ascii_lowercase() || mark == '_')
            && !matches!(alias, "" | "where" | "set" | "using" | "on" | "values" | "join" | "order" | "for");
        let named = if is_alias { format!("{alias}.tenant_id") } else { "tenant_id".to_owned() };
        let by_name = format!("{table}.tenant_id");
        let inserted = pair[0] == "into" && words.contains(&"tenant_id");
        let binds =
            |place: usize| (words[place] == named || words[place] == by_name) && is_compared(&words, place);
        if !inserted && !(0..words.len()).any(binds) {
            found.push(table);
        }
    }
    found
}

/// Whether a word is compared with something, by itself or as a part of a row. One that
/// is only selected or sorted by binds nothing.
fn is_compared(words: &[&str], at: usize) -> bool {
    let word = |at: usize| words.get(at).copied().unwrap_or_default();
    let before = |at: usize| at.checked_sub(1).map(word).unwrap_or_default();
    if before(at) == "=" || matches!(word(at + 1), "=" | "in") {
        return true;
    }
    let mut depth = 0;
    let opens = (0..at).rev().find(|place| {
        depth += i32::from(word(*place) == ")") - i32::from(word(*place) == "(");
        depth < 0
    });
    let mut depth = 0;
    let closes = (at..words.len()).find(|place| {
        depth += i32::from(word(*place) == "(") - i32::from(word(*place) == ")");
        depth < 0
    });
    opens.is_some_and(|opens| before(opens) == "=")
        || closes.is_some_and(|closes| opens.is_some() && matches!(word(closes + 1), "=" | "in"))
}

#[test]
fn a_table_without_its_tenant_is_found() {
    let tables = ["bookings".to_owned(), "booking_requests".to_owned()];
    let bound = "select b.id from bookings b join booking_requests r on (r.tenant_id, r.id) = (b.tenant_id, b.x) \
        where b.tenant_id = $1";
    assert_eq!(unbound(bound, &tables), [""; 0]);
    assert_eq!(unbound("update bookings set status = 'x' where tenant_id = $1", &tables), [""; 0]);
    assert_eq!(
        unbound(
            "select * from bookings b join booking_requests r on r.id = b.x where b.tenant_id = $1",
            &tables
        ),
        ["booking_requests"]
    );
    assert_eq!(unbound("delete from bookings where id = $1", &tables), ["bookings"]);
    let using = "delete from booking_requests r using bookings b where r.tenant_id = $1 and b.id = r.id";
    assert_eq!(unbound(using, &tables), ["bookings"]);
    let listed = "select r.id from booking_requests r, bookings b where r.tenant_id = $1 and b.id = r.id";
    assert_eq!(unbound(listed, &tables), ["bookings"]);
    let both = "delete from booking_requests r using bookings b where r.tenant_id = $1 and b.tenant_id = $1";
    assert_eq!(unbound(both, &tables), [""; 0]);
    let selected = "select tenant_id from bookings where id = $1 order by tenant_id";
    assert_eq!(unbound(selected, &tables), ["bookings"]);
}

/// A tick is taken after everything that a statement may wait for: its part `settled`
/// counts the rows of each other part that writes (`layout/words.rs` says why).
#[test]
fn an_event_takes_its_tick_when_all_parts_of_its_statement_have_written() {
    let mut ticking = 0;
    for statements in booking::statements().unwrap() {
        for statement in statements.iter() {
            let sql = statement.full().text();
            if !sql.contains("into booking_events") {
                continue;
            }
            ticking += 1;
            let name = statement.name();
            let parts = parts(sql);
            let (_, settled) =
                parts.iter().find(|(part, _)| part == "settled").unwrap_or_else(|| panic!("{name}"));
            let taken = "case when settled.writes is not null then nextval('booking_event_ticks') end";
            assert_eq!(sql.matches("nextval").count(), sql.matches(taken).count(), "{name}: {sql}");
            for (part, text) in &parts {
                let writes =
                    ["insert into", "update ", "delete from"].iter().any(|verb| text.starts_with(verb));
                if writes && !text.starts_with("insert into booking_events") {
                    assert!(
                        settled.contains(&format!("from {part}")),
                        "{name} does not settle {part}: {sql}"
                    );
                }
            }
        }
    }
    assert!(ticking > 20, "{ticking}");
}

/// The parts of a statement's `with`, by name.
fn parts(sql: &str) -> Vec<(String, String)> {
    let mut parts = Vec::new();
    let mut rest = sql.trim_start().strip_prefix("with ").unwrap_or_default();
    while let Some((name, body)) = rest.split_once(" as (") {
        let mut depth = 1;
        let end = body.char_indices().find_map(|(at, mark)| {
            depth += i32::from(mark == '(') - i32::from(mark == ')');
            (depth == 0).then_some(at)
        });
        let end = end.expect("brackets close");
        parts.push((name.trim().to_owned(), body[..end].trim().to_owned()));
        match body[end + 1..].strip_prefix(',') {
            Some(more) => rest = more,
            None => break,
        }
    }
    parts
}
