//! The master keys that the database knows, what is sealed under them, and the sessions
//! whose refresh tokens may be of one.

use jiff::{SignedDuration, Timestamp};
use pg::{Columns, Fault};
use uuid::Uuid;

use super::change::Change;
use super::database::{Store, lost_row};
use crate::domain::master_key::KnownMasterKey;
use crate::domain::signing_key::KeyState;

/// How long it is remembered which list a process had that was killed.
const LISTS_ARE_KEPT: SignedDuration = SignedDuration::from_hours(24);

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
    /// A process has a list of keys.
    PutMasterKeyList<'a> = "put_master_key_list" (
        process: Uuid, listed: Vec<&'a str>, at: Timestamp, forgotten_before: Timestamp
    );
    /// It still does.
    RepeatMasterKeyList = "repeat_master_key_list" (process: Uuid, at: Timestamp);
    /// A process has ended.
    DeleteMasterKeyList = "delete_master_key_list" (process: Uuid);
    /// The lists that processes said lately that they have.
    ListMasterKeyLists = "list_master_key_lists" (since: Timestamp);
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

    /// A process still has the list that it said it has; whether it is known to have one.
    pub async fn repeat_master_key_list(&self, process: Uuid, at: Timestamp) -> Result<bool, Fault> {
        Ok(!self.run(&RepeatMasterKeyList { process, at }).await?.is_empty())
    }

    /// A process has ended.
    pub async fn delete_master_key_list(&self, process: Uuid) -> Result<(), Fault> {
        self.run(&DeleteMasterKeyList { process }).await.map(drop)
    }

    /// A process has this list of keys.
    pub async fn put_master_key_list(
        &self,
        process: Uuid,
        listed: &[String],
        at: Timestamp,
    ) -> Result<(), Fault> {
        self.run(&put_list(process, listed, at)).await.map(drop)
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

    /// A process has this list of keys.
    pub async fn put_master_key_list(&self, process: Uuid, listed: &[String]) -> Result<(), Fault> {
        self.query(&put_list(process, listed, self.at())).await.map(drop)
    }

    /// The lists of the processes that said since a time that they have one, and when.
    pub async fn list_master_key_lists(
        &self,
        since: Timestamp,
    ) -> Result<Vec<(Vec<String>, Timestamp)>, Fault> {
        Columns::all(&self.query(&ListMasterKeyLists { since }).await?, |row| {
            Ok((row.next("listed")?, row.next("said_at")?))
        })
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

fn put_list(process: Uuid, listed: &[String], at: Timestamp) -> PutMasterKeyList<'_> {
    let forgotten_before = at - LISTS_ARE_KEPT;
    PutMasterKeyList { process, listed: listed.iter().map(String::as_str).collect(), at, forgotten_before }
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
