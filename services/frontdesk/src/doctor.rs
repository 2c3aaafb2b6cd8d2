//! `frontdesk doctor`: is everything there that the services need? Each check that
//! fails names the fix. Writes nothing.

use std::time::Duration;

use boot::Settings;
use clap::Args;
use identity::MasterKey;
use identity::operator::Operator;
use jiff::Timestamp;
use pg::migrate as migrations;
use serde_json::{Value as Json, json};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::Failure;
use crate::migrate::{SETS, database_failure};
use crate::roles::open;

/// How long a service may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// Clocks that are further apart expire tokens early.
const MAX_SKEW: f64 = 2.0;
/// Exit code: a check failed.
const FAILED: u8 = 1;
/// Exit code: a variable is missing or cannot be read.
const MISSING_VARIABLE: u8 = 2;

/// Reads `DATABASE_URL`, and where they are set `FRONTDESK_MASTER_KEY`,
/// `IDENTITY_ADDR`, `BOOKING_ADDR` and `API_BASE_URL`, whose checks are left out
/// otherwise. Exit codes: 0 all is well, 1 a check failed, 2 a variable is missing.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Prints one JSON object instead of lines.
    #[arg(long)]
    json: bool,
}

/// The outcome of a check.
struct Check {
    name: &'static str,
    state: State,
    found: String,
    /// What to do; empty when all is well.
    fix: String,
}

#[derive(PartialEq, Eq)]
enum State {
    Good,
    /// Works, and somebody should know.
    Odd,
    Bad,
    /// Its setting is not there.
    LeftOut,
}

struct Set {
    database: String,
    master_key: Option<String>,
    identity: String,
    booking: String,
    gateway: String,
}

pub async fn run(args: DoctorArgs) -> Result<(), Failure> {
    access::install_crypto();
    let mut settings = Settings::new();
    let database = settings.secret("DATABASE_URL", "the database, as postgresql://user@host/name");
    let master_key = settings.optional_secret("FRONTDESK_MASTER_KEY");
    let identity = settings.or("IDENTITY_ADDR", String::new());
    let booking = settings.or("BOOKING_ADDR", String::new());
    let gateway = settings.or("API_BASE_URL", String::new());
    let all = || {
        Some(Set {
            database: database?,
            master_key,
            identity: identity?,
            booking: booking?,
            gateway: gateway?,
        })
    };
    let set = settings.finish(all()).map_err(|error| Failure::with_code(MISSING_VARIABLE, error))?;

    let mut checks = database_checks(&set).await?;
    checks.push(service("identity", &set.identity, "IDENTITY_ADDR").await);
    checks.push(service("booking", &set.booking, "BOOKING_ADDR").await);
    checks.push(gateway_check(&set.gateway).await);
    report(&checks, args.json)
}

fn report(checks: &[Check], as_json: bool) -> Result<(), Failure> {
    let bad = checks.iter().filter(|check| check.state == State::Bad).count();
    if as_json {
        let list: Vec<Json> = checks
            .iter()
            .map(|Check { name, state, found, fix }| {
                json!({"check": name, "state": state.word(), "found": found, "fix": fix})
            })
            .collect();
        println!("{}", json!({"healthy": bad == 0, "checks": list}));
    } else {
        for Check { name, state, found, fix } in checks {
            println!("{:<8} {name}: {found}", state.word());
            if !fix.is_empty() {
                println!("         fix: {fix}");
            }
        }
    }
    match bad {
        0 => Ok(()),
        bad => Err(Failure::with_code(FAILED, format!("{bad} of {} checks failed", checks.len()))),
    }
}

async fn database_checks(set: &Set) -> Result<Vec<Check>, Failure> {
    let url = &set.database;
    let client = match pg::connect(url).await {
        Ok(client) => client,
        Err(fault) => {
            let fix = "start the database, or set DATABASE_URL to where it is";
            return Ok(vec![Check::bad("database", database_failure(url, &fault), fix)]);
        }
    };
    let mut checks = vec![server(&client).await?];
    checks.extend(migration_checks(&client).await?);
    checks.push(roles(&client).await?);
    checks.extend(booking_checks(url).await?);
    checks.push(feed(&client).await);
    checks.push(signing_key(url, set.master_key.as_deref()).await?);
    Ok(checks)
}

