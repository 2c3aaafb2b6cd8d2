//! What an operator should know of identity's part of a deployment: its schema,
//! whether the key that signs tokens can be opened, whether the keys of other
//! issuers can be had, and whether tenants are deleted in time.

use boot::{Check, Finding};
use jiff::{SignedDuration, Timestamp};
use pg::schema::{self, Own, Service};
use seal::{MasterKey, SealError};

use super::issuers::ForeignTokens;
use super::keyring::published;
use super::master_key::compare;
use crate::config::{FRONTDESK_MASTER_KEY, Policy, ROLE, TRUSTED_ISSUERS};
use crate::credential::signing_key::{KeySealer, SigningKeyError};
use crate::credential::trusted_issuers::TrustedIssuers;
use crate::domain::signing_key::KeyState;
use crate::error::Error;
use crate::store::schema::Lack;
use crate::store::{self, Overdue, Store};

/// How long the deletion of a tenant may take: it begins a day after its time is over.
const LATE: SignedDuration = SignedDuration::from_hours(48);
/// Tenants that a check names.
const MOST_NAMED: i64 = 10;
const SEE_DATABASE: &str = "see the checks of the database and of the roles";

/// What is known of a deployment: the texts of its settings.
#[derive(Debug)]
pub struct Deployment {
    /// `DATABASE_URL`.
    pub database: String,
    /// `FRONTDESK_MASTER_KEY`, if it is set.
    pub master_key: Option<String>,
    /// `TRUSTED_ISSUERS`, if it is set.
    pub trusted_issuers: Option<String>,
}

/// What identity looks at in a deployment; `service` says what its migrations make.
pub fn checks(deployment: Deployment, service: &'static Service, now: Timestamp) -> Vec<Check> {
    const MASTER: &str = "master key";
    const KEY: &str = "signing key";
    const ISSUERS: &str = "trusted issuers";
    const DELETED: &str = "deleted tenants";
    let Deployment { database, master_key, trusted_issuers } = deployment;
    let schema = schema::check("schema of identity", &database, service, lacks(database.clone()));
    let deleted = Check::new(DELETED, deleted_tenants(database.clone(), now));
    let master = match &master_key {
        Some(master_key) => Check::new(MASTER, master_key_fits(database.clone(), master_key.clone(), now)),
        None => Check::left_out(MASTER, FRONTDESK_MASTER_KEY.name),
    };
    let key = match master_key {
        Some(master_key) => Check::new(KEY, signing_key(database, master_key, now)),
        None => Check::left_out(KEY, FRONTDESK_MASTER_KEY.name),
    };
    let issuers = match trusted_issuers {
        Some(text) => Check::new(ISSUERS, issuers(text)),
        None => Check::left_out(ISSUERS, TRUSTED_ISSUERS.name),
    };
    vec![schema, master, key, issuers, deleted]
}

/// What statements need and the database lacks.
async fn lacks(url: String) -> Vec<Own> {
    let lacks = match open(url) {
        Ok(store) => store.lacks().await.map_err(|fault| fault.advice().what),
        Err(cause) => Err(cause),
    };
    let own = |lack: Lack| -> Vec<Own> {
        let undone = match lack {
            Lack::Object(_) => "have whoever altered it undo that",
            Lack::Right(_) => "`frontdesk doctor --repair --apply` gives it again",
        };
        let finding = Finding::bad(lack.sentence(), undone);
        lack.labels().into_iter().map(|of| Own { of, finding: finding.clone() }).collect()
    };
    match lacks {
        Ok(lacks) => lacks.into_iter().flat_map(own).collect(),
        Err(cause) => vec![Own { of: String::new(), finding: Finding::bad(cause, SEE_DATABASE) }],
    }
}

