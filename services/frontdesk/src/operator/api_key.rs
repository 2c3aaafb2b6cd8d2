//! `frontdesk api-key`: the keys of tenants.

use clap::Subcommand;
use identity::operator::{ApiKey, ApiKeyId, NewApiKey, WithSecret};
use jiff::Timestamp;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::output::{Output, say_created};
use super::{open, open_to_write};
use crate::settings::Source;
use crate::{Failure, stderr};

#[derive(Debug, Subcommand)]
pub enum ApiKeyCommand {
    /// Creates a key and prints its secret once; a live key with this name stays
    /// as it is, and its secret cannot be shown again.
    Create {
        /// Short name or id of the tenant.
        tenant: String,
        /// Name of the key.
        #[arg(long)]
        name: String,
        /// A scope that the key grants by itself; repeatable.
        #[arg(long = "scope")]
        scopes: Vec<String>,
        /// An address or network from which the key is taken; repeatable, else anywhere.
        #[arg(long = "allow-address")]
        allowed_addresses: Vec<String>,
    },
    /// Lists keys.
    List {
        /// Short name or id of the tenant.
        tenant: String,
    },
    /// Gives a key a new secret and prints it once.
    Rotate {
        /// Short name or id of the tenant.
        tenant: String,
        /// Id of the key.
        id: Uuid,
        /// Seconds for which the old secret goes on working.
        #[arg(long, default_value_t = 0)]
        overlap_seconds: i32,
    },
    /// Ends a key.
    Revoke {
        /// Short name or id of the tenant.
        tenant: String,
        /// Id of the key.
        id: Uuid,
    },
}

pub async fn run(source: &Source, command: ApiKeyCommand, output: Output) -> Result<(), Failure> {
    let operator = match command {
        ApiKeyCommand::List { .. } => open(source).await?,
        _ => open_to_write(source).await?,
    };
    match command {
        ApiKeyCommand::Create { tenant, name, scopes, allowed_addresses } => {
            let tenant = operator.tenant(&tenant).await.map_err(Failure::new)?.id;
            let wanted = NewApiKey { name, scopes, expires_at: None, allowed_addresses };
            let id = ApiKeyId(Uuid::now_v7());
            let ensured = operator.ensure_api_key(tenant, id, wanted, Timestamp::now()).await;
            let (key, secret) = ensured.map_err(Failure::new)?;
            say_created(secret.is_some(), "key");
            if secret.is_none() {
                stderr::say("its secret cannot be shown again; `frontdesk api-key rotate` makes a new one");
            }
            print_secret(&output, &key, secret)
        }
        ApiKeyCommand::List { tenant } => {
            let tenant = operator.tenant(&tenant).await.map_err(Failure::new)?.id;
            for key in operator.list_api_keys(tenant).await.map_err(Failure::new)? {
                let state = if key.revoked_at.is_some() { "revoked" } else { "live" };
                let by = key.created_by.map_or_else(|| "an operator command".to_owned(), |id| id.to_string());
                output.record(&to_json(&key), &format!("{} {state} {} by {by}", key.id, key.name))?;
            }
            Ok(())
        }
        ApiKeyCommand::Rotate { tenant, id, overlap_seconds } => {
            let tenant = operator.tenant(&tenant).await.map_err(Failure::new)?.id;
            let rotated = operator.rotate_api_key(tenant, ApiKeyId(id), overlap_seconds).await;
            let WithSecret { key, secret } = rotated.map_err(Failure::new)?;
            print_secret(&output, &key, Some(secret))
        }
        ApiKeyCommand::Revoke { tenant, id } => {
            let tenant = operator.tenant(&tenant).await.map_err(Failure::new)?.id;
            operator.revoke_api_key(tenant, ApiKeyId(id)).await.map_err(Failure::new)?;
            stderr::say("the key is revoked");
            Ok(())
        }
    }
}

fn print_secret(output: &Output, key: &ApiKey, secret: Option<String>) -> Result<(), Failure> {
    let text = secret.clone().unwrap_or_else(|| key.id.to_string());
    let mut json = to_json(key);
    json["secret"] = secret.into();
    output.record(&json, &text)
}

pub(super) fn to_json(key: &ApiKey) -> Json {
    let ApiKey {
        id,
        name,
        scopes,
        created_at,
        expires_at,
        revoked_at,
        last_used_at,
        previous_expires_at,
        created_by,
        created_by_key,
        allowed_addresses,
        client_key_ids,
    } = key;
    json!({
        "id": id.0, "name": name, "scopes": scopes, "created_at": created_at, "expires_at": expires_at,
        "revoked_at": revoked_at, "last_used_at": last_used_at, "previous_secret_expires_at": previous_expires_at,
        "created_by": created_by.map(|id| id.0), "created_by_api_key_id": created_by_key.map(|id| id.0),
        "allowed_addresses": allowed_addresses, "client_key_ids": client_key_ids,
    })
}
