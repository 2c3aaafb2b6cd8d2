//! `frontdesk migrate`: the schema of both services. The numbers of all migrations may be
//! there although something that they made is lost, so the objects are compared, too;
//! `frontdesk doctor --repair --apply` makes them again.

use clap::Subcommand;
use pg::migrate::{self, MigrateError, MigrationSet};
use pg::schema::{self, Service};
use serde_json::json;

use crate::settings::Source;
use crate::{Failure, stderr, stdout};

/// Every service's migrations, in the order in which they are applied.
pub const SETS: [&MigrationSet; 2] = [&identity::MIGRATIONS, &booking::MIGRATIONS];

/// What the migrations of every service make, in the same order.
pub const SCHEMAS: [&Service; 2] = [&identity::SCHEMA, &booking::SCHEMA];

/// The exit code for a database that is behind or is not what the migrations made.
const DRIFTED: u8 = 3;

#[derive(Debug, Subcommand)]
pub enum MigrateCommand {
    /// Applies the migrations that are missing, and says if the database has lost what
    /// others made. `DATABASE_URL` must name the schema's owner.
    Up {
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
    /// Lists which migrations are applied, which are missing, and what the applied ones
    /// made and the database has lost; exit code 3 if anything is missing.
    Status {
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
}

pub async fn run(source: &Source, command: MigrateCommand) -> Result<(), Failure> {
    let url = source.read(pg::read_url)?;
    match command {
        MigrateCommand::Up { json } => up(&url, json).await,
        MigrateCommand::Status { json } => status(&url, json).await,
    }
}

async fn up(url: &str, as_json: bool) -> Result<(), Failure> {
    let applied = migrate::up(url, &SETS).await.map_err(|error| database_failure(url, error))?;
    let drifted = drifted(url).await?;
    if as_json {
        stdout::line(json!({"applied": applied, "drifted": drifted}))?;
    } else {
        for name in &applied {
            stdout::line(format_args!("applied {name}"))?;
        }
    }
    let every = format!("every migration is applied ({} now)", applied.len());
    if drifted.is_empty() {
        stderr::say(format_args!("the database is up to date ({} applied now)", applied.len()));
        return Ok(());
    }
    end(&every, &drifted, as_json)
}

/// What the migrations made and the database has lost, each with its service.
async fn drifted(url: &str) -> Result<Vec<String>, Failure> {
    let client = pg::connect(url).await.map_err(|fault| database_failure(url, fault))?;
    let mut drifted = Vec::new();
    for service in SCHEMAS {
        let drift = schema::drift(&client, service).await.map_err(|fault| database_failure(url, fault))?;
        drifted.extend(drift.missing().into_iter().map(|found| format!("{} {found}", service.set.name)));
    }
    Ok(drifted)
}

/// The end of a command that found something lost.
fn end(applied: &str, drifted: &[String], as_json: bool) -> Result<(), Failure> {
    if !as_json {
        for found in drifted {
            stdout::line(format_args!("drifted {found}"))?;
        }
    }
    let first = drifted.first().map_or("", String::as_str);
    let more = match drifted.len() {
        0 | 1 => String::new(),
        count => format!(", and {} more", count - 1),
    };
    Err(Failure::with_code(
        DRIFTED,
        format!(
            "{applied}, and the database is not what they made: {first}{more}; run `frontdesk doctor --repair --apply`"
        ),
    ))
}

/// A sentence when the database cannot be reached, has defaults that nothing can be stored
/// with, or lacks a migration of the set; a warning in the log when it is ahead.
pub async fn check(url: &str, set: &MigrationSet) -> Result<(), Failure> {
    let client = pg::connect(url).await.map_err(|fault| database_failure(url, fault))?;
    pg::relied_on(&client).await.map_err(|fault| database_failure(url, fault))?;
    let state = migrate::state(&client, set).await.map_err(|fault| database_failure(url, fault))?;
    if let Some(first) = state.pending.first() {
        return Err(Failure::new(format!(
            "the database is behind: {} needs migration {first} ({} missing); run `frontdesk migrate up` as the schema's owner",
            set.name,
            state.pending.len()
        )));
    }
    if !state.unknown.is_empty() {
        tracing::warn!(unknown = ?state.unknown, service = set.name, "the database is ahead of this version");
    }
    Ok(())
}

/// The failure for a database that cannot be used. The URL's password stays out.
pub fn database_failure(url: &str, error: impl Into<MigrateError>) -> Failure {
    Failure::new(format!("the database {} cannot be used: {}", without_password(url), error.into()))
}

async fn status(url: &str, as_json: bool) -> Result<(), Failure> {
    let client = pg::connect(url).await.map_err(|fault| database_failure(url, fault))?;
    let mut missing = 0;
    let mut report = serde_json::Map::new();
    for set in SETS {
        let state = migrate::state(&client, set).await.map_err(|fault| database_failure(url, fault))?;
        missing += state.pending.len();
        if as_json {
            let entry = json!({"applied": state.applied, "pending": state.pending, "unknown": state.unknown});
            report.insert(set.name.to_owned(), entry);
            continue;
        }
        for (word, names) in
            [("applied", &state.applied), ("pending", &state.pending), ("unknown", &state.unknown)]
        {
            for name in names {
                stdout::line(format_args!("{word} {} {name}", set.name))?;
            }
        }
    }
    let drifted = drifted(url).await?;
    if as_json {
        report.insert("drifted".to_owned(), json!(drifted));
        stdout::line(serde_json::Value::Object(report))?;
    }
    if missing > 0 {
        let behind = format!("the database is behind: {missing} missing; run `frontdesk migrate up`");
        return Err(Failure::with_code(DRIFTED, behind));
    }
    if drifted.is_empty() { Ok(()) } else { end("every migration is applied", &drifted, as_json) }
}

fn without_password(url: &str) -> String {
    match url.parse::<pg::Address>() {
        Ok(address) => format!("{} at {}", address.database().unwrap_or("(default)"), address.hosts()),
        Err(_) => "in DATABASE_URL".to_owned(),
    }
}
