//! What the migrations of a service make, kept as a file, and what a database has of
//! it. Whoever changes a schema by hand, or restores it without its grants, is not
//! seen by the numbers of migrations; here everything is compared, and what is missing
//! is made again.
//!
//! No table, column or type is dropped or changed: what of it is another than it was
//! made is named, for an operator to decide. What holds nothing is replaced, whatever
//! another program made of it: functions, sequences' settings, defaults, indexes, checks
//! and foreign keys. What is there besides is left as it is, and named where it opens what
//! the migrations close.
//!
//! The file is written by a test from a database that was migrated just now, as the
//! catalog shows it. What a service needs in another layout it says itself
//! (`Service::adapt`).

mod altered;
mod apply;
mod besides;
mod compare;
mod difference;
mod look;
mod object;
mod same;
mod service;
mod statements;

use boot::{Check, Finding};
use tokio_postgres::Client;

pub use self::apply::{Outcome, alone, apply, preamble};
pub use self::difference::{Difference, Weight};
pub use self::look::{Live, look};
pub use self::object::{Kind, Object, parse, print};
pub use self::service::{Afterwards, Service};
pub use self::statements::Step;
use crate::migrate;
use crate::{Fault, checks};

/// How a database differs from what the migrations made of it.
#[derive(Debug)]
pub enum Drift {
    /// Migrations are missing, and come first.
    Behind,
    /// It has migrations that this version does not know, and what they made.
    Ahead,
    /// It has them all.
    Current {
        /// What differs, in an order in which it can be mended.
        differences: Vec<Difference>,
        /// Who owns what the migrations made.
        owner: String,
    },
}

impl Drift {
    /// What keeps a version from working as it should, one sentence each.
    pub fn missing(&self) -> Vec<String> {
        let Self::Current { differences, .. } = self else { return Vec::new() };
        let grave = differences.iter().filter(|one| one.weight == Weight::Grave);
        grave.map(|one| one.found.clone()).collect()
    }
}

/// Compares a database with what the migrations of a service make.
pub async fn drift(client: &Client, service: &Service) -> Result<Drift, Fault> {
    let state = migrate::state(client, service.set).await?;
    if !state.pending.is_empty() {
        return Ok(Drift::Behind);
    }
    if !state.unknown.is_empty() {
        return Ok(Drift::Ahead);
    }
    let live = look(client, service).await?;
    Ok(Drift::Current { differences: compare::differences(service, &live), owner: live.owner })
}

/// A check of a database: everything is there, and as it was made.
pub fn check(name: &'static str, url: &str, service: &'static Service) -> Check {
    checks::with_client(name, url, move |client| async move {
        let differences = match drift(&client, service).await? {
            Drift::Behind => return Ok(vec![Finding::left_out("the migrations come first")]),
            Drift::Ahead => return Ok(vec![Finding::left_out("the database is ahead of this version")]),
            Drift::Current { differences, .. } => differences,
        };
        if differences.is_empty() {
            return Ok(vec![Finding::good("everything is as the migrations made it")]);
        }
        Ok(differences.into_iter().map(finding).collect())
    })
}

fn finding(difference: Difference) -> Finding {
    let Difference { found, weight, cure, .. } = difference;
    let fix = match cure {
        Ok(_) => "`frontdesk doctor --repair --apply` makes it so; `frontdesk doctor --repair` prints how"
            .to_owned(),
        Err(why) => why,
    };
    match weight {
        Weight::Grave => Finding::bad(found, fix),
        Weight::Light => Finding::odd(found, fix),
    }
}