async fn server(client: &tokio_postgres::Client) -> Result<Check, Failure> {
    let query = "select current_setting('server_version') as version, \
        extract(epoch from clock_timestamp())::float8 as now, \
        current_setting('synchronous_commit') as durable, pg_is_in_recovery() as standby";
    let row = client.query_one(query, &[]).await.map_err(Failure::new)?;
    let (version, now): (&str, f64) = (row.get("version"), row.get("now"));
    let skew = (Timestamp::now().as_duration().as_secs_f64() - now).abs();
    if row.get("standby") {
        let fix = "set DATABASE_URL to the primary; a standby takes no changes";
        return Ok(Check::bad("database", format!("PostgreSQL {version}, a standby"), fix));
    }
    if skew > MAX_SKEW {
        let found = format!("PostgreSQL {version}; its clock is {skew:.1} s off this machine's");
        return Ok(Check::bad("database", found, "set both clocks by NTP"));
    }
    if row.get::<_, &str>("durable") == "off" {
        let found = format!("PostgreSQL {version}; synchronous_commit is off");
        return Ok(Check::odd(
            "database",
            found,
            "set synchronous_commit on, or a crash loses acknowledged approvals",
        ));
    }
    Ok(Check::good("database", format!("PostgreSQL {version}, a primary, clocks agree")))
}

async fn migration_checks(client: &tokio_postgres::Client) -> Result<Vec<Check>, Failure> {
    let mut checks = Vec::new();
    for set in SETS {
        let name = if set.name == "identity" { "migrations of identity" } else { "migrations of booking" };
        let state = migrations::state(client, set).await.map_err(Failure::new)?;
        checks.push(if !state.pending.is_empty() {
            let found = format!("missing {}", state.pending.join(", "));
            Check::bad(name, found, "run `frontdesk migrate up` as the schema's owner")
        } else if !state.unknown.is_empty() {
            let found = format!("the database is ahead: {}", state.unknown.join(", "));
            Check::odd(name, found, "deploy the version that brought them")
        } else {
            Check::good(name, format!("{} applied", state.applied.len()))
        });
    }
    Ok(checks)
}

async fn roles(client: &tokio_postgres::Client) -> Result<Check, Failure> {
    let query = "select r.rolname::text as name, current_user::text as login from pg_roles r \
        where r.rolname = any ($1) and pg_has_role(current_user, r.oid, 'member')";
    let needed = [identity::ROLE, booking::ROLE];
    let rows = client.query(query, &[&needed.as_slice()]).await.map_err(Failure::new)?;
    let has: Vec<String> = rows.iter().map(|row| row.get("name")).collect();
    let lacks: Vec<&str> = needed.into_iter().filter(|role| !has.iter().any(|one| one == role)).collect();
    if lacks.is_empty() {
        return Ok(Check::good("roles", format!("the login role is a member of {}", needed.join(" and "))));
    }
    let fix = format!(
        "as a superuser: grant {} to the login role; `frontdesk migrate up` makes the roles",
        lacks.join(", ")
    );
    Ok(Check::bad("roles", format!("the login role is no member of {}", lacks.join(", ")), fix))
}

async fn booking_checks(url: &str) -> Result<Vec<Check>, Failure> {
    let database = open(url.to_owned(), booking::ROLE, "frontdesk-doctor", 1)?;
    let found = match booking::inspect(&database).await {
        Ok(found) => found,
        Err(fault) => {
            let fix = "see the check of the roles; the log of the database has the details";
            return Ok(vec![Check::bad("schema of booking", fault.refusal().message(), fix)]);
        }
    };
    let booking::Inspection { layout, request_hold, constraint, problems } = found;
    let mut checks: Vec<Check> = problems
        .iter()
        .map(|problem| {
            Check::bad(
                "schema of booking",
                problem,
                "`frontdesk migrate up`, or undo what was changed by hand",
            )
        })
        .collect();
    if checks.is_empty() {
        checks.push(Check::good("schema of booking", "every table, column and constraint is there"));
    }
    let described = format!("layout {layout}, request_hold {request_hold}");
    checks.push(match request_hold {
        "MISSING" => Check::bad(
            "double bookings",
            format!("{described}: nothing in the database forbids them"),
            format!("as the schema's owner: {}", booking::ADD_NO_DOUBLE_BOOKINGS),
        ),
        "FLAG" => Check::odd(
            "double bookings",
            format!("{described}: {constraint}"),
            "make sure that every sold row has the flag which the constraint looks at",
        ),
        _ => Check::good("double bookings", format!("{described}: {constraint}")),
    });
    Ok(checks)
}

