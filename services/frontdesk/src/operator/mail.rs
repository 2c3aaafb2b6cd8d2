//! `frontdesk mail`: letters that nobody tries to deliver any more.

use clap::Subcommand;
use identity::operator::{DeadLetter, MailId};
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
    /// Tries a letter again, for three days at most.
    Retry {
        /// Its id, as `mail list` shows it.
        id: Uuid,
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
        MailCommand::Retry { id } => {
            let operator = open_to_write(source).await?;
            operator.retry_mail(MailId(id), Timestamp::now()).await.map_err(Failure::new)?;
            stderr::say("the letter is tried again");
            Ok(())
        }
    }
}

fn to_json(letter: &DeadLetter) -> Json {
    let DeadLetter { id, kind, recipient, created_at, attempts, failure, dead_at } = letter;
    json!({
        "id": id.0, "kind": kind, "recipient": recipient, "created_at": created_at, "attempts": attempts,
        "failure": failure, "dead_at": dead_at,
    })
}
