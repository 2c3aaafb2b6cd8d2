//! What an operator should know of booking's part of a database: whether the
//! schema fits, what forbids double bookings, and whether the feed goes on.

use boot::{Check, Finding};
use pg::Fault;
use pg::checks::with_client;

use crate::ROLE;
use crate::layout::checks::{ADD_NO_DOUBLE_BOOKINGS, Inspection, inspect};

/// The checks of a database.
pub fn checks(url: &str) -> Vec<Check> {
    let of_schema = look(url.to_owned());
    let of_constraint = look(url.to_owned());
    vec![
        Check::new("schema of booking", async move { schema(of_schema.await) }),
        Check::new("double bookings", async move { double_bookings(of_constraint.await) }),
        with_client("feed of events", url, |client| async move { feed(&client).await }),
    ]
}

async fn look(url: String) -> Result<Inspection, String> {
    let database = pg::Config { url, pool_size: 1 }.open(ROLE, "frontdesk-doctor")?;
    inspect(&database).await.map_err(|fault| fault.to_string())
}

fn schema(found: Result<Inspection, String>) -> Vec<Finding> {
    let found = match found {
        Ok(found) => found,
        Err(cause) => return vec![Finding::bad(cause, "see the checks of the database and of the roles")],
    };
    if found.problems.is_empty() {
        return vec![Finding::good("every table, column and constraint is there")];
    }
    let fix = "`frontdesk migrate up`, or undo what was changed by hand";
    found.problems.into_iter().map(|problem| Finding::bad(problem, fix)).collect()
}

fn double_bookings(found: Result<Inspection, String>) -> Finding {
    let Ok(found) = found else { return Finding::left_out("the schema could not be looked at") };
    let Inspection { layout, request_hold, constraint, .. } = found;
    let described = format!("layout {layout}, request_hold {request_hold}");
    match request_hold {
        "MISSING" => Finding::bad(
            format!("{described}: nothing in the database forbids them"),
            format!("as the schema's owner: {ADD_NO_DOUBLE_BOOKINGS}"),
        ),
        "FLAG" => Finding::odd(
            format!("{described}: {constraint}"),
            "make sure that every sold row has the flag which the constraint looks at",
        ),
        _ => Finding::good(format!("{described}: {constraint}")),
    }
}

/// Positions of events count transactions of the cluster that wrote them. In a
/// cluster that was restored from a dump they may lie in the future.
async fn feed(client: &tokio_postgres::Client) -> Result<Finding, Fault> {
    let query = "select coalesce(max(position), 0), \
        pg_snapshot_xmax(pg_current_snapshot())::text::bigint from booking_events";
    let Ok(row) = client.query_one(query, &[]).await else {
        return Ok(Finding::left_out("the login role may not read booking_events"));
    };
    let (last, now): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    Ok(if last > now + 1 {
        Finding::bad(
            "events lie in the future: the database was restored from a dump, and watchers would not see new ones",
            "as the schema's owner: update booking_events set position = 0 where position > pg_snapshot_xmax(pg_current_snapshot())::text::bigint",
        )
    } else {
        Finding::good("no event lies in the future")
    })
}
