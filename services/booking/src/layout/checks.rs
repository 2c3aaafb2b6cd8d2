//! What an operator should know of booking's part of a database: whether the schema
//! fits, what forbids double bookings, and whether the feed goes on. What the migrations
//! made and is not there any more, `pg::schema` finds; what calls run into besides is
//! found here. Reports only.

use boot::{Check, Finding};
use pg::Fault;
use pg::checks::with_client;
use pg::schema::{self, Own, Service};

use super::columns::NO_DOUBLE_BOOKINGS;
use super::{Found, Problem, RequestHold, SWEEPER};

/// The checks of a database, looked at as the service's role.
pub fn checks(url: &str, service: &'static Service) -> Vec<Check> {
    let of_schema = look(url.to_owned(), service.role);
    let of_constraint = look(url.to_owned(), service.role);
    vec![
        schema::check("schema of booking", url, service, async move { problems(of_schema.await) }),
        Check::new("double bookings", async move { double_bookings(of_constraint.await) }),
        with_client("feed of events", url, |client| async move { feed(&client).await }),
    ]
}

async fn look(url: String, role: &'static str) -> Result<Found, String> {
    let database = pg::Config { url, pool_size: 1 }.open(role, "frontdesk-doctor")?;
    Found::detect(&database).await.map_err(|fault| fault.advice().what)
}

/// What statements need and the database lacks.
fn problems(found: Result<Found, String>) -> Vec<Own> {
    let found = match found {
        Ok(found) => found,
        Err(cause) => {
            let finding = Finding::bad(cause, "see the checks of the database and of the roles");
            return vec![Own { of: String::new(), finding }];
        }
    };
    let told = |problem: &Problem, finding: Finding| -> Vec<Own> {
        problem.labels().into_iter().map(|of| Own { of, finding: finding.clone() }).collect()
    };
    let bad = |problem: &Problem| told(problem, Finding::bad(problem.sentence(), undone(problem)));
    let odd = |problem: &Problem| {
        let Problem::Type { table, name, wanted, found } = problem else { return bad(problem) };
        let fix =
            format!("it serves, as far as every statement goes with it; the migrations make it {wanted}");
        told(problem, Finding::odd(format!("column {table}.{name} is {found}"), fix))
    };
    let problems = found.problems.iter().flat_map(bad);
    let mut own: Vec<Own> = problems.chain(found.doubtful.iter().flat_map(odd)).collect();
    if found.request_hold == RequestHold::Missing {
        let of = format!("constraint bookings.{NO_DOUBLE_BOOKINGS}");
        let finding =
            Finding::bad(format!("{of} is missing"), "`frontdesk doctor --repair` prints what makes it");
        own.push(Own { of, finding });
    }
    own
}

/// What is to be done where the comparison has nothing to say.
fn undone(problem: &Problem) -> String {
    match problem {
        Problem::Word { of, word } => format!("as the type's owner: `alter type {of} add value '{word}'`"),
        Problem::Right(_) => "`frontdesk doctor --repair --apply` gives it again".to_owned(),
        _ => "have whoever altered it undo that".to_owned(),
    }
}

fn double_bookings(found: Result<Found, String>) -> Finding {
    let Ok(found) = found else { return Finding::left_out("the schema could not be looked at") };
    let described = format!("layout {}, request_hold {}", found.layout.name(), found.request_hold.name());
    let constraint = found.constraint;
    match found.request_hold {
        RequestHold::Missing => Finding::left_out(format!(
            "{described}: nothing in the database forbids them; see the schema of booking"
        )),
        RequestHold::Flag => Finding::odd(
            format!("{described}: {constraint}"),
            "make sure that every sold row has the flag which the constraint looks at",
        ),
        RequestHold::Literal | RequestHold::ConfirmedOnly => {
            Finding::good(format!("{described}: {constraint}"))
        }
    }
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
                "start booking again, which puts it right, or as the schema's owner: \
                 `select setval('booking_event_ticks', {last})`"
            ),
        )
    } else {
        Finding::good("the sequence of ticks is ahead of the events")
    })
}
