//! What the migrations of a service make, kept as a file, and what a database has of
//! it. Whoever changes a schema by hand, or restores it without its grants, is not
//! seen by the numbers of migrations; here everything is compared, and what is missing
//! is made again.
//!
//! No table, column or type is dropped or changed: what of it is another than it was
//! made is named, for an operator to decide. What holds nothing is replaced, whatever
//! another program made of it: functions, triggers, policies, sequences' settings, what a
//! role may, defaults, indexes, checks, foreign keys, and keys that nobody refers to. What
//! is there besides is left as it is, and named where it opens what the migrations close.
//!
//! A rule that only refuses what others write (a check, a not null) is missed by no call,
//! and may have been dropped for another program's sake: it is reported, made again by a
//! repair, and left out by one with `--except`.
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
mod rights;
mod same;
mod service;
mod statements;

use boot::{Check, Finding, State};
use tokio_postgres::Client;

pub use self::apply::{Outcome, alone, apply, preamble};
pub use self::difference::{Difference, Weight};
pub use self::look::{Live, look};
pub use self::object::{Kind, Object, parse, print};
pub use self::rights::{Lacking, lacking, lacking_in, named};
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

/// What a service finds by itself, which the comparison may have found, too.
#[derive(Debug)]
pub struct Own {
    /// The object that it is about, as [`Object::label`] has it; empty if it is about none.
    pub of: String,
    /// What was found.
    pub finding: Finding,
}

/// A check of a database: everything is there, and as it was made. What `own` found, too, is
/// reported once, with the fix of the comparison. Where migrations are missing, that is
/// reported, and `own` is not run.
pub fn check<F>(name: &'static str, url: &str, service: &'static Service, own: F) -> Check
where
    F: Future<Output = Vec<Own>> + Send + 'static,
{
    checks::with_client(name, url, move |client| async move {
        let compared = match drift(&client, service).await? {
            Drift::Behind => return Ok(vec![Finding::left_out("the migrations come first")]),
            Drift::Ahead => vec![Finding::left_out("the database is ahead of this version")],
            Drift::Current { differences, .. } => differences.into_iter().map(finding).collect(),
        };
        let findings = in_short(together(compared, own.await));
        if findings.is_empty() {
            return Ok(vec![Finding::good("everything is as the migrations made it")]);
        }
        Ok(findings)
    })
}

fn finding(difference: Difference) -> Finding {
    let Difference { found, weight, left_by, cure, .. } = difference;
    let fix = match (cure, left_by) {
        (Err(why), _) => why,
        (Ok(_), None) => {
            "`frontdesk doctor --repair --apply` makes it so; `frontdesk doctor --repair` prints how"
                .to_owned()
        }
        (Ok(_), Some(word)) => format!(
            "`frontdesk doctor --repair --apply` makes it so; where another program is to be free of it, `frontdesk \
             doctor --repair --apply --except {word}` leaves it"
        ),
    };
    match weight {
        Weight::Grave => Finding::bad(found, fix),
        Weight::Light => Finding::odd(found, fix),
    }
}

/// What both have found is as bad as either says.
fn together(mut compared: Vec<Finding>, own: Vec<Own>) -> Vec<Finding> {
    let ends = |rest: &str| !rest.starts_with(|mark: char| mark.is_alphanumeric() || mark == '_');
    for Own { of, finding } in own {
        let is_about = |one: &&mut Finding| {
            let mut named = one.found.match_indices(&of);
            !of.is_empty() && named.any(|(at, _)| ends(&one.found[at + of.len()..]))
        };
        match compared.iter_mut().find(is_about) {
            Some(one) if finding.state == State::Bad => one.state = State::Bad,
            Some(_) => {}
            None => compared.push(finding),
        }
    }
    compared
}

/// What serves and is mended alike is one finding.
fn in_short(findings: Vec<Finding>) -> Vec<Finding> {
    let mut short: Vec<Finding> = Vec::new();
    for finding in findings {
        let is_alike = |one: &&mut Finding| (one.state, &one.fix) == (State::Odd, &finding.fix);
        match short.iter_mut().find(is_alike) {
            Some(one) if finding.state == State::Odd => {
                one.found.push_str("; ");
                one.found.push_str(&finding.found);
            }
            _ => short.push(finding),
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_twice_is_told_once_and_as_bad_as_either_says() {
        let compared = vec![
            Finding::bad("column t.a is missing", "repair"),
            Finding::odd("constraint t.c is CHECK (x)", "repair"),
            Finding::odd("index i is missing", "repair"),
            Finding::odd("index j is missing", "repair"),
            Finding::odd("constraint t.d is EXCLUDE (x)", "by hand"),
        ];
        let own = |of: &str, finding: Finding| Own { of: of.to_owned(), finding };
        let found = vec![
            own("column t.a", Finding::bad("SCHEMA_DRIFT: t.a", "other")),
            own("constraint t.c", Finding::bad("CHECK_VIOLATION: t.c", "other")),
            own("column t.b", Finding::odd("column t.b is another", "none")),
            own("", Finding::bad("it could not be looked at", "see")),
        ];
        assert_eq!(
            in_short(together(compared, found)),
            [
                Finding::bad("column t.a is missing", "repair"),
                Finding::bad("constraint t.c is CHECK (x)", "repair"),
                Finding::odd("index i is missing; index j is missing", "repair"),
                Finding::odd("constraint t.d is EXCLUDE (x)", "by hand"),
                Finding::odd("column t.b is another", "none"),
                Finding::bad("it could not be looked at", "see"),
            ]
        );
    }
}
