//! What an operator should know of identity's part of a database: whether the
//! key that signs tokens can be opened.

use boot::{Check, Finding};

use jiff::Timestamp;
use seal::MasterKey;

use crate::operator::Operator;
use crate::{Error, FRONTDESK_MASTER_KEY, ROLE};

/// The check of the signing key.
pub fn signing_key(url: String, master_key: String, now: Timestamp) -> Check {
    Check::new("signing key", async move {
        let master_key = match MasterKey::from_text(&master_key) {
            Ok(master_key) => master_key,
            Err(error) => {
                let found = format!("{}: {error}", FRONTDESK_MASTER_KEY.name);
                return Finding::bad(found, "make one: `openssl rand -base64 32`");
            }
        };
        let operator = match open(url) {
            Ok(operator) => operator,
            Err(cause) => return Finding::bad(cause, "see the checks of the database"),
        };
        match operator.signing_key_opens(&master_key, now).await {
            Ok(Some(true)) => Finding::good("the active key opens with the master key"),
            Ok(Some(false)) => Finding::bad(
                "the active key does not open with this master key",
                "set the master key that identity first started with, or rotate: `frontdesk keys rotate --now`",
            ),
            Ok(None) => Finding::odd("there is none yet", "start `frontdesk identity` once; it makes one"),
            Err(Error::Database(fault)) => {
                Finding::bad(fault.advice().what, "see the checks of the database and of the roles")
            }
            Err(error) => Finding::bad(error.to_string(), "see the checks of the database"),
        }
    })
}

fn open(url: String) -> Result<Operator, String> {
    let database = pg::Config { url, pool_size: 1 }.open(ROLE, "frontdesk-doctor")?;
    Operator::new(&database).map_err(|error| error.to_string())
}
