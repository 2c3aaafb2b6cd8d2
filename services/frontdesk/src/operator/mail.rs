//! `frontdesk mail`: letters that nobody tries to deliver any more.

use clap::Subcommand;
use identity::operator::{DeadLetter, MailId, Operator};
use jiff::Timestamp;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::output::Output;
use super::{open, open_to_write};
use crate::settings::Source;
use crate::{Failure, stderr};

#[derive(Debug, Subcommand)]
pub enum MailCommand {
    /// Lists letters that could not be delivered, the last one first. They are kept for 30
    /// days; links in them work no longer than they say.
    List,
    /// Tries a letter again, for three days at most, and no longer than its link works.
    Retry {
        /// Its id, as `mail list` shows it.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        id: Option<Uuid>,
        /// Every dead letter whose link still works.
        #[arg(long)]
        all: bool,
    },
}

pub async fn run(source: &Source, command: MailCommand, output: Output) -> Result<(), Failure> {
    match command {
        MailCommand::List => {
            let operator = open(source).await?;
            for letter in operator.list_dead_letters().await.map_err(Failure::new)? {
                let DeadLetter { id, kind, recipient, dead_at, failure, .. } = &letter;
                output.record(&to_json(&letter), &format!("{id} {dead_at} {kind} {recipient} {failure}"))?;
            }
            Ok(())
        }
        MailCommand::Retry { id, all: _ } => {
            let operator = open_to_write(source).await?;
            retry(&operator, id.map(MailId)).await
        }
    }
}

/// Tries one letter again, or all.
async fn retry(operator: &Operator, id: Option<MailId>) -> Result<(), Failure> {
    let now = Timestamp::now();
    let Some(id) = id else {
        let retried = operator.retry_all_mail(now).await.map_err(Failure::new)?;
        stderr::say(format_args!("letters that are tried again: {retried}"));
        return Ok(());
    };
    if operator.retry_mail(id, now).await.map_err(Failure::new)? {
        stderr::say("the letter is tried again");
        return Ok(());
    }
    Err(Failure::new(
        "there is no dead letter with this id whose link still works; `frontdesk mail list` lists those that are dead, and whoever waits for one asks for another",
    ))
}

fn to_json(letter: &DeadLetter) -> Json {
    let DeadLetter { id, kind, recipient, created_at, attempts, failure, dead_at } = letter;
    json!({
        "id": id.0, "kind": kind, "recipient": recipient, "created_at": created_at, "attempts": attempts,
        "failure": failure, "dead_at": dead_at,
    })
}