/// Tenants that are still there two days after the time from which on they are to be deleted.
async fn deleted_tenants(url: String, now: Timestamp) -> Finding {
    let found = match open(url) {
        Ok(store) => store.list_tenants_to_purge(now - LATE, Overdue::first(), MOST_NAMED).await,
        Err(cause) => return Finding::bad(cause, SEE_DATABASE),
    };
    match found {
        Ok(late) if late.is_empty() => Finding::good("none waits for longer than two days"),
        Ok(late) => {
            let late: Vec<String> = late.iter().map(|late| late.id.to_string()).collect();
            Finding::odd(
                format!("not deleted two days after the time that was set: {}", late.join(", ")),
                "identity deletes them while it runs, and its log says what keeps it: a tenant cannot be deleted yet",
            )
        }
        Err(fault) => Finding::bad(fault.advice().what, SEE_DATABASE),
    }
}

async fn master_key_fits(url: String, master_key: String, now: Timestamp) -> Finding {
    let master_key = match MasterKey::from_text(&master_key) {
        Ok(master_key) => master_key,
        Err(error) => return not_a_master_key(error),
    };
    let compared = match open(url) {
        Ok(store) => compare(&store, &master_key, now).await,
        Err(cause) => return Finding::bad(cause, SEE_DATABASE),
    };
    match compared {
        Ok(()) => Finding::good(format!("it is the database's; {} seals", master_key.id())),
        Err(Error::MasterKey(error)) => Finding::bad(
            error.to_string(),
            "set the master key that identity first started with; if it is lost, stop every identity: `frontdesk master-key rotate --old-key-is-lost`",
        ),
        Err(error) => Finding::bad(cause(error), SEE_DATABASE),
    }
}

fn not_a_master_key(error: SealError) -> Finding {
    let found = format!("{}: {error}", FRONTDESK_MASTER_KEY.name);
    Finding::bad(found, "make one: `openssl rand -base64 32`")
}

async fn signing_key(url: String, master_key: String, now: Timestamp) -> Finding {
    let sealer = match MasterKey::from_text(&master_key) {
        Ok(master_key) => KeySealer::of(&master_key),
        Err(error) => return not_a_master_key(error),
    };
    let keys = match open(url) {
        Ok(store) => published(&store, now).await.map_err(cause),
        Err(cause) => Err(cause),
    };
    let keys = match keys {
        Ok(keys) => keys,
        Err(cause) => return Finding::bad(cause, SEE_DATABASE),
    };
    let Some(active) = keys.iter().find(|key| key.state == KeyState::Active) else {
        return Finding::odd("there is none yet", "start `frontdesk identity` once; it makes one");
    };
    match sealer.open(active) {
        Ok(_) => Finding::good("the active key opens with the master key"),
        Err(SigningKeyError::NotOurs) => Finding::bad(
            "the active key does not open with this master key",
            "set the master key that identity first started with; if it is lost, stop every identity: `frontdesk master-key rotate --old-key-is-lost`",
        ),
        Err(error) => Finding::bad(error.to_string(), SEE_DATABASE),
    }
}

async fn issuers(text: String) -> Vec<Finding> {
    let fix = "correct TRUSTED_ISSUERS, or let this machine reach the address";
    let issuers: TrustedIssuers = match text.parse() {
        Ok(issuers) => issuers,
        Err(error) => return Finding::bad(format!("{error}"), fix).into(),
    };
    let tokens = match ForeignTokens::of(&issuers) {
        Ok(tokens) => tokens,
        Err(error) => return Finding::bad(format!("{error}"), fix).into(),
    };
    let found = tokens.usable_keys().await.into_iter().map(|(issuer, keys)| match keys {
        Ok(0) => Finding::bad(format!("{issuer} lists no key that can verify a token"), fix),
        Ok(keys) => Finding::good(format!("{issuer}: {keys} usable")),
        Err(cause) => Finding::bad(format!("the keys of {issuer} cannot be fetched: {cause}"), fix),
    });
    found.collect()
}

/// What kept the database from answering.
fn cause(error: Error) -> String {
    match error {
        Error::Database(fault) => fault.advice().what,
        error => error.to_string(),
    }
}

fn open(url: String) -> Result<Store, String> {
    let database = pg::Config { url, pool_size: 1 }.open(ROLE, "frontdesk-doctor")?;
    store::open(&database, Policy::default()).map_err(|error| error.to_string())
}
