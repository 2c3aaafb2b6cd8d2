//! Signing keys. Their private parts arrive and leave sealed.

use jiff::Timestamp;
use pg::{Columns, Fault};

use super::change::Change;
use super::database::Store;
use crate::domain::signing_key::{KeyState, SigningKey};

/// What [`signing_key`] reads.
pub(super) const COLUMNS: &str =
    "kid, state, public_x, public_y, private_key_sealed, created_at, activated_at, retired_at";

pg::statements! {
    /// The published keys.
    ListSigningKeys = "list_signing_keys" (retired_after: Timestamp);
    /// Stores a key, unless it is an active one and there is one already.
    InsertSigningKey<'a> = "insert_signing_key" (
        kid: &'a str, state: &'a str, x: &'a str, y: &'a str, sealed: &'a [u8], created_at: Timestamp,
        activated_at: Option<Timestamp>
    );
    /// The keys that are not retired, locked.
    LockSigningKeys<'a> = "lock_signing_keys" (retired: &'a str);
    /// Lets the active key sign no more.
    RetireActiveSigningKey<'a> = "retire_active_signing_key" (active: &'a str, retired: &'a str, at: Timestamp);
    /// Ends the trust in a key.
    RevokeSigningKey<'a> = "revoke_signing_key" (
        kid: &'a str, retired: &'a str, long_ago: Timestamp, at: Timestamp
    );
    /// Lets a key sign.
    ActivateSigningKey<'a> = "activate_signing_key" (kid: &'a str, active: &'a str, at: Timestamp);
}

impl Store {
    /// The keys that are not retired, and those retired after `retired_after`.
    pub async fn list_signing_keys(&self, retired_after: Timestamp) -> Result<Vec<SigningKey>, Fault> {
        Columns::all(&self.run(&ListSigningKeys { retired_after }).await?, signing_key)
    }
}

impl Change {
    /// Stores a key, unless it is an active one and there is one already.
    pub async fn insert_signing_key(&self, key: &SigningKey) -> Result<(), Fault> {
        let SigningKey { kid, state, x, y, sealed, created_at, activated_at, retired_at: _ } = key;
        let insert = InsertSigningKey {
            kid,
            state: state.word(),
            x,
            y,
            sealed,
            created_at: *created_at,
            activated_at: *activated_at,
        };
        self.query(&insert).await.map(drop)
    }

    pub async fn lock_signing_keys(&self) -> Result<Vec<SigningKey>, Fault> {
        let retired = KeyState::Retired.word();
        Columns::all(&self.query(&LockSigningKeys { retired }).await?, signing_key)
    }

    pub async fn retire_active_signing_key(&self) -> Result<(), Fault> {
        let (active, retired) = (KeyState::Active.word(), KeyState::Retired.word());
        self.query(&RetireActiveSigningKey { active, retired, at: self.at() }).await.map(drop)
    }

    /// Ends the trust in a key; whether there was one to end.
    pub async fn revoke_signing_key(&self, kid: &str) -> Result<bool, Fault> {
        let retired = KeyState::Retired.word();
        // A version that knows no revoked keys publishes those that were retired lately.
        let long_ago = Timestamp::UNIX_EPOCH;
        let revoke = RevokeSigningKey { kid, retired, long_ago, at: self.at() };
        Ok(!self.query(&revoke).await?.is_empty())
    }

    pub async fn activate_signing_key(&self, kid: &str) -> Result<(), Fault> {
        let active = KeyState::Active.word();
        self.query(&ActivateSigningKey { kid, active, at: self.at() }).await.map(drop)
    }
}

fn signing_key(row: &mut Columns<'_>) -> Result<SigningKey, Fault> {
    Ok(SigningKey {
        kid: row.next("kid")?,
        state: row.word("state", KeyState::from_word)?,
        x: row.next("public_x")?,
        y: row.next("public_y")?,
        sealed: row.next("private_key_sealed")?,
        created_at: row.next("created_at")?,
        activated_at: row.next("activated_at")?,
        retired_at: row.next("retired_at")?,
    })
}
