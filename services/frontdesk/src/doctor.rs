//! `frontdesk doctor`: is everything there that the services need? Each check
//! belongs to the part that knows; here they are listed, made and reported.
//! Writes nothing, unless it is asked to mend the schema (`repair`).

mod repair;
mod report;
mod running;

use std::sync::Arc;
use std::time::Duration;

use boot::{Check, ClientTlsFiles, Finding, Settings, Trimmed};
use clap::Args;
use gateway::{BOOKING_ADDR, IDENTITY_ADDR};
use identity::{Deployment, FRONTDESK_MASTER_KEY, TRUSTED_ISSUERS};
use jiff::Timestamp;
use pg::DATABASE_URL;
use pg::checks::applied;
use tokio::sync::Semaphore;

use self::report::Report;
use self::running::ADMIN_ADDR;
use crate::Failure;
use crate::http_url::HttpUrl;
use crate::settings::Source;
use crate::smoke::API_BASE_URL;

/// How long the gateway may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// How many checks are made at once; each has a connection to the database or two.
const AT_ONCE: usize = 4;
/// What is done without a setting.
const WITHOUT: &str = "its check is left out";
/// The roles that the services switch to.
const ROLES: [&str; 2] = [identity::ROLE, booking::ROLE];

#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Prints one JSON object instead of lines.
    #[arg(long)]
    json: bool,
    /// Prints the statements that make again what the schema lacks, as a script for
    /// psql, instead of the checks. `DATABASE_URL` must name the schema's owner.
    #[arg(long)]
    repair: bool,
    /// Runs them, and says what was done and what could not be.
    #[arg(long, requires = "repair")]
    apply: bool,
    /// Leaves a rule as it is (TABLE.CONSTRAINT, or TABLE.COLUMN for a not null), where
    /// another program is to be free of it; may be repeated.
    #[arg(long, requires = "repair", value_name = "RULE")]
    except: Vec<String>,
}

/// Where everything is, as text: a value that cannot be used is a finding and
/// does not keep the other checks. Without its setting a check is left out.
pub struct Environment {
    database: String,
    master_key: Option<String>,
    trusted_issuers: Option<String>,
    called: Called,
    gateway: Option<String>,
    processes: Option<String>,
}

/// Where the services are, and how they are called.
struct Called {
    identity: Option<String>,
    booking: Option<String>,
    tls: Option<ClientTlsFiles>,
}

impl Environment {
    pub fn read(settings: &mut Settings) -> Option<Self> {
        let database = settings.parsed::<Trimmed>(&DATABASE_URL).map(|url| url.0);
        let master_key = settings.if_set_else(&FRONTDESK_MASTER_KEY, WITHOUT);
        let trusted_issuers = settings.if_set(&TRUSTED_ISSUERS);
        let identity = settings.if_set_else(&IDENTITY_ADDR, WITHOUT);
        let booking = settings.if_set_else(&BOOKING_ADDR, WITHOUT);
        let gateway = settings.if_set_else(&API_BASE_URL, WITHOUT);
        let processes = settings.if_set(&ADMIN_ADDR);
        let tls = ClientTlsFiles::read(settings);
        let database = database?;
        let called = Called { identity, booking, tls: tls? };
        Some(Self { database, master_key, trusted_issuers, called, gateway, processes })
    }

    async fn checks(self) -> Vec<Check> {
        let Self { database, master_key, trusted_issuers, called, gateway, processes } = self;
        let Called { identity, booking, tls } = called;
        let login = pg::checks::Login::of(&database, &ROLES).await;
        let seen = |role: &'static str, check: Check| match &login {
            Some(login) if login.is_of_another(role) => {
                let why = format!("{} names a login of another service than {role}", DATABASE_URL.name);
                Check::new(check.name, std::future::ready(Finding::left_out(why)))
            }
            _ => check,
        };
        let of_identity = |check| seen(identity::ROLE, check);
        let of_booking = |check| seen(booking::ROLE, check);
        let mut checks = pg::checks::checks(&database, &ROLES, &booking::EXTENSIONS);
        checks.push(of_identity(applied("migrations of identity", &database, &identity::MIGRATIONS)));
        checks.push(of_booking(applied("migrations of booking", &database, &booking::MIGRATIONS)));
        checks.extend(booking::checks(&database).into_iter().map(of_booking));
        let deployment = Deployment { database, master_key, trusted_issuers };
        checks.extend(identity::checks(deployment, Timestamp::now()).into_iter().map(of_identity));
        for (name, addresses, setting, service) in [
            ("identity", identity, &IDENTITY_ADDR, identity::SERVICES[0]),
            ("booking", booking, &BOOKING_ADDR, booking::SERVICES[0]),
        ] {
            checks.push(match addresses {
                Some(addresses) => upstream::check(name, (addresses, tls.clone()), setting.name, service),
                None => Check::left_out(name, setting.name),
            });
        }
        match gateway {
            Some(url) => {
                checks.push(gateway_check(url.clone()));
                checks.push(running::origins_check(url, processes.clone()));
            }
            None => {
                checks.extend(["gateway", "origins"].map(|name| Check::left_out(name, API_BASE_URL.name)));
            }
        }
        checks.push(match processes {
            Some(ports) => running::processes_check(ports),
            None => Check::left_out("processes", ADMIN_ADDR.name),
        });
        checks
    }
}

pub async fn run(source: &Source, args: DoctorArgs) -> Result<(), Failure> {
    let DoctorArgs { json, repair, apply, except } = args;
    if repair {
        let url = source.read(pg::read_url)?;
        return if apply {
            repair::apply(&url, &except, json).await
        } else {
            repair::print(&url, &except, json).await
        };
    }
    let mut report = Report::new(json);
    // Some at once: one that waits for what does not answer keeps few waiting, and a role
    // that may have a handful of connections is enough.
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let run = |check: Check| {
        let places = Arc::clone(&places);
        async move {
            // Nobody closes it.
            let _place = places.acquire().await;
            check.run().await
        }
    };
    let checks = source.read(Environment::read)?.checks().await;
    let running: Vec<_> = checks.into_iter().map(|check| (check.name, tokio::spawn(run(check)))).collect();
    for (name, running) in running {
        let ended = |error| vec![Finding::bad(format!("the check ended early: {error}"), "look again")];
        report.add(name, running.await.unwrap_or_else(ended))?;
    }
    report.end()
}

/// The gateway as its callers reach it, which may be through a proxy.
fn gateway_check(url: String) -> Check {
    Check::new("gateway", async move {
        let base = match url.parse::<HttpUrl>() {
            Ok(HttpUrl(base)) => base,
            Err(error) => return Finding::bad(format!("`{url}`: {error}"), "correct API_BASE_URL"),
        };
        let asked = async {
            let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
            let answer = client.get(format!("{base}/readyz")).send().await?;
            Ok::<_, reqwest::Error>((answer.status().is_success(), answer.text().await?))
        };
        match asked.await {
            Ok((true, _)) => Finding::good(format!("{url} is ready")),
            Ok((false, body)) => Finding::bad(format!("{url} is not ready: {body}"), "mend what it names"),
            Err(error) => Finding::bad(
                format!("{url} does not answer ({})", error.without_url()),
                "start `frontdesk gateway`, or correct API_BASE_URL",
            ),
        }
    })
}
