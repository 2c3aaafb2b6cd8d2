//! `frontdesk master-key`: the key that everything is sealed with.

use clap::Subcommand;
use identity::operator::{MasterKeyReport, MasterKeyState};
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::open_at;
use super::output::Output;
use super::signing_key::read_rotate;
use crate::settings::Source;
use crate::{Failure, stderr};

#[derive(Debug, Subcommand)]
pub enum MasterKeyCommand {
    /// Lets the first key of `FRONTDESK_MASTER_KEY` seal, seals everything anew with it, and
    /// says what is left of the others. Running it again does what is left.
    Rotate {
        /// The key that sealed until now is lost: what it sealed is given up. Signing keys are
        /// replaced, and everybody signs in again.
        #[arg(long)]
        old_key_is_lost: bool,
    },
    /// Compares `FRONTDESK_MASTER_KEY` with the database, and says what is of which key and
    /// when one may leave the list. Writes nothing.
    Check,
}

pub async fn run(source: &Source, command: MasterKeyCommand, output: Output) -> Result<(), Failure> {
    let (url, master_key) = source.read(read_rotate)?;
    let (operator, now) = (open_at(url).await?, Timestamp::now());
    match command {
        MasterKeyCommand::Rotate { old_key_is_lost } => {
            let rotated = operator.rotate_master_key(&master_key, old_key_is_lost, now).await;
            let report = rotated.map_err(Failure::new)?;
            stderr::say(format_args!("{} values were sealed anew", report.resealed));
            print(&report, &output)
        }
        MasterKeyCommand::Check => {
            let report = operator.report_master_keys(&master_key, now).await.map_err(Failure::new)?;
            print(&report, &output)?;
            operator.compare_master_key(&master_key, now).await.map_err(Failure::new)
        }
    }
}

fn print(report: &MasterKeyReport, output: &Output) -> Result<(), Failure> {
    let MasterKeyReport { keys, lost, resealed: _ } = report;
    for key in keys {
        let needed = key.needed();
        let text = match (&needed, key.listed) {
            (Some(why), true) => format!("{} stays in the list: {why}", key.id),
            (None, true) => format!("{} may leave the list: nothing is of it any more", key.id),
            (Some(why), false) => format!("{} is not in the list: {why}", key.id),
            (None, false) => format!("{} is not in the list any more", key.id),
        };
        output.record(&to_json(key, needed), &text)?;
    }
    if *lost > 0 {
        stderr::say(format_args!("{lost} values are sealed with a key that is not in the list"));
    }
    Ok(())
}

fn to_json(key: &MasterKeyState, needed: Option<String>) -> Json {
    let MasterKeyState { id, part, listed, sealed, used_at, in_use, sessions, sessions_end_at } = key;
    json!({
        "id": id, "part": part.word(), "listed": listed, "sealed_values": sealed, "used_at": used_at,
        "in_use": in_use, "sessions": sessions, "sessions_end_at": sessions_end_at, "may_go": needed.is_none(),
        "needed_because": needed,
    })
}