/// Positions of events count transactions of the cluster that wrote them. In a
/// cluster that was restored from a dump they may lie in the future.
async fn feed(client: &tokio_postgres::Client) -> Check {
    let query = "select coalesce(max(position), 0) as last, \
        pg_snapshot_xmax(pg_current_snapshot())::text::bigint as now from booking_events";
    match client.query_one(query, &[]).await {
        Ok(row) if row.get::<_, i64>("last") > row.get::<_, i64>("now") + 1 => Check::bad(
            "feed of events",
            "events lie in the future: the database was restored from a dump, and watchers would not see new ones",
            "as the schema's owner: update booking_events set position = 0 where position > pg_snapshot_xmax(pg_current_snapshot())::text::bigint",
        ),
        Ok(_) => Check::good("feed of events", "no event lies in the future"),
        Err(_) => Check {
            name: "feed of events",
            state: State::LeftOut,
            found: "the login role may not read booking_events".to_owned(),
            fix: String::new(),
        },
    }
}

async fn signing_key(url: &str, master_key: Option<&str>) -> Result<Check, Failure> {
    const NAME: &str = "signing key";
    let Some(text) = master_key else { return Ok(Check::left_out(NAME, "FRONTDESK_MASTER_KEY")) };
    let master_key = match MasterKey::from_text(text) {
        Ok(master_key) => master_key,
        Err(error) => {
            return Ok(Check::bad(
                NAME,
                format!("FRONTDESK_MASTER_KEY: {error}"),
                "make one: `openssl rand -base64 32`",
            ));
        }
    };
    let admin =
        Operator::new(&open(url.to_owned(), identity::ROLE, "frontdesk-doctor", 1)?).map_err(Failure::new)?;
    Ok(match admin.signing_key_opens(&master_key, Timestamp::now()).await {
        Ok(Some(true)) => Check::good(NAME, "the active key opens with the master key"),
        Ok(Some(false)) => Check::bad(
            NAME,
            "the active key does not open with this master key",
            "set the master key that identity first started with, or rotate: `frontdesk keys rotate --now`",
        ),
        Ok(None) => Check::odd(NAME, "there is none yet", "start `frontdesk identity` once; it makes one"),
        Err(error) => Check::bad(NAME, error.to_string(), "see the checks of the database above"),
    })
}

async fn service(name: &'static str, addr: &str, variable: &str) -> Check {
    if addr.is_empty() {
        return Check::left_out(name, variable);
    }
    let upstream: upstream::Upstream = match addr.parse() {
        Ok(upstream) => upstream,
        Err(error) => {
            let error: upstream::UpstreamError = error;
            return Check::bad(name, error.to_string(), format!("correct {variable}"));
        }
    };
    let mut client = HealthClient::new(upstream);
    let asked = client.check(HealthCheckRequest { service: String::new() });
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(answer)) if answer.get_ref().status() == ServingStatus::Serving => {
            Check::good(name, format!("{addr} serves"))
        }
        Ok(Ok(_)) => {
            Check::bad(name, format!("{addr} runs and is not ready"), "its log says what it waits for")
        }
        Ok(Err(_)) | Err(_) => Check::bad(
            name,
            format!("{addr} does not answer"),
            format!("start `frontdesk {name}`, or correct {variable}"),
        ),
    }
}

async fn gateway_check(url: &str) -> Check {
    const NAME: &str = "gateway";
    if url.is_empty() {
        return Check::left_out(NAME, "API_BASE_URL");
    }
    let asked = async {
        let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
        let answer = client.get(format!("{}/readyz", url.trim_end_matches('/'))).send().await?;
        Ok::<_, reqwest::Error>((answer.status().is_success(), answer.text().await?))
    };
    match asked.await {
        Ok((true, _)) => Check::good(NAME, format!("{url} is ready")),
        Ok((false, body)) => Check::bad(NAME, format!("{url} is not ready: {body}"), "mend what it names"),
        Err(error) => Check::bad(
            NAME,
            format!("{url} does not answer ({})", error.without_url()),
            "start `frontdesk gateway`, or correct API_BASE_URL",
        ),
    }
}

impl Check {
    fn good(name: &'static str, found: impl ToString) -> Self {
        Self { name, state: State::Good, found: found.to_string(), fix: String::new() }
    }

    fn odd(name: &'static str, found: impl ToString, fix: impl ToString) -> Self {
        Self { name, state: State::Odd, found: found.to_string(), fix: fix.to_string() }
    }

    fn bad(name: &'static str, found: impl ToString, fix: impl ToString) -> Self {
        Self { name, state: State::Bad, found: found.to_string(), fix: fix.to_string() }
    }

    fn left_out(name: &'static str, variable: &str) -> Self {
        Self { name, state: State::LeftOut, found: format!("{variable} is not set"), fix: String::new() }
    }
}

impl State {
    fn word(&self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Odd => "warning",
            Self::Bad => "FAILED",
            Self::LeftOut => "left out",
        }
    }
}
