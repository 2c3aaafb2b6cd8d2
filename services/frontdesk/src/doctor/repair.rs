//! `frontdesk doctor --repair`: makes again what the migrations made and a database has
//! lost. What that is and how it is made, `pg::schema` knows; here it is printed, or run
//! and reported.

use pg::schema::{self, Difference, Drift, Outcome, Service, Step, Weight};
use serde_json::{Value as Json, json};
use tokio_postgres::Client;

use crate::migrate::{SCHEMAS, database_failure};
use crate::{Failure, stderr, stdout};

/// A service with what its part of the database lacks.
struct Patient {
    service: &'static Service,
    owner: String,
    differences: Vec<Difference>,
}

/// Prints a script that makes what is missing; what it cannot do is a comment in it, and
/// what is called as one of `except` is left.
pub async fn print(url: &str, except: &[String], as_json: bool) -> Result<(), Failure> {
    let client = pg::connect(url).await.map_err(|fault| database_failure(url, fault))?;
    let patients = patients(&client, url, except).await?;
    let mut all = patients.iter().flat_map(|one| &one.differences).peekable();
    let nothing = all.peek().is_none();
    let by_hand = all.all(|one| one.cure.is_err());
    let (mut left, mut entries) = (Vec::new(), Vec::new());
    for Patient { service, owner, differences } in patients {
        let name = service.set.name;
        if !as_json && differences.iter().any(|one| one.cure.is_ok()) {
            stdout::text_as_it_is(schema::preamble(&owner))?;
        }
        for difference in &differences {
            left.extend(unmended(name, difference, difference.cure.as_ref().err()));
            if as_json {
                entries.push(entry(name, difference, None));
            } else {
                stdout::text_as_it_is(script(name, difference))?;
            }
        }
    }
    if as_json {
        stdout::line(json!({"differences": entries}))?;
    } else if nothing {
        stderr::say("nothing is missing");
    } else if by_hand {
        stderr::say("nothing here is for a script: what is to be done by hand, the comments say");
    } else {
        stderr::say("as the schema's owner; `frontdesk doctor --repair --apply` runs it");
    }
    end(&left)
}

/// Makes what is missing, one by one, but for what is called as one of `except`.
pub async fn apply(url: &str, except: &[String], as_json: bool) -> Result<(), Failure> {
    let own = pg::has_own_session(url).await.map_err(|fault| database_failure(url, fault))?;
    if !own {
        return Err(Failure::new(
            "the pooler that DATABASE_URL names shares sessions, and a repair needs one of its own: set DATABASE_URL to Postgres itself",
        ));
    }
    let (mut left, mut entries) = (Vec::new(), Vec::new());
    let client = pg::connect(url).await.map_err(|fault| database_failure(url, fault))?;
    schema::alone(&client).await.map_err(|error| database_failure(url, error))?;
    for Patient { service, owner, differences } in patients(&client, url, except).await? {
        let name = service.set.name;
        let outcomes = schema::apply(&client, &owner, differences).await;
        for Outcome { difference, done } in outcomes.map_err(|fault| database_failure(url, fault))? {
            left.extend(unmended(name, &difference, done.as_ref().err()));
            if as_json {
                entries.push(entry(name, &difference, Some(&done)));
                continue;
            }
            let found = &difference.found;
            match done {
                Ok(()) => stdout::line(format_args!("done     {name}: {found}"))?,
                Err(why) => stdout::line(format_args!("NOT DONE {name}: {found}: {why}"))?,
            }
        }
    }
    if as_json {
        stdout::line(json!({"differences": entries}))?;
    }
    end(&left)
}

/// What every service's part lacks. Migrations come first: what is missing may be what
/// they are about to make.
async fn patients(client: &Client, url: &str, except: &[String]) -> Result<Vec<Patient>, Failure> {
    let mut unused: Vec<&String> = except.iter().collect();
    let mut patients = Vec::new();
    for service in SCHEMAS {
        let drift = schema::drift(client, service).await.map_err(|fault| database_failure(url, fault))?;
        let name = service.set.name;
        patients.push(match drift {
            Drift::Current { mut differences, owner } => {
                differences.retain(|one| {
                    let leaves = |name: &&String| one.left_by.as_ref() == Some(*name);
                    unused.retain(|name| !leaves(name));
                    !except.iter().any(|name| leaves(&name))
                });
                Patient { service, owner, differences }
            }
            Drift::Behind => {
                return Err(Failure::new(format!(
                    "migrations of {name} are missing, and may make what is: run `frontdesk migrate up` first"
                )));
            }
            Drift::Ahead => {
                return Err(Failure::new(format!(
                    "the database has migrations of {name} that this version does not know: repair it with the \
                     version that brought them"
                )));
            }
        });
    }
    match unused.first() {
        Some(name) => Err(Failure::new(format!(
            "--except {name}: no rule that is missing or another is called so; `frontdesk doctor` names those that may be left"
        ))),
        None => Ok(patients),
    }
}

fn script(service: &str, difference: &Difference) -> String {
    let Difference { found, cure, .. } = difference;
    // A definition may have several lines.
    let comment = |text: String| text.replace('\n', "\n-- ");
    match cure {
        Ok(step) => format!("\n-- {}\n{}", comment(format!("{service}: {found}")), step.script()),
        Err(why) => format!("\n-- {}\n", comment(format!("{service}: {found}, which is left: {why}"))),
    }
}

fn entry(service: &str, difference: &Difference, done: Option<&Result<(), String>>) -> Json {
    let Difference { found, weight, cure, .. } = difference;
    let why = done.map_or_else(|| cure.as_ref().err(), |done| done.as_ref().err());
    json!({
        "service": service,
        "found": found,
        "serves": *weight == Weight::Light,
        "script": cure.as_ref().ok().map(Step::script),
        "done": done.is_some_and(Result::is_ok),
        "why_not": why,
    })
}

/// What keeps a version from working and stays.
fn unmended(service: &str, difference: &Difference, why: Option<&String>) -> Option<String> {
    let why = why.filter(|_| difference.weight == Weight::Grave)?;
    Some(format!("{service}: {}: {why}", difference.found))
}

fn end(left: &[String]) -> Result<(), Failure> {
    match left {
        [] => Ok(()),
        [only] => Err(Failure::new(format!("one thing is left, {only}"))),
        [first, ..] => Err(Failure::new(format!("{} things are left, the first {first}", left.len()))),
    }
}
