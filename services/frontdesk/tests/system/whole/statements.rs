//! Every statement of both services against the migrated schema.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::fixture::{Fixture, Layout};

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
    // No request of that layout holds its dates for a while only.
    let runs = single_table.iter().filter(|statement| statement.name() != "list_due_holds");
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
        let sql = statement.full().text();
        // What runs out is looked for in all tenants, by a role of its own.
        let of_all = ["list_due_holds", "delete_old_keys"].contains(&name.as_str());
        let named = statement.parameters().iter().any(|parameter| parameter.name == "tenant");
        assert_ne!(named, of_all, "{name} is not bound to a tenant: {sql}");
        let bound = sql.contains("tenant_id = $") || sql.contains("tenant_id, ");
        assert!(bound || of_all || name == "feed_end", "{name} is not bound to a tenant: {sql}");
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
