//! The master keys that the database knows, what is sealed under them, and the sessions
//! whose refresh tokens may be of one.

use jiff::Timestamp;
use pg::{Columns, Fault};

use super::change::Change;
use super::database::{Store, lost_row};
use crate::domain::master_key::KnownMasterKey;
use crate::domain::signing_key::KeyState;

pg::statements! {
    /// The keys, oldest first.
    ListMasterKeys = "list_master_keys" ();
    /// The keys, which nobody replaces meanwhile.
    ShareMasterKeys = "share_master_keys" ();
    /// The keys, to replace one.
    LockMasterKeys = "lock_master_keys" ();
    /// The first key of a database, unless it has one.
    InsertOriginalMasterKey<'a> = "insert_original_master_key" (
        id: &'a str, code: &'a [u8], rotated_at: Timestamp
    );
    /// The key that seals from now on.
    PutMasterKey<'a> = "put_master_key" (id: &'a str, code: &'a [u8], rotated_at: Timestamp);
    /// A process makes codes with a key.
    UseMasterKey<'a> = "use_master_key" (id: &'a str, at: Timestamp);
    /// Keys that are in no list any more.
    DropMasterKeys<'a> = "drop_master_keys" (listed: Vec<&'a str>, at: Timestamp);
    /// Some signing keys, locked.
    LockSealedKeys<'a> = "lock_sealed_keys" (retired: &'a str, after: &'a str, most: i64);
    /// Some signing keys.
    ListSealedKeys<'a> = "list_sealed_keys" (retired: &'a str, after: &'a str, most: i64);
    /// Stores a signing key sealed anew.
    ResealSigningKey<'a> = "reseal_signing_key" (kid: &'a str, sealed: &'a [u8]);
    /// Live sessions whose refresh token was made before a time.
    CountSessionsOfBefore = "count_sessions_of_before" (before: Timestamp, now: Timestamp);
}

/// A sealed value.
#[derive(Debug)]
pub struct Sealed {
    /// The name that it is sealed under.
    pub name: String,
    /// Sealed.
    pub value: Vec<u8>,
    /// Whether somebody will open it.
    pub is_needed: bool,
}

impl Store {
    pub async fn list_master_keys(&self) -> Result<Vec<KnownMasterKey>, Fault> {
        Columns::all(&self.run(&ListMasterKeys {}).await?, known)
    }

    pub async fn use_master_key(&self, id: &str, at: Timestamp) -> Result<(), Fault> {
        self.run(&UseMasterKey { id, at }).await.map(drop)
    }

    /// Signing keys after one, at most so many.
    pub async fn list_sealed_keys(&self, after: &str, most: i64) -> Result<Vec<Sealed>, Fault> {
        Columns::all(
            &self.run(&ListSealedKeys { retired: KeyState::Retired.word(), after, most }).await?,
            sealed,
        )
    }

    /// How many live sessions have a refresh token from before a time, and when the last of
    /// them is over.
    pub async fn count_sessions_of_before(
        &self,
        before: Timestamp,
        now: Timestamp,
    ) -> Result<(i64, Option<Timestamp>), Fault> {
        let rows = self.run(&CountSessionsOfBefore { before, now }).await?;
        let counted = Columns::first(&rows, |row| Ok((row.next("sessions")?, row.next("end_at")?)))?;
        counted.ok_or_else(|| lost_row("a count of sessions"))
    }
}

impl Change {
    pub async fn share_master_keys(&self) -> Result<Vec<KnownMasterKey>, Fault> {
        Columns::all(&self.query(&ShareMasterKeys {}).await?, known)
    }

    pub async fn lock_master_keys(&self) -> Result<Vec<KnownMasterKey>, Fault> {
        Columns::all(&self.query(&LockMasterKeys {}).await?, known)
    }

    /// Stores the first key of a database, unless another process has done it.
    pub async fn insert_original_master_key(
        &self,
        id: &str,
        code: &[u8],
        rotated_at: Timestamp,
    ) -> Result<(), Fault> {
        self.query(&InsertOriginalMasterKey { id, code, rotated_at }).await.map(drop)
    }

    pub async fn put_master_key(&self, id: &str, code: &[u8]) -> Result<(), Fault> {
        self.query(&PutMasterKey { id, code, rotated_at: self.at() }).await.map(drop)
    }

    pub async fn use_master_key(&self, id: &str) -> Result<(), Fault> {
        self.query(&UseMasterKey { id, at: self.at() }).await.map(drop)
    }

    pub async fn drop_master_keys(&self, listed: &[String]) -> Result<(), Fault> {
        let listed = listed.iter().map(String::as_str).collect();
        self.query(&DropMasterKeys { listed, at: self.at() }).await.map(drop)
    }

    pub async fn lock_sealed_keys(&self, after: &str, most: i64) -> Result<Vec<Sealed>, Fault> {
        Columns::all(
            &self.query(&LockSealedKeys { retired: KeyState::Retired.word(), after, most }).await?,
            sealed,
        )
    }

    pub async fn reseal_signing_key(&self, kid: &str, sealed: &[u8]) -> Result<(), Fault> {
        self.query(&ResealSigningKey { kid, sealed }).await.map(drop)
    }
}

fn known(row: &mut Columns<'_>) -> Result<KnownMasterKey, Fault> {
    Ok(KnownMasterKey {
        id: row.next("id")?,
        code: row.next("code")?,
        rotated_at: row.next("rotated_at")?,
        used_at: row.next("used_at")?,
        dropped_at: row.next("dropped_at")?,
    })
}

fn sealed(row: &mut Columns<'_>) -> Result<Sealed, Fault> {
    Ok(Sealed {
        name: row.next("kid")?,
        value: row.next("private_key_sealed")?,
        is_needed: row.next("is_needed")?,
    })
}
