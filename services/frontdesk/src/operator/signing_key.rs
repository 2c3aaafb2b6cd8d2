//! `frontdesk keys`: the keys that sign tokens.

use boot::Settings;
use clap::Subcommand;
use identity::MasterKey;
use identity::operator::{Revoked, Rotated, SigningKey};
use jiff::Timestamp;
use serde_json::json;

use super::open_at;
use super::output::Output;
use crate::settings::Source;
use crate::{Failure, stderr};

#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Lists the signing keys that are published.
    List,
    /// Takes the next step of a rotation: publishes a new key, or, when that has
    /// been public for ten minutes, lets it sign.
    Rotate {
        /// Lets the new key sign at once. What the key before has signed is still believed;
        /// `keys revoke` ends that.
        #[arg(long)]
        now: bool,
    },
    /// Ends the trust in a key at once and everywhere; for one that has leaked. What it has
    /// signed is refused, so its users refresh their tokens.
    Revoke {
        /// Its id, as `keys list` shows it.
        kid: String,
    },
}

/// The database and the master key.
pub fn read_rotate(settings: &mut Settings) -> Option<(String, MasterKey)> {
    let url = pg::read_url(settings);
    let master_key = identity::read_master_key(settings);
    Some((url?, master_key?))
}

pub async fn run(source: &Source, command: KeysCommand, output: Output) -> Result<(), Failure> {
    match command {
        KeysCommand::List => list(source, &output).await,
        KeysCommand::Rotate { now } => {
            let (url, master_key) = source.read(read_rotate)?;
            let rotated =
                open_at(url).await?.rotate_signing_key(&master_key, now).await.map_err(Failure::new)?;
            let (kid, step, usable_at) = match rotated {
                Rotated::Published { kid, usable_at } => (kid, "published", Some(usable_at)),
                Rotated::TooEarly { kid, usable_at } => (kid, "too_early", Some(usable_at)),
                Rotated::Activated { kid } => (kid, "activated", None),
            };
            if let Some(at) = usable_at {
                stderr::say(format_args!(
                    "the key is public; run this again after {at} to let it sign, or leave that to the schedule"
                ));
            }
            if step == "activated" {
                stderr::say(
                    "what the key before has signed is believed until it expires; if that key has leaked, end the trust in it: frontdesk keys revoke KID",
                );
            }
            let json = json!({"kid": kid, "step": step, "usable_at": usable_at});
            output.record(&json, &format!("{kid} {step}"))
        }
        KeysCommand::Revoke { kid } => {
            let (url, master_key) = source.read(read_rotate)?;
            let revoked = open_at(url).await?.revoke_signing_key(&master_key, &kid).await;
            let Revoked { kid, signs } = revoked.map_err(Failure::new)?;
            if let Some(signs) = &signs {
                stderr::say(format_args!("{signs} signs from now on"));
            }
            let json = json!({"kid": kid, "step": "revoked", "signs": signs});
            output.record(&json, &format!("{kid} revoked"))
        }
    }
}

async fn list(source: &Source, output: &Output) -> Result<(), Failure> {
    let keys = open_at(source.read(pg::read_url)?)
        .await?
        .list_signing_keys(Timestamp::now())
        .await
        .map_err(Failure::new)?;
    if keys.is_empty() {
        stderr::say("there is no signing key yet; identity makes one at its first start");
    }
    for key in keys {
        let SigningKey { kid, state, created_at, activated_at, retired_at, .. } = key;
        let state = state.word();
        let json = json!({
            "kid": kid, "state": state, "created_at": created_at,
            "activated_at": activated_at, "retired_at": retired_at,
        });
        let since = retired_at.or(activated_at).unwrap_or(created_at);
        output.record(&json, &format!("{kid} {state} since {since}"))?;
    }
    Ok(())
}
