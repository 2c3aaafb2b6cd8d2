//! What an operator should know of booking's part of a database: whether the schema
//! fits, what forbids double bookings, and whether the feed goes on. Reports only.

use boot::{Check, Finding};
use pg::Fault;
use pg::checks::{one_row, with_client};

use super::made::ADD_NO_DOUBLE_BOOKINGS;
use super::{Found, RequestHold, indexes};
use crate::domain::stay::MAX_NIGHTS;

/// The role that keeps the sequence of ticks ahead.
const SWEEPER: &str = "frontdesk_booking_sweeper";

/// The checks of a database, looked at as `role`.
pub fn checks(url: &str, role: &'static str) -> Vec<Check> {
    let of_schema = look(url.to_owned(), role);
    let of_constraint = look(url.to_owned(), role);
    vec![
        Check::new("schema of booking", async move { schema(of_schema.await) }),
        Check::new("double bookings", async move { double_bookings(of_constraint.await) }),
        with_client("length of stays", url, |client| async move { length_of_stays(&client).await }),
        with_client("indexes of booking", url, |client| async move { indexes(&client).await }),
        with_client("feed of events", url, |client| async move { feed(&client).await }),
    ]
}

async fn look(url: String, role: &'static str) -> Result<Found, String> {
    let database = pg::Config { url, pool_size: 1 }.open(role, "frontdesk-doctor")?;
    Found::detect(&database).await.map_err(|fault| fault.advice().what)
}

fn schema(found: Result<Found, String>) -> Vec<Finding> {
    let (problems, altered) = match found {
        Ok(found) => (found.problem_sentences(), found.altered()),
        Err(cause) => return vec![Finding::bad(cause, "see the checks of the database and of the roles")],
    };
    if problems.is_empty() && altered.is_empty() {
        return vec![Finding::good("every table, column, constraint and trigger is there")];
    }
    let odd = altered.into_iter().map(|(found, wanted)| {
        Finding::odd(
            found,
            format!("it serves, as far as every statement goes with it; the migrations make it {wanted}"),
        )
    });
    let bad = |problem| {
        Finding::bad(
            problem,
            "`frontdesk doctor --repair`, which prints what makes it again, and names what has to be undone by hand",
        )
    };
    problems.into_iter().map(bad).chain(odd).collect()
}

fn double_bookings(found: Result<Found, String>) -> Finding {
    let Ok(found) = found else { return Finding::left_out("the schema could not be looked at") };
    let described = format!("layout {}, request_hold {}", found.layout.name(), found.request_hold.name());
    let constraint = found.constraint;
    match found.request_hold {
        RequestHold::Missing => Finding::bad(
            format!("{described}: nothing in the database forbids them"),
            format!("as the schema's owner: {ADD_NO_DOUBLE_BOOKINGS}"),
        ),
        RequestHold::Flag => Finding::odd(
            format!("{described}: {constraint}"),
            "make sure that every sold row has the flag which the constraint looks at",
        ),
        RequestHold::Literal | RequestHold::ConfirmedOnly => {
            Finding::good(format!("{described}: {constraint}"))
        }
    }
}

/// The rule that the migrations take back where rows from before it break it.
async fn length_of_stays(client: &tokio_postgres::Client) -> Result<Finding, Fault> {
    let query = "select to_regclass('public.booking_requests') is null, array( \
        select t.name from unnest(array['bookings', 'booking_requests']) t (name) where not exists ( \
            select from pg_constraint k where k.conname = t.name || '_nights_check' and k.convalidated))";
    let row = one_row(client, query).await?;
    let (single_table, free): (bool, Vec<String>) = (row.try_get(0)?, row.try_get(1)?);
    if single_table {
        return Ok(Finding::left_out("another program decides what its table holds"));
    }
    if free.is_empty() {
        return Ok(Finding::good(format!("no stay has more than {MAX_NIGHTS} nights")));
    }
    let tables = free.join(" and ");
    let rules = free.iter().map(|table| {
        format!("alter table {table} add constraint {table}_nights_check check (check_out <= check_in + {MAX_NIGHTS})")
    });
    Ok(Finding::odd(
        format!("rows of {tables} had more than {MAX_NIGHTS} nights when they were migrated, and may have"),
        format!(
            "look for rows with check_out > check_in + {MAX_NIGHTS}, cancel or shorten them, then as the schema's \
             owner: {}",
            rules.collect::<Vec<_>>().join("; ")
        ),
    ))
}

/// What is missing is slow, not wrong.
async fn indexes(client: &tokio_postgres::Client) -> Result<Vec<Finding>, Fault> {
    let query = "select to_regclass('public.booking_requests') is null, \
        array(select c.relname::text from pg_index i join pg_class c on c.oid = i.indexrelid \
            where i.indisvalid and c.relnamespace = 'public'::regnamespace), \
        array(select c.relname::text from pg_index i join pg_class c on c.oid = i.indexrelid \
            where not i.indisvalid and c.relnamespace = 'public'::regnamespace)";
    let row = one_row(client, query).await?;
    let (single_table, stored): (bool, Vec<String>) = (row.try_get(0)?, row.try_get(1)?);
    let broken: Vec<String> = row.try_get(2)?;
    // Among them one that is just being built.
    let mut findings: Vec<Finding> = broken
        .into_iter()
        .map(|name| {
            Finding::odd(
                format!("the index {name} is not finished and serves nothing, as after a build that failed"),
                format!("if nobody is building it, as the table's owner: reindex index concurrently {name}"),
            )
        })
        .collect();
    let missing =
        indexes::of_single_table().into_iter().filter(|(name, _)| !stored.iter().any(|one| one == name));
    let (names, creates): (Vec<&str>, Vec<String>) =
        if single_table { missing.unzip() } else { Default::default() };
    if !names.is_empty() {
        findings.push(Finding::odd(
            format!(
                "lists and decisions read more rows of bookings than they need without {}",
                names.join(", ")
            ),
            format!("as the table's owner, one by one: {}", creates.join("; ")),
        ));
    }
    if findings.is_empty() {
        let all = if single_table { "all of them are there" } else { "they come with the migrations" };
        findings.push(Finding::good(all));
    }
    Ok(findings)
}

/// Replication brings events with their ticks and leaves the sequence behind. The role
/// that moves it sees those of all tenants; whoever else does not own the table sees none.
async fn feed(client: &tokio_postgres::Client) -> Result<Finding, Fault> {
    let query = "select coalesce(max(tick), 0), (select last_value from booking_event_ticks) \
        from booking_events where number is null";
    // Nothing outlives the transaction: whoever gets the session next is somebody else.
    let become_sweeper = format!("begin; set local role {SWEEPER}");
    if client.batch_execute(&become_sweeper).await.is_err() {
        let cause =
            format!("the login role is not a member of {SWEEPER}, which sees the events of all tenants");
        return Ok(Finding::left_out(cause));
    }
    let rows = client.query_typed(query, &[]).await;
    client.batch_execute("rollback").await?;
    let Some(row) = rows.as_ref().ok().and_then(|rows| rows.first()) else {
        return Ok(Finding::left_out(format!("{SWEEPER} may not read booking_events")));
    };
    let (last, now): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    Ok(if last > now {
        Finding::bad(
            "the sequence of ticks is behind events that wait for a number: new events would be told before them",
            format!(
                "start booking again, which puts it right, or as the schema's owner: select setval('booking_event_ticks', {last})"
            ),
        )
    } else {
        Finding::good("the sequence of ticks is ahead of the events")
    })
}
